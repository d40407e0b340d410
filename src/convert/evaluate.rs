//! The trained network and the spiking one on the same images: accuracy over the length of the simulation, spikes, and
//! where the two part.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::latency::first_spikes;
use super::simulate::{Net, State, simulate};
use super::units::{Units, largest};
use super::{Balance, Coding, SpikeReset};
use crate::diag::Result;
use crate::graph::Graph;
use crate::stimulus::{self, Encoding, ImageSet, encode_image};

/// What is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How values become spikes.
    pub coding: Coding,
    /// What a spike does to the membrane.
    pub reset: SpikeReset,
    /// Lengths at which the read-out is looked at, ascending, at least 1.
    pub ticks: Vec<u32>,
    /// Seed of the input's phases.
    pub seed: u64,
    /// Worker threads; results do not depend on it.
    pub threads: usize,
    /// Images whose errors are taken apart, from the first on.
    pub examined: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Images shown; fewer than given where it was stopped.
    pub images: u64,
    /// Images that the trained network reads as labelled; `None` without labels.
    pub ann_right: Option<u64>,
    /// One a length.
    pub points: Vec<Point>,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// The spiking network after some ticks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// Ticks of input (of a window, where values are times).
    pub ticks: u32,
    /// Images read as labelled; `None` without labels.
    pub right: Option<u64>,
    /// Images read as the trained network reads them.
    pub agreed: u64,
    /// Spikes of all images by population.
    pub spikes: Vec<u64>,
    /// Synaptic operations of all images.
    pub synaptic: u64,
    /// Errors of every spiking population: its number and what they are.
    pub errors: Vec<(usize, LayerErrors)>,
}

/// Means over units and images of how far rates (or times) are from values, both over the scale of the unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LayerErrors {
    /// |rate - value|.
    pub total: f64,
    /// Values above the scale, which no rate reaches.
    pub clipping: f64,
    /// What came in, over all ticks, against the value: errors of the layers before, and of the input's coding.
    pub inherited: f64,
    /// What is left in membranes (or rounded in times) at the end: less than a spike.
    pub residual: f64,
    /// Spikes more or fewer than the sum of what came in is worth: it came unevenly, and a spike cannot be taken back.
    pub uneven: f64,
    /// What resets to 0 threw away.
    pub lost: f64,
}

impl LayerErrors {
    fn add(&mut self, other: &Self, weight: f64) {
        self.total += other.total * weight;
        self.clipping += other.clipping * weight;
        self.inherited += other.inherited * weight;
        self.residual += other.residual * weight;
        self.uneven += other.uneven * weight;
        self.lost += other.lost * weight;
    }
}

/// What one image gives.
struct Seen {
    ann: u32,
    read: Vec<u32>,
    spikes: Vec<Vec<u64>>,
    synaptic: Vec<u64>,
    errors: ImageErrors,
}

/// Shows `images` to both networks. `done` is told how many are through and says whether to go on.
///
/// # Errors
/// `convert/calibration` for images that the network does not take.
pub fn evaluate(
    units: &Units,
    graph: &Graph,
    balance: &Balance,
    images: &ImageSet,
    plan: &Plan,
    done: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Evaluation> {
    units.check_images(images, "test set")?;
    let net = Net::new(units, graph, plan.reset);
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let total = Mutex::new(Total::new(units, plan, images));
    std::thread::scope(|scope| {
        let work = || {
            while !stopped.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(image) = images.images.get(number) else { break };
                let seen = show(&net, balance, image, images.max, plan, number < plan.examined);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.add(number, seen, images.labels.get(number).copied());
                if !done(total.found.images as usize) {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        };
        for _ in 1..plan.threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    let mut found = total.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    found.interrupted = stopped.into_inner() && found.images < images.images.len() as u64;
    Ok(found)
}

/// The errors of an image by time and layer.
type ImageErrors = Vec<Vec<(usize, LayerErrors)>>;

/// The sum of what images gave. Counts are whole numbers; errors are kept by image, so that their order is not the threads'.
struct Total {
    found: Evaluation,
    errors: Vec<Option<ImageErrors>>,
}

impl Total {
    fn new(units: &Units, plan: &Plan, images: &ImageSet) -> Self {
        let labelled = (images.labels.len() >= images.images.len()).then_some(0);
        let point = |&ticks: &u32| Point {
            ticks,
            right: labelled,
            spikes: vec![0; units.graph.populations.len()],
            ..Point::default()
        };
        let points = plan.ticks.iter().map(point).collect();
        let found = Evaluation { ann_right: labelled, points, ..Evaluation::default() };
        Self { found, errors: vec![None; plan.examined.min(images.images.len())] }
    }

    fn add(&mut self, number: usize, seen: Seen, label: Option<u32>) {
        self.found.images += 1;
        if let Some(right) = &mut self.found.ann_right {
            *right += u64::from(label == Some(seen.ann));
        }
        for (at, point) in self.found.points.iter_mut().enumerate() {
            point.agreed += u64::from(seen.read[at] == seen.ann);
            if let Some(right) = &mut point.right {
                *right += u64::from(label == Some(seen.read[at]));
            }
            point.spikes.iter_mut().zip(&seen.spikes[at]).for_each(|(sum, more)| *sum += more);
            point.synaptic += seen.synaptic[at];
        }
        if let Some(place) = self.errors.get_mut(number) {
            *place = Some(seen.errors);
        }
    }

    fn finish(mut self) -> Evaluation {
        let all: Vec<_> = self.errors.into_iter().flatten().collect();
        for (at, point) in self.found.points.iter_mut().enumerate() {
            for (number, image) in all.iter().enumerate() {
                if number == 0 {
                    point.errors = image[at].iter().map(|(index, _)| (*index, LayerErrors::default())).collect();
                }
                let weight = 1.0 / all.len() as f64;
                point.errors.iter_mut().zip(&image[at]).for_each(|(sum, more)| sum.1.add(&more.1, weight));
            }
        }
        self.found
    }
}

/// Shows one image to both networks.
fn show(net: &Net<'_>, balance: &Balance, image: &[u8], max: u8, plan: &Plan, examined: bool) -> Seen {
    let units = net.units;
    let values = units.values(image, max);
    let output = units.output();
    let count = plan.ticks.len();
    let mut seen = Seen {
        ann: largest(&units.orders[output].back(&values[output])),
        read: vec![0; count],
        spikes: vec![vec![0; net.layers.len()]; count],
        synaptic: vec![0; count],
        errors: vec![Vec::new(); count],
    };
    let mut note = |state: &State<'_>| {
        let (index, at) = (state.population, state.checkpoint);
        seen.spikes[at][index] = state.spikes;
        seen.synaptic[at] += state.synaptic;
        let spiking = !net.layers[index].threshold.is_empty();
        if index == output {
            seen.read[at] = read(state, spiking, plan.coding, net, index);
        }
        if examined && spiking {
            let errors = errors(net, state, &values[index], balance, plan.coding);
            seen.errors[at].push((index, errors));
        }
    };
    let encode = |encoding: Encoding, ticks: u32| {
        let options =
            stimulus::Options { ticks: Some(ticks), encoding: Some(encoding), seed: plan.seed, ..Default::default() };
        encode_image(image, max, &options)
    };
    match plan.coding {
        Coding::Rate => {
            let sample = encode(Encoding::Rate, plan.ticks.last().copied().unwrap_or(0));
            simulate(net, &sample.spikes, &plan.ticks, note);
        }
        Coding::FirstSpike => {
            for (at, &ticks) in plan.ticks.iter().enumerate() {
                first_spikes(net, &encode(Encoding::Latency, ticks).spikes, ticks, at, &mut note);
            }
        }
    }
    seen
}

/// The class: the fullest membrane, or of spiking outputs the most spikes (the earliest), ties by membrane.
fn read(state: &State<'_>, spiking: bool, coding: Coding, net: &Net<'_>, index: usize) -> u32 {
    let order = &net.units.orders[index];
    let membranes = order.back(state.membrane);
    if !spiking || coding == Coding::FirstSpike {
        return largest(&membranes);
    }
    let (counts, thresholds) = (order.back(state.counts), order.back(&net.layers[index].threshold));
    let worth = |at: usize| counts[at] as f32 + (membranes[at] / thresholds[at]).clamp(-0.499, 0.499);
    largest(&(0..counts.len()).map(worth).collect::<Vec<f32>>())
}

/// The errors of one population in one image.
fn errors(net: &Net<'_>, state: &State<'_>, values: &[f32], balance: &Balance, coding: Coding) -> LayerErrors {
    let index = state.population;
    let layer = &net.layers[index];
    let ticks = f64::from(state.ticks.max(1));
    let factor = balance.thresholds[index];
    let mut sum = LayerErrors::default();
    for (at, &value) in values.iter().enumerate() {
        let threshold = f64::from(layer.threshold[at]);
        let value = f64::from(value) / (threshold / factor);
        let wanted = value.clamp(0.0, 1.0);
        let (rate, charge, worth, lost) = if coding == Coding::Rate {
            let (count, lost) = (f64::from(state.counts[at]), f64::from(state.lost[at]));
            let kept = f64::from(state.membrane[at]) + count * threshold;
            let charge = (kept + lost - f64::from(layer.initial[at])) / (threshold * ticks);
            // A spike more or less at the very end is a matter of rounding, not of unevenness.
            let worth = (kept / threshold).floor().clamp(0.0, ticks);
            (count / ticks, charge.clamp(0.0, 1.0), worth / ticks, lost / (threshold * ticks))
        } else {
            let steps = (ticks - 1.0).max(1.0);
            let charge = (f64::from(state.membrane[at]) / threshold).clamp(0.0, 1.0);
            let rate = (charge * steps).round() / steps;
            (rate, charge, rate, 0.0)
        };
        let one = LayerErrors {
            total: (rate - value.max(0.0)).abs(),
            clipping: (value - 1.0).max(0.0),
            inherited: (charge - wanted).abs(),
            residual: (worth - charge).abs()
                - if coding == Coding::Rate { lost.min((worth - charge).abs()) } else { 0.0 },
            uneven: (rate - worth).abs(),
            lost,
        };
        sum.add(&one, 1.0 / values.len() as f64);
    }
    sum
}

/// Squared distance of the spiking read-out from the trained one at the last checkpoint, for tuning.
pub(super) fn read_out_error(units: &Units, graph: &Graph, images: &ImageSet, reset: SpikeReset, ticks: u32) -> f64 {
    let net = Net::new(units, graph, reset);
    let output = units.output();
    let scale = net.layers[output].threshold.first().copied().unwrap_or(1.0);
    let mut sum = 0.0;
    for image in &images.images {
        let values = units.values(image, images.max);
        let options = stimulus::Options { ticks: Some(ticks), encoding: Some(Encoding::Rate), ..Default::default() };
        let sample = encode_image(image, images.max, &options);
        simulate(&net, &sample.spikes, &[ticks], |state| {
            if state.population == output {
                let spiking = !net.layers[output].threshold.is_empty();
                for (at, value) in values[output].iter().enumerate() {
                    let gathered = if spiking { state.counts[at] as f32 * scale } else { state.membrane[at] };
                    sum += f64::from(gathered / ticks as f32 - value).powi(2);
                }
            }
        });
    }
    sum
}
