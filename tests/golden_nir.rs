//! NIR files beside the spikes that their framework produced: the float reference must give the same, cell by cell.
//!
//! `SPIKELOOM_GOLDEN` names a folder whose `nir/framework_golden` holds NAME.nir and NAME.npz pairs (`input` of
//! shape (T, ...), `spk1`); without it the copies in `tests/golden` are run. NAME begins with the framework and
//! says reset and timing in words.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use spikeloom::graph::{self, Graph, Network, Profile, ReadOptions};
use spikeloom::oracle::float::{self, FloatRun};
use spikeloom::stimulus::{InputSpike, Sample};

/// An array of numbers as f64, with its shape.
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn numbers<R: Read>(npy: npyz::NpyFile<R>) -> Array {
    fn all<T: npyz::Deserialize, R: Read>(data: npyz::NpyReader<T, R>, f: impl Fn(T) -> f64) -> Vec<f64> {
        data.map(|value| f(value.expect("a readable number"))).collect()
    }
    let shape = npy.shape().iter().map(|&extent| usize::try_from(extent).expect("small")).collect();
    assert_eq!(npy.order(), npyz::Order::C, "row-major arrays");
    let npy = match npy.try_data::<f32>() {
        Ok(data) => return Array { shape, values: all(data, f64::from) },
        Err(npy) => npy,
    };
    let npy = match npy.try_data::<f64>() {
        Ok(data) => return Array { shape, values: all(data, |value| value) },
        Err(npy) => npy,
    };
    let npy = match npy.try_data::<u8>() {
        Ok(data) => return Array { shape, values: all(data, f64::from) },
        Err(npy) => npy,
    };
    let npy = match npy.try_data::<bool>() {
        Ok(data) => return Array { shape, values: all(data, |value| f64::from(u8::from(value))) },
        Err(npy) => npy,
    };
    let data = npy.try_data::<i64>().unwrap_or_else(|_| panic!("an unexpected number type"));
    Array { shape, values: all(data, |value| value as f64) }
}

fn npz(path: &Path, name: &str) -> Option<Array> {
    let mut archive = npyz::npz::NpzArchive::open(path).expect("an npz file");
    archive.by_name(name).expect("a readable array").map(numbers)
}

fn npy(path: &Path) -> Array {
    numbers(npyz::NpyFile::new(File::open(path).expect("the file is there")).expect("an npy file"))
}

/// A (T, ...) tensor of whole numbers as a sample.
fn sample(input: &Array) -> Sample {
    let ticks = input.shape[0];
    let width = input.values.len() / ticks;
    let mut spikes = Vec::new();
    for (at, &value) in input.values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        assert!(value.fract() == 0.0 && value > 0.0, "an input spike count of {value}");
        let (tick, input) = ((at / width) as u32, (at % width) as u32);
        spikes.push(InputSpike { tick, input, value: value as u16 });
    }
    Sample { name: String::new(), spikes, ticks: ticks as u32, label: None }
}

/// Spikes of one population as a (T, N) tensor, shifted by the profile's lag.
fn raster(run: &FloatRun, population: usize, size: usize, ticks: usize, lag: u32) -> Vec<f64> {
    let mut cells = vec![0.0; ticks * size];
    for &(tick, neuron, count) in &run.spikes[population] {
        if let Some(cell) = cells.get_mut((tick + lag) as usize * size + neuron as usize) {
            *cell = f64::from(count);
        }
    }
    cells
}

fn read(path: &Path, options: &ReadOptions) -> Graph {
    let import = graph::read(path, options).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
    let Network::Float(graph) = import.network else { panic!("NIR is float") };
    graph
}

/// The spiking populations in graph order.
fn spiking(graph: &Graph) -> Vec<usize> {
    let spikes = |at: &usize| graph.populations[*at].neuron.as_ref().is_some_and(|neuron| neuron.kind.spikes());
    (0..graph.populations.len()).filter(spikes).collect()
}

fn mismatches(graph: &Graph, run: &FloatRun, population: usize, expected: &Array) -> usize {
    let ticks = expected.shape[0];
    let size = graph.populations[population].size();
    assert_eq!(ticks * size, expected.values.len(), "population '{}'", graph.populations[population].name);
    let cells = raster(run, population, size, ticks, graph.profile.output_lag);
    cells.iter().zip(&expected.values).filter(|(ours, theirs)| ours != theirs).count()
}

/// The profile that a golden's name tells.
fn options(name: &str) -> ReadOptions {
    let words: BTreeSet<&str> = name.split(['_', '-', '.']).collect();
    let has = |all: &[&str]| all.iter().any(|word| words.contains(word));
    let framework = Profile::presets().iter().find(|preset| words.iter().any(|word| word == *preset));
    let framework = framework.unwrap_or_else(|| panic!("{name} names none of {:?}", Profile::presets()));
    let mut set = Vec::new();
    let mut field = |name: &str, value: &str| set.push((name.to_owned(), value.to_owned()));
    let nodelay = has(&["nodelay"]);
    let delay = *framework == "snntorch" && !nodelay;
    if has(&["subtract", "sub", "soft"]) {
        let quirk = *framework == "snntorch" && !delay;
        field("reset", if quirk { "snntorch_subtract" } else { "subtract" });
    } else if has(&["zero", "hard"]) {
        field("reset", "value");
    } else if has(&["none", "noreset"]) {
        field("reset", "none");
    }
    if delay {
        field("reset_time", "next");
    }
    if has(&["multispike"]) {
        field("multi_spike", "true");
    } else if has(&["singlespike", "single"]) {
        field("multi_spike", "false");
    }
    let dt = words.iter().find_map(|word| {
        let number = word.strip_prefix("dt")?;
        let (number, unit) = number.strip_suffix("ms").map_or_else(
            || number.strip_suffix("us").map_or((number, 1.0), |number| (number, 1e-6)),
            |number| (number, 1e-3),
        );
        number.parse::<f64>().ok().map(|number| number * unit)
    });
    // "dt1" of a Norse export means dt = 1.0 passed to the exporter: the taus are right, the step stays 1 ms.
    let dt = dt.filter(|&dt| dt < 0.5);
    ReadOptions { profile: Some((*framework).to_owned()), dt, set }
}

#[test]
fn the_first_layer_of_every_golden_is_reproduced() {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from);
    let root = given.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let folder = root.join("nir/framework_golden");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "nir"));
    names.sort();
    let (mut ran, mut failed) = (0, Vec::new());
    for nir in names {
        let arrays = nir.with_extension("npz");
        let name = nir.file_stem().expect("a name").to_string_lossy().into_owned();
        if !arrays.exists() {
            continue;
        }
        let graph = read(&nir, &options(&name));
        let input = npz(&arrays, "input").expect("an input");
        let run = float::run(&graph, &sample(&input)).expect("inputs in range");
        let layers = spiking(&graph);
        for (layer, key) in [(0, "spk1"), (1, "spk2"), (2, "spk3")] {
            let (Some(expected), Some(&population)) = (npz(&arrays, key), layers.get(layer)) else { continue };
            let wrong = mismatches(&graph, &run, population, &expected);
            let spikes: f64 = expected.values.iter().sum();
            println!("{name} {key}: {wrong} of {} cells differ, {spikes} spikes", expected.values.len());
            if wrong > 0 && layer == 0 {
                failed.push(format!("{name}: {wrong} cells under {}", graph.profile));
            }
        }
        ran += 1;
    }
    println!("golden_nir: {ran} NIR pairs run from {}", folder.display());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(ran > 0, "no golden pair ran in {} (SPIKELOOM_GOLDEN is {given:?})", folder.display());
}

#[test]
fn the_hidden_spikes_of_the_braille_network_are_those_that_the_frameworks_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nir/paper");
    let input = sample(&npy(&folder.join("braille_ds_test0_input.npy")));
    for framework in ["snntorch", "norse", "spyx"] {
        let options = ReadOptions { profile: Some(framework.to_owned()), ..ReadOptions::default() };
        let graph = read(&folder.join("braille_noDelay_bias_zero.nir"), &options);
        let run = float::run(&graph, &input).expect("inputs in range");
        let hidden = graph.populations.iter().position(|p| p.name == "lif1.lif").expect("the hidden layer");
        let expected = npy(&folder.join(format!("{framework}_activity_noDelay_bias_zero.npy")));
        let wrong = mismatches(&graph, &run, hidden, &expected);
        println!("braille {framework}: {wrong} of {} cells differ", expected.values.len());
        assert_eq!(wrong, 0, "{framework} under {}", graph.profile);
    }
}
