//! Clock and audience of a search: what it asks and what it tells, whoever runs it.

/// The clock and the audience of a strategy. Only a clock that runs out makes results depend on the machine.
pub trait Watch: Sync {
    /// Share of the time limit that is gone, 0 to 1 and beyond.
    fn gone(&self) -> f64;
    /// One line an iteration, aligned.
    fn step(&self, line: &str);
}

/// No clock, no audience.
pub struct Quiet;

impl Watch for Quiet {
    fn gone(&self) -> f64 {
        0.0
    }
    fn step(&self, _: &str) {}
}

/// A part of another watch's time: from `from` to `to` of its whole.
pub struct Share<'a> {
    /// The whole.
    pub of: &'a dyn Watch,
    /// Where the part begins, as a share of the whole.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

impl Watch for Share<'_> {
    fn gone(&self) -> f64 {
        ((self.of.gone() - self.from) / (self.to - self.from)).max(0.0)
    }
    fn step(&self, line: &str) {
        self.of.step(line);
    }
}
