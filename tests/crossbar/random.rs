//! Random networks and stimuli.

use spikeloom::graph::{
    Conv2d, CrossbarNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Pattern, Population, Projection, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample};

use super::interpret::{network, population};

/// Random registers; some restless, most not.
pub(crate) fn random_neuron(rng: &mut Rng, size: u32) -> CrossbarNeuron {
    let many = rng.below(2) == 0;
    let lifted = rng.below(4) == 0;
    let mut draw = |range: std::ops::Range<i64>| -> Vec<i64> {
        let count = if many { size } else { 1 };
        (0..count).map(|_| range.start + rng.below((range.end - range.start) as u64) as i64).collect()
    };
    let threshold = draw(1..12).into_iter().map(|v| v as u32).collect();
    let negative_threshold = draw(0..8).into_iter().map(|v| v as u32).collect();
    let reset_value = draw(0..3).into_iter().map(|v| [0, 1, -1][v as usize]).collect();
    let leak = draw(-3..4).into_iter().map(|v| v as i16 / 2).collect();
    let initial = draw(-3..4).into_iter().map(|v| v as i32 * i32::from(lifted)).collect();
    CrossbarNeuron {
        leak,
        threshold: Some(threshold).filter(|_| rng.below(6) > 0),
        negative_threshold,
        reset_value,
        initial,
        spike_reset: [SpikeReset::Value, SpikeReset::Linear, SpikeReset::None][rng.below(3) as usize],
        negative_reset: [NegativeReset::Saturate, NegativeReset::Mirror][rng.below(2) as usize],
    }
}

pub(crate) fn random_weights(rng: &mut Rng, count: usize) -> Vec<i32> {
    let sets: [&[i32]; 5] = [&[1, -1, 0], &[2, 0], &[1, 2, 3, -4, 0], &[5, -3, 2, 0], &[-8, -3, 1, 4, 7, 0]];
    let set = sets[rng.below(sets.len() as u64) as usize];
    (0..count).map(|_| set[rng.below(set.len() as u64) as usize]).collect()
}

/// A random network: layers, skips, at times a recurrent edge.
pub(crate) fn random_network(rng: &mut Rng) -> IntGraph {
    let inputs = 1 + rng.below(2) as u32;
    let layers = 1 + rng.below(4) as u32;
    let mut populations = Vec::new();
    let channels = 3 + 5 * rng.below(2);
    for p in 0..inputs + layers {
        let shape = [1 + rng.below(channels) as u32, 1 + rng.below(3) as u32, 1 + rng.below(3) as u32];
        let neuron = (p >= inputs).then(|| random_neuron(rng, shape.iter().product()));
        populations.push(population(&format!("p{p}"), &shape, neuron));
    }
    let mut projections = Vec::new();
    for target in inputs..inputs + layers {
        for source in 0..inputs + layers {
            let chance = match source.cmp(&target) {
                std::cmp::Ordering::Less if source + 1 == target || source < inputs => 70,
                std::cmp::Ordering::Less => 25,
                _ if source < inputs => 0,
                _ => 5,
            };
            if rng.below(100) < chance {
                projections.push(random_projection(rng, &populations, source, target, projections.len()));
            }
        }
    }
    network(populations, projections)
}

pub(crate) fn random_projection(
    rng: &mut Rng,
    populations: &[Population<IntNeuron>],
    source: u32,
    target: u32,
    number: usize,
) -> Projection<i32> {
    let (from, to) = (&populations[source as usize], &populations[target as usize]);
    let (sources, targets) = (from.size() as u32, to.size() as u32);
    let volume = |shape: &[u32]| [shape[0], shape[1], shape[2]];
    let (pattern, count) = match rng.below(3) {
        0 => {
            let conv = Conv2d {
                input: volume(&from.shape),
                output: volume(&to.shape),
                kernel: [2, 3],
                stride: [1, 1],
                padding: [1, 1],
                dilation: [1, 1],
                groups: 1,
            };
            let count = conv.input[0] * conv.output[0] * 6;
            (Pattern::Conv2d(conv), count)
        }
        1 if sources == targets => (Pattern::OneToOne { size: sources, shared: false }, sources),
        _ => (Pattern::Dense { sources, targets }, sources * targets),
    };
    let delays = match rng.below(3) {
        0 => Delays::PerWeight((0..count).map(|_| rng.below(3) as u16).collect()),
        1 => Delays::Uniform(1 + rng.below(3) as u16),
        _ => Delays::Uniform(0),
    };
    Projection {
        name: format!("e{number}"),
        source: PopulationId(source),
        target: PopulationId(target),
        pattern,
        weights: random_weights(rng, count as usize),
        exponent: 0,
        delays,
    }
}

pub(crate) fn random_sample(rng: &mut Rng, inputs: u32) -> Sample {
    let ticks = 25;
    let density = 1 + rng.below(5);
    let spikes = (0..ticks)
        .flat_map(|tick| (0..inputs).map(move |input| (tick, input)))
        .filter(|_| rng.below(6) < density)
        .map(|(tick, input)| InputSpike { tick, input, value: 1 })
        .collect();
    Sample { spikes, ticks, ..Sample::default() }
}
