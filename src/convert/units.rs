//! The network that was trained: rectified linear units in layers, evaluated in single precision as the frameworks do.

use super::scatter::{Order, Scatter};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Ann, Dynamics, Graph, NeuronKind, Population};
use crate::stimulus::ImageSet;

/// A checked network of units, laid out for evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// The network: `if` populations are rectified units, `i` populations linear ones.
    pub graph: Graph,
    /// Multiply-accumulates of one evaluation.
    pub macs: u64,
    pub(super) layers: Vec<Layer>,
    pub(super) orders: Vec<Order>,
    /// Populations with sources before targets.
    pub(super) sequence: Vec<usize>,
}

/// A population: what comes in and what is added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) inbound: Vec<Scatter>,
    /// One a neuron, in the order of its population.
    pub(super) bias: Vec<f32>,
    pub(super) rectified: bool,
}

impl Units {
    /// Checks a network of units and lays it out.
    ///
    /// # Errors
    /// `convert/network`: several inputs, loops, neurons that are no units, delays.
    pub fn new(ann: Ann) -> Result<Self> {
        let Ann { mut graph, macs, .. } = ann;
        let mut found = Vec::new();
        for population in &mut graph.populations {
            found.extend(unit(population));
        }
        let inputs = graph.populations.iter().filter(|population| population.is_input()).count();
        if inputs != 1 {
            let what = format!("has {inputs} inputs");
            found.push(Problem::invalid("convert/network", graph.name.as_str(), what).limit("one input, for images"));
        }
        Problems::check(found, ())?;
        gains_into_weights(&mut graph);
        let sequence = sequence(&graph)?;
        let orders: Vec<Order> = graph.populations.iter().map(|population| Order::of(&population.shape)).collect();
        let layer = |(index, population): (usize, &Population<crate::graph::FloatNeuron>)| {
            let inbound = graph.projections.iter().filter(|projection| projection.target.index() == index);
            let bias = population.neuron.as_ref().map_or(&[][..], |neuron| &neuron.bias);
            let bias: Vec<f32> = bias.iter().map(|&value| value as f32).collect();
            Layer {
                inbound: inbound.map(|projection| Scatter::new(&graph, projection, &orders)).collect(),
                bias: if bias.is_empty() { vec![0.0; population.size()] } else { orders[index].turn(&bias) },
                rectified: population.neuron.as_ref().is_some_and(|neuron| neuron.kind == NeuronKind::If),
            }
        };
        let layers = graph.populations.iter().enumerate().map(layer).collect();
        Ok(Self { graph, macs, layers, orders, sequence })
    }

    /// The extents of an image: channels, height, width; a row of values has one row and one channel.
    #[must_use]
    pub fn image_shape(&self) -> [u32; 3] {
        let input = self.graph.populations.iter().find(|population| population.is_input());
        match input.map_or(&[][..], |input| &input.shape) {
            &[channels, height, width] => [channels, height, width],
            shape => [1, 1, shape.iter().product()],
        }
    }

    /// Values of every population for an image of pixels `0..=max`, which stand for 0..=1; in the order of the graph.
    #[must_use]
    pub fn forward(&self, image: &[u8], max: u8) -> Vec<Vec<f32>> {
        let values = self.values(image, max);
        values.iter().zip(&self.orders).map(|(values, order)| order.back(values)).collect()
    }

    /// The same in the order in here.
    pub(super) fn values(&self, image: &[u8], max: u8) -> Vec<Vec<f32>> {
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); self.layers.len()];
        for &index in &self.sequence {
            if self.graph.populations[index].is_input() {
                let pixels: Vec<f32> = image.iter().map(|&pixel| f32::from(pixel) / f32::from(max.max(1))).collect();
                values[index] = self.orders[index].turn(&pixels);
                continue;
            }
            let layer = &self.layers[index];
            let mut sums = layer.bias.clone();
            for scatter in &layer.inbound {
                for (source, &value) in values[scatter.source].iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    scatter.value(source, value, &mut sums);
                }
            }
            if layer.rectified {
                sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
            }
            values[index] = sums;
        }
        values
    }

    /// The population that is read.
    #[must_use]
    pub fn output(&self) -> usize {
        self.graph.outputs[0].population.index()
    }

    /// Refuses images that are not what the network takes.
    ///
    /// # Errors
    /// `convert/calibration`.
    pub fn check_images(&self, set: &ImageSet, what: &str) -> Result<()> {
        let size = self.image_shape().iter().product::<u32>() as usize;
        if set.images.is_empty() {
            return Err(Problem::invalid("convert/calibration", what, "holds no image").into());
        }
        if let Some(at) = set.images.iter().position(|image| image.len() != size) {
            let what = format!("{what} image {at}");
            return Err(Problem::invalid("convert/calibration", what, format!("has {} pixels", set.images[at].len()))
                .limit(format!("{size} pixels, which the network takes"))
                .into());
        }
        let bright = set.images.iter().position(|image| image.iter().any(|&pixel| pixel > set.max));
        if let Some(at) = bright {
            return Err(Problem::invalid("convert/calibration", format!("{what} image {at}"), "has a brighter pixel")
                .limit(format!("pixels 0..={}, where {} is 1.0", set.max, set.max))
                .help("give the value that was 1.0 in training: --white N")
                .into());
        }
        let classes = self.graph.populations[self.output()].size();
        if let Some(at) = set.labels.iter().position(|&label| label as usize >= classes) {
            let what = format!("{what} label {at}");
            return Err(Problem::invalid("convert/calibration", what, format!("is {}", set.labels[at]))
                .limit(format!("{classes} classes of the network: 0..={}", classes - 1))
                .into());
        }
        Ok(())
    }
}

/// The class of the largest value; the first of equal ones.
#[must_use]
pub fn largest(values: &[f32]) -> u32 {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best as u32
}

/// Why a population is of no units.
fn unit(population: &Population<crate::graph::FloatNeuron>) -> Option<Problem> {
    let neuron = population.neuron.as_ref()?;
    if matches!(neuron.kind, NeuronKind::If | NeuronKind::I) {
        return None;
    }
    let what = format!("neurons of kind {:?} are no rectified units", neuron.kind);
    let problem = Problem::invalid("convert/network", format!("population '{}'", population.name), what);
    Some(problem.limit("IF (read as ReLU) and I (read as linear)").help("it spikes already: compile it as it is"))
}

/// `r` goes into weights and biases; thresholds are what 1.0 of an `if` is, so weights are divided by them.
fn gains_into_weights(graph: &mut Graph) {
    let at = |values: &[f64], index: usize, absent: f64| match values {
        [] => absent,
        [one] => *one,
        each => each[index],
    };
    // An input that is added after the decay is not scaled by dt.
    let dt = if graph.profile.dynamics == Dynamics::DecayThenAdd { 1.0 } else { graph.profile.dt };
    let gains: Vec<Vec<f64>> = graph
        .populations
        .iter()
        .map(|population| match &population.neuron {
            None => Vec::new(),
            Some(neuron) => {
                let scale =
                    |n: usize| if neuron.kind == NeuronKind::If { at(&neuron.v_threshold, n, 1.0) } else { 1.0 };
                (0..population.size()).map(|n| dt * at(&neuron.r, n, 1.0) / scale(n)).collect()
            }
        })
        .collect();
    for projection in &mut graph.projections {
        let gain = &gains[projection.target.index()];
        if gain.iter().all(|&factor| factor == 1.0) {
            continue;
        }
        spread_gain(projection, gain);
    }
    for (population, gain) in graph.populations.iter_mut().zip(&gains) {
        if let Some(neuron) = &mut population.neuron {
            if !neuron.bias.is_empty() {
                neuron.bias = gain.iter().enumerate().map(|(n, gain)| gain * at(&neuron.bias, n, 0.0)).collect();
            }
            (neuron.r, neuron.recurrent_bias) = (vec![1.0], Vec::new());
            neuron.v_threshold = if neuron.kind == NeuronKind::If { vec![1.0] } else { Vec::new() };
        }
    }
    (graph.profile.dt, graph.profile.dynamics) = (1.0, Dynamics::Euler);
}

/// Multiplies the weights by a gain for each target; patterns that share weights between gains are written out.
fn spread_gain(projection: &mut crate::graph::Projection<f64>, gain: &[f64]) {
    use crate::graph::Pattern;
    if gain.windows(2).all(|pair| pair[0] == pair[1]) {
        let factor = gain.first().copied().unwrap_or(1.0);
        projection.weights.iter_mut().for_each(|weight| *weight *= factor);
        return;
    }
    let (sources, _) = projection.pattern.shape();
    let (mut offsets, mut targets, mut weights) = (vec![0], Vec::new(), Vec::new());
    for source in 0..sources as u32 {
        projection.pattern.visit(source, |target, weight| {
            targets.push(target);
            weights.push(projection.weights[weight as usize] * gain[target as usize]);
        });
        offsets.push(targets.len() as u32);
    }
    projection.pattern = Pattern::Sparse { offsets, targets, weight_index: Vec::new() };
    projection.weights = weights;
}

/// Populations with sources before targets.
fn sequence(graph: &Graph) -> Result<Vec<usize>> {
    let mut done = vec![false; graph.populations.len()];
    let mut order = Vec::new();
    while order.len() < done.len() {
        let ready = |index: &usize| {
            let mut inbound = graph.projections.iter().filter(|p| p.target.index() == *index);
            !done[*index] && inbound.all(|p| done[p.source.index()])
        };
        let now: Vec<usize> = (0..done.len()).filter(ready).collect();
        if now.is_empty() {
            let stuck = (0..done.len()).find(|&index| !done[index]).unwrap_or(0);
            let place = format!("population '{}'", graph.populations[stuck].name);
            return Err(Problem::invalid("convert/network", place, "is part of a loop, in which units have no value")
                .help("it spikes already: compile it as it is")
                .into());
        }
        now.iter().for_each(|&index| done[index] = true);
        order.extend(now);
    }
    Ok(order)
}
