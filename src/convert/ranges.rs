//! What values the units take over calibration images: what a quantiser of values wants to know.

use super::balance::{Balance, Normalise, Scope, balance};
use super::units::Units;
use crate::diag::Result;
use crate::stimulus::ImageSet;

/// One entry a population, in the order of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges {
    /// Rectified units: the largest value, or the percentile that was asked for. Linear ones: the largest magnitude. Inputs: 1.
    pub peaks: Vec<f64>,
    /// Mean of the squares over units and images.
    pub mean_squares: Vec<f64>,
}

/// Shows `images` to the network.
///
/// # Errors
/// `convert/calibration` for images that the network does not take.
pub fn ranges(units: &Units, images: &ImageSet, normalise: Normalise) -> Result<Ranges> {
    let Balance { scales, .. } = balance(units, images, normalise, Scope::Layer)?;
    let mut peaks: Vec<f64> = scales.iter().map(|scale| scale[0]).collect();
    let mut squares = vec![0.0; peaks.len()];
    let linear = |index: usize| !units.layers[index].rectified && !units.graph.populations[index].is_input();
    (0..peaks.len()).filter(|&index| linear(index)).for_each(|index| peaks[index] = 0.0);
    for image in &images.images {
        for (index, values) in units.values(image, images.max).iter().enumerate() {
            squares[index] += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64;
            if linear(index) {
                peaks[index] = values.iter().fold(peaks[index], |most, &value| most.max(f64::from(value).abs()));
            }
        }
    }
    squares.iter_mut().for_each(|sum| *sum /= images.images.len() as f64);
    Ok(Ranges { peaks, mean_squares: squares })
}
