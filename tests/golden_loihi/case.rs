//! A golden case: its files, and the network that it describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spikeloom::chip::Dialect;
use spikeloom::compile::{SignMode, truncate_weights};
use spikeloom::diag::Result;
use spikeloom::graph::{CubaNeuron, Delays, IntGraph, IntNeuron, Output, Pattern, Population, Projection};
use spikeloom::ids::PopulationId;
use spikeloom::stimulus::{InputSpike, Sample};

/// u, v and spikes of one population, steps by neurons, row by row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Series {
    pub(crate) neurons: usize,
    pub(crate) u: Vec<i64>,
    pub(crate) v: Vec<i64>,
    pub(crate) s: Vec<i64>,
}

impl Series {
    /// Without states, with silent spikes.
    pub(crate) fn empty(neurons: usize, ticks: u32) -> Self {
        Self { neurons, s: vec![0; neurons * ticks as usize], ..Self::default() }
    }

    pub(crate) fn fire(&mut self, tick: u32, neuron: u32) {
        self.s[tick as usize * self.neurons + neuron as usize] += 1;
    }
}

/// Whole numbers from an npz, by key.
type Arrays = BTreeMap<String, Vec<i64>>;

pub(crate) struct Case {
    pub(crate) name: String,
    text: Value,
    arrays: Arrays,
}

/// Every array of an npz; all are row by row.
fn read_npz(path: &Path) -> Arrays {
    fn widen<T: npyz::Deserialize + Into<i64>, R: std::io::Read>(data: npyz::NpyReader<T, R>) -> Vec<i64> {
        data.map(|value| value.expect("a readable number").into()).collect()
    }
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    let read = |name: String| {
        let mut npy = archive.by_name(&name).expect("a readable array").expect("a listed array");
        assert_eq!(npy.order(), npyz::Order::C, "{name} is row by row");
        macro_rules! attempt {
            ($($kind:ty),*) => {
                $(npy = match npy.try_data::<$kind>() {
                    Ok(data) => return (name, widen(data)),
                    Err(npy) => npy,
                };)*
            };
        }
        attempt!(i8, u8, i16, u16, i32, u32, bool);
        let data = npy.try_data::<i64>().unwrap_or_else(|_| panic!("{name} has an unexpected type"));
        (name, widen(data))
    };
    names.into_iter().map(read).collect()
}

/// All cases of a folder, by name.
pub(crate) fn read_all(folder: &Path) -> Vec<Case> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| read_case(path)).filter(|case| case.text["format"] == "loihi1-golden/1").collect()
}

fn read_case(path: &Path) -> Case {
    let text = std::fs::read_to_string(path).expect("a readable case");
    Case {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        text: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        arrays: read_npz(&path.with_extension("npz")),
    }
}

fn list<'a>(node: &'a Value, key: &str) -> &'a [Value] {
    node[key].as_array().map_or(&[], Vec::as_slice)
}

fn number<T: TryFrom<i64>>(node: &Value, key: &str) -> T {
    let value = node[key].as_i64().unwrap_or_else(|| panic!("{key} of {node} is no whole number"));
    narrow(value)
}

fn narrow<T: TryFrom<i64>>(value: i64) -> T {
    T::try_from(value).unwrap_or_else(|_| panic!("{value} does not fit its register"))
}

fn word<'a>(node: &'a Value, key: &str) -> &'a str {
    node[key].as_str().unwrap_or_else(|| panic!("{key} of {node} is no word"))
}

impl Case {
    /// The array that the field `key` of `node` names.
    fn array(&self, node: &Value, key: &str) -> &[i64] {
        let name = word(node, key);
        self.arrays.get(name).unwrap_or_else(|| panic!("{}: no array {name}", self.name))
    }

    fn each<T: TryFrom<i64>>(&self, node: &Value, key: &str) -> Vec<T> {
        self.array(node, key).iter().map(|&value| narrow(value)).collect()
    }

    fn inputs(&self) -> &[Value] {
        list(&self.text, "inputs")
    }

    fn populations(&self) -> &[Value] {
        list(&self.text, "populations")
    }

    /// The population of the graph with this name: inputs come first.
    fn find(&self, name: &str) -> PopulationId {
        let mut all = self.inputs().iter().chain(self.populations());
        PopulationId::from(all.position(|node| node["id"] == name).unwrap_or_else(|| panic!("no population {name}")))
    }

    /// The network with its weights as `dialect` stores them.
    pub(crate) fn network(&self, dialect: Dialect) -> Result<IntGraph> {
        let shape = |node: &Value| vec![number::<u32>(node, "n")];
        let input = |node| Population { name: word(node, "id").to_owned(), shape: shape(node), neuron: None };
        let neurons = |node| Population { neuron: Some(IntNeuron::Cuba(self.neuron(node))), ..input(node) };
        let populations: Vec<_> =
            self.inputs().iter().map(input).chain(self.populations().iter().map(neurons)).collect();
        let connections = list(&self.text, "connections").iter();
        let outputs = self.populations().iter().map(|node| word(node, "id"));
        Ok(IntGraph {
            learning: Vec::new(),
            name: self.name.clone(),
            projections: connections
                .map(|node| self.projection(node, &populations, dialect))
                .collect::<Result<Vec<_>>>()?,
            outputs: outputs.map(|id| Output { name: id.to_owned(), population: self.find(id) }).collect(),
            populations,
        })
    }

    fn neuron(&self, node: &Value) -> CubaNeuron {
        CubaNeuron {
            decay_u: vec![number(node, "decay_u")],
            decay_v: vec![number(node, "decay_v")],
            threshold: Some(vec![number(node, "vth_mant")]),
            bias: self.each(node, "bias_mant"),
            bias_exponent: self.each(node, "bias_exp"),
            refractory: vec![number(node, "refractory")],
            initial_u: self.each(node, "u0"),
            initial_v: self.each(node, "v0"),
            ..CubaNeuron::default()
        }
    }

    fn projection(
        &self,
        node: &Value,
        populations: &[Population<IntNeuron>],
        dialect: Dialect,
    ) -> Result<Projection<i32>> {
        let (source, target) = (self.find(word(node, "src")), self.find(word(node, "dst")));
        let mode = match word(node, "sign_mode") {
            "mixed" => SignMode::Mixed,
            "excitatory" => SignMode::Excitatory,
            "inhibitory" => SignMode::Inhibitory,
            other => panic!("sign mode {other}"),
        };
        let size = |id: PopulationId| populations[id.index()].size() as u32;
        let weights: Vec<i32> = self.each(node, "weights");
        Ok(Projection {
            name: word(node, "id").to_owned(),
            source,
            target,
            pattern: Pattern::Dense { sources: size(source), targets: size(target) },
            weights: truncate_weights(&weights, mode, number(node, "num_weight_bits"), dialect)?,
            exponent: number(node, "weight_exp"),
            delays: if node["delays"].is_null() {
                Delays::Uniform(0)
            } else {
                Delays::PerWeight(self.each(node, "delays"))
            },
        })
    }

    /// What goes in: row t - 1 of an input holds the spikes of step t, our tick t - 1.
    pub(crate) fn sample(&self) -> Sample {
        let mut spikes = Vec::new();
        let mut first = 0;
        for node in self.inputs() {
            let size: usize = number(node, "n");
            for (at, _) in self.array(node, "spikes").iter().enumerate().filter(|(_, fired)| **fired > 0) {
                spikes.push(InputSpike { tick: (at / size) as u32, input: (first + at % size) as u32, value: 1 });
            }
            first += size;
        }
        Sample::gather(self.name.clone(), spikes, Some(number(&self.text, "steps")), false)
    }

    /// The recorded series of every population of the graph; inputs have none. `None` without a file.
    pub(crate) fn expected(&self, folder: &Path) -> Option<Vec<Series>> {
        let path = folder.join(&self.name).with_extension("npz");
        if !path.exists() {
            return None;
        }
        let mut arrays = read_npz(&path);
        let inputs = self.inputs().iter().map(|_| Series::default());
        let recorded = self.populations().iter().map(|node| {
            let mut take = |field: &str| arrays.remove(&format!("{}.{field}", word(node, "id"))).expect("recorded");
            Series { neurons: number(node, "n"), u: take("u"), v: take("v"), s: take("s") }
        });
        Some(inputs.chain(recorded).collect())
    }

    /// Where two recordings first differ in time.
    pub(crate) fn first_difference(&self, found: &[Series], expected: &[Series]) -> Option<String> {
        assert_eq!(found.len(), expected.len(), "as many populations");
        let all = self.inputs().iter().chain(self.populations());
        let mut first: Option<(usize, String)> = None;
        for ((found, expected), node) in found.iter().zip(expected).zip(all) {
            for (field, ours, theirs) in
                [("u", &found.u, &expected.u), ("v", &found.v, &expected.v), ("s", &found.s, &expected.s)]
            {
                assert_eq!(ours.len(), theirs.len(), "{}: sizes of {field}", self.name);
                let Some(at) = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs) else { continue };
                let (step, neuron) = (at / expected.neurons + 1, at % expected.neurons);
                if first.as_ref().is_none_or(|(earlier, _)| step < *earlier) {
                    let id = word(node, "id");
                    let what = format!("step {step}, {id}[{neuron}].{field}: {} where {}", ours[at], theirs[at]);
                    first = Some((step, what));
                }
            }
        }
        first.map(|(_, what)| what)
    }
}
