//! A trained network of rectified linear units becomes a spiking one.
//!
//! [`Units`] is the network that was trained, with a plain float evaluation; [`balance`] chooses what a spike of each unit
//! stands for, from calibration images; [`spiking`] writes the network of integrate-and-fire neurons, which `compile` takes;
//! [`evaluate`] shows a test set to both and tells where they part, by function alone. [`ranges`] measures what those want
//! to know who leave the units as they are and quantise their values.
//!
//! Method: threshold balancing after Diehl et al. (IJCNN 2015) with the maximum and Rueckauer et al. (Frontiers in
//! Neuroscience 2017) with percentiles, per layer and per channel; reset by subtraction and membranes that start half
//! full (Bu et al., ICLR 2022), so that counts round instead of cutting off. Deviations: thresholds carry the scale of a
//! unit and weights that of its sources, so that biases stay as they were trained.

mod balance;
mod evaluate;
mod latency;
mod ranges;
mod scatter;
mod simulate;
mod spiking;
mod tune;
mod units;

pub use balance::{Balance, Normalise, Scope, balance};
pub use evaluate::{Evaluation, LayerErrors, Plan, Point, evaluate, read_out_error};
pub use ranges::{Ranges, ranges};
pub use spiking::spiking;
pub use tune::tune;
pub use units::{Units, largest};

use crate::diag::{Problem, Problems, Result, nearest};

/// How values become spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// By how many there are: a unit at its scale fires in every tick.
    #[default]
    Rate,
    /// By when the one spike comes: layer by layer in windows of T ticks, a unit at its scale in the first tick.
    FirstSpike,
}

/// What a spike does to the membrane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpikeReset {
    /// Takes the threshold off (soft reset); what is above it stays.
    #[default]
    Subtract,
    /// Sets it to 0 (as Loihi's neurons do); what is above the threshold is lost.
    Zero,
}

impl Coding {
    /// Names of the codings.
    pub const NAMES: [&'static str; 2] = ["rate", "first-spike"];
}

impl std::str::FromStr for Coding {
    type Err = Problems;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "rate" => Ok(Self::Rate),
            "first-spike" | "ttfs" => Ok(Self::FirstSpike),
            _ => Err(unknown("coding", word, &Self::NAMES)),
        }
    }
}

impl std::str::FromStr for SpikeReset {
    type Err = Problems;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "subtract" | "soft" => Ok(Self::Subtract),
            "zero" | "hard" => Ok(Self::Zero),
            _ => Err(unknown("reset", word, &["subtract", "zero"])),
        }
    }
}

/// A word that is none of the known ones.
fn unknown(what: &str, word: &str, known: &[&str]) -> Problems {
    let problem = Problem::invalid("convert/option", format!("--{what}"), format!("unknown {what} '{word}'"))
        .limit(known.join(", "));
    match nearest(word, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean '{near}'?")).into(),
        None => problem.into(),
    }
}
