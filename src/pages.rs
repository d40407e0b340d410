//! Large tables of words that are read all over: on pages of two megabytes where the system has them, so that a
//! look-up seldom has to wait for the address of its page as well.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Tables from this many bytes on are worth pages of their own.
const LARGE: usize = 4 << 20;

/// Words, 0 at first. Their number never changes.
#[derive(Debug)]
pub struct Words(Memory);

#[derive(Debug)]
enum Memory {
    Heap(Vec<u64>),
    Pages(MmapMut),
}

impl Words {
    /// `count` words of 0. Where the system gives no pages they are on the heap, which ends the program where that has
    /// no room either.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let bytes = count.saturating_mul(size_of::<u64>());
        let pages = (bytes >= LARGE).then(|| MmapMut::map_anon(bytes).ok()).flatten();
        Self(pages.map_or_else(
            || Memory::Heap(vec![0; count]),
            |pages| {
                // Only a wish: without it everything is as it would be, but slower.
                #[cfg(target_os = "linux")]
                let _ = pages.advise(memmap2::Advice::HugePage);
                Memory::Pages(pages)
            },
        ))
    }
}

impl From<Vec<u64>> for Words {
    fn from(words: Vec<u64>) -> Self {
        Self(Memory::Heap(words))
    }
}

impl Deref for Words {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        match &self.0 {
            Memory::Heap(words) => words,
            // Pages begin at a multiple of eight and have whole words.
            Memory::Pages(pages) => bytemuck::cast_slice(pages),
        }
    }
}

impl DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u64] {
        match &mut self.0 {
            Memory::Heap(words) => words,
            Memory::Pages(pages) => bytemuck::cast_slice_mut(pages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_0_at_first_and_keep_what_is_written_on_the_heap_and_on_pages() {
        for count in [0, 1, LARGE / 8 - 1, LARGE / 8, LARGE / 8 + 1] {
            let mut words = Words::new(count);
            assert_eq!(words.len(), count);
            assert!(words.iter().all(|&word| word == 0));
            words.iter_mut().zip(0..).for_each(|(word, value)| *word = value);
            assert!(words.iter().zip(0..).all(|(&word, value): (_, u64)| word == value));
        }
    }
}
