//! The emulator: function pass, then time pass, tick by tick.
//!
//! Entry: [`run`] shows a stimulus to a compiled image. [`Chip::tick`] is the chip's tick in architected order;
//! [`Program`] is what never changes during a run, [`Chip`] what does.

mod banks;
mod chip;
pub mod clocked;
pub mod counters;
mod fabric;
mod law;
mod learned;
mod meeting;
pub mod mesh;
mod neurocore;
pub mod probe;
mod program;
pub mod ranc;
mod readout;
mod run;
mod shard;
mod sync;
mod time;
pub mod tinyodin;
mod traffic;
pub mod watch;

#[cfg(test)]
mod tests;

pub use chip::Chip;
pub use learned::with_learned;
pub use probe::{CompartmentState, Traces};
pub use program::Program;
pub use readout::Readout;
pub use run::{MOST_THREADS, run, run_program, run_unloading};

/// How to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether the time pass runs. Off: same spikes and counts (save for what late packets change), no times.
    pub timing: bool,
    /// Worker threads, at least 1. Results do not depend on it.
    pub threads: usize,
    /// Whether the first modelled fault ends the run with an error.
    pub strict: bool,
    /// Whose spikes are kept.
    pub record: Record,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { timing: true, threads: 1, strict: false, record: Record::Outputs }
    }
}

/// Whose spikes [`counters::SampleResult::spikes`] keeps. Input populations have no neurons on the chip and
/// record nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Record {
    /// Nobody's: counts only.
    None,
    /// Those of the output populations.
    #[default]
    Outputs,
    /// Those of every population.
    All,
    /// Those of these populations (numbers in image order).
    Populations(Vec<u32>),
}

/// How a run is watched and stopped from outside.
pub trait Control: Sync {
    /// Asked before every tick; `true` ends the run after the tick in hand, with what there is.
    fn stop(&self) -> bool {
        false
    }

    /// Told after each sample, from whichever thread finished it.
    fn sample_done(&self, _done: usize, _total: usize) {}
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Control for Quiet {}
