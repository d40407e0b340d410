//! Projections that learn, in the network model: the straight-line engines, fed with the spikes of each tick.

use super::{Dialect, Pending, shift};
use crate::graph::{IntGraph, Learning, Projection};
use crate::oracle::learning::{brian2, lava};
use crate::rule::{Draws, Sign, Trace};

/// What a projection has learned, by weight number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learned {
    /// Weights.
    pub weights: Vec<i64>,
    /// Delays.
    pub delays: Vec<i64>,
    /// Tags.
    pub tags: Vec<i64>,
}

/// An engine with what it is fed.
pub(super) struct Plastic<'a> {
    learning: &'a Learning,
    engine: Engine,
    /// Place of each weight in the engine: target, then source.
    places: Vec<usize>,
    dialect: Dialect,
    sources: usize,
    /// Values of this tick's spikes by source.
    before: Vec<i64>,
    /// Spikes of this tick of the populations that supply traces, by target.
    given: Vec<[i64; 3]>,
    steps: u64,
}

enum Engine {
    Lava(Box<lava::Engine>),
    Brian2(Box<brian2::Engine>),
}

impl<'a> Plastic<'a> {
    pub(super) fn new(
        graph: &IntGraph,
        projection: &'a Projection<i32>,
        learning: &'a Learning,
        dialect: Dialect,
    ) -> Self {
        let size = |id: crate::ids::PopulationId| graph.populations[id.index()].size();
        let (sources, targets) = (size(projection.source), size(projection.target));
        let mut places = vec![0; projection.weights.len()];
        for source in 0..sources {
            projection.pattern.visit(source as u32, |target, weight| {
                places[weight as usize] = target as usize * sources + source;
            });
        }
        let spread = |of: &dyn Fn(usize) -> i64| {
            let mut values = vec![0; sources * targets];
            places.iter().enumerate().for_each(|(weight, &place)| values[place] = of(weight));
            values
        };
        let weights = spread(&|weight| projection.weights[weight].into());
        let traces = learning.traces.map(|shape| match dialect {
            Dialect::Brian2 => Trace::first_order(shape.impulse, shape.tau),
            _ => Trace::new(shape.impulse, shape.tau),
        });
        let [x1, x2, y1, y2, y3] = traces;
        let (before, after) = ([x1, x2], [y1, y2, y3]);
        let engine = if dialect == Dialect::Brian2 {
            let mixed = i64::from(learning.sign == Sign::Mixed);
            let precision = 1 << (8 - i64::from(learning.weight_bits) + mixed);
            let (before, after) = (before.map(Some), after.map(Some));
            let products = learning.rule.weight.clone();
            let config = brian2::Config { sources, targets, sign: learning.sign, precision, products, before, after };
            Engine::Brian2(Box::new(brian2::Engine::new(config, weights)))
        } else {
            let config = lava::Config {
                sources,
                targets,
                sign: learning.sign,
                epoch: learning.epoch,
                rule: learning.rule.clone(),
                before,
                after,
                supplied: std::array::from_fn(|trace| {
                    learning.factors[trace].is_some() || learning.states[trace].is_some()
                }),
                longest: if dialect == Dialect::Lava { 255 } else { dialect.delay_max() },
                graded: learning.graded,
            };
            let tags = spread(&|weight| learning.tag(weight).into());
            let fixed = |weight| i64::from(projection.delays.of(weight));
            let delays = spread(&|weight| learning.delay(weight).map_or(fixed(weight), i64::from));
            Engine::Lava(Box::new(lava::Engine::new(config, weights, tags, delays)))
        };
        let (before, given) = (vec![0; sources], vec![[0; 3]; targets]);
        Self { learning, engine, places, dialect, sources, before, given, steps: 0 }
    }

    /// The output of the target's program whose spikes are postsynaptic.
    pub(super) const fn post(&self) -> u8 {
        self.learning.post
    }

    /// Whether learned delays are those that spikes take.
    pub(super) fn delays_act(&self) -> bool {
        !matches!(self.dialect, Dialect::Lava | Dialect::Brian2) && !self.learning.rule.delay.is_empty()
    }

    /// What a spike adds over a synapse, unshifted in lava, and the delay where learned ones act.
    pub(super) fn effect(&self, weight: usize, exponent: i8) -> (i64, Option<u16>) {
        let place = self.places[weight];
        match &self.engine {
            Engine::Lava(engine) => {
                let delay = self.delays_act().then(|| engine.delays()[place] as u16);
                let weight = engine.weights()[place];
                (if self.dialect == Dialect::Lava { weight } else { shift(weight, exponent) }, delay)
            }
            Engine::Brian2(engine) => {
                let mixed = i64::from(self.learning.sign == Sign::Mixed);
                let step = 1 << (8 - i64::from(self.learning.weight_bits) + mixed);
                let weight = engine.weights()[place];
                // Until a rule has acted once, weights are truncated.
                let weight = if self.steps == 0 { weight / step * step } else { weight };
                (shift(weight, exponent).clamp(1 - (1 << 15), (1 << 15) - 1), None)
            }
        }
    }

    /// A spike: presynaptic, or part of a trace that its population supplies. It is one where its payload is not 0, and
    /// counts at least 1; more than 16 bits are no longer told apart.
    pub(super) fn note(&mut self, source: bool, supplies: Option<usize>, size: usize, neuron: u32, value: i64) {
        const MOST: i64 = u16::MAX as i64;
        if value == 0 {
            return;
        }
        let value = value.clamp(1, MOST);
        if source {
            let sum = &mut self.before[neuron as usize];
            *sum = (*sum + value).min(MOST);
        }
        for trace in 0..3 {
            if self.learning.factors[trace].is_none_or(|factor| Some(factor.index()) != supplies) {
                continue;
            }
            if size == 1 {
                self.given.iter_mut().for_each(|given| given[trace] += value);
            } else {
                self.given[neuron as usize][trace] += value;
            }
        }
    }

    /// The traces that are states of the target's program; `state(neuron, name)` is one.
    pub(super) fn write(&mut self, state: impl Fn(usize, &str) -> i64) {
        for (trace, name) in self.learning.states.iter().enumerate() {
            let Some(name) = name else { continue };
            self.given.iter_mut().enumerate().for_each(|(neuron, given)| given[trace] = state(neuron, name).max(0));
        }
    }

    /// The spikes of `tick` are all there; `fired` are the targets among them.
    pub(super) fn learn(&mut self, tick: u32, fired: &[u32], recorded: &[Draws]) {
        if tick >= self.learning.start {
            let own = || Draws::own(self.learning.seed, self.learning.projection.0, self.steps);
            let draws = recorded.get(self.steps as usize).copied().unwrap_or_else(own);
            let mut after = vec![false; self.given.len()];
            fired.iter().for_each(|&target| after[target as usize] = true);
            match &mut self.engine {
                Engine::Lava(engine) => {
                    let given: Vec<[u8; 3]> =
                        self.given.iter().map(|values| values.map(|value| value.min(127) as u8)).collect();
                    engine.step(&self.before, &after, &given, &draws);
                }
                Engine::Brian2(engine) => {
                    let before: Vec<bool> = self.before.iter().map(|&value| value > 0).collect();
                    engine.step(&before, &after, &draws);
                }
            }
            self.steps += 1;
        }
        self.before = vec![0; self.sources];
        self.given.iter_mut().for_each(|given| *given = [0; 3]);
    }

    /// What was learned.
    pub(super) fn learned(&self) -> Learned {
        let by_weight = |values: &[i64]| self.places.iter().map(|&place| values[place]).collect();
        match &self.engine {
            Engine::Lava(engine) => Learned {
                weights: by_weight(engine.weights()),
                delays: by_weight(engine.delays()),
                tags: by_weight(engine.tags()),
            },
            Engine::Brian2(engine) => Learned { weights: by_weight(engine.weights()), ..Learned::default() },
        }
    }
}

/// What every projection has learned at the end.
pub(super) fn learned(pending: &[Pending<'_>]) -> Vec<Option<Learned>> {
    pending.iter().map(|pending| pending.plastic.as_ref().map(Plastic::learned)).collect()
}
