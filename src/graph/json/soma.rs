//! Dendrites, adaptation and noise in the native JSON format: the model, reading and writing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::{Builder, values};
use super::model::{self, Neuron, Values};
use crate::graph::{Adaptation, CubaNeuron, IntNeuron, Join, JoinOp, Noise, NoiseAt, Passed, Population};
use crate::ids::PopulationId;

/// A threshold that every spike raises.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct AdaptationInt {
    /// Mantissa that a spike adds to the threshold.
    pub step: Values<u32>,
    /// Decay register of what was added, 0..=4095; default 0, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<Values<u16>>,
}

/// Noise (r + 64 * offset) * 2^(exponent - 7), with r drawn from -127..=127 for every neuron and tick.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct NoiseInt {
    /// Where it is added: u (to the input), v (to the bias) or threshold.
    pub at: NoiseAt,
    /// Exponent.
    #[schemars(range(min = 1, max = 23))]
    pub exponent: u8,
    /// Offset; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i8>,
    /// Seed of the draws; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// A population of dendrites: its neuron n belongs to neuron n of this one.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinInt {
    /// Name of the population, which stands before this one.
    pub dendrite: String,
    /// add, max and min act on what drives the membrane; and and or on the spike.
    pub op: JoinOp,
    /// What add, max and min take of the dendrite: u or v, at the end of the same tick; default v.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Passed>,
}

impl Builder<'_> {
    /// Joins the dendrites that the file names.
    pub(super) fn joins(&mut self, populations: &mut [Population<IntNeuron>]) {
        let file = self.file;
        for (index, (given, population)) in file.populations.iter().zip(populations).enumerate() {
            let (Some(Neuron::CubaInt(given)), Some(IntNeuron::Cuba(cuba))) = (&given.neuron, &mut population.neuron)
            else {
                continue;
            };
            for (number, join) in given.joins.iter().enumerate() {
                let (at, number) = (index.to_string(), number.to_string());
                let path = ["populations", &at, "neuron", "joins", &number, "dendrite"];
                if let Some(dendrite) = self.population(&join.dendrite, &path) {
                    cuba.joins.push(Join { dendrite, op: join.op, pass: join.pass.unwrap_or_default() });
                }
            }
        }
    }
}

/// What the file says of a compartment's adaptation and noise.
pub(super) fn extras(given: &model::CubaInt) -> CubaNeuron {
    let adaptation = given.adaptation.as_ref().map(|adaptation| Adaptation {
        step: values(Some(&adaptation.step), &[]),
        decay: values(adaptation.decay.as_ref(), &[0]),
    });
    let noise = given.noise.as_ref().map(|noise| Noise {
        at: noise.at,
        exponent: noise.exponent,
        offset: noise.offset.unwrap_or(0),
        seed: noise.seed.unwrap_or(0),
    });
    CubaNeuron { adaptation, noise, ..CubaNeuron::default() }
}

/// As they are written.
pub(super) fn write(
    cuba: &CubaNeuron,
    name: &dyn Fn(PopulationId) -> String,
) -> (Option<AdaptationInt>, Option<NoiseInt>, Vec<JoinInt>) {
    let adaptation = cuba.adaptation.as_ref().and_then(|adaptation| {
        let step = super::write::values(&adaptation.step)?;
        Some(AdaptationInt { step, decay: super::write::values(&adaptation.decay) })
    });
    let noise = cuba.noise.map(|noise| NoiseInt {
        at: noise.at,
        exponent: noise.exponent,
        offset: (noise.offset != 0).then_some(noise.offset),
        seed: (noise.seed != 0).then_some(noise.seed),
    });
    let joins = cuba.joins.iter().map(|join| JoinInt {
        dendrite: name(join.dendrite),
        op: join.op,
        pass: (join.pass != Passed::default()).then_some(join.pass),
    });
    (adaptation, noise, joins.collect())
}
