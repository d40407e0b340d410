//! The network in `programs/digits`: sound, on the levels of TrueNorth, as accurate as promised, and what
//! `train` makes of the default options.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use spikeloom::graph::{self, Graph, Network};
use spikeloom::stimulus::{ImageSet, Options, Sample, digits, encode_images};
use spikeloom::train::{TrainOptions, decide, train};

const FILE: &str = "programs/digits/digits.json";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)
}

fn text() -> String {
    std::fs::read_to_string(path()).expect("the shipped network")
}

fn shipped() -> Graph {
    match graph::read_json(&text(), FILE).expect("a sound network") {
        Network::Float(graph) => graph,
        Network::Int(_) => panic!("the digits network is a float network"),
    }
}

/// Spike counts of the output after the chip's timing: a spike of tick t is integrated in tick t + 1.
fn counts(network: &Graph, sample: &Sample) -> (Vec<u32>, usize) {
    let sizes: Vec<usize> = network.populations.iter().map(graph::Population::size).collect();
    let mut membranes: Vec<Vec<i64>> = sizes.iter().map(|&size| vec![0; size]).collect();
    let mut fired: Vec<Vec<u32>> = vec![Vec::new(); sizes.len()];
    let mut counts = vec![0; *sizes.last().expect("populations")];
    let mut spikes = 0;
    for tick in 0..sample.ticks + sizes.len() as u32 {
        for projection in &network.projections {
            for &source in &fired[projection.source.index()] {
                projection.pattern.visit(source, |target, weight| {
                    let target = &mut membranes[projection.target.index()][target as usize];
                    *target += projection.weights[weight as usize] as i64;
                });
            }
        }
        fired[0] = sample.spikes.iter().filter(|spike| spike.tick == tick).map(|spike| spike.input).collect();
        for (index, population) in network.populations.iter().enumerate().skip(1) {
            let thresholds = &population.neuron.as_ref().expect("a neuron").v_threshold;
            fired[index].clear();
            for (neuron, membrane) in membranes[index].iter_mut().enumerate() {
                if *membrane as f64 >= thresholds[neuron] {
                    *membrane = 0;
                    fired[index].push(neuron as u32);
                }
            }
            spikes += fired[index].len();
        }
        fired[sizes.len() - 1].iter().for_each(|&neuron| counts[neuron as usize] += 1);
    }
    (counts, spikes)
}

fn accuracy(network: &Graph, set: &ImageSet) -> f64 {
    let stimulus = encode_images(&set.images, set.max, &Options::default(), &set.labels);
    let (mut right, mut spikes, mut inputs) = (0, 0, 0);
    for sample in &stimulus.samples {
        let (counts, fired) = counts(network, sample);
        right += u32::from(decide(&counts) == sample.label);
        spikes += fired;
        inputs += sample.total() as usize;
    }
    let images = set.images.len();
    println!("{} spikes in, {} by neurons, an image", inputs / images, spikes / images);
    f64::from(right) / images as f64
}

#[test]
fn the_shipped_network_reads_the_test_digits() {
    let accuracy = accuracy(&shipped(), &digits().test);
    println!("accuracy {accuracy:.4}");
    assert!(accuracy >= 0.96, "{accuracy}");
}

#[test]
fn the_shipped_network_lies_on_the_levels_of_four_axon_types() {
    let network = shipped();
    for weight in network.projections.iter().flat_map(|projection| &projection.weights) {
        assert!(weight.fract() == 0.0 && (-8.0..=7.0).contains(weight), "{weight}");
    }
}

/// `SPIKELOOM_WRITE=1 cargo test --release --test digits -- --ignored` writes the file anew.
#[test]
#[ignore = "trains for several seconds, and another libm may differ in the last bit"]
fn the_shipped_network_is_what_train_makes() {
    let digits = digits();
    let trained = train(&digits.train, &TrainOptions::default(), &mut |_| ControlFlow::Continue(())).expect("trains");
    let accuracy = (trained.accuracy(&digits.train), trained.accuracy(&digits.test));
    println!("accuracy of train, test: {accuracy:.4?}");
    let made = graph::write_json(&Network::Float(trained.network));
    if std::env::var_os("SPIKELOOM_WRITE").is_some() {
        std::fs::write(path(), &made).expect("written");
    }
    assert!(made == text(), "{FILE} is not what train makes");
}
