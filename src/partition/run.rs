//! Runs a strategy: from its name to a division that keeps every limit, or to the reason why there is none.

use super::compact::compact;
use super::layers::{Layers, Order};
use super::limits::Load;
#[cfg(feature = "metis")]
use super::metis;
use super::multilevel::{Knobs, Search};
use super::tiling::Tiling;
use super::{Hypergraph, Limits, Measures, Strategy, greedy, measure, over, sequential};
use crate::diag::{Problem, Result};
use crate::rng::Rng;
use crate::watch::Watch;

/// What is to be divided.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Neurons and their nets.
    pub graph: &'a Hypergraph,
    /// What a core holds.
    pub limits: Limits,
    /// What problems are named after, such as a file.
    pub name: &'a str,
    /// Seed of every draw.
    pub seed: u64,
    /// Clock and audience.
    pub watch: &'a dyn Watch,
    /// The division of `external`, one part a neuron.
    pub given: Option<&'a [u32]>,
}

/// A division of neurons into cores.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// Core of every neuron, from 0 without gaps.
    pub division: Vec<u32>,
    /// What it costs and holds.
    pub measures: Measures,
    /// What a core was allowed to hold: the limits of the task, and the cap on work that the strategy set.
    pub limits: Limits,
    /// The strategy with its parameters.
    pub strategy: String,
    /// Whether the clock ended the search.
    pub cut: bool,
}

impl Partition {
    /// Why the division cannot be used: cores over a limit or too many of them. Nothing where it can.
    #[must_use]
    pub fn fault(&self, task: &Task<'_>) -> Option<Problem> {
        let Measures { cores, illegal, .. } = self.measures;
        let most = task.limits.parts.unwrap_or(usize::MAX);
        if illegal == 0 && cores <= most {
            return None;
        }
        let what = match (illegal, self.cut) {
            (0, _) => format!("{cores} cores are needed by '{}'", self.strategy),
            (_, true) => format!("the time ran out with {illegal} of {cores} cores over a limit"),
            (_, false) => format!("{illegal} of {cores} cores of '{}' are over a limit", self.strategy),
        };
        let help = if self.cut { "a longer time limit" } else { "more cores, larger limits or another strategy" };
        Some(Problem::misfit("partition/limit", task.name, what).limit(told(&self.limits)).help(help))
    }
}

/// Limits in words.
fn told(limits: &Limits) -> String {
    let of = |limit: u64, what: &str| (limit != u64::MAX).then(|| format!("{limit} {what}"));
    let mut all: Vec<String> = [
        of(limits.neurons, "neurons"),
        of(limits.axons, "inbound axons"),
        of(limits.synapses, "units of synapse memory"),
        of(limits.work, "synaptic events"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if all.is_empty() {
        all.push("nothing".to_owned());
    }
    let parts = limits.parts.map_or_else(String::new, |parts| format!(", {parts} cores"));
    format!("{} a core{parts}", all.join(", "))
}

/// Divides by `strategy`. The result may break limits where the clock, a given number of cores or a given division
/// left no other: [`Partition::fault`] tells.
///
/// # Errors
/// `partition/neuron` where a neuron fits no core, `partition/parts` where all cores together are too small,
/// `partition/external` where the given division is missing or of another length.
pub fn partition(task: &Task<'_>, strategy: &Strategy) -> Result<Partition> {
    check(task)?;
    let Task { graph, limits, seed, watch, .. } = *task;
    let balance = strategy.value("balance");
    let limits = if balance > 0.0 { limits.balanced(graph, balance) } else { limits };
    let mut division = match strategy.known.name {
        "sequential" => sequential::run(graph, &limits),
        "overlap-greedy" => greedy::run(graph, &limits, watch),
        "conv-tiling" => tiled(task, strategy)?,
        "external" => external(task)?,
        // Without the feature the name is refused where it is read.
        #[cfg(feature = "metis")]
        "metis" => metis::run(task, strategy)?,
        _ => Search { graph, limits: &limits, knobs: Knobs::of(strategy), rng: Rng::new(seed), watch, free: 0 }.run(),
    };
    compact(&mut division);
    let measures = measure(graph, &division, &limits);
    Ok(Partition { division, measures, limits, strategy: strategy.to_string(), cut: over(watch) })
}

/// Whether any division can keep the limits as far as single neurons and sums tell.
fn check(task: &Task<'_>) -> Result<()> {
    let Task { graph, limits, name, .. } = task;
    let misfit = |v: &usize| {
        let weight = graph.weight(*v);
        !limits.hold(&Load::default().with(&weight, graph.axons_of(*v)))
    };
    let mut all = (0..graph.vertices()).filter(misfit);
    if let Some(first) = all.next() {
        let (more, weight) = (all.count(), graph.weight(first));
        let over = [
            (u64::from(weight.neurons), limits.neurons, "neurons"),
            (graph.axons_of(first), limits.axons, "inbound axons"),
            (weight.synapses, limits.synapses, "units of synapse memory"),
        ];
        let over: Vec<String> = over
            .iter()
            .filter(|(need, limit, _)| need > limit)
            .map(|(need, _, what)| format!("{need} {what}"))
            .collect();
        let needs = over.join(" and ");
        let others = if more > 0 { format!("; so do {more} more") } else { String::new() };
        return Err(Problem::misfit(
            "partition/neuron",
            *name,
            format!("neuron {} fits no core alone: it needs {needs}{others}", first + 1),
        )
        .limit(told(limits))
        .help("larger cores, or split the fan-in of these neurons first")
        .into());
    }
    let room = limits.neurons.saturating_mul(limits.parts.unwrap_or(usize::MAX) as u64);
    if graph.neurons() > room {
        return Err(Problem::misfit("partition/parts", *name, format!("{} neurons", graph.neurons()))
            .limit(format!("{room}: {}", told(limits)))
            .help("more or larger cores")
            .into());
    }
    Ok(())
}

/// How `order=` numbers the neurons of a layer.
///
/// # Errors
/// `partition/parameter` for what is neither.
pub fn order(strategy: &Strategy) -> Result<Order> {
    match strategy.text("order").unwrap_or("chw") {
        "chw" => Ok(Order::ChannelsFirst),
        "hwc" => Ok(Order::ChannelsLast),
        other => Err(Problem::invalid("partition/parameter", "strategy 'conv-tiling'", format!("order = '{other}'"))
            .limit("chw, hwc")
            .help("how the neurons of a layer are numbered: chw counts columns first, hwc channels")
            .into()),
    }
}

fn tiled(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let Some(net) = strategy.text("net") else {
        return Err(Problem::invalid("partition/parameter", "strategy 'conv-tiling'", "it does not know the layers")
            .help("write conv-tiling,net=1x28x28/6k5p2/pool2/10 with the layers of this network")
            .into());
    };
    let order = order(strategy)?;
    let layers = Layers::read(net, "strategy 'conv-tiling'")?;
    if layers.neurons() != task.graph.vertices() {
        return Err(Problem::invalid("partition/layers", task.name, format!("{} vertices", task.graph.vertices()))
            .limit(format!("{}, the neurons of net={net}", layers.neurons()))
            .help("give the layers of this network")
            .into());
    }
    Ok(Tiling::choose(&layers, &task.limits, strategy.value("slack"), task.name)?.division(order))
}

fn external(task: &Task<'_>) -> Result<Vec<u32>> {
    let neurons = task.graph.vertices();
    match task.given {
        Some(given) if given.len() == neurons => Ok(given.to_vec()),
        Some(given) => Err(Problem::invalid("partition/external", task.name, format!("{} parts", given.len()))
            .limit(format!("{neurons}: one a neuron"))
            .help("give the partition file of this network")
            .into()),
        None => Err(Problem::invalid("partition/external", task.name, "'external' has no division to take")
            .help("write external,file=FILE")
            .into()),
    }
}
