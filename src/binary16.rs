//! IEEE 754 binary16 arithmetic in integers: what chips with half-precision neurons compute, bit by bit.
//!
//! Every finite number is a whole multiple of 2^-24, below 2^40 of them: sums and products are exact in integers and are
//! then rounded once, to nearest with ties to even. Subnormal numbers are kept, what is too large becomes infinite, and
//! every invalid operation gives the one quiet NaN [`Half::NAN`].

/// A binary16 number, by its bits: sign, 5 bits of exponent, 10 of fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Half(pub u16);

/// Bits of a binary32 significand, the hidden one included.
const SINGLE: u32 = 24;
/// The same of binary16.
const SIGNIFICAND: u32 = 11;
/// Numbers are multiples of 2^-24.
const PLACES: u32 = 24;

impl Half {
    /// +0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(0x3c00);
    /// +infinity.
    pub const INFINITY: Self = Self(0x7c00);
    /// The NaN that invalid operations give.
    pub const NAN: Self = Self(0x7e00);
    /// The largest finite number, 65504.
    pub const MOST: Self = Self(0x7bff);

    /// Whether the sign bit is set, that of a zero too.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 >> 15 == 1
    }

    /// Neither infinite nor NaN.
    #[must_use]
    pub const fn is_finite(self) -> bool {
        self.0 & 0x7c00 != 0x7c00
    }

    /// No number.
    #[must_use]
    pub const fn is_nan(self) -> bool {
        self.0 & 0x7fff > 0x7c00
    }

    /// +0 or -0.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 & 0x7fff == 0
    }

    /// The number as a multiple of 2^-24, below 2^40 in magnitude. Only of finite numbers.
    #[inline]
    #[must_use]
    pub const fn units(self) -> i64 {
        let exponent = (self.0 >> 10 & 0x1f) as u32;
        let fraction = (self.0 & 0x3ff) as i64;
        let magnitude = if exponent == 0 { fraction } else { (fraction | 0x400) << (exponent - 1) };
        if self.is_negative() { -magnitude } else { magnitude }
    }

    /// The number nearest to `magnitude / 2^below` multiples of 2^-24; of two as near, the even one.
    #[must_use]
    pub const fn nearest(negative: bool, magnitude: u128, below: u32) -> Self {
        let sign = (negative as u16) << 15;
        let top = u128::BITS - magnitude.leading_zeros();
        // Bits that do not fit the significand, and those below the smallest multiple.
        let fine = top.saturating_sub(SIGNIFICAND);
        let drop = if fine > below { fine } else { below };
        let kept = rounded(magnitude, drop);
        if kept < 0x400 {
            return Self(sign | kept as u16);
        }
        // A significand that was rounded up to the next power of two is carried into the exponent by the addition.
        let exponent = drop - below + 1;
        if exponent > 31 {
            return Self(sign | Self::INFINITY.0);
        }
        let bits = (exponent << 10) + (kept as u32 - 0x400);
        Self(sign | if bits > 0x7c00 { 0x7c00 } else { bits as u16 })
    }

    /// a + b.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        if self.is_nan() || other.is_nan() {
            return Self::NAN;
        }
        match (self.is_finite(), other.is_finite()) {
            (true, true) => {
                let sum = self.units() + other.units();
                // x - x is +0; only two negative zeros make one.
                let negative = sum < 0 || (sum == 0 && self.is_negative() && other.is_negative());
                Self::nearest(negative, sum.unsigned_abs() as u128, 0)
            }
            (false, false) if self.0 != other.0 => Self::NAN,
            (false, _) => self,
            (true, false) => other,
        }
    }

    /// a * b.
    #[must_use]
    pub const fn times(self, other: Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        if self.is_nan() || other.is_nan() {
            return Self::NAN;
        }
        if self.is_finite() && other.is_finite() {
            let product = self.units().unsigned_abs() as u128 * other.units().unsigned_abs() as u128;
            return Self::nearest(negative, product, PLACES);
        }
        if self.is_zero() || other.is_zero() { Self::NAN } else { Self((negative as u16) << 15 | Self::INFINITY.0) }
    }

    /// a * b + c, rounded once.
    #[must_use]
    pub const fn times_plus(self, factor: Self, addend: Self) -> Self {
        let product = self.times(factor);
        if !(self.is_finite() && factor.is_finite() && addend.is_finite()) {
            // A product of finite numbers is finite here, however large.
            let exact = if self.is_finite() && factor.is_finite() { Self::ZERO } else { product };
            return exact.plus(addend);
        }
        let exact = self.units() as i128 * factor.units() as i128 + ((addend.units() as i128) << PLACES);
        let negative = exact < 0 || (exact == 0 && product.is_negative() && addend.is_negative());
        Self::nearest(negative, exact.unsigned_abs(), PLACES)
    }

    /// a > b; false where one is no number. Zeros are equal.
    #[must_use]
    pub const fn is_above(self, other: Self) -> bool {
        !self.is_nan() && !other.is_nan() && self.ordered() > other.ordered()
    }

    /// An integer that orders as the numbers do: the bits of the magnitude with the number's sign, -32767..=32767. Both
    /// zeros are 0, 1.0 is 15360; NaN is 32256, above infinity (31744).
    #[must_use]
    pub const fn ordered(self) -> i32 {
        if self.is_nan() {
            return Self::NAN.0 as i32;
        }
        let magnitude = (self.0 & 0x7fff) as i32;
        if self.is_negative() { -magnitude } else { magnitude }
    }

    /// The number that has this ordered integer, -32767..=32767.
    #[must_use]
    pub const fn from_ordered(ordered: i32) -> Self {
        let magnitude = (ordered.unsigned_abs() & 0x7fff) as u16;
        Self(if ordered < 0 { 0x8000 | magnitude } else { magnitude })
    }

    /// The largest number below a finite one.
    #[must_use]
    pub const fn below(self) -> Self {
        match self.ordered() {
            0 => Self(0x8001),
            positive if positive > 0 => Self(self.0 - 1),
            _ => Self(self.0 + 1),
        }
    }

    /// The nearest to a whole number.
    #[must_use]
    pub const fn from_whole(whole: u32) -> Self {
        Self::nearest(false, (whole as u128) << PLACES, 0)
    }

    /// The nearest to a real number, rounded once.
    #[must_use]
    pub fn from_f64(real: f64) -> Self {
        let bits = real.to_bits();
        let (negative, exponent, fraction) = (bits >> 63 == 1, (bits >> 52 & 0x7ff) as u32, bits & ((1 << 52) - 1));
        if exponent == 0x7ff {
            return if fraction != 0 { Self::NAN } else { Self((negative as u16) << 15 | Self::INFINITY.0) };
        }
        // The value is significand * 2^(exponent - 1075), in multiples of 2^-24 significand * 2^(exponent - 1051).
        let significand = u128::from(if exponent == 0 { fraction } else { fraction | 1 << 52 });
        match exponent.max(1) {
            // Far below half of the smallest multiple, and far above the largest number.
            ..=960 => Self((negative as u16) << 15),
            small @ 961..1051 => Self::nearest(negative, significand, 1051 - small),
            large @ 1051..1100 => Self::nearest(negative, significand << (large - 1051), 0),
            _ => Self((negative as u16) << 15 | Self::INFINITY.0),
        }
    }

    /// The number itself; every binary16 number is a binary64 one.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let sign = if self.is_negative() { -1.0 } else { 1.0 };
        match (self.is_nan(), self.is_finite()) {
            (true, _) => f64::NAN,
            (_, false) => sign * f64::INFINITY,
            _ => sign * self.units().unsigned_abs() as f64 / (1_u64 << PLACES) as f64,
        }
    }
}

/// `magnitude / 2^drop`, to nearest, ties to even.
const fn rounded(magnitude: u128, drop: u32) -> u128 {
    if drop == 0 {
        return magnitude;
    }
    if drop >= u128::BITS {
        return 0;
    }
    let (kept, rest, half) = (magnitude >> drop, magnitude & ((1 << drop) - 1), 1 << (drop - 1));
    kept + (rest > half || (rest == half && kept & 1 == 1)) as u128
}

/// A running sum in binary32, in multiples of 2^-24: each addition is rounded to 24 bits, to nearest, ties to even.
///
/// Addends are whole multiples of 2^-24 below 2^56 (a binary16 number times a whole one), so that no sum is subnormal,
/// and it takes more than 2^72 additions to leave the range of binary32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Single(i128);

impl Single {
    /// A finite binary16 number.
    #[must_use]
    pub const fn new(start: Half) -> Self {
        Self(start.units() as i128)
    }

    /// The sum with `units` more.
    #[inline]
    #[must_use]
    pub const fn plus(self, units: i64) -> Self {
        let sum = self.0 + units as i128;
        let magnitude = sum.unsigned_abs();
        let top = u128::BITS - magnitude.leading_zeros();
        if top <= SINGLE {
            return Self(sum);
        }
        let drop = top - SINGLE;
        let kept = (rounded(magnitude, drop) << drop) as i128;
        Self(if sum < 0 { -kept } else { kept })
    }

    /// The nearest binary16 number. A sum of zero is +0.
    #[must_use]
    pub const fn to_half(self) -> Half {
        Half::nearest(self.0 < 0, self.0.unsigned_abs(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn real(half: Half) -> f32 {
        half.to_f64() as f32
    }

    /// Rounding of a binary32 number by another hand: the crate `half`.
    fn other(value: f32) -> Half {
        let bits = ::half::f16::from_f32(value);
        if bits.is_nan() { Half::NAN } else { Half(bits.to_bits()) }
    }

    #[test]
    fn every_number_converts_both_ways() {
        for bits in 0..=u16::MAX {
            let (mine, theirs) = (Half(bits), ::half::f16::from_bits(bits));
            assert_eq!(mine.is_nan(), theirs.is_nan(), "{bits:#x}");
            if mine.is_nan() {
                assert!(mine.to_f64().is_nan() && Half::from_f64(mine.to_f64()) == Half::NAN);
                continue;
            }
            assert_eq!(mine.to_f64().to_bits(), theirs.to_f64().to_bits(), "{bits:#x}");
            assert_eq!(Half::from_f64(mine.to_f64()), mine, "{bits:#x}");
            if mine.is_finite() {
                assert_eq!(Half::nearest(mine.is_negative(), mine.units().unsigned_abs().into(), 0), mine);
            }
        }
    }

    /// All 2^32 single-precision numbers would take long: every 211th, and all around the edges of binary16.
    #[test]
    fn reals_are_rounded_as_the_other_crate_does() {
        let edges = [0x3380_0000_u32, 0x3300_0000, 0x3880_0000, 0x477f_e000, 0x477f_f000, 0x4780_0000];
        let near = edges.iter().flat_map(|edge| edge - 9..edge + 9);
        for bits in (0..=u32::MAX).step_by(211).chain(near) {
            let value = f32::from_bits(bits);
            assert_eq!(Half::from_f64(value.into()), other(value), "{value:e}");
        }
        // One rounding, not two: 1 + 2^-11 + 2^-40 is above the tie that binary32 would see.
        let above = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!((Half::from_f64(above), other(above as f32)), (Half(0x3c01), Half(0x3c00)));
        assert_eq!(Half::from_f64(f64::MIN_POSITIVE / 2.0), Half::ZERO);
        assert_eq!(Half::from_f64(-2f64.powi(-25)), Half(0x8000));
        assert_eq!(Half::from_f64(2f64.powi(-25) + 2f64.powi(-70)), Half(1));
        assert_eq!([65_504, 65_519, 65_520].map(Half::from_whole), [Half::MOST, Half::MOST, Half::INFINITY]);
    }

    /// One operation of binary16 through binary32 is exact: 24 bits are at least 2 * 11 + 2.
    fn compare(a: Half, b: Half) {
        let (x, y) = (real(a), real(b));
        assert_eq!(a.plus(b), other(x + y), "{x:e} + {y:e}");
        assert_eq!(a.times(b), other(x * y), "{x:e} * {y:e}");
        assert_eq!(a.is_above(b), x > y, "{x:e} > {y:e}");
    }

    #[test]
    fn operations_are_those_of_binary32_rounded() {
        let mut rng = Rng::new(16);
        let special = [0, 1, 2, 0x3ff, 0x400, 0x401, 0x3c00, 0x3bff, 0x7bff, 0x7c00, 0x7e00, 0x7800, 0x1400, 0x6800];
        let special: Vec<Half> = special.iter().flat_map(|&bits| [Half(bits), Half(bits | 0x8000)]).collect();
        for &a in &special {
            special.iter().for_each(|&b| compare(a, b));
            (0..=u16::MAX).for_each(|bits| compare(a, Half(bits)));
        }
        for _ in 0..4_000_000 {
            let bits = rng.next_u64();
            let (a, b) = (Half(bits as u16), Half((bits >> 16) as u16));
            compare(a, b);
            // Of like exponents, where additions cancel and ties are frequent.
            compare(a, Half((a.0 & 0xfc00).wrapping_add((bits >> 32) as u16 & 0x8fff)));
        }
    }

    /// In binary64 the product is exact and the sum almost: compared where it is.
    #[test]
    fn fused_operations_are_rounded_once() {
        let mut rng = Rng::new(48);
        let mut twice = 0;
        for _ in 0..2_000_000 {
            let bits = rng.next_u64();
            let [a, b, c] = [bits, bits >> 16, bits >> 32].map(|bits| Half(bits as u16));
            let (product, addend) = (a.to_f64() * b.to_f64(), c.to_f64());
            let sum = product + addend;
            let exact = sum.is_finite() && (sum - product == addend) && (sum - addend == product);
            if exact || !sum.is_finite() {
                assert_eq!(a.times_plus(b, c), Half::from_f64(sum), "{a:?} * {b:?} + {c:?}");
                twice += u32::from(a.times(b).plus(c) != a.times_plus(b, c));
            }
        }
        assert!(twice > 1_000, "{twice} differ from two roundings");
    }

    #[test]
    fn sums_of_singles_are_those_of_binary32() {
        let mut rng = Rng::new(32);
        for run in 0..2_000 {
            let finite = |rng: &mut Rng| {
                let bits = rng.next_u64() as u16;
                // Of every magnitude, and of one.
                let bits = if run % 2 == 0 { bits } else { bits & 0x83ff | 0x3800 };
                Half(if bits & 0x7c00 == 0x7c00 { bits & 0x83ff } else { bits })
            };
            let start = Half(finite(&mut rng).0 & 0x7fff);
            let (mut mine, mut theirs) = (Single::new(start), real(start));
            for _ in 0..200 {
                let (weight, count) = (finite(&mut rng), if run % 3 == 0 { 1 + rng.below(2047) as i64 } else { 1 });
                mine = mine.plus(weight.units() * count);
                theirs += real(weight) * count as f32;
                assert_eq!(mine.0 as f64 / (1_u64 << 24) as f64, f64::from(theirs), "run {run}");
            }
            assert_eq!(mine.to_half(), other(theirs), "run {run}");
        }
    }

    #[test]
    fn order_and_neighbours_are_those_of_the_numbers() {
        let mut all: Vec<Half> = (0..=u16::MAX).map(Half).filter(|half| half.is_finite() && half.0 != 0x8000).collect();
        all.sort_by_key(|half| half.ordered());
        for pair in all.windows(2) {
            assert!(pair[1].is_above(pair[0]) && pair[0].to_f64() < pair[1].to_f64());
            assert_eq!(pair[1].below(), pair[0]);
            assert_eq!(Half::from_ordered(pair[0].ordered()), pair[0]);
        }
        assert!(!Half::NAN.is_above(Half::ZERO) && !Half::ZERO.is_above(Half::NAN));
        assert!(!Half::ZERO.is_above(Half(0x8000)) && Half::INFINITY.is_above(Half::MOST));
        assert_eq!(Half(0x8000).below(), Half(0x8001));
    }
}
