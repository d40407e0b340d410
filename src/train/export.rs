//! The trained layers as a network in native form.

use super::TrainOptions;
use super::layer::Layer;
use crate::graph::{
    Delays, Dynamics, Fire, FloatNeuron, Graph, NeuronKind, Output, Pattern, Population, Profile, Projection, Reset,
    ResetTime,
};
use crate::ids::PopulationId;
use crate::stimulus::ImageSet;

pub(super) fn graph(layers: &[Layer], set: &ImageSet, options: &TrainOptions) -> Graph {
    let mut populations = vec![Population { name: "image".to_owned(), shape: set.shape.to_vec(), neuron: None }];
    let mut projections = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let name = if index + 1 == layers.len() { "class".to_owned() } else { format!("hidden{}", index + 1) };
        let thresholds = layer.thresholds().iter().map(|&threshold| f64::from(threshold)).collect();
        let shape = vec![layer.targets() as u32];
        let projection = format!("{}_{name}", populations[index].name);
        populations.push(Population { name, shape, neuron: Some(integrate_and_fire(thresholds)) });
        projections.push(Projection {
            name: projection,
            source: PopulationId::from(index),
            target: PopulationId::from(index + 1),
            pattern: Pattern::Dense { sources: layer.sources() as u32, targets: layer.targets() as u32 },
            weights: (0..layer.targets() * layer.sources())
                .map(|at| f64::from(layer.weight(at % layer.sources(), at / layer.sources())))
                .collect(),
            exponent: 0,
            delays: Delays::Uniform(0),
        });
    }
    let sizes: Vec<String> = populations.iter().map(|population| population.size().to_string()).collect();
    let outputs = vec![Output { name: "class".to_owned(), population: PopulationId::from(layers.len()) }];
    let name = format!("images-{}-t{}", sizes.join("-"), options.ticks);
    Graph { name, populations, projections, outputs, profile: profile() }
}

fn integrate_and_fire(v_threshold: Vec<f64>) -> FloatNeuron {
    FloatNeuron {
        kind: NeuronKind::If,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        // Euler adds dt * r * x: with r = 1/dt a weight is what a spike adds.
        r: vec![1.0 / TICK],
        v_leak: vec![0.0],
        v_threshold,
        v_reset: vec![0.0],
        w_in: Vec::new(),
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    }
}

/// Seconds of a tick.
const TICK: f64 = 1e-3;

/// The reading under which the network was trained.
fn profile() -> Profile {
    Profile {
        name: "nir".to_owned(),
        dt: TICK,
        dynamics: Dynamics::Euler,
        fire: Fire::AtOrAbove,
        reset: Reset::Value,
        reset_time: ResetTime::Same,
        multi_spike: false,
        recurrent_bias_at_start: true,
        output_lag: 0,
    }
}
