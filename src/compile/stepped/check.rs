//! Whether a network in half precision is within what the chip has and does.

use crate::binary16::Half;
use crate::chip::{ChipSpec, SteppedSpec};
use crate::compile::cannot_learn;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Delays, IntGraph, IntNeuron, Pattern, Population, SteppedNeuron};

/// Problems beyond this number are not listed.
const MOST: usize = 50;
/// Synapses beyond this number are not written out: two gigabytes of them.
const MOST_SYNAPSES: u64 = 1 << 28;
/// Longest delay: axons hold it in a byte.
const MOST_DELAY: u16 = 255;

/// All problems of the network at once.
pub(super) fn check(graph: &IntGraph, chip: &ChipSpec, spec: &SteppedSpec) -> Result<()> {
    let mut problems = Vec::new();
    for population in &graph.populations {
        let place = format!("population '{}'", population.name);
        match &population.neuron {
            None => {}
            Some(IntNeuron::Stepped(neuron)) => channels(population, neuron, &place, &mut problems),
            Some(_) => problems.push(
                Problem::invalid("stepped/family", place, format!("its neurons are not those of chip '{}'", chip.name))
                    .limit("model lif_half")
                    .help("give them as lif_half, or compile for the chip that they belong to"),
            ),
        }
    }
    projections(graph, &mut problems);
    sizes(graph, chip, spec, &mut problems);
    problems.extend(cannot_learn(graph, chip));
    problems.truncate(MOST);
    Problems::check(problems, ())
}

/// The chip's registers are for all neurons of a layer or one a channel.
fn channels(population: &Population<IntNeuron>, neuron: &SteppedNeuron, place: &str, problems: &mut Vec<Problem>) {
    let [_, height, width] = population.shape.as_slice() else { return };
    let plane = *height as usize * *width as usize;
    for (name, list) in neuron.lists().into_iter().filter(|(name, _)| !matches!(*name, "bias" | "initial")) {
        let differ = |channel: &[u16]| channel.windows(2).any(|pair| pair[0] != pair[1]);
        let Some(list) = list.filter(|list| list.len() > 1) else { continue };
        if list.chunks(plane.max(1)).any(differ) {
            let what = format!("{name} differs within a channel");
            let problem = Problem::misfit("stepped/channel", place, what);
            problems.push(
                problem
                    .limit("one for all neurons or one a channel")
                    .help("give the population a flat shape, [neurons]"),
            );
        }
    }
}

fn projections(graph: &IntGraph, problems: &mut Vec<Problem>) {
    for projection in &graph.projections {
        let place = format!("projection '{}'", projection.name);
        let longest = match &projection.delays {
            Delays::Uniform(ticks) => *ticks,
            Delays::PerWeight(ticks) => ticks.iter().copied().max().unwrap_or(0),
        };
        if longest > MOST_DELAY {
            let problem = Problem::misfit("stepped/delay", place.as_str(), format!("a delay of {longest} ticks"));
            problems.push(problem.limit(format!("{MOST_DELAY} ticks")).help("put a relaying population between"));
        }
        if projection.exponent != 0 {
            let what = format!("its weights have the exponent {}", projection.exponent);
            problems.push(
                Problem::invalid("stepped/exponent", place.as_str(), what)
                    .limit("0")
                    .help("binary16 numbers have exponents of their own"),
            );
        }
        let wrong = |weight: &&i32| !u16::try_from(**weight).is_ok_and(|bits| Half(bits).is_finite());
        if let Some(weight) = projection.weights.iter().find(wrong) {
            let what = format!("the weight {weight} is not the bits of a finite binary16 number");
            problems.push(
                Problem::invalid("stepped/weight", place, what)
                    .limit("0 to 31743, and 32768 to 64511 below zero")
                    .help("15360 is 1.0; float networks are converted by compile"),
            );
        }
    }
}

/// What the chip holds.
fn sizes(graph: &IntGraph, chip: &ChipSpec, spec: &SteppedSpec, problems: &mut Vec<Problem>) {
    let mut demand = |code, used: u64, limit: u64, what: &str, help: &str| {
        if used > limit {
            let problem = Problem::misfit(code, graph.name.as_str(), format!("the network has {used} {what}"));
            problems.push(problem.limit(format!("{limit} on chip '{}'", chip.name)).help(help));
        }
    };
    let sizes = graph.populations.iter().map(|population| (population.is_input(), population.size() as u64));
    let (inputs, neurons) =
        sizes.fold(
            (0_u64, 0_u64),
            |(inputs, neurons), (is_input, size)| {
                if is_input { (inputs + size, neurons) } else { (inputs, neurons + size) }
            },
        );
    let held = u64::from(chip.usable_cores()) * u64::from(chip.capacity.neurons);
    demand("stepped/neurons", neurons, held, "neurons", "smaller layers, or loihi2 boards");
    demand("stepped/inputs", inputs, 1 << 28, "inputs", "smaller frames");
    let weights = graph.projections.iter().map(|projection| projection.weights.len() as u64).sum();
    demand(
        "stepped/weights",
        weights,
        spec.weights.into(),
        "weights",
        "smaller layers, or convolutions, which share theirs",
    );
    let synapses = graph.projections.iter().map(|p| most(&p.pattern)).fold(0, u64::saturating_add);
    demand("stepped/synapses", synapses, MOST_SYNAPSES, "synapses to write out", "smaller layers");
}

/// At least as many synapses as a pattern has, without a walk through them.
fn most(pattern: &Pattern) -> u64 {
    let (sources, targets) = pattern.shape();
    let (sources, targets) = (sources as u64, targets as u64);
    match pattern {
        Pattern::OneToOne { .. } => sources,
        Pattern::Sparse { targets, .. } => targets.len() as u64,
        Pattern::Conv2d(conv) => {
            let of_target = [conv.input[0] / conv.groups.max(1), conv.kernel[0], conv.kernel[1]];
            of_target.into_iter().fold(targets, |product, factor| product.saturating_mul(factor.into()))
        }
        Pattern::Pool2d(pool) => {
            pool.kernel.into_iter().fold(targets, |product, factor| product.saturating_mul(factor.into()))
        }
        Pattern::Dense { .. } | Pattern::Factorised { .. } | Pattern::Stochastic(_) => sources.saturating_mul(targets),
    }
}
