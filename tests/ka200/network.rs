//! Networks in half precision, and how they are run.

use spikeloom::chip::{self, ChipSpec, Family, LoadOptions};
use spikeloom::compile::{self, Compiled, Log, Options};
use spikeloom::diag::Result;
use spikeloom::emu::{self, Quiet, Record, RunOptions, counters::RunResult};
use spikeloom::graph::{Delays, IntGraph, IntNeuron, Network, Output, Pattern, Population, Projection, SteppedNeuron};
use spikeloom::ids::PopulationId;
use spikeloom::oracle::stepped::{SteppedTrace, run};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

pub(crate) fn ka200(set: &[(&str, &str)]) -> ChipSpec {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    chip::load("ka200", &LoadOptions { set, ..LoadOptions::default() }).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn population(name: &str, shape: &[u32], neuron: Option<SteppedNeuron>) -> Population<IntNeuron> {
    Population { name: name.to_owned(), shape: shape.to_vec(), neuron: neuron.map(IntNeuron::Stepped) }
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

pub(crate) fn compiled(graph: &IntGraph, chip: &ChipSpec) -> Result<Compiled> {
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

pub(crate) fn shown(made: &Compiled, chip: &ChipSpec, stimulus: &Stimulus, timing: bool, threads: usize) -> RunResult {
    let options = RunOptions { timing, threads, strict: false, record: Record::All };
    emu::run(&made.image, chip, stimulus, &options, &Quiet).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Compares every spike, the last membranes and every overflow, with and without time and on several threads; the number
/// of spikes and of overflows.
pub(crate) fn assert_equal(made: &Compiled, chip: &ChipSpec, stimulus: &Stimulus, what: &str) -> (usize, u64) {
    let Family::Stepped(spec) = &chip.family else { panic!("a stepped chip") };
    let traces = run(&made.network, &stimulus.samples[0], made.image.depth, spec);
    let mut digests = Vec::new();
    for (timing, threads) in [(false, 1), (true, 1), (false, 3), (true, 2)] {
        let result = shown(made, chip, stimulus, timing, threads);
        assert_eq!(result.samples[0].faults.late_packets + result.samples[0].faults.overruns, 0, "{what}");
        compare(&traces, made, &result, &format!("{what}, timing {timing}, {threads} threads"));
        digests.push(result.function_digest());
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{what}");
    (spikes(&traces).len(), traces.iter().map(|trace| trace.overflows).sum())
}

/// Tick, population and neuron of every spike, ascending.
fn spikes(traces: &[SteppedTrace]) -> Vec<(u32, u32, u32)> {
    let mut found = Vec::new();
    for (population, trace) in (0..).zip(traces) {
        for (tick, fired) in (0..).zip(&trace.fired) {
            found.extend((0..).zip(fired).filter(|(_, fires)| **fires).map(|(n, _)| (tick, population, n)));
        }
    }
    found.sort_unstable();
    found
}

fn compare(traces: &[SteppedTrace], made: &Compiled, result: &RunResult, what: &str) {
    let sample = &result.samples[0];
    let found: Vec<(u32, u32, u32)> =
        sample.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect();
    assert_eq!(found, spikes(traces), "{what}");
    let last = &traces[made.network.outputs[0].population.index()].membrane;
    let membranes: Vec<i32> = last[last.len() - 1].iter().map(|half| half.ordered()).collect();
    assert_eq!(sample.output_membranes[0], membranes, "{what}");
    assert_eq!(sample.faults.overflows, traces.iter().map(|trace| trace.overflows).sum::<u64>(), "{what}: overflows");
}
