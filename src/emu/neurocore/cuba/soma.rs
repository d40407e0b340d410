//! The compartment's arithmetic in each dialect.
//!
//! All share `u = decay(u, decay_u + 1) + (a << 6)`, `v = decay(v, decay_v) + u + bias`, firing where
//! `v > threshold`, and v = 0 then; they differ in where sums wrap or saturate.

use crate::fixed::{decay_toward_zero, wrap};
use crate::image::CompartmentConfig;

/// A compartment's registers, ready for use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compartment {
    pub(super) decay_u: u32,
    pub(super) decay_v: u32,
    pub(super) bias: i32,
    /// `i32::MAX` never fires: v stays below.
    pub(super) threshold: i32,
    /// 1 is no silent tick.
    pub(super) refractory: u8,
}

impl Compartment {
    pub(super) fn new(config: &CompartmentConfig) -> Self {
        let mantissa = i64::from(config.bias);
        let places = u32::from(config.bias_exponent.unsigned_abs()).min(32);
        let bias = if config.bias_exponent < 0 { mantissa >> places } else { mantissa << places };
        Self {
            decay_u: u32::from(config.decay_u) + 1,
            decay_v: u32::from(config.decay_v),
            bias: bias.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            threshold: config
                .threshold
                .map_or(i32::MAX, |mantissa| i32::try_from(u64::from(mantissa) << 6).unwrap_or(i32::MAX)),
            refractory: config.refractory,
        }
    }
}

/// u and v after a tick, before the comparison, and how many registers overflowed.
pub(super) struct Next {
    pub(super) u: i32,
    pub(super) v: i32,
    pub(super) overflows: u32,
}

/// u of the next tick from the sum `a` and noise, or v from what drives it and noise, and how many registers overflowed.
/// Both take (compartment, limit, a or drive, u or v, noise).
pub(super) type Part = fn(&Compartment, i32, i64, i32, i64) -> (i32, u32);

/// The two halves of a dialect's tick.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) current: Part,
    pub(super) membrane: Part,
}

pub(super) const LAVA: Rule = Rule { current: lava_current, membrane: lava_membrane };
pub(super) const NENGO: Rule = Rule { current: nengo_current, membrane: nengo_membrane };
pub(super) const BRIAN2: Rule = Rule { current: brian2_current, membrane: brian2_membrane };

/// lava-nc: `a << 6` wraps at 32 bits; u wraps once, not modulo, so that its range is (-2^23, 2^23] only for
/// excursions below 2^24; v saturates.
#[inline]
pub(super) fn lava(compartment: &Compartment, limit: i32, a: i32, u: i32, v: i32) -> Next {
    let (u, wrapped) = lava_current(compartment, limit, a.into(), u, 0);
    let (v, kept) = lava_membrane(compartment, limit, u.into(), v, 0);
    Next { u, v, overflows: wrapped + kept }
}

#[inline]
fn lava_current(compartment: &Compartment, limit: i32, a: i64, u: i32, noise: i64) -> (i32, u32) {
    let input = (a as i32).wrapping_shl(6).wrapping_add(noise as i32);
    let summed = decay_toward_zero(u, compartment.decay_u).wrapping_add(input);
    let span = limit.wrapping_add(1).wrapping_mul(2);
    if summed > limit + 1 {
        (summed.wrapping_sub(span), 1)
    } else if summed < -limit {
        (summed.wrapping_add(span), 1)
    } else {
        (summed, 0)
    }
}

#[inline]
fn lava_membrane(compartment: &Compartment, limit: i32, drive: i64, v: i32, noise: i64) -> (i32, u32) {
    let decayed = i64::from(decay_toward_zero(v, compartment.decay_v));
    saturated(decayed + drive + i64::from(compartment.bias) + noise, limit)
}

/// nengo-loihi: the sum wraps at 16 bits before it is shifted, u and u + bias wrap as signed registers, v saturates.
/// chip_best_guess follows it, as its authors tested these edges on the chip.
#[inline]
pub(super) fn nengo(compartment: &Compartment, limit: i32, a: i32, u: i32, v: i32) -> Next {
    let (u, wrapped) = nengo_current(compartment, limit, a.into(), u, 0);
    let (v, kept) = nengo_membrane(compartment, limit, u.into(), v, 0);
    Next { u, v, overflows: wrapped + kept }
}

#[inline]
fn nengo_current(compartment: &Compartment, limit: i32, a: i64, u: i32, noise: i64) -> (i32, u32) {
    let input = (a << 6) + noise;
    let sum = wrap(input, 22);
    let summed = i64::from(decay_toward_zero(u, compartment.decay_u)) + sum;
    let u = wrap(summed, width(limit));
    (u as i32, u32::from(sum != input) + u32::from(u != summed))
}

#[inline]
fn nengo_membrane(compartment: &Compartment, limit: i32, drive: i64, v: i32, noise: i64) -> (i32, u32) {
    let driven = drive + i64::from(compartment.bias) + noise;
    let drive = wrap(driven, width(limit));
    let (v, kept) = saturated(i64::from(decay_toward_zero(v, compartment.decay_v)) + drive, limit);
    (v, kept + u32::from(drive != driven))
}

/// brian2-loihi: no width at all. Ours ends at 32 bits, where it saturates and counts an overflow.
#[inline]
pub(super) fn brian2(compartment: &Compartment, limit: i32, a: i32, u: i32, v: i32) -> Next {
    let (u, wrapped) = brian2_current(compartment, limit, a.into(), u, 0);
    let (v, kept) = brian2_membrane(compartment, limit, u.into(), v, 0);
    Next { u, v, overflows: wrapped + kept }
}

#[inline]
fn brian2_current(compartment: &Compartment, _limit: i32, a: i64, u: i32, noise: i64) -> (i32, u32) {
    saturated(i64::from(decay_toward_zero(u, compartment.decay_u)) + (a << 6) + noise, i32::MAX)
}

#[inline]
fn brian2_membrane(compartment: &Compartment, _limit: i32, drive: i64, v: i32, noise: i64) -> (i32, u32) {
    saturated(i64::from(decay_toward_zero(v, compartment.decay_v)) + drive + noise, i32::MAX)
}

/// Between -limit and limit, and whether it had to be brought there.
#[inline]
fn saturated(wide: i64, limit: i32) -> (i32, u32) {
    let kept = wide.clamp(-i64::from(limit), i64::from(limit));
    (kept as i32, u32::from(kept != wide))
}

/// Bits of a register that reaches to `limit`.
#[inline]
fn width(limit: i32) -> u32 {
    (i64::from(limit) + 1).ilog2() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: i32 = (1 << 23) - 1;
    const PLAIN: Compartment = Compartment { decay_u: 0, decay_v: 0, bias: 0, threshold: i32::MAX, refractory: 1 };

    #[test]
    fn u_wraps_at_its_edge_as_each_dialect_says() {
        let edge = 1 << 23;
        for (start, a, expected) in [
            (edge - 64, 1, [edge, -edge, edge]),
            (64 - edge, -1, [edge, -edge, -edge]),
            (0, 1 << 15, [1 << 21, -(1 << 21), 1 << 21]),
            (0, 3 << 17, [edge, 0, 3 << 23]),
        ] {
            let rules = [lava, nengo, brian2];
            assert_eq!(rules.map(|rule| rule(&PLAIN, LIMIT, a, start, 0).u), expected, "{start} {a}");
        }
    }

    #[test]
    fn a_bias_beyond_the_edge_wraps_for_nengo_and_saturates_for_lava() {
        let biased = Compartment { bias: 100, ..PLAIN };
        assert_eq!(lava(&biased, LIMIT, 0, LIMIT, 0).v, LIMIT);
        assert_eq!(nengo(&biased, LIMIT, 0, LIMIT, 0).v, LIMIT + 100 - (1 << 24));
        assert_eq!(nengo(&biased, LIMIT, 0, LIMIT, 0).overflows, 1);
    }
}
