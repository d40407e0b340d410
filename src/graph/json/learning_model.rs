//! Learning in the native JSON format, as serde types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::Values;

/// An output of a program.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(untagged)]
pub(super) enum OutputName {
    /// Its number, from 0.
    Number(u8),
    /// Its name.
    Name(String),
}

/// On-chip learning of a projection.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Learning {
    /// Sums of products such as "dw = 2^-2*y0*x1 - 2^-2*x0*y1; dt = ...", or stdp, triplet, reward_stdp.
    pub rule: String,
    /// Ticks of an epoch, at whose end the rule acts; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 63))]
    pub epoch: Option<u32>,
    /// First tick whose spikes count; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// Output of the target's program whose spikes are the postsynaptic ones (y0), by name or number; default the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<OutputName>,
    /// First presynaptic trace; a named rule has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x1: Option<Trace>,
    /// Second presynaptic trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x2: Option<Trace>,
    /// First postsynaptic trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y1: Option<Trace>,
    /// Second postsynaptic trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y2: Option<Trace>,
    /// Third postsynaptic trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y3: Option<Trace>,
    /// Signs of the weights: mixed, excitatory or inhibitory; default from the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// Bits of a weight, sign excluded, to which dialect brian2 rounds changes; default 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8))]
    pub weight_bits: Option<u8>,
    /// What graded presynaptic spikes do to x1; default ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graded: Option<Graded>,
    /// Seed of decays and roundings; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Tags before the first tick, one for all or one a weight; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Values<i16>>,
    /// Learned delays before the first tick, in dialect lava, which keeps them beside "delay"; default those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delays: Option<Values<i16>>,
}

/// How a trace grows and decays.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace {
    /// What a spike adds, 0..=127; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impulse: Option<f64>,
    /// Time constant in ticks, 0 forgets in one; left out: never forgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau: Option<f64>,
    /// For y1, y2 and y3: the population whose spikes of a tick are the value (reward); one neuron, or one a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// For y1, y2 and y3: the state of the target's program whose value in a tick, held to 0..=127, is the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// Signs of weights.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sign {
    /// -256..=255.
    Mixed,
    /// 0..=255.
    Excitatory,
    /// -255..=0.
    Inhibitory,
}

/// What graded spikes do to x1.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Graded {
    /// Nothing.
    Ignored,
    /// x1 becomes half of the value.
    Overwrite,
    /// Half of the value is added, up to 127.
    Saturate,
    /// Half of the value is added; only an overflow counts as a spike.
    Overflow,
}
