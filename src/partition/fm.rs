//! Local search by best moves with rollback.
//!
//! After Fiduccia and Mattheyses (DAC 1982) in the direct k-way form of Sanchis and of KaHyPar (Akhremtsev et
//! al. 2017). Deviations: one priority queue over (vertex, best part) with outdated entries found when popped;
//! gains come from the tables of `State`; a pass ends early after a run of moves without a better total.

use std::collections::BinaryHeap;

use super::over;
use super::state::State;
use crate::rng::Rng;
use crate::watch::Watch;

/// An entry: gain, random tie key, vertex.
type Entry = (i64, u32, u32);

/// How a pass is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passes {
    /// Most passes; fewer where one brings nothing.
    pub most: u32,
    /// Moves without a better total after which a pass ends.
    pub patience: usize,
}

/// Runs passes until one brings nothing. Returns by how much km1 fell.
pub(super) fn run(state: &mut State<'_>, passes: Passes, rng: &mut Rng, watch: &dyn Watch) -> i64 {
    let before = state.km1();
    for _ in 0..passes.most {
        if over(watch) || pass(state, passes.patience, rng, watch) <= 0 {
            break;
        }
    }
    before - state.km1()
}

/// The best legal move of `v`: gain and part.
pub(super) fn best_move(state: &State<'_>, v: usize) -> Option<(i64, u32)> {
    let own = state.part(v);
    let mut best: Option<(i64, u32)> = None;
    for (part, &tie) in state.ties(v).iter().enumerate() {
        let part = part as u32;
        if part == own || best.is_some_and(|(most, _)| i64::from(tie) <= most) || !state.fits(v, part) {
            continue;
        }
        best = Some((i64::from(tie), part));
    }
    // The tie alone ranks the parts; the rest of the gain is the same for all.
    best.map(|(_, part)| (state.gain(v, part), part))
}

fn pass(state: &mut State<'_>, patience: usize, rng: &mut Rng, watch: &dyn Watch) -> i64 {
    let n = state.graph.vertices();
    let mut queue: BinaryHeap<Entry> = BinaryHeap::with_capacity(n);
    // The best gain with which each vertex waits in the queue; moved vertices never wait again.
    let mut waiting = vec![i64::MIN; n];
    let mut moved = vec![false; n];
    for (v, waits) in waiting.iter_mut().enumerate() {
        // Vertices tied to their own part alone are met when a neighbour moves.
        let inner = state.ties(v).iter().enumerate().all(|(part, &tie)| tie == 0 || part as u32 == state.part(v));
        if inner && state.parts > 2 {
            continue;
        }
        if let Some((gain, _)) = best_move(state, v) {
            *waits = gain;
            queue.push((gain, rng.next_u64() as u32, v as u32));
        }
    }
    let start = state.km1();
    let (mut best, mut best_at) = (start, 0);
    let mut moves: Vec<(u32, u32)> = Vec::new();
    let mut raised: Vec<(u32, bool)> = Vec::new();
    while let Some((gain, _, vertex)) = queue.pop() {
        let v = vertex as usize;
        if moved[v] || gain != waiting[v] {
            continue;
        }
        let Some((now, part)) = best_move(state, v) else {
            waiting[v] = i64::MIN;
            continue;
        };
        if now < gain {
            waiting[v] = now;
            queue.push((now, rng.next_u64() as u32, vertex));
            continue;
        }
        moved[v] = true;
        moves.push((vertex, state.part(v)));
        state.shift(v, part, |u, lone| raised.push((u as u32, lone)));
        if state.km1() < best {
            (best, best_at) = (state.km1(), moves.len());
        }
        if moves.len() - best_at > patience || (moves.len().is_multiple_of(256) && over(watch)) {
            break;
        }
        for (u, lone) in raised.drain(..) {
            let w = u as usize;
            if moved[w] || w == v {
                continue;
            }
            let gain = if lone {
                best_move(state, w).map(|(gain, _)| gain)
            } else {
                (state.part(w) != part && state.fits(w, part)).then(|| state.gain(w, part))
            };
            if let Some(gain) = gain.filter(|gain| *gain > waiting[w]) {
                waiting[w] = gain;
                queue.push((gain, rng.next_u64() as u32, u));
            }
        }
        raised.clear();
    }
    for &(vertex, from) in moves[best_at..].iter().rev() {
        state.shift(vertex as usize, from, |_, _| {});
    }
    start - best
}
