//! Evening out what splitting delays: how many ticks each population runs behind the network as written, so that the inputs
//! of every neuron meet again in one tick.

use crate::chip::CrossbarSpec;
use crate::compile::crossbar::lags::{cyclic, pick, span, start};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CrossbarNeuron, IntGraph, IntNeuron};

/// The ticks of every population, and what could not be evened out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evened {
    /// Ticks behind the network as written, by population.
    pub(super) lags: Vec<u32>,
    /// Projections on a cycle whose spikes come later than the network says, as (projection, ticks): a loop has no tick to
    /// spare but those of its delays.
    pub(super) late: Vec<(usize, u32)>,
}

/// The least lags, where the inputs of a population pass `levels` parts, a tick each. Ticks are taken from delays first.
pub(super) fn even(graph: &IntGraph, levels: &[u32]) -> Evened {
    let all = vec![true; graph.projections.len()];
    if let Some(lags) = relax(graph, levels, &all) {
        return Evened { lags, late: Vec::new() };
    }
    let on_cycle = cyclic(graph);
    let open: Vec<bool> = (graph.projections.iter())
        .map(|projection| {
            let (source, target) = (projection.source.index(), projection.target.index());
            !(on_cycle[source] && on_cycle[target] && reaches(graph, target, source))
        })
        .collect();
    // Without the edges of cycles there is a longest path.
    let lags = relax(graph, levels, &open).unwrap_or_else(|| vec![0; graph.populations.len()]);
    let late = |(number, projection): (usize, &crate::graph::Projection<i32>)| {
        let (source, target) = (projection.source.index(), projection.target.index());
        let spare = i64::from(span(&projection.delays).0) + i64::from(lags[target]) - i64::from(lags[source]);
        let ticks = i64::from(levels[target]) - spare;
        (ticks > 0).then_some((number, ticks as u32))
    };
    let late = graph.projections.iter().enumerate().filter_map(late).collect();
    Evened { lags, late }
}

/// Longest paths over the projections in `open`; `None` where they do not end, on a cycle.
fn relax(graph: &IntGraph, levels: &[u32], open: &[bool]) -> Option<Vec<u32>> {
    let mut lags = vec![0_i64; graph.populations.len()];
    for _ in 0..=graph.populations.len() {
        let mut changed = false;
        for (projection, _) in graph.projections.iter().zip(open).filter(|(_, open)| **open) {
            let (source, target) = (projection.source.index(), projection.target.index());
            let lag = lags[source] + i64::from(levels[target]) - i64::from(span(&projection.delays).0);
            changed |= lag > lags[target];
            lags[target] = lags[target].max(lag);
        }
        if !changed {
            return Some(lags.into_iter().map(|lag| lag as u32).collect());
        }
    }
    None
}

/// Whether spikes of population `from` come to `to` by any way.
fn reaches(graph: &IntGraph, from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.populations.len()];
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            let out = graph.projections.iter().filter(|projection| projection.source.index() == at);
            next.extend(out.map(|projection| projection.target.index()));
        }
    }
    false
}

/// Sets the initial V of populations that lag, so that they come to rest, without a spike, when their time begins.
///
/// # Errors
/// `crossbar/rest` where a leak does not let a neuron wait.
pub(super) fn wait(graph: &mut IntGraph, lags: &[u32], spec: &CrossbarSpec) -> Result<()> {
    let mut found = Vec::new();
    for (population, &lag) in graph.populations.iter_mut().zip(lags).filter(|(_, lag)| **lag > 0) {
        let size = population.size();
        let Some(IntNeuron::Crossbar(neuron)) = &mut population.neuron else { continue };
        let starts: Vec<Option<i32>> = (0..size).map(|index| start(neuron, index, lag, spec)).collect();
        if let Some(index) = starts.iter().position(Option::is_none) {
            let place = format!("population '{}'", population.name);
            let what = format!("neuron {index} cannot wait at rest for the {lag} ticks that splitting before it takes");
            let help = "its leak would fire or reset it meanwhile: use less leak, or a fan-in that needs no splitting";
            found.push(Problem::misfit("crossbar/rest", place, what).help(help));
            continue;
        }
        settle(neuron, starts.into_iter().flatten().collect());
    }
    Problems::check(found, ())
}

/// One value where all are the same.
fn settle(neuron: &mut CrossbarNeuron, starts: Vec<i32>) {
    let first = starts.first().copied().unwrap_or_else(|| pick(&neuron.initial, 0));
    neuron.initial = if starts.iter().all(|start| *start == first) { vec![first] } else { starts };
}
