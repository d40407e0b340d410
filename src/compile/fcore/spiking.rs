//! Float integrate-and-fire networks to the spiking mode of FCores: 8-bit weights, 24-bit membranes and thresholds.
//!
//! A population has one scale, the finest that its largest weight and threshold allow; thresholds and biases are whole
//! numbers on that scale.

use super::quantise::error;
use crate::chip::{ChipSpec, FcoreSpec};
use crate::compile::log::Log;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    Delays, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, Fire, FloatNeuron, Graph, IntGraph, IntNeuron, NeuronKind,
    Profile, Projection, Reset, SnnSoma, parameter,
};

/// Quantises a float network of integrate-and-fire neurons; what FCores cannot do is refused.
///
/// # Errors
/// `fcore/dynamics` for neurons with time constants, `fcore/reset` for resets that the chip has not, `fcore/parameters`
/// for what is missing or no number.
pub(in crate::compile) fn quantise(
    graph: &Graph,
    chip: &ChipSpec,
    spec: &FcoreSpec,
    log: &mut Log,
) -> Result<IntGraph> {
    Problems::check(refusals(graph, chip), ())?;
    let mut weights: Vec<Vec<i32>> = vec![Vec::new(); graph.projections.len()];
    let mut neurons = Vec::new();
    for (index, population) in graph.populations.iter().enumerate() {
        let neuron = population.neuron.as_ref().map(|neuron| {
            let scale = scale(graph, index, neuron, spec);
            for (number, projection) in graph.inbound(index) {
                weights[number] = projection.weights.iter().map(|weight| (weight * scale).round() as i32).collect();
                log.tensors.push(error(&projection.name, &projection.weights, &weights[number], scale));
            }
            IntNeuron::Fcore(registers(neuron, population.size(), &graph.profile, scale))
        });
        neurons.push(neuron);
    }
    let mut network = super::timed(&graph.in_integers(neurons, weights), chip, log);
    let early = arrivals(&network);
    for (population, rounds) in network.populations.iter_mut().zip(early) {
        let size = population.size();
        if let Some(IntNeuron::Fcore(FcoreNeuron { soma: FcoreSoma::Snn(snn), .. })) = &mut population.neuron {
            settle(snn, size, rounds, spec);
        }
    }
    Ok(network)
}

/// The round in which the first input can be added, by population; 0 where none comes.
fn arrivals(graph: &IntGraph) -> Vec<u32> {
    let mut rounds: Vec<Option<u32>> = graph.populations.iter().map(|p| p.is_input().then_some(0)).collect();
    // At most as many passes as there are populations on a way.
    for _ in 0..graph.populations.len() {
        for projection in &graph.projections {
            let Some(from) = rounds[projection.source.index()] else { continue };
            let wait = if let Delays::Uniform(ticks) = &projection.delays { u32::from(*ticks) } else { 0 };
            let to = &mut rounds[projection.target.index()];
            *to = Some(to.map_or(from + 1 + wait, |known| known.min(from + 1 + wait)));
        }
    }
    rounds.into_iter().map(|round| round.unwrap_or(0)).collect()
}

/// Takes the biases of the rounds before any input off the first membranes, so that these are then what the network begins
/// with. Where a bias takes off, the membrane begins so that it does not fire of itself.
fn settle(snn: &mut SnnSoma, size: usize, rounds: u32, spec: &FcoreSpec) {
    let of = |values: &[i32], index: usize| i64::from(values[if values.len() == 1 { 0 } else { index }]);
    let edge = (1_i64 << (spec.accumulator_bits - 1)) - 1;
    let one = |index: usize| {
        let bias = of(&snn.bias, index);
        let below = snn.threshold.as_ref().map_or(edge, |values| of(values, index) - 1 - bias.min(0));
        (of(&snn.initial, index) - i64::from(rounds) * bias).min(below).clamp(-edge, edge) as i32
    };
    let initial: Vec<i32> = (0..size).map(one).collect();
    let same = initial.windows(2).all(|pair| pair[0] == pair[1]);
    snn.initial = if same { initial[..size.min(1)].to_vec() } else { initial };
}

/// What 1.0 of a weight is.
fn scale(graph: &Graph, index: usize, neuron: &FloatNeuron, spec: &FcoreSpec) -> f64 {
    let most = |list: &[f64]| list.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    // A membrane may pass its threshold by as much again.
    let room = f64::from(spec.accumulator_bits - 2).exp2() - 1.0;
    let least = least_gain(neuron, &graph.profile);
    let held = (most(&neuron.v_threshold) / least).max(most(&neuron.v_reset) / least).max(most(&neuron.bias));
    let weight = graph.inbound(index).map(|(_, projection)| most(&projection.weights)).fold(0.0, f64::max);
    let scale = [(127.0, weight), (room, held)].into_iter().filter(|(_, most)| *most > 0.0);
    scale.map(|(room, most)| room / most).reduce(f64::min).unwrap_or(1.0)
}

fn registers(neuron: &FloatNeuron, size: usize, profile: &Profile, scale: f64) -> FcoreNeuron {
    let potential = |list: &[f64], index: usize| parameter(list, index, 0.0) / neuron.gain(profile, index) * scale;
    let each = |of: &dyn Fn(usize) -> i32| {
        let values: Vec<i32> = (0..size).map(of).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) { values[..size.min(1)].to_vec() } else { values }
    };
    let threshold = |index: usize| {
        let exact = potential(&neuron.v_threshold, index);
        (if profile.fire == Fire::Above { exact.floor() + 1.0 } else { exact.round() }) as i32
    };
    FcoreNeuron {
        input: FcoreInput::Spikes { window: 1 },
        soma: FcoreSoma::Snn(SnnSoma {
            decay: 0,
            bias: each(&|index| (parameter(&neuron.bias, index, 0.0) * scale).round() as i32),
            threshold: neuron.kind.spikes().then(|| each(&threshold)),
            random_bits: 0,
            seed: 0,
            reset: match profile.reset {
                Reset::Value => FcoreReset::Value,
                Reset::Subtract | Reset::SnntorchSubtract => FcoreReset::Subtract,
                Reset::None => FcoreReset::None,
            },
            reset_value: potential(&neuron.v_reset, 0).round() as i32,
            initial: each(&|index| potential(&neuron.v_initial, index).round() as i32),
        }),
    }
}

fn least_gain(neuron: &FloatNeuron, profile: &Profile) -> f64 {
    (0..neuron.r.len().max(1)).map(|index| neuron.gain(profile, index)).fold(f64::INFINITY, f64::min)
}

/// Why the network cannot be quantised, all reasons at once.
fn refusals(graph: &Graph, chip: &ChipSpec) -> Vec<Problem> {
    let mut found = Vec::new();
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else { continue };
        let place = format!("population '{}'", population.name);
        let mut refuse = |code, what: &str, limit: &str, help: &str| {
            found.push(Problem::misfit(code, place.as_str(), what).limit(limit).help(help));
        };
        if !matches!(neuron.kind, NeuronKind::If | NeuronKind::I) {
            let what =
                format!("{:?} neurons, whose time constants are not quantised for chip '{}'", neuron.kind, chip.name);
            let help = "use IF neurons, give the layer as snn_int with its decay, or compile for loihi";
            refuse("fcore/dynamics", &what, "IF and I (read by membrane)", help);
        }
        let lists = [&neuron.r, &neuron.v_threshold, &neuron.v_reset, &neuron.bias];
        let size = population.size();
        let sound =
            |list: &&Vec<f64>| (list.len() <= 1 || list.len() == size) && list.iter().all(|value| value.is_finite());
        if !lists.iter().all(sound) || least_gain(neuron, &graph.profile) <= 0.0 {
            let help = "give one value or one a neuron, finite, r above 0";
            refuse("fcore/parameters", "parameters are missing or no numbers", "finite numbers", help);
        }
        if !neuron.kind.spikes() {
            continue;
        }
        let help = "override the profile (such as --profile sinabs,multi_spike=false), or compile for another chip";
        let limits = "one spike a round; reset to one value, by subtraction, or none";
        if graph.profile.multi_spike {
            refuse("fcore/reset", "several spikes a tick", limits, help);
        }
        if graph.profile.reset == Reset::SnntorchSubtract {
            refuse("fcore/reset", "snnTorch's subtraction, which acts again in the next step", limits, help);
        }
        if graph.profile.reset == Reset::Value && neuron.v_reset.windows(2).any(|pair| pair[0] != pair[1]) {
            refuse("fcore/reset", "neurons with different reset values", limits, help);
        }
    }
    let numbers = |projection: &&Projection<f64>| !projection.weights.iter().all(|weight| weight.is_finite());
    for projection in graph.projections.iter().filter(numbers) {
        let place = format!("projection '{}'", projection.name);
        found.push(Problem::invalid("fcore/parameters", place, "it has weights that are no numbers"));
    }
    found
}
