//! Explorations: sweep files and what they are refused for, resumption, samples, results that do not depend on threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use spikeloom::explore::{self, Audience, Done, Row, Sweep, candidates, summary};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("spikeloom-explore-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// The digits network on small Loihi cores: four partitions and placements each, two seeds.
const SWEEP: &str = r#"
name = "small"
seeds = [1, 2]
seconds = 0.02
[[network]]
file = "programs/digits/digits.json"
stimulus = "digits"
samples = 2
[[chip]]
chip = "loihi"
set = { "core.neurons" = [9, 20] }
[[pipeline]]
partition = ["sequential", "overlap-greedy"]
placement = ["row-major", "random", "spectral+refine"]
"#;

fn sweep(text: &str) -> Sweep {
    Sweep::read(text, "sweep.toml", Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|p| panic!("{p}"))
}

/// Ends after so many candidates.
struct Until {
    most: usize,
    seen: AtomicUsize,
}

impl Until {
    fn new(most: usize) -> Self {
        Self { most, seen: AtomicUsize::new(0) }
    }
}

impl Audience for Until {
    fn stop(&self) -> bool {
        self.seen.load(Ordering::SeqCst) >= self.most
    }
    fn done(&self, _: usize, _: usize, _: &Row) {
        self.seen.fetch_add(1, Ordering::SeqCst);
    }
    fn step(&self, _: &str) {}
}

fn run(sweep: &Sweep, folder: &Path, threads: usize, until: &Until) -> Done {
    explore::run(sweep, folder, threads, "test", until).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_stopped_exploration_goes_on_with_nothing_lost_or_done_twice() {
    let sweep = sweep(SWEEP);
    let whole = run(&sweep, &folder("whole"), 1, &Until::new(usize::MAX));
    assert_eq!((whole.candidates, whole.rows.len(), whole.resumed), (24, 24, 0));
    let parts = folder("parts");
    let (mut made, mut rounds) = (0, 0);
    let last = loop {
        let until = Until::new(5);
        let done = run(&sweep, &parts, 2, &until);
        made += until.seen.load(Ordering::SeqCst);
        rounds += 1;
        // A line that was cut off in the writing is done again.
        if rounds == 1 {
            let journal = parts.join("journal.jsonl");
            let text = std::fs::read_to_string(&journal).expect("a journal");
            std::fs::write(&journal, format!("{text}{{\"index\":3,\"key\"")).expect("writable");
        }
        if done.rows.len() == done.candidates {
            break done;
        }
        assert!(rounds < 10);
    };
    assert_eq!(made, 24, "every candidate once");
    assert!(rounds > 2 && last.resumed > 0);
    assert_eq!(explore::json_lines(&last.rows), explore::json_lines(&whole.rows));
    assert_eq!(explore::csv(&last.rows), explore::csv(&whole.rows));
    let again = explore::read_rows(&explore::json_lines(&whole.rows), "r").expect("as written");
    assert_eq!(again, whole.rows);
    assert_eq!(explore::diff(&whole.rows, &last.rows), (Vec::new(), Vec::new(), Vec::new()));
    // Another sweep does not take this journal.
    let other = self::sweep(&SWEEP.replace("seconds = 0.02", "seconds = 0.03"));
    let refused = explore::run(&other, &parts, 1, "test", &Until::new(usize::MAX)).expect_err("another sweep");
    assert!(refused.to_string().contains("belongs to another sweep"), "{refused}");
}

#[test]
fn every_row_is_measured_and_no_mapping_changes_a_spike() {
    let sweep = sweep(SWEEP);
    let done = run(&sweep, &folder("rows"), 2, &Until::new(usize::MAX));
    let spikes: std::collections::BTreeSet<&str> =
        done.rows.iter().map(|row| row.measured.as_ref().expect("run").spikes.as_str()).collect();
    assert_eq!(spikes.len(), 1, "{spikes:?}");
    for row in &done.rows {
        let (statics, measured) = (row.statics.as_ref().expect("mapped"), row.measured.as_ref().expect("run"));
        // The profile is of the same samples: static packets and hops are those that the emulator counts.
        assert_eq!(statics.hops as u64, measured.hops, "{}", row.label());
        assert!(statics.least_hops <= statics.hops + 1e-6 && statics.least_cores <= statics.cores, "{}", row.label());
        let least = statics.least_hops_of_any.expect("known for synapse lists");
        assert!(least <= statics.hops + 1e-6, "{}", row.label());
        assert!(statics.tree_hops <= statics.hops && measured.joules > 0.0 && measured.tick > Some(0.0));
        assert_eq!(measured.links.iter().map(|link| link.1).sum::<u64>(), measured.hops);
        assert_eq!(measured.links.iter().map(|link| link.1).max().unwrap_or(0), measured.max_link);
    }
    let all = candidates(&sweep).expect("few");
    let page = summary(&sweep, &all, &done, "test");
    assert_eq!(page.groups.len(), 2);
    for group in &page.groups {
        assert_eq!((group.points.len(), group.spike_digests, group.baseline), (12, 1, Some(0)));
        assert!(group.points.iter().any(|point| point.pareto) && group.best.is_some());
        assert!(!group.correlations.is_empty());
    }
    let html = page.html();
    for part in
        ["Pareto front", "Against the baseline", "Rank correlation", "Convergence", "Mesh: best", "spectral+refine"]
    {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(explore::csv(&done.rows).lines().count(), 25);
}

#[test]
fn only_the_best_and_the_baseline_are_run_where_a_number_is_given() {
    let sweep = sweep(&SWEEP.replace("seconds = 0.02", "seconds = 0.02\nemulate = 2"));
    let done = run(&sweep, &folder("best"), 2, &Until::new(usize::MAX));
    for size in ["9", "20"] {
        let rows = || done.rows.iter().filter(|row| row.set.ends_with(&format!("={size}")));
        let hops = |row: &Row| row.statics.as_ref().expect("mapped").hops;
        let mut sorted: Vec<f64> = rows().map(hops).collect();
        sorted.sort_by(f64::total_cmp);
        let run = rows().filter(|row| row.measured.is_some()).count();
        assert!((2..=4).contains(&run), "{run}");
        assert!(rows().filter(|row| hops(row) < sorted[1]).all(|row| row.measured.is_some()));
        let baseline = rows().filter(|row| row.placement == "row-major" && row.partition == "sequential");
        assert!(baseline.into_iter().all(|row| row.measured.is_some()));
    }
}

#[test]
fn samples_keep_the_baselines_and_are_the_same_every_time() {
    let sweep = sweep(&SWEEP.replace("seconds = 0.02", "seconds = 0.02\nbudget = 7"));
    let chosen = candidates(&sweep).expect("few");
    assert_eq!(chosen.len(), 7);
    assert_eq!(chosen.iter().filter(|candidate| candidate.is_baseline()).count(), 4);
    assert_eq!(candidates(&sweep), Ok(chosen));
}

#[test]
fn what_does_not_fit_is_a_row_that_says_so() {
    let sweep = sweep(
        &SWEEP.replace("\"core.neurons\" = [9, 20]", "\"mesh.width\" = 1, \"mesh.height\" = 1, \"core.neurons\" = 9"),
    );
    let done = run(&sweep, &folder("misfit"), 1, &Until::new(usize::MAX));
    assert!(done.rows.iter().all(|row| row.statics.is_none()));
    assert!(done.rows.iter().all(|row| row.refused.as_deref().is_some_and(|why| why.starts_with("error["))));
}

#[test]
fn sweep_files_are_refused_with_the_nearest_names() {
    let tell = |text: &str| {
        let read = Sweep::read(text, "sweep.toml", Path::new("."));
        read.expect_err(text).to_string()
    };
    let with = |from: &str, to: &str| {
        assert!(SWEEP.contains(from));
        SWEEP.replace(from, to)
    };
    assert!(tell(&with("spectral+refine", "spektral+refine")).contains("did you mean 'spectral'?"));
    assert!(tell(&with("spectral+refine", "spectral+refin")).contains("did you mean 'refine'?"));
    assert!(tell(&with("overlap-greedy", "overlap-gredy")).contains("did you mean 'overlap-greedy'?"));
    assert!(tell(&with("overlap-greedy", "multilevel:cycels=1")).contains("did you mean 'cycles'?"));
    assert!(tell(&with("\"random\"", "\"anneal:hott=1\"")).contains("did you mean 'hot'?"));
    assert!(tell(&with("seeds", "seedz")).contains("did you mean 'seeds'?"));
    assert!(tell(&with("samples = 2", "sample = 2")).contains("did you mean 'samples'?"));
    assert!(tell(&with("samples = 2", "samples = 0")).contains("1 to 1000000"));
    assert!(tell(&with("seconds = 0.02", "seconds = -1")).contains("0.001 to"));
    assert!(tell(&with("stimulus = \"digits\"\n", "")).contains("stimulus is missing"));
    assert!(tell(&with("samples = 2", "samples = 2\nchips = [\"lohi\"]")).contains("did you mean 'loihi'?"));
    let twice = format!("{SWEEP}[[chip]]\nchip = \"loihi\"\n");
    assert!(tell(&twice).contains("two of its chips are called 'loihi'"));
    assert!(tell("name = \"x\"").contains("it has no [[network]]"));
    assert!(tell("name = ").contains("sweep.toml:1"));
    let (mut bound, mut other) = (sweep(SWEEP), sweep(SWEEP));
    bound.bind(&[("net".to_owned(), other.digest)]);
    other.bind(&[("net".to_owned(), bound.digest)]);
    assert_ne!(bound.digest, other.digest, "a journal holds for its files");
    let chip = sweep(&with("core.neurons", "core.neuronz"));
    let refused = explore::run(&chip, &folder("chip"), 1, "test", &Until::new(usize::MAX)).expect_err("a wrong key");
    assert!(refused.to_string().contains("chip 'loihi'"), "{refused}");
    let huge = with("seeds = [1, 2]", &format!("seeds = [{}]", vec!["1"; 90_000].join(", ")));
    assert!(candidates(&sweep(&huge)).expect_err("too many").has("sweep/size"));
}

/// A network of 400 inputs a neuron, split for TrueNorth, and one that fits as it is.
const SPLIT: &str = r#"
name = "split"
seconds = 0.02
[[network]]
file = "tests/cli/split.in/wide.json"
stimulus = "tests/cli/split.in/spikes.csv"
[[network]]
file = "programs/digits/digits.json"
stimulus = "digits"
samples = 1
[[chip]]
chip = "truenorth"
split_fan_in = "spikes=2"
[[pipeline]]
partition = ["sequential", "auto"]
placement = ["row-major", "random"]
"#;

#[test]
fn every_row_of_a_split_network_carries_the_error_that_was_measured_once() {
    let sweep = sweep(SPLIT);
    let whole = run(&sweep, &folder("split"), 2, &Until::new(usize::MAX));
    assert_eq!(whole.rows.len(), 8);
    let of = |name: &str| whole.rows.iter().filter(|row| row.network == name).collect::<Vec<_>>();
    // The figures of `compile --split-fan-in=spikes=2 --calibrate spikes.csv` (tests/cli/split.trycmd).
    for row in of("wide") {
        let split = row.split.as_ref().expect("split and measured");
        assert_eq!((split.spikes(), split.samples, split.agreeing), ((30, 18, 14), 2, 2));
        assert_eq!((split.labelled, split.right_whole, split.right_split), (2, 1, 1));
        let [out] = split.populations.as_slice() else { panic!("one population besides the input: {split:?}") };
        assert_eq!((out.name.as_str(), out.neurons, out.neurons_miscounted, out.spikes_off), ("out", 2, 3, 14));
    }
    assert!(of("digits").iter().all(|row| row.split.is_none() && row.measured.is_some()), "nothing to split");
    assert_eq!(explore::read_rows(&explore::json_lines(&whole.rows), "r").expect("as written"), whole.rows);
    let csv = explore::csv(&whole.rows);
    let mut lines = csv.lines();
    let columns = lines.next().expect("a header").split(',').count();
    assert!(csv.lines().next().is_some_and(|header| header.ends_with("split_right_whole,split_right")));
    assert!(lines.next().is_some_and(|line| line.ends_with(",2,30,18,14,0.2916666666666667,2,2,1,1")), "{csv}");
    assert!(csv.lines().filter(|line| line.contains("\"digits\"")).all(|line| line.ends_with(",,,,,,,,,")));
    assert!(csv.lines().all(|line| line.matches(',').count() + 1 >= columns));

    // What the journal knows is not measured again: a mark that is put there comes back in the rows that were missing.
    let parts = folder("split-parts");
    let first = run(&sweep, &parts, 1, &Until::new(1));
    assert_eq!(first.rows.len(), 1);
    let journal = parts.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let marked = text.replace("\"split\":{\"samples\":2,", "\"split\":{\"samples\":77,");
    assert_ne!(text, marked);
    std::fs::write(&journal, marked).expect("writable");
    let rest = run(&sweep, &parts, 2, &Until::new(usize::MAX));
    let samples = |done: &Done| -> Vec<Option<u64>> {
        done.rows.iter().map(|row| row.split.as_ref().map(|split| split.samples)).collect()
    };
    assert_eq!(samples(&rest), [[Some(77); 4], [None; 4]].concat());
    assert_eq!(samples(&whole), [[Some(2); 4], [None; 4]].concat());

    let all = candidates(&sweep).expect("few");
    let page = summary(&sweep, &all, &whole, "test");
    let cell = "29.2 %, 2 of 2 alike";
    assert_eq!(page.html().matches(cell).count(), 4, "a cell a mapping of the split network");
    assert_eq!(page.html().matches("split error").count(), 1, "no column where nothing is split");
    assert!(page.html().contains("1 right whole and 1 split of 2") && page.text(200).contains(cell));
    // A row whose error nobody measured, such as one of an older journal.
    let mut older = whole.clone();
    older.rows[0].split = None;
    let html = summary(&sweep, &all, &older, "test").html();
    assert_eq!((html.matches(cell).count(), html.matches(">unknown<").count()), (3, 1));
    let unsplit = self::sweep(SWEEP);
    let done = Done { rows: Vec::new(), ..whole };
    assert!(!summary(&unsplit, &[], &done, "test").html().contains("split error"));
}

/// Two convolutions and a dense layer.
fn convolutions(folder: &Path) -> PathBuf {
    let conv = |source: &str, target: &str, inputs: usize| {
        let weights: Vec<String> = (0..4 * inputs * 9).map(|k| (k * 7 % 11).to_string()).collect();
        format!(
            r#"{{ "source": "{source}", "target": "{target}", "weights": [{}],
                "pattern": {{ "type": "conv2d", "kernel": [3, 3] }} }}"#,
            weights.join(",")
        )
    };
    let neuron = r#""neuron": { "model": "cuba_int", "decay_u": 4095, "decay_v": 256, "threshold": 60 }"#;
    let dense: Vec<String> = (0..24 * 256).map(|k| (k % 5).to_string()).collect();
    let text = format!(
        r#"{{ "version": 1, "name": "convolutions", "populations": [
            {{ "name": "in", "shape": [1, 12, 12] }}, {{ "name": "first", "shape": [4, 10, 10], {neuron} }},
            {{ "name": "second", "shape": [4, 8, 8], {neuron} }}, {{ "name": "class", "shape": [24], {neuron} }} ],
          "projections": [ {}, {},
            {{ "source": "second", "target": "class", "pattern": {{ "type": "dense" }}, "weights": [{}] }} ],
          "outputs": [{{ "population": "class" }}] }}"#,
        conv("in", "first", 1),
        conv("first", "second", 4),
        dense.join(",")
    );
    let file = folder.join("convolutions.json");
    std::fs::write(&file, text).expect("written");
    file
}

#[test]
fn blocks_of_convolutions_move_within_all_limits_and_change_no_spike() {
    let folder = folder("blocks");
    let text = format!(
        r#"
name = "blocks"
seeds = [1]
seconds = 0.02
[[network]]
file = {:?}
stimulus = "noise"
samples = 2
ticks = 30
[[chip]]
chip = "loihi"
set = {{ "core.neurons" = 96, "core.cuba.synapse_words" = 1200 }}
[[pipeline]]
partition = ["sequential", "conv-tiling:rows=4,columns=4"]
placement = ["row-major", "row-major+migrate:block=2,chunk=4,sweeps=60,exchange=1,norm=16,spare=0.2"]
"#,
        convolutions(&folder)
    );
    let sweep = sweep(&text);
    let done = run(&sweep, &self::folder("blocks-one"), 1, &Until::new(usize::MAX));
    let again = run(&sweep, &self::folder("blocks-two"), 2, &Until::new(usize::MAX));
    assert_eq!(explore::json_lines(&done.rows), explore::json_lines(&again.rows), "it repeats");
    let of = |row: &Row| (row.statics.clone().expect("mapped"), row.measured.clone().expect("run"));
    for rows in done.rows.chunks(2) {
        assert_eq!(rows.iter().find_map(|row| row.refused.clone()), None);
        let ((before, run), (after, moved)) = (of(&rows[0]), of(&rows[1]));
        // Verified against the network before it ran.
        assert_eq!(run.spikes, moved.spikes);
        assert!(after.hops < 0.8 * before.hops, "{} of {}", after.hops, before.hops);
        assert_eq!((after.hops as u64, moved.faults), (moved.hops, run.faults));
        assert!(after.utilisation.iter().all(|(_, _, most)| *most <= 1.0));
        assert!(after.least_hops_of_any.expect("synapse lists") <= after.hops.min(before.hops));
    }
}
