//! Projections as runs of neighbouring targets, so that one spike adds whole rows of weights at once. Volumes are turned
//! inside out, with the channels innermost: the kernels of one place are then one run.

use std::collections::BTreeMap;

use crate::graph::{Conv2d, Graph, Pattern, Pool2d, Projection};

/// The order of a population's neurons in here: where neuron i of the graph stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order(Vec<u32>);

impl Order {
    /// Channels innermost for volumes, else as in the graph.
    pub(super) fn of(shape: &[u32]) -> Self {
        let size = shape.iter().product::<u32>();
        let &[channels, height, width] = shape else { return Self((0..size).collect()) };
        let area = height * width;
        Self((0..size).map(|at| at % area * channels + at / area).collect())
    }

    /// Where neuron `graph` stands.
    pub(super) fn place(&self, graph: usize) -> usize {
        self.0[graph] as usize
    }

    /// Values in the order of the graph, in this order.
    pub(super) fn turn<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut turned = vec![T::default(); self.0.len()];
        for (graph, &place) in self.0.iter().enumerate() {
            turned[place as usize] = if values.len() == 1 { values[0] } else { values[graph] };
        }
        turned
    }

    /// Values in this order, in the order of the graph.
    pub(super) fn back<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.0.iter().map(|&place| values[place as usize]).collect()
    }
}

/// A run of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    target: u32,
    weight: u32,
    length: u32,
}

/// A projection by source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scatter {
    /// Population where the values come from.
    pub(super) source: usize,
    offsets: Vec<u32>,
    runs: Vec<Run>,
    weights: Vec<f32>,
    /// Synapses of each source.
    pub(super) fan_out: Vec<u32>,
}

impl Scatter {
    /// Lays a projection of `graph` out; equal rows of weights are kept once.
    pub(super) fn new(graph: &Graph, projection: &Projection<f64>, orders: &[Order]) -> Self {
        let (source, target) = (projection.source.index(), projection.target.index());
        let size = graph.populations[source].size();
        let mut laid = Self { source, offsets: vec![0], runs: Vec::new(), weights: Vec::new(), fan_out: Vec::new() };
        let mut known: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let at_place = orders[source].turn(&(0..size as u32).collect::<Vec<_>>());
        let mut row: Vec<(u32, f32)> = Vec::new();
        for neuron in at_place {
            row.clear();
            projection.pattern.visit(neuron, |to, weight| {
                row.push((orders[target].place(to as usize) as u32, projection.weights[weight as usize] as f32));
            });
            row.sort_by_key(|entry| entry.0);
            laid.fan_out.push(row.len() as u32);
            for run in row.chunk_by(|a, b| b.0 == a.0 + 1) {
                let bits: Vec<u32> = run.iter().map(|entry| entry.1.to_bits()).collect();
                let weights = &mut laid.weights;
                let weight = *known.entry(bits).or_insert_with(|| {
                    weights.extend(run.iter().map(|entry| entry.1));
                    (weights.len() - run.len()) as u32
                });
                laid.runs.push(Run { target: run[0].0, weight, length: run.len() as u32 });
            }
            laid.offsets.push(laid.runs.len() as u32);
        }
        laid
    }

    /// Adds the weights of `source` to `sums`.
    pub(super) fn spike(&self, source: usize, sums: &mut [f32]) {
        for run in &self.runs[self.offsets[source] as usize..self.offsets[source + 1] as usize] {
            let (to, from, length) = (run.target as usize, run.weight as usize, run.length as usize);
            let weights = &self.weights[from..from + length];
            sums[to..to + length].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
    }

    /// Adds `value` times the weights of `source` to `sums`.
    pub(super) fn value(&self, source: usize, value: f32, sums: &mut [f32]) {
        for run in &self.runs[self.offsets[source] as usize..self.offsets[source + 1] as usize] {
            let (to, from, length) = (run.target as usize, run.weight as usize, run.length as usize);
            let weights = &self.weights[from..from + length];
            sums[to..to + length].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
    }
}

/// The channel of each input that a weight of the projection takes values from, by weight number; `None` where a weight
/// serves sources of several channels.
pub(super) fn channels_of_weights(pattern: &Pattern, shape: &[u32]) -> Option<Vec<usize>> {
    let area = match shape {
        [_, height, width] => (height * width) as usize,
        _ => 1,
    };
    match pattern {
        Pattern::Conv2d(Conv2d { input, output, kernel, groups, .. }) => {
            let (within, taps) = ((input[0] / groups) as usize, (kernel[0] * kernel[1]) as usize);
            let out_per_group = (output[0] / groups) as usize;
            let channel = |row: usize| row / within / out_per_group * within + row % within;
            Some((0..output[0] as usize * within * taps).map(|weight| channel(weight / taps)).collect())
        }
        Pattern::Dense { sources, targets } => {
            let sources = *sources as usize;
            Some((0..sources * *targets as usize).map(|weight| weight % sources / area).collect())
        }
        Pattern::OneToOne { size, shared: false } => Some((0..*size as usize).map(|weight| weight / area).collect()),
        Pattern::Sparse { weight_index, .. } if weight_index.is_empty() => {
            let (sources, _) = pattern.shape();
            let mut channels = Vec::new();
            (0..sources as u32).for_each(|source| pattern.visit(source, |_, _| channels.push(source as usize / area)));
            Some(channels)
        }
        Pattern::OneToOne { .. }
        | Pattern::Sparse { .. }
        | Pattern::Pool2d(Pool2d { .. })
        // Networks in chip integers only: they are not converted.
        | Pattern::Factorised { .. }
        | Pattern::Stochastic(_) => None,
    }
}
