//! Synapses that are made when a spike works through them: products of factors, and what a seed draws.

use super::super::exponent::{self, ShiftedSums};
use super::load::input_of;
use crate::chip::Dialect;
use crate::image::{self, TargetRun};
use crate::rng;

/// The synapses of one projection.
#[derive(Debug)]
pub(super) struct List {
    /// Dendritic input of the targets.
    pub(super) input: usize,
    /// Left shift of its weights.
    pub(super) shift: u32,
    /// The first of its sums that are shifted as a whole, one a delay.
    pub(super) shifted: Option<usize>,
    exponent: i8,
    dialect: Dialect,
    targets: Vec<TargetRun>,
    sources: Vec<u32>,
    synapses: image::Compressed,
}

/// All lists of a core, and which of them an axon works through.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) lists: Vec<List>,
    /// Start of each axon in `uses`, one more than there are axons; empty where there is no list.
    offsets: Vec<u32>,
    /// (list, place of the source in it).
    uses: Vec<(u32, u32)>,
}

impl Lists {
    pub(super) fn new(image: &image::CubaCore, sums: &ShiftedSums, dialect: Dialect) -> Self {
        let load = |list: &image::CompressedList| List {
            input: input_of(image, list.projection),
            shift: exponent::left_shift(list.weight_exponent, dialect),
            shifted: sums.first(list.projection, list.weight_exponent).map(|first| first as usize),
            exponent: list.weight_exponent,
            dialect,
            targets: list.targets.clone(),
            sources: list.sources.iter().map(|source| source.source).collect(),
            synapses: list.synapses.clone(),
        };
        let mut all =
            Self { lists: image.compressed.iter().map(load).collect(), offsets: Vec::new(), uses: Vec::new() };
        if all.lists.is_empty() {
            return all;
        }
        let mut by_axon: Vec<(u16, (u32, u32))> = Vec::new();
        for (number, list) in (0..).zip(&image.compressed) {
            by_axon.extend((0..).zip(&list.sources).map(|(at, source)| (source.axon, (number, at))));
        }
        by_axon.sort_unstable();
        let axons = image.axon_offsets.len() as u32 - 1;
        let start = |axon: u32| by_axon.partition_point(|(of, _)| u32::from(*of) < axon) as u32;
        all.offsets = (0..=axons).map(start).collect();
        all.uses = by_axon.into_iter().map(|(_, used)| used).collect();
        all
    }

    /// The lists that an axon works through, with the place of its source in each.
    #[inline]
    pub(super) fn of(&self, axon: usize) -> impl Iterator<Item = (&List, usize)> {
        let ends = self.offsets.get(axon..axon + 2).map_or(0..0, |ends| ends[0] as usize..ends[1] as usize);
        self.uses[ends].iter().map(|&(list, at)| (&self.lists[list as usize], at as usize))
    }
}

/// Adds the operations of every axon's compressed synapses to its (dense, sparse, shared) ones: a product is a dense one,
/// a synapse that is drawn a sparse one.
pub(super) fn count(image: &image::CubaCore, events: &mut [[u32; 3]]) {
    for list in &image.compressed {
        for (at, source) in list.sources.iter().enumerate() {
            let synapses = list.synapses_of(at);
            let (kind, operations) = match &list.synapses {
                image::Compressed::Factorised { rank, .. } => (0, synapses * u64::from(*rank)),
                image::Compressed::Stochastic { .. } => (1, synapses),
            };
            let of = &mut events[usize::from(source.axon)][kind];
            *of = of.saturating_add(u32::try_from(operations).unwrap_or(u32::MAX));
        }
    }
}

impl List {
    /// The longest delay.
    pub(super) fn longest_delay(&self) -> u8 {
        match &self.synapses {
            image::Compressed::Factorised { delay, .. } => *delay,
            image::Compressed::Stochastic { choices, .. } => {
                choices.iter().map(|choice| choice.delay).max().unwrap_or(0)
            }
        }
    }

    /// Shows (compartment, weight as it is loaded, delay) of every synapse of a source.
    #[inline]
    pub(super) fn visit(&self, at: usize, mut synapse: impl FnMut(usize, i32, usize)) {
        let load = |weight: i32| exponent::loaded(weight, self.exponent, self.dialect);
        match &self.synapses {
            image::Compressed::Factorised { rank, delay, left, right } => {
                let rank = usize::from(*rank);
                let own = &right[at * rank..(at + 1) * rank];
                let mut rows = left.chunks_exact(rank);
                for run in &self.targets {
                    let first = usize::from(run.compartment);
                    for (compartment, row) in (first..first + usize::from(run.count)).zip(&mut rows) {
                        let products = row.iter().zip(own).map(|(l, r)| i32::from(*l) * i32::from(*r));
                        synapse(compartment, load(products.sum()), usize::from(*delay));
                    }
                }
            }
            image::Compressed::Stochastic { seed, chance, choices } => {
                let (source, weights) = (self.sources[at], choices.len() as u32);
                for run in &self.targets {
                    for k in 0..run.count {
                        let target = run.neuron + u32::from(k);
                        if let Some(drawn) = rng::synapse(*seed, *chance, weights, source, target) {
                            let choice = &choices[drawn as usize];
                            let compartment = usize::from(run.compartment) + usize::from(k);
                            synapse(compartment, load(choice.weight.into()), usize::from(choice.delay));
                        }
                    }
                }
            }
        }
    }
}
