//! The crosspoints of a core, shared between the image and what runs it: on a full chip they are most of both.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bincode::{Decode, Encode};

/// Words of connection bits. A clone shares them; a change of a shared one copies first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Rows(Arc<[u64]>);

impl From<Vec<u64>> for Rows {
    fn from(words: Vec<u64>) -> Self {
        Self(words.into())
    }
}

impl Deref for Rows {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut [u64] {
        Arc::make_mut(&mut self.0)
    }
}
