//! Placement: clusters with traffic onto the slots of a mesh, by named strategies.

pub mod anneal;
mod bisection;
mod flow;
mod force;
pub mod formats;
mod greedy;
mod mesh;
mod multilevel;
pub mod order;
mod pso;
mod run;
mod spectral;
mod strategy;
pub mod tabu;

pub use flow::Flow;
pub use mesh::Mesh;
pub use run::{Placed, Task, assign, default_limit, place};
pub use strategy::{KNOWN, Known, Parameter, Strategy};

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

/// A watch whose lines nobody reads.
struct Quieter<'a>(&'a dyn Watch);

impl Watch for Quieter<'_> {
    fn gone(&self) -> f64 {
        self.0.gone()
    }
    fn step(&self, _: &str) {}
}

/// A part of another watch's time: from `from` to `to` of its whole.
struct Share<'a> {
    of: &'a dyn Watch,
    from: f64,
    to: f64,
}

impl Watch for Share<'_> {
    fn gone(&self) -> f64 {
        ((self.of.gone() - self.from) / (self.to - self.from)).max(0.0)
    }
    fn step(&self, line: &str) {
        self.of.step(line);
    }
}
