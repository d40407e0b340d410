//! Synapses that a programmable core makes from few numbers while it works: products of factors, and what a seed draws.

use std::collections::BTreeMap;

use bincode::{Decode, Encode};

use super::memory::list_words;
use crate::chip::CubaSpec;

/// Pairs of sources and targets of a core whose synapses are made so: more would only be looked at for hours.
const MOST_PAIRS: u64 = 1 << 28;
/// Most products a weight.
const MOST_RANK: u8 = 64;
/// Bits of a stored factor.
const FACTOR_BITS: u32 = 8;
/// Bits of a weight, with its sign and its delay, that drawn synapses take.
const CHOICE_BITS: u32 = 16;
/// Words of the seed, the chance and the number of weights.
const DRAW_WORDS: u64 = 2;

/// The synapses of one projection on one core.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CompressedList {
    /// Number of the projection.
    pub projection: u32,
    /// Weight exponent: the effective weight is `w * 2^(6 + exponent)`.
    pub weight_exponent: i8,
    /// The targets, ascending.
    pub targets: Vec<TargetRun>,
    /// The sources, ascending by axon.
    pub sources: Vec<CompressedSource>,
    /// What the weights are made from.
    pub synapses: Compressed,
}

/// Neighbouring compartments that hold neighbouring neurons of the target population.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TargetRun {
    /// First compartment.
    pub compartment: u16,
    /// How many.
    pub count: u16,
    /// Neuron of the population at the first one.
    pub neuron: u32,
}

/// A source and the axon that its spikes come on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CompressedSource {
    /// The inbound axon.
    pub axon: u16,
    /// Neuron of the source population.
    pub source: u32,
}

/// What weights are made from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Compressed {
    /// A sum of products.
    Factorised {
        /// Products a weight.
        rank: u8,
        /// Delay of all synapses in ticks beyond the one that every spike takes.
        delay: u8,
        /// Factors of the targets in the order of their runs, `rank` each.
        left: Vec<i8>,
        /// Factors of the sources in their order, `rank` each.
        right: Vec<i8>,
    },
    /// What [`crate::rng::synapse`] draws.
    Stochastic {
        /// What the draws are keyed by.
        seed: u64,
        /// Chance of a synapse in 1 / 2^32.
        chance: u64,
        /// What a synapse takes one of.
        choices: Vec<Choice>,
    },
}

/// A weight with its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Choice {
    /// Weight, -256..=255.
    pub weight: i16,
    /// Delay in ticks beyond the one that every spike takes.
    pub delay: u8,
}

impl Compressed {
    /// What reports call it.
    fn kind(&self) -> String {
        match self {
            Self::Factorised { rank, .. } => format!("factorised, rank {rank}"),
            Self::Stochastic { seed, chance, choices } => {
                let percent = *chance as f64 / f64::from(1_u32 << 31) * 50.0;
                format!("stochastic, seed {seed}, chance {percent:.2} %, {} weights", choices.len())
            }
        }
    }
}

impl CompressedList {
    /// The number of targets.
    #[must_use]
    pub fn target_count(&self) -> u64 {
        self.targets.iter().map(|run| u64::from(run.count)).sum()
    }

    /// (compartment, neuron of the target population), ascending.
    pub fn neurons(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.targets.iter().flat_map(|run| (0..run.count).map(|k| (run.compartment + k, run.neuron + u32::from(k))))
    }

    /// The longest delay of a synapse.
    #[must_use]
    pub fn longest_delay(&self) -> u8 {
        match &self.synapses {
            Compressed::Factorised { delay, .. } => *delay,
            Compressed::Stochastic { choices, .. } => choices.iter().map(|choice| choice.delay).max().unwrap_or(0),
        }
    }

    /// Words of synapse memory: one a run of targets; of factors a list for all targets and one for each source; of draws
    /// the parameters, the weights and half a word for the number of each source.
    #[must_use]
    pub fn words(&self, spec: &CubaSpec) -> u64 {
        let sources = self.sources.len() as u64;
        let made_from = match &self.synapses {
            Compressed::Factorised { rank, .. } => {
                let left = list_words(spec, self.target_count() * u64::from(*rank), FACTOR_BITS);
                left.saturating_add(sources * list_words(spec, (*rank).into(), FACTOR_BITS))
            }
            Compressed::Stochastic { choices, .. } => {
                DRAW_WORDS + list_words(spec, choices.len() as u64, CHOICE_BITS) + sources.div_ceil(2)
            }
        };
        made_from.saturating_add(self.targets.len() as u64)
    }

    /// Synapses of one source, by its place among the sources.
    #[must_use]
    pub fn synapses_of(&self, at: usize) -> u64 {
        match &self.synapses {
            Compressed::Factorised { .. } => self.target_count(),
            Compressed::Stochastic { seed, chance, choices } => {
                let (source, weights) = (self.sources[at].source, choices.len() as u32);
                let drawn =
                    |&(_, neuron): &(u16, u32)| crate::rng::synapse(*seed, *chance, weights, source, neuron).is_some();
                self.neurons().filter(drawn).count() as u64
            }
        }
    }

    /// What does not hold in a core of so many compartments and axons.
    fn fault(&self, neurons: usize, axons: usize, spec: &CubaSpec) -> Option<&'static str> {
        let longest = spec.delay_max.min(spec.dialect.delay_max());
        let runs = self.targets.iter().all(|run| {
            run.count > 0
                && usize::from(run.compartment) + usize::from(run.count) <= neurons
                && run.neuron.checked_add(run.count.into()).is_some()
        });
        let apart = self
            .targets
            .windows(2)
            .all(|pair| u32::from(pair[0].compartment) + u32::from(pair[0].count) <= u32::from(pair[1].compartment));
        if !runs || !apart {
            return Some("its targets are not there, or do not ascend");
        }
        let ascend = self.sources.windows(2).all(|pair| pair[0].axon < pair[1].axon);
        if !ascend || self.sources.iter().any(|source| usize::from(source.axon) >= axons) {
            return Some("its axons are not there, or do not ascend");
        }
        if !(spec.weight_exponent_min..=spec.weight_exponent_max).contains(&self.weight_exponent) {
            return Some("its weight exponent is out of range");
        }
        if self.longest_delay() > longest {
            return Some("a delay is too long");
        }
        match &self.synapses {
            Compressed::Factorised { rank, left, right, .. } => {
                let counted = |factors: &[i8], of: u64| factors.len() as u64 == of * u64::from(*rank);
                let whole = counted(left, self.target_count()) && counted(right, self.sources.len() as u64);
                (!(1..=MOST_RANK).contains(rank) || !whole).then_some("not `rank` factors a target and a source")
            }
            Compressed::Stochastic { chance, choices, .. } => {
                let full = 1_i16 << (spec.weight_bits - 1).min(14);
                let fits = choices.iter().all(|choice| (-full..full).contains(&choice.weight));
                let counted = (1..=1 << 16).contains(&choices.len());
                (*chance > 1 << 32 || !counted || !fits).then_some("its chance or its weights are out of range")
            }
        }
    }
}

/// What a projection that is stored so takes on all cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressedUse {
    /// Number of the projection.
    pub projection: u32,
    /// What its synapses are made from.
    pub kind: String,
    /// Cores that hold a part.
    pub cores: usize,
    /// Synapses that it stands for.
    pub synapses: u64,
    /// Words of synapse memory.
    pub words: u64,
}

impl super::Image {
    /// Every projection whose synapses are made from factors or a seed, by number.
    #[must_use]
    pub fn compressed(&self, spec: &CubaSpec) -> Vec<CompressedUse> {
        let mut found: BTreeMap<u32, CompressedUse> = BTreeMap::new();
        for core in &self.cores {
            let super::CoreBody::Cuba(body) = &core.body else { continue };
            for list in &body.compressed {
                let (projection, kind) = (list.projection, list.synapses.kind());
                let none = CompressedUse { projection, kind, cores: 0, synapses: 0, words: 0 };
                let of = found.entry(projection).or_insert(none);
                of.cores += 1;
                of.synapses += (0..list.sources.len()).map(|at| list.synapses_of(at)).sum::<u64>();
                of.words += list.words(spec);
            }
        }
        found.into_values().collect()
    }
}

impl super::CubaCore {
    /// What does not hold of the core's compressed synapses; axons must hold already.
    pub(super) fn compressed_faults(&self, spec: &CubaSpec) -> Vec<String> {
        if spec.programs.is_none() && !self.compressed.is_empty() {
            return vec!["the chip has no factorised and no stochastic synapses".to_owned()];
        }
        let (neurons, axons) = (self.config_of.len(), self.axon_offsets.len().saturating_sub(1));
        let lists = self.compressed.iter().enumerate();
        let fault = |(number, list): (usize, &CompressedList)| {
            list.fault(neurons, axons, spec).map(|what| format!("compressed list {number}: {what}"))
        };
        let mut found: Vec<String> = lists.filter_map(fault).collect();
        let pairs = self.compressed.iter().map(|list| list.target_count().saturating_mul(list.sources.len() as u64));
        if pairs.fold(0, u64::saturating_add) > MOST_PAIRS {
            found.push(format!("compressed synapses of more than {MOST_PAIRS} pairs of neurons"));
        }
        found
    }
}
