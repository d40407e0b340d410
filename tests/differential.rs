//! The whole walk against the straight-line oracles: random integer networks, compiled and emulated, spike the
//! same spikes in the same ticks and end with the same membranes.

use spikeloom::chip::{self, ChipSpec, Dialect, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, compile, crossbar};
use spikeloom::emu::{Quiet, Record, RunOptions, run};
use spikeloom::graph::{
    Conv2d, CrossbarNeuron, CubaNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Network, Output, Pattern,
    Population, Projection, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::oracle::{self, IntRun};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

fn cuba_neuron(rng: &mut Rng, size: u32) -> CubaNeuron {
    let each = |rng: &mut Rng, draw: &dyn Fn(&mut Rng) -> u32| (0..size).map(|_| draw(rng)).collect::<Vec<u32>>();
    let narrow = |values: Vec<u32>| values.into_iter().map(|value| value as u16).collect::<Vec<u16>>();
    CubaNeuron {
        decay_u: narrow(each(rng, &|rng| [4095, 900, 0][rng.below(3) as usize])),
        decay_v: narrow(each(rng, &|rng| [0, 300, 4095][rng.below(3) as usize])),
        threshold: (rng.below(8) > 0).then(|| each(rng, &|rng| [40, 170, 600][rng.below(3) as usize])),
        bias: each(rng, &|rng| rng.below(9) as u32 / 8).into_iter().map(|value| value as i16 * -77).collect(),
        bias_exponent: vec![rng.below(4) as i8],
        ..CubaNeuron::default()
    }
}

fn crossbar_neuron(rng: &mut Rng) -> CrossbarNeuron {
    CrossbarNeuron {
        leak: vec![0],
        threshold: Some(vec![2 + rng.below(9) as u32]),
        negative_threshold: vec![rng.below(30) as u32],
        reset_value: vec![0],
        initial: vec![0],
        spike_reset: [SpikeReset::Value, SpikeReset::Linear][rng.below(2) as usize],
        negative_reset: [NegativeReset::Saturate, NegativeReset::Mirror][rng.below(2) as usize],
    }
}

fn projection(rng: &mut Rng, graph: &IntGraph, source: usize, target: usize, cuba: bool) -> Projection<i32> {
    let (from, to) = (&graph.populations[source], &graph.populations[target]);
    let volume = |shape: &[u32]| [shape[0], shape[1], shape[2]];
    let (pattern, count) = if rng.below(2) == 0 {
        let (input, output) = (volume(&from.shape), volume(&to.shape));
        let conv =
            Conv2d { input, output, kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
        (Pattern::Conv2d(conv), input[0] * output[0] * 9)
    } else {
        let (sources, targets) = (from.size() as u32, to.size() as u32);
        (Pattern::Dense { sources, targets }, sources * targets)
    };
    let weights = if cuba { (-60..61).map(|w| 2 * w).collect() } else { vec![1, -1, 2, -8, 4, 3, 0] };
    let delay = rng.below(3) as u16;
    Projection {
        name: format!("{source}-{target}"),
        source: PopulationId::from(source),
        target: PopulationId::from(target),
        pattern,
        weights: (0..count).map(|_| weights[rng.below(weights.len() as u64) as usize]).collect(),
        exponent: if cuba { rng.below(5) as i8 - 3 } else { 0 },
        delays: if cuba && rng.below(2) == 0 {
            Delays::PerWeight((0..count).map(|_| rng.below(5) as u16).collect())
        } else {
            Delays::Uniform(delay)
        },
    }
}

/// Layers of one spatial size, each fed by the one before; list cores also get skips and recurrent edges.
fn network(rng: &mut Rng, cuba: bool) -> IntGraph {
    let side = 2 + rng.below(3) as u32;
    let layers = 2 + rng.below(3) as usize;
    let mut graph = IntGraph {
        learning: Vec::new(),
        name: "random".to_owned(),
        populations: Vec::new(),
        projections: Vec::new(),
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId::from(layers) }],
    };
    for number in 0..=layers {
        let shape = vec![1 + rng.below(4) as u32, side, side];
        let size = shape.iter().product();
        let neuron = (number > 0).then(|| match cuba {
            true => IntNeuron::Cuba(cuba_neuron(rng, size)),
            false => IntNeuron::Crossbar(crossbar_neuron(rng)),
        });
        graph.populations.push(Population { name: format!("p{number}"), shape, neuron });
    }
    for target in 1..=layers {
        for source in 0..=layers {
            if source + 1 == target || (cuba && source > 0 && rng.below(6) == 0) {
                let edge = projection(rng, &graph, source, target, cuba);
                graph.projections.push(edge);
            }
        }
    }
    graph
}

fn sample(rng: &mut Rng, inputs: u32, values: u64) -> Sample {
    let ticks = 30;
    let spikes = (0..ticks).flat_map(|tick| (0..inputs).map(move |input| (tick, input)));
    let spikes = spikes.filter(|_| rng.below(6) == 0).collect::<Vec<_>>();
    let spikes = spikes
        .into_iter()
        .map(|(tick, input)| InputSpike { tick, input, value: 1 + rng.below(values) as u16 })
        .collect();
    Sample { name: "random".to_owned(), spikes, ticks, label: None }
}

/// Emulates and compares; the number of spikes that were compared. `lags` are ticks behind the network as written.
fn compare(compiled: &Compiled, chip: &ChipSpec, sample: &Sample, oracle: &IntRun, lags: &[u32], seed: u64) -> usize {
    let stimulus = Stimulus { samples: vec![sample.clone()], inputs: compiled.network.populations[0].size() as u32 };
    let options = RunOptions { timing: true, threads: 1, strict: false, record: Record::All };
    let result = run(&compiled.image, chip, &stimulus, &options, &Quiet).expect("a compiled image runs");
    let shown = &result.samples[0];
    assert_eq!((shown.faults.late_packets, shown.faults.overruns), (0, 0), "seed {seed}");
    let mut expected: Vec<(u32, u32, u32)> = oracle
        .spikes
        .iter()
        .enumerate()
        .flat_map(|(p, spikes)| spikes.iter().map(move |&(tick, neuron)| (tick + lags[p], p as u32, neuron)))
        .filter(|&(tick, ..)| tick < shown.ticks)
        .collect();
    expected.sort_unstable();
    let found: Vec<_> = shown.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect();
    assert_eq!(found, expected, "seed {seed}");
    let output = compiled.image.outputs[0].population as usize;
    if lags[output] == 0 {
        assert_eq!(shown.output_membranes[0], oracle.membranes[output], "seed {seed}");
    }
    found.len()
}

#[test]
fn loihi_does_what_its_oracle_says() {
    for (dialect, name) in Dialect::ALL {
        loihi_in(dialect, name);
    }
}

/// What a dialect lacks is taken from the network, what it has beyond lava is added.
fn adapt(rng: &mut Rng, mut graph: IntGraph, dialect: Dialect) -> IntGraph {
    for population in &mut graph.populations {
        let size = population.size();
        let Some(IntNeuron::Cuba(neuron)) = &mut population.neuron else { continue };
        neuron.initial_v = (0..size).map(|_| rng.below(9000) as i32 - 4500).collect();
        neuron.initial_u = vec![rng.below(900) as i32];
        if !dialect.has_bias() {
            neuron.bias = vec![0];
        }
        if dialect.refractory_max() > 1 {
            neuron.refractory = (0..size).map(|_| 1 + rng.below(4) as u8).collect();
        }
        if dialect.bias_exponent_min() < 0 {
            neuron.bias_exponent = vec![rng.below(8) as i8 - 4];
        }
    }
    if dialect.delay_max() == 0 {
        graph.projections.iter_mut().for_each(|projection| projection.delays = Delays::Uniform(0));
    }
    graph
}

fn loihi_in(dialect: Dialect, name: &str) {
    let set = vec![("core.cuba.dialect".to_owned(), name.to_owned())];
    let options = LoadOptions { set, ..LoadOptions::default() };
    let chip = chip::load("loihi", &options).expect("the built-in chip loads");
    let mut spikes = 0;
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let network = network(&mut rng, true);
        let network = Network::Int(adapt(&mut rng, network, dialect));
        let compiled = compile(&network, &chip, &Options::default(), &mut Log::default()).expect("it fits");
        let sample = sample(&mut rng, compiled.network.populations[0].size() as u32, 3);
        let oracle = oracle::cuba::run(&compiled.network, &sample, compiled.image.depth, dialect);
        let lags = vec![0; compiled.network.populations.len()];
        spikes += compare(&compiled, &chip, &sample, &oracle, &lags, seed);
    }
    assert!(spikes > 10_000, "only {spikes} spikes in dialect {name}");
}

#[test]
fn truenorth_does_what_its_oracle_says() {
    let chip = chip::load("truenorth", &LoadOptions::default()).expect("the built-in chip loads");
    let (mut spikes, mut fitted) = (0, 0);
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let network = Network::Int(network(&mut rng, false));
        // Weights that no set of four axon types makes are refused; that is the compiler's own test.
        let Ok(compiled) = compile(&network, &chip, &Options::default(), &mut Log::default()) else { continue };
        let sample = sample(&mut rng, compiled.network.populations[0].size() as u32, 1);
        let oracle = oracle::crossbar::run(&compiled.network, &sample, compiled.image.depth);
        let lags = crossbar::lags(&compiled.image, &compiled.network, &chip).expect("verified");
        spikes += compare(&compiled, &chip, &sample, &oracle, &lags, seed);
        fitted += 1;
    }
    assert!(spikes > 5_000 && fitted > 20, "only {spikes} spikes of {fitted} networks");
}
