//! Where the threads of a sample wait for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crossbeam::utils::CachePadded;

/// A barrier that spins at first, because a tick takes microseconds, then sleeps, because the leader may have work
/// between the meetings for which it wants the processors; and that can be ended.
pub(super) struct Meeting {
    parties: usize,
    yields: u32,
    // Who arrives does not disturb those who look at the round.
    arrived: CachePadded<AtomicUsize>,
    round: CachePadded<AtomicUsize>,
    over: AtomicBool,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

/// Looks before a waiting thread yields its processor: some microseconds.
const SPINS: u32 = 500;
/// Yields of the processor before a waiting thread sleeps: some tens of microseconds.
const YIELDS: u32 = 200;

impl Meeting {
    pub(super) const fn new(parties: usize) -> Self {
        Self {
            parties,
            yields: YIELDS,
            arrived: CachePadded::new(AtomicUsize::new(0)),
            round: CachePadded::new(AtomicUsize::new(0)),
            over: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
        }
    }

    /// One whose waiting threads yield so often before they sleep.
    pub(super) const fn patient(mut self, yields: u32) -> Self {
        self.yields = yields;
        self
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
        for turn in 0..SPINS + self.yields {
            if !waits() {
                return self.round.load(Ordering::SeqCst) != round;
            }
            // A backoff that doubles its pauses would be late by half a short tick.
            if turn < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
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
