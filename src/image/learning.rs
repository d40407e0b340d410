//! Learning as an image holds it: the rule as canonical text, traces with their decay tables, and what each synapse has
//! beside its weight.

use std::collections::HashMap;

use bincode::{Decode, Encode};

use super::{CubaCore, SynapseList};
use crate::chip::Dialect;
use crate::rule::{Decay, Graded, Rule, Sign, Trace, parse_rule};

/// Learning projections of a core; each takes memory by the lists and compartments of the core.
const MOST_GROUPS: usize = 4096;

/// How the synapses of one projection learn on one core.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LearningGroup {
    /// Number of the projection; the group's synapses are those of its lists in formats that learn.
    pub projection: u32,
    /// The rule as text.
    pub rule: String,
    /// Ticks of an epoch, 1..=63.
    pub epoch: u32,
    /// The first tick whose spikes count; `u32::MAX` where nothing is to be learned.
    pub start: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Learning steps that are behind, so that a run goes on with the draws that follow.
    pub steps: u64,
    /// Signs of the weights: 0 mixed, 1 excitatory, 2 inhibitory.
    pub sign: u8,
    /// Bits of a weight, sign excluded, to which dialect brian2 rounds changes, 1..=8.
    pub weight_bits: u8,
    /// What graded spikes do: 0 nothing, 1 overwrite x1, 2 add to it, 3 add and count overflows.
    pub graded: u8,
    /// x1, x2, y1, y2 and y3.
    pub traces: [TraceImage; 5],
    /// Axons whose packets of a tick are a trace's value.
    pub factors: Vec<FactorImage>,
    /// States of the targets' program that y1, y2 and y3 are; `None` where spikes or axons make them.
    pub states: [Option<String>; 3],
    /// Output of the targets' program whose spikes are postsynaptic; 0 is the first.
    pub post: u8,
    /// Tag of every synapse in the order of the lists; empty: all 0.
    pub tags: Vec<i16>,
    /// Learned delay of every synapse, where it is not the delay that spikes take; else empty.
    pub delays: Vec<i16>,
}

/// A trace's registers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct TraceImage {
    /// Added at a spike, 0..=127.
    pub impulse: u8,
    /// Fraction of the impulse in 1/256, 0..=256.
    pub fraction: u16,
    /// (whole part, draws of 2^53 below which it rounds up) of each value after a tick; empty: all is forgotten.
    pub decay: Vec<(u8, u64)>,
}

/// An axon that supplies a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct FactorImage {
    /// 0 to 2: y1 to y3.
    pub trace: u8,
    /// The inbound axon.
    pub axon: u16,
    /// The compartment; `None`: every target.
    pub target: Option<u16>,
}

/// A group's registers, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plasticity {
    /// The rule.
    pub rule: Rule,
    /// x1 and x2.
    pub before: [Trace; 2],
    /// y1, y2 and y3.
    pub after: [Trace; 3],
    /// Which of y1, y2 and y3 are supplied.
    pub supplied: [bool; 3],
    /// Signs of the weights.
    pub sign: Sign,
    /// What graded spikes do.
    pub graded: Graded,
}

impl TraceImage {
    /// The registers of a trace.
    #[must_use]
    pub fn new(trace: &Trace) -> Self {
        let forgets = trace.decay == Decay::clear();
        let decay = if forgets { Vec::new() } else { trace.decay.table().to_vec() };
        Self { impulse: trace.impulse, fraction: trace.fraction, decay }
    }

    fn resolve(&self) -> Option<Trace> {
        let decay = if self.decay.is_empty() { Decay::clear() } else { Decay::from_table(self.decay.clone())? };
        let fits = self.impulse <= 127 && self.fraction <= 256;
        fits.then_some(Trace { impulse: self.impulse, fraction: self.fraction, decay })
    }
}

impl LearningGroup {
    /// The registers as what they mean.
    ///
    /// # Errors
    /// What does not hold.
    pub fn resolve(&self) -> std::result::Result<Plasticity, String> {
        let rule = parse_rule(&self.rule, "rule").map_err(|problems| problems.to_string())?;
        let [x1, x2, y1, y2, y3] = &self.traces;
        let trace = |image: &TraceImage| image.resolve().ok_or("a trace is out of range");
        let mut supplied = self.states.each_ref().map(Option::is_some);
        for factor in &self.factors {
            *supplied.get_mut(usize::from(factor.trace)).ok_or("a factor supplies no trace")? = true;
        }
        Ok(Plasticity {
            rule,
            before: [trace(x1)?, trace(x2)?],
            after: [trace(y1)?, trace(y2)?, trace(y3)?],
            supplied,
            sign: match self.sign {
                0 => Sign::Mixed,
                1 => Sign::Excitatory,
                2 => Sign::Inhibitory,
                _ => return Err("a sign mode that does not exist".to_owned()),
            },
            graded: match self.graded {
                0 => Graded::Ignored,
                1 => Graded::Overwrite,
                2 => Graded::Saturate,
                3 => Graded::Overflow,
                _ => return Err("a meaning of graded spikes that does not exist".to_owned()),
            },
        })
    }

    /// Number of a sign in the image.
    #[must_use]
    pub const fn sign_code(sign: Sign) -> u8 {
        match sign {
            Sign::Mixed => 0,
            Sign::Excitatory => 1,
            Sign::Inhibitory => 2,
        }
    }

    /// Number of a meaning of graded spikes in the image.
    #[must_use]
    pub const fn graded_code(graded: Graded) -> u8 {
        match graded {
            Graded::Ignored => 0,
            Graded::Overwrite => 1,
            Graded::Saturate => 2,
            Graded::Overflow => 3,
        }
    }
}

impl CubaCore {
    /// Whether a list's synapses learn.
    #[must_use]
    pub fn list_learns(&self, list: &SynapseList) -> bool {
        self.formats.get(usize::from(list.format)).is_some_and(|format| format.learns)
    }

    /// The lists that a group learns, in order, by their numbers.
    pub fn lists_of(&self, projection: u32) -> impl Iterator<Item = (u32, &SynapseList)> {
        let learns = move |(_, list): &(u32, &SynapseList)| list.projection == projection && self.list_learns(list);
        (0_u32..).zip(&self.lists).filter(learns)
    }

    /// What does not hold of the core's learning; lists and their uses must hold already.
    pub(super) fn learning_faults(&self, longest: u8, dialect: Dialect) -> Vec<String> {
        let mut faults = Vec::new();
        if self.learning.len() > MOST_GROUPS {
            return vec![format!("{} learning projections are more than {MOST_GROUPS}", self.learning.len())];
        }
        let mut uses = vec![0_u32; self.lists.len()];
        self.list_uses.iter().for_each(|used| {
            if let Some(count) = uses.get_mut(used.list as usize) {
                *count += 1;
            }
        });
        let alone = (0..self.lists.len()).all(|at| !self.list_learns(&self.lists[at]) || uses[at] == 1);
        if !alone {
            faults.push("a list that learns is not of one axon".to_owned());
        }
        let known = |list: &SynapseList| self.learning.iter().filter(|g| g.projection == list.projection).count() == 1;
        if self.lists.iter().any(|list| self.list_learns(list) && !known(list)) {
            faults.push("a list that learns has no rule, or two".to_owned());
        }
        for group in &self.learning {
            if let Err(what) = self.group_fault(group, longest, dialect) {
                faults.push(format!("learning of projection {}: {what}", group.projection));
            }
        }
        faults
    }

    /// Traces that are no states, or an output that is none, of the program that runs one of the targets.
    fn states_fault(&self, group: &LearningGroup) -> Option<String> {
        if group.states.iter().all(Option::is_none) && group.post == 0 {
            return None;
        }
        let programs =
            self.programs.iter().map(|of| Some((of.first..of.first.saturating_add(of.count), of.assemble().ok()?)));
        let programs: Option<Vec<_>> = programs.collect();
        let Some(programs) = programs else { return Some("a program of the core is none".to_owned()) };
        let has = |compartment: u32| {
            let of = programs.iter().find(|(range, _)| range.contains(&compartment));
            of.is_some_and(|(_, program)| {
                group.states.iter().flatten().all(|state| program.state(state).is_some())
                    && usize::from(group.post) < program.outputs.len()
            })
        };
        for (number, list) in self.lists_of(group.projection) {
            let span = &self.synapses[list.first as usize..][..list.count as usize];
            let bases = self.list_uses.iter().filter(|used| used.list == number).map(|used| u32::from(used.base));
            let mut targets = bases.flat_map(|base| span.iter().map(move |synapse| base + u32::from(synapse.target)));
            if !targets.all(has) {
                return Some("a target's program has not the states or the output that it learns from".to_owned());
            }
        }
        None
    }

    fn group_fault(&self, group: &LearningGroup, longest: u8, dialect: Dialect) -> std::result::Result<(), String> {
        let plasticity = group.resolve()?;
        let require = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        require((1..=63).contains(&group.epoch), "the epoch is not of 1 to 63 ticks")?;
        require((1..=8).contains(&group.weight_bits), "weights are not of 1 to 8 bits")?;
        require(
            group.delays.is_empty() || !dialect.learned_delays_act(),
            "its delays stand apart, but spikes take learned ones",
        )?;
        require(group.steps < 1 << 62, "it has taken too many learning steps")?;
        let (neurons, axons) = (self.config_of.len(), self.axon_offsets.len().saturating_sub(1));
        let factor = |f: &FactorImage| {
            usize::from(f.axon) < axons && f.target.is_none_or(|target| usize::from(target) < neurons)
        };
        let axons_and_states =
            group.factors.iter().any(|f| group.states.get(usize::from(f.trace)).is_none_or(Option::is_some));
        require(!axons_and_states, "a trace is both a state and supplied by axons")?;
        require(group.factors.iter().all(factor), "a factor's axon or compartment is not there")?;
        let sign = plasticity.sign;
        let (least, most) = if dialect == Dialect::Brian2 { sign.range_brian2() } else { sign.range() };
        if let Some(what) = self.states_fault(group) {
            return Err(what);
        }
        let mut synapses = 0;
        for (_, list) in self.lists_of(group.projection) {
            let span = &self.synapses[list.first as usize..][..list.count as usize];
            synapses += span.len();
            let fits = |s: &super::Synapse| (least..=most).contains(&s.weight);
            require(span.iter().all(fits), "a weight is not of its sign")?;
            require(span.iter().all(|synapse| synapse.delay <= longest), "a delay is too long")?;
            require(span.windows(2).all(|pair| pair[0].target < pair[1].target), "targets do not ascend")?;
        }
        let counted = |values: &[i16]| values.is_empty() || values.len() == synapses;
        require(counted(&group.tags) && counted(&group.delays), "tags or delays are not one a synapse")?;
        require(group.tags.iter().all(|tag| (-257..=255).contains(tag)), "a tag is out of range")?;
        require(group.delays.iter().all(|delay| (0..=255).contains(delay)), "a delay is out of range")
    }
}

impl super::Image {
    /// The learning groups of all cores.
    pub fn learning(&self) -> impl Iterator<Item = &LearningGroup> {
        self.cores.iter().flat_map(|core| match &core.body {
            super::CoreBody::Cuba(body) => body.learning.as_slice(),
            _ => &[],
        })
    }

    /// Nothing is learned any more: weights stay as they are.
    pub fn freeze(&mut self) {
        for core in &mut self.cores {
            if let super::CoreBody::Cuba(body) = &mut core.body {
                body.learning.iter_mut().for_each(|group| group.start = u32::MAX);
            }
        }
    }
}

/// A synapse that learns: where it is, and whom it joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearnedSynapse {
    /// Physical core.
    pub core: u32,
    /// Number of the group on the core.
    pub group: usize,
    /// Number of its list among those of the group.
    pub list: usize,
    /// Its place in the group.
    pub at: usize,
    /// Its place in the core's synapses.
    pub synapse: usize,
    /// Population of the source.
    pub source_population: u32,
    /// Neuron of the source population.
    pub source: u32,
    /// Neuron of the target population.
    pub target: u32,
    /// Population of the target.
    pub population: u32,
}

impl super::Image {
    /// Every synapse of a projection that learns, in the order of cores and lists. The image must have passed
    /// [`super::contents`].
    #[must_use]
    pub fn learned_synapses(&self, projection: u32) -> Vec<LearnedSynapse> {
        let (sources, owners) = (self.sources(), self.owners());
        let mut found = Vec::new();
        for core in &self.cores {
            let super::CoreBody::Cuba(body) = &core.body else { continue };
            let Some(group) = body.learning.iter().position(|group| group.projection == projection) else { continue };
            let mut axon_of = vec![(0_u16, 0_u16); body.lists.len()];
            for (axon, ends) in body.axon_offsets.windows(2).enumerate() {
                for used in &body.list_uses[ends[0] as usize..ends[1] as usize] {
                    axon_of[used.list as usize] = (axon as u16, used.base);
                }
            }
            let mut at = 0;
            for (list, (number, span)) in body.lists_of(projection).enumerate() {
                let (axon, base) = axon_of[number as usize];
                let nobody = (u32::MAX, u32::MAX);
                let (source_population, source) = sources.get(&(core.core, axon)).copied().unwrap_or(nobody);
                for synapse in span.first as usize..(span.first + span.count) as usize {
                    let neuron = body.synapses[synapse].target + base;
                    let place = super::Place { core: core.core, neuron };
                    let (population, target) = owners.get(&place).copied().unwrap_or((u32::MAX, u32::MAX));
                    found.push(LearnedSynapse {
                        core: core.core,
                        group,
                        list,
                        at,
                        synapse,
                        source_population,
                        source,
                        target,
                        population,
                    });
                    at += 1;
                }
            }
        }
        found
    }

    /// Population and neuron whose spikes come on each axon (core, axon).
    fn sources(&self) -> HashMap<(u32, u16), (u32, u32)> {
        let mut found = HashMap::new();
        for input in &self.inputs {
            for (neuron, ends) in (0..).zip(input.offsets.windows(2)) {
                let targets = &input.targets[ends[0] as usize..ends[1] as usize];
                found.extend(targets.iter().map(|to| ((to.core, to.axon), (input.population, neuron))));
            }
        }
        for (number, population) in (0..).zip(&self.populations) {
            for (neuron, place) in (0..).zip(&population.places) {
                let Some(super::CoreBody::Cuba(body)) = self.core(place.core).map(|core| &core.body) else { continue };
                let at = usize::from(place.neuron);
                let outs = &body.axons_out[body.out_offsets[at] as usize..body.out_offsets[at + 1] as usize];
                found.extend(outs.iter().map(|out| ((out.core, out.axon), (number, neuron))));
            }
        }
        found
    }

    /// Population and neuron at each place.
    fn owners(&self) -> HashMap<super::Place, (u32, u32)> {
        let of = |(number, population): (u32, &super::PopulationImage)| {
            (0..)
                .zip(population.places.clone())
                .map(move |(neuron, place)| (place, (number, neuron)))
                .collect::<Vec<_>>()
        };
        (0..).zip(&self.populations).flat_map(of).collect()
    }
}
