//! The learning engine of a list core.
//!
//! What a tick's spikes teach is learned when the next tick begins, after its packets have been added with the weights
//! that they met: so a spike never meets a weight that it changed itself. Only synapses at which a product acts are
//! visited: those of sources that fired, those of targets that fired, and all where a product of u_k has its turn.
//!
//! Dialects lava, nengo and chip_best_guess compute as [`lava`] says, brian2 as [`brian2`] does.

mod brian2;
mod lava;
mod state;

use super::{Dialect, image};
use crate::chip::CubaSpec;
use crate::image::Plasticity;
use crate::rule::{Dependency, Graded, Product, Trace, Variable};

pub(in crate::emu::neurocore) use state::{LearnState, Lesson};

/// No number of a source, target or group.
const NONE: u32 = u32::MAX;

/// All that a core learns.
#[derive(Debug)]
pub(in crate::emu::neurocore) struct Learning {
    groups: Vec<Group>,
    /// Start of each axon in `uses`, one more than there are axons.
    offsets: Vec<u32>,
    uses: Vec<Use>,
    dialect: Dialect,
}

/// What a packet on an axon is to a group.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// A presynaptic spike of this source.
    Source { group: u32, source: u32 },
    /// Part of the value of a trace, of one target or of all ([`NONE`]).
    Factor { group: u32, trace: u8, target: u32 },
}

/// What never changes of one projection's learning.
#[derive(Debug)]
struct Group {
    projection: u32,
    seed: u64,
    /// Learning steps that are behind when the run begins.
    steps: u64,
    start: u32,
    /// Output of the targets' program whose spikes are postsynaptic.
    post: u8,
    epoch: u8,
    weight: Vec<Term>,
    delay: Vec<Term>,
    tag: Vec<Term>,
    /// Whether any product depends on x0, on y0, and every k of its u_k.
    on_source: bool,
    on_target: bool,
    turns: Vec<u8>,
    before: [Trace; 2],
    after: [Trace; 3],
    supplied: [bool; 3],
    graded: Graded,
    /// Least and greatest weight.
    range: (i16, i16),
    /// Longest delay that learning leaves.
    longest: i16,
    /// Whether learned delays are those that spikes take.
    delays_act: bool,
    /// Weights are multiples of it, as long as nothing was learned (brian2).
    precision: i16,
    /// Start of each source in `targets`, one more than there are sources.
    spans: Vec<u32>,
    /// Target of each synapse.
    targets: Vec<u16>,
    /// Start of each target in `incoming`, one more than there are targets.
    inward: Vec<u32>,
    /// (source, synapse) by target.
    incoming: Vec<(u32, u32)>,
    /// Target of each compartment, [`NONE`] where it is none.
    target_of: Vec<u32>,
    /// Start of each of the core's lists in `targets`, [`NONE`] where it is another group's.
    first_of: Vec<u32>,
    initial: Initial,
}

/// Weights, delays and tags before the first tick. Delays are empty where no rule needs them.
#[derive(Debug, Clone)]
struct Initial {
    weights: Vec<i16>,
    delays: Vec<i16>,
    tags: Vec<i16>,
}

/// A product, ready to be computed.
#[derive(Debug)]
struct Term {
    dependency: Dependency,
    mantissa: i32,
    exponent: i8,
    /// Places that the product is shifted right before its exponent acts.
    excess: u32,
    factors: Vec<Factor>,
}

/// A factor and what it is limited to.
#[derive(Debug, Clone, Copy)]
struct Factor {
    variable: Variable,
    constant: i32,
    sign: bool,
    edge: i32,
}

impl Term {
    fn new(product: &Product) -> Self {
        let bits: u32 = product.factors.iter().map(|factor| factor.variable.bits()).sum();
        let factor = |factor: &crate::rule::Factor| Factor {
            variable: factor.variable,
            constant: factor.constant.into(),
            sign: factor.sign,
            edge: 1 << factor.variable.bits(),
        };
        Self {
            dependency: product.dependency,
            mantissa: product.mantissa.into(),
            exponent: product.exponent,
            excess: (bits + 4).saturating_sub(15).min(31),
            factors: product.factors.iter().map(factor).collect(),
        }
    }
}

impl Learning {
    /// `None` where nothing learns. The check of the image has made sure that groups hold.
    pub(in crate::emu::neurocore) fn new(image: &image::CubaCore, spec: &CubaSpec) -> Option<Self> {
        if image.learning.is_empty() {
            return None;
        }
        let axons = image.axon_offsets.len().saturating_sub(1);
        let mut by_axon: Vec<Vec<Use>> = vec![Vec::new(); axons];
        let mut groups = Vec::with_capacity(image.learning.len());
        for (number, group) in (0_u32..).zip(&image.learning) {
            let plasticity = group.resolve().unwrap_or_else(|what| unreachable!("a checked image: {what}"));
            let (loaded, sources) = Group::new(image, group, &plasticity, spec);
            for (source, axon) in (0..).zip(sources) {
                by_axon[axon].push(Use::Source { group: number, source });
            }
            for factor in &group.factors {
                let target = factor.target.map_or(NONE, |target| loaded.target_of[usize::from(target)]);
                if factor.target.is_none() || target != NONE {
                    let trace = factor.trace;
                    by_axon[usize::from(factor.axon)].push(Use::Factor { group: number, trace, target });
                }
            }
            groups.push(loaded);
        }
        let mut learning = Self { groups, offsets: vec![0], uses: Vec::new(), dialect: spec.dialect };
        for uses in by_axon {
            learning.uses.extend(uses);
            learning.offsets.push(learning.uses.len() as u32);
        }
        Some(learning)
    }

    /// Whether anything is still to be learned.
    pub(in crate::emu::neurocore) fn goes_on(&self) -> bool {
        self.groups.iter().any(|group| group.start != u32::MAX)
    }

    /// Longest delay that any synapse may come to have.
    pub(in crate::emu::neurocore) fn longest_delay(&self) -> u8 {
        let learned = self.groups.iter().filter(|group| group.delays_act && !group.delay.is_empty());
        learned.map(|group| group.longest as u8).max().unwrap_or(0)
    }

    /// The targets of a group: (compartment, number of the target), ascending.
    pub(in crate::emu::neurocore) fn targets(&self, group: u32) -> impl Iterator<Item = (usize, u32)> {
        let targets = self.groups[group as usize].target_of.iter().copied().enumerate();
        targets.filter(|(_, target)| *target != NONE)
    }

    /// Whether a group's rule moves the delays that spikes take.
    pub(in crate::emu::neurocore) fn moves(&self, group: u32) -> bool {
        let group = &self.groups[group as usize];
        group.delays_act && !group.delay.is_empty()
    }

    /// The group of a list that learns, and the start of its synapses there.
    pub(in crate::emu::neurocore) fn place_of(&self, list: usize) -> Option<(u32, u32)> {
        let found = (0..).zip(&self.groups).find(|(_, group)| group.first_of[list] != NONE);
        found.map(|(number, group)| (number, group.first_of[list]))
    }
}

impl Group {
    /// The group, and the axon of each of its sources.
    fn new(
        image: &image::CubaCore,
        group: &image::LearningGroup,
        plasticity: &Plasticity,
        spec: &CubaSpec,
    ) -> (Self, Vec<usize>) {
        let brian2 = spec.dialect == Dialect::Brian2;
        let rule = &plasticity.rule;
        let terms = |products: &[Product]| products.iter().map(Term::new).collect();
        let depends = |wanted: Dependency| rule.products().any(|product| product.dependency == wanted);
        let turn = |product: &Product| match product.dependency {
            Dependency::U(k) => Some(k),
            Dependency::X0 | Dependency::Y0 => None,
        };
        let mut turns: Vec<u8> = rule.products().filter_map(turn).collect();
        turns.sort_unstable();
        turns.dedup();
        let needs_delay = !rule.delay.is_empty() || rule.reads(Variable::Delay);
        let delays_act = spec.dialect.learned_delays_act();
        let widest = spec.weight_widths.iter().copied().max().unwrap_or(8);
        let mixed = plasticity.sign == crate::rule::Sign::Mixed;
        let step = u32::from(widest.saturating_sub(group.weight_bits)) + u32::from(mixed);
        let mut loaded = Self {
            projection: group.projection,
            seed: group.seed,
            steps: group.steps,
            start: group.start,
            post: group.post,
            epoch: group.epoch.clamp(1, 63) as u8,
            weight: terms(&rule.weight),
            delay: terms(&rule.delay),
            tag: terms(&rule.tag),
            on_source: depends(Dependency::X0),
            on_target: depends(Dependency::Y0),
            turns,
            before: plasticity.before.clone(),
            after: plasticity.after.clone(),
            supplied: plasticity.supplied,
            graded: plasticity.graded,
            range: if brian2 { plasticity.sign.range_brian2() } else { plasticity.sign.range() },
            longest: if delays_act { spec.delay_max.min(spec.dialect.delay_max()).into() } else { 255 },
            delays_act,
            precision: 1 << step.min(9),
            spans: vec![0],
            targets: Vec::new(),
            inward: Vec::new(),
            incoming: Vec::new(),
            target_of: vec![NONE; image.config_of.len()],
            first_of: vec![NONE; image.lists.len()],
            initial: Initial { weights: Vec::new(), delays: Vec::new(), tags: group.tags.clone() },
        };
        let sources = loaded.lay_out(image, group.projection);
        if needs_delay {
            loaded.initial.delays = match group.delays.is_empty() {
                false => group.delays.clone(),
                true => loaded.delays_of(image, group.projection),
            };
        }
        if loaded.initial.tags.is_empty() {
            loaded.initial.tags = vec![0; loaded.targets.len()];
        }
        (loaded, sources)
    }

    /// Lists the synapses by source in the order of the lists, and by target; the axon of each source.
    fn lay_out(&mut self, image: &image::CubaCore, projection: u32) -> Vec<usize> {
        let mut use_of = vec![(usize::MAX, 0_u16); image.lists.len()];
        for (axon, ends) in image.axon_offsets.windows(2).enumerate() {
            for used in &image.list_uses[ends[0] as usize..ends[1] as usize] {
                use_of[used.list as usize] = (axon, used.base);
            }
        }
        let mut sources = Vec::new();
        let mut count = 0;
        for (number, list) in image.lists_of(projection) {
            let (axon, base) = use_of[number as usize];
            self.first_of[number as usize] = self.targets.len() as u32;
            for synapse in &image.synapses[list.first as usize..][..list.count as usize] {
                let target = &mut self.target_of[usize::from(synapse.target + base)];
                if *target == NONE {
                    (*target, count) = (count, count + 1);
                }
                self.targets.push(*target as u16);
                self.initial.weights.push(synapse.weight);
            }
            self.spans.push(self.targets.len() as u32);
            sources.push(axon);
        }
        let mut by_target: Vec<Vec<(u32, u32)>> = vec![Vec::new(); count as usize];
        for (source, ends) in (0..).zip(self.spans.windows(2)) {
            for synapse in ends[0]..ends[1] {
                by_target[usize::from(self.targets[synapse as usize])].push((source, synapse));
            }
        }
        self.inward.push(0);
        for incoming in by_target {
            self.incoming.extend(incoming);
            self.inward.push(self.incoming.len() as u32);
        }
        sources
    }

    fn delays_of(&self, image: &image::CubaCore, projection: u32) -> Vec<i16> {
        let synapses = |list: &image::SynapseList| &image.synapses[list.first as usize..][..list.count as usize];
        image.lists_of(projection).flat_map(|(_, list)| synapses(list)).map(|s| i16::from(s.delay)).collect()
    }

    fn sources(&self) -> usize {
        self.spans.len() - 1
    }

    fn target_count(&self) -> usize {
        self.inward.len() - 1
    }
}
