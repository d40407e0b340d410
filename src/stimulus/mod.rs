//! What goes in: spike tensors, event recordings and encoded images, as samples of (tick, input, value).

mod csv;
mod digits;
mod encode;
mod events;
mod idx;
mod npy;
mod read;

#[cfg(test)]
mod tests;

pub use digits::{Digits, ImageSet, digits};
pub use encode::{DEFAULT_IMAGE_TICKS, encode_image, encode_images};
pub use read::{read, read_images};

/// One thing to show to the network: its spikes, how long it lasts, and its label where known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Name in reports: file, row.
    pub name: String,
    /// Spikes, ascending by (tick, input).
    pub spikes: Vec<InputSpike>,
    /// Ticks of stimulus; the run goes on for the depth of the network.
    pub ticks: u32,
    /// Class, where known.
    pub label: Option<u32>,
}

/// Input spikes of one input neuron in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputSpike {
    /// Tick of injection; integrated one tick later at the earliest.
    pub tick: u32,
    /// Input neuron: flat over all input populations in graph order.
    pub input: u32,
    /// How many spikes (1 for binary events).
    pub value: u16,
}

/// Samples that are run one after the other, each from the reset state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stimulus {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Number of input neurons that the indices refer to.
    pub inputs: u32,
}

/// How an image becomes spikes; both are deterministic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// A pixel at full scale fires in every tick, a darker one in proportion, evenly spread.
    #[default]
    Rate,
    /// Each pixel above zero fires once, the brighter the earlier.
    Latency,
    /// No spikes: the value itself, `0..=255` of full scale, in every tick, for cores that take values.
    Value,
}

impl Encoding {
    /// The names that `FromStr` takes.
    pub const NAMES: [&'static str; 3] = ["rate", "latency", "value"];
}

impl std::str::FromStr for Encoding {
    type Err = crate::diag::Problems;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "rate" => Ok(Self::Rate),
            "latency" => Ok(Self::Latency),
            "value" => Ok(Self::Value),
            _ => {
                let problem =
                    crate::diag::Problem::invalid("stimulus/encoding", "", format!("unknown encoding '{word}'"))
                        .limit("one of: rate, latency, value");
                Err(match crate::diag::nearest(word, Self::NAMES) {
                    Some(near) => problem.help(format!("did you mean '{near}'?")),
                    None => problem,
                }
                .into())
            }
        }
    }
}

/// How a stimulus file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Ticks of every sample; later spikes of a file are left out. `None`: what the file holds
    /// ([`DEFAULT_IMAGE_TICKS`] for images).
    pub ticks: Option<u32>,
    /// Microseconds of a tick, for event recordings.
    pub bin_us: u32,
    /// Encoder of images. `None`: the file holds spikes (and [`encode_images`] takes the default encoder).
    pub encoding: Option<Encoding>,
    /// Ticks in which values become times (latency), where a sample goes on behind them. `None`: all.
    pub window: Option<u32>,
    /// Seed of the phases of the rate encoder.
    pub seed: u64,
    /// Channels, height and width of the sensor, for event recordings. `None`: 2 x 34 x 34 (N-MNIST).
    pub shape: Option<Vec<u32>>,
    /// Whether several events of one input in one tick count as one.
    pub binary: bool,
    /// One label a sample; empty: from the file, where it has them.
    pub labels: Vec<u32>,
    /// Read at most so many samples.
    pub limit: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ticks: None,
            bin_us: 1_000,
            encoding: None,
            window: None,
            seed: 0,
            shape: None,
            binary: false,
            labels: Vec::new(),
            limit: None,
        }
    }
}

/// The longest sample that is accepted, in ticks (4.6 hours at 1 ms): guards against a stray number.
pub const MAX_TICKS: u32 = 1 << 24;

impl Sample {
    /// A sample from spikes in any order: sorts, adds up spikes of one input in one tick (or counts them as one
    /// where `binary`) and leaves out what is later than `ticks`. `ticks: None` ends with the last spike.
    /// Sums saturate at 65535.
    #[must_use]
    pub fn gather(name: String, mut spikes: Vec<InputSpike>, ticks: Option<u32>, binary: bool) -> Self {
        if let Some(ticks) = ticks {
            spikes.retain(|spike| spike.tick < ticks);
        }
        spikes.sort_unstable();
        spikes.dedup_by(|next, first| {
            let same = (next.tick, next.input) == (first.tick, first.input);
            if same {
                first.value = first.value.saturating_add(next.value);
            }
            same
        });
        if binary {
            spikes.iter_mut().for_each(|spike| spike.value = 1);
        }
        let ticks = ticks.unwrap_or_else(|| spikes.last().map_or(0, |spike| spike.tick + 1));
        Self { name, spikes, ticks, label: None }
    }

    /// The number of input spikes, multiple ones counted by their value.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.spikes.iter().map(|spike| u64::from(spike.value)).sum()
    }
}
