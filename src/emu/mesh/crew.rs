//! Threads that go through the lines of a mesh together, one phase after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::emu::meeting::{End, Meeting};

/// A leader and its helpers.
pub(super) struct Crew {
    threads: usize,
    meeting: Meeting,
    phase: AtomicUsize,
    /// The first item of the phase that nobody has taken.
    next: AtomicUsize,
}

/// How often a helper yields before it sleeps: between two phases the leader is never busy for long.
const PATIENCE: u32 = 4_000;

impl Crew {
    /// A crew of so many threads, the leader's included, of which none has started.
    pub(super) const fn new(threads: usize) -> Self {
        let meeting = Meeting::new(threads).patient(PATIENCE);
        Self { threads, meeting, phase: AtomicUsize::new(0), next: AtomicUsize::new(0) }
    }

    /// Runs `lead` with all threads at hand: there [`Crew::all`] makes each of them do `work` in a phase.
    pub(super) fn start<R>(&self, work: &(impl Fn(usize) + Sync), lead: impl FnOnce() -> R) -> R {
        std::thread::scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(|| {
                    let _end = End(&self.meeting);
                    while self.meeting.wait() {
                        work(self.phase.load(Ordering::Acquire));
                        self.meeting.wait();
                    }
                });
            }
            let _end = End(&self.meeting);
            lead()
        })
    }

    /// One phase, on all threads where `many`, else on the leader's alone.
    pub(super) fn all(&self, phase: usize, many: bool, work: &impl Fn(usize)) {
        self.next.store(0, Ordering::Relaxed);
        if !many || self.threads < 2 {
            return work(phase);
        }
        self.phase.store(phase, Ordering::Release);
        self.meeting.wait();
        work(phase);
        self.meeting.wait();
    }

    /// The items of the phase, each handed to one of the threads.
    pub(super) fn items(&self, count: usize) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|&item| item < count))
    }
}
