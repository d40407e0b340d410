//! Networks for FCores, and how they are run.

use spikeloom::chip::{self, ChipSpec, Family, LoadOptions};
use spikeloom::compile::{self, Compiled, Log, Options};
use spikeloom::emu::{self, Quiet, Record, RunOptions, counters::RunResult};
use spikeloom::graph::{
    Activation, AnnSoma, Delays, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, IntGraph, IntNeuron, Network, Output,
    Pattern, Population, Projection, SnnSoma,
};
use spikeloom::ids::PopulationId;
use spikeloom::oracle::fcore::{FcoreTrace, run};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

pub(crate) fn tianjic(set: &[(&str, &str)]) -> ChipSpec {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    chip::load("tianjic", &LoadOptions { set, ..LoadOptions::default() })
        .unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn population(name: &str, shape: &[u32], neuron: Option<FcoreNeuron>) -> Population<IntNeuron> {
    Population { name: name.to_owned(), shape: shape.to_vec(), neuron: neuron.map(IntNeuron::Fcore) }
}

pub(crate) fn projection(source: u32, target: u32, pattern: Pattern, weights: Vec<i32>) -> Projection<i32> {
    Projection {
        name: format!("{source}->{target}"),
        source: PopulationId(source),
        target: PopulationId(target),
        pattern,
        weights,
        exponent: 0,
        delays: Delays::Uniform(0),
    }
}

pub(crate) fn graph(populations: Vec<Population<IntNeuron>>, projections: Vec<Projection<i32>>) -> IntGraph {
    let last = PopulationId(populations.len() as u32 - 1);
    let outputs = vec![Output { name: "out".to_owned(), population: last }];
    IntGraph { name: "net".to_owned(), populations, projections, outputs, learning: Vec::new() }
}

pub(crate) fn ann(bias: Vec<i32>, shift: u8, activation: Activation, input: FcoreInput) -> FcoreNeuron {
    FcoreNeuron { input, soma: FcoreSoma::Ann(AnnSoma { bias, shift, activation }) }
}

pub(crate) fn snn(threshold: i32, input: FcoreInput) -> FcoreNeuron {
    let soma = SnnSoma {
        initial: vec![0],
        decay: 0,
        bias: vec![0],
        threshold: Some(vec![threshold]),
        random_bits: 0,
        seed: 0,
        reset: FcoreReset::Subtract,
        reset_value: 0,
    };
    FcoreNeuron { input, soma: FcoreSoma::Snn(soma) }
}

pub(crate) fn compiled(graph: &IntGraph, chip: &ChipSpec) -> spikeloom::diag::Result<Compiled> {
    compile::compile(&Network::Int(graph.clone()), chip, &Options::default(), &mut Log::default())
}

pub(crate) fn stimulus(rng: &mut Rng, inputs: u32, ticks: u32, largest: u64) -> Stimulus {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for input in 0..inputs {
            if rng.below(3) == 0 {
                spikes.push(InputSpike { tick, input, value: 1 + rng.below(largest) as u16 });
            }
        }
    }
    Stimulus { samples: vec![Sample { name: "random".to_owned(), spikes, ticks, label: None }], inputs }
}

pub(crate) fn shown(
    compiled: &Compiled,
    chip: &ChipSpec,
    stimulus: &Stimulus,
    timing: bool,
    threads: usize,
) -> RunResult {
    let options = RunOptions { timing, threads, strict: false, record: Record::All };
    emu::run(&compiled.image, chip, stimulus, &options, &Quiet).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Compares every packet, every state after the last round and every overflow; returns the packets.
pub(crate) fn assert_equal(compiled: &Compiled, chip: &ChipSpec, stimulus: &Stimulus, what: &str) -> usize {
    let Family::Fcore(spec) = &chip.family else { panic!("an FCore chip") };
    let traces = run(&compiled.network, &stimulus.samples[0], compiled.image.depth, spec);
    let mut packets = 0;
    for (timing, threads) in [(false, 1), (true, 1), (false, 3)] {
        let result = shown(compiled, chip, stimulus, timing, threads);
        let sample = &result.samples[0];
        assert_eq!(sample.faults.late_packets + sample.faults.overruns, 0, "{what}");
        packets = compare(&traces, compiled, &result, &format!("{what}, timing {timing}, {threads} threads"));
    }
    packets
}

fn compare(traces: &[FcoreTrace], compiled: &Compiled, result: &RunResult, what: &str) -> usize {
    let mut sent: Vec<(u32, u32, u32)> = Vec::new();
    for (population, trace) in (0..).zip(traces).filter(|(_, trace)| !trace.state.is_empty()) {
        for (round, row) in (0..).zip(&trace.sent) {
            sent.extend((0..).zip(row).filter(|(_, sent)| **sent != 0).map(|(n, _)| (round, population, n)));
        }
    }
    sent.sort_unstable();
    let found: Vec<(u32, u32, u32)> =
        result.samples[0].spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect();
    assert_eq!(found.len(), sent.len(), "{what}: packets");
    assert_eq!(found, sent, "{what}");
    let output = compiled.network.outputs[0].population.index();
    assert_eq!(result.samples[0].output_membranes[0], traces[output].state[traces[output].state.len() - 1], "{what}");
    let overflows: u64 = traces.iter().map(|trace| trace.overflows).sum();
    assert_eq!(result.samples[0].faults.overflows, overflows, "{what}: overflows");
    sent.len()
}
