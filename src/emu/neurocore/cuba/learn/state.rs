//! What changes while a core learns, and the order of a learning step.

use super::{Dialect, Group, Learning, NONE, Use, brian2, lava};
use crate::emu::counters::LearnedGroup;
use crate::emu::neurocore::Further;
use crate::rule::Draws;

/// Everything that a core has learned, and its traces.
#[derive(Debug, Clone)]
pub(in crate::emu::neurocore) struct LearnState {
    pub(super) groups: Vec<GroupState>,
}

/// Learned variables and traces of one projection.
#[derive(Debug, Clone)]
pub(super) struct GroupState {
    pub(super) weights: Vec<i16>,
    pub(super) delays: Vec<i16>,
    pub(super) tags: Vec<i16>,
    pub(super) before: Vec<Unit<2>>,
    pub(super) after: Vec<Unit<3>>,
    /// Values of the traces at the beginning of the replay and after each tick of the epoch, tick by tick.
    pub(super) before_then: Vec<[u8; 2]>,
    pub(super) after_then: Vec<[u8; 3]>,
    /// Packets of this tick by source, and the sources that have any.
    pub(super) arrived: Vec<u16>,
    pub(super) fresh: Vec<u32>,
    /// Supplied values of this tick by target.
    pub(super) given: Vec<[u8; 3]>,
    /// Sources and targets that fired in this epoch.
    pub(super) sources: Vec<u32>,
    /// Traces before the spikes of a step (brian2).
    pub(super) early_before: Vec<[u8; 2]>,
    pub(super) early_after: Vec<[u8; 3]>,
    pub(super) targets: Vec<u32>,
    /// Learning steps since the reset, and of all runs.
    pub(super) step: u32,
    pub(super) steps: u64,
    /// Whether a tag is where even a product that does not act moves it: all synapses are visited.
    pub(super) edge: bool,
}

/// The traces of a source or a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<const N: usize> {
    pub(super) values: [u8; N],
    /// Tick of the epoch, from 1, of its last spike; 0 is none.
    pub(super) last: u8,
    /// Whether its values of the epoch are all 0.
    pub(super) blank: bool,
}

impl<const N: usize> Unit<N> {
    /// Before the first spike.
    const BLANK: Self = Self { values: [0; N], last: 0, blank: true };
}

/// What a learning step is given.
#[derive(Clone, Copy)]
pub(in crate::emu::neurocore) struct Lesson<'a> {
    pub(in crate::emu::neurocore) tick: u32,
    /// Compartments that fired in the tick before.
    pub(in crate::emu::neurocore) fired: &'a [u16],
    /// What programs sent on further outputs.
    pub(in crate::emu::neurocore) further: &'a [Further],
    /// Draws by step that take the place of our own.
    pub(in crate::emu::neurocore) recorded: &'a [Draws],
}

impl LearnState {
    pub(in crate::emu::neurocore) fn new(learning: &Learning) -> Self {
        Self { groups: learning.groups.iter().map(GroupState::new).collect() }
    }

    /// Back to the state before the first tick, but for what was learned.
    pub(in crate::emu::neurocore) fn reset(&mut self) {
        self.groups.iter_mut().for_each(GroupState::reset);
    }

    /// Notes the packets of the tick, axons with values.
    pub(in crate::emu::neurocore) fn note(&mut self, learning: &Learning, inbox: impl Iterator<Item = (u16, u16)>) {
        for (axon, value) in inbox {
            let ends = [learning.offsets[usize::from(axon)], learning.offsets[usize::from(axon) + 1]];
            for used in &learning.uses[ends[0] as usize..ends[1] as usize] {
                match *used {
                    Use::Source { group, source } => self.groups[group as usize].arrive(source, value),
                    Use::Factor { group, trace, target } => self.groups[group as usize].give(trace, target, value),
                }
            }
        }
    }

    /// The value of a trace of a target in this tick, held to what a trace holds.
    pub(in crate::emu::neurocore) fn give(&mut self, group: u32, trace: u8, target: u32, value: i32) {
        self.groups[group as usize].given[target as usize][usize::from(trace)] = value.clamp(0, 127) as u8;
    }

    /// Learns what the spikes of the tick before teach; how many synapses were updated.
    pub(in crate::emu::neurocore) fn learn(&mut self, learning: &Learning, lesson: &Lesson<'_>) -> u64 {
        let mut updates = 0;
        for (state, group) in self.groups.iter_mut().zip(&learning.groups) {
            if lesson.tick > group.start {
                updates += state.learn(group, learning.dialect, lesson);
            }
            state.forget_tick();
        }
        updates
    }

    /// Weights, and delays where spikes take the learned ones, of a group.
    #[inline]
    pub(in crate::emu::neurocore) fn synapses(&self, learning: &Learning, group: u32) -> (&[i16], Option<&[i16]>) {
        let (state, loaded) = (&self.groups[group as usize], &learning.groups[group as usize]);
        let acting = loaded.delays_act && !state.delays.is_empty();
        (&state.weights, acting.then_some(state.delays.as_slice()))
    }

    /// Whether the group has learned nothing yet, with the step of its weights (brian2 truncates them until then).
    pub(in crate::emu::neurocore) fn untouched(&self, learning: &Learning, group: u32) -> Option<i16> {
        let (state, loaded) = (&self.groups[group as usize], &learning.groups[group as usize]);
        (state.steps == 0).then_some(loaded.precision)
    }

    /// What was learned.
    pub(in crate::emu::neurocore) fn learned(&self, learning: &Learning) -> Vec<LearnedGroup> {
        let group = |(state, loaded): (&GroupState, &Group)| LearnedGroup {
            projection: loaded.projection,
            weights: state.weights.clone(),
            delays: state.delays.clone(),
            tags: state.tags.clone(),
            steps: state.steps,
        };
        self.groups.iter().zip(&learning.groups).map(group).collect()
    }

    /// Traces of the sources, in the order of the lists, and of the compartments of a group.
    pub(in crate::emu::neurocore) fn traces(&self, learning: &Learning, group: usize) -> Option<crate::emu::Traces> {
        let (state, loaded) = (self.groups.get(group)?, learning.groups.get(group)?);
        let after = |&target: &u32| state.after.get(target as usize).map(|unit| unit.values);
        Some(crate::emu::Traces {
            before: state.before.iter().map(|unit| unit.values).collect(),
            after: loaded.target_of.iter().map(after).collect(),
        })
    }
}

impl GroupState {
    fn new(group: &Group) -> Self {
        let (sources, targets, rows) = (group.sources(), group.target_count(), usize::from(group.epoch) + 1);
        let mut state = Self {
            weights: group.initial.weights.clone(),
            delays: group.initial.delays.clone(),
            tags: group.initial.tags.clone(),
            before: vec![Unit::BLANK; sources],
            after: vec![Unit::BLANK; targets],
            before_then: vec![[0; 2]; rows * sources],
            after_then: vec![[0; 3]; rows * targets],
            arrived: vec![0; sources],
            fresh: Vec::new(),
            given: vec![[0; 3]; targets],
            sources: Vec::new(),
            early_before: Vec::new(),
            early_after: Vec::new(),
            targets: Vec::new(),
            step: 0,
            steps: group.steps,
            edge: true,
        };
        state.reset();
        state
    }

    fn reset(&mut self) {
        self.before.fill(Unit::BLANK);
        self.after.fill(Unit::BLANK);
        self.before_then.fill([0; 2]);
        self.after_then.fill([0; 3]);
        self.sources.clear();
        self.targets.clear();
        self.step = 0;
        self.forget_tick();
    }

    fn arrive(&mut self, source: u32, value: u16) {
        let count = &mut self.arrived[source as usize];
        if *count == 0 {
            self.fresh.push(source);
        }
        *count = count.saturating_add(value);
    }

    fn give(&mut self, trace: u8, target: u32, value: u16) {
        let value = value.min(127) as u8;
        let add = |given: &mut [u8; 3]| given[usize::from(trace)] = (given[usize::from(trace)] + value).min(127);
        match target {
            NONE => self.given.iter_mut().for_each(add),
            target => add(&mut self.given[target as usize]),
        }
    }

    /// The packets of the tick are learned from, or were not to be.
    fn forget_tick(&mut self) {
        self.fresh.drain(..).for_each(|source| self.arrived[source as usize] = 0);
        self.given.fill([0; 3]);
    }

    fn learn(&mut self, group: &Group, dialect: Dialect, lesson: &Lesson<'_>) -> u64 {
        let draws = lesson
            .recorded
            .get(self.step as usize)
            .copied()
            .unwrap_or_else(|| Draws::own(group.seed, group.projection, self.steps));
        self.step += 1;
        self.steps += 1;
        // A program may send twice in a tick: that is one spike to learn from.
        let target = |neuron: u16| Some(group.target_of[usize::from(neuron)]).filter(|&target| target != NONE);
        let first: &[u16] = if group.post == 0 { lesson.fired } else { &[] };
        let first = first.chunk_by(|a, b| a == b).filter_map(|same| target(same[0]));
        let mut last = None;
        let further = lesson.further.iter().filter(|spike| spike.output == group.post);
        let further = further.filter(|spike| last.replace(spike.neuron) != Some(spike.neuron));
        let further = further.filter_map(|spike| target(spike.neuron));
        let fired = first.chain(further);
        if dialect == Dialect::Brian2 {
            return brian2::step(self, group, fired, &draws);
        }
        lava::step(self, group, fired, &draws)
    }

    /// Calls `visit` with (source, target, synapse) wherever a product acts; how often.
    pub(super) fn visit(&mut self, group: &Group, all: bool, mut visit: impl FnMut(&mut Self, u32, u32, u32)) -> u64 {
        let mut visits = 0;
        let every = 0..group.sources() as u32;
        let (mut some, own) = (std::mem::take(&mut self.sources), group.on_source || all);
        if all {
            (some, self.sources) = (every.collect(), some);
        }
        for &source in some.iter().filter(|_| own) {
            for synapse in group.spans[source as usize]..group.spans[source as usize + 1] {
                visit(self, source, group.targets[synapse as usize].into(), synapse);
                visits += 1;
            }
        }
        if !all {
            self.sources = some;
        }
        if all || !group.on_target {
            return visits;
        }
        let targets = std::mem::take(&mut self.targets);
        for &target in &targets {
            let ends = group.inward[target as usize] as usize..group.inward[target as usize + 1] as usize;
            for &(source, synapse) in &group.incoming[ends] {
                // Those of sources that fired have been visited, where they had to be.
                if !(own && self.before[source as usize].last > 0) {
                    visit(self, source, target, synapse);
                    visits += 1;
                }
            }
        }
        self.targets = targets;
        visits
    }
}
