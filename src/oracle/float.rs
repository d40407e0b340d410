//! The float reference: every neuron equation of [`NeuronKind`] under every [`crate::graph::Profile`], one tick after the
//! other, spikes scattered through the patterns.
//!
//! Populations are updated in an order in which feed-forward spikes arrive in the tick of their emission;
//! projections against that order are the recurrent ones, and take one tick.

use crate::diag::{Problem, Result};
use crate::graph::{Delays, Dynamics, Fire, FloatNeuron, Graph, NeuronKind, Profile, Reset, ResetTime};
use crate::stimulus::Sample;

/// What a float run gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FloatRun {
    /// `spikes[population]` holds (tick, neuron, count), ascending; inputs are left empty.
    pub spikes: Vec<Vec<(u32, u32, u16)>>,
    /// `membranes[population][neuron]` after the last tick; inputs are left empty.
    pub membranes: Vec<Vec<f64>>,
    /// Largest magnitude of the synaptic input x (bias included) of each population; 0 for inputs.
    pub peak_input: Vec<f64>,
    /// Largest magnitude of the membrane before reset of each population; 0 for inputs.
    pub peak_membrane: Vec<f64>,
}

/// Runs one sample from the reset state for `sample.ticks` ticks.
///
/// # Errors
/// `oracle/input` where the sample names an input that the network does not have.
pub fn run(graph: &Graph, sample: &Sample) -> Result<FloatRun> {
    let graph = &*graph.expanded();
    let mut first_input = vec![0usize; graph.populations.len()];
    let mut inputs = 0;
    for (index, population) in graph.populations.iter().enumerate() {
        first_input[index] = inputs;
        inputs += if population.is_input() { population.size() } else { 0 };
    }
    if let Some(spike) = sample.spikes.iter().find(|spike| spike.input as usize >= inputs) {
        let problem = Problem::invalid("oracle/input", &sample.name, format!("a spike of input {}", spike.input));
        return Err(problem.limit(format!("{inputs} inputs")).into());
    }
    let plan = order(graph);
    let mut layers = graph.populations.iter().map(|population| Layer::new(graph, population)).collect::<Vec<_>>();
    let mut pending = Pending::new(graph, &plan);
    let mut run = FloatRun { spikes: vec![Vec::new(); layers.len()], ..FloatRun::default() };
    let mut next = 0;
    for tick in 0..sample.ticks {
        let from = next;
        while sample.spikes.get(next).is_some_and(|spike| spike.tick <= tick) {
            next += 1;
        }
        for &population in &plan.sequence {
            let layer = &mut layers[population];
            layer.fired.clear();
            if graph.populations[population].is_input() {
                let (first, last) = (first_input[population], first_input[population] + layer.size);
                let mine = sample.spikes[from..next].iter().filter(|s| s.tick == tick);
                let mine = mine.filter(|s| (first..last).contains(&(s.input as usize)));
                layer.fired.extend(mine.map(|s| (s.input - first as u32, s.value)));
            } else {
                layer.step(pending.take(population, tick), &graph.profile, tick);
                run.spikes[population].extend(layer.fired.iter().map(|&(neuron, count)| (tick, neuron, count)));
            }
            pending.scatter(graph, &plan, population, &layers[population].fired, tick);
        }
    }
    run.peak_input = layers.iter().map(|layer| layer.peak_input).collect();
    run.peak_membrane = layers.iter().map(|layer| layer.peak_membrane).collect();
    run.membranes = layers.into_iter().map(|layer| layer.v).collect();
    Ok(run)
}

/// The populations in order of update, and for each projection whether it is recurrent.
struct Plan {
    sequence: Vec<usize>,
    recurrent: Vec<bool>,
    /// Projections by source population.
    outgoing: Vec<Vec<usize>>,
}

/// Reverse postorder of a depth-first walk from the inputs in graph order.
fn order(graph: &Graph) -> Plan {
    let count = graph.populations.len();
    let mut outgoing = vec![Vec::new(); count];
    for (index, projection) in graph.projections.iter().enumerate() {
        outgoing[projection.source.index()].push(index);
    }
    let mut sequence = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    let (inputs, others): (Vec<usize>, Vec<usize>) = (0..count).partition(|&p| graph.populations[p].is_input());
    for start in inputs.into_iter().chain(others) {
        let mut stack = if seen[start] { Vec::new() } else { vec![(start, 0)] };
        seen[start] = true;
        while let Some((population, at)) = stack.last_mut() {
            match outgoing[*population].get(*at) {
                None => {
                    sequence.push(*population);
                    stack.pop();
                }
                Some(&projection) => {
                    *at += 1;
                    let target = graph.projections[projection].target.index();
                    if !seen[target] {
                        seen[target] = true;
                        stack.push((target, 0));
                    }
                }
            }
        }
    }
    sequence.reverse();
    let mut rank = vec![0; count];
    for (position, &population) in sequence.iter().enumerate() {
        rank[population] = position;
    }
    let recurrent = graph.projections.iter().map(|p| rank[p.target.index()] <= rank[p.source.index()]).collect();
    Plan { sequence, recurrent, outgoing }
}

/// Inputs on their way: a ring of sums for each population, indexed by tick.
struct Pending {
    rings: Vec<Vec<Vec<f64>>>,
}

impl Pending {
    fn new(graph: &Graph, plan: &Plan) -> Self {
        let mut longest = vec![0usize; graph.populations.len()];
        for (projection, &recurrent) in graph.projections.iter().zip(&plan.recurrent) {
            let delay = match &projection.delays {
                Delays::Uniform(ticks) => *ticks,
                Delays::PerWeight(ticks) => ticks.iter().copied().max().unwrap_or(0),
            };
            let longest = &mut longest[projection.target.index()];
            *longest = (*longest).max(usize::from(delay) + usize::from(recurrent));
        }
        let ring = |(population, longest): (&crate::graph::Population<_>, usize)| {
            vec![vec![0.0; if population.is_input() { 0 } else { population.size() }]; longest + 1]
        };
        Self { rings: graph.populations.iter().zip(longest).map(ring).collect() }
    }

    /// The inputs of this tick; the caller leaves them zeroed.
    fn take(&mut self, population: usize, tick: u32) -> &mut [f64] {
        let ring = &mut self.rings[population];
        let row = tick as usize % ring.len();
        &mut ring[row]
    }

    fn scatter(&mut self, graph: &Graph, plan: &Plan, population: usize, fired: &[(u32, u16)], tick: u32) {
        for &index in &plan.outgoing[population] {
            let projection = &graph.projections[index];
            let ring = &mut self.rings[projection.target.index()];
            let rows = ring.len();
            let now = tick as usize + usize::from(plan.recurrent[index]);
            let weights = &projection.weights;
            for &(source, count) in fired {
                let count = f64::from(count);
                match &projection.delays {
                    Delays::Uniform(delay) => {
                        let row = &mut ring[(now + usize::from(*delay)) % rows];
                        let add = |target, weight| row[target as usize] += count * weights[weight as usize];
                        let mut add = add;
                        projection.pattern.visit(source, &mut add);
                    }
                    Delays::PerWeight(delays) => projection.pattern.visit(source, |target, weight| {
                        let row = (now + usize::from(delays[weight as usize])) % rows;
                        ring[row][target as usize] += count * weights[weight as usize];
                    }),
                }
            }
        }
    }
}

/// Factors of one neuron for one tick: `i = i * keep_i + gain_i * x`, `v = v * keep_v + rest + gain_v * i`.
#[derive(Clone, Copy)]
struct Step {
    keep_i: f64,
    gain_i: f64,
    keep_v: f64,
    rest: f64,
    gain_v: f64,
    threshold: f64,
    reset: f64,
    bias: f64,
    first_bias: f64,
}

/// State of one population.
struct Layer {
    size: usize,
    kind: Option<NeuronKind>,
    steps: Vec<Step>,
    i: Vec<f64>,
    v: Vec<f64>,
    /// Spikes (snnTorch: reset signals) of the last tick, where the reset acts in the next.
    owed: Vec<bool>,
    fired: Vec<(u32, u16)>,
    peak_input: f64,
    peak_membrane: f64,
}

impl Layer {
    fn new(graph: &Graph, population: &crate::graph::Population<FloatNeuron>) -> Self {
        let size = population.size();
        let neurons = if population.is_input() { 0 } else { size };
        let steps = population.neuron.as_ref().map_or(Vec::new(), |neuron| steps(neuron, size, &graph.profile));
        Self {
            size,
            kind: population.neuron.as_ref().map(|neuron| neuron.kind),
            steps,
            i: vec![0.0; neurons],
            // A leaky membrane starts at 0 as in the frameworks, not at v_leak.
            v: match population.neuron.as_ref().map_or(&[][..], |neuron| &neuron.v_initial) {
                [] => vec![0.0; neurons],
                [one] => vec![*one; neurons],
                each => each.to_vec(),
            },
            owed: vec![false; neurons],
            fired: Vec::new(),
            peak_input: 0.0,
            peak_membrane: 0.0,
        }
    }

    /// Updates all neurons with the inputs `x`, which are left zeroed.
    fn step(&mut self, x: &mut [f64], profile: &Profile, tick: u32) {
        let Some(kind) = self.kind else { return };
        for (neuron, (x, step)) in x.iter_mut().zip(&self.steps).enumerate() {
            let input = std::mem::take(x) + if tick == 0 { step.first_bias } else { step.bias };
            self.peak_input = self.peak_input.max(input.abs());
            let v = &mut self.v[neuron];
            if kind == NeuronKind::Threshold {
                *v = input;
            } else {
                let i = &mut self.i[neuron];
                *i = *i * step.keep_i + step.gain_i * input;
                *v = *v * step.keep_v + step.rest + step.gain_v * *i;
            }
            self.peak_membrane = self.peak_membrane.max(v.abs());
            if !kind.spikes() {
                continue;
            }
            let count = fire(v, &mut self.owed[neuron], kind, step, profile);
            if count > 0 {
                self.fired.push((neuron as u32, count));
            }
        }
    }
}

/// Compares, resets, and returns the number of spikes.
fn fire(v: &mut f64, owed: &mut bool, kind: NeuronKind, step: &Step, profile: &Profile) -> u16 {
    let above = |v: f64| match profile.fire {
        Fire::Above => v > step.threshold,
        Fire::AtOrAbove => v >= step.threshold,
    };
    if kind == NeuronKind::Threshold {
        return u16::from(above(*v));
    }
    let reset = |v: &mut f64, spikes: f64| match profile.reset {
        Reset::Value => *v = step.reset,
        Reset::Subtract | Reset::SnntorchSubtract => *v -= spikes * step.threshold,
        Reset::None => {}
    };
    let was_owed = std::mem::take(owed);
    if was_owed {
        reset(v, 1.0);
    }
    let count = match (above(*v), profile.multi_spike) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => (*v / step.threshold).floor().clamp(1.0, f64::from(u16::MAX)) as u16,
    };
    match (profile.reset_time, profile.reset) {
        (ResetTime::Next, _) => *owed = count > 0,
        (ResetTime::Same, Reset::SnntorchSubtract) => {
            *v -= (f64::from(count) - f64::from(u8::from(was_owed))) * step.threshold;
            *owed = above(*v);
        }
        (ResetTime::Same, _) if count > 0 => reset(v, f64::from(count)),
        (ResetTime::Same, _) => {}
    }
    count
}

/// The factors of each neuron.
fn steps(neuron: &FloatNeuron, size: usize, profile: &Profile) -> Vec<Step> {
    let at = |values: &[f64], index: usize, default: f64| match values {
        [] => default,
        [one] => *one,
        each => each[index],
    };
    let dt = profile.dt;
    let leaky = matches!(neuron.kind, NeuronKind::Lif | NeuronKind::Li | NeuronKind::CubaLif | NeuronKind::CubaLi);
    let cuba = matches!(neuron.kind, NeuronKind::CubaLif | NeuronKind::CubaLi);
    let unleaky = if profile.dynamics == Dynamics::DecayThenAdd { 1.0 } else { dt };
    (0..size)
        .map(|n| {
            let (r, w_in, v_leak) = (at(&neuron.r, n, 1.0), at(&neuron.w_in, n, 1.0), at(&neuron.v_leak, n, 0.0));
            // (kept, gain of the input, gain of the rest) of a first-order filter.
            let filter = |tau: f64| match profile.dynamics {
                Dynamics::Euler => (1.0 - dt / tau, dt / tau, dt / tau),
                Dynamics::ZeroOrderHold => ((-dt / tau).exp(), 1.0 - (-dt / tau).exp(), 1.0 - (-dt / tau).exp()),
                Dynamics::DecayThenAdd => ((-dt / tau).exp(), 1.0, 1.0 - (-dt / tau).exp()),
            };
            let (keep_i, gain_i, _) = if cuba { filter(at(&neuron.tau_syn, n, 1.0)) } else { (0.0, 1.0, 0.0) };
            let (keep_v, gain_v, gain_rest) =
                if leaky { filter(at(&neuron.tau_mem, n, 1.0)) } else { (1.0, unleaky, 0.0) };
            let bias = at(&neuron.bias, n, 0.0);
            let late = if profile.recurrent_bias_at_start { 0.0 } else { at(&neuron.recurrent_bias, n, 0.0) };
            Step {
                keep_i,
                gain_i: gain_i * if cuba { w_in } else { 1.0 },
                keep_v,
                rest: gain_rest * v_leak,
                gain_v: gain_v * r,
                threshold: at(&neuron.v_threshold, n, f64::INFINITY),
                reset: at(&neuron.v_reset, n, 0.0),
                bias,
                first_bias: bias - late,
            }
        })
        .collect()
}
