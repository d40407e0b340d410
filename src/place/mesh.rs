//! The places that clusters can take: the cores of a mesh, some of them blocked, several chips long.

/// A rectangle of routers with equally many slots (cores) each. Slot `(y * width + x) * local + k`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Routers from west to east.
    pub width: usize,
    /// Routers from north to south.
    pub height: usize,
    /// Slots a router.
    pub local: usize,
    /// Whether each slot may be used.
    pub free: Vec<bool>,
    /// Position of each column in hops; neighbours of one chip are 1 apart, over a chip's edge more.
    pub columns: Vec<f32>,
    /// Position of each row in hops.
    pub rows: Vec<f32>,
    /// Routers of one chip, (width, height).
    pub chip: (usize, usize),
}

impl Mesh {
    /// A mesh of one chip with one slot a router, all free.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self::with_local(width, height, 1)
    }

    /// A mesh of one chip with `local` slots a router, all free.
    #[must_use]
    pub fn with_local(width: usize, height: usize, local: usize) -> Self {
        let axis = |n: usize| (0..n).map(|k| k as f32).collect();
        Self {
            width,
            height,
            local,
            free: vec![true; width * height * local],
            columns: axis(width),
            rows: axis(height),
            chip: (width, height),
        }
    }

    /// The same cells as chips of `chip` routers, whose crossings cost `gamma` hops more.
    #[must_use]
    pub fn with_chips(mut self, chip: (usize, usize), gamma: f32) -> Self {
        let axis =
            |n: usize, size: usize| (0..n).map(|k| k as f32 + gamma * (k / size.max(1)) as f32).collect::<Vec<f32>>();
        self.columns = axis(self.width, chip.0);
        self.rows = axis(self.height, chip.1);
        self.chip = chip;
        self
    }

    /// All slots, blocked ones too.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.width * self.height * self.local
    }

    /// Slots that may be used.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.free.iter().filter(|free| **free).count()
    }

    /// Column and row of a slot's router.
    #[must_use]
    pub fn cell(&self, slot: u32) -> (usize, usize) {
        let router = slot as usize / self.local;
        (router % self.width, router / self.width)
    }

    /// Position of a slot in hops.
    #[must_use]
    pub fn at(&self, slot: u32) -> (f32, f32) {
        let (x, y) = self.cell(slot);
        (self.columns[x], self.rows[y])
    }

    /// Distance of two slots, chip crossings at their price.
    #[must_use]
    pub fn distance(&self, a: u32, b: u32) -> f64 {
        let ((ax, ay), (bx, by)) = (self.at(a), self.at(b));
        f64::from((ax - bx).abs()) + f64::from((ay - by).abs())
    }

    /// Hops between two slots.
    #[must_use]
    pub fn hops(&self, a: u32, b: u32) -> usize {
        let ((ax, ay), (bx, by)) = (self.cell(a), self.cell(b));
        ax.abs_diff(bx) + ay.abs_diff(by)
    }
}
