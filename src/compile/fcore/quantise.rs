//! Trained rectified units to artificial neurons: weights and values of 8 bits, sums shifted by powers of two.
//!
//! A population has one scale: its sums are `T` times the real ones, its values `T / 2^shift` times. Weights are stored as
//! `w * T / (scale of their source)`. Of the two shifts in question, that of the finest weights and the one below, where
//! values use all of their bits and weights are coarser, the one is taken that rounds less, by the mean squares of the
//! calibration's values. Half of the last place is added with the bias, so that the floor of the shift rounds.

use crate::chip::{ChipSpec, Family, FcoreSpec};
use crate::compile::log::{Log, TensorError};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    Activation, AnnSoma, Delays, FcoreInput, FcoreNeuron, FcoreSoma, FloatNeuron, Graph, IntGraph, IntNeuron,
    NeuronKind,
};

/// What an input of 1.0 is sent as.
const WHITE: f64 = 255.0;
/// Largest magnitude of a weight that is used; -128 is left out, so that signs weigh the same.
const LARGEST_WEIGHT: f64 = 127.0;

/// Values of every population of a network over calibration data, in graph order.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The magnitude that becomes the largest value; larger ones saturate.
    pub peaks: &'a [f64],
    /// Mean of the squares.
    pub mean_squares: &'a [f64],
}

/// A network of artificial neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Artificial {
    /// The network in the chip's integers; inputs are values 0..=255 of 0.0..=1.0.
    pub network: IntGraph,
    /// What 1.0 of each population is as a value (of inputs 255), in graph order.
    pub scales: Vec<f64>,
}

/// Quantises a network in which `if` populations are rectified units and `i` populations linear ones, with gains of 1,
/// thresholds of 1 and no delays, as `convert` has them, for the artificial mode of a chip's cores.
///
/// # Errors
/// `fcore/family` for chips without such cores, `fcore/units` for other neurons, `fcore/values` for calibration that
/// does not fit the network, and `fcore/paths` where a population gets values of different inputs' times.
pub fn artificial(graph: &Graph, values: Values<'_>, chip: &ChipSpec, log: &mut Log) -> Result<Artificial> {
    let Family::Fcore(spec) = &chip.family else { return Err(no_such_cores(chip)) };
    check(graph, values)?;
    let order = order(graph)?;
    let count = graph.populations.len();
    let mut scales = vec![WHITE; count];
    let mut neurons: Vec<Option<IntNeuron>> = vec![None; count];
    let mut weights: Vec<Vec<i32>> = vec![Vec::new(); graph.projections.len()];
    for index in order {
        let population = &graph.populations[index];
        let Some(neuron) = &population.neuron else { continue };
        let layer = Layer::choose(graph, index, &scales, values, spec);
        for (number, projection) in graph.inbound(index) {
            let factor = layer.sums / scales[projection.source.index()];
            weights[number] = projection.weights.iter().map(|weight| (weight * factor).round() as i32).collect();
            log.tensors.push(error(&projection.name, &projection.weights, &weights[number], factor));
        }
        let bias = layer.bias(neuron);
        scales[index] = layer.sums / f64::from(layer.shift).exp2();
        log.say(
            "quantise",
            format!("{}: a value of 1 is {:.4} (shift {})", population.name, 1.0 / scales[index], layer.shift),
        );
        let activation = if layer.rectified { Activation::Relu } else { Activation::Signed };
        neurons[index] = Some(IntNeuron::Fcore(FcoreNeuron {
            input: FcoreInput::Values,
            soma: FcoreSoma::Ann(AnnSoma { bias, shift: layer.shift, activation }),
        }));
    }
    let network = graph.in_integers(neurons, weights);
    in_step(&super::timed(&network, chip, &mut Log::default()))?;
    Ok(Artificial { network, scales })
}

/// How a population is scaled.
struct Layer {
    /// What 1.0 of its sums is.
    sums: f64,
    shift: u8,
    rectified: bool,
}

impl Layer {
    fn choose(graph: &Graph, index: usize, scales: &[f64], values: Values<'_>, spec: &FcoreSpec) -> Self {
        let population = &graph.populations[index];
        let rectified = population.neuron.as_ref().is_some_and(|neuron| neuron.kind == NeuronKind::If);
        let largest = if rectified { 255.0 } else { 127.0 };
        let peak = if values.peaks[index] > 0.0 { values.peaks[index] } else { 1.0 };
        // Twice the peak, and the bias, must be in the accumulator.
        let bias = population.neuron.iter().flat_map(|n| &n.bias).fold(0.0_f64, |most, bias| most.max(bias.abs()));
        let edge = f64::from(spec.accumulator_bits - 1).exp2() - 1.0;
        let mut finest = edge / 2.0 / peak.max(bias);
        // What a step of the sums' weights adds to their squared error, in units of the sums.
        let mut spread = 0.0;
        for (_, projection) in graph.inbound(index) {
            let source = projection.source.index();
            let most = projection.weights.iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
            if most > 0.0 {
                finest = finest.min(LARGEST_WEIGHT * scales[source] / most);
            }
            let fan_in = projection.synapses() as f64 / population.size().max(1) as f64;
            spread += fan_in * scales[source].powi(2) * values.mean_squares[source] / 12.0;
        }
        let shift = (finest * peak / largest).log2().ceil().clamp(0.0, f64::from(spec.accumulator_bits - 1)) as u8;
        let fine = Self { sums: finest, shift, rectified };
        if shift == 0 {
            return fine;
        }
        let full = Self { sums: largest * f64::from(shift - 1).exp2() / peak, shift: shift - 1, rectified };
        // Squared error of a real value: rounded weights, and the rounded value itself.
        let rounds = |layer: &Self| (spread + f64::from(2 * layer.shift).exp2() / 12.0) / layer.sums.powi(2);
        if rounds(&full) < rounds(&fine) { full } else { fine }
    }

    fn bias(&self, neuron: &FloatNeuron) -> Vec<i32> {
        let half = if self.shift == 0 { 0 } else { 1 << (self.shift - 1) };
        let of = |bias: &f64| (bias * self.sums).round() as i32 + half;
        if neuron.bias.is_empty() { vec![half] } else { neuron.bias.iter().map(of).collect() }
    }
}

/// What rounding did to the weights.
pub(super) fn error(name: &str, real: &[f64], stored: &[i32], factor: f64) -> TensorError {
    let errors = real.iter().zip(stored).map(|(real, stored)| (real - f64::from(*stored) / factor).abs());
    let (most, squares) = errors.fold((0.0_f64, 0.0), |(most, sum), error| (most.max(error), sum + error * error));
    TensorError {
        name: format!("{name}.weight"),
        values: real.len(),
        step: 1.0 / factor,
        max_error: most,
        rms_error: (squares / real.len().max(1) as f64).sqrt(),
        saturated: 0,
    }
}

fn no_such_cores(chip: &ChipSpec) -> Problems {
    Problem::invalid("fcore/family", chip.name.as_str(), "this chip's cores have no artificial mode")
        .limit("chips with FCores, as tianjic")
        .help("convert to spikes: leave --artificial out")
        .into()
}

fn check(graph: &Graph, values: Values<'_>) -> Result<()> {
    let mut found = Vec::new();
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else { continue };
        let place = format!("population '{}'", population.name);
        let one = |list: &[f64]| list.iter().all(|value| *value == 1.0);
        let lists = [0, 1, population.size()].contains(&neuron.bias.len());
        let unit = match neuron.kind {
            NeuronKind::If => one(&neuron.v_threshold),
            NeuronKind::I => true,
            _ => false,
        };
        if !unit || !one(&neuron.r) || !lists || !neuron.bias.iter().all(|bias| bias.is_finite()) {
            let what = format!("neurons of kind {:?} are no units with gains and thresholds of 1", neuron.kind);
            let help = "convert a network of ReLU units: spikeloom convert --artificial";
            found.push(Problem::invalid("fcore/units", place, what).limit("IF (ReLU) and I (linear)").help(help));
        }
    }
    for projection in &graph.projections {
        if projection.delays != Delays::Uniform(0) || !projection.weights.iter().all(|weight| weight.is_finite()) {
            let place = format!("projection '{}'", projection.name);
            found.push(Problem::invalid("fcore/units", place, "it has delays, or weights that are no numbers"));
        }
    }
    let fits = |list: &[f64]| list.len() == graph.populations.len() && list.iter().all(|value| value.is_finite());
    if !fits(values.peaks) || !fits(values.mean_squares) {
        let what = "its values over calibration data are not one finite number a population";
        found.push(Problem::invalid("fcore/values", graph.name.as_str(), what));
    }
    Problems::check(found, ())
}

/// Populations with sources before targets.
fn order(graph: &Graph) -> Result<Vec<usize>> {
    let count = graph.populations.len();
    let (mut done, mut order) = (vec![false; count], Vec::new());
    while order.len() < count {
        let ready = (0..count).find(|&at| !done[at] && graph.inbound(at).all(|(_, p)| done[p.source.index()]));
        let Some(next) = ready else {
            let stuck = (0..count).find(|&at| !done[at]).map_or("", |at| graph.populations[at].name.as_str());
            let what = "is part of a loop, in which units have no value";
            return Err(Problem::invalid("fcore/units", format!("population '{stuck}'"), what).into());
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}

/// Values of one input meet in one round: every population is as many rounds from the inputs on every path.
fn in_step(graph: &IntGraph) -> Result<()> {
    let mut rounds: Vec<Option<u32>> = graph.populations.iter().map(|p| p.is_input().then_some(0)).collect();
    // At most one pass a population: the network has no loops.
    for _ in 0..graph.populations.len() {
        for projection in &graph.projections {
            let Some(from) = rounds[projection.source.index()] else { continue };
            let wait = if let Delays::Uniform(ticks) = &projection.delays { u32::from(*ticks) } else { 0 };
            let to = &mut rounds[projection.target.index()];
            match *to {
                Some(known) if known != from + 1 + wait => {
                    let place = format!("population '{}'", graph.populations[projection.target.index()].name);
                    let what = format!("gets values {} and {known} rounds after the input", from + 1 + wait);
                    return Err(Problem::invalid("fcore/paths", place, what)
                        .limit("paths of one length: packets are used in the round after, and have no delays")
                        .help("put a layer that copies its input into the shorter branch")
                        .into());
                }
                _ => *to = Some(from + 1 + wait),
            }
        }
    }
    Ok(())
}
