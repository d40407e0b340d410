//! One sample on several threads: contiguous ranges of cores, two meetings a tick.
//!
//! Between the meetings each thread steps its own cores; outside them the leader alone has everything. A core
//! writes only its own state, so the outcome does not depend on the number of threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam::utils::Backoff;

use super::fabric::{CoreTable, Fabric};
use super::neurocore::Core;
use super::program::Program;
use super::run::Feed;
use crate::diag::Result;

type Shard<'c> = Mutex<&'c mut [Core]>;

/// Plays what `feed` gives on `threads` threads; `tick` counts on.
pub(super) fn play(
    program: &Program,
    cores: &mut [Core],
    fabric: &mut Fabric,
    tick: &mut u32,
    threads: usize,
    feed: &mut Feed<'_>,
) -> Result<()> {
    let per = cores.len().div_ceil(threads.max(1)).max(1);
    let shards: Vec<Shard<'_>> = cores.chunks_mut(per).map(Mutex::new).collect();
    let meeting = Meeting::new(shards.len().max(1));
    std::thread::scope(|scope| {
        for number in 1..shards.len() {
            let (shards, meeting) = (&shards, &meeting);
            scope.spawn(move || follow(program, shards, per, number, meeting));
        }
        let _end = End(&meeting);
        lead(program, &shards, per, &meeting, fabric, tick, feed)
    })
}

/// The leader's ticks: as [`super::Chip::tick`], with the followers let in for the cores' step.
fn lead(
    program: &Program,
    shards: &[Shard<'_>],
    per: usize,
    meeting: &Meeting,
    fabric: &mut Fabric,
    tick: &mut u32,
    feed: &mut Feed<'_>,
) -> Result<()> {
    while let Some(input) = feed.next_tick() {
        fabric.inject(program, input);
        meeting.wait();
        step(program, shards, per, 0, *tick);
        meeting.wait();
        let mut cores = Table { shards: shards.iter().map(lock).collect(), per };
        fabric.close(program, &mut cores, *tick);
        *tick += 1;
        if feed.strict() {
            let mut faults = fabric.faults();
            cores.shards.iter().flat_map(|shard| shard.iter()).for_each(|core| faults.merge(&core.faults));
            feed.check(faults)?;
        }
    }
    Ok(())
}

fn follow(program: &Program, shards: &[Shard<'_>], per: usize, number: usize, meeting: &Meeting) {
    let _end = End(meeting);
    for tick in 0.. {
        if !meeting.wait() {
            return;
        }
        step(program, shards, per, number, tick);
        meeting.wait();
    }
}

fn step(program: &Program, shards: &[Shard<'_>], per: usize, number: usize, tick: u32) {
    let Some(shard) = shards.get(number) else { return };
    let mut cores = lock(shard);
    for (core, loaded) in cores.iter_mut().zip(&program.cores[number * per..]) {
        core.step(program, loaded, tick);
    }
}

fn lock<'s, 'c>(shard: &'s Shard<'c>) -> MutexGuard<'s, &'c mut [Core]> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All shards in the leader's hand. Taken anew in every tick: a guard cannot outlive the meeting.
struct Table<'s, 'c> {
    shards: Vec<MutexGuard<'s, &'c mut [Core]>>,
    per: usize,
}

impl CoreTable for Table<'_, '_> {
    fn core(&mut self, index: usize) -> &mut Core {
        &mut self.shards[index / self.per][index % self.per]
    }
}

/// A barrier that spins at first, because a tick takes microseconds, then sleeps, because the leader may have work
/// between the meetings for which it wants the processors; and that can be ended.
pub(super) struct Meeting {
    parties: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    over: AtomicBool,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

/// Yields of the processor before a waiting thread sleeps: some tens of microseconds.
const YIELDS: u32 = 200;

impl Meeting {
    pub(super) const fn new(parties: usize) -> Self {
        Self {
            parties,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
        }
    }

    /// Waits for all parties; `false` where the run is over.
    pub(super) fn wait(&self) -> bool {
        let round = self.round.load(Ordering::SeqCst);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parties {
            self.arrived.store(0, Ordering::Release);
            self.round.store(round.wrapping_add(1), Ordering::SeqCst);
            self.ring();
            return true;
        }
        let waits = || self.round.load(Ordering::SeqCst) == round && !self.over.load(Ordering::SeqCst);
        let backoff = Backoff::new();
        for _ in 0..YIELDS {
            if !waits() {
                return self.round.load(Ordering::SeqCst) != round;
            }
            backoff.snooze();
        }
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        // Told before the last look: who changes the round after that look finds a sleeper to wake.
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while waits() {
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        drop(bed);
        self.round.load(Ordering::SeqCst) != round
    }

    fn ring(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let _bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
            self.bell.notify_all();
        }
    }
}

/// Ends the meeting when its thread ends, by a panic too, so that nobody waits for it for ever. Where a follower
/// has panicked the leader's sample is lost: joining the scope passes the panic on.
pub(super) struct End<'m>(pub(super) &'m Meeting);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.0.ring();
    }
}
