//! Passes for TrueNorth-style cores: weights are sliced over axon types, fan-out is made by copies and relays,
//! and what cannot be lowered without changing the dynamics is refused.

mod check;
mod codebook;
mod divide;
mod emit;
mod lags;
mod lines;
mod pack;
mod plan;
mod quantise;
mod slices;
mod split;
mod verify;

pub use quantise::quantise;
pub use split::{Split, SplitFanIn, split};
pub use verify::{lags, verify};

use super::division::Division;
use super::log::Log;
use super::search::Search;
use super::{FanOut, Options, Partition, place};
use crate::chip::{ChipSpec, CrossbarSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::graph::IntGraph;
use crate::ids::CoreId;
use crate::image::Image;
use crate::place::Watch;

/// The core type, where it is this one.
fn crossbar_of(chip: &ChipSpec) -> Result<&CrossbarSpec> {
    match &chip.family {
        Family::Crossbar(spec) => Ok(spec),
        _ => {
            let what = format!("chip '{}' has no crossbar cores", chip.name);
            Err(Problem::invalid("crossbar/family", "", what).help("choose a crossbar chip such as truenorth").into())
        }
    }
}

/// Partition, place, route and emit: a network of crossbar neurons as an image for `chip`.
pub fn lower(graph: &IntGraph, chip: &ChipSpec, options: &Options, watch: &dyn Watch, log: &mut Log) -> Result<Image> {
    let spec = crossbar_of(chip)?;
    Problems::check(check::check(graph, spec), ())?;
    let division: Option<Division> = match (&options.mapping, &options.partition) {
        (Some(mapping), _) => Some(mapping.divide(graph, chip)?),
        (None, Partition::Tiles(tiles)) => Some(tiles.divide(graph)),
        (None, _) => None,
    };
    let cutting = match (&division, &options.partition) {
        (Some(division), _) => plan::Cutting::Groups(division),
        (None, Partition::Auto | Partition::Tiles(_)) => plan::Cutting::Any,
        (None, Partition::Sequential) => plan::Cutting::Sequential,
        (None, Partition::Search(strategy)) => {
            plan::Cutting::Search(Search { strategy, rates: options.rates.as_ref(), seed: options.seed, watch })
        }
    };
    let plan = plan::plan(graph, chip, spec, &cutting, options.fan_out)?;
    let counts = emit::cores_of(graph, &plan, chip);
    let mut order = place::order(chip, options.placement);
    if let Some(division) = division.as_ref().filter(|division| division.places.is_some()) {
        order = prescribed(graph, &plan, &counts, division, order)?;
    }
    if counts.iter().sum::<usize>() > order.len() {
        return Err(misfit_cores(graph, chip, &counts).into());
    }
    let image = emit::emit(graph, &plan, chip, spec, &order);
    tell(graph, &plan, &counts, &image, log);
    tell_fan_out(graph, &plan, &image, options.fan_out, log);
    Ok(image)
}

/// The order of cores in which every group of a mapping comes to its core; relays take what is left of `order`.
fn prescribed(
    graph: &IntGraph,
    plan: &plan::Plan,
    counts: &[usize],
    division: &Division,
    order: Vec<CoreId>,
) -> Result<Vec<CoreId>> {
    let places = division.places.as_deref().unwrap_or_default();
    let mut spare = order.into_iter().filter(|core| !places.contains(core));
    let mut owner: Vec<Option<usize>> = vec![None; places.len()];
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut problem = |core: CoreId, what: String, limit: &str| {
        let place = format!("{}: core {}", division.file, core.0);
        problems.push(
            Problem::misfit("mapping/capacity", place, what).limit(limit).help("move neurons of it to another core"),
        );
    };
    for (p, packed) in plan.populations.iter().enumerate() {
        let Some(packed) = packed else { continue };
        let groups = division.of(p);
        for (group, neurons) in &groups {
            let core = places[*group as usize];
            if let Some(other) = owner[*group as usize].replace(p) {
                let names = (&graph.populations[other].name, &graph.populations[p].name);
                let what = format!("it holds neurons of '{}' and of '{}'", names.0, names.1);
                problem(core, what, "one population per core on crossbar chips");
            }
            let slots = |core: &&pack::Core| core.members.iter().any(|(n, _)| neurons.binary_search(n).is_ok());
            let cut = packed.cores.iter().filter(slots).count();
            if cut > 1 {
                let what = format!("its {} neurons need {cut} cores, with copies for their fan-out", neurons.len());
                problem(core, what, "neurons, copies and axons of one core");
            }
            found.push(core);
        }
        found.extend(spare.by_ref().take(counts[p].saturating_sub(groups.len())));
    }
    Problems::check(problems, ())?;
    found.extend(spare);
    Ok(found)
}

/// Too many cores, with what each population takes.
fn misfit_cores(graph: &IntGraph, chip: &ChipSpec, counts: &[usize]) -> Problem {
    let shares = graph.populations.iter().zip(counts).filter(|(_, count)| **count > 0);
    let shares: Vec<String> = shares.map(|(population, count)| format!("'{}' {count}", population.name)).collect();
    let total: usize = counts.iter().sum();
    let what = format!("needs at least {total} cores: {}", shares.join(", "));
    Problem::misfit("crossbar/cores", "", what)
        .limit(format!("{} cores on chip '{}'", chip.usable_cores(), chip.name))
        .help("fewer weight levels (--weight-bits), fan-in or channels need fewer axons, copies and relays")
}

/// What every population takes.
fn tell(graph: &IntGraph, plan: &plan::Plan, counts: &[usize], image: &Image, log: &mut Log) {
    for (p, packed) in plan.populations.iter().enumerate() {
        let Some(packed) = packed else { continue };
        let (own, copies) = (packed.cores.len(), image.populations[p].copies.len());
        let slots: u32 = packed.cores.iter().map(pack::Core::slots).sum();
        let axons: u32 = packed.cores.iter().map(pack::Core::axons).sum();
        let name = &graph.populations[p].name;
        let mut text = format!("{name}: {own} cores, {slots} neuron slots ({copies} copies), {axons} axons");
        if counts[p] > own {
            text.push_str(&format!(", {} relay cores", counts[p] - own));
        }
        if plan.lags[p] > 0 {
            text.push_str(&format!(", {} ticks behind", plan.lags[p]));
        }
        log.say("partition", text);
    }
}

/// What became of neurons with several targets, and why not what was asked for.
fn tell_fan_out(graph: &IntGraph, plan: &plan::Plan, image: &Image, asked: FanOut, log: &mut Log) {
    let on_cycle = lags::cyclic(graph);
    let mut none = true;
    for (p, packed) in plan.populations.iter().enumerate() {
        let Some(packed) = packed else { continue };
        let (name, copies) = (&graph.populations[p].name, image.populations[p].copies.len());
        let reason = match (asked, packed.relayed) {
            (FanOut::Auto, _) => "the smaller",
            (FanOut::Relays, false) if on_cycle[p] => "on a cycle there is no tick to spare for relays",
            _ => "as asked",
        };
        let text = match (packed.relayed, copies) {
            (false, 0) => continue,
            (false, _) => format!("{name}: {copies} copies, at no delay ({reason})"),
            (true, 0) => format!("{name}: relays, a tick each ({reason})"),
            (true, _) => format!("{name}: relays, a tick each, and {copies} copies to feed them ({reason})"),
        };
        log.say("fan-out", text);
        none = false;
    }
    if none && asked != FanOut::Auto {
        log.say("fan-out", "every neuron has one target: nothing to do");
    }
}
