//! Random networks of what Loihi 2 has beside Loihi 1: factors and seeds for synapses, several outputs, learning beside
//! programs.

use spikeloom::graph::{
    CubaNeuron, Delays, IntGraph, IntNeuron, Learning, Output, Pattern, Population, ProgramNeuron, Projection,
    Stochastic, TraceShape,
};
use spikeloom::ids::{PopulationId, ProjectionId};
use spikeloom::isa::{Binding, assemble, builtin_text};
use spikeloom::rng::Rng;
use spikeloom::rule::{Graded, Sign, parse_rule};
use spikeloom::stimulus::{InputSpike, Sample};

/// Integrates, sends plain spikes, graded ones and every other tick its membrane; its trace follows its input.
pub(crate) const BUSY: &str = "state v: s24
state trace: s16
state odd: u1
param threshold: s24 = 2000
input a
input b
output spikes
output graded
output watch

    ld     r0, v
    in     r1, a
    in     r2, b
    add    r0, r0, r1
    sub    r0, r0, r2
    sats   r0, r0, 24
    ld     r3, trace
    shri   r4, r3, 2
    sub    r3, r3, r4
    abs    r5, r1
    shri   r5, r5, 3
    add    r3, r3, r5
    sats   r3, r3, 16
    st     trace, r3
    ld     r6, odd
    li     r7, 1
    xor    r6, r6, r7
    st     odd, r6
    eq     r6, 1
    jc     even
    shri   r8, r0, 4
    spikev watch, r8
even:
    ldp    r9, threshold
    gt     r0, r9
    jn     quiet
    spike  spikes
    shri   r10, r0, 6
    spikev graded, r10
    li     r0, 0
quiet:
    st     v, r0
";

pub(crate) fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

pub(crate) fn program(name: &str, text: &str) -> ProgramNeuron {
    ProgramNeuron {
        name: name.to_owned(),
        program: assemble(text, name).unwrap_or_else(|problems| panic!("{problems}")),
        parameters: Vec::new(),
        initial: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

fn neuron(rng: &mut Rng) -> IntNeuron {
    match rng.below(3) {
        0 => IntNeuron::Cuba(CubaNeuron {
            decay_u: vec![pick(rng, &[4095, 1000])],
            decay_v: vec![200],
            threshold: Some(vec![20 + rng.below(100) as u32]),
            ..CubaNeuron::default()
        }),
        1 => {
            let mut lif = program("lif", builtin_text("lif").expect("built in"));
            lif.parameters.push(("threshold".to_owned(), Binding::Shared(300 + rng.below(1000) as i32)));
            IntNeuron::Program(Box::new(lif))
        }
        _ => IntNeuron::Program(Box::new(program("busy", BUSY))),
    }
}

fn population(rng: &mut Rng, name: &str, size: u32) -> Population<IntNeuron> {
    Population { name: name.to_owned(), shape: vec![size], neuron: Some(neuron(rng)) }
}

/// Projections of every kind between one input and three populations; those of programs with several outputs and inputs
/// take any of them.
pub(crate) fn network(rng: &mut Rng, negative: bool) -> IntGraph {
    let mut populations = vec![Population { name: "in".to_owned(), shape: vec![6], neuron: None }];
    for name in ["a", "b", "c"] {
        let size = 2 + rng.below(12) as u32;
        populations.push(population(rng, name, size));
    }
    let mut projections = Vec::new();
    for (source, target) in (0..4).flat_map(|source| (1..4).map(move |target| (source, target))) {
        if rng.below(4) == 0 {
            continue;
        }
        let name = format!("{source} to {target}");
        let (sources, targets) = (populations[source].shape[0], populations[target].shape[0]);
        let (pattern, weights, delays) = synapses(rng, sources, targets);
        for (place, population) in [(0, source), (1, target)] {
            let Some(IntNeuron::Program(neuron)) = &mut populations[population].neuron else { continue };
            let (ports, of) = match place {
                0 => (neuron.program.outputs.len(), &mut neuron.outputs),
                _ => (neuron.program.inputs.len(), &mut neuron.inputs),
            };
            let port = rng.below(ports as u64) as u8;
            if port > 0 {
                of.push((name.clone(), port));
            }
        }
        projections.push(Projection {
            name,
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern,
            weights,
            exponent: if negative { rng.below(7) as i8 - 3 } else { rng.below(3) as i8 },
            delays,
        });
    }
    let outputs = (1..4).map(|p| Output { name: format!("{p}"), population: PopulationId::from(p) }).collect();
    IntGraph { name: "random".to_owned(), populations, projections, outputs, learning: Vec::new() }
}

fn synapses(rng: &mut Rng, sources: u32, targets: u32) -> (Pattern, Vec<i32>, Delays) {
    match rng.below(3) {
        0 => {
            let rank = 1 + rng.below(3) as u32;
            let count = rank * (sources + targets);
            let factors =
                (0..count).map(|_| (rng.below(256) as i32 - 128) / [1, 8, 64][rng.below(3) as usize]).collect();
            (Pattern::Factorised { sources, targets, rank }, factors, Delays::Uniform(rng.below(4) as u16))
        }
        1 => {
            let count = 1 + rng.below(5) as usize;
            let chance = pick(rng, &[0, 1 << 30, 1 << 31, 1 << 32]);
            let drawn = Stochastic { sources, targets, seed: rng.next_u64(), chance, weights: count as u32 };
            let weights = (0..count).map(|_| 2 * (rng.below(250) as i32 - 125)).collect();
            let delays = (0..count).map(|_| rng.below(5) as u16).collect();
            (Pattern::Stochastic(drawn), weights, Delays::PerWeight(delays))
        }
        _ => {
            let count = (sources * targets) as usize;
            let weights = (0..count).map(|_| 2 * (rng.below(120) as i32 - 50)).collect();
            let delays = (0..count).map(|_| rng.below(3) as u16).collect();
            (Pattern::Dense { sources, targets }, weights, Delays::PerWeight(delays))
        }
    }
}

/// Two populations of programs that learn from inputs and each other, post traces written by the programs.
pub(crate) fn learning(rng: &mut Rng, lava: bool) -> IntGraph {
    let sizes = [5_u32, 3 + rng.below(5) as u32, 2 + rng.below(4) as u32];
    let mut populations = vec![Population { name: "in".to_owned(), shape: vec![sizes[0]], neuron: None }];
    for (name, size) in ["hidden", "out"].into_iter().zip(&sizes[1..]) {
        let mut neuron = program("busy", BUSY);
        neuron.parameters.push(("threshold".to_owned(), Binding::Shared(500 + rng.below(3000) as i32)));
        let neuron = Some(IntNeuron::Program(Box::new(neuron)));
        populations.push(Population { name: name.to_owned(), shape: vec![*size], neuron });
    }
    let rules = [
        "dw = 2^-2*x0*y1 - 2^-4*x0",
        "dw = 2^-3*y0*x1 - 2^-5*x1*y3*u0",
        "dw = 2^-1*y0*x1 - 2^-2*x0*y2; dt = x0*y1 - 2^-1*t*u0",
    ];
    let mut graph = IntGraph {
        name: "learning".to_owned(),
        populations,
        projections: Vec::new(),
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(2) }],
        learning: Vec::new(),
    };
    for (number, (source, target)) in [(0_usize, 1_usize), (1, 2), (2, 1)].into_iter().enumerate() {
        let (from, to) = (sizes[source], sizes[target]);
        let count = (from * to) as usize;
        let projection = Projection {
            name: format!("p{number}"),
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern: Pattern::Dense { sources: from, targets: to },
            weights: (0..count).map(|_| rng.below(254) as i32).collect(),
            exponent: rng.below(4) as i8 - if lava { 1 } else { 0 },
            delays: Delays::Uniform(rng.below(3) as u16),
        };
        let output = rng.below(3) as u8;
        if let Some(IntNeuron::Program(neuron)) = &mut graph.populations[source].neuron {
            neuron.outputs.extend((output > 0).then(|| (projection.name.clone(), output)));
        }
        graph.projections.push(projection);
        let rule = parse_rule(pick(rng, &rules), "rule").expect("a rule");
        let mut learning = Learning::new(ProjectionId::from(number), rule, Sign::Excitatory);
        learning.epoch = 1 + rng.below(3) as u32;
        learning.start = rng.below(3) as u32;
        learning.seed = rng.next_u64();
        learning.post = rng.below(3) as u8;
        learning.graded = pick(rng, &[Graded::Ignored, Graded::Overwrite, Graded::Saturate]);
        learning.traces = std::array::from_fn(|_| TraceShape { impulse: 30.0, tau: pick(rng, &[2.0, 10.0]) });
        let written = rng.below(8);
        for (place, state) in learning.states.iter_mut().enumerate() {
            *state = (written >> place & 1 == 1).then(|| pick(rng, &["trace", "v"]).to_owned());
        }
        graph.learning.push(learning);
    }
    graph
}

pub(crate) fn sample(rng: &mut Rng, inputs: u32, ticks: u32) -> Sample {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for input in 0..inputs {
            if rng.below(3) == 0 {
                spikes.push(InputSpike { tick, input, value: 1 + rng.below(40) as u16 });
            }
        }
    }
    Sample { name: "random".to_owned(), spikes, ticks, label: None }
}
