//! A network of ReLU units as sigma-delta neurons with graded spikes.
//!
//! Every `if` population is read as ReLU units, `max(0, r x + bias)`, which is what integrate-and-fire neurons approximate
//! by their rates; every `i` population as linear ones. A unit sends how its activation has moved; after the network's depth
//! the sums equal the activations up to rounding, and nothing is sent while nothing moves.
//!
//! Scales: `S` integer steps stand for 1.0. A population sums in `S_sum`, such that its largest inbound weight fills the
//! chip's 8 bits, and sends in `S_sum / 2^e`, close to what it receives.

use super::Log;
use crate::chip::{ChipSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    FloatNeuron, Graph, IntGraph, IntNeuron, NeuronKind, Population, ProgramNeuron, Projection, parameter,
};
use crate::isa::{self, Binding};

/// The program of every unit.
const PROGRAM: &str = "sigma_delta_exact";
/// Largest mixed weight; steps are even.
const WIDEST: f64 = 254.0;
/// Largest sum: half of what 32 bits hold, because a step may be twice an activation.
const ROOM: f64 = (1_u32 << 30) as f64;

/// Steps of a spike's payload that 1.0 is at least, where the sums are so fine.
const FINEST: f64 = 2048.0;

/// What a population sends, and the largest that it can be.
#[derive(Debug, Clone, Copy)]
struct Sends {
    scale: f64,
    peak: f64,
}

/// Converts; `steps` is what 1.0 of an input, its largest, is in the stimulus.
pub(super) fn convert(graph: &Graph, chip: &ChipSpec, steps: u16, log: &mut Log) -> Result<IntGraph> {
    let programs = match &chip.family {
        Family::Cuba(spec) => spec.programs.as_ref(),
        _ => None,
    };
    if programs.is_none() {
        let what = "sigma-delta neurons send graded spikes, which this chip cannot";
        return Err(Problem::misfit("sigma-delta/chip", chip.name.as_str(), what).help("use --chip loihi2").into());
    }
    let order = order(graph)?;
    let mut sends: Vec<Option<Sends>> = vec![None; graph.populations.len()];
    let mut neurons: Vec<Option<IntNeuron>> = vec![None; graph.populations.len()];
    let mut projections: Vec<Option<Projection<i32>>> = vec![None; graph.projections.len()];
    let mut found = Vec::new();
    for index in order {
        let population = &graph.populations[index];
        let Some(neuron) = &population.neuron else {
            sends[index] = Some(Sends { scale: f64::from(steps), peak: 1.0 });
            continue;
        };
        if let Err(problem) = kind(population, neuron) {
            found.push(problem);
            continue;
        }
        let inbound: Vec<usize> =
            (0..graph.projections.len()).filter(|&p| graph.projections[p].target.index() == index).collect();
        let sources: Option<Vec<Sends>> = inbound.iter().map(|&p| sends[graph.projections[p].source.index()]).collect();
        let Some(sources) = sources else { continue };
        let unit = unit(graph, index, neuron, &inbound, &sources);
        for (&p, source) in inbound.iter().zip(&sources) {
            projections[p] = Some(quantised(&graph.projections[p], neuron, unit.sum / source.scale));
        }
        log.say(
            "sigma-delta",
            format!(
                "'{}': {:.2} steps of its sums and {:.2} of its spikes are 1.0",
                population.name, unit.sum, unit.sends.scale
            ),
        );
        sends[index] = Some(unit.sends);
        neurons[index] = Some(IntNeuron::Program(Box::new(unit.neuron)));
    }
    Problems::check(found, ())?;
    let populations = graph.populations.iter().zip(neurons);
    let populations = populations.map(|(population, neuron)| Population {
        name: population.name.clone(),
        shape: population.shape.clone(),
        neuron,
    });
    let (name, outputs) = (graph.name.clone(), graph.outputs.clone());
    Ok(IntGraph {
        name,
        populations: populations.collect(),
        projections: projections.into_iter().flatten().collect(),
        outputs,
        learning: Vec::new(),
    })
}

/// Whether the population is of units.
fn kind(population: &Population<FloatNeuron>, neuron: &FloatNeuron) -> std::result::Result<(), Problem> {
    if neuron.r.windows(2).any(|pair| pair[0] != pair[1]) {
        let place = format!("population '{}'", population.name);
        return Err(Problem::invalid("sigma-delta/neuron", place, "its neurons have different r")
            .limit("one gain r for a population")
            .help("multiply the weights by it and set r to 1"));
    }
    if matches!(neuron.kind, NeuronKind::If | NeuronKind::I) {
        return Ok(());
    }
    let what = format!("neurons of kind {:?} are no ReLU units", neuron.kind);
    Err(Problem::invalid("sigma-delta/neuron", format!("population '{}'", population.name), what)
        .limit("if (read as ReLU) and i (read as linear)")
        .help("compile it as the spiking network that it is, without --sigma-delta"))
}

/// Populations with sources before targets.
fn order(graph: &Graph) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = Vec::new();
    let mut left: Vec<usize> = (0..graph.populations.len()).collect();
    while !left.is_empty() {
        let ready = |index: usize| {
            let mut inbound = graph.projections.iter().filter(|p| p.target.index() == index);
            inbound.all(|p| order.contains(&p.source.index()))
        };
        let (now, later): (Vec<usize>, Vec<usize>) = left.iter().partition(|&&index| ready(index));
        if now.is_empty() {
            let name = &graph.populations[left[0]].name;
            let what = "it is part of a loop, and units in a loop have no activation";
            return Err(Problem::invalid("sigma-delta/loop", format!("population '{name}'"), what)
                .help("compile it as the spiking network that it is, without --sigma-delta")
                .into());
        }
        order.extend(now);
        left = later;
    }
    Ok(order)
}

/// A population's program and scales.
struct Unit {
    neuron: ProgramNeuron,
    /// Steps of its sums that are 1.0.
    sum: f64,
    sends: Sends,
}

fn unit(graph: &Graph, index: usize, neuron: &FloatNeuron, inbound: &[usize], sources: &[Sends]) -> Unit {
    let size = graph.populations[index].size();
    let bias: Vec<f64> = (0..size).map(|n| parameter(&neuron.bias, n, 0.0) * parameter(&neuron.r, n, 1.0)).collect();
    let (mut sum, mut reach) = (f64::MAX, vec![0.0; size]);
    for (&p, source) in inbound.iter().zip(sources) {
        let projection = &graph.projections[p];
        let gain = neuron.r.iter().fold(0.0_f64, |peak, r| peak.max(r.abs()));
        let widest = projection.weights.iter().fold(0.0_f64, |peak, weight| peak.max(weight.abs())) * gain;
        if widest > 0.0 {
            sum = sum.min(source.scale * WIDEST / widest);
        }
        for from in 0..graph.populations[projection.source.index()].size() {
            projection.pattern.visit(from as u32, |target, weight| {
                let r = parameter(&neuron.r, target as usize, 1.0);
                reach[target as usize] += (projection.weights[weight as usize] * r).abs() * source.peak;
            });
        }
    }
    let peak = reach.iter().zip(&bias).map(|(reach, bias)| reach + bias.abs()).fold(1e-9, f64::max);
    let sum = sum.min(ROOM / peak);
    // Spikes at least as fine as this: what shifts cut off is then less than what the weights' 8 bits do.
    let wanted = sources.iter().map(|source| source.scale).fold(FINEST, f64::max);
    let exponent = (sum / wanted).log2().floor().clamp(0.0, 31.0) as i32;
    let biases = bias.iter().map(|bias| (bias * sum).round() as i32).collect();
    let shared = |name: &str, value| (name.to_owned(), Binding::Shared(value));
    let parameters = vec![
        shared("threshold", 1 << exponent),
        ("bias".to_owned(), Binding::PerNeuron(biases)),
        shared("state_exponent", exponent),
        shared("relu", i32::from(neuron.kind == NeuronKind::If)),
    ];
    let text = isa::builtin_text(PROGRAM).unwrap_or_default();
    let program = isa::assemble(text, PROGRAM).unwrap_or_default();
    let neuron = ProgramNeuron {
        name: PROGRAM.to_owned(),
        program,
        parameters,
        initial: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    };
    Unit { neuron, sum, sends: Sends { scale: sum / f64::from(exponent).exp2(), peak } }
}

/// A projection in steps: even whole numbers, as mixed weights of 8 bits are.
fn quantised(projection: &Projection<f64>, neuron: &FloatNeuron, scale: f64) -> Projection<i32> {
    // All neurons have the same: others were refused.
    let gain = parameter(&neuron.r, 0, 1.0);
    let whole = |weight: &f64| ((weight * gain * scale / 2.0).round() * 2.0).clamp(-256.0, WIDEST) as i32;
    let Projection { name, source, target, pattern, weights, delays, .. } = projection;
    Projection {
        name: name.clone(),
        source: *source,
        target: *target,
        pattern: pattern.clone(),
        weights: weights.iter().map(whole).collect(),
        exponent: 0,
        delays: delays.clone(),
    }
}
