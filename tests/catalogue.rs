//! The neuron catalogue of `programs/nets/neurons`: every program gives the spikes that it states, in the emulator and
//! in the straight-line model, through model files of NSCS too; and wrong files are told by line.

use std::path::{Path, PathBuf};

use spikeloom::chip::{self, ChipSpec, CrossbarOptions, LoadOptions};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::foreign::{self, CrossbarProgram, Model};
use spikeloom::graph::{NegativeReset, SpikeReset};
use spikeloom::image::{CoreBody, CrossbarParameters};
use spikeloom::oracle::crossbar::{Generator, Neuron};
use spikeloom::stimulus::Stimulus;

fn truenorth() -> ChipSpec {
    chip::load("truenorth", &LoadOptions::default()).expect("a built-in chip")
}

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/nets/neurons");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the catalogue").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files
}

fn read(path: &Path) -> (String, CrossbarProgram) {
    let text = std::fs::read_to_string(path).expect("readable");
    let program = foreign::read_crossbar(&text, &path.display().to_string(), &truenorth());
    (text, program.unwrap_or_else(|problems| panic!("{problems}")))
}

/// The ticks of every neuron, in the emulator.
fn emulated(program: &CrossbarProgram, timing: bool) -> Vec<Vec<u32>> {
    let stimulus = Stimulus { samples: vec![program.stimulus.clone()], inputs: inputs(program) };
    let options = RunOptions { timing, record: Record::All, ..RunOptions::default() };
    let result = emu::run(&program.image, &truenorth(), &stimulus, &options, &Quiet);
    let result = result.unwrap_or_else(|problems| panic!("{problems}"));
    let mut ticks = vec![Vec::new(); program.expected.len()];
    result.samples[0].spikes.iter().for_each(|spike| ticks[spike.population as usize - 1].push(spike.tick));
    ticks
}

fn inputs(program: &CrossbarProgram) -> u32 {
    program.image.inputs[0].offsets.len() as u32 - 1
}

/// The same by the straight-line model of one neuron.
fn by_oracle(program: &CrossbarProgram) -> Vec<Vec<u32>> {
    let CoreBody::Crossbar(body) = &program.image.cores[0].body else { panic!("crossbar") };
    let neuron = |p: &CrossbarParameters| Neuron {
        weights: p.weights.map(i64::from),
        stochastic_weights: p.stochastic_weights,
        leak: p.leak.into(),
        stochastic_leak: p.stochastic_leak,
        leak_reversal: p.leak_reversal,
        threshold: p.threshold.into(),
        negative_threshold: p.negative_threshold.into(),
        threshold_mask_bits: p.threshold_mask_bits.into(),
        reset_value: p.reset_value.into(),
        spike_reset: [SpikeReset::Value, SpikeReset::Linear, SpikeReset::None][usize::from(p.spike_reset)],
        negative_reset: if p.negative_saturate { NegativeReset::Saturate } else { NegativeReset::Mirror },
        options: CrossbarOptions::default(),
    };
    let neurons: Vec<Neuron> = body.parameters.iter().map(neuron).collect();
    let mut potentials: Vec<i64> = body.parameters.iter().map(|p| p.initial.into()).collect();
    let mut generator = Generator::new(body.seed);
    let end = program.stimulus.ticks as usize;
    let mut axons = vec![vec![false; body.axon_types.len()]; end + 16];
    for spike in &program.stimulus.spikes {
        axons[spike.tick as usize + 1][usize::from(program.image.inputs[0].targets[spike.input as usize].axon)] = true;
    }
    let mut fired = vec![Vec::new(); neurons.len()];
    for tick in 0..end {
        for (number, neuron) in neurons.iter().enumerate() {
            let connected = |axon: &usize| axons[tick][*axon] && body.rows[*axon] >> number & 1 == 1;
            let types = (0..body.axon_types.len()).filter(connected).map(|axon| usize::from(body.axon_types[axon]));
            let (v, spike) = neuron.tick(potentials[number], &types.collect::<Vec<_>>(), &mut generator);
            potentials[number] = v;
            if spike {
                fired[number].push(tick as u32);
                if let Some(to) = body.destinations[number] {
                    axons[tick + usize::from(to.delay)][usize::from(to.axon)] = true;
                }
            }
        }
    }
    fired
}

#[test]
fn every_program_gives_its_raster() {
    let files = programs();
    assert!(files.len() >= 21, "{} programs", files.len());
    for path in &files {
        let (_, program) = read(path);
        assert_eq!(emulated(&program, false), program.expected, "{}", path.display());
        assert_eq!(emulated(&program, true), program.expected, "{} with time", path.display());
        assert_eq!(by_oracle(&program), program.expected, "{} by the oracle", path.display());
        assert!(program.expected.iter().any(|ticks| !ticks.is_empty()), "{} never fires", path.display());
    }
    println!("{} programs", files.len());
}

#[test]
fn programs_survive_the_way_through_nscs_files() {
    for path in programs() {
        let (_, program) = read(&path);
        let model = foreign::write_nscs(&Model::of_image(&program.image).expect("a model"));
        let again =
            foreign::read_nscs(&model, "model.json", &truenorth()).unwrap_or_else(|problems| panic!("{problems}"));
        let sfti = foreign::write_sfti(
            &Stimulus { samples: vec![program.stimulus.clone()], inputs: inputs(&program) },
            &program.image,
        );
        let mut stimulus = foreign::read_sfti(&sfti.expect("spikes"), "x.sfti", &again.image).expect("spikes");
        stimulus.samples[0].ticks = program.stimulus.ticks;
        let options = RunOptions { timing: false, record: Record::All, ..RunOptions::default() };
        let result = emu::run(&again.image, &truenorth(), &stimulus, &options, &Quiet).expect("runs");
        let mut ticks = vec![Vec::new(); program.expected.len()];
        for spike in result.samples[0].spikes.iter().filter(|spike| spike.tick < program.stimulus.ticks) {
            let place = again.image.populations[spike.population as usize].places[spike.neuron as usize];
            ticks[usize::from(place.neuron)].push(spike.tick);
        }
        assert_eq!(ticks, program.expected, "{}", path.display());
    }
}

#[test]
fn wrong_programs_are_told_by_line() {
    let (text, _) = read(&programs()[0]);
    for (from, to, code, named) in [
        ("\"format\": \"spikeloom crossbar 1\"", "\"format\": \"2\"", "foreign/value", "x.json:2"),
        ("\"threshold\": 14", "\"threshold\": 262144", "foreign/value", "0..=262143"),
        ("\"threshold\": 14", "\"treshold\": 14", "foreign/key", "did you mean 'threshold'?"),
        ("\"threshold\": 14", "\"threshold\": 14, \"reset_value\": 12", "foreign/value", "such as 7 or 15"),
        ("\"threshold\": 14", "\"threshold\": 14, \"to\": {\"axon\": 0, \"delay\": 0}", "foreign/value", "1..=15"),
        ("\"threshold\": 14", "\"threshold\": 14, \"to\": {\"axon\": 0, \"delay\": 16}", "foreign/value", "1..=15"),
        ("\"threshold\": 14", "\"threshold\": 14, \"to\": {\"axon\": 9, \"delay\": 1}", "foreign/reference", "0..=0"),
        ("\"threshold\": 14", "\"threshold\": 14, \"spike_reset\": \"soft\"", "foreign/value", "value, linear, none"),
        ("\"weights\": [5, 0, 0, 0]", "\"weights\": [256, 0, 0, 0]", "foreign/value", "-255..=255"),
        ("\"neurons\": [0]}", "\"neurons\": [7]}", "foreign/reference", "0..=0"),
        ("\"inputs\": [0]", "\"inputs\": [4]", "foreign/reference", "0..=0"),
        ("\"expected\": {", "\"expected\": { \"b\": [],", "foreign/reference", "neuron 'b' is not there"),
        ("\"expected\": {", "\"expected\": {{", "foreign/syntax", "x.json:"),
    ] {
        assert!(text.contains(from), "{from} in\n{text}");
        let broken = text.replacen(from, to, 1);
        let problems = foreign::read_crossbar(&broken, "x.json", &truenorth()).expect_err(to);
        assert!(problems.has(code) && problems.to_string().contains(named), "{to}: {problems}");
        assert!(problems.all().iter().all(|problem| problem.place.starts_with("x.json:")), "{problems}");
    }
    for end in (0..text.len()).step_by(7) {
        foreign::read_crossbar(&text[..end], "x.json", &truenorth()).expect_err("a file that is cut off");
    }
    let loihi = chip::load("loihi", &LoadOptions::default()).expect("built in");
    assert!(foreign::read_crossbar(&text, "x.json", &loihi).expect_err("no crossbars").has("foreign/chip"));
}
