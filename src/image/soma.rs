//! What compartments of a Loihi-style core may have beyond decays, threshold and bias; what it means is said in
//! [`crate::graph`]'s counterpart of the same names.

use bincode::{Decode, Encode};

use super::{CompartmentConfig, CubaCore};
use crate::chip::CubaSpec;

/// A threshold that adapts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct AdaptationImage {
    /// Mantissa that a spike adds.
    pub step: u32,
    /// Decay register of what was added, 0..=4095.
    pub decay: u16,
}

/// Noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct NoiseImage {
    /// Where it acts.
    pub at: NoisePlace,
    /// Exponent, [`NoiseImage::EXPONENTS`].
    pub exponent: u8,
    /// Offset in 64ths of the mantissa.
    pub offset: i8,
    /// Seed of the draws; each neuron of a population has its own.
    pub seed: u32,
}

impl NoiseImage {
    /// Exponents that there are.
    pub const EXPONENTS: std::ops::RangeInclusive<u8> = 1..=23;
}

/// Where noise acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum NoisePlace {
    /// On the synaptic input.
    Current,
    /// On the bias.
    Membrane,
    /// On the threshold.
    Threshold,
}

/// A dendrite of a compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct JoinImage {
    /// What it is joined to; joins ascend by it.
    pub compartment: u16,
    /// The dendrite, below `compartment`; no other compartment has it.
    pub dendrite: u16,
    /// How.
    pub kind: JoinKind,
    /// Whether it passes its current, not its membrane.
    pub current: bool,
}

/// How a dendrite acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum JoinKind {
    /// Its value is added to the drive.
    Add,
    /// The drive is at least its value.
    Max,
    /// The drive is at most its value.
    Min,
    /// Its spike is needed.
    And,
    /// Its spike is enough.
    Or,
}

impl CompartmentConfig {
    /// Whether adaptation and noise are within their registers.
    pub(super) fn extras_fit(&self, spec: &CubaSpec) -> bool {
        let adapts = self.adaptation.is_none_or(|adaptation| {
            u64::from(adaptation.step) < 1_u64 << spec.threshold_bits
                && u32::from(adaptation.decay) < 1_u32 << spec.decay_bits
        });
        let noise = self.noise.is_none_or(|noise| NoiseImage::EXPONENTS.contains(&noise.exponent));
        adapts && noise && (spec.programs.is_none() || (self.adaptation.is_none() && self.noise.is_none()))
    }
}

impl CubaCore {
    /// What is wrong with its joins.
    pub(super) fn join_faults(&self, spec: &CubaSpec) -> Vec<String> {
        let mut faults = Vec::new();
        let mut taken = vec![false; self.config_of.len()];
        if !self.joins.is_sorted_by_key(|join| join.compartment) {
            faults.push("its joins do not ascend".to_owned());
        }
        for join in &self.joins {
            let (compartment, dendrite) = (usize::from(join.compartment), usize::from(join.dendrite));
            if dendrite >= compartment || compartment >= taken.len() {
                faults.push(format!("{join:?}: no dendrite below its compartment"));
            } else if std::mem::replace(&mut taken[dendrite], true) {
                faults.push(format!("{join:?}: the dendrite is joined twice"));
            }
        }
        for of_one in self.joins.chunk_by(|one, next| one.compartment == next.compartment) {
            if of_one.len() > usize::from(spec.dendrites) {
                faults.push(format!(
                    "{} dendrites of one compartment where the chip has {}",
                    of_one.len(),
                    spec.dendrites
                ));
            }
        }
        faults
    }
}
