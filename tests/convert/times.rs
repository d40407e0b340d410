//! Networks of first spikes on a chip with programmable neurons: every time against a straight-line model in integers, and
//! the digits that are read.

use spikeloom::chip::{self, LoadOptions};
use spikeloom::compile::{self, Log, Options, first_spike};
use spikeloom::convert::{self, Coding, Normalise, Plan, Scope, SpikeReset, Units, spiking};
use spikeloom::emu::{self, Quiet, Readout, Record, RunOptions};
use spikeloom::graph::{AnnOptions, IntGraph, IntNeuron, Network, ProgramNeuron, read_onnx};
use spikeloom::isa::Binding;
use spikeloom::stimulus::{self, Encoding, InputSpike, Stimulus, encode_images};

use super::file;

fn of(neuron: &ProgramNeuron, parameter: &str, index: usize) -> i64 {
    let found = neuron.parameters.iter().find(|(name, _)| name == parameter).map(|(_, binding)| binding);
    i64::from(match found.expect("it is given") {
        Binding::Shared(value) => *value,
        Binding::PerNeuron(values) => values[index],
        Binding::Table(_) => panic!("'{parameter}' is a table"),
    })
}

/// (tick, population, neuron) of every spike and the sums of the last population, by arithmetic on whole times.
fn expected(network: &IntGraph, input: &[InputSpike], window: i64) -> (Vec<(u32, u32, u32)>, Vec<i64>) {
    let mut times: Vec<Vec<Option<i64>>> = vec![Vec::new(); network.populations.len()];
    let (mut spikes, mut sums) = (Vec::new(), Vec::new());
    for (number, population) in network.populations.iter().enumerate() {
        let Some(IntNeuron::Program(neuron)) = &population.neuron else {
            times[number] = vec![None; population.size()];
            input.iter().for_each(|spike| times[number][spike.input as usize] = Some(i64::from(spike.tick)));
            continue;
        };
        sums = (0..population.size()).map(|n| i64::from(neuron.begin(n)[0])).collect();
        for projection in network.projections.iter().filter(|projection| projection.target.index() == number) {
            for (from, time) in times[projection.source.index()].iter().enumerate() {
                let Some(time) = time else { continue };
                projection.pattern.visit(from as u32, |to, weight| {
                    sums[to as usize] += i64::from(projection.weights[weight as usize]) * (window - 1 - time);
                });
            }
        }
        times[number] = sums
            .iter()
            .enumerate()
            .map(|(n, &sum)| {
                let threshold = of(neuron, "threshold", n);
                let value = if threshold == 0 { 0 } else { sum.div_euclid(threshold).clamp(0, window - 1) };
                (value > 0).then(|| window - 1 - value)
            })
            .collect();
        let start = of(neuron, "start", 0);
        let fired = times[number].iter().enumerate().filter_map(|(n, time)| Some(((*time)?, n)));
        spikes.extend(fired.map(|(time, n)| ((start + time) as u32, number as u32, n as u32)));
    }
    spikes.sort_unstable();
    (spikes, sums)
}

#[test]
fn first_spikes_on_loihi_2_come_when_they_should_and_read_the_digits() {
    let chip = chip::load("loihi2", &LoadOptions::default()).expect("ships");
    let digits =
        stimulus::read_images(&file("programs/mnist/few-images-idx3-ubyte.gz"), [1, 28, 28], None).expect("the digits");
    for (name, windows, shown) in [("mlp", &[4, 16, 64][..], 100), ("cnn", &[16][..], 20)] {
        let bytes = std::fs::read(file(&format!("programs/mnist/{name}.onnx"))).expect("a model");
        let units = Units::new(read_onnx(&bytes, name, AnnOptions::default()).expect("read")).expect("units");
        let balance = convert::balance(&units, &digits, Normalise::Percentile(99.9), Scope::Layer).expect("balanced");
        let graph = spiking(&units, &balance, SpikeReset::Subtract, 0.5);
        let plan = Plan {
            coding: Coding::FirstSpike,
            reset: SpikeReset::Subtract,
            ticks: windows.to_vec(),
            seed: 0,
            threads: 2,
            examined: 0,
        };
        let few = stimulus::ImageSet {
            images: digits.images[..shown].to_vec(),
            labels: digits.labels[..shown].to_vec(),
            ..digits.clone()
        };
        let float = convert::evaluate(&units, &graph, &balance, &few, &plan, &|_| true).expect("evaluated");
        for (&window, point) in windows.iter().zip(&float.points) {
            let made = first_spike(&graph, window, &chip, &mut Log::default()).expect("units");
            let network = Network::Int(made.network.clone());
            let compiled = compile::compile(&network, &chip, &Options::default(), &mut Log::default())
                .unwrap_or_else(|problems| panic!("{problems}"));
            let latency = stimulus::Options {
                ticks: Some(made.ticks),
                encoding: Some(Encoding::Latency),
                window: Some(window),
                ..stimulus::Options::default()
            };
            let stimulus: Stimulus = encode_images(&few.images, few.max, &latency, &few.labels);
            let options = RunOptions { timing: false, threads: 2, strict: true, record: Record::All };
            let result = emu::run(&compiled.image, &chip, &stimulus, &options, &Quiet).expect("no fault");
            let (mut right, mut spikes) = (0, 0);
            for (sample, shown) in result.samples.iter().zip(&stimulus.samples) {
                let (wanted, sums) = expected(&made.network, &shown.spikes, i64::from(window));
                let mut found: Vec<(u32, u32, u32)> =
                    sample.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect();
                found.sort_unstable();
                assert_eq!(found, wanted, "{name}, window {window}: times");
                let membranes: Vec<i64> = sample.output_membranes[0].iter().map(|&v| i64::from(v)).collect();
                assert_eq!(membranes, sums, "{name}, window {window}: read-out");
                spikes += found.len();
                right += u64::from(sample.winner(0, Readout::Membrane) == shown.label);
            }
            let float = point.right.expect("labels");
            println!(
                "{name}, window {window}: {right} of {} read right on loihi2, {float} in float, {} spikes an image, {} ticks",
                few.images.len(),
                spikes / few.images.len(),
                made.ticks
            );
            assert!(right + 2 >= float && spikes > 0, "{name}, window {window}: {right} of {float}");
        }
    }
}

#[test]
fn what_has_no_window_is_refused() {
    let mlp = std::fs::read(file("programs/mnist/mlp.onnx")).expect("a model");
    let units = Units::new(read_onnx(&mlp, "mlp", AnnOptions::default()).expect("read")).expect("units");
    let load = |name: &str| chip::load(name, &LoadOptions::default()).expect("ships");
    let problems = first_spike(&units.graph, 16, &load("loihi"), &mut Log::default()).expect_err("no programs");
    assert!(problems.has("first-spike/chip") && problems.exit_code() == 3, "{problems}");
    let problems = first_spike(&units.graph, 1, &load("loihi2"), &mut Log::default()).expect_err("one tick");
    assert!(problems.has("first-spike/window"), "{problems}");
    // A layer that is fed by two windows: its own input jumps over the hidden layer.
    let mut graph = units.graph.clone();
    let mut jump = graph.projections[0].clone();
    jump.target = graph.projections[1].target;
    jump.pattern = spikeloom::graph::Pattern::Dense { sources: 784, targets: 10 };
    jump.weights = vec![0.5; 7840];
    graph.projections.push(jump);
    let problems = first_spike(&graph, 16, &load("loihi2"), &mut Log::default()).expect_err("two windows");
    assert!(problems.has("first-spike/paths"), "{problems}");
}
