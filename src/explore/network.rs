//! Networks of a sweep with their stimuli: from files, or made here.

use super::sweep::NetworkEntry;
use crate::diag::{Problem, Result};
use crate::graph::{
    self, Delays, Dynamics, Fire, FloatNeuron, Graph, Network, NeuronKind, Output, Pattern, Population, Profile,
    Projection, ReadOptions, Reset, ResetTime,
};
use crate::ids::PopulationId;
use crate::rng::Rng;
use crate::stimulus::{self, InputSpike, Sample, Stimulus};

/// Words that stand for a file.
const RESERVOIR: &str = "reservoir";
const DIGITS: &str = "digits";
const NOISE: &str = "noise";

/// Whether a file's name stands for something that is made here.
pub(super) fn made(file: &str) -> bool {
    [RESERVOIR, DIGITS, NOISE].contains(&file)
}

/// A network of a sweep at work.
pub(super) struct Bench {
    pub(super) network: Network,
    pub(super) stimulus: Stimulus,
}

impl Bench {
    /// Reads or makes a network and its stimulus.
    ///
    /// # Errors
    /// What the readers refuse.
    pub(super) fn load(entry: &NetworkEntry) -> Result<Self> {
        let network = match entry.file.to_str() {
            Some(RESERVOIR) => Network::Float(reservoir(entry.side)),
            _ => graph::read(&entry.file, &reading(entry)?)?.network,
        };
        let (inputs, shape) = match &network {
            Network::Float(graph) => inputs(&graph.populations),
            Network::Int(graph) => inputs(&graph.populations),
        };
        let stimulus = match entry.stimulus.to_str() {
            Some(DIGITS) => digits(entry.samples),
            Some(NOISE) => noise(inputs, entry),
            _ => {
                let shape = (shape.len() == 3).then_some(shape);
                let options = stimulus::Options {
                    ticks: entry.ticks,
                    limit: Some(entry.samples),
                    shape,
                    ..stimulus::Options::default()
                };
                stimulus::read(&entry.stimulus, inputs, &options)?
            }
        };
        if stimulus.inputs != inputs {
            let what = format!("its stimulus has {} inputs", stimulus.inputs);
            return Err(Problem::invalid("sweep/stimulus", entry.name.as_str(), what)
                .limit(format!("{inputs} input neurons of the network"))
                .help("name a stimulus that was made for this network")
                .into());
        }
        Ok(Self { network, stimulus })
    }
}

/// Input neurons of all inputs, and the shape of the first.
fn inputs<N>(populations: &[Population<N>]) -> (u32, Vec<u32>) {
    let inputs = || populations.iter().filter(|population| population.is_input());
    let neurons = inputs().map(Population::size).sum::<usize>() as u32;
    (neurons, inputs().next().map(|first| first.shape.clone()).unwrap_or_default())
}

/// As `compile --profile` reads it.
fn reading(entry: &NetworkEntry) -> Result<ReadOptions> {
    let text = entry.profile.as_deref().unwrap_or_default();
    let mut parts = text.split(',').filter(|part| !part.is_empty()).peekable();
    let profile = parts.next_if(|part| !part.contains('=')).map(str::to_owned);
    let pair = |part: &str| {
        part.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).ok_or_else(|| {
            Problem::invalid("sweep/profile", entry.name.as_str(), format!("'{part}' is no KEY=VALUE"))
                .help("write profile = \"sinabs,reset=value\"")
        })
    };
    let set = parts.map(pair).collect::<std::result::Result<_, Problem>>()?;
    Ok(ReadOptions { profile, dt: None, set })
}

/// The first embedded test images, rate-coded.
fn digits(samples: usize) -> Stimulus {
    let test = stimulus::digits().test;
    let count = samples.min(test.images.len());
    stimulus::encode_images(&test.images[..count], test.max, &stimulus::Options::default(), &test.labels[..count])
}

/// Ticks of a sample of noise.
const NOISE_TICKS: u32 = 100;
/// One input in so many fires in a tick.
const NOISE_RARITY: u64 = 10;

/// Every input fires in every tenth tick, drawn at random.
fn noise(inputs: u32, entry: &NetworkEntry) -> Stimulus {
    let ticks = entry.ticks.unwrap_or(NOISE_TICKS);
    let sample = |number: usize| {
        let mut rng = Rng::new(number as u64 + 1);
        let mut spikes = Vec::new();
        for tick in 0..ticks {
            let firing = (0..inputs).filter(|_| rng.below(NOISE_RARITY) == 0).collect::<Vec<_>>();
            spikes.extend(firing.into_iter().map(|input| InputSpike { tick, input, value: 1 }));
        }
        Sample { name: format!("noise {number}"), spikes, ticks, label: None }
    };
    Stimulus { samples: (0..entry.samples).map(sample).collect(), inputs }
}

/// Targets of a reservoir neuron.
const FAN_OUT: usize = 12;
/// How far they are, at most, along each axis.
const REACH: i64 = 4;

/// A two-dimensional reservoir of `side` x `side` integrate-and-fire neurons: each reaches twelve drawn ones within four
/// steps (a torus), every fifth inhibits; inputs on a grid of a quarter of the side drive the neurons around them. Made
/// for measuring mappings: it has the local recurrence of the reservoirs of the literature, and is trained for nothing.
fn reservoir(side: u32) -> Graph {
    let mut rng = Rng::new(u64::from(side));
    let coarse = (side / 4).max(1);
    let (cells, wide) = (side * side, i64::from(side));
    let cell = |x: i64, y: i64| (y.rem_euclid(wide) * wide + x.rem_euclid(wide)) as u32;
    let (mut offsets, mut targets, mut weights) = (vec![0], Vec::new(), Vec::new());
    for neuron in 0..cells {
        let (x, y) = (i64::from(neuron % side), i64::from(neuron / side));
        let mut mine = std::collections::BTreeSet::new();
        while mine.len() < FAN_OUT.min(cells as usize - 1) {
            let mut step = || rng.below(2 * REACH as u64 + 1) as i64 - REACH;
            let to = cell(x + step(), y + step());
            if to != neuron {
                mine.insert(to);
            }
        }
        weights.extend(mine.iter().map(|_| if neuron % 5 == 0 { -2.0 } else { 1.0 }));
        targets.extend(mine);
        offsets.push(targets.len() as u32);
    }
    let (mut from_inputs, mut driven) = (vec![0], Vec::new());
    for input in 0..coarse * coarse {
        let (x, y) = (i64::from(input % coarse) * 4, i64::from(input / coarse) * 4);
        let mut around: Vec<u32> = (0..9).map(|k| cell(x + k % 3, y + k / 3)).collect();
        around.sort_unstable();
        around.dedup();
        driven.extend(around);
        from_inputs.push(driven.len() as u32);
    }
    let drive = vec![2.0; driven.len()];
    let sparse = |offsets, targets| Pattern::Sparse { offsets, targets, weight_index: Vec::new() };
    let projection = |name: &str, source, pattern, weights| Projection {
        name: name.to_owned(),
        source: PopulationId(source),
        target: PopulationId(1),
        pattern,
        weights,
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    Graph {
        name: format!("reservoir-{side}x{side}"),
        populations: vec![
            Population { name: "input".to_owned(), shape: vec![1, coarse, coarse], neuron: None },
            Population { name: "reservoir".to_owned(), shape: vec![1, side, side], neuron: Some(integrator()) },
        ],
        projections: vec![
            projection("drive", 0, sparse(from_inputs, driven), drive),
            projection("recurrent", 1, sparse(offsets, targets), weights),
        ],
        outputs: vec![Output { name: "reservoir".to_owned(), population: PopulationId(1) }],
        profile: Profile {
            name: "nir".to_owned(),
            dt: 0.001,
            dynamics: Dynamics::Euler,
            fire: Fire::AtOrAbove,
            reset: Reset::Value,
            reset_time: ResetTime::Same,
            multi_spike: false,
            recurrent_bias_at_start: true,
            output_lag: 0,
        },
    }
}

/// Fires at four units of weight; `r` undoes the factor of the time step.
fn integrator() -> FloatNeuron {
    FloatNeuron {
        kind: NeuronKind::If,
        tau_mem: vec![0.0],
        tau_syn: vec![0.0],
        r: vec![1000.0],
        v_leak: vec![0.0],
        v_threshold: vec![4.0],
        v_reset: vec![0.0],
        w_in: vec![1.0],
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    }
}
