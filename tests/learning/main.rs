//! Learning from outside: random networks and rules against the straight-line model in every dialect, the same result
//! on any number of threads and cores, runs that are taken up again, and bad input.

mod random;

use random::{network, sample};
use spikeloom::chip::{self, ChipSpec, Dialect, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, compile};
use spikeloom::diag::Problems;
use spikeloom::emu::counters::RunResult;
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::event::Event;
use spikeloom::graph::{IntGraph, Learning, Network, Pattern, Population, read_json, write_json};
use spikeloom::ids::PopulationId;
use spikeloom::image::{CoreBody, Image};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

fn loihi(dialect: Dialect, neurons: u32) -> ChipSpec {
    let neurons = neurons.to_string();
    let set = [("core.cuba.dialect", dialect.name()), ("core.neurons", neurons.as_str())];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
}

fn build(graph: &IntGraph, chip: &ChipSpec) -> Result<Compiled, Problems> {
    compile(&Network::Int(graph.clone()), chip, &Options::default(), &mut Log::default())
}

fn play(image: &Image, chip: &ChipSpec, samples: Vec<Sample>, timing: bool, threads: usize) -> RunResult {
    let inputs = image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum();
    let options = RunOptions { timing, threads, strict: false, record: Record::All };
    emu::run(image, chip, &Stimulus { samples, inputs }, &options, &Quiet).expect("it runs")
}

/// Weights, tags and delays by (source, target) as the chip has learned them.
fn learned(image: &Image, result: &RunResult, projection: u32) -> Vec<((u32, u32), [i64; 3])> {
    let mut found = Vec::new();
    for synapse in image.learned_synapses(projection) {
        let core = result.learned.iter().find(|core| core.core == synapse.core).expect("the core learns");
        let group = &core.groups[synapse.group];
        let value = |values: &[i16]| values.get(synapse.at).copied().unwrap_or(0).into();
        found.push((
            (synapse.source, synapse.target),
            [value(&group.weights), value(&group.tags), value(&group.delays)],
        ));
    }
    found.sort_unstable();
    found
}

/// The same from the model.
fn expected(graph: &IntGraph, learned: &oracle::cuba::Learned, at: &Learning) -> Vec<((u32, u32), [i64; 3])> {
    let projection = &graph.projections[at.projection.index()];
    let mut found = Vec::new();
    for source in 0..graph.populations[projection.source.index()].size() as u32 {
        projection.pattern.visit(source, |target, weight| {
            let weight = weight as usize;
            let tag = if at.rule.needs_tag() { learned.tags[weight] } else { 0 };
            let delay = if at.needs_delay() { learned.delays[weight] } else { 0 };
            found.push(((source, target), [learned.weights[weight], tag, delay]));
        });
    }
    found.sort_unstable();
    found
}

#[test]
fn random_rules_are_learned_as_the_model_learns_them() {
    const CASES: u64 = 60;
    let (mut changed, mut spikes) = (0, 0);
    for (dialect, name) in Dialect::ALL {
        for case in 0..CASES {
            let mut rng = Rng::new(0x1ea4 + case);
            let graph = network(&mut rng, dialect);
            let chip = loihi(dialect, [1024, 3][case as usize % 2]);
            let compiled = build(&graph, &chip).unwrap_or_else(|problems| panic!("{name} {case}: {problems}"));
            let inputs = graph.populations.iter().filter(|p| p.is_input()).map(Population::size).sum::<usize>();
            let sample = sample(&mut rng, inputs as u32, 40);
            let depth = compiled.image.depth;
            let result = play(&compiled.image, &chip, vec![sample.clone()], case % 3 == 0, 1);
            let run = oracle::cuba::run(&graph, &sample, depth, dialect);
            let mut theirs: Vec<(u32, u32, u32)> = Vec::new();
            for (population, fired) in (0..).zip(&run.spikes) {
                theirs.extend(fired.iter().map(|&(tick, neuron)| (tick, population, neuron)));
            }
            theirs.sort_unstable();
            let ours: Vec<_> = result.samples[0].spikes.iter().map(|s| (s.tick, s.population, s.neuron)).collect();
            assert_eq!(ours, theirs, "{name} {case}: spikes");
            spikes += ours.len();
            let model = oracle::cuba::learn(&graph, &sample, sample.ticks + depth, dialect, &[]);
            for at in &graph.learning {
                let number = at.projection.index();
                let expected = expected(&graph, model[number].as_ref().expect("it learns"), at);
                let found = learned(&compiled.image, &result, at.projection.0);
                assert_eq!(found, expected, "{name} {case}: projection {number}, rule {}", at.rule);
                changed += usize::from(
                    found.iter().map(|(_, [weight, ..])| weight).sum::<i64>()
                        != graph.projections[number].weights.iter().map(|&w| i64::from(w)).sum::<i64>(),
                );
            }
        }
    }
    assert!(changed > 300 && spikes > 5000, "{changed} projections changed, {spikes} spikes: too little was compared");
}

/// A network of `neurons` in a row of cores that learns.
fn wide(rng: &mut Rng) -> (IntGraph, Vec<Sample>) {
    let mut graph = network(rng, Dialect::Lava);
    while graph.learning.len() < 3 {
        graph = network(rng, Dialect::Lava);
    }
    let inputs = graph.populations.iter().filter(|p| p.is_input()).map(Population::size).sum::<usize>();
    let samples = (0..5).map(|_| sample(rng, inputs as u32, 25)).collect();
    (graph, samples)
}

#[test]
fn threads_and_cores_do_not_change_what_is_learned() {
    for case in 0..6 {
        let (graph, samples) = wide(&mut Rng::new(0xc0 + case));
        let chip = loihi(Dialect::Lava, 2);
        let image = build(&graph, &chip).expect("it fits").image;
        assert!(image.cores.len() > 2, "{} cores", image.cores.len());
        let digests: Vec<_> =
            [1, 2, 3, 8].map(|threads| play(&image, &chip, samples.clone(), true, threads).digest()).to_vec();
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
        let alone = loihi(Dialect::Lava, 1024);
        let one = build(&graph, &alone).expect("it fits").image;
        let (many, single) =
            (play(&image, &chip, samples.clone(), false, 1), play(&one, &alone, samples.clone(), false, 1));
        for at in &graph.learning {
            let number = at.projection.0;
            assert_eq!(learned(&image, &many, number), learned(&one, &single, number), "another mapping");
        }
    }
}

#[test]
fn a_run_that_is_taken_up_again_is_the_run() {
    for case in 0..6 {
        let (graph, samples) = wide(&mut Rng::new(0x4e5 + case));
        let chip = loihi(Dialect::Lava, 3);
        let image = build(&graph, &chip).expect("it fits").image;
        let whole = play(&image, &chip, samples.clone(), true, 1);
        let first = play(&image, &chip, samples[..2].to_vec(), true, 1);
        let saved = emu::with_learned(&image, &first.learned);
        let bytes = spikeloom::image::encode(&saved, chip.digest);
        let (saved, header) = spikeloom::image::decode(&bytes, "saved").expect("it decodes");
        spikeloom::image::check(&saved, &header, &chip, "saved").expect("a saved image holds");
        let second = play(&saved, &chip, samples[2..].to_vec(), true, 1);
        assert_eq!(second.learned, whole.learned);
        assert_eq!(second.samples, whole.samples[2..]);
        // Frozen, the weights stay, and samples may go to several threads.
        let mut frozen = saved.clone();
        frozen.freeze();
        let still = play(&frozen, &chip, samples.clone(), false, 3);
        assert_eq!(still.digest(), play(&frozen, &chip, samples, false, 1).digest());
        assert_eq!(emu::with_learned(&frozen, &still.learned), frozen);
    }
}

/// One input, one neuron that a second input makes fire, and a rule between the first and the neuron.
fn pair(text: &str, extra: &str) -> String {
    format!(
        r#"{{"version": 1, "name": "pair", "populations": [
  {{"name": "in", "shape": [1]}}, {{"name": "teacher", "shape": [1]}},
  {{"name": "out", "shape": [1], "neuron": {{"model": "cuba_int", "decay_u": 4095, "decay_v": 4095, "threshold": 100}}}}],
 "projections": [
  {{"source": "in", "target": "out", "pattern": {{"type": "dense"}}, "weights": [20],
    "learning": {{"rule": "{text}", "x1": {{"impulse": 16, "tau": 10}}, "y1": {{"impulse": 16, "tau": 10}}{extra}}}}},
  {{"source": "teacher", "target": "out", "pattern": {{"type": "dense"}}, "weights": [120]}}],
 "outputs": [{{"population": "out"}}]}}"#
    )
}

fn graph(text: &str) -> IntGraph {
    match read_json(text, "net.json").unwrap_or_else(|problems| panic!("{problems}")) {
        Network::Int(graph) => graph,
        Network::Float(_) => panic!("a network of integers"),
    }
}

fn spike(tick: u32, input: u32) -> InputSpike {
    InputSpike { tick, input, value: 1 }
}

#[test]
fn causal_pairs_strengthen_and_are_counted() {
    let graph = graph(&pair("dw = y0*x1 - x0*y1", ""));
    let chip = loihi(Dialect::Lava, 1024);
    let image = build(&graph, &chip).expect("it fits").image;
    // Input in tick 2, spike of the neuron in tick 4: x1 is 16 and decays twice.
    let spikes = vec![spike(2, 0), spike(3, 1)];
    let result = play(&image, &chip, vec![Sample { name: String::new(), spikes, ticks: 8, label: None }], true, 1);
    let [weight, ..] = learned(&image, &result, 0)[0].1;
    assert!((20 + 12..=20 + 14).contains(&weight), "{weight}");
    // One update for the input's spike, and one for the neuron's.
    assert_eq!(result.samples[0].counts.get(Event::SynapseUpdate), 2);
    let time = |result: &RunResult| result.samples[0].tick_times.iter().map(|t| t.duration.0).sum::<u64>();
    let mut frozen = image.clone();
    frozen.freeze();
    let spikes = vec![spike(2, 0), spike(3, 1)];
    let still = play(&frozen, &chip, vec![Sample { name: String::new(), spikes, ticks: 8, label: None }], true, 1);
    // Davies et al. 2018: 6.1 ns an update.
    assert_eq!(time(&result) - time(&still), 2 * 6_100);
    assert_eq!(still.samples[0].counts.get(Event::SynapseUpdate), 0);
}

#[test]
fn a_network_that_learns_survives_its_file() {
    let text = pair(
        "dw = u0*t*y2; dt = 2^1*y0*x1 - 2^1*x0*y1 - 2^-1*u0*t",
        r#", "y2": {"from": "teacher"}, "tags": -3, "epoch": 2, "seed": 7"#,
    );
    let first = graph(&text);
    assert_eq!(first.learning[0].factors, [None, Some(PopulationId(1)), None]);
    assert_eq!(graph(&write_json(&Network::Int(first.clone()))), first);
    for name in ["stdp", "triplet"] {
        let named = graph(&pair(name, r#", "x2": {"impulse": 9, "tau": 40}, "y2": {"impulse": 9, "tau": 40}"#));
        assert_eq!(graph(&write_json(&Network::Int(named.clone()))), named);
    }
}

#[test]
fn a_delay_rule_moves_the_spikes_of_the_chip_itself() {
    let mut graph = graph(&pair("dd = u0*3", ""));
    let chip = loihi(Dialect::ChipBestGuess, 1024);
    graph.projections[0].weights = vec![120];
    let image = build(&graph, &chip).expect("it fits").image;
    let spikes = vec![spike(0, 0), spike(10, 0)];
    let result = play(&image, &chip, vec![Sample { name: String::new(), spikes, ticks: 60, label: None }], false, 1);
    let fired: Vec<u32> = result.samples[0].spikes.iter().map(|spike| spike.tick).collect();
    // With delay 0 at first; the spike of tick 10 is sent when ten steps have made it 30.
    assert_eq!(fired, [1, 10 + 1 + 30]);
    let body = |image: &Image| match &image.cores[0].body {
        CoreBody::Cuba(body) => body.formats.iter().find(|format| format.learns).expect("it learns").delay_bits,
        _ => panic!("a list core"),
    };
    assert_eq!(body(&image), 6, "room for every delay");
}

#[test]
fn a_rule_in_a_file_is_faulted_where_it_stands() {
    let text = pair("dw = 2^-9*x0*y1 + y0*x3; dt = w", "");
    let problems = read_json(&text, "net.json").expect_err("three faults");
    let found: Vec<_> = problems.all().iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["rule/exponent", "rule/variable", "rule/dependency"]);
    let text = problems.to_string();
    assert!(text.contains("net.json:6") && text.contains("column 22") && text.contains("did you mean"), "{text}");
    for (rule, extra, part) in [
        ("spdt", "", "did you mean 'stdp'"),
        ("dw = y0*x2", "", "nothing ever raises"),
        ("dw = y0*x1", r#", "epoch": 64"#, "64"),
        ("dw = y0*x1*y3", r#", "y3": {"from": "teecher"}"#, "did you mean 'teacher'"),
        ("dw = y0*x1", r#", "x2": {"from": "teacher"}"#, "presynaptic spikes alone"),
        ("dw = y0*x1", r#", "x2": {"impulse": 128}"#, "0..=127"),
        ("dw = y0*t", r#", "tags": [1, 2]"#, "one for all"),
        ("dw = y0*x1", r#", "rate": 2"#, "rate"),
    ] {
        let problems = read_json(&pair(rule, extra), "net.json").expect_err(rule);
        assert!(problems.to_string().contains(part), "{rule}{extra}: {problems}");
    }
}

#[test]
fn what_the_chip_cannot_learn_is_told_with_the_nearest_value() {
    let refused = |graph: &IntGraph, chip: &ChipSpec, code: &str, parts: &[&str]| {
        let problems = build(graph, chip).map(|_| ()).expect_err(code);
        let text = problems.to_string();
        assert!(problems.has(code) && parts.iter().all(|part| text.contains(part)), "{text}");
    };
    let lava = loihi(Dialect::Lava, 1024);
    let tagged = graph(&pair("dt = y0*x1; dw = u0*t", ""));
    let set = vec![("core.cuba.tag_bits".to_owned(), "0".to_owned())];
    let bare = chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("it loads");
    refused(&tagged, &bare, "cuba/learning", &["no synapse format of the chip has tag bits"]);
    let mut heavy = graph(&pair("dw = y0*x1", ""));
    heavy.projections[0].weights = vec![300];
    refused(&heavy, &lava, "cuba/weight", &["nearest legal value is 255"]);
    let mut far = tagged.clone();
    far.learning[0].tags = vec![400];
    refused(&far, &lava, "cuba/learning", &["nearest legal value is 255"]);
    let mut slow = graph(&pair("dw = y0*x1", r#", "epoch": 4"#));
    refused(&slow, &loihi(Dialect::Brian2, 1024), "cuba/learning", &["nearest epoch is 1"]);
    slow.learning[0].delays = vec![3];
    refused(&slow, &loihi(Dialect::ChipBestGuess, 1024), "cuba/learning", &["the projection's own delay"]);
    let moved = graph(&pair("dd = y0*2", ""));
    refused(&moved, &loihi(Dialect::Nengo, 1024), "cuba/learning", &["dialect nengo"]);
    let truenorth = chip::load("truenorth", &LoadOptions::default()).expect("built in");
    refused(&heavy, &truenorth, "compile/learning", &["cannot learn"]);
    let mut shared = graph(&pair("dw = y0*x1", ""));
    shared.projections[0].pattern = Pattern::OneToOne { size: 1, shared: true };
    refused(&shared, &lava, "graph/learning", &["share a weight"]);
}

#[test]
fn a_changed_image_is_not_the_network() {
    let graph = graph(&pair("dt = y0*x1; dw = u0*t*y2", r#", "y2": {"from": "teacher"}, "tags": 5"#));
    let chip = loihi(Dialect::Lava, 1024);
    let compiled = build(&graph, &chip).expect("it fits");
    let changes: [fn(&mut spikeloom::image::LearningGroup); 7] = [
        |group| group.rule = "dw = u0*t*y2".to_owned(),
        |group| group.epoch = 2,
        |group| group.seed = 1,
        |group| group.tags = vec![6],
        |group| group.traces[0].impulse = 17,
        |group| group.factors.clear(),
        |group| group.sign = 0,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut image = compiled.image.clone();
        let CoreBody::Cuba(body) = &mut image.cores[0].body else { panic!("a list core") };
        change(&mut body.learning[0]);
        let problems = spikeloom::compile::verify(&image, &graph, &chip).expect_err("it was changed");
        assert!(problems.exit_code() == 4, "{number}: {problems}");
    }
    // Nonsense is refused before it is run.
    let nonsense: [fn(&mut spikeloom::image::LearningGroup); 7] = [
        |group| group.steps = u64::MAX,
        |group| group.rule = "dw = nonsense".to_owned(),
        |group| group.epoch = 0,
        |group| group.sign = 9,
        |group| group.tags = vec![1; 9],
        |group| group.traces[0].decay = vec![(255, 3)],
        |group| group.factors[0].axon = 77,
    ];
    for change in nonsense {
        let mut image = compiled.image.clone();
        let CoreBody::Cuba(body) = &mut image.cores[0].body else { panic!("a list core") };
        change(&mut body.learning[0]);
        assert!(spikeloom::image::contents(&image, &chip, "image").expect_err("nonsense").has("image/content"));
    }
}
