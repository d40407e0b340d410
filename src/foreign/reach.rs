//! How long a spike from outside takes: the depth of an image that no graph tells.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Ticks until a spike from outside can have reached every core that it reaches at all: the `open` ones after one tick,
/// the others along the shortest delays (`edges`, by source and target).
pub(super) fn ticks(edges: &BTreeMap<(u32, u32), u32>, open: impl Iterator<Item = u32>) -> u32 {
    let mut queue: BinaryHeap<Reverse<(u32, u32)>> = open.map(|core| Reverse((1, core))).collect();
    let mut reached: BTreeMap<u32, u32> = BTreeMap::new();
    while let Some(Reverse((ticks, core))) = queue.pop() {
        if reached.contains_key(&core) {
            continue;
        }
        reached.insert(core, ticks);
        let next = edges.range((core, 0)..=(core, u32::MAX));
        queue.extend(next.map(|(&(_, target), &delay)| Reverse((ticks.saturating_add(delay), target))));
    }
    reached.into_values().max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_counts_and_what_is_never_reached_does_not() {
        let edges = BTreeMap::from([((0, 1), 5), ((0, 2), 1), ((2, 1), 2), ((1, 0), 9), ((7, 8), 40)]);
        assert_eq!(ticks(&edges, [0].into_iter()), 4);
        assert_eq!(ticks(&edges, [0, 1].into_iter()), 2);
        assert_eq!(ticks(&edges, std::iter::empty()), 1);
        // A chain of many cores is one pass.
        let chain: BTreeMap<(u32, u32), u32> = (0..100_000).map(|core| ((core, core + 1), 1)).collect();
        assert_eq!(ticks(&chain, [0].into_iter()), 100_001);
    }
}
