//! A start for layered networks: neurons that share their inbound axons stay together.
//!
//! In a dense layer every neuron is fed by the same nets, and taking single neurons out of a core brings nothing
//! until the last is out, so that a search by moves hardly ever gathers a layer. Here neurons are merged by shared
//! inbound nets alone up to whole cores, and the merged blocks are packed, largest first, where they are tied most.
//! The packing is best fit decreasing (Johnson 1974) with traffic as the tie.

use super::coarsen::{blend, contract};
use super::state::State;
use super::{Hypergraph, Limits};
use crate::rng::Rng;

/// A division into at most `parts` parts, or nothing where the blocks do not go into them.
pub(super) fn run(graph: &Hypergraph, limits: &Limits, parts: usize, rng: &mut Rng) -> Option<Vec<u32>> {
    let mut cluster: Vec<u32> = (0..graph.vertices() as u32).collect();
    let mut coarse = graph.clone();
    while let Some(level) = blend(&coarse, limits, rng) {
        cluster.iter_mut().for_each(|c| *c = level[*c as usize]);
        let count = level.iter().max().map_or(0, |&last| last as usize + 1);
        coarse = contract(&coarse, &level, count);
    }
    let mut order: Vec<usize> = (0..coarse.vertices()).collect();
    order.sort_by_key(|&c| (std::cmp::Reverse(coarse.weight(c).neurons), c));
    // Blocks wait in a part of their own behind the others.
    let mut state =
        State::new(&coarse, Limits { neurons: u64::MAX, ..*limits }, parts + 1, vec![parts as u32; order.len()]);
    for c in order {
        let neurons = u64::from(coarse.weight(c).neurons);
        let fits = |part: &u32| state.load(*part).neurons + neurons <= limits.neurons;
        let best = (0..parts as u32)
            .filter(fits)
            .max_by_key(|&part| (state.gain(c, part), state.load(part).neurons, std::cmp::Reverse(part)));
        state.shift(c, best?, |_, _| {});
    }
    Some(cluster.iter().map(|&c| state.part(c as usize)).collect())
}
