//! Defects: cores of a finished mapping leave what is dead, and neurons and axons close up around dead ones.
//!
//! The pass works on the image, behind whatever strategy placed it. Cores that cannot stay where they are go to the
//! nearest free core that holds them (distance in routers, then core number). On crossbar cores a dead slot becomes a
//! hole: a neuron that is never reached, an axon without synapses. Synapse-list cores address their compartments in
//! runs, so there only slots beyond the used ones may be dead.

use std::collections::{BTreeMap, BTreeSet};

use super::Log;
use crate::chip::{ChipSpec, Family};
use crate::diag::{Kind, Problem, Problems, Result};
use crate::ids::CoreId;
use crate::image::{self, CoreBody, Crossbar, CrossbarParameters, Image};

/// Moves what stands on defects, then checks every route.
///
/// # Errors
/// `place/defects` where no free core holds a core's contents; `image/reach` and `image/blocked` for what cannot be
/// reached.
pub(super) fn repair(image: &mut Image, chip: &ChipSpec, log: &mut Log) -> Result<()> {
    if !chip.defects.is_empty() {
        let moved = move_cores(image, chip)?;
        let holes = leave_holes(image, chip);
        log.say("place", format!("defects: {moved} cores moved, {holes} dead neurons and axons left out"));
    }
    let mut found = image::unreachable(image, chip, "");
    found.iter_mut().for_each(|problem| problem.kind = Kind::Misfit);
    Problems::check(found, ())
}

/// Slots that a core's contents take on physical core `to`, dead ones included; `None` where they do not fit.
fn fits(body: &CoreBody, chip: &ChipSpec, to: u32) -> bool {
    if !chip.is_alive(CoreId(to)) {
        return false;
    }
    let limits = &chip.capacity;
    // Of most cores nothing is dead: then it is a matter of counts.
    if chip.defects.neurons_of(to).next().is_none() && chip.defects.axons_of(to).next().is_none() {
        return body.neurons() <= limits.neurons as usize && body.axons() <= limits.axons_in as usize;
    }
    let dead = (chip.defects.neurons_of(to), chip.defects.axons_of(to));
    match (body, &chip.family) {
        (CoreBody::Crossbar(_), Family::Crossbar(_)) => {
            let neurons = positions(body.neurons(), dead.0).last().map_or(0, |last| last + 1);
            let axons = positions(body.axons(), dead.1).last().map_or(0, |last| last + 1);
            neurons <= limits.neurons as usize && axons <= limits.axons_in as usize
        }
        _ => {
            let free = |mut dead: Box<dyn Iterator<Item = u16> + '_>, used: usize| {
                dead.next().is_none_or(|first| usize::from(first) >= used)
            };
            free(Box::new(dead.0), body.neurons()) && free(Box::new(dead.1), body.axons())
        }
    }
}

/// The physical slot of each of `count` logical ones, where `dead` ones (ascending) are left out.
fn positions(count: usize, dead: impl Iterator<Item = u16>) -> Vec<usize> {
    let dead: BTreeSet<usize> = dead.map(usize::from).collect();
    (0..).filter(|slot| !dead.contains(slot)).take(count).collect()
}

/// Moves every core that cannot stay to the nearest one that is free and fits.
fn move_cores(image: &mut Image, chip: &ChipSpec) -> Result<usize> {
    let mut taken: BTreeSet<u32> =
        image.cores.iter().filter(|core| fits(&core.body, chip, core.core)).map(|core| core.core).collect();
    let mut moves: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for core in image.cores.iter().filter(|core| !fits(&core.body, chip, core.core)) {
        let (x, y) = chip.router_of(CoreId(core.core));
        let far = |to: u32| {
            let (to_x, to_y) = chip.router_of(CoreId(to));
            (u32::from(x.abs_diff(to_x)) + u32::from(y.abs_diff(to_y)), to)
        };
        let free = (0..chip.cores()).filter(|to| !taken.contains(to) && fits(&core.body, chip, *to));
        match free.min_by_key(|&to| far(to)) {
            Some(to) => {
                taken.insert(to);
                moves.insert(core.core, to);
            }
            None => {
                let (neurons, axons) = (core.body.neurons(), core.body.axons());
                let what = format!("no free core holds its {neurons} neurons and {axons} axons beside the defects");
                let cores = chip.usable_cores();
                found.push(
                    Problem::misfit("place/defects", format!("core {}", core.core), what)
                        .limit(format!("{cores} cores of '{}' that are not dead", chip.name))
                        .help("a smaller network, or a chip with fewer defects"),
                );
            }
        }
    }
    Problems::check(found, ())?;
    renumber(image, &moves);
    Ok(moves.len())
}

/// Gives cores new numbers, everywhere.
pub(super) fn renumber(image: &mut Image, moves: &BTreeMap<u32, u32>) {
    let renew = |core: &mut u32| {
        if let Some(to) = moves.get(core) {
            *core = *to;
        }
    };
    for core in &mut image.cores {
        renew(&mut core.core);
        match &mut core.body {
            CoreBody::Crossbar(body) => body.destinations.iter_mut().flatten().for_each(|to| renew(&mut to.core)),
            CoreBody::Cuba(body) => body.axons_out.iter_mut().for_each(|out| renew(&mut out.core)),
            CoreBody::Stepped(body) => body.axons_out.iter_mut().for_each(|out| renew(&mut out.core)),
            // Copies are chained when everything has its place.
            CoreBody::Fcore(body) => body.axons_out.iter_mut().for_each(|out| renew(&mut out.core)),
            // Nothing is compiled for clocked designs: their networks are imported with their places.
            CoreBody::Ranc(_) | CoreBody::OutputBus(_) | CoreBody::TinyOdin(_) => {}
        }
    }
    image.cores.sort_by_key(|core| core.core);
    for population in &mut image.populations {
        population.places.iter_mut().for_each(|place| renew(&mut place.core));
        population.copies.iter_mut().for_each(|copy| renew(&mut copy.place.core));
    }
    image.inputs.iter_mut().flat_map(|input| &mut input.targets).for_each(|to| renew(&mut to.core));
}

/// Shifts neurons and axons of crossbar cores past dead ones; how many holes that makes.
fn leave_holes(image: &mut Image, chip: &ChipSpec) -> usize {
    let mut shifts: BTreeMap<u32, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    let mut holes = 0;
    for core in &mut image.cores {
        let CoreBody::Crossbar(body) = &mut core.body else { continue };
        let neurons = positions(body.parameter_of.len(), chip.defects.neurons_of(core.core));
        let axons = positions(body.axon_types.len(), chip.defects.axons_of(core.core));
        let longer = |slots: &[usize]| slots.last().map_or(0, |last| last + 1 - slots.len());
        let made = longer(&neurons) + longer(&axons);
        if made > 0 {
            holes += made;
            spread(body, &neurons, &axons);
            shifts.insert(core.core, (neurons, axons));
        }
    }
    let axon = |core: u32, axon: &mut u16| {
        if let Some((_, axons)) = shifts.get(&core) {
            *axon = axons[usize::from(*axon)] as u16;
        }
    };
    for core in &mut image.cores {
        let CoreBody::Crossbar(body) = &mut core.body else { continue };
        body.destinations.iter_mut().flatten().for_each(|to| axon(to.core, &mut to.axon));
    }
    image.inputs.iter_mut().flat_map(|input| &mut input.targets).for_each(|to| axon(to.core, &mut to.axon));
    for population in &mut image.populations {
        let copies = population.copies.iter_mut().map(|copy| &mut copy.place);
        for place in population.places.iter_mut().chain(copies) {
            if let Some((neurons, _)) = shifts.get(&place.core) {
                place.neuron = neurons[usize::from(place.neuron)] as u16;
            }
        }
    }
    holes
}

/// Lays a core out with its neurons and axons in the given slots, ascending.
fn spread(body: &mut Crossbar, neurons: &[usize], axons: &[usize]) {
    let words = body.parameter_of.len().div_ceil(64);
    let (wide, high) = (neurons.last().map_or(0, |last| last + 1), axons.last().map_or(0, |last| last + 1));
    let new_words = wide.div_ceil(64);
    let mut rows = vec![0_u64; high * new_words];
    let mut axon_types = vec![0; high];
    for (from, &to) in axons.iter().enumerate() {
        axon_types[to] = body.axon_types[from];
        for (neuron, &slot) in neurons.iter().enumerate() {
            let bit = body.rows[from * words + neuron / 64] >> (neuron % 64) & 1;
            rows[to * new_words + slot / 64] |= bit << (slot % 64);
        }
    }
    let hole = body.parameters.len() as u16;
    let mut parameter_of = vec![hole; wide];
    let mut destinations = vec![None; wide];
    for (from, &to) in neurons.iter().enumerate() {
        parameter_of[to] = body.parameter_of[from];
        destinations[to] = body.destinations[from];
    }
    if wide > neurons.len() {
        body.parameters.push(CrossbarParameters::SILENT);
    }
    (body.rows, body.axon_types, body.parameter_of, body.destinations) =
        (rows.into(), axon_types, parameter_of, destinations);
}
