//! The places that clusters can take: the cores of a mesh, some of them blocked.

use crate::diag::{Problem, Result};

/// Most slots of a mesh, blocked ones too: some strategies keep tens of bytes for each.
pub const MOST_SLOTS: usize = 1 << 24;
/// Longest side: the orders of `order` count in 16 bits.
const MOST_SIDE: usize = u16::MAX as usize;

/// A rectangle of slots (cores), neighbours one hop apart. Slot `y * width + x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Slots from west to east.
    pub width: usize,
    /// Slots from north to south.
    pub height: usize,
    /// Whether each slot may be used.
    pub free: Vec<bool>,
    /// Slots of one chip in x and y, where the mesh goes on over the borders of chips; 0: one chip.
    pub chip: (usize, usize),
}

impl Mesh {
    /// A mesh whose slots are all free; `place` is what a problem is named after.
    ///
    /// # Errors
    /// `place/size` where a side is 0 or there would be too many slots.
    pub fn new(width: usize, height: usize, place: &str) -> Result<Self> {
        let sides = 1..=MOST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) || width * height > MOST_SLOTS {
            return Err(Problem::invalid("place/size", place, format!("a mesh of {width} x {height}"))
                .limit(format!("1 to {MOST_SIDE} a side, up to {MOST_SLOTS} slots, 4096 x 4096"))
                .help("the mesh needs a core a cluster, not more")
                .into());
        }
        Ok(Self::full(width, height))
    }

    /// As `new`, for sizes that are known to be right.
    pub(super) fn full(width: usize, height: usize) -> Self {
        Self { width, height, free: vec![true; width * height], chip: (0, 0) }
    }

    /// All slots, blocked ones too.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.free.len()
    }

    /// The slots that may be used, ascending.
    #[must_use]
    pub fn usable(&self) -> Vec<u32> {
        (0..self.slots() as u32).filter(|slot| self.free[*slot as usize]).collect()
    }

    /// Column and row of a slot.
    #[must_use]
    pub fn cell(&self, slot: u32) -> (usize, usize) {
        (slot as usize % self.width, slot as usize / self.width)
    }

    /// Position of a slot in hops.
    #[must_use]
    pub fn at(&self, slot: u32) -> (f32, f32) {
        let (x, y) = self.cell(slot);
        (x as f32, y as f32)
    }

    /// Hops between two slots.
    #[must_use]
    pub fn distance(&self, a: u32, b: u32) -> f64 {
        let ((ax, ay), (bx, by)) = (self.cell(a), self.cell(b));
        (ax.abs_diff(bx) + ay.abs_diff(by)) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked_before_memory_is_spent() {
        for (width, height) in [(0, 4), (4, 0), (65_536, 1), (65_535, 65_535), (4097, 4096), (usize::MAX, 2)] {
            let problems = Mesh::new(width, height, "file.dat").expect_err("too large");
            assert!(problems.to_string().starts_with("error[place/size]: file.dat: "), "{problems}");
        }
        assert_eq!(Mesh::new(65_535, 256, "").map(|mesh| mesh.slots()), Ok(65_535 * 256));
    }
}
