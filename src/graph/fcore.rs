//! Populations of Tianjic-style cores: artificial units with 8-bit values, and spiking neurons, in integers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A population for FCores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcoreNeuron {
    /// What its axons take.
    pub input: FcoreInput,
    /// What its neurons make of the sum.
    pub soma: FcoreSoma,
}

/// Input format of a population's cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FcoreInput {
    /// 8-bit values: what came in the round before, 0 where nothing did.
    Values,
    /// The number of rounds with a spike among the last `window`, 1..=8.
    Spikes {
        /// Rounds that count.
        window: u8,
    },
}

/// The soma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FcoreSoma {
    /// `activation((sum + bias) >> shift)`, sent as a value unless it is 0.
    Ann(AnnSoma),
    /// Leaky integrate and fire.
    Snn(SnnSoma),
}

/// An artificial unit. Vectors have one value for all or one a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnSoma {
    /// Added to the sum.
    pub bias: Vec<i32>,
    /// Places by which the sum is shifted right (floor).
    pub shift: u8,
    /// From the shifted sum to the value.
    pub activation: Activation,
}

/// What becomes of a shifted sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// Clamped to 0..=255.
    Relu,
    /// Clamped to -128..=127.
    Signed,
    /// Clamped to -128..=127, then looked up: entry 0 is that of -128; 256 entries, -128..=255.
    Table(Vec<i16>),
}

/// What a spike does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FcoreReset {
    /// It becomes the reset value.
    Value,
    /// The threshold (with the draw of the round) is taken off.
    Subtract,
    /// It stays.
    None,
}

/// A spiking neuron. Vectors have one value for all or one a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnnSoma {
    /// Leak: of the membrane `(256 - decay) / 256` are left in each round, rounded towards 0.
    pub decay: u8,
    /// Added in each round.
    pub bias: Vec<i32>,
    /// Fires at or above; `None`: never.
    pub threshold: Option<Vec<i32>>,
    /// Bits of the random number that the threshold grows by in each round; 0: none.
    pub random_bits: u8,
    /// Seed of these numbers.
    pub seed: u64,
    /// What a spike does.
    pub reset: FcoreReset,
    /// The membrane after a spike with reset `value`.
    pub reset_value: i32,
    /// The membrane before the first round.
    pub initial: Vec<i32>,
}

impl FcoreNeuron {
    /// Whether its neurons send values.
    #[must_use]
    pub const fn sends_values(&self) -> bool {
        matches!(self.soma, FcoreSoma::Ann(_))
    }
}
