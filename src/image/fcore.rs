//! Bodies of Tianjic-style cores: a weight matrix between an input format and a soma.

use bincode::{Decode, Encode};

use super::{AxonOut, CoreBody, Image};
use crate::chip::{CapacityLimits, ChipSpec, FcoreSpec};
use crate::ids::CoreId;

/// An FCore.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FcoreBody {
    /// What its axons take.
    pub input: FcoreFormat,
    /// Axons in use; 0 where the input is sums.
    pub axons: u16,
    /// Neurons in use.
    pub neurons: u16,
    /// Weights that are shared by index; empty: each synapse has its own.
    pub codebook: Vec<i8>,
    /// Weight (two's complement) or index of each synapse, axon-major: `axon * neurons + neuron`.
    pub weights: Vec<u8>,
    /// What its neurons make of their sums.
    pub soma: SomaImage,
    /// Number of each neuron for random draws: its place in its population.
    pub draw: Vec<u32>,
    /// Start of each neuron in `axons_out`, one more than there are neurons.
    pub out_offsets: Vec<u32>,
    /// Packets that a neuron sends, point to point.
    pub axons_out: Vec<AxonOut>,
    /// The adjacent core that gets a copy of every packet that comes here, on the same axon.
    pub copy_to: Option<u32>,
}

/// Input format of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum FcoreFormat {
    /// 8-bit values of the round before.
    Values,
    /// Rounds with a spike among the last so many.
    Spikes(u8),
    /// Partial sums of other cores: axon n goes straight to the accumulator of neuron n.
    Sums,
}

/// The soma of a core.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SomaImage {
    /// The sum is sent as it is, to a core whose input is sums.
    Partial,
    /// An artificial unit.
    Ann {
        /// Added to the sum, one a neuron.
        bias: Vec<i32>,
        /// Places by which the sum is shifted right.
        shift: u8,
        /// From the shifted sum to the value.
        activation: ActivationImage,
    },
    /// A spiking neuron.
    Snn {
        /// 256ths of the membrane that leak away.
        decay: u8,
        /// Added in each round, one a neuron.
        bias: Vec<i32>,
        /// Threshold, one a neuron; empty: never fires.
        threshold: Vec<i32>,
        /// Bits of the random number that the threshold grows by.
        random_bits: u8,
        /// Its seed.
        seed: u64,
        /// What a spike does.
        reset: ResetImage,
        /// The membrane before the first round, one a neuron.
        initial: Vec<i32>,
    },
}

/// From a shifted sum to a value.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ActivationImage {
    /// Clamped to 0..=255.
    Relu,
    /// Clamped to -128..=127.
    Signed,
    /// Clamped to -128..=127 and looked up in 256 entries.
    Table(Vec<i16>),
}

/// What a spike does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum ResetImage {
    /// It becomes this.
    Value(i32),
    /// The threshold is taken off.
    Subtract,
    /// It stays.
    None,
}

impl FcoreBody {
    /// Axons that packets may name: those of the matrix, or one a neuron for sums.
    #[must_use]
    pub fn ports(&self) -> usize {
        usize::from(if self.input == FcoreFormat::Sums { self.neurons } else { self.axons })
    }

    /// The weight of a synapse. The body must have passed its check.
    #[must_use]
    pub fn weight(&self, axon: usize, neuron: usize) -> i8 {
        let stored = self.weights[axon * usize::from(self.neurons) + neuron];
        if self.codebook.is_empty() { stored.cast_signed() } else { self.codebook[usize::from(stored)] }
    }

    /// What does not fit the chip, in words.
    pub(super) fn faults(&self, spec: &FcoreSpec, capacity: &CapacityLimits) -> Vec<String> {
        let mut found = Vec::new();
        let mut demand = |good: bool, what: &str| {
            if !good {
                found.push(what.to_owned());
            }
        };
        let (axons, neurons) = (usize::from(self.axons), usize::from(self.neurons));
        demand(self.weights.len() == axons * neurons, "its weights are not axons x neurons");
        demand(
            self.codebook.len() <= usize::from(spec.weight_indices),
            "it shares more weights than there are indices",
        );
        let indexed = self.codebook.is_empty() || self.weights.iter().all(|&at| usize::from(at) < self.codebook.len());
        demand(indexed, "a synapse names a shared weight that is not there");
        demand(self.input != FcoreFormat::Sums || axons == 0, "sums come to neurons, yet it has axons");
        let window = matches!(self.input, FcoreFormat::Spikes(window) if !(1..=spec.window_max).contains(&window));
        demand(!window, "its window of spikes is out of range");
        demand(self.draw.len() == neurons, "not one draw number a neuron");
        demand(self.out_offsets.len() == neurons + 1, "not one start of packets a neuron");
        let ends = (self.out_offsets.first(), self.out_offsets.last().map(|&last| last as usize));
        demand(
            ends == (Some(&0), Some(self.axons_out.len())) && self.out_offsets.is_sorted(),
            "its packets do not ascend",
        );
        demand(self.axons_out.len() <= capacity.axons_out as usize, "it sends to more places than its table has");
        let register = 1_i32 << (spec.accumulator_bits - 1);
        let fits = |values: &[i32]| values.iter().all(|value| (-register..register).contains(value));
        match &self.soma {
            SomaImage::Partial => demand(self.input != FcoreFormat::Sums, "it makes sums of sums"),
            SomaImage::Ann { bias, shift, activation } => {
                demand(bias.len() == neurons && fits(bias), "its biases are out of range");
                demand(*shift < 31, "its shift is out of range");
                if let ActivationImage::Table(table) = activation {
                    let values = table.iter().all(|value| (-128..=255).contains(value));
                    demand(table.len() == 256 && values, "its table is not 256 values");
                }
            }
            SomaImage::Snn { bias, threshold, random_bits, reset, initial, .. } => {
                demand(initial.len() == neurons && fits(initial), "its first membranes are out of range");
                demand(bias.len() == neurons && fits(bias), "its biases are out of range");
                let one_each = threshold.is_empty() || threshold.len() == neurons;
                demand(one_each && fits(threshold), "its thresholds are out of range");
                demand(*random_bits < spec.accumulator_bits, "its random numbers are out of range");
                let value = if let ResetImage::Value(value) = reset { *value } else { 0 };
                demand(fits(&[value]), "its reset value is out of range");
            }
        }
        found
    }
}

impl Image {
    /// Makes every list of packets whole again: what copies would have brought is sent point to point.
    pub fn unchain(&mut self) {
        let next: std::collections::BTreeMap<u32, u32> =
            self.cores.iter().filter_map(|core| Some((core.core, fcore(&core.body)?.copy_to?))).collect();
        let chain = |first: u32| std::iter::successors(Some(first), |core| next.get(core).copied());
        for core in &mut self.cores {
            let CoreBody::Fcore(body) = &mut core.body else { continue };
            body.copy_to = None;
            let (mut outs, mut offsets) = (Vec::new(), vec![0]);
            for ends in body.out_offsets.windows(2) {
                for out in &body.axons_out[ends[0] as usize..ends[1] as usize] {
                    outs.extend(chain(out.core).map(|core| AxonOut { core, ..*out }));
                }
                offsets.push(outs.len() as u32);
            }
            (body.axons_out, body.out_offsets) = (outs, offsets);
        }
        for input in &mut self.inputs {
            let (mut targets, mut offsets) = (Vec::new(), vec![0]);
            for ends in input.offsets.windows(2) {
                for to in &input.targets[ends[0] as usize..ends[1] as usize] {
                    targets.extend(chain(to.core).map(|core| super::Destination { core, ..*to }));
                }
                offsets.push(targets.len() as u32);
            }
            (input.targets, input.offsets) = (targets, offsets);
        }
    }

    /// What does not hold of copies, in words: chains that come back, leave the neighbourhood or change the axons.
    pub(super) fn copy_faults(&self, chip: &ChipSpec) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for core in &self.cores {
            let Some((body, to)) = fcore(&core.body).and_then(|body| Some((body, body.copy_to?))) else { continue };
            let Some(target) = self.core(to).and_then(|target| fcore(&target.body)) else {
                found.push((core.core, format!("it copies to core {to}, which is not there")));
                continue;
            };
            let ((x, y), (tx, ty)) = (chip.router_of(CoreId(core.core)), chip.router_of(CoreId(to)));
            if x.abs_diff(tx) + y.abs_diff(ty) != 1 {
                found.push((core.core, format!("it copies to core {to}, which is no neighbour")));
            }
            if target.ports() < body.ports() {
                found.push((core.core, format!("it copies to core {to}, which has fewer axons")));
            }
            let mut at = Some(to);
            for _ in 0..=self.cores.len() {
                at = at.and_then(|at| fcore(&self.core(at)?.body)?.copy_to);
            }
            if at.is_some() {
                found.push((core.core, "its chain of copies comes back".to_owned()));
            }
        }
        found
    }
}

fn fcore(body: &CoreBody) -> Option<&FcoreBody> {
    if let CoreBody::Fcore(body) = body { Some(body) } else { None }
}
