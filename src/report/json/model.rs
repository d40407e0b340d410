//! The plain model of a report: owned values in base units (seconds, joules, watts), ready to be printed.
//!
//! `None` is always "unknown" or "not measured", never zero; renderers write the word, JSON has
//! `null`. The model is the document of `report.json`, so its field docs are the descriptions of the JSON schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::place::{Band, Capacity, Link, MAX_RASTER, Mesh, Raster, Router};

/// Everything that a report says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Version of spikeloom.
    pub version: String,
    /// Name of the network.
    pub network: String,
    /// Digest of the run: equal digests are equal runs.
    pub digest: String,
    /// Options of the run as text.
    pub options: Vec<Setting>,
    /// Whether the user stopped the run before its end.
    pub interrupted: bool,
    /// The chip.
    pub chip: Chip,
    /// The image.
    pub image: ImageFacts,
    /// Result of classification, where samples have labels.
    pub accuracy: Option<Accuracy>,
    /// Totals of activity.
    pub activity: Activity,
    /// Energy.
    pub energy: Energy,
    /// Modelled seconds of one sample; `None` with timing off, and where a cycle has no known length.
    pub latency: Option<Spread>,
    /// Time in detail; `None` where no tick has a time.
    pub timing: Option<Timing>,
    /// Why there is no time in detail.
    pub untimed: Option<String>,
    /// Modelled faults.
    pub faults: Vec<Fault>,
    /// Activity by population.
    pub populations: Vec<Population>,
    /// One line a sample.
    pub samples: Vec<Sample>,
    /// Spikes of one sample.
    pub raster: Option<Raster>,
    /// Routers and links.
    pub mesh: Mesh,
    /// Use of cores against every capacity.
    pub capacities: Vec<Capacity>,
    /// Quantisation of every tensor.
    pub tensors: Vec<Tensor>,
    /// What the compiler said.
    pub notes: Vec<Note>,
    /// Every constant of the chip file with its source.
    pub provenance: Vec<Constant>,
    /// Quantities that nobody has published: the model does without them.
    pub unknown: Vec<String>,
    /// Arithmetic comparison with other machines.
    pub baselines: Vec<Comparison>,
}

/// An option and its value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value as text.
    pub value: String,
}

/// The chip in short.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Name, such as `loihi`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Core type.
    pub family: String,
    /// Cores on the chip.
    pub cores: u32,
    /// Routers in x.
    pub mesh_width: u16,
    /// Routers in y.
    pub mesh_height: u16,
    /// Cores at each router.
    pub cores_per_router: u16,
    /// How a tick ends.
    pub synchronisation: String,
    /// Name of the energy cost set.
    pub cost_set: String,
    /// What the cost set is.
    pub cost_note: String,
    /// Supply in millivolts.
    pub supply_mv: u32,
    /// Digest of what decides an image.
    pub digest: String,
}

/// Facts of the image that the caller provides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// Digest of the image file.
    pub digest: String,
    /// Size of the image file in bytes; `None` where it was never written.
    pub bytes: Option<u64>,
    /// Feed-forward depth in ticks.
    pub depth: u32,
    /// Physical numbers of the cores in use, in image order (the order of `RunResult::core_counts`).
    pub cores: Vec<u32>,
    /// Populations in image order (the order of `RunResult::population_spikes`), as (name, neurons).
    pub populations: Vec<(String, u32)>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// Synapses of the network.
    pub synapses: Option<u64>,
    /// Multiply-accumulates of one dense evaluation of the same layers, where known.
    pub dense_macs: Option<u64>,
}

/// Result of classification.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// How the class is read: spike count, first spike, membrane.
    pub readout: String,
    /// Samples with label and prediction.
    pub total: usize,
    /// Of these, right.
    pub correct: usize,
    /// Fraction right, 0 to 1.
    pub fraction: f64,
    /// Fraction right of the float network on the same samples.
    pub float: Option<f64>,
    /// `confusion[label][predicted]`; empty with more than 32 classes.
    pub confusion: Vec<Vec<u32>>,
}

/// Totals of activity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Samples run.
    pub samples: usize,
    /// Samples of the stimulus (more than were run after an interruption).
    pub samples_offered: usize,
    /// Ticks run.
    pub ticks: u64,
    /// Spikes of all neurons.
    pub spikes: u64,
    /// Synaptic events of all formats.
    pub synaptic_events: u64,
    /// Packets that left a core or the host.
    pub packets: u64,
    /// Link crossings.
    pub hops: u64,
}

/// Energy of the run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// One line a class that happened.
    pub entries: Vec<EnergyLine>,
    /// Joules of events with a known price.
    pub dynamic_joules: f64,
    /// Static power times time, where both are known.
    pub static_joules: Option<f64>,
    /// Known joules.
    pub total_joules: f64,
    /// Whether nothing is missing from the total: every event that happened has a price, and static power and
    /// time are known. Otherwise the total is a lower bound.
    pub complete: bool,
    /// Mean power in watts, where time is known.
    pub watts: Option<f64>,
    /// Energy of one sample in joules.
    pub inference: Option<Spread>,
    /// All joules over all synaptic events.
    pub joules_per_synaptic_event: Option<f64>,
    /// Synaptic events per second and watt, in 1e9.
    pub gsops_per_watt: Option<f64>,
    /// Operations of artificial layers per second and watt, in 1e12; two a multiply-accumulate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tops_per_watt: Option<f64>,
    /// Classes that happened and have no known price.
    pub unknown: Vec<String>,
}

/// Energy of one event class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergyLine {
    /// Key of the class.
    pub event: String,
    /// How often it happened.
    pub count: u64,
    /// Energy in joules.
    pub joules: Option<f64>,
}

/// A distribution in short.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Smallest.
    pub min: f64,
    /// Half are at most this.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// Largest.
    pub max: f64,
}

/// Modelled time of the run, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// All ticks of all samples.
    pub seconds: f64,
    /// From reset to the end of a sample.
    pub inference: Spread,
    /// From reset to the end of the tick of the first output spike, over samples that have one.
    pub first_output: Option<Spread>,
    /// Duration of a tick.
    pub tick: Spread,
    /// What a tick needs: until the last core is done and the last packet is delivered.
    pub needed: Spread,
    /// What the max-affine law of run time says of a tick, where it is known: never more than `tick`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<Spread>,
    /// Length of a fixed tick; `None` with a barrier.
    pub period: Option<f64>,
    /// Histogram of `needed`.
    pub histogram: Vec<Bin>,
    /// Packets delivered.
    pub packets: u64,
    /// Mean latency of a packet from emission to delivery.
    pub packet_mean: Option<f64>,
    /// Worst latency of a packet.
    pub packet_worst: Option<f64>,
    /// Use of the links over chip borders, on boards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borders: Option<Borders>,
    /// Each tick of the shown sample, at most [`MAX_SERIES`].
    pub series: Vec<TickPoint>,
    /// Name of the shown sample.
    pub series_sample: String,
    /// Ticks of the shown sample.
    pub series_total: usize,
}

/// Packets over the borders between the chips of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Borders {
    /// Borders crossed.
    pub crossings: u64,
    /// Mean wait for a link over a border, in seconds.
    pub mean_wait: f64,
    /// Longest wait.
    pub worst_wait: f64,
    /// Longest that one such link was occupied in one tick.
    pub busiest: f64,
}

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Lower edge (inclusive).
    pub from: f64,
    /// Upper edge (exclusive, but for the last bar).
    pub to: f64,
    /// Values between them.
    pub count: u64,
}

/// One tick, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TickPoint {
    /// Until the end of the barrier or of the fixed tick.
    pub duration: f64,
    /// Until the last core was done.
    pub busy: f64,
    /// Until the last packet was delivered.
    pub drained: f64,
}

/// One kind of modelled fault.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Name, such as `late packets`.
    pub name: String,
    /// What it means on the chip.
    pub meaning: String,
    /// How often.
    pub count: u64,
    /// Name of the first sample that has one.
    pub first_sample: Option<String>,
}

/// Activity of a population.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Name.
    pub name: String,
    /// Neurons.
    pub neurons: u32,
    /// Spikes in the run.
    pub spikes: Option<u64>,
    /// Spikes per neuron and tick.
    pub rate: Option<f64>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Name.
    pub name: String,
    /// Class, where known.
    pub label: Option<u32>,
    /// Class that was read.
    pub predicted: Option<u32>,
    /// Ticks run.
    pub ticks: u32,
    /// Spikes of all neurons.
    pub spikes: u64,
    /// Synaptic events.
    pub synaptic_events: u64,
    /// Modelled seconds.
    pub seconds: Option<f64>,
    /// Known joules.
    pub joules: f64,
    /// Faults.
    pub faults: u64,
}

/// Most ticks that a tick series keeps.
pub const MAX_SERIES: usize = 2_000;

/// What quantisation did to one tensor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Name.
    pub name: String,
    /// Values.
    pub values: usize,
    /// Value of one integer step.
    pub step: f64,
    /// Largest absolute error.
    pub max_error: f64,
    /// Root mean square error.
    pub rms_error: f64,
    /// Values clipped to the register's range.
    pub saturated: usize,
}

/// One line of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Pass.
    pub pass: String,
    /// Text.
    pub text: String,
    /// Whether the user should look at it.
    pub warning: bool,
}

/// A constant of the chip file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// Dotted key.
    pub key: String,
    /// Value as written.
    pub value: String,
    /// Unit as written.
    pub unit: String,
    /// measured, published, derived or estimated.
    pub status: String,
    /// Where it comes from.
    pub source: String,
}

/// The operations of one inference priced on another machine. Arithmetic, never a measurement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The machine.
    pub name: String,
    /// Mean synaptic events of an inference as accumulates, in joules.
    pub sparse_joules: Option<f64>,
    /// The same with the memory accesses, where their price is known.
    pub sparse_memory_joules: Option<f64>,
    /// One dense evaluation of the same layers as multiply-accumulates, where their number is known.
    pub dense_joules: Option<f64>,
    /// Dense with the memory accesses.
    pub dense_memory_joules: Option<f64>,
    /// Energy of the machine over that of this run, both of one inference and of the machine's arithmetic alone: dense where
    /// that is known, else the synaptic events. An upper bound where the run's energy is a lower one.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// The same with the machine's memory accesses.
    #[serde(default)]
    pub memory_ratio: Option<f64>,
    /// Where the prices come from.
    pub source: String,
}

impl Report {
    /// All modelled faults.
    #[must_use]
    pub fn fault_total(&self) -> u64 {
        self.faults.iter().map(|fault| fault.count).sum()
    }
}
