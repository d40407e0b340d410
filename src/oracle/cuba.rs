//! Straight-line model of the Loihi-style compartment and network in every dialect.
//!
//! - `lava`: lava-nc's `PyLifModelBitAcc` and `PyDenseModelBitAcc`. Each projection sums the spikes of a tick for each
//!   delay, then shifts the sum; u wraps once by 2^24, v saturates at +-(2^23 - 1).
//! - `nengo`: nengo-loihi's emulator. Each weight is shifted by itself; the summed input wraps at 16 bits, u and
//!   u + bias at 24, v saturates; refractory ticks hold v at 0.
//! - `brian2`: brian2-loihi. Each weight is shifted by itself and clipped; no register has a width.
//! - `chip_best_guess`: as `nengo`, with delays.
//!
//! Populations with a program are run by the reference executor of the instruction set, neuron after neuron; their spikes
//! carry payloads.

mod plastic;
mod soma;

use std::collections::BTreeMap;

use super::IntRun;
use super::programs::{Programs, Spike};
use crate::chip::Dialect;
use crate::fixed::wrap;
use crate::graph::{Delays, IntGraph, IntNeuron, Projection};
use crate::rule::Draws;
use crate::stimulus::Sample;
pub use plastic::Learned;
use plastic::Plastic;
use soma::{Cell, step};

/// Largest magnitude of v.
const V_MAX: i64 = (1 << 23) - 1;

/// What a population did in one tick.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tick {
    /// u of every neuron at the end of the tick.
    pub u: Vec<i64>,
    /// v of every neuron at the end of the tick, after a reset.
    pub v: Vec<i64>,
    /// Neurons that fired, ascending.
    pub fired: Vec<u32>,
}

/// Runs one sample from the initial state for `sample.ticks + depth` ticks. Populations of other families stay silent. Membranes beyond 32 bits (brian2 has no limit) end at its edge.
#[must_use]
pub fn run(graph: &IntGraph, sample: &Sample, depth: u32, dialect: Dialect) -> IntRun {
    let graph = &*graph.expanded();
    let mut result = IntRun { spikes: vec![Vec::new(); graph.populations.len()], membranes: Vec::new() };
    let network = play(graph, sample, sample.ticks + depth, dialect, &[], |tick, _, fired| {
        for (spikes, neurons) in result.spikes.iter_mut().zip(fired) {
            spikes.extend(first_output(neurons).map(|neuron| (tick, neuron)));
        }
    });
    let narrow = |cell: &Cell| cell.v.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let plain = network.state.iter().map(|cells| cells.iter().map(narrow).collect());
    let programmed = network.programs.iter().map(|programs| programs.as_ref().map(Programs::membranes));
    result.membranes = plain.zip(programmed).map(|(plain, programmed)| programmed.unwrap_or(plain)).collect();
    result
}

/// Every population's state in each of the first `ticks` ticks: `trace(..)[tick][population]`.
#[must_use]
pub fn trace(graph: &IntGraph, sample: &Sample, ticks: u32, dialect: Dialect) -> Vec<Vec<Tick>> {
    let graph = &*graph.expanded();
    let mut traced = Vec::new();
    play(graph, sample, ticks, dialect, &[], |_, network, fired| {
        let of = |(cells, fired): (&Vec<Cell>, &Vec<Spike>)| Tick {
            u: cells.iter().map(|cell| cell.u).collect(),
            v: cells.iter().map(|cell| cell.v).collect(),
            fired: first_output(fired).collect(),
        };
        traced.push(network.state.iter().zip(fired).map(of).collect());
    });
    traced
}

/// What each projection that learns has learned from the spikes of all but the last of `ticks` ticks, which a chip does
/// not learn from any more. `recorded` are the draws of each learning step, instead of our own.
#[must_use]
pub fn learn(
    graph: &IntGraph,
    sample: &Sample,
    ticks: u32,
    dialect: Dialect,
    recorded: &[Draws],
) -> Vec<Option<Learned>> {
    let graph = &*graph.expanded();
    let network = play(graph, sample, ticks.saturating_sub(1), dialect, recorded, |_, _, _| {});
    plastic::learned(&network.pending)
}

/// Plays `ticks` ticks and shows each at its end; the network after the last.
fn play<'a>(
    graph: &'a IntGraph,
    sample: &Sample,
    ticks: u32,
    dialect: Dialect,
    recorded: &[Draws],
    mut show: impl FnMut(u32, &Network<'a>, &[Vec<Spike>]),
) -> Network<'a> {
    let mut network = Network::new(graph, dialect);
    let mut stimulus = sample.spikes.iter().peekable();
    for tick in 0..ticks {
        let fired = network.update(tick);
        for (population, neurons) in fired.iter().enumerate() {
            neurons.iter().for_each(|spike| network.send(population, *spike));
        }
        while let Some(spike) = stimulus.next_if(|spike| spike.tick <= tick) {
            if let Some((population, neuron)) = network.locate_input(spike.input) {
                network.send(population, Spike { neuron, output: 0, value: i64::from(spike.value) });
            }
        }
        network.depart(tick);
        network.learn(tick, &fired, recorded);
        show(tick, &network, &fired);
    }
    network
}

/// Spikes under way in one projection.
struct Pending<'a> {
    projection: &'a Projection<i32>,
    /// Output of its source's program.
    output: u8,
    /// Dendritic input of its targets.
    input: u8,
    /// `slots[tick % slots.len()][target]` is the input that arrives then.
    slots: Vec<Vec<i64>>,
    /// Sums of this tick's spikes by (delay, target), before what the dialect does to a sum.
    departing: BTreeMap<(u16, u32), i64>,
    /// How it learns.
    plastic: Option<Plastic<'a>>,
}

impl<'a> Pending<'a> {
    fn new(
        (projection, output): (&'a Projection<i32>, u8),
        target: &crate::graph::Population<IntNeuron>,
        plastic: Option<Plastic<'a>>,
        dialect: Dialect,
    ) -> Self {
        let targets = target.size();
        let input = match &target.neuron {
            Some(IntNeuron::Program(program)) => program.input(&projection.name),
            _ => 0,
        };
        let longest = match &projection.delays {
            _ if plastic.as_ref().is_some_and(Plastic::delays_act) => dialect.delay_max().into(),
            Delays::Uniform(ticks) => *ticks,
            Delays::PerWeight(ticks) => ticks.iter().copied().max().unwrap_or(0),
        };
        let slots = vec![vec![0; targets]; usize::from(longest) + 2];
        Self { projection, output, input, slots, departing: BTreeMap::new(), plastic }
    }
}

/// What one spike adds over a synapse.
fn effective(weight: i32, exponent: i8, dialect: Dialect) -> i64 {
    let weight = i64::from(weight);
    match dialect {
        Dialect::Lava => weight,
        Dialect::Nengo | Dialect::ChipBestGuess => shift(weight, exponent),
        // Clipped at +-(2^21 - 2^6) after its shift by 6.
        Dialect::Brian2 => shift(weight, exponent).clamp(1 - (1 << 15), (1 << 15) - 1),
    }
}

/// Arithmetic shift, to the right (floor) where `places` is negative.
fn shift(x: i64, places: i8) -> i64 {
    if places < 0 { x >> -places } else { x << places }
}

struct Network<'a> {
    graph: &'a IntGraph,
    dialect: Dialect,
    state: Vec<Vec<Cell>>,
    /// Of populations with a program.
    programs: Vec<Option<Programs<'a>>>,
    pending: Vec<Pending<'a>>,
}

impl<'a> Network<'a> {
    fn new(graph: &'a IntGraph, dialect: Dialect) -> Self {
        let cells = |population: &crate::graph::Population<IntNeuron>| match &population.neuron {
            None => Vec::new(),
            Some(IntNeuron::Crossbar(_) | IntNeuron::Program(_) | IntNeuron::Fcore(_) | IntNeuron::Stepped(_)) => {
                vec![Cell::default(); population.size()]
            }
            Some(IntNeuron::Cuba(registers)) => {
                (0..population.size()).map(|neuron| Cell::new(registers, neuron)).collect()
            }
        };
        let pending = |(number, p): (usize, &'a Projection<i32>)| {
            let plastic = graph.learning_of(number).map(|learning| Plastic::new(graph, p, learning, dialect));
            Pending::new((p, graph.output_of(p)), &graph.populations[p.target.index()], plastic, dialect)
        };
        let programs = (0_u32..).zip(&graph.populations).map(|(number, population)| match &population.neuron {
            Some(IntNeuron::Program(neuron)) => Some(Programs::new(neuron, number, population.size())),
            _ => None,
        });
        Self {
            graph,
            dialect,
            state: graph.populations.iter().map(cells).collect(),
            programs: programs.collect(),
            pending: graph.projections.iter().enumerate().map(pending).collect(),
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

    /// A spike leaves a neuron.
    fn send(&mut self, population: usize, Spike { neuron, output, value }: Spike) {
        let dialect = self.dialect;
        let size = self.graph.populations[population].size();
        for Pending { projection, output: carried, departing, plastic, .. } in &mut self.pending {
            let source = projection.source.index() == population && *carried == output;
            if let Some(plastic) = plastic {
                let supplies = (output == 0).then_some(population);
                plastic.note(source, supplies, size, neuron, value);
            }
            if !source {
                continue;
            }
            projection.pattern.visit(neuron, |target, weight| {
                let weight = weight as usize;
                let fixed = || (effective(projection.weights[weight], projection.exponent, dialect), None);
                let learned = plastic.as_ref().map(|plastic| plastic.effect(weight, projection.exponent));
                let (effect, delay) = learned.unwrap_or_else(fixed);
                let delay = delay.unwrap_or_else(|| projection.delays.of(weight));
                *departing.entry((delay, target)).or_default() += value * effect;
            });
        }
    }

    /// The spikes of `tick` are all sent; with delay d they are integrated in `tick + 1 + d`.
    fn depart(&mut self, tick: u32) {
        for Pending { projection, slots, departing, .. } in &mut self.pending {
            let count = slots.len();
            for ((delay, target), sum) in std::mem::take(departing) {
                let sum = match self.dialect {
                    Dialect::Lava => wrap(shift(wrap(sum, 32), projection.exponent), 32),
                    Dialect::Nengo | Dialect::Brian2 | Dialect::ChipBestGuess => sum,
                };
                slots[(tick as usize + 1 + usize::from(delay)) % count][target as usize] += sum;
            }
        }
    }

    /// What the spikes of `tick` teach.
    fn learn(&mut self, tick: u32, fired: &[Vec<Spike>], recorded: &[Draws]) {
        for Pending { projection, plastic, .. } in &mut self.pending {
            if let Some(plastic) = plastic {
                let target = projection.target.index();
                let post = fired[target].iter().filter(|spike| spike.output == plastic.post());
                let fired: Vec<u32> = post.map(|spike| spike.neuron).collect();
                if let Some(programs) = &self.programs[target] {
                    plastic.write(|neuron, state| programs.state(neuron, state));
                }
                plastic.learn(tick, &fired, recorded);
            }
        }
    }

    /// One tick of every compartment; the neurons of each population that fire.
    fn update(&mut self, tick: u32) -> Vec<Vec<Spike>> {
        let mut fired = vec![Vec::new(); self.state.len()];
        for (population, fired) in fired.iter_mut().enumerate() {
            let Some(IntNeuron::Cuba(registers)) = &self.graph.populations[population].neuron else { continue };
            // Dendrites stand before what they are joined to: they have done their tick.
            let (before, rest) = self.state.split_at_mut(population);
            let Some(cells) = rest.first_mut() else { continue };
            for (neuron, cell) in cells.iter_mut().enumerate() {
                let arriving = self.pending.iter().filter(|p| p.projection.target.index() == population);
                let input = arriving.map(|p| p.slots[tick as usize % p.slots.len()][neuron]).sum();
                let dendrites = registers.joins.iter().map(|join| before[join.dendrite.index()][neuron]);
                let dendrites: Vec<Cell> = dendrites.collect();
                if step(cell, registers, neuron, input, &dendrites, self.dialect) {
                    fired.push(Spike { neuron: neuron as u32, output: 0, value: 1 });
                }
            }
        }
        for (population, programs) in self.programs.iter_mut().enumerate() {
            let Some(programs) = programs else { continue };
            let arriving = self.pending.iter().filter(|p| p.projection.target.index() == population);
            let arriving: Vec<&Pending<'_>> = arriving.collect();
            fired[population] = programs.step(tick, |neuron, input| {
                let of = arriving.iter().filter(|p| p.input == input);
                of.map(|p| p.slots[tick as usize % p.slots.len()][neuron]).sum()
            });
        }
        for Pending { slots, .. } in &mut self.pending {
            let count = slots.len();
            slots[tick as usize % count].fill(0);
        }
        fired
    }
}

/// The neurons that spiked on their first output.
fn first_output(spikes: &[Spike]) -> impl Iterator<Item = u32> {
    spikes.iter().filter(|spike| spike.output == 0).map(|spike| spike.neuron)
}

/// A register vector has one value for all neurons or one each.
fn of<T>(values: &[T], neuron: usize) -> &T {
    if values.len() == 1 { &values[0] } else { &values[neuron] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{CubaNeuron, Delays, Output, Pattern, Population};
    use crate::ids::PopulationId;
    use crate::stimulus::InputSpike;

    fn neuron(decay_u: u16, decay_v: u16, threshold: Option<u32>, bias: i16, bias_exponent: i8) -> IntNeuron {
        IntNeuron::Cuba(CubaNeuron {
            decay_u: vec![decay_u],
            decay_v: vec![decay_v],
            threshold: threshold.map(|t| vec![t]),
            bias: vec![bias],
            bias_exponent: vec![bias_exponent],
            ..CubaNeuron::default()
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
            learning: Vec::new(),
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

    fn run(graph: &IntGraph, sample: &Sample, depth: u32) -> IntRun {
        super::run(graph, sample, depth, Dialect::Lava)
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
    fn lava_shifts_the_sum_of_a_projection_the_others_every_weight() {
        let graph = single(neuron(4095, 0, None, 0, 0), &[(1, -1, 0)]);
        let two = Sample { spikes: vec![InputSpike { tick: 0, input: 0, value: 2 }], ..sample(&[], 2) };
        for (dialect, v) in [(Dialect::Lava, 64), (Dialect::Nengo, 0), (Dialect::Brian2, 0)] {
            assert_eq!(super::run(&graph, &two, 0, dialect).membranes[1], [v]);
        }
        // Two projections are two sums; -1 >> 2 floors to -1.
        let graph = single(neuron(4095, 0, None, 0, 0), &[(1, -1, 0), (1, -1, 0)]);
        assert_eq!(run(&graph, &sample(&[0], 2), 0).membranes[1], [0]);
        let graph = single(neuron(4095, 0, None, 0, 0), &[(-1, -2, 0)]);
        assert_eq!(run(&graph, &sample(&[0], 2), 0).membranes[1], [-64]);
    }

    #[test]
    fn spikes_of_two_delays_are_two_sums_of_lava() {
        let mut graph = single(neuron(4095, 0, None, 0, 0), &[(1, -1, 0)]);
        graph.populations[0].shape = vec![2];
        graph.projections[0].pattern = Pattern::Dense { sources: 2, targets: 1 };
        graph.projections[0].weights = vec![1, 1];
        // Both arrive in tick 2, sent with delay 1 in tick 0 and with delay 0 in tick 1.
        let spikes = [(0, 0), (1, 1)].map(|(tick, input)| InputSpike { tick, input, value: 1 }).to_vec();
        let sample = Sample { spikes, ..sample(&[], 3) };
        graph.projections[0].delays = Delays::PerWeight(vec![1, 0]);
        assert_eq!(run(&graph, &sample, 0).membranes[1], [0]);
    }

    #[test]
    fn a_refractory_register_of_r_is_r_minus_one_silent_ticks() {
        for (register, expected) in [(1, vec![0, 1, 2, 3]), (2, vec![0, 2]), (3, vec![0, 3])] {
            let mut graph = single(neuron(4095, 0, Some(1), 3, 5), &[]);
            let Some(IntNeuron::Cuba(registers)) = &mut graph.populations[1].neuron else { panic!("cuba") };
            registers.refractory = vec![register];
            let fired = super::run(&graph, &sample(&[], 4), 0, Dialect::Nengo).spikes.remove(1);
            assert_eq!(fired.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), expected);
        }
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
