//! What a Loihi-style compartment may have beyond its registers: a threshold that adapts, noise, and dendrites.
//!
//! Public sources name these features of the chip (Davies et al. 2018: dendritic trees, threshold adaptation,
//! pseudo-random noise; nengo-loihi: the size of the noise and where it acts) but not their arithmetic. What follows is
//! ours where no source is named. A tick of a compartment:
//!
//! 1. `u` as in its dialect; noise at `u` is added to the synaptic input (as in nengo-loihi).
//! 2. The drive is u; each dendrite that is joined with `add`, `max` or `min`, in the order of the list, makes it
//!    `drive + x`, `max(drive, x)` or `min(drive, x)`, where x is the u or v of the dendrite at the end of this tick.
//! 3. `v` as in its dialect, with the drive in the place of u; noise at `v` is added to the bias (as in nengo-loihi).
//! 4. `raised = decay(raised, adaptation decay)`; the compartment fires where
//!    `v > (threshold << 6) + raised + noise at threshold`. Dendrites that are joined with `and` or `or` then allow or
//!    make the spike, in the order of the list. A compartment in its refractory time does not fire.
//! 5. A spike resets v and starts the refractory time, as always, and adds `step << 6` to raised, which ends at the
//!    largest threshold.
//!
//! The compartments of a core are worked through in ascending order, and dendrites stand before what they are joined to:
//! a population before the populations that it is a dendrite of.
//!
//! Noise is `(r + 64 * offset) * 2^(exponent - 7)`, toward zero, with r in -127..=127 (all as in nengo-loihi). r comes from
//! [`crate::rng::Lfsr`], one for each compartment that has noise, so that it does not depend on the mapping.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IntGraph, IntNeuron};
use crate::diag::Problem;
use crate::ids::PopulationId;

/// Smallest and largest exponent of noise (nengo-loihi).
pub const NOISE_EXPONENTS: std::ops::RangeInclusive<u8> = 1..=23;

/// How spikes raise the threshold. Each vector has one value for all or one a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adaptation {
    /// Mantissa that a spike adds to the threshold.
    pub step: Vec<u32>,
    /// Decay register of what was added, 0..=4095 (0: it stays).
    pub decay: Vec<u16>,
}

/// Noise of every compartment of a population, each with draws of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    /// Where it acts.
    pub at: NoiseAt,
    /// Size: the largest draw is almost 2^exponent.
    pub exponent: u8,
    /// Mean, in halves of the largest draw.
    pub offset: i8,
    /// What the draws start from.
    pub seed: u32,
}

/// Where noise acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseAt {
    /// It is added to the synaptic input.
    U,
    /// It is added to the bias.
    V,
    /// It is added to the threshold.
    Threshold,
}

/// A dendrite: compartment n of the other population belongs to compartment n of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    /// The population of the dendrites.
    pub dendrite: PopulationId,
    /// What becomes of it.
    pub op: JoinOp,
    /// What the dendrite passes on, for `add`, `max` and `min`.
    pub pass: Passed,
}

/// How a dendrite acts on the compartment that it is joined to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinOp {
    /// What it passes is added to the drive.
    Add,
    /// The drive is at least what it passes.
    Max,
    /// The drive is at most what it passes.
    Min,
    /// The compartment fires only where the dendrite fires too.
    And,
    /// The compartment fires also where the dendrite fires.
    Or,
}

/// What a dendrite passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Passed {
    /// Its current.
    U,
    /// Its membrane, after a reset.
    #[default]
    V,
}

/// Whether adaptation has one value or one a neuron, and every dendrite is there, of the same size, before what it is
/// joined to, and joined once.
pub(super) fn check(graph: &IntGraph, found: &mut Vec<Problem>) {
    let mut owner: Vec<Option<&str>> = vec![None; graph.populations.len()];
    for (number, population) in graph.populations.iter().enumerate() {
        let Some(IntNeuron::Cuba(cuba)) = &population.neuron else { continue };
        let place = format!("population '{}'", population.name);
        let lengths = cuba.adaptation.iter().flat_map(|a| [("step", a.step.len()), ("decay", a.decay.len())]);
        for (name, values) in lengths.filter(|(_, values)| *values != 1 && *values != population.size()) {
            let what = format!("adaptation has {values} values of {name} for {} neurons", population.size());
            found.push(Problem::invalid("graph/count", &place, what).limit("one for all, or one a neuron"));
        }
        for join in &cuba.joins {
            let dendrite = graph.populations.get(join.dendrite.index());
            let name = dendrite.map_or("", |dendrite| &dendrite.name);
            let mut refuse = |what: String, help: &str| {
                let problem = Problem::invalid("graph/join", &place, what);
                found.push(if help.is_empty() { problem } else { problem.help(help) });
            };
            match dendrite {
                None => refuse("a dendrite is a population that does not exist".to_owned(), ""),
                Some(other) if !matches!(other.neuron, Some(IntNeuron::Cuba(_))) => refuse(
                    format!("dendrite '{name}' has no compartments"),
                    "give it a neuron of model cuba_int; inputs reach compartments over projections",
                ),
                Some(_) if join.dendrite.index() >= number => refuse(
                    format!("dendrite '{name}' does not stand before it"),
                    "compartments are worked through in the order of the populations: move the dendrite up",
                ),
                Some(other) if other.size() != population.size() => refuse(
                    format!("dendrite '{name}' has {} neurons for {}", other.size(), population.size()),
                    "neuron n of the dendrite belongs to neuron n: give both the same size",
                ),
                Some(_) => {
                    if let Some(first) = owner[join.dendrite.index()].replace(&population.name) {
                        let what = format!("dendrite '{name}' is joined to '{first}' already");
                        refuse(what, "a dendrite belongs to one compartment: copy the population");
                    }
                }
            }
        }
    }
}
