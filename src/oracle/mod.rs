//! Straight-line golden models: no structure of arrays, no mesh, no bit tricks.

pub mod crossbar;
mod crossbar_neuron;
pub mod cuba;
mod difference;
pub mod fcore;
pub mod float;
pub mod learning;
mod programs;
pub mod stepped;

pub use difference::{Difference, Spikes};

/// What an integer oracle run gives: every population's spikes and final membranes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntRun {
    /// `spikes[population]` holds (tick, neuron), ascending; inputs are left empty.
    pub spikes: Vec<Vec<(u32, u32)>>,
    /// `membranes[population][neuron]` after the last tick (v, or V); inputs are left empty.
    pub membranes: Vec<Vec<i32>>,
}
