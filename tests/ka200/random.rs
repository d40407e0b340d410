//! Random networks in both roundings, in one block and in many, against the oracle: no difference.

use spikeloom::binary16::Half;
use spikeloom::event::Event;
use spikeloom::graph::{Conv2d, Delays, IntGraph, Pattern, SteppedNeuron};
use spikeloom::image::CoreBody;
use spikeloom::rng::Rng;

use crate::network::{assert_equal, compiled, graph, ka200, population, projection, shown, stimulus};

/// A random finite number: of any magnitude, or between -2 and 2.
fn number(rng: &mut Rng, wild: bool) -> u16 {
    let bits = rng.next_u64() as u16;
    if wild {
        return if bits & 0x7c00 == 0x7c00 { bits & 0x83ff } else { bits };
    }
    Half::from_f64((rng.below(4001) as f64 - 2000.0) / 1000.0).0
}

fn numbers(rng: &mut Rng, count: usize, wild: bool) -> Vec<u16> {
    (0..count).map(|_| number(rng, wild)).collect()
}

fn neuron(rng: &mut Rng, size: usize, wild: bool, start: u32) -> SteppedNeuron {
    let each = |rng: &mut Rng| if rng.below(2) == 0 { 1 } else { size };
    let list = |rng: &mut Rng| {
        let count = each(rng);
        numbers(rng, count, wild)
    };
    // Mostly leaks of less than all of the membrane.
    let alpha = list(rng).iter().map(|bits| if wild { *bits } else { bits & 0x3bff }).collect();
    let theta = list(rng).iter().map(|bits| bits & 0x7fff).collect();
    // A bias has no negative zero.
    let bias = list(rng).iter().map(|&bits| if bits == 0x8000 { 0 } else { bits }).collect();
    SteppedNeuron {
        alpha,
        beta: list(rng).iter().map(|bits| if wild { *bits } else { bits & 0xb3ff }).collect(),
        theta: (rng.below(8) > 0).then_some(theta),
        v_0: list(rng),
        bias,
        initial: list(rng),
        start,
    }
}

/// Layers, loops, shortcuts, several synapses between the same neurons, delays; the network and its inputs.
fn random(seed: u64) -> (IntGraph, u32) {
    let mut rng = Rng::new(seed);
    let wild = seed.is_multiple_of(3);
    let inputs = 1 + rng.below(40) as u32;
    let mut populations = vec![population("in", &[inputs], None)];
    let mut projections = Vec::new();
    for number in 1..=1 + rng.below(4) as u32 {
        let size = 1 + rng.below(50) as u32;
        let start = rng.below(u64::from(number) + 1) as u32;
        let made = neuron(&mut rng, size as usize, wild, start);
        populations.push(population(&format!("p{number}"), &[size], Some(made)));
        for source in (0..=number).filter(|&source| source == number - 1 || rng.below(3) == 0).collect::<Vec<_>>() {
            let sources = populations[source as usize].size() as u32;
            let pattern = Pattern::Dense { sources, targets: size };
            let weights = numbers(&mut rng, (sources * size) as usize, wild).into_iter().map(i32::from).collect();
            let mut made = projection(source, number, pattern, weights);
            made.delays = match rng.below(4) {
                0 => Delays::Uniform(rng.below(6) as u16),
                1 => Delays::PerWeight((0..sources * size).map(|_| rng.below(4) as u16).collect()),
                _ => Delays::Uniform(0),
            };
            if rng.below(5) == 0 {
                projections.push(projection(source, number, made.pattern.clone(), made.weights.clone()));
            }
            projections.push(made);
        }
    }
    (graph(populations, projections), inputs)
}

#[test]
fn random_networks_equal_the_oracle() {
    let words = ["\"binary32\"", "\"binary16\"", "\"twice\"", "\"fused\""];
    let (mut spikes, mut overflows, mut blocks) = (0, 0, 0);
    for seed in 0..120 {
        let (accumulate, leak) = (words[seed as usize % 2], words[2 + seed as usize / 2 % 2]);
        let mut set = vec![("core.stepped.accumulate", accumulate), ("core.stepped.leak", leak)];
        // In many blocks, and with few axons each.
        if seed % 4 > 1 {
            set.extend([("core.neurons", "17"), ("core.axons_in", "600")]);
        }
        let chip = ka200(&set);
        let (graph, inputs) = random(seed);
        let made = compiled(&graph, &chip).unwrap_or_else(|problems| panic!("seed {seed}: {problems}"));
        let stimulus = stimulus(&mut Rng::new(seed), inputs, 16, if seed % 2 == 0 { 1 } else { 3 });
        let (fired, over) = assert_equal(&made, &chip, &stimulus, &format!("seed {seed}"));
        (spikes, overflows, blocks) = (spikes + fired, overflows + over, blocks + made.image.cores.len());
        let bytes = spikeloom::image::encode(&made.image, chip.digest);
        let (again, _) = spikeloom::image::decode(&bytes, "again.img").expect("its own file");
        assert_eq!(again, made.image);
        let text = spikeloom::graph::write_json(&spikeloom::graph::Network::Int(graph.clone()));
        let read = spikeloom::graph::read_json(&text, "again.json").unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(read, spikeloom::graph::Network::Int(graph));
    }
    println!("120 networks in {blocks} blocks, {spikes} spikes equal, {overflows} overflows");
    assert!(spikes > 10_000 && overflows > 1_000 && blocks > 240, "{spikes} {overflows} {blocks}");
}

#[test]
fn convolutions_share_their_weights_and_equal_the_oracle() {
    let mut rng = Rng::new(5);
    let conv = |input: [u32; 3], output: [u32; 3], padding: u32| {
        let (kernel, stride, padding, dilation) = ([3; 2], [1; 2], [padding; 2], [1; 2]);
        Pattern::Conv2d(Conv2d { input, output, kernel, stride, padding, dilation, groups: 1 })
    };
    let mut weights = |count: usize| numbers(&mut rng, count, false).into_iter().map(i32::from).collect::<Vec<i32>>();
    let projections = vec![
        projection(0, 1, conv([2, 10, 10], [4, 10, 10], 1), weights(72)),
        projection(1, 2, conv([4, 10, 10], [3, 8, 8], 0), weights(108)),
        projection(2, 3, Pattern::Dense { sources: 192, targets: 10 }, weights(1920)),
    ];
    let lif = |start| SteppedNeuron {
        alpha: vec![Half::from_f64(0.8).0],
        theta: Some(vec![Half::from_f64(1.5).0]),
        start,
        ..SteppedNeuron::default()
    };
    let populations = vec![
        population("in", &[2, 10, 10], None),
        population("conv1", &[4, 10, 10], Some(lif(1))),
        population("conv2", &[3, 8, 8], Some(lif(2))),
        population("out", &[10], Some(lif(3))),
    ];
    let graph = graph(populations, projections);
    let chip = ka200(&[("core.neurons", "50")]);
    let made = compiled(&graph, &chip).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(made.image.cores.len(), 13, "602 neurons in blocks of 50");
    let (spikes, _) = assert_equal(&made, &chip, &stimulus(&mut rng, 200, 12, 2), "convolutions");
    assert!(spikes > 500, "{spikes}");
    // 2100 stored weights are within this limit, the synapses that they make are not counted.
    let tight = ka200(&[("core.stepped.weights", "2100")]);
    let synapses: u64 = graph.projections.iter().map(spikeloom::graph::Projection::synapses).sum();
    assert!(compiled(&graph, &tight).is_ok() && synapses > 10_000, "{synapses}");
}

#[test]
fn every_neuron_is_updated_and_spikes_are_added_where_they_are() {
    let chip = ka200(&[]);
    let silent = SteppedNeuron { alpha: vec![0], start: 1, ..SteppedNeuron::default() };
    let populations = vec![population("in", &[8], None), population("out", &[5], Some(silent))];
    let pattern = Pattern::Dense { sources: 8, targets: 5 };
    let graph = graph(populations, vec![projection(0, 1, pattern, vec![0x3c00; 40])]);
    let made = compiled(&graph, &chip).expect("fits");
    let mut all = stimulus(&mut Rng::new(1), 8, 4, 1);
    all.samples[0].spikes = vec![spikeloom::stimulus::InputSpike { tick: 1, input: 3, value: 7 }];
    let result = shown(&made, &chip, &all, true, 1);
    let counts = &result.samples[0].counts;
    // Five ticks with the depth; one packet with the value 7 to one block.
    let of = |event| counts.get(event);
    assert_eq!((of(Event::NeuronAccess), of(Event::NeuronUpdate), of(Event::SynapseDense)), (25, 5, 5));
    assert_eq!((of(Event::AxonOut), of(Event::AxonIn), of(Event::SpikeOut)), (1, 1, 0));
    assert!(result.samples[0].tick_times.iter().all(|time| time.duration.0 == 433_000_000), "the barrier's 0.433 ms");
    let CoreBody::Stepped(body) = &made.image.cores[0].body else { panic!("a stepped block") };
    assert_eq!((body.parameters.len(), body.synapses.len()), (1, 40));
}
