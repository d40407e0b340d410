//! The source network: populations of neurons and projections between them, with float parameters
//! ([`Graph`]) or with the integers of a chip ([`IntGraph`]).
//!
//! Time convention of both forms: a projection's delay `d` (ticks, 0 or more) is added to what a spike takes
//! anyway. On a chip a spike emitted in tick t is integrated in tick t + 1 + d. In the float reference a
//! feed-forward spike is integrated in tick t + d and one on a recurrent edge in tick t + 1 + d; a chip run of a
//! layered network is therefore the float run shifted by one tick a layer.

mod check;
mod compressed;
mod fcore;
mod float;
mod int;
mod json;
mod learning;
mod nir;
mod onnx;
mod outliers;
mod pattern;
mod profile;
mod program;
mod read;
mod soma;
mod stepped;

pub use check::check;
pub use compressed::Stochastic;
pub use fcore::{Activation, AnnSoma, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, SnnSoma};
pub use float::{Dynamics, Fire, FloatNeuron, Graph, NeuronKind, Profile, Reset, ResetTime, parameter};
pub use int::{CrossbarNeuron, CubaNeuron, IntGraph, IntNeuron, NegativeReset, SpikeReset};
pub use json::{json_schema, read_json, write_json};
pub use learning::{Learning, TraceShape};
pub use nir::read_nir;
pub use onnx::{Ann, AnnOptions, read_onnx};
pub(crate) use outliers::outliers;
pub use pattern::{Conv2d, Delays, Pattern, Pool2d, Projection};
pub use program::ProgramNeuron;
pub use read::{Import, ReadOptions, read};
pub use soma::{Adaptation, Join, JoinOp, NOISE_EXPONENTS, Noise, NoiseAt, Passed};
pub use stepped::SteppedNeuron;

use crate::ids::PopulationId;

/// A named population of neurons, or an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Population<N> {
    /// Unique name.
    pub name: String,
    /// Shape, slowest dimension first (channels, height, width); the flat index is row-major.
    pub shape: Vec<u32>,
    /// `None` for an input, whose spikes come from the stimulus.
    pub neuron: Option<N>,
}

impl<N> Population<N> {
    /// The number of neurons, the product of the shape.
    #[must_use]
    pub fn size(&self) -> usize {
        self.shape.iter().map(|&extent| extent as usize).product()
    }

    /// Whether it is an input.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.neuron.is_none()
    }
}

/// A population whose spikes (or membranes) are the network's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Name in reports.
    pub name: String,
    /// The population that is read.
    pub population: PopulationId,
}

/// A network in either form, as a reader returns it.
#[derive(Debug, Clone, PartialEq)]
pub enum Network {
    /// Float parameters, to be quantised.
    Float(Graph),
    /// Integers of a chip, taken as they are.
    Int(IntGraph),
}

impl Network {
    /// Name in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Float(graph) => &graph.name,
            Self::Int(graph) => &graph.name,
        }
    }
}
