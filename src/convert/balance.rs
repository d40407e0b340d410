//! What a spike of each unit stands for: the largest value that calibration images give it, or a percentile of them.

use super::units::Units;
use super::unknown;
use crate::diag::{Problem, Problems, Result};
use crate::stimulus::ImageSet;

/// Which of the values is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalise {
    /// The largest.
    Max,
    /// The one below which so many percent of the values above 0 lie; larger ones saturate.
    Percentile(f64),
}

/// Whose values are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All units of a population.
    #[default]
    Layer,
    /// All units of a channel; in populations that are no volumes, each unit.
    Channel,
}

/// For each population what a spike stands for: one value, or one a channel (a unit, where there are no channels).
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// By population; `[1.0]` for inputs and linear ones.
    pub scales: Vec<Vec<f64>>,
    /// By population, the threshold as a multiple of what a spike stands for: 1 unless it was tuned.
    pub thresholds: Vec<f64>,
}

impl std::fmt::Display for Normalise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Max => f.write_str("the largest activation"),
            Self::Percentile(percent) => write!(f, "percentile {percent} of activations"),
        }
    }
}

impl Default for Normalise {
    fn default() -> Self {
        Self::Percentile(99.9)
    }
}

impl std::str::FromStr for Normalise {
    type Err = Problems;

    fn from_str(word: &str) -> Result<Self> {
        if word == "max" {
            return Ok(Self::Max);
        }
        let percent: f64 =
            word.trim_end_matches('%').parse().map_err(|_| unknown("normalise", word, &["max", "99.9"]))?;
        if !(50.0..=100.0).contains(&percent) {
            return Err(Problem::invalid("convert/option", "--normalise", format!("a percentile of {percent}"))
                .limit("max, or 50 to 100 percent")
                .into());
        }
        Ok(Self::Percentile(percent))
    }
}

impl std::str::FromStr for Scope {
    type Err = Problems;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "layer" => Ok(Self::Layer),
            "channel" => Ok(Self::Channel),
            _ => Err(unknown("scope", word, &["layer", "channel"])),
        }
    }
}

impl Balance {
    /// The same with spikes that stand for `factor` times as much: neurons fire less, and resets to 0 throw less away.
    #[must_use]
    pub fn with_headroom(&self, units: &Units, factor: f64) -> Self {
        let mut wider = self.clone();
        for (scales, _) in wider.scales.iter_mut().zip(&units.layers).filter(|(_, layer)| layer.rectified) {
            scales.iter_mut().for_each(|scale| *scale *= factor);
        }
        wider
    }

    /// The scale of the unit that stands at `index` in the graph.
    pub(super) fn of(&self, population: usize, shape: &[u32], index: usize) -> f64 {
        match self.scales[population].as_slice() {
            [one] => *one,
            each => each[channel(shape, index)],
        }
    }
}

/// The channel of a unit: its own number where the population is no volume.
pub(super) fn channel(shape: &[u32], index: usize) -> usize {
    match shape {
        [_, height, width] => index / (height * width) as usize,
        _ => index,
    }
}

/// Values of one group are kept up to so many; beyond, every second one is dropped, so that any set fits in memory.
const MOST_VALUES: usize = 1 << 20;

/// Values of a group above 0, thinned evenly.
#[derive(Clone, Default)]
struct Group {
    values: Vec<f32>,
    /// One in so many is kept, as a power of two.
    thinning: u32,
    seen: u64,
    largest: f32,
}

impl Group {
    fn push(&mut self, value: f32) {
        self.largest = self.largest.max(value);
        self.seen += 1;
        if self.seen & ((1 << self.thinning) - 1) != 0 {
            return;
        }
        self.values.push(value);
        if self.values.len() > MOST_VALUES {
            let mut number = 0_usize;
            self.values.retain(|_| {
                number += 1;
                number.is_multiple_of(2)
            });
            self.thinning += 1;
        }
    }

    fn scale(&mut self, normalise: Normalise) -> f64 {
        let value = match normalise {
            _ if self.values.is_empty() => self.largest,
            Normalise::Max => self.largest,
            Normalise::Percentile(percent) => {
                self.values.sort_by(f32::total_cmp);
                let at = (percent / 100.0 * self.values.len() as f64).ceil() as usize;
                self.values[at.clamp(1, self.values.len()) - 1]
            }
        };
        // A unit that never spoke keeps its scale.
        if value > 0.0 { f64::from(value) } else { 1.0 }
    }
}

/// Shows `images` to the network and takes the scale of every group of units.
///
/// # Errors
/// `convert/calibration` for images that the network does not take.
pub fn balance(units: &Units, images: &ImageSet, normalise: Normalise, scope: Scope) -> Result<Balance> {
    units.check_images(images, "calibration")?;
    let populations = &units.graph.populations;
    let groups = |index: usize| match (scope, populations[index].shape.as_slice()) {
        _ if !units.layers[index].rectified => 1,
        (Scope::Layer, _) => 1,
        (Scope::Channel, &[channels, _, _]) => channels as usize,
        (Scope::Channel, _) => populations[index].size(),
    };
    let mut found: Vec<Vec<Group>> =
        (0..populations.len()).map(|index| vec![Group::default(); groups(index)]).collect();
    for image in &images.images {
        for (index, values) in units.forward(image, images.max).iter().enumerate() {
            if !units.layers[index].rectified {
                continue;
            }
            let groups = &mut found[index];
            for (at, &value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                let group = if groups.len() == 1 { 0 } else { channel(&populations[index].shape, at) };
                groups[group].push(value);
            }
        }
    }
    let scale = |index: usize, groups: &mut Vec<Group>| {
        let layer = units.layers[index].rectified;
        groups.iter_mut().map(|group| if layer { group.scale(normalise) } else { 1.0 }).collect()
    };
    let thresholds = vec![1.0; populations.len()];
    Ok(Balance {
        scales: found.iter_mut().enumerate().map(|(index, groups)| scale(index, groups)).collect(),
        thresholds,
    })
}
