//! The scheduler: one queue of events that wait for the controller.

use super::SCHEDULER_DEPTH;

/// A ring of 12-bit events: weight of a virtual event (bits 11..8; 0 for a neuron event), address (7..0).
#[derive(Debug, Clone)]
pub(super) struct Scheduler {
    ring: [u16; SCHEDULER_DEPTH],
    first: usize,
    fill: usize,
}

impl Scheduler {
    pub(super) const fn new() -> Self {
        Self { ring: [0; SCHEDULER_DEPTH], first: 0, fill: 0 }
    }

    pub(super) const fn fill(&self) -> usize {
        self.fill
    }

    pub(super) const fn empty(&self) -> bool {
        self.fill == 0
    }

    pub(super) const fn full(&self) -> bool {
        self.fill == SCHEDULER_DEPTH
    }

    /// The event at the head; whatever lies there where the queue is empty.
    #[inline]
    pub(super) const fn head(&self) -> u16 {
        self.ring[self.first]
    }

    /// Takes and gives at one edge. Full and empty are those from before the edge: a push into a full queue is
    /// lost even where the same edge pops. Returns whether the push was kept.
    pub(super) const fn edge(&mut self, push: Option<u16>, pop: bool) -> bool {
        let (full, empty) = (self.full(), self.empty());
        let kept = if let Some(event) = push
            && !full
        {
            self.ring[(self.first + self.fill) % SCHEDULER_DEPTH] = event;
            self.fill += 1;
            true
        } else {
            false
        };
        if pop && !empty {
            self.first = (self.first + 1) % SCHEDULER_DEPTH;
            self.fill -= 1;
        }
        kept
    }
}
