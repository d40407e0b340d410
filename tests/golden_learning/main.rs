//! On-chip learning as lava-nc and brian2-loihi recorded it, against the oracles, and against compiled and emulated
//! images: weights, tags, delays, traces,
//! activations and spikes of every step, exactly, with their recorded random numbers.
//!
//! `SPIKELOOM_GOLDEN` names a folder whose `loihi` holds `learning/NAME.json` and `learning_brian2/NAME.json`, each
//! with `NAME.npz`; without it the copies in `tests/golden` are run.

mod brian2;
mod case;
mod chip;
mod lava;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use case::Case;

fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::env::var_os("SPIKELOOM_GOLDEN").map_or_else(own, PathBuf::from).join("loihi")
}

fn run(cases: &[Case], reference: &str, consult: impl Fn(&Case) -> BTreeMap<&'static str, Vec<i64>>) {
    let mut wrong = Vec::new();
    for case in cases {
        match case.compare(&consult(case)) {
            Ok(values) => println!("{:<34} {reference}: {values} values equal", case.name),
            Err(what) => wrong.push(what),
        }
    }
    println!("{reference}: {} learning cases", cases.len());
    assert!(wrong.is_empty(), "{reference} differs:\n{}", wrong.join("\n"));
}

#[test]
fn the_oracle_is_lava_nc_in_every_recorded_step() {
    let cases = case::read_all(&folder().join("learning"), "loihi1-learning-golden/1");
    assert!(!cases.is_empty(), "no case in {}", folder().display());
    run(&cases, "lava", lava::consult);
}

#[test]
fn the_oracle_is_brian2_loihi_in_every_recorded_step() {
    let cases = case::read_all(&folder().join("learning_brian2"), "brian2-loihi-learning/1");
    assert!(!cases.is_empty(), "no case in {}", folder().display());
    run(&cases, "brian2", brian2::consult);
}

/// Neurons a core: all on one, and the targets of a projection on several.
const SIZES: [u32; 2] = [1024, 2];

#[test]
fn the_chip_is_lava_nc_in_every_recorded_step() {
    let cases = case::read_all(&folder().join("learning"), "loihi1-learning-golden/1");
    assert!(!cases.is_empty(), "no case in {}", folder().display());
    for neurons in SIZES {
        run(&cases, &format!("lava on the chip, {neurons} neurons a core"), |case| chip::lava(case, neurons));
    }
}

#[test]
fn the_chip_is_brian2_loihi_in_every_recorded_step() {
    let cases = case::read_all(&folder().join("learning_brian2"), "brian2-loihi-learning/1");
    assert!(!cases.is_empty(), "no case in {}", folder().display());
    for neurons in SIZES {
        run(&cases, &format!("brian2 on the chip, {neurons} neurons a core"), |case| chip::brian2(case, neurons));
    }
}
