//! Traces recorded from RTL simulations of public designs: the clocked models must be equal in every field and cycle.
//!
//! `SPIKELOOM_GOLDEN` names a folder with `ranc`, `ranc_trained` and `async_router`; without it the copies in
//! `tests/golden` are run (`README.md` there).

mod async_router;
mod case;
mod image;
mod ranc;
mod random;
mod waves;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// The JSON files of some subfolders of the golden folder, in order of name.
fn cases(folders: &[&str]) -> Vec<PathBuf> {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from);
    let root = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let mut found = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")));
    }
    found.sort();
    found
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).expect("a readable golden");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs every case and reports all that differ.
fn run_all(kind: &str, cases: &[PathBuf], run: impl Fn(&Path) -> Vec<Difference>) {
    let mut failed = Vec::new();
    for path in cases {
        let mut differences = run(path);
        differences.sort_by_key(|difference| difference.cycle);
        if let Some(first) = differences.first() {
            failed.push(format!("{}: {} fields differ; first: {first:?}", path.display(), differences.len()));
        }
    }
    println!("golden_rtl {kind}: {} cases run, {} differ", cases.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(!cases.is_empty(), "no {kind} case found (SPIKELOOM_GOLDEN is {:?})", std::env::var_os("SPIKELOOM_GOLDEN"));
}

/// The first difference in one field.
#[derive(Debug)]
#[allow(dead_code, reason = "read by Debug")]
struct Difference {
    cycle: u64,
    field: String,
    ours: String,
    theirs: String,
    around: String,
}

/// Compares two lists of events, whose cycle `at` tells, after sorting both.
fn events<T: Ord + Clone + Debug>(field: &str, ours: &[T], theirs: &[T], at: impl Fn(&T) -> u64) -> Option<Difference> {
    let (mut ours, mut theirs) = (ours.to_vec(), theirs.to_vec());
    ours.sort();
    theirs.sort();
    let index = (0..ours.len().max(theirs.len())).find(|&index| ours.get(index) != theirs.get(index))?;
    let cycle = [ours.get(index), theirs.get(index)].into_iter().flatten().map(at).min().unwrap_or_default();
    Some(difference(cycle, &format!("{field}[{index}]"), &ours.get(index), &theirs.get(index)))
}

/// Compares two values that hold at `cycle`.
fn value<T: PartialEq + Debug>(cycle: u64, field: &str, ours: &T, theirs: &T) -> Option<Difference> {
    (ours != theirs).then(|| difference(cycle, field, ours, theirs))
}

fn difference<T: Debug>(cycle: u64, field: &str, ours: &T, theirs: &T) -> Difference {
    Difference {
        cycle,
        field: field.to_owned(),
        ours: format!("{ours:?}"),
        theirs: format!("{theirs:?}"),
        around: String::new(),
    }
}
