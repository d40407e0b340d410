//! The independent checker: re-derives the network from the image alone and compares.

use super::{crossbar, cuba, fcore, stepped};
use crate::chip::{ChipSpec, Family};
use crate::diag::Result;
use crate::graph::IntGraph;
use crate::image::Image;

/// Whether `image` computes exactly `network` on `chip`: every effective synapse (source, target, weight, delay)
/// and every neuron register is read back from the image and compared.
pub fn verify(image: &Image, network: &IntGraph, chip: &ChipSpec) -> Result<()> {
    match &chip.family {
        Family::Cuba(spec) => cuba::verify(image, network, chip, spec),
        Family::Crossbar(_) => crossbar::verify(image, network, chip),
        Family::Fcore(_) => fcore::verify(image, network, chip),
        Family::Stepped(spec) => stepped::verify(image, network, chip, spec),
        Family::Ranc(_) | Family::TinyOdin(_) => Err(super::imported_only(chip)),
    }
}
