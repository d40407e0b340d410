//! Partition: neurons in network order; a block ends where the next neuron, or what feeds it, has no place any more.

use std::collections::HashMap;

use super::fan::FanIn;
use crate::chip::ChipSpec;
use crate::diag::{Problem, Result};
use crate::graph::IntGraph;

/// A block before it has a place.
pub(super) struct Block {
    /// Its neurons: population and neuron, ascending.
    pub(super) members: Vec<(u32, u32)>,
    /// Its axons, source and delay, ascending.
    pub(super) axons: Vec<(u32, u8)>,
    /// The number of each.
    pub(super) number_of: HashMap<(u32, u8), u16>,
}

/// The blocks of a network that has no more neurons than the chip.
pub(super) fn divide(graph: &IntGraph, chip: &ChipSpec, fan: &FanIn) -> Result<Vec<Block>> {
    let (room, ports) = (chip.capacity.neurons as usize, chip.capacity.axons_in as usize);
    let mut blocks: Vec<Block> = Vec::new();
    for (number, population) in graph.populations.iter().enumerate().filter(|(_, population)| !population.is_input()) {
        for neuron in 0..population.size() as u32 {
            let incoming = fan.of(number, neuron);
            let mut new: Vec<(u32, u8)> = incoming.iter().map(super::fan::Incoming::axon).collect();
            new.dedup();
            let place = || format!("population '{}', neuron {neuron}", population.name);
            if new.len() > ports {
                let problem = Problem::misfit("stepped/sources", place(), format!("it has {} sources", new.len()));
                return Err(problem.limit(format!("{ports} axons a block")).help("a smaller layer before it").into());
            }
            if let Some(block) = blocks.last_mut().filter(|block| block.members.len() < room) {
                new.retain(|axon| !block.number_of.contains_key(axon));
                if block.number_of.len() + new.len() <= ports {
                    block.members.push((number as u32, neuron));
                    block.number_of.extend(new.into_iter().map(|axon| (axon, 0)));
                    continue;
                }
            }
            if blocks.len() as u32 == chip.usable_cores() {
                let what = format!("it does not fit the last of {} blocks", blocks.len());
                return Err(Problem::misfit("stepped/blocks", place(), what)
                    .limit(format!("{room} neurons and {ports} axons a block of chip '{}'", chip.name))
                    .help("smaller layers: each block of neurons has axons of its own")
                    .into());
            }
            let number_of = incoming.iter().map(|incoming| (incoming.axon(), 0)).collect();
            blocks.push(Block { members: vec![(number as u32, neuron)], axons: Vec::new(), number_of });
        }
    }
    for block in &mut blocks {
        block.axons = block.number_of.keys().copied().collect();
        block.axons.sort_unstable();
        block.number_of = block.axons.iter().copied().zip(0..).collect();
    }
    Ok(blocks)
}
