//! Whether an integer network can be read as a network of crossbar neurons at all: shapes, ranges, references.

use crate::chip::CrossbarSpec;
use crate::diag::Problem;
use crate::graph::{CrossbarNeuron, Delays, IntGraph, IntNeuron, Pattern, Projection};

/// The largest extent, stride, padding or dilation of a window: keeps the arithmetic of patterns within 32 bits.
const WINDOW: u32 = 1 << 15;

/// Everything that is wrong with `graph`.
pub(super) fn check(graph: &IntGraph, spec: &CrossbarSpec) -> Vec<Problem> {
    let mut found = Vec::new();
    for population in &graph.populations {
        let place = format!("population '{}'", population.name);
        let product = population.shape.iter().try_fold(1_u32, |size, &extent| size.checked_mul(extent));
        if product.is_none() {
            found.push(Problem::invalid("crossbar/shape", place, format!("shape {:?} is too large", population.shape)));
            return found;
        }
        match &population.neuron {
            None => {}
            Some(IntNeuron::Crossbar(neuron)) => registers(neuron, population.size(), spec, &place, &mut found),
            Some(IntNeuron::Cuba(_) | IntNeuron::Program(_) | IntNeuron::Fcore(_) | IntNeuron::Stepped(_)) => found
                .push(
                    Problem::invalid("crossbar/family", place, "has Loihi-style (cuba) registers or a program")
                        .help("give crossbar registers, or compile for a Loihi-style chip"),
                ),
        }
    }
    for projection in &graph.projections {
        let place = format!("projection '{}'", projection.name);
        if let Some(what) = connection(graph, projection) {
            found.push(Problem::invalid("crossbar/projection", place, what));
        }
    }
    for output in &graph.outputs {
        let fits = graph.populations.get(output.population.index()).is_some_and(|p| !p.is_input());
        if !fits {
            let what = "names no population of neurons";
            found.push(Problem::invalid("crossbar/output", format!("output '{}'", output.name), what));
        }
    }
    found
}

/// Registers of one population.
fn registers(neuron: &CrossbarNeuron, size: usize, spec: &CrossbarSpec, place: &str, found: &mut Vec<Problem>) {
    let mut lengths = |name: &str, length: usize| {
        if length != 1 && length != size {
            let what = format!("{name} has {length} values");
            found.push(Problem::invalid("crossbar/length", place, what).limit(format!("1 or {size}")));
        }
    };
    lengths("leak", neuron.leak.len());
    lengths("negative_threshold", neuron.negative_threshold.len());
    lengths("reset_value", neuron.reset_value.len());
    lengths("initial", neuron.initial.len());
    if let Some(threshold) = &neuron.threshold {
        lengths("threshold", threshold.len());
    }
    let leak_max = largest_weight(spec);
    let threshold_max = largest_threshold(spec);
    let mut range = |name: &str, bad: Option<i64>, limit: String| {
        if let Some(value) = bad {
            found.push(Problem::invalid("crossbar/range", place, format!("{name} is {value}")).limit(limit));
        }
    };
    let leak = neuron.leak.iter().map(|&v| i64::from(v)).find(|v| v.abs() > i64::from(leak_max));
    range("leak", leak, format!("-{leak_max}..={leak_max}"));
    let beyond = |values: &[u32]| values.iter().find(|&&v| v > threshold_max).map(|&v| i64::from(v));
    range("threshold", neuron.threshold.as_deref().and_then(beyond), format!("0..={threshold_max}"));
    range("negative_threshold", beyond(&neuron.negative_threshold), format!("0..={threshold_max}"));
    let reset = neuron.reset_value.iter().find(|&&v| !storable_reset(v, spec)).map(|&v| i64::from(v));
    range("reset_value", reset, format!("0 or +-(2^k - 1) in {} bits", spec.potential_bits));
    let edge = 1_i64 << (u32::from(spec.potential_bits).clamp(2, 31) - 1);
    let initial = neuron.initial.iter().map(|&v| i64::from(v)).find(|v| !(-edge..edge).contains(v));
    range("initial", initial, format!("-{edge}..={}", edge - 1));
}

/// Largest magnitude of a weight or leak.
pub(super) fn largest_weight(spec: &CrossbarSpec) -> i32 {
    (1 << (u32::from(spec.weight_bits).clamp(2, 16) - 1)) - 1
}

/// Largest threshold.
pub(super) fn largest_threshold(spec: &CrossbarSpec) -> u32 {
    ((1_u64 << u32::from(spec.threshold_bits).min(31)) - 1) as u32
}

/// Whether R can be stored: sign and exponent, `sigma * (2^k - 1)`.
pub(super) fn storable_reset(value: i32, spec: &CrossbarSpec) -> bool {
    let magnitude = value.unsigned_abs();
    (magnitude + 1).is_power_of_two() && magnitude < 1 << (u32::from(spec.potential_bits).clamp(2, 31) - 1)
}

/// What is wrong with a projection, where something is.
fn connection(graph: &IntGraph, projection: &Projection<i32>) -> Option<String> {
    let (Some(source), Some(target)) =
        (graph.populations.get(projection.source.index()), graph.populations.get(projection.target.index()))
    else {
        return Some("names a population that does not exist".to_owned());
    };
    if target.is_input() {
        return Some(format!("leads into the input '{}'", target.name));
    }
    if projection.exponent != 0 {
        return Some(format!("has weight exponent {}; crossbar weights have exponent 0", projection.exponent));
    }
    if let Delays::PerWeight(delays) = &projection.delays
        && delays.len() != projection.weights.len()
    {
        return Some(format!("has {} delays for {} weights", delays.len(), projection.weights.len()));
    }
    structure(&projection.pattern, source.size() as u64, target.size() as u64, projection.weights.len() as u64)
}

/// What is wrong with a pattern between populations of these sizes, where something is.
fn structure(pattern: &Pattern, from: u64, to: u64, weights: u64) -> Option<String> {
    let volume = |extents: &[u32; 3]| extents.iter().fold(1_u64, |volume, &e| volume.saturating_mul(u64::from(e)));
    let small = |values: &[u32]| values.iter().all(|&v| v < WINDOW);
    let nonzero = |values: &[u32]| values.iter().all(|&v| v > 0);
    let (sources, targets, needed) = match pattern {
        Pattern::Dense { sources, targets } | Pattern::Factorised { sources, targets, .. } => {
            (u64::from(*sources), u64::from(*targets), u64::from(*sources) * u64::from(*targets))
        }
        Pattern::OneToOne { size, shared } => {
            (u64::from(*size), u64::from(*size), if *shared { 1 } else { u64::from(*size) })
        }
        Pattern::Sparse { offsets, targets, weight_index } => {
            let synapses = targets.len() as u64;
            let ascending = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
            if !ascending || offsets.last().is_none_or(|&last| u64::from(last) > synapses) {
                return Some("row offsets do not ascend within the synapses".to_owned());
            }
            if let Some(target) = targets.iter().find(|&&target| u64::from(target) >= to) {
                return Some(format!("reaches neuron {target} of a population of {to}"));
            }
            if !weight_index.is_empty() && weight_index.len() != targets.len() {
                return Some(format!("has {} weight numbers for {synapses} synapses", weight_index.len()));
            }
            let largest = weight_index.iter().max().map_or(synapses, |&w| u64::from(w) + 1);
            (
                offsets.len() as u64 - 1,
                to,
                if weight_index.is_empty() { weights.max(synapses) } else { weights.max(largest) },
            )
        }
        Pattern::Conv2d(c) => {
            let [out, ins] = [c.output[0], c.input[0]];
            let sound = nonzero(&[c.groups, c.stride[0], c.stride[1], c.dilation[0], c.dilation[1]])
                && small(&[c.padding[0], c.padding[1], c.kernel[0], c.kernel[1], c.dilation[0], c.dilation[1]])
                && out.is_multiple_of(c.groups)
                && ins.is_multiple_of(c.groups);
            if !sound {
                return Some("has an impossible convolution geometry".to_owned());
            }
            let kernel = u64::from(c.kernel[0]) * u64::from(c.kernel[1]);
            let pairs = u64::from(out) * u64::from(ins / c.groups);
            (volume(&c.input), volume(&c.output), pairs.saturating_mul(kernel))
        }
        Pattern::Pool2d(p) => {
            let small = small(&[p.padding[0], p.padding[1], p.kernel[0], p.kernel[1]]);
            if !nonzero(&p.stride) || !small || p.input[0] != p.output[0] {
                return Some("has an impossible pooling geometry".to_owned());
            }
            (volume(&p.input), volume(&p.output), 1)
        }
        Pattern::Stochastic(drawn) => (drawn.sources.into(), drawn.targets.into(), drawn.weights.into()),
    };
    if (sources, targets) != (from, to) {
        return Some(format!("connects {sources} to {targets} neurons; its populations have {from} and {to}"));
    }
    (needed != weights).then(|| format!("has {weights} weights for {needed}"))
}
