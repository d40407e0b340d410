//! Networks with neuron programs from outside: JSON to spikes, emulator against oracle, and what is refused.

use std::path::{Path, PathBuf};

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, compile};
use spikeloom::diag::Problems;
use spikeloom::emu::{Quiet, Record, RunOptions, run};
use spikeloom::graph::{
    Delays, FloatNeuron, Graph, IntGraph, IntNeuron, Network, NeuronKind, Output, Pattern, Population, Profile,
    ProgramNeuron, Projection, ReadOptions, read, read_json, write_json,
};
use spikeloom::ids::PopulationId;
use spikeloom::isa::{BUILTIN, assemble, builtin_text, disassemble};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

fn load(name: &str) -> ChipSpec {
    chip::load(name, &LoadOptions::default()).expect("the built-in chip loads")
}

fn built(network: &Network, chip: &ChipSpec) -> Compiled {
    compile(network, chip, &Options::default(), &mut Log::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(network: &Network, chip: &ChipSpec) -> Problems {
    compile(network, chip, &Options::default(), &mut Log::default()).expect_err("this network must be refused")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the test folder can be made");
    folder
}

#[test]
fn every_built_in_program_is_said_and_canonical() {
    for (name, text) in BUILTIN {
        let program = assemble(text, name).unwrap_or_else(|problems| panic!("{problems}"));
        let again = assemble(&disassemble(&program), name).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(again, program, "{name}");
        let head: String = text.lines().take_while(|line| line.starts_with(';')).collect();
        assert!(head.contains("Source:"), "{name} does not say its source");
        for name in program.states.iter().map(|state| &state.name) {
            assert!(head.contains(name.as_str()), "the header does not tell of state '{name}'");
        }
        assert!(head.contains("State"), "{name} does not tell of its state");
        for name in program.parameters.iter().map(|parameter| &parameter.name) {
            assert!(head.contains(name.as_str()), "the header does not tell of parameter '{name}'");
        }
        assert!(program.chip.is_none() && !program.outputs.is_empty(), "{name}");
    }
}

/// A random network of programs: two inputs, three populations, payloads, delays, several dendritic inputs.
fn random(rng: &mut Rng) -> IntGraph {
    let programs =
        ["lif", "alif", "izhikevich", "sigma_delta_exact", "graded", "prod", "ternary", "truenorth", "norm_vec"];
    let mut populations = vec![
        Population { name: "in".to_owned(), shape: vec![5], neuron: None },
        Population { name: "more".to_owned(), shape: vec![3], neuron: None },
    ];
    for number in 0..3 {
        let name = programs[rng.below(programs.len() as u64) as usize];
        let program = assemble(builtin_text(name).expect("built in"), name).expect("it assembles");
        let mut inputs = Vec::new();
        for source in 0..5 {
            inputs.push((format!("{source} to {}", number + 2), rng.below(program.inputs.len() as u64) as u8));
        }
        let mut neuron = ProgramNeuron {
            name: name.to_owned(),
            program,
            parameters: Vec::new(),
            initial: Vec::new(),
            inputs,
            outputs: Vec::new(),
        };
        if name == "truenorth" {
            // Random draws must not depend on where a neuron is placed.
            neuron.parameters.push(("stochastic_leak".to_owned(), spikeloom::isa::Binding::Shared(1)));
            neuron.parameters.push(("leak".to_owned(), spikeloom::isa::Binding::Shared(100)));
        }
        populations.push(Population {
            name: format!("p{number}"),
            shape: vec![1 + rng.below(9) as u32],
            neuron: Some(IntNeuron::Program(Box::new(neuron))),
        });
    }
    let mut projections = Vec::new();
    for (source, target) in (0..5).flat_map(|source| (2..5).map(move |target| (source, target))) {
        if rng.below(3) == 0 {
            continue;
        }
        let (sources, targets) = (populations[source].shape[0], populations[target].shape[0]);
        let count = (sources * targets) as usize;
        projections.push(Projection {
            name: format!("{source} to {target}"),
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern: Pattern::Dense { sources, targets },
            weights: (0..count).map(|_| 2 * (rng.below(60) as i32 - 20)).collect(),
            exponent: rng.below(7) as i8 - 2,
            delays: Delays::PerWeight((0..count).map(|_| rng.below(4) as u16).collect()),
        });
    }
    let outputs = (2..5).map(|p| Output { name: format!("p{}", p - 2), population: PopulationId::from(p) });
    let outputs = outputs.collect();
    IntGraph { name: "random".to_owned(), populations, projections, outputs, learning: Vec::new() }
}

fn stimulus(rng: &mut Rng, inputs: u32, ticks: u32) -> Sample {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for input in 0..inputs {
            if rng.below(3) == 0 {
                spikes.push(InputSpike { tick, input, value: 1 + rng.below(300) as u16 });
            }
        }
    }
    Sample { name: "random".to_owned(), spikes, ticks, label: None }
}

#[test]
fn random_networks_of_programs_are_the_oracles_with_and_without_time() {
    let chip = load("loihi2");
    let spikes_seen: usize = (0..60)
        .map(|seed| {
            let mut rng = Rng::new(seed);
            let graph = random(&mut rng);
            let compiled = built(&Network::Int(graph.clone()), &chip);
            let sample = stimulus(&mut rng, 8, 25);
            let expected = oracle::cuba::run(&graph, &sample, compiled.image.depth, chip::Dialect::Lava);
            for (timing, threads) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
                let stimulus = Stimulus { samples: vec![sample.clone()], inputs: 8 };
                let options = RunOptions { timing, threads, strict: false, record: Record::All };
                let result = run(&compiled.image, &chip, &stimulus, &options, &Quiet).expect("it runs");
                let mut found = vec![Vec::new(); graph.populations.len()];
                for spike in &result.samples[0].spikes {
                    found[spike.population as usize].push((spike.tick, spike.neuron));
                }
                assert_eq!(found, expected.spikes, "seed {seed} timing {timing} threads {threads}");
                assert_eq!(result.samples[0].output_membranes, expected.membranes[2..], "seed {seed} timing {timing}");
                let bounds = result.samples[0].tick_bounds.iter().zip(&result.samples[0].tick_times);
                assert_eq!(bounds.len(), if timing { 25 + compiled.image.depth as usize } else { 0 });
                assert!(bounds.into_iter().all(|(law, time)| *law <= time.duration), "the law bounds from below");
            }
            expected.spikes.iter().map(Vec::len).sum::<usize>()
        })
        .sum();
    assert!(spikes_seen > 1_000, "only {spikes_seen} spikes");
}

const NET: &str = r#"{"version": 1, "name": "own", "populations": [
    {"name": "in", "shape": [2]},
    {"name": "own", "shape": [3], "neuron": {"model": "program", "program": "own.nmc",
        "parameters": {"limit": [30, 40, 50]}, "initial": {"v": 7}}}],
  "projections": [{"source": "in", "target": "own", "pattern": {"type": "dense"}, "weights": [10, 20, 10, 20, 10, 20]}],
  "outputs": [{"population": "own"}]}"#;
const OWN: &str = "state v: s16\nparam limit: u8\ninput a\noutput o\nin r0, a\nrmw r0, v, r0\nldp r1, limit\n\
                   ge r0, r1\njn end\nspike o\nli r0, 0\nst v, r0\nend:\n";

#[test]
fn a_network_names_a_program_beside_it() {
    let folder = folder("own_program");
    std::fs::write(folder.join("own.nmc"), OWN).expect("written");
    std::fs::write(folder.join("net.json"), NET).expect("written");
    let network = read(&folder.join("net.json"), &ReadOptions::default()).unwrap_or_else(|p| panic!("{p}")).network;
    let chip = load("loihi2");
    let compiled = built(&network, &chip);
    let sample = |spikes: Vec<InputSpike>| Sample { name: String::new(), spikes, ticks: 4, label: None };
    let sample = sample((0..3).map(|tick| InputSpike { tick, input: 0, value: 1 }).collect());
    let stimulus = Stimulus { samples: vec![sample], inputs: 2 };
    let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
    let result = run(&compiled.image, &chip, &stimulus, &options, &Quiet).expect("it runs");
    let spikes: Vec<_> = result.samples[0].spikes.iter().map(|spike| (spike.tick, spike.neuron)).collect();
    // 7 at first, 10 more in each of the ticks 1 to 3: 37 reaches 30 alone.
    assert_eq!(spikes, [(3, 0)]);
    assert_eq!(result.samples[0].output_membranes[0], [0, 37, 37]);
    let again = read_json(&write_json(&network), &folder.join("net.json").display().to_string());
    assert_eq!(again.unwrap_or_else(|problems| panic!("{problems}")), network);
}

#[test]
fn what_does_not_fit_is_refused_with_place_and_limit() {
    let folder = folder("own_refused");
    let file = folder.join("net.json").display().to_string();
    let chip = load("loihi2");
    let with = |own: &str, net: &str, chip: &ChipSpec| {
        std::fs::write(folder.join("own.nmc"), own).expect("written");
        match read_json(net, &file) {
            Err(problems) => problems,
            Ok(network) => refused(&network, chip),
        }
        .to_string()
    };
    let wide = format!("{}{OWN}", (0..1000).map(|n| format!("state s{n}_: s32\n")).collect::<String>());
    let many = NET.replace("[3]", "[100000]").replace("[30, 40, 50]", "30");
    let many = many.replace("[10, 20, 10, 20, 10, 20]", "2");
    let cases = [
        (OWN.replace("rmw", "rwm"), NET.to_owned(), "own.nmc:6:1"),
        (OWN.to_owned(), NET.replace("own.nmc", "liff"), "did you mean 'lif'"),
        (OWN.to_owned(), NET.replace("limit", "limt"), "did you mean 'limit'"),
        (OWN.to_owned(), NET.replace("50]", "256]"), "nearest legal one is 255"),
        (OWN.to_owned(), NET.replace("40, 50]", "40]"), "one for each of 3 neurons"),
        (OWN.to_owned(), NET.replace("\"v\": 7", "\"v\": 40000"), "nearest legal value is 32767"),
        (OWN.to_owned(), NET.replace("\"v\": 7", "\"w\": 7"), "no state 'w'"),
        (format!("chip loihi3\n{OWN}"), NET.to_owned(), "own.nmc:1:6: program 'own.nmc' is written for chip 'loihi3'"),
        (wide.clone(), many.clone(), "population 'own', own.nmc:1:1: "),
        (
            wide,
            many,
            "128 cores of 196608 bytes on chip 'loihi2'; 49 neurons of program 'own.nmc' with 4002 bytes of state each fit a \
             core\n  help: 6272 neurons of this network fit",
        ),
    ];
    for (own, net, message) in cases {
        let told = with(&own, &net, &chip);
        assert!(told.contains(message), "{told}\nlacks {message}");
    }
    let told = with(OWN, NET, &load("loihi"));
    assert!(told.contains("the chip's cannot") && told.contains("loihi2"), "{told}");
}

fn float(kind: NeuronKind, threshold: f64, bias: Vec<f64>) -> FloatNeuron {
    FloatNeuron {
        kind,
        tau_mem: Vec::new(),
        tau_syn: Vec::new(),
        r: vec![1.0],
        v_leak: vec![0.0],
        v_threshold: vec![threshold],
        v_reset: vec![0.0],
        w_in: vec![1.0],
        bias,
        recurrent_bias: Vec::new(),
        v_initial: Vec::new(),
    }
}

/// Three dense layers of ReLU units.
fn perceptron(rng: &mut Rng) -> Graph {
    let sizes = [12_u32, 16, 10, 4];
    let mut populations = vec![Population { name: "in".to_owned(), shape: vec![sizes[0]], neuron: None }];
    let mut projections = Vec::new();
    for layer in 1..4 {
        let (sources, targets) = (sizes[layer - 1], sizes[layer]);
        let bias = (0..targets).map(|_| 0.3 * rng.normal()).collect();
        let kind = if layer == 3 { NeuronKind::I } else { NeuronKind::If };
        populations.push(Population {
            name: format!("l{layer}"),
            shape: vec![targets],
            neuron: Some(float(kind, 1.0, bias)),
        });
        projections.push(Projection {
            name: format!("w{layer}"),
            source: PopulationId::from(layer - 1),
            target: PopulationId::from(layer),
            pattern: Pattern::Dense { sources, targets },
            weights: (0..sources * targets).map(|_| rng.normal() / f64::from(sources).sqrt()).collect(),
            exponent: 0,
            delays: Delays::Uniform(0),
        });
    }
    let outputs = vec![Output { name: "out".to_owned(), population: PopulationId(3) }];
    let profile = Profile { dt: 0.001, ..Profile::named("nir").expect("a preset") };
    Graph { name: "relu".to_owned(), populations, projections, outputs, profile }
}

/// The plain network's activations, and how far rounding may move each: biases and a spike's payload are within 1/2048
/// of what they stand for.
fn activations(graph: &Graph, input: &[f64]) -> Vec<(f64, f64)> {
    let mut values: Vec<(f64, f64)> = input.iter().map(|&value| (value, 0.0)).collect();
    for (layer, projection) in graph.projections.iter().enumerate() {
        let neuron = graph.populations[layer + 1].neuron.as_ref().expect("a layer");
        let row = |target: usize| {
            let weights = &projection.weights[target * values.len()..(target + 1) * values.len()];
            let mut sum = (neuron.bias[target], 1.0 / 2048.0);
            for (weight, (value, apart)) in weights.iter().zip(&values) {
                sum.0 += weight * value;
                sum.1 += weight.abs() * apart;
            }
            sum
        };
        let sums: Vec<(f64, f64)> = (0..neuron.bias.len()).map(row).collect();
        let relu = neuron.kind == NeuronKind::If;
        values = sums.into_iter().map(|(sum, apart)| (if relu { sum.max(0.0) } else { sum }, apart)).collect();
    }
    values
}

/// The network with the weights that the chip got: each within 1/254 of the largest, as 8 bits with a sign allow.
fn rounded(graph: &Graph, integers: &IntGraph, log: &Log) -> Graph {
    let mut rounded = graph.clone();
    let mut from = 255.0;
    for (layer, projection) in rounded.projections.iter_mut().enumerate() {
        let [sums, sends] = scales_of(log, &format!("l{}", layer + 1));
        let step = projection.weights.iter().fold(0.0_f64, |peak, weight| peak.max(weight.abs())) / 254.0;
        for (weight, &whole) in projection.weights.iter_mut().zip(&integers.projections[layer].weights) {
            let got = f64::from(whole) * from / sums;
            assert!((got - *weight).abs() <= step * 1.001, "{weight} became {got}, steps are {step}");
            *weight = got;
        }
        from = sends;
    }
    rounded
}

#[test]
fn a_relu_network_as_sigma_delta_neurons_gives_the_plain_activations() {
    let chip = load("loihi2");
    let (mut apart, mut count) = (0.0_f64, 0.0);
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let graph = perceptron(&mut rng);
        let options = Options { sigma_delta: Some(255), ..Options::default() };
        let mut log = Log::default();
        let compiled =
            compile(&Network::Float(graph.clone()), &chip, &options, &mut log).unwrap_or_else(|p| panic!("{p}"));
        let pixels: Vec<u16> = (0..12).map(|_| rng.below(256) as u16).collect();
        let spikes = pixels.iter().enumerate().filter(|(_, value)| **value > 0);
        let spikes = spikes.map(|(input, &value)| InputSpike { tick: 0, input: input as u32, value }).collect();
        let sample = Sample { name: String::new(), spikes, ticks: 12, label: None };
        let stimulus = Stimulus { samples: vec![sample], inputs: 12 };
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
        let result = run(&compiled.image, &chip, &stimulus, &options, &Quiet).expect("it runs");
        // Once the input has gone through, nothing is sent any more.
        assert!(result.samples[0].spikes.iter().all(|spike| spike.tick <= 4), "seed {seed}");
        let input: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
        let expected = activations(&rounded(&graph, &compiled.network, &log), &input);
        let [scale, _] = scales_of(&log, "l3");
        for (found, (expected, most)) in result.samples[0].output_membranes[0].iter().zip(&expected) {
            let error = (f64::from(*found) / scale - expected).abs();
            assert!(error <= *most, "seed {seed}: {error} away, where rounding moves {most} at most");
            apart += error;
            count += 1.0;
        }
    }
    assert!(apart / count < 0.005, "activations are {} away on average", apart / count);
}

/// What the log says that 1.0 is in a population's sums and in its spikes.
fn scales_of(log: &Log, population: &str) -> [f64; 2] {
    let start = format!("'{population}': ");
    let line = log.lines.iter().find_map(|line| line.text.strip_prefix(&start)).expect("the scales are told");
    let mut numbers = line.split(' ').filter_map(|word| word.parse().ok());
    [0, 1].map(|_| numbers.next().expect("a number"))
}

#[test]
fn nir_networks_run_the_same_on_loihi_2_as_on_loihi() {
    let (one, two) = (load("loihi"), load("loihi2"));
    let mut compared = 0;
    for entry in std::fs::read_dir("tests/data/nir/exported").expect("the NIR files").flatten() {
        let Ok(import) = read(&entry.path(), &ReadOptions { dt: Some(0.001), ..ReadOptions::default() }) else {
            continue;
        };
        let options = Options { allow_reset_change: true, ..Options::default() };
        let Ok(first) = compile(&import.network, &one, &options, &mut Log::default()) else { continue };
        let second = compile(&import.network, &two, &options, &mut Log::default())
            .unwrap_or_else(|problems| panic!("{}: {problems}", entry.path().display()));
        let inputs =
            first.network.populations.iter().filter(|p| p.is_input()).map(Population::size).sum::<usize>() as u32;
        let sample = Sample { ..stimulus(&mut Rng::new(1), inputs, 40) };
        let sample = Sample { spikes: sample.spikes.iter().map(|s| InputSpike { value: 1, ..*s }).collect(), ..sample };
        let stimulus = Stimulus { samples: vec![sample], inputs };
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
        let [first, second] = [(&first, &one), (&second, &two)].map(|(compiled, chip)| {
            run(&compiled.image, chip, &stimulus, &options, &Quiet).expect("it runs").samples.remove(0)
        });
        assert_eq!(first.spikes, second.spikes, "{}", entry.path().display());
        assert_eq!(first.output_membranes, second.output_membranes, "{}", entry.path().display());
        compared += 1;
    }
    assert!(compared > 0, "no NIR file was compared");
}

/// Layers wider than a core's axons get their sums in parts, a tick later, and nothing else changes.
#[test]
fn wide_layers_of_programs_are_split_without_a_difference() {
    let chip = chip::load(
        "loihi2",
        &chip::LoadOptions { set: vec![("core.axons_in".to_owned(), "64".to_owned())], ..Default::default() },
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    let (mut parts, mut spikes_seen) = (0, 0);
    for seed in 0..24 {
        let mut rng = Rng::new(seed);
        let mut graph = random(&mut rng);
        // One population that everything else feeds, through all of its dendritic inputs.
        let sources = 100;
        graph.populations[0].shape = vec![sources];
        graph.projections.retain(|projection| projection.source.index() != 0 && projection.target.index() != 2);
        let targets = graph.populations[2].shape[0];
        let Some(IntNeuron::Program(neuron)) = &mut graph.populations[2].neuron else { panic!("a program") };
        let inputs = neuron.program.inputs.len() as u64;
        for number in 0..2 {
            let name = format!("wide {number}");
            neuron.inputs.push((name.clone(), rng.below(inputs) as u8));
            let count = (sources * targets) as usize;
            graph.projections.push(Projection {
                name,
                source: PopulationId::from(0),
                target: PopulationId::from(2),
                pattern: Pattern::Dense { sources, targets },
                weights: (0..count).map(|_| 2 * (rng.below(60) as i32 - 20)).collect(),
                exponent: rng.below(7) as i8 - 2,
                delays: if number == 0 {
                    Delays::Uniform(1)
                } else {
                    Delays::PerWeight((0..count).map(|_| rng.below(4) as u16).collect())
                },
            });
        }
        // Weights with fractions are cut off sum by sum: no parts of them.
        let to_wide = graph.projections.iter_mut().filter(|projection| projection.target.index() == 2);
        to_wide.for_each(|projection| projection.exponent = projection.exponent.max(-1));
        if seed == 0 {
            let mut fraction = graph.clone();
            let (wide, last) = (&mut fraction.projections, graph.projections.len() - 1);
            (wide[last].exponent, wide[last].weights[0]) = (-2, 2);
            let problems = refused(&Network::Int(fraction), &chip);
            assert!(problems.has("cuba/capacity") && problems.to_string().contains("no fractions"), "{problems}");
        }
        let compiled = built(&Network::Int(graph.clone()), &chip);
        parts += compiled.network.populations.len() - graph.populations.len();
        // The network as it was, everything that comes to the wide population a tick later.
        for projection in graph.projections.iter_mut().filter(|projection| projection.target.index() == 2) {
            projection.delays = match &projection.delays {
                Delays::Uniform(ticks) => Delays::Uniform(ticks + 1),
                Delays::PerWeight(ticks) => Delays::PerWeight(ticks.iter().map(|ticks| ticks + 1).collect()),
            };
        }
        let sample = stimulus(&mut rng, sources + 3, 25);
        let expected = oracle::cuba::run(&graph, &sample, compiled.image.depth, chip::Dialect::Lava);
        let stimulus = Stimulus { samples: vec![sample], inputs: sources + 3 };
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
        let result = run(&compiled.image, &chip, &stimulus, &options, &Quiet).expect("it runs");
        let mut found = vec![Vec::new(); compiled.network.populations.len()];
        for spike in &result.samples[0].spikes {
            found[spike.population as usize].push((spike.tick, spike.neuron));
        }
        for (population, expected) in expected.spikes.iter().enumerate() {
            assert_eq!(&found[population], expected, "seed {seed}, population {population}");
            spikes_seen += expected.len();
        }
        for (output, found) in result.samples[0].output_membranes.iter().enumerate() {
            assert_eq!(found, &expected.membranes[output + 2], "seed {seed}, output {output}");
        }
    }
    println!("{parts} relays, {spikes_seen} spikes equal");
    assert!(parts >= 24 * 4 && spikes_seen > 1000, "{parts} {spikes_seen}");
}
