//! One sample on several threads: contiguous ranges of cores, two meetings a tick.
//!
//! Between the meetings each thread steps its own cores; outside them the leader alone has everything. A core
//! writes only its own state, so the outcome does not depend on the number of threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fabric::{CoreTable, Fabric};
use super::meeting::{End, Meeting};
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
