#![allow(clippy::unwrap_used)]

use super::*;
use crate::graph::{Delays, Pattern};

const SMALL: &str = r#"{
  "version": 1,
  "name": "small",
  "profile": { "preset": "spikingjelly", "dt": 0.001 },
  "populations": [
    { "name": "in", "shape": [2] },
    { "name": "out", "shape": [3], "neuron": { "model": "lif", "tau_mem": 0.01, "v_threshold": [1, 1.5, 2] } }
  ],
  "projections": [
    { "source": "in", "target": "out", "pattern": { "type": "dense" }, "weights": [[1, 2], [3, 4], [0.1, -0.25]] },
    { "name": "p", "source": "out", "target": "out", "pattern": { "type": "pairs", "pairs": [[2, 0], [0, 1]] },
      "weights": [5, 7], "delay": [1, 2] }
  ],
  "outputs": [ { "population": "out" } ]
}"#;

#[test]
fn a_network_by_hand_is_read_and_what_is_written_is_read_back() {
    let network = read_json(SMALL, "small.json").unwrap();
    let Network::Float(graph) = &network else { panic!("float") };
    assert_eq!(graph.projections[0].weights, [1.0, 2.0, 3.0, 4.0, 0.1, -0.25]);
    let Pattern::Sparse { offsets, targets, weight_index } = &graph.projections[1].pattern else { panic!("sparse") };
    assert_eq!((&offsets[..], &targets[..], &weight_index[..]), (&[0, 1, 1, 2][..], &[1, 0][..], &[1, 0][..]));
    assert_eq!(graph.projections[1].delays, Delays::PerWeight(vec![1, 2]));
    let text = write_json(&network);
    assert_eq!(read_json(&text, "again").unwrap(), network, "{text}");
}

#[test]
fn chip_integers_are_taken_exactly() {
    let text = r#"{"version": 1, "name": "n", "populations": [{"name": "i", "shape": [1]},
        {"name": "o", "shape": [2], "neuron": {"model": "cuba_int", "decay_u": 4095, "decay_v": [0, 128], "threshold": 10}}],
        "projections": [{"source": "i", "target": "o", "pattern": {"type": "dense"}, "weights": [-256, 254], "exponent": -3}],
        "outputs": [{"population": "o"}]}"#;
    let network = read_json(text, "n.json").unwrap();
    let Network::Int(graph) = &network else { panic!("int") };
    assert_eq!((graph.projections[0].weights.as_slice(), graph.projections[0].exponent), (&[-256, 254][..], -3));
    assert_eq!(read_json(&write_json(&network), "again").unwrap(), network);
    let half = text.replace("254", "254.5");
    assert!(read_json(&half, "n.json").unwrap_err().to_string().contains("254.5"));
}

#[test]
fn all_misspellings_are_named_at_once_with_line_and_nearest() {
    let bad = SMALL
        .replace("\"tau_mem\"", "\"tau_men\"")
        .replace("\"spikingjelly\", \"dt\"", "\"spikingjelly\", \"fire\": \"abov\", \"dt\"")
        .replace("\"type\": \"dense\"", "\"type\": \"dens\"")
        .replace("\"delay\": [1, 2]", "\"delay\": -1")
        .replace("\"outputs\"", "\"output\"");
    let problems = read_json(&bad, "bad.json").unwrap_err();
    let text = problems.to_string();
    assert_eq!(problems.all().len(), 6, "{text}");
    for part in ["bad.json:7:", "\"tau_mem\"", "\"above\"", "bad.json:10:", "\"dense\"", "\"outputs\"", "-1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn wrong_references_sizes_and_kinds_are_named() {
    let fails = |from: &str, to: &str, part: &str| {
        assert!(SMALL.contains(from), "{from}");
        let text = read_json(&SMALL.replacen(from, to, 1), "f").unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    };
    fails("\"source\": \"in\"", "\"source\": \"inn\"", "did you mean 'in'");
    fails("[3, 4]", "[3, 4, 5]", "row 1 has 3");
    fails("[[2, 0]", "[[9, 0]", "source 9 of 3");
    fails("[[2, 0]", "[[2, 9]", "target 9 of 3");
    fails("\"shape\": [3]", "\"shape\": [4294967295, 4294967295]", "too many neurons");
    fails("[1, 1.5, 2]", "[1, 1.5]", "2 values for 3 neurons");
    fails("\"tau_mem\": 0.01, ", "", "tau_mem is missing");
    fails("\"version\": 1", "\"version\": 7", "7");
    fails("\"profile\": { \"preset\": \"spikingjelly\", \"dt\": 0.001 },", "", "profile");
    fails("\"name\": \"small\"", "\"name\" \"small\"", "f:3:10");
    fails("[ { \"population\": \"out\" } ]", "[]", "output");
}

#[test]
fn the_schema_file_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/network.schema.json");
    if std::env::var_os("SPIKELOOM_UPDATE").is_some() {
        std::fs::write(path, json_schema()).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(stored, json_schema(), "stale: run the test with SPIKELOOM_UPDATE=1 and commit the file");
}
