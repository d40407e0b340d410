//! `greedy`: every cluster beside what it talks to, in the order of the network.
//!
//! After the minimum-distance placement of TrueNorth's tools (J. Sawada et al., SC 2016) as the literature retells it:
//! clusters come in topological order, each takes the free slot with the least traffic times distance to those that
//! stand already. Deviation: the slots looked at are rings around the weighted median of its placed neighbours, and
//! the search ends where no slot farther out can be better. Where the time runs out, the rest comes row by row.

use super::{Flow, Mesh, Meter, Watch};

/// Slots of clusters placed one by one in the order of their numbers.
pub(super) fn greedy(flow: &Flow, mesh: &Mesh, watch: &dyn Watch) -> Vec<u32> {
    let n = flow.clusters();
    let mut taken: Vec<bool> = mesh.free.iter().map(|free| !free).collect();
    let mut slot: Vec<u32> = Vec::with_capacity(n);
    let mut meter = Meter::new(watch);
    for c in 0..n {
        let placed: Vec<(u32, f64)> =
            flow.of(c).iter().filter(|e| (e.0 as usize) < c).map(|&(to, w)| (slot[to as usize], w)).collect();
        let centre = if placed.is_empty() {
            slot.last().map_or((mesh.width / 2, mesh.height / 2), |last| mesh.cell(*last))
        } else {
            let column = |s: u32| mesh.cell(s).0;
            let row = |s: u32| mesh.cell(s).1;
            (median(&placed, column), median(&placed, row))
        };
        let Some(best) = nearest(mesh, &taken, centre, &placed, &mut meter) else { break };
        taken[best as usize] = true;
        slot.push(best);
        if (c + 1) % 4096 == 0 {
            watch.step(&format!("greedy     placed {:9} of {n:9}", c + 1));
        }
    }
    let missing = n - slot.len();
    slot.extend((0..mesh.slots() as u32).filter(|slot| !taken[*slot as usize]).take(missing));
    slot
}

/// Weighted median of a coordinate.
fn median(placed: &[(u32, f64)], of: impl Fn(u32) -> usize) -> usize {
    let mut list: Vec<(usize, f64)> = placed.iter().map(|&(slot, w)| (of(slot), w)).collect();
    list.sort_by_key(|entry| entry.0);
    let half: f64 = list.iter().map(|entry| entry.1).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let found = list.iter().find(|entry| {
        sum += entry.1;
        sum >= half
    });
    found.or(list.last()).map_or(0, |entry| entry.0)
}

/// The free slot of least cost, ring by ring. Cost is convex in both axes and least at the median, so a step outwards
/// never lowers the bound of a ring: one ring beyond the first hit that is dearer in all its slots ends the search.
/// `None` where the time ran out first.
fn nearest(
    mesh: &Mesh,
    taken: &[bool],
    centre: (usize, usize),
    placed: &[(u32, f64)],
    meter: &mut Meter<'_>,
) -> Option<u32> {
    let cost = |slot: u32| placed.iter().map(|&(to, w)| w * mesh.distance(slot, to)).sum::<f64>();
    let mut best: Option<(f64, u32)> = None;
    for ring in 0..=mesh.width + mesh.height {
        let mut cheapest = f64::INFINITY;
        for (x, y) in cells(mesh, centre, ring) {
            if meter.over(1 + placed.len()) {
                return None;
            }
            let slot = (y * mesh.width + x) as u32;
            let here = cost(slot);
            cheapest = cheapest.min(here);
            if !taken[slot as usize] && best.is_none_or(|(least, _)| here < least) {
                best = Some((here, slot));
            }
        }
        if best.is_some_and(|(least, _)| cheapest >= least) {
            break;
        }
    }
    best.map(|found| found.1)
}

/// Cells of the mesh at `ring` hops from `centre`.
fn cells(mesh: &Mesh, (x, y): (usize, usize), ring: usize) -> Vec<(usize, usize)> {
    let r = ring as i64;
    let (x, y) = (x as i64, y as i64);
    let around = (-r..=r).flat_map(|dx| {
        let dy = r - dx.abs();
        [(x + dx, y - dy), (x + dx, y + dy)].into_iter().take(if dy == 0 { 1 } else { 2 })
    });
    around
        .filter(|(x, y)| (0..mesh.width as i64).contains(x) && (0..mesh.height as i64).contains(y))
        .map(|(x, y)| (x as usize, y as usize))
        .collect()
}
