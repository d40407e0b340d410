//! Letters between banks: the spikes of one tick, by sender and receiver, while those of the tick before are read.

use std::sync::{Mutex, PoisonError};

use crate::emu::program::Target;

/// The slots: of even and odd ticks, by sender (the host first), then receiver. Nobody ever waits for one.
#[derive(Debug)]
pub(super) struct Post {
    banks: usize,
    bank_of: Vec<u16>,
    slots: [Vec<Mutex<Vec<Target>>>; 2],
}

impl Post {
    pub(super) fn new(cores: usize, per: usize, banks: usize) -> Self {
        let slots = || (0..(banks + 1) * banks).map(|_| Mutex::default()).collect();
        Self { banks, bank_of: (0..cores).map(|core| (core / per) as u16).collect(), slots: [slots(), slots()] }
    }

    /// The bank of a core.
    #[inline]
    pub(super) fn bank_of(&self, core: u32) -> usize {
        usize::from(self.bank_of[core as usize])
    }

    pub(super) fn banks(&self) -> usize {
        self.banks
    }

    /// A letter from the host in `tick`.
    pub(super) fn inject(&mut self, to: Target, tick: u32) {
        let bank = self.bank_of(to.core);
        let slot = &mut self.slots[tick as usize % 2][bank];
        slot.get_mut().unwrap_or_else(PoisonError::into_inner).push(to);
    }

    /// Exchanges what bank `from` has for bank `to` in `tick` against the empty slot.
    pub(super) fn put(&self, from: usize, to: usize, tick: u32, letters: &mut Vec<Target>) {
        let slot = &self.slots[tick as usize % 2][(from + 1) * self.banks + to];
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(slot.is_empty(), "every letter is read in the tick after");
        std::mem::swap(&mut *slot, letters);
    }

    /// Hands out, and empties, what came for bank `to` in `tick`, in order of sender.
    pub(super) fn take(&self, to: usize, tick: u32, mut read: impl FnMut(&[Target])) {
        for from in 0..=self.banks {
            let slot = &self.slots[tick as usize % 2][from * self.banks + to];
            let mut letters = slot.lock().unwrap_or_else(PoisonError::into_inner);
            read(&letters);
            letters.clear();
        }
    }

    /// Whether no letter is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().flatten().all(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().flatten().for_each(|slot| slot.get_mut().unwrap_or_else(PoisonError::into_inner).clear());
    }
}
