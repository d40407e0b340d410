//! Lists whose synapses learn, as the core works through them, and what it tells of them.

use super::learn::{LearnState, Learning, Lesson};
use super::{CubaCore, Dialect, Kind, List, State};
use crate::emu::Traces;
use crate::emu::counters::LearnedGroup;

impl CubaCore {
    /// Marks the lists that learn, and makes room for the delays that they may come to have.
    pub(super) fn lists_learn(&mut self) {
        let Some(learning) = &self.learning else { return };
        for (number, list) in self.lists.iter_mut().enumerate() {
            if let Some((group, first)) = learning.place_of(number) {
                // Weights are added as they are where the dialect shifts sums, or shifts to the left.
                let plain = match self.dialect {
                    Dialect::Lava => true,
                    Dialect::Nengo | Dialect::ChipBestGuess => list.exponent >= 0,
                    Dialect::Brian2 => false,
                };
                list.kind = match list.kind {
                    Kind::Run(target) if plain && !learning.moves(group) => Kind::PlasticRun(group, first, target),
                    _ => Kind::Plastic(group, first),
                };
            }
        }
        self.rows = self.rows.max(usize::from(learning.longest_delay()) + 1);
    }

    /// Whether anything learns.
    pub(in crate::emu) const fn has_learning(&self) -> bool {
        self.learning.is_some()
    }

    /// Whether anything is still to be learned.
    pub(in crate::emu) fn learns(&self) -> bool {
        self.learning.as_ref().is_some_and(|learning| learning.goes_on())
    }
}

impl State {
    /// The learning step that opens a tick; how many synapses were updated.
    pub(in crate::emu::neurocore) fn learn(&mut self, core: &CubaCore, lesson: &Lesson<'_>) -> u64 {
        match (&mut self.learned, &core.learning) {
            (Some(learned), Some(learning)) => learned.learn(learning, lesson),
            _ => 0,
        }
    }

    /// What was learned.
    pub(in crate::emu::neurocore) fn learned(&self, core: &CubaCore) -> Vec<LearnedGroup> {
        self.learned.as_ref().zip(core.learning.as_ref()).map_or(Vec::new(), |(state, of)| state.learned(of))
    }

    /// Traces of a learning group.
    pub(in crate::emu::neurocore) fn traces(&self, core: &CubaCore, group: usize) -> Option<Traces> {
        self.learned.as_ref().zip(core.learning.as_ref()).and_then(|(state, of)| state.traces(of, group))
    }
}

/// Target, delay and what a spike adds, of every synapse of a list that learns.
pub(super) fn synapses<'a>(
    core: &'a CubaCore,
    list: &List,
    learning: &'a Learning,
    learned: &'a LearnState,
    (group, first): (u32, u32),
) -> impl Iterator<Item = (u16, u8, i32)> + use<'a> {
    let span = list.first as usize..list.first as usize + list.count as usize;
    let here = first as usize..first as usize + list.count as usize;
    let (weights, delays) = learned.synapses(learning, group);
    let (weights, delays) = (&weights[here.clone()], delays.map(|delays| &delays[here]));
    let (targets, fixed) = (&core.targets[span.clone()], &core.delays[span]);
    let effect = Effect::new(core.dialect, list.shift, list.exponent, learned.untouched(learning, group));
    weights.iter().enumerate().map(move |(at, &weight)| {
        let delay = delays.map_or(fixed[at], |delays| delays[at] as u8);
        (targets[at], delay, effect.of(weight))
    })
}

/// What a weight adds, by the dialect.
#[derive(Clone, Copy)]
pub(in crate::emu::neurocore) struct Effect {
    dialect: Dialect,
    left: u32,
    exponent: i8,
    truncated: Option<i16>,
}

impl Effect {
    /// Of a list with this left shift and exponent; `truncated` is the step of weights that nothing was learned of yet.
    pub(in crate::emu::neurocore) const fn new(
        dialect: Dialect,
        left: u32,
        exponent: i8,
        truncated: Option<i16>,
    ) -> Self {
        Self { dialect, left, exponent, truncated }
    }

    /// Lava shifts sums where the exponent is negative; the others shift each weight, brian2 within 16 bits, and that
    /// one truncates weights until it has learned.
    pub(in crate::emu::neurocore) fn of(self, weight: i16) -> i32 {
        let places = u32::from(self.exponent.unsigned_abs()).min(31);
        match self.dialect {
            Dialect::Brian2 => {
                let weight = self.truncated.map_or(weight, |step| weight / step * step);
                let wide = i64::from(weight);
                let shifted = if self.exponent < 0 { wide >> places } else { wide << places };
                shifted.clamp(1 - (1 << 15), (1 << 15) - 1) as i32
            }
            Dialect::Nengo | Dialect::ChipBestGuess if self.exponent < 0 => i32::from(weight) >> places,
            _ => i32::from(weight).wrapping_shl(self.left),
        }
    }
}
