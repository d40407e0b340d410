//! Regions that clusters are bound to, and the repair that makes a placement obey them, moving as few as it must.

use super::Routers;
use super::anneal::EMPTY;
use crate::diag::{Problem, Result};

/// A rectangle of routers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First and last column.
    pub x: (usize, usize),
    /// First and last row.
    pub y: (usize, usize),
}

impl Region {
    /// Whether it holds a router.
    #[must_use]
    pub fn holds(&self, (x, y): (usize, usize)) -> bool {
        (self.x.0..=self.x.1).contains(&x) && (self.y.0..=self.y.1).contains(&y)
    }

    /// Links between the nearest routers of two regions.
    #[must_use]
    pub fn apart(&self, other: &Self) -> usize {
        let gap = |a: (usize, usize), b: (usize, usize)| a.0.saturating_sub(b.1).max(b.0.saturating_sub(a.1));
        gap(self.x, other.x) + gap(self.y, other.y)
    }

    /// What two regions share.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let x = (self.x.0.max(other.x.0), self.x.1.min(other.x.1));
        let y = (self.y.0.max(other.y.0), self.y.1.min(other.y.1));
        (x.0 <= x.1 && y.0 <= y.1).then_some(Self { x, y })
    }
}

/// Moves clusters to free slots of their regions. Clusters without a region give way; among those with one, augmenting
/// paths (H. Kuhn 1955) find slots for all where there are any.
///
/// # Errors
/// `place/region` where a region has too few free slots for the clusters that must stand in it.
pub fn repair(routers: &Routers, regions: &[Option<Region>], slot: &mut [u32]) -> Result<()> {
    let bound = |c: usize| regions.get(c).copied().flatten();
    let fits = |region: Region, slot: u32| routers.free[slot as usize] && region.holds(routers.cell(slot));
    let mut owner = vec![EMPTY; routers.free.len()];
    let mut place = vec![EMPTY; slot.len()];
    for c in 0..slot.len() {
        if bound(c).is_some_and(|region| fits(region, slot[c])) && owner[slot[c] as usize] == EMPTY {
            (place[c], owner[slot[c] as usize]) = (slot[c], c as u32);
        }
    }
    for c in 0..slot.len() {
        let Some(region) = bound(c) else { continue };
        let mut seen = vec![false; routers.free.len()];
        if place[c] == EMPTY && !augment(c, routers, regions, &mut owner, &mut place, &mut seen) {
            return Err(crowded(region, (0..routers.free.len() as u32).filter(|slot| fits(region, *slot)).count()));
        }
    }
    for (c, &stood) in slot.iter().enumerate() {
        if place[c] == EMPTY && routers.free[stood as usize] && owner[stood as usize] == EMPTY {
            (place[c], owner[stood as usize]) = (stood, c as u32);
        }
    }
    let mut spare = (0..routers.free.len() as u32).filter(|slot| routers.free[*slot as usize]);
    for (c, here) in place.iter_mut().enumerate() {
        if *here == EMPTY {
            let Some(next) = spare.find(|slot| owner[*slot as usize] == EMPTY) else {
                let what = format!("{} cores are in use", slot.len());
                let free = routers.free.iter().filter(|free| **free).count();
                let limit = format!("{free} cores that are neither blocked nor dead");
                return Err(Problem::misfit("place/fit", "", what).limit(limit).help("unblock some").into());
            };
            (*here, owner[next as usize]) = (next, c as u32);
        }
    }
    slot.copy_from_slice(&place);
    Ok(())
}

fn crowded(region: Region, room: usize) -> crate::diag::Problems {
    let ((x0, x1), (y0, y1)) = (region.x, region.y);
    let what = format!("more cores must stand in columns {x0} to {x1}, rows {y0} to {y1} than there are");
    Problem::misfit("place/region", "", what)
        .limit(format!("{room} cores there that are neither blocked nor dead"))
        .help("widen the region or unblock cores")
        .into()
}

fn augment(
    c: usize,
    routers: &Routers,
    regions: &[Option<Region>],
    owner: &mut [u32],
    place: &mut [u32],
    seen: &mut [bool],
) -> bool {
    let Some(region) = regions[c] else { return false };
    for y in region.y.0..=region.y.1.min(routers.height - 1) {
        for x in region.x.0..=region.x.1.min(routers.width - 1) {
            let first = (y * routers.width + x) * routers.local;
            for slot in first..first + routers.local {
                if !routers.free[slot] || std::mem::replace(&mut seen[slot], true) {
                    continue;
                }
                let other = owner[slot];
                if other == EMPTY || augment(other as usize, routers, regions, owner, place, seen) {
                    (owner[slot], place[c]) = (c as u32, slot as u32);
                    return true;
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_moved_into_their_regions_and_too_small_ones_refused() {
        let routers = Routers::new(3, 2, 1);
        let column = |x| Some(Region { x: (x, x), y: (0, 1) });
        let wide = Some(Region { x: (0, 1), y: (0, 1) });
        let regions = [wide, wide, column(0), column(0), None];
        let mut slot = [0, 3, 2, 5, 1];
        repair(&routers, &regions, &mut slot).expect("there is room");
        let mut sorted = slot;
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0] != pair[1]), "{slot:?}");
        for (c, region) in regions.iter().enumerate() {
            assert!(region.is_none_or(|region| region.holds(routers.cell(slot[c]))), "{c} {slot:?}");
        }
        let full = [column(0), column(0), column(0)];
        assert!(repair(&routers, &full, &mut [0, 1, 2]).expect_err("two rows").has("place/region"));
    }
}
