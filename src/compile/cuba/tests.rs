//! The passes together: capacities to the unit, random networks, and a checker that misses nothing.

use super::testing::{self, cuba_mut};
use crate::chip::ChipSpec;
use crate::compile::{Compiled, Log, Options, Placement, compile, verify};
use crate::graph::{
    Conv2d, CubaNeuron, Delays, IntGraph, IntNeuron, Network, Output, Pattern, Pool2d, Population, Projection,
};
use crate::ids::PopulationId;
use crate::image::{CoreBody, CubaCore, Image, ListKind};
use crate::rng::Rng;

fn neuron(threshold: Option<u32>) -> IntNeuron {
    IntNeuron::Cuba(CubaNeuron {
        decay_u: vec![4095],
        decay_v: vec![128],
        threshold: threshold.map(|mantissa| vec![mantissa]),
        ..CubaNeuron::default()
    })
}

fn projection(source: u32, target: u32, pattern: Pattern, weights: Vec<i32>) -> Projection<i32> {
    Projection {
        name: format!("{source}to{target}"),
        source: PopulationId(source),
        target: PopulationId(target),
        pattern,
        weights,
        exponent: 0,
        delays: Delays::Uniform(0),
    }
}

/// Populations of the given sizes, the first an input, the last read.
fn network(sizes: &[u32], projections: Vec<Projection<i32>>) -> IntGraph {
    let population = |(index, &size): (usize, &u32)| Population {
        name: format!("p{index}"),
        shape: vec![size],
        neuron: (index > 0).then(|| neuron(Some(100))),
    };
    IntGraph {
        learning: Vec::new(),
        name: "net".into(),
        populations: sizes.iter().enumerate().map(population).collect(),
        projections,
        outputs: vec![Output { name: "out".into(), population: PopulationId::from(sizes.len() - 1) }],
    }
}

fn dense(sources: u32, targets: u32) -> Projection<i32> {
    projection(
        0,
        1,
        Pattern::Dense { sources, targets },
        (1..=(sources * targets) as i32).map(|w| w % 255 + 1).collect(),
    )
}

fn build(graph: &IntGraph, chip: &ChipSpec) -> crate::diag::Result<Compiled> {
    compile(&Network::Int(graph.clone()), chip, &Options::default(), &mut Log::default())
}

fn cores(graph: &IntGraph, chip: &ChipSpec) -> usize {
    build(graph, chip).expect("it fits").image.cores.len()
}

#[test]
fn each_capacity_is_used_to_the_last_unit() {
    let graph = network(&[8, 12], vec![dense(8, 12)]);
    // 8 axons with 12 dense synapses of 8 bits: 8 lists of ceil((96 + 10) / 64) = 2 words.
    let mut chip = testing::loihi();
    assert_eq!(cores(&graph, &chip), 1);
    for (neurons, expected) in [(12, 1), (11, 2), (6, 2), (5, 3)] {
        chip.capacity.neurons = neurons;
        assert_eq!(cores(&graph, &chip), expected, "{neurons} neurons");
    }
    chip = testing::loihi();
    for (words, expected) in [(16, 1), (15, 2), (8, 2), (7, 12)] {
        cuba_mut(&mut chip).synapse_words = words;
        // Below two words a list 6 synapses fit (58 bits): 8 words hold 6 neurons, 7 hold none.
        match build(&graph, &chip) {
            Ok(compiled) => assert_eq!(compiled.image.cores.len(), expected, "{words} words"),
            Err(problems) => assert!(words == 7 && problems.has("cuba/capacity"), "{problems}"),
        }
    }
    chip = testing::loihi();
    chip.capacity.axons_in = 8;
    assert_eq!(cores(&graph, &chip), 1);
    chip.capacity.axons_in = 7;
    let problems = build(&graph, &chip).expect_err("fan-in of 8");
    assert!(problems.has("cuba/capacity") && problems.to_string().contains("1 too many"), "{problems}");
    assert_eq!(problems.exit_code(), 3);
}

#[test]
fn an_image_is_held_to_the_words_of_its_chip() {
    let mut chip = testing::loihi();
    let image = build(&network(&[8, 12], vec![dense(8, 12)]), &chip).expect("it fits").image;
    for (words, holds) in [(16, true), (15, false)] {
        cuba_mut(&mut chip).synapse_words = words;
        let told = crate::image::contents(&image, &chip, "image").map_err(|problems| problems.to_string());
        assert_eq!(told.is_ok(), holds, "{words} words: {told:?}");
        assert!(holds || told.is_err_and(|told| told.contains("synapse memory 16 is more than the chip's 15")));
    }
}

#[test]
fn delays_share_their_buffer_with_compartments_to_the_last_slot() {
    let mut chip = testing::loihi();
    cuba_mut(&mut chip).delay_slots = Some(64);
    // Steps of the buffer: 1, 2, 8, 16 and 64.
    for (delay, per_core) in [(0, 64), (1, 32), (7, 8), (8, 4), (62, 1)] {
        let mut synapses = projection(0, 1, Pattern::OneToOne { size: 64, shared: false }, vec![1; 64]);
        synapses.delays = Delays::Uniform(delay);
        assert_eq!(cores(&network(&[64, 64], vec![synapses]), &chip), 64 / per_core, "delay {delay}");
    }
    cuba_mut(&mut chip).delay_slots = Some(63);
    let mut synapses = projection(0, 1, Pattern::OneToOne { size: 1, shared: false }, vec![1]);
    synapses.delays = Delays::Uniform(62);
    let problems = build(&network(&[1, 1], vec![synapses]), &chip).expect_err("64 steps");
    assert!(problems.has("cuba/capacity") && problems.to_string().contains("delay_slots"), "{problems}");
}

#[test]
fn outgoing_entries_cut_a_core_exactly_at_the_limit() {
    // 6 neurons, each reaching 3 cores of 4 neurons: 18 entries.
    let connect = projection(1, 2, Pattern::Dense { sources: 6, targets: 12 }, vec![2; 72]);
    let first = projection(0, 1, Pattern::OneToOne { size: 6, shared: true }, vec![4]);
    let graph = network(&[6, 6, 12], vec![first, connect]);
    let mut chip = testing::loihi();
    chip.capacity.neurons = 6;
    // Two cores of targets, 6 entries each way.
    // One entry less: a cut of the sources shifts the targets onto a third core, which takes a second cut.
    for (limit, expected) in [(12, 3), (11, 5)] {
        chip.capacity.axons_out = limit;
        assert_eq!(cores(&graph, &chip), expected, "{limit} entries");
    }
    chip.capacity.axons_out = 1;
    assert!(build(&graph, &chip).expect_err("fan-out of 2").has("cuba/capacity"));
}

#[test]
fn thresholds_decays_and_formats_are_limited_per_core() {
    let mut graph = network(&[4, 40], vec![dense(4, 40)]);
    graph.populations[1].neuron = Some(IntNeuron::Cuba(CubaNeuron {
        decay_u: vec![4095],
        decay_v: vec![0],
        threshold: Some((100..140).collect()),
        bias: (0..40).collect(),
        ..CubaNeuron::default()
    }));
    let chip = testing::loihi();
    // 16 thresholds a core; biases are per compartment.
    assert_eq!(cores(&graph, &chip), 3);
    let Some(IntNeuron::Cuba(registers)) = &mut graph.populations[1].neuron else { panic!("cuba") };
    registers.threshold = Some(vec![100]);
    registers.decay_v = (0..40).collect();
    assert_eq!(cores(&graph, &chip), 2);

    // Every exponent is a format of its own.
    let many = |count: i8| {
        let one = |exponent: i8| Projection { exponent: exponent - 8, ..dense(4, 40) };
        network(&[4, 40], (0..count).map(one).collect())
    };
    assert_eq!(cores(&many(16), &chip), 1);
    let mut few = testing::loihi();
    cuba_mut(&mut few).synapse_formats = 15;
    assert!(build(&many(16), &few).expect_err("16 formats").has("cuba/capacity"));
}

#[test]
fn networks_that_exceed_the_chip_are_told_what_would_fit() {
    let mut chip = testing::loihi();
    (chip.mesh.width, chip.mesh.height, chip.mesh.cores_per_router, chip.capacity.neurons) = (1, 1, 2, 5);
    assert_eq!(cores(&network(&[8, 10], vec![dense(8, 10)]), &chip), 2);
    let problems = build(&network(&[8, 11], vec![dense(8, 11)]), &chip).expect_err("11 neurons");
    assert!(problems.has("cuba/neurons") && problems.to_string().contains("1 too many"), "{problems}");
    chip.capacity.neurons = 100;
    cuba_mut(&mut chip).synapse_words = 8;
    let problems = build(&network(&[8, 13], vec![dense(8, 13)]), &chip).expect_err("6 a core");
    assert!(
        problems.has("cuba/cores") && problems.to_string().contains("12 neurons of this network fit"),
        "{problems}"
    );

    let chip = testing::loihi();
    let mut late = dense(2, 2);
    late.delays = Delays::Uniform(63);
    late.exponent = 8;
    let problems = build(&network(&[2, 2], vec![late]), &chip).expect_err("late");
    assert!(problems.has("cuba/delay") && problems.has("cuba/exponent"), "{problems}");
    let mut longest = dense(2, 2);
    longest.delays = Delays::Uniform(62);
    assert_eq!(build(&network(&[2, 2], vec![longest]), &chip).expect("62 ticks").image.depth, 63);
}

#[test]
fn lists_of_shared_weights_are_stored_once() {
    let conv = Conv2d {
        input: [1, 12, 12],
        output: [2, 10, 10],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
    let weights = (1..=18).collect();
    let graph = network(&[144, 200], vec![projection(0, 1, Pattern::Conv2d(conv), weights)]);
    let compiled = build(&graph, &testing::loihi()).expect("it fits");
    let body = core(&compiled.image, 0);
    // All 64 sources inside use one list of 18 synapses; the edges have their own.
    let largest = body.lists.iter().filter(|list| list.count == 18).count();
    assert_eq!((largest, body.axon_offsets.len() - 1), (1, 144));
    assert!(body.lists.len() < 40, "{}", body.lists.len());
    assert!(body.formats.iter().any(|format| format.kind == ListKind::Shared));
}

fn core(image: &Image, index: usize) -> &CubaCore {
    match &image.cores[index].body {
        CoreBody::Cuba(body) => body,
        _ => panic!("a Loihi-style core"),
    }
}

fn core_mut(image: &mut Image, index: usize) -> &mut CubaCore {
    match &mut image.cores[index].body {
        CoreBody::Cuba(body) => body,
        _ => panic!("a Loihi-style core"),
    }
}

/// A random pattern between two populations of known shape, with the number of its weights.
fn random_pattern(rng: &mut Rng, from: [u32; 3], to: [u32; 3]) -> (Pattern, usize) {
    let volume = |shape: [u32; 3]| shape.iter().product::<u32>();
    let (sources, targets) = (volume(from), volume(to));
    // Strided windows must all begin inside the source.
    let inside = |stride: [u32; 2], padding: [u32; 2]| {
        (0..2).all(|axis| (to[axis + 1] - 1) * stride[axis] < from[axis + 1] + padding[axis])
    };
    match rng.below(5) {
        0 if from == to => {
            let shared = rng.below(2) == 0;
            (Pattern::OneToOne { size: sources, shared }, if shared { 1 } else { sources as usize })
        }
        1 => {
            let mut offsets = vec![0];
            let mut list = Vec::new();
            for _ in 0..sources {
                list.extend((0..rng.below(6)).map(|_| rng.below(u64::from(targets)) as u32));
                offsets.push(list.len() as u32);
            }
            let shared = !list.is_empty() && rng.below(2) == 0;
            let weight_index: Vec<u32> =
                if shared { list.iter().map(|_| rng.below(4) as u32).collect() } else { Vec::new() };
            let weights = if shared { 4 } else { list.len() };
            (Pattern::Sparse { offsets, targets: list, weight_index }, weights)
        }
        2 => {
            let kernel = [1 + rng.below(3) as u32, 1 + rng.below(3) as u32];
            let stride = [1 + rng.below(2) as u32, 1 + rng.below(2) as u32];
            let padding = [rng.below(2) as u32, rng.below(2) as u32];
            if !inside(stride, padding) {
                return (Pattern::Dense { sources, targets }, (sources * targets) as usize);
            }
            let conv = Conv2d { input: from, output: to, kernel, stride, padding, dilation: [1, 1], groups: 1 };
            (Pattern::Conv2d(conv), (from[0] * to[0] * kernel[0] * kernel[1]) as usize)
        }
        3 if from[0] == to[0] && inside([2, 2], [0, 0]) => {
            (Pattern::Pool2d(Pool2d { input: from, output: to, kernel: [2, 2], stride: [2, 2], padding: [0, 0] }), 1)
        }
        _ => (Pattern::Dense { sources, targets }, (sources * targets) as usize),
    }
}

/// A random network: inputs, recurrent and parallel projections, mixed and single signs, delays, exponents.
fn random_network(rng: &mut Rng) -> IntGraph {
    let shapes: Vec<[u32; 3]> =
        (0..3 + rng.below(3)).map(|_| [1, 2, 3].map(|top| 1 + rng.below(top + 1) as u32)).collect();
    let inputs = 1 + rng.below(2) as usize;
    let populations: Vec<Population<IntNeuron>> = (0..shapes.len())
        .map(|index| Population {
            name: format!("p{index}"),
            shape: shapes[index].to_vec(),
            neuron: (index >= inputs).then(|| neuron((rng.below(4) > 0).then_some(rng.below(400) as u32))),
        })
        .collect();
    let mut projections = Vec::new();
    for number in 0..2 + rng.below(6) {
        let source = rng.below(shapes.len() as u64) as usize;
        let target = inputs + rng.below((shapes.len() - inputs) as u64) as usize;
        let (pattern, count) = random_pattern(rng, shapes[source], shapes[target]);
        let sign = rng.below(3);
        let weights: Vec<i32> = (0..count)
            .map(|_| match sign {
                0 => rng.below(256) as i32,
                1 => -(rng.below(256) as i32),
                _ => (rng.below(256) as i32 - 128) * 2,
            })
            .collect();
        let delays = if rng.below(2) == 0 {
            Delays::Uniform(rng.below(5) as u16)
        } else {
            Delays::PerWeight((0..count).map(|_| rng.below(63) as u16).collect())
        };
        projections.push(Projection {
            name: format!("c{number}"),
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern,
            weights,
            exponent: rng.below(4) as i8 - 1,
            delays,
        });
    }
    let outputs = vec![Output { name: "out".into(), population: PopulationId::from(shapes.len() - 1) }];
    IntGraph { name: "random".into(), populations, projections, outputs, learning: Vec::new() }
}

/// A chip small enough that random networks need many cores.
fn small_chip(rng: &mut Rng) -> ChipSpec {
    let mut chip = testing::loihi();
    chip.capacity.neurons = 1 + rng.below(20) as u32;
    cuba_mut(&mut chip).synapse_words = 200 + rng.below(400) as u32;
    chip
}

#[test]
fn random_networks_compile_and_verify_on_every_placement() {
    let mut rng = Rng::new(3);
    for case in 0..300 {
        let graph = random_network(&mut rng);
        let chip = small_chip(&mut rng);
        let placement = Placement::ALL[case % 3].0;
        let options = Options { placement, ..Options::default() };
        let mut log = Log::default();
        let compiled = compile(&Network::Int(graph), &chip, &options, &mut log).expect("it compiles and verifies");
        assert_eq!(log.cores.len(), compiled.image.cores.len());
        assert!(log.cores.iter().all(|core| core.resources.iter().all(|use_| use_.used <= use_.limit)));
    }
}

/// One of the items.
fn any<'a, T>(rng: &mut Rng, items: &'a mut [T]) -> Option<&'a mut T> {
    let count = items.len() as u64;
    if count == 0 { None } else { items.get_mut(rng.below(count) as usize) }
}

/// Changes one thing of one core; what was changed, or `None` where there is nothing of its kind.
fn mutate(rng: &mut Rng, image: &mut Image) -> Option<String> {
    let index = rng.below(image.cores.len() as u64) as usize;
    let change = 1 + rng.below(3) as u16;
    let body = core_mut(image, index);
    let kind = rng.below(7);
    match kind {
        0 => any(rng, &mut body.synapses)?.weight ^= change as i16,
        1 => any(rng, &mut body.synapses)?.target ^= change,
        2 => any(rng, &mut body.synapses)?.delay ^= change as u8,
        3 => any(rng, &mut body.list_uses)?.base ^= change,
        4 => any(rng, &mut body.axons_out)?.axon ^= change,
        5 => any(rng, &mut body.formats)?.weight_exponent += change as i8,
        _ => any(rng, &mut body.configs)?.decay_v ^= change,
    }
    Some(format!("kind {kind} on core {index}"))
}

#[test]
fn the_checker_catches_every_single_change() {
    let mut rng = Rng::new(11);
    let mut tried = 0;
    for _ in 0..120 {
        let graph = random_network(&mut rng);
        let chip = small_chip(&mut rng);
        let Ok(Compiled { image, network, .. }) = build(&graph, &chip) else { panic!("random networks fit") };
        for _ in 0..40 {
            let mut changed = image.clone();
            let Some(what) = mutate(&mut rng, &mut changed) else { continue };
            assert!(verify(&changed, &network, &chip).is_err(), "missed: {what}");
            tried += 1;
        }
    }
    assert!(tried > 2_000, "{tried}");
}

#[test]
fn the_checker_catches_every_synapse_of_one_network() {
    let mut rng = Rng::new(5);
    let graph = random_network(&mut rng);
    let chip = testing::loihi();
    let Compiled { image, network, .. } = build(&graph, &chip).expect("it fits");
    for index in 0..image.cores.len() {
        for synapse in 0..core(&image, index).synapses.len() {
            for change in [-2, 2] {
                let mut changed = image.clone();
                core_mut(&mut changed, index).synapses[synapse].weight += change;
                let problems = verify(&changed, &network, &chip).expect_err("a changed weight");
                assert_eq!(problems.exit_code(), 4);
            }
        }
    }
}

#[test]
fn the_checker_survives_nonsense() {
    let mut rng = Rng::new(8);
    for _ in 0..200 {
        let graph = random_network(&mut rng);
        let chip = testing::loihi();
        let Compiled { mut image, network, .. } = build(&graph, &chip).expect("it fits");
        let body = core_mut(&mut image, 0);
        match rng.below(7) {
            0 => body.lists.iter_mut().for_each(|list| list.count = u32::MAX),
            1 => body.list_uses.iter_mut().for_each(|use_| use_.list = u32::MAX),
            2 => body.axon_offsets.clear(),
            3 => body.formats.clear(),
            4 => body.axons_out.iter_mut().for_each(|packet| packet.core = u32::MAX),
            5 => body.config_of.iter_mut().for_each(|config| *config = u16::MAX),
            _ => image.inputs.iter_mut().for_each(|input| input.offsets.clear()),
        }
        let _ = verify(&image, &network, &chip);
    }
}
