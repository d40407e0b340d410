//! Quantisation of float networks.

use spikeloom::compile::{Log, Options, compile as compile_network};
use spikeloom::graph::{
    Delays, Dynamics, Fire, FloatNeuron, Graph, Network, NeuronKind, Output, Pattern, Population, Profile, Projection,
    Reset, ResetTime,
};
use spikeloom::ids::PopulationId;
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::Sample;

use super::interpret::{agrees, chip};
use super::random::random_sample;

/// A float network of IF neurons, 20 inputs to 12 to 5; weights on a grid of 16 levels a neuron.
fn float_network() -> Graph {
    let mut rng = Rng::new(21);
    let neuron = |v_threshold: Vec<f64>| FloatNeuron {
        kind: NeuronKind::If,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        r: vec![1000.0],
        v_leak: Vec::new(),
        v_threshold,
        v_reset: vec![0.0],
        w_in: Vec::new(),
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    };
    let population = |name: &str, size, neuron| Population { name: name.to_owned(), shape: vec![size], neuron };
    let mut layer = |source: u32, sources: u32, targets: u32| Projection {
        name: format!("fc{source}"),
        source: PopulationId(source),
        target: PopulationId(source + 1),
        pattern: Pattern::Dense { sources, targets },
        weights: (0..targets)
            .flat_map(|t| (0..sources).map(move |_| t))
            .map(|t| (0.01 + 0.003 * f64::from(t)) * (rng.below(16) as f64 - 6.0))
            .collect(),
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    Graph {
        name: "float".to_owned(),
        populations: vec![
            population("in", 20, None),
            population("hidden", 12, Some(neuron((0..12).map(|n| 0.05 + 0.01 * f64::from(n)).collect()))),
            population("out", 5, Some(neuron(vec![0.07]))),
        ],
        projections: vec![layer(0, 20, 12), layer(1, 12, 5)],
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(2) }],
        profile: Profile {
            name: "test".to_owned(),
            dt: 1e-3,
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

/// Straight-line float IF network in the chip's time: a spike is integrated one tick later.
fn float_spikes(graph: &Graph, sample: &Sample, ticks: u32) -> Vec<Vec<(u32, u32)>> {
    let mut v: Vec<Vec<f64>> = graph.populations.iter().map(|p| vec![0.0; p.size()]).collect();
    let mut spikes = vec![Vec::new(); v.len()];
    for tick in 0..ticks {
        for projection in &graph.projections {
            let (source, target) = (projection.source.index(), projection.target.index());
            let before = |&&(t, _): &&(u32, u32)| t + 1 == tick;
            let arrived: Vec<u32> = spikes[source].iter().filter(before).map(|(_, n)| *n).collect();
            for neuron in arrived {
                projection.pattern.visit(neuron, |to, w| v[target][to as usize] += projection.weights[w as usize]);
            }
        }
        let inputs = sample.spikes.iter().filter(|spike| spike.tick == tick);
        spikes[0].extend(inputs.map(|spike| (tick, spike.input)));
        for p in 1..v.len() {
            let thresholds = &graph.populations[p].neuron.as_ref().expect("neurons").v_threshold;
            for n in 0..v[p].len() {
                // Sums of grid values may miss the threshold by a rounding.
                if v[p][n] + 1e-9 >= thresholds[n.min(thresholds.len() - 1)] {
                    v[p][n] = 0.0;
                    spikes[p].push((tick, n as u32));
                }
            }
        }
    }
    spikes
}

#[test]
fn a_float_network_on_a_sixteen_level_grid_is_quantised_without_error() {
    let (graph, chip) = (float_network(), chip(8, 256, 256));
    let mut log = Log::default();
    let network = Network::Float(graph.clone());
    let compiled = compile_network(&network, &chip, &Options::default(), &mut log).expect("compiles");
    let of_weights = log.tensors.iter().filter(|tensor| tensor.name.ends_with(".weight"));
    assert!(of_weights.clone().count() == 2 && of_weights.clone().all(|tensor| tensor.max_error < 1e-9));
    let sample = random_sample(&mut Rng::new(2), 20);
    let run = oracle::crossbar::run(&compiled.network, &sample, 20);
    let expected = float_spikes(&graph, &sample, sample.ticks + 20);
    assert!(expected[2].len() > 10);
    assert_eq!(run.spikes[1..], expected[1..]);
    agrees(&compiled.image, &compiled.network, &chip, &sample);
}

#[test]
fn dynamics_that_crossbar_neurons_lack_are_refused() {
    let refuse = |change: &dyn Fn(&mut Graph), code: &str| {
        let mut graph = float_network();
        change(&mut graph);
        let network = Network::Float(graph);
        let result = compile_network(&network, &chip(8, 256, 256), &Options::default(), &mut Log::default());
        let problems = result.expect_err(code);
        assert!(problems.has(code), "{problems}");
        problems
    };
    let neuron = |graph: &mut Graph, change: &dyn Fn(&mut FloatNeuron)| {
        graph.populations[1].neuron.iter_mut().for_each(change);
    };
    for kind in [NeuronKind::Lif, NeuronKind::CubaLif, NeuronKind::Li, NeuronKind::Threshold] {
        let leaky = |n: &mut FloatNeuron| {
            (n.kind, n.tau_mem, n.tau_syn) = (kind, vec![0.01], vec![0.01]);
            (n.v_leak, n.w_in) = (vec![0.0], vec![1.0]);
        };
        assert_eq!(refuse(&|g| neuron(g, &leaky), "crossbar/dynamics").exit_code(), 3);
    }
    assert_eq!(refuse(&|g| g.profile.multi_spike = true, "crossbar/reset").exit_code(), 3);
    refuse(&|g| g.profile.reset = Reset::SnntorchSubtract, "crossbar/reset");
    refuse(&|g| neuron(g, &|n| n.v_reset = vec![0.5]), "crossbar/reset");
    assert_eq!(refuse(&|g| neuron(g, &|n| n.v_threshold = vec![f64::NAN]), "graph/not-finite").exit_code(), 1);
    refuse(&|g| g.projections[0].weights[3] = f64::INFINITY, "graph/not-finite");
    refuse(&|g| neuron(g, &|n| n.r = vec![0.0]), "crossbar/parameters");
}

/// The shipped digits: their weights are on sixteen levels a neuron, so the chip must decide as the float network does.
#[test]
fn the_shipped_digits_keep_their_accuracy_on_truenorth() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/digits/digits.json");
    let text = std::fs::read_to_string(path).expect("the shipped network");
    let network = spikeloom::graph::read_json(&text, "digits.json").expect("sound");
    let chip = spikeloom::chip::load("truenorth", &spikeloom::chip::LoadOptions::default()).expect("built in");
    let mut log = Log::default();
    let compiled = compile_network(&network, &chip, &Options::default(), &mut log).expect("fits");
    let set = spikeloom::stimulus::digits().test;
    let options = spikeloom::stimulus::Options::default();
    let stimulus = spikeloom::stimulus::encode_images(&set.images, set.max, &options, &set.labels);
    let output = compiled.network.outputs[0].population.index();
    let mut right = 0;
    for sample in &stimulus.samples {
        let run = oracle::crossbar::run(&compiled.network, sample, compiled.image.depth);
        let mut counts = [0; 10];
        run.spikes[output].iter().for_each(|(_, neuron)| counts[*neuron as usize] += 1);
        right += u32::from(spikeloom::train::decide(&counts) == sample.label);
    }
    let accuracy = f64::from(right) / stimulus.samples.len() as f64;
    println!("accuracy {accuracy:.4} on {} cores, {:?}", log.metrics.cores, log.tensors);
    assert!(accuracy >= 0.96, "{accuracy}");
    agrees(&compiled.image, &compiled.network, &chip, &stimulus.samples[0]);
}
