//! The generator of a TrueNorth-style core, ours: a 32-bit Galois register shifting right, polynomial
//! x^32 + x^22 + x^2 + x + 1, period 2^32 - 1. A draw is its low byte, which the next eight shifts replace.
//!
//! # Many draws at once
//!
//! Let s be the sequence of bits that the register shifts out. A bit that leaves is added at the taps, which leave
//! later: `s[m] = s[m-1] + s[m-2] + s[m-22] + s[m-32]` over GF(2). Over GF(2) the square of a sum is the sum of the
//! squares, so the same holds with all distances times 64: whole words of s follow from words 1, 2, 22 and 32 before.
//! In the low byte at time n, bit i is s[n+i] before the bits that have not left yet are added to it:
//! `s[n+i] + s[n+i-1] + s[n+i-2]`, counting only bits from n on.

/// The polynomial without its constant term, bit-reversed as a register that shifts right needs it.
const TAPS: u32 = 0x8020_0003;
/// Words of the sequence that are kept: the longest distance.
const WORDS: usize = 32;
/// Draws in them.
const DRAWS: usize = WORDS * 8;

/// The sequence of one core: a block of it, and how many of the block's draws are made.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Stream {
    words: [u64; WORDS],
    made: usize,
}

impl Stream {
    /// From the register's first state, which is not 0.
    pub(in crate::emu) fn new(state: u32) -> Self {
        let mut state = state;
        let mut words = [0; WORDS];
        for word in &mut words {
            for bit in 0..64 {
                *word |= u64::from(state & 1) << bit;
                state = (state >> 1) ^ (TAPS * (state & 1));
            }
        }
        Self { words, made: 0 }
    }

    /// Uniform in 0..=255.
    #[inline]
    pub(in crate::emu) fn draw(&mut self) -> i64 {
        if self.made == DRAWS {
            self.refill();
        }
        let word = low_bytes(self.words[self.made / 8]);
        let byte = (word >> (self.made % 8 * 8)) & 0xff;
        self.made += 1;
        byte as i64
    }

    /// The next draws, as many as there is room.
    #[inline]
    pub(in crate::emu) fn draws(&mut self, out: &mut [u8]) {
        if self.made == DRAWS {
            self.refill();
        }
        if out.len().is_multiple_of(8) && self.made.is_multiple_of(8) && self.made + out.len() <= DRAWS {
            let words = &self.words[self.made / 8..];
            for (bytes, &word) in out.chunks_exact_mut(8).zip(words) {
                bytes.copy_from_slice(&low_bytes(word).to_le_bytes());
            }
            self.made += out.len();
        } else {
            out.iter_mut().for_each(|byte| *byte = self.draw() as u8);
        }
    }

    /// The next block.
    fn refill(&mut self) {
        let words = &mut self.words;
        for at in 0..WORDS {
            let before = |distance: usize| words[(at + WORDS - distance) % WORDS];
            words[at] ^= before(1) ^ before(2) ^ before(22);
        }
        self.made = 0;
    }
}

/// Eight draws from the 64 bits that the register shifts out meanwhile.
#[inline]
const fn low_bytes(bits: u64) -> u64 {
    bits ^ (bits << 1 & 0xfefe_fefe_fefe_fefe) ^ (bits << 2 & 0xfcfc_fcfc_fcfc_fcfc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of the register, shift by shift.
    fn slow(mut state: u32) -> impl Iterator<Item = u8> {
        std::iter::from_fn(move || {
            let byte = state as u8;
            for _ in 0..8 {
                state = (state >> 1) ^ if state & 1 == 1 { TAPS } else { 0 };
            }
            Some(byte)
        })
    }

    #[test]
    fn draws_are_those_of_the_register() {
        for seed in [1, u32::MAX, 0x8000_0000, 0x1234_5678] {
            let mut stream = Stream::new(seed);
            for (number, expected) in slow(seed).take(20_000).enumerate() {
                assert_eq!(stream.draw(), i64::from(expected), "draw {number} of seed {seed:#x}");
            }
        }
    }

    #[test]
    fn many_draws_are_the_single_ones_wherever_they_begin() {
        let (mut stream, mut expected) = (Stream::new(77), slow(77));
        for size in [64, 64, 128, 8, 3, 64, 5, 64, 0, 100, 1, 63, 64, 256, 7, 64, 250, 16].repeat(5) {
            let mut got = vec![0; size];
            stream.draws(&mut got);
            assert_eq!(got, expected.by_ref().take(size).collect::<Vec<u8>>(), "{size} draws");
        }
    }
}
