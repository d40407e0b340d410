//! Into which parts the sources of a population fall: blocks of lines that one core's axons hold, the same for all its
//! neurons, so that the parts of many neurons share the axons of a core.
//!
//! Sources are ordered in several ways (as numbered, or by square tiles with all channels of a pixel together) and cut into
//! blocks; the order that costs least slots is taken.

use std::collections::BTreeMap;

use super::super::lines::{FanIn, Lines};
use crate::chip::CapacityLimits;
use crate::graph::IntGraph;

/// Sides of the tiles that are tried; 0 is the order of numbers.
const SIDES: [u32; 7] = [0, 1, 2, 3, 4, 6, 8];

/// What decides the cost of a division.
pub(super) struct Setting<'a> {
    pub(super) graph: &'a IntGraph,
    pub(super) lines: &'a Lines,
    pub(super) limits: &'a CapacityLimits,
    /// Axon types that a line may need.
    pub(super) types: u32,
    /// Neurons of a part and sign.
    pub(super) spikes: u32,
}

/// The block of every line that one of the neurons `wide` hears, in the cheapest order.
pub(super) fn blocks(setting: &Setting<'_>, fan: &FanIn, wide: &[u32]) -> BTreeMap<u32, u32> {
    let mut used: Vec<u32> = wide.iter().flat_map(|&n| fan.of_neuron(n)).map(|(line, _)| *line).collect();
    used.sort_unstable();
    used.dedup();
    let mut best: Option<(u64, BTreeMap<u32, u32>)> = None;
    for side in SIDES {
        let found = fill(setting, &used, side);
        let cost = cost(setting, fan, wide, &found);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, found));
        }
    }
    best.map(|(_, blocks)| blocks).unwrap_or_default()
}

/// Cuts the lines in order of tiles of this side; a tile that would fit into a block is not cut.
fn fill(setting: &Setting<'_>, used: &[u32], side: u32) -> BTreeMap<u32, u32> {
    let Setting { graph, lines, limits, types, .. } = setting;
    let room = (limits.axons_in / (*types).max(1)).max(1) as usize;
    // (population, tile) and what orders lines within.
    let key = |line: u32| {
        let (population, neuron, _) = lines.split(line);
        let &[_, height, width] = &graph.populations[population].shape[..] else {
            return ((population, 0, 0), (0, 0, neuron), line);
        };
        let (pixel, channel) = (neuron % (height * width).max(1), neuron / (height * width).max(1));
        let (y, x) = (pixel / width.max(1), pixel % width.max(1));
        match (y.checked_div(side), x.checked_div(side)) {
            (Some(row), Some(column)) => ((population, row, column), (y, x, channel), line),
            _ => ((population, channel, 0), (0, 0, neuron), line),
        }
    };
    let mut sorted: Vec<_> = used.iter().map(|&line| key(line)).collect();
    sorted.sort_unstable();
    let (mut block, mut free) = (0, room);
    let mut found = BTreeMap::new();
    for tile in sorted.chunk_by(|a, b| a.0 == b.0) {
        if tile.len() > free && tile.len() <= room {
            (block, free) = (block + 1, room);
        }
        for &(_, _, line) in tile {
            if free == 0 {
                (block, free) = (block + 1, room);
            }
            found.insert(line, block);
            free -= 1;
        }
    }
    found
}

/// In slots: whole cores for the neurons of the blocks, a slot of a source for every axon that they take of it, and one axon
/// of the target for every neuron of a part.
fn cost(setting: &Setting<'_>, fan: &FanIn, wide: &[u32], blocks: &BTreeMap<u32, u32>) -> u64 {
    let Setting { graph, lines, limits, types, spikes } = setting;
    let mut parts: BTreeMap<u32, u64> = BTreeMap::new();
    let mut touched: Vec<(u32, bool)> = Vec::new();
    for &neuron in wide {
        touched.clear();
        touched.extend(fan.of_neuron(neuron).iter().map(|(line, weight)| (blocks[line], *weight < 0)));
        touched.sort_unstable();
        touched.dedup();
        touched.iter().for_each(|(block, _)| *parts.entry(*block).or_default() += u64::from(*spikes));
    }
    let mut axons: BTreeMap<u32, u64> = BTreeMap::new();
    for (&line, &block) in blocks {
        let inner = !graph.populations[lines.split(line).0].is_input();
        *axons.entry(block).or_default() += u64::from(inner) * u64::from(*types);
    }
    let slots = u64::from(limits.neurons.max(1));
    parts.iter().map(|(block, neurons)| neurons.div_ceil(slots) * (slots + axons[block]) + neurons).sum()
}
