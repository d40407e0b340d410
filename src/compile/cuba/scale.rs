//! Numbers in the chip's formats: the largest useful scale of a population, and weights as mantissa and exponent.

use super::format::{full_scale, step, widest};
use crate::chip::CubaSpec;

/// Weights of a projection as integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mantissas {
    pub(super) weights: Vec<i32>,
    pub(super) exponent: i8,
    /// Step between neighbouring weights.
    pub(super) step: i32,
    pub(super) saturated: usize,
    /// Whether nothing was rounded.
    pub(super) exact: bool,
}

/// Largest magnitude.
pub(super) fn peak(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |peak: f64, value| peak.max(value.abs()))
}

/// Relative error up to which a number counts as exactly representable (single-precision sources).
const TOLERANCE: f64 = 2e-7;

/// Weights times `scale` as mantissas with the smallest exponent that holds them.
pub(super) fn mantissas(spec: &CubaSpec, values: &[f64], scale: f64, bits: u8) -> Mantissas {
    let mixed = values.iter().any(|&v| v > 0.0) && values.iter().any(|&v| v < 0.0);
    let step = step(spec, bits, mixed);
    let top = full_scale(spec) - step;
    let largest = peak(values) * scale;
    let (least, most) = (i32::from(spec.weight_exponent_min), i32::from(spec.weight_exponent_max));
    let needed = if largest > 0.0 { ((largest / f64::from(top)).log2() - 1e-9).ceil() as i32 } else { 0 };
    let mut exponent = needed.clamp(least, most);
    let mut result = at_exponent(values, scale, step, top, exponent);
    // Where nothing is rounded, a sum needs no shift to the right.
    while result.exact && exponent < 0 {
        let higher = at_exponent(values, scale, step, top, exponent + 1);
        if !higher.exact {
            break;
        }
        exponent += 1;
        result = higher;
    }
    result
}

fn at_exponent(values: &[f64], scale: f64, step: i32, top: i32, exponent: i32) -> Mantissas {
    let factor = scale / (f64::from(step) * 2_f64.powi(exponent));
    let limit = f64::from(top / step);
    let (mut saturated, mut exact) = (0, true);
    let weights = values.iter().map(|value| {
        let x = value * factor;
        let rounded = x.round().clamp(-limit, limit);
        saturated += usize::from(x.abs() > limit + 0.5);
        exact &= (x - rounded).abs() <= TOLERANCE * limit;
        rounded as i32 * step
    });
    let weights = weights.collect();
    Mantissas { weights, exponent: exponent as i8, step, saturated, exact }
}

/// What bounds the scale of a population (integer units, of 64 membrane steps, per float unit).
pub(super) struct Bounds {
    /// Registers and headroom: never exceeded.
    pub(super) hard: f64,
    /// Worst sum of inputs in one tick: exceeded only to keep the resolution of weights.
    pub(super) soft: f64,
}

/// The scale: the largest at which all weights are exact, else the largest at which they fill their register
/// (and a little below, so that `threshold` is a whole number of units).
pub(super) fn choose(spec: &CubaSpec, inbound: &[&[f64]], bounds: &Bounds, bits: u8, threshold: f64) -> f64 {
    let largest = inbound.iter().map(|values| peak(values)).fold(0.0, f64::max);
    let top = f64::from(full_scale(spec) - step(spec, widest(spec), true));
    if largest == 0.0 {
        return bounds.hard.min(bounds.soft);
    }
    let full = top / largest;
    let bound = bounds.hard.min(f64::from(spec.weight_exponent_max).exp2() * full).min(bounds.soft.max(full));
    if let Some(unit) = common_step(inbound, largest) {
        let highest = (bound * unit).log2().floor() as i32;
        for power in (0..=highest.min(40)).rev() {
            let scale = f64::from(power).exp2() / unit;
            if inbound.iter().all(|values| mantissas(spec, values, scale, bits).exact) {
                return scale;
            }
        }
    }
    let scale = full * (bound / full).log2().floor().exp2();
    let units = (scale * threshold).floor();
    if units >= 16.0 { units / threshold } else { scale }
}

/// The largest number of which all values are multiples, if it is not far below the largest value.
fn common_step(inbound: &[&[f64]], largest: f64) -> Option<f64> {
    let mut unit = 0.0_f64;
    for value in inbound.iter().flat_map(|values| values.iter()).map(|v| v.abs()).filter(|&v| v > 0.0) {
        let (mut a, mut b) = (value, unit);
        while b > 4.0 * TOLERANCE * largest {
            (a, b) = (b, (a - (a / b).round() * b).abs());
        }
        unit = a;
        if unit < largest / f64::from(1 << 14) {
            return None;
        }
    }
    (unit > 0.0).then_some(unit)
}

/// A bias as mantissa and exponent: the nearest that there is, and whether it was clipped.
pub(super) fn bias(spec: &CubaSpec, value: f64) -> (i16, u8, bool) {
    let top = f64::from((1_i32 << (spec.bias_bits - 1)) - 1);
    for exponent in 0..=spec.bias_exponent_max {
        let mantissa = (value / f64::from(exponent).exp2()).round();
        if mantissa.abs() <= top {
            return (mantissa as i16, exponent, false);
        }
    }
    (top.copysign(value) as i16, spec.bias_exponent_max, true)
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn integers_stay_integers() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        let weights = [3.0, -7.0, 127.0, 0.0];
        let bounds = Bounds { hard: 1e3, soft: 1e9 };
        let scale = choose(spec, &[&weights], &bounds, 8, 1.0);
        let found = mantissas(spec, &weights, scale, 8);
        assert!(found.exact && found.exponent >= 0, "{found:?}");
        let unit = scale as i32;
        let back: Vec<i32> = found.weights.iter().map(|w| (w << found.exponent) / unit).collect();
        assert_eq!((scale.fract(), back), (0.0, vec![3, -7, 127, 0]));
    }

    #[test]
    fn other_weights_fill_their_register() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        let weights = [0.123_456, -0.333, 0.017_1];
        let scale = choose(spec, &[&weights], &Bounds { hard: 1e5, soft: 1e5 }, 8, 0.0);
        let found = mantissas(spec, &weights, scale, 8);
        assert!(scale <= 1e5 && scale > 2e4, "{scale}");
        assert_eq!((found.weights[1], found.saturated, found.exact), (-254, 0, false));
    }

    #[test]
    fn biases_take_the_finest_exponent() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        assert_eq!(bias(spec, 4095.0), (4095, 0, false));
        assert_eq!(bias(spec, -4096.0), (-2048, 1, false));
        assert_eq!(bias(spec, 4095.0 * 128.0), (4095, 7, false));
        assert_eq!(bias(spec, -1e9), (-4095, 7, true));
    }
}
