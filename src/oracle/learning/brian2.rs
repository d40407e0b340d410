//! brian2-loihi 0.5.2's STDP, restated: an epoch of one step, a change rounded away from zero and then to the weight
//! precision, no delays, no tags.
//!
//! Its roundings to the precision are decided before the spikes of the step, so that only products of u_k without a
//! negative exponent (which its evaluation folds to 0 there) have a say. Its traces stand in each synapse; here they
//! are of the source and the target, which is the same with one random number for all.

use crate::rule::{Dependency, Draws, Product, Sign, Trace, Variable};

/// What never changes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Number of sources.
    pub sources: usize,
    /// Number of targets.
    pub targets: usize,
    /// Signs of the weights.
    pub sign: Sign,
    /// Weights are multiples of it.
    pub precision: i64,
    /// Change of the weight.
    pub products: Vec<Product>,
    /// x1 and x2; `None` does not exist and reads 0.
    pub before: [Option<Trace>; 2],
    /// y1, y2 and y3.
    pub after: [Option<Trace>; 3],
}

/// A plastic projection.
#[derive(Debug, Clone)]
pub struct Engine {
    config: Config,
    step: u32,
    /// By target, then source.
    weights: Vec<i64>,
    before: Vec<[u8; 2]>,
    after: Vec<[u8; 3]>,
}

/// Multiples of 1/128, the finest product.
const SCALE: i64 = 128;

impl Engine {
    /// Weights stand by target, then source.
    #[must_use]
    pub fn new(config: Config, weights: Vec<i64>) -> Self {
        let (before, after) = (vec![[0; 2]; config.sources], vec![[0; 3]; config.targets]);
        Self { config, step: 0, weights, before, after }
    }

    /// Weights, by target then source.
    #[must_use]
    pub fn weights(&self) -> &[i64] {
        &self.weights
    }

    /// x1 and x2 of every source.
    #[must_use]
    pub fn before(&self) -> &[[u8; 2]] {
        &self.before
    }

    /// y1, y2 and y3 of every target.
    #[must_use]
    pub fn after(&self) -> &[[u8; 3]] {
        &self.after
    }

    /// One step. `after` are the spikes of the step before, as they reach the synapses only now. Of the draws those of
    /// decays and synapses count.
    pub fn step(&mut self, before: &[bool], after: &[bool], draws: &Draws) {
        let draw = draws.synapse;
        let decided: Vec<i64> = self.synapses().map(|(target, source)| self.decide(target, source, draw)).collect();
        let decays = |traces: &[Option<Trace>], values: &[u8], draw: u64| -> Vec<u8> {
            // How much of the fraction is kept is decided now, its whole part is computed after the spikes.
            let up = |(trace, &value): (&Option<Trace>, &u8)| {
                trace.as_ref().map_or(0, |trace| u8::from(draw < trace.decay.table()[usize::from(value)].1))
            };
            traces.iter().zip(values).map(up).collect()
        };
        let ups: Vec<_> = self.before.iter().map(|values| decays(&self.config.before, values, draws.x_decay)).collect();
        let downs: Vec<_> = self.after.iter().map(|values| decays(&self.config.after, values, draws.y_decay)).collect();
        self.before.iter_mut().zip(before).for_each(|(values, &fired)| spike(values, &self.config.before, fired));
        self.after.iter_mut().zip(after).for_each(|(values, &fired)| spike(values, &self.config.after, fired));
        let synapses: Vec<(usize, usize)> = self.synapses().collect();
        for ((target, source), decided) in synapses.into_iter().zip(decided) {
            let at = target * self.config.sources + source;
            let change = away_from_zero(self.change(target, source, (before[source], after[target]), false));
            let whole = (change / self.config.precision + decided) * self.config.precision;
            let (low, high) = match self.config.sign {
                Sign::Mixed => (-256, 254),
                Sign::Excitatory => (0, 255),
                Sign::Inhibitory => (-256, 0),
            };
            self.weights[at] = (self.weights[at] + whole).clamp(low, high);
        }
        self.before.iter_mut().zip(&ups).for_each(|(values, up)| fade(values, &self.config.before, up));
        self.after.iter_mut().zip(&downs).for_each(|(values, up)| fade(values, &self.config.after, up));
        self.step += 1;
    }

    /// Every (target, source).
    fn synapses(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Config { sources, targets, .. } = self.config;
        (0..targets).flat_map(move |target| (0..sources).map(move |source| (target, source)))
    }

    /// -1, 0 or 1 steps of the precision, from the remainder of what the change is before the spikes of the step.
    fn decide(&self, target: usize, source: usize, draw: u64) -> i64 {
        let change = away_from_zero(self.change(target, source, (false, false), true));
        let remainder = change.abs() % self.config.precision;
        let up = u128::from(draw) * (self.config.precision as u128) < (remainder as u128) << crate::rule::DRAW_BITS;
        change.signum() * i64::from(up)
    }

    /// The sum of the products in 1/128. `early` leaves out those with negative exponents.
    fn change(&self, target: usize, source: usize, spikes: (bool, bool), early: bool) -> i64 {
        let weight = self.weights[target * self.config.sources + source];
        let products = self.config.products.iter().filter(|product| !early || product.exponent >= 0);
        products
            .map(|product| {
                let acts = match product.dependency {
                    Dependency::X0 => spikes.0,
                    Dependency::Y0 => spikes.1,
                    Dependency::U(k) => self.step.is_multiple_of(1 << k),
                };
                let value = |variable| match variable {
                    Variable::X0 => i64::from(spikes.0),
                    Variable::X1 => i64::from(self.before[source][0]),
                    Variable::X2 => i64::from(self.before[source][1]),
                    Variable::Y0 => i64::from(spikes.1),
                    Variable::Y1 => i64::from(self.after[target][0]),
                    Variable::Y2 => i64::from(self.after[target][1]),
                    Variable::Y3 => i64::from(self.after[target][2]),
                    Variable::Weight => weight,
                    Variable::Delay | Variable::Tag => 0,
                };
                let scale = (i64::from(acts) * i64::from(product.mantissa) * SCALE) << (product.exponent + 7) >> 7;
                product.factors.iter().fold(scale, |sum, factor| {
                    let plain = value(factor.variable) + i64::from(factor.constant);
                    sum * if factor.sign { plain.signum() } else { plain }
                })
            })
            .sum()
    }
}

/// To whole numbers from 1/128.
fn away_from_zero(change: i64) -> i64 {
    change.signum() * ((change.abs() + SCALE - 1) / SCALE)
}

fn spike(values: &mut [u8], traces: &[Option<Trace>], fired: bool) {
    for (value, trace) in values.iter_mut().zip(traces) {
        if let (true, Some(trace)) = (fired, trace) {
            *value = trace.add(*value, 127);
        }
    }
}

fn fade(values: &mut [u8], traces: &[Option<Trace>], up: &[u8]) {
    for ((value, trace), up) in values.iter_mut().zip(traces).zip(up) {
        if let Some(trace) = trace {
            *value = trace.decay.table()[usize::from(*value)].0 + up;
        }
    }
}
