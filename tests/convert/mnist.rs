//! The two networks of `programs/mnist`: activations against those that onnxruntime recorded, and the conversion on the
//! few digits that are kept beside them.

use spikeloom::compile::{self, Log, Options};
use spikeloom::convert::{self, Coding, Normalise, Plan, Scope, SpikeReset, Units};
use spikeloom::graph::{AnnOptions, Network, read_onnx};
use spikeloom::stimulus::{self, ImageSet};

use super::{file, json, numbers};

fn units(name: &str, pool_units: bool) -> Units {
    let bytes = std::fs::read(file(&format!("programs/mnist/{name}.onnx"))).expect("a model");
    Units::new(read_onnx(&bytes, name, AnnOptions { pool_units }).expect("it is read")).expect("it is of units")
}

fn digits() -> ImageSet {
    let path = file("programs/mnist/few-images-idx3-ubyte.gz");
    stimulus::read_images(&path, [1, 28, 28], None).expect("the digits")
}

#[test]
fn activations_are_those_of_onnxruntime() {
    for (name, layers) in [("mlp", 2), ("cnn", 4)] {
        let units = units(name, true);
        let record = json(&format!("programs/mnist/{name}.activations.json"));
        let digits = digits();
        let mut seen = 0;
        for sample in record["samples"].as_array().expect("samples") {
            let image = &digits.images[sample["image"].as_u64().expect("a number") as usize];
            let values = units.forward(image, 255);
            for (tensor, expected) in sample["tensors"].as_object().expect("tensors") {
                let population = units.graph.populations.iter().position(|p| p.name == *tensor);
                // The last layer is called as the network's output, behind a Softmax that is dropped.
                let population = population.or((tensor == "logits").then_some(units.graph.populations.len() - 1));
                let values = &values[population.unwrap_or_else(|| panic!("{name} has no '{tensor}'"))];
                let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
                let scale: f64 = values.iter().map(|&value| f64::from(value.abs())).sum::<f64>().max(1.0);
                let wanted = expected["sum"].as_f64().expect("a sum");
                assert!((sum - wanted).abs() <= 1e-5 * scale, "{name} '{tensor}': sum {sum}, onnxruntime {wanted}");
                let stride = expected["stride"].as_u64().expect("a stride") as usize;
                for (found, wanted) in values.iter().step_by(stride).zip(numbers(&expected["values"])) {
                    assert!((f64::from(*found) - wanted).abs() <= 1e-4, "{name} '{tensor}': {found}, not {wanted}");
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 4 * layers, "{name}");
    }
}

fn accuracy(units: &Units, digits: &ImageSet, reset: SpikeReset, coding: Coding, ticks: u32) -> (u64, u64) {
    let balance = convert::balance(units, digits, Normalise::Percentile(99.9), Scope::Layer).expect("balanced");
    let graph = convert::spiking(units, &balance, reset, 0.5);
    let plan = Plan { coding, reset, ticks: vec![ticks], seed: 0, threads: 2, examined: 4 };
    let found = convert::evaluate(units, &graph, &balance, digits, &plan, &|_| true).expect("evaluated");
    (found.ann_right.expect("labels"), found.points[0].right.expect("labels"))
}

#[test]
fn the_spiking_networks_read_what_the_trained_ones_read() {
    let digits = digits();
    for (name, ticks) in [("mlp", 64), ("cnn", 128)] {
        let units = units(name, false);
        for (reset, coding) in [(SpikeReset::Subtract, Coding::Rate), (SpikeReset::Subtract, Coding::FirstSpike)] {
            let (ann, snn) = accuracy(&units, &digits, reset, coding, ticks);
            assert!(ann + 1 >= digits.images.len() as u64 - 3, "{name}: {ann} of {}", digits.images.len());
            assert!(snn + 2 >= ann, "{name} {coding:?}: {snn} of {ann}");
        }
    }
}

#[test]
fn threads_do_not_change_an_evaluation() {
    let (units, digits) = (units("mlp", false), digits());
    let balance = convert::balance(&units, &digits, Normalise::Max, Scope::Channel).expect("balanced");
    let graph = convert::spiking(&units, &balance, SpikeReset::Zero, 0.25);
    let run = |threads| {
        let plan =
            Plan { coding: Coding::Rate, reset: SpikeReset::Zero, ticks: vec![4, 16], seed: 3, threads, examined: 9 };
        convert::evaluate(&units, &graph, &balance, &digits, &plan, &|_| true).expect("evaluated")
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn the_mlp_compiles_for_loihi_with_what_it_starts_from() {
    let (units, digits) = (units("mlp", false), digits());
    let balance = convert::balance(&units, &digits, Normalise::Percentile(99.9), Scope::Layer).expect("balanced");
    let graph = convert::spiking(&units, &balance, SpikeReset::Zero, 0.5);
    let chip = spikeloom::chip::load("loihi", &spikeloom::chip::LoadOptions::default()).expect("the chip");
    let compiled = compile::compile(&Network::Float(graph), &chip, &Options::default(), &mut Log::default());
    let compiled = compiled.unwrap_or_else(|problems| panic!("{problems}"));
    let hidden = match &compiled.network.populations[1].neuron {
        Some(spikeloom::graph::IntNeuron::Cuba(cuba)) => cuba.clone(),
        other => panic!("{other:?}"),
    };
    let threshold = f64::from(hidden.threshold.expect("it fires")[0]) * 64.0;
    let bias = |at: usize| f64::from(hidden.bias[at]) * f64::from(hidden.bias_exponent[at]).exp2();
    // Half the threshold, less what the bias adds in the one tick before spikes can come.
    for at in 0..256 {
        let expected = (0.5 * threshold - bias(at)).min(threshold);
        let found = f64::from(hidden.initial_v[at]);
        assert!((found - expected).abs() <= 64.0 + 1e-3 * threshold, "neuron {at}: {found}, not {expected}");
    }
}
