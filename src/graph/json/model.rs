//! The native JSON format as serde types; the schema in `programs/network.schema.json` is made from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::learning_model::{Learning, OutputName};
use super::soma::{AdaptationInt, JoinInt, NoiseInt};
use super::stepped::LifHalf;
use crate::graph::{Dynamics, FcoreReset, Fire, NegativeReset, Reset, ResetTime, SpikeReset};

/// A spiking network for spikeloom: populations of neurons and projections between them. With float neurons
/// (if, lif, cuba_lif, ...) it is quantised for the chip; with chip integers (cuba_int, crossbar_int) it is
/// taken exactly as it is.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "spikeloom network, version 1")]
pub(super) struct File {
    /// Where this schema is, for editors; ignored.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Format version, 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Name in reports.
    pub name: String,
    /// How float neurons become steps; needed for them, refused with chip integers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Inputs and populations. Input indices of a stimulus count through all inputs in this order.
    pub populations: Vec<Population>,
    /// Synapses between populations.
    #[serde(default)]
    pub projections: Vec<Projection>,
    /// Populations that are read.
    pub outputs: Vec<Output>,
}

/// Discrete-time reading of float neurons: a preset, and fields that differ from it.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// nir (default), snntorch, norse, sinabs, spikingjelly, spyx or rockpool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Seconds per tick.
    pub dt: f64,
    /// Integrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamics: Option<Dynamics>,
    /// Comparison at the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire: Option<Fire>,
    /// What a spike does to the membrane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    /// When the reset acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_time: Option<ResetTime>,
    /// Several spikes a step, floor(v / threshold).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_spike: Option<bool>,
    /// Whether biases of recurrent connections act in the first step already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_bias_at_start: Option<bool>,
    /// Steps by which recorded spikes lag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_lag: Option<u32>,
}

/// A named population of neurons, or an input.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Population {
    /// Unique name.
    pub name: String,
    /// Extents, slowest first, such as [channels, height, width] or [neurons].
    pub shape: Vec<u32>,
    /// Left out for an input, whose spikes come from the stimulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neuron: Option<Neuron>,
}

/// One value for all neurons, or one a neuron.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(untagged)]
pub(super) enum Values<T> {
    /// For all.
    One(T),
    /// One a neuron.
    Each(Vec<T>),
}

/// Neuron parameters. Names and equations of float neurons are those of NIR.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Neuron {
    /// v' = r x; spikes above v_threshold.
    If(Float),
    /// v' = r x; read by its membrane.
    I(Float),
    /// tau_mem v' = (v_leak - v) + r x; spikes above v_threshold.
    Lif(Float),
    /// The same without spikes.
    Li(Float),
    /// tau_syn i' = -i + w_in x, then a lif driven by i.
    CubaLif(Float),
    /// The same without spikes.
    CubaLi(Float),
    /// Spikes when the input of this tick is above v_threshold; no state.
    Threshold(Float),
    /// Registers of a Loihi-style compartment.
    CubaInt(CubaInt),
    /// Registers of a TrueNorth-style neuron.
    CrossbarInt(CrossbarInt),
    /// A neuron program, for chips with programmable neurons.
    Program(ProgramInt),
    /// An artificial unit of a Tianjic-style core: activation((sum + bias) >> shift), an 8-bit value.
    AnnInt(AnnInt),
    /// A spiking neuron of a Tianjic-style core.
    SnnInt(SnnInt),
    /// A neuron in half precision, all numbers as bits.
    LifHalf(LifHalf),
}

/// What the axons of a Tianjic-style core take.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Axons {
    /// 8-bit values.
    Values,
    /// Spikes of a window of rounds.
    Spikes,
}

/// What becomes of a shifted sum: relu (0 to 255), signed (-128 to 127), or a table of 256 values for -128 to 127.
#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(rename_all = "snake_case")]
pub(super) enum Activation {
    /// Clamped to 0..=255.
    Relu,
    /// Clamped to -128..=127.
    Signed,
    /// Looked up.
    Table(Vec<i16>),
}

/// Registers of an artificial unit.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnnInt {
    /// Added to the sum; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Values<i32>>,
    /// Places by which the sum is shifted right (floor); default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<u8>,
    /// Default relu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// What comes in; default values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Axons>,
    /// Rounds whose spikes an axon counts, where spikes come in; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u8>,
}

/// Registers of a spiking neuron.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SnnInt {
    /// 256ths of the membrane that leak away in a round; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<u8>,
    /// Added in each round; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Values<i32>>,
    /// Spikes at or above; left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Values<i32>>,
    /// Bits of a random number that the threshold grows by in each round; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_bits: Option<u8>,
    /// Seed of these numbers; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What a spike does to the membrane: value, subtract or none; default value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<FcoreReset>,
    /// The membrane after a spike with reset value; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_value: Option<i32>,
    /// The membrane before the first round; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Values<i32>>,
    /// What comes in; default spikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Axons>,
    /// Rounds whose spikes an axon counts, where spikes come in; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u8>,
}

/// A neuron program with its parameters.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramInt {
    /// A built-in program such as lif, or the path of a .nmc file beside the network's.
    pub program: String,
    /// Parameters by name: one value for all, one a neuron, or the entries of a table. Default: the program's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Values<i32>>,
    /// States before the first tick by name; default: the program's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub initial: BTreeMap<String, Values<i32>>,
    /// Dendritic input by the name of the projection that goes to it, counted from 0; default 0, the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, u8>,
}

/// Parameters of a float neuron; each model uses those of its equation.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Float {
    /// Membrane time constant in seconds (lif, li, cuba_lif, cuba_li).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau_mem: Option<Values<f64>>,
    /// Synaptic time constant in seconds (cuba_lif, cuba_li).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau_syn: Option<Values<f64>>,
    /// Input resistance; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r: Option<Values<f64>>,
    /// Leak potential; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_leak: Option<Values<f64>>,
    /// Threshold; needed by models that spike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_threshold: Option<Values<f64>>,
    /// Reset potential; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_reset: Option<Values<f64>>,
    /// Input weight of the current filter; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w_in: Option<Values<f64>>,
    /// Constant input added in every tick; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Values<f64>>,
    /// The part of bias that comes from recurrent connections; default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_bias: Option<Values<f64>>,
    /// Membrane before the first tick in which input can come; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v_initial: Option<Values<f64>>,
}

/// Registers of a Loihi-style compartment.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CubaInt {
    /// Current decay register, 0..=4095 (4095: no memory).
    pub decay_u: Values<u16>,
    /// Membrane decay register, 0..=4095 (0: perfect integrator).
    pub decay_v: Values<u16>,
    /// Threshold mantissa; spikes when v > mantissa * 64. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Values<u32>>,
    /// Bias mantissa; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<Values<i16>>,
    /// Bias exponent; default 0. A negative one shifts the mantissa right (dialects lava and nengo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_exponent: Option<Values<i8>>,
    /// Refractory register: r is r - 1 ticks with v held at 0; default 1, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refractory: Option<Values<u8>>,
    /// u before the first tick; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_u: Option<Values<i32>>,
    /// v before the first tick; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_v: Option<Values<i32>>,
    /// How spikes raise the threshold; left out: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<AdaptationInt>,
    /// Noise; left out: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseInt>,
    /// Populations that are dendrites of this one, joined in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinInt>,
}

/// Registers of a TrueNorth-style neuron (deterministic part).
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CrossbarInt {
    /// Leak added every tick; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<Values<i16>>,
    /// Positive threshold; spikes when V >= threshold. Left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Values<u32>>,
    /// Magnitude of the negative threshold; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_threshold: Option<Values<u32>>,
    /// Reset potential; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_value: Option<Values<i32>>,
    /// V before the first tick; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Values<i32>>,
    /// What a spike does to V: value, linear or none; default value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike_reset: Option<SpikeReset>,
    /// What V below the negative threshold does: saturate or mirror; default saturate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_reset: Option<NegativeReset>,
}

/// Synapses from one population to another.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Projection {
    /// Unique name; default "source->target".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the population where spikes come from.
    pub source: String,
    /// Name of the population where they go.
    pub target: String,
    /// Which source reaches which target.
    pub pattern: Pattern,
    /// One weight for all, a list, or rows (one a target) of a dense pattern. Whole numbers with chip integers.
    pub weights: Weights,
    /// Scale of chip integers: effective weight is w * 2^exponent; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exponent: Option<i8>,
    /// Ticks of delay, one for all or one a weight; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Values<u16>>,
    /// Output of the source's program whose spikes it carries, by name or number; default the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputName>,
    /// How its synapses learn; left out: they do not. With chip integers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<Learning>,
}

/// Weights of a projection.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Weights {
    /// One for all synapses.
    One(f64),
    /// In the order of the pattern: dense by target then source; conv2d by out channel, in channel, y, x.
    Flat(Vec<f64>),
    /// One row a target.
    Rows(Vec<Vec<f64>>),
}

/// Structure of a projection.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Pattern {
    /// Every source to every target.
    Dense(Dense),
    /// Source i to target i.
    OneToOne(OneToOne),
    /// Listed [source, target] pairs, one weight each in the same order.
    Pairs(Pairs),
    /// Compressed rows by source.
    Sparse(Sparse),
    /// Two-dimensional cross-correlation.
    Conv2d(Conv2d),
    /// Sum over windows of one channel.
    Pool2d(Pool2d),
    /// Every source to every target; each weight is a sum of products of two factors.
    Factorised(Factorised),
    /// Synapses that a seed draws, each with one of the weights.
    Stochastic(Stochastic),
}

/// Every source to every target.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dense {}

/// Source i to target i.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneToOne {
    /// Whether one weight serves all; default false.
    #[serde(default)]
    pub shared: bool,
}

/// Listed pairs.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pairs {
    /// [source, target] flat indices.
    pub pairs: Vec<[u32; 2]>,
}

/// Compressed rows: the synapses of source i are offsets[i]..offsets[i + 1].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sparse {
    /// One more than there are sources, ascending from 0.
    pub offsets: Vec<u32>,
    /// Target of each synapse.
    pub targets: Vec<u32>,
    /// Weight number of each synapse; left out: synapse k uses weight k.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weight_index: Vec<u32>,
}

/// Convolution; volumes are [channels, height, width], by default the shapes of the populations.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conv2d {
    /// Source volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<[u32; 3]>,
    /// Target volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<[u32; 3]>,
    /// Kernel height and width.
    pub kernel: [u32; 2],
    /// Stride in y and x; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<[u32; 2]>,
    /// Zero padding at the top and left; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<[u32; 2]>,
    /// Dilation; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dilation: Option<[u32; 2]>,
    /// Groups; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
}

/// Pooling; volumes are [channels, height, width], by default the shapes of the populations.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool2d {
    /// Source volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<[u32; 3]>,
    /// Target volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<[u32; 3]>,
    /// Window height and width.
    pub kernel: [u32; 2],
    /// Stride in y and x; default the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<[u32; 2]>,
    /// Zero padding at the top and left; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<[u32; 2]>,
}

/// Low rank: the weight from source s to target t is the sum over r of left[t][r] * right[r][s]. The weights are one row of
/// rank factors a target, then rank rows of one factor a source (or the same as a flat list). One delay for all.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Factorised {
    /// Products a weight: the weights are a row of so many factors for each target, then as many rows with one of each source.
    #[schemars(range(min = 1, max = 64))]
    pub rank: u32,
}

/// Each source reaches each target with this probability, through one of the weights, all as likely; a delay a weight goes
/// with it. The same seed draws the same synapses on every machine and however the network is cut.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stochastic {
    /// Chance of a synapse, 0 to 1 in steps of 2^-32.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Seed of the draws; default 0.
    #[serde(default)]
    pub seed: u64,
}

/// A population that is read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Output {
    /// Name in reports; default the population's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the population.
    pub population: String,
}
