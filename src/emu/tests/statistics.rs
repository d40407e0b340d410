//! The stochastic modes have the distributions that they stand for: mean and variance of many neurons, seeded,
//! within 4.5 standard errors.

use super::*;
use crate::chip::DrawComparison;

const NEURONS: usize = 256;
const TICKS: u32 = 400;

/// Runs one core of equal neurons on one axon that is active in every tick; the final V and the spike count of each.
fn run_equal(p: &CrossbarParameters, options: CrossbarOptions, seed: u32, ticks: u32) -> (Vec<f64>, Vec<f64>) {
    let body = Crossbar {
        axon_types: vec![0],
        rows: vec![u64::MAX; NEURONS / 64].into(),
        parameters: vec![p.clone()],
        parameter_of: vec![0; NEURONS],
        destinations: vec![None; NEURONS],
        seed,
    };
    let places = (0..NEURONS as u16).map(|neuron| (0, neuron)).collect();
    let core = CoreImage { core: 0, body: CoreBody::Crossbar(body) };
    let image = image(vec![core], &[vec![to(0, 0, 1)]], places, 1);
    let shown: Vec<(u32, u32, u16)> = (0..ticks).map(|tick| (tick, 0, 1)).collect();
    let chip = optional_chip(fixed(1_000_000_000), options);
    let result = play(&image, &chip, &stimulus(1, ticks, &shown), false);
    let sample = &result.samples[0];
    let membranes = sample.output_membranes[0].iter().map(|&v| f64::from(v)).collect();
    (membranes, sample.output_counts[0].iter().map(|&count| count as f64).collect())
}

/// Counts of `trials` with probability `p` each.
fn is_binomial(counts: &[f64], trials: f64, p: f64, what: &str) {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let expected = trials * p * (1.0 - p);
    let mean_error = 4.5 * (expected / n).sqrt();
    assert!((mean - trials * p).abs() <= mean_error, "{what}: mean {mean}, expected {} +- {mean_error}", trials * p);
    // The kurtosis of a binomial count adds 1 / expected to that of a normal one.
    let excess = if expected > 0.0 { (1.0 - 6.0 * p * (1.0 - p)) / expected } else { 0.0 };
    let variance_error = 4.5 * expected * (2.0 / (n - 1.0) + excess.max(0.0) / n).sqrt();
    assert!((variance - expected).abs() <= variance_error, "{what}: variance {variance}, expected {expected}");
}

fn never(weights: [i16; 4]) -> CrossbarParameters {
    parameters(weights, (1 << 18) - 1)
}

#[test]
fn stochastic_synapses_act_with_the_probability_of_their_weight() {
    for (number, magnitude) in (1..).zip([1_i16, 20, 128, 200, 254, 255]) {
        for (comparison, p) in [
            (DrawComparison::AtLeast, f64::from(magnitude + 1) / 256.0),
            (DrawComparison::Above, f64::from(magnitude) / 256.0),
            (DrawComparison::AtLeastNonzero, f64::from(magnitude) / 255.0),
        ] {
            for sign in [1, -1] {
                let mut neuron = never([sign * magnitude, 0, 0, 0]);
                neuron.stochastic_weights = [true, false, false, false];
                let options = CrossbarOptions { comparison, ..CrossbarOptions::default() };
                let (v, _) = run_equal(&neuron, options, 17 * number, TICKS);
                let counts: Vec<f64> = v.iter().map(|v| v * f64::from(sign)).collect();
                is_binomial(&counts, f64::from(TICKS), p, &format!("weight {magnitude} {comparison:?}"));
            }
        }
    }
}

#[test]
fn stochastic_leaks_act_with_the_probability_of_their_size() {
    for (seed, leak) in (5..).zip([-255_i16, -100, -3, 1, 60, 255]) {
        let neuron = CrossbarParameters { leak, stochastic_leak: true, ..never([0; 4]) };
        let (v, _) = run_equal(&neuron, CrossbarOptions::default(), seed, TICKS);
        let counts: Vec<f64> = v.iter().map(|v| v * f64::from(leak.signum())).collect();
        let p = f64::from(leak.abs() + 1) / 256.0;
        is_binomial(&counts, f64::from(TICKS + 1), p, &format!("leak {leak}"));
    }
    let nothing = CrossbarParameters { stochastic_leak: true, ..never([0; 4]) };
    assert!(run_equal(&nothing, CrossbarOptions::default(), 3, TICKS).0.iter().all(|&v| v == 0.0));
}

#[test]
fn random_thresholds_are_uniform_under_their_mask() {
    // V stays at alpha + above: it fires where the random part is at most that.
    for (bits, draw_bits, above) in [(1, 8, 0), (4, 8, 7), (8, 8, 0), (8, 8, 199), (12, 8, 99), (12, 16, 1500)] {
        let neuron = CrossbarParameters {
            spike_reset: 2,
            initial: 10_000 + above,
            threshold_mask_bits: bits,
            ..parameters([0; 4], 10_000)
        };
        let options = CrossbarOptions { threshold_draw_bits: draw_bits, ..CrossbarOptions::default() };
        let (_, counts) = run_equal(&neuron, options, 1234, TICKS);
        let p = f64::from(above + 1) / f64::from(1_u32 << bits.min(draw_bits));
        is_binomial(&counts, f64::from(TICKS + 1), p, &format!("mask of {bits} bits, {draw_bits} drawn"));
    }
}

#[test]
fn random_negative_thresholds_are_uniform_under_their_mask() {
    // V starts 6 below -beta, and is reset to -R = 0 once the random part is below 6: within two ticks here.
    let neuron = CrossbarParameters {
        negative_threshold: 50,
        negative_saturate: false,
        initial: -56,
        threshold_mask_bits: 4,
        leak: 0,
        ..parameters([0; 4], 10_000)
    };
    let counts = (1..200).map(|seed| {
        let (v, _) = run_equal(&neuron, CrossbarOptions::default(), seed * 7_919, 1);
        v.iter().filter(|&&v| v == 0.0).count() as f64
    });
    is_binomial(&counts.collect::<Vec<f64>>(), NEURONS as f64, 1.0 - 0.625 * 0.625, "negative mask");
}
