//! Partitioning against the field's best partitioners: km1 beside Mt-KaHyPar without axon limits, cores and km1 beside
//! overlap-greedy with them, and the best known cut of circuits.
//!
//! `SPIKELOOM_GOLDEN` names a folder with `partition/NAME.hgr`, `NAME.src`, `reference_unconstrained.csv` and
//! `reference_axon_limited.csv`; without it the copies in `tests/golden` are run. No clock is used, so that the result
//! is the same on every machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use spikeloom::partition::{self, Hypergraph, Limits, Measures, Task, formats, measure};
use spikeloom::watch::Quiet;

/// Best known cuts of circuits into two sides of 48 to 52 %.
const CUTS: [(&str, u64); 2] = [("ibm01", 203), ("ibm02", 326)];

fn folder() -> (PathBuf, bool) {
    match std::env::var_os("SPIKELOOM_GOLDEN") {
        Some(folder) => (Path::new(&folder).join("partition"), true),
        None => (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/partition"), false),
    }
}

fn read(folder: &Path, name: &str) -> Hypergraph {
    let text = |extension: &str| fs::read_to_string(folder.join(format!("{name}.{extension}")));
    let sources = text("src").ok();
    let nets = text("hgr").unwrap_or_else(|error| panic!("{name}.hgr: {error}"));
    formats::read_hgr(&nets, name, sources.as_deref().map(|text| (text, name)))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn solve(name: &str, graph: &Hypergraph, limits: Limits) -> Measures {
    let task = Task { graph, limits, name, seed: 1, watch: &Quiet, given: None };
    let found = partition::partition(&task, &"multilevel".parse().expect("known")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(found.fault(&task), None, "{name}");
    assert_eq!(found.measures, measure(graph, &found.division, &limits), "{name}");
    found.measures
}

/// The rows of a reference as words, without its head.
fn rows(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("'{word}' is no number"))
}

#[test]
fn traffic_is_that_of_the_best_partitioner_without_axon_limits() {
    let (folder, given) = folder();
    let mut ran = 0;
    for row in rows(&folder, "reference_unconstrained.csv").iter().filter(|row| row[3] == "mtkahypar_default") {
        let (name, reference) = (&row[0], number(&row[6]));
        let found = solve(name, &read(&folder, name), Limits::of_neurons(256)).km1;
        println!("{name}: km1 {found}, Mt-KaHyPar {reference}");
        assert!(found as f64 <= 1.05 * reference as f64, "{name}: {found} is more than 5 % above {reference}");
        ran += 1;
    }
    println!("{ran} networks without axon limits");
    assert!(ran > 0 || !given, "no reference in {}", folder.display());
}

#[test]
fn cores_and_traffic_beat_overlap_greedy_with_axon_limits() {
    let (folder, given) = folder();
    let mut ran = 0;
    for row in rows(&folder, "reference_axon_limited.csv").iter().filter(|row| row[3] == "overlap_greedy") {
        let (name, cores, km1) = (&row[0], number(&row[4]) as usize, number(&row[6]));
        let limits = Limits { axons: number(&row[2]), ..Limits::of_neurons(number(&row[1])) };
        let found = solve(name, &read(&folder, name), limits);
        println!(
            "{name} {}/{}: {} cores, km1 {}; overlap-greedy {cores}, {km1}",
            row[1], row[2], found.cores, found.km1
        );
        assert!(found.cores <= cores, "{name} {}/{}: {} cores, overlap-greedy {cores}", row[1], row[2], found.cores);
        assert!(found.km1 < km1, "{name} {}/{}: km1 {}, overlap-greedy {km1}", row[1], row[2], found.km1);
        ran += 1;
    }
    println!("{ran} networks with axon limits");
    assert!(ran > 0 || !given, "no reference in {}", folder.display());
}

#[test]
fn circuits_are_cut_as_well_as_is_known() {
    let (folder, _) = folder();
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let names: BTreeSet<String> =
        files.filter_map(|file| Some(file.path().file_stem()?.to_string_lossy().into_owned())).collect();
    let mut ran = 0;
    for (name, best) in CUTS.iter().filter(|(name, _)| names.contains(*name)) {
        let graph = read(&folder, name);
        let neurons = (graph.neurons() as f64 * 0.52) as u64;
        let found = solve(name, &graph, Limits { parts: Some(2), ..Limits::of_neurons(neurons) });
        println!("{name}: cut {}, best known {best}", found.cut);
        assert!(found.cut as f64 <= 1.1 * *best as f64, "{name}: cut {} is more than 10 % above {best}", found.cut);
        ran += 1;
    }
    println!("{ran} circuits");
    assert!(ran > 0, "no circuit in {}", folder.display());
}
