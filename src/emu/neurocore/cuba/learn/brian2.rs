//! A learning step as brian2-loihi computes it: an epoch of one tick, a change rounded away from zero, and then to the
//! step of the weights by what the change was before the spikes of the tick.

use std::mem::take;

use super::state::GroupState;
use super::{Group, Term};
use crate::rule::{DRAW_BITS, Dependency, Draws, Trace, Variable};

/// Multiples of 1/128, the finest product.
const SCALE: i64 = 128;

/// One step; how many synapses were updated.
pub(super) fn step(state: &mut GroupState, group: &Group, fired: impl Iterator<Item = u32>, draws: &Draws) -> u64 {
    state.sources.clear();
    state.sources.extend(&state.fresh);
    state.targets.clear();
    state.targets.extend(fired);
    // Traces before the spikes: they decide roundings. How much of a fraction is kept is decided by them too.
    let (mut early_before, mut early_after) = (take(&mut state.early_before), take(&mut state.early_after));
    early_before.clear();
    early_before.extend(state.before.iter().map(|unit| unit.values));
    early_after.clear();
    early_after.extend(state.after.iter().map(|unit| unit.values));
    for &source in &state.sources {
        let unit = &mut state.before[source as usize];
        unit.last = 1;
        unit.values.iter_mut().zip(&group.before).for_each(|(value, trace)| *value = trace.add(*value, 127));
    }
    for &target in &state.targets {
        let unit = &mut state.after[target as usize];
        unit.last = 1;
        unit.values.iter_mut().zip(&group.after).for_each(|(value, trace)| *value = trace.add(*value, 127));
    }
    let passed = state.step - 1;
    let turn = group.turns.iter().any(|&k| passed.is_multiple_of(1 << k));
    let visits = state.visit(group, turn, |state, source, target, synapse| {
        let (before, after) = (&early_before[source as usize], &early_after[target as usize]);
        let at = synapse as usize;
        let weight = i64::from(state.weights[at]);
        let early = Here { before, after, spikes: (false, false), weight, passed };
        let decided = early.decide(group, draws.synapse);
        let (x, y) = (&state.before[source as usize], &state.after[target as usize]);
        let spikes = (x.last > 0, y.last > 0);
        let now = Here { before: &x.values, after: &y.values, spikes, weight, passed };
        let precision = i64::from(group.precision);
        let change = away_from_zero(now.change(&group.weight, false));
        let moved = weight.saturating_add((change / precision).saturating_add(decided).saturating_mul(precision));
        state.weights[at] = moved.clamp(group.range.0.into(), group.range.1.into()) as i16;
    });
    for (unit, early) in state.before.iter_mut().zip(&early_before) {
        unit.last = 0;
        fade(&mut unit.values, &group.before, early, draws.x_decay);
    }
    for (unit, early) in state.after.iter_mut().zip(&early_after) {
        unit.last = 0;
        fade(&mut unit.values, &group.after, early, draws.y_decay);
    }
    (state.early_before, state.early_after) = (early_before, early_after);
    state.sources.clear();
    state.targets.clear();
    visits
}

/// What decays: the whole part of the values now, the fraction as the values were before the spikes.
fn fade<const N: usize>(values: &mut [u8; N], traces: &[Trace; N], early: &[u8; N], draw: u64) {
    for ((value, trace), &early) in values.iter_mut().zip(traces).zip(early) {
        let table = trace.decay.table();
        *value = table[usize::from(*value)].0 + u8::from(draw < table[usize::from(early)].1);
    }
}

/// A synapse in a step.
struct Here<'a> {
    before: &'a [u8; 2],
    after: &'a [u8; 3],
    spikes: (bool, bool),
    weight: i64,
    /// Steps that are over.
    passed: u32,
}

impl Here<'_> {
    /// -1, 0 or 1 steps of the weights, from the remainder of the change before the spikes.
    fn decide(&self, group: &Group, draw: u64) -> i64 {
        let precision = i64::from(group.precision);
        let change = away_from_zero(self.change(&group.weight, true));
        let remainder = change.unsigned_abs() % precision as u64;
        let up = u128::from(draw) * (precision as u128) < u128::from(remainder) << DRAW_BITS;
        change.signum() * i64::from(up)
    }

    /// The sum of the products in 1/128; `early` leaves out those with negative exponents.
    fn change(&self, terms: &[Term], early: bool) -> i64 {
        terms
            .iter()
            .filter(|term| !early || term.exponent >= 0)
            .map(|term| self.product(term))
            .fold(0, i64::wrapping_add)
    }

    fn product(&self, term: &Term) -> i64 {
        let acts = match term.dependency {
            Dependency::X0 => self.spikes.0,
            Dependency::Y0 => self.spikes.1,
            Dependency::U(k) => self.passed.is_multiple_of(1 << k),
        };
        if !acts {
            return 0;
        }
        let scale = (i64::from(term.mantissa) * SCALE) << (term.exponent + 7) >> 7;
        term.factors.iter().fold(scale, |product, factor| {
            let plain = i64::from(factor.constant)
                + match factor.variable {
                    Variable::X0 => i64::from(self.spikes.0),
                    Variable::X1 => self.before[0].into(),
                    Variable::X2 => self.before[1].into(),
                    Variable::Y0 => i64::from(self.spikes.1),
                    Variable::Y1 => self.after[0].into(),
                    Variable::Y2 => self.after[1].into(),
                    Variable::Y3 => self.after[2].into(),
                    Variable::Weight => self.weight,
                    Variable::Delay | Variable::Tag => 0,
                };
            product.wrapping_mul(if factor.sign { plain.signum() } else { plain })
        })
    }
}

/// To whole numbers from 1/128.
const fn away_from_zero(change: i64) -> i64 {
    change.signum() * ((change.abs() + SCALE - 1) / SCALE)
}
