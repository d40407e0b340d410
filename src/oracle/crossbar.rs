//! Straight-line model of a network of TrueNorth-style neurons (deterministic ones, as graphs hold them).

use std::collections::{BTreeMap, BTreeSet};

use super::IntRun;
use crate::graph::{CrossbarNeuron, IntGraph, IntNeuron, Population};
use crate::stimulus::Sample;

pub use super::crossbar_neuron::{Generator, Neuron};

/// Runs one sample from rest for `sample.ticks + depth` ticks. An axon holds one bit: several spikes of one input
/// in one tick count as one. Spikes of inputs that the network does not have are ignored; populations of another
/// family stay silent.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32) -> IntRun {
    let graph = &*graph.expanded();
    let mut run = IntRun {
        spikes: vec![Vec::new(); graph.populations.len()],
        membranes: graph.populations.iter().map(initial).collect(),
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
                Some(IntNeuron::Cuba(_) | IntNeuron::Program(_) | IntNeuron::Fcore(_) | IntNeuron::Stepped(_)) => {
                    fired.push(Vec::new());
                }
            }
        }
        scatter(graph, &fired, tick, &mut pending);
    }
    run
}

/// V before the first tick; inputs have none, and neurons of other families stay at 0.
fn initial(population: &Population<IntNeuron>) -> Vec<i32> {
    let of = |index: usize| match &population.neuron {
        Some(IntNeuron::Crossbar(CrossbarNeuron { initial, .. })) => match initial[..] {
            [one] => one,
            _ => initial.get(index).copied().unwrap_or_default(),
        },
        _ => 0,
    };
    (0..if population.is_input() { 0 } else { population.size() }).map(of).collect()
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
    use crate::chip::CrossbarOptions;
    use crate::graph::{Delays, NegativeReset, Pattern, Population, Projection, SpikeReset};
    use crate::ids::PopulationId;
    use crate::stimulus::InputSpike;

    fn plain() -> Neuron {
        Neuron {
            weights: [0; 4],
            stochastic_weights: [false; 4],
            leak: 0,
            stochastic_leak: false,
            leak_reversal: false,
            threshold: 10,
            negative_threshold: 20,
            threshold_mask_bits: 0,
            reset_value: 3,
            spike_reset: SpikeReset::Value,
            negative_reset: NegativeReset::Saturate,
            options: CrossbarOptions::default(),
        }
    }

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
            let neuron = Neuron { spike_reset, negative_reset, ..plain() };
            assert_eq!(neuron.step(0, 12), (high, true), "{neuron:?}");
            assert_eq!(neuron.step(0, -25), (low, false), "{neuron:?}");
        }
    }

    #[test]
    fn thresholds_at_their_edges_and_the_leak_before_them() {
        assert_eq!(plain().step(0, 9), (9, false));
        assert_eq!(plain().step(0, 10), (3, true));
        assert_eq!(plain().step(0, -20), (-20, false));
        assert_eq!(plain().step(0, -21), (-20, false));
        assert_eq!(Neuron { leak: 1, ..plain() }.step(0, 9), (3, true));
        assert_eq!(Neuron { leak: -1, ..plain() }.step(0, 10), (9, false));
        assert_eq!(Neuron { threshold: 0, ..plain() }.step(0, 0), (3, true));
    }

    #[test]
    fn the_potential_saturates_at_twenty_bits() {
        let open = Neuron { spike_reset: SpikeReset::None, negative_reset: NegativeReset::Mirror, ..plain() };
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
            initial: vec![0],
            spike_reset: SpikeReset::Value,
            negative_reset: NegativeReset::Saturate,
        };
        let population = |name: &str, neuron| Population { name: name.to_owned(), shape: vec![1], neuron };
        let graph = IntGraph {
            learning: Vec::new(),
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
