//! Synapses without delay laid out to be worked through packet by packet: an axon names its lists, a list is a run of
//! chunks, and what the next packets need is asked for before their turn. Lists that axons share are there once.

use crate::emu::neurocore::prefetch;

use super::rows::{Chunk, REACH, chunks_of};
use super::{CubaCore, Kind};

/// Dense lists from this length on are better left to the vector unit.
const LONG_RUN: u32 = 16;
/// How many packets before its turn the place of an axon, its uses and its lists are asked for.
const AHEAD: [usize; 3] = [12, 8, 4];
/// Cache lines of a list that are asked for; the rest follows by itself.
const LINES: usize = 8;

/// The lists of every axon.
#[derive(Debug)]
pub(super) struct Packed {
    /// Start of each axon in `uses`, one more than there are axons.
    axons: Vec<u32>,
    uses: Vec<Use>,
    chunks: Vec<Chunk<i16>>,
    /// Synapses of all axons, each counted as often as it is used, and of all lists.
    used: u64,
    stored: u64,
}

/// A list as an axon uses it.
#[derive(Debug, Clone, Copy)]
struct Use {
    first: u32,
    chunks: u16,
    /// Added to every target.
    base: u16,
}

impl Packed {
    /// `None` where there are delays, sums that are shifted as a whole, long dense lists, or weights beyond 16 bits.
    pub(super) fn new(core: &CubaCore) -> Option<Self> {
        let plain = |list: &super::List| match list.kind {
            Kind::Run(_) => list.count < LONG_RUN,
            Kind::Scattered => true,
            Kind::Delayed | Kind::Plastic(..) | Kind::PlasticRun(..) => false,
        };
        if core.rows > 1 || !core.shifted.is_empty() || !core.lists.iter().all(plain) {
            return None;
        }
        let (mut chunks, mut spans) = (Vec::new(), Vec::with_capacity(core.lists.len()));
        for list in &core.lists {
            let (at, first) =
                (list.first as usize..(list.first + list.count) as usize, u32::try_from(chunks.len()).ok()?);
            let shifted = |&weight: &i16| i16::try_from(i64::from(weight) << list.shift).ok();
            let weights: Vec<i16> = core.weights[at.clone()].iter().map(shifted).collect::<Option<_>>()?;
            let synapses: Vec<(u16, i16)> = core.targets[at].iter().copied().zip(weights).collect();
            chunks.extend(chunks_of(&synapses, |weight| weight));
            spans.push((first, u16::try_from(chunks.len() - first as usize).ok()?));
        }
        chunks.shrink_to_fit();
        let of = |used: &crate::image::ListUse| {
            let (first, chunks) = spans[used.list as usize];
            Use { first, chunks, base: used.base }
        };
        Some(Self {
            axons: core.axon_offsets.clone(),
            uses: core.uses.iter().map(of).collect(),
            chunks,
            used: core.uses.iter().map(|used| u64::from(core.lists[used.list as usize].count)).sum(),
            stored: core.lists.iter().map(|list| u64::from(list.count)).sum(),
        })
    }

    /// Synapses of all axons.
    pub(super) const fn len(&self) -> u64 {
        self.used
    }

    /// Whether lists are shared so much that a layout by axon would take more than twice their memory.
    pub(super) const fn is_shared(&self) -> bool {
        self.used > 2 * self.stored
    }

    /// Whether every shifted weight fits a byte.
    pub(super) fn is_narrow(&self) -> bool {
        self.chunks.iter().all(|chunk| chunk.weights.iter().all(|&weight| i8::try_from(weight).is_ok()))
    }

    #[inline]
    fn uses_of(&self, axon: u16) -> &[Use] {
        let axon = usize::from(axon);
        &self.uses[self.axons[axon] as usize..self.axons[axon + 1] as usize]
    }

    #[inline]
    fn chunks_of(&self, used: Use) -> &[Chunk<i16>] {
        &self.chunks[used.first as usize..][..usize::from(used.chunks)]
    }

    /// Target and shifted weight of the synapses of `axon`; what fills a last chunk has weight 0.
    pub(super) fn synapses(&self, axon: u16) -> impl Iterator<Item = (u16, i16)> {
        self.uses_of(axon).iter().flat_map(|&used| {
            let synapses = self.chunks_of(used).iter().flat_map(Chunk::synapses);
            synapses.map(move |(target, weight)| (target.wrapping_add(used.base), weight))
        })
    }

    /// Adds the synapses of the packets for `axons` to `sums`, which reach as far as a base and a target together.
    pub(super) fn add(&self, axons: &[u16], sums: &mut [i32; 2 * REACH]) {
        let per_line = (64 / size_of::<Chunk<i16>>()).max(1);
        let [far, middle, near] = AHEAD;
        for (number, &axon) in axons.iter().enumerate() {
            if let Some(&later) = axons.get(number + far) {
                prefetch(&self.axons, later.into());
            }
            if let Some(&later) = axons.get(number + middle) {
                prefetch(&self.uses, self.axons[usize::from(later)] as usize);
            }
            if let Some(&soon) = axons.get(number + near) {
                for used in self.uses_of(soon) {
                    let span = used.first as usize..used.first as usize + usize::from(used.chunks);
                    span.step_by(per_line).take(LINES).for_each(|chunk| prefetch(&self.chunks, chunk));
                }
            }
            for &used in self.uses_of(axon) {
                let base = usize::from(used.base);
                if let Some(sums) = sums[base..].first_chunk_mut::<REACH>() {
                    self.chunks_of(used).iter().for_each(|chunk| chunk.add(sums));
                }
            }
        }
    }
}
