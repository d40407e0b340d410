//! From NIR nodes to populations and projections: each path of linear nodes from a spiking node (or input) to the
//! next becomes one projection.

use super::compose::Linear;
use super::maps::{self, Scope};
use super::node::{Graph as Nir, Neuron, Op};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Dynamics, FloatNeuron, Graph, NeuronKind, Output, Population, Profile, Projection};
use crate::ids::PopulationId;

/// Most paths into one node, and most nodes of a path.
const MAX_PATHS: usize = 4096;

/// Lowers a flat graph. Leniencies go to `notes`.
pub(super) fn lower(nir: &Nir, name: &str, file: &str, profile: Profile, notes: &mut Vec<String>) -> Result<Graph> {
    let mut lowering =
        Lowering { nir, file, profile, notes, found: Vec::new(), populations: Vec::new(), shapes: Vec::new() };
    lowering.place_populations();
    let graph = lowering.graph(name);
    let found = std::mem::take(&mut lowering.found);
    Problems::check(found, graph)
}

struct Lowering<'a> {
    nir: &'a Nir,
    file: &'a str,
    profile: Profile,
    notes: &'a mut Vec<String>,
    found: Vec<Problem>,
    /// Node numbers of the populations, in order.
    populations: Vec<usize>,
    /// Their shapes.
    shapes: Vec<Vec<u32>>,
}

impl Lowering<'_> {
    fn bad(&mut self, node: usize, code: &'static str, what: impl Into<String>) {
        let place = format!("{} node '{}'", self.file, self.nir.nodes[node].0);
        self.found.push(Problem::invalid(code, place, what));
    }

    fn before(&self, node: usize) -> Vec<usize> {
        self.nir.edges.iter().filter(|edge| edge.1 == node).map(|edge| edge.0).collect()
    }

    /// Inputs in the order of names, then neurons in the order in which a walk from the inputs meets them.
    fn place_populations(&mut self) {
        let nodes = &self.nir.nodes;
        let mut queue: Vec<usize> = (0..nodes.len()).filter(|&n| matches!(nodes[n].1, Op::Input(_))).collect();
        if queue.is_empty() {
            let problem = Problem::invalid("graph/nir", self.file, "the network has no Input node");
            self.found.push(problem.help("export it again"));
        }
        let mut seen = vec![false; nodes.len()];
        queue.iter().for_each(|&node| seen[node] = true);
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            at += 1;
            for &(_, to) in self.nir.edges.iter().filter(|edge| edge.0 == node) {
                if !std::mem::replace(&mut seen[to], true) {
                    queue.push(to);
                }
            }
        }
        let unreached = (0..nodes.len()).filter(|&n| !seen[n] && matches!(nodes[n].1, Op::Neuron(_)));
        queue.extend(unreached.collect::<Vec<_>>());
        self.populations = queue.into_iter().filter(|&n| matches!(nodes[n].1, Op::Input(_) | Op::Neuron(_))).collect();
        self.shapes = vec![Vec::new(); self.populations.len()];
        for index in 0..self.populations.len() {
            self.shapes[index] = self.shape(self.populations[index]);
        }
    }

    fn population(&self, node: usize) -> Option<usize> {
        self.populations.iter().position(|&population| population == node)
    }

    /// The shape of a population: its parameters', or for scalars what arrives on a path from populations whose
    /// shape is known already. Inputs lose the batch and time that their first reader does not take.
    fn shape(&mut self, node: usize) -> Vec<u32> {
        match &self.nir.nodes[node].1 {
            Op::Input(shape) => self.input_shape(node, shape.clone()),
            Op::Neuron(neuron) => {
                let own: Vec<u32> = neuron.shape.clone();
                let arriving = self.arriving(node);
                let count = |shape: &[u32]| shape.iter().map(|&extent| u64::from(extent)).product::<u64>();
                match arriving {
                    Some(shape) if count(&own) == 1 || count(&own) == count(&shape) => shape,
                    Some(shape) => {
                        let what = format!("{own:?} parameters, but {shape:?} arrives");
                        self.bad(node, "graph/nir-shape", what);
                        shape
                    }
                    None if own.is_empty() => vec![1],
                    None => own,
                }
            }
            _ => Vec::new(),
        }
    }

    fn input_shape(&mut self, node: usize, shape: Vec<u32>) -> Vec<u32> {
        let mut next = node;
        let mut keep = shape.len();
        // Scale and Delay leave the shape open: look behind them.
        for _ in 0..self.nir.nodes.len() {
            let Some(&(_, to)) = self.nir.edges.iter().find(|edge| edge.0 == next) else { break };
            next = to;
            keep = match &self.nir.nodes[to].1 {
                Op::Affine { weight, .. } if shape.last().map(|&n| n as usize) == weight.shape.last().copied() => 1,
                Op::Conv { flat, .. } => {
                    if *flat {
                        2
                    } else {
                        3
                    }
                }
                Op::Pool { .. } => 3,
                Op::Neuron(neuron) if !neuron.shape.is_empty() => neuron.shape.len(),
                Op::Scale(array) | Op::Delay(array) if array.values.len() > 1 => array.shape.len(),
                Op::Scale(_) | Op::Delay(_) => continue,
                _ => keep,
            };
            break;
        }
        if keep >= shape.len() {
            return shape;
        }
        let kept = shape[shape.len() - keep..].to_vec();
        self.notes
            .push(format!("input '{}': shape {shape:?} holds batch or time, read as {kept:?}", self.nir.nodes[node].0));
        kept
    }

    /// The shape that arrives at a node on its first path whose source has a shape.
    fn arriving(&mut self, node: usize) -> Option<Vec<u32>> {
        for path in self.paths(node, false) {
            let source = self.population(path[0])?;
            if self.shapes[source].is_empty() {
                continue;
            }
            let scope = Scope { nir: self.nir, dt: self.profile.dt };
            if let Ok(chain) = maps::chain(&scope, &path[1..], &self.shapes[source]) {
                return Some(chain.shape);
            }
        }
        None
    }

    /// All paths of linear nodes from a population to `node`: the population's node, then the linear ones.
    fn paths(&mut self, node: usize, report: bool) -> Vec<Vec<usize>> {
        let mut done = Vec::new();
        let mut open: Vec<Vec<usize>> = self.before(node).into_iter().map(|before| vec![before]).collect();
        while let Some(path) = open.pop() {
            let last = path[path.len() - 1];
            if matches!(self.nir.nodes[last].1, Op::Input(_) | Op::Neuron(_)) {
                done.push(path.into_iter().rev().collect());
                continue;
            }
            if path.len() > MAX_PATHS || open.len() + done.len() > MAX_PATHS {
                if report {
                    self.bad(node, "graph/nir", "too many paths lead here");
                }
                return Vec::new();
            }
            for before in self.before(last) {
                if path.contains(&before) {
                    if report {
                        self.bad(before, "graph/nir-loop", "lies on a loop without a neuron");
                    }
                    continue;
                }
                open.push(path.iter().copied().chain([before]).collect());
            }
        }
        done.sort_unstable();
        done
    }

    fn graph(&mut self, name: &str) -> Graph {
        let mut populations = Vec::new();
        for index in 0..self.populations.len() {
            let (name, op) = &self.nir.nodes[self.populations[index]];
            let neuron = match op {
                Op::Neuron(neuron) => Some(self.float_neuron(name, neuron)),
                _ => None,
            };
            populations.push(Population { name: name.clone(), shape: self.shapes[index].clone(), neuron });
        }
        let mut graph = Graph {
            name: name.to_owned(),
            populations,
            projections: Vec::new(),
            outputs: Vec::new(),
            profile: self.profile.clone(),
        };
        for index in 0..self.populations.len() {
            let node = self.populations[index];
            if matches!(self.nir.nodes[node].1, Op::Input(_)) {
                continue;
            }
            for path in self.paths(node, true) {
                self.project(&mut graph, &path, node, index);
            }
        }
        self.outputs(&mut graph);
        graph
    }

    /// Adds the projection of a path and its bias.
    fn project(&mut self, graph: &mut Graph, path: &[usize], node: usize, target: usize) {
        let Some(source) = self.population(path[0]) else { return };
        if graph.populations[source].neuron.as_ref().is_some_and(|neuron| !neuron.kind.spikes()) {
            let what = format!("hands its membrane on to '{}': only spikes travel on a chip", self.nir.nodes[node].0);
            return self.bad(path[0], "graph/nir-analog", what);
        }
        let scope = Scope { nir: self.nir, dt: self.profile.dt };
        let chain = match maps::chain(&scope, &path[1..], &self.shapes[source]) {
            Ok(chain) => chain,
            Err((at, what)) => return self.bad(at, "graph/nir-shape", what),
        };
        for note in chain.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        let Linear { pattern, weights, bias, targets } = chain.map;
        if targets != graph.populations[target].size() {
            let what = format!("takes {} values, but {targets} arrive", graph.populations[target].size());
            return self.bad(node, "graph/nir-shape", what);
        }
        let recurrent = self.reaches(node, path[0]);
        if let Some(neuron) = &mut graph.populations[target].neuron
            && bias.iter().any(|&value| value != 0.0)
        {
            add(&mut neuron.bias, &bias);
            if recurrent {
                add(&mut neuron.recurrent_bias, &bias);
            }
        }
        let names: Vec<&str> = path[1..].iter().map(|&node| self.nir.nodes[node].0.as_str()).collect();
        let ends = format!("{}->{}", graph.populations[source].name, graph.populations[target].name);
        let name = if names.is_empty() { ends } else { format!("{ends} ({})", names.join(", ")) };
        graph.projections.push(Projection {
            name,
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern,
            weights,
            exponent: 0,
            delays: chain.delays,
        });
    }

    /// Whether spikes of `from` can come to `to`.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.nir.nodes.len()];
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(self.nir.edges.iter().filter(|edge| edge.0 == node).map(|edge| edge.1));
            }
        }
        false
    }

    fn outputs(&mut self, graph: &mut Graph) {
        for node in 0..self.nir.nodes.len() {
            let (name, Op::Output) = &self.nir.nodes[node] else { continue };
            for path in self.paths(node, true) {
                let Some(source) = self.population(path[0]) else { continue };
                let mut read = source;
                if path[1..].iter().any(|&node| !matches!(self.nir.nodes[node].1, Op::Flatten)) {
                    read = graph.populations.len();
                    self.sum_at_output(graph, &path, node, read);
                } else if graph.populations[source].is_input() {
                    self.bad(node, "graph/nir", "reads an input directly: there is no neuron between");
                }
                if read < graph.populations.len() {
                    graph.outputs.push(Output { name: name.clone(), population: PopulationId::from(read) });
                }
            }
        }
        if graph.outputs.is_empty() && self.found.is_empty() {
            let problem = Problem::invalid("graph/no-output", self.file, "no neuron leads to an Output node");
            self.found.push(problem.help("export it again"));
        }
    }

    /// A linear node at the output has no neuron of its own: its values are summed over time.
    fn sum_at_output(&mut self, graph: &mut Graph, path: &[usize], node: usize, target: usize) {
        let Some(source) = self.population(path[0]) else { return };
        let scope = Scope { nir: self.nir, dt: self.profile.dt };
        let shape = match maps::chain(&scope, &path[1..], &self.shapes[source]) {
            Ok(chain) => chain.shape,
            Err((at, what)) => return self.bad(at, "graph/nir-shape", what),
        };
        let r = if self.profile.dynamics == Dynamics::DecayThenAdd { 1.0 } else { 1.0 / self.profile.dt };
        let name = self.nir.nodes[path[path.len() - 1]].0.clone();
        self.notes.push(format!("'{name}' leads to the output without a neuron: its values are summed over time"));
        graph.populations.push(Population { name, shape, neuron: Some(integrator(r)) });
        self.project(graph, path, node, target);
    }

    fn float_neuron(&mut self, name: &str, neuron: &Neuron) -> FloatNeuron {
        let cuba = matches!(neuron.kind, NeuronKind::CubaLif | NeuronKind::CubaLi);
        let mut float = FloatNeuron {
            kind: neuron.kind,
            tau_mem: neuron.tau_mem.clone(),
            tau_syn: neuron.tau_syn.clone(),
            r: neuron.r.clone(),
            v_leak: neuron.v_leak.clone(),
            v_threshold: neuron.v_threshold.clone(),
            v_reset: neuron.v_reset.clone(),
            w_in: neuron.w_in.clone(),
            bias: Vec::new(),
            recurrent_bias: Vec::new(),
            v_initial: Vec::new(),
        };
        let dt = self.profile.dt;
        let taus = neuron.tau_mem.iter().chain(&neuron.tau_syn);
        if self.profile.dynamics == Dynamics::Euler && taus.copied().any(|tau| tau < 0.999 * dt) {
            self.notes.push(format!(
                "'{name}': a time constant is shorter than dt = {dt} s: Euler steps overshoot; is dt right?"
            ));
        }
        if self.profile.name == "norse" && cuba && neuron.w_in == [1.0] {
            // Norse adds its input to the current unscaled, but writes w_in = 1.
            float.w_in = neuron.tau_syn.iter().map(|tau| tau / dt).collect();
            self.notes.push(format!("'{name}': w_in = 1 of Norse means unscaled input: w_in = tau_syn / dt"));
        }
        if self.profile.name == "rockpool" && !neuron.tau_mem.is_empty() {
            // Rockpool's r carries tau/dt, which its integrator does not apply.
            let tau = |at: usize| neuron.tau_mem.get(at).unwrap_or(&neuron.tau_mem[0]);
            let count = neuron.r.len().max(neuron.tau_mem.len());
            let r = |at: usize| neuron.r.get(at).or(neuron.r.first()).copied().unwrap_or(1.0);
            float.r = (0..count).map(|at| r(at) * dt / tau(at)).collect();
            self.notes.push(format!("'{name}': r = r dt / tau, as Rockpool applies it"));
        }
        float
    }
}

/// Adds `more` to a vector that may be empty.
fn add(sum: &mut Vec<f64>, more: &[f64]) {
    sum.resize(more.len(), 0.0);
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn integrator(r: f64) -> FloatNeuron {
    FloatNeuron {
        kind: NeuronKind::I,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        r: vec![r],
        v_leak: vec![0.0],
        v_threshold: Vec::new(),
        v_reset: vec![0.0],
        w_in: vec![1.0],
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    }
}
