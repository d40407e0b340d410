//! Passes for TrueNorth-style cores: weights are sliced over axon types, fan-out is made by copies and relays,
//! and what cannot be lowered without changing the dynamics is refused.

mod check;
mod codebook;
mod emit;
mod lags;
mod lines;
mod pack;
mod plan;
mod quantise;
mod slices;
mod verify;

pub use quantise::quantise;
pub use verify::{lags, verify};

use super::log::Log;
use super::{Options, place};
use crate::chip::{ChipSpec, CrossbarSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::graph::IntGraph;
use crate::image::Image;

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
pub fn lower(graph: &IntGraph, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<Image> {
    let spec = crossbar_of(chip)?;
    Problems::check(check::check(graph, spec), ())?;
    let plan = plan::plan(graph, chip, spec)?;
    let counts = emit::cores_of(graph, &plan, chip);
    let order = place::order(chip, options.placement);
    if counts.iter().sum::<usize>() > order.len() {
        return Err(misfit_cores(graph, chip, &counts).into());
    }
    let image = emit::emit(graph, &plan, chip, spec, &order);
    tell(graph, &plan, &counts, &image, log);
    Ok(image)
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
