//! Placement against known optima: QAPLIB instances that are meshes (blocked cores included) and the nets of the
//! ASPLOS 2023 paper on mapping very large SNNs.
//!
//! `SPIKELOOM_GOLDEN` names a folder with `qaplib/NAME.dat` and `NAME.sln` and with `placement/KIND_SIDE.txt`; without
//! it the copies in `tests/golden` are run. No clock is used: the work is what the default plans for the seconds
//! given here, so that the result is the same on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use spikeloom::place::{self, Budget, Mesh, Quiet, Task, formats};

fn folder(name: &str) -> (PathBuf, bool) {
    match std::env::var_os("SPIKELOOM_GOLDEN") {
        Some(folder) => (Path::new(&folder).join(name), true),
        None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name), false),
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Value and permutation (from 0) of a `.sln` file.
fn solution(path: &Path) -> (f64, Vec<u32>) {
    let text = read(path);
    let mut words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
    let n: usize = words.next().and_then(|w| w.parse().ok()).expect("a size");
    let value = words.next().and_then(|w| w.parse().ok()).expect("a value");
    (value, words.take(n).map(|w| w.parse::<u32>().expect("a place") - 1).collect())
}

fn inverse(p: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; p.len()];
    p.iter().enumerate().for_each(|(i, at)| inverse[*at as usize] = i as u32);
    inverse
}

/// The work of `seconds`, whatever the clock says.
fn budget(seconds: f64, chains: usize) -> Budget<'static> {
    Budget { seed: 1, seconds, chains, watch: &Quiet }
}

/// Cost in the file's sense that the default strategy reaches with the work of `seconds`.
fn solve(qap: &formats::Qap, seconds: f64) -> (f64, Vec<u32>) {
    let grid = qap.grid().expect("a grid");
    let (flow, mesh, number) = qap.problem(&grid).expect("a mesh");
    let task = Task { flow: &flow, mesh: &mesh, name: &qap.file, budget: budget(seconds, 2) };
    let placed = place::place(&task, &"auto".parse().expect("known")).expect("it fits");
    let place: Vec<u32> = placed.slot.iter().map(|slot| number[*slot as usize]).collect();
    let permutation = qap.permutation(&grid, &place);
    (qap.cost(&permutation), permutation)
}

#[test]
fn qaplib_optima_are_reached() {
    let (folder, given) = folder("qaplib");
    let mut ran = 0;
    for file in files(&folder, "dat") {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let qap = formats::read_qap(&read(&file), &name).unwrap_or_else(|problems| panic!("{problems}"));
        let (value, stored) = solution(&file.with_extension("sln"));
        assert!(
            qap.cost(&stored) == value || qap.cost(&inverse(&stored)) == value,
            "{name}: the stored permutation does not give the stored value {value}"
        );
        let (cost, mut permutation) = solve(
            &qap,
            if qap.n <= 20 {
                1.0
            } else if qap.n <= 36 {
                2.5
            } else {
                8.0
            },
        );
        if qap.n <= 30 {
            assert_eq!(cost, value, "{name}: cost found and optimum");
        } else {
            assert!(cost <= value * 1.003, "{name}: {cost} is more than 0.3 % above {value}");
        }
        permutation.sort_unstable();
        assert!(permutation.iter().enumerate().all(|(i, p)| i == *p as usize), "{name}: no permutation");
        println!("{name}: {cost}, best known {value}");
        ran += 1;
    }
    println!("{ran} QAPLIB instances");
    assert!(ran > 0 || !given, "no QAPLIB instance in {}", folder.display());
}

/// Cost that must be reached: what an annealer of the literature's kind needs up to a minute for, with 1 to 2 % to
/// spare; nets without an entry must come below the Hilbert curve by a fifth.
const CEILINGS: [(&str, f64); 3] = [("CNN4_16", 770.0), ("DNN_16", 7_350.0), ("CNN4_32", 3_600.0)];

#[test]
fn nets_of_the_literature_are_placed_below_its_costs() {
    let (folder, given) = folder("placement");
    let mut ran = 0;
    for file in files(&folder, "txt") {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (flow, side) =
            formats::read_traffic(&read(&file), &name, None).unwrap_or_else(|problems| panic!("{problems}"));
        let mesh = Mesh::new(side, side, &name).expect("a size");
        let cost = |strategy: &str| {
            let task = Task { flow: &flow, mesh: &mesh, name: &name, budget: budget(8.0, 1) };
            place::place(&task, &strategy.parse().expect("known")).expect("it fits").cost
        };
        let found = cost("auto");
        let ceiling = CEILINGS.iter().find(|(known, _)| *known == name).map_or_else(|| 0.8 * cost("hilbert"), |c| c.1);
        assert!(found <= ceiling, "{name}: {found} is above {ceiling}");
        println!("{name}: {found}, at most {ceiling}");
        ran += 1;
    }
    println!("{ran} nets");
    assert!(ran > 0 || !given, "no net in {}", folder.display());
}
