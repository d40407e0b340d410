//! Passes for Loihi-style cores: synapse lists and CUBA LIF compartments.

mod check;
mod compartments;
mod compressed;
mod divide;
mod draft;
mod dynamics;
mod emit;
mod fan;
mod format;
mod incoming;
mod learning;
mod partition;
mod programs;
mod quantise;
mod scale;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trees;
mod verify;
mod verify_compressed;
mod verify_core;
mod verify_learning;
mod verify_tree;
mod weights;

pub(super) use fan::split;
pub(super) use quantise::quantise;
pub(super) use verify::verify;
pub use weights::{SignMode, truncate_weights};

use super::division::Division;
use super::search::Search;
use super::{Log, Options, Partition, place};
use crate::chip::{ChipSpec, CubaSpec};
use crate::diag::Result;
use crate::graph::IntGraph;
use crate::image::Image;
use crate::place::Watch;

/// What neurons take of cores.
pub(super) struct Room {
    /// First neuron of each population, and the number of all; inputs count none.
    pub(super) starts: Vec<u32>,
    /// Bits of synapse memory by neuron; shared weights take none.
    pub(super) bits: Vec<u64>,
    /// Bits that the synapses with shared weights would take by neuron if each were stored for itself.
    pub(super) shared: Vec<u64>,
    /// Whether compartments form trees.
    pub(super) trees: bool,
}

/// What the neurons of a network take of cores.
pub(super) fn room(graph: &IntGraph, chip: &ChipSpec, spec: &CubaSpec) -> Result<Room> {
    let row = draft::Row::new(graph, chip, spec)?;
    let (bits, shared) = (row.synapse_bits(false), row.synapse_bits(true));
    Ok(Room { bits, shared, trees: !row.roots.is_empty(), starts: row.starts })
}

/// A network that was lowered before, with its neurons on the cores of a division.
///
/// # Errors
/// What does not fit these cores.
pub(super) fn lower_as(graph: &IntGraph, chip: &ChipSpec, spec: &CubaSpec, division: &Division) -> Result<Image> {
    let row = draft::Row::new(graph, chip, spec)?;
    let drafts = partition::partition(&row, Some(division), &mut Log::default())?;
    Ok(emit::emit(&row, drafts, division.places.clone().unwrap_or_default()))
}

/// From the integer network to the image: check -> partition -> place -> route -> emit.
pub(super) fn lower(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &CubaSpec,
    options: &Options,
    watch: &dyn Watch,
    log: &mut Log,
) -> Result<Image> {
    check::check(graph, chip, spec)?;
    let row = draft::Row::new(graph, chip, spec)?;
    let mut division: Option<Division> = match (&options.mapping, &options.partition) {
        (Some(mapping), _) => Some(mapping.divide(graph, chip)?),
        (None, Partition::Auto | Partition::Sequential) => None,
        (None, Partition::Tiles(tiles)) => Some(tiles.divide(graph)),
        (None, Partition::Search(strategy)) => {
            let search = Search { strategy, rates: options.rates.as_ref(), seed: options.seed, watch };
            Some(divide::divide(&row, &search, log)?)
        }
    };
    if let Some(division) = &mut division {
        row.keep_trees(division)?;
    }
    let drafts = partition::partition(&row, division.as_ref(), log)?;
    let order = match division.and_then(|division| division.places) {
        Some(places) => places,
        None => {
            log.say("place", format!("{} order", options.placement));
            place::order(chip, options.placement)
        }
    };
    Ok(emit::emit(&row, drafts, order))
}
