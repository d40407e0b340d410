//! Bodies of clocked designs: the words that their memories are loaded with, as numbers.

use bincode::{Decode, Encode};

use super::Image;

/// A RANC core: CSRAM and token controller memory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RancBody {
    /// Type of each axon: which weight it uses.
    pub axon_types: Vec<u8>,
    /// Connection bits, neuron-major: `ceil(axons / 64)` words a neuron, bit a is axon a.
    pub rows: Vec<u64>,
    /// Neurons in the order of evaluation.
    pub neurons: Vec<RancNeuron>,
}

/// The word of a RANC neuron but for its connections.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RancNeuron {
    /// Potential at the start.
    pub potential: i32,
    /// Potential after a spike (mode 0); negated, after falling below the negative threshold.
    pub reset_potential: i32,
    /// Weight of each axon type.
    pub weights: Vec<i32>,
    /// Added once a tick.
    pub leak: i32,
    /// Fires at or above.
    pub positive_threshold: i32,
    /// Is reset below.
    pub negative_threshold: i32,
    /// 0 to the reset potential, 1 by the threshold; any other to 0.
    pub reset_mode: u8,
    /// Target core, relative, positive to the east.
    pub dx: i32,
    /// Target core, relative, positive to the north (higher y).
    pub dy: i32,
    /// Target axon.
    pub axon: u16,
    /// Ticks after the next that the spike waits.
    pub delay: u16,
}

/// The output bus of a RANC grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct OutputBus {
    /// Its lines.
    pub lines: u16,
}

/// tinyODIN's memories.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct TinyOdinBody {
    /// One word a neuron: disable (bit 31), leak (30..24), threshold (23..12), membrane potential (11..0).
    pub neurons: Vec<u32>,
    /// Synapse (pre, post) is nibble `post % 8` of word `pre * 32 + post / 8`.
    pub synapses: Vec<u32>,
}

impl TinyOdinBody {
    /// Addresses of the input link.
    pub const ADDRESSES: usize = 1024;
}

impl Image {
    /// The chip's name without what stands behind it.
    #[must_use]
    pub fn chip_name(&self) -> &str {
        self.chip.split(';').next().unwrap_or_default()
    }

    /// Keys of the chip file with the values that this image has instead.
    pub fn chip_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.chip.split(';').skip(1).filter_map(|pair| pair.split_once('='))
    }
}
