//! How a tick ends.

use crate::chip::SyncSpec;
use crate::units::Picos;

/// The time that the closing barrier takes with `tiles` tiles in use: linear between the entries of the table,
/// constant outside; zero for fixed ticks.
#[must_use]
pub(super) fn barrier_time(sync: &SyncSpec, tiles: u16) -> Picos {
    let SyncSpec::Barrier { table } = sync else { return Picos::ZERO };
    let above = table.partition_point(|&(at, _)| at < tiles);
    match (above.checked_sub(1).map(|below| table[below]), table.get(above)) {
        (None, None) => Picos::ZERO,
        (None, Some(&(_, time))) | (Some((_, time)), None) => time,
        (Some((tiles_below, time_below)), Some(&(tiles_above, time_above))) => {
            let span = i128::from(tiles_above - tiles_below);
            let rise = i128::from(time_above.0) - i128::from(time_below.0);
            let into = i128::from(tiles - tiles_below);
            Picos((i128::from(time_below.0) + rise * into / span) as u64)
        }
    }
}

/// By how many periods work done at `done` misses the tick that ends at `deadline`: 0 up to and at the deadline.
#[must_use]
pub(super) const fn periods_late(done: Picos, deadline: u64, period: u64) -> u64 {
    done.0.saturating_sub(deadline).div_ceil(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_barrier_is_interpolated_between_entries_and_constant_outside() {
        let table = vec![(1, Picos(113_000)), (32, Picos(465_000))];
        let sync = SyncSpec::Barrier { table };
        for (tiles, expected) in [
            (0, 113_000),
            (1, 113_000),
            (2, 113_000 + 352_000 / 31),
            (31, 113_000 + 352_000 * 30 / 31),
            (32, 465_000),
            (40, 465_000),
        ] {
            assert_eq!(barrier_time(&sync, tiles), Picos(expected), "{tiles} tiles");
        }
        assert_eq!(barrier_time(&SyncSpec::Barrier { table: Vec::new() }, 5), Picos::ZERO);
        assert_eq!(barrier_time(&SyncSpec::FixedTick { period: Picos(7) }, 5), Picos::ZERO);
    }

    #[test]
    fn late_begins_one_picosecond_after_the_deadline() {
        for (done, expected) in [(0, 0), (999, 0), (1000, 0), (1001, 1), (1100, 1), (1101, 2)] {
            assert_eq!(periods_late(Picos(done), 1000, 100), expected, "done {done}");
        }
    }
}
