//! A sweep from its candidates to rows: static figures of all, then runs of the best, on several threads.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::evaluate::{Shared, blank};
use super::journal::Journal;
use super::row::Row;
use super::space::{Candidate, candidates};
use super::sweep::Sweep;
use crate::diag::{Problem, Problems, Result};
use crate::emu::Control;
use crate::place::Watch;

/// Who follows an exploration, and may end it.
pub trait Audience: Sync {
    /// Whether to end: candidates in hand are given up, what is done is kept.
    fn stop(&self) -> bool;
    /// Told when a candidate is done: how many are, of how many, and its row.
    fn done(&self, done: usize, total: usize, row: &Row);
    /// One line of a strategy at work.
    fn step(&self, line: &str);
}

/// What an exploration gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Rows in the order of the candidates; those that were not done are missing.
    pub rows: Vec<Row>,
    /// How many candidates there are.
    pub candidates: usize,
    /// Rows that were found in the journal.
    pub resumed: usize,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// Strategies and the emulator ask the audience.
struct Ears<'a>(&'a dyn Audience);

impl Watch for Ears<'_> {
    fn gone(&self) -> f64 {
        // Work is planned and not timed, so that results repeat.
        if self.0.stop() { f64::INFINITY } else { 0.0 }
    }
    fn step(&self, line: &str) {
        self.0.step(line);
    }
}

impl Control for Ears<'_> {
    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// What threads share.
struct Table<'a> {
    queue: Mutex<VecDeque<Vec<usize>>>,
    state: Mutex<State>,
    candidates: &'a [Candidate],
    total: usize,
}

struct State {
    journal: Journal,
    done: BTreeMap<String, Row>,
    finished: usize,
    problems: Option<Problems>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Explores a sweep in `folder`, where its journal is kept.
///
/// # Errors
/// What the networks, chips and the journal are refused for; candidates that do not fit are rows that say so.
pub fn run(sweep: &Sweep, folder: &Path, threads: usize, version: &str, audience: &dyn Audience) -> Result<Done> {
    let candidates = candidates(sweep)?;
    check_chips(sweep, &candidates)?;
    let shared = Shared::load(sweep)?;
    let (journal, done) = Journal::open(&folder.join("journal.jsonl"), sweep.digest, version)?;
    shared.splits.recall(done.values());
    let resumed = candidates.iter().filter(|candidate| done.contains_key(&candidate.key(sweep))).count();
    let state = State { journal, done, finished: 0, problems: None };
    let mut table = Table { queue: Mutex::default(), state: Mutex::new(state), candidates: &candidates, total: 0 };
    let all = sweep.emulate.is_none();
    work(&mut table, &shared, threads, audience, &|_| true, all)?;
    if let Some(best) = sweep.emulate.filter(|best| *best > 0) {
        let chosen = chosen(&lock(&table.state).done, sweep, &candidates, best);
        work(&mut table, &shared, threads, audience, &|at| chosen[at], true)?;
    }
    let done = &lock(&table.state).done;
    let rows: Vec<Row> = candidates.iter().filter_map(|candidate| done.get(&candidate.key(sweep)).cloned()).collect();
    Ok(Done { rows, candidates: candidates.len(), resumed, interrupted: audience.stop() })
}

/// Every chip of the sweep once, so that a wrong key is told before hours of work.
fn check_chips(sweep: &Sweep, candidates: &[Candidate]) -> Result<()> {
    let distinct: BTreeMap<(usize, String), &Candidate> =
        candidates.iter().map(|candidate| ((candidate.chip, candidate.changes()), candidate)).collect();
    let mut problems = Vec::new();
    for candidate in distinct.values() {
        if let Err(found) = Shared::chip(sweep, candidate) {
            problems.extend(found.into_vec().into_iter().map(|problem| Problem {
                place: format!("chip '{}': {}", sweep.chips[candidate.chip].name, problem.place),
                ..problem
            }));
        }
    }
    Problems::check(problems, ())
}

/// Which candidates are run: in every group the baseline and the `best` by hops.
fn chosen(done: &BTreeMap<String, Row>, sweep: &Sweep, candidates: &[Candidate], best: usize) -> Vec<bool> {
    let mut groups: BTreeMap<(String, String, String), Vec<(f64, usize)>> = BTreeMap::new();
    let mut chosen = vec![false; candidates.len()];
    for (at, candidate) in candidates.iter().enumerate() {
        let Some(row) = done.get(&candidate.key(sweep)) else { continue };
        let Some(statics) = &row.statics else { continue };
        chosen[at] = candidate.is_baseline();
        groups.entry(row.group()).or_default().push((statics.hops, at));
    }
    for group in groups.values_mut() {
        group.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        group.iter().take(best).for_each(|(_, at)| chosen[*at] = true);
    }
    chosen
}

/// Does what `wanted` asks for and the journal does not have, stem by stem.
fn work(
    table: &mut Table<'_>,
    shared: &Shared<'_>,
    threads: usize,
    audience: &dyn Audience,
    wanted: &dyn Fn(usize) -> bool,
    measured: bool,
) -> Result<()> {
    let mut stems: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    {
        let state = lock(&table.state);
        for (at, candidate) in table.candidates.iter().enumerate().filter(|(at, _)| wanted(*at)) {
            let known = state.done.get(&candidate.key(shared.sweep));
            if known.is_none_or(|row| measured && row.measured.is_none() && row.refused.is_none()) {
                stems.entry(candidate.stem()).or_default().push(at);
            }
        }
    }
    table.total = stems.values().map(Vec::len).sum();
    lock(&table.state).finished = 0;
    let mut queue: Vec<Vec<usize>> = stems.into_values().collect();
    queue.sort_by_key(|stem| stem[0]);
    *lock(&table.queue) = queue.into();
    let table = &*table;
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(move || {
                while let Some(stem) = take(table, audience) {
                    one_stem(table, shared, &stem, measured, audience);
                }
            });
        }
    });
    match lock(&table.state).problems.take() {
        Some(problems) => Err(problems),
        None => Ok(()),
    }
}

fn take(table: &Table<'_>, audience: &dyn Audience) -> Option<Vec<usize>> {
    let broken = lock(&table.state).problems.is_some();
    if broken || audience.stop() { None } else { lock(&table.queue).pop_front() }
}

/// Compiles once and judges every placement of a stem.
fn one_stem(table: &Table<'_>, shared: &Shared<'_>, stem: &[usize], measured: bool, audience: &dyn Audience) {
    let ears = Ears(audience);
    let compiled = shared.stem(&table.candidates[stem[0]], &ears, &ears);
    for &at in stem {
        let candidate = &table.candidates[at];
        let mut row = blank(at, candidate, shared.sweep);
        let judged = match &compiled {
            Ok(stem) => {
                row.split = stem.split(candidate, &row, shared, &ears);
                stem.judge(candidate, shared, measured, &ears, &ears)
            }
            Err(problems) => Err(problems.clone()),
        };
        // What was in hand when it was stopped is not whole.
        if audience.stop() {
            return;
        }
        match judged {
            Ok((statics, found)) => (row.statics, row.measured) = (Some(statics), found),
            Err(problems) => row.refused = Some(problems.to_string().trim_end().to_owned()),
        }
        let mut state = lock(&table.state);
        if let Err(problems) = state.journal.note(&row) {
            state.problems = Some(problems);
            return;
        }
        state.finished += 1;
        let finished = state.finished;
        state.done.insert(row.key.clone(), row.clone());
        drop(state);
        audience.done(finished, table.total, &row);
    }
}
