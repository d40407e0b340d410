//! A mesh alone under made-up traffic: how long packets take, and how many get through, at every load.
//!
//! [`Preset`] is a mesh as a file (`isa/meshes`), [`Pattern`] says where packets go, and [`simulate`] runs one load the way
//! BookSim's traffic manager does: so the curves can be compared with recorded ones, number by number
//! (`tests/golden_booksim`). [`sweep`] runs many loads on several threads.

mod network;
mod pattern;
mod preset;
mod random;
mod run;

pub use network::RouterSpec;
pub use pattern::Pattern;
pub use preset::{Preset, load, names};
pub use run::{Outcome, Run, simulate};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::diag::Result;

/// What a run ends with: its outcome, none where it is unstable, and how often a packet crossed a router of a queued mesh.
pub type Ended = (Option<Outcome>, u64);

/// Runs everything on up to `threads` threads; the order of the runs is kept.
///
/// # Errors
/// Of the first run that cannot be made.
pub fn sweep(runs: &[Run], threads: usize) -> Result<Vec<Ended>> {
    let (next, ended) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(runs.len())));
    let work = || {
        while let Some((number, run)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            runs.get(number).map(|run| (number, run))
        } {
            let outcome = simulate(run);
            ended.lock().unwrap_or_else(PoisonError::into_inner).push((number, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, runs.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The knee of a curve of (load, mean latency) in order of load: the highest load up to which no latency is above three times
/// that at the lowest; a load at which the mesh is unstable has no latency.
#[must_use]
pub fn knee(points: &[(f64, Option<f64>)]) -> Option<f64> {
    let limit = 3.0 * points.first()?.1?;
    let below = points.iter().take_while(|(_, latency)| latency.is_some_and(|latency| latency <= limit));
    below.last().map(|(load, _)| *load)
}
