//! Populations in half precision in the JSON format, both ways.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::values;
use super::model::{Neuron, Values};
use super::write::values as list;
use crate::binary16::Half;
use crate::graph::SteppedNeuron;

/// A leaky integrate-and-fire neuron in half precision (KA200). Every number here, and every weight of the projections
/// that end here, is the 16 bits of a binary16 number: 15360 is 1.0, 48128 is -1.0.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LifHalf {
    /// What is left of the membrane in each step; default 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<Values<u16>>,
    /// Added after that; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta: Option<Values<u16>>,
    /// Spikes above; left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theta: Option<Values<u16>>,
    /// The membrane after a spike, before it leaks; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_0: Option<Values<u16>>,
    /// Added to the inputs in each step; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Values<u16>>,
    /// The membrane before the first step; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Values<u16>>,
    /// Tick of the first step, as many as there are projections on the way from an input; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
}

/// As it is read.
pub(super) fn neuron(given: &LifHalf) -> SteppedNeuron {
    let of = |list: &Option<Values<u16>>, default: u16| values(list.as_ref(), &[default]);
    SteppedNeuron {
        alpha: of(&given.alpha, Half::ONE.0),
        beta: of(&given.beta, 0),
        theta: given.theta.as_ref().map(|theta| values(Some(theta), &[])),
        v_0: of(&given.v_0, 0),
        bias: of(&given.bias, 0),
        initial: of(&given.initial, 0),
        start: given.start.unwrap_or(0),
    }
}

/// As it is written.
pub(super) fn written(neuron: &SteppedNeuron) -> Neuron {
    Neuron::LifHalf(LifHalf {
        alpha: list(&neuron.alpha),
        beta: list(&neuron.beta),
        theta: neuron.theta.as_deref().and_then(list),
        v_0: list(&neuron.v_0),
        bias: list(&neuron.bias),
        initial: list(&neuron.initial),
        start: Some(neuron.start),
    })
}
