//! RANC's files: the simulator's JSON, the `.mem` memories of the hardware description, and stimuli by cycle.

mod json;
mod lower;
mod mem;
mod stimulus;

pub use json::read_ranc_json;
pub(super) use json::root;
pub use mem::read_ranc_mem;
pub use stimulus::{RancCycles, RancPacket, read_ranc_cycles};

use crate::chip::{self, ChipSpec, LoadOptions};
use crate::diag::Result;
use crate::image::{Image, RancNeuron};
use crate::stimulus::Sample;

/// A network from a file of another tool, on the chip that it brings along.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The image; [`Image::chip`] has the values that the file replaces in the chip's.
    pub image: Image,
    /// The chip with these values.
    pub chip: ChipSpec,
    /// The stimulus that the file holds, where it does.
    pub stimulus: Option<Sample>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A grid as a file describes it.
#[derive(Debug, Clone, Default)]
struct Network {
    cores: Vec<Core>,
    /// (tick, x, y, axon, delay) of packets from outside.
    packets: Vec<(u32, u32, u32, u32, u32)>,
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

/// The chip with the file's values, and the user's before them.
fn chip_with(name: &str, options: &LoadOptions, values: &[(String, String)]) -> Result<(ChipSpec, String)> {
    let of_user = |(key, _): &&(String, String)| !options.set.iter().any(|(set, _)| set == key);
    let set: Vec<(String, String)> = values.iter().filter(of_user).chain(&options.set).cloned().collect();
    let text = set.iter().map(|(key, value)| format!(";{key}={value}")).collect::<String>();
    let chip = chip::load(name, &LoadOptions { set, ..options.clone() })?;
    let name = format!("{}{text}", chip.name);
    Ok((chip, name))
}
