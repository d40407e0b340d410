//! Synapse memory that a Loihi-style core's lists take.

use super::CubaCore;
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
}
