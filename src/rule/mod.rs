//! Learning rules: sums of products as text and in the engine's integers, and the traces that they read.
//!
//! A rule says how a synapse's weight, delay and tag change at the end of a learning epoch:
//! `dw = 2^-2*y0*x1 - 2^-2*x0*y1 + u0*sgn(w - 32); dt = ...`. Each product is `mantissa * 2^exponent * dependency *
//! factors` and acts only where its dependency holds: x0 (a spike before the synapse in this epoch), y0 (one after
//! it) or u_k (every 2^k epochs). Limits and meaning are those of lava-nc's learning engine (4-bit mantissa, exponent
//! -7..=8, 7-bit traces, 9-bit synaptic variables).

mod parse;
mod plastic;
mod print;
#[cfg(test)]
mod tests;
mod trace;

pub use parse::{parse_rule, parse_sum};
pub use plastic::{Graded, PRESETS, Preset, Sign, preset};
pub use trace::{DRAW_BITS, Decay, Draws, Trace, TraceName};

/// Least and greatest exponent of a product.
pub const EXPONENTS: std::ops::RangeInclusive<i8> = -7..=8;
/// Least and greatest mantissa of a product.
pub const MANTISSAS: std::ops::RangeInclusive<i8> = -8..=7;
/// Least and greatest constant that is added to a variable.
pub const CONSTANTS: std::ops::RangeInclusive<i16> = -256..=255;
/// Greatest k of u_k.
pub const DECIMATION_MAX: u8 = 9;

/// What a factor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    /// Whether a presynaptic spike came in this epoch.
    X0,
    /// First presynaptic trace.
    X1,
    /// Second presynaptic trace.
    X2,
    /// Whether a postsynaptic spike came in this epoch.
    Y0,
    /// First postsynaptic trace.
    Y1,
    /// Second postsynaptic trace.
    Y2,
    /// Third postsynaptic trace.
    Y3,
    /// The synapse's weight.
    Weight,
    /// The synapse's delay.
    Delay,
    /// The synapse's tag.
    Tag,
}

impl Variable {
    /// All of them, by name.
    pub const ALL: [Self; 10] =
        [Self::X0, Self::X1, Self::X2, Self::Y0, Self::Y1, Self::Y2, Self::Y3, Self::Weight, Self::Delay, Self::Tag];

    /// The name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X0 => "x0",
            Self::X1 => "x1",
            Self::X2 => "x2",
            Self::Y0 => "y0",
            Self::Y1 => "y1",
            Self::Y2 => "y2",
            Self::Y3 => "y3",
            Self::Weight => "w",
            Self::Delay => "d",
            Self::Tag => "t",
        }
    }

    /// Magnitude bits: a factor is limited to -2^bits ..= 2^bits - 1.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::X0 | Self::Y0 => 1,
            Self::X1 | Self::X2 | Self::Y1 | Self::Y2 | Self::Y3 => 7,
            Self::Weight | Self::Delay | Self::Tag => 9,
        }
    }
}

/// When a product acts, and as of when its traces are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// With a presynaptic spike, at the time of the last one of the epoch.
    X0,
    /// With a postsynaptic spike, at the time of the last one of the epoch.
    Y0,
    /// Every 2^k epochs, at the end of the epoch.
    U(u8),
}

/// One factor: `variable + constant`, or its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor {
    /// What is read.
    pub variable: Variable,
    /// Added to it, -256..=255.
    pub constant: i16,
    /// Whether only the sign of the sum counts.
    pub sign: bool,
}

/// `mantissa * 2^exponent * dependency * factors`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product {
    /// When it acts.
    pub dependency: Dependency,
    /// -8..=7.
    pub mantissa: i8,
    /// -7..=8.
    pub exponent: i8,
    /// In the order of the text.
    pub factors: Vec<Factor>,
}

/// A rule for the three variables of a synapse; an empty sum leaves its variable alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rule {
    /// Change of the weight.
    pub weight: Vec<Product>,
    /// Change of the delay.
    pub delay: Vec<Product>,
    /// Change of the tag.
    pub tag: Vec<Product>,
}

impl Rule {
    /// Every product.
    pub fn products(&self) -> impl Iterator<Item = &Product> {
        self.weight.iter().chain(&self.delay).chain(&self.tag)
    }

    /// Whether any product reads `variable`.
    #[must_use]
    pub fn reads(&self, variable: Variable) -> bool {
        self.products().any(|product| product.factors.iter().any(|factor| factor.variable == variable))
    }

    /// Whether the synapses need a tag: it is learned, or read.
    #[must_use]
    pub fn needs_tag(&self) -> bool {
        !self.tag.is_empty() || self.reads(Variable::Tag)
    }
}
