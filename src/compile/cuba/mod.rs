//! Passes for Loihi-style cores: synapse lists and CUBA LIF compartments.

use super::{Log, Options};
use crate::chip::{ChipSpec, CubaSpec};
use crate::diag::{Problem, Result};
use crate::graph::{Graph, IntGraph};
use crate::image::Image;

fn pending<T>() -> Result<T> {
    Err(Problem::misfit("cuba/pending", "", "not written yet").into())
}

pub(super) fn quantise(_: &Graph, _: &CubaSpec, _: &Options, _: &mut Log) -> Result<IntGraph> {
    pending()
}

pub(super) fn lower(_: &IntGraph, _: &ChipSpec, _: &CubaSpec, _: &Options, _: &mut Log) -> Result<Image> {
    pending()
}

pub(super) fn verify(_: &Image, _: &IntGraph, _: &ChipSpec, _: &CubaSpec) -> Result<()> {
    pending()
}
