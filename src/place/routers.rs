//! A mesh whose routers have several cores each: what a chip's cores are as slots.

use super::Mesh;

/// Slots in the order of core numbers: router by router, row by row from the north-west.
#[derive(Debug, Clone, PartialEq)]
pub struct Routers {
    /// Routers from west to east.
    pub width: usize,
    /// Routers from north to south.
    pub height: usize,
    /// Slots of each router, at least 1.
    pub local: usize,
    /// Whether each slot may be used.
    pub free: Vec<bool>,
    /// Routers of one chip in x and y, where the mesh goes on over the borders of chips; 0: one chip.
    pub chip: (usize, usize),
}

impl Routers {
    /// All slots free.
    #[must_use]
    pub fn new(width: u16, height: u16, local: u16) -> Self {
        let (width, height, local) = (usize::from(width), usize::from(height), usize::from(local.max(1)));
        Self { width, height, local, free: vec![true; width * height * local], chip: (0, 0) }
    }

    /// Column and row of a slot's router.
    #[must_use]
    pub fn cell(&self, slot: u32) -> (usize, usize) {
        let router = slot as usize / self.local;
        (router % self.width, router / self.width)
    }

    /// Links between two slots.
    #[must_use]
    pub fn hops(&self, a: u32, b: u32) -> usize {
        let ((ax, ay), (bx, by)) = (self.cell(a), self.cell(b));
        ax.abs_diff(bx) + ay.abs_diff(by)
    }

    /// The same slots as a plain mesh, on which strategies work that know one slot a cell: every router becomes a
    /// block of cells, as square as its number of slots allows. Also the slot of every cell.
    #[must_use]
    pub fn flattened(&self) -> (Mesh, Vec<u32>) {
        let high = (1..=self.local).filter(|h| self.local.is_multiple_of(*h) && h * h <= self.local).max().unwrap_or(1);
        let wide = self.local / high;
        let mut mesh = Mesh::full(self.width * wide, self.height * high);
        let slot = |cell: usize| {
            let (x, y) = (cell % mesh.width, cell / mesh.width);
            let router = y / high * self.width + x / wide;
            (router * self.local + y % high * wide + x % wide) as u32
        };
        let slots: Vec<u32> = (0..mesh.slots()).map(slot).collect();
        mesh.chip = (self.chip.0 * wide, self.chip.1 * high);
        mesh.free = slots.iter().map(|slot| self.free[*slot as usize]).collect();
        (mesh, slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_mesh_has_every_slot_once_beside_those_of_its_router() {
        for local in [1, 2, 3, 4, 6] {
            let mut routers = Routers::new(3, 2, local);
            routers.free[1] = false;
            let (mesh, slots) = routers.flattened();
            let mut sorted = slots.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..6 * u32::from(local)).collect::<Vec<_>>());
            assert_eq!(mesh.usable().len(), routers.free.len() - 1);
            for (cell, slot) in slots.iter().enumerate() {
                let (x, y) = mesh.cell(cell as u32);
                assert_eq!((x * 3 / mesh.width, y * 2 / mesh.height), routers.cell(*slot), "{local} {cell}");
            }
        }
    }
}
