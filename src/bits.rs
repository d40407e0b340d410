//! Bit rows: the only file that names `bitvec`. It is the storage and API type; hot loops walk the raw words
//! ([`BitRow::words`], [`ones`]) because bitvec's own iterators are 13-20 times slower.

use bitvec::prelude::{BitVec, Lsb0};

/// Bits of an address that tells `count` things apart: `$clog2` of hardware descriptions.
#[must_use]
pub const fn address_bits(count: u32) -> u32 {
    if count <= 1 { 0 } else { (count - 1).ilog2() + 1 }
}

/// A row of bits, bit 0 in the least significant bit of word 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BitRow(BitVec<u64, Lsb0>);

impl BitRow {
    /// `length` zero bits.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        Self(BitVec::repeat(false, length))
    }

    /// The number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the row has no bits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bit at `index`; panics beyond the row.
    #[must_use]
    pub fn get(&self, index: usize) -> bool {
        self.0[index]
    }

    /// Sets the bit at `index`; panics beyond the row.
    pub fn set(&mut self, index: usize, value: bool) {
        self.0.set(index, value);
    }

    /// The raw words; bits beyond the length are zero.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        self.0.as_raw_slice()
    }

    /// The raw words, for loops that keep the bits beyond the length zero.
    pub fn words_mut(&mut self) -> &mut [u64] {
        self.0.as_raw_mut_slice()
    }

    /// The number of ones.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words().iter().map(|word| word.count_ones()).sum()
    }
}

/// The indices of the ones in `words`, ascending.
#[inline]
pub fn ones(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(index, &word)| {
        std::iter::successors((word != 0).then_some(word), |rest| {
            let rest = rest & (rest - 1);
            (rest != 0).then_some(rest)
        })
        .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_are_found_across_word_edges() {
        let mut row = BitRow::zeros(200);
        let set = [0, 1, 63, 64, 127, 128, 199];
        for index in set {
            row.set(index, true);
        }
        assert_eq!(ones(row.words()).collect::<Vec<_>>(), set);
        assert_eq!(row.count(), 7);
        assert_eq!(row.words().len(), 4);
    }
}
