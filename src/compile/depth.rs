//! How many ticks a spike takes through the network.

use crate::graph::{Delays, IntGraph, Projection};

/// Least delay of a projection.
fn least_delay(projection: &Projection<i32>) -> u32 {
    match &projection.delays {
        Delays::Uniform(ticks) => u32::from(*ticks),
        Delays::PerWeight(ticks) => ticks.iter().copied().min().map_or(0, u32::from),
    }
}

/// The longest, over the outputs, of the shortest time in ticks from any input; 0 where nothing is reached.
pub(super) fn depth(graph: &IntGraph) -> u32 {
    let start = |population: &crate::graph::Population<_>| population.is_input().then_some(0);
    let mut ticks: Vec<Option<u32>> = graph.populations.iter().map(start).collect();
    // Bellman-Ford: at most one round for each population.
    for _ in 0..graph.populations.len() {
        for projection in &graph.projections {
            let Some(from) = ticks[projection.source.index()] else { continue };
            let reached = from + 1 + least_delay(projection);
            let to = &mut ticks[projection.target.index()];
            *to = Some(to.map_or(reached, |known| known.min(reached)));
        }
    }
    graph.outputs.iter().filter_map(|output| ticks[output.population.index()]).max().unwrap_or(0)
}
