//! Synapses without delay laid out axon by axon, so that a packet costs two places of memory and no look-up of lists.

use super::{CubaCore, Kind};

/// Sums that targets reach: any 16-bit number is one, so that none needs a check.
pub(super) const REACH: usize = 1 << 16;

/// Dense lists from this length on are better left to the vector unit.
const LONG_RUN: u32 = 16;

/// Synapses of every axon: target in the low half, shifted weight in the high half.
#[derive(Debug)]
pub(super) struct Flat {
    /// Start of each axon in `entries`, one more than there are axons.
    offsets: Vec<u32>,
    entries: Vec<u32>,
}

impl Flat {
    /// `None` where lists are shared so much that the layout would take more than twice their memory, and where
    /// there are delays, sums that are shifted as a whole, long dense lists, or weights beyond 16 bits.
    pub(super) fn new(core: &CubaCore) -> Option<Self> {
        let plain = |list: &super::List| match list.kind {
            Kind::Run(_) => list.count < LONG_RUN,
            Kind::Scattered => true,
            Kind::Delayed | Kind::Plastic(..) | Kind::PlasticRun(..) => false,
        };
        if core.rows > 1 || !core.shifted.is_empty() || !core.lists.iter().all(plain) {
            return None;
        }
        let total: u64 = core.uses.iter().map(|used| u64::from(core.lists[used.list as usize].count)).sum();
        if total > 2 * core.targets.len() as u64 || total > u64::from(u32::MAX) {
            return None;
        }
        let mut flat = Self { offsets: vec![0], entries: Vec::with_capacity(total as usize) };
        for span in core.axon_offsets.windows(2) {
            for used in &core.uses[span[0] as usize..span[1] as usize] {
                let list = &core.lists[used.list as usize];
                for at in list.first as usize..(list.first + list.count) as usize {
                    let target = core.targets[at].checked_add(used.base)?;
                    let weight = i16::try_from(i64::from(core.weights[at]) << list.shift).ok()?;
                    flat.entries.push(u32::from(target) | u32::from(weight.cast_unsigned()) << 16);
                }
            }
            flat.offsets.push(flat.entries.len() as u32);
        }
        Some(flat)
    }

    /// Synapses of all axons.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether every shifted weight fits a byte.
    pub(super) fn is_narrow(&self) -> bool {
        self.entries.iter().all(|&entry| i8::try_from((entry >> 16) as u16 as i16).is_ok())
    }

    #[inline]
    fn row(&self, axon: u16) -> &[u32] {
        let axon = usize::from(axon);
        &self.entries[self.offsets[axon] as usize..self.offsets[axon + 1] as usize]
    }

    /// Target and shifted weight of the synapses of `axon`.
    pub(super) fn synapses(&self, axon: u16) -> impl Iterator<Item = (u16, i16)> {
        self.row(axon).iter().map(|&entry| (entry as u16, (entry >> 16) as u16 as i16))
    }

    /// Adds the synapses of the packets for `axons` to `sums`.
    pub(super) fn add(&self, axons: &[u16], sums: &mut [i32]) {
        let Some(sums) = sums.first_chunk_mut::<REACH>() else { return };
        for &axon in axons {
            let (fours, rest) = self.row(axon).as_chunks::<4>();
            fours.iter().for_each(|four| four.iter().for_each(|&entry| add(sums, entry)));
            rest.iter().for_each(|&entry| add(sums, entry));
        }
    }
}

#[inline(always)]
fn add(sums: &mut [i32; REACH], entry: u32) {
    let sum = &mut sums[usize::from(entry as u16)];
    *sum = sum.wrapping_add(entry.cast_signed() >> 16);
}
