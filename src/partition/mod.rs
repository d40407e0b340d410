//! Partition: which neuron shares a core with which, apart from any chip or network format.
//!
//! A neuron's spikes travel once to every other core that holds a target, so traffic is the connectivity
//! `km1 = sum over nets of weight * (cores touched - 1)` with one net a neuron: pins are the source and its
//! targets, the weight is its spikes. [`partition`] runs a named strategy on a [`Hypergraph`] within [`Limits`];
//! [`measure`] judges what it found from the pins alone.

mod anneal;
mod bisect;
mod blocks;
mod coarsen;
mod compact;
mod eliminate;
mod exact;
mod fm;
pub mod formats;
mod greedy;
mod hypergraph;
mod label;
pub mod layers;
mod limits;
#[cfg(feature = "metis")]
mod metis;
mod multilevel;
mod run;
mod sequential;
pub mod snn;
mod state;
mod strategy;
#[cfg(test)]
mod tests;
pub mod tiling;

pub use hypergraph::{Builder, Hypergraph, NO_SOURCE, Net, Pin, Weight};
pub use limits::{Limits, Measures, Resources, measure, traffic};
pub use run::{Partition, Task, order, partition};
pub use strategy::{KNOWN, Known, Strategy};

use crate::watch::Watch;

/// Whether the time is over.
fn over(watch: &dyn Watch) -> bool {
    watch.gone() >= 1.0
}
