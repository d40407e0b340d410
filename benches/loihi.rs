//! Random recurrent Loihi networks, function only: 100 synapses a neuron, 1.6 % of the neurons fire in a tick (driven
//! by their biases), arithmetic of dialect nengo. One iteration is a run of 2,000 ticks of a loaded program; the
//! throughput is in ticks. `benches/peers/loihi_nengo.py` runs the same networks on nengo-loihi
//! and prints the same fingerprint of their first spikes.
//! Cores have 1,024 compartments as on the chip, but axons, synapse memory and configurations without limit: such
//! networks have too many sources for the chip's 4,096 inbound axons.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spikeloom::chip::{self, ChipSpec, Dialect, Family, LoadOptions};
use spikeloom::compile::{self, Log};
use spikeloom::emu::counters::RunResult;
use spikeloom::emu::{self, Program, Quiet, Record, RunOptions};
use spikeloom::graph::{CubaNeuron, Delays, IntGraph, IntNeuron, Network, Output, Pattern, Population, Projection};
use spikeloom::ids::PopulationId;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{Sample, Stimulus};

const TICKS: u32 = 2000;
/// Ticks whose spikes are compared with the peer's.
const COMPARED: u32 = 60;

fn chip(compartments: u32) -> ChipSpec {
    let mut chip = chip::load("loihi", &LoadOptions::default()).expect("built in");
    (chip.capacity.neurons, chip.capacity.axons_in, chip.capacity.axons_out) = (compartments, 1 << 16, 1 << 20);
    if let Family::Cuba(spec) = &mut chip.family {
        (spec.dialect, spec.synapse_words, spec.compartment_configs) = (Dialect::Nengo, 1 << 24, u16::MAX);
        spec.index_widths.push(16);
    }
    chip
}

fn network(size: u32) -> Network {
    let mut rng = Rng::new(1);
    let (mut offsets, mut targets, mut weights) = (vec![0], Vec::new(), Vec::new());
    for _ in 0..size {
        let mut chosen: Vec<u32> = (0..100).map(|_| rng.below(u64::from(size)) as u32).collect();
        chosen.sort_unstable();
        chosen.dedup();
        weights.extend(chosen.iter().map(|_| 2 * (rng.below(40) as i32 - 20)));
        targets.extend(chosen);
        offsets.push(targets.len() as u32);
    }
    let neuron = CubaNeuron {
        decay_u: vec![1024],
        decay_v: vec![128],
        threshold: Some(vec![1000]),
        bias: (0..size).map(|_| rng.below(4000) as i16).collect(),
        ..CubaNeuron::default()
    };
    Network::Int(IntGraph {
        learning: Vec::new(),
        name: "random".to_owned(),
        populations: vec![Population {
            name: "neurons".to_owned(),
            shape: vec![size],
            neuron: Some(IntNeuron::Cuba(neuron)),
        }],
        projections: vec![Projection {
            name: "recurrent".to_owned(),
            source: PopulationId(0),
            target: PopulationId(0),
            pattern: Pattern::Sparse { offsets, targets, weight_index: Vec::new() },
            weights,
            exponent: 0,
            delays: Delays::Uniform(0),
        }],
        outputs: vec![Output { name: "neurons".to_owned(), population: PopulationId(0) }],
    })
}

/// FNV-1a of (tick, neuron) of the first spikes.
fn fingerprint(result: &RunResult) -> u64 {
    let compared = result.samples[0].spikes.iter().take_while(|spike| spike.tick < COMPARED);
    let bytes = compared.flat_map(|spike| [spike.tick, spike.neuron]).flat_map(u32::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn recurrent(criterion: &mut Criterion) {
    let stimulus = Stimulus {
        samples: vec![Sample { name: "none".to_owned(), spikes: Vec::new(), ticks: TICKS, label: None }],
        inputs: 0,
    };
    let mut group = criterion.benchmark_group("loihi, ticks of a recurrent network");
    group.sample_size(10).throughput(Throughput::Elements(TICKS.into()));
    for (size, compartments, threads) in [(1000, 1024, 1), (10_000, 1024, 1), (10_000, 1 << 16, 1), (10_000, 1024, 2)] {
        let options = RunOptions { timing: false, threads, strict: false, record: Record::None };
        let chip = chip(compartments);
        let compiled = compile::compile(&network(size), &chip, &compile::Options::default(), &mut Log::default());
        let image = compiled.expect("it fits").image;
        let label = format!("{size} neurons, {} cores, {threads} threads", image.cores.len());
        let program = Program::new(&image, &chip).expect("the bench network loads");
        let run = || emu::run_program(&program, &stimulus, &options, &Quiet).expect("the bench network runs");
        let spikes = run().samples[0].spike_total;
        let recording = RunOptions { record: Record::All, ..options.clone() };
        let recorded = emu::run_program(&program, &stimulus, &recording, &Quiet).expect("the bench network runs");
        println!("{label}: {spikes} spikes in {TICKS} ticks, of the first {COMPARED}: {:016x}", fingerprint(&recorded));
        group.bench_function(label, |bencher| bencher.iter(run));
    }
    group.finish();
}

criterion_group!(benches, recurrent);
criterion_main!(benches);
