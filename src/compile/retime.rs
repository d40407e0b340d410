//! Retiming: a chip takes one tick for every spike, the float network only for those on recurrent edges.
//!
//! A population at lag L does on the chip in tick t + L what it does in the float network in tick t. Delays are
//! lengthened so that all paths to a population agree.

use crate::compile::Log;
use crate::graph::{Delays, Graph};

/// Ticks by which each population lags behind the float network, and the ticks to add to each projection.
pub(super) struct Lags {
    pub(super) of: Vec<u32>,
    pub(super) added: Vec<i32>,
}

/// Lags as the longest feed-forward path from an input; warns of loops that take longer on the chip.
pub(super) fn lags(graph: &Graph, log: &mut Log) -> Lags {
    let recurrent = recurrent(graph);
    let mut of = vec![0_u32; graph.populations.len()];
    for _ in 0..graph.populations.len() {
        for (projection, _) in graph.projections.iter().zip(&recurrent).filter(|(_, back)| !**back) {
            let reached = of[projection.source.index()] + 1;
            let lag = &mut of[projection.target.index()];
            *lag = reached.max(*lag);
        }
    }
    let mut added = Vec::new();
    for (projection, &back) in graph.projections.iter().zip(&recurrent) {
        let ticks = i64::from(of[projection.target.index()]) - i64::from(of[projection.source.index()]);
        let extra = ticks - i64::from(!back);
        let least = match &projection.delays {
            Delays::Uniform(delay) => *delay,
            Delays::PerWeight(delays) => delays.iter().copied().min().unwrap_or(0),
        };
        if extra + i64::from(least) < 0 {
            let late = -extra - i64::from(least);
            log.warn("quantise", format!("loop through '{}' takes {late} ticks longer on the chip", projection.name));
        } else if extra > 0 {
            log.say("quantise", format!("'{}' is delayed by {extra} ticks to meet the longest path", projection.name));
        }
        added.push(extra.clamp(-i64::from(u16::MAX), i64::from(u16::MAX)) as i32);
    }
    Lags { of, added }
}

/// Projections against the order of a depth-first walk from the inputs, in which a walk in the reverse of leaving
/// order is the order of update of the float network: those take one tick there.
fn recurrent(graph: &Graph) -> Vec<bool> {
    let count = graph.populations.len();
    let next = |from: usize, after: usize| {
        let mut later = graph.projections.iter().enumerate().skip(after);
        later.find(|(_, p)| p.source.index() == from).map(|(number, p)| (number + 1, p.target.index()))
    };
    let (mut seen, mut left) = (vec![false; count], Vec::new());
    let (inputs, others): (Vec<usize>, Vec<usize>) = (0..count).partition(|&p| graph.populations[p].is_input());
    for start in inputs.into_iter().chain(others) {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((at, after)) = path.last_mut() {
            let Some((resume, target)) = next(*at, *after) else {
                left.push(*at);
                path.pop();
                continue;
            };
            *after = resume;
            if !std::mem::replace(&mut seen[target], true) {
                path.push((target, 0));
            }
        }
    }
    let mut rank = vec![0; count];
    left.iter().rev().enumerate().for_each(|(position, &population)| rank[population] = position);
    graph.projections.iter().map(|p| rank[p.target.index()] <= rank[p.source.index()]).collect()
}

/// Delays with `ticks` added, not below 0.
pub(super) fn lengthen(delays: &Delays, ticks: i32) -> Delays {
    let longer = |delay: u16| (i32::from(delay) + ticks).clamp(0, i32::from(u16::MAX)) as u16;
    match delays {
        Delays::Uniform(delay) => Delays::Uniform(longer(*delay)),
        Delays::PerWeight(delays) => Delays::PerWeight(delays.iter().map(|&delay| longer(delay)).collect()),
    }
}
