//! Fan-in splitting: exact where parts have steps enough, off by the residues at most, one tick a level, refused unless asked
//! for; split networks of every shape against the oracle, packet by packet.

use std::collections::BTreeMap;

use spikeloom::chip::ChipSpec;
use spikeloom::compile::crossbar::{Split, split};
use spikeloom::compile::{Compiled, Log, Options, SplitFanIn, compile};
use spikeloom::diag::{Kind, Problems};
use spikeloom::graph::{CrossbarNeuron, Delays, IntGraph, IntNeuron, Network, SpikeReset};
use spikeloom::oracle::{self, Difference};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample};

use super::interpret::{agrees, chip, compile as compiled, dense, network, plain, population};
use super::random::{random_network, random_sample};

fn wish(text: &str) -> SplitFanIn {
    text.parse().expect("well formed")
}

fn parted(graph: &IntGraph, chip: &ChipSpec, text: &str) -> Split {
    let found = split(graph, chip, &wish(text), &mut Log::default());
    found.unwrap_or_else(|problems| panic!("{problems}")).expect("something is split")
}

fn built(graph: &IntGraph, chip: &ChipSpec, text: &str) -> Result<Compiled, Problems> {
    let options = Options { split_fan_in: Some(wish(text)), ..Options::default() };
    compile(&Network::Int(graph.clone()), chip, &options, &mut Log::default())
}

fn sparse_sample(rng: &mut Rng, inputs: u32, ticks: u32, rarity: u64) -> Sample {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        spikes.extend((0..inputs).filter(|_| rng.below(rarity) == 0).map(|input| InputSpike { tick, input, value: 1 }));
    }
    Sample { spikes, ticks, ..Sample::default() }
}

/// Neurons that only gather.
fn gathering() -> CrossbarNeuron {
    CrossbarNeuron { threshold: None, negative_threshold: vec![200_000], ..plain(1) }
}

#[test]
fn as_many_sources_as_axons_stay_whole_and_one_more_is_split() {
    let chip = chip(16, 256, 256);
    for (sources, whole) in [(255, true), (256, true), (257, false)] {
        let populations = vec![population("in", &[sources], None), population("out", &[3], Some(plain(9)))];
        let graph = network(populations, vec![dense(0, 1, sources, 3, |w| if w % 3 == 0 { -1 } else { 1 })]);
        let refused = compile(&Network::Int(graph.clone()), &chip, &Options::default(), &mut Log::default());
        assert_eq!(refused.is_ok(), whole, "{sources}");
        let made = built(&graph, &chip, "").unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(made.split.is_none(), whole, "{sources}");
        if let Err(problems) = refused {
            assert!(problems.has("crossbar/axons") && problems.exit_code() == 3);
            assert!(problems.to_string().contains("--split-fan-in"), "{problems}");
            assert_eq!((made.network.populations.len(), made.network.populations[2].name.as_str()), (3, "out.parts1"));
        } else {
            assert_eq!(made.network, graph);
        }
    }
}

#[test]
fn a_spike_takes_one_tick_a_level_and_no_more() {
    let populations = vec![population("in", &[120], None), population("out", &[1], Some(plain(1)))];
    let graph = network(populations, vec![dense(0, 1, 120, 1, |_| 1)]);
    let tick_of = |graph: &IntGraph| {
        let spikes = vec![InputSpike { tick: 3, input: 77, value: 1 }];
        oracle::crossbar::run(graph, &Sample { spikes, ticks: 8, ..Sample::default() }, 6).spikes[1].clone()
    };
    assert_eq!(tick_of(&graph), [(4, 0)]);
    // Twelve axons hold 12 sources a part, so ten parts; six, twenty parts, and four that sum these; three, 40, 14, 5 and 2.
    for (axons, levels) in [(60, 1), (12, 1), (6, 2), (3, 4)] {
        let found = parted(&graph, &chip(16, 16, axons), "spikes=1,step=100");
        assert_eq!((found.levels, &found.lags[..]), (levels, &[0, levels][..]), "{axons} axons");
        assert_eq!(tick_of(&found.network), [(4 + levels, 0)], "{axons} axons");
        let image =
            built(&graph, &chip(16, 16, axons), "spikes=1,step=100").unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(image.image.depth, 1 + levels);
    }
}

#[test]
fn sums_within_the_reach_of_the_parts_are_exact_spike_for_spike() {
    let (mut moved, mut spikes, mut split) = (0, 0, 0);
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        // Inputs to a hidden layer, both to the last one: the side way waits as long as the parts of both take.
        let hidden =
            CrossbarNeuron { leak: vec![-1, 0, 1, 0, -1, 0, 0, 1, 0, 0], spike_reset: SpikeReset::Linear, ..plain(9) };
        let populations = vec![
            population("in", &[150], None),
            population("hidden", &[10], Some(hidden)),
            population("out", &[4], Some(plain(4))),
        ];
        // Of the last layer, neurons 1 and 3 hear few sources and stay whole.
        let mut weight = |few: bool| if few && rng.below(9) > 0 { 0 } else { [-2, -1, 1, 2][rng.below(4) as usize] };
        let projections = vec![
            dense(0, 1, 150, 10, |_| weight(false)),
            dense(1, 2, 10, 4, |_| weight(false)),
            dense(0, 2, 150, 4, |w| weight((w / 150) % 2 == 1)),
        ];
        let graph = network(populations, projections);
        let chip = chip(32, 64, 128);
        let found = parted(&graph, &chip, "spikes=16,step=50");
        assert_eq!(found.lags, [0, 1, 2]);
        split += found.neurons;
        let mut difference = Difference::of(&graph);
        difference.add((&graph, &found.network), &found.lags, &sparse_sample(&mut rng, 150, 60, 60), 8);
        moved += difference.populations.iter().map(|p| p.moved).sum::<u64>();
        spikes += difference.populations.iter().map(|p| p.whole).sum::<u64>();
        assert_eq!(difference.agreeing, 1);
    }
    assert_eq!(moved, 0);
    assert!(spikes > 1_000 && split == 40 * 12, "{spikes} spikes, {split} neurons");
}

#[test]
fn charge_that_has_not_come_is_at_most_the_residues_of_the_parts() {
    let (mut exact, mut off) = (0, 0);
    for seed in 0..120 {
        let mut rng = Rng::new(seed);
        let sources = 40 + rng.below(160) as u32;
        let sets: [&[i32]; 3] = [&[1, -1, 0], &[31, 62, -93, 0, 124], &[5, -3, 2, -7, 0, 4]];
        let set = sets[rng.below(3) as usize];
        let populations = vec![population("in", &[sources], None), population("out", &[5], Some(gathering()))];
        let graph = network(populations, vec![dense(0, 1, sources, 5, |_| set[rng.below(set.len() as u64) as usize])]);
        let text = ["", "spikes=2", "spikes=4", "spikes=3,step=20", "step=10"][rng.below(5) as usize];
        let Ok(Some(found)) = split(&graph, &chip(16, 64, 64), &wish(text), &mut Log::default()) else { continue };
        if found.levels > 1 {
            continue;
        }
        let mut sample = sparse_sample(&mut rng, sources, 40, 12);
        // Long enough for all that waits.
        sample.ticks = 2_000;
        sample.spikes.retain(|spike| spike.tick < 40);
        let (whole, parts) =
            (oracle::crossbar::run(&graph, &sample, 0), oracle::crossbar::run(&found.network, &sample, 0));
        let IntNeuron::Crossbar(parts_of) = found.network.populations[2].neuron.as_ref().expect("neurons") else {
            panic!("family")
        };
        let thresholds = parts_of.threshold.as_ref().expect("parts fire");
        let mut bound = [0_i64; 5];
        let last = &found.network.projections;
        let sums = last.iter().find(|p| p.source.index() == 2 && p.target.index() == 1).expect("sums");
        for part in 0..found.network.populations[2].size() as u32 {
            sums.pattern.visit(part, |to, w| {
                let step = sums.weights[w as usize].unsigned_abs();
                // Half a step a part, which is so many neurons.
                let first = part % (thresholds[part as usize] / step) == 0;
                bound[to as usize] += if first { i64::from(step / 2) } else { 0 };
            });
        }
        for (neuron, bound) in bound.into_iter().enumerate() {
            let error = i64::from(whole.membranes[1][neuron] - parts.membranes[1][neuron]).abs();
            assert!(error <= bound, "seed {seed}, neuron {neuron}: {error} of {bound}");
            exact += u64::from(error == 0);
            off += u64::from(error != 0);
        }
    }
    assert!(exact > 50 && off > 50, "{exact} exact, {off} not");
}

#[test]
fn split_networks_behave_as_the_oracle_says_and_alike_every_time() {
    let (mut fitted, mut several, mut spikes) = (0, 0, 0);
    let mut refusals: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let graph = random_network(&mut rng);
        let inputs = graph.populations.iter().filter(|p| p.is_input()).map(|p| p.size() as u32).sum();
        let sample = random_sample(&mut rng, inputs);
        let axons = [8, 12, 20][rng.below(3) as usize];
        let text = ["spikes=1", "spikes=2", "spikes=2,step=10"][rng.below(3) as usize];
        let chip = chip(16, 24, axons);
        // Straight to the passes: some of these convolutions no reader would let in.
        let whole = |graph: &IntGraph| -> Result<_, Problems> {
            let Some(found) = split(graph, &chip, &wish(text), &mut Log::default())? else { return Ok(None) };
            let image = compiled(&found.network, &chip)?;
            Ok(Some((found, image)))
        };
        match whole(&graph) {
            Ok(Some((found, image))) => {
                fitted += 1;
                several += usize::from(found.lags.iter().any(|lag| *lag > 1));
                spikes += agrees(&image, &found.network, &chip, &sample);
                assert_eq!(whole(&graph).expect("as before"), Some((found, image)), "seed {seed}");
            }
            Ok(None) => {}
            Err(problems) => {
                for problem in problems.all() {
                    assert_eq!(problem.kind, Kind::Misfit, "seed {seed}: {problem}");
                    *refusals.entry(problem.code).or_default() += 1;
                }
            }
        }
    }
    println!("{fitted} of 300 split and fit, {several} by more than a tick, {spikes} spikes; refused: {refusals:?}");
    assert!(fitted > 60 && several > 10 && spikes > 5_000);
}

#[test]
fn a_loop_takes_the_ticks_from_its_delay_or_says_how_late_it_is() {
    let graph = |delay: u16| {
        let populations = vec![population("in", &[4], None), population("loop", &[40], Some(plain(30)))];
        let recurrent = spikeloom::graph::Projection {
            delays: Delays::Uniform(delay),
            ..dense(1, 1, 40, 40, |w| if w % 3 == 0 { -1 } else { 1 })
        };
        network(populations, vec![dense(0, 1, 4, 40, |_| 16), recurrent])
    };
    for (delay, late) in [(0, true), (1, false)] {
        let mut log = Log::default();
        let found = split(&graph(delay), &chip(16, 64, 32), &wish("spikes=4"), &mut log).expect("fits").expect("split");
        assert_eq!(found.lags, [0, 1]);
        let told = log.lines.iter().any(|line| line.warning && line.text.contains("1 tick later"));
        assert_eq!(told, late);
    }
}

#[test]
fn what_cannot_be_split_is_refused_with_the_reason() {
    let populations = || vec![population("in", &[100], None), population("out", &[2], Some(plain(9)))];
    let graph = network(populations(), vec![dense(0, 1, 100, 2, |_| 1)]);
    let refused = |graph: &IntGraph, chip: &ChipSpec, text: &str| {
        let problems = split(graph, chip, &wish(text), &mut Log::default()).expect_err("refused");
        assert_eq!(problems.exit_code(), 3, "{problems}");
        problems
    };
    // Sixteen spikes a part and sixteen axons: one part fills a core.
    assert!(refused(&graph, &chip(16, 16, 16), "spikes=16").has("crossbar/split"));
    assert!(refused(&graph, &chip(2, 4, 16), "spikes=8").has("crossbar/neurons"));
    // Sixteen magnitudes of one sign in one block.
    let many = network(populations(), vec![dense(0, 1, 100, 2, |w| 1 + (w * w) as i32 % 97)]);
    assert!(refused(&many, &chip(16, 16, 64), "").has("crossbar/weights"));
    // A leak that fires or resets it while two levels of parts before it take their ticks.
    let restless = CrossbarNeuron { leak: vec![-3], negative_threshold: vec![2], ..plain(2) };
    let populations = vec![population("in", &[100], None), population("out", &[2], Some(restless))];
    let graph = network(populations, vec![dense(0, 1, 100, 2, |_| 1)]);
    assert!(refused(&graph, &chip(16, 16, 16), "").has("crossbar/rest"));
}
