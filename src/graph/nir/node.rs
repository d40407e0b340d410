//! The 19 primitives of NIR (Pedersen et al. 2024), parsed from their HDF5 groups.

use super::hdf5::{Data, Tree};
use crate::diag::{Problem, nearest};
use crate::graph::NeuronKind;

/// Type names as they are stored.
const TYPES: [&str; 19] = [
    "Input",
    "Output",
    "NIRGraph",
    "Affine",
    "Linear",
    "Scale",
    "Conv1d",
    "Conv2d",
    "SumPool2d",
    "AvgPool2d",
    "Flatten",
    "Delay",
    "Threshold",
    "I",
    "IF",
    "LI",
    "LIF",
    "CubaLI",
    "CubaLIF",
];
/// Deepest nesting of NIR graphs.
const MAX_NESTING: usize = 16;

/// A numeric array.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::graph) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// Padding of a convolution.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Pad {
    Zero([u32; 2]),
    Same,
    /// Cells before and behind.
    Sides([u32; 2], [u32; 2]),
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Op {
    Input(Vec<u32>),
    Output,
    Graph(Graph),
    Affine {
        weight: Array,
        bias: Option<Vec<f64>>,
    },
    Scale(Array),
    /// A one-dimensional convolution has kernel, stride and dilation 1 in y.
    Conv {
        weight: Array,
        bias: Option<Vec<f64>>,
        stride: [u32; 2],
        padding: Pad,
        dilation: [u32; 2],
        groups: u32,
        input: Option<[u32; 2]>,
        flat: bool,
    },
    Pool {
        kernel: [u32; 2],
        stride: [u32; 2],
        padding: [u32; 2],
        average: bool,
    },
    Flatten,
    Delay(Array),
    Neuron(Neuron),
}

/// A neuron node as stored.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) struct Neuron {
    pub kind: NeuronKind,
    pub tau_mem: Vec<f64>,
    pub tau_syn: Vec<f64>,
    pub r: Vec<f64>,
    pub v_leak: Vec<f64>,
    pub v_threshold: Vec<f64>,
    pub v_reset: Vec<f64>,
    pub w_in: Vec<f64>,
    /// Shape of the largest parameter; empty where all are scalars.
    pub shape: Vec<u32>,
}

/// A graph with its nodes in the order of names, and edges by node number.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::graph) struct Graph {
    pub nodes: Vec<(String, Op)>,
    pub edges: Vec<(usize, usize)>,
}

/// Parses a NIRGraph group; problems go to `found`, each with the node's path.
pub(super) fn graph(tree: &Tree, path: &str, depth: usize, found: &mut Vec<Problem>) -> Graph {
    let mut graph = Graph::default();
    if depth > MAX_NESTING {
        found.push(Problem::invalid("graph/nir", path, "graphs are nested too deep").limit(MAX_NESTING.to_string()));
        return graph;
    }
    let Some(nodes) = tree.groups.get("nodes") else {
        found.push(incomplete(path, "it has no 'nodes'"));
        return graph;
    };
    for (name, group) in &nodes.groups {
        let place = format!("{path} node '{name}'");
        if let Some(op) = (Fields { tree: group, place: &place, found }).op(depth) {
            graph.nodes.push((name.clone(), op));
        }
    }
    let Some(Data::Text(edges)) = tree.data.get("edges") else {
        if !matches!(tree.data.get("edges"), Some(Data::Numbers { values, .. }) if values.is_empty()) {
            found.push(incomplete(path, "it has no 'edges'"));
        }
        return graph;
    };
    if !edges.len().is_multiple_of(2) {
        found.push(Problem::invalid("graph/nir", path, format!("{} names in edges, an odd number", edges.len())));
    }
    for edge in edges.chunks_exact(2) {
        let mut end = |name: &String| {
            let at = graph.nodes.iter().position(|(node, _)| node == name);
            if at.is_none() && !nodes.groups.contains_key(name) {
                let what = format!("edge '{}' -> '{}' names a node that is not there", edge[0], edge[1]);
                let known = graph.nodes.iter().map(|(node, _)| node.as_str());
                let help = nearest(name, known).map_or(String::new(), |near| format!("; did it mean '{near}'?"));
                found.push(
                    Problem::invalid("graph/nir-edge", path, what).help(format!("export the network again{help}")),
                );
            }
            at
        };
        if let (Some(from), Some(to)) = (end(&edge[0]), end(&edge[1]))
            && !graph.edges.contains(&(from, to))
        {
            graph.edges.push((from, to));
        }
    }
    // The order in the file is that of a set: fix one.
    graph.edges.sort_unstable();
    graph
}

fn incomplete(path: &str, what: &str) -> Problem {
    Problem::invalid("graph/nir", path, format!("the NIR graph is incomplete: {what}"))
        .help("the exporter failed half-way (scalar parameters or None fields cannot be written): export again")
}

/// Access to the fields of one node with problems collected.
struct Fields<'a> {
    tree: &'a Tree,
    place: &'a str,
    found: &'a mut Vec<Problem>,
}

impl Fields<'_> {
    fn bad(&mut self, what: String) {
        self.found.push(Problem::invalid("graph/nir", self.place, what));
    }

    fn op(&mut self, depth: usize) -> Option<Op> {
        let Some(kind) = self.text("type") else {
            self.found.push(incomplete(self.place, "the node has no 'type'"));
            return None;
        };
        Some(match kind.as_str() {
            "Input" => Op::Input(self.shape("shape")?),
            "Output" => Op::Output,
            "NIRGraph" => Op::Graph(graph(self.tree, self.place, depth + 1, self.found)),
            "Affine" | "Linear" => {
                let weight = self.array("weight")?;
                Op::Affine { weight, bias: if kind == "Affine" { self.bias() } else { None } }
            }
            "Scale" => Op::Scale(self.array("scale")?),
            "Conv1d" | "Conv2d" => self.conv(kind == "Conv1d")?,
            "SumPool2d" | "AvgPool2d" => {
                let kernel = self.pair("kernel_size", None)?;
                Op::Pool {
                    kernel,
                    stride: self.pair("stride", Some(kernel))?,
                    padding: self.pair("padding", Some([0; 2]))?,
                    average: kind == "AvgPool2d",
                }
            }
            "Flatten" => Op::Flatten,
            "Delay" => Op::Delay(self.array("delay")?),
            _ => return self.neuron(&kind).map(Op::Neuron),
        })
    }

    fn neuron(&mut self, kind: &str) -> Option<Neuron> {
        let kind = match kind {
            "Threshold" => NeuronKind::Threshold,
            "I" => NeuronKind::I,
            "IF" => NeuronKind::If,
            "LI" => NeuronKind::Li,
            "LIF" => NeuronKind::Lif,
            "CubaLI" => NeuronKind::CubaLi,
            "CubaLIF" => NeuronKind::CubaLif,
            other => {
                let near = nearest(other, TYPES).map_or(String::new(), |near| format!("did it mean '{near}'? "));
                let problem = Problem::invalid("graph/nir-type", self.place, format!("'{other}' is no NIR primitive"));
                self.found.push(problem.help(format!("{near}known: {}", TYPES.join(", "))));
                return None;
            }
        };
        let cuba = matches!(kind, NeuronKind::CubaLi | NeuronKind::CubaLif);
        let leaky = cuba || matches!(kind, NeuronKind::Li | NeuronKind::Lif);
        let mut shape = Vec::new();
        let mut get = |field: &str, wanted: bool, default: Option<f64>| -> Vec<f64> {
            match self.tree.data.get(field) {
                _ if !wanted => default.into_iter().collect(),
                None if default.is_some() => default.into_iter().collect(),
                _ => self.array(field).map_or(Vec::new(), |array| {
                    let extents: Vec<u32> = array.shape.iter().map(|&extent| extent as u32).collect();
                    if array.values.len() > 1 || shape.is_empty() {
                        shape = extents;
                    }
                    uniform(array.values)
                }),
            }
        };
        Some(Neuron {
            kind,
            tau_mem: get(if cuba { "tau_mem" } else { "tau" }, leaky, None),
            tau_syn: get("tau_syn", cuba, None),
            r: get("r", kind != NeuronKind::Threshold, Some(1.0)),
            v_leak: get("v_leak", leaky, Some(0.0)),
            v_threshold: get(
                if kind == NeuronKind::Threshold { "threshold" } else { "v_threshold" },
                kind.spikes(),
                None,
            ),
            v_reset: get("v_reset", kind.spikes(), Some(0.0)),
            w_in: get("w_in", cuba, Some(1.0)),
            shape,
        })
    }

    fn conv(&mut self, flat: bool) -> Option<Op> {
        let weight = self.array("weight")?;
        let axes = if flat { 3 } else { 4 };
        if weight.shape.len() != axes || weight.values.is_empty() {
            self.bad(format!("weight has shape {:?} where {axes} extents are needed", weight.shape));
            return None;
        }
        let one = |pair: [u32; 2], rest: u32| if flat { [rest, pair[1]] } else { pair };
        let padding = match self.text("padding").as_deref() {
            Some("same") => Pad::Same,
            Some("valid") => Pad::Zero([0; 2]),
            Some(other) => {
                self.bad(format!("padding '{other}'"));
                return None;
            }
            None => Pad::Zero(one(self.pair("padding", Some([0; 2]))?, 0)),
        };
        let input = match self.tree.data.get("input_shape") {
            Some(Data::Numbers { values, .. }) if !values.is_empty() => Some(one(self.pair("input_shape", None)?, 1)),
            _ => None,
        };
        Some(Op::Conv {
            bias: self.bias(),
            stride: one(self.pair("stride", Some([1; 2]))?, 1),
            padding,
            dilation: one(self.pair("dilation", Some([1; 2]))?, 1),
            groups: self.pair("groups", Some([1; 2]))?[0],
            input,
            weight,
            flat,
        })
    }

    fn text(&self, field: &str) -> Option<String> {
        match self.tree.data.get(field) {
            Some(Data::Text(words)) if words.len() == 1 => Some(words[0].clone()),
            _ => None,
        }
    }

    fn array(&mut self, field: &str) -> Option<Array> {
        match self.tree.data.get(field) {
            Some(Data::Numbers { shape, values }) if !values.is_empty() => {
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    let what = format!("{field}[{at}] is {}", values[at]);
                    self.found.push(Problem::invalid("graph/not-finite", self.place, what).help("export it again"));
                    return None;
                }
                Some(Array { shape: shape.clone(), values: values.clone() })
            }
            Some(_) => {
                self.bad(format!("'{field}' is not a numeric array"));
                None
            }
            None => {
                self.found.push(incomplete(self.place, &format!("the node has no '{field}'")));
                None
            }
        }
    }

    fn bias(&mut self) -> Option<Vec<f64>> {
        self.tree.data.contains_key("bias").then(|| self.array("bias").map(|array| array.values)).flatten()
    }

    /// A small whole number or a pair of them.
    fn pair(&mut self, field: &str, default: Option<[u32; 2]>) -> Option<[u32; 2]> {
        if !self.tree.data.contains_key(field)
            && let Some(default) = default
        {
            return Some(default);
        }
        let array = self.array(field)?;
        let whole = |value: &f64| (value.fract() == 0.0 && (0.0..=65535.0).contains(value)).then_some(*value as u32);
        match array.values.iter().map(whole).collect::<Option<Vec<u32>>>().as_deref() {
            Some([one]) => Some([*one; 2]),
            Some([y, x]) => Some([*y, *x]),
            _ => {
                self.bad(format!("'{field}' is {:?} where one or two whole numbers up to 65535 belong", array.values));
                None
            }
        }
    }

    fn shape(&mut self, field: &str) -> Option<Vec<u32>> {
        let array = self.array(field)?;
        let whole = |value: &f64| (value.fract() == 0.0 && (1.0..=1e7).contains(value)).then_some(*value as u32);
        let shape = array.values.iter().map(whole).collect::<Option<Vec<u32>>>();
        if shape.is_none() {
            self.bad(format!("'{field}' is {:?}, not a shape", array.values));
        }
        shape
    }
}

/// One value where all are equal.
fn uniform(values: Vec<f64>) -> Vec<f64> {
    match values.first() {
        Some(first) if values.iter().all(|value| value == first) => vec![*first],
        _ => values,
    }
}
