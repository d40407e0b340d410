//! Passes for TrueNorth-style cores.

use super::{Log, Options};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Result};
use crate::graph::{Graph, IntGraph};
use crate::image::Image;

fn pending<T>() -> Result<T> {
    Err(Problem::misfit("crossbar/pending", "", "crossbar lowering is not merged yet").into())
}

pub(super) fn quantise(_: &Graph, _: &ChipSpec, _: &Options, _: &mut Log) -> Result<IntGraph> {
    pending()
}

pub(super) fn lower(_: &IntGraph, _: &ChipSpec, _: &Options, _: &mut Log) -> Result<Image> {
    pending()
}

pub(super) fn verify(_: &Image, _: &IntGraph, _: &ChipSpec) -> Result<()> {
    pending()
}
