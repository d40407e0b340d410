//! Passes for Tianjic-style cores: blocks of a population, each with all that feeds it, as dense matrices.
//!
//! A population whose neurons have more sources than a core has axons is wide: blocks of sources go to cores of their
//! own, which send their sums to a core that adds them, one round later. Sums of a core fit its accumulator and are
//! added before anything saturates, so that the result is that of one large core.

mod chain;
mod check;
mod divide;
mod emit;
mod fan;
mod quantise;
mod spiking;
mod verify;

pub use chain::chain;
pub use quantise::{Artificial, Values, artificial};
pub(super) use spiking::quantise;
pub(super) use verify::verify;

use super::{Log, Options, Partition, place};
use crate::chip::{ChipSpec, FcoreSpec};
use crate::diag::{Problem, Result};
use crate::graph::{Delays, IntGraph};
use crate::image::Image;
use fan::FanIn;

/// The network with the round that the sums of wide populations take.
pub(super) fn timed(graph: &IntGraph, chip: &ChipSpec, log: &mut Log) -> IntGraph {
    let mut graph = graph.clone();
    let wide = FanIn::new(&graph).wide(chip.capacity.axons_in);
    for projection in graph.projections.iter_mut().filter(|projection| wide[projection.target.index()]) {
        if projection.delays == Delays::Uniform(0) {
            projection.delays = Delays::Uniform(1);
            let (name, axons) = (&projection.name, chip.capacity.axons_in);
            log.say("quantise", format!("{name}: more sources than {axons} axons, its sums are added a round later"));
        }
    }
    graph
}

/// From the integer network to the image: check -> partition -> place -> route -> emit.
pub(super) fn lower(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &FcoreSpec,
    options: &Options,
    log: &mut Log,
) -> Result<Image> {
    if options.mapping.is_some() || options.partition != Partition::Auto {
        let what = "cores of this chip are divided by the shapes of their populations";
        return Err(Problem::invalid("fcore/partition", chip.name.as_str(), what)
            .limit("--partition auto, no --mapping")
            .help("leave the partition out; --placement takes every strategy")
            .into());
    }
    let fan = FanIn::new(graph);
    check::check(graph, chip, spec, &fan)?;
    let plans = divide::divide(graph, chip, &fan)?;
    let sums = plans.iter().filter(|plan| plan.kind == divide::Kind::Partial).count();
    let neurons: usize = graph.populations.iter().filter(|p| !p.is_input()).map(crate::graph::Population::size).sum();
    let split = if sums > 0 { format!(", {sums} of them for partial sums") } else { String::new() };
    log.say("partition", format!("{neurons} neurons on {} of {} cores{split}", plans.len(), chip.cores()));
    log.say("place", format!("{} order", options.placement));
    Ok(emit::emit(graph, chip, spec, &fan, &plans, place::order(chip, options.placement)))
}
