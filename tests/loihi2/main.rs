//! Loihi 2 from outside: factorised and seeded synapses, projections from further outputs, learning beside programs, each
//! against the straight-line model; what they take of memory, and what is refused.

mod random;

use std::path::Path;

use random::{BUSY, learning, network, sample};
use spikeloom::chip::{self, ChipSpec, Dialect, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, compile, usage, verify};
use spikeloom::diag::Problems;
use spikeloom::emu::counters::RunResult;
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::graph::{
    FloatNeuron, Graph, IntGraph, IntNeuron, Learning, Network, NeuronKind, Output, Pattern, Population, Profile,
    Projection, ReadOptions, Stochastic, read, read_json, write_json,
};
use spikeloom::ids::PopulationId;
use spikeloom::image::{self, Compressed, CoreBody, CubaCore, Image};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

fn loihi2(dialect: Dialect, neurons: u32) -> ChipSpec {
    let neurons = neurons.to_string();
    let set = [("core.cuba.dialect", dialect.name()), ("core.neurons", neurons.as_str())];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    chip::load("loihi2", &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
}

fn built(network: &Network, chip: &ChipSpec) -> Compiled {
    compile(network, chip, &Options::default(), &mut Log::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(network: &Network, chip: &ChipSpec) -> Problems {
    compile(network, chip, &Options::default(), &mut Log::default()).expect_err("this network must be refused")
}

fn play(image: &Image, chip: &ChipSpec, samples: Vec<Sample>, timing: bool, threads: usize) -> RunResult {
    let inputs = image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum();
    let options = RunOptions { timing, threads, strict: false, record: Record::All };
    emu::run(image, chip, &Stimulus { samples, inputs }, &options, &Quiet).expect("it runs")
}

fn ours(result: &RunResult) -> Vec<(u32, u32, u32)> {
    result.samples[0].spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect()
}

fn theirs(run: &oracle::IntRun) -> Vec<(u32, u32, u32)> {
    let mut all: Vec<(u32, u32, u32)> = Vec::new();
    for (population, fired) in (0..).zip(&run.spikes) {
        all.extend(fired.iter().map(|&(tick, neuron)| (tick, population, neuron)));
    }
    all.sort_unstable();
    all
}

fn cores(image: &Image) -> impl Iterator<Item = &CubaCore> {
    image.cores.iter().filter_map(|core| match &core.body {
        CoreBody::Cuba(body) => Some(body),
        _ => None,
    })
}

#[test]
fn random_networks_of_factors_seeds_and_outputs_are_the_models() {
    let (mut spikes, mut compressed, mut further) = (0, 0, 0);
    // Brian2's registers have no width, a program's have 32 bits: its golden cases hold that dialect.
    for (dialect, name) in Dialect::ALL.into_iter().filter(|(dialect, _)| *dialect != Dialect::Brian2) {
        for case in 0..40 {
            let mut rng = Rng::new(0x2_1001 + case);
            let graph = network(&mut rng, dialect == Dialect::Lava || case % 2 == 0);
            let graph = if dialect == Dialect::Nengo { without_delays(graph) } else { graph };
            let chip = loihi2(dialect, [8192, 5][case as usize % 2]);
            let network = Network::Int(graph.clone());
            let compiled = built(&network, &chip);
            assert_eq!(read_json(&write_json(&network), "again.json").is_ok(), !holds_busy(&graph));
            compressed += cores(&compiled.image).map(|core| core.compressed.len()).sum::<usize>();
            further += cores(&compiled.image).flat_map(|core| &core.axons_out).filter(|out| out.output > 0).count();
            let sample = sample(&mut rng, 6, 30);
            let expected = oracle::cuba::run(&graph, &sample, compiled.image.depth, dialect);
            let wanted = theirs(&expected);
            for (timing, threads) in [(false, 1), (true, 2), (false, 2)] {
                let result = play(&compiled.image, &chip, vec![sample.clone(), sample.clone()], timing, threads);
                assert_eq!(ours(&result), wanted, "{name} {case}, timing {timing}");
                assert_eq!(result.samples[1].spikes, result.samples[0].spikes, "{name} {case}: after a reset");
                for (at, output) in compiled.image.outputs.iter().enumerate() {
                    let membranes = &expected.membranes[output.population as usize];
                    assert_eq!(&result.samples[0].output_membranes[at], membranes, "{name} {case}");
                }
            }
            spikes += wanted.len();
        }
    }
    assert!(spikes > 5000 && compressed > 300 && further > 500, "{spikes} {compressed} {further}: too little");
}

/// Nengo has no delays.
fn without_delays(mut graph: IntGraph) -> IntGraph {
    graph.projections.iter_mut().for_each(|p| p.delays = spikeloom::graph::Delays::Uniform(0));
    graph
}

/// Whether a population runs a program that JSON could only name.
fn holds_busy(graph: &IntGraph) -> bool {
    graph.populations.iter().any(|p| matches!(&p.neuron, Some(IntNeuron::Program(of)) if of.name == "busy"))
}

#[test]
fn programs_learn_as_the_model_does_with_traces_that_they_write() {
    let (mut changed, mut written) = (0, 0);
    for dialect in [Dialect::Lava, Dialect::ChipBestGuess] {
        for case in 0..40 {
            let mut rng = Rng::new(0x1ea2 + case);
            let graph = learning(&mut rng, dialect == Dialect::Lava);
            let chip = loihi2(dialect, [8192, 3][case as usize % 2]);
            let compiled = built(&Network::Int(graph.clone()), &chip);
            let sample = sample(&mut rng, 5, 40);
            let depth = compiled.image.depth;
            let result = play(&compiled.image, &chip, vec![sample.clone()], case % 3 == 0, 1 + case as usize % 2);
            let wanted = theirs(&oracle::cuba::run(&graph, &sample, depth, dialect));
            assert_eq!(ours(&result), wanted, "{case}");
            let model = oracle::cuba::learn(&graph, &sample, sample.ticks + depth, dialect, &[]);
            for at in &graph.learning {
                let learned = model[at.projection.index()].as_ref().expect("it learns");
                let (found, expected) = (weights(&compiled.image, &result, at), expected(&graph, learned, at));
                assert_eq!(found, expected, "{case}: rule {}", at.rule);
                let before: i64 = graph.projections[at.projection.index()].weights.iter().map(|&w| i64::from(w)).sum();
                changed += usize::from(found.iter().map(|(_, weight)| weight).sum::<i64>() != before);
                written += at.states.iter().flatten().count();
            }
        }
    }
    assert!(changed > 80 && written > 60, "{changed} changed, {written} written: too little was compared");
}

/// Weights by (source, target) as the chip has learned them.
fn weights(image: &Image, result: &RunResult, at: &Learning) -> Vec<((u32, u32), i64)> {
    let mut found = Vec::new();
    for synapse in image.learned_synapses(at.projection.0) {
        let core = result.learned.iter().find(|core| core.core == synapse.core).expect("the core learns");
        found.push(((synapse.source, synapse.target), core.groups[synapse.group].weights[synapse.at].into()));
    }
    found.sort_unstable();
    found
}

fn expected(graph: &IntGraph, learned: &oracle::cuba::Learned, at: &Learning) -> Vec<((u32, u32), i64)> {
    let projection = &graph.projections[at.projection.index()];
    let mut found = Vec::new();
    for source in 0..graph.populations[projection.source.index()].size() as u32 {
        projection.pattern.visit(source, |target, weight| {
            found.push(((source, target), learned.weights[weight as usize]));
        });
    }
    found.sort_unstable();
    found
}

/// One projection of 256 inputs to 512 neurons.
fn wide(pattern: Pattern, weights: Vec<i32>) -> IntGraph {
    let neuron =
        IntNeuron::Program(Box::new(random::program("lif", spikeloom::isa::builtin_text("lif").expect("built in"))));
    IntGraph {
        name: "wide".to_owned(),
        populations: vec![
            Population { name: "in".to_owned(), shape: vec![256], neuron: None },
            Population { name: "out".to_owned(), shape: vec![512], neuron: Some(neuron) },
        ],
        projections: vec![Projection {
            name: "p".to_owned(),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern,
            weights,
            exponent: 0,
            delays: spikeloom::graph::Delays::Uniform(0),
        }],
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(1) }],
        learning: Vec::new(),
    }
}

fn factorised(factor: impl Fn(usize) -> i32) -> IntGraph {
    let pattern = Pattern::Factorised { sources: 256, targets: 512, rank: 4 };
    wide(pattern, (0..4 * (256 + 512)).map(factor).collect())
}

fn words(graph: &IntGraph, chip: &ChipSpec) -> u32 {
    let image = built(&Network::Int(graph.clone()), chip).image;
    let (cores, _) = usage(&image, chip);
    let used = cores.iter().flat_map(|core| &core.resources).filter(|of| of.resource == "synapse_words");
    used.map(|of| of.used).sum()
}

#[test]
fn compressed_synapses_take_the_memory_of_their_few_numbers() {
    let chip = loihi2(Dialect::Lava, 8192);
    let graph = factorised(|at| 2 * ((at % 5) as i32 - 2));
    // 512 x 4 factors of 8 bits in blocks of 64 (522 bits, 9 words), 256 rows of 4 (42 bits, 1 word), 1 run.
    assert_eq!(words(&graph, &chip), 2048 / 64 * 9 + 256 + 1);
    // Written out: 256 dense lists of 512, 6 bits and a sign each, at least.
    let dense = words(&graph.expanded(), &chip);
    assert!(dense > 256 * 512 * 6 / 64, "{dense}");
    let drawn = |chance| {
        let drawn = Stochastic { sources: 256, targets: 512, seed: 1, chance, weights: 3 };
        words(&wide(Pattern::Stochastic(drawn), vec![10, -20, 30]), &chip)
    };
    // Seed, chance and count in 2 words, 3 weights of 16 bits (58 bits, 1 word), 256 numbers of sources, 1 run.
    assert_eq!((drawn(1 << 30), drawn(1 << 32)), (2 + 1 + 128 + 1, 2 + 1 + 128 + 1));
}

#[test]
fn a_chip_without_them_gets_the_same_synapses_written_out() {
    let set = vec![("core.cuba.dialect".to_owned(), "lava".to_owned())];
    let chip = chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("built in");
    let mut rng = Rng::new(5);
    let mut graph = factorised(|at| 2 * ((at % 5) as i32 - 2));
    graph.populations[1].neuron =
        Some(IntNeuron::Cuba(spikeloom::graph::CubaNeuron { threshold: Some(vec![50]), ..Default::default() }));
    let drawn = Stochastic { sources: 256, targets: 512, seed: 1, chance: 1 << 28, weights: 2 };
    graph.projections.push(Projection {
        name: "q".to_owned(),
        pattern: Pattern::Stochastic(drawn),
        weights: vec![12, -8],
        ..graph.projections[0].clone()
    });
    let compiled = built(&Network::Int(graph.clone()), &chip);
    assert!(cores(&compiled.image).all(|core| core.compressed.is_empty()));
    let spikes = (0..10).flat_map(|tick| (0..9).map(move |k| (tick, k)));
    let spikes = spikes.map(|(tick, _)| InputSpike { tick, input: rng.below(256) as u32, value: 1 }).collect();
    let mut sample = Sample { name: "s".to_owned(), spikes, ticks: 10, label: None };
    sample.spikes.sort_by_key(|spike| (spike.tick, spike.input));
    let wanted = theirs(&oracle::cuba::run(&graph, &sample, compiled.image.depth, Dialect::Lava));
    assert_eq!(ours(&play(&compiled.image, &chip, vec![sample], false, 1)), wanted);
    assert!(wanted.len() > 100, "{}", wanted.len());
}

#[test]
fn the_checker_sees_every_change_of_compressed_synapses_and_outputs() {
    let mut seen = 0;
    for case in 0..40 {
        let mut rng = Rng::new(case);
        let graph = network(&mut rng, true);
        let chip = loihi2(Dialect::Lava, 6);
        let compiled = built(&Network::Int(graph.clone()), &chip);
        for number in 0..compiled.image.cores.len() {
            let mut changed = compiled.image.clone();
            let CoreBody::Cuba(body) = &mut changed.cores[number].body else { panic!("a list core") };
            let Some(list) = body.compressed.first_mut() else { continue };
            match (&mut list.synapses, rng.below(4)) {
                (_, 0) => list.weight_exponent += 1,
                (_, 1) => list.projection += 1,
                (Compressed::Factorised { delay, .. }, 2) => *delay += 1,
                (Compressed::Factorised { left, .. }, _) => left.iter_mut().for_each(|l| *l = l.wrapping_add(1)),
                (Compressed::Stochastic { choices, .. }, 2) => choices.iter_mut().for_each(|c| c.delay += 1),
                (Compressed::Stochastic { choices, .. }, _) => choices.iter_mut().for_each(|c| c.weight += 1),
            }
            assert!(verify(&changed, &compiled.network, &chip).is_err(), "{case}: core {number}");
            seen += 1;
        }
        for number in 0..compiled.image.cores.len() {
            let mut changed = compiled.image.clone();
            let CoreBody::Cuba(body) = &mut changed.cores[number].body else { panic!("a list core") };
            let Some(out) = body.axons_out.iter_mut().find(|out| out.output > 0) else { continue };
            out.output -= 1;
            assert!(verify(&changed, &compiled.network, &chip).is_err(), "{case}: an output of core {number}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn images_with_compressed_synapses_that_do_not_hold_are_refused() {
    let chip = loihi2(Dialect::Lava, 8192);
    let compiled = built(&Network::Int(factorised(|at| (at % 7) as i32 - 3)), &chip);
    assert_eq!(image::contents(&compiled.image, &chip, "i").map_err(|problems| problems.to_string()), Ok(()));
    let change = |change: &dyn Fn(&mut CubaCore)| {
        let mut changed = compiled.image.clone();
        let CoreBody::Cuba(body) = &mut changed.cores[0].body else { panic!("a list core") };
        change(body);
        let problems = image::contents(&changed, &chip, "i").expect_err("it does not hold");
        assert!(problems.has("image/content"), "{problems}");
    };
    change(&|body| body.compressed[0].targets[0].count += 1);
    change(&|body| body.compressed[0].targets[0].neuron = u32::MAX);
    change(&|body| body.compressed[0].sources[3].axon = 2);
    change(&|body| body.compressed[0].sources.clear());
    change(&|body| body.compressed[0].weight_exponent = 100);
    change(&|body| body.compressed[0].targets.clear());
    change(&|body| {
        body.compressed[0].synapses = Compressed::Stochastic { seed: 0, chance: 1 << 33, choices: Vec::new() };
    });
    change(&|body| {
        let Compressed::Factorised { rank, .. } = &mut body.compressed[0].synapses else { panic!("factors") };
        *rank = 0;
    });
    change(&|body| {
        let list = body.compressed[0].clone();
        body.compressed = vec![list; 5000];
    });
}

#[test]
fn float_factors_keep_their_products_within_what_eight_bits_can() {
    let chip = loihi2(Dialect::Lava, 8192);
    let mut rng = Rng::new(7);
    let (sources, targets, rank) = (20, 30, 3);
    let factors: Vec<f64> = (0..rank * (sources + targets)).map(|_| rng.normal() * 0.3).collect();
    let neuron = FloatNeuron {
        kind: NeuronKind::Lif,
        tau_mem: vec![0.02],
        tau_syn: Vec::new(),
        r: vec![1.0],
        v_leak: vec![0.0],
        v_threshold: vec![1.0],
        v_reset: vec![0.0],
        w_in: vec![1.0],
        bias: Vec::new(),
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    };
    let graph = Graph {
        name: "float".to_owned(),
        populations: vec![
            Population { name: "in".to_owned(), shape: vec![sources], neuron: None },
            Population { name: "out".to_owned(), shape: vec![targets], neuron: Some(neuron) },
        ],
        projections: vec![Projection {
            name: "p".to_owned(),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern: Pattern::Factorised { sources, targets, rank },
            weights: factors,
            exponent: 0,
            delays: spikeloom::graph::Delays::Uniform(0),
        }],
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(1) }],
        profile: Profile::preset("nir").expect("a preset"),
    };
    let float = graph.projections[0].expanded().into_owned();
    let mut log = Log::default();
    let compiled = compile(&Network::Float(graph), &chip, &Options::default(), &mut log).expect("it compiles");
    assert!(cores(&compiled.image).all(|core| core.compressed.len() == 1 && core.lists.is_empty()));
    let peak = float.weights.iter().fold(0.0_f64, |peak, weight| peak.max(weight.abs()));
    let error = log.tensors.iter().find(|tensor| tensor.name == "p.weight").expect("told of");
    // Each factor is off by half a step of 1/127 of its peak at most, each product by twice that, a weight by three.
    assert!(error.max_error > 0.0 && error.max_error < 3.0 * 2.0 * peak.max(1.0) / 127.0, "{error:?}");
    assert_eq!(error.saturated, 0);
}

const JSON: &str = r#"{
  "version": 1,
  "name": "json",
  "populations": [
    {"name": "in", "shape": [3]},
    {"name": "hidden", "shape": [4], "neuron": {"model": "program", "program": "busy.nmc"}},
    {"name": "out", "shape": [2], "neuron": {"model": "program", "program": "busy.nmc"}}
  ],
  "projections": [
    {"source": "in", "target": "hidden", "pattern": {"type": "factorised", "rank": 2},
     "weights": [[1, 2], [3, 4], [-5, 6], [7, 8], [10, 20, 30], [1, 2, 3]], "exponent": 1, "delay": 2},
    {"source": "hidden", "target": "out", "pattern": {"type": "stochastic", "probability": 0.5, "seed": 3},
     "weights": [100, -50], "delay": [0, 1], "output": "graded"},
    {"name": "back", "source": "out", "target": "hidden", "pattern": {"type": "dense"}, "weights": 3, "output": 2,
     "learning": {"rule": "dw = 2^-2*x0*y1", "post": "graded", "y1": {"state": "trace"}}}
  ],
  "outputs": [{"population": "out"}]
}
"#;

fn folder() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loihi2");
    std::fs::create_dir_all(&folder).expect("the test folder can be made");
    std::fs::write(folder.join("busy.nmc"), BUSY).expect("written");
    folder
}

#[test]
fn json_says_all_of_it_and_comes_back() {
    let folder = folder();
    std::fs::write(folder.join("net.json"), JSON).expect("written");
    let import = read(&folder.join("net.json"), &ReadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    let again = read_json(&write_json(&import.network), &folder.join("again.json").display().to_string())
        .unwrap_or_else(|found| panic!("{found}"));
    assert_eq!(again, import.network);
    let Network::Int(graph) = &import.network else { panic!("integers") };
    let IntNeuron::Program(hidden) = graph.populations[1].neuron.as_ref().expect("neurons") else {
        panic!("a program")
    };
    assert_eq!(hidden.outputs, [("hidden->out".to_owned(), 1)]);
    assert_eq!(graph.projections[0].expanded().weights, [12, 24, 36, 34, 68, 102, -44, -88, -132, 78, 156, 234]);
    let learning = &graph.learning[0];
    assert_eq!((learning.post, learning.states[0].as_deref()), (1, Some("trace")));
    let chip = loihi2(Dialect::Lava, 8192);
    let compiled = built(&import.network, &chip);
    let sample = sample(&mut Rng::new(1), 3, 50);
    let wanted = theirs(&oracle::cuba::run(graph, &sample, compiled.image.depth, Dialect::Lava));
    assert_eq!(ours(&play(&compiled.image, &chip, vec![sample], true, 1)), wanted);
    assert!(!wanted.is_empty());
}

#[test]
fn what_json_gets_wrong_is_said_with_its_place() {
    let folder = folder();
    for (from, to, code, told) in [
        ("\"rank\": 2", "\"rank\": 0", "graph/json", "0 is out of range"),
        ("[1, 2], [3, 4]", "[1, 2], [3]", "graph/json", "row 1 has 1 weights for 2 factors of a target"),
        ("[1, 2, 3]]", "[1, 2]]", "graph/json", "row 5 has 2 weights for 3 sources"),
        ("\"delay\": 2", "\"delay\": [1, 2]", "graph/delay", "its weights are products"),
        ("[[1, 2]", "[[5000, 2]", "graph/range", "factor 5000 is out of range"),
        ("0.5", "1.5", "graph/json", "1.5 is out of range"),
        ("[100, -50], \"delay\": [0, 1]", "[[100]]", "graph/json", "from one list"),
        ("\"output\": \"graded\"", "\"output\": \"grade\"", "graph/json", "no output 'grade'"),
        ("\"output\": 2", "\"output\": 3", "graph/json", "no output '3'; it has spikes, graded, watch"),
        ("\"post\": \"graded\"", "\"post\": \"back\"", "graph/json", "no output 'back'"),
        ("{\"state\": \"trace\"}", "{\"state\": \"trac\"}", "graph/learning", "did you mean 'trace'?"),
        ("{\"state\": \"trace\"}", "{\"state\": \"trace\", \"from\": \"in\"}", "graph/learning", "both state 'trace'"),
    ] {
        let text = JSON.replacen(from, to, 1);
        assert_ne!(text, JSON, "{from}");
        let network = read_json(&text, &folder.join("net.json").display().to_string());
        let problems = match network.and_then(|network| spikeloom::graph::check(&network)) {
            Ok(()) => panic!("accepted: {to}"),
            Err(problems) => problems,
        };
        assert!(problems.has(code) && problems.to_string().contains(told), "{to}: {problems}");
    }
}

#[test]
fn factors_beyond_eight_bits_are_refused_with_the_nearest() {
    let chip = loihi2(Dialect::Lava, 8192);
    let problems = refused(&Network::Int(factorised(|at| if at == 7 { 130 } else { 1 })), &chip);
    assert!(problems.has("cuba/factor") && problems.to_string().contains("127"), "{problems}");
    let mut graph = learning(&mut Rng::new(1), true);
    graph.learning[0].post = 9;
    assert!(refused(&Network::Int(graph), &chip).has("graph/learning"));
}

/// The example of `programs/learning`: two pictures taught once, six others told apart.
#[test]
fn prototypes_are_learned_from_one_showing_each() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/learning");
    let import =
        read(&folder.join("prototypes.json"), &ReadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    let Network::Int(graph) = &import.network else { panic!("integers") };
    let chip = loihi2(Dialect::Lava, 8192);
    let compiled = built(&import.network, &chip);
    let show = |pixels: &[u32], teacher: u16| {
        let mut spikes = Vec::new();
        for tick in 0..8 {
            spikes.extend(pixels.iter().map(|&input| InputSpike { tick, input, value: 1 }));
            spikes.extend((teacher > 0).then_some(InputSpike { tick, input: 8, value: teacher }));
        }
        Sample { name: String::new(), spikes, ticks: 8, label: None }
    };
    let lessons = vec![show(&[0, 1, 2, 3], 1), show(&[4, 5, 6, 7], 2)];
    // The first lesson, weight by weight, against the model.
    let result = play(&compiled.image, &chip, lessons[..1].to_vec(), true, 1);
    let ticks = lessons[0].ticks + compiled.image.depth;
    let model = oracle::cuba::learn(graph, &lessons[0], ticks, Dialect::Lava, &[]);
    let found = weights(&compiled.image, &result, &graph.learning[0]);
    assert_eq!(found, expected(graph, model[0].as_ref().expect("it learns"), &graph.learning[0]));
    assert!(
        found.iter().all(|((source, target), weight)| (*weight > 60) == (*source < 4 && *target == 0)),
        "{found:?}"
    );
    // The trace of the one that learns has left on its third output.
    let echo = result.samples[0].spikes.iter().filter(|spike| spike.population == 3);
    assert!(echo.clone().count() > 3 && echo.clone().all(|spike| spike.neuron == 0));
    let result = play(&compiled.image, &chip, lessons, false, 1);
    let mut taught = emu::with_learned(&compiled.image, &result.learned);
    taught.freeze();
    for (class, pixels) in [
        (0, &[0, 1, 2, 3][..]),
        (1, &[4, 5, 6, 7]),
        (0, &[0, 1, 2]),
        (1, &[5, 6, 7]),
        (0, &[0, 1, 3, 4]),
        (1, &[2, 4, 6, 7]),
    ] {
        let result = play(&taught, &chip, vec![show(pixels, 0)], false, 1);
        let counts = &result.samples[0].output_counts[0];
        assert!(counts[class] > counts[1 - class], "{pixels:?}: {counts:?}");
    }
}
