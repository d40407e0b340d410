//! What lava-nc's processes made of recorded inputs, against ours: neuron processes as neuron programs, connection
//! processes as connections between populations of a compiled and emulated network.
//!
//! `SPIKELOOM_GOLDEN` names a folder whose `loihi/processes` holds `NAME.json` with `NAME.npz`; without it the copies in
//! `tests/golden` are run. Every recorded output and state is compared in every step. LIFRefractory is a process of
//! floating point only, which no integer program can follow: its recordings are held against a straight-line model in doubles
//! and counted apart, because no code of ours is in that.

mod case;
mod connections;
mod float;
mod neurons;
#[path = "../npz_support/mod.rs"]
mod npz_support;

use std::path::{Path, PathBuf};

use case::{Case, Found};

/// Our run of a case; `None` where we have no such process.
fn play(case: &Case) -> Option<Found> {
    neurons::play(case).or_else(|| connections::play(case))
}

#[test]
fn every_process_is_exact() {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from);
    let root = given.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let folder = root.join("loihi/processes");
    let cases = case::read_all(&folder);
    assert!(!cases.is_empty(), "no case in {} (SPIKELOOM_GOLDEN is {given:?})", folder.display());
    let (floats, cases): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.process == float::PROCESS);
    for case in &floats {
        case.compare(&float::play(case)).unwrap_or_else(|what| panic!("{what}"));
    }
    println!("golden_processes: {} cases of {} equal the model in doubles of this test", floats.len(), float::PROCESS);
    let (mut exact, mut values, mut failed) = (0, 0, Vec::new());
    for case in &cases {
        let result = match play(case) {
            Some(found) => case.compare(&found),
            None => Err(format!("{}: no process '{}' here", case.name, case.process)),
        };
        match result {
            Ok(equal) => (exact, values) = (exact + 1, values + equal),
            Err(what) => failed.push(what),
        }
    }
    println!("golden_processes: {exact} of {} cases exact in {values} values", cases.len());
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}
