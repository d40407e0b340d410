//! A buffer between two clocked parts.

/// First in, first out, of fixed depth.
#[derive(Debug, Clone)]
pub(super) struct Fifo<T> {
    places: Vec<T>,
    first: usize,
    fill: usize,
}

impl<T: Copy + Default> Fifo<T> {
    /// An empty buffer of `depth` places, at least one.
    pub(super) fn new(depth: u32) -> Self {
        Self { places: vec![T::default(); depth as usize], first: 0, fill: 0 }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.fill == 0
    }

    /// Entries in it.
    pub(super) const fn fill(&self) -> usize {
        self.fill
    }

    #[inline]
    pub(super) const fn is_full(&self) -> bool {
        self.fill == self.places.len()
    }

    /// The oldest entry; call it only where there is one.
    #[inline]
    pub(super) fn head(&self) -> T {
        debug_assert!(!self.is_empty());
        self.places[self.first]
    }

    /// Appends, or drops the entry where the buffer is full; whether there was room.
    #[inline]
    pub(super) fn push(&mut self, entry: T) -> bool {
        if self.is_full() {
            return false;
        }
        let mut place = self.first + self.fill;
        if place >= self.places.len() {
            place -= self.places.len();
        }
        self.places[place] = entry;
        self.fill += 1;
        true
    }

    /// Takes the oldest entry; call it only where there is one.
    #[inline]
    pub(super) fn pop(&mut self) -> T {
        let entry = self.head();
        self.first += 1;
        if self.first == self.places.len() {
            self.first = 0;
        }
        self.fill -= 1;
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_comes_when_full_and_keeps_the_order() {
        for depth in [1, 2, 3, 4] {
            let mut fifo = Fifo::new(depth);
            for round in 0..5_u32 {
                for entry in 0..depth {
                    assert!(fifo.push(round * 10 + entry));
                }
                assert!(fifo.is_full() && !fifo.push(99));
                for entry in 0..depth {
                    assert_eq!(fifo.pop(), round * 10 + entry);
                }
                assert!(fifo.is_empty());
            }
        }
    }
}
