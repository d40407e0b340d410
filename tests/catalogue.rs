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

/// A folder of its own for a test of the command line.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the program writes to stdout and stderr.
fn spikeloom(folder: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spikeloom"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

/// The ticks of each named neuron, from a run's `spikes.csv`.
fn rasters(folder: &Path, run: &str, names: &[&str]) -> Vec<Vec<u32>> {
    let text = std::fs::read_to_string(folder.join(run).join("spikes.csv")).expect("spikes");
    let mut ticks = vec![Vec::new(); names.len()];
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let neuron = names.iter().position(|name| *name == fields[2]).expect("a neuron of the program");
        ticks[neuron].push(fields[1].parse().expect("a number"));
    }
    ticks
}

/// As programs/README.md shows it: the stated spikes come with the ticks that `import` tells.
#[test]
fn the_commands_of_the_readme_give_the_stated_spikes() {
    let folder = folder("catalogue_readme");
    for path in programs() {
        let (_, program) = read(&path);
        let path = path.to_string_lossy();
        let import = ["import", &path, "-o", "x.img", "--stimulus", "x.csv", "--force"];
        let (text, _) = spikeloom(&folder, &import, 0);
        let ticks = text.trim_end().rsplit_once("run it with --ticks ").expect("the ticks are told").1;
        let (object, _) = spikeloom(&folder, &[&import[..], &["--json"]].concat(), 0);
        let object: serde_json::Value = serde_json::from_str(&object).expect("one JSON object");
        assert_eq!(object["stimulus_ticks"].to_string(), ticks, "{path}");
        spikeloom(&folder, &["run", "x.img", "-i", "x.csv", "-o", "out", "--force", "--ticks", ticks], 0);
        let names: Vec<&str> = program.image.outputs.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(rasters(&folder, "out", &names), program.expected, "{path}");
        if path.ends_with("tonic_bursting.json") {
            let readme = include_str!("../programs/README.md");
            assert_eq!(readme.matches(&format!("--ticks {ticks}")).count(), 2, "the README's example");
        }
    }
}

/// From the command line: import, run, export, import again and run on the exported spikes.
#[test]
fn the_command_line_takes_a_program_to_ibm_files_and_back() {
    let folder = folder("catalogue");
    let spikeloom = |args: &[&str], code: i32| spikeloom(&folder, args, code).1;
    let path = programs().into_iter().find(|path| path.ends_with("resonator.json")).expect("in the catalogue");
    let (_, program) = read(&path);
    spikeloom(&["import", &path.to_string_lossy(), "-o", "x.img", "--stimulus", "x.csv"], 0);
    spikeloom(&["run", "x.img", "-i", "x.csv", "-o", "one", "--record", "all", "--ticks", "160"], 0);
    spikeloom(&["export", "x.img", "-o", "m.json", "-i", "x.csv", "--spikes", "x.sfti"], 0);
    spikeloom(&["import", "m.json", "-o", "y.img"], 0);
    spikeloom(&["run", "y.img", "-i", "x.sfti", "-o", "two", "--record", "all", "--ticks", "160"], 0);
    let ticks = |run: &str| -> Vec<u32> {
        let text = std::fs::read_to_string(folder.join(run).join("spikes.csv")).expect("spikes");
        let mut ticks: Vec<u32> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(1).expect("a tick").parse().expect("a number"))
            .collect();
        ticks.sort_unstable();
        ticks
    };
    let mut expected = program.expected.concat();
    expected.sort_unstable();
    assert_eq!((ticks("one"), ticks("two")), (expected.clone(), expected));
    // Exported again it is the same file.
    spikeloom(&["export", "y.img", "-o", "n.json"], 0);
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
    assert_eq!(file("m.json"), file("n.json"));
    // Broken files are told by line.
    let (model, spikes) = (file("m.json"), file("x.sfti"));
    std::fs::write(folder.join("cut.json"), &model[..model.len() / 2]).expect("written");
    std::fs::write(folder.join("key.json"), model.replacen("\"rngSeed\"", "\"rngSed\"", 1)).expect("written");
    std::fs::write(folder.join("core.sfti"), spikes.replacen("\"destCore\":0", "\"destCore\":9", 1)).expect("written");
    assert!(spikeloom(&["import", "cut.json", "--format", "nscs", "-o", "z.img"], 1).contains("cut.json:"));
    assert!(spikeloom(&["import", "key.json", "-o", "z.img"], 1).contains("did you mean 'rngSeed'?"));
    let said = spikeloom(&["run", "y.img", "-i", "core.sfti"], 1);
    assert!(said.contains("core.sfti:3") && said.contains("core 9"), "{said}");
}

/// The published power points: on a few cores, since the chip's memory and leakage are counted whatever is loaded.
#[test]
fn sweep_prints_points_and_a_heat_map() {
    let folder = folder("sweep");
    let args = ["sweep", "--json", "--rates", "0,50", "--synapses", "0,128,256", "--cores", "16", "--ticks", "200"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spikeloom"))
        .args(args)
        .args(["--csv", "s.csv", "--html", "s.html"])
        .current_dir(&folder)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let points = object["points"].as_array().expect("points");
    assert_eq!(points.len(), 6);
    // 16 cores of 256 neurons at 50 Hz and 256 synapses: 52.4 million events a second.
    let gsops = points[5]["gsops"].as_f64().expect("a number");
    assert!((gsops / (4096.0 * 50.0 * 256.0 * 1e-9) - 1.0).abs() < 0.05, "{gsops}");
    let watts: Vec<f64> = points.iter().map(|point| point["watts"].as_f64().expect("watts")).collect();
    assert!(watts[3] < watts[4] && watts[4] < watts[5] && watts[0] < watts[3], "{watts:?}");
    assert_eq!(std::fs::read_to_string(folder.join("s.csv")).expect("written").lines().count(), 7);
    assert!(std::fs::read_to_string(folder.join("s.html")).expect("written").contains("<svg"));
}
