//! From float parameters to the integers of a Loihi-style chip.
//!
//! Each population has one scale K (integer units per float unit; a unit is 64 steps of the membrane, the grain of
//! thresholds and weights). It is as large as registers and headroom allow, so that rounding in the decays is
//! small, and such that the weights of the largest inbound projection are exact or fill their register.

use std::borrow::Cow;

use super::compressed;
use super::dynamics::{Motion, at, motion, register};
use super::scale::{Bounds, bias, choose, mantissas, peak};
use crate::chip::CubaSpec;
use crate::compile::retime::{Lags, lags, lengthen};
use crate::compile::{Log, Options, TensorError};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CubaNeuron, Delays, Fire, Graph, IntGraph, IntNeuron, NeuronKind, Pattern, Population, Projection};
use crate::ids::PopulationId;

/// Steps of the membrane in one unit of thresholds and weights.
const GRAIN: f64 = 64.0;
/// Room for the membrane in thresholds, where no calibration says more: inhibition may take a leaky one so far
/// below 0.
const HEADROOM: f64 = 16.0;
/// The same for a perfect integrator, which forgets nothing and whose scale need not be large for its decay.
const INTEGRATOR_HEADROOM: f64 = 1024.0;
/// Most synapses that a projection may be written out to.
const MOST_SYNAPSES: usize = 1 << 26;

/// Quantises a float network, or says what the chip cannot do.
pub(in crate::compile) fn quantise(
    graph: &Graph,
    spec: &CubaSpec,
    options: &Options,
    log: &mut Log,
) -> Result<IntGraph> {
    log.say("quantise", format!("profile {}", graph.profile.name));
    let motions = motions(graph, spec, options, log)?;
    let lags = lags(graph, log);
    let float = graph.projections.iter().zip(&lags.added).map(|(projection, &added)| {
        Ok(Projection { delays: lengthen(&projection.delays, added), ..scaled(graph, projection, &motions)? })
    });
    let mut float = float.collect::<Result<Vec<Projection<f64>>>>()?;
    let mut populations: Vec<Population<IntNeuron>> = Vec::new();
    carry_biases(graph, &motions, &lags, &mut float);
    let whole: Vec<Cow<'_, Projection<f64>>> = float.iter().map(Projection::expanded).collect();
    let mut projections: Vec<Option<Projection<i32>>> = vec![None; float.len()];
    let mut problems = Vec::new();
    for (index, population) in graph.populations.iter().enumerate() {
        let inbound: Vec<usize> = (0..float.len()).filter(|&p| float[p].target.index() == index).collect();
        let neuron = motions[index].as_ref().map(|motion| {
            let scale = scale_of(index, graph, motion, &inbound, &whole, spec, options, log);
            for &p in &inbound {
                projections[p] = Some(weights(&float[p], scale, motion, spec, options, log));
            }
            let registers = registers(population, graph, motion, scale, spec, log, &mut problems);
            CubaNeuron { initial_v: initial(population, motion, scale, lags.of[index]), ..registers }
        });
        let (name, shape) = (population.name.clone(), population.shape.clone());
        populations.push(Population { name, shape, neuron: neuron.map(IntNeuron::Cuba) });
    }
    if float.len() > graph.projections.len() {
        populations.push(pacemaker(graph));
        log.say("quantise", "biases that pass a current filter come from one neuron that fires every tick");
    }
    let projections = projections.into_iter().flatten().collect();
    let (name, outputs) = (graph.name.clone(), graph.outputs.clone());
    Problems::check(problems, IntGraph { name, populations, projections, outputs, learning: Vec::new() })
}

/// Every population's dynamics; `None` for inputs.
fn motions(graph: &Graph, spec: &CubaSpec, options: &Options, log: &mut Log) -> Result<Vec<Option<Motion>>> {
    let mut problems = Vec::new();
    if options.weight_bits.is_some_and(|bits| bits == 0 || !spec.weight_widths.contains(&bits)) {
        let widths: Vec<String> = spec.weight_widths.iter().filter(|&&b| b > 0).map(ToString::to_string).collect();
        let what = format!("the chip has no weights of {} bits", options.weight_bits.unwrap_or(0));
        problems.push(Problem::misfit("cuba/weight-bits", "", what).limit(widths.join(", ")));
    }
    let mut motions = Vec::new();
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else {
            motions.push(None);
            continue;
        };
        match motion(&population.name, population.size(), neuron, &graph.profile, options) {
            Ok(motion) => motions.push(Some(motion)),
            Err(found) => problems.extend(found),
        }
        if neuron.kind == NeuronKind::Threshold {
            log.warn("quantise", format!("'{}' keeps 1/4096 of its membrane for a tick", population.name));
        }
    }
    if options.allow_reset_change {
        log.warn("quantise", "every spike resets its neuron to its reset potential, once a tick, as the chip does");
    }
    Problems::check(problems, motions)
}

/// A projection whose weights are what a spike adds to the membrane of its target, in float units.
fn scaled(graph: &Graph, projection: &Projection<f64>, motions: &[Option<Motion>]) -> Result<Projection<f64>> {
    let none = [1.0];
    let gain = motions[projection.target.index()].as_ref().map_or(&none[..], |motion| &motion.gain);
    if let Pattern::Factorised { targets, rank, .. } = projection.pattern {
        // The factors of a target take its gain.
        let mut weights = projection.weights.clone();
        for (target, row) in weights.chunks_mut(rank as usize).take(targets as usize).enumerate() {
            row.iter_mut().for_each(|factor| *factor *= at(gain, target));
        }
        return Ok(Projection { weights, ..projection.clone() });
    }
    if let [gain] = gain {
        let weights = projection.weights.iter().map(|weight| weight * gain).collect();
        return Ok(Projection { weights, ..projection.clone() });
    }
    // One gain a target: every synapse gets its own weight.
    let sources = graph.populations[projection.source.index()].size();
    let (mut offsets, mut targets, mut weights, mut delays) = (vec![0], Vec::new(), Vec::new(), Vec::new());
    for source in 0..sources {
        projection.pattern.visit(source as u32, |target, weight| {
            targets.push(target);
            weights.push(projection.weights[weight as usize] * at(gain, target as usize));
            delays.push(projection.delays.of(weight as usize));
        });
        if targets.len() > MOST_SYNAPSES {
            let place = format!("projection '{}'", projection.name);
            let what = "neurons of one population have different gains, so that its weights cannot be shared";
            return Err(Problem::misfit("cuba/synapses", place, what)
                .limit(format!("{MOST_SYNAPSES} synapses"))
                .help("give the target population one time constant and resistance for all neurons")
                .into());
        }
        offsets.push(targets.len() as u32);
    }
    let delays = match projection.delays {
        Delays::Uniform(ticks) => Delays::Uniform(ticks),
        Delays::PerWeight(_) => Delays::PerWeight(delays),
    };
    let pattern = Pattern::Sparse { offsets, targets, weight_index: Vec::new() };
    Ok(Projection { pattern, weights, delays, ..projection.clone() })
}

/// Adds projections from the pacemaker for the biases that must pass a current filter: they act from the tick in
/// which the population starts, those of recurrent edges one tick later where the profile says so.
fn carry_biases(graph: &Graph, motions: &[Option<Motion>], lags: &Lags, float: &mut Vec<Projection<f64>>) {
    for (index, population) in graph.populations.iter().enumerate() {
        let Some(motion) = &motions[index] else { continue };
        let targets = population.size();
        let first = lags.of[index].saturating_sub(1) as u16;
        for (what, biases, delay) in
            [("bias", &motion.filtered_bias, first), ("recurrent_bias", &motion.late_bias, first.saturating_add(1))]
        {
            if biases.iter().all(|&bias| bias == 0.0) {
                continue;
            }
            float.push(Projection {
                name: format!("{}.{what}", population.name),
                source: PopulationId::from(graph.populations.len()),
                target: PopulationId::from(index),
                pattern: Pattern::Dense { sources: 1, targets: targets as u32 },
                weights: (0..targets).map(|n| at(biases, n) * at(&motion.gain, n)).collect(),
                exponent: 0,
                delays: Delays::Uniform(delay),
            });
        }
    }
}

/// A neuron that fires in every tick.
fn pacemaker(graph: &Graph) -> Population<IntNeuron> {
    let mut name = "bias".to_owned();
    while graph.populations.iter().any(|population| population.name == name) {
        name.push('_');
    }
    let neuron = CubaNeuron {
        decay_u: vec![4095],
        decay_v: vec![0],
        threshold: Some(vec![0]),
        bias: vec![1],
        ..CubaNeuron::default()
    };
    Population { name, shape: vec![1], neuron: Some(IntNeuron::Cuba(neuron)) }
}

/// The scale of a population.
#[expect(clippy::too_many_arguments, reason = "one call, everything the choice depends on")]
fn scale_of(
    index: usize,
    graph: &Graph,
    motion: &Motion,
    inbound: &[usize],
    float: &[Cow<'_, Projection<f64>>],
    spec: &CubaSpec,
    options: &Options,
    log: &mut Log,
) -> f64 {
    let room = f64::from((1_u32 << spec.threshold_bits) - 1);
    let least = |values: &[f64]| values.iter().copied().fold(1.0, f64::min).max(1.0 / 4096.0);
    let calibrated = |peaks: &[f64]| peaks.get(index).copied().filter(|peak| peak.is_finite() && *peak > 0.0);
    let calibration = options.calibration.as_ref();
    let largest_sum = worst_sum(graph.populations[index].size(), inbound, float);
    let sum = calibration
        .and_then(|c| calibrated(&c.peak_input))
        .map_or(largest_sum, |input| (input * peak(&motion.gain)).min(largest_sum))
        / least(&motion.decay_u);
    let bias_room = f64::from((1_u32 << (spec.bias_bits - 1)) - 1) * f64::from(spec.bias_exponent_max).exp2() / GRAIN;
    let bound = |room: f64, value: f64| if value > 0.0 { room / value } else { f64::MAX };
    let membrane = calibration.and_then(|c| calibrated(&c.peak_membrane));
    let threshold = motion.threshold.as_ref().map_or(0.0, |thresholds| peak(thresholds));
    let integrates = motion.decay_v.contains(&0.0);
    let headroom = if integrates { INTEGRATOR_HEADROOM } else { HEADROOM };
    let swing = 1.25 * membrane.unwrap_or(0.0).max(threshold);
    let hard = bound(room, swing).min(bound(bias_room, peak(&motion.bias)));
    let likely = if membrane.is_none() { bound(room, headroom * threshold) } else { f64::MAX };
    // A read-out with no measured peak gathers the worst input of 16 ticks at most.
    let gathers = if motion.threshold.is_none() && membrane.is_none() { 16.0 / sum_leak(motion) } else { 1.0 };
    let soft = bound(room, sum * gathers).min(likely);
    let slices: Vec<&[f64]> = inbound.iter().map(|&p| float[p].weights.as_slice()).collect();
    let bits = options.weight_bits.unwrap_or_else(|| super::format::widest(spec));
    let bounds = Bounds { hard: hard.min(room * GRAIN), soft: soft.min(room * GRAIN) };
    let scale = choose(spec, &slices, &bounds, bits, threshold);
    let name = &graph.populations[index].name;
    log.say("quantise", format!("'{name}': {scale:.4} units of v per float unit"));
    if scale * sum > room {
        let times = scale * sum / room;
        log.warn("quantise", format!("'{name}': its worst possible input is {times:.1} times what u holds"));
    }
    scale
}

/// 16 for a membrane that keeps everything, less for a leaky one.
fn sum_leak(motion: &Motion) -> f64 {
    let slowest = motion.decay_v.iter().copied().fold(1.0, f64::min);
    (16.0 * slowest).max(1.0)
}

/// The largest sum of magnitudes of what can reach one neuron in one tick.
fn worst_sum(size: usize, inbound: &[usize], float: &[Cow<'_, Projection<f64>>]) -> f64 {
    let mut sums = vec![(0.0, 0.0); size];
    for projection in inbound.iter().map(|&p| &float[p]) {
        let incoming = super::incoming::Incoming::new(&projection.pattern, size);
        for (target, (up, down)) in sums.iter_mut().enumerate() {
            incoming.visit(target as u32, |_, weight| {
                let value = projection.weights[weight as usize];
                *(if value > 0.0 { &mut *up } else { &mut *down }) += value.abs();
            });
        }
    }
    sums.iter().fold(0.0, |worst: f64, (up, down)| worst.max(*up).max(*down))
}

/// The integer weights of a projection.
fn weights(
    projection: &Projection<f64>,
    scale: f64,
    motion: &Motion,
    spec: &CubaSpec,
    options: &Options,
    log: &mut Log,
) -> Projection<i32> {
    if matches!(projection.pattern, Pattern::Factorised { .. }) {
        return compressed::factors(projection, scale, spec, log);
    }
    let bits = options.weight_bits.unwrap_or_else(|| super::format::widest(spec));
    let found = mantissas(spec, &projection.weights, scale, bits);
    // Back in the units of the file where all targets have one gain.
    let gain = if motion.gain.len() == 1 && motion.gain[0] != 0.0 { motion.gain[0].abs() } else { 1.0 };
    let unit = 2_f64.powi(i32::from(found.exponent)) / scale;
    let errors = projection.weights.iter().zip(&found.weights).map(|(w, q)| (w - f64::from(*q) * unit) / gain);
    let name = format!("{}.weight", projection.name);
    log.tensors.push(tensor(name, f64::from(found.step) * unit / gain, errors, found.saturated));
    Projection {
        name: projection.name.clone(),
        source: projection.source,
        target: projection.target,
        pattern: projection.pattern.clone(),
        weights: found.weights,
        exponent: found.exponent,
        delays: projection.delays.clone(),
    }
}

pub(super) fn tensor(name: String, step: f64, errors: impl Iterator<Item = f64>, saturated: usize) -> TensorError {
    let (mut values, mut max_error, mut squares) = (0, 0.0_f64, 0.0);
    for error in errors {
        values += 1;
        max_error = max_error.max(error.abs());
        squares += error * error;
    }
    let rms_error = if values == 0 { 0.0 } else { (squares / values as f64).sqrt() };
    TensorError { name, values, step, max_error, rms_error, saturated }
}

/// The membranes before the first tick, in steps of v. What a bias adds in the ticks before the first input can come is
/// taken off, as far as the threshold allows.
fn initial(population: &Population<crate::graph::FloatNeuron>, motion: &Motion, scale: f64, lag: u32) -> Vec<i32> {
    let wished = population.neuron.as_ref().map_or(&[][..], |neuron| &neuron.v_initial);
    if wished.is_empty() {
        return vec![0];
    }
    let integrates = motion.decay_v == [0.0];
    let of = |neuron: usize| {
        let early = if integrates { f64::from(lag) * at(&motion.bias, neuron) } else { 0.0 };
        let below = motion.threshold.as_ref().map_or(f64::MAX, |thresholds| at(thresholds, neuron));
        ((at(wished, neuron) - early).min(below) * scale * GRAIN).round() as i32
    };
    let count = if wished.len() == 1 && motion.bias.len() == 1 { 1 } else { population.size() };
    (0..count).map(of).collect()
}

/// The registers of a population.
fn registers(
    population: &Population<crate::graph::FloatNeuron>,
    graph: &Graph,
    motion: &Motion,
    scale: f64,
    spec: &CubaSpec,
    log: &mut Log,
    problems: &mut Vec<Problem>,
) -> CubaNeuron {
    let name = &population.name;
    let mut decays = |what: &str, fractions: &[f64], offset: i32| -> Vec<u16> {
        let registers: Vec<u16> = fractions.iter().map(|&f| register(spec, f, offset)).collect();
        let one = f64::from(1_u32 << spec.decay_bits);
        let errors = fractions.iter().zip(&registers).map(|(f, r)| f - f64::from(i32::from(*r) + offset) / one);
        log.tensors.push(tensor(format!("{name}.{what}"), 1.0 / one, errors, 0));
        registers
    };
    let decay_u = decays("decay_u", &motion.decay_u, 1);
    let decay_v = decays("decay_v", &motion.decay_v, 0);
    let found: Vec<(i16, u8, bool)> = motion.bias.iter().map(|b| bias(spec, b * scale * GRAIN)).collect();
    let value = |mantissa: i16, exponent: u8| f64::from(i32::from(mantissa) << exponent);
    let errors = motion.bias.iter().zip(&found).map(|(b, (m, e, _))| b - value(*m, *e) / (scale * GRAIN));
    let clipped = found.iter().filter(|(_, _, clipped)| *clipped).count();
    let coarse = found.iter().map(|(_, e, _)| f64::from(*e).exp2()).fold(1.0, f64::max);
    log.tensors.push(tensor(format!("{name}.bias"), coarse / (scale * GRAIN), errors, clipped));
    // Every state of such a neuron is a whole number of units: the comparison can be made exact.
    let whole = decay_u == [4095]
        && decay_v == [0]
        && found.iter().all(|(mantissa, exponent, _)| (i32::from(*mantissa) << exponent) % 64 == 0);
    let fire = graph.profile.fire;
    let threshold = motion.threshold.as_ref().map(|values| {
        let found: Vec<f64> = values.iter().map(|value| threshold(value * scale, fire, whole)).collect();
        let most = f64::from((1_u32 << spec.threshold_bits) - 1);
        if let Some(at) = found.iter().position(|mantissa| *mantissa < 0.0) {
            let what = format!("threshold {} of neuron {at} is not above its reset potential", values[at]);
            let place = format!("population '{name}'");
            problems.push(Problem::misfit("cuba/threshold", place, what).limit("thresholds of 0 and more"));
        }
        let clipped = found.iter().filter(|mantissa| **mantissa > most).count();
        let mantissas: Vec<u32> = found.iter().map(|mantissa| mantissa.clamp(0.0, most) as u32).collect();
        let above = if whole && fire == Fire::AtOrAbove { 1.0 } else { 0.0 };
        let errors = values.iter().zip(&mantissas).map(|(v, m)| v - (f64::from(*m) + above) / scale);
        log.tensors.push(tensor(format!("{name}.v_threshold"), 1.0 / scale, errors, clipped));
        mantissas
    });
    let found = found.into_iter().map(|(mantissa, exponent, _)| (mantissa, exponent as i8));
    let (bias, bias_exponent) = found.unzip();
    CubaNeuron { decay_u, decay_v, threshold, bias, bias_exponent, ..CubaNeuron::default() }
}

/// The mantissa m for which the chip's `v > m << 6` is the network's comparison with `units`. On whole numbers of
/// units `v >= t` is `v > ceil(t) - 1` and `v > t` is `v > floor(t)`; between them the nearest one is taken.
fn threshold(units: f64, fire: Fire, whole: bool) -> f64 {
    let near = units.round();
    let units = if (units - near).abs() <= 1e-6 * near.abs().max(1.0) { near } else { units };
    match (whole, fire) {
        (true, Fire::AtOrAbove) => units.ceil() - 1.0,
        (true, Fire::Above) => units.floor(),
        (false, Fire::AtOrAbove) => (units - 1.0 / GRAIN).round(),
        (false, Fire::Above) => units.round(),
    }
}
