//! What learning asks of the chip, and its groups as a core is loaded with them.

use std::collections::BTreeMap;

use super::draft::Source;
use crate::chip::{CubaSpec, Dialect};
use crate::diag::Problem;
use crate::graph::{IntGraph, Learning, Projection, TraceShape};
use crate::image::{FactorImage, LearningGroup, TraceImage};
use crate::rule::{Graded, Sign, Trace};

/// Weights told of one projection before the rest is only counted.
const MOST: usize = 20;
/// Most factors of a product in dialect brian2, whose integers have no width: what 64 bits hold.
const BRIAN2_FACTORS: usize = 4;

/// What a synapse that learns has beside its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra {
    pub(super) tag: i16,
    /// Its learned delay, or the one that spikes take.
    pub(super) delay: i16,
}

/// A neuron that supplies a trace (0 to 2: y1 to y3) of a compartment, or of all targets; by the spikes of its first output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Supply {
    pub(super) trace: u8,
    pub(super) source: Source,
    pub(super) target: Option<u16>,
}

/// Every demand of a projection's learning that the chip or its dialect does not meet.
pub(super) fn check(graph: &IntGraph, spec: &CubaSpec, problems: &mut Vec<Problem>) {
    for learning in &graph.learning {
        let Some(projection) = graph.projections.get(learning.projection.index()) else { continue };
        let place = format!("projection '{}'", projection.name);
        let mut misfit = |what: &str, limit: &str, help: &str| {
            let problem = Problem::misfit("cuba/learning", &place, what);
            let problem = if limit.is_empty() { problem } else { problem.limit(limit) };
            problems.push(if help.is_empty() { problem } else { problem.help(help) });
        };
        if learning.rule.needs_tag() && spec.tag_bits == 0 {
            misfit(
                "its rule has a tag, but no synapse format of the chip has tag bits",
                "core.cuba.tag_bits = 0",
                "drop dt and t from the rule, or compile for a chip with tag bits",
            );
        }
        dialect(learning, spec.dialect, &mut misfit);
        weights(learning, projection, spec.dialect, &place, problems);
        let tags = if learning.rule.needs_tag() { (-(1_i16 << 8), (1_i16 << 8) - 1) } else { (0, 0) };
        range("tag", &learning.tags, tags, &place, problems);
        range("learned delay", &learning.delays, (0, 255), &place, problems);
    }
}

/// What the dialect does not have.
fn dialect(learning: &Learning, dialect: Dialect, misfit: &mut impl FnMut(&str, &str, &str)) {
    let rule = &learning.rule;
    let delays_act = dialect != Dialect::Lava;
    if delays_act && !learning.delays.is_empty() {
        misfit(
            "delays apart from those that spikes take",
            "dialect lava alone keeps them",
            "give the projection's own delay",
        );
    }
    if dialect == Dialect::Nengo && !rule.delay.is_empty() {
        misfit("its rule learns delays, which dialect nengo does not have", "", "drop dd, or choose chip_best_guess");
    }
    if dialect != Dialect::Brian2 {
        return;
    }
    if learning.epoch != 1 {
        misfit("an epoch of more than one tick", "1 tick in dialect brian2", "the nearest epoch is 1");
    }
    if !rule.delay.is_empty() || rule.needs_tag() || learning.needs_delay() {
        misfit("its rule has delays or tags", "dialect brian2 learns weights alone", "drop dd, dt, d and t");
    }
    let states = learning.states.iter().any(Option::is_some);
    if learning.factors.iter().any(Option::is_some) || states || learning.graded != Graded::Ignored {
        misfit("a third factor or graded spikes", "dialect brian2 has neither", "choose dialect lava");
    }
    if rule.products().any(|product| product.factors.len() > BRIAN2_FACTORS) {
        misfit("a product of more than four factors", "4 factors in dialect brian2", "split the product");
    }
}

/// Least and greatest weight of a learning synapse.
const fn weight_range(sign: Sign, dialect: Dialect) -> (i16, i16) {
    if matches!(dialect, Dialect::Brian2) { sign.range_brian2() } else { sign.range() }
}

fn weights(
    learning: &Learning,
    projection: &Projection<i32>,
    dialect: Dialect,
    place: &str,
    problems: &mut Vec<Problem>,
) {
    let (least, most) = weight_range(learning.sign, dialect);
    let (least, most) = (i32::from(least), i32::from(most));
    let outside = projection.weights.iter().enumerate().filter(|(_, weight)| !(least..=most).contains(*weight));
    for (at, weight) in outside.take(MOST) {
        problems.push(
            Problem::misfit("cuba/weight", format!("{place}, weight {at}"), format!("weight {weight} is out of range"))
                .limit(format!("{least}..={most} ({:?} weights that learn)", learning.sign))
                .help(format!("the nearest legal value is {}", weight.clamp(&least, &most))),
        );
    }
}

fn range(what: &str, values: &[i16], (least, most): (i16, i16), place: &str, problems: &mut Vec<Problem>) {
    let outside = values.iter().enumerate().filter(|(_, value)| !(least..=most).contains(*value));
    for (at, value) in outside.take(MOST) {
        problems.push(
            Problem::misfit(
                "cuba/learning",
                format!("{place}, {what} {at}"),
                format!("{what} {value} is out of range"),
            )
            .limit(format!("{least}..={most}"))
            .help(format!("the nearest legal value is {}", value.clamp(&least, &most))),
        );
    }
}

/// A trace as the dialect computes it.
fn trace(shape: TraceShape, dialect: Dialect) -> TraceImage {
    let TraceShape { impulse, tau } = shape;
    let trace = if dialect == Dialect::Brian2 { Trace::first_order(impulse, tau) } else { Trace::new(impulse, tau) };
    TraceImage::new(&trace)
}

/// The group of a projection on one core; `extras` are of its synapses in the order of its lists.
pub(super) fn group(
    learning: &Learning,
    spec: &CubaSpec,
    extras: &[Extra],
    factors: Vec<FactorImage>,
) -> LearningGroup {
    let tags: Vec<i16> = extras.iter().map(|extra| extra.tag).collect();
    let apart = spec.dialect == Dialect::Lava && learning.needs_delay();
    LearningGroup {
        projection: learning.projection.0,
        rule: learning.rule.to_string(),
        epoch: learning.epoch,
        start: learning.start,
        seed: learning.seed,
        steps: 0,
        sign: LearningGroup::sign_code(learning.sign),
        weight_bits: learning.weight_bits,
        graded: LearningGroup::graded_code(learning.graded),
        traces: learning.traces.map(|shape| trace(shape, spec.dialect)),
        factors,
        states: learning.states.clone(),
        post: learning.post,
        tags: if tags.iter().all(|&tag| tag == 0) { Vec::new() } else { tags },
        delays: if apart { extras.iter().map(|extra| extra.delay).collect() } else { Vec::new() },
    }
}

/// Everything that supplies traces to the targets, given as (compartment, neuron).
pub(super) fn sources(
    graph: &IntGraph,
    learning: &Learning,
    targets: &(impl Iterator<Item = (u32, u32)> + Clone),
) -> Vec<Supply> {
    let mut all = Vec::new();
    for (trace, population) in (0..).zip(&learning.factors) {
        let Some(population) = population else { continue };
        if graph.populations[population.index()].size() == 1 {
            all.push(Supply { trace, source: (population.0, 0, 0), target: None });
        } else {
            let target = |compartment: u32| Some(compartment as u16);
            let supply = |(compartment, neuron)| Supply {
                trace,
                source: (population.0, neuron, 0),
                target: target(compartment),
            };
            all.extend(targets.clone().map(supply));
        }
    }
    all
}

/// The factors with their axons.
pub(super) fn factors(sources: &[Supply], axons: &BTreeMap<Source, u16>) -> Vec<FactorImage> {
    let factor = |supply: &Supply| {
        let Supply { trace, source, target } = *supply;
        axons.get(&source).map(|&axon| FactorImage { trace, axon, target })
    };
    sources.iter().filter_map(factor).collect()
}
