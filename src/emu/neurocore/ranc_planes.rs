//! Arithmetic on bit planes: plane `k` holds bit `k` of 64 numbers, one a lane. Sums wrap at the number of planes, which is what
//! RANC's adders do.

/// Planes of one number at most: a potential has up to 40 bits, a bound for it one more.
pub(super) const MAX_PLANES: usize = 41;

/// `sum += count << shift`.
#[inline]
pub(super) fn add_shifted(sum: &mut [u64], count: &[u64], shift: usize) {
    let mut carry = 0;
    let Some(high) = sum.get_mut(shift..) else { return };
    let (low, rest) = high.split_at_mut(count.len().min(high.len()));
    for (a, &b) in low.iter_mut().zip(count) {
        let half = *a ^ b;
        let out = (*a & b) | (half & carry);
        *a = half ^ carry;
        carry = out;
    }
    for a in rest {
        let out = *a & carry;
        *a ^= carry;
        carry = out;
    }
}

/// `sum -= count << shift`.
#[inline]
pub(super) fn subtract_shifted(sum: &mut [u64], count: &[u64], shift: usize) {
    let mut borrow = 0;
    let Some(high) = sum.get_mut(shift..) else { return };
    let (low, rest) = high.split_at_mut(count.len().min(high.len()));
    for (a, &b) in low.iter_mut().zip(count) {
        let half = *a ^ b;
        let out = (!*a & b) | (!half & borrow);
        *a = half ^ borrow;
        borrow = out;
    }
    for a in rest {
        let out = !*a & borrow;
        *a ^= borrow;
        borrow = out;
    }
}

/// Lanes in which the signed number `a` is at least `bound`; the bound has one plane more and its top plane inverted.
#[inline]
pub(super) fn at_least(a: &[u64], bound: &[u64]) -> u64 {
    let mut least = u64::MAX;
    for (&a, &b) in a.iter().zip(bound) {
        least = (a & !b) | (!(a ^ b) & least);
    }
    // The sign, extended by one plane and inverted.
    let (sign, top) = (!a[a.len() - 1], bound[a.len()]);
    (sign & !top) | (!(sign ^ top) & least)
}

/// `sum += weight * count`.
#[inline]
pub(super) fn add_product<const PLANES: usize>(sum: &mut [u64], count: &[u64; PLANES], weight: i64) {
    // RANC's own width, and the weights that most networks have, are worth their own loops.
    if let Ok(sum) = <&mut [u64; 9]>::try_from(&mut *sum) {
        match weight {
            1 => return add_fixed(sum, count),
            -1 => return subtract_fixed(sum, count),
            _ => {}
        }
    }
    let height = count.iter().rposition(|&plane| plane != 0).map_or(0, |top| top + 1);
    let mut left = weight.unsigned_abs();
    while left != 0 {
        let shift = left.trailing_zeros() as usize;
        left &= left - 1;
        if weight > 0 {
            add_shifted(sum, &count[..height], shift);
        } else {
            subtract_shifted(sum, &count[..height], shift);
        }
    }
}

#[inline]
fn add_fixed<const BITS: usize, const PLANES: usize>(sum: &mut [u64; BITS], count: &[u64; PLANES]) {
    let mut carry = 0;
    for plane in 0..BITS {
        let (a, b) = (sum[plane], if plane < PLANES { count[plane] } else { 0 });
        let half = a ^ b;
        sum[plane] = half ^ carry;
        carry = (a & b) | (half & carry);
    }
}

#[inline]
fn subtract_fixed<const BITS: usize, const PLANES: usize>(sum: &mut [u64; BITS], count: &[u64; PLANES]) {
    let mut borrow = 0;
    for plane in 0..BITS {
        let (a, b) = (sum[plane], if plane < PLANES { count[plane] } else { 0 });
        let half = a ^ b;
        sum[plane] = half ^ borrow;
        borrow = (!a & b) | (!half & borrow);
    }
}

/// Counts, lane by lane, the masks that `chosen` names, `WORDS` words side by side; fewer than 2^PLANES of them.
#[inline]
pub(super) fn count_masks<const WORDS: usize, const PLANES: usize>(
    masks: &[[u64; WORDS]],
    chosen: &[u32],
) -> [[u64; WORDS]; PLANES] {
    let mut counts = [[0; WORDS]; PLANES];
    let load = |index: u32| masks[index as usize];
    let [mut ones, mut twos, mut fours] = [[0; WORDS]; 3];
    let (blocks, rest) = chosen.as_chunks::<8>();
    for &[a, b, c, d, e, f, g, h] in blocks {
        let two = (full(&mut ones, load(a), load(b)), full(&mut ones, load(c), load(d)));
        let four_a = full(&mut twos, two.0, two.1);
        let two = (full(&mut ones, load(e), load(f)), full(&mut ones, load(g), load(h)));
        let four_b = full(&mut twos, two.0, two.1);
        let eight = full(&mut fours, four_a, four_b);
        carry_into(&mut counts[3..], eight);
    }
    let (blocks, rest) = rest.as_chunks::<2>();
    let mut add_twos = |two: [u64; WORDS]| {
        let four = half(&mut twos, two);
        let eight = half(&mut fours, four);
        carry_into(&mut counts[3..], eight);
    };
    for &[a, b] in blocks {
        add_twos(full(&mut ones, load(a), load(b)));
    }
    if let &[last] = rest {
        add_twos(half(&mut ones, load(last)));
    }
    [counts[0], counts[1], counts[2]] = [ones, twos, fours];
    counts
}

/// A full adder: `sum` becomes the sum's bit; its carry.
#[inline]
fn full<const WORDS: usize>(sum: &mut [u64; WORDS], a: [u64; WORDS], b: [u64; WORDS]) -> [u64; WORDS] {
    std::array::from_fn(|word| {
        let half = sum[word] ^ a[word];
        let carry = (sum[word] & a[word]) | (half & b[word]);
        sum[word] = half ^ b[word];
        carry
    })
}

/// A half adder.
#[inline]
fn half<const WORDS: usize>(sum: &mut [u64; WORDS], a: [u64; WORDS]) -> [u64; WORDS] {
    std::array::from_fn(|word| {
        let carry = sum[word] & a[word];
        sum[word] ^= a[word];
        carry
    })
}

#[inline]
fn carry_into<const WORDS: usize>(planes: &mut [[u64; WORDS]], mut carry: [u64; WORDS]) {
    for plane in planes {
        if carry == [0; WORDS] {
            return;
        }
        carry = half(plane, carry);
    }
}

/// Puts `value` into a lane.
pub(super) fn put(planes: &mut [u64], lane: usize, value: i64) {
    for (bit, plane) in planes.iter_mut().enumerate() {
        let set = u64::from(value >> bit.min(63) & 1 != 0);
        *plane = *plane & !(1 << lane) | set << lane;
    }
}

/// The signed number in a lane.
pub(super) fn get(planes: &[u64], lane: usize) -> i64 {
    let value = planes.iter().enumerate().fold(0, |value, (bit, plane)| value | ((plane >> lane & 1) << bit));
    crate::fixed::wrap(value.cast_signed(), u32::try_from(planes.len()).expect("at most 41 planes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::wrap;
    use crate::rng::Rng;

    #[test]
    fn planes_add_subtract_and_compare_like_numbers() {
        let mut rng = Rng::new(11);
        for _ in 0..200 {
            let bits = 1 + usize::try_from(rng.below(12)).unwrap_or(0);
            let width = u32::try_from(bits).unwrap_or(0);
            let (counted, shift) =
                (1 + usize::try_from(rng.below(10)).unwrap_or(0), usize::try_from(rng.below(9)).unwrap_or(0));
            let mut draw = |bits: usize| wrap(rng.next_u64().cast_signed(), u32::try_from(bits).unwrap_or(1));
            let a: Vec<i64> = (0..64).map(|_| draw(bits)).collect();
            let b: Vec<i64> = (0..64).map(|_| draw(bits + 1)).collect();
            let c: Vec<i64> = (0..64).map(|_| draw(counted) & ((1 << counted) - 1)).collect();
            let (mut sum, mut bound, mut count) = (vec![0; bits], vec![0; bits + 1], vec![0; counted]);
            for lane in 0..64 {
                put(&mut sum, lane, a[lane]);
                put(&mut bound, lane, b[lane]);
                put(&mut count, lane, c[lane]);
            }
            bound[bits] = !bound[bits];
            let least = at_least(&sum, &bound);
            let mut difference = sum.clone();
            add_shifted(&mut sum, &count, shift);
            subtract_shifted(&mut difference, &count, shift);
            for lane in 0..64 {
                assert_eq!(least >> lane & 1 != 0, a[lane] >= b[lane]);
                assert_eq!(get(&sum, lane), wrap(a[lane] + (c[lane] << shift), width));
                assert_eq!(get(&difference, lane), wrap(a[lane] - (c[lane] << shift), width));
            }
        }
    }

    #[test]
    fn masks_are_counted() {
        let mut rng = Rng::new(12);
        for length in 0..40 {
            let masks: Vec<u64> = (0..2 * length).map(|_| rng.next_u64()).collect();
            let chosen: Vec<u32> = (0..length).collect();
            let counts = count_masks::<2, 6>(masks.as_chunks().0, &chosen);
            for (word, lane) in (0..2).flat_map(|word| (0..64).map(move |lane| (word, lane))) {
                let expected: u64 = masks.iter().skip(word).step_by(2).map(|mask| mask >> lane & 1).sum();
                let got =
                    counts.iter().enumerate().fold(0, |sum, (bit, plane)| sum + ((plane[word] >> lane & 1) << bit));
                assert_eq!(got, expected);
            }
        }
    }
}
