//! Part numbers without gaps, in the order of their first vertex: divisions that are equal look equal.

/// Renumbers and returns how many parts there are.
pub(super) fn compact(division: &mut [u32]) -> usize {
    let parts = division.iter().max().map_or(0, |&last| last as usize + 1);
    let mut number = vec![u32::MAX; parts];
    let mut next = 0;
    for part in division.iter_mut() {
        let new = &mut number[*part as usize];
        if *new == u32::MAX {
            *new = next;
            next += 1;
        }
        *part = *new;
    }
    next as usize
}
