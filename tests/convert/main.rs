//! Conversion of trained networks, from outside: the ONNX reader against onnxruntime, the spiking network against the
//! units that it stands for, and against the float reference of the emulator.

mod mnist;
mod onnx;
mod rates;
mod times;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A JSON file of the repository.
fn json(path: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The numbers of a JSON list.
fn numbers(list: &serde_json::Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}
