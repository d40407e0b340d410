//! The chip image: the waist of the house. The compiler writes it, the emulator runs it, neither sees the other.

mod check;
mod check_clocked;
mod clocked;
mod codec;
mod compressed;
mod fcore;
mod learning;
mod memory;
mod programs;
mod route;
mod rows;
mod soma;
mod stepped;
mod v1;

pub use check::{check, contents};
pub use clocked::{OutputBus, RancBody, RancNeuron, TinyOdinBody};
pub use codec::{HEADER_LENGTH, Header, VERSION, decode, encode, read};
pub use compressed::{Choice, Compressed, CompressedList, CompressedSource, CompressedUse, TargetRun};
pub use fcore::{ActivationImage, FcoreBody, FcoreFormat, ResetImage, SomaImage};
pub use learning::{FactorImage, LearnedSynapse, LearningGroup, Plasticity, TraceImage};
pub use memory::list_words;
pub use programs::{NamedValues, ProgramGroup, ProjectionInput};
pub use route::unreachable;
pub use rows::Rows;
pub use soma::{AdaptationImage, JoinImage, JoinKind, NoiseImage, NoisePlace};
pub use stepped::{HalfSynapse, SteppedBody, SteppedParameters};
pub use v1::{
    AxonOut, CompartmentConfig, CoreBody, CoreImage, Crossbar, CrossbarParameters, CubaCore, Destination, Image,
    InitialState, InputImage, ListKind, ListUse, NeuronCopy, OutputImage, Place, PopulationImage, Synapse,
    SynapseFormat, SynapseList,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// One Loihi-style core: two inputs, two compartments, the first drives the second.
    pub(super) fn small() -> Image {
        let format = SynapseFormat {
            kind: ListKind::Dense,
            weight_bits: 8,
            signed: true,
            weight_exponent: 0,
            index_bits: 0,
            delay_bits: 0,
            tag_bits: 0,
            fixed: 0,
            learns: false,
        };
        let synapse = |target, weight| Synapse { target, weight, delay: 0 };
        let core = CubaCore {
            configs: vec![CompartmentConfig {
                decay_u: 4095,
                decay_v: 0,
                threshold: Some(10),
                ..CompartmentConfig::PROGRAM
            }],
            config_of: vec![0, 0],
            initial: Vec::new(),
            joins: Vec::new(),
            formats: vec![format],
            lists: vec![
                SynapseList { format: 0, projection: 0, first: 0, count: 2 },
                SynapseList { format: 0, projection: 1, first: 2, count: 1 },
            ],
            synapses: vec![synapse(0, 12), synapse(1, -4), synapse(0, 20)],
            axon_offsets: vec![0, 1, 2],
            list_uses: vec![ListUse { list: 0, base: 0 }, ListUse { list: 1, base: 1 }],
            out_offsets: vec![0, 1, 1],
            axons_out: vec![AxonOut { core: 3, axon: 1, output: 0 }],
            learning: Vec::new(),
            programs: Vec::new(),
            compressed: Vec::new(),
        };
        let place = |neuron| Place { core: 3, neuron };
        let population = |name: &str, shape, places| PopulationImage {
            name: name.to_owned(),
            shape: vec![shape],
            places,
            copies: Vec::new(),
        };
        Image {
            network: "small".to_owned(),
            chip: "loihi".to_owned(),
            cores: vec![CoreImage { core: 3, body: CoreBody::Cuba(core) }],
            populations: vec![
                population("in", 1, Vec::new()),
                population("hidden", 1, vec![place(0)]),
                population("out", 1, vec![place(1)]),
            ],
            inputs: vec![InputImage {
                population: 0,
                offsets: vec![0, 1],
                targets: vec![Destination { core: 3, axon: 0, delay: 1 }],
            }],
            outputs: vec![OutputImage { name: "out".to_owned(), population: 2 }],
            depth: 2,
        }
    }
}
