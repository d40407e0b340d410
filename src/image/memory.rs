//! Synapse memory that a Loihi-style core's lists take.

use std::collections::BTreeSet;

use super::{CompartmentConfig, CubaCore, Synapse, SynapseFormat};
use crate::chip::CubaSpec;

/// Words of 64 bits for a list of `count` synapses of `bits` bits each: blocks with their overhead, each rounded up.
#[must_use]
pub fn list_words(spec: &CubaSpec, count: u64, bits: u32) -> u64 {
    let block = u64::from(spec.block_synapses.max(1));
    let of_block = |synapses: u64| {
        synapses.saturating_mul(bits.into()).saturating_add(spec.block_overhead_bits.into()).div_ceil(64)
    };
    let rest = count % block;
    let last = if rest > 0 { of_block(rest) } else { 0 };
    (count / block).saturating_mul(of_block(block)).saturating_add(last)
}

impl CubaCore {
    /// Words of synapse memory of all lists, whose formats must be there, compressed ones too.
    #[must_use]
    pub fn synapse_words(&self, spec: &CubaSpec) -> u64 {
        let words = |list: &super::SynapseList| {
            list_words(spec, list.count.into(), self.formats[usize::from(list.format)].bits())
        };
        let compressed = self.compressed.iter().map(|list| list.words(spec));
        self.lists.iter().map(words).chain(compressed).fold(0, u64::saturating_add)
    }

    /// Formats that the chip has not, and lists whose synapses do not fit theirs; formats and synapses must be there.
    pub(super) fn format_faults(&self, spec: &CubaSpec) -> Vec<String> {
        let exponents = spec.weight_exponent_min..=spec.weight_exponent_max;
        let legal = |format: &SynapseFormat| {
            exponents.contains(&format.weight_exponent)
                && spec.weight_widths.contains(&format.weight_bits)
                && format.tag_bits <= spec.tag_bits
                && (format.weight_bits == 0) == (format.fixed != 0)
        };
        let formats = self.formats.iter().filter(|format| !legal(format));
        let mut faults: Vec<String> = formats.map(|format| format!("{format:?} is out of range")).collect();
        for (number, list) in self.lists.iter().enumerate() {
            let format = &self.formats[usize::from(list.format)];
            let synapses = &self.synapses[list.first as usize..][..list.count as usize];
            let holds = |synapse: &Synapse| {
                u32::from(synapse.delay) < 1_u32 << format.delay_bits.min(31)
                    && (format.weight_bits > 0 || synapse.weight == format.fixed)
            };
            if let Some(at) = synapses.iter().position(|synapse| !holds(synapse)) {
                faults.push(format!("list {number}: synapse {at} does not fit {format:?}"));
            }
        }
        faults
    }

    /// Distinct configurations that its compartments share: decays, refractory time, noise.
    #[must_use]
    pub fn compartment_configs(&self) -> usize {
        self.distinct(|config| (config.decay_u, config.decay_v, config.refractory, config.noise))
    }

    /// Distinct thresholds that its compartments share, with how they adapt.
    #[must_use]
    pub fn threshold_configs(&self) -> usize {
        self.distinct(|config| (config.threshold, config.adaptation))
    }

    fn distinct<T: Ord>(&self, part: impl Fn(&CompartmentConfig) -> T) -> usize {
        self.configs.iter().map(part).collect::<BTreeSet<T>>().len()
    }
}
