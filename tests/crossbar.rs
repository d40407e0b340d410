//! Crossbar lowering against the straight-line oracle: random networks on small cores, where copies and relays are
//! needed at every turn, interpreted packet by packet; mutated images; and the limits of a core.

use std::collections::{BTreeMap, BTreeSet};

use spikeloom::chip::{CapacityLimits, ChipSpec, CrossbarSpec, EnergyTable, Family, MeshSpec, SyncSpec, UnitTimes};
use spikeloom::compile::crossbar::{lags, lower, verify};
use spikeloom::compile::{Log, Options};
use spikeloom::diag::{Kind, Problems};
use spikeloom::digest::Digest;
use spikeloom::event::Event;
use spikeloom::graph::{
    Conv2d, CrossbarNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Output, Pattern, Pool2d, Population,
    Projection, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::image::{CoreBody, CrossbarParameters, Image};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample};
use spikeloom::units::Picos;

fn chip(side: u16, neurons: u32, axons: u32) -> ChipSpec {
    ChipSpec {
        name: "small".to_owned(),
        title: "test chip".to_owned(),
        family: Family::Crossbar(CrossbarSpec {
            axon_types: 4,
            weight_bits: 9,
            potential_bits: 20,
            threshold_bits: 18,
            delay_min: 1,
            delay_max: 15,
            reach: 255,
            row_bits: 410,
            packet_bits_x: 32,
            packet_bits_y: 24,
        }),
        capacity: CapacityLimits { neurons, axons_in: axons, axons_out: neurons },
        mesh: MeshSpec {
            width: side,
            height: side,
            cores_per_router: 1,
            hop_x: None,
            hop_y: None,
            local: None,
            cycle: None,
            buffer: 1,
            host: (0, 0),
        },
        sync: SyncSpec::FixedTick { period: Picos::from_nanos(1_000_000) },
        times: UnitTimes::default(),
        energy: EnergyTable {
            cost_set: String::new(),
            cost_note: String::new(),
            supply_mv: 750,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        facts: Vec::new(),
        unknown: Vec::new(),
        digest: Digest::default(),
    }
}

/// One tick of a stored neuron, written anew from the update order (synapses, leak, alpha, beta).
fn step(p: &CrossbarParameters, v: i64, input: i64) -> (i64, bool) {
    let clamp = |v: i64| v.clamp(-(1 << 19), (1 << 19) - 1);
    let v = clamp(clamp(v + input) + i64::from(p.leak));
    let (alpha, beta, r) = (i64::from(p.threshold), i64::from(p.negative_threshold), i64::from(p.reset_value));
    if v >= alpha {
        return ([r, v - alpha, v][usize::from(p.spike_reset)], true);
    }
    if v < -beta {
        return (if p.negative_saturate { -beta } else { [-r, v + beta, v][usize::from(p.spike_reset)] }, false);
    }
    (v, false)
}

type Slot = (u32, u16);

/// Interprets an image: spikes of every slot, and its last V.
fn interpret(image: &Image, sample: &Sample, ticks: u32) -> (BTreeMap<Slot, Vec<u32>>, BTreeMap<Slot, i64>) {
    let mut axons: BTreeSet<(u32, u32, u16)> = BTreeSet::new();
    let mut spikes: BTreeMap<Slot, Vec<u32>> = BTreeMap::new();
    let mut v: BTreeMap<Slot, i64> = BTreeMap::new();
    for tick in 0..ticks {
        for spike in sample.spikes.iter().filter(|spike| spike.tick == tick) {
            let mut index = spike.input as usize;
            for input in &image.inputs {
                let size = input.offsets.len() - 1;
                if index < size {
                    for t in &input.targets[input.offsets[index] as usize..input.offsets[index + 1] as usize] {
                        axons.insert((tick + u32::from(t.delay), t.core, t.axon));
                    }
                    break;
                }
                index -= size;
            }
        }
        for core in &image.cores {
            let CoreBody::Crossbar(body) = &core.body else { panic!("family") };
            let words = body.parameter_of.len().div_ceil(64);
            for (slot, &number) in body.parameter_of.iter().enumerate() {
                let p = &body.parameters[usize::from(number)];
                let mut input = 0;
                for (axon, &axon_type) in body.axon_types.iter().enumerate() {
                    let connected = body.rows[axon * words + slot / 64] >> (slot % 64) & 1 == 1;
                    if connected && axons.contains(&(tick, core.core, axon as u16)) {
                        input += i64::from(p.weights[usize::from(axon_type)]);
                    }
                }
                let here = (core.core, slot as u16);
                let (next, fires) = step(p, v.get(&here).copied().unwrap_or_else(|| i64::from(p.initial)), input);
                v.insert(here, next);
                if fires {
                    spikes.entry(here).or_default().push(tick);
                    if let Some(to) = body.destinations[slot] {
                        axons.insert((tick + u32::from(to.delay), to.core, to.axon));
                    }
                }
            }
        }
    }
    (spikes, v)
}

/// Compares every slot of every population with the oracle, shifted by the lags.
fn agrees(image: &Image, graph: &IntGraph, chip: &ChipSpec, sample: &Sample) -> usize {
    let lags = lags(image, graph, chip).expect("verified");
    let run = oracle::crossbar::run(graph, sample, 20);
    let ticks = sample.ticks + 20;
    let (spikes, v) = interpret(image, sample, ticks);
    let mut total = 0;
    for (p, population) in image.populations.iter().enumerate() {
        let firsts = population.places.iter().enumerate().map(|(n, place)| (n as u32, place));
        for (neuron, place) in firsts.chain(population.copies.iter().map(|copy| (copy.neuron, &copy.place))) {
            let of_oracle = run.spikes[p].iter().filter(|(_, n)| *n == neuron).map(|(tick, _)| tick + lags[p]);
            let expected: Vec<u32> = of_oracle.filter(|tick| *tick < ticks).collect();
            let found = spikes.get(&(place.core, place.neuron)).cloned().unwrap_or_default();
            assert_eq!(found, expected, "'{}' neuron {neuron} at {place:?}, lags {lags:?}", population.name);
            total += found.len();
            if lags[p] == 0 {
                assert_eq!(v[&(place.core, place.neuron)], i64::from(run.membranes[p][neuron as usize]));
            }
        }
    }
    total
}

fn population(name: &str, shape: &[u32], neuron: Option<CrossbarNeuron>) -> Population<IntNeuron> {
    Population { name: name.to_owned(), shape: shape.to_vec(), neuron: neuron.map(IntNeuron::Crossbar) }
}

fn plain(threshold: u32) -> CrossbarNeuron {
    CrossbarNeuron {
        leak: vec![0],
        threshold: Some(vec![threshold]),
        negative_threshold: vec![50],
        reset_value: vec![0],
        spike_reset: SpikeReset::Value,
        negative_reset: NegativeReset::Saturate,
    }
}

fn dense(source: u32, target: u32, sources: u32, targets: u32, weight: impl FnMut(u32) -> i32) -> Projection<i32> {
    Projection {
        name: format!("{source}-{target}"),
        source: PopulationId(source),
        target: PopulationId(target),
        pattern: Pattern::Dense { sources, targets },
        weights: (0..sources * targets).map(weight).collect(),
        exponent: 0,
        delays: Delays::Uniform(0),
    }
}

fn network(populations: Vec<Population<IntNeuron>>, projections: Vec<Projection<i32>>) -> IntGraph {
    let last = PopulationId::from(populations.len() - 1);
    let outputs = vec![Output { name: "out".to_owned(), population: last }];
    IntGraph { name: "net".to_owned(), populations, projections, outputs }
}

/// Random registers; some restless, most not.
fn random_neuron(rng: &mut Rng, size: u32) -> CrossbarNeuron {
    let many = rng.below(2) == 0;
    let mut draw = |range: std::ops::Range<i64>| -> Vec<i64> {
        let count = if many { size } else { 1 };
        (0..count).map(|_| range.start + rng.below((range.end - range.start) as u64) as i64).collect()
    };
    let threshold = draw(1..12).into_iter().map(|v| v as u32).collect();
    let negative_threshold = draw(0..8).into_iter().map(|v| v as u32).collect();
    let reset_value = draw(0..3).into_iter().map(|v| [0, 1, -1][v as usize]).collect();
    let leak = draw(-3..4).into_iter().map(|v| v as i16 / 2).collect();
    CrossbarNeuron {
        leak,
        threshold: Some(threshold).filter(|_| rng.below(6) > 0),
        negative_threshold,
        reset_value,
        spike_reset: [SpikeReset::Value, SpikeReset::Linear, SpikeReset::None][rng.below(3) as usize],
        negative_reset: [NegativeReset::Saturate, NegativeReset::Mirror][rng.below(2) as usize],
    }
}

fn random_weights(rng: &mut Rng, count: usize) -> Vec<i32> {
    let sets: [&[i32]; 5] = [&[1, -1, 0], &[2, 0], &[1, 2, 3, -4, 0], &[5, -3, 2, 0], &[-8, -3, 1, 4, 7, 0]];
    let set = sets[rng.below(sets.len() as u64) as usize];
    (0..count).map(|_| set[rng.below(set.len() as u64) as usize]).collect()
}

/// A random network: layers, skips, at times a recurrent edge.
fn random_network(rng: &mut Rng) -> IntGraph {
    let inputs = 1 + rng.below(2) as u32;
    let layers = 1 + rng.below(4) as u32;
    let mut populations = Vec::new();
    for p in 0..inputs + layers {
        let shape = [1 + rng.below(3) as u32, 1 + rng.below(3) as u32, 1 + rng.below(3) as u32];
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

fn random_projection(
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

fn random_sample(rng: &mut Rng, inputs: u32) -> Sample {
    let ticks = 25;
    let density = 1 + rng.below(5);
    let spikes = (0..ticks)
        .flat_map(|tick| (0..inputs).map(move |input| (tick, input)))
        .filter(|_| rng.below(6) < density)
        .map(|(tick, input)| InputSpike { tick, input, value: 1 })
        .collect();
    Sample { spikes, ticks, ..Sample::default() }
}

fn compile(graph: &IntGraph, chip: &ChipSpec) -> Result<Image, Problems> {
    let image = lower(graph, chip, &Options::default(), &mut Log::default())?;
    verify(&image, graph, chip)?;
    Ok(image)
}

#[test]
fn random_networks_behave_as_the_oracle_says() {
    let (mut fitted, mut lagging, mut copied, mut spikes) = (0, 0, 0, 0);
    let mut refusals: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let graph = random_network(&mut rng);
        let inputs = graph.populations.iter().filter(|p| p.is_input()).map(|p| p.size() as u32).sum();
        let sample = random_sample(&mut rng, inputs);
        let (neurons, axons) = [(16, 24), (12, 48), (5, 96), (32, 40), (3, 60), (64, 128)][rng.below(6) as usize];
        let chip = chip(16, neurons, axons);
        match compile(&graph, &chip) {
            Ok(image) => {
                fitted += 1;
                lagging += usize::from(lags(&image, &graph, &chip).expect("verified").iter().any(|lag| *lag > 0));
                copied += usize::from(image.populations.iter().any(|p| !p.copies.is_empty()));
                spikes += agrees(&image, &graph, &chip, &sample);
            }
            Err(problems) => {
                for problem in problems.all() {
                    assert_eq!(problem.kind, Kind::Misfit, "seed {seed}: {problem}");
                    *refusals.entry(problem.code).or_default() += 1;
                }
            }
        }
    }
    println!(
        "{fitted} of 400 fit, {lagging} with relays, {copied} with copies, {spikes} spikes; refused: {refusals:?}"
    );
    assert!(fitted > 200 && lagging > 20 && copied > 50 && spikes > 10_000);
}

/// 64 inputs, 64 hidden, 10 outputs, four-bit weights: one full core and one more.
fn digits() -> IntGraph {
    let mut rng = Rng::new(3);
    let mut weight = move |_| 15 * (rng.below(16) as i32 - 8);
    let populations = vec![
        population("in", &[64], None),
        population("hidden", &[64], Some(plain(300))),
        population("out", &[10], Some(plain(500))),
    ];
    network(populations, vec![dense(0, 1, 64, 64, &mut weight), dense(1, 2, 64, 10, &mut weight)])
}

#[test]
fn the_digits_network_fills_one_truenorth_core_and_a_part_of_another() {
    let (graph, chip) = (digits(), chip(64, 256, 256));
    let mut log = Log::default();
    let image = lower(&graph, &chip, &Options::default(), &mut log).expect("fits");
    assert_eq!((log.metrics.cores, log.metrics.added_neurons), (2, 192));
    assert_eq!(image.depth, 2);
    let sample = random_sample(&mut Rng::new(5), 64);
    assert!(agrees(&image, &graph, &chip, &sample) > 100);
}

#[test]
fn a_convolution_with_pooling_runs_on_cores_of_256() {
    let mut rng = Rng::new(8);
    let conv = Conv2d {
        input: [2, 12, 12],
        output: [6, 10, 10],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
    let pool = Pool2d { input: [6, 10, 10], output: [6, 5, 5], kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
    let between = |source: u32, pattern, weights| Projection {
        name: format!("to{}", source + 1),
        source: PopulationId(source),
        target: PopulationId(source + 1),
        pattern,
        weights,
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    let weights = (0..6 * 2 * 9).map(|_| rng.below(16) as i32 - 8).collect();
    let populations = vec![
        population("in", &[2, 12, 12], None),
        population("conv", &[6, 10, 10], Some(plain(9))),
        population("pool", &[6, 5, 5], Some(plain(2))),
        population("out", &[10], Some(plain(20))),
    ];
    let out = dense(2, 3, 150, 10, |_| [3, 0, 0, -2][rng.below(4) as usize]);
    let projections = vec![between(0, Pattern::Conv2d(conv), weights), between(1, Pattern::Pool2d(pool), vec![1]), out];
    let (graph, chip) = (network(populations, projections), chip(64, 256, 256));
    let image = compile(&graph, &chip).expect("fits");
    assert!(agrees(&image, &graph, &chip, &random_sample(&mut rng, 288)) > 1000);
}

#[test]
fn one_core_is_enough_up_to_its_last_axon_and_not_beyond() {
    let build = |sources| {
        let populations = vec![population("in", &[sources], None), population("out", &[1], Some(plain(1)))];
        network(populations, vec![dense(0, 1, sources, 1, |_| 1)])
    };
    let chip = chip(2, 4, 256);
    compile(&build(256), &chip).expect("fits");
    let problems = compile(&build(257), &chip).expect_err("one axon too many");
    assert!(problems.has("crossbar/axons"), "{problems}");
    assert_eq!(problems.exit_code(), 3);
    assert!(problems.to_string().contains("1 too many"), "{problems}");
}

#[test]
fn what_cannot_be_lowered_is_refused_with_its_reason() {
    let refuse = |change: &dyn Fn(&mut IntGraph), code: &str, exit: u8| {
        let mut graph = digits();
        change(&mut graph);
        let problems = compile(&graph, &chip(64, 256, 256)).expect_err(code);
        assert!(problems.has(code), "{code}: {problems}");
        assert_eq!(problems.exit_code(), exit);
    };
    let neuron = |graph: &mut IntGraph, change: &dyn Fn(&mut CrossbarNeuron)| {
        if let Some(IntNeuron::Crossbar(neuron)) = &mut graph.populations[1].neuron {
            change(neuron);
        }
    };
    refuse(&|g| (0..64).for_each(|w| g.projections[0].weights[w * 64] = w as i32), "crossbar/weights", 3);
    refuse(&|g| g.projections[0].delays = Delays::Uniform(15), "crossbar/delay", 3);
    refuse(&|g| g.populations[1].shape = vec![1 << 21], "crossbar/projection", 1);
    refuse(&|g| g.populations[1].shape = vec![1 << 21; 2], "crossbar/shape", 1);
    refuse(&|g| g.projections[0].exponent = 1, "crossbar/projection", 1);
    refuse(&|g| g.projections[0].weights.truncate(9), "crossbar/projection", 1);
    refuse(&|g| g.projections[0].target = PopulationId(0), "crossbar/projection", 1);
    refuse(&|g| g.projections[0].source = PopulationId(9), "crossbar/projection", 1);
    refuse(&|g| g.outputs[0].population = PopulationId(0), "crossbar/output", 1);
    refuse(&|g| neuron(g, &|n| n.leak = vec![256]), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.threshold = Some(vec![1 << 18])), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.reset_value = vec![2]), "crossbar/range", 1);
    refuse(&|g| neuron(g, &|n| n.leak = vec![1; 63]), "crossbar/length", 1);
}

#[test]
fn delays_reach_fourteen_ticks_beyond_the_one() {
    let mut graph = digits();
    graph.projections[0].delays = Delays::Uniform(14);
    compile(&graph, &chip(64, 256, 256)).expect("15 ticks in all");
}

/// Every small change of an image that the chip would notice is caught.
#[test]
fn verify_catches_mutated_images() {
    let mut rng = Rng::new(11);
    let chip = chip(8, 16, 24);
    let populations = vec![
        population("in", &[4], None),
        population("a", &[5], Some(plain(3))),
        population("b", &[6], Some(plain(2))),
        population("c", &[14], Some(plain(4))),
    ];
    let projections = vec![
        dense(0, 1, 4, 5, |_| [1, 2, -1][rng.below(3) as usize]),
        dense(1, 2, 5, 6, |_| 3),
        dense(2, 3, 6, 14, |k| [1, -1][k as usize % 2]),
    ];
    let graph = network(populations, projections);
    let good = compile(&graph, &chip).expect("fits");
    let mut tried = 0;
    let mut caught = |change: &dyn Fn(&mut Image)| {
        let mut image = good.clone();
        change(&mut image);
        if image != good {
            tried += 1;
            let problems = verify(&image, &graph, &chip).expect_err("a changed image passed");
            assert_eq!(problems.exit_code(), 4, "{problems}");
        }
    };
    for core in 0..good.cores.len() {
        let CoreBody::Crossbar(body) = &good.cores[core].body else { panic!("family") };
        let on_core = |image: &mut Image, change: &dyn Fn(&mut spikeloom::image::Crossbar)| {
            if let CoreBody::Crossbar(body) = &mut image.cores[core].body {
                change(body);
            }
        };
        for axon in 0..body.axon_types.len() {
            for slot in 0..body.parameter_of.len() {
                // A bit of an unused axon type adds weight 0, which changes nothing.
                let p = &body.parameters[usize::from(body.parameter_of[slot])];
                if p.weights[usize::from(body.axon_types[axon])] != 0 {
                    caught(&|image| on_core(image, &|body| body.rows[axon] ^= 1 << slot));
                }
            }
        }
        for slot in 0..body.destinations.len() {
            caught(&|image| on_core(image, &|body| body.destinations[slot] = None));
            for (axon, delay) in [(1, 0), (0, 1), (200, 0), (0, 20)] {
                let change = |d: &mut spikeloom::image::Destination| {
                    d.axon ^= axon;
                    d.delay += delay;
                };
                caught(&|image| on_core(image, &|body| body.destinations[slot].iter_mut().for_each(change)));
            }
        }
        for number in 0..body.parameters.len() {
            let changes: [&dyn Fn(&mut CrossbarParameters); 5] =
                [&|p| p.leak += 1, &|p| p.threshold += 1, &|p| p.spike_reset ^= 1, &|p| p.initial += 1, &|p| {
                    p.weights[0] += 1
                }];
            for change in changes {
                // A relay may have any threshold up to its weight, and unused weights do not matter.
                let before = body.parameters[number].clone();
                if before.threshold > 1 && before.weights[0] != 0 {
                    caught(&|image| on_core(image, &|body| change(&mut body.parameters[number])));
                }
            }
        }
    }
    caught(&|image| image.depth += 1);
    caught(&|image| drop(image.cores.pop()));
    caught(&|image| image.populations[1].places.swap(0, 1));
    caught(&|image| drop(image.outputs.pop()));
    caught(&|image| image.inputs[0].targets.truncate(1));
    println!("{tried} mutations caught");
    assert!(tried > 200);
}
