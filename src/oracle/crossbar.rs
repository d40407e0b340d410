//! Straight-line model of the TrueNorth-style neuron and network (deterministic part).
//!
//! Sources: Merolla et al. 2014, table S2 (`V >= alpha` fires); Cassidy et al. 2013 for the order synapses, leak,
//! threshold, negative threshold and for the six reset modes.

use std::collections::{BTreeMap, BTreeSet};

use super::IntRun;
use crate::fixed::saturate;
use crate::graph::{CrossbarNeuron, IntGraph, IntNeuron, NegativeReset, SpikeReset};
use crate::stimulus::Sample;

/// Width of the membrane potential in bits, signed (Merolla et al. 2014).
const POTENTIAL_BITS: u32 = 20;
/// Threshold of a neuron that is only read: the largest that 18 bits hold.
const NEVER: u32 = (1 << 18) - 1;

/// The registers of one neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neuron {
    /// Added every tick.
    pub leak: i64,
    /// alpha: fires when `V >= alpha`.
    pub threshold: i64,
    /// beta, magnitude: the negative rule acts when `V < -beta`.
    pub negative_threshold: i64,
    /// R.
    pub reset_value: i64,
    /// gamma.
    pub spike_reset: SpikeReset,
    /// kappa.
    pub negative_reset: NegativeReset,
}

impl Neuron {
    /// The registers of neuron `index` of a population.
    #[must_use]
    pub fn of(population: &CrossbarNeuron, index: usize) -> Self {
        Self {
            leak: i64::from(pick(&population.leak, index)),
            threshold: i64::from(population.threshold.as_ref().map_or(NEVER, |alpha| pick(alpha, index))),
            negative_threshold: i64::from(pick(&population.negative_threshold, index)),
            reset_value: i64::from(pick(&population.reset_value, index)),
            spike_reset: population.spike_reset,
            negative_reset: population.negative_reset,
        }
    }

    /// One tick from potential `v` with the summed weights `input`: the new potential, and whether it fires.
    /// V saturates at its register's edges after the synapses and after the leak.
    #[must_use]
    pub fn step(&self, v: i64, input: i64) -> (i64, bool) {
        let integrated = saturate(v + input, POTENTIAL_BITS);
        let v = saturate(integrated + self.leak, POTENTIAL_BITS);
        if v >= self.threshold {
            let reset = match self.spike_reset {
                SpikeReset::Value => self.reset_value,
                SpikeReset::Linear => v - self.threshold,
                SpikeReset::None => v,
            };
            return (reset, true);
        }
        if v >= -self.negative_threshold {
            return (v, false);
        }
        let reset = match (self.negative_reset, self.spike_reset) {
            (NegativeReset::Saturate, _) => -self.negative_threshold,
            (NegativeReset::Mirror, SpikeReset::Value) => -self.reset_value,
            (NegativeReset::Mirror, SpikeReset::Linear) => v + self.negative_threshold,
            (NegativeReset::Mirror, SpikeReset::None) => v,
        };
        (reset, false)
    }
}

/// One value for all, or one a neuron.
fn pick<T: Copy + Default>(values: &[T], index: usize) -> T {
    if let [one] = values { *one } else { values.get(index).copied().unwrap_or_default() }
}

/// Runs one sample from rest for `sample.ticks + depth` ticks. An axon holds one bit: several spikes of one input
/// in one tick count as one. Spikes of inputs that the network does not have are ignored; populations of another
/// family stay silent.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32) -> IntRun {
    let mut run = IntRun {
        spikes: vec![Vec::new(); graph.populations.len()],
        membranes: graph.populations.iter().map(|p| vec![0; if p.is_input() { 0 } else { p.size() }]).collect(),
    };
    let stimulus: BTreeSet<(u32, u32)> =
        sample.spikes.iter().filter(|spike| spike.value > 0).map(|spike| (spike.tick, spike.input)).collect();
    let mut pending: BTreeMap<u64, Vec<Vec<i64>>> = BTreeMap::new();
    for tick in 0..sample.ticks.saturating_add(depth) {
        let arrived = pending.remove(&u64::from(tick));
        let mut fired = Vec::new();
        let mut first_input = 0;
        for (p, population) in graph.populations.iter().enumerate() {
            let size = population.size() as u32;
            match &population.neuron {
                None => {
                    let mine = stimulus.range((tick, first_input)..(tick, first_input + size));
                    fired.push(mine.map(|&(_, input)| input - first_input).collect());
                    first_input += size;
                }
                Some(IntNeuron::Crossbar(neuron)) => {
                    let inputs = arrived.as_ref().map(|sums| &sums[p]);
                    let spikes = update(neuron, inputs, &mut run.membranes[p]);
                    run.spikes[p].extend(spikes.iter().map(|&index| (tick, index)));
                    fired.push(spikes);
                }
                Some(IntNeuron::Cuba(_)) => fired.push(Vec::new()),
            }
        }
        scatter(graph, &fired, tick, &mut pending);
    }
    run
}

/// One tick of a population; the neurons that fire.
fn update(neuron: &CrossbarNeuron, inputs: Option<&Vec<i64>>, membranes: &mut [i32]) -> Vec<u32> {
    let mut fired = Vec::new();
    for (index, v) in membranes.iter_mut().enumerate() {
        let input = inputs.map_or(0, |sums| sums[index]);
        let (next, spike) = Neuron::of(neuron, index).step(i64::from(*v), input);
        *v = next as i32;
        if spike {
            fired.push(index as u32);
        }
    }
    fired
}

/// Sends the spikes of `tick` through every projection: a spike is integrated `1 + delay` ticks later.
fn scatter(graph: &IntGraph, fired: &[Vec<u32>], tick: u32, pending: &mut BTreeMap<u64, Vec<Vec<i64>>>) {
    for projection in &graph.projections {
        for &source in &fired[projection.source.index()] {
            projection.pattern.visit(source, |target, weight| {
                let at = u64::from(tick) + 1 + u64::from(projection.delays.of(weight as usize));
                let sums =
                    pending.entry(at).or_insert_with(|| graph.populations.iter().map(|p| vec![0; p.size()]).collect());
                let value = i64::from(projection.weights[weight as usize]);
                sums[projection.target.index()][target as usize] += scaled(value, projection.exponent);
            });
        }
    }
}

/// `value * 2^exponent` (toward minus infinity below 0; crossbars are compiled with exponent 0 only).
fn scaled(value: i64, exponent: i8) -> i64 {
    if exponent >= 0 { value << exponent.min(30) } else { value >> exponent.unsigned_abs().min(62) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Delays, Pattern, Population, Projection};
    use crate::ids::PopulationId;
    use crate::stimulus::InputSpike;

    const PLAIN: Neuron = Neuron {
        leak: 0,
        threshold: 10,
        negative_threshold: 20,
        reset_value: 3,
        spike_reset: SpikeReset::Value,
        negative_reset: NegativeReset::Saturate,
    };

    #[test]
    fn the_six_reset_modes() {
        for (spike_reset, negative_reset, high, low) in [
            (SpikeReset::Value, NegativeReset::Saturate, 3, -20),
            (SpikeReset::Linear, NegativeReset::Saturate, 2, -20),
            (SpikeReset::None, NegativeReset::Saturate, 12, -20),
            (SpikeReset::Value, NegativeReset::Mirror, 3, -3),
            (SpikeReset::Linear, NegativeReset::Mirror, 2, -5),
            (SpikeReset::None, NegativeReset::Mirror, 12, -25),
        ] {
            let neuron = Neuron { spike_reset, negative_reset, ..PLAIN };
            assert_eq!(neuron.step(0, 12), (high, true), "{neuron:?}");
            assert_eq!(neuron.step(0, -25), (low, false), "{neuron:?}");
        }
    }

    #[test]
    fn thresholds_at_their_edges_and_the_leak_before_them() {
        assert_eq!(PLAIN.step(0, 9), (9, false));
        assert_eq!(PLAIN.step(0, 10), (3, true));
        assert_eq!(PLAIN.step(0, -20), (-20, false));
        assert_eq!(PLAIN.step(0, -21), (-20, false));
        assert_eq!(Neuron { leak: 1, ..PLAIN }.step(0, 9), (3, true));
        assert_eq!(Neuron { leak: -1, ..PLAIN }.step(0, 10), (9, false));
        assert_eq!(Neuron { threshold: 0, ..PLAIN }.step(0, 0), (3, true));
    }

    #[test]
    fn the_potential_saturates_at_twenty_bits() {
        let open = Neuron { spike_reset: SpikeReset::None, negative_reset: NegativeReset::Mirror, ..PLAIN };
        assert_eq!(open.step(524_287, 5), (524_287, true));
        assert_eq!(open.step(-524_288, -5), (-524_288, false));
        assert_eq!(Neuron { leak: -2, ..open }.step(524_287, 5), (524_285, true));
    }

    #[test]
    fn a_spike_travels_one_tick_and_its_delay_and_inputs_merge() {
        let neuron = CrossbarNeuron {
            leak: vec![0],
            threshold: Some(vec![2]),
            negative_threshold: vec![0],
            reset_value: vec![0],
            spike_reset: SpikeReset::Value,
            negative_reset: NegativeReset::Saturate,
        };
        let population = |name: &str, neuron| Population { name: name.to_owned(), shape: vec![1], neuron };
        let graph = IntGraph {
            name: "chain".to_owned(),
            populations: vec![population("in", None), population("out", Some(IntNeuron::Crossbar(neuron)))],
            projections: vec![Projection {
                name: "w".to_owned(),
                source: PopulationId(0),
                target: PopulationId(1),
                pattern: Pattern::OneToOne { size: 1, shared: false },
                weights: vec![1],
                exponent: 0,
                delays: Delays::Uniform(2),
            }],
            outputs: Vec::new(),
        };
        let spike = |tick, value| InputSpike { tick, input: 0, value };
        let sample =
            Sample { spikes: vec![spike(0, 5), spike(0, 1), spike(1, 1), spike(2, 0)], ticks: 3, ..Sample::default() };
        let run = run(&graph, &sample, 3);
        assert_eq!(run.spikes, [vec![], vec![(4, 0)]]);
        assert_eq!(run.membranes, [vec![], vec![0]]);
    }
}
