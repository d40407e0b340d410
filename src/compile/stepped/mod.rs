//! Passes for clock-driven chips in half precision: populations one behind the other into blocks of neurons.
//!
//! On the chip the layers of a network follow one another within a step. Here a spike takes a tick, so a layer that is so
//! many projections away from the inputs does its steps so many ticks later: it begins in the tick in which the first input
//! can come, and shorter paths are delayed to the longest ([`super::retime`]). Apart from this lag nothing differs.

mod check;
mod divide;
mod emit;
mod fan;
mod quantise;
mod verify;

pub(super) use quantise::quantise;
pub(super) use verify::verify;

use super::{Log, Options, Partition, place};
use crate::chip::{ChipSpec, SteppedSpec};
use crate::diag::{Problem, Result};
use crate::graph::{IntGraph, IntNeuron, SteppedNeuron};
use crate::image::Image;
use fan::FanIn;

/// From the integer network to the image: check -> partition -> place -> route -> emit.
pub(super) fn lower(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &SteppedSpec,
    options: &Options,
    log: &mut Log,
) -> Result<Image> {
    if options.mapping.is_some() || options.partition != Partition::Auto {
        let what = "blocks of this chip are filled in network order";
        return Err(Problem::invalid("stepped/partition", chip.name.as_str(), what)
            .limit("--partition auto, no --mapping")
            .help("leave the partition out; --placement takes every strategy")
            .into());
    }
    check::check(graph, chip, spec)?;
    let fan = FanIn::new(graph);
    let blocks = divide::divide(graph, chip, &fan)?;
    let neurons: usize = blocks.iter().map(|block| block.members.len()).sum();
    log.say("partition", format!("{neurons} neurons in {} of {} blocks", blocks.len(), chip.cores()));
    log.say("place", format!("{} order", options.placement));
    Ok(emit::emit(graph, chip, &fan, &blocks, place::order(chip, options.placement)))
}

/// The neurons of a checked population.
fn stepped(graph: &IntGraph, population: usize) -> &SteppedNeuron {
    match &graph.populations[population].neuron {
        Some(IntNeuron::Stepped(neuron)) => neuron,
        _ => unreachable!("a checked population has neurons in half precision"),
    }
}

/// A value of a list that has one for all or one a neuron.
fn of(values: &[u16], neuron: usize) -> u16 {
    values[if values.len() == 1 { 0 } else { neuron }]
}
