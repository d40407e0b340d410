//! The network with float parameters, as frameworks export it, and the discrete-time profile under which its
//! neurons are to be read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IntGraph, IntNeuron, Output, Population, Projection};

/// A network with float parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Name in reports.
    pub name: String,
    /// Inputs and populations.
    pub populations: Vec<Population<FloatNeuron>>,
    /// Synapses between them.
    pub projections: Vec<Projection<f64>>,
    /// What is read.
    pub outputs: Vec<Output>,
    /// How continuous neurons become steps.
    pub profile: Profile,
}

impl Graph {
    /// The projections that end at a population, with their numbers.
    pub fn inbound(&self, population: usize) -> impl Iterator<Item = (usize, &Projection<f64>)> {
        self.projections.iter().enumerate().filter(move |(_, projection)| projection.target.index() == population)
    }

    /// The same network with these neurons, one a population (`None` for inputs), and these weights, those of a
    /// projection in its order, without exponents. Nothing learns.
    #[must_use]
    pub fn in_integers(&self, neurons: Vec<Option<IntNeuron>>, weights: Vec<Vec<i32>>) -> IntGraph {
        let populations = self.populations.iter().zip(neurons).map(|(population, neuron)| Population {
            name: population.name.clone(),
            shape: population.shape.clone(),
            neuron,
        });
        let projections = self.projections.iter().zip(weights).map(|(projection, weights)| Projection {
            name: projection.name.clone(),
            source: projection.source,
            target: projection.target,
            pattern: projection.pattern.clone(),
            weights,
            exponent: 0,
            delays: projection.delays.clone(),
        });
        IntGraph {
            name: self.name.clone(),
            populations: populations.collect(),
            projections: projections.collect(),
            outputs: self.outputs.clone(),
            learning: Vec::new(),
        }
    }
}

/// The equation of a neuron (names of the NIR primitives).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeuronKind {
    /// `v' = r x` with threshold.
    If,
    /// `v' = r x`, no spikes: read out by membrane.
    I,
    /// `tau v' = (v_leak - v) + r x` with threshold.
    Lif,
    /// The same without spikes.
    Li,
    /// Current filter `tau_syn i' = -i + w_in x`, then a Lif driven by i.
    CubaLif,
    /// The same without spikes.
    CubaLi,
    /// Stateless: fires when the input of this tick exceeds the threshold.
    Threshold,
}

impl NeuronKind {
    /// Whether it emits spikes.
    #[must_use]
    pub const fn spikes(self) -> bool {
        matches!(self, Self::If | Self::Lif | Self::CubaLif | Self::Threshold)
    }
}

/// Neurons of one population. Each parameter has one value for all or one a neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatNeuron {
    /// The equation.
    pub kind: NeuronKind,
    /// Membrane time constant in seconds (Lif, Li, Cuba).
    pub tau_mem: Vec<f64>,
    /// Synaptic time constant in seconds (Cuba).
    pub tau_syn: Vec<f64>,
    /// Input resistance.
    pub r: Vec<f64>,
    /// Leak (rest) potential.
    pub v_leak: Vec<f64>,
    /// Threshold.
    pub v_threshold: Vec<f64>,
    /// Reset potential.
    pub v_reset: Vec<f64>,
    /// Input weight of the current filter (Cuba).
    pub w_in: Vec<f64>,
    /// Constant input added to x in every tick (bias of Affine and Conv nodes); empty: none.
    pub bias: Vec<f64>,
    /// The part of `bias` that comes from recurrent connections; empty: none. It acts in the first tick only
    /// where the profile says so.
    pub recurrent_bias: Vec<f64>,
    /// Membrane before the first tick in which input can come; empty: 0.
    pub v_initial: Vec<f64>,
}

impl FloatNeuron {
    /// What an input of 1 adds to the membrane of a neuron in a tick, where the membrane does not leak.
    #[must_use]
    pub fn gain(&self, profile: &Profile, neuron: usize) -> f64 {
        let r = parameter(&self.r, neuron, 1.0);
        if profile.dynamics == Dynamics::DecayThenAdd { r } else { profile.dt * r }
    }
}

/// A parameter that has one value for all or one a neuron; `otherwise` where it is absent.
#[must_use]
pub fn parameter(values: &[f64], neuron: usize, otherwise: f64) -> f64 {
    match values {
        [] => otherwise,
        [single] => *single,
        many => many.get(neuron).copied().unwrap_or(otherwise),
    }
}

/// How continuous dynamics become steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// Forward Euler: `v += dt/tau * ((v_leak - v) + r x)`.
    Euler,
    /// Exact for input held over the step: `v = v_inf + (v - v_inf) exp(-dt/tau)`.
    ZeroOrderHold,
    /// `v = v exp(-dt/tau) + r x` (the input is added after the decay, not scaled by dt/tau).
    DecayThenAdd,
}

/// Comparison at the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fire {
    /// `v > threshold`.
    Above,
    /// `v >= threshold`.
    AtOrAbove,
}

/// What a spike does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// To the population's `v_reset`.
    Value,
    /// Minus the threshold.
    Subtract,
    /// Minus the threshold; if v is then still above it, the next step subtracts before comparing, and takes
    /// that back if it then does not spike (snnTorch).
    SnntorchSubtract,
    /// Nothing.
    None,
}

/// When the reset acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetTime {
    /// In the step of the spike.
    Same,
    /// In the next step, after its update and before its comparison (snnTorch's `reset_delay`).
    Next,
}

/// The discrete-time reading of a file: explicit, printed at every import.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name of the preset it came from, such as `snntorch`.
    pub name: String,
    /// Seconds per tick.
    pub dt: f64,
    /// Integrator.
    pub dynamics: Dynamics,
    /// Comparison.
    pub fire: Fire,
    /// Reset.
    pub reset: Reset,
    /// When it acts.
    pub reset_time: ResetTime,
    /// Whether a neuron may emit several spikes in a step, `floor(v / threshold)`.
    pub multi_spike: bool,
    /// Whether the bias of a recurrent connection acts in the first step already.
    pub recurrent_bias_at_start: bool,
    /// Steps by which recorded spikes lag.
    pub output_lag: u32,
}
