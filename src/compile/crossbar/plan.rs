//! Fan-out: a crossbar neuron has one destination, so a neuron that is heard through n axons needs n packets.
//!
//! Two ways, chosen for each population by what they cost unless [`FanOut`] names one:
//! - *copies*: further slots with the same inputs; exact and without delay, but every core that holds one must
//!   receive all inputs, which multiplies the fan-out of the population before (inputs of the network are free:
//!   the host sends as many packets as it takes);
//! - *relays*: cores of identity neurons, one axon in and many neurons out, which cost one tick. The tick is
//!   taken from the delays of the projection or else all that comes later lags by it ([`lags`]).
//!
//! Populations are packed consumers first, since only then is a neuron's fan-out known; populations on cycles are
//! packed again until nothing grows.

use super::divide::divide;
use super::lags::{self, cyclic};
use super::lines::{FanIn, Lines, Sliced, slice};
use super::pack::{Core, Groups, orders, pack};
use super::{check, misfit_cores};
use crate::chip::{CapacityLimits, ChipSpec, CrossbarSpec};
use crate::compile::FanOut;
use crate::compile::division::Division;
use crate::compile::search::Search;
use crate::diag::{Problem, Problems, Result};
use crate::graph::IntGraph;

/// Packings of one network before a cycle is given up.
const ROUNDS: usize = 64;

/// Where everything goes, in logical cores.
#[derive(Debug)]
pub(super) struct Plan {
    /// Numbers the lines.
    pub(super) lines: Lines,
    /// One entry a population; `None` for inputs.
    pub(super) populations: Vec<Option<Packed>>,
    /// Ticks by which each population runs behind the network as written.
    pub(super) lags: Vec<u32>,
}

/// One population in logical cores.
#[derive(Debug)]
pub(super) struct Packed {
    /// What its neurons listen to.
    pub(super) fan: FanIn,
    /// The weights by axon type.
    pub(super) sliced: Sliced,
    /// Its cores.
    pub(super) cores: Vec<Core>,
    /// Whether neurons with several destinations use relays.
    pub(super) relayed: bool,
}

/// The fixed part of planning one population.
struct Candidate {
    fan: FanIn,
    slicings: Vec<Sliced>,
    orders: Vec<Groups>,
}

/// How populations are cut.
pub(super) enum Cutting<'a> {
    /// In every order that may pay, of which the cheapest is taken.
    Any,
    /// As numbered.
    Sequential,
    /// At least into the groups of a division.
    Groups(&'a Division),
    /// By traffic, with a strategy.
    Search(Search<'a>),
}

impl Cutting<'_> {
    fn orders(&self, population: usize, shape: &[u32], size: u32) -> Vec<Groups> {
        match self {
            Self::Any => orders(shape, size),
            Self::Sequential => vec![vec![(0..size).collect()]],
            // Found when the slots of the neurons are known.
            Self::Search(_) => Vec::new(),
            Self::Groups(division) => vec![division.of(population).into_iter().map(|(_, neurons)| neurons).collect()],
        }
    }
}

/// Partition and fan-out of a checked network.
pub(super) fn plan(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &CrossbarSpec,
    cutting: &Cutting<'_>,
    fan_out: FanOut,
) -> Result<Plan> {
    match attempt(graph, chip, spec, cutting, fan_out) {
        // Lag that a population cannot bear, or delays that relays cannot make: copies alone may still do.
        Err(problems)
            if fan_out == FanOut::Auto && (problems.has("crossbar/rest") || problems.has("crossbar/delay")) =>
        {
            attempt(graph, chip, spec, cutting, FanOut::Copies).map_err(|_| problems)
        }
        result => result,
    }
}

fn attempt(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &CrossbarSpec,
    cutting: &Cutting<'_>,
    fan_out: FanOut,
) -> Result<Plan> {
    let lines = Lines::of(graph)?;
    let candidates = candidates(graph, &lines, chip, spec, cutting)?;
    let may_relay: Vec<bool> =
        cyclic(graph).into_iter().map(|on_cycle| fan_out != FanOut::Copies && !on_cycle).collect();
    let mut demand: Vec<Vec<u32>> = graph.populations.iter().map(|p| vec![1; p.size()]).collect();
    let mut cores: Vec<Option<Choice>> = candidates.iter().map(|_| None).collect();
    let order = lags::consumers_first(graph);
    for round in 0.. {
        let mut changed = false;
        for &p in &order {
            let Some(candidate) = &candidates[p] else { continue };
            let grown = grow_demand(&mut demand[p], p, &lines, &cores);
            if grown || cores[p].is_none() {
                changed = true;
                let setting = Setting { graph, lines: &lines, limits: &chip.capacity, cutting, fan_out };
                cores[p] = Some(choose(&setting, p, candidate, &demand[p], may_relay[p])?);
            }
        }
        if !changed {
            break;
        }
        if total(&cores) > u64::from(chip.usable_cores()) || round == ROUNDS {
            return Err(misfit_cores(graph, chip, &counts(&cores)).into());
        }
    }
    let relayed: Vec<bool> = cores.iter().map(|choice| choice.as_ref().is_some_and(|c| c.relay_cores > 0)).collect();
    let lags = lags::solve(graph, spec, &relayed)?;
    let populations = candidates.into_iter().zip(cores).map(|(candidate, choice)| {
        let (Candidate { fan, mut slicings, .. }, choice) = (candidate?, choice?);
        let relayed = choice.relay_cores > 0;
        Some(Packed { fan, sliced: slicings.swap_remove(choice.slicing), cores: choice.cores, relayed })
    });
    Ok(Plan { populations: populations.collect(), lines, lags })
}

/// Fan-in, slicings and orders of every population; all that can never fit is told at once.
fn candidates(
    graph: &IntGraph,
    lines: &Lines,
    chip: &ChipSpec,
    spec: &CrossbarSpec,
    cutting: &Cutting<'_>,
) -> Result<Vec<Option<Candidate>>> {
    let limits = &chip.capacity;
    let neurons: usize = graph.populations.iter().filter(|p| !p.is_input()).map(crate::graph::Population::size).sum();
    let room = u64::from(chip.cores()) * u64::from(limits.neurons);
    if neurons as u64 > room {
        let problem = Problem::misfit("crossbar/neurons", "", format!("the network has {neurons} neurons"));
        return Err(problem.limit(format!("{room} neurons on chip '{}'", chip.name)).into());
    }
    let mut found = Vec::new();
    let mut all = Vec::new();
    for (p, population) in graph.populations.iter().enumerate() {
        if population.is_input() {
            all.push(None);
            continue;
        }
        let fan = FanIn::of(graph, lines, p);
        match slice(&fan, &population.name, check::largest_weight(spec), spec.axon_types) {
            Err(problems) => found.extend(problems.into_vec()),
            Ok(mut slicings) => {
                let fits = |s: &Sliced| (0..fan.neurons()).all(|n| s.axons(&fan, n) <= limits.axons_in);
                let worst = slicings.last().map(|s| (0..fan.neurons()).map(|n| (s.axons(&fan, n), n)).max());
                slicings.retain(fits);
                if slicings.is_empty() {
                    let (axons, neuron) = worst.flatten().unwrap_or_default();
                    found.push(misfit_axons(&population.name, neuron, axons, fan.of_neuron(neuron).len(), chip));
                }
                let orders = cutting.orders(p, &population.shape, fan.neurons());
                all.push(Some(Candidate { slicings, orders, fan }));
            }
        }
    }
    Problems::check(found, all)
}

fn misfit_axons(name: &str, neuron: u32, axons: u32, sources: usize, chip: &ChipSpec) -> Problem {
    let limit = chip.capacity.axons_in;
    let what = format!("neuron {neuron} has {sources} sources and needs {axons} axons, {} too many", axons - limit);
    let help = match (limit as usize).checked_div(sources).unwrap_or(4) {
        0 => format!(
            "--split-fan-in passes sums of parts as spikes, a tick later and with an error that it measures; or reduce the \
             fan-in to at most {limit} sources, for example with grouped convolutions; tianjic adds sums of parts exactly"
        ),
        types => {
            format!("{types} axon types a source would fit: quantise with --weight-bits {types}, or use --split-fan-in")
        }
    };
    Problem::misfit("crossbar/axons", format!("population '{name}'"), what)
        .limit(format!("{limit} axons per core on chip '{}'", chip.name))
        .help(help)
}

/// A packing of one population.
struct Choice {
    slicing: usize,
    cores: Vec<Core>,
    relay_cores: usize,
    cost: u64,
}

/// Raises the slots of population `p` to what its packed consumers need; whether any grew.
fn grow_demand(demand: &mut [u32], p: usize, lines: &Lines, cores: &[Option<Choice>]) -> bool {
    let mut needed = vec![0_u32; demand.len()];
    for &(line, mask) in cores.iter().flatten().flat_map(|choice| &choice.cores).flat_map(|core| &core.lines) {
        let (population, neuron, _) = lines.split(line);
        if population == p {
            needed[neuron as usize] += mask.count_ones();
        }
    }
    let mut grown = false;
    for (have, need) in demand.iter_mut().zip(needed) {
        grown |= need > *have;
        *have = need.max(*have);
    }
    grown
}

/// What the choice of every population shares.
struct Setting<'a> {
    graph: &'a IntGraph,
    lines: &'a Lines,
    limits: &'a CapacityLimits,
    cutting: &'a Cutting<'a>,
    fan_out: FanOut,
}

/// The cheapest of all slicings, orders and ways of fan-out.
fn choose(
    setting: &Setting<'_>,
    population: usize,
    candidate: &Candidate,
    demand: &[u32],
    may_relay: bool,
) -> Result<Choice> {
    let Setting { graph, lines, limits, cutting, fan_out: way } = setting;
    let fan_out = limits.neurons.max(1);
    // With relays, a neuron needs one slot for every relay core's worth of destinations.
    let few: Vec<u32> = demand.iter().map(|&n| if n <= 1 { 1 } else { n.div_ceil(fan_out) }).collect();
    let relay_cores = relay_chunks(demand, fan_out, limits.axons_in).len();
    let must_relay = *way == FanOut::Relays && may_relay && relay_cores > 0;
    let mut best: Option<Choice> = None;
    for (slicing, sliced) in candidate.slicings.iter().enumerate() {
        for (slots, relay_cores) in [(demand, 0), (&few[..], relay_cores)] {
            if relay_cores > 0 && !may_relay || std::ptr::eq(slots, &few[..]) && relay_cores == 0 {
                continue;
            }
            if must_relay && relay_cores == 0 {
                continue;
            }
            let found: Vec<Groups>;
            let orders = match cutting {
                Cutting::Search(search) => {
                    let parts = (&*graph.populations[population].name, &candidate.fan, sliced, *lines);
                    found = vec![divide(parts, slots, limits, search)?];
                    &found
                }
                _ => &candidate.orders,
            };
            for order in orders {
                let cores = pack(&candidate.fan, sliced, lines, order, slots, limits);
                // A group that is split counts as much as may be: mappings want none.
                let split = if order.len() > 1 { cores.len().saturating_sub(order.len()) as u64 } else { 0 } << 32;
                let cost = cost(graph, lines, &cores, limits) + relay_cores as u64 * u64::from(limits.neurons) + split;
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    best = Some(Choice { slicing, cores, relay_cores, cost });
                }
            }
        }
    }
    Ok(best.unwrap_or(Choice { slicing: 0, cores: Vec::new(), relay_cores: 0, cost: 0 }))
}

/// In slots: whole cores, and one slot somewhere for every packet that they take from other neurons.
fn cost(graph: &IntGraph, lines: &Lines, cores: &[Core], limits: &CapacityLimits) -> u64 {
    let packets = |core: &Core| -> u64 {
        let inner = core.lines.iter().filter(|(line, _)| !graph.populations[lines.split(*line).0].is_input());
        inner.map(|(_, mask)| u64::from(mask.count_ones())).sum()
    };
    cores.iter().map(|core| u64::from(limits.neurons) + packets(core)).sum()
}

/// Which relay core serves what: for each, (source neuron, destinations served).
pub(super) fn relay_chunks(demand: &[u32], neurons: u32, axons: u32) -> Vec<Vec<(u32, u32)>> {
    let mut cores: Vec<Vec<(u32, u32)>> = Vec::new();
    let mut room = 0;
    for (source, &demand) in demand.iter().enumerate().filter(|(_, demand)| **demand > 1) {
        let mut remaining = demand;
        while remaining > 0 {
            let piece = remaining.min(neurons.max(1));
            let full = cores.last().is_none_or(|core| core.len() as u32 >= axons || room < piece);
            if full {
                cores.push(Vec::new());
                room = neurons;
            }
            if let Some(core) = cores.last_mut() {
                core.push((source as u32, piece));
            }
            room = room.saturating_sub(piece);
            remaining -= piece;
        }
    }
    cores
}

fn counts(cores: &[Option<Choice>]) -> Vec<usize> {
    cores.iter().map(|choice| choice.as_ref().map_or(0, |choice| choice.cores.len() + choice.relay_cores)).collect()
}

fn total(cores: &[Option<Choice>]) -> u64 {
    counts(cores).iter().map(|&count| count as u64).sum()
}
