//! One sample on one thread a bank, with two meetings a tick: between them each thread steps its own bank, outside
//! of them the leader alone has everything.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bank::Bank;
use super::{Between, Table, lock};
use crate::diag::Result;
use crate::emu::meeting::{End, Meeting};
use crate::emu::program::Program;
use crate::emu::run::Feed;

/// Plays what `feed` gives.
pub(super) fn play(
    program: &Program,
    banks: &[Mutex<Bank>],
    per: usize,
    between: &mut Between,
    tick: &mut u32,
    feed: &mut Feed<'_>,
) -> Result<()> {
    let meeting = Meeting::new(banks.len());
    let now = AtomicU32::new(0);
    // The post is behind a lock that the leader takes between the meetings and everybody reads within them.
    let shared = std::sync::RwLock::new(between);
    std::thread::scope(|scope| {
        for (number, bank) in banks.iter().enumerate().skip(1) {
            let (meeting, now, shared) = (&meeting, &now, &shared);
            scope.spawn(move || {
                let _end = End(meeting);
                while meeting.wait() {
                    let between = shared.read().unwrap_or_else(std::sync::PoisonError::into_inner);
                    lock(bank).step(program, &between.post, number, now.load(Ordering::Acquire));
                    drop(between);
                    meeting.wait();
                }
            });
        }
        let _end = End(&meeting);
        while let Some(input) = feed.next_tick() {
            let write = || shared.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            write().inject(program, input, *tick);
            now.store(*tick, Ordering::Release);
            meeting.wait();
            let between = shared.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            lock(&banks[0]).step(program, &between.post, 0, *tick);
            drop(between);
            meeting.wait();
            let mut between = write();
            let mut table = Table { banks: banks.iter().map(lock).collect(), per };
            // Without time and strictness the threads themselves place the letters, in their next step.
            if between.time.is_some() || feed.strict() {
                between.close(program, &mut table, *tick);
            }
            *tick += 1;
            if feed.strict() {
                feed.check(between.faults(&mut table))?;
            }
            *tick += between.skip(&mut table, feed);
        }
        let mut table = Table { banks: banks.iter().map(lock).collect(), per };
        let between = shared.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(last) = tick.checked_sub(1).filter(|_| between.time.is_none()) {
            for (number, bank) in table.banks.iter_mut().enumerate() {
                bank.collect(&between.post, number, last);
            }
        }
        Ok(())
    })
}
