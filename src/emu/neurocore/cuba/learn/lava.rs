//! A learning step as lava-nc's "bit-approximate" engine computes it: spikes are noted with their tick of the epoch, and
//! at its end the traces are replayed, and the rule is applied.

use super::state::{GroupState, Unit};
use super::{Group, Term};
use crate::rule::{DRAW_BITS, Dependency, Draws, Graded, Trace, Variable};

/// Least and greatest sum of products (15 bits and sign; the least is one below, as lava-nc has it).
const SUM: (i32, i32) = (-(1 << 15) - 1, (1 << 15) - 1);
/// The tag at which adding nothing changes the sum: its 128 times is below the least sum.
const EDGE_TAG: i16 = -257;

/// One step; how many synapses were updated.
pub(super) fn step(state: &mut GroupState, group: &Group, fired: impl Iterator<Item = u32>, draws: &Draws) -> u64 {
    let now = ((state.step - 1) % u32::from(group.epoch) + 1) as u8;
    for at in 0..state.fresh.len() {
        let source = state.fresh[at];
        let value = state.arrived[source as usize];
        if presynaptic(&mut state.before[source as usize], group, value, now) {
            state.sources.push(source);
        }
    }
    for target in fired {
        let unit = &mut state.after[target as usize];
        if unit.last > 0 {
            for (value, trace) in unit.values.iter_mut().zip(&group.after) {
                *value = trace.add(*value, draws.y_impulse_again);
            }
        } else {
            state.targets.push(target);
        }
        unit.last = now;
    }
    if group.supplied.contains(&true) {
        for (unit, given) in state.after.iter_mut().zip(&state.given) {
            for at in (0..3).filter(|&at| group.supplied[at]) {
                unit.values[at] = given[at];
            }
        }
    }
    if now == group.epoch { learn(state, group, draws) } else { 0 }
}

/// A spike of a source; whether it is the first that counts in this epoch.
fn presynaptic(unit: &mut Unit<2>, group: &Group, value: u16, now: u8) -> bool {
    let again = unit.last > 0;
    // Half of the value, ties to even, in 8 bits.
    let half = ((value >> 1) + u16::from(value & 3 == 3)) as u8;
    let sum = unit.values[0].wrapping_add(half);
    let (mut counts, mut second) = (true, again);
    match group.graded {
        Graded::Ignored if again => unit.values[0] = group.before[0].add(unit.values[0], 0),
        Graded::Ignored => {}
        Graded::Overwrite => unit.values[0] = half,
        Graded::Saturate => unit.values[0] = sum.min(127),
        Graded::Overflow => {
            counts = sum > 127;
            second = again && counts;
            unit.values[0] = if counts { sum - 127 } else { sum };
        }
    }
    if second {
        unit.values[1] = group.before[1].add(unit.values[1], 0);
    }
    if counts {
        unit.last = now;
    }
    counts && !again
}

/// The end of an epoch.
fn learn(state: &mut GroupState, group: &Group, draws: &Draws) -> u64 {
    let kept = [false; 2];
    replay(&mut state.before, &mut state.before_then, (&group.before, &kept), (draws.x_decay, draws.x_impulse));
    let after = (&group.after, &group.supplied);
    replay(&mut state.after, &mut state.after_then, after, (draws.y_decay, draws.y_impulse));
    let epochs = state.step / u32::from(group.epoch);
    let turn = group.turns.iter().any(|&k| epochs.is_multiple_of(1 << k));
    let edge = std::mem::take(&mut state.edge) && state.tags.contains(&EDGE_TAG) && !group.tag.is_empty();
    let visits = state.visit(group, turn || edge, |state, source, target, synapse| {
        let here = Here { group, source, target, synapse: synapse as usize, epochs };
        here.learn(state, draws.synapse);
    });
    for source in state.sources.drain(..) {
        state.before[source as usize].last = 0;
    }
    for target in state.targets.drain(..) {
        state.after[target as usize].last = 0;
    }
    visits
}

/// The epoch again, tick by tick: traces decay, and grow by their impulse at the last spike. Values that are `kept`
/// stay what they were.
fn replay<const N: usize>(
    units: &mut [Unit<N>],
    then: &mut [[u8; N]],
    (traces, kept): (&[Trace; N], &[bool; N]),
    (decay, impulse): (u64, u8),
) {
    let count = units.len();
    let Some(rows) = then.len().checked_div(count) else { return };
    for (at, unit) in units.iter_mut().enumerate() {
        let silent = unit.values == [0; N] && unit.last == 0;
        if silent && unit.blank {
            continue;
        }
        unit.blank = silent;
        let mut values = unit.values;
        then[at] = values;
        for row in 1..rows {
            for (value, trace) in values.iter_mut().zip(traces) {
                let decayed = trace.decay.apply(*value, decay);
                *value = if row == usize::from(unit.last) { trace.add(decayed, impulse) } else { decayed };
            }
            then[row * count + at] = values;
        }
        for ((own, value), kept) in unit.values.iter_mut().zip(values).zip(kept) {
            if !kept {
                *own = value;
            }
        }
    }
}

/// A synapse in a learning step.
struct Here<'a> {
    group: &'a Group,
    source: u32,
    target: u32,
    synapse: usize,
    /// Epochs that are over, with this one.
    epochs: u32,
}

impl Here<'_> {
    /// Weight, delay and tag from their old values.
    fn learn(&self, state: &mut GroupState, draw: u64) {
        let (group, at) = (self.group, self.synapse);
        let old = Old {
            weight: state.weights[at].into(),
            delay: state.delays.get(at).copied().unwrap_or(0).into(),
            tag: state.tags[at].into(),
        };
        if !group.weight.is_empty() {
            let sum = self.sum(state, &old, old.weight, &group.weight);
            let (least, most) = group.range;
            let sum = sum.max(if least == 0 { 0 } else { i32::MIN }).min(if most == 0 { 0 } else { i32::MAX });
            state.weights[at] = round(sum, draw).clamp(least, most);
        }
        if !group.delay.is_empty() {
            let delay = self.sum(state, &old, old.delay, &group.delay).max(0);
            state.delays[at] = round(delay, draw).clamp(0, group.longest);
        }
        if !group.tag.is_empty() {
            state.tags[at] = round(self.sum(state, &old, old.tag, &group.tag), draw).clamp(EDGE_TAG, 255);
            state.edge |= state.tags[at] == EDGE_TAG;
        }
    }

    /// The variable times 128 with all products added.
    fn sum(&self, state: &GroupState, old: &Old, variable: i32, terms: &[Term]) -> i32 {
        let mut sum = variable << 7;
        for term in terms {
            let acts = match term.dependency {
                Dependency::X0 => state.before[self.source as usize].last > 0,
                Dependency::Y0 => state.after[self.target as usize].last > 0,
                Dependency::U(k) => self.epochs.is_multiple_of(1 << k),
            };
            let change = if acts { self.product(state, old, term) } else { 0 };
            sum = (sum + change).clamp(SUM.0, SUM.1);
        }
        sum
    }

    /// A product that acts: 32 bits that wrap, of which those beyond 15 are shifted out before the exponent.
    fn product(&self, state: &GroupState, old: &Old, term: &Term) -> i32 {
        let row = match term.dependency {
            Dependency::X0 => state.before[self.source as usize].last,
            Dependency::Y0 => state.after[self.target as usize].last,
            Dependency::U(_) => self.group.epoch,
        };
        let (before, after) = (state.before.len(), state.after.len());
        let x = &state.before_then[usize::from(row) * before + self.source as usize];
        let y = &state.after_then[usize::from(row) * after + self.target as usize];
        let mut value = 1_i32;
        for factor in &term.factors {
            let plain = factor.constant
                + match factor.variable {
                    Variable::X0 => i32::from(state.before[self.source as usize].last > 0),
                    Variable::X1 => x[0].into(),
                    Variable::X2 => x[1].into(),
                    Variable::Y0 => i32::from(state.after[self.target as usize].last > 0),
                    Variable::Y1 => y[0].into(),
                    Variable::Y2 => y[1].into(),
                    Variable::Y3 => y[2].into(),
                    Variable::Weight => old.weight,
                    Variable::Delay => old.delay,
                    Variable::Tag => old.tag,
                };
            let plain = if factor.sign { plain.signum() } else { plain };
            value = value.wrapping_mul(plain.clamp(-factor.edge, factor.edge - 1));
        }
        let value = value.wrapping_mul(term.mantissa) >> term.excess;
        let shifted = (i64::from(value) << (term.exponent + 7)) as i32;
        shifted.clamp(SUM.0, SUM.1)
    }
}

/// A synapse's variables before the step.
struct Old {
    weight: i32,
    delay: i32,
    tag: i32,
}

/// To a whole number; the fraction of 128 is the chance of rounding up.
fn round(sum: i32, draw: u64) -> i16 {
    let fraction = (sum & 127) as u64;
    ((sum >> 7) + i32::from(draw < fraction << (DRAW_BITS - 7))) as i16
}
