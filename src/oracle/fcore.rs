//! The golden model of Tianjic-style networks: round by round, one neuron after the other, in wide integers.

use crate::chip::FcoreSpec;
use crate::graph::{
    Activation, Delays, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, IntGraph, IntNeuron, Population,
};
use crate::rng::keyed;
use crate::stimulus::Sample;

/// What a population did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FcoreTrace {
    /// What each neuron sent in each round: 0 is nothing, 1 a spike of a spiking population.
    pub sent: Vec<Vec<i32>>,
    /// Sum with bias (artificial) or membrane (spiking) of each neuron after each round.
    pub state: Vec<Vec<i32>>,
    /// Accumulators and membranes that saturated.
    pub overflows: u64,
}

/// Runs a sample, `depth` rounds longer than it is. Populations without FCore neurons are inputs.
///
/// # Panics
/// If a projection's pattern does not fit its populations, which the graph's check makes sure of.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32, spec: &FcoreSpec) -> Vec<FcoreTrace> {
    let rounds = (sample.ticks + depth) as usize;
    let mut traces: Vec<FcoreTrace> = graph.populations.iter().map(|_| FcoreTrace::default()).collect();
    let starts = inputs(graph, sample, rounds, &mut traces);
    debug_assert_eq!(starts, graph.populations.len());
    let mut membranes: Vec<Vec<i64>> = graph.populations.iter().map(first).collect();
    for round in 0..rounds {
        for (number, population) in graph.populations.iter().enumerate() {
            let Some(IntNeuron::Fcore(neuron)) = &population.neuron else { continue };
            let mut sums = vec![0_i64; population.size()];
            for projection in graph.projections.iter().filter(|projection| projection.target.index() == number) {
                let source = projection.source.index();
                let delay = |weight: usize| match &projection.delays {
                    Delays::Uniform(ticks) => usize::from(*ticks),
                    Delays::PerWeight(ticks) => usize::from(ticks[weight]),
                };
                for from in 0..graph.populations[source].size() {
                    // Where all synapses of an axon have one delay, an axon that holds nothing adds nothing.
                    if let Delays::Uniform(ticks) = &projection.delays
                        && input(&traces[source].sent, from, round, usize::from(*ticks), neuron.input) == 0
                    {
                        continue;
                    }
                    projection.pattern.visit(from as u32, |to, weight| {
                        let x = input(&traces[source].sent, from, round, delay(weight as usize), neuron.input);
                        sums[to as usize] += x * i64::from(projection.weights[weight as usize]);
                    });
                }
            }
            let mut sent = Vec::with_capacity(sums.len());
            for (index, &sum) in sums.iter().enumerate() {
                let v = &mut membranes[number][index];
                sent.push(soma(neuron, index, sum, v, round as u64, spec, &mut traces[number].overflows));
            }
            traces[number].sent.push(sent);
            traces[number].state.push(membranes[number].iter().map(|&v| v as i32).collect());
        }
    }
    traces
}

/// Membranes before the first round.
fn first(population: &Population<IntNeuron>) -> Vec<i64> {
    let initial = match &population.neuron {
        Some(IntNeuron::Fcore(FcoreNeuron { soma: FcoreSoma::Snn(snn), .. })) => snn.initial.as_slice(),
        _ => &[0],
    };
    let of = |neuron: usize| i64::from(if initial.len() == 1 { initial[0] } else { initial[neuron] });
    (0..population.size()).map(of).collect()
}

/// As spikes: every round in which a neuron sent something.
#[must_use]
pub fn as_run(traces: &[FcoreTrace]) -> super::IntRun {
    let mut run = super::IntRun::default();
    for trace in traces {
        let mut spikes = Vec::new();
        if !trace.state.is_empty() {
            for (round, sent) in (0..).zip(&trace.sent) {
                spikes.extend((0..).zip(sent).filter(|(_, sent)| **sent != 0).map(|(neuron, _)| (round, neuron)));
            }
        }
        run.spikes.push(spikes);
        run.membranes.push(trace.state.last().cloned().unwrap_or_default());
    }
    run
}

/// Writes down what the host sends; inputs count through all input populations in graph order.
fn inputs(graph: &IntGraph, sample: &Sample, rounds: usize, traces: &mut [FcoreTrace]) -> usize {
    let mut first = 0;
    for (number, population) in graph.populations.iter().enumerate() {
        if !population.is_input() {
            continue;
        }
        let size = population.size();
        traces[number].sent = vec![vec![0; size]; rounds];
        for spike in &sample.spikes {
            let index = (spike.input as usize).wrapping_sub(first);
            if index < size {
                traces[number].sent[spike.tick as usize][index] = i32::from(spike.value.min(255));
            }
        }
        first += size;
    }
    graph.populations.len()
}

/// What an axon holds in a round: what was sent in the round before, `delay` more before that.
fn input(sent: &[Vec<i32>], from: usize, round: usize, delay: usize, format: FcoreInput) -> i64 {
    let at = |back: usize| round.checked_sub(1 + delay + back).map_or(0, |at| sent[at][from]);
    match format {
        FcoreInput::Values => i64::from(at(0)),
        FcoreInput::Spikes { window } => (0..usize::from(window)).filter(|&back| at(back) != 0).count() as i64,
    }
}

/// One neuron in one round: what it sends.
fn soma(
    neuron: &FcoreNeuron,
    index: usize,
    sum: i64,
    v: &mut i64,
    round: u64,
    spec: &FcoreSpec,
    overflows: &mut u64,
) -> i32 {
    let of = |values: &[i32]| i64::from(if values.len() == 1 { values[0] } else { values[index] });
    let edge = 1_i64 << (spec.accumulator_bits - 1);
    let mut saturate = |x: i64| {
        *overflows += u64::from(x < -edge || x >= edge);
        x.clamp(-edge, edge - 1)
    };
    match &neuron.soma {
        FcoreSoma::Ann(ann) => {
            *v = saturate(sum + of(&ann.bias));
            let shifted = *v >> ann.shift;
            match &ann.activation {
                Activation::Relu => shifted.clamp(0, 255) as i32,
                Activation::Signed => shifted.clamp(-128, 127) as i32,
                Activation::Table(table) => i32::from(table[(shifted.clamp(-128, 127) + 128) as usize]),
            }
        }
        FcoreSoma::Snn(snn) => {
            let left = (v.abs() * (256 - i64::from(snn.decay)) / 256) * v.signum();
            *v = saturate(left + sum + of(&snn.bias));
            let Some(threshold) = &snn.threshold else { return 0 };
            let draw = keyed(snn.seed, 0, index as u64, round, 0) & ((1 << snn.random_bits) - 1);
            let threshold = of(threshold) + draw as i64;
            if *v < threshold {
                return 0;
            }
            *v = match snn.reset {
                FcoreReset::Value => i64::from(snn.reset_value),
                FcoreReset::Subtract => saturate(*v - threshold),
                FcoreReset::None => *v,
            };
            1
        }
    }
}
