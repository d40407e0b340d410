//! A queue of events that are pushed in order of time: a ring that shows when its first event is due.

/// What a queue holds.
pub(super) trait Timed: Copy + Default {
    /// When it happens.
    fn at(&self) -> u64;
}

/// Events in order of time.
#[derive(Debug, Clone)]
pub(super) struct Queue<T> {
    /// Power-of-two many places.
    ring: Vec<T>,
    first: usize,
    len: usize,
    /// Time of the first event; `u64::MAX` where there is none.
    next: u64,
}

impl<T: Timed> Queue<T> {
    pub(super) fn new() -> Self {
        Self { ring: vec![T::default(); 64], first: 0, len: 0, next: u64::MAX }
    }

    /// When the first event happens; `u64::MAX` where there is none.
    #[inline]
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Appends an event that is not earlier than the last.
    #[inline]
    pub(super) fn push(&mut self, event: T) {
        if self.len == self.ring.len() {
            self.grow();
        }
        if self.len == 0 {
            self.next = event.at();
        }
        let place = (self.first + self.len) & (self.ring.len() - 1);
        self.ring[place] = event;
        self.len += 1;
    }

    /// Takes the first event where it happens at `now`.
    #[inline]
    pub(super) fn pop_at(&mut self, now: u64) -> Option<T> {
        if self.next != now {
            return None;
        }
        let mask = self.ring.len() - 1;
        let event = self.ring[self.first & mask];
        self.first = (self.first + 1) & mask;
        self.len -= 1;
        self.next = if self.len == 0 { u64::MAX } else { self.ring[self.first & mask].at() };
        Some(event)
    }

    #[cold]
    fn grow(&mut self) {
        self.ring.rotate_left(self.first);
        self.first = 0;
        self.ring.resize(self.ring.len() * 2, T::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Timed for u64 {
        fn at(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn gives_back_in_order_through_growth_and_wrap() {
        let mut queue = Queue::new();
        let mut expected = 0;
        for time in 0..1_000 {
            queue.push(time);
            if time % 3 != 0 {
                assert_eq!(queue.pop_at(expected + 1), None);
                assert_eq!(queue.pop_at(expected), Some(expected));
                expected += 1;
            }
        }
        while expected < 1_000 {
            assert_eq!(queue.next(), expected);
            assert_eq!(queue.pop_at(expected), Some(expected));
            expected += 1;
        }
        assert_eq!(queue.next(), u64::MAX);
    }
}
