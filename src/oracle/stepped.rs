//! The golden model of clock-driven networks in half precision: step by step and neuron by neuron, every weight multiplied
//! with what its source sent, zeros too.

use crate::binary16::{Half, Single};
use crate::chip::{Accumulate, Leak, SteppedSpec};
use crate::graph::{Delays, IntGraph, IntNeuron};
use crate::stimulus::Sample;

/// What a population did, by tick and neuron; empty for inputs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SteppedTrace {
    /// Whether it fired.
    pub fired: Vec<Vec<bool>>,
    /// Membrane after a reset, before the leak.
    pub membrane: Vec<Vec<Half>>,
    /// With what the next step begins.
    pub state: Vec<Vec<Half>>,
    /// Steps of neurons whose membrane or state is no finite number.
    pub overflows: u64,
}

/// A synapse of a neuron: population and neuron that it comes from, delay, weight.
type Incoming = (usize, usize, usize, Half);

/// Runs a sample, `depth` ticks longer than it is. Populations that are not in half precision are inputs.
///
/// # Panics
/// If a projection's pattern does not fit its populations, which the graph's check makes sure of.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32, spec: &SteppedSpec) -> Vec<SteppedTrace> {
    let ticks = (sample.ticks + depth) as usize;
    let incoming = incoming(graph);
    // What every neuron and input sent, by tick.
    let mut sent: Vec<Vec<Vec<u32>>> = inputs(graph, sample, ticks);
    let mut traces = vec![SteppedTrace::default(); graph.populations.len()];
    for tick in 0..ticks {
        for (number, population) in graph.populations.iter().enumerate() {
            let Some(IntNeuron::Stepped(neuron)) = &population.neuron else { continue };
            let trace = &mut traces[number];
            let (mut fired, mut membranes, mut states) = (Vec::new(), Vec::new(), Vec::new());
            for index in 0..population.size() {
                let of = |values: &[u16]| Half(if values.len() == 1 { values[0] } else { values[index] });
                let initial = of(&neuron.initial);
                let (before, shown) = match tick.checked_sub(1) {
                    Some(last) => (trace.state[last][index], trace.membrane[last][index]),
                    None => (initial, initial),
                };
                if (tick as u64) < u64::from(neuron.start) {
                    fired.push(false);
                    membranes.push(shown);
                    states.push(before);
                    continue;
                }
                let came = |&(from, neuron, delay, weight): &Incoming| {
                    let at = tick.checked_sub(1 + delay);
                    (weight, at.map_or(Half::ZERO, |at| Half::from_whole(sent[from][at][neuron])))
                };
                let x = sum(of(&neuron.bias), incoming[number][index].iter().map(came), spec.accumulate);
                let v = before.plus(x);
                let fires = neuron.theta.as_ref().is_some_and(|theta| v.is_above(of(theta)));
                let kept = if fires { of(&neuron.v_0) } else { v };
                let (alpha, beta) = (of(&neuron.alpha), of(&neuron.beta));
                let state = match spec.leak {
                    Leak::Twice => alpha.times(kept).plus(beta),
                    Leak::Fused => alpha.times_plus(kept, beta),
                };
                trace.overflows += u64::from(!(v.is_finite() && state.is_finite()));
                fired.push(fires);
                membranes.push(kept);
                states.push(state);
            }
            sent[number].push(fired.iter().map(|&fires| u32::from(fires)).collect());
            trace.fired.push(fired);
            trace.membrane.push(membranes);
            trace.state.push(states);
        }
    }
    traces
}

/// As spikes, and membranes as ordered integers.
#[must_use]
pub fn as_run(traces: &[SteppedTrace]) -> super::IntRun {
    let mut run = super::IntRun::default();
    for trace in traces {
        let of_tick = |(tick, fired): (u32, &Vec<bool>)| {
            let neurons = (0..).zip(fired).filter(|(_, fires)| **fires);
            neurons.map(|(neuron, _)| (tick, neuron)).collect::<Vec<(u32, u32)>>()
        };
        run.spikes.push((0..).zip(&trace.fired).flat_map(of_tick).collect());
        run.membranes.push(trace.membrane.last().into_iter().flatten().map(|half| half.ordered()).collect());
    }
    run
}

/// The bias, then every product.
fn sum(bias: Half, inputs: impl Iterator<Item = (Half, Half)>, accumulate: Accumulate) -> Half {
    match accumulate {
        Accumulate::Binary16 => inputs.fold(bias, |sum, (weight, value)| sum.plus(weight.times(value))),
        Accumulate::Binary32 => {
            // Values are whole numbers.
            let product = |(weight, value): (Half, Half)| weight.units() * (value.units() >> 24);
            inputs.map(product).fold(Single::new(bias), Single::plus).to_half()
        }
    }
}

/// The synapses of every neuron in the order in which they are added: by source, then delay, then projection.
fn incoming(graph: &IntGraph) -> Vec<Vec<Vec<Incoming>>> {
    let mut of: Vec<Vec<Vec<Incoming>>> = graph.populations.iter().map(|p| vec![Vec::new(); p.size()]).collect();
    for projection in &graph.projections {
        let (source, target) = (projection.source.index(), projection.target.index());
        for from in 0..graph.populations[source].size() {
            projection.pattern.visit(from as u32, |to, weight| {
                let weight = weight as usize;
                let delay = match &projection.delays {
                    Delays::Uniform(ticks) => *ticks,
                    Delays::PerWeight(ticks) => ticks[weight],
                };
                let bits = Half(projection.weights[weight] as u16);
                of[target][to as usize].push((source, from, usize::from(delay), bits));
            });
        }
    }
    let order = |&(source, neuron, delay, _): &Incoming| (source, neuron, delay);
    of.iter_mut().flatten().for_each(|synapses| synapses.sort_by_key(order));
    of
}

/// What the host sends, tick by tick; inputs count through all input populations in graph order.
fn inputs(graph: &IntGraph, sample: &Sample, ticks: usize) -> Vec<Vec<Vec<u32>>> {
    let mut first = 0;
    let mut sent = Vec::new();
    for population in &graph.populations {
        if !population.is_input() {
            sent.push(Vec::new());
            continue;
        }
        let size = population.size();
        let mut rows = vec![vec![0_u32; size]; ticks];
        for spike in &sample.spikes {
            let index = (spike.input as usize).wrapping_sub(first);
            if index < size {
                let value = &mut rows[spike.tick as usize][index];
                *value = (*value + u32::from(spike.value)).min(65_504);
            }
        }
        sent.push(rows);
        first += size;
    }
    sent
}
