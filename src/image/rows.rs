//! The crosspoints of a core, shared between the image and what runs it: on a full chip they are most of both.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use bincode::de::{BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{BorrowDecode, Decode, Encode};

use crate::pages::Words;

/// Words of connection bits. A clone shares them; a change of shared ones copies first.
#[derive(Clone)]
pub struct Rows {
    words: Arc<Words>,
    mine: Range<usize>,
}

impl Rows {
    /// Puts the words of all `rows` side by side, in one table.
    pub(super) fn gather<'r>(rows: impl Iterator<Item = &'r mut Self>) {
        let rows: Vec<&mut Self> = rows.collect();
        let mut all = Words::new(rows.iter().map(|rows| rows.len()).sum());
        let mut from = 0;
        let mut places = Vec::with_capacity(rows.len());
        for rows in &rows {
            let mine = from..from + rows.len();
            all[mine.clone()].copy_from_slice(rows);
            from = mine.end;
            places.push(mine);
        }
        let words = Arc::new(all);
        rows.into_iter().zip(places).for_each(|(rows, mine)| *rows = Self { words: Arc::clone(&words), mine });
    }
}

impl From<Vec<u64>> for Rows {
    fn from(words: Vec<u64>) -> Self {
        let mine = 0..words.len();
        Self { words: Arc::new(words.into()), mine }
    }
}

impl Default for Rows {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl Deref for Rows {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.words[self.mine.clone()]
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut [u64] {
        if Arc::get_mut(&mut self.words).is_none() {
            *self = self.to_vec().into();
        }
        let words = Arc::get_mut(&mut self.words).map_or(&mut [][..], |words| words);
        &mut words[self.mine.clone()]
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Rows {}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Encode for Rows {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (**self).encode(encoder)
    }
}

impl<C> Decode<C> for Rows {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Vec::decode(decoder).map(Self::from)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Rows {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_rows_keep_their_words_and_part_when_one_changes() {
        let mut all: Vec<Rows> = [vec![1, 2], vec![], vec![3]].map(Rows::from).into();
        let before = all.clone();
        Rows::gather(all.iter_mut());
        assert_eq!(all, before);
        all[2][0] = 9;
        assert_eq!(all, [vec![1, 2].into(), Rows::default(), vec![9].into()]);
        assert_eq!(*before[2], [3]);
    }
}
