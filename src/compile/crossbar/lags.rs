//! Order and time of populations: which come after which, which lie on cycles, and by how many ticks each may and
//! must run behind the network as written when relays take a tick.

use std::collections::BTreeSet;

use crate::chip::CrossbarSpec;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CrossbarNeuron, Delays, IntGraph, IntNeuron, NegativeReset, SpikeReset};

/// Distinct (source, target) populations.
fn edges(graph: &IntGraph) -> BTreeSet<(usize, usize)> {
    graph.projections.iter().map(|projection| (projection.source.index(), projection.target.index())).collect()
}

/// Populations, each after all that it leads to (on cycles, as near to that as may be).
pub(super) fn consumers_first(graph: &IntGraph) -> Vec<usize> {
    let size = graph.populations.len();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); size];
    edges(graph).into_iter().for_each(|(source, target)| next[source].push(target));
    let mut seen = vec![false; size];
    let mut order = Vec::new();
    for root in 0..size {
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((node, at)) = stack.pop() {
            match next[node].get(at) {
                None => order.push(node),
                Some(&child) => {
                    stack.push((node, at + 1));
                    if !std::mem::replace(&mut seen[child], true) {
                        stack.push((child, 0));
                    }
                }
            }
        }
    }
    order
}

/// Which populations can reach themselves: those that a peeling of sources and one of sinks both leave over. (A
/// population between two cycles counts as well, which only costs it the use of relays.)
pub(super) fn cyclic(graph: &IntGraph) -> Vec<bool> {
    let mut left = vec![true; graph.populations.len()];
    let edges = edges(graph);
    loop {
        let mut entered = vec![false; left.len()];
        let mut quitted = vec![false; left.len()];
        for &(source, target) in edges.iter().filter(|(source, target)| left[*source] && left[*target]) {
            entered[target] = true;
            quitted[source] = true;
        }
        let kept: Vec<bool> = (0..left.len()).map(|p| left[p] && entered[p] && quitted[p]).collect();
        if kept == left {
            return left;
        }
        left = kept;
    }
}

/// Smallest and largest delay of the synapses of a projection.
pub(super) fn span(delays: &Delays) -> (u16, u16) {
    match delays {
        Delays::Uniform(delay) => (*delay, *delay),
        Delays::PerWeight(all) => {
            (all.iter().min().copied().unwrap_or_default(), all.iter().max().copied().unwrap_or_default())
        }
    }
}

/// The least lag of every population such that spikes out of relayed populations have two ticks and others one.
pub(super) fn solve(graph: &IntGraph, spec: &CrossbarSpec, relayed: &[bool]) -> Result<Vec<u32>> {
    let mut lags = vec![0_i64; graph.populations.len()];
    // Longest paths by relaxation; no cycle is positive because populations on cycles are not relayed.
    for _ in 0..=graph.populations.len() {
        for projection in &graph.projections {
            let (source, target) = (projection.source.index(), projection.target.index());
            let shift = i64::from(relayed[source]) - i64::from(span(&projection.delays).0);
            lags[target] = lags[target].max(lags[source] + shift);
        }
    }
    let mut found = Vec::new();
    let hop = i64::from(spec.delay_max.min(15));
    for projection in &graph.projections {
        let (source, target) = (projection.source.index(), projection.target.index());
        let longest = 1 + i64::from(span(&projection.delays).1) + lags[target] - lags[source];
        if longest > hop {
            let place = format!("projection '{}'", projection.name);
            let what = format!("its spikes would travel {longest} ticks (relays included)");
            found.push(Problem::misfit("crossbar/delay", place, what).limit(format!("{hop} ticks")).help(
                "use shorter delays, or pass the spikes through a population of neurons with weight 1 and threshold 1",
            ));
        }
    }
    for (population, &lag) in graph.populations.iter().zip(&lags) {
        let Some(IntNeuron::Crossbar(neuron)) = &population.neuron else { continue };
        let restless = (0..population.size()).find(|&n| start(neuron, n, lag as u32, spec).is_none());
        if let Some(n) = restless {
            let place = format!("population '{}'", population.name);
            let what = format!("neuron {n} cannot wait at rest for the {lag} ticks that relays before it take");
            found.push(Problem::misfit("crossbar/rest", place, what).help(
                "its leak would fire or reset it meanwhile: use less leak, or less fan-out so that no relays are needed",
            ));
        }
    }
    Problems::check(found, lags.iter().map(|&lag| lag as u32).collect())
}

/// One value for all, or one a neuron.
pub(super) fn pick<T: Copy>(values: &[T], index: usize) -> T {
    if let [one] = values { *one } else { values[index] }
}

/// The V from which a neuron comes to its initial V after `lag` ticks without input, and without a spike.
pub(super) fn start(neuron: &CrossbarNeuron, index: usize, lag: u32, spec: &CrossbarSpec) -> Option<i32> {
    let (leak, initial) = (i64::from(pick(&neuron.leak, index)), i64::from(pick(&neuron.initial, index)));
    let back = initial - leak * i64::from(lag);
    let edge = 1_i64 << (u32::from(spec.potential_bits).clamp(2, 31) - 1);
    [initial, back]
        .into_iter()
        .find(|v| (-edge..edge).contains(v) && waits(neuron, index, *v, lag, spec))
        .map(|v| v as i32)
}

/// Whether V goes from `v` to the initial one in `lag` silent ticks.
fn waits(neuron: &CrossbarNeuron, index: usize, mut v: i64, lag: u32, spec: &CrossbarSpec) -> bool {
    let never = super::check::largest_threshold(spec);
    let threshold = i64::from(neuron.threshold.as_ref().map_or(never, |alpha| pick(alpha, index)));
    let beta = i64::from(pick(&neuron.negative_threshold, index));
    for _ in 0..lag {
        v += i64::from(pick(&neuron.leak, index));
        if v >= threshold {
            return false;
        }
        if v < -beta {
            v = match (neuron.negative_reset, neuron.spike_reset) {
                (NegativeReset::Saturate, _) => -beta,
                (NegativeReset::Mirror, SpikeReset::Value) => -i64::from(pick(&neuron.reset_value, index)),
                (NegativeReset::Mirror, SpikeReset::Linear) => v + beta,
                (NegativeReset::Mirror, SpikeReset::None) => v,
            };
        }
    }
    v == i64::from(pick(&neuron.initial, index))
}
