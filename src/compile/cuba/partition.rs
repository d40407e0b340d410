//! Partition: groups of compartments become cores, each group cut into as few as every capacity of a core allows.
//!
//! The sequential partition has one group, the whole row. What a mapping prescribes is never cut.

use std::collections::{BTreeSet, HashMap};

use super::draft::{Draft, Row, misfit};
use super::programs;
use crate::compile::Log;
use crate::compile::division::Division;
use crate::diag::{Problem, Problems, Result};
use crate::graph::IntNeuron;

/// One draft for each core, in the order of the groups.
pub(super) fn partition(row: &Row<'_>, division: Option<&Division>, log: &mut Log) -> Result<Vec<Draft>> {
    let mut groups: Vec<Vec<u32>> =
        division.map_or_else(|| vec![(0..row.len()).collect()], |division| division.members(&row.starts));
    if let Some(division) = division.filter(|division| division.places.is_some()) {
        return prescribed(row, groups, division, log);
    }
    groups.iter_mut().for_each(|group| row.by_tree(group));
    // Outgoing entries depend on how the targets are cut: cut again until all cores hold theirs.
    let mut forced = BTreeSet::new();
    loop {
        let mut drafts = cut(row, &groups, &forced)?;
        if forced.is_empty() && division.is_some_and(|division| !division.apart) {
            drafts = joined(row, drafts);
        }
        let cuts = outgoing_cuts(row, &drafts)?;
        if cuts.is_empty() {
            let count = drafts.len();
            log.say("partition", format!("{} neurons on {count} of {} cores", row.len(), row.chip.cores()));
            return Ok(drafts);
        }
        forced.extend(cuts);
    }
}

/// The cores of a mapping as they are, or all that does not fit.
fn prescribed(row: &Row<'_>, groups: Vec<Vec<u32>>, division: &Division, log: &mut Log) -> Result<Vec<Draft>> {
    let drafts: Vec<Draft> = groups.into_iter().map(|members| Draft::new(row, members)).collect();
    let reached = fan_out(&drafts);
    let limit = row.chip.capacity.axons_out;
    let mut problems = Vec::new();
    for (draft, core) in drafts.iter().zip(division.places.iter().flatten()) {
        let mut uses = draft.uses(row);
        let out = |(population, neuron): (usize, u32)| reached.get(&(population as u32, neuron)).copied().unwrap_or(0);
        let segments = row.segments(&draft.members);
        let pairs = segments.flat_map(|s| s.neurons().map(|(_, neuron)| (s.population, neuron)).collect::<Vec<_>>());
        let used = pairs.map(out).sum();
        uses.push(crate::compile::ResourceUse { resource: "axons_out", used, limit });
        for over in uses.iter().filter(|over| over.used > over.limit) {
            let what = format!("core {} needs {} {}", core.0, over.used, over.resource);
            problems.push(
                Problem::misfit("mapping/capacity", division.file.as_str(), what)
                    .limit(format!("{} {} per core on chip '{}'", over.limit, over.resource, row.chip.name))
                    .help("move neurons of it to another core"),
            );
        }
    }
    log.say("partition", format!("{} neurons on {} cores, as mapped", row.len(), drafts.len()));
    Problems::check(problems, drafts)
}

/// Cuts the groups greedily; a core never reaches over a forced cut.
fn cut(row: &Row<'_>, groups: &[Vec<u32>], forced: &BTreeSet<u32>) -> Result<Vec<Draft>> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut placed = 0;
    for group in groups {
        let mut rest = &group[..];
        while let Some(first) = rest.first() {
            if drafts.len() as u32 == row.chip.usable_cores() {
                return Err(too_many_cores(row, placed, *first).into());
            }
            let most = &rest[..rest.len().min(row.chip.capacity.neurons.clamp(1, 1 << 16) as usize)];
            let cut = most.iter().skip(1).position(|member| forced.contains(member)).map_or(most.len(), |at| at + 1);
            let cut = if cut < rest.len() { whole_trees(row, &rest[..=cut]) } else { cut };
            let draft = longest(row, &most[..cut])?;
            rest = &rest[draft.members.len()..];
            placed += draft.members.len() as u32;
            drafts.push(draft);
        }
    }
    Ok(drafts)
}

/// Puts cores that follow each other together where one core holds both: small groups, and what was left of a group that
/// was cut.
fn joined(row: &Row<'_>, drafts: Vec<Draft>) -> Vec<Draft> {
    let most = row.chip.capacity.neurons.clamp(1, 1 << 16) as usize;
    let mut found: Vec<Draft> = Vec::new();
    for draft in drafts {
        let together = found.last().filter(|last| last.members.len() + draft.members.len() <= most).map(|last| {
            let mut members = [&last.members[..], &draft.members].concat();
            members.sort_unstable();
            Draft::new(row, members)
        });
        match together.filter(|together| together.fits(row)) {
            Some(together) => {
                found.pop();
                found.push(together);
            }
            None => found.push(draft),
        }
    }
    found
}

/// How many of all but the last of `members` may share a core so that no tree is cut: all, where one alone is too large.
fn whole_trees(row: &Row<'_>, members: &[u32]) -> usize {
    let most = members.len() - 1;
    let Some(ends) = row.tree_ends(members) else { return most };
    ends.into_iter().filter(|end| *end <= most).max().unwrap_or(most)
}

/// As many of `members` from the first on as fit one core; trees stay whole.
fn longest(row: &Row<'_>, members: &[u32]) -> Result<Draft> {
    let ends = row.tree_ends(members);
    let end = |trees: usize| ends.as_ref().map_or(trees, |ends| if trees == 0 { 0 } else { ends[trees - 1] });
    let first = |trees: usize| {
        let mut members = members[..end(trees)].to_vec();
        members.sort_unstable();
        Draft::new(row, members)
    };
    let trees = ends.as_ref().map_or(members.len(), Vec::len);
    let whole = first(trees);
    if whole.fits(row) {
        return Ok(whole);
    }
    let mut best = None;
    let (mut fits, mut fails) = (0, trees);
    while fails - fits > 1 {
        let middle = fits + (fails - fits) / 2;
        let draft = first(middle);
        if draft.fits(row) {
            fits = middle;
            best = Some(draft);
        } else {
            fails = middle;
        }
    }
    best.map_or_else(|| Problems::check(misfit(row, &first(1)), whole), Ok)
}

fn too_many_cores(row: &Row<'_>, placed: u32, next: u32) -> Problem {
    let population = row.segments(&[next]).next().map_or(0, |segment| segment.population);
    let name = &row.graph.populations[population].name;
    let rest = row.len() - placed;
    let what = format!("{rest} of {} neurons are left over when all cores are full", row.len());
    let memory = row.spec.programs.as_ref().map(|programs| format!(" of {} bytes", programs.memory_bytes));
    let memory = memory.unwrap_or_default();
    let mut place = format!("population '{name}'");
    let mut limit = format!("{} cores{memory} on chip '{}'", row.chip.usable_cores(), row.chip.name);
    if let (Some(IntNeuron::Program(neuron)), Some(spec)) =
        (&row.graph.populations[population].neuron, &row.spec.programs)
    {
        let (at, fit) = programs::state_of(neuron, spec, &place);
        place = at;
        limit = format!("{limit}; {fit}");
    }
    Problem::misfit("cuba/cores", place, what).limit(limit).help(format!(
        "{placed} neurons of this network fit: shrink populations or fan-in, lower the weight bits, \
             or describe a chip with more cores"
    ))
}

/// For every neuron, the packets that it sends when each of its outputs fires.
pub(super) fn fan_out(drafts: &[Draft]) -> HashMap<(u32, u32), u32> {
    let mut reached = HashMap::new();
    for &(population, neuron, _) in drafts.iter().flat_map(|draft| &draft.axons) {
        *reached.entry((population, neuron)).or_insert(0) += 1;
    }
    reached
}

/// Where cores must be cut so that their outgoing entries fit; empty where all fit.
fn outgoing_cuts(row: &Row<'_>, drafts: &[Draft]) -> Result<Vec<u32>> {
    let reached = fan_out(drafts);
    let limit = u64::from(row.chip.capacity.axons_out);
    let (mut cuts, mut problems) = (Vec::new(), Vec::new());
    for draft in drafts {
        let mut members = draft.members.clone();
        row.by_tree(&mut members);
        let ends = row.tree_ends(&members).unwrap_or_else(|| (1..=members.len()).collect());
        let of = |&member: &u32| {
            let (population, neuron) = row.locate(member);
            u64::from(reached.get(&(population as u32, neuron)).copied().unwrap_or(0))
        };
        // Entries share a programmable core's memory: a core that they make too large is cut in the middle.
        if let Some((bytes, limit)) = draft.overfull(row, members.iter().map(of).sum::<u64>() as usize) {
            match ends.len() {
                0 | 1 => problems.push(no_room(row, members[0], bytes, limit)),
                count => cuts.push(members[ends[count / 2 - 1]]),
            }
        }
        let (mut total, mut start) = (0, 0);
        for end in ends {
            let own = members[start..end].iter().map(of).sum();
            if own > limit && problems.is_empty() {
                let (population, neuron) = row.locate(members[start]);
                problems.push(too_far(row, population, neuron, own));
            }
            if total + own > limit {
                cuts.push(members[start]);
                total = 0;
            }
            total += own;
            start = end;
        }
    }
    Problems::check(problems, cuts)
}

fn no_room(row: &Row<'_>, member: u32, bytes: u64, limit: u64) -> Problem {
    let (population, neuron) = row.locate(member);
    let place = format!("population '{}', neuron {neuron}", row.graph.populations[population].name);
    let what = format!("with the places that it sends to it alone needs {bytes} memory_bytes");
    Problem::misfit("cuba/capacity", place, what)
        .limit(format!("{limit} memory_bytes per core on chip '{}'", row.chip.name))
        .help("reduce its fan-in, its fan-out or its state")
}

fn too_far(row: &Row<'_>, population: usize, neuron: u32, cores: u64) -> Problem {
    let limit = row.chip.capacity.axons_out;
    let place = format!("population '{}', neuron {neuron}", row.graph.populations[population].name);
    let what = format!("its spikes go to {cores} cores, {} too many", cores - u64::from(limit));
    Problem::misfit("cuba/capacity", place, what)
        .limit(format!("{limit} axons_out per core on chip '{}'", row.chip.name))
        .help("reduce the fan-out of this neuron")
}
