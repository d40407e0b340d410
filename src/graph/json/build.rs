//! From the JSON model to a network: names become indices, defaults are filled in, kinds are told apart.

use std::collections::HashMap;
use std::path::Path;

use super::model::{self, Neuron, Values, Weights};
use super::{Fault, Step, fcore, soma, stepped};
use crate::graph::{
    Conv2d, CrossbarNeuron, CubaNeuron, Delays, FloatNeuron, Graph, IntGraph, IntNeuron, NegativeReset, Network,
    NeuronKind, Output, Pattern, Pool2d, Population, Profile, Projection, SpikeReset, Stochastic,
};
use crate::ids::PopulationId;

/// Builds the network, or names every fault.
pub(super) fn build(file: &model::File, folder: &Path) -> Result<Network, Vec<Fault>> {
    let mut faults = Vec::new();
    if file.version != 1 {
        faults.push(fault(&["version"], format!("version {} is not supported; this program reads 1", file.version)));
    }
    let mut builder = Builder { file, folder, names: HashMap::new(), faults };
    let network = builder.network();
    match network {
        Some(network) if builder.faults.is_empty() => Ok(network),
        _ => Err(builder.faults),
    }
}

pub(super) fn fault(path: &[&str], what: String) -> Fault {
    let step = |part: &&str| part.parse().map_or_else(|_| Step::Key((*part).to_owned()), Step::Index);
    Fault { path: path.iter().map(step).collect(), what, ..Fault::default() }
}

pub(super) struct Builder<'a> {
    pub(super) file: &'a model::File,
    /// Where programs are looked for.
    pub(super) folder: &'a Path,
    names: HashMap<&'a str, PopulationId>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Builder<'a> {
    fn network(&mut self) -> Option<Network> {
        for (index, population) in self.file.populations.iter().enumerate() {
            if self.names.insert(&population.name, PopulationId::from(index)).is_some() {
                let what = format!("a second population is named '{}'", population.name);
                self.faults.push(fault(&["populations", &index.to_string(), "name"], what));
            }
        }
        let is_int = |p: &model::Population| {
            matches!(
                p.neuron,
                Some(
                    Neuron::CubaInt(_)
                        | Neuron::CrossbarInt(_)
                        | Neuron::Program(_)
                        | Neuron::AnnInt(_)
                        | Neuron::SnnInt(_)
                        | Neuron::LifHalf(_)
                )
            )
        };
        let int = self.file.populations.iter().any(is_int);
        for (index, population) in self.file.populations.iter().enumerate() {
            if int && population.neuron.is_some() && !is_int(population) {
                let what = format!("'{}' has a float neuron beside chip integers", population.name);
                self.faults.push(fault(&["populations", &index.to_string(), "neuron", "model"], what));
            }
        }
        if int { self.int().map(Network::Int) } else { self.float().map(Network::Float) }
    }

    fn float(&mut self) -> Option<Graph> {
        let profile = self.profile();
        let populations = self.populations(float_neuron);
        let projections = self.projections(Ok);
        for (index, projection) in self.file.projections.iter().enumerate() {
            if projection.exponent.is_some_and(|exponent| exponent != 0) {
                let what = "an exponent belongs to chip integers; scale the float weights instead".to_owned();
                self.faults.push(fault(&["projections", &index.to_string(), "exponent"], what));
            }
        }
        for index in 0..self.file.projections.len() {
            if self.file.projections[index].output.is_some() {
                let path = ["projections", &index.to_string(), "output"];
                self.faults.push(fault(&path, "float neurons have one output".to_owned()));
            }
            if self.file.projections[index].learning.is_some() {
                let path = ["projections", &index.to_string(), "learning"];
                let mut float = fault(&path, "learning rules act on chip integers; these are float neurons".to_owned());
                float.help = Some("compile --integers writes the network in integers: add the rule there".to_owned());
                self.faults.push(float);
            }
        }
        let outputs = self.outputs();
        Some(Graph { name: self.file.name.clone(), populations, projections, outputs, profile: profile? })
    }

    fn int(&mut self) -> Option<IntGraph> {
        if self.file.profile.is_some() {
            let what = "chip integers are taken as they are: a profile does not apply".to_owned();
            self.faults.push(fault(&["profile"], what));
        }
        let programs = self.programs();
        let mut populations = self.populations(int_neuron);
        for (population, program) in populations.iter_mut().zip(programs) {
            population.neuron = population.neuron.take().or(program.map(IntNeuron::Program));
        }
        self.joins(&mut populations);
        let projections = self.projections(|weight| {
            let whole = weight.fract() == 0.0 && weight.abs() <= f64::from(i32::MAX);
            if whole { Ok(weight as i32) } else { Err(format!("{weight} is not a whole number of 32 bits")) }
        });
        // Numbers of projections hold only where none was left out for its faults.
        let whole = projections.len() == self.file.projections.len();
        let learning = if whole { self.learning(&projections, &populations) } else { Vec::new() };
        let outputs = self.outputs();
        Some(IntGraph { name: self.file.name.clone(), populations, projections, outputs, learning })
    }

    fn profile(&mut self) -> Option<Profile> {
        let Some(given) = &self.file.profile else {
            self.faults.push(Fault {
                what: "float neurons need a \"profile\"".to_owned(),
                help: Some("\"profile\": {\"preset\": \"nir\", \"dt\": 0.001}".to_owned()),
                ..Fault::default()
            });
            return None;
        };
        let preset = given.preset.as_deref().unwrap_or("nir");
        let Some(mut profile) = Profile::preset(preset) else {
            self.faults.push(Fault {
                path: vec![Step::Key("profile".to_owned()), Step::Key("preset".to_owned())],
                what: format!("there is no profile '{preset}'"),
                help: Some(format!("presets: {}", Profile::presets().join(", "))),
                ..Fault::default()
            });
            return None;
        };
        profile.dt = given.dt;
        profile.dynamics = given.dynamics.unwrap_or(profile.dynamics);
        profile.fire = given.fire.unwrap_or(profile.fire);
        profile.reset = given.reset.unwrap_or(profile.reset);
        profile.reset_time = given.reset_time.unwrap_or(profile.reset_time);
        profile.multi_spike = given.multi_spike.unwrap_or(profile.multi_spike);
        profile.recurrent_bias_at_start = given.recurrent_bias_at_start.unwrap_or(profile.recurrent_bias_at_start);
        profile.output_lag = given.output_lag.unwrap_or(profile.output_lag);
        Some(profile)
    }

    fn populations<N>(&self, neuron: impl Fn(&Neuron) -> Option<N>) -> Vec<Population<N>> {
        let build = |population: &model::Population| Population {
            name: population.name.clone(),
            shape: population.shape.clone(),
            neuron: population.neuron.as_ref().and_then(&neuron),
        };
        self.file.populations.iter().map(build).collect()
    }

    pub(super) fn population(&mut self, name: &str, path: &[&str]) -> Option<PopulationId> {
        let found = self.names.get(name).copied();
        if found.is_none() {
            let mut unknown = fault(path, format!("there is no population '{name}'"));
            let known = self.file.populations.iter().map(|p| p.name.as_str());
            unknown.help = crate::diag::nearest(name, known).map(|near| format!("did you mean '{near}'?"));
            self.faults.push(unknown);
        }
        found
    }

    fn outputs(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (index, output) in self.file.outputs.iter().enumerate() {
            let path = ["outputs", &index.to_string(), "population"];
            if let Some(population) = self.population(&output.population, &path) {
                let name = output.name.clone().unwrap_or_else(|| output.population.clone());
                outputs.push(Output { name, population });
            }
        }
        outputs
    }

    fn projections<W: Copy>(&mut self, weight: impl Fn(f64) -> Result<W, String>) -> Vec<Projection<W>> {
        let file = self.file;
        let mut projections = Vec::new();
        for (index, projection) in file.projections.iter().enumerate() {
            let at = index.to_string();
            let source = self.population(&projection.source, &["projections", &at, "source"]);
            let target = self.population(&projection.target, &["projections", &at, "target"]);
            let (Some(source), Some(target)) = (source, target) else { continue };
            let (source_shape, target_shape) =
                (&file.populations[source.index()].shape, &file.populations[target.index()].shape);
            match build_projection(projection, (source, source_shape), (target, target_shape), &weight) {
                Ok(built) => projections.push(built),
                Err((part, what)) => self.faults.push(fault(&["projections", &at, part], what)),
            }
        }
        projections
    }
}

/// The name of a projection, or what stands for one.
pub(super) fn projection_name(given: &model::Projection) -> String {
    given.name.clone().unwrap_or_else(|| format!("{}->{}", given.source, given.target))
}

type Bad = (&'static str, String);

fn build_projection<W: Copy>(
    given: &model::Projection,
    (source, source_shape): (PopulationId, &[u32]),
    (target, target_shape): (PopulationId, &[u32]),
    weight: impl Fn(f64) -> Result<W, String>,
) -> Result<Projection<W>, Bad> {
    let sources = size(source_shape).map_err(|what| ("source", what))?;
    let targets = size(target_shape).map_err(|what| ("target", what))?;
    let (pattern, count) =
        pattern(given, sources, targets, source_shape, target_shape).map_err(|what| ("pattern", what))?;
    let flat: Vec<f64> = match &given.weights {
        Weights::One(one) if count > 1 << 28 => {
            return Err(("weights", format!("{count} copies of {one} are too many")));
        }
        Weights::One(one) => vec![*one; count as usize],
        Weights::Flat(flat) => flat.clone(),
        Weights::Rows(rows) => {
            let width = |row: usize| match pattern {
                Pattern::Factorised { targets, rank, .. } if row < targets as usize => rank,
                _ => sources,
            };
            if let Some(row) = (0..rows.len()).find(|&row| rows[row].len() != width(row) as usize) {
                let kind = if width(row) == sources { "sources" } else { "factors of a target" };
                let what = format!("row {row} has {} weights for {} {kind}", rows[row].len(), width(row));
                return Err(("weights", what));
            }
            rows.concat()
        }
    };
    if flat.len() as u64 != count {
        return Err(("weights", format!("{} weights where the pattern needs {count}", flat.len())));
    }
    let weights = flat.into_iter().map(weight).collect::<Result<Vec<W>, String>>().map_err(|what| ("weights", what))?;
    let delays = match &given.delay {
        None => Delays::Uniform(0),
        Some(Values::One(ticks)) => Delays::Uniform(*ticks),
        Some(Values::Each(ticks)) => Delays::PerWeight(ticks.clone()),
    };
    Ok(Projection {
        name: projection_name(given),
        source,
        target,
        pattern,
        weights,
        exponent: given.exponent.unwrap_or(0),
        delays,
    })
}

/// Number of neurons of a shape, below 2^32.
fn size(shape: &[u32]) -> Result<u32, String> {
    let product = shape.iter().try_fold(1u32, |product, &extent| product.checked_mul(extent));
    product.ok_or_else(|| format!("a population of shape {shape:?} has too many neurons"))
}

/// The pattern and the number of weights that it needs.
fn pattern(
    projection: &model::Projection,
    sources: u32,
    targets: u32,
    source_shape: &[u32],
    target_shape: &[u32],
) -> Result<(Pattern, u64), String> {
    Ok(match &projection.pattern {
        model::Pattern::Dense(_) => (Pattern::Dense { sources, targets }, u64::from(sources) * u64::from(targets)),
        model::Pattern::OneToOne(one) => {
            let count = if one.shared { 1 } else { u64::from(sources) };
            (Pattern::OneToOne { size: sources, shared: one.shared }, count)
        }
        model::Pattern::Pairs(pairs) => (sparse(&pairs.pairs, sources)?, pairs.pairs.len() as u64),
        model::Pattern::Sparse(sparse) => {
            let distinct = sparse.weight_index.iter().max().map_or(sparse.targets.len() as u64, |&w| u64::from(w) + 1);
            let (offsets, targets) = (sparse.offsets.clone(), sparse.targets.clone());
            (Pattern::Sparse { offsets, targets, weight_index: sparse.weight_index.clone() }, distinct)
        }
        model::Pattern::Conv2d(conv) => {
            let groups = conv.groups.unwrap_or(1);
            let input = conv.input.map_or_else(|| volume(source_shape), Ok)?;
            let output = conv.output.map_or_else(|| volume(target_shape), Ok)?;
            let in_per_group = input[0].checked_div(groups).ok_or("groups must be at least 1")?;
            let factors = [output[0], in_per_group, conv.kernel[0], conv.kernel[1]];
            let count = factors.iter().try_fold(1u64, |product, &n| product.checked_mul(u64::from(n)));
            let conv = Conv2d {
                input,
                output,
                kernel: conv.kernel,
                stride: conv.stride.unwrap_or([1; 2]),
                padding: conv.padding.unwrap_or([0; 2]),
                dilation: conv.dilation.unwrap_or([1; 2]),
                groups,
            };
            (Pattern::Conv2d(conv), count.ok_or("the kernel is too large")?)
        }
        model::Pattern::Pool2d(pool) => {
            let pool = Pool2d {
                input: pool.input.map_or_else(|| volume(source_shape), Ok)?,
                output: pool.output.map_or_else(|| volume(target_shape), Ok)?,
                kernel: pool.kernel,
                stride: pool.stride.unwrap_or(pool.kernel),
                padding: pool.padding.unwrap_or([0; 2]),
            };
            (Pattern::Pool2d(pool), 1)
        }
        model::Pattern::Factorised(factorised) => {
            let rank = factorised.rank;
            let count = u64::from(rank) * (u64::from(sources) + u64::from(targets));
            (Pattern::Factorised { sources, targets, rank }, count)
        }
        model::Pattern::Stochastic(drawn) => {
            let weights = match &projection.weights {
                Weights::One(_) => 1,
                Weights::Flat(flat) => flat.len() as u32,
                Weights::Rows(_) => return Err("drawn synapses take their weights from one list".to_owned()),
            };
            // Within 0..=1 by the schema.
            let chance = (drawn.probability * 4_294_967_296.0).round() as u64;
            let drawn = Stochastic { sources, targets, seed: drawn.seed, chance, weights };
            (Pattern::Stochastic(drawn), weights.into())
        }
    })
}

fn volume(shape: &[u32]) -> Result<[u32; 3], String> {
    shape.try_into().map_err(|_| format!("shape {shape:?} is not [channels, height, width]: give input and output"))
}

/// Compressed rows from listed pairs; weights stay in the order of the list.
fn sparse(pairs: &[[u32; 2]], sources: u32) -> Result<Pattern, String> {
    if let Some(pair) = pairs.iter().find(|pair| pair[0] >= sources) {
        return Err(format!("pair {pair:?} names source {} of {sources}", pair[0]));
    }
    let mut order: Vec<u32> = (0..pairs.len() as u32).collect();
    order.sort_by_key(|&k| pairs[k as usize][0]);
    let sorted = order.is_sorted();
    let mut offsets = vec![0u32; sources as usize + 1];
    for pair in pairs {
        offsets[pair[0] as usize + 1] += 1;
    }
    for index in 1..offsets.len() {
        offsets[index] += offsets[index - 1];
    }
    let targets = order.iter().map(|&k| pairs[k as usize][1]).collect();
    Ok(Pattern::Sparse { offsets, targets, weight_index: if sorted { Vec::new() } else { order } })
}

pub(super) fn values<T: Copy>(given: Option<&Values<T>>, default: &[T]) -> Vec<T> {
    match given {
        None => default.to_vec(),
        Some(Values::One(one)) => vec![*one],
        Some(Values::Each(each)) => each.clone(),
    }
}

fn float_neuron(neuron: &Neuron) -> Option<FloatNeuron> {
    let (kind, float) = match neuron {
        Neuron::If(float) => (NeuronKind::If, float),
        Neuron::I(float) => (NeuronKind::I, float),
        Neuron::Lif(float) => (NeuronKind::Lif, float),
        Neuron::Li(float) => (NeuronKind::Li, float),
        Neuron::CubaLif(float) => (NeuronKind::CubaLif, float),
        Neuron::CubaLi(float) => (NeuronKind::CubaLi, float),
        Neuron::Threshold(float) => (NeuronKind::Threshold, float),
        Neuron::CubaInt(_)
        | Neuron::CrossbarInt(_)
        | Neuron::Program(_)
        | Neuron::AnnInt(_)
        | Neuron::SnnInt(_)
        | Neuron::LifHalf(_) => {
            return None;
        }
    };
    let get = |given: &Option<Values<f64>>, default: &[f64]| values(given.as_ref(), default);
    Some(FloatNeuron {
        kind,
        tau_mem: get(&float.tau_mem, &[]),
        tau_syn: get(&float.tau_syn, &[]),
        r: get(&float.r, &[1.0]),
        v_leak: get(&float.v_leak, &[0.0]),
        v_threshold: get(&float.v_threshold, &[]),
        v_reset: get(&float.v_reset, &[0.0]),
        w_in: get(&float.w_in, &[1.0]),
        bias: get(&float.bias, &[]),
        recurrent_bias: get(&float.recurrent_bias, &[]),
        v_initial: get(&float.v_initial, &[]),
    })
}

fn int_neuron(neuron: &Neuron) -> Option<IntNeuron> {
    match neuron {
        Neuron::CubaInt(cuba) => Some(IntNeuron::Cuba(CubaNeuron {
            decay_u: values(Some(&cuba.decay_u), &[]),
            decay_v: values(Some(&cuba.decay_v), &[]),
            threshold: cuba.threshold.as_ref().map(|threshold| values(Some(threshold), &[])),
            bias: values(cuba.bias.as_ref(), &[0]),
            bias_exponent: values(cuba.bias_exponent.as_ref(), &[0]),
            refractory: values(cuba.refractory.as_ref(), &[1]),
            initial_u: values(cuba.initial_u.as_ref(), &[0]),
            initial_v: values(cuba.initial_v.as_ref(), &[0]),
            ..soma::extras(cuba)
        })),
        Neuron::CrossbarInt(crossbar) => Some(IntNeuron::Crossbar(CrossbarNeuron {
            leak: values(crossbar.leak.as_ref(), &[0]),
            threshold: crossbar.threshold.as_ref().map(|threshold| values(Some(threshold), &[])),
            negative_threshold: values(crossbar.negative_threshold.as_ref(), &[0]),
            reset_value: values(crossbar.reset_value.as_ref(), &[0]),
            initial: values(crossbar.initial.as_ref(), &[0]),
            spike_reset: crossbar.spike_reset.unwrap_or(SpikeReset::Value),
            negative_reset: crossbar.negative_reset.unwrap_or(NegativeReset::Saturate),
        })),
        Neuron::AnnInt(ann) => Some(IntNeuron::Fcore(fcore::ann(ann))),
        Neuron::SnnInt(snn) => Some(IntNeuron::Fcore(fcore::snn(snn))),
        Neuron::LifHalf(lif) => Some(IntNeuron::Stepped(stepped::neuron(lif))),
        _ => None,
    }
}
