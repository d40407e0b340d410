//! From nodes to units: what lies between two ReLUs becomes projections, the ReLU a population.

use std::collections::BTreeMap;

use super::model::{Model, Node, Tensor, place};
use super::ops::{self, Step};
use super::{Ann, AnnOptions};
use crate::diag::{Problem, Problems, Result};
use crate::graph::nir::compose::Linear;
use crate::graph::nir::maps::volume;
use crate::graph::{
    Delays, Dynamics, Fire, FloatNeuron, Graph, Network, NeuronKind, Output, Population, Profile, Projection, Reset,
    ResetTime,
};
use crate::ids::PopulationId;

/// Most maps that one sum joins.
const MAX_TERMS: usize = 256;

/// Values on their way: the sum of maps of populations. A constant is the bias of the first.
#[derive(Clone)]
struct Value {
    terms: Vec<(usize, Linear)>,
    dims: Vec<u32>,
    /// The Softmax that they passed.
    last: Option<String>,
}

type Made = std::result::Result<Value, String>;

/// Lowers a model; all nodes that do not fit are named at once.
pub(super) fn lower(model: &Model, name: &str, file: &str, options: AnnOptions) -> Result<Ann> {
    let profile = Profile {
        name: "nir".to_owned(),
        dt: 1.0,
        dynamics: Dynamics::Euler,
        fire: Fire::AtOrAbove,
        reset: Reset::Subtract,
        reset_time: ResetTime::Same,
        multi_spike: false,
        recurrent_bias_at_start: true,
        output_lag: 0,
    };
    let graph =
        Graph { name: name.to_owned(), populations: Vec::new(), projections: Vec::new(), outputs: Vec::new(), profile };
    let ann = Ann { graph, macs: 0, notes: model.notes.clone() };
    let mut lowering = Lowering { model, options, ann, values: BTreeMap::new() };
    let mut found = Vec::new();
    for (input, dims) in &model.inputs {
        if let Err(what) = lowering.input(input, dims) {
            found.push(Problem::invalid("onnx/shape", format!("{file} input '{input}'"), what));
        }
    }
    if model.inputs.is_empty() {
        found.push(Problem::invalid("onnx/shape", file, "the model has no input").help("export it again"));
    }
    for node in &model.nodes {
        if let Err(what) = lowering.node(node) {
            found.push(Problem::invalid("onnx/node", place(file, &node.label), format!("{}: {what}", node.kind)));
        }
    }
    for output in &model.outputs {
        match lowering.output(output) {
            Err(what) if found.is_empty() => {
                found.push(Problem::invalid("onnx/node", format!("{file} output '{output}'"), what));
            }
            _ => {}
        }
    }
    if model.outputs.is_empty() {
        found.push(Problem::invalid("onnx/node", file, "the model has no output").help("export it again"));
    }
    let ann = Problems::check(found, lowering.ann)?;
    crate::graph::check(&Network::Float(ann.graph.clone()))?;
    Ok(ann)
}

struct Lowering<'m> {
    model: &'m Model,
    options: AnnOptions,
    ann: Ann,
    /// `None`: a node before failed.
    values: BTreeMap<&'m str, Option<Value>>,
}

impl<'m> Lowering<'m> {
    /// Adds a population; returns its identity as a value.
    fn population(&mut self, name: &str, dims: &[u32], neuron: Option<FloatNeuron>) -> Made {
        let shape: Vec<u32> = match dims {
            [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
            _ => dims.to_vec(),
        };
        let size = volume(&shape)?;
        let index = self.ann.graph.populations.len();
        self.ann.graph.populations.push(Population { name: name.to_owned(), shape, neuron });
        Ok(Value { terms: vec![(index, Linear::identity(size))], dims: dims.to_vec(), last: None })
    }

    fn input(&mut self, name: &'m str, dims: &[u32]) -> std::result::Result<(), String> {
        let value = self.population(name, dims, None)?;
        self.values.insert(name, Some(value));
        Ok(())
    }

    fn node(&mut self, node: &'m Node) -> std::result::Result<(), String> {
        let Some(output) = node.outputs.first() else { return Err("makes nothing".to_owned()) };
        // Until it is made, what depends on it stays silent.
        self.values.insert(output, None);
        let mut given = Vec::new();
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            match self.values.get(name.as_str()) {
                Some(Some(value)) => given.push(value.clone()),
                Some(None) => return Ok(()),
                None if self.model.constants.contains_key(name) => {}
                None => return Err(format!("reads '{name}', which nothing before it makes")),
            }
        }
        if let Some(softmax) = given.iter().find_map(|value| value.last.clone()) {
            return Err(format!("comes after '{softmax}', which is converted at the end only"));
        }
        let made = self.made(node, given, output)?;
        self.values.insert(output, Some(made));
        Ok(())
    }

    fn made(&mut self, node: &'m Node, mut given: Vec<Value>, output: &str) -> Made {
        if node.kind == "Add" {
            return self.sum(node, given);
        }
        let Some(value) = given.pop() else { return Err("works on constants alone".to_owned()) };
        let first = node.inputs.first().map_or("", String::as_str);
        if !given.is_empty() || self.model.constants.contains_key(first) {
            return Err("takes the values first and constants behind them".to_owned());
        }
        match node.kind.as_str() {
            "Relu" => {
                let dims = value.dims.clone();
                self.units(output, value, &dims, NeuronKind::If)
            }
            "Softmax" | "LogSoftmax" => Ok(Value { last: Some(node.label.clone()), ..value }),
            _ => {
                let constants: Vec<Option<&Tensor>> =
                    node.inputs[1..].iter().map(|name| self.model.constants.get(name)).collect();
                let Step { map, dims, macs } = ops::step(node, &value.dims, &constants)?;
                self.ann.macs += macs;
                let pools = ["AveragePool", "GlobalAveragePool"].contains(&node.kind.as_str());
                let value = through(value, map.as_ref(), dims)?;
                match value.terms.as_slice() {
                    // Means of what is never negative are not changed by a ReLU.
                    [(source, _)] if pools && self.options.pool_units && self.rectified(*source, &value) => {
                        let dims = value.dims.clone();
                        self.units(output, value, &dims, NeuronKind::If)
                    }
                    _ => Ok(value),
                }
            }
        }
    }

    /// Whether a value is a mean of a rectified population and nothing else.
    fn rectified(&self, source: usize, value: &Value) -> bool {
        let never_negative = self.ann.graph.populations[source].neuron.is_some();
        never_negative
            && value.terms[0].1.weights.iter().all(|&weight| weight >= 0.0)
            && value.terms[0].1.bias.is_empty()
    }

    fn sum(&self, node: &Node, given: Vec<Value>) -> Made {
        let mut given = given.into_iter();
        let Some(mut sum) = given.next() else { return Err("adds constants alone".to_owned()) };
        for other in given {
            if other.dims != sum.dims {
                return Err(format!("adds extents {:?} and {:?}: equal ones are converted", sum.dims, other.dims));
            }
            sum.terms.extend(other.terms);
        }
        if sum.terms.len() > MAX_TERMS {
            return Err(format!("joins {} paths; the limit is {MAX_TERMS}", sum.terms.len()));
        }
        for constant in node.inputs.iter().filter_map(|name| self.model.constants.get(name)) {
            let more = ops::spread(constant, &sum.dims)?;
            let bias = &mut sum.terms[0].1.bias;
            bias.resize(more.len(), 0.0);
            bias.iter_mut().zip(more).for_each(|(bias, more)| *bias += more);
        }
        Ok(sum)
    }

    /// A population that sums up a value.
    fn units(&mut self, name: &str, value: Value, dims: &[u32], kind: NeuronKind) -> Made {
        let made = self.population(name, dims, Some(unit(kind)))?;
        let target = made.terms[0].0;
        let size = self.ann.graph.populations[target].size();
        let mut bias = vec![0.0; size];
        for (number, (source, map)) in value.terms.into_iter().enumerate() {
            map.bias.iter().zip(&mut bias).for_each(|(more, sum)| *sum += more);
            let mut ends = format!("{}->{name}", self.ann.graph.populations[source].name);
            if number > 0 {
                ends = format!("{ends} ({})", number + 1);
            }
            self.ann.graph.projections.push(Projection {
                name: ends,
                source: PopulationId::from(source),
                target: PopulationId::from(target),
                pattern: map.pattern,
                weights: map.weights,
                exponent: 0,
                delays: Delays::Uniform(0),
            });
        }
        if let Some(neuron) = &mut self.ann.graph.populations[target].neuron
            && bias.iter().any(|&value| value != 0.0)
        {
            neuron.bias = bias;
        }
        Ok(made)
    }

    fn output(&mut self, name: &str) -> std::result::Result<(), String> {
        let value = match self.values.get(name) {
            None => return Err("nothing makes it".to_owned()),
            Some(None) => return Ok(()),
            Some(Some(value)) => value.clone(),
        };
        let population = match value.terms.as_slice() {
            [(source, map)] if map.is_identity() && self.ann.graph.populations[*source].neuron.is_some() => *source,
            _ => {
                let dims = value.dims.clone();
                self.units(name, value, &dims, NeuronKind::I)?.terms[0].0
            }
        };
        self.ann.graph.outputs.push(Output { name: name.to_owned(), population: PopulationId::from(population) });
        Ok(())
    }
}

/// A value behind a map.
fn through(value: Value, map: Option<&Linear>, dims: Vec<u32>) -> Made {
    let Some(map) = map else { return Ok(Value { dims, ..value }) };
    let mut terms = Vec::new();
    for (number, (source, before)) in value.terms.into_iter().enumerate() {
        let mut after = before.then(map)?;
        if number > 0 && !map.bias.is_empty() {
            // The map's own constant comes once.
            after.bias.iter_mut().zip(&map.bias).for_each(|(bias, own)| *bias -= own);
        }
        terms.push((source, after));
    }
    Ok(Value { terms, dims, last: value.last })
}

fn unit(kind: NeuronKind) -> FloatNeuron {
    FloatNeuron {
        kind,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        r: vec![1.0],
        v_leak: vec![0.0],
        v_threshold: if kind.spikes() { vec![1.0] } else { Vec::new() },
        v_reset: vec![0.0],
        w_in: vec![1.0],
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    }
}
