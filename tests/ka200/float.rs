//! Float networks in half precision beside the float reference.

use spikeloom::binary16::Half;
use spikeloom::compile::{self, Compiled, Log, Options};
use spikeloom::emu::{self, Quiet, Readout, Record, RunOptions};
use spikeloom::graph::{self, IntNeuron, Network, SteppedNeuron, read_json};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{self, Options as Encoding, Stimulus, digits};

use crate::network::{ka200, stimulus as random_stimulus};

fn float(text: &str) -> graph::Graph {
    match read_json(text, "net.json").unwrap_or_else(|problems| panic!("{problems}")) {
        Network::Float(graph) => graph,
        Network::Int(_) => panic!("a float network"),
    }
}

fn compiled(graph: &graph::Graph) -> Compiled {
    let network = Network::Float(graph.clone());
    compile::compile(&network, &ka200(&[]), &Options::default(), &mut Log::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn registers(made: &Compiled, population: usize) -> &SteppedNeuron {
    match &made.network.populations[population].neuron {
        Some(IntNeuron::Stepped(neuron)) => neuron,
        _ => panic!("a population in half precision"),
    }
}

/// Spikes of every population as (tick, neuron), those of the chip earlier by the lag; the first sample.
fn both(graph: &graph::Graph, made: &Compiled, stimulus: &Stimulus) -> [Vec<Vec<(u32, u32)>>; 2] {
    let options = RunOptions { timing: false, threads: 1, strict: true, record: Record::All };
    let result = emu::run(&made.image, &ka200(&[]), stimulus, &options, &Quiet).expect("runs");
    let sample = &stimulus.samples[0];
    let mut chip = vec![Vec::new(); graph.populations.len()];
    for spike in &result.samples[0].spikes {
        let population = spike.population as usize;
        let tick = spike.tick - registers(made, population).start;
        if tick < sample.ticks {
            chip[population].push((tick, spike.neuron));
        }
    }
    let reference = oracle::float::run(graph, sample).expect("runs");
    let spikes = |list: &Vec<(u32, u32, u16)>| list.iter().map(|&(tick, neuron, _)| (tick, neuron)).collect();
    [chip, reference.spikes.iter().map(spikes).collect()]
}

/// Weights and thresholds are small whole numbers, which half precision holds: spike for spike the float network.
#[test]
fn the_digits_network_is_the_float_network() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/digits/digits.json");
    let graph = float(&std::fs::read_to_string(path).expect("the shipped network"));
    let (made, chip, images) = (compiled(&graph), ka200(&[]), digits().test);
    let stimulus = stimulus::encode_images(&images.images, images.max, &Encoding::default(), &images.labels);
    let options = RunOptions { timing: true, threads: 2, strict: true, record: Record::None };
    let result = emu::run(&made.image, &chip, &stimulus, &options, &Quiet).expect("runs");
    let (mut right, mut float_right, mut spikes) = (0, 0, 0);
    for ((sample, outcome), label) in stimulus.samples.iter().zip(&result.samples).zip(&images.labels) {
        let reference = oracle::float::run(&graph, sample).expect("runs");
        let mut counts = vec![0_u32; 10];
        reference.spikes[2].iter().for_each(|&(_, neuron, _)| counts[neuron as usize] += 1);
        assert_eq!(outcome.output_counts[0], counts);
        let membranes: Vec<f64> =
            outcome.output_membranes[0].iter().map(|&bits| Half::from_ordered(bits).to_f64()).collect();
        assert_eq!(membranes, reference.membranes[2]);
        spikes += counts.iter().sum::<u32>();
        let most = (0..10).max_by(|&a, &b| {
            let rank = |n: usize| (f64::from(counts[n]), reference.membranes[2][n]);
            rank(a).partial_cmp(&rank(b)).expect("numbers").then(b.cmp(&a))
        });
        float_right += u32::from(most == Some(*label as usize));
        right += u32::from(outcome.winner(0, Readout::Count) == Some(*label));
    }
    let of = images.labels.len();
    println!("digits on ka200: {right} of {of} right, the float network {float_right}; {spikes} output spikes equal");
    assert_eq!((right, float_right, of), (346, 346, 355));
}

/// Every reading of a leak, a bias, a rest and a first membrane, by hand.
#[test]
fn a_leaky_neuron_becomes_the_four_registers() {
    let text = |dynamics: &str, fire: &str| {
        format!(
            r#"{{"version": 1, "name": "lif", "profile": {{"dt": 0.001, "dynamics": "{dynamics}", "fire": "{fire}",
            "reset": "value", "reset_time": "same", "multi_spike": false}},
            "populations": [{{"name": "in", "shape": [2]}},
              {{"name": "out", "shape": [2], "neuron": {{"model": "lif", "tau_mem": [0.004, 0.008], "r": 2.0, "v_leak": 0.5,
                "v_threshold": 1.0, "v_reset": -0.25, "bias": [0.5, 0.0], "v_initial": 0.25}}}}],
            "projections": [{{"source": "in", "target": "out", "pattern": {{"type": "dense"}}, "weights": [[1, 2], [3, 4]]}}],
            "outputs": [{{"population": "out"}}]}}"#
        )
    };
    let made = compiled(&float(&text("euler", "above")));
    let half = |value: f64| Half::from_f64(value).0;
    let euler = registers(&made, 1);
    assert_eq!(euler.alpha, [half(0.75), half(0.875)]);
    assert_eq!(euler.beta, [half(0.125), half(0.0625)]);
    assert_eq!((euler.theta.as_deref(), euler.v_0.as_slice()), (Some(&[half(1.0)][..]), &[half(-0.25)][..]));
    assert_eq!(euler.bias, [half(0.25), 0]);
    assert_eq!(euler.initial, [half(0.75 * 0.25 + 0.125), half(0.875 * 0.25 + 0.0625)]);
    assert_eq!(euler.start, 1);
    let expected = [0.5, 1.0, 0.75, 1.0].map(|weight| i32::from(half(weight)));
    assert_eq!(made.network.projections[0].weights, expected);
    let exact = compiled(&float(&text("zero_order_hold", "at_or_above")));
    let keep = |tau: f64| (-0.001_f64 / tau).exp();
    assert_eq!(registers(&exact, 1).alpha, [half(keep(0.004)), half(keep(0.008))]);
    // The largest number below 1.
    assert_eq!(registers(&exact, 1).theta.as_deref(), Some(&[0x3bff][..]));
    assert_eq!(exact.network.projections[0].weights[3], i32::from(half(4.0 * 2.0 * (1.0 - keep(0.008)))));
    let after = compiled(&float(&text("decay_then_add", "above")));
    assert_eq!(after.network.projections[0].weights[3], i32::from(half(8.0)));
    assert_eq!(registers(&after, 1).beta[0], half((1.0 - keep(0.004)) * 0.5));
}

/// With whole numbers nothing is rounded: layers, shortcuts, loops, biases and first membranes, spike for spike.
#[test]
fn networks_of_whole_numbers_are_the_float_networks() {
    let mut rng = Rng::new(11);
    let mut spikes = 0;
    for case in 0..40 {
        let list = |rng: &mut Rng, count: usize, most: i64| -> String {
            let numbers: Vec<String> =
                (0..count).map(|_| (rng.below(2 * most as u64 + 1) as i64 - most).to_string()).collect();
            format!("[{}]", numbers.join(","))
        };
        let fire = if case % 2 == 0 { "above" } else { "at_or_above" };
        let kind = if case % 5 == 4 { "threshold" } else { "if" };
        let (weights, thresholds) = (list(&mut rng, 48, 4), list(&mut rng, 6, 3));
        let thresholds = thresholds.replace('-', "");
        let text = format!(
            r#"{{"version": 1, "name": "whole", "profile": {{"dt": 1.0, "dynamics": "euler", "fire": "{fire}",
            "reset": "value", "reset_time": "same", "multi_spike": false, "recurrent_bias_at_start": false}},
            "populations": [{{"name": "in", "shape": [8]}},
              {{"name": "a", "shape": [6], "neuron": {{"model": "{kind}", "v_threshold": {thresholds}, "bias": {}}}}},
              {{"name": "b", "shape": [6], "neuron": {{"model": "if", "v_threshold": 3, "v_reset": -1, "bias": {},
                "recurrent_bias": {}, "v_initial": {}}}}},
              {{"name": "out", "shape": [6], "neuron": {{"model": "if", "v_threshold": 2, "v_reset": 1, "bias": {}}}}}],
            "projections": [
              {{"source": "in", "target": "a", "pattern": {{"type": "dense"}}, "weights": {weights}}},
              {{"source": "a", "target": "b", "pattern": {{"type": "dense"}}, "weights": {}}},
              {{"source": "b", "target": "b", "pattern": {{"type": "one_to_one"}}, "weights": {}}},
              {{"source": "in", "target": "out", "pattern": {{"type": "dense"}}, "weights": {}}},
              {{"source": "b", "target": "out", "pattern": {{"type": "dense"}}, "weights": {}}}],
            "outputs": [{{"population": "out"}}]}}"#,
            list(&mut rng, 6, 1),
            list(&mut rng, 6, 1),
            list(&mut rng, 6, 1),
            list(&mut rng, 6, 2),
            list(&mut rng, 6, 1),
            list(&mut rng, 36, 3),
            list(&mut rng, 6, 2),
            list(&mut rng, 48, 2),
            list(&mut rng, 36, 3),
        );
        let graph = float(&text);
        let made = compiled(&graph);
        let starts: Vec<u32> = (1..4).map(|population| registers(&made, population).start).collect();
        assert_eq!(starts, [1, 2, 3]);
        let [chip, reference] = both(&graph, &made, &random_stimulus(&mut rng, 8, 40, 2));
        assert_eq!(chip, reference, "case {case}");
        spikes += chip.iter().map(Vec::len).sum::<usize>();
    }
    println!("40 networks, {spikes} spikes equal");
    assert!(spikes > 5_000, "{spikes}");
}
