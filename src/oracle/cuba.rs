//! Straight-line model of the Loihi-style compartment and network (dialect `lava`).
//!
//! The arithmetic is that of lava-nc's `PyLifModelBitAcc` and `PyDenseModelBitAcc`: sums are formed per weight
//! exponent and then shifted, u wraps once by 2^24, v saturates at +-(2^23 - 1).

use super::IntRun;
use crate::fixed::{decay_toward_zero, wrap};
use crate::graph::{CubaNeuron, IntGraph, IntNeuron, Projection};
use crate::stimulus::Sample;

/// Largest magnitude of v.
const V_MAX: i64 = (1 << 23) - 1;

/// Runs one sample from the reset state for `sample.ticks + depth` ticks. Populations that are not Loihi-style
/// stay silent.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32) -> IntRun {
    let mut network = Network::new(graph);
    let mut result = IntRun { spikes: vec![Vec::new(); graph.populations.len()], membranes: Vec::new() };
    let mut stimulus = sample.spikes.iter().peekable();
    for tick in 0..sample.ticks + depth {
        let fired = network.update(tick);
        for (population, neurons) in fired.iter().enumerate() {
            for &neuron in neurons {
                result.spikes[population].push((tick, neuron));
                network.send(population, neuron, tick, 1);
            }
        }
        while let Some(spike) = stimulus.next_if(|spike| spike.tick <= tick) {
            if let Some((population, neuron)) = network.locate_input(spike.input) {
                network.send(population, neuron, tick, i64::from(spike.value));
            }
        }
    }
    result.membranes = network.state.iter().map(|cells| cells.iter().map(|cell| cell.v as i32).collect()).collect();
    result
}

/// u and v of one compartment.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    u: i64,
    v: i64,
}

/// Spikes under way in one projection: `slots[tick % slots.len()][target]` is the sum of w that arrives then.
struct Pending<'a> {
    projection: &'a Projection<i32>,
    slots: Vec<Vec<i64>>,
}

struct Network<'a> {
    graph: &'a IntGraph,
    state: Vec<Vec<Cell>>,
    pending: Vec<Pending<'a>>,
}

impl<'a> Network<'a> {
    fn new(graph: &'a IntGraph) -> Self {
        let cells = |population: &crate::graph::Population<IntNeuron>| {
            let count = if population.is_input() { 0 } else { population.size() };
            vec![Cell::default(); count]
        };
        let pending = |projection: &'a Projection<i32>| {
            let longest = match &projection.delays {
                crate::graph::Delays::Uniform(ticks) => *ticks,
                crate::graph::Delays::PerWeight(ticks) => ticks.iter().copied().max().unwrap_or(0),
            };
            let targets = graph.populations[projection.target.index()].size();
            Pending { projection, slots: vec![vec![0; targets]; usize::from(longest) + 2] }
        };
        Self {
            graph,
            state: graph.populations.iter().map(cells).collect(),
            pending: graph.projections.iter().map(pending).collect(),
        }
    }

    /// Input population and neuron of a flat input index.
    fn locate_input(&self, input: u32) -> Option<(usize, u32)> {
        let mut rest = input as usize;
        for (index, population) in self.graph.populations.iter().enumerate().filter(|(_, p)| p.is_input()) {
            if rest < population.size() {
                return Some((index, rest as u32));
            }
            rest -= population.size();
        }
        None
    }

    /// A spike of `value` leaves a neuron in `tick`; it is integrated in `tick + 1 + delay`.
    fn send(&mut self, population: usize, neuron: u32, tick: u32, value: i64) {
        for Pending { projection, slots } in &mut self.pending {
            if projection.source.index() != population {
                continue;
            }
            let count = slots.len();
            projection.pattern.visit(neuron, |target, weight| {
                let at = tick as usize + 1 + usize::from(projection.delays.of(weight as usize));
                slots[at % count][target as usize] += value * i64::from(projection.weights[weight as usize]);
            });
        }
    }

    /// One tick of every compartment; the neurons of each population that fire.
    fn update(&mut self, tick: u32) -> Vec<Vec<u32>> {
        let mut fired = vec![Vec::new(); self.state.len()];
        for (population, cells) in self.state.iter_mut().enumerate() {
            let Some(IntNeuron::Cuba(registers)) = &self.graph.populations[population].neuron else { continue };
            for (neuron, cell) in cells.iter_mut().enumerate() {
                let input = arrived(&self.pending, population, neuron, tick);
                if step(cell, registers, neuron, input) {
                    fired[population].push(neuron as u32);
                }
            }
        }
        for Pending { slots, .. } in &mut self.pending {
            let count = slots.len();
            slots[tick as usize % count].fill(0);
        }
        fired
    }
}

/// The sum that arrives at a neuron: one sum for each weight exponent, then shifted (floor where negative).
fn arrived(pending: &[Pending<'_>], population: usize, neuron: usize, tick: u32) -> i64 {
    let mut sums: Vec<(i8, i64)> = Vec::new();
    for Pending { projection, slots } in pending.iter().filter(|p| p.projection.target.index() == population) {
        let sum = slots[tick as usize % slots.len()][neuron];
        match sums.iter_mut().find(|(exponent, _)| *exponent == projection.exponent) {
            Some((_, total)) => *total += sum,
            None => sums.push((projection.exponent, sum)),
        }
    }
    sums.iter().map(|&(exponent, sum)| if exponent < 0 { sum >> -exponent } else { sum << exponent }).sum()
}

/// One compartment, one tick; whether it fires.
fn step(cell: &mut Cell, registers: &CubaNeuron, neuron: usize, input: i64) -> bool {
    let decay_u = u32::from(*of(&registers.decay_u, neuron)) + 1;
    let decay_v = u32::from(*of(&registers.decay_v, neuron));
    let bias = i64::from(*of(&registers.bias, neuron)) << of(&registers.bias_exponent, neuron);

    let mut u = i64::from(decay_toward_zero(cell.u as i32, decay_u)) + wrap(input << 6, 32);
    if u > 1 << 23 {
        u -= 1 << 24;
    } else if u <= -(1 << 23) {
        u += 1 << 24;
    }
    cell.u = wrap(u, 32);
    let v = i64::from(decay_toward_zero(cell.v as i32, decay_v)) + cell.u + bias;
    cell.v = v.clamp(-V_MAX, V_MAX);
    let fires = registers.threshold.as_ref().is_some_and(|mantissa| cell.v > i64::from(*of(mantissa, neuron)) << 6);
    if fires {
        cell.v = 0;
    }
    fires
}

/// A register vector has one value for all neurons or one each.
fn of<T>(values: &[T], neuron: usize) -> &T {
    if values.len() == 1 { &values[0] } else { &values[neuron] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Delays, Output, Pattern, Population};
    use crate::ids::PopulationId;
    use crate::stimulus::InputSpike;

    fn neuron(decay_u: u16, decay_v: u16, threshold: Option<u32>, bias: i16, bias_exponent: u8) -> IntNeuron {
        IntNeuron::Cuba(CubaNeuron {
            decay_u: vec![decay_u],
            decay_v: vec![decay_v],
            threshold: threshold.map(|t| vec![t]),
            bias: vec![bias],
            bias_exponent: vec![bias_exponent],
        })
    }

    /// One input, one neuron, synapses of the given (weight, exponent, delay).
    fn single(registers: IntNeuron, synapses: &[(i32, i8, u16)]) -> IntGraph {
        let projections = synapses.iter().enumerate().map(|(k, &(weight, exponent, delay))| Projection {
            name: format!("p{k}"),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern: Pattern::OneToOne { size: 1, shared: false },
            weights: vec![weight],
            exponent,
            delays: Delays::Uniform(delay),
        });
        IntGraph {
            name: "single".into(),
            populations: vec![
                Population { name: "in".into(), shape: vec![1], neuron: None },
                Population { name: "n".into(), shape: vec![1], neuron: Some(registers) },
            ],
            projections: projections.collect(),
            outputs: vec![Output { name: "out".into(), population: PopulationId(1) }],
        }
    }

    fn sample(ticks: &[u32], length: u32) -> Sample {
        let spikes = ticks.iter().map(|&tick| InputSpike { tick, input: 0, value: 1 }).collect();
        Sample { name: String::new(), spikes, ticks: length, label: None }
    }

    #[test]
    fn an_integrator_fires_strictly_above_its_threshold_and_restarts_at_zero() {
        let graph = single(neuron(4095, 0, Some(20), 0, 0), &[(10, 0, 0)]);
        // 10, 20, 30 > 20: the third spike, injected in tick 2, is integrated in tick 3.
        let run = run(&graph, &sample(&[0, 1, 2, 3], 4), 1);
        assert_eq!(run.spikes[1], [(3, 0)]);
        assert_eq!(run.membranes[1], [10 << 6]);
    }

    #[test]
    fn a_delay_adds_to_the_one_tick_that_every_spike_takes() {
        let graph = single(neuron(4095, 0, Some(9), 0, 0), &[(10, 0, 3)]);
        assert_eq!(run(&graph, &sample(&[2], 10), 0).spikes[1], [(6, 0)]);
    }

    #[test]
    fn decays_round_toward_zero_and_the_new_current_is_used() {
        let graph = single(neuron(2047, 1024, None, 0, 0), &[(-3, 0, 0)]);
        // Tick 1: u = -192, v = -192. Tick 2: u = -96, v = -144 - 96. Tick 3: u = -48, v = -180 - 48.
        for (ticks, v) in [(2, -192), (3, -240), (4, -228)] {
            assert_eq!(run(&graph, &sample(&[0], ticks), 0).membranes[1], [v]);
        }
    }

    #[test]
    fn sums_are_formed_per_exponent_before_the_shift() {
        // (1 + 1) >> 1 = 1 in one bucket; shifted one by one it would be 0. -1 >> 2 floors to -1.
        let graph = single(neuron(4095, 0, None, 0, 0), &[(1, -1, 0), (1, -1, 0)]);
        assert_eq!(run(&graph, &sample(&[0], 2), 0).membranes[1], [64]);
        let graph = single(neuron(4095, 0, None, 0, 0), &[(-1, -2, 0)]);
        assert_eq!(run(&graph, &sample(&[0], 2), 0).membranes[1], [-64]);
    }

    #[test]
    fn u_wraps_once_and_v_saturates() {
        // 254 * 2^7 * 64 = 2_080_768 a spike; 5 at once: 10_403_840 > 2^23 wraps to -6_373_376.
        let graph = single(neuron(4095, 0, None, 0, 0), &[(254, 7, 0)]);
        let five = Sample { spikes: vec![InputSpike { tick: 0, input: 0, value: 5 }], ..sample(&[], 2) };
        assert_eq!(run(&graph, &five, 0).membranes[1], [10_403_840 - (1 << 24)]);
        assert_eq!(run(&graph, &sample(&[0, 1, 2, 3, 4, 5], 7), 0).membranes[1], [(1 << 23) - 1]);
    }

    #[test]
    fn a_bias_acts_from_the_first_tick() {
        let graph = single(neuron(4095, 0, Some(1), 3, 5), &[]);
        // 96 a tick; 96 > 64 in tick 0 already, every tick.
        assert_eq!(run(&graph, &sample(&[], 3), 0).spikes[1], [(0, 0), (1, 0), (2, 0)]);
    }
}
