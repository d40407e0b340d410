//! The network of integrate-and-fire neurons.

use super::SpikeReset;
use super::balance::{Balance, channel};
use super::scatter::channels_of_weights;
use super::units::Units;
use crate::graph::{Fire, Graph, NeuronKind, Pattern, Profile, Projection, Reset};

/// A network whose neurons fire at the rates that `balance` gives their units. Thresholds are the scales times their tuning, weights are
/// multiplied by the scales of their sources, biases are constant currents as they were trained. `initial` is the share of
/// its threshold that a membrane holds at the start.
#[must_use]
pub fn spiking(units: &Units, balance: &Balance, reset: SpikeReset, initial: f64) -> Graph {
    let mut graph = units.graph.clone();
    for projection in &mut graph.projections {
        scale_sources(projection, &units.graph, balance);
    }
    for (index, population) in graph.populations.iter_mut().enumerate() {
        let size = population.size();
        let Some(neuron) = &mut population.neuron else { continue };
        if neuron.kind == NeuronKind::If {
            let factor = balance.thresholds[index];
            neuron.v_threshold = match balance.scales[index].as_slice() {
                [one] => vec![*one * factor],
                each => (0..size).map(|at| each[channel(&population.shape, at)] * factor).collect(),
            };
            neuron.v_initial = neuron.v_threshold.iter().map(|threshold| threshold * initial).collect();
        } else {
            // What a read-out gathers of its bias before the first spike can come would count twice.
            neuron.v_initial = vec![0.0];
        }
    }
    let (reset, name) = match reset {
        SpikeReset::Subtract => (Reset::Subtract, "sinabs"),
        SpikeReset::Zero => (Reset::Value, "nir"),
    };
    let profile = &graph.profile;
    graph.profile =
        Profile { name: name.to_owned(), fire: Fire::AtOrAbove, reset, multi_spike: false, ..profile.clone() };
    graph
}

/// Multiplies weights by what a spike of their source stands for.
fn scale_sources(projection: &mut Projection<f64>, graph: &Graph, balance: &Balance) {
    let source = projection.source.index();
    let shape = &graph.populations[source].shape;
    let scales = &balance.scales[source];
    if let [one] = scales.as_slice() {
        projection.weights.iter_mut().for_each(|weight| *weight *= one);
        return;
    }
    if let Some(channels) = channels_of_weights(&projection.pattern, shape) {
        // Dense sources of a flat population are channels of their own.
        let weights = projection.weights.iter_mut().zip(channels);
        weights.for_each(|(weight, channel)| *weight *= scales[channel]);
        return;
    }
    // One weight for several channels: written out.
    let (sources, _) = projection.pattern.shape();
    let (mut offsets, mut targets, mut weights) = (vec![0], Vec::new(), Vec::new());
    for from in 0..sources {
        let factor = balance.of(source, shape, from);
        projection.pattern.visit(from as u32, |target, weight| {
            targets.push(target);
            weights.push(projection.weights[weight as usize] * factor);
        });
        offsets.push(targets.len() as u32);
    }
    projection.pattern = Pattern::Sparse { offsets, targets, weight_index: Vec::new() };
    projection.weights = weights;
}
