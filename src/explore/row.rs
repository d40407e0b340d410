//! What is known of one candidate: a line of the journal and of the results.

use serde::{Deserialize, Serialize};

/// One candidate with what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Number among the candidates of the sweep.
    pub index: usize,
    /// Digest of all that decides the result.
    pub key: String,
    /// The network's name in the sweep.
    pub network: String,
    /// The chip's name in the sweep.
    pub chip: String,
    /// Changes to the chip, `key=value` with blanks between.
    pub set: String,
    /// Partition strategy.
    pub partition: String,
    /// Placement pipeline.
    pub placement: String,
    /// Seed of both.
    pub seed: u64,
    /// Why there is no mapping, where there is none.
    pub refused: Option<String>,
    /// Static figures; absent where refused.
    pub statics: Option<Static>,
    /// What the emulator measured; absent where it was not run.
    pub measured: Option<Measured>,
    /// What fan-in splitting changed; absent where nothing was split or nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitError>,
}

/// The split network beside the whole one over the sweep's stimulus, in the integer oracle: the same for every mapping of
/// a network on a chip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitError {
    /// Samples that were run.
    pub samples: u64,
    /// Samples that both networks read the same.
    pub agreeing: u64,
    /// Samples with a label.
    pub labelled: u64,
    /// Labelled samples that the whole network reads right.
    pub right_whole: u64,
    /// Labelled samples that the split network reads right.
    pub right_split: u64,
    /// By population of the whole network, inputs left out.
    pub populations: Vec<SplitSpikes>,
}

/// Spikes of a population in both networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSpikes {
    /// Its name.
    pub name: String,
    /// Its neurons.
    pub neurons: u64,
    /// Spikes in the whole network.
    pub spikes_whole: u64,
    /// Spikes in the split one.
    pub spikes_split: u64,
    /// Spikes (neuron and tick) that only one of them has.
    pub spikes_moved: u64,
    /// Neurons, summed over samples, with another number of spikes.
    pub neurons_miscounted: u64,
    /// How far the numbers of spikes are off, summed over samples and neurons.
    pub spikes_off: u64,
}

impl SplitError {
    /// Spikes of all populations in the whole network, in the split one, and those that only one of them has.
    #[must_use]
    pub fn spikes(&self) -> (u64, u64, u64) {
        let sum = |of: fn(&SplitSpikes) -> u64| self.populations.iter().map(of).sum();
        (sum(|p| p.spikes_whole), sum(|p| p.spikes_split), sum(|p| p.spikes_moved))
    }

    /// The share of all spikes of both that only one of them has.
    #[must_use]
    pub fn share(&self) -> f64 {
        let (whole, split, moved) = self.spikes();
        moved as f64 / (whole + split).max(1) as f64
    }
}

/// Figures of a mapping before anything runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Static {
    /// Cores in use.
    pub cores: u32,
    /// Packets, one a destination core, weighted by spikes; the host's too.
    pub packets: f64,
    /// Links that they cross.
    pub hops: f64,
    /// Links that a multicast along the same routes would cross.
    pub tree_hops: f64,
    /// Packets over the busiest link.
    pub max_link: f64,
    /// Fewest cores that the neurons need, at the chip's limit.
    pub least_cores: u32,
    /// Fewest hops of any placement of these cores.
    pub least_hops: f64,
    /// Hops that no mapping of the network avoids; absent where no such bound is known.
    #[serde(default)]
    pub least_hops_of_any: Option<f64>,
    /// The resource that binds most cores.
    pub binds: String,
    /// Resources as (name, mean share of the limit over the cores, largest share).
    pub utilisation: Vec<(String, f64, f64)>,
    /// Digest of where every neuron stands.
    pub mapping: String,
}

/// What a run of the mapping measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Energy of all samples in joules, as far as the chip's prices are known.
    pub joules: f64,
    /// Whether every event that happened has a price.
    pub complete: bool,
    /// Seconds a sample, in the mean; absent where the chip's times are unknown.
    pub seconds: Option<f64>,
    /// Seconds that a tick needs until its cores are done and its packets delivered, in the mean.
    pub tick: Option<f64>,
    /// Latency of a packet in seconds, in the mean.
    pub packet: Option<f64>,
    /// Worst latency of a packet in seconds.
    pub packet_worst: Option<f64>,
    /// Links that packets crossed.
    pub hops: u64,
    /// Packets over the busiest link.
    pub max_link: u64,
    /// Modelled faults: late packets, overruns, merged spikes, overflows.
    pub faults: u64,
    /// Digest of all spikes: the same for every mapping of a network on a chip.
    pub spikes: String,
    /// Links in use as (router * 4 + direction, packets, most in a tick).
    pub links: Vec<(u32, u64, u32)>,
    /// Routers in use as (router, cores, synaptic events).
    pub routers: Vec<(u32, u32, u64)>,
}

impl Row {
    /// Pipeline and seed in a line.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} | {} | seed {}", self.partition, self.placement, self.seed)
    }

    /// What is explored together: candidates of one network on one chip with one set of changes.
    #[must_use]
    pub fn group(&self) -> (String, String, String) {
        (self.network.clone(), self.chip.clone(), self.set.clone())
    }
}
