//! The network in the integers of a chip: what quantisation makes of a [`super::Graph`], or what a script
//! states exactly. Compiled images are verified against this form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Adaptation, FcoreNeuron, Join, Learning, Noise, Output, Population, ProgramNeuron, Projection, SteppedNeuron,
};

/// A network with chip-integer parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct IntGraph {
    /// Name in reports.
    pub name: String,
    /// Inputs and populations.
    pub populations: Vec<Population<IntNeuron>>,
    /// Synapses between them; effective weight `w * 2^exponent`.
    pub projections: Vec<Projection<i32>>,
    /// What is read.
    pub outputs: Vec<Output>,
    /// How projections learn; those that are not here do not.
    pub learning: Vec<Learning>,
}

impl IntGraph {
    /// The output of its source's program whose spikes go over a projection; 0 where the source runs none.
    #[must_use]
    pub fn output_of(&self, projection: &Projection<i32>) -> u8 {
        match self.populations.get(projection.source.index()).and_then(|source| source.neuron.as_ref()) {
            Some(IntNeuron::Program(program)) => program.output(&projection.name),
            _ => 0,
        }
    }
}

/// Integer neuron parameters of one population. Each vector has one value for all or one a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntNeuron {
    /// Loihi-style.
    Cuba(CubaNeuron),
    /// TrueNorth-style.
    Crossbar(CrossbarNeuron),
    /// A program of the neuron instruction set.
    Program(Box<ProgramNeuron>),
    /// Tianjic-style.
    Fcore(FcoreNeuron),
    /// In half precision, KA200.
    Stepped(SteppedNeuron),
}

/// Registers of a Loihi-style compartment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CubaNeuron {
    /// Current decay register, 0..=4095 (4095: no memory).
    pub decay_u: Vec<u16>,
    /// Membrane decay register, 0..=4095 (0: perfect integrator).
    pub decay_v: Vec<u16>,
    /// Threshold mantissa; fires when `v > mantissa << 6`. `None`: never fires (read-out).
    pub threshold: Option<Vec<u32>>,
    /// Bias mantissa.
    pub bias: Vec<i16>,
    /// Bias exponent; a negative one shifts the mantissa right (floor).
    pub bias_exponent: Vec<i8>,
    /// Refractory register: 1 is no silent tick, r is r - 1 ticks with v held at 0.
    pub refractory: Vec<u8>,
    /// u before the first tick.
    pub initial_u: Vec<i32>,
    /// v before the first tick.
    pub initial_v: Vec<i32>,
    /// How the threshold adapts; `None`: it stays.
    pub adaptation: Option<Adaptation>,
    /// Noise, where there is any.
    pub noise: Option<Noise>,
    /// Dendrites, joined in this order.
    pub joins: Vec<Join>,
}

impl Default for CubaNeuron {
    /// No memory of u, a perfect integrator that never fires, no bias, at rest.
    fn default() -> Self {
        Self {
            decay_u: vec![4095],
            decay_v: vec![0],
            threshold: None,
            bias: vec![0],
            bias_exponent: vec![0],
            refractory: vec![1],
            initial_u: vec![0],
            initial_v: vec![0],
            adaptation: None,
            noise: None,
            joins: Vec::new(),
        }
    }
}

/// What a spike does to V of a crossbar neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpikeReset {
    /// gamma 0: V becomes R.
    Value,
    /// gamma 1: V - alpha.
    Linear,
    /// gamma 2: V stays.
    None,
}

/// What V below -beta does in a crossbar neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NegativeReset {
    /// kappa 1: V saturates at -beta.
    Saturate,
    /// kappa 0: as the spike reset, mirrored.
    Mirror,
}

/// Parameters of a TrueNorth-style neuron before lowering to axon types (deterministic part). Weights live in
/// the projections; lowering slices them over the axon types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossbarNeuron {
    /// Leak added every tick, sigma*lambda.
    pub leak: Vec<i16>,
    /// Positive threshold alpha; fires when V >= alpha. `None`: never fires (read-out; alpha is set to its largest value).
    pub threshold: Option<Vec<u32>>,
    /// Negative threshold beta (magnitude).
    pub negative_threshold: Vec<u32>,
    /// Reset potential R (gamma 0); must be 0 or sigma*(2^k - 1).
    pub reset_value: Vec<i32>,
    /// V before the first tick.
    pub initial: Vec<i32>,
    /// Spike reset mode.
    pub spike_reset: SpikeReset,
    /// Negative reset mode.
    pub negative_reset: NegativeReset,
}
