//! A sample once more, with everything that a waveform shows.
//!
//! Clocked designs are run edge by edge: a value at a time is what that edge sees. The other chips show each tick's
//! spikes and states at its start, and packets when they leave their core.

mod clocked;
mod event;
mod packet;
mod ticked;

pub use packet::{Step, Which, packet};

use super::probe::{Change, Signal};
use super::ranc::RancStimulus;
use crate::chip::{ChipSpec, Family, SyncSpec};
use crate::diag::Result;
use crate::image::{Image, Place};
use crate::stimulus::Sample;

/// What is shown to the chip.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// A sample.
    Sample(&'a Sample),
    /// Packets and ticks by cycle, for RANC.
    Cycles(&'a RancStimulus),
}

/// Picoseconds of a unit of time of the changes; `None` where a cycle or a tick has no known length.
#[must_use]
pub fn unit(chip: &ChipSpec, timing: bool) -> Option<u64> {
    match chip.sync {
        SyncSpec::Clocked { clock, .. } => clock.map(|clock| clock.0),
        _ => timing.then_some(1),
    }
}

/// The signals of a run, scope by scope. Potentials are those of the `watched` neurons.
#[must_use]
pub fn signals(image: &Image, chip: &ChipSpec, watched: &[Place]) -> Vec<Signal> {
    match &chip.family {
        Family::Ranc(_) => clocked::ranc_signals(image, chip, watched),
        Family::TinyOdin(_) => clocked::tinyodin_signals(watched),
        Family::Crossbar(_) | Family::Cuba(_) | Family::Fcore(_) | Family::Stepped(_) => {
            ticked::signals(image, chip, watched)
        }
    }
}

/// Runs what is `shown` and tells every value of the signals to `tell`, repeats included; returns the end, in units of
/// [`unit()`].
///
/// # Errors
/// As [`super::run`].
pub fn replay(
    image: &Image,
    chip: &ChipSpec,
    shown: Shown<'_>,
    watched: &[Place],
    timing: bool,
    tell: impl FnMut(Change),
) -> Result<u64> {
    match (&chip.family, shown) {
        (Family::Ranc(_), Shown::Cycles(stimulus)) => clocked::ranc(image, chip, stimulus, watched, tell),
        (Family::Ranc(_), Shown::Sample(sample)) => {
            let (stimulus, _) = super::clocked::ranc_stimulus(image, chip, sample);
            clocked::ranc(image, chip, &stimulus, watched, tell)
        }
        (Family::TinyOdin(spec), Shown::Sample(sample)) => clocked::tinyodin(image, spec, sample, watched, tell),
        (_, Shown::Sample(sample)) => ticked::replay(image, chip, sample, watched, timing, tell),
        (_, Shown::Cycles(_)) => Ok(0),
    }
}

fn signal(scopes: &[&str], name: &str, bits: u32) -> Signal {
    Signal { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), name: name.to_owned(), bits }
}

/// Numbers signals as they come and tells their values.
struct Teller<T> {
    time: u64,
    next: u32,
    tell: T,
}

impl<T: FnMut(Change)> Teller<T> {
    const fn new(tell: T) -> Self {
        Self { time: 0, next: 0, tell }
    }

    /// The first signal again, at another time.
    const fn at(&mut self, time: u64) {
        self.time = time;
        self.next = 0;
    }

    fn value(&mut self, value: u64) {
        (self.tell)(Change { time: self.time, signal: self.next, value });
        self.next += 1;
    }

    /// A flag, and a number that stays what it was where the flag is down.
    fn flagged(&mut self, value: Option<u64>) {
        self.value(u64::from(value.is_some()));
        match value {
            Some(value) => self.value(value),
            None => self.next += 1,
        }
    }
}
