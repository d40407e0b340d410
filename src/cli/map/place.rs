//! `map place`: a placement benchmark from its file to a permutation.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::super::console::{Console, must_not_exist, read_text, write};
use super::clock::{Clock, check_limit, interrupted};
use crate::diag::{Problem, Result};
use crate::place::{self, Budget, Mesh, Strategy, Task, formats};

#[derive(Debug, ClapArgs)]
pub(super) struct PlaceArgs {
    /// A QAPLIB file, or a list: "n side", then "u v traffic" lines
    pub file: PathBuf,
    /// Side of the square mesh of a list whose first line is "n" alone
    #[arg(long, value_name = "N")]
    pub side: Option<usize>,
    /// Strategy with parameters, such as anneal,start=hilbert: auto, row-major, zigzag, random, hilbert, hilbert-force,
    /// spectral, bisection, greedy, multilevel, best, anneal, tabu, pso
    #[arg(long, value_name = "NAME[,KEY=VALUE...]", default_value = "auto")]
    pub strategy: String,
    /// Seed of strategies that draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds that the search may take; also sets how much work is planned
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,
    /// Independent searches side by side, of which the best is taken; fewer are run where memory would not hold them
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub chains: usize,
    /// Write the permutation: n and cost, then the place of every cluster (QAPLIB .sln)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// What a file held and what was found.
struct Outcome {
    clusters: usize,
    mesh: String,
    permutation: Vec<u32>,
    cost: f64,
    strategy: String,
    facts: Value,
}

pub(super) fn run(args: &PlaceArgs, console: &Console) -> Result<u8> {
    if let Some(output) = &args.output {
        must_not_exist(output, args.force)?;
    }
    let strategy: Strategy = args.strategy.parse()?;
    let chains = args.chains;
    if chains == 0 || chains > 64 {
        return Err(Problem::invalid("cli/chains", "--chains", format!("{chains} searches"))
            .limit("1 to 64")
            .help("2 fit most machines")
            .into());
    }
    check_limit(args.time_limit)?;
    let text = read_text(&args.file)?;
    let begun = Instant::now();
    let outcome = if args.side.is_some() || formats::is_traffic(&text) {
        traffic(args, &text, &strategy, console)?
    } else {
        assignment(args, &text, &strategy, console)?
    };
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(output) = &args.output {
        write(output, permutation(&outcome).as_bytes(), args.force)?;
    }
    let mut digest = crate::digest::Digester::default();
    outcome.permutation.iter().for_each(|p| digest.word(u64::from(*p)));
    let digest = digest.finish();
    if console.json() {
        let mut value = json!({
            "file": args.file.display().to_string(), "clusters": outcome.clusters, "mesh": outcome.mesh,
            "strategy": outcome.strategy, "seed": args.seed, "cost": number(outcome.cost), "seconds": seconds,
            "digest": digest.to_string(), "permutation": outcome.permutation,
        });
        if let (Some(value), Some(facts)) = (value.as_object_mut(), outcome.facts.as_object()) {
            value.extend(facts.clone());
        }
        console.object("map place", value);
    } else {
        let header = ["file", "clusters", "mesh", "strategy", "seed", "cost", "seconds", "digest"];
        let row = [
            name(&args.file),
            outcome.clusters.to_string(),
            outcome.mesh.clone(),
            outcome.strategy.clone(),
            args.seed.to_string(),
            number(outcome.cost).to_string(),
            format!("{seconds:.2}"),
            digest.short(),
        ];
        console.result(&console.table(&header, vec![row.to_vec()]));
    }
    Ok(if interrupted() { super::super::INTERRUPTED } else { 0 })
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whole costs without a fraction.
fn number(cost: f64) -> Value {
    if cost.fract() == 0.0 && cost.abs() < 9e15 { json!(cost as i64) } else { json!(cost) }
}

/// As QAPLIB writes solutions: n and cost, then the permutation from 1.
fn permutation(outcome: &Outcome) -> String {
    let mut text = format!("{} {}\n", outcome.permutation.len(), number(outcome.cost));
    for line in outcome.permutation.chunks(20) {
        let line: Vec<String> = line.iter().map(|p| (p + 1).to_string()).collect();
        text.push_str(&line.join(" "));
        text.push('\n');
    }
    text
}

fn clock(args: &PlaceArgs, default: f64, console: &Console) -> Clock {
    Clock::new(args.time_limit.unwrap_or(default), console, "placing")
}

fn budget<'a>(args: &PlaceArgs, clock: &'a Clock) -> Budget<'a> {
    Budget { seed: args.seed, seconds: clock.limit.as_secs_f64(), chains: args.chains, watch: clock }
}

/// A list of traffic on a square mesh.
fn traffic(args: &PlaceArgs, text: &str, strategy: &Strategy, console: &Console) -> Result<Outcome> {
    let file = args.file.display().to_string();
    let (flow, side) = formats::read_traffic(text, &file, args.side)?;
    let mesh = Mesh::new(side, side, &file)?;
    let clock = clock(args, place::default_limit(&flow), console);
    let task = Task { flow: &flow, mesh: &mesh, name: &file, budget: budget(args, &clock) };
    let placed = place::place(&task, strategy)?;
    clock.bar.finish_and_clear();
    Ok(Outcome {
        clusters: flow.clusters(),
        mesh: format!("{side} x {side}"),
        permutation: placed.slot,
        cost: placed.cost,
        strategy: placed.strategy,
        facts: json!({
            "edges": flow.entries() / 2, "largest_link_load": placed.congestion.map(|found| found[0]),
            "chip_crossings": placed.congestion.map(|found| found[1]),
        }),
    })
}

/// A QAPLIB file: its grid with blocked cells becomes a mesh; without a grid tabu search takes the bare matrices.
fn assignment(args: &PlaceArgs, text: &str, strategy: &Strategy, console: &Console) -> Result<Outcome> {
    let file = args.file.display().to_string();
    let qap = formats::read_qap(text, &file)?;
    let grid = qap.grid()?;
    let (place, mesh, strategy) = if grid.cells.is_empty() {
        if !["auto", "tabu"].contains(&strategy.known.name) || strategy.start.is_some() {
            let what = format!("'{strategy}' needs a mesh, and no matrix of the file is one");
            return Err(Problem::invalid("place/grid", file, what).help("use --strategy tabu").into());
        }
        let clock = clock(args, place::dense_limit(qap.n), console);
        let place = place::assign(&qap.dense(&grid), &budget(args, &clock), strategy.value("iterations"), None);
        clock.bar.finish_and_clear();
        (place, "none".to_owned(), "tabu".to_owned())
    } else {
        let (flow, mesh, number) = qap.problem(&grid)?;
        let clock = clock(args, place::default_limit(&flow), console);
        let task = Task { flow: &flow, mesh: &mesh, name: &file, budget: budget(args, &clock) };
        let placed = place::place(&task, strategy)?;
        clock.bar.finish_and_clear();
        let holes = mesh.slots() - qap.n;
        let holes = if holes > 0 { format!(" - {holes}") } else { String::new() };
        let place = placed.slot.iter().map(|slot| number[*slot as usize]).collect();
        (place, format!("{} x {}{holes}", mesh.width, mesh.height), placed.strategy)
    };
    let permutation = qap.permutation(&grid, &place);
    Ok(Outcome {
        clusters: qap.n,
        mesh,
        cost: qap.cost(&permutation),
        permutation,
        strategy,
        facts: json!({ "distance_matrix": if grid.first { "A" } else { "B" } }),
    })
}
