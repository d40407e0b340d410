//! Small models of every operator against what onnxruntime computed, and models that must be refused
//! (`tests/data/onnx/make.py` makes both).

use spikeloom::convert::Units;
use spikeloom::graph::{AnnOptions, read_onnx};

use super::{file, json, numbers};

/// Single precision sums of up to 84 products, in another order.
const CLOSE: f64 = 2e-5;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(file(&format!("tests/data/onnx/{name}.onnx"))).expect("a model")
}

#[test]
fn models_compute_what_onnxruntime_computes() {
    let cases = json("tests/data/onnx/cases.json");
    let mut compared = 0;
    for case in cases["good"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        // Pools as units of their own compute the same.
        for pool_units in [false, true] {
            let ann = read_onnx(&bytes(name), name, AnnOptions { pool_units })
                .unwrap_or_else(|problems| panic!("{name}: {problems}"));
            let units = Units::new(ann).unwrap_or_else(|problems| panic!("{name}: {problems}"));
            for (image, expected) in
                case["images"].as_array().expect("images").iter().zip(case["outputs"].as_array().expect("outputs"))
            {
                let image: Vec<u8> = numbers(image).iter().map(|&pixel| pixel as u8).collect();
                let expected = numbers(expected);
                let found = &units.forward(&image, 255)[units.output()];
                assert_eq!(found.len(), expected.len(), "{name}");
                let scale = expected.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
                for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let apart = (f64::from(*found) - expected).abs();
                    assert!(apart <= CLOSE * scale, "{name}: output {at} is {found}, onnxruntime has {expected}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 3000, "only {compared} values compared");
}

#[test]
fn what_is_not_converted_is_refused_with_all_that_is_wrong() {
    let cases = json("tests/data/onnx/cases.json");
    let bad = cases["bad"].as_array().expect("cases");
    assert!(bad.len() >= 24);
    for case in bad {
        let name = case["name"].as_str().expect("a name");
        let problems = read_onnx(&bytes(name), name, AnnOptions::default()).expect_err(name);
        let codes: Vec<&str> = problems.all().iter().map(|problem| problem.code).collect();
        let expected: Vec<&str> =
            case["codes"].as_array().expect("codes").iter().filter_map(|code| code.as_str()).collect();
        assert_eq!(codes, expected, "{name}: {problems}");
        let text = problems.to_string();
        for part in case["texts"].as_array().expect("texts").iter().filter_map(|part| part.as_str()) {
            assert!(text.contains(part), "{name} does not say \"{part}\": {text}");
        }
    }
}

#[test]
fn a_name_near_to_an_operator_is_suggested_and_others_get_what_to_train_with() {
    let text = read_onnx(&bytes("bad_operators"), "m.onnx", AnnOptions::default()).expect_err("refused").to_string();
    for part in ["node 'gelu_q': operator Gelu", "the nearest that is converted is Relu", "is converted is AveragePool"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn changed_bytes_never_panic() {
    for name in ["conv_all", "residual", "pool_pad_0", "reshape_and_back"] {
        let whole = bytes(name);
        let mut refused = 0;
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0xff, whole[at] ^ 1, whole[at].wrapping_add(8)] {
                let mut changed = whole.clone();
                changed[at] = value;
                refused +=
                    usize::from(read_onnx(&changed, "m.onnx", AnnOptions::default()).and_then(Units::new).is_err());
            }
            if read_onnx(&whole[..at], "m.onnx", AnnOptions::default()).is_err() {
                refused += 1;
            }
        }
        assert!(refused > whole.len(), "{name}: {refused} of {} changes were noticed", whole.len() * 6);
    }
}
