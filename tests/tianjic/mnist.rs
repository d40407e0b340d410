//! The convolutional network of `programs/mnist` in the artificial mode: weights and values of 8 bits, no difference
//! from the integer oracle in any packet or state, and as many digits read right as by the trained network.
//!
//! By itself the test takes the hundred digits that are kept beside the network. With `SPIKELOOM_MNIST` naming a folder
//! with the four files of the data set, it calibrates on 1,000 training images and compares all 10,000 test images.

use std::path::{Path, PathBuf};

use spikeloom::chip::{ChipSpec, Family};
use spikeloom::compile::fcore::{Artificial, Values, artificial};
use spikeloom::compile::{Compiled, Log};
use spikeloom::convert::{Normalise, Ranges, Units, largest, ranges};
use spikeloom::emu::{self, Quiet, Readout, Record, RunOptions};
use spikeloom::graph::{AnnOptions, read_onnx};
use spikeloom::oracle;
use spikeloom::stimulus::{self, Encoding, ImageSet, Stimulus, encode_images};

use crate::network::{assert_equal, compiled, tianjic};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/mnist").join(path)
}

fn units(name: &str, pool_units: bool) -> Units {
    let bytes = std::fs::read(file(&format!("{name}.onnx"))).expect("ships");
    Units::new(read_onnx(&bytes, name, AnnOptions { pool_units }).expect("it is read")).expect("it is of units")
}

fn images(path: &Path, limit: Option<usize>) -> ImageSet {
    stimulus::read_images(path, [1, 28, 28], limit).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Calibration and test images.
fn sets() -> (ImageSet, ImageSet) {
    match std::env::var_os("SPIKELOOM_MNIST") {
        Some(folder) => {
            let of = |name: &str, limit| images(&Path::new(&folder).join(name), limit);
            (of("train-images-idx3-ubyte.gz", Some(1000)), of("t10k-images-idx3-ubyte.gz", None))
        }
        None => {
            let few = images(&file("few-images-idx3-ubyte.gz"), None);
            (few.clone(), few)
        }
    }
}

fn quantised(units: &Units, calibration: &ImageSet, chip: &ChipSpec) -> (Artificial, Compiled) {
    let Ranges { peaks, mean_squares } =
        ranges(units, calibration, Normalise::Percentile(99.9)).expect("images that it takes");
    let values = Values { peaks: &peaks, mean_squares: &mean_squares };
    let made = artificial(&units.graph, values, chip, &mut Log::default()).expect("units");
    let compiled = compiled(&made.network, chip).unwrap_or_else(|problems| panic!("{problems}"));
    (made, compiled)
}

/// A batch as values in one round.
fn shown(set: &ImageSet, from: usize, to: usize) -> Stimulus {
    let options = stimulus::Options { ticks: Some(1), encoding: Some(Encoding::Value), ..stimulus::Options::default() };
    encode_images(&set.images[from..to], set.max, &options, &set.labels[from..to])
}

#[test]
fn the_artificial_networks_equal_the_oracle_and_read_as_they_were_trained() {
    let chip = tianjic(&[]);
    let Family::Fcore(spec) = &chip.family else { panic!("an FCore chip") };
    let (calibration, test) = sets();
    let kinds = [("mlp", false), ("cnn", false), ("cnn", true)];
    // Pools of their own are for the few.
    for (name, pool_units) in kinds.into_iter().filter(|(_, pools)| test.images.len() <= 100 || !pools) {
        let units = units(name, pool_units);
        let (_, compiled) = quantised(&units, &calibration, &chip);
        let (output, count) = (units.output(), test.images.len());
        let (mut float, mut right, mut differences, mut packets) = (0, 0, 0, 0);
        // The oracle takes its time: two halves of a batch at once.
        let half = |from: usize, to: usize| {
            let batch = shown(&test, from, to);
            let options = RunOptions { timing: false, threads: 1, strict: true, record: Record::All };
            let result = emu::run(&compiled.image, &chip, &batch, &options, &Quiet).expect("no fault");
            let mut found = (0, 0, 0, 0);
            for (at, sample) in result.samples.iter().enumerate() {
                let traces = oracle::fcore::run(&compiled.network, &batch.samples[at], compiled.image.depth, spec);
                let (sent, state) = (packets_of(&traces), traces[output].state.last().expect("rounds"));
                let spikes = sample.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron));
                let label = test.labels[from + at];
                found.0 += u32::from(largest(&units.forward(&test.images[from + at], test.max)[output]) == label);
                found.1 += u32::from(sample.winner(0, Readout::Membrane) == Some(label));
                found.2 += usize::from(!spikes.eq(sent.iter().copied()) || sample.output_membranes[0] != *state);
                found.3 += sent.len();
            }
            found
        };
        for from in (0..count).step_by(100) {
            let (middle, to) = ((from + 50).min(count), (from + 100).min(count));
            let (first, second) = std::thread::scope(|scope| {
                let other = scope.spawn(|| half(middle, to));
                (half(from, middle), other.join().expect("no panic"))
            });
            for found in [first, second] {
                float += found.0;
                right += found.1;
                differences += found.2;
                packets += found.3;
            }
        }
        let pooling = if pool_units { ", pools of their own" } else { "" };
        println!(
            "{name}{pooling}: {} cores, {} rounds, {differences} of {count} images differ from the oracle ({packets} \
             packets); {right} read right, {float} as trained",
            compiled.image.cores.len(),
            compiled.image.depth + 1
        );
        assert_eq!(differences, 0, "{name}");
        assert!(f64::from(right) >= f64::from(float) - 0.005 * count as f64, "{name}: {right} of {float}");
    }
}

fn packets_of(traces: &[oracle::fcore::FcoreTrace]) -> Vec<(u32, u32, u32)> {
    let mut sent = Vec::new();
    for (population, trace) in (0..).zip(traces).filter(|(_, trace)| !trace.state.is_empty()) {
        for (round, row) in (0..).zip(&trace.sent) {
            sent.extend((0..).zip(row).filter(|(_, sent)| **sent != 0).map(|(neuron, _)| (round, population, neuron)));
        }
    }
    sent.sort_unstable();
    sent
}

/// The sums of the classes are those that onnxruntime computes with integer operators (`programs/mnist/integers.py`).
#[test]
fn sums_are_those_of_onnx() {
    let (chip, units) = (tianjic(&[]), units("cnn", true));
    let few = images(&file("few-images-idx3-ubyte.gz"), None);
    let (_, compiled) = quantised(&units, &few, &chip);
    let text = std::fs::read_to_string(file("cnn.integers.json")).expect("ships");
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let batch = shown(&few, 0, few.images.len());
    let options = RunOptions { timing: false, threads: 2, strict: true, record: Record::None };
    let result = emu::run(&compiled.image, &chip, &batch, &options, &Quiet).expect("no fault");
    let recorded = record["sums"].as_array().expect("a list");
    assert_eq!(recorded.len(), 100);
    for (at, (sample, sums)) in result.samples.iter().zip(recorded).enumerate() {
        let sums: Vec<i64> = sums.as_array().expect("sums").iter().map(|sum| sum.as_i64().expect("whole")).collect();
        let found: Vec<i64> = sample.output_membranes[0].iter().map(|&sum| i64::from(sum)).collect();
        assert_eq!(found, sums, "digit {at}");
    }
}

#[test]
fn with_time_and_threads_it_is_the_same() {
    let (chip, units) = (tianjic(&[]), units("cnn", false));
    let (calibration, _) = sets();
    let (_, compiled) = quantised(&units, &calibration, &chip);
    let packets = assert_equal(&compiled, &chip, &shown(&calibration, 0, 1), "the first digit");
    assert!(packets > 1000, "{packets}");
}

/// Values over their scale are what the trained network has, but for what 8 bits round and the percentile cuts off.
#[test]
fn values_are_those_of_the_trained_network() {
    let (chip, units) = (tianjic(&[]), units("cnn", true));
    let Family::Fcore(spec) = &chip.family else { panic!("an FCore chip") };
    let (calibration, _) = sets();
    let (made, compiled) = quantised(&units, &calibration, &chip);
    let batch = shown(&calibration, 0, 1);
    let traces = oracle::fcore::run(&compiled.network, &batch.samples[0], compiled.image.depth, spec);
    let float = units.forward(&calibration.images[0], calibration.max);
    for (number, population) in units.graph.populations.iter().enumerate().filter(|(_, p)| !p.is_input()) {
        if number == units.output() {
            continue;
        }
        // The round in which the image passes is the one in which most differs from the next, where nothing came in.
        let passing = |row: &&Vec<i32>| {
            let scale = made.scales[number];
            let apart = |(found, wanted): (&i32, &f32)| (f64::from(*found) / scale - f64::from(*wanted)).powi(2);
            row.iter().zip(&float[number]).map(apart).sum::<f64>()
        };
        let least = traces[number].sent.iter().map(|row| passing(&row)).fold(f64::INFINITY, f64::min);
        let power: f64 = float[number].iter().map(|value| f64::from(*value).powi(2)).sum();
        println!("{}: {:.4} of its power is off", population.name, least / power);
        assert!(least < 2e-3 * power, "{}: {least} of {power}", population.name);
    }
}
