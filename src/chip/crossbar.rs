//! What the public sources of TrueNorth leave open about its neuron, as named options.
//!
//! Every option has a default; a chip file names the others in `[core.crossbar]`.

/// Choices of a crossbar core's neuron that the public sources do not settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossbarOptions {
    /// `draw_comparison`: when a stochastic weight or leak acts.
    pub comparison: DrawComparison,
    /// `linear_reset`: by how much a linear reset moves V.
    pub linear_reset: LinearReset,
    /// `overflow`: what becomes of a V that its register cannot hold.
    pub overflow: Overflow,
    /// `threshold_draw_bits`: random bits that the threshold's mask selects from, 8..=24. Beyond 8 they are
    /// put together from several draws, low byte first. Default 8.
    pub threshold_draw_bits: u8,
}

impl Default for CrossbarOptions {
    fn default() -> Self {
        Self {
            comparison: DrawComparison::default(),
            linear_reset: LinearReset::default(),
            overflow: Overflow::default(),
            threshold_draw_bits: 8,
        }
    }
}

/// When a stochastic weight or leak of magnitude `x` > 0 acts, given an 8-bit draw `r`. Zero never acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrawComparison {
    /// `x >= r` with `r` in 0..=255: probability `(x + 1) / 256` (US patent 9,558,443). The default.
    #[default]
    AtLeast,
    /// `x > r` with `r` in 0..=255: probability `x / 256`.
    Above,
    /// `x >= r` with `r` in 1..=255, a zero is drawn again: probability `x / 255`.
    AtLeastNonzero,
}

/// By how much a linear reset moves V, with `eta` the masked draw of the tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinearReset {
    /// `V - (alpha + eta)` and `V + (beta + eta)`, the thresholds that were compared with (neuron behaviour
    /// reference). The default.
    #[default]
    Masked,
    /// `V - alpha` and `V + beta`, without the draw (header of NeMo 2).
    Plain,
}

/// What becomes of a V that its register cannot hold, after the synapses and again after the leak. Each of them
/// counts as an overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It stays at the register's edge. The default.
    #[default]
    Saturate,
    /// Two's complement.
    Wrap,
    /// It stays at three quarters of the register's range (393 216 of 20 bits), and above that edge the neuron
    /// fires whatever its threshold (NeMo).
    Nemo,
}

impl DrawComparison {
    pub(super) const NAMES: [&'static str; 3] = ["at_least", "above", "at_least_nonzero"];
    pub(super) const ALL: [Self; 3] = [Self::AtLeast, Self::Above, Self::AtLeastNonzero];
}

impl LinearReset {
    pub(super) const NAMES: [&'static str; 2] = ["masked", "plain"];
    pub(super) const ALL: [Self; 2] = [Self::Masked, Self::Plain];
}

impl Overflow {
    pub(super) const NAMES: [&'static str; 3] = ["saturate", "wrap", "nemo"];
    pub(super) const ALL: [Self; 3] = [Self::Saturate, Self::Wrap, Self::Nemo];
}

impl CrossbarOptions {
    /// For the chip's digest: nothing where all are defaults, so that naming a default changes no digest.
    pub(super) fn words(&self) -> Vec<i64> {
        if *self == Self::default() {
            return Vec::new();
        }
        let Self { comparison, linear_reset, overflow, threshold_draw_bits } = *self;
        vec![comparison as i64, linear_reset as i64, overflow as i64, i64::from(threshold_draw_bits)]
    }
}
