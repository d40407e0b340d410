//! Placement: clusters with traffic onto the slots of a mesh, by named strategies.

mod anneal;
mod bisection;
mod flow;
mod force;
pub mod formats;
mod greedy;
mod limits;
mod mesh;
pub mod metrics;
mod multilevel;
mod objective;
pub mod order;
mod pso;
mod refine;
mod routers;
mod run;
mod spectral;
mod strategy;
pub mod tabu;
#[cfg(test)]
mod tests;

pub use anneal::cost;
pub use flow::Flow;
pub use limits::{Region, repair};
pub use mesh::{MOST_SLOTS, Mesh};
pub use objective::Objective;
pub use refine::{Prices, Refine, refine};
pub use routers::Routers;
pub use run::{Budget, Placed, Task, assign, default_limit, dense_limit, place};
pub use strategy::{KNOWN, Known, Strategy};

pub use crate::parameters::Parameter;
use crate::watch::Share;
pub use crate::watch::{Quiet, Watch};

/// A watch whose lines nobody reads.
struct Quieter<'a>(&'a dyn Watch);

impl Watch for Quieter<'_> {
    fn gone(&self) -> f64 {
        self.0.gone()
    }
    fn step(&self, _: &str) {}
}

/// Counts work and looks at the clock only after every so much of it, since a look is dearer than a step.
struct Meter<'a> {
    watch: &'a dyn Watch,
    left: usize,
    over: bool,
}

impl<'a> Meter<'a> {
    /// Work between two looks, in edges that are summed: about a millisecond.
    const LOOK: usize = 1 << 19;

    fn new(watch: &'a dyn Watch) -> Self {
        Self { watch, left: 0, over: false }
    }

    /// Whether the time is gone, `work` edges before the next question; once it is, it stays so.
    fn over(&mut self, work: usize) -> bool {
        if self.left > work {
            self.left -= work;
        } else if !self.over {
            self.left = Self::LOOK;
            self.over = self.watch.gone() >= 1.0;
        }
        self.over
    }
}
