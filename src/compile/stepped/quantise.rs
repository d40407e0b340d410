//! From float parameters to half precision.
//!
//! Every reading of a leaky neuron is `v = keep * v + rest + gain * x`: the same step as the chip's with alpha = keep,
//! beta = rest and weights times gain, as the chip leaks at the end of a step and not at the start of the next. So a
//! neuron begins with the state `keep * v_initial + rest`.

use crate::binary16::Half;
use crate::chip::ChipSpec;
use crate::compile::log::{Log, TensorError};
use crate::compile::retime::{Lags, lags, lengthen};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    Dynamics, Fire, FloatNeuron, Graph, IntGraph, IntNeuron, NeuronKind, Population, Profile, Projection, Reset,
    ResetTime, SteppedNeuron, parameter,
};

/// The step of a neuron in real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Motion {
    keep: f64,
    rest: f64,
    gain: f64,
}

/// Converts a float network; what the chip's neurons cannot do is refused.
///
/// # Errors
/// `stepped/dynamics` for neurons with a current, `stepped/reset` for resets that the chip has not, `stepped/range` for
/// numbers beyond binary16, `stepped/gain` for shared weights of neurons with different gains, `stepped/parameters`
/// for what is missing.
pub(in crate::compile) fn quantise(graph: &Graph, chip: &ChipSpec, log: &mut Log) -> Result<IntGraph> {
    log.say("quantise", format!("profile {}", graph.profile.name));
    Problems::check(refusals(graph, chip), ())?;
    let lags = lags(graph, log);
    let mut timed = graph.clone();
    for (projection, added) in timed.projections.iter_mut().zip(&lags.added) {
        projection.delays = lengthen(&projection.delays, *added);
    }
    let mut problems = Vec::new();
    let mut weights: Vec<Vec<i32>> = vec![Vec::new(); graph.projections.len()];
    let mut neurons = Vec::new();
    for (index, population) in graph.populations.iter().enumerate() {
        let Some(neuron) = &population.neuron else {
            neurons.push(None);
            continue;
        };
        let motions: Vec<Motion> = (0..population.size()).map(|at| motion(neuron, at, &graph.profile)).collect();
        for (number, projection) in graph.inbound(index) {
            match halves(graph, projection, &motions) {
                Ok((bits, error)) => {
                    weights[number] = bits;
                    log.tensors.push(error);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        match registers(population, neuron, &motions, graph, &lags, index) {
            Ok(registers) => neurons.push(Some(IntNeuron::Stepped(registers))),
            Err(problem) => problems.push(*problem),
        }
    }
    Problems::check(problems, ())?;
    Ok(timed.in_integers(neurons, weights))
}

fn motion(neuron: &FloatNeuron, at: usize, profile: &Profile) -> Motion {
    let r = parameter(&neuron.r, at, 1.0);
    // What is kept of a first-order filter, and the share of what comes in.
    let filter = |tau: f64| match profile.dynamics {
        Dynamics::Euler => (1.0 - profile.dt / tau, profile.dt / tau),
        Dynamics::ZeroOrderHold => ((-profile.dt / tau).exp(), 1.0 - (-profile.dt / tau).exp()),
        Dynamics::DecayThenAdd => ((-profile.dt / tau).exp(), 1.0),
    };
    match neuron.kind {
        NeuronKind::Threshold => Motion { keep: 0.0, rest: 0.0, gain: 1.0 },
        NeuronKind::If | NeuronKind::I => Motion { keep: 1.0, rest: 0.0, gain: neuron.gain(profile, at) },
        NeuronKind::Lif | NeuronKind::Li | NeuronKind::CubaLif | NeuronKind::CubaLi => {
            let (keep, share) = filter(parameter(&neuron.tau_mem, at, 1.0));
            // A current that keeps nothing is its input: what has one that keeps something is refused.
            let current = if neuron.kind == NeuronKind::Lif || neuron.kind == NeuronKind::Li {
                1.0
            } else {
                filter(parameter(&neuron.tau_syn, at, 1.0)).1 * parameter(&neuron.w_in, at, 1.0)
            };
            Motion { keep, rest: (1.0 - keep) * parameter(&neuron.v_leak, at, 0.0), gain: share * r * current }
        }
    }
}

/// The weights of a projection times the gains of their targets, and what rounding did to them.
fn halves(
    graph: &Graph,
    projection: &Projection<f64>,
    motions: &[Motion],
) -> std::result::Result<(Vec<i32>, TensorError), Box<Problem>> {
    let place = || format!("projection '{}'", projection.name);
    let gains = gains(graph, projection, motions).ok_or_else(|| {
        let what = "one of its weights goes to neurons with different gains (r, tau)";
        Box::new(
            Problem::misfit("stepped/gain", place(), what)
                .limit("one gain a shared weight")
                .help("give the neurons of a channel the same r and tau_mem"),
        )
    })?;
    let mut error = TensorError {
        name: format!("{}.weight", projection.name),
        values: projection.weights.len(),
        step: 0.0,
        max_error: 0.0,
        rms_error: 0.0,
        saturated: 0,
    };
    let (mut bits, mut most) = (Vec::with_capacity(projection.weights.len()), 0.0_f64);
    for (weight, gain) in projection.weights.iter().zip(&gains) {
        let half = Half::from_f64(weight * gain);
        if !half.is_finite() {
            return Err(beyond(&place(), "a weight times the gain of its target", weight * gain));
        }
        let off = if *gain == 0.0 { 0.0 } else { (half.to_f64() / gain - weight).abs() };
        error.max_error = error.max_error.max(off);
        error.rms_error += off * off;
        most = most.max(weight.abs());
        // The step between neighbours of the largest number.
        if most == weight.abs() && half.to_f64() != 0.0 && *gain != 0.0 {
            let magnitude = Half(half.0 & 0x7fff);
            error.step = (magnitude.to_f64() - magnitude.below().to_f64()) / gain.abs();
        }
        bits.push(i32::from(half.0));
    }
    error.rms_error = (error.rms_error / projection.weights.len().max(1) as f64).sqrt();
    Ok((bits, error))
}

/// The gain of every weight's targets; `None` where they differ.
fn gains(graph: &Graph, projection: &Projection<f64>, motions: &[Motion]) -> Option<Vec<f64>> {
    let first = motions.first().map_or(1.0, |motion| motion.gain);
    if motions.iter().all(|motion| motion.gain == first) {
        return Some(vec![first; projection.weights.len()]);
    }
    let mut gains: Vec<Option<f64>> = vec![None; projection.weights.len()];
    let mut same = true;
    for from in 0..graph.populations[projection.source.index()].size() as u32 {
        projection.pattern.visit(from, |to, weight| {
            let gain = motions[to as usize].gain;
            same &= *gains[weight as usize].get_or_insert(gain) == gain;
        });
    }
    same.then(|| gains.into_iter().map(|gain| gain.unwrap_or(1.0)).collect())
}

fn registers(
    population: &Population<FloatNeuron>,
    neuron: &FloatNeuron,
    motions: &[Motion],
    graph: &Graph,
    lags: &Lags,
    index: usize,
) -> std::result::Result<SteppedNeuron, Box<Problem>> {
    let place = format!("population '{}'", population.name);
    let each = |name: &str, of: &dyn Fn(usize) -> f64| {
        let mut bits = Vec::with_capacity(motions.len());
        for at in 0..motions.len() {
            let half = Half::from_f64(of(at));
            if !half.is_finite() {
                return Err(beyond(&place, name, of(at)));
            }
            // Zeros have one sign.
            bits.push(if half.is_zero() { 0 } else { half.0 });
        }
        if bits.windows(2).all(|pair| pair[0] == pair[1]) {
            bits.truncate(1);
        }
        Ok(bits)
    };
    let late = |at: usize| {
        if graph.profile.recurrent_bias_at_start { 0.0 } else { parameter(&neuron.recurrent_bias, at, 0.0) }
    };
    let initial = |at: usize| {
        let Motion { keep, rest, gain } = motions[at];
        // What the first step's bias is short of stands in the state that it begins with.
        keep * parameter(&neuron.v_initial, at, 0.0) + rest - gain * late(at)
    };
    let at_or_above = graph.profile.fire == Fire::AtOrAbove;
    let theta = each("v_threshold", &|at| parameter(&neuron.v_threshold, at, 0.0))?;
    // Of the numbers of the chip those at or above are those above the one before.
    let strict = |bits: u16| if at_or_above { Half(bits).below().0 } else { bits };
    Ok(SteppedNeuron {
        alpha: each("the part of the membrane that is kept", &|at| motions[at].keep)?,
        beta: each("the leak towards v_leak", &|at| motions[at].rest)?,
        theta: neuron.kind.spikes().then(|| theta.into_iter().map(strict).collect()),
        v_0: each("v_reset", &|at| parameter(&neuron.v_reset, at, 0.0))?,
        bias: each("bias", &|at| parameter(&neuron.bias, at, 0.0) * motions[at].gain)?,
        initial: each("v_initial", &initial)?,
        start: lags.of[index],
    })
}

fn beyond(place: &str, name: &str, value: f64) -> Box<Problem> {
    let what = format!("{name} is {value}, which binary16 does not hold");
    Box::new(Problem::misfit("stepped/range", place, what).limit("-65504 to 65504").help("scale the network"))
}

/// Why the network cannot be converted, all reasons at once.
fn refusals(graph: &Graph, chip: &ChipSpec) -> Vec<Problem> {
    let mut found = Vec::new();
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else { continue };
        let place = format!("population '{}'", population.name);
        let mut refuse = |code, what: String, limit: &str, help: &str| {
            found.push(Problem::misfit(code, place.as_str(), what).limit(limit).help(help));
        };
        let filtered = matches!(neuron.kind, NeuronKind::CubaLif | NeuronKind::CubaLi);
        let at_once = graph.profile.dynamics == Dynamics::Euler
            && neuron.tau_syn.iter().all(|tau| *tau == graph.profile.dt)
            && !neuron.tau_syn.is_empty();
        if filtered && !at_once {
            let what = format!("{:?} neurons, whose current chip '{}' does not keep", neuron.kind, chip.name);
            let help = "use LIF neurons, or compile for loihi";
            refuse("stepped/dynamics", what, "IF, I, LIF, LI, threshold; CubaLIF where tau_syn is dt", help);
        }
        if neuron.kind.spikes() && neuron.v_threshold.is_empty() {
            refuse("stepped/parameters", "v_threshold is missing".to_owned(), "one, or one a neuron", "give it");
        }
        if !neuron.kind.spikes() || neuron.kind == NeuronKind::Threshold {
            continue;
        }
        let profile = &graph.profile;
        let limit = "a spike sets the membrane to v_reset, in the same tick, once a tick";
        let help = "override the profile (such as --profile nir,reset=value) where the network tolerates it";
        let what = match (profile.reset, profile.reset_time) {
            (Reset::Subtract | Reset::SnntorchSubtract, _) => "a spike subtracts the threshold (soft reset)",
            (Reset::None, _) => "a spike leaves the membrane as it is",
            (Reset::Value, ResetTime::Next) => "the reset acts in the next tick",
            (Reset::Value, ResetTime::Same) if profile.multi_spike => "a neuron may fire several times in a tick",
            (Reset::Value, ResetTime::Same) => continue,
        };
        refuse("stepped/reset", what.to_owned(), limit, help);
    }
    found
}
