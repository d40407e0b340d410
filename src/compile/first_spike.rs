//! A network of units whose values are the times of single spikes, as programs of programmable neurons.
//!
//! Every layer has a window of T ticks behind that of its sources. In it each neuron fires once, the earlier the more it
//! gathered in the window before (`programs/neurons/first_spike.nmc`). Weights are 8 bits on one scale a population, chosen
//! by its largest; thresholds are whole numbers on that scale, so that times are those of the float network up to what
//! weights and thresholds were rounded by.

use super::Log;
use crate::chip::{ChipSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Delays, FloatNeuron, Graph, IntGraph, IntNeuron, NeuronKind, ProgramNeuron, parameter};
use crate::isa::{self, Binding};

/// The program of every neuron.
const PROGRAM: &str = "first_spike";
/// Largest mixed weight; steps are even.
const WIDEST: f64 = 254.0;
/// Largest sum: half of what 32 bits hold.
const ROOM: f64 = (1_u32 << 30) as f64;

/// A network of first-spike neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstSpike {
    /// In the chip's integers.
    pub network: IntGraph,
    /// Ticks that a sample takes from its first input to the read-out, its end included.
    pub ticks: u32,
}

/// Converts a network of thresholds and scaled weights, as `convert` writes it for spikes: `if` populations fire within their
/// window, `i` populations gather and are read by membrane. Inputs fire once in a window of `window` ticks, at
/// `(window - 1) (1 - value)`.
///
/// # Errors
/// `first-spike/chip` for chips without programmable neurons, `first-spike/window` below two ticks, `first-spike/neuron` for
/// other neurons, delays and numbers that are none, `first-spike/paths` where a population has sources of different windows.
pub fn first_spike(graph: &Graph, window: u32, chip: &ChipSpec, log: &mut Log) -> Result<FirstSpike> {
    let programmed = matches!(&chip.family, Family::Cuba(spec) if spec.programs.is_some());
    if !programmed {
        let what = "neurons that fire once in a window of their own run programs, which this chip has not";
        return Err(Problem::misfit("first-spike/chip", chip.name.as_str(), what).help("use loihi2").into());
    }
    if !(2..=1 << 14).contains(&window) {
        let problem =
            Problem::invalid("first-spike/window", graph.name.as_str(), format!("a window of {window} ticks"));
        return Err(problem.limit("2 to 16384 ticks").into());
    }
    check(graph)?;
    let layers = layers(graph)?;
    let mut weights: Vec<Vec<i32>> = vec![Vec::new(); graph.projections.len()];
    let mut neurons = Vec::new();
    for (index, population) in graph.populations.iter().enumerate() {
        let neuron = population.neuron.as_ref().map(|neuron| {
            let scale = scale(graph, index, neuron, window);
            for (number, projection) in graph.inbound(index) {
                let whole = |weight: &f64| ((weight * scale / 2.0).round() * 2.0).clamp(-256.0, WIDEST) as i32;
                weights[number] = projection.weights.iter().map(whole).collect();
            }
            log.say("first-spike", format!("'{}': {scale:.2} steps of its sums are 1.0", population.name));
            IntNeuron::Program(Box::new(programmed_neuron(neuron, population.size(), scale, layers[index], window)))
        });
        neurons.push(neuron);
    }
    let network = graph.in_integers(neurons, weights);
    let last = graph.outputs.iter().map(|output| layers[output.population.index()]).max().unwrap_or(0);
    // A fired output ends in its own window, a read-out where that begins.
    let fires = graph.outputs.iter().any(|output| {
        graph.populations[output.population.index()].neuron.as_ref().is_some_and(|neuron| neuron.kind.spikes())
    });
    Ok(FirstSpike { network, ticks: (last + u32::from(fires)) * window + 1 })
}

/// Steps of the sums that 1.0 is.
fn scale(graph: &Graph, index: usize, neuron: &FloatNeuron, window: u32) -> f64 {
    let most = |list: &[f64]| list.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let size = graph.populations[index].size();
    let mut reach: Vec<f64> = (0..size)
        .map(|n| parameter(&neuron.bias, n, 0.0).abs() + parameter(&neuron.v_threshold, n, 0.0).abs())
        .collect();
    let mut widest = 0.0_f64;
    for (_, projection) in graph.inbound(index) {
        widest = widest.max(most(&projection.weights));
        for from in 0..graph.populations[projection.source.index()].size() {
            projection.pattern.visit(from as u32, |to, weight| {
                reach[to as usize] += projection.weights[weight as usize].abs();
            });
        }
    }
    let room = ROOM / f64::from(window) / most(&reach).max(f64::MIN_POSITIVE);
    if widest > 0.0 { room.min(WIDEST / widest) } else { room.min(WIDEST) }
}

fn programmed_neuron(neuron: &FloatNeuron, size: usize, scale: f64, layer: u32, window: u32) -> ProgramNeuron {
    let (start, last) = (layer * window, window - 1);
    let fires = neuron.kind.spikes();
    let whole = |value: f64| (value * scale).round() as i32;
    let threshold = |n: usize| if fires { whole(parameter(&neuron.v_threshold, n, 0.0)).max(1) } else { 0 };
    let top = |n: usize| if fires { threshold(n) * last as i32 } else { i32::MAX };
    let initial =
        |n: usize| (parameter(&neuron.bias, n, 0.0) * scale * f64::from(last)).round() as i32 + threshold(n) / 2;
    let each = |of: &dyn Fn(usize) -> i32| (0..size).map(of).collect::<Vec<i32>>();
    let shared = |name: &str, value: u32| (name.to_owned(), Binding::Shared(value as i32));
    let text = isa::builtin_text(PROGRAM).unwrap_or_default();
    let of_each = |name: &str, of: &dyn Fn(usize) -> i32| (name.to_owned(), shortest(each(of)));
    ProgramNeuron {
        name: PROGRAM.to_owned(),
        program: isa::assemble(text, PROGRAM).unwrap_or_default(),
        parameters: vec![
            shared("start", start),
            shared("last", start + last - 1),
            of_each("threshold", &threshold),
            of_each("top", &top),
        ],
        initial: vec![("v".to_owned(), each(&initial))],
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

/// Equal values take one place.
fn shortest(values: Vec<i32>) -> Binding {
    match values.first() {
        Some(&first) if values.iter().all(|value| *value == first) => Binding::Shared(first),
        _ => Binding::PerNeuron(values),
    }
}

fn check(graph: &Graph) -> Result<()> {
    let mut found = Vec::new();
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else { continue };
        let finite = [&neuron.bias, &neuron.v_threshold].into_iter().flatten().all(|value| value.is_finite());
        let thresholds = !neuron.kind.spikes() || neuron.v_threshold.iter().all(|value| *value > 0.0);
        let unit = matches!(neuron.kind, NeuronKind::If | NeuronKind::I) && neuron.r.iter().all(|r| *r == 1.0);
        if !finite || !thresholds || !unit {
            let what = format!("neurons of kind {:?}, or with gains or thresholds that are none", neuron.kind);
            let place = format!("population '{}'", population.name);
            let problem = Problem::invalid("first-spike/neuron", place, what).limit("if and i with r of 1");
            found.push(problem.help("convert a network of ReLU units: spikeloom convert --coding first-spike"));
        }
    }
    for projection in &graph.projections {
        if projection.delays != Delays::Uniform(0) || !projection.weights.iter().all(|weight| weight.is_finite()) {
            let place = format!("projection '{}'", projection.name);
            found.push(Problem::invalid("first-spike/neuron", place, "it has delays, or weights that are no numbers"));
        }
    }
    Problems::check(found, ())
}

/// The window of every population, by number: 0 of inputs, one more than that of its sources.
fn layers(graph: &Graph) -> Result<Vec<u32>> {
    let mut layers: Vec<Option<u32>> = graph.populations.iter().map(|p| p.is_input().then_some(0)).collect();
    while let Some(next) = (0..layers.len())
        .find(|&at| layers[at].is_none() && graph.inbound(at).all(|(_, p)| layers[p.source.index()].is_some()))
    {
        let mut sources = graph.inbound(next).filter_map(|(_, projection)| layers[projection.source.index()]);
        let first = sources.next().unwrap_or(0);
        if let Some(other) = sources.find(|source| *source != first) {
            let place = format!("population '{}'", graph.populations[next].name);
            let what = format!("has sources of windows {first} and {other}");
            return Err(Problem::invalid("first-spike/paths", place, what)
                .limit("sources of one window: a value is a time within it")
                .help("put a layer that copies its input into the shorter branch, or convert by rate")
                .into());
        }
        layers[next] = Some(first + 1);
    }
    match layers.iter().position(Option::is_none) {
        None => Ok(layers.into_iter().flatten().collect()),
        Some(stuck) => {
            let place = format!("population '{}'", graph.populations[stuck].name);
            Err(Problem::invalid("first-spike/paths", place, "is part of a loop, in which times have no order").into())
        }
    }
}
