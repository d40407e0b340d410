//! Fine-tuning of thresholds: layer by layer, the factor with which the read-out comes nearest to the trained one.

use super::evaluate::read_out_error;
use super::{Balance, SpikeReset, Units, spiking};
use crate::diag::Result;
use crate::stimulus::ImageSet;

/// Factors that are tried around the present one, in this order; of equal ones the first stays.
const FACTORS: [f64; 9] = [1.0, 0.95, 1.05, 0.9, 1.1, 0.8, 1.25, 0.7, 0.6];

/// Tunes the thresholds of every spiking population for runs of `ticks`, sources first; two passes. Deterministic.
///
/// # Errors
/// `convert/calibration` for images that the network does not take.
pub fn tune(
    units: &Units,
    balance: &Balance,
    images: &ImageSet,
    reset: SpikeReset,
    initial: f64,
    ticks: u32,
) -> Result<Balance> {
    units.check_images(images, "calibration")?;
    let mut best = balance.clone();
    for _ in 0..2 {
        for &index in units.sequence.iter().filter(|&&index| units.layers[index].rectified) {
            let present = best.thresholds[index];
            let mut least = f64::INFINITY;
            let mut chosen = present;
            for factor in FACTORS {
                let mut tried = best.clone();
                tried.thresholds[index] = present * factor;
                let graph = spiking(units, &tried, reset, initial);
                let error = read_out_error(units, &graph, images, reset, ticks);
                if error < least {
                    (least, chosen) = (error, present * factor);
                }
            }
            best.thresholds[index] = chosen;
        }
    }
    Ok(best)
}
