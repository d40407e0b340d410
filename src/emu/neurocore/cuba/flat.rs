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
        if self.is_shared() {
            self.add_shared(axons, sums);
        } else if let Some(sums) = sums.first_chunk_mut() {
            self.add_own(axons, sums);
        }
    }

    fn add_own(&self, axons: &[u16], sums: &mut [i32; REACH]) {
        let [_, far, near] = AHEAD;
        for (number, &axon) in axons.iter().enumerate() {
            if let Some(&later) = axons.get(number + far) {
                prefetch(&self.offsets, later.into());
            }
            if let Some(&soon) = axons.get(number + near) {
                self.fetch(self.span(soon));
            }
            let (groups, rest) = self.entries[self.span(axon)].as_chunks::<GROUP>();
            groups.iter().for_each(|group| add(sums, group));
            rest.iter().for_each(|&entry| add(sums, &[entry]));
        }
    }

    fn add_shared(&self, axons: &[u16], sums: &mut [i32; 2 * REACH]) {
        let [farthest, far, near] = AHEAD;
        for (number, &axon) in axons.iter().enumerate() {
            if let Some(&later) = axons.get(number + farthest) {
                prefetch(&self.offsets, later.into());
            }
            if let Some(&later) = axons.get(number + far) {
                prefetch(&self.uses, self.span(later).start);
            }
            if let Some(&soon) = axons.get(number + near) {
                self.uses[self.span(soon)].iter().for_each(|used| self.fetch(used.span()));
            }
            for used in &self.uses[self.span(axon)] {
                if let Some(sums) = sums[usize::from(used.base)..].first_chunk_mut() {
                    self.entries[used.span()].as_chunks::<GROUP>().0.iter().for_each(|group| add(sums, group));
                }
            }
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
fn add<const COUNT: usize>(sums: &mut [i32; REACH], entries: &[u32; COUNT]) {
    for entry in entries {
        let sum = &mut sums[usize::from(*entry as u16)];
        *sum = sum.wrapping_add(entry.cast_signed() >> 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{self, Family, LoadOptions};
    use crate::emu::program::Times;
    use crate::image::{self, ListKind, Synapse, SynapseFormat, SynapseList};
    use crate::rng::Rng;

    /// The layout of a core with these lists of (target, weight), whose weights are shifted by 1; uses by axon are (list,
    /// base).
    fn flat(lists: &[Vec<(u16, i16)>], uses: &[Vec<(u32, u16)>], delay: u8) -> Option<Flat> {
        let format = SynapseFormat {
            kind: ListKind::Shared,
            weight_bits: 8,
            signed: true,
            weight_exponent: 1,
            index_bits: 12,
            delay_bits: 1,
            tag_bits: 0,
            fixed: 0,
            learns: false,
        };
        let starts = lists.iter().scan(0, |next, list| Some(std::mem::replace(next, *next + list.len() as u32)));
        let list =
            |(first, list): (u32, &Vec<_>)| SynapseList { format: 0, projection: 0, first, count: list.len() as u32 };
        let synapse = |&(target, weight): &(u16, i16)| Synapse { target, weight, delay };
        let ends = uses.iter().scan(0, |end, of_axon| {
            *end += of_axon.len() as u32;
            Some(*end)
        });
        let image = image::CubaCore {
            configs: Vec::new(),
            config_of: Vec::new(),
            initial: Vec::new(),
            joins: Vec::new(),
            formats: vec![format],
            lists: starts.zip(lists).map(list).collect(),
            synapses: lists.iter().flatten().map(synapse).collect(),
            axon_offsets: std::iter::once(0).chain(ends).collect(),
            list_uses: uses.iter().flatten().map(|&(list, base)| ListUse { list, base }).collect(),
            out_offsets: vec![0],
            axons_out: Vec::new(),
            learning: Vec::new(),
            programs: Vec::new(),
            compressed: Vec::new(),
        };
        let chip = chip::load("loihi", &LoadOptions::default()).expect("built in");
        let Family::Cuba(spec) = &chip.family else { panic!("synapse lists") };
        CubaCore::new(&image, spec, &Times::default(), &[]).flat
    }

    #[test]
    fn own_and_shared_lists_add_what_they_hold() {
        let mut rng = Rng::new(5);
        for (lists, shared) in [(40_u64, false), (4, true)] {
            let mut list = |count| (0..count).map(|_| (rng.below(900) as u16, rng.below(400) as i16 - 200)).collect();
            let lists: Vec<Vec<(u16, i16)>> = (0..lists).map(&mut list).collect();
            let mut of_axon = |axon: u64| -> Vec<(u32, u16)> {
                let other = rng.below(lists.len() as u64) as u32;
                let own = (axon % lists.len() as u64) as u32;
                if shared { vec![(own, rng.below(100) as u16), (other, 7)] } else { vec![(own, 3)] }
            };
            let uses: Vec<Vec<(u32, u16)>> = (0..40).map(&mut of_axon).collect();
            let flat = flat(&lists, &uses, 0).expect("plain lists");
            assert_eq!(flat.is_shared(), shared);
            let axons: Vec<u16> = (0..100).map(|packet| packet * 7 % 40).collect();
            let (mut sums, mut expected) = (vec![0; 2 * REACH], vec![0; 2 * REACH]);
            for &(list, base) in axons.iter().flat_map(|&axon| &uses[usize::from(axon)]) {
                for &(target, weight) in &lists[list as usize] {
                    expected[usize::from(base + target)] += 2 * i32::from(weight);
                }
            }
            flat.add(&axons, sums.first_chunk_mut().expect("long enough"));
            assert_eq!(sums, expected);
            let count: usize = uses.iter().flatten().map(|&(list, _)| lists[list as usize].len()).sum();
            assert_eq!(flat.len(), count as u64);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_lists() {
        let one = |weight, target, base, delay| flat(&[vec![(target, weight)]], &[vec![(0, base)]], delay).is_some();
        assert!(one(i16::MAX / 2, 0, 0, 0) && !one(i16::MAX / 2 + 1, 0, 0, 0), "weights are shifted to 16 bits");
        assert!(one(1, 1, u16::MAX - 1, 0) && !one(1, 1, u16::MAX, 0), "targets have 16 bits");
        assert!(!one(1, 0, 0, 1), "delays");
        for (count, fits) in [(LONG_RUN - 1, true), (LONG_RUN, false)] {
            let run = (0..count as u16).map(|target| (target, 1)).collect();
            assert_eq!(flat(&[run], &[vec![(0, 0)]], 0).is_some(), fits, "{count} targets in a row");
        }
    }
}
