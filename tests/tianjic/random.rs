//! Random networks of all four kinds of border, narrow and wide, against the oracle: no difference.

use spikeloom::compile::{self, Log, Options};
use spikeloom::event::Event;
use spikeloom::graph::{
    Activation, Conv2d, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, IntGraph, Network, Pattern, SnnSoma,
};
use spikeloom::image::{CoreBody, SomaImage};
use spikeloom::rng::Rng;

use crate::network::{ann, assert_equal, compiled, graph, population, projection, shown, snn, stimulus, tianjic};

fn values(rng: &mut Rng, count: usize, largest: i64) -> Vec<i32> {
    (0..count).map(|_| (rng.below(2 * largest as u64 + 1) as i64 - largest) as i32).collect()
}

/// A random soma for a population of `size` neurons whose sources send values or spikes.
fn soma(rng: &mut Rng, size: usize, takes_values: bool) -> FcoreNeuron {
    let window = 1 + rng.below(8) as u8;
    let input = if takes_values { FcoreInput::Values } else { FcoreInput::Spikes { window } };
    let each = if rng.below(2) == 0 { 1 } else { size };
    if rng.below(2) == 0 {
        let activation = match rng.below(3) {
            0 => Activation::Relu,
            1 => Activation::Signed,
            _ => Activation::Table((0..256).map(|_| rng.below(384) as i16 - 128).collect()),
        };
        let largest = if rng.below(8) == 0 { 8_000_000 } else { 2_000 };
        let bias = values(rng, each, largest);
        return ann(bias, rng.below(10) as u8, activation, input);
    }
    let reset = [FcoreReset::Value, FcoreReset::Subtract, FcoreReset::None][rng.below(3) as usize];
    FcoreNeuron {
        input,
        soma: FcoreSoma::Snn(SnnSoma {
            initial: values(&mut Rng::new(size as u64), each, 300),
            decay: rng.below(256) as u8,
            bias: values(rng, each, 60),
            threshold: Some(values(rng, each, 400).into_iter().map(|value| value + 300).collect()),
            random_bits: rng.below(8) as u8,
            seed: rng.next_u64(),
            reset,
            reset_value: values(rng, 1, 100)[0],
        }),
    }
}

fn random(seed: u64) -> (IntGraph, u32) {
    let mut rng = Rng::new(seed);
    let inputs = 1 + rng.below(if seed.is_multiple_of(4) { 700 } else { 40 }) as u32;
    let mut populations = vec![population("in", &[inputs], None)];
    let mut projections = Vec::new();
    let mut sends = vec![rng.below(2) == 0];
    for number in 1..=1 + rng.below(4) as u32 {
        let size = 1 + rng.below(if seed.is_multiple_of(5) { 600 } else { 50 }) as u32;
        let takes = sends[rng.below(sends.len() as u64) as usize];
        // From the host anything may come.
        let sources: Vec<u32> = (0..number).filter(|&s| s == 0 || sends[s as usize] == takes).collect();
        let neuron = soma(&mut rng, size as usize, takes);
        sends.push(neuron.sends_values());
        populations.push(population(&format!("p{number}"), &[size], Some(neuron)));
        for source in sources.into_iter().filter(|_| rng.below(4) > 0).collect::<Vec<_>>() {
            let sources = populations[source as usize].size() as u32;
            let pattern = Pattern::Dense { sources, targets: size };
            let mut weights = values(&mut rng, (sources * size) as usize, 127);
            if rng.below(3) == 0 {
                weights.iter_mut().for_each(|weight| *weight = weight.signum() * 7);
            }
            projections.push(projection(source, number, pattern, weights));
        }
        if rng.below(3) == 0
            && populations[number as usize].neuron.as_ref().is_some()
            && sends[number as usize] == takes
        {
            let pattern = Pattern::OneToOne { size, shared: true };
            projections.push(projection(number, number, pattern, vec![5]));
        }
    }
    (graph(populations, projections), inputs)
}

#[test]
fn random_networks_equal_the_oracle() {
    let chip = tianjic(&[]);
    let (mut packets, mut split, mut copied) = (0, 0, 0);
    for seed in 0..120 {
        let (graph, inputs) = random(seed);
        let made = match compiled(&graph, &chip) {
            Ok(made) => made,
            Err(problems) => panic!("seed {seed}: {problems}"),
        };
        let stimulus = stimulus(&mut Rng::new(seed), inputs, 12, 300);
        packets += assert_equal(&made, &chip, &stimulus, &format!("seed {seed}"));
        for core in &made.image.cores {
            let CoreBody::Fcore(body) = &core.body else { panic!("an FCore") };
            split += usize::from(body.soma == SomaImage::Partial);
            copied += usize::from(body.copy_to.is_some());
        }
        // The same after a search of better places, copies chained anew.
        if seed % 10 == 0 && made.image.cores.len() > 2 {
            let bytes = spikeloom::image::encode(&made.image, chip.digest);
            let (again, _) = spikeloom::image::decode(&bytes, "again.img").expect("its own file");
            assert_eq!(again, made.image);
        }
    }
    println!("120 networks, {packets} packets equal, {split} cores of partial sums, {copied} copies");
    assert!(packets > 100_000 && split > 10 && copied > 10, "{packets} {split} {copied}");
}

#[test]
fn convolutions_are_cut_into_blocks_and_equal_the_oracle() {
    let chip = tianjic(&[]);
    let mut rng = Rng::new(3);
    let conv = |input: [u32; 3], output: [u32; 3], kernel: u32, stride: u32| {
        Pattern::Conv2d(Conv2d {
            input,
            output,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
        })
    };
    let relu = |rng: &mut Rng, count: usize, shift: u8| {
        ann(values(rng, count, 500), shift, Activation::Relu, FcoreInput::Values)
    };
    let populations = vec![
        population("in", &[1, 20, 20], None),
        population("conv1", &[4, 16, 16], Some(relu(&mut rng, 1024, 6))),
        population("conv2", &[6, 7, 7], Some(relu(&mut rng, 294, 8))),
        population("out", &[10], Some(snn(900, FcoreInput::Values))),
    ];
    let projections = vec![
        projection(0, 1, conv([1, 20, 20], [4, 16, 16], 5, 1), values(&mut rng, 100, 90)),
        projection(1, 2, conv([4, 16, 16], [6, 7, 7], 4, 2), values(&mut rng, 4 * 6 * 16, 40)),
        projection(2, 3, Pattern::Dense { sources: 294, targets: 10 }, values(&mut rng, 2940, 30)),
    ];
    let graph = graph(populations, projections);
    let made = compiled(&graph, &chip).unwrap_or_else(|problems| panic!("{problems}"));
    let packets = assert_equal(&made, &chip, &stimulus(&mut rng, 400, 6, 255), "convolutions");
    assert!(packets > 500, "{packets}");
    // Every strategy of placement gives the same packets.
    let mut log = Log::default();
    let mut placed = compile::compile(&Network::Int(graph), &chip, &Options::default(), &mut log).expect("compiles");
    let pipeline = "anneal,moves=20000".parse().expect("known");
    let placing = compile::replace::Placing {
        pipeline: &pipeline,
        seed: 1,
        seconds: Some(0.5),
        rates: None,
        trains: None,
        hot: &[],
        constraints: &compile::constraints::Constraints::default(),
        watch: &spikeloom::place::Quiet,
    };
    compile::replace::replace(&mut placed, &chip, &placing, &mut log).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(assert_equal(&placed, &chip, &stimulus(&mut Rng::new(3), 400, 6, 255), "placed"), {
        assert_equal(&made, &chip, &stimulus(&mut Rng::new(3), 400, 6, 255), "as it was")
    });
}

#[test]
fn dense_work_is_counted_and_timed_as_published() {
    let chip = tianjic(&[]);
    let weights = vec![1; 65_536];
    let pattern = || Pattern::Dense { sources: 256, targets: 256 };
    for (neuron, event) in [
        (ann(vec![0], 8, Activation::Relu, FcoreInput::Values), Event::MultiplyAccumulate),
        (snn(1 << 20, FcoreInput::Spikes { window: 1 }), Event::SynapseDense),
    ] {
        let populations = vec![population("in", &[256], None), population("out", &[256], Some(neuron))];
        let made =
            compiled(&graph(populations, vec![projection(0, 1, pattern(), weights.clone())]), &chip).expect("fits");
        let mut all = stimulus(&mut Rng::new(1), 256, 1, 1);
        all.samples[0].spikes =
            (0..256).map(|input| spikeloom::stimulus::InputSpike { tick: 0, input, value: 1 }).collect();
        let result = shown(&made, &chip, &all, true, 1);
        let sample = &result.samples[0];
        // Two rounds: the input comes in the second. Values are multiplied in every round, spikes added where they are.
        let expected = if event == Event::MultiplyAccumulate { 2 * 65_536 } else { 65_536 };
        assert_eq!(sample.counts.get(event), expected);
        // 4096 cycles for the products and 954 more, of 3.333 ns.
        assert_eq!(sample.tick_times[1].busy.0, 5050 * 3_333);
        assert_eq!(sample.tick_times[1].duration.0, 16_833_000);
        assert_eq!(sample.faults.overruns, 0);
        // One packet an input goes to the one core: no copies, no partial sums.
        assert_eq!(sample.counts.get(Event::AxonIn), 256);
    }
}

#[test]
fn copies_are_sent_once_and_cross_one_link_each() {
    let chip = tianjic(&[]);
    let relu = ann(vec![0], 0, Activation::Relu, FcoreInput::Values);
    let populations = vec![population("in", &[4], None), population("out", &[1024], Some(relu))];
    let pattern = Pattern::Dense { sources: 4, targets: 1024 };
    let made = compiled(&graph(populations, vec![projection(0, 1, pattern, vec![1; 4096])]), &chip).expect("fits");
    assert_eq!(made.image.cores.len(), 4);
    assert_eq!(made.image.inputs[0].targets.len(), 4, "the host sends each input once");
    let mut one = stimulus(&mut Rng::new(1), 4, 1, 1);
    one.samples[0].spikes = vec![spikeloom::stimulus::InputSpike { tick: 0, input: 2, value: 9 }];
    let result = shown(&made, &chip, &one, true, 1);
    let counts = &result.samples[0].counts;
    assert_eq!((counts.get(Event::AxonOut), counts.get(Event::AxonIn)), (1, 4));
    let hops = counts.get(Event::HopX) + counts.get(Event::HopY);
    let first = made.image.inputs[0].targets[0].core;
    let (x, y) = chip.router_of(spikeloom::ids::CoreId(first));
    assert_eq!(hops, u64::from(x + y) + 3);
    assert_eq!(result.samples[0].output_counts[0], vec![1; 1024]);
}
