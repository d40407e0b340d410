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

/// Counts, lane by lane, the masks that `chosen` names. `counts` is a counter of planes, all zero. Gives the union of the masks.
#[inline]
pub(super) fn count_masks(counts: &mut [u64; 20], masks: &[u64], chosen: &[u32]) -> u64 {
    let (mut ones, mut twos, mut fours, mut union) = (0, 0, 0, 0);
    let (blocks, rest) = chosen.as_chunks::<8>();
    for block in blocks {
        let x = block.map(|index| masks[index as usize]);
        union |= x.iter().fold(0, |union, mask| union | mask);
        let eights = add_eight(&x, &mut ones, &mut twos, &mut fours);
        carry_into(&mut counts[3..], eights);
    }
    let (blocks, rest) = rest.as_chunks::<2>();
    for block in blocks {
        let [a, b] = block.map(|index| masks[index as usize]);
        union |= a | b;
        let two = full(&mut ones, a, b);
        let four = twos & two;
        twos ^= two;
        let eight = fours & four;
        fours ^= four;
        carry_into(&mut counts[3..], eight);
    }
    if let &[index] = rest {
        let mask = masks[index as usize];
        union |= mask;
        let two = ones & mask;
        ones ^= mask;
        let four = twos & two;
        twos ^= two;
        let eight = fours & four;
        fours ^= four;
        carry_into(&mut counts[3..], eight);
    }
    counts[..3].copy_from_slice(&[ones, twos, fours]);
    union
}

/// Eight numbers of one bit into three planes; what goes beyond.
#[inline]
fn add_eight(x: &[u64; 8], ones: &mut u64, twos: &mut u64, fours: &mut u64) -> u64 {
    let (two_a, two_b) = (full(ones, x[0], x[1]), full(ones, x[2], x[3]));
    let four_a = full(twos, two_a, two_b);
    let (two_a, two_b) = (full(ones, x[4], x[5]), full(ones, x[6], x[7]));
    let four_b = full(twos, two_a, two_b);
    full(fours, four_a, four_b)
}

/// A full adder: `sum` becomes the sum's bit; its carry.
#[inline]
const fn full(sum: &mut u64, a: u64, b: u64) -> u64 {
    let half = *sum ^ a;
    let carry = (*sum & a) | (half & b);
    *sum = half ^ b;
    carry
}

#[inline]
fn carry_into(planes: &mut [u64], mut carry: u64) {
    for plane in planes {
        if carry == 0 {
            return;
        }
        let out = *plane & carry;
        *plane ^= carry;
        carry = out;
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
            let masks: Vec<u64> = (0..length).map(|_| rng.next_u64()).collect();
            let mut counts = [0; 20];
            let chosen: Vec<u32> = (0..length).collect();
            let union = count_masks(&mut counts, &masks, &chosen);
            assert_eq!(union, masks.iter().fold(0, |union, mask| union | mask));
            for lane in 0..64 {
                let expected: u64 = masks.iter().map(|mask| mask >> lane & 1).sum();
                let got = counts.iter().enumerate().fold(0, |sum, (bit, plane)| sum + ((plane >> lane & 1) << bit));
                assert_eq!(got, expected);
            }
        }
    }
}
