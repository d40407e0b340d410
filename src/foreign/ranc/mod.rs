//! RANC's files: the simulator's JSON, the `.mem` memories of the hardware description, and stimuli by cycle.

mod json;
mod lower;
mod mem;
mod stimulus;

pub use json::read_ranc_json;
pub use mem::read_ranc_mem;
pub use stimulus::{RancCycles, RancPacket, read_ranc_cycles};

use crate::image::RancNeuron;

/// A grid as a file describes it.
#[derive(Debug, Clone, Default)]
struct Network {
    cores: Vec<Core>,
    /// Packets from outside, in the order of the file.
    packets: Vec<Packet>,
    /// Ticks of the stimulus.
    ticks: u32,
}

#[derive(Debug, Clone)]
struct Core {
    /// Where it is described.
    place: String,
    x: u32,
    y: u32,
    axon_types: Vec<u32>,
    neurons: Vec<Neuron>,
}

#[derive(Debug, Clone)]
struct Neuron {
    /// Axons that it listens to.
    axons: Vec<u32>,
    word: RancNeuron,
}

/// A packet from outside.
#[derive(Debug, Clone)]
struct Packet {
    /// Line of the file.
    line: u32,
    tick: u32,
    x: u32,
    y: u32,
    axon: u32,
    delay: u32,
}
