//! Recursive bisection: a start for the direct k-way search.
//!
//! Each bisection is multilevel after hMETIS (Karypis, Aggarwal, Kumar and Shekhar 1999): coarsen, many grown
//! starts on the coarsest level, best moves on the way back; nets that are cut go on in both halves, so that the
//! cuts add up to km1. Deviations: halves are sized by the parts they are to become.

use super::Limits;
use super::coarsen::{Level, coarsen};
use super::fm::{self, Passes};
use super::state::State;
use super::{Builder, Hypergraph, NO_SOURCE, Net, Pin};
use crate::rng::Rng;
use crate::watch::Watch;

/// Vertices at which coarsening for a bisection ends.
const COARSEST: usize = 120;
/// Starts on the coarsest level.
const STARTS: usize = 16;

/// Divides into `parts` parts of at most `cap` neurons each. Other limits are not looked at.
pub(super) fn recursive(graph: &Hypergraph, cap: u64, parts: usize, rng: &mut Rng, watch: &dyn Watch) -> Vec<u32> {
    let mut division = vec![0; graph.vertices()];
    let all: Vec<u32> = (0..graph.vertices() as u32).collect();
    let mut open = vec![(graph.clone(), all, 0_usize, parts)];
    while let Some((graph, vertices, first, parts)) = open.pop() {
        if parts == 1 {
            vertices.iter().for_each(|&v| division[v as usize] = first as u32);
            continue;
        }
        let left = parts / 2;
        let sides = best_of(&graph, [cap * left as u64, cap * (parts - left) as u64], left, parts, rng, watch);
        for (side, first, parts) in [(0, first, left), (1, first + left, parts - left)] {
            let (half, kept) = induced(&graph, &sides, side);
            open.push((half, kept.iter().map(|&v| vertices[v as usize]).collect(), first, parts));
        }
    }
    division
}

/// The sides' caps, with the slack shared so that later cuts keep some.
fn best_of(
    graph: &Hypergraph,
    caps: [u64; 2],
    left: usize,
    parts: usize,
    rng: &mut Rng,
    watch: &dyn Watch,
) -> Vec<u32> {
    let neurons = graph.neurons();
    let depth = u64::from(usize::BITS - (parts - 1).leading_zeros()).max(1);
    let share = [neurons * left as u64 / parts as u64, neurons - neurons * left as u64 / parts as u64];
    let cap = |side: usize| share[side] + caps[side].saturating_sub(share[side]) / depth;
    bisect(graph, [cap(0).min(caps[0]), cap(1).min(caps[1])], rng, watch)
}

/// One multilevel bisection with sides of at most `caps` neurons.
pub(super) fn bisect(graph: &Hypergraph, caps: [u64; 2], rng: &mut Rng, watch: &dyn Watch) -> Vec<u32> {
    let heaviest = (graph.neurons() / 40).max(1);
    let mut levels: Vec<Level> = Vec::new();
    loop {
        let finest = levels.last().map_or(graph, |level| &level.graph);
        if finest.vertices() <= COARSEST {
            break;
        }
        let Some(level) = coarsen(finest, &Limits::of_neurons(heaviest), None, rng) else { break };
        levels.push(level);
    }
    let coarsest = levels.last().map_or(graph, |level| &level.graph);
    let mut best: Option<(u64, i64, Vec<u32>)> = None;
    for start in 0..STARTS {
        let division = if start % 4 == 3 { scatter(coarsest, caps, rng) } else { grow(coarsest, caps, rng) };
        let found = refine(coarsest, caps, division, rng, watch);
        if best.as_ref().is_none_or(|(over, cut, _)| (found.0, found.1) < (*over, *cut)) {
            best = Some(found);
        }
    }
    let mut division = best.map(|(_, _, division)| division).unwrap_or_default();
    while let Some(level) = levels.pop() {
        let finer = levels.last().map_or(graph, |level| &level.graph);
        division = level.cluster.iter().map(|&c| division[c as usize]).collect();
        division = refine(finer, caps, division, rng, watch).2;
    }
    division
}

/// Repairs overweight sides and refines: (neurons over the caps, cut, division).
pub(super) fn refine(
    graph: &Hypergraph,
    caps: [u64; 2],
    division: Vec<u32>,
    rng: &mut Rng,
    watch: &dyn Watch,
) -> (u64, i64, Vec<u32>) {
    // Sides are of unlike size: the smaller one is filled up by a weight that never moves.
    let mut state = State::new(graph, Limits::of_neurons(caps[0].max(caps[1])), 2, division);
    state.handicap(caps);
    rebalance(&mut state);
    let patience = (graph.vertices() / 8).clamp(50, 1000);
    fm::run(&mut state, Passes { most: 8, patience }, rng, watch);
    let over = (0..2).map(|side| state.load(side).neurons.saturating_sub(state.limits.neurons)).sum();
    (over, state.km1(), state.into_division())
}

/// Moves the cheapest vertices out of an overweight side.
fn rebalance(state: &mut State<'_>) {
    for side in 0..2_u32 {
        while state.load(side).neurons > state.limits.neurons {
            let here = (0..state.graph.vertices()).filter(|&v| state.part(v) == side && state.fits(v, 1 - side));
            let Some(v) = here.max_by_key(|&v| state.gain(v, 1 - side)) else { break };
            state.shift(v, 1 - side, |_, _| {});
        }
    }
}

/// Grows side 0 from a random vertex by the vertex most tied to it.
fn grow(graph: &Hypergraph, caps: [u64; 2], rng: &mut Rng) -> Vec<u32> {
    let n = graph.vertices();
    let mut division = vec![1; n];
    let all = graph.neurons();
    let target = (all * caps[0] / (caps[0] + caps[1]).max(1)).max(all.saturating_sub(caps[1]));
    let mut tie = vec![0.0_f64; n];
    let mut reached = vec![false; graph.nets().len()];
    let mut held = 0;
    let mut next = (n > 0).then(|| rng.below(n as u64) as usize);
    while let Some(v) = next {
        division[v] = 0;
        held += u64::from(graph.weight(v).neurons);
        if held >= target {
            break;
        }
        for pin in graph.incident(v) {
            let net = pin.index();
            if !std::mem::replace(&mut reached[net], true) {
                let score = graph.nets()[net].weight as f64 / graph.pins(net).len() as f64;
                graph.pins(net).iter().for_each(|pin| tie[pin.index()] += score);
            }
        }
        next = (0..n)
            .filter(|&v| division[v] == 1 && held + u64::from(graph.weight(v).neurons) <= caps[0])
            .max_by(|&a, &b| tie[a].total_cmp(&tie[b]).then(b.cmp(&a)));
    }
    division
}

/// Random sides within the caps.
fn scatter(graph: &Hypergraph, caps: [u64; 2], rng: &mut Rng) -> Vec<u32> {
    let mut order: Vec<usize> = (0..graph.vertices()).collect();
    rng.shuffle(&mut order);
    let mut division = vec![1; order.len()];
    let target = graph.neurons() * caps[0] / (caps[0] + caps[1]).max(1);
    let mut held = 0;
    for v in order {
        let neurons = u64::from(graph.weight(v).neurons);
        if held + neurons <= target {
            held += neurons;
            division[v] = 0;
        }
    }
    division
}

/// The vertices of one side with the parts of nets that lie there, and their numbers before.
fn induced(graph: &Hypergraph, sides: &[u32], side: u32) -> (Hypergraph, Vec<u32>) {
    let kept: Vec<u32> = (0..graph.vertices() as u32).filter(|&v| sides[v as usize] == side).collect();
    let mut number = vec![u32::MAX; graph.vertices()];
    kept.iter().enumerate().for_each(|(at, &v)| number[v as usize] = at as u32);
    let mut builder = Builder::new(kept.iter().map(|&v| graph.weight(v as usize)).collect());
    for (at, net) in graph.nets().iter().enumerate() {
        let pins: Vec<Pin> = graph
            .pins(at)
            .iter()
            .filter(|pin| sides[pin.index()] == side)
            .map(|pin| Pin::new(number[pin.index()], pin.is_sink()))
            .collect();
        if pins.len() > 1 {
            builder.net(Net { source: NO_SOURCE, ..*net }, pins);
        }
    }
    (builder.build(), kept)
}
