//! Sequential partition: the row of all compartments is cut into runs, each as long as every capacity of a core
//! allows.

use std::collections::{BTreeSet, HashMap};

use super::draft::{Draft, Row, misfit};
use crate::compile::Log;
use crate::diag::{Problem, Problems, Result};

/// One draft for each core, in row order.
pub(super) fn partition(row: &Row<'_>, log: &mut Log) -> Result<Vec<Draft>> {
    // Outgoing entries depend on how the targets are cut: cut again until all cores hold theirs.
    let mut forced = BTreeSet::new();
    loop {
        let drafts = cut(row, &forced)?;
        let cuts = outgoing_cuts(row, &drafts)?;
        if cuts.is_empty() {
            let count = drafts.len();
            log.say("partition", format!("{} neurons on {count} of {} cores", row.len(), row.chip.cores()));
            return Ok(drafts);
        }
        forced.extend(cuts);
    }
}

/// Cuts the row greedily; a run never crosses a forced cut.
fn cut(row: &Row<'_>, forced: &BTreeSet<u32>) -> Result<Vec<Draft>> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut start = 0;
    while start < row.len() {
        if drafts.len() as u32 == row.chip.usable_cores() {
            return Err(too_many_cores(row, start).into());
        }
        let cut = forced.range(start + 1..).next().copied().unwrap_or(u32::MAX);
        let end = row.len().min(cut).min(start.saturating_add(row.chip.capacity.neurons.clamp(1, 1 << 16)));
        let draft = longest(row, start, end)?;
        start = draft.run.end;
        drafts.push(draft);
    }
    Ok(drafts)
}

/// The longest run from `start`, not beyond `end`, that fits one core.
fn longest(row: &Row<'_>, start: u32, end: u32) -> Result<Draft> {
    let whole = Draft::new(row, start..end);
    if whole.fits(row) {
        return Ok(whole);
    }
    let mut best = None;
    let (mut fits, mut fails) = (start, end);
    while fails - fits > 1 {
        let middle = fits + (fails - fits) / 2;
        let draft = Draft::new(row, start..middle);
        if draft.fits(row) {
            fits = middle;
            best = Some(draft);
        } else {
            fails = middle;
        }
    }
    best.map_or_else(|| Problems::check(misfit(row, &Draft::new(row, start..start + 1)), whole), Ok)
}

fn too_many_cores(row: &Row<'_>, placed: u32) -> Problem {
    let population = row.segments(&(placed..placed + 1)).next().map_or(0, |(population, ..)| population);
    let name = &row.graph.populations[population].name;
    let rest = row.len() - placed;
    let what = format!("{rest} of {} neurons are left over when all cores are full", row.len());
    let memory = row.spec.programs.as_ref().map(|programs| format!(" of {} bytes", programs.memory_bytes));
    let memory = memory.unwrap_or_default();
    Problem::misfit("cuba/cores", format!("population '{name}'"), what)
        .limit(format!("{} cores{memory} on chip '{}'", row.chip.usable_cores(), row.chip.name))
        .help(format!(
            "{placed} neurons of this network fit: shrink populations or fan-in, lower the weight bits, \
             or describe a chip with more cores"
        ))
}

/// For every source, the number of cores that it reaches.
pub(super) fn fan_out(drafts: &[Draft]) -> HashMap<(u32, u32), u32> {
    let mut reached = HashMap::new();
    for axon in drafts.iter().flat_map(|draft| &draft.axons) {
        *reached.entry(*axon).or_insert(0) += 1;
    }
    reached
}

/// Where cores must be cut so that their outgoing entries fit; empty where all fit.
fn outgoing_cuts(row: &Row<'_>, drafts: &[Draft]) -> Result<Vec<u32>> {
    let reached = fan_out(drafts);
    let limit = u64::from(row.chip.capacity.axons_out);
    let (mut cuts, mut problems) = (Vec::new(), Vec::new());
    for draft in drafts {
        let mut total = 0;
        for (population, neurons, base) in row.segments(&draft.run) {
            for neuron in neurons.clone() {
                let own = u64::from(reached.get(&(population as u32, neuron)).copied().unwrap_or(0));
                let at = draft.run.start + base + neuron - neurons.start;
                if own > limit && problems.is_empty() {
                    problems.push(too_far(row, population, neuron, own));
                }
                if total + own > limit {
                    cuts.push(at);
                    total = 0;
                }
                total += own;
            }
        }
    }
    Problems::check(problems, cuts)
}

fn too_far(row: &Row<'_>, population: usize, neuron: u32, cores: u64) -> Problem {
    let limit = row.chip.capacity.axons_out;
    let place = format!("population '{}', neuron {neuron}", row.graph.populations[population].name);
    let what = format!("its spikes go to {cores} cores, {} too many", cores - u64::from(limit));
    Problem::misfit("cuba/capacity", place, what)
        .limit(format!("{limit} axons_out per core on chip '{}'", row.chip.name))
        .help("reduce the fan-out of this neuron")
}
