//! The hybrid program: the same network artificial, hybrid and spiking, on the carried digits.

use spikeloom::chip::{self, LoadOptions};
use spikeloom::compile::{self, Log, Options};
use spikeloom::emu::{self, Quiet, Readout, Record, RunOptions};
use spikeloom::energy;
use spikeloom::graph::{ReadOptions, read};
use spikeloom::stimulus::{self, ImageSet, digits};

/// What a version of the network does with the test digits.
#[derive(Debug)]
struct Outcome {
    accuracy: f64,
    /// Dynamic energy and time of an inference, in joules and seconds.
    joules: f64,
    seconds: f64,
    cores: usize,
}

fn outcome(file: &str, rounds: u32, images: &ImageSet) -> Outcome {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/tianjic").join(file);
    let network = read(&path, &ReadOptions::default()).unwrap_or_else(|problems| panic!("{problems}")).network;
    let chip = chip::load("tianjic", &LoadOptions::default()).expect("ships");
    let made = compile::compile(&network, &chip, &Options::default(), &mut Log::default()).expect("fits");
    let value = stimulus::Options {
        ticks: Some(rounds),
        encoding: Some(stimulus::Encoding::Value),
        ..stimulus::Options::default()
    };
    let stimulus = stimulus::encode_images(&images.images, images.max, &value, &images.labels);
    let options = RunOptions { timing: true, threads: 2, strict: false, record: Record::None };
    let result = emu::run(&made.image, &chip, &stimulus, &options, &Quiet).expect("runs");
    let right = result.samples.iter().zip(&images.labels).filter(|(s, l)| s.winner(0, Readout::Membrane) == Some(**l));
    let count = images.images.len() as f64;
    let joules: f64 = result.samples.iter().map(|s| energy::bill(&chip.energy, &s.counts, None).dynamic_joules).sum();
    let times = result.samples.iter().flat_map(|sample| &sample.tick_times);
    Outcome {
        accuracy: right.count() as f64 / count,
        joules: joules / count,
        seconds: times.map(|tick| tick.duration.as_seconds()).sum::<f64>() / count,
        cores: made.image.cores.len(),
    }
}

#[test]
fn artificial_hybrid_and_spiking_versions_read_the_digits() {
    let images = digits().test;
    let ann = outcome("ann.json", 1, &images);
    let hybrid = outcome("hybrid.json", 16, &images);
    let snn = outcome("snn.json", 16, &images);
    for (name, found) in [("ann", &ann), ("hybrid", &hybrid), ("snn", &snn)] {
        println!(
            "{name:8} {:.2} %, {:.3} uJ, {:.1} us, {} cores",
            100.0 * found.accuracy,
            found.joules * 1e6,
            found.seconds * 1e6,
            found.cores
        );
    }
    assert!(ann.accuracy > 0.95 && hybrid.accuracy > ann.accuracy - 0.02 && snn.accuracy > ann.accuracy - 0.05);
    assert!(ann.joules < hybrid.joules && ann.seconds < hybrid.seconds, "one round a layer is enough for values");
    assert_eq!((ann.cores, hybrid.cores), (snn.cores, snn.cores));
}
