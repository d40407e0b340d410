//! What learning costs: one network of 784 inputs and 100 neurons, as it is, with a pairwise rule, and with a rule that
//! visits every synapse in every epoch.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spikeloom::chip::{self, LoadOptions};
use spikeloom::compile::{self, Log};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::graph::{
    CubaNeuron, Delays, IntGraph, IntNeuron, Learning, Network, Output, Pattern, Population, Projection, TraceShape,
};
use spikeloom::ids::{PopulationId, ProjectionId};
use spikeloom::image::Image;
use spikeloom::rng::Rng;
use spikeloom::rule::{Sign, parse_rule};
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

const TICKS: u32 = 200;
const INPUTS: u32 = 784;
const NEURONS: u32 = 100;

fn network(rule: Option<&str>) -> Network {
    let mut rng = Rng::new(1);
    let neuron = CubaNeuron { decay_v: vec![300], threshold: Some(vec![3000]), ..CubaNeuron::default() };
    let population = |name: &str, size, neuron| Population { name: name.to_owned(), shape: vec![size], neuron };
    let learning = rule.map(|text| {
        let rule = parse_rule(text, "rule").expect("a rule");
        let mut learning = Learning::new(ProjectionId(0), rule, Sign::Excitatory);
        let trace = TraceShape { impulse: 16.0, tau: 10.0 };
        learning.traces = [trace, TraceShape::NONE, trace, TraceShape::NONE, TraceShape::NONE];
        learning.epoch = 2;
        learning
    });
    Network::Int(IntGraph {
        name: "learning".to_owned(),
        populations: vec![population("in", INPUTS, None), population("out", NEURONS, Some(IntNeuron::Cuba(neuron)))],
        projections: vec![Projection {
            name: "in->out".to_owned(),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern: Pattern::Dense { sources: INPUTS, targets: NEURONS },
            weights: (0..INPUTS * NEURONS).map(|_| 20 + rng.below(80) as i32).collect(),
            exponent: 0,
            delays: Delays::Uniform(0),
        }],
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(1) }],
        learning: learning.into_iter().collect(),
    })
}

/// Every input fires in one tick of 20.
fn stimulus() -> Stimulus {
    let mut rng = Rng::new(2);
    let places = (0..TICKS).flat_map(|tick| (0..INPUTS).map(move |input| (tick, input)));
    let spikes = places.filter(|_| rng.below(20) == 0).map(|(tick, input)| InputSpike { tick, input, value: 1 });
    let sample = Sample { name: "random".to_owned(), spikes: spikes.collect(), ticks: TICKS, label: None };
    Stimulus { samples: vec![sample], inputs: INPUTS }
}

fn learning(criterion: &mut Criterion) {
    let chip = chip::load("loihi", &LoadOptions::default()).expect("built in");
    let image = |rule: Option<&str>| -> Image {
        let compiled = compile::compile(&network(rule), &chip, &compile::Options::default(), &mut Log::default());
        compiled.expect("it fits").image
    };
    let stimulus = stimulus();
    let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::None };
    let mut group = criterion.benchmark_group("loihi, ticks of 784 inputs on 100 neurons");
    group.sample_size(20).throughput(Throughput::Elements(TICKS.into()));
    let stdp = "dw = 2^-2*y0*x1 - 2^-2*x0*y1";
    for (name, rule) in [
        ("no learning", None),
        ("pairwise STDP", Some(stdp)),
        ("every synapse in every epoch", Some("dw = 2^-2*y0*x1 - 2^-2*x0*y1 - 2^-6*u0*w")),
    ] {
        let image = image(rule);
        let run = || emu::run(&image, &chip, &stimulus, &options, &Quiet).expect("the bench network runs");
        group.bench_function(name, |bencher| bencher.iter(run));
    }
    group.finish();
}

criterion_group!(benches, learning);
criterion_main!(benches);
