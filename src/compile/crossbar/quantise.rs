//! Float integrate-and-fire networks to crossbar integers.
//!
//! Every neuron has a potential unit of its own: neurons that share no weight are scaled apart. The weights of such a group
//! become `k * q` with `q` in an interval of 16 values around zero (a subset sum of four axon types, see
//! `slices`), fewer where the fan-in leaves fewer axons a source; `k` spreads them over the 9-bit registers, so
//! that thresholds and leaks have a finer step than weights.

use super::super::log::{Log, TensorError};
use super::super::options::Options;
use super::check::{largest_threshold, largest_weight};
use super::codebook::{Code, Levels, fit};
use super::crossbar_of;
use crate::chip::{ChipSpec, CrossbarSpec};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    CrossbarNeuron, Fire, FloatNeuron, Graph, IntGraph, IntNeuron, NegativeReset, NeuronKind, Population, Profile,
    Reset, SpikeReset, parameter,
};

/// Quantises a float network; what crossbar neurons cannot do is refused.
pub fn quantise(graph: &Graph, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<IntGraph> {
    let spec = crossbar_of(chip)?;
    Problems::check(refusals(graph, spec, options), ())?;
    let mut neurons = Vec::new();
    let mut weights: Vec<Vec<i32>> = graph.projections.iter().map(|p| vec![0; p.weights.len()]).collect();
    for (p, population) in graph.populations.iter().enumerate() {
        let neuron = population.neuron.as_ref().map(|neuron| {
            let levels = levels(graph, p, chip, spec, options);
            let groups = Groups::of(graph, p);
            let codes = groups.codes(graph, neuron, &graph.profile, spec, levels);
            groups.weights(graph, &codes, &mut weights, log);
            IntNeuron::Crossbar(registers(population, neuron, &graph.profile, spec, &groups, &codes, log))
        });
        neurons.push(neuron);
    }
    Ok(graph.in_integers(neurons, weights))
}

/// Why the network cannot be quantised for crossbars, all reasons at once.
fn refusals(graph: &Graph, spec: &CrossbarSpec, options: &Options) -> Vec<Problem> {
    let mut found = Vec::new();
    let widest = spec.axon_types.min(4);
    if let Some(bits) = options.weight_bits.filter(|bits| !(1..=widest).contains(bits)) {
        let what = format!("{bits} weight bits are asked for; a source reaches a neuron through {widest} axon types");
        found.push(Problem::misfit("crossbar/weight-bits", "", what).limit(format!("1..={widest}")));
    }
    for projection in &graph.projections {
        let (sources, targets) = projection.pattern.shape();
        let size = |p: usize| graph.populations.get(p).map(Population::size);
        let fits = size(projection.source.index()) == Some(sources)
            && size(projection.target.index()).is_some_and(|size| targets <= size)
            && graph.populations[projection.target.index()].neuron.is_some()
            && projection.weights.iter().all(|weight| weight.is_finite());
        if !fits {
            let place = format!("projection '{}'", projection.name);
            let what = "does not fit its populations, or has weights that are no numbers";
            found.push(Problem::invalid("crossbar/projection", place, what));
        }
    }
    for population in &graph.populations {
        let Some(neuron) = &population.neuron else { continue };
        let place = format!("population '{}'", population.name);
        refuse_neuron(neuron, population.size(), &graph.profile, options, &place, &mut found);
    }
    found
}

/// Why one population cannot be quantised.
fn refuse_neuron(
    neuron: &FloatNeuron,
    size: usize,
    profile: &Profile,
    options: &Options,
    place: &str,
    found: &mut Vec<Problem>,
) {
    let mut refuse =
        |code, what: String, help: &str| found.push(Problem::misfit(code, place, what).help(help.to_owned()));
    match neuron.kind {
        NeuronKind::If | NeuronKind::I => {}
        NeuronKind::Threshold => refuse(
            "crossbar/dynamics",
            "neurons without memory; a crossbar neuron keeps its potential from tick to tick".to_owned(),
            "use IF neurons, or compile for a Loihi-style chip",
        ),
        kind => refuse(
            "crossbar/dynamics",
            format!("{kind:?} neurons decay exponentially; a crossbar neuron leaks a constant each tick"),
            "retrain with IF neurons (a negative bias is a linear leak), or compile for a Loihi-style chip",
        ),
    }
    let lists = [&neuron.r, &neuron.v_threshold, &neuron.v_reset, &neuron.bias];
    let sound =
        |list: &&Vec<f64>| (list.len() <= 1 || list.len() == size) && list.iter().all(|value| value.is_finite());
    let gains_positive = (0..size.min(neuron.r.len().max(1))).all(|n| neuron.gain(profile, n) > 0.0);
    if !lists.iter().all(sound) || !gains_positive {
        let help = "give one value or one a neuron, finite, r above 0";
        found.push(Problem::invalid("crossbar/parameters", place, "parameters are missing or no numbers").help(help));
        return;
    }
    if !neuron.kind.spikes() || options.allow_reset_change {
        return;
    }
    let mut reset = |what: &str| {
        let help = "override the profile (such as --profile sinabs,multi_spike=false), allow the change with \
                    --allow-reset-change, or compile for another chip";
        found.push(Problem::misfit("crossbar/reset", place, what).help(help));
    };
    if profile.multi_spike {
        reset("several spikes a tick; a crossbar neuron sends one bit");
    }
    if profile.reset == Reset::SnntorchSubtract {
        reset("snnTorch's subtraction, which acts again in the next step, is not in the chip");
    }
    if profile.reset == Reset::Value && neuron.v_reset.iter().any(|value| *value != 0.0) {
        reset("resets to a value other than 0, which the stored form +-(2^k - 1) does not hold");
    }
}

/// Axon types of a weight's magnitude where nothing else is asked for and parts sum each sign: seven levels and 0 a sign take
/// three axons, as many as the sixteen values of a neuron that stays whole take four.
const PART_TYPES: u32 = 3;

/// Axon types a source that the fan-in of population `target` leaves room for. Where fan-in splitting is asked for and needed,
/// for want of axons or for the weight bits that were asked for, the types of one sign.
fn levels(graph: &Graph, target: usize, chip: &ChipSpec, spec: &CrossbarSpec, options: &Options) -> Levels {
    let mut fan_in = vec![0_u32; graph.populations[target].size()];
    for projection in graph.projections.iter().filter(|projection| projection.target.index() == target) {
        for source in 0..projection.pattern.shape().0 as u32 {
            projection.pattern.visit(source, |to, weight| {
                fan_in[to as usize] += u32::from(projection.weights[weight as usize] != 0.0);
            });
        }
    }
    let largest = fan_in.into_iter().max().unwrap_or(0).max(1);
    let widest = u32::from(spec.axon_types.clamp(1, 4));
    let fitting = (chip.capacity.axons_in / largest).min(widest);
    let asked = options.weight_bits.map(u32::from);
    if options.split_fan_in.is_some() && (fitting == 0 || asked.is_some_and(|asked| asked > fitting)) {
        return Levels::Signed(asked.unwrap_or(PART_TYPES).clamp(1, widest));
    }
    Levels::Shared(fitting.clamp(1, widest).min(asked.unwrap_or(4)))
}

/// Neurons that share weights and therefore a potential unit.
struct Groups {
    /// Group of every neuron.
    of_neuron: Vec<usize>,
    /// For every projection into the population: its number and the group of every weight (none: unused).
    of_weight: Vec<(usize, Vec<Option<usize>>)>,
    count: usize,
}

impl Groups {
    fn of(graph: &Graph, target: usize) -> Self {
        let size = graph.populations[target].size();
        let mut parent: Vec<usize> = (0..size).collect();
        let mut users = Vec::new();
        for (number, projection) in graph.projections.iter().enumerate() {
            if projection.target.index() != target {
                continue;
            }
            let mut first: Vec<Option<usize>> = vec![None; projection.weights.len()];
            for source in 0..projection.pattern.shape().0 as u32 {
                projection.pattern.visit(source, |to, weight| match first[weight as usize] {
                    None => first[weight as usize] = Some(to as usize),
                    Some(other) => join(&mut parent, other, to as usize),
                });
            }
            users.push((number, first));
        }
        let mut names = vec![None; size];
        let mut count = 0;
        let of_neuron: Vec<usize> = (0..size)
            .map(|neuron| {
                *names[root(&mut parent, neuron)].get_or_insert_with(|| {
                    count += 1;
                    count - 1
                })
            })
            .collect();
        for (_, first) in &mut users {
            first.iter_mut().for_each(|user| *user = user.map(|neuron| of_neuron[neuron]));
        }
        Self { of_neuron, of_weight: users, count }
    }

    /// The code of every group.
    fn codes(
        &self,
        graph: &Graph,
        neuron: &FloatNeuron,
        profile: &Profile,
        spec: &CrossbarSpec,
        levels: Levels,
    ) -> Vec<Code> {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.count];
        for (number, groups) in &self.of_weight {
            let weights = &graph.projections[*number].weights;
            groups
                .iter()
                .zip(weights)
                .for_each(|(group, weight)| values[(*group).unwrap_or(0)].extend(group.map(|_| *weight)));
        }
        // The largest leak and threshold of each group, in weight units.
        let mut peaks = vec![(0.0_f64, 0.0_f64); self.count];
        for (index, &group) in self.of_neuron.iter().enumerate() {
            let threshold = parameter(&neuron.v_threshold, index, 0.0) / neuron.gain(profile, index);
            let peak = &mut peaks[group];
            *peak = (peak.0.max(parameter(&neuron.bias, index, 0.0).abs()), peak.1.max(threshold));
        }
        let limits = (f64::from(largest_weight(spec)), f64::from(largest_threshold(spec)));
        values.iter().zip(peaks).map(|(values, peaks)| fit(values, levels, peaks, limits)).collect()
    }

    /// Integer weights of every projection into the population.
    fn weights(&self, graph: &Graph, codes: &[Code], all: &mut [Vec<i32>], log: &mut Log) {
        for (number, groups) in &self.of_weight {
            let projection = &graph.projections[*number];
            let mut tensor = Tensor::default();
            for (index, (group, &weight)) in groups.iter().zip(&projection.weights).enumerate() {
                let Some(code) = group.map(|group| &codes[group]) else { continue };
                let (value, clipped) = code.weight(weight);
                all[*number][index] = value;
                tensor.add(weight - f64::from(value) * code.step, code.step, clipped);
            }
            log.tensors.push(tensor.named(format!("{}.weight", projection.name)));
        }
    }
}

fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b)] = a.min(b);
}

/// Integer registers of a population.
fn registers(
    population: &Population<FloatNeuron>,
    neuron: &FloatNeuron,
    profile: &Profile,
    spec: &CrossbarSpec,
    groups: &Groups,
    codes: &[Code],
    log: &mut Log,
) -> CrossbarNeuron {
    let (mut thresholds, mut leaks) = (Tensor::default(), Tensor::default());
    let (mut alpha, mut leak) = (Vec::new(), Vec::new());
    for (index, &group) in groups.of_neuron.iter().enumerate() {
        let step = codes[group].step;
        // In weight units, like the codes: the membrane over what an input of 1 adds to it.
        let wanted = parameter(&neuron.v_threshold, index, 0.0) / neuron.gain(profile, index);
        let exact = wanted / step;
        let near = exact.round();
        let exact = if (exact - near).abs() < 1e-6 * near.abs().max(1.0) { near } else { exact };
        let value = if profile.fire == Fire::Above { exact.floor() + 1.0 } else { exact.ceil() };
        let clamped = value.clamp(0.0, f64::from(largest_threshold(spec)));
        thresholds.add(wanted - clamped * step, step, clamped != value);
        alpha.push(clamped as u32);
        let bias = parameter(&neuron.bias, index, 0.0);
        let value = (bias / step).round();
        let clamped = value.clamp(-f64::from(largest_weight(spec)), f64::from(largest_weight(spec)));
        leaks.add(bias - clamped * step, step, clamped != value);
        leak.push(clamped as i16);
    }
    let name = &population.name;
    if neuron.recurrent_bias.iter().any(|bias| *bias != 0.0) && !profile.recurrent_bias_at_start {
        log.warn("quantise", format!("{name}: the bias of recurrent connections acts from the first tick"));
    }
    if neuron.v_initial.iter().any(|initial| *initial != 0.0) {
        log.warn("quantise", format!("{name}: membranes start at 0, not as the network says"));
    }
    if leak.iter().any(|value| *value != 0) {
        log.tensors.push(leaks.named(format!("{name}.bias")));
    } else {
        leak.truncate(1);
    }
    let spikes = neuron.kind.spikes();
    if spikes {
        log.tensors.push(thresholds.named(format!("{name}.v_threshold")));
    }
    CrossbarNeuron {
        leak,
        threshold: spikes.then_some(alpha),
        // A float membrane has no floor: the lowest that the chip has.
        negative_threshold: vec![largest_threshold(spec)],
        reset_value: vec![0],
        initial: vec![0],
        spike_reset: match profile.reset {
            Reset::Value => SpikeReset::Value,
            Reset::Subtract | Reset::SnntorchSubtract => SpikeReset::Linear,
            Reset::None => SpikeReset::None,
        },
        negative_reset: NegativeReset::Saturate,
    }
}

/// Errors of one tensor as they come.
#[derive(Default)]
struct Tensor {
    values: usize,
    step: f64,
    max_error: f64,
    squares: f64,
    saturated: usize,
}

impl Tensor {
    fn add(&mut self, error: f64, step: f64, saturated: bool) {
        self.values += 1;
        self.step = self.step.max(step);
        self.max_error = self.max_error.max(error.abs());
        self.squares += error * error;
        self.saturated += usize::from(saturated);
    }

    /// The entry of the log; the step is the coarsest of all groups.
    fn named(self, name: String) -> TensorError {
        let rms_error = (self.squares / self.values.max(1) as f64).sqrt();
        let Self { values, step, max_error, saturated, .. } = self;
        TensorError { name, values, step, max_error, rms_error, saturated }
    }
}
