//! Whether an integer network is well formed and within the registers of the chip, before anything is spent on it.

use super::compressed;
use super::format::Encoding;
use super::{programs, trees};
use crate::chip::{ChipSpec, CubaSpec};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CubaNeuron, Delays, IntGraph, IntNeuron, Pattern, Population, Projection, outliers};

/// Largest population that is looked at (inputs; a chip bounds the others).
const LARGEST: u64 = 1 << 24;

/// All problems of the network at once.
pub(super) fn check(graph: &IntGraph, chip: &ChipSpec, spec: &CubaSpec) -> Result<()> {
    let mut problems = Vec::new();
    for population in &graph.populations {
        neurons(population, chip, spec, &mut problems);
    }
    // Weights of another kind of chip are of other forms: the neurons say what is wrong.
    let foreign = problems.iter().any(|problem| problem.code == "cuba/family");
    for (number, projection) in graph.projections.iter().enumerate() {
        match structure(graph, projection) {
            Ok(()) => {
                ranges(projection, spec, &mut problems);
                // Weights that learn and factors have checks of their own.
                let factors = matches!(projection.pattern, Pattern::Factorised { .. });
                let plain = !(foreign || factors && compressed::stored(&projection.pattern, spec));
                if plain && graph.learning_of(number).is_none() {
                    problems.extend(Encoding::of(projection, spec).map_or_else(Problems::into_vec, |_| Vec::new()));
                }
                compressed::check(projection, spec, &mut problems);
            }
            Err(what) => {
                let place = format!("projection '{}'", projection.name);
                problems.push(Problem::invalid("cuba/projection", place, what));
            }
        }
    }
    for output in &graph.outputs {
        let population = graph.populations.get(output.population.index());
        if population.is_none_or(Population::is_input) {
            let what = "an output must be a population of neurons";
            problems.push(Problem::invalid("cuba/output", format!("output '{}'", output.name), what));
        }
    }
    super::learning::check(graph, spec, &mut problems);
    trees::check_sizes(graph, chip, &mut problems);
    capacity(graph, chip, spec, &mut problems);
    Problems::check(problems, ())
}

/// Number of neurons of a shape, without overflow.
fn volume(shape: &[u32]) -> u64 {
    shape.iter().fold(1, |product: u64, &extent| product.saturating_mul(u64::from(extent)))
}

fn neurons(population: &Population<IntNeuron>, chip: &ChipSpec, spec: &CubaSpec, problems: &mut Vec<Problem>) {
    let place = format!("population '{}'", population.name);
    let size = volume(&population.shape);
    if size == 0 || size > LARGEST {
        let what = format!("shape {:?} has {size} neurons", population.shape);
        problems.push(Problem::invalid("cuba/population", place, what).limit(format!("1..={LARGEST} neurons")));
        return;
    }
    match &population.neuron {
        None => {}
        Some(IntNeuron::Cuba(registers)) => registers_of(registers, size, spec, &place, problems),
        Some(IntNeuron::Program(program)) => programs::check(program, size, (chip, spec), &place, problems),
        Some(IntNeuron::Crossbar(_) | IntNeuron::Fcore(_) | IntNeuron::Stepped(_)) => problems.push(
            Problem::invalid("cuba/family", place, "it has the neurons of another kind of chip")
                .help("compile for the chip that they belong to, such as 'truenorth', or give the neurons as 'cuba'"),
        ),
    }
}

fn registers_of(registers: &CubaNeuron, size: u64, spec: &CubaSpec, place: &str, problems: &mut Vec<Problem>) {
    let CubaNeuron { decay_u, decay_v, threshold, bias, bias_exponent, refractory, initial_u, initial_v, .. } =
        registers;
    trees::check(registers, spec, place, problems);
    let extras = trees::registers(registers, spec);
    let dialect = spec.dialect;
    let top = |bits: u8| (1_i64 << bits) - 1;
    let bias_edge = if dialect.has_bias() { 1_i64 << (spec.bias_bits - 1) } else { 0 };
    let state_edge = 1_i64 << (spec.state_bits - 1);
    let wide = |values: &[u16]| values.iter().map(|&v| i64::from(v)).collect();
    let long = |values: &[i32]| values.iter().map(|&v| i64::from(v)).collect();
    let mut registers: Vec<(&str, Vec<i64>, i64, i64)> = vec![
        ("decay_u", wide(decay_u), 0, top(spec.decay_bits)),
        ("decay_v", wide(decay_v), 0, top(spec.decay_bits)),
        ("bias", bias.iter().map(|&v| i64::from(v)).collect(), -bias_edge, (bias_edge - 1).max(0)),
        (
            "bias_exponent",
            bias_exponent.iter().map(|&v| i64::from(v)).collect(),
            dialect.bias_exponent_min().into(),
            spec.bias_exponent_max.into(),
        ),
        ("refractory", refractory.iter().map(|&v| i64::from(v)).collect(), 1, dialect.refractory_max().into()),
        ("initial_u", long(initial_u), -state_edge, state_edge - 1),
        ("initial_v", long(initial_v), -state_edge, state_edge - 1),
    ];
    if let Some(mantissas) = threshold {
        let values = mantissas.iter().map(|&v| i64::from(v)).collect();
        registers.push(("threshold", values, 0, top(spec.threshold_bits)));
    }
    for (name, values, low, high) in registers.into_iter().chain(extras) {
        if values.len() != 1 && values.len() as u64 != size {
            let what = format!("{name} has {} values for {size} neurons", values.len());
            problems.push(Problem::invalid("cuba/register", place, what).help("give one value, or one a neuron"));
        } else if let Some((what, nearest)) = outliers(name, "neuron", values, low, high) {
            let limit = format!("{low}..={high} in dialect {}", dialect.name());
            problems.push(Problem::misfit("cuba/register", place, what).limit(limit).help(nearest));
        }
    }
}

/// Whether the parts of a projection fit each other.
fn structure(graph: &IntGraph, projection: &Projection<i32>) -> std::result::Result<(), String> {
    let size = |id: crate::ids::PopulationId| graph.populations.get(id.index()).map(|p| volume(&p.shape));
    let (Some(sources), Some(targets)) = (size(projection.source), size(projection.target)) else {
        return Err("it names a population that does not exist".into());
    };
    if graph.populations[projection.target.index()].is_input() {
        return Err("its target is an input".into());
    }
    let (from, to, weights) = pattern_shape(&projection.pattern)?;
    if from != sources {
        return Err(format!("its pattern has {from} sources, the source population {sources} neurons"));
    }
    let sparse = matches!(projection.pattern, Pattern::Sparse { .. });
    if to > targets || (!sparse && to != targets) {
        return Err(format!("its pattern has {to} targets, the target population {targets} neurons"));
    }
    let given = projection.weights.len() as u64;
    if given < weights || (!sparse && given != weights) {
        return Err(format!("it has {given} weights where its pattern needs {weights}"));
    }
    match &projection.delays {
        Delays::PerWeight(delays) if delays.len() as u64 != given => {
            Err(format!("it has {} delays for {given} weights", delays.len()))
        }
        _ => Ok(()),
    }
}

/// Sources, targets and weights that a pattern needs, after a check of its own parts.
fn pattern_shape(pattern: &Pattern) -> std::result::Result<(u64, u64, u64), String> {
    match pattern {
        Pattern::Dense { sources, targets } => {
            let (sources, targets) = (u64::from(*sources), u64::from(*targets));
            Ok((sources, targets, sources * targets))
        }
        Pattern::OneToOne { size, shared } => {
            Ok((u64::from(*size), u64::from(*size), if *shared { 1 } else { u64::from(*size) }))
        }
        Pattern::Sparse { offsets, targets, weight_index } => {
            let ordered = offsets.first() == Some(&0) && offsets.windows(2).all(|pair| pair[0] <= pair[1]);
            if !ordered || offsets.last().map(|&end| end as usize) != Some(targets.len()) {
                return Err("its offsets do not ascend from 0 to the number of synapses".into());
            }
            if !weight_index.is_empty() && weight_index.len() != targets.len() {
                return Err("it has another number of weight indices than of synapses".into());
            }
            let most = |values: &[u32]| values.iter().max().map_or(0, |&top| u64::from(top) + 1);
            let weights = if weight_index.is_empty() { targets.len() as u64 } else { most(weight_index) };
            Ok((offsets.len() as u64 - 1, most(targets), weights))
        }
        Pattern::Conv2d(conv) => {
            let groups = conv.groups;
            if groups == 0 || !conv.input[0].is_multiple_of(groups) || !conv.output[0].is_multiple_of(groups) {
                return Err(format!("{groups} groups do not divide its channels"));
            }
            plane(conv.kernel, conv.stride, conv.dilation, conv.padding)?;
            let kernel = volume(&conv.kernel);
            let weights = kernel.saturating_mul(u64::from(conv.output[0]) * u64::from(conv.input[0] / groups));
            Ok((volume(&conv.input), volume(&conv.output), weights))
        }
        Pattern::Pool2d(pool) => {
            if pool.input[0] != pool.output[0] {
                return Err("a pooling keeps the number of channels".into());
            }
            plane(pool.kernel, pool.stride, [1, 1], pool.padding)?;
            Ok((volume(&pool.input), volume(&pool.output), 1))
        }
        Pattern::Factorised { sources, targets, rank } => {
            let (sources, targets) = (u64::from(*sources), u64::from(*targets));
            Ok((sources, targets, u64::from(*rank) * (sources + targets)))
        }
        Pattern::Stochastic(drawn) => Ok((drawn.sources.into(), drawn.targets.into(), drawn.weights.into())),
    }
}

/// Positive kernel, stride and dilation, all small enough for the index arithmetic.
fn plane(kernel: [u32; 2], stride: [u32; 2], dilation: [u32; 2], padding: [u32; 2]) -> std::result::Result<(), String> {
    let fine = |values: [u32; 2], least: u32| values.iter().all(|value| (least..1 << 15).contains(value));
    if fine(kernel, 1) && fine(stride, 1) && fine(dilation, 1) && fine(padding, 0) {
        return Ok(());
    }
    Err("kernel, stride and dilation must be 1..=32767, padding 0..=32767".into())
}

/// Weights, exponents and delays within the chip's fields.
fn ranges(projection: &Projection<i32>, spec: &CubaSpec, problems: &mut Vec<Problem>) {
    let place = || format!("projection '{}'", projection.name);
    let exponents = spec.weight_exponent_min..=spec.weight_exponent_max;
    if !exponents.contains(&projection.exponent) {
        let what = format!("weight exponent {} is out of range", projection.exponent);
        let limit = format!("{}..={}", spec.weight_exponent_min, spec.weight_exponent_max);
        let nearest = projection.exponent.clamp(spec.weight_exponent_min, spec.weight_exponent_max);
        problems.push(
            Problem::misfit("cuba/exponent", place(), what)
                .limit(limit)
                .help(format!("the nearest legal value is {nearest}")),
        );
    }
    let delays: &[u16] = match &projection.delays {
        Delays::Uniform(ticks) => std::slice::from_ref(ticks),
        Delays::PerWeight(ticks) => ticks,
    };
    let most = spec.delay_max.min(spec.dialect.delay_max());
    let found = outliers("delay", "weight", delays.iter().map(|&delay| i64::from(delay)), 0, most.into());
    if let Some((what, nearest)) = found {
        problems.push(
            Problem::misfit("cuba/delay", place(), what)
                .limit(format!("0..={most} ticks in dialect {}", spec.dialect.name()))
                .help(format!("{nearest}; or chain the delay through a relay population")),
        );
    }
}

/// Bounds that no partition can beat.
fn capacity(graph: &IntGraph, chip: &ChipSpec, spec: &CubaSpec, problems: &mut Vec<Problem>) {
    let room = u64::from(chip.cores()) * u64::from(chip.capacity.neurons);
    let neurons = graph.populations.iter().filter(|p| !p.is_input()).map(|p| volume(&p.shape));
    let total = neurons.fold(0, u64::saturating_add);
    if total > room {
        let largest = graph.populations.iter().filter(|p| !p.is_input()).max_by_key(|p| volume(&p.shape));
        let name = largest.map_or("", |population| &population.name);
        let what =
            format!("the network has {total} neurons, {} too many; this is the largest population", total - room);
        problems.push(
            Problem::misfit("cuba/neurons", format!("population '{name}'"), what)
                .limit(format!("{room} neurons on chip '{}'", chip.name))
                .help("shrink the network or describe a larger chip"),
        );
    }
    let bits = u64::from(chip.cores()) * u64::from(spec.synapse_words) * 64;
    for projection in &graph.projections {
        let synapses = match &projection.pattern {
            Pattern::Dense { sources, targets } => u64::from(*sources) * u64::from(*targets),
            Pattern::Sparse { targets, weight_index, .. } if weight_index.is_empty() => targets.len() as u64,
            _ => 0,
        };
        if synapses > bits {
            let what = format!("{synapses} synapses do not fit the chip even at one bit each");
            problems.push(
                Problem::misfit("cuba/synapses", format!("projection '{}'", projection.name), what)
                    .limit(format!("{bits} bits of synapse memory on chip '{}'", chip.name))
                    .help("shrink the projection or describe a larger chip"),
            );
        }
    }
}
