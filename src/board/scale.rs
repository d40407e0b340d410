//! Throughput of measured networks on many stepped chips, by the way they are divided.
//!
//! **Time split**: the T steps of a sample are cut into as many slices as there are chips; each chip has the whole model,
//! runs its slice, and hands the membranes on. A new sample enters when the first chip is free: after a slice's steps and
//! what a slice takes besides. **Model split**: w chips share a model, each with a part of its layers, and each such
//! group takes a slice. Frames a second are T over that time; the latency that is published is that of the steps of one
//! slice.

use crate::chip::Workload;
use crate::units::Picos;

/// A division of a network among chips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    /// Steps of a sample.
    pub steps: u32,
    /// Chips in use.
    pub chips: u32,
    /// Chips that share a model, 1 or 2.
    pub ways: u32,
}

/// What the model says of a division.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Frames (steps) a second.
    pub frames: f64,
    /// Steps of one slice.
    pub latency: Picos,
}

/// Predicts a division; `None` where nothing was measured that it could follow from, or the chips do not divide.
#[must_use]
pub fn predict(workload: &Workload, division: Division) -> Option<Prediction> {
    let Division { steps, chips, ways } = division;
    if steps == 0 || ways == 0 || chips == 0 || !chips.is_multiple_of(ways) {
        return None;
    }
    let slices = chips / ways;
    let (step, overhead) = match ways {
        1 if slices == 1 => (workload.step, workload.slice_overhead.unwrap_or(Picos::ZERO)),
        1 => (workload.step, workload.slice_overhead?),
        2 => workload.halved?,
        _ => return None,
    };
    let of_slice = u64::from(steps.div_ceil(slices));
    let beat = Picos(of_slice.saturating_mul(step.0)) + overhead;
    Some(Prediction { frames: f64::from(steps) / beat.as_seconds(), latency: Picos(of_slice.saturating_mul(step.0)) })
}

/// A measured division.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Name of the workload.
    pub workload: &'static str,
    /// What was divided how.
    pub division: Division,
    /// Frames a second.
    pub frames: f64,
    /// Milliseconds, where published.
    pub latency_ms: Option<f64>,
    /// Whether the model was fitted to it, so that it is no evidence.
    pub fitted: bool,
}

const CHIPS: [u32; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 24];
const TIME_240: [f64; 9] = [28.8, 55.2, 84.0, 110.4, 165.6, 223.2, 328.8, 436.8, 636.0];
const TIME_48: [f64; 9] = [28.32, 56.16, 83.52, 110.4, 163.2, 203.04, 294.72, 365.76, 524.16];
/// Two chips a model; not measured with 1 and 3.
const MODEL_48: [f64; 9] = [0.0, 62.88, 0.0, 124.32, 183.84, 245.28, 362.88, 476.64, 681.12];
const LATENCY_48: [f64; 7] = [1680.0, 840.0, 560.0, 420.0, 280.0, 210.0, 140.0];

/// Where they are from.
pub const SOURCE: &str = "Lynxi BIDL manual, result tables: ResNetLIF-50 on 2 x 128 x 128 event frames; DVS-MNIST";

/// Every published division of the KA200.
#[must_use]
pub fn measured() -> Vec<Measured> {
    let mut all = Vec::new();
    for (steps, ways, frames) in [(240, 1, TIME_240), (48, 1, TIME_48), (48, 2, MODEL_48)] {
        for (at, (chips, frames)) in CHIPS.into_iter().zip(frames).enumerate().filter(|(_, (_, frames))| *frames > 0.0)
        {
            let division = Division { steps, chips, ways };
            let latency_ms = LATENCY_48.get(at).copied().filter(|_| (steps, ways) == (48, 1));
            let fitted = matches!((steps, chips, ways), (240, 1, 1) | (48, 12, 1) | (48, 2 | 24, 2));
            all.push(Measured { workload: "resnetlif50", division, frames, latency_ms, fitted });
        }
    }
    let division = Division { steps: 1, chips: 1, ways: 1 };
    all.push(Measured { workload: "dvs_mnist", division, frames: 2309.0, latency_ms: None, fitted: true });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Family, LoadOptions, load};

    #[test]
    fn every_published_row_is_met_within_five_percent() {
        let chip = load("ka200", &LoadOptions::default()).expect("ships");
        let Family::Stepped(spec) = &chip.family else { panic!("stepped") };
        let (mut held, mut worst) = (0, 0.0_f64);
        for row in measured() {
            let workload = spec.workloads.iter().find(|workload| workload.name == row.workload).expect("described");
            let found = predict(workload, row.division).expect("measured");
            let error = found.frames / row.frames - 1.0;
            assert!(error.abs() < if row.fitted { 0.005 } else { 0.05 }, "{row:?}: {}", found.frames);
            if let Some(ms) = row.latency_ms {
                assert!((found.latency.as_seconds() * 1e3 / ms - 1.0).abs() < 0.05, "{row:?}: {}", found.latency);
            }
            held += usize::from(!row.fitted);
            worst = if row.fitted { worst } else { worst.max(error.abs()) };
        }
        assert_eq!(held, 21, "rows that nothing was fitted to");
        assert!(worst > 0.01, "some error must be left: {worst}");
    }

    #[test]
    fn what_was_not_measured_is_not_predicted() {
        let workload = Workload { name: "w".to_owned(), step: Picos(1000), slice_overhead: None, halved: None };
        let of = |chips, ways| predict(&workload, Division { steps: 10, chips, ways });
        assert!(of(1, 1).is_some_and(|found| found.latency == Picos(10_000)));
        for (chips, ways) in [(2, 1), (2, 2), (3, 2), (0, 1), (4, 4), (1, 0)] {
            assert!(of(chips, ways).is_none(), "{chips} {ways}");
        }
    }
}
