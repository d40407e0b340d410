//! lava-nc 0.10.0's learning engine (`LearningConnectionModelBitApproximate`, `LearningRuleApplierBitApprox`),
//! restated.
//!
//! Only the last spike of an epoch is kept as a time; further ones add their impulse at once. At the end of an epoch
//! the traces are replayed over it step by step. x0 products read traces at the time of the presynaptic spike, y0
//! products at that of the postsynaptic one, u products at the end of the epoch.

use crate::rule::{Dependency, Draws, Factor, Graded, Product, Rule, Sign, Trace, Variable};

/// Accumulators of a change, `variable << 7`, end here (15 bits and sign; the least is one below, as lava-nc has it).
const ACCUMULATOR: (i64, i64) = (-(1 << 15) - 1, (1 << 15) - 1);

/// What never changes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Number of sources.
    pub sources: usize,
    /// Number of targets.
    pub targets: usize,
    /// Signs of the weights.
    pub sign: Sign,
    /// Steps of an epoch, 1 or more.
    pub epoch: u32,
    /// What is learned.
    pub rule: Rule,
    /// x1 and x2.
    pub before: [Trace; 2],
    /// y1, y2 and y3.
    pub after: [Trace; 3],
    /// Which of y1, y2 and y3 are supplied in every step (third factor) instead.
    pub supplied: [bool; 3],
    /// Longest delay that learning leaves; lava-nc: 255.
    pub longest: u8,
    /// What graded spikes do.
    pub graded: Graded,
}

/// The traces and the last spike of one source or target.
#[derive(Debug, Clone, Default)]
struct Side {
    traces: Vec<u8>,
    /// Step of the epoch, from 1, of the last spike; 0 is none.
    last: u32,
    /// Traces at the beginning of the replay and after each step of the epoch.
    history: Vec<Vec<u8>>,
}

/// A plastic projection.
#[derive(Debug, Clone)]
pub struct Engine {
    config: Config,
    step: u32,
    /// By target, then source.
    weights: Vec<i64>,
    tags: Vec<i64>,
    delays: Vec<i64>,
    sources: Vec<Side>,
    targets: Vec<Side>,
}

impl Engine {
    /// Weights, tags and delays stand by target, then source.
    ///
    /// # Panics
    /// Where one of them has not sources times targets values.
    #[must_use]
    pub fn new(config: Config, weights: Vec<i64>, tags: Vec<i64>, delays: Vec<i64>) -> Self {
        let size = config.sources * config.targets;
        assert!([&weights, &tags, &delays].iter().all(|values| values.len() == size), "{size} synapses");
        let side = |traces: usize| Side { traces: vec![0; traces], ..Side::default() };
        let (sources, targets) = (vec![side(2); config.sources], vec![side(3); config.targets]);
        Self { config, step: 0, weights, tags, delays, sources, targets }
    }

    /// Weights, by target then source.
    #[must_use]
    pub fn weights(&self) -> &[i64] {
        &self.weights
    }

    /// Tags.
    #[must_use]
    pub fn tags(&self) -> &[i64] {
        &self.tags
    }

    /// Learned delays. lava-nc keeps them beside the delays that spikes take.
    #[must_use]
    pub fn delays(&self) -> &[i64] {
        &self.delays
    }

    /// A trace of every source: 0 is x1, 1 is x2.
    #[must_use]
    pub fn before(&self, trace: usize) -> Vec<u8> {
        self.sources.iter().map(|side| side.traces[trace]).collect()
    }

    /// A trace of every target: 0 is y1, 1 is y2, 2 is y3.
    #[must_use]
    pub fn after(&self, trace: usize) -> Vec<u8> {
        self.targets.iter().map(|side| side.traces[trace]).collect()
    }

    /// What the spikes of a step (values; 0 is none) add to each target, unshifted.
    #[must_use]
    pub fn activation(&self, values: &[i64]) -> Vec<i64> {
        let rows = self.weights.chunks(self.config.sources);
        rows.map(|row| row.iter().zip(values).map(|(weight, value)| weight * value).sum()).collect()
    }

    /// One step: presynaptic spikes with their values, postsynaptic spikes, y1 to y3 of each target where the neuron
    /// supplies them, and the random numbers.
    pub fn step(&mut self, before: &[i64], after: &[bool], supplied: &[[u8; 3]], draws: &Draws) {
        self.step += 1;
        let now = (self.step - 1) % self.config.epoch + 1;
        for (side, &value) in self.sources.iter_mut().zip(before) {
            if value != 0 {
                presynaptic(side, value, now, &self.config);
            }
        }
        for (side, _) in self.targets.iter_mut().zip(after).filter(|(_, fired)| **fired) {
            if side.last > 0 {
                for (value, trace) in side.traces.iter_mut().zip(&self.config.after) {
                    *value = trace.add(*value, draws.y_impulse_again);
                }
            }
            side.last = now;
        }
        for (side, given) in self.targets.iter_mut().zip(supplied) {
            let values = side.traces.iter_mut().zip(given).zip(self.config.supplied);
            values.filter(|(_, outside)| *outside).for_each(|((value, given), _)| *value = *given);
        }
        if now == self.config.epoch {
            self.learn(draws);
        }
    }

    /// The end of an epoch.
    fn learn(&mut self, draws: &Draws) {
        let Config { epoch, supplied, .. } = self.config;
        for side in &mut self.sources {
            replay(side, &self.config.before, epoch, (draws.x_decay, draws.x_impulse));
            side.traces = side.history[epoch as usize].clone();
        }
        for side in &mut self.targets {
            replay(side, &self.config.after, epoch, (draws.y_decay, draws.y_impulse));
            let values = side.traces.iter_mut().zip(&side.history[epoch as usize]).zip(supplied);
            values.filter(|(_, outside)| !*outside).for_each(|((value, replayed), _)| *value = *replayed);
        }
        for target in 0..self.config.targets {
            for source in 0..self.config.sources {
                self.learn_synapse(target, source, draws.synapse);
            }
        }
        for side in self.sources.iter_mut().chain(&mut self.targets) {
            side.last = 0;
        }
    }

    /// Weight, delay and tag of one synapse from their old values.
    fn learn_synapse(&mut self, target: usize, source: usize, draw: u64) {
        let at = target * self.config.sources + source;
        let synapse = Synapse {
            before: &self.sources[source],
            after: &self.targets[target],
            weight: self.weights[at],
            delay: self.delays[at],
            tag: self.tags[at],
            epochs: self.step / self.config.epoch,
        };
        let Rule { weight, delay, tag } = &self.config.rule;
        let mut changed = (synapse.weight, synapse.delay, synapse.tag);
        if !weight.is_empty() {
            let sum = synapse.accumulate(synapse.weight, weight);
            changed.0 = match self.config.sign {
                Sign::Mixed => round(sum, draw).clamp(-256, 255),
                Sign::Excitatory => round(sum.max(0), draw).clamp(0, 255),
                Sign::Inhibitory => round(sum.min(0), draw).clamp(-255, 0),
            };
        }
        if !delay.is_empty() {
            changed.1 =
                round(synapse.accumulate(synapse.delay, delay).max(0), draw).clamp(0, self.config.longest.into());
        }
        if !tag.is_empty() {
            changed.2 = round(synapse.accumulate(synapse.tag, tag), draw).clamp(-257, 255);
        }
        (self.weights[at], self.delays[at], self.tags[at]) = changed;
    }
}

/// A spike of a source at step `now` of the epoch.
fn presynaptic(side: &mut Side, value: i64, now: u32, config: &Config) {
    let again = side.last > 0;
    // Half, ties to even, in 8 bits.
    let half = (((value >> 1) + i64::from(value & 3 == 3)) & 0xff) as u8;
    let sum = side.traces[0].wrapping_add(half);
    let (mut counts, mut second) = (true, again);
    match config.graded {
        Graded::Ignored if again => side.traces[0] = config.before[0].add(side.traces[0], 0),
        Graded::Ignored => {}
        Graded::Overwrite => side.traces[0] = half,
        Graded::Saturate => side.traces[0] = sum.min(127),
        Graded::Overflow => {
            counts = sum > 127;
            second = again && counts;
            side.traces[0] = if counts { sum - 127 } else { sum };
        }
    }
    if second {
        side.traces[1] = config.before[1].add(side.traces[1], 0);
    }
    if counts {
        side.last = now;
    }
}

/// The epoch again: in each step every trace decays, and grows by its impulse at the time of the last spike.
fn replay(side: &mut Side, traces: &[Trace], epoch: u32, (decay, impulse): (u64, u8)) {
    side.history = vec![side.traces.clone()];
    for step in 1..=epoch {
        let values = side.history[step as usize - 1].iter().zip(traces).map(|(&value, trace)| {
            let decayed = trace.decay.apply(value, decay);
            if step == side.last { trace.add(decayed, impulse) } else { decayed }
        });
        side.history.push(values.collect());
    }
}

/// To a whole number; the fraction of 128 is the chance of rounding up.
fn round(sum: i64, draw: u64) -> i64 {
    let fraction = (sum & 127) as u64;
    (sum >> 7) + i64::from(draw < fraction << (crate::rule::DRAW_BITS - 7))
}

/// A synapse as the rule sees it.
struct Synapse<'a> {
    before: &'a Side,
    after: &'a Side,
    weight: i64,
    delay: i64,
    tag: i64,
    /// Epochs that are over, with this one.
    epochs: u32,
}

impl Synapse<'_> {
    /// The variable times 128 with all products added.
    fn accumulate(&self, variable: i64, products: &[Product]) -> i64 {
        products.iter().fold(variable << 7, |sum, product| {
            let change = self.product(product).clamp(ACCUMULATOR.0, ACCUMULATOR.1);
            (sum + change).clamp(ACCUMULATOR.0, ACCUMULATOR.1)
        })
    }

    /// 32-bit arithmetic that wraps; what is beyond 15 bits is shifted out before the exponent acts.
    fn product(&self, product: &Product) -> i64 {
        let mut value: i32 = match product.dependency {
            Dependency::X0 => i32::from(self.before.last > 0),
            Dependency::Y0 => i32::from(self.after.last > 0),
            Dependency::U(k) => i32::from(self.epochs.is_multiple_of(1 << k)),
        };
        let mut width = 4;
        for factor in &product.factors {
            value = value.wrapping_mul(self.factor(factor, product.dependency));
            width += factor.variable.bits();
        }
        value = value.wrapping_mul(i32::from(product.mantissa));
        value >>= width.saturating_sub(15);
        i64::from((i64::from(value) << (product.exponent + 7)) as i32)
    }

    fn factor(&self, factor: &Factor, dependency: Dependency) -> i32 {
        // When the traces are read; without the spike the product is zero anyway.
        let time = match dependency {
            Dependency::X0 => self.before.last as usize,
            Dependency::Y0 => self.after.last as usize,
            Dependency::U(_) => self.before.history.len() - 1,
        };
        let trace = |side: &Side, number: usize| i64::from(side.history[time][number]);
        let value = match factor.variable {
            Variable::X0 => i64::from(self.before.last > 0),
            Variable::X1 => trace(self.before, 0),
            Variable::X2 => trace(self.before, 1),
            Variable::Y0 => i64::from(self.after.last > 0),
            Variable::Y1 => trace(self.after, 0),
            Variable::Y2 => trace(self.after, 1),
            Variable::Y3 => trace(self.after, 2),
            Variable::Weight => self.weight,
            Variable::Delay => self.delay,
            Variable::Tag => self.tag,
        } + i64::from(factor.constant);
        let value = if factor.sign { value.signum() } else { value };
        let edge = 1_i64 << factor.variable.bits();
        value.clamp(-edge, edge - 1) as i32
    }
}
