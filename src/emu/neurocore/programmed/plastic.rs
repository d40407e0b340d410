//! Learning beside programs: which lists learn, what is noted for the learning engine, and post traces that the programs
//! write.

use super::super::cuba::{Effect, LearnState, Learning, Lesson};
use super::{Group, List, ProgrammedCore, State};
use crate::emu::Traces;
use crate::emu::counters::LearnedGroup;
use crate::image;

/// A post trace of one target that a state of its program is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Learning group.
    group: u32,
    /// 0 to 2: y1 to y3.
    trace: u8,
    target: u32,
    /// Number of the program group, of the state in it, and of the neuron in that.
    lanes: u32,
    slot: u32,
    neuron: u32,
}

/// The traces that programs write; states must be there.
pub(super) fn written(image: &image::CubaCore, learning: &Learning, groups: &[Group]) -> Vec<Written> {
    let mut found = Vec::new();
    for (number, group) in (0_u32..).zip(&image.learning) {
        for (trace, state) in (0_u8..).zip(&group.states) {
            let Some(state) = state else { continue };
            for (compartment, target) in learning.targets(number) {
                let lanes = groups.partition_point(|group| group.first <= compartment) - 1;
                let slot = groups[lanes].lanes.program().state(state);
                found.extend(slot.map(|slot| Written {
                    group: number,
                    trace,
                    target,
                    lanes: lanes as u32,
                    slot: slot as u32,
                    neuron: (compartment - groups[lanes].first) as u32,
                }));
            }
        }
    }
    found
}

impl ProgrammedCore {
    /// Whether anything learns.
    pub(in crate::emu) const fn has_learning(&self) -> bool {
        self.learning.is_some()
    }

    /// Whether anything is still to be learned.
    pub(in crate::emu) fn learns(&self) -> bool {
        self.learning.as_ref().is_some_and(|learning| learning.goes_on())
    }
}

/// Target, delay and what a spike adds, of every synapse of a list that learns.
pub(super) fn synapses<'a>(
    core: &'a ProgrammedCore,
    list: &List,
    (learning, learned): (&'a Learning, &'a LearnState),
    (group, first): (u32, u32),
) -> impl Iterator<Item = (usize, usize, i32)> + use<'a> {
    let fixed = &core.synapses[list.first..list.first + list.count];
    let here = first as usize..first as usize + list.count;
    let (weights, delays) = learned.synapses(learning, group);
    let (weights, delays) = (&weights[here.clone()], delays.map(|delays| &delays[here]));
    let effect = Effect::new(core.dialect, list.shift, list.exponent, learned.untouched(learning, group));
    weights.iter().enumerate().map(move |(at, &weight)| {
        let delay = delays.map_or(usize::from(fixed[at].delay), |delays| delays[at] as usize);
        (usize::from(fixed[at].target), delay, effect.of(weight))
    })
}

impl State {
    /// The learning step that opens a tick; how many synapses were updated.
    pub(in crate::emu::neurocore) fn learn(&mut self, core: &ProgrammedCore, lesson: &Lesson<'_>) -> u64 {
        let (Some(learned), Some(learning)) = (&mut self.learned, &core.learning) else { return 0 };
        for written in &core.written {
            let value = self.lanes[written.lanes as usize].state(written.slot as usize)[written.neuron as usize];
            learned.give(written.group, written.trace, written.target, value);
        }
        learned.learn(learning, lesson)
    }

    /// What was learned.
    pub(in crate::emu::neurocore) fn learned(&self, core: &ProgrammedCore) -> Vec<LearnedGroup> {
        self.learned.as_ref().zip(core.learning.as_ref()).map_or(Vec::new(), |(state, of)| state.learned(of))
    }

    /// Traces of a learning group.
    pub(in crate::emu::neurocore) fn traces(&self, core: &ProgrammedCore, group: usize) -> Option<Traces> {
        self.learned.as_ref().zip(core.learning.as_ref()).and_then(|(state, of)| state.traces(of, group))
    }
}

/// What a packet's payload is to the learning engine: `None` is no spike, all others count at least 1.
pub(super) fn value_of(payload: i32) -> Option<u16> {
    (payload != 0).then(|| payload.clamp(1, u16::MAX.into()) as u16)
}
