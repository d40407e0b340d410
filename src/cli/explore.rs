//! `explore`: a sweep of mappings from its file to results and a report, and what changed between two.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::console::{Console, make_folder_of, must_not_exist, read_text, unwritable, write};
use super::progress;
use super::session::threads;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::explore::{self, Audience, Done, Row, Sweep, candidates, summary};

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ExploreArgs {
    #[command(subcommand)]
    action: Option<ExploreAction>,
    /// The sweep: TOML with [[network]], [[chip]] and [[pipeline]]; programs/sweeps has examples. Networks are .nir, .h5, .hdf5,
    /// .json or `reservoir`; stimuli .npz, .npy, .csv, .bs2, .bin, IDX images, a folder, `digits` or `noise`; hypergraphs
    /// (.hgr, .snn) are for `map partition`
    #[arg(required = true)]
    sweep: Option<PathBuf>,
    /// Folder for journal.jsonl, results.jsonl, results.csv, manifest.json and report.html; else out/NAME. An exploration
    /// that was stopped goes on there
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Worker threads; 0 means one a processor. Results do not depend on it
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Start anew, whatever the folder holds
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Subcommand)]
enum ExploreAction {
    /// What moved and what improved between two explorations
    Diff {
        /// The first: results.jsonl or its folder
        before: PathBuf,
        /// The second
        after: PathBuf,
    },
}

/// A bar, lines to `-v`, and Ctrl-C.
struct Listener {
    bar: indicatif::ProgressBar,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Audience for Listener {
    fn stop(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn done(&self, done: usize, total: usize, row: &Row) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        let found = match (&row.statics, &row.measured) {
            (Some(statics), Some(run)) => {
                format!(
                    "{:6} cores {:14.0} hops {:12.4e} J {:12.4e} s",
                    statics.cores,
                    statics.hops,
                    run.joules,
                    run.tick.unwrap_or(0.0)
                )
            }
            (Some(statics), None) => format!("{:6} cores {:14.0} hops", statics.cores, statics.hops),
            (None, _) => "refused".to_owned(),
        };
        tracing::info!("{done:6} of {total:6}  {found}  {} on {} {}  {}", row.network, row.chip, row.set, row.label());
    }

    fn step(&self, line: &str) {
        tracing::debug!("{line}");
    }
}

pub(super) fn run(args: &ExploreArgs, console: &Console) -> Result<u8> {
    match (&args.action, &args.sweep) {
        (Some(ExploreAction::Diff { before, after }), _) => difference(before, after, console),
        (None, Some(sweep)) => explore(sweep, args, console),
        (None, None) => Ok(2),
    }
}

fn explore(path: &Path, args: &ExploreArgs, console: &Console) -> Result<u8> {
    let text = read_text(path)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut sweep = Sweep::read(&text, &path.display().to_string(), &folder)?;
    let files = inputs(&sweep)?;
    sweep.bind(&files);
    let out = args.out.clone().unwrap_or_else(|| Path::new("out").join(&sweep.name));
    let journal = out.join("journal.jsonl");
    if args.force && journal.exists() {
        std::fs::remove_file(&journal).map_err(|error| unwritable(&journal, &error))?;
    } else if !args.force && !journal.exists() {
        // Results without a journal are not ours to go on with.
        must_not_exist(&out.join("results.jsonl"), false)?;
    }
    make_folder_of(&journal)?;
    let version = env!("CARGO_PKG_VERSION");
    let listener = Listener { bar: progress::bar(console, 0, "exploring"), stop: progress::interrupt() };
    let done = explore::run(&sweep, &out, threads(args.threads), version, &listener)?;
    listener.bar.finish_and_clear();
    let all = candidates(&sweep)?;
    let page = summary(&sweep, &all, &done, version);
    write(&out.join("results.jsonl"), explore::json_lines(&done.rows).as_bytes(), true)?;
    write(&out.join("results.csv"), explore::csv(&done.rows).as_bytes(), true)?;
    let manifest = explore::manifest(&sweep, &done, version, &files);
    write(&out.join("manifest.json"), manifest.as_bytes(), true)?;
    write(&out.join("report.html"), page.html().as_bytes(), true)?;
    tell(&out, &done, &page, console);
    Ok(if done.interrupted { super::INTERRUPTED } else { 0 })
}

/// Digests of the files that the sweep names.
fn inputs(sweep: &Sweep) -> Result<Vec<(String, Digest)>> {
    let chips = sweep.chips.iter().map(|chip| Path::new(&chip.chip));
    let files = sweep.networks.iter().flat_map(|network| [network.file.as_path(), network.stimulus.as_path()]);
    let mut found: Vec<(String, Digest)> = Vec::new();
    for file in files.chain(chips).filter(|file| file.is_file()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = std::fs::read(file).map_err(|error| {
            Problem::invalid("cli/read", file.display().to_string(), error.to_string()).help("check the file")
        })?;
        found.push((name, Digest::of(&bytes)));
    }
    Ok(found)
}

fn tell(out: &Path, done: &Done, page: &crate::report::Exploration, console: &Console) {
    let refused = done.rows.iter().filter(|row| row.refused.is_some()).count();
    let run = done.rows.iter().filter(|row| row.measured.is_some()).count();
    if console.json() {
        let groups = page.groups.iter().map(|group| {
            json!({
                "title": group.title, "changes": group.changes, "mappings": group.points.len(),
                "baseline": group.baseline.map(|at| &group.points[at].label),
                "best": group.best.map(|at| &group.points[at].label), "spike_digests": group.spike_digests,
            })
        });
        console.object(
            "explore",
            json!({
                "out": out.display().to_string(), "candidates": done.candidates, "done": done.rows.len(),
                "resumed": done.resumed, "refused": refused, "run": run, "interrupted": done.interrupted,
                "groups": groups.collect::<Vec<_>>(),
            }),
        );
        return;
    }
    console.result(&page.text(console.width()));
    console.result(&format!(
        "{} of {} candidates done ({} from the journal), {refused} refused, {run} run in the emulator; {}",
        done.rows.len(),
        done.candidates,
        done.resumed,
        out.join("report.html").display()
    ));
}

/// Most candidates of a diff that are shown.
const MOST: usize = 40;

fn difference(before: &Path, after: &Path, console: &Console) -> Result<u8> {
    let read = |path: &Path| {
        let file = if path.is_dir() { path.join("results.jsonl") } else { path.to_path_buf() };
        explore::read_rows(&read_text(&file)?, &file.display().to_string())
    };
    let (found, lost, new) = explore::diff(&read(before)?, &read(after)?);
    if console.json() {
        let entry = |d: &explore::Difference| {
            let moved = d.moved.iter().map(|m| json!({ "figure": m.figure, "before": m.before, "after": m.after }));
            json!({
                "group": d.group, "label": d.label, "mapping_moved": d.mapping, "spikes_differ": d.spikes,
                "figures": moved.collect::<Vec<_>>(),
            })
        };
        console.object(
            "explore diff",
            json!({ "differences": found.iter().map(entry).collect::<Vec<_>>(), "only_before": lost, "only_after": new }),
        );
        return Ok(0);
    }
    let mut rows = Vec::new();
    for difference in found.iter().take(MOST) {
        let mark = match (difference.mapping, difference.spikes) {
            (_, true) => "spikes differ",
            (true, false) => "moved",
            (false, false) => "same places",
        };
        let name = format!("{}: {}", difference.group, difference.label);
        if difference.moved.is_empty() {
            rows.push(vec![name.clone(), mark.to_owned(), String::new(), String::new(), String::new(), String::new()]);
        }
        rows.extend(difference.moved.iter().map(|m| {
            let percent =
                if m.before == 0.0 { String::new() } else { format!("{:+.1} %", 100.0 * (m.after / m.before - 1.0)) };
            let numbers = [m.before, m.after]
                .map(|value| if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4e}") });
            let [before, after] = numbers;
            vec![name.clone(), mark.to_owned(), m.figure.to_owned(), before, after, percent]
        }));
    }
    if !rows.is_empty() {
        console.result(&console.table(&["mapping", "places", "figure", "before", "after", "change"], rows));
    }
    console.result(&format!(
        "{} candidates differ, {} only before, {} only after; less is better in every figure",
        found.len(),
        lost.len(),
        new.len()
    ));
    Ok(0)
}
