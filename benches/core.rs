//! Ticks of the cores: a random recurrent Loihi network and a random crossbar network, function only and with time.
//! One iteration is one run of 100 ticks; the throughput is in synaptic events.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::{self, Log};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::graph::{
    CrossbarNeuron, CubaNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Network, Output, Pattern, Population,
    Projection, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::image::Image;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

const TICKS: u32 = 100;
const INPUTS: u32 = 64;

/// Inputs to neurons, and neurons to neurons, `fan_out` random targets each.
fn network(neuron: IntNeuron, size: u32, fan_out: u32, weights: std::ops::Range<i32>, recurrent: bool) -> IntGraph {
    let mut rng = Rng::new(1);
    let mut projection = |name: &str, source: u32, sources: u32| {
        let mut offsets = vec![0];
        let (mut targets, mut values) = (Vec::new(), Vec::new());
        for _ in 0..sources {
            let mut chosen: Vec<u32> = (0..fan_out).map(|_| rng.below(u64::from(size)) as u32).collect();
            chosen.sort_unstable();
            chosen.dedup();
            values.extend(
                chosen
                    .iter()
                    .map(|_| 2 * ((weights.start + rng.below((weights.end - weights.start) as u64) as i32) / 2)),
            );
            targets.extend(chosen);
            offsets.push(targets.len() as u32);
        }
        Projection {
            name: name.to_owned(),
            source: PopulationId(source),
            target: PopulationId(1),
            pattern: Pattern::Sparse { offsets, targets, weight_index: Vec::new() },
            weights: values,
            exponent: 0,
            delays: Delays::Uniform(0),
        }
    };
    let mut projections = vec![projection("in", 0, INPUTS)];
    if recurrent {
        projections.push(projection("recurrent", 1, size));
    }
    let population = |name: &str, size, neuron| Population { name: name.to_owned(), shape: vec![size], neuron };
    IntGraph {
        learning: Vec::new(),
        name: "random".to_owned(),
        populations: vec![population("input", INPUTS, None), population("neurons", size, Some(neuron))],
        projections,
        outputs: vec![Output { name: "neurons".to_owned(), population: PopulationId(1) }],
    }
}

/// Every input fires in one tick of eight.
fn stimulus() -> Stimulus {
    let mut rng = Rng::new(2);
    let spikes = (0..TICKS)
        .flat_map(|tick| (0..INPUTS).map(move |input| (tick, input)))
        .filter(|_| rng.below(8) == 0)
        .map(|(tick, input)| InputSpike { tick, input, value: 1 })
        .collect();
    Stimulus { samples: vec![Sample { name: "random".to_owned(), spikes, ticks: TICKS, label: None }], inputs: INPUTS }
}

fn bench_image(criterion: &mut Criterion, name: &str, image: &Image, chip: &ChipSpec) {
    let stimulus = stimulus();
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    for (timing, label) in [(false, "function only"), (true, "with time")] {
        let options = RunOptions { timing, threads: 1, strict: false, record: Record::None };
        let run = || emu::run(image, chip, &stimulus, &options, &Quiet).expect("the bench network runs");
        let events = run().samples[0].counts.synaptic();
        group.throughput(Throughput::Elements(events));
        group.bench_function(label, |bencher| bencher.iter(run));
    }
    group.finish();
}

fn core_tick(criterion: &mut Criterion) {
    let chip = chip::load("loihi", &LoadOptions::default()).expect("built in");
    let cuba =
        CubaNeuron { decay_u: vec![2048], decay_v: vec![128], threshold: Some(vec![1500]), ..CubaNeuron::default() };
    let graph = network(IntNeuron::Cuba(cuba), 1000, 100, -120..200, true);
    let compiled = compile::compile(&Network::Int(graph), &chip, &compile::Options::default(), &mut Log::default());
    bench_image(criterion, "loihi 1000 neurons x 100 synapses", &compiled.expect("it fits").image, &chip);

    let chip = chip::load("truenorth", &LoadOptions::default()).expect("built in");
    let crossbar = CrossbarNeuron {
        leak: vec![-1],
        threshold: Some(vec![6]),
        negative_threshold: vec![0],
        reset_value: vec![0],
        initial: vec![0],
        spike_reset: SpikeReset::Value,
        negative_reset: NegativeReset::Saturate,
    };
    let graph = network(IntNeuron::Crossbar(crossbar), 256, 128, 2..4, false);
    let compiled = compile::compile(&Network::Int(graph), &chip, &compile::Options::default(), &mut Log::default());
    bench_image(criterion, "truenorth one core, 128 synapses an axon", &compiled.expect("it fits").image, &chip);
}

criterion_group!(benches, core_tick);
criterion_main!(benches);
