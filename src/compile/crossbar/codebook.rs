//! The best few levels for the weights of one group: a unit and an interval of its multiples.

/// How a group's weights become integers: `k * q`, one step of the potential being `step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Code {
    /// Value of one integer step of weights, thresholds and leaks, in float weight units.
    pub(super) step: f64,
    /// Integer weight of level 1.
    k: i32,
    /// Smallest and largest level.
    low: i32,
    high: i32,
}

impl Code {
    /// The integer weight nearest to `weight`, and whether the interval clipped it.
    pub(super) fn weight(&self, weight: f64) -> (i32, bool) {
        let level = (weight / (self.step * f64::from(self.k))).round();
        let kept = level.clamp(f64::from(self.low), f64::from(self.high));
        (kept as i32 * self.k, kept != level)
    }
}

/// Which levels a group may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Levels {
    /// Of neurons that stay whole, through so many axon types a source: `2^types` levels; with one type the four weights of
    /// a neuron itself, -2..=2.
    Shared(u32),
    /// Of neurons whose parts sum each sign by itself, through so many axon types: `-(2^types - 1)..2^types`.
    Signed(u32),
}

/// Fits levels to `values` by least squares over units and intervals. `peaks` are the largest leak and
/// threshold of the group in weight units, `limits` the largest weight (and leak) and threshold registers.
pub(super) fn fit(values: &[f64], kind: Levels, peaks: (f64, f64), limits: (f64, f64)) -> Code {
    let values: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
    let largest = values.iter().fold(0.0_f64, |peak, value| peak.max(value.abs()));
    let negative = values.iter().any(|value| *value < 0.0);
    let positive = values.iter().any(|value| *value > 0.0);
    let (Levels::Shared(types) | Levels::Signed(types)) = kind;
    let full = (1_i32 << types) - 1;
    let intervals: Vec<(i32, i32)> = match (kind, negative, positive) {
        (Levels::Signed(_), ..) => vec![(-full, full)],
        (Levels::Shared(1), ..) => vec![(-2, 2)],
        (_, false, _) => vec![(0, full)],
        (_, true, false) => vec![(-full, 0)],
        (_, true, true) => (1..full).map(|below| (-below, full - below)).collect(),
    };
    let mut best = (f64::INFINITY, if largest > 0.0 { largest } else { 1.0 }, (-1, 1));
    for interval in intervals {
        // The largest weight at a quarter level: whole ones among them find an exact grid exactly.
        for quarters in 4..=4 * full.max(2) {
            let unit = largest / (f64::from(quarters) / 4.0);
            if unit > 0.0 {
                let refined = refine(&values, unit, interval);
                for unit in [unit, refined] {
                    let error = error(&values, unit, interval);
                    // Roundings below this are no better than a coarser exact grid.
                    if error < best.0 * (1.0 - 1e-9) - 1e-24 * largest * largest {
                        best = (error, unit, interval);
                    }
                }
            }
        }
    }
    let (_, unit, (low, high)) = best;
    // The largest register of a basis for these levels is half the interval (see `slices`). A part may have any subset of the
    // levels, such as the largest alone, which one register must then hold.
    let register = match kind {
        Levels::Shared(1) => 2,
        Levels::Shared(types) => 1 << (types - 1),
        Levels::Signed(_) => full,
    };
    let mut k = limits.0 / f64::from(register);
    let (leak, threshold) = peaks;
    if leak > 0.0 {
        k = k.min(limits.0 * unit / leak);
    }
    if threshold > 0.0 {
        k = k.min(limits.1 * unit / threshold);
    }
    let k = (k.floor() as i32).max(1);
    Code { step: unit / f64::from(k), k, low, high }
}

fn level(value: f64, unit: f64, (low, high): (i32, i32)) -> f64 {
    (value / unit).round().clamp(f64::from(low), f64::from(high))
}

fn error(values: &[f64], unit: f64, interval: (i32, i32)) -> f64 {
    values.iter().map(|value| (value - unit * level(*value, unit, interval)).powi(2)).sum()
}

/// The least-squares unit for the levels that `unit` assigns.
fn refine(values: &[f64], unit: f64, interval: (i32, i32)) -> f64 {
    let (mut products, mut squares) = (0.0, 0.0);
    for value in values {
        let level = level(*value, unit, interval);
        products += value * level;
        squares += level * level;
    }
    if squares > 0.0 { products / squares } else { unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: (f64, f64) = (255.0, 262_143.0);

    #[test]
    fn a_grid_of_sixteen_levels_is_found_exactly() {
        for below in [3, 8, 12] {
            let values: Vec<f64> = (-below..=15 - below).map(|level| f64::from(level) * 0.0173).collect();
            let code = fit(&values, Levels::Shared(4), (0.0, 1.0), LIMITS);
            for value in &values {
                let (weight, clipped) = code.weight(*value);
                assert!(!clipped && (f64::from(weight) * code.step - value).abs() < 1e-12, "{value}: {weight}");
                assert_eq!(weight % 31, 0);
            }
        }
    }

    #[test]
    fn registers_bound_the_scale() {
        let code = fit(&[1.0, -1.0, 0.5], Levels::Shared(4), (0.0, 100_000.0), LIMITS);
        assert!(100_000.0 / code.step <= 262_143.0);
        let code = fit(&[1.0, -1.0, 0.5], Levels::Shared(4), (20.0, 0.0), LIMITS);
        assert!(20.0 / code.step <= 255.0);
        for types in 1..=4 {
            let code = fit(&[0.3, -0.7, 0.01, 0.9], Levels::Shared(types), (0.0, 0.0), LIMITS);
            assert!([0.3, -0.7, 0.01, 0.9].iter().all(|w| code.weight(*w).0.abs() <= 15 * 127));
        }
        assert_eq!(fit(&[], Levels::Shared(4), (0.0, 1.0), LIMITS).weight(0.0), (0, false));
    }
    #[test]
    fn signed_levels_reach_as_far_on_both_sides() {
        for types in 1..=4 {
            let full = (1 << types) - 1;
            let values: Vec<f64> = (-full..=full).map(|level| f64::from(level) * 0.02).collect();
            let code = fit(&values, Levels::Signed(types), (0.0, 1.0), LIMITS);
            for value in &values {
                let (weight, clipped) = code.weight(*value);
                assert!(
                    !clipped && (f64::from(weight) * code.step - value).abs() < 1e-12,
                    "{types}, {value}: {weight}"
                );
                assert!(weight.abs() <= 255 && weight % (255 / full) == 0, "{types}: {weight}");
            }
        }
    }
}
