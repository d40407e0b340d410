//! What must hold in a network whatever file or trainer it came from: counts, ranges, finite numbers.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::{
    Conv2d, Delays, FcoreSoma, FloatNeuron, IntNeuron, Network, NeuronKind, Output, Pattern, Pool2d, Population,
    Projection, outliers,
};
use crate::binary16::Half;
use crate::diag::{Problem, Problems, Result};

/// Most neurons of one population (16 million, more than any chip here has in all).
const MAX_NEURONS: u64 = 1 << 24;
/// Most weights that factors may stand for.
const MOST_PRODUCTS: u64 = 1 << 26;
/// Most products a weight.
const MOST_RANK: u32 = 64;
/// Largest magnitude of an integer factor: sums of so many products hold in 32 bits.
const LARGEST_FACTOR: i32 = 1 << 12;
/// Longest delay in ticks.
const MAX_DELAY: u16 = 4096;

/// Checks a network: finite parameters, one value or one a neuron, patterns that agree with their populations,
/// indices in range.
///
/// # Errors
/// `graph/...` problems, all at once, each with the population or projection.
pub fn check(network: &Network) -> Result<()> {
    let mut found = Vec::new();
    match network {
        Network::Float(graph) => {
            common(&graph.populations, &graph.projections, &graph.outputs, &mut found);
            if !(graph.profile.dt.is_finite() && graph.profile.dt > 0.0) {
                let what = format!("dt is {} seconds", graph.profile.dt);
                found.push(Problem::invalid("graph/dt", "profile", what).limit("finite and above 0"));
            }
            for population in &graph.populations {
                if let Some(neuron) = &population.neuron {
                    float_neuron(&population.name, population.size(), neuron, &mut found);
                }
            }
            for projection in &graph.projections {
                if let Some(at) = projection.weights.iter().position(|weight| !weight.is_finite()) {
                    let place = format!("projection '{}'", projection.name);
                    let what = format!("weight {at} is {}", projection.weights[at]);
                    found.push(Problem::invalid("graph/not-finite", place, what).help("train or export it again"));
                }
            }
        }
        Network::Int(graph) => {
            common(&graph.populations, &graph.projections, &graph.outputs, &mut found);
            for population in &graph.populations {
                if let Some(neuron) = &population.neuron {
                    int_neuron(&population.name, population.size(), neuron, &mut found);
                }
            }
            graph.projections.iter().for_each(|projection| factors(projection, &mut found));
            super::soma::check(graph, &mut found);
            super::learning::check(graph, &mut found);
        }
    }
    Problems::check(found, ())
}

fn common<N, W>(
    populations: &[Population<N>],
    projections: &[Projection<W>],
    outputs: &[Output],
    found: &mut Vec<Problem>,
) {
    let mut names = HashSet::new();
    for population in populations {
        let place = format!("population '{}'", population.name);
        if !names.insert(&population.name) {
            found.push(Problem::invalid("graph/name", &place, "a second population has this name"));
        }
        let size = population.shape.iter().try_fold(1u64, |size, &extent| size.checked_mul(u64::from(extent)));
        if !size.is_some_and(|size| (1..=MAX_NEURONS).contains(&size)) {
            let what = format!("shape {:?} is empty or too large", population.shape);
            found.push(Problem::invalid("graph/shape", place, what).limit(format!("1..={MAX_NEURONS} neurons")));
        }
    }
    if outputs.is_empty() {
        let problem = Problem::invalid("graph/no-output", "network", "nothing is read: there is no output");
        found.push(problem.help("name the population to read under outputs"));
    }
    for output in outputs {
        if output.population.index() >= populations.len() {
            found.push(Problem::invalid("graph/index", format!("output '{}'", output.name), "no such population"));
        }
    }
    // Sizes must be sound before patterns are compared with them.
    if found.is_empty() {
        for projection in projections {
            self::projection(populations, projection, found);
        }
    }
}

fn projection<N, W>(populations: &[Population<N>], projection: &Projection<W>, found: &mut Vec<Problem>) {
    let place = format!("projection '{}'", projection.name);
    let (Some(source), Some(target)) =
        (populations.get(projection.source.index()), populations.get(projection.target.index()))
    else {
        return found.push(Problem::invalid("graph/index", place, "source or target is no population"));
    };
    if target.is_input() {
        let what = format!("leads into '{}', which is an input", target.name);
        found.push(Problem::invalid("graph/into-input", &place, what).help("give the target a neuron"));
    }
    match pattern_fault(&projection.pattern, source.size(), target.size(), projection.weights.len()) {
        Some(what) => found.push(Problem::invalid("graph/pattern", &place, what)),
        None if !(-32..=31).contains(&projection.exponent) => {
            let what = format!("exponent {}", projection.exponent);
            found.push(Problem::invalid("graph/exponent", &place, what).limit("-32..=31"));
        }
        None => {}
    }
    let longest = match &projection.delays {
        Delays::Uniform(ticks) => *ticks,
        Delays::PerWeight(ticks) => {
            if matches!(projection.pattern, Pattern::Factorised { .. }) {
                let what = "its weights are products: they have one delay";
                found.push(Problem::invalid("graph/delay", &place, what).help("give one delay for all"));
            } else if ticks.len() != projection.weights.len() {
                let what = format!("{} delays for {} weights", ticks.len(), projection.weights.len());
                found.push(Problem::invalid("graph/delay", &place, what));
            }
            ticks.iter().copied().max().unwrap_or(0)
        }
    };
    if longest > MAX_DELAY {
        let what = format!("a delay of {longest} ticks");
        found.push(Problem::invalid("graph/delay", place, what).limit(format!("{MAX_DELAY} ticks")));
    }
}

/// Integer factors that are too large.
fn factors(projection: &Projection<i32>, found: &mut Vec<Problem>) {
    if matches!(projection.pattern, Pattern::Factorised { .. }) {
        let most = i64::from(LARGEST_FACTOR);
        let values = projection.weights.iter().map(|&factor| factor.into());
        found.extend(outside(&format!("projection '{}'", projection.name), "factor", "number", values, -most..=most));
    }
}

/// All of the values that are not within `range`, each with the nearest one that is.
fn outside(
    place: &str,
    name: &str,
    unit: &str,
    values: impl IntoIterator<Item = i64>,
    range: RangeInclusive<i64>,
) -> Option<Problem> {
    let (what, nearest) = outliers(name, unit, values, *range.start(), *range.end())?;
    let limit = format!("{}..={}", range.start(), range.end());
    Some(Problem::invalid("graph/range", place, what).limit(limit).help(nearest))
}

/// Why a pattern does not join `sources` to `targets` with that many weights.
fn pattern_fault(pattern: &Pattern, sources: usize, targets: usize, weights: usize) -> Option<String> {
    let needed = match pattern {
        Pattern::Dense { sources: s, targets: t } => {
            if (*s as usize, *t as usize) != (sources, targets) {
                return Some(format!("dense {s} -> {t} between populations of {sources} and {targets} neurons"));
            }
            sources as u64 * targets as u64
        }
        Pattern::OneToOne { size, shared } => {
            if (*size as usize, *size as usize) != (sources, targets) {
                return Some(format!("one to one of {size} between populations of {sources} and {targets} neurons"));
            }
            if *shared { 1 } else { sources as u64 }
        }
        Pattern::Sparse { offsets, targets: ends, weight_index } => {
            return sparse_fault(offsets, ends, weight_index, sources, targets, weights);
        }
        Pattern::Conv2d(conv) => match conv_weights(conv, sources, targets) {
            Ok(needed) => needed,
            Err(what) => return Some(what),
        },
        Pattern::Pool2d(pool) => match pool_fault(pool, sources, targets) {
            None => 1,
            what => return what,
        },
        Pattern::Factorised { sources: s, targets: t, rank } => {
            if (*s as usize, *t as usize) != (sources, targets) {
                return Some(format!("factors of {s} -> {t} between populations of {sources} and {targets} neurons"));
            }
            if !(1..=MOST_RANK).contains(rank) {
                return Some(format!("rank {rank}, not within 1..={MOST_RANK}"));
            }
            if sources as u64 * targets as u64 > MOST_PRODUCTS {
                return Some(format!("factors of {sources} -> {targets} stand for more than {MOST_PRODUCTS} weights"));
            }
            u64::from(*rank) * (sources as u64 + targets as u64)
        }
        Pattern::Stochastic(drawn) => {
            if (drawn.sources as usize, drawn.targets as usize) != (sources, targets) {
                let (s, t) = (drawn.sources, drawn.targets);
                return Some(format!("drawn {s} -> {t} between populations of {sources} and {targets} neurons"));
            }
            if drawn.chance > 1 << 32 || !(1..=1 << 16).contains(&drawn.weights) {
                return Some("a chance above 1, or not 1 to 65536 weights to draw from".to_owned());
            }
            drawn.weights.into()
        }
    };
    (needed != weights as u64).then(|| format!("{weights} weights where the pattern needs {needed}"))
}

fn sparse_fault(
    offsets: &[u32],
    ends: &[u32],
    weight_index: &[u32],
    sources: usize,
    targets: usize,
    weights: usize,
) -> Option<String> {
    if offsets.len() != sources + 1 {
        return Some(format!("{} offsets for {sources} sources (one more is needed)", offsets.len()));
    }
    let ends_well = offsets[0] == 0 && offsets[sources] as usize == ends.len();
    if !ends_well || !offsets.is_sorted() {
        return Some(format!("offsets must ascend from 0 to the {} synapses", ends.len()));
    }
    if let Some(bad) = ends.iter().find(|&&target| target as usize >= targets) {
        return Some(format!("target {bad} of {targets}"));
    }
    if weight_index.is_empty() {
        return (ends.len() != weights).then(|| format!("{weights} weights for {} synapses", ends.len()));
    }
    if weight_index.len() != ends.len() {
        return Some(format!("{} weight numbers for {} synapses", weight_index.len(), ends.len()));
    }
    weight_index.iter().find(|&&w| w as usize >= weights).map(|bad| format!("weight number {bad} of {weights}"))
}

/// Volumes and windows that agree: every extent at least 1, outputs whose windows begin inside the padded input.
fn geometry(
    input: [u32; 3],
    output: [u32; 3],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    (sources, targets): (usize, usize),
) -> Option<String> {
    let volume = |extents: [u32; 3]| extents.iter().try_fold(1u64, |v, &e| v.checked_mul(u64::from(e)));
    if volume(input) != Some(sources as u64) || volume(output) != Some(targets as u64) {
        return Some(format!("{input:?} -> {output:?} between populations of {sources} and {targets} neurons"));
    }
    if kernel.contains(&0) || stride.contains(&0) || dilation.contains(&0) {
        return Some("kernel, stride and dilation must be at least 1".to_owned());
    }
    let limits = [kernel, stride, padding, dilation];
    if limits.iter().flatten().any(|&value| value > 1 << 16) {
        return Some("kernel, stride, padding and dilation must be below 65536".to_owned());
    }
    for axis in 0..2 {
        let last = u64::from(output[axis + 1] - 1) * u64::from(stride[axis]);
        if last >= u64::from(input[axis + 1]) + u64::from(padding[axis]) {
            return Some(format!("the last of {} windows begins outside the input", output[axis + 1]));
        }
    }
    None
}

fn conv_weights(conv: &Conv2d, sources: usize, targets: usize) -> std::result::Result<u64, String> {
    let Conv2d { input, output, kernel, stride, padding, dilation, groups } = conv;
    let fault = geometry(*input, *output, *kernel, *stride, *padding, *dilation, (sources, targets));
    if let Some(what) = fault {
        return Err(what);
    }
    if *groups == 0 || !input[0].is_multiple_of(*groups) || !output[0].is_multiple_of(*groups) {
        return Err(format!("{groups} groups do not divide {} and {} channels", input[0], output[0]));
    }
    let factors = [output[0], input[0] / groups, kernel[0], kernel[1]];
    let needed = factors.iter().try_fold(1u64, |product, &n| product.checked_mul(u64::from(n)));
    needed.ok_or_else(|| "the kernel is too large".to_owned())
}

fn pool_fault(pool: &Pool2d, sources: usize, targets: usize) -> Option<String> {
    if pool.input[0] != pool.output[0] {
        return Some(format!("pooling turns {} channels into {}", pool.input[0], pool.output[0]));
    }
    geometry(pool.input, pool.output, pool.kernel, pool.stride, pool.padding, [1; 2], (sources, targets))
}

fn float_neuron(name: &str, size: usize, neuron: &FloatNeuron, found: &mut Vec<Problem>) {
    use NeuronKind::{CubaLi, CubaLif, If, Li, Lif, Threshold};
    let leaky = matches!(neuron.kind, Lif | Li | CubaLif | CubaLi);
    let cuba = matches!(neuron.kind, CubaLif | CubaLi);
    let resets = matches!(neuron.kind, If | Lif | CubaLif);
    let parameters = [
        ("tau_mem", &neuron.tau_mem, leaky, true),
        ("tau_syn", &neuron.tau_syn, cuba, true),
        ("r", &neuron.r, neuron.kind != Threshold, false),
        ("v_leak", &neuron.v_leak, leaky, false),
        ("v_threshold", &neuron.v_threshold, neuron.kind.spikes(), false),
        ("v_reset", &neuron.v_reset, resets, false),
        ("w_in", &neuron.w_in, cuba, false),
        ("bias", &neuron.bias, false, false),
        ("recurrent_bias", &neuron.recurrent_bias, false, false),
        ("v_initial", &neuron.v_initial, false, false),
    ];
    for (parameter, values, needed, positive) in parameters {
        let place = format!("population '{name}' {parameter}");
        if values.is_empty() && needed {
            found.push(Problem::invalid("graph/missing", &place, format!("{parameter} is missing")));
        }
        count(values.len(), size, &place, found);
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            found.push(Problem::invalid("graph/not-finite", &place, format!("neuron {at} has {}", values[at])));
        } else if positive && needed && values.iter().any(|&value| value <= 0.0) {
            found.push(Problem::invalid("graph/tau", place, "a time constant is not above 0 seconds"));
        }
    }
}

fn count(values: usize, size: usize, place: &str, found: &mut Vec<Problem>) {
    if values > 1 && values != size {
        let what = format!("{values} values for {size} neurons");
        found.push(Problem::invalid("graph/count", place, what).limit("one for all, or one a neuron"));
    }
}

fn int_neuron(name: &str, size: usize, neuron: &IntNeuron, found: &mut Vec<Problem>) {
    let mut check = |parameter: &str, values: usize, needed: bool| {
        let place = format!("population '{name}' {parameter}");
        if values == 0 && needed {
            found.push(Problem::invalid("graph/missing", &place, format!("{parameter} is empty")));
        }
        count(values, size, &place, found);
    };
    match neuron {
        IntNeuron::Cuba(cuba) => {
            check("decay_u", cuba.decay_u.len(), true);
            check("decay_v", cuba.decay_v.len(), true);
            let threshold = cuba.threshold.as_ref();
            check("threshold", threshold.map_or(1, Vec::len), true);
            check("bias", cuba.bias.len(), true);
            check("bias_exponent", cuba.bias_exponent.len(), true);
            check("refractory", cuba.refractory.len(), true);
            check("initial_u", cuba.initial_u.len(), true);
            check("initial_v", cuba.initial_v.len(), true);
            let place = format!("population '{name}'");
            for (register, values) in [("decay_u", &cuba.decay_u), ("decay_v", &cuba.decay_v)] {
                found.extend(outside(&place, register, "neuron", values.iter().map(|&decay| decay.into()), 0..=4095));
            }
            let exponents = cuba.bias_exponent.iter().map(|&exponent| exponent.into());
            found.extend(outside(&place, "bias_exponent", "neuron", exponents, -31..=31));
            // Register 1 is no silent tick.
            let refractory = cuba.refractory.iter().map(|&ticks| ticks.into());
            found.extend(outside(&place, "refractory", "neuron", refractory, 1..=u8::MAX.into()));
        }
        IntNeuron::Program(program) => {
            for (name, values) in &program.initial {
                check(name, values.len(), true);
            }
        }
        IntNeuron::Fcore(fcore) => match &fcore.soma {
            FcoreSoma::Ann(ann) => check("bias", ann.bias.len(), true),
            FcoreSoma::Snn(snn) => {
                check("bias", snn.bias.len(), true);
                check("threshold", snn.threshold.as_ref().map_or(1, Vec::len), true);
                check("initial", snn.initial.len(), true);
            }
        },
        IntNeuron::Stepped(stepped) => {
            let lists = || stepped.lists().into_iter().filter_map(|(register, list)| Some((register, list?)));
            lists().for_each(|(register, list)| check(register, list.len(), true));
            for (register, list) in lists() {
                let wrong = list.iter().map(|&bits| Half(bits)).find(|half| !half.is_finite());
                let fault = wrong.map(|half| format!("the bits {} are those of no finite number", half.0));
                let zero = register == "bias" && list.contains(&0x8000);
                let zero = zero.then(|| "a bias of -0; +0 has the bits 0".to_owned());
                let place = format!("population '{name}' {register}");
                found.extend(fault.or(zero).map(|what| Problem::invalid("graph/range", place, what)));
            }
        }
        IntNeuron::Crossbar(crossbar) => {
            check("leak", crossbar.leak.len(), true);
            let threshold = crossbar.threshold.as_ref();
            check("threshold", threshold.map_or(1, Vec::len), true);
            check("negative_threshold", crossbar.negative_threshold.len(), true);
            check("reset_value", crossbar.reset_value.len(), true);
            check("initial", crossbar.initial.len(), true);
        }
    }
}
