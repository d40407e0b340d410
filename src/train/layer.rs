//! A dense layer of integrate-and-fire neurons: forward with float or rounded weights, backward through time.

use super::Levels;
use crate::rng::Rng;

/// Weights are stored by source, so that a spike adds one contiguous row.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    sources: usize,
    targets: usize,
    /// What is trained, in units of the threshold.
    latent: Vec<f32>,
    /// What a spike adds: `latent`, or whole numbers where the layer is quantised.
    weights: Vec<f32>,
    /// What is compared with: 1, or a whole number, the reciprocal of the step between levels.
    thresholds: Vec<f32>,
    levels: Option<Levels>,
}

/// What a layer did in a sample; index `tick * targets + neuron`.
pub(super) struct Trace {
    targets: usize,
    /// Membrane before comparison.
    membranes: Vec<f32>,
    spikes: Vec<bool>,
}

impl Trace {
    pub(super) fn new(targets: usize, ticks: usize) -> Self {
        Self { targets, membranes: vec![0.0; targets * ticks], spikes: vec![false; targets * ticks] }
    }

    pub(super) fn clear(&mut self) {
        self.membranes.fill(0.0);
        self.spikes.fill(false);
    }

    /// The neurons that fired in a tick.
    pub(super) fn fired(&self, tick: usize) -> impl Iterator<Item = usize> {
        let row = &self.spikes[tick * self.targets..(tick + 1) * self.targets];
        row.iter().enumerate().filter(|(_, spike)| **spike).map(|(neuron, _)| neuron)
    }

    /// Spikes of each neuron.
    pub(super) fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.targets];
        for row in self.spikes.chunks_exact(self.targets) {
            counts.iter_mut().zip(row).for_each(|(count, &spike)| *count += u32::from(spike));
        }
        counts
    }
}

/// Width of the stand-in derivative: `1 / (1 + STEEP * |v / threshold - 1|)^2` (fast sigmoid).
const STEEP: f32 = 3.0;

impl Layer {
    /// Normal weights of which a third of the sources firing drives a neuron to threshold in a few ticks.
    pub(super) fn new(sources: usize, targets: usize, rng: &mut Rng) -> Self {
        let deviation = 1.2 / (sources as f64).sqrt();
        let latent: Vec<f32> =
            (0..sources * targets).map(|_| (rng.normal() * deviation + 0.1 * deviation) as f32).collect();
        let weights = latent.clone();
        Self { sources, targets, latent, weights, thresholds: vec![1.0; targets], levels: None }
    }

    pub(super) fn sources(&self) -> usize {
        self.sources
    }

    pub(super) fn targets(&self) -> usize {
        self.targets
    }

    pub(super) fn latent(&self) -> &[f32] {
        &self.latent
    }

    /// What a spike of `source` adds to `target`.
    pub(super) fn weight(&self, source: usize, target: usize) -> f32 {
        // Plus zero: files are to hold no negative zeros.
        self.weights[source * self.targets + target] + 0.0
    }

    pub(super) fn thresholds(&self) -> &[f32] {
        &self.thresholds
    }

    /// From now on forward passes use whole-number weights within `levels`. With `rescale` each neuron's step is
    /// chosen anew.
    pub(super) fn quantise(&mut self, levels: Levels, rescale: bool) {
        if rescale || self.levels.is_none() {
            for target in 0..self.targets {
                let column: Vec<f32> = self.latent.iter().skip(target).step_by(self.targets).copied().collect();
                self.thresholds[target] = scale(&column, levels);
            }
        }
        self.levels = Some(levels);
        self.round();
    }

    /// Lets `change` alter what is trained and follows with what is used.
    pub(super) fn update(&mut self, change: impl FnOnce(&mut [f32])) {
        change(&mut self.latent);
        self.round();
    }

    fn round(&mut self) {
        let Some(Levels { low, high }) = self.levels else {
            self.weights.copy_from_slice(&self.latent);
            return;
        };
        let (low, high) = (low as f32, high as f32);
        let rows = self.latent.chunks_exact_mut(self.targets).zip(self.weights.chunks_exact_mut(self.targets));
        for (latent, weights) in rows {
            for ((latent, weight), threshold) in latent.iter_mut().zip(weights).zip(&self.thresholds) {
                // Half a step of slack beyond the ends, so that a weight at the end can still come back.
                *latent = latent.clamp((low - 0.5) / threshold, (high + 0.5) / threshold);
                *weight = (*latent * threshold).round_ties_even().clamp(low, high);
            }
        }
    }

    /// Adds the weights of a spike of `source` to this tick's membranes.
    pub(super) fn receive(&self, source: usize, trace: &mut Trace, tick: usize) {
        let weights = &self.weights[source * self.targets..(source + 1) * self.targets];
        let membranes = &mut trace.membranes[tick * self.targets..(tick + 1) * self.targets];
        membranes.iter_mut().zip(weights).for_each(|(membrane, weight)| *membrane += weight);
    }

    /// Compares with the thresholds, after all input of the tick; what does not fire carries its membrane over.
    pub(super) fn fire(&self, trace: &mut Trace, tick: usize) {
        let row = tick * self.targets;
        for neuron in 0..self.targets {
            let carried = if tick == 0 || trace.spikes[row - self.targets + neuron] {
                0.0
            } else {
                trace.membranes[row - self.targets + neuron]
            };
            trace.membranes[row + neuron] += carried;
            trace.spikes[row + neuron] = trace.membranes[row + neuron] >= self.thresholds[neuron];
        }
    }

    /// Derivatives by the membranes (in units of the threshold) from those by the spikes. The reset is taken as
    /// given: its own derivative is left out.
    pub(super) fn through_time(&self, trace: &Trace, of_spikes: &[f32]) -> Vec<f32> {
        let mut of_membranes = vec![0.0; of_spikes.len()];
        let mut later = vec![0.0_f32; self.targets];
        for row in (0..of_spikes.len() / self.targets).rev().map(|tick| tick * self.targets) {
            for (neuron, later) in later.iter_mut().enumerate() {
                let at = row + neuron;
                let distance = (trace.membranes[at] / self.thresholds[neuron] - 1.0).abs();
                let slope = (1.0 + STEEP * distance).powi(-2);
                let kept = if trace.spikes[at] { 0.0 } else { *later };
                *later = of_spikes[at] * slope + kept;
                of_membranes[at] = *later;
            }
        }
        of_membranes
    }

    /// Adds what a spike of `source` in `tick` contributes to the gradient of the weights.
    pub(super) fn collect(&self, source: usize, tick: usize, of_membranes: &[f32], gradient: &mut [f32]) {
        let row = &of_membranes[tick * self.targets..(tick + 1) * self.targets];
        let gradient = &mut gradient[source * self.targets..(source + 1) * self.targets];
        gradient.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }

    /// Derivatives by the spikes of the sources.
    pub(super) fn to_sources(&self, of_membranes: &[f32]) -> Vec<f32> {
        let mut of_spikes = Vec::with_capacity(of_membranes.len() / self.targets * self.sources);
        let mut scaled = vec![0.0; self.targets];
        for row in of_membranes.chunks_exact(self.targets) {
            scaled.iter_mut().zip(row).zip(&self.thresholds).for_each(|((s, value), th)| *s = value / th);
            for weights in self.weights.chunks_exact(self.targets) {
                of_spikes.push(weights.iter().zip(&scaled).map(|(weight, value)| weight * value).sum());
            }
        }
        of_spikes
    }
}

/// The whole number m for which the levels / m fit the weights with the least squared error.
fn scale(weights: &[f32], levels: Levels) -> f32 {
    let (low, high) = (levels.low as f32, levels.high as f32);
    let reach = weights.iter().map(|&w| if w < 0.0 { w / low } else { w / high }).fold(1e-3, f32::max);
    // From all weights within the levels to a third of the range cut off.
    let (first, last) = ((1.0 / reach).floor().max(1.0) as u32, (1.5 / reach).ceil() as u32);
    let error = |m: u32| -> f32 {
        let cost = |&w: &f32| (w - (w * m as f32).round_ties_even().clamp(low, high) / m as f32).powi(2);
        weights.iter().map(cost).sum()
    };
    let best = (first..=last.max(first)).min_by(|&a, &b| error(a).total_cmp(&error(b)));
    best.unwrap_or(first) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_finds_a_grid_that_is_there() {
        let weights: Vec<f32> = [-8.0, 7.0, 3.0, -1.0, 2.0].iter().map(|q| q / 37.0).collect();
        assert!((scale(&weights, Levels::FOUR_AXON_TYPES) - 37.0).abs() < 1e-6);
    }

    #[test]
    fn a_neuron_sums_fires_at_threshold_and_starts_again_from_zero() {
        let mut layer = Layer::new(1, 1, &mut Rng::new(1));
        layer.update(|latent| latent[0] = 0.5);
        let mut trace = Trace::new(1, 5);
        for tick in 0..5 {
            layer.receive(0, &mut trace, tick);
            layer.fire(&mut trace, tick);
        }
        assert_eq!(trace.spikes, [false, true, false, true, false]);
        assert_eq!(trace.counts(), [2]);
    }
}
