//! Float networks on Loihi: exact where the integers are exact, refused where the chip has no such neuron.

use spikeloom::chip;
use spikeloom::compile::{Log, Options, compile};
use spikeloom::graph::{
    Delays, Dynamics, Fire, FloatNeuron, Graph, Network, NeuronKind, Output, Pattern, Population, Profile, Projection,
    Reset, ResetTime,
};
use spikeloom::ids::PopulationId;
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample};

/// Layers of integrate-and-fire neurons with small whole weights and thresholds; r is 1/dt.
fn layers(rng: &mut Rng, sizes: &[u32], fire: Fire, reset: Reset) -> Graph {
    let neuron = FloatNeuron {
        kind: NeuronKind::If,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        r: vec![1e3],
        v_leak: Vec::new(),
        v_threshold: vec![5.0],
        v_reset: vec![0.0],
        w_in: Vec::new(),
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    };
    let population = |(index, &size): (usize, &u32)| Population {
        name: format!("p{index}"),
        shape: vec![size],
        neuron: (index > 0).then(|| neuron.clone()),
    };
    let mut projection = |(index, pair): (usize, &[u32])| Projection {
        name: format!("w{index}"),
        source: PopulationId::from(index),
        target: PopulationId::from(index + 1),
        pattern: Pattern::Dense { sources: pair[0], targets: pair[1] },
        weights: (0..pair[0] * pair[1]).map(|_| rng.below(14) as f64 - 6.0).collect(),
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    Graph {
        name: "layers".into(),
        populations: sizes.iter().enumerate().map(population).collect(),
        projections: sizes.windows(2).enumerate().map(&mut projection).collect(),
        outputs: vec![Output { name: "out".into(), population: PopulationId::from(sizes.len() - 1) }],
        profile: Profile {
            name: "test".into(),
            dt: 1e-3,
            dynamics: Dynamics::Euler,
            fire,
            reset,
            reset_time: ResetTime::Same,
            multi_spike: false,
            recurrent_bias_at_start: true,
            output_lag: 0,
        },
    }
}

fn noise(rng: &mut Rng, inputs: u32, ticks: u32) -> Sample {
    let cells = (0..ticks).flat_map(|tick| (0..inputs).map(move |input| (tick, input)));
    let spikes = cells.filter(|_| rng.below(4) == 0).map(|(tick, input)| InputSpike { tick, input, value: 1 });
    Sample { name: "noise".into(), spikes: spikes.collect(), ticks, label: None }
}

#[test]
fn whole_numbers_give_the_float_spikes_one_tick_later_a_layer() {
    let chip = chip::load("loihi", &chip::LoadOptions::default()).expect("builtin");
    let mut rng = Rng::new(1);
    for fire in [Fire::Above, Fire::AtOrAbove, Fire::Above, Fire::AtOrAbove] {
        let graph = layers(&mut rng, &[20, 30, 12, 7], fire, Reset::Value);
        let sample = noise(&mut rng, 20, 60);
        let float = oracle::float::run(&graph, &sample).expect("it runs");
        let mut log = Log::default();
        let compiled = compile(&Network::Float(graph), &chip, &Options::default(), &mut log).expect("it compiles");
        let integer =
            oracle::cuba::run(&compiled.network, &sample, compiled.image.depth, spikeloom::chip::Dialect::Lava);
        assert_eq!(compiled.image.depth, 3);
        for (population, spikes) in float.spikes.iter().enumerate().skip(1) {
            let lag = population as u32;
            let last = sample.ticks + compiled.image.depth;
            let expected: Vec<(u32, u32)> = spikes.iter().map(|&(tick, neuron, _)| (tick + lag, neuron)).collect();
            // Layers before the last run on for some ticks, with no more input: nothing new can begin there.
            let found: Vec<(u32, u32)> = integer.spikes[population].iter().copied().filter(|s| s.0 < last).collect();
            assert!(!expected.is_empty());
            assert_eq!(found, expected, "population {population}, {fire:?}");
        }
        let rounded = log.tensors.iter().filter(|tensor| tensor.max_error > 1e-9).count();
        assert_eq!(rounded, 0, "{:?}", log.tensors);
    }
}

#[test]
fn a_soft_reset_is_refused_unless_the_change_is_allowed() {
    let chip = chip::load("loihi", &chip::LoadOptions::default()).expect("builtin");
    let network = Network::Float(layers(&mut Rng::new(2), &[4, 3], Fire::Above, Reset::Subtract));
    let problems = compile(&network, &chip, &Options::default(), &mut Log::default()).expect_err("soft reset");
    assert!(problems.has("cuba/reset"), "{problems}");
    assert_eq!(problems.exit_code(), 3);
    let mut log = Log::default();
    let allowed = Options { allow_reset_change: true, ..Options::default() };
    assert!(compile(&network, &chip, &allowed, &mut log).is_ok());
    assert!(log.lines.iter().any(|line| line.warning));
}

#[test]
fn narrow_weights_are_told_with_their_error() {
    let chip = chip::load("loihi", &chip::LoadOptions::default()).expect("builtin");
    let network = Network::Float(layers(&mut Rng::new(3), &[9, 9], Fire::Above, Reset::Value));
    let mut log = Log::default();
    let narrow = Options { weight_bits: Some(2), ..Options::default() };
    let compiled = compile(&network, &chip, &narrow, &mut log).expect("it compiles");
    assert!(compiled.network.projections[0].weights.iter().all(|weight| weight % 128 == 0));
    assert!(log.tensors[0].max_error > 0.5, "{:?}", log.tensors[0]);
    let none = Options { weight_bits: Some(7), ..Options::default() };
    assert!(compile(&network, &chip, &none, &mut Log::default()).expect_err("no such width").has("cuba/weight-bits"));
}
