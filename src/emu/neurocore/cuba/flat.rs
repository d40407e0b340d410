//! Synapses without delay laid out to be worked through packet by packet: no look-up of formats and rows, and what
//! the next packets need is asked of memory before their turn.

use super::{CubaCore, Kind};
use crate::emu::neurocore::prefetch;
use crate::image::ListUse;

/// Sums that targets reach: any 16-bit number is one, so that none needs a check.
pub(super) const REACH: usize = 1 << 16;

/// Dense lists from this length on are better left to the vector unit.
const LONG_RUN: u32 = 16;
/// Synapses that are added in one go.
const GROUP: usize = 4;
/// How many packets before its turn each of what leads to its synapses is asked for, and these themselves.
const AHEAD: [usize; 3] = [12, 8, 4];
/// Cache lines of synapses that are asked for; the rest of a long list follows by itself.
const LINES: usize = 8;
/// Entries of a cache line.
const LINE: usize = 16;

/// Synapses of every axon: target in the low half, shifted weight in the high half.
#[derive(Debug)]
pub(super) struct Flat {
    /// Start of each axon in `entries`, or in `uses` where lists are shared; one more than there are axons.
    offsets: Vec<u32>,
    entries: Vec<u32>,
    /// Lists of all axons, where they are shared so much that a layout by axon would take more than twice their memory.
    uses: Vec<Use>,
    /// Synapses of all axons.
    synapses: u64,
}

/// A list as an axon uses it.
#[derive(Debug, Clone, Copy)]
struct Use {
    first: u32,
    /// [`GROUP`]s of entries.
    groups: u16,
    /// Added to every target.
    base: u16,
}

impl Flat {
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
        let synapses: u64 = core.uses.iter().map(|used| u64::from(core.lists[used.list as usize].count)).sum();
        if synapses > 2 * core.targets.len() as u64 {
            return Self::shared(core, synapses);
        }
        let mut flat = Self { offsets: vec![0], entries: Vec::new(), uses: Vec::new(), synapses };
        flat.entries.reserve_exact(usize::try_from(synapses).ok()?);
        for span in core.axon_offsets.windows(2) {
            for used in &core.uses[span[0] as usize..span[1] as usize] {
                append(core, &core.lists[used.list as usize], used.base, &mut flat.entries)?;
            }
            flat.offsets.push(u32::try_from(flat.entries.len()).ok()?);
        }
        Some(flat)
    }

    /// Every list once, filled up to whole groups.
    fn shared(core: &CubaCore, synapses: u64) -> Option<Self> {
        let (mut entries, mut spans) = (Vec::new(), Vec::with_capacity(core.lists.len()));
        for list in &core.lists {
            let first = entries.len();
            append(core, list, 0, &mut entries)?;
            // A weight of 0 to a target that the list has anyway.
            let filler = entries.get(first).map_or(0, |&entry| entry & 0xffff);
            entries.resize(entries.len().next_multiple_of(GROUP), filler);
            spans.push((u32::try_from(first).ok()?, u16::try_from((entries.len() - first) / GROUP).ok()?));
        }
        entries.shrink_to_fit();
        let of = |used: &ListUse| {
            let (first, groups) = spans[used.list as usize];
            Use { first, groups, base: used.base }
        };
        let uses = core.uses.iter().map(of).collect();
        Some(Self { offsets: core.axon_offsets.clone(), entries, uses, synapses })
    }

    /// Synapses of all axons.
    pub(super) const fn len(&self) -> u64 {
        self.synapses
    }

    /// Whether axons share lists here.
    pub(super) const fn is_shared(&self) -> bool {
        !self.uses.is_empty()
    }

    /// Whether every shifted weight fits a byte.
    pub(super) fn is_narrow(&self) -> bool {
        self.entries.iter().all(|&entry| i8::try_from((entry >> 16) as u16 as i16).is_ok())
    }

    /// What belongs to an axon, in the table that the offsets are of.
    #[inline]
    fn span(&self, axon: u16) -> std::ops::Range<usize> {
        let axon = usize::from(axon);
        self.offsets[axon] as usize..self.offsets[axon + 1] as usize
    }

    /// Target and shifted weight of the synapses of `axon`, where lists are not shared.
    pub(super) fn synapses(&self, axon: u16) -> impl Iterator<Item = (u16, i16)> {
        self.entries[self.span(axon)].iter().map(|&entry| (entry as u16, (entry >> 16) as u16 as i16))
    }

    /// Adds the synapses of the packets for `axons` to `sums`, which reach as far as a base and a target together.
    pub(super) fn add(&self, axons: &[u16], sums: &mut [i32; 2 * REACH]) {
        let [far, middle, near] = AHEAD;
        let ahead = |number: usize, distance: usize| axons.get(number + distance).copied();
        if self.is_shared() {
            for (number, &axon) in axons.iter().enumerate() {
                ahead(number, far).iter().for_each(|&later| prefetch(&self.offsets, later.into()));
                ahead(number, middle).iter().for_each(|&later| prefetch(&self.uses, self.span(later).start));
                ahead(number, near)
                    .iter()
                    .for_each(|&soon| self.uses[self.span(soon)].iter().for_each(|used| self.fetch(used.span())));
                for used in &self.uses[self.span(axon)] {
                    if let Some(sums) = sums[usize::from(used.base)..].first_chunk_mut() {
                        let groups = self.entries[used.span()].as_chunks::<GROUP>().0;
                        groups.iter().for_each(|group| group.iter().for_each(|&entry| add(sums, entry)));
                    }
                }
            }
            return;
        }
        let Some(sums) = sums.first_chunk_mut() else { return };
        for (number, &axon) in axons.iter().enumerate() {
            ahead(number, middle).iter().for_each(|&later| prefetch(&self.offsets, later.into()));
            ahead(number, near).iter().for_each(|&soon| self.fetch(self.span(soon)));
            let (groups, rest) = self.entries[self.span(axon)].as_chunks::<GROUP>();
            groups.iter().for_each(|group| group.iter().for_each(|&entry| add(sums, entry)));
            rest.iter().for_each(|&entry| add(sums, entry));
        }
    }

    /// Asks memory for entries.
    #[inline]
    fn fetch(&self, entries: std::ops::Range<usize>) {
        entries.step_by(LINE).take(LINES).for_each(|entry| prefetch(&self.entries, entry));
    }
}

impl Use {
    /// Its entries.
    #[inline]
    fn span(&self) -> std::ops::Range<usize> {
        self.first as usize..self.first as usize + usize::from(self.groups) * GROUP
    }
}

/// Appends the entries of a list whose targets are `base` further; `None` where one does not fit.
fn append(core: &CubaCore, list: &super::List, base: u16, entries: &mut Vec<u32>) -> Option<()> {
    for at in list.first as usize..(list.first + list.count) as usize {
        let target = core.targets[at].checked_add(base)?;
        let weight = i16::try_from(i64::from(core.weights[at]) << list.shift).ok()?;
        entries.push(u32::from(target) | u32::from(weight.cast_unsigned()) << 16);
    }
    Some(())
}

#[inline(always)]
fn add(sums: &mut [i32; REACH], entry: u32) {
    let sum = &mut sums[usize::from(entry as u16)];
    *sum = sum.wrapping_add(entry.cast_signed() >> 16);
}
