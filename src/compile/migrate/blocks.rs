//! Blocks: neurons of a convolution that move together, so that their cores go on sharing lists of weights.
//!
//! Sources at different places of a feature map share a list of synapses on a core where their targets stand there in
//! the same relative places. Neurons that move one by one tear these patterns up, and every list is stored anew. A block
//! has all channels of a tile of the map, as far as they start on one core: lists then differ from tile row to tile row
//! at most. How much memory that takes depends on the outline of the whole; so a share of what the synapses would take
//! without sharing is counted, and raised until the cores that were found hold their neurons (`mod.rs`).
//!
//! Neurons of dense layers hear the same packets: one that leaves a core takes none of them along until the last is
//! gone, and a search that is warm enough for anything else scatters them. They too can move some at a time.

use std::collections::BTreeMap;

use super::task::{Net, Task};
use crate::graph::IntGraph;

/// How large blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Rows and columns of a tile; 0: neurons of convolutions are taken as any others.
    pub(super) edge: u32,
    /// Neurons that follow each other, of populations without rows or without shared weights; 0 and 1: one.
    pub(super) chunk: u32,
}

impl Sizes {
    /// Whether every neuron moves alone.
    pub(super) fn single(self) -> bool {
        self.edge == 0 && self.chunk <= 1
    }
}

/// The block of every neuron, counted without gaps in the order of their first neurons. `core` is where they start.
pub(super) fn blocks(graph: &IntGraph, starts: &[u32], shared: &[u64], core: &[u32], sizes: Sizes) -> Vec<u32> {
    let mut known: BTreeMap<(usize, u32, u32, u32), u32> = BTreeMap::new();
    let mut next = 0;
    let mut found = Vec::with_capacity(core.len());
    for (number, population) in graph.populations.iter().enumerate().filter(|(_, p)| !p.is_input()) {
        let map = match population.shape[..] {
            [_, height, width] if height * width > 1 => Some((height, width)),
            _ => None,
        };
        for neuron in 0..population.size() as u32 {
            let at = (starts[number] + neuron) as usize;
            let tile = match map.filter(|_| shared[at] > 0 && sizes.edge > 0) {
                Some((height, width)) => (neuron / width % height / sizes.edge, neuron % width / sizes.edge),
                None => (u32::MAX, neuron / sizes.chunk.max(1)),
            };
            let block = *known.entry((number, tile.0, tile.1, core[at])).or_insert(next);
            next += u32::from(block == next);
            found.push(block);
        }
    }
    found
}

/// A task of blocks in place of neurons. Nets of a block with the same targets become one, for each core gets a packet
/// of every one of them or of none.
pub(super) fn grouped(task: &Task, block: &[u32]) -> Task {
    let count = block.iter().max().map_or(0, |last| *last as usize + 1);
    let (mut bits, mut sizes) = (vec![0; count], vec![0; count]);
    let mut synapses: Vec<BTreeMap<u32, f32>> = vec![BTreeMap::new(); count];
    for (neuron, &at) in block.iter().enumerate() {
        bits[at as usize] += task.bits[neuron];
        sizes[at as usize] += task.sizes[neuron];
        for &(tick, time) in &task.synapses[neuron] {
            *synapses[at as usize].entry(tick).or_default() += time;
        }
    }
    let mut known: BTreeMap<(Option<u32>, Vec<u32>), usize> = BTreeMap::new();
    let mut nets: Vec<(Net, BTreeMap<u32, f32>)> = Vec::new();
    for net in &task.nets {
        let source = net.source.map(|source| block[source as usize]);
        let mut pins: Vec<u32> = net.pins.iter().map(|pin| block[pin.0 as usize]).collect();
        pins.sort_unstable();
        pins.dedup();
        let at = *known.entry((source, pins)).or_insert_with_key(|(_, pins)| {
            let pins = pins.iter().map(|pin| (*pin, 0.0)).collect();
            nets.push((Net { source, spikes: 0.0, fires: Vec::new(), pins, axons: 0 }, BTreeMap::new()));
            nets.len() - 1
        });
        let (merged, fires) = &mut nets[at];
        merged.spikes += net.spikes;
        merged.axons += net.axons;
        net.fires.iter().for_each(|&(tick, n)| *fires.entry(tick).or_default() += n);
    }
    let whole = |(net, fires): (Net, BTreeMap<u32, f32>)| Net { fires: fires.into_iter().collect(), ..net };
    Task {
        nets: nets.into_iter().map(whole).collect(),
        ticks: task.ticks,
        places: task.places.clone(),
        host: task.host,
        limits: task.limits,
        times: task.times,
        bits,
        sizes,
        synapses: synapses.into_iter().map(|of| of.into_iter().collect()).collect(),
    }
}
