//! `map`: scores of mappings, and mapping problems of the field's benchmark formats, without a chip or a network.

mod clock;
mod export;
mod partition;
mod place;
mod score;
mod tune;

pub(super) use clock::{Clock, check_limit, interrupted};

use clap::{Args as ClapArgs, Subcommand};

use super::console::Console;
use crate::diag::Result;

#[derive(Debug, ClapArgs)]
pub(super) struct MapArgs {
    #[command(subcommand)]
    action: MapAction,
}

#[derive(Debug, Subcommand)]
enum MapAction {
    /// Divide a hypergraph's neurons into cores: hMETIS .hgr, AxonFlow .snn, or --generate
    Partition(partition::PartitionArgs),
    /// Place clusters on a mesh: QAPLIB .dat, or a list of traffic with --side
    Place(place::PlaceArgs),
    /// Score the mapping of an image: packets, hops, multicast-tree hops, busiest links, utilisation
    Score(score::ScoreArgs),
    /// Write a network as a hypergraph for other partitioners (hMETIS .hgr, AxonFlow .snn)
    Export(export::ExportArgs),
    /// Map, run, and map again by the spikes and hot links that were measured
    Tune(Box<tune::TuneArgs>),
}

pub(super) fn run(args: &MapArgs, console: &Console) -> Result<u8> {
    match &args.action {
        MapAction::Partition(args) => partition::run(args, console),
        MapAction::Place(args) => place::run(args, console),
        MapAction::Score(args) => score::run(args, console),
        MapAction::Export(args) => export::run(args, console),
        MapAction::Tune(args) => tune::run(args, console),
    }
}
