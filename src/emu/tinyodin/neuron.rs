//! One neuron: its 32-bit word and what an event makes of it.

use crate::diag::{Problem, Problems, Result};

/// Membrane potentials are 12-bit two's complement.
const LOWEST: i32 = -2_048;
const HIGHEST: i32 = 2_047;

/// A neuron as its word holds it: disable (bit 31), leak (30..24), threshold (23..12), membrane potential (11..0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Neuron {
    /// Membrane potential, -2048 to 2047.
    pub v: i16,
    /// Threshold, 0 to 4095; from 2048 on the neuron never fires.
    pub threshold: u16,
    /// How far a time reference moves `v` towards 0: 0 to 127.
    pub leak: u8,
    /// The neuron is updated and reset, but nobody hears its spikes.
    pub disabled: bool,
}

impl Neuron {
    /// The neuron's word.
    ///
    /// # Errors
    ///
    /// `tinyodin/range` for each field that does not fit.
    pub fn pack(self) -> Result<u32> {
        let fields = [
            ("v", i32::from(self.v), LOWEST, HIGHEST),
            ("threshold", i32::from(self.threshold), 0, 4_095),
            ("leak", i32::from(self.leak), 0, 127),
        ];
        let found = fields.into_iter().filter(|(_, value, least, most)| !(least..=most).contains(&value));
        let problem = |(name, value, least, most)| {
            Problem::invalid("tinyodin/range", "neuron", format!("{name} is {value}"))
                .limit(format!("{least}..={most}"))
        };
        let v = u32::from(self.v as u16) & 0xfff;
        let threshold = u32::from(self.threshold) << 12;
        let word = u32::from(self.disabled) << 31 | u32::from(self.leak) << 24 | threshold | v;
        Problems::check(found.map(problem).collect(), word)
    }

    /// The neuron that a word holds.
    #[must_use]
    pub const fn unpack(word: u32) -> Self {
        Self {
            v: potential(word) as i16,
            threshold: (word >> 12 & 0xfff) as u16,
            leak: (word >> 24 & 0x7f) as u8,
            disabled: word >> 31 == 1,
        }
    }
}

/// What happens to a neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stimulus {
    /// A time reference: `v` moves towards 0.
    Leak,
    /// A 4-bit two's-complement weight is added.
    Weight(u8),
}

/// Bits 11..0 with their sign.
const fn potential(word: u32) -> i32 {
    ((word << 20) as i32) >> 20
}

/// The word after an update, and whether the neuron reached its threshold (and was reset to 0), disabled or not.
#[inline]
pub(super) fn update(word: u32, stimulus: Stimulus) -> (u32, bool) {
    let v = potential(word);
    let leak = (word >> 24 & 0x7f) as i32;
    let next = match stimulus {
        Stimulus::Leak if v < 0 => (v + leak).min(0),
        Stimulus::Leak => (v - leak).max(0),
        Stimulus::Weight(bits) => {
            let weight = ((u32::from(bits) << 28) as i32) >> 28;
            (v + weight).clamp(LOWEST, HIGHEST)
        }
    };
    let threshold = (word >> 12 & 0xfff) as i32;
    let fires = next >= threshold;
    let next = if fires { 0 } else { next };
    (word & !0xfff | next as u32 & 0xfff, fires)
}

/// Whether the word's neuron may be heard.
pub(super) const fn enabled(word: u32) -> bool {
    word >> 31 == 0
}
