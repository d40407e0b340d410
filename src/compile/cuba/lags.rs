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

/// Projections that close a loop: to their own source, or back in graph order to a population that reaches it.
fn recurrent(graph: &Graph) -> Vec<bool> {
    let count = graph.populations.len();
    let reaches = |from: usize, to: usize| {
        let (mut seen, mut open) = (vec![false; count], vec![from]);
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            for next in graph.projections.iter().filter(|p| p.source.index() == at).map(|p| p.target.index()) {
                if !std::mem::replace(&mut seen[next], true) {
                    open.push(next);
                }
            }
        }
        false
    };
    let closes = |source: usize, target: usize| source >= target && reaches(target, source);
    graph.projections.iter().map(|p| closes(p.source.index(), p.target.index())).collect()
}

/// Delays with `ticks` added, not below 0.
pub(super) fn lengthen(delays: &Delays, ticks: i32) -> Delays {
    let longer = |delay: u16| (i32::from(delay) + ticks).clamp(0, i32::from(u16::MAX)) as u16;
    match delays {
        Delays::Uniform(delay) => Delays::Uniform(longer(*delay)),
        Delays::PerWeight(delays) => Delays::PerWeight(delays.iter().map(|&delay| longer(delay)).collect()),
    }
}
