//! Crossbar lowering against the straight-line oracle: random networks on small cores, where copies and relays are
//! needed at every turn, interpreted packet by packet; mutated images; and the limits of a core.

mod float;
mod interpret;
mod mutations;
mod random;
mod split;

use std::collections::BTreeMap;

use interpret::{agrees, chip, compile, dense, network, plain, population};
use random::{random_network, random_sample};
use spikeloom::compile::crossbar::{lags, lower, verify};
use spikeloom::compile::{FanOut, Log, Options};
use spikeloom::diag::Kind;
use spikeloom::graph::{Conv2d, CrossbarNeuron, Delays, IntGraph, IntNeuron, Pattern, Pool2d, Projection};
use spikeloom::ids::PopulationId;
use spikeloom::rng::Rng;

#[test]
fn random_networks_behave_as_the_oracle_says() {
    let (mut fitted, mut lagging, mut copied, mut spikes) = (0, 0, 0, 0);
    let mut refusals: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let graph = random_network(&mut rng);
        let inputs = graph.populations.iter().filter(|p| p.is_input()).map(|p| p.size() as u32).sum();
        let sample = random_sample(&mut rng, inputs);
        let (neurons, axons) = [(16, 24), (12, 48), (5, 96), (32, 40), (3, 60), (64, 128)][rng.below(6) as usize];
        let chip = chip(16, neurons, axons);
        match compile(&graph, &chip) {
            Ok(image) => {
                fitted += 1;
                lagging += usize::from(lags(&image, &graph, &chip).expect("verified").iter().any(|lag| *lag > 0));
                copied += usize::from(image.populations.iter().any(|p| !p.copies.is_empty()));
                spikes += agrees(&image, &graph, &chip, &sample);
            }
            Err(problems) => {
                for problem in problems.all() {
                    assert_eq!(problem.kind, Kind::Misfit, "seed {seed}: {problem}");
                    *refusals.entry(problem.code).or_default() += 1;
                }
            }
        }
    }
    println!(
        "{fitted} of 400 fit, {lagging} with relays, {copied} with copies, {spikes} spikes; refused: {refusals:?}"
    );
    assert!(fitted > 200 && lagging > 10 && copied > 50 && spikes > 10_000);
}

#[test]
fn fan_out_is_what_was_asked_for_and_changes_no_spike() {
    let mut found = BTreeMap::new();
    for seed in 0..150 {
        let mut rng = Rng::new(seed);
        let graph = random_network(&mut rng);
        let inputs = graph.populations.iter().filter(|p| p.is_input()).map(|p| p.size() as u32).sum();
        let sample = random_sample(&mut rng, inputs);
        let chip = chip(16, 12, 48);
        for (fan_out, name) in FanOut::ALL {
            let (options, mut log) = (Options { fan_out, ..Options::default() }, Log::default());
            let Ok(image) = lower(&graph, &chip, &options, &spikeloom::watch::Quiet, &mut log) else { continue };
            verify(&image, &graph, &chip).unwrap_or_else(|p| panic!("seed {seed}, {name}: {p}"));
            agrees(&image, &graph, &chip, &sample);
            let lines: Vec<_> = log.lines.iter().filter(|line| line.pass == "fan-out").collect();
            assert!(!lines.is_empty() || fan_out == FanOut::Auto, "seed {seed}, {name} says nothing");
            let relays = lines.iter().filter(|line| line.text.contains("relays, a tick each")).count();
            let copies = lines.iter().filter(|line| line.text.contains("at no delay")).count();
            let cycle = lines.iter().filter(|line| line.text.contains("on a cycle")).count();
            match fan_out {
                FanOut::Copies => assert_eq!(relays, 0, "seed {seed}"),
                FanOut::Relays => assert_eq!(copies, cycle, "seed {seed}: copies only on cycles"),
                FanOut::Auto => {}
            }
            let lagging = lags(&image, &graph, &chip).expect("verified").iter().any(|lag| *lag > 0);
            assert!(relays > 0 || !lagging, "seed {seed}, {name}: it lags without relays");
            let counts: &mut [usize; 3] = found.entry(name).or_default();
            *counts = [counts[0] + 1, counts[1] + relays, counts[2] + copies];
        }
    }
    println!("fit, populations with relays, with copies: {found:?}");
    assert!(found["copies"][2] > 50 && found["relays"][1] > 20 && found["auto"][0] >= found["copies"][0], "{found:?}");
}

/// 64 inputs, 64 hidden, 10 outputs, four-bit weights: one full core and one more.
fn digits() -> IntGraph {
    let mut rng = Rng::new(3);
    let mut weight = move |_| 15 * (rng.below(16) as i32 - 8);
    let populations = vec![
        population("in", &[64], None),
        population("hidden", &[64], Some(plain(300))),
        population("out", &[10], Some(plain(500))),
    ];
    network(populations, vec![dense(0, 1, 64, 64, &mut weight), dense(1, 2, 64, 10, &mut weight)])
}

#[test]
fn the_digits_network_fills_one_truenorth_core_and_a_part_of_another() {
    let (graph, chip) = (digits(), chip(64, 256, 256));
    let image = lower(&graph, &chip, &Options::default(), &spikeloom::watch::Quiet, &mut Log::default()).expect("fits");
    let (_, metrics) = spikeloom::compile::usage(&image, &chip);
    assert_eq!((metrics.cores, metrics.added_neurons), (2, 192));
    assert_eq!(image.depth, 2);
    let sample = random_sample(&mut Rng::new(5), 64);
    assert!(agrees(&image, &graph, &chip, &sample) > 100);
}

#[test]
fn a_convolution_with_pooling_runs_on_cores_of_256() {
    let mut rng = Rng::new(8);
    let conv = Conv2d {
        input: [2, 12, 12],
        output: [6, 10, 10],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
    let pool = Pool2d { input: [6, 10, 10], output: [6, 5, 5], kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
    let between = |source: u32, pattern, weights| Projection {
        name: format!("to{}", source + 1),
        source: PopulationId(source),
        target: PopulationId(source + 1),
        pattern,
        weights,
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    let weights = (0..6 * 2 * 9).map(|_| rng.below(16) as i32 - 8).collect();
    let populations = vec![
        population("in", &[2, 12, 12], None),
        population("conv", &[6, 10, 10], Some(plain(9))),
        population("pool", &[6, 5, 5], Some(plain(2))),
        population("out", &[10], Some(plain(20))),
    ];
    let out = dense(2, 3, 150, 10, |_| [3, 0, 0, -2][rng.below(4) as usize]);
    let projections = vec![between(0, Pattern::Conv2d(conv), weights), between(1, Pattern::Pool2d(pool), vec![1]), out];
    let (graph, chip) = (network(populations, projections), chip(64, 256, 256));
    let image = compile(&graph, &chip).expect("fits");
    assert!(agrees(&image, &graph, &chip, &random_sample(&mut rng, 288)) > 1000);
}

#[test]
fn one_core_is_enough_up_to_its_last_axon_and_not_beyond() {
    let build = |sources| {
        let populations = vec![population("in", &[sources], None), population("out", &[1], Some(plain(1)))];
        network(populations, vec![dense(0, 1, sources, 1, |_| 1)])
    };
    let chip = chip(2, 4, 256);
    compile(&build(256), &chip).expect("fits");
    let problems = compile(&build(257), &chip).expect_err("one axon too many");
    assert!(problems.has("crossbar/axons"), "{problems}");
    assert_eq!(problems.exit_code(), 3);
    assert!(problems.to_string().contains("1 too many"), "{problems}");
}

#[test]
fn what_cannot_be_lowered_is_refused_with_its_reason() {
    let refuse = |change: &dyn Fn(&mut IntGraph), code: &str, exit: u8| {
        let mut graph = digits();
        change(&mut graph);
        let problems = compile(&graph, &chip(64, 256, 256)).expect_err(code);
        assert!(problems.has(code), "{code}: {problems}");
        assert_eq!(problems.exit_code(), exit);
    };
    let neuron = |graph: &mut IntGraph, change: &dyn Fn(&mut CrossbarNeuron)| {
        if let Some(IntNeuron::Crossbar(neuron)) = &mut graph.populations[1].neuron {
            change(neuron);
        }
    };
    refuse(&|g| (0..64).for_each(|w| g.projections[0].weights[w * 64] = w as i32), "crossbar/weights", 3);
    refuse(&|g| g.projections[0].delays = Delays::Uniform(15), "crossbar/delay", 3);
    refuse(&|g| g.populations[1].shape = vec![1 << 21], "crossbar/projection", 1);
    refuse(&|g| g.populations[1].shape = vec![1 << 21; 2], "crossbar/shape", 1);
    refuse(&|g| g.projections[0].exponent = 1, "crossbar/projection", 1);
    refuse(&|g| g.projections[0].weights.truncate(9), "crossbar/projection", 1);
    refuse(&|g| g.projections[0].target = PopulationId(0), "crossbar/projection", 1);
    refuse(&|g| g.projections[0].source = PopulationId(9), "crossbar/projection", 1);
    refuse(&|g| g.outputs[0].population = PopulationId(0), "crossbar/output", 1);
    refuse(&|g| neuron(g, &|n| n.leak = vec![256]), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.threshold = Some(vec![1 << 18])), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.reset_value = vec![2]), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.leak = vec![1; 63]), "crossbar/length", 1);
}

#[test]
fn delays_reach_fourteen_ticks_beyond_the_one() {
    let mut graph = digits();
    graph.projections[0].delays = Delays::Uniform(14);
    compile(&graph, &chip(64, 256, 256)).expect("15 ticks in all");
}

/// Ten neurons are each heard on ten small cores; b leaks, and so must start off rest to be at rest in its time.
#[test]
fn relays_lag_and_leaks_are_started_early() {
    let mut rng = Rng::new(17);
    let leaking = CrossbarNeuron { leak: [-1, 1].repeat(50), ..plain(4) };
    let populations = vec![
        population("in", &[6], None),
        population("first", &[10], Some(plain(1))),
        population("a", &[10], Some(plain(1))),
        population("b", &[100], Some(leaking)),
    ];
    let weight = |_| [2, 1, 0][rng.below(3) as usize];
    let projections = vec![dense(0, 1, 6, 10, |_| 1), dense(1, 2, 10, 10, |_| 1), dense(2, 3, 10, 100, weight)];
    let (graph, chip) = (network(populations, projections), chip(16, 10, 64));
    let image = compile(&graph, &chip).expect("fits");
    let lags = lags(&image, &graph, &chip).expect("verified");
    assert!(lags[3] > 0, "{lags:?}");
    assert_eq!(image.depth, 3 + lags[3]);
    assert!(agrees(&image, &graph, &chip, &random_sample(&mut rng, 6)) > 100);
}
