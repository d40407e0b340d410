//! One hash for image integrity, provenance and golden digests: BLAKE3, 256 bits.

use std::fmt;

/// A 256-bit BLAKE3 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The first 16 hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..16].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Digest of a stream of words, fed piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Digester {
    hasher: blake3::Hasher,
    /// Bytes that wait: many at once are hashed side by side.
    waiting: Vec<u8>,
}

/// Bytes that are worth hashing at once.
const PIECE: usize = 1 << 14;

impl Digester {
    /// Feeds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.waiting.len() + bytes.len() > PIECE {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
        if bytes.len() > PIECE {
            self.hasher.update(bytes);
        } else {
            self.waiting.extend_from_slice(bytes);
        }
    }

    /// Feeds one word, little-endian.
    pub fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }

    /// The digest of all that was fed.
    #[must_use]
    pub fn finish(&self) -> Digest {
        let mut hasher = self.hasher.clone();
        Digest(*hasher.update(&self.waiting).finalize().as_bytes())
    }
}
