//! Multi-bit weights over one-bit crossbars: a neuron holds four signed weights, one an axon type, and a source
//! reaches it through any subset of up to four axons, one of each type. A weight is therefore the sum of a subset
//! of the neuron's four; which four, is searched here.

/// Four signed weights of one neuron, by axon type.
pub(super) type Basis = [i16; 4];

/// The subset of axon types (bit mask) whose weights sum to `weight`, the smallest there is.
pub(super) fn mask_of(basis: &Basis, weight: i32) -> Option<u8> {
    (0..16_u8).filter(|mask| sum(basis, *mask) == weight).min_by_key(|mask| mask.count_ones())
}

/// The sum of the weights whose bits are set in `mask`.
fn sum(basis: &Basis, mask: u8) -> i32 {
    (0..4).filter(|bit| mask >> bit & 1 == 1).map(|bit| i32::from(basis[bit])).sum()
}

/// The bases found for a set of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bases {
    /// With the fewest axon types: best where many neurons of a core share their sources.
    pub(super) few_types: Basis,
    /// With the fewest axons over all weights: best where they do not.
    pub(super) few_axons: Basis,
}

/// Bases in which each of `distinct` (no zeros) is the sum of a subset of `types` weights of magnitude up to
/// `largest`; `None` where the search finds none.
pub(super) fn search(distinct: &[i32], largest: i32, types: u8) -> Option<Bases> {
    let types = u32::from(types.min(4));
    // Four weights have 15 non-empty subsets.
    if distinct.len() > 15 {
        return None;
    }
    let mut candidates: Vec<Vec<i32>> = Vec::new();
    for width in 0..=types {
        candidates.extend(binary(distinct, width));
        let mut ascending = distinct.to_vec();
        ascending.sort_unstable_by_key(|w| (w.unsigned_abs(), *w));
        grow(&ascending, &mut Vec::new(), width, &mut candidates);
        ascending.reverse();
        grow(&ascending, &mut Vec::new(), width, &mut candidates);
    }
    // Weights beyond a register, with few others whose sums they could be: two halves each.
    if distinct.iter().any(|w| w.unsigned_abs() > largest.unsigned_abs()) {
        let halves = distinct.iter().filter(|w| w.unsigned_abs() > largest.unsigned_abs());
        let mut extended: Vec<i32> = halves.flat_map(|w| [w / 2, w - w / 2]).chain(distinct.iter().copied()).collect();
        extended.sort_unstable_by_key(|w| (w.unsigned_abs(), *w));
        extended.dedup();
        grow(&extended, &mut Vec::new(), types, &mut candidates);
    }
    let mut scored: Vec<(usize, u32, Basis)> = candidates
        .iter()
        .filter(|generators| generators.iter().all(|g| *g != 0 && g.unsigned_abs() <= largest.unsigned_abs()))
        .filter_map(|generators| {
            let basis = arrange(generators, types as usize);
            let axons = distinct.iter().map(|&w| mask_of(&basis, w).map(u8::count_ones)).sum::<Option<u32>>()?;
            Some((generators.len(), axons, basis))
        })
        .collect();
    scored.sort_unstable();
    let few_types = scored.first()?.2;
    let few_axons = scored.iter().min_by_key(|(types, axons, basis)| (*axons, *types, *basis))?.2;
    Some(Bases { few_types, few_axons })
}

/// Positive weights from type 0 up, negative ones from the last type down, so that neurons agree on types.
fn arrange(generators: &[i32], types: usize) -> Basis {
    let mut ordered = generators.to_vec();
    ordered.sort_unstable_by_key(|g| g.unsigned_abs());
    let mut basis = [0; 4];
    let positive = ordered.iter().filter(|g| **g > 0);
    positive.enumerate().for_each(|(slot, &g)| basis[slot] = g as i16);
    let negative = ordered.iter().rev().filter(|g| **g < 0);
    negative.enumerate().for_each(|(slot, &g)| basis[types - 1 - slot] = g as i16);
    basis
}

/// `{+-1, +-2, +-4, ...} * gcd`: all multiples of the gcd in an interval of `2^width` values around zero.
fn binary(distinct: &[i32], width: u32) -> Vec<Vec<i32>> {
    let unit = distinct.iter().fold(0, |a, &b| gcd(a, b.unsigned_abs()));
    if unit == 0 || unit > i32::MAX as u32 / 16 {
        return Vec::new();
    }
    let unit = unit as i32;
    let above = distinct.iter().map(|w| w / unit).max().unwrap_or(0).max(0);
    let below = distinct.iter().map(|w| -(w / unit)).max().unwrap_or(0).max(0);
    let full = (1 << width) - 1;
    if i64::from(above) + i64::from(below) > i64::from(full) {
        return Vec::new();
    }
    (below..=full - above)
        .map(|negative| {
            (0..width).map(|bit| if negative >> bit & 1 == 1 { -unit << bit } else { unit << bit }).collect()
        })
        .collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Depth-first search: the first weight that is no subset sum yet becomes one by a further generator.
fn grow(distinct: &[i32], generators: &mut Vec<i32>, width: u32, found: &mut Vec<Vec<i32>>) {
    let sums: Vec<i64> = (0..1_u32 << generators.len())
        .map(|mask| {
            generators.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, &g)| i64::from(g)).sum()
        })
        .collect();
    let Some(&missing) = distinct.iter().find(|w| !sums.contains(&i64::from(**w))) else {
        found.push(generators.clone());
        return;
    };
    if generators.len() as u32 == width {
        return;
    }
    for sum in sums {
        let Ok(generator) = i32::try_from(i64::from(missing) - sum) else { continue };
        generators.push(generator);
        grow(distinct, generators, width, found);
        generators.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(basis: &Basis, weights: &[i32]) -> bool {
        weights.iter().all(|&w| mask_of(basis, w).is_some())
    }

    #[test]
    fn four_bit_weights_take_the_canonical_types() {
        let weights: Vec<i32> = (-8..8).filter(|w| *w != 0).map(|w| w * 31).collect();
        let bases = search(&weights, 255, 4).expect("found");
        assert_eq!(bases.few_types, [31, 62, 124, -248]);
    }

    #[test]
    fn every_interval_of_sixteen_values_is_covered() {
        for below in 0..=15 {
            let weights: Vec<i32> = (-below..=15 - below).filter(|w| *w != 0).collect();
            let bases = search(&weights, 255, 4).expect("found");
            assert!(covers(&bases.few_types, &weights) && covers(&bases.few_axons, &weights));
        }
    }

    #[test]
    fn ternary_weights_use_one_axon_each_and_single_ones_one_type() {
        assert_eq!(search(&[7, -7], 255, 4).expect("found").few_types, [7, 0, 0, -7]);
        assert_eq!(search(&[-5], 255, 4).expect("found").few_types, [0, 0, 0, -5]);
        assert_eq!(search(&[], 255, 4).expect("found").few_types, [0; 4]);
        assert_eq!(search(&[1, 2, -1, -2], 255, 4).expect("found").few_axons, [1, 2, -1, -2]);
    }

    #[test]
    fn uneven_sets_are_found_and_impossible_ones_refused() {
        let weights = [100, 101, 93, 200];
        assert!(covers(&search(&weights, 255, 4).expect("found").few_types, &weights));
        let sums = [3, 10, 13, 100, 103, 110, 113, -200, -197, -187];
        assert!(covers(&search(&sums, 255, 4).expect("found").few_types, &sums));
        assert_eq!(search(&[1, 10, 100, 37, 59], 255, 4), None);
        assert_eq!(search(&[256, 300, 1000, 999], 255, 4), None);
        assert_eq!(search(&(1..=16).collect::<Vec<_>>(), 255, 4), None);
    }

    #[test]
    fn the_largest_weight_is_a_sum_of_registers() {
        assert!(search(&[255], 255, 4).is_some());
        for weights in [&[441][..], &[-300, 5], &[441, 378], &[63, 441]] {
            let bases = search(weights, 255, 4).expect("found");
            assert!(covers(&bases.few_types, weights) && covers(&bases.few_axons, weights), "{weights:?}");
        }
        assert!(search(&[i32::MIN, i32::MAX], 255, 4).is_none());
    }
}
