//! What each dialect makes of a weight before it is stored: sign mode, range and truncation to few bits.

use crate::chip::Dialect;
use crate::diag::{Problem, Problems, Result};

/// Which signs the weights of a projection may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignMode {
    /// Both; the sign takes the lowest bit of the magnitude.
    Mixed,
    /// 0 and above.
    Excitatory,
    /// 0 and below.
    Inhibitory,
}

/// Weights as a synapse format of `bits` bits (1..=8) holds them in `dialect`.
///
/// Lava clips to the range of the sign mode and clears the low bits: floor for mixed weights, toward zero on the
/// magnitude for the others. Nengo takes values as they are given; its golden vectors, and chip_best_guess, use
/// lava's. Brian2 goes toward zero always, and refuses weights outside of the range (mixed -256..=254).
///
/// # Errors
/// `cuba/weight` for every weight that brian2 refuses, with the nearest legal value; `cuba/weight-bits` where
/// `bits` is out of range.
pub fn truncate_weights(weights: &[i32], mode: SignMode, bits: u8, dialect: Dialect) -> Result<Vec<i32>> {
    if !(1..=8).contains(&bits) {
        let what = format!("weights of {bits} bits");
        return Err(Problem::invalid("cuba/weight-bits", "", what).limit("1..=8 bits").into());
    }
    let low_bits = u32::from(8 - bits) + u32::from(mode == SignMode::Mixed);
    if dialect != Dialect::Brian2 {
        return Ok(weights.iter().map(|&weight| floor_bits(weight, mode, low_bits)).collect());
    }
    let (low, high) = match mode {
        SignMode::Mixed => (-256, 254),
        SignMode::Excitatory => (0, 255),
        SignMode::Inhibitory => (-255, 0),
    };
    let outside = weights.iter().enumerate().filter(|(_, weight)| !(low..=high).contains(*weight)).take(20);
    let refuse = |(at, weight): (usize, &i32)| {
        let what = format!("weight {weight} is out of range");
        Problem::misfit("cuba/weight", format!("weight {at}"), what)
            .limit(format!("{low}..={high} in dialect brian2"))
            .help(format!("the nearest legal value is {}", weight.clamp(&low, &high)))
    };
    let step = 1_i32 << low_bits;
    Problems::check(outside.map(refuse).collect(), weights.iter().map(|weight| weight / step * step).collect())
}

/// Clips and clears the low bits as lava does.
fn floor_bits(weight: i32, mode: SignMode, low_bits: u32) -> i32 {
    let clear = |value: i32| (value >> low_bits) << low_bits;
    match mode {
        SignMode::Mixed => clear(weight.clamp(-256, 255)),
        SignMode::Excitatory => clear(weight.clamp(0, 255)),
        SignMode::Inhibitory => -clear(weight.saturating_neg().clamp(0, 255)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_disagree_on_negative_mixed_weights_alone() {
        let weights = [-255, -3, -1, 0, 1, 3, 253];
        let of = |mode, bits, dialect| truncate_weights(&weights, mode, bits, dialect).expect("legal");
        assert_eq!(of(SignMode::Mixed, 8, Dialect::Lava), [-256, -4, -2, 0, 0, 2, 252]);
        assert_eq!(of(SignMode::Mixed, 8, Dialect::Brian2), [-254, -2, 0, 0, 0, 2, 252]);
        assert_eq!(of(SignMode::Mixed, 1, Dialect::ChipBestGuess), [-256, -256, -256, 0, 0, 0, 0]);
        assert_eq!(of(SignMode::Excitatory, 7, Dialect::Lava), [0, 0, 0, 0, 0, 2, 252]);
        for dialect in [Dialect::Lava, Dialect::Brian2] {
            let low = truncate_weights(&[-255, -129, -1, 0], SignMode::Inhibitory, 1, dialect).expect("legal");
            assert_eq!(low, [-128, -128, 0, 0]);
        }
    }

    #[test]
    fn brian2_lists_every_weight_that_it_refuses() {
        let problems = truncate_weights(&[255, 2, -257], SignMode::Mixed, 8, Dialect::Brian2).expect_err("too far");
        assert_eq!(problems.all().len(), 2);
        assert!(problems.to_string().contains("the nearest legal value is 254"), "{problems}");
        let problems = truncate_weights(&[2], SignMode::Mixed, 9, Dialect::Lava).expect_err("too wide");
        assert!(problems.has("cuba/weight-bits"));
    }
}
