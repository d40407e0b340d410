//! tinyODIN: one time-multiplexed core of 256 integrate-and-fire neurons between two four-phase AER links, clock
//! edge by clock edge. Compared with the RTL (ChFrenkel/tinyODIN @1865653) by `tests/golden_tinyodin.rs`.
//!
//! [`Chip`] is the chip: at every edge its parts see the values from before the edge (evaluate), then all
//! registers and memories change together (commit). [`Board`] puts a sender and a receiver at its links and runs
//! it, either plainly or with stretches of known outcome done at once; both give the same observations.
//!
//! Cycle k is the k-th rising clock edge, from 0; what is observed "at cycle k" is what that edge sees. Outside
//! parties move their pins in slot k, just before edge k.
//!
//! The configuration registers are set before a run and stay. The serial port that sets them (and loads the
//! memories) is not clocked here: a run begins with settled synchronisers and an empty scheduler.

mod aer;
mod board;
mod chip;
mod controller;
mod memory;
mod neuron;
mod scheduler;
mod watch;

#[cfg(test)]
mod tests;

pub use board::{Board, Sink, Source};
pub use chip::{Chip, Counts, Pins};
pub use controller::State;
pub use memory::Memories;
pub use neuron::Neuron;
pub use watch::{Handshake, Observed, Trace, Unwatched, Watch};

/// Neurons of the core, and events that an address can name.
pub const NEURONS: usize = 256;

/// Places of the scheduler's queue.
pub const SCHEDULER_DEPTH: usize = 128;

/// Configuration registers 1 to 3 (register 0 gates activity for programming and is 0 in a run).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Register 1, `OPEN_LOOP`: spikes of the neurons do not enter the scheduler.
    pub open_loop: bool,
    /// Register 2, `AER_SRC_CTRL_nNEUR`: the output link carries each neuron event that the controller has
    /// processed (whoever sent it) instead of the neurons' spikes.
    pub output_processed: bool,
    /// Register 3, `MAX_NEUR`: neurons 0 to this one are swept.
    pub last_neuron: u8,
}
