//! Bodies of clock-driven cores in half precision. All numbers are the bits of binary16 numbers.

use bincode::{Decode, Encode};

use super::AxonOut;
use crate::binary16::Half;
use crate::chip::CapacityLimits;

/// Latest tick in which a neuron may begin.
const MOST_START: u32 = 1 << 20;

/// A block of neurons, `0..parameter_of.len()`, each of which adds up what comes to it in the order of the axons.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SteppedBody {
    /// Distinct parameters of neurons.
    pub parameters: Vec<SteppedParameters>,
    /// Parameter entry of each neuron.
    pub parameter_of: Vec<u16>,
    /// What the sum of each neuron's inputs begins with.
    pub bias: Vec<u16>,
    /// The state of each neuron before its first step.
    pub initial: Vec<u16>,
    /// Ticks that each axon holds a spike beyond the one that every spike takes.
    pub axon_delays: Vec<u8>,
    /// Start of each axon in `synapses`, one more than there are axons.
    pub axon_offsets: Vec<u32>,
    /// Synapses, axon by axon; those of one axon and target act in their order.
    pub synapses: Vec<HalfSynapse>,
    /// Start of each neuron in `axons_out`, one more than there are neurons.
    pub out_offsets: Vec<u32>,
    /// Packets that a spike sends.
    pub axons_out: Vec<AxonOut>,
}

/// Parameters that neurons share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct SteppedParameters {
    /// What is left of the membrane.
    pub alpha: u16,
    /// Added after that.
    pub beta: u16,
    /// Fires above; `None` never.
    pub theta: Option<u16>,
    /// The membrane after a spike, before it leaks.
    pub v_0: u16,
    /// Tick of the first step.
    pub start: u32,
}

/// One synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct HalfSynapse {
    /// Target neuron of the core.
    pub target: u16,
    /// Weight.
    pub weight: u16,
}

impl SteppedBody {
    /// What does not hold or does not fit the chip, in words.
    pub(super) fn faults(&self, capacity: &CapacityLimits) -> Vec<String> {
        let mut found = Vec::new();
        let mut demand = |good: bool, what: &str| {
            if !good {
                found.push(what.to_owned());
            }
        };
        let neurons = self.parameter_of.len();
        let finite = |bits: &u16| Half(*bits).is_finite();
        let entries = self.parameter_of.iter().all(|&entry| usize::from(entry) < self.parameters.len());
        demand(entries, "a neuron names a parameter entry that is not there");
        let numbers = self.parameters.iter().all(|of| {
            let theta = of.theta.unwrap_or_default();
            [of.alpha, of.beta, theta, of.v_0].iter().all(finite) && of.start <= MOST_START
        });
        demand(numbers, "a parameter is no finite number, or a start is too late");
        // Sums that begin with -0 would depend on inputs of zero, which are not added.
        let sound = |bits: &u16| finite(bits) && *bits != 0x8000;
        demand(self.bias.len() == neurons && self.bias.iter().all(sound), "its biases are not one number a neuron");
        let initial = self.initial.len() == neurons && self.initial.iter().all(finite);
        demand(initial, "its first states are not one number a neuron");
        demand(
            holds(&self.axon_offsets, self.axon_delays.len(), self.synapses.len()),
            "its axons do not ascend to the number of synapses",
        );
        let synapses = self.synapses.iter().all(|s| usize::from(s.target) < neurons && finite(&s.weight));
        demand(synapses, "a synapse has no target, or a weight that is no finite number");
        demand(holds(&self.out_offsets, neurons, self.axons_out.len()), "its packets do not ascend");
        demand(self.axons_out.len() <= capacity.axons_out as usize, "it sends to more places than its table has");
        found
    }
}

/// Whether offsets of `parts` parts ascend from 0 to the number of `entries`.
fn holds(offsets: &[u32], parts: usize, entries: usize) -> bool {
    offsets.len() == parts + 1 && offsets.is_sorted() && offsets[0] == 0 && offsets[parts] as usize == entries
}
