//! Newtypes with units. Three times are never mixed: ticks (algorithmic steps), cycles (clock edges of a
//! synchronous part) and picoseconds (physical time of an asynchronous part).

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Physical time in picoseconds since the start of a tick or of a run (u64: 213 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Picos(pub u64);

impl Picos {
    /// The start of time.
    pub const ZERO: Self = Self(0);

    /// From whole nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos * 1_000)
    }

    /// In seconds, for reports only.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 * 1e-12
    }
}

impl Add for Picos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Picos {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Picos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl fmt::Display for Picos {
    /// With the unit that keeps one to three digits before the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ps = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} ps", self.0),
            1_000..1_000_000 => write!(f, "{:.2} ns", ps / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.2} us", ps / 1e6),
            1_000_000_000..1_000_000_000_000 => write!(f, "{:.2} ms", ps / 1e9),
            _ => write!(f, "{:.3} s", ps / 1e12),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_with_a_readable_unit() {
        for (ps, text) in [
            (999, "999 ps"),
            (1_000, "1.00 ns"),
            (14_320, "14.32 ns"),
            (5_800_000, "5.80 us"),
            (1_000_000_000, "1.00 ms"),
            (2_000_000_000_000, "2.000 s"),
        ] {
            assert_eq!(Picos(ps).to_string(), text);
        }
    }
}
