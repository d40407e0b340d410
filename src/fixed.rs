//! The only fixed-point arithmetic of the house.

/// Exponential decay as Loihi does it: `sign(x) * ((|x| * (4096 - decay)) >> 12)`, rounding toward zero.
///
/// `decay` is 0..=4096; 4096 clears. Source: nengo-loihi, lava-nc and brian2-loihi agree on it.
#[inline]
#[must_use]
pub const fn decay_toward_zero(x: i32, decay: u32) -> i32 {
    debug_assert!(decay <= 4096);
    let magnitude = (x.unsigned_abs() as u64 * (4096 - decay) as u64) >> 12;
    if x < 0 { -(magnitude as i64) as i32 } else { magnitude as i32 }
}

/// Clamps to a signed register of `bits` bits, `-2^(bits-1) ..= 2^(bits-1)-1`.
#[inline]
#[must_use]
pub const fn saturate(x: i64, bits: u32) -> i64 {
    let max = (1_i64 << (bits - 1)) - 1;
    if x > max {
        max
    } else if x < -max - 1 {
        -max - 1
    } else {
        x
    }
}

/// Two's-complement wrap into a signed register of `bits` bits.
#[inline]
#[must_use]
pub const fn wrap(x: i64, bits: u32) -> i64 {
    let shift = 64 - bits;
    (x << shift) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_rounds_toward_zero_on_both_sides() {
        for (x, decay, expected) in [
            (4096, 1, 4095),
            (-4096, 1, -4095),
            (1, 1, 0),
            (-1, 1, 0),
            (1, 0, 1),
            (i32::MAX, 0, i32::MAX),
            (-(1 << 23), 4096, 0),
            ((1 << 23) - 1, 2048, (1 << 22) - 1),
        ] {
            assert_eq!(decay_toward_zero(x, decay), expected, "x {x} decay {decay}");
        }
    }

    #[test]
    fn registers_saturate_and_wrap_at_their_edges() {
        for bits in [2_u32, 8, 9, 20, 24] {
            let max = (1_i64 << (bits - 1)) - 1;
            assert_eq!(saturate(max, bits), max);
            assert_eq!(saturate(max + 1, bits), max);
            assert_eq!(saturate(-max - 2, bits), -max - 1);
            assert_eq!(wrap(max, bits), max);
            assert_eq!(wrap(max + 1, bits), -max - 1);
            assert_eq!(wrap(-max - 2, bits), max);
        }
    }
}
