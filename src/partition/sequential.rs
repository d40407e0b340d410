//! `sequential`: neurons in the order of the network; a core is closed when the next neuron would break a limit.
//!
//! What PACMAN (Rowley et al. 2019, SpiNNTools) does with slices of populations, and the baseline of every table.
//! Deviation: limits are counted over neurons of several populations, not over slices of one.

use super::Hypergraph;
use super::limits::{Limits, Load};

/// The division in vertex order. A vertex that fits no core alone gets one of its own.
pub(super) fn run(graph: &Hypergraph, limits: &Limits) -> Vec<u32> {
    let order: Vec<u32> = (0..graph.vertices() as u32).collect();
    fill(graph, limits, &order)
}

/// Fills cores in this order.
pub(super) fn fill(graph: &Hypergraph, limits: &Limits, order: &[u32]) -> Vec<u32> {
    fill_groups(graph, limits, order, |_| 0)
}

/// A legal division of any: the vertices of a part that is over a limit are dealt out to several in vertex order.
#[cfg(feature = "metis")]
pub(super) fn split(graph: &Hypergraph, limits: &Limits, division: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..graph.vertices() as u32).collect();
    order.sort_by_key(|&v| division[v as usize]);
    fill_groups(graph, limits, &order, |v| division[v])
}

/// Fills cores in this order; no core holds vertices of two groups.
fn fill_groups(graph: &Hypergraph, limits: &Limits, order: &[u32], group: impl Fn(usize) -> u32) -> Vec<u32> {
    let mut division = vec![0; graph.vertices()];
    let mut fed = vec![u32::MAX; graph.nets().len()];
    let (mut part, mut load) = (0_u32, Load::default());
    let mut last = None;
    for &vertex in order {
        let v = vertex as usize;
        let weight = graph.weight(v);
        let more = |fed: &[u32], part| {
            let new = graph.incident(v).iter().filter(|pin| pin.is_sink() && fed[pin.index()] != part);
            u64::from(weight.axons) + new.map(|pin| u64::from(graph.nets()[pin.index()].axons)).sum::<u64>()
        };
        let new = more(&fed, part);
        let other = last.is_some_and(|last| last != group(v));
        if other || !limits.hold(&load.with(&weight, new)) && last.is_some() {
            (part, load) = (part + 1, Load::default());
        }
        load = load.with(&weight, more(&fed, part));
        graph.incident(v).iter().filter(|pin| pin.is_sink()).for_each(|pin| fed[pin.index()] = part);
        division[v] = part;
        last = Some(group(v));
    }
    division
}
