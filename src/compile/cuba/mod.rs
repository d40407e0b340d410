//! Passes for Loihi-style cores: synapse lists and CUBA LIF compartments.

mod check;
mod depth;
mod draft;
mod dynamics;
mod emit;
mod format;
mod incoming;
mod lags;
mod learning;
mod outliers;
mod partition;
mod programs;
mod quantise;
mod scale;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod verify_core;
mod verify_learning;
mod weights;

pub(super) use format::words;
pub(super) use quantise::quantise;
pub(super) use verify::verify;
pub use weights::{SignMode, truncate_weights};

use super::{Log, Options, Partition};
use crate::chip::{ChipSpec, CubaSpec};
use crate::diag::Result;
use crate::graph::IntGraph;
use crate::image::Image;

/// From the integer network to the image: check -> partition -> place -> route -> emit.
pub(super) fn lower(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &CubaSpec,
    options: &Options,
    log: &mut Log,
) -> Result<Image> {
    check::check(graph, chip, spec)?;
    let row = draft::Row::new(graph, chip, spec)?;
    let drafts = match options.partition {
        Partition::Sequential => partition::partition(&row, log)?,
    };
    Ok(emit::emit(&row, drafts, options, log))
}
