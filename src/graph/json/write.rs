//! Network to JSON: objects indented, lists of numbers on one line.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use super::model::{
    Conv2d, CrossbarInt, CubaInt, Dense, Factorised, File, Float, Neuron, OneToOne, Output, Pattern, Pool2d,
    Population, Profile, ProgramInt, Projection, Sparse, Stochastic, Values, Weights,
};
use super::{fcore, learning, program, soma, stepped};
use crate::graph::{self, CubaNeuron, Delays, FloatNeuron, IntNeuron, Network, NeuronKind};
use crate::ids::PopulationId;
use crate::isa::Binding;

/// The network in the native JSON format; [`super::read_json`] reads it back, integers exactly and floats to the
/// last unit of a 64-bit float.
#[must_use]
pub fn write_json(network: &Network) -> String {
    let file = match network {
        Network::Float(graph) => File {
            schema: None,
            version: 1,
            name: graph.name.clone(),
            profile: Some(profile(&graph.profile)),
            populations: populations(&graph.populations, float_neuron),
            projections: projections(&graph.projections, &graph.populations, |w| w),
            outputs: outputs(&graph.outputs, &graph.populations),
        },
        Network::Int(graph) => File {
            schema: None,
            version: 1,
            name: graph.name.clone(),
            profile: None,
            populations: populations(&graph.populations, |neuron| {
                int_neuron(neuron, &|population| graph.populations[population.index()].name.clone())
            }),
            projections: {
                let mut all = projections(&graph.projections, &graph.populations, f64::from);
                for (written, projection) in all.iter_mut().zip(&graph.projections) {
                    let source = program_of(graph, projection.source);
                    written.output =
                        source.and_then(|source| program::output_name(source, source.output(&projection.name)));
                }
                for learning in &graph.learning {
                    let name = |population: PopulationId| graph.populations[population.index()].name.clone();
                    let target = graph.projections[learning.projection.index()].target;
                    let written = learning::write(learning, program_of(graph, target), name);
                    all[learning.projection.index()].learning = Some(written);
                }
                all
            },
            outputs: outputs(&graph.outputs, &graph.populations),
        },
    };
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Layout::default());
    file.serialize(&mut serializer).expect("plain data becomes JSON");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// The program that a population runs.
fn program_of(graph: &graph::IntGraph, population: PopulationId) -> Option<&graph::ProgramNeuron> {
    match &graph.populations[population.index()].neuron {
        Some(IntNeuron::Program(program)) => Some(program),
        _ => None,
    }
}

fn profile(profile: &graph::Profile) -> Profile {
    Profile {
        preset: graph::Profile::preset(&profile.name).map(|preset| preset.name),
        dt: profile.dt,
        dynamics: Some(profile.dynamics),
        fire: Some(profile.fire),
        reset: Some(profile.reset),
        reset_time: Some(profile.reset_time),
        multi_spike: Some(profile.multi_spike),
        recurrent_bias_at_start: Some(profile.recurrent_bias_at_start),
        output_lag: Some(profile.output_lag),
    }
}

fn populations<N>(all: &[graph::Population<N>], neuron: impl Fn(&N) -> Neuron) -> Vec<Population> {
    all.iter()
        .map(|population| Population {
            name: population.name.clone(),
            shape: population.shape.clone(),
            neuron: population.neuron.as_ref().map(&neuron),
        })
        .collect()
}

/// None for an empty vector, a plain number for one value.
pub(super) fn values<T: Copy>(values: &[T]) -> Option<Values<T>> {
    match values {
        [] => None,
        [one] => Some(Values::One(*one)),
        many => Some(Values::Each(many.to_vec())),
    }
}

fn float_neuron(neuron: &FloatNeuron) -> Neuron {
    let float = Float {
        tau_mem: values(&neuron.tau_mem),
        tau_syn: values(&neuron.tau_syn),
        r: values(&neuron.r),
        v_leak: values(&neuron.v_leak),
        v_threshold: values(&neuron.v_threshold),
        v_reset: values(&neuron.v_reset),
        w_in: values(&neuron.w_in),
        bias: values(&neuron.bias),
        recurrent_bias: values(&neuron.recurrent_bias),
        v_initial: values(&neuron.v_initial),
    };
    match neuron.kind {
        NeuronKind::If => Neuron::If(float),
        NeuronKind::I => Neuron::I(float),
        NeuronKind::Lif => Neuron::Lif(float),
        NeuronKind::Li => Neuron::Li(float),
        NeuronKind::CubaLif => Neuron::CubaLif(float),
        NeuronKind::CubaLi => Neuron::CubaLi(float),
        NeuronKind::Threshold => Neuron::Threshold(float),
    }
}

fn int_neuron(neuron: &IntNeuron, name: &dyn Fn(PopulationId) -> String) -> Neuron {
    match neuron {
        IntNeuron::Cuba(cuba) => Neuron::CubaInt(cuba_int(cuba, name)),
        IntNeuron::Fcore(neuron) => fcore::written(neuron),
        IntNeuron::Stepped(neuron) => stepped::written(neuron),
        IntNeuron::Program(program) => Neuron::Program(ProgramInt {
            program: program.name.clone(),
            parameters: program.parameters.iter().map(|(name, binding)| (name.clone(), bound(binding))).collect(),
            initial: program.initial.iter().filter_map(|(name, v)| Some((name.clone(), values(v)?))).collect(),
            inputs: program.inputs.iter().cloned().collect(),
        }),
        IntNeuron::Crossbar(crossbar) => Neuron::CrossbarInt(CrossbarInt {
            leak: values(&crossbar.leak),
            threshold: crossbar.threshold.as_deref().and_then(values),
            negative_threshold: values(&crossbar.negative_threshold),
            reset_value: values(&crossbar.reset_value),
            initial: values(&crossbar.initial).filter(|_| crossbar.initial.iter().any(|v| *v != 0)),
            spike_reset: Some(crossbar.spike_reset),
            negative_reset: Some(crossbar.negative_reset),
        }),
    }
}

fn cuba_int(cuba: &CubaNeuron, name: &dyn Fn(PopulationId) -> String) -> CubaInt {
    let (adaptation, noise, joins) = soma::write(cuba, name);
    CubaInt {
        decay_u: values(&cuba.decay_u).unwrap_or(Values::One(0)),
        decay_v: values(&cuba.decay_v).unwrap_or(Values::One(0)),
        threshold: cuba.threshold.as_deref().and_then(values),
        bias: values(&cuba.bias),
        bias_exponent: values(&cuba.bias_exponent),
        refractory: values(&cuba.refractory),
        initial_u: values(&cuba.initial_u),
        initial_v: values(&cuba.initial_v),
        adaptation,
        noise,
        joins,
    }
}

fn bound(binding: &Binding) -> Values<i32> {
    match binding {
        Binding::Shared(value) => Values::One(*value),
        Binding::PerNeuron(values) | Binding::Table(values) => Values::Each(values.clone()),
    }
}

fn projections<W: Copy, N>(
    all: &[graph::Projection<W>],
    populations: &[graph::Population<N>],
    weight: impl Fn(W) -> f64,
) -> Vec<Projection> {
    all.iter()
        .map(|projection| Projection {
            name: Some(projection.name.clone()),
            source: populations[projection.source.index()].name.clone(),
            target: populations[projection.target.index()].name.clone(),
            pattern: pattern(&projection.pattern),
            weights: Weights::Flat(projection.weights.iter().map(|&w| weight(w)).collect()),
            exponent: (projection.exponent != 0).then_some(projection.exponent),
            delay: match &projection.delays {
                Delays::Uniform(0) => None,
                Delays::Uniform(ticks) => Some(Values::One(*ticks)),
                Delays::PerWeight(ticks) => Some(Values::Each(ticks.clone())),
            },
            output: None,
            learning: None,
        })
        .collect()
}

fn pattern(pattern: &graph::Pattern) -> Pattern {
    match pattern {
        graph::Pattern::Dense { .. } => Pattern::Dense(Dense {}),
        graph::Pattern::OneToOne { shared, .. } => Pattern::OneToOne(OneToOne { shared: *shared }),
        graph::Pattern::Sparse { offsets, targets, weight_index } => Pattern::Sparse(Sparse {
            offsets: offsets.clone(),
            targets: targets.clone(),
            weight_index: weight_index.clone(),
        }),
        graph::Pattern::Conv2d(conv) => Pattern::Conv2d(Conv2d {
            input: Some(conv.input),
            output: Some(conv.output),
            kernel: conv.kernel,
            stride: Some(conv.stride),
            padding: Some(conv.padding),
            dilation: Some(conv.dilation),
            groups: Some(conv.groups),
        }),
        graph::Pattern::Pool2d(pool) => Pattern::Pool2d(Pool2d {
            input: Some(pool.input),
            output: Some(pool.output),
            kernel: pool.kernel,
            stride: Some(pool.stride),
            padding: Some(pool.padding),
        }),
        graph::Pattern::Factorised { rank, .. } => Pattern::Factorised(Factorised { rank: *rank }),
        graph::Pattern::Stochastic(drawn) => {
            let probability = drawn.chance as f64 / 4_294_967_296.0;
            Pattern::Stochastic(Stochastic { probability, seed: drawn.seed })
        }
    }
}

fn outputs<N>(all: &[graph::Output], populations: &[graph::Population<N>]) -> Vec<Output> {
    all.iter()
        .map(|output| Output {
            name: Some(output.name.clone()),
            population: populations[output.population.index()].name.clone(),
        })
        .collect()
}

/// Indents objects; what is inside a list stays on its line unless it is an object.
#[derive(Default)]
struct Layout {
    /// Open containers: whether it is a list, and whether it holds an object.
    open: Vec<(bool, bool)>,
}

impl Layout {
    fn line(&self, writer: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
        let depth = self.open.len();
        write!(writer, "\n{:width$}", "", width = depth * 2)
    }
}

impl Formatter for Layout {
    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push((true, false));
        writer.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some((_, true)) = self.open.pop() {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some((true, holds_object)) = self.open.last_mut() {
            *holds_object = true;
            self.line(writer)?;
        }
        self.open.push((false, false));
        writer.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some((_, true)) = self.open.pop() {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        if let Some((_, not_empty)) = self.open.last_mut() {
            *not_empty = true;
        }
        self.line(writer)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if !value.is_finite() {
            writer.write_all(b"null")
        } else if value.fract() == 0.0 && value.abs() < 1e15 {
            // Whole numbers without ".0": integer weights stay readable.
            write!(writer, "{value}")
        } else {
            write!(writer, "{value:?}")
        }
    }
}
