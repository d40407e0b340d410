//! The time that a tick's end takes.

use super::SyncSpec;
use crate::units::Picos;

impl SyncSpec {
    /// The time that the closing barrier takes with `tiles` tiles in use; zero for fixed ticks.
    #[must_use]
    pub fn barrier_time(&self, tiles: u16) -> Picos {
        let Self::Barrier { table } = self else { return Picos::ZERO };
        interpolate(table, tiles)
    }
}

/// Linear between the entries of an ascending table, constant outside; zero where it is empty.
#[must_use]
fn interpolate(table: &[(u16, Picos)], count: u16) -> Picos {
    let above = table.partition_point(|&(at, _)| at < count);
    match (above.checked_sub(1).map(|below| table[below]), table.get(above)) {
        (None, None) => Picos::ZERO,
        (None, Some(&(_, time))) | (Some((_, time)), None) => time,
        (Some((below, time_below)), Some(&(above, time_above))) => {
            let span = i128::from(above - below);
            let rise = i128::from(time_above.0) - i128::from(time_below.0);
            let into = i128::from(count - below);
            Picos((i128::from(time_below.0) + rise * into / span) as u64)
        }
    }
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
            assert_eq!(sync.barrier_time(tiles), Picos(expected), "{tiles} tiles");
        }
        assert_eq!(SyncSpec::Barrier { table: Vec::new() }.barrier_time(5), Picos::ZERO);
        assert_eq!(SyncSpec::FixedTick { period: Picos(7) }.barrier_time(5), Picos::ZERO);
    }
}
