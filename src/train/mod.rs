//! Surrogate-gradient training of small feed-forward networks, aware of the chip's fixed point.
//!
//! Integrate-and-fire neurons without leak (`v += sum of weights; if v >= threshold { spike; v = 0 }`) are trained
//! by backpropagation through time with a smooth stand-in for the derivative of the spike (Neftci, Mostafa, Zenke
//! 2019). After a first phase in floats the forward pass uses weights rounded to the levels of the target chip,
//! with gradients passed straight through the rounding (Hubara et al. 2018); each neuron has its own scale, which
//! becomes its integer threshold. The result is therefore a network of integers in float form: no chip that holds
//! these levels rounds it again.

mod export;
mod layer;
mod optimise;

use std::ops::ControlFlow;

use crate::diag::{Problem, Problems, Result};
use crate::graph::Graph;
use crate::rng::Rng;
use crate::stimulus::{Encoding, ImageSet, Options, Sample, encode_image};

use layer::{Layer, Trace};
use optimise::Adam;

/// The weight levels of a chip, relative to a scale of each target neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// The lowest, such as -8.
    pub low: i32,
    /// The highest, such as 7.
    pub high: i32,
}

impl Levels {
    /// The sums of a subset of {1, 2, 4, -8}: what four axon types make of one-bit synapses (TrueNorth).
    pub const FOUR_AXON_TYPES: Self = Self { low: -8, high: 7 };
    /// Signed 8-bit mantissas with mixed signs, in steps of 2 (Loihi).
    pub const EIGHT_BITS: Self = Self { low: -128, high: 127 };
}

/// What to train and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Sizes of the hidden layers, from the input on; may be empty.
    pub hidden: Vec<u32>,
    /// Ticks that an image is shown, 1..=1024.
    pub ticks: u32,
    /// Image encoder.
    pub encoding: Encoding,
    /// Passes over the training set with float weights.
    pub epochs: u32,
    /// Passes with rounded weights, after those.
    pub quantised_epochs: u32,
    /// Levels to round to; `None`: stay in floats and have no second phase.
    pub levels: Option<Levels>,
    /// Seed of initial weights and of the order of images. The phases of the encoder keep their own seed, 0.
    pub seed: u64,
    /// Learning rate at the start of the float phase; falls to 0 along a cosine, and again in the second phase
    /// from a third of it.
    pub rate: f32,
    /// Images between updates.
    pub batch: usize,
    /// Each showing of an image changes each pixel by up to so much, at random: keeps the network from learning the
    /// training images by heart.
    pub jitter: u8,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            hidden: vec![64],
            ticks: 16,
            encoding: Encoding::Rate,
            epochs: 60,
            quantised_epochs: 60,
            levels: Some(Levels::FOUR_AXON_TYPES),
            seed: 1,
            rate: 4e-3,
            batch: 32,
            jitter: 4,
        }
    }
}

impl TrainOptions {
    /// How the images are to be encoded when the trained network is run.
    #[must_use]
    pub fn stimulus(&self) -> Options {
        Options { ticks: Some(self.ticks), encoding: Some(self.encoding), ..Options::default() }
    }

    fn epochs_in_all(&self) -> u32 {
        self.epochs + self.levels.map_or(0, |_| self.quantised_epochs)
    }
}

/// One pass over the training set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Finished passes, from 1.
    pub epoch: u32,
    /// Passes in all.
    pub epochs: u32,
    /// Whether the weights were rounded.
    pub quantised: bool,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of training images classified rightly during the pass, 0..=1.
    pub accuracy: f64,
}

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    /// In native form, ready for the compiler.
    pub network: Graph,
    /// Encoder with which it was trained.
    pub stimulus: Options,
    layers: Vec<Layer>,
}

impl Trained {
    /// Share of the images that the network classifies rightly, 0..=1, by [`decide`] on the spike counts.
    #[must_use]
    pub fn accuracy(&self, set: &ImageSet) -> f64 {
        let right = set.images.iter().zip(&set.labels).filter(|(image, label)| {
            let mut traces = traces(&self.layers, self.stimulus.ticks.unwrap_or(0));
            let counts = forward(&self.layers, &encode_image(image, set.max, &self.stimulus), &mut traces);
            decide(&counts) == Some(**label)
        });
        right.count() as f64 / set.images.len().max(1) as f64
    }
}

/// The class that the spike counts of the output neurons name: the highest, of equals the first; none without
/// outputs.
#[must_use]
pub fn decide(counts: &[u32]) -> Option<u32> {
    let best = counts.iter().max()?;
    counts.iter().position(|count| count == best).map(|class| class as u32)
}

/// Trains on `set`. `progress` is called after every pass and may end the training (the network is then what it is).
pub fn train(
    set: &ImageSet,
    options: &TrainOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained> {
    check(set, options)?;
    let mut rng = Rng::new(options.seed);
    let stimulus = options.stimulus();
    let mut layers = initial(set, options, &mut rng);
    let mut adam: Vec<Adam> = layers.iter().map(|layer| Adam::new(layer.latent().len())).collect();
    let mut order: Vec<usize> = (0..set.images.len()).collect();
    for epoch in 0..options.epochs_in_all() {
        let quantised = epoch >= options.epochs;
        if let (true, Some(levels)) = (quantised, options.levels) {
            // The scales settle in the first half of the phase and stay for the second.
            let settled = 2 * (epoch - options.epochs) > options.quantised_epochs;
            layers.iter_mut().for_each(|layer| layer.quantise(levels, !settled));
        }
        rng.shuffle(&mut order);
        let samples: Vec<Sample> =
            set.images.iter().map(|image| jittered(image, set.max, options, &stimulus, &mut rng)).collect();
        let rate = rate(options, epoch);
        let (loss, right) = pass(&mut layers, &mut adam, (&samples, &set.labels), &order, options, rate);
        let count = samples.len() as f64;
        let done = Progress {
            epoch: epoch + 1,
            epochs: options.epochs_in_all(),
            quantised,
            loss: loss / count,
            accuracy: right as f64 / count,
        };
        if progress(done).is_break() {
            break;
        }
    }
    let network = export::graph(&layers, set, options);
    Ok(Trained { network, stimulus, layers })
}

/// An image for training: as it will be shown, but for the jitter.
fn jittered(image: &[u8], max: u8, options: &TrainOptions, stimulus: &Options, rng: &mut Rng) -> Sample {
    let span = 2 * u64::from(options.jitter) + 1;
    let mut shake = |&pixel: &u8| {
        let shaken = i64::from(pixel) + rng.below(span) as i64 - i64::from(options.jitter);
        shaken.clamp(0, i64::from(max)) as u8
    };
    let image: Vec<u8> = image.iter().map(&mut shake).collect();
    encode_image(&image, max, stimulus)
}

fn check(set: &ImageSet, options: &TrainOptions) -> Result<()> {
    let mut found = Vec::new();
    let mut unless = |sound: bool, what: &str, limit: &str| {
        if !sound {
            found.push(Problem::invalid("train/options", "", what).limit(limit));
        }
    };
    let pixels: usize = set.shape.iter().map(|&extent| extent as usize).product();
    unless(!set.images.is_empty(), "no images to train on", "at least 1");
    unless(set.images.iter().all(|image| image.len() == pixels), "images of different sizes", "one size");
    unless(set.images.len() == set.labels.len(), "labels missing", "one an image");
    unless(set.classes > 0 && set.labels.iter().all(|&label| label < set.classes), "classes", "labels below classes");
    unless(options.hidden.iter().all(|size| (1..=4096).contains(size)), "size of a hidden layer", "1..=4096");
    unless(options.hidden.len() <= 8, "too many hidden layers", "0..=8");
    unless((1..=1024).contains(&options.ticks), "ticks", "1..=1024");
    unless(options.batch > 0, "batch", "at least 1");
    unless(options.rate.is_finite() && options.rate > 0.0, "learning rate", "a positive number");
    unless(options.levels.is_none_or(|l| l.low < 0 && l.high > 0), "levels", "low < 0 < high");
    Problems::check(found, ())
}

fn initial(set: &ImageSet, options: &TrainOptions, rng: &mut Rng) -> Vec<Layer> {
    let pixels = set.shape.iter().product();
    let sizes: Vec<u32> = [pixels].into_iter().chain(options.hidden.iter().copied()).chain([set.classes]).collect();
    sizes.windows(2).map(|pair| Layer::new(pair[0] as usize, pair[1] as usize, rng)).collect()
}

/// Learning rate of an epoch: half a cosine in each phase.
fn rate(options: &TrainOptions, epoch: u32) -> f32 {
    let (start, at, length) = if epoch < options.epochs {
        (options.rate, epoch, options.epochs)
    } else {
        (options.rate / 3.0, epoch - options.epochs, options.quantised_epochs)
    };
    start * 0.5 * (1.0 + (std::f32::consts::PI * at as f32 / length as f32).cos())
}

/// One pass over the set in the given order; the sum of the losses and the number of right answers.
fn pass(
    layers: &mut [Layer],
    adam: &mut [Adam],
    (samples, labels): (&[Sample], &[u32]),
    order: &[usize],
    options: &TrainOptions,
    rate: f32,
) -> (f64, usize) {
    let (mut loss, mut right) = (0.0, 0);
    let mut traces = traces(layers, options.ticks);
    let mut gradients: Vec<Vec<f32>> = layers.iter().map(|layer| vec![0.0; layer.latent().len()]).collect();
    for batch in order.chunks(options.batch) {
        for &index in batch {
            let counts = forward(layers, &samples[index], &mut traces);
            right += usize::from(decide(&counts) == Some(labels[index]));
            let (of_counts, nats) = cross_entropy(&counts, labels[index]);
            loss += nats;
            backward(layers, &samples[index], &traces, &of_counts, &mut gradients);
        }
        for ((layer, adam), gradient) in layers.iter_mut().zip(&mut *adam).zip(&mut gradients) {
            gradient.iter_mut().for_each(|value| *value /= batch.len() as f32);
            layer.update(|latent| adam.step(latent, gradient, rate));
            gradient.fill(0.0);
        }
    }
    (loss, right)
}

fn traces(layers: &[Layer], ticks: u32) -> Vec<Trace> {
    layers.iter().map(|layer| Trace::new(layer.targets(), ticks as usize)).collect()
}

/// Runs a sample; the spike counts of the last layer. A layer sees the spikes of the one before in the same tick:
/// on a chip everything is one tick later a layer, which without leak and bias changes no count.
fn forward(layers: &[Layer], sample: &Sample, traces: &mut [Trace]) -> Vec<u32> {
    traces.iter_mut().for_each(Trace::clear);
    let mut spikes = sample.spikes.iter().peekable();
    for tick in 0..sample.ticks as usize {
        while let Some(spike) = spikes.next_if(|spike| spike.tick as usize == tick) {
            layers[0].receive(spike.input as usize, &mut traces[0], tick);
        }
        for index in 0..layers.len() {
            let (before, after) = traces.split_at_mut(index + 1);
            layers[index].fire(&mut before[index], tick);
            if let Some(next) = after.first_mut() {
                before[index].fired(tick).for_each(|source| layers[index + 1].receive(source, next, tick));
            }
        }
    }
    traces.last().map(Trace::counts).unwrap_or_default()
}

/// Margin by which the right output shall lead, in spikes: ties are settled by index, so none shall come near.
const MARGIN: f32 = 2.0;
/// Softmax temperature: nats of one spike.
const PER_SPIKE: f32 = 0.7;

/// Derivative by each count, and the loss in nats.
fn cross_entropy(counts: &[u32], label: u32) -> (Vec<f32>, f64) {
    let margin = |class: usize| if class == label as usize { MARGIN } else { 0.0 };
    let logits: Vec<f32> = counts.iter().enumerate().map(|(c, &n)| (n as f32 - margin(c)) * PER_SPIKE).collect();
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let shares: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f32 = shares.iter().sum();
    let loss = f64::from(sum.ln() + top - logits[label as usize]);
    let of = |(class, share): (usize, &f32)| (share / sum - f32::from(class == label as usize)) * PER_SPIKE;
    (shares.iter().enumerate().map(of).collect(), loss)
}

/// Adds the gradients of one sample's loss.
fn backward(layers: &[Layer], sample: &Sample, traces: &[Trace], of_counts: &[f32], gradients: &mut [Vec<f32>]) {
    // A count is the sum of the spikes: each tick's spike has the derivative of the count.
    let ticks = sample.ticks as usize;
    let mut of_spikes: Vec<f32> = of_counts.repeat(ticks);
    for index in (0..layers.len()).rev() {
        let of_membranes = layers[index].through_time(&traces[index], &of_spikes);
        if index == 0 {
            for spike in &sample.spikes {
                layers[0].collect(spike.input as usize, spike.tick as usize, &of_membranes, &mut gradients[0]);
            }
        } else {
            for tick in 0..ticks {
                for source in traces[index - 1].fired(tick) {
                    layers[index].collect(source, tick, &of_membranes, &mut gradients[index]);
                }
            }
            of_spikes = layers[index].to_sources(&of_membranes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Network;
    use crate::stimulus::digits;

    fn quick() -> TrainOptions {
        TrainOptions { hidden: vec![24], epochs: 3, quantised_epochs: 3, ..TrainOptions::default() }
    }

    fn silent(_: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn learns_within_the_levels_and_the_same_way_every_time() {
        let digits = digits();
        let mut last = None;
        let mut keep = |progress| {
            last = Some(progress);
            ControlFlow::Continue(())
        };
        let trained = train(&digits.train, &quick(), &mut keep).expect("trains");
        assert!(last.is_some_and(|p| p.epoch == 6 && p.epochs == 6 && p.quantised && p.accuracy > 0.85), "{last:?}");
        assert!(trained.accuracy(&digits.test) > 0.85);
        for projection in &trained.network.projections {
            assert!(projection.weights.iter().all(|w| w.fract() == 0.0 && (-8.0..=7.0).contains(w)));
        }
        for neuron in trained.network.populations.iter().filter_map(|population| population.neuron.as_ref()) {
            assert!(neuron.v_threshold.iter().all(|v| v.fract() == 0.0 && *v >= 1.0));
        }
        crate::graph::check(&Network::Float(trained.network.clone())).expect("a sound network");
        let again = train(&digits.train, &quick(), &mut silent).expect("trains");
        assert_eq!(trained.network, again.network);
        let other = train(&digits.train, &TrainOptions { seed: 2, ..quick() }, &mut silent).expect("trains");
        assert_ne!(trained.network, other.network);
    }

    #[test]
    fn stops_when_told() {
        let mut passes = 0;
        let mut stop = |_| {
            passes += 1;
            ControlFlow::Break(())
        };
        train(&digits().train, &quick(), &mut stop).expect("stops");
        assert_eq!(passes, 1);
    }

    #[test]
    fn tells_all_that_is_wrong_with_the_options() {
        let wrong = TrainOptions { ticks: 0, batch: 0, rate: f32::NAN, hidden: vec![0], ..quick() };
        let problems = train(&ImageSet::default(), &wrong, &mut silent).expect_err("faulty");
        assert_eq!(problems.all().len(), 5 + 1, "{problems}");
    }

    #[test]
    fn the_first_of_equals_is_chosen() {
        assert_eq!(decide(&[1, 4, 4, 0]), Some(1));
        assert_eq!(decide(&[]), None);
    }

    #[test]
    fn the_loss_falls_with_the_lead_and_its_gradient_points_there() {
        let (gradient, near) = cross_entropy(&[3, 3], 0);
        let (_, far) = cross_entropy(&[6, 3], 0);
        assert!(far < near && gradient[0] < 0.0 && gradient[1] > 0.0);
    }
}
