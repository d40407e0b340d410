//! Core elimination: the emptiest cores are dissolved and the others annealed until they keep their limits.
//!
//! The idea is that of bin-packing searches that fix the number of bins and repair (Levine and Ducatelle 2004);
//! nothing is published for shared axons. A round that fails is undone and half as many cores are tried.

use super::Hypergraph;
use super::anneal::{self, Energy, Schedule};
use super::compact::compact;
use super::limits::{Limits, fewest};
use super::over;
use super::state::State;
use crate::rng::Rng;
use crate::watch::Watch;

/// How hard a round tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Sweeps of a round.
    pub sweeps: u32,
    /// Failed rounds after which it is over.
    pub failures: u32,
}

/// Fewer cores than the legal `division` has, if it can be done.
pub(super) fn run(
    graph: &Hypergraph,
    limits: &Limits,
    mut division: Vec<u32>,
    effort: Effort,
    rng: &mut Rng,
    watch: &dyn Watch,
) -> Vec<u32> {
    let mut parts = compact(&mut division);
    let floor = fewest(graph, limits);
    let mut step = (parts / 16).max(1);
    let mut failures = 0;
    while parts > floor && failures < effort.failures && !over(watch) {
        let fewer = step.min(parts - floor);
        let start = dissolve(graph, limits, &division, parts, fewer);
        match repair(graph, limits, start, parts - fewer, effort.sweeps, rng, watch) {
            Some(found) => {
                division = found;
                parts = compact(&mut division);
                watch.step(&format!("eliminate  {parts:>5} cores"));
            }
            None => {
                failures += u32::from(step == 1);
                step = (step / 2).max(1);
            }
        }
    }
    division
}

/// Makes a division legal by annealing its excess away, or not.
pub(super) fn repair(
    graph: &Hypergraph,
    limits: &Limits,
    division: Vec<u32>,
    parts: usize,
    sweeps: u32,
    rng: &mut Rng,
    watch: &dyn Watch,
) -> Option<Vec<u32>> {
    let mut state = State::new(graph, *limits, parts, division);
    if !state.tabled() {
        return state.is_legal().then(|| state.into_division());
    }
    let traffic = 0.25 * unit(&state);
    let energy = Energy { traffic, axons: 0.5, excess: Some(3.0) };
    let schedule = Schedule { sweeps, hot: 3.0, cold: 0.15, until_legal: true };
    anneal::run(&mut state, energy, schedule, rng, watch, |_, _| {});
    state.is_legal().then(|| state.into_division())
}

/// What makes a mean net weigh 1.
fn unit(state: &State<'_>) -> f64 {
    let nets = state.graph.nets().len().max(1) as f64;
    let weight: f64 = (0..state.graph.nets().len()).map(|net| f64::from(state.scaled_weight(net))).sum();
    if weight > 0.0 { nets / weight } else { 1.0 }
}

/// Sends the vertices of the `fewer` least filled parts where they break limits least.
fn dissolve(graph: &Hypergraph, limits: &Limits, division: &[u32], parts: usize, fewer: usize) -> Vec<u32> {
    let mut state = State::new(graph, *limits, parts, division.to_vec());
    let fill = |part: u32| {
        let load = state.load(part);
        (load.axons.max(1)) * load.neurons
    };
    let mut order: Vec<u32> = (0..parts as u32).collect();
    order.sort_by_key(|&part| (fill(part), part));
    let gone: Vec<bool> = (0..parts as u32).map(|part| order[..fewer].contains(&part)).collect();
    for v in 0..graph.vertices() {
        if !gone[state.part(v) as usize] {
            continue;
        }
        let cost = |part: u32| {
            let mut load = state.load(part);
            let before = state.excess(&load);
            let axons = state.axons_in(v, part);
            load = load.with(&graph.weight(v), axons);
            2.0 * (state.excess(&load) - before) + axons as f64
        };
        let target = (0..parts as u32).filter(|&part| !gone[part as usize]).map(|part| (cost(part), part));
        if let Some((_, part)) = target.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) {
            state.shift(v, part, |_, _| {});
        }
    }
    let mut division = state.into_division();
    compact(&mut division);
    division
}
