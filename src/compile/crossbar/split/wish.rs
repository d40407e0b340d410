//! What a user decides about fan-in splitting: how many spikes a part may send in a tick, and what each stands for.

use std::fmt;
use std::str::FromStr;

use crate::diag::{Problems, Result};
use crate::parameters::{Owner, Parameter, Values, parameter};

const NAME: &str = "split-fan-in";

const PARAMETERS: [Parameter; 2] = [
    parameter("spikes", 4.0, (1.0, 16.0), "spikes that a part of one sign sends in a tick at most"),
    parameter("step", 0.0, (0.0, 1000.0), "what a spike stands for, % of the largest weight; 0: 200 / spikes"),
];

/// How neurons with too many inputs are split; written `spikes=4,step=25`, in any part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SplitFanIn(Values);

impl FromStr for SplitFanIn {
    type Err = Problems;

    /// Reads the parameters, commas between; none are the defaults.
    fn from_str(text: &str) -> Result<Self> {
        let owner = Owner { code: "compile/split-fan-in", name: NAME, others: &[] };
        let mut values = Values::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = owner.split(part)?;
            values.set(&PARAMETERS, &owner, key, value)?;
        }
        Ok(Self(values))
    }
}

impl fmt::Display for SplitFanIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}{}", self.0)
    }
}

impl SplitFanIn {
    /// Neurons of a part and sign, each of which sends one spike a tick at most: 1..=16.
    pub(super) fn spikes(&self) -> u32 {
        self.0.value(&PARAMETERS, "spikes") as u32
    }

    /// Charge of one spike of a part, in weight units, for a neuron whose weights are multiples of `unit` and reach
    /// `largest`: rounded up to whole units, since what is left over in a part is then the least, and at most `register`,
    /// which one weight holds.
    pub(super) fn step(&self, unit: u32, largest: u32, register: u32) -> u32 {
        let percent = match self.0.value(&PARAMETERS, "step") as u64 {
            // A part can pass the charge of two largest weights a tick.
            0 => 200 / u64::from(self.spikes()),
            given => given,
        };
        let (unit, most) = (u64::from(unit.max(1)), u64::from(register.max(1)));
        let wanted = (u64::from(largest) * percent).div_ceil(100).max(1).next_multiple_of(unit);
        if wanted <= most { wanted as u32 } else { (most / unit * unit).max(most.min(unit)) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_shown_and_bounded() {
        let wish: SplitFanIn = "spikes=4,step=25".parse().expect("well formed");
        assert_eq!((wish.to_string().as_str(), wish.spikes()), ("split-fan-in,spikes=4,step=25", 4));
        assert_eq!("".parse::<SplitFanIn>().expect("defaults"), SplitFanIn::default());
        for odd in ["spikes=0", "spikes=17", "step=-1", "spikes", "spike=2", "step=x"] {
            assert!(odd.parse::<SplitFanIn>().expect_err(odd).has("compile/split-fan-in"), "{odd}");
        }
    }

    #[test]
    fn a_step_is_whole_units_within_the_register() {
        let wish = |text: &str| text.parse::<SplitFanIn>().expect("well formed");
        assert_eq!(wish("").step(31, 248, 255), 124);
        assert_eq!(wish("spikes=1").step(31, 248, 255), 248);
        assert_eq!(wish("spikes=3").step(1, 10, 255), 7);
        assert_eq!(wish("spikes=8,step=12.5").step(31, 248, 255), 31);
        assert_eq!(wish("step=200").step(31, 248, 255), 248);
        assert_eq!(wish("step=1").step(1, 7, 255), 1);
        assert_eq!(wish("step=50").step(300, 600, 255), 255);
        assert_eq!(wish("").step(1, 1, 255), 1);
        assert_eq!(wish("").step(0, 0, 255), 1);
    }
}
