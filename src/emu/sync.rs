//! How a tick ends.

use crate::units::Picos;

/// By how many periods work done at `done` misses the tick that ends at `deadline`: 0 up to and at the deadline.
#[must_use]
pub(super) const fn periods_late(done: Picos, deadline: u64, period: u64) -> u64 {
    done.0.saturating_sub(deadline).div_ceil(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_begins_one_picosecond_after_the_deadline() {
        for (done, expected) in [(0, 0), (999, 0), (1000, 0), (1001, 1), (1100, 1), (1101, 2)] {
            assert_eq!(periods_late(Picos(done), 1000, 100), expected, "done {done}");
        }
    }
}
