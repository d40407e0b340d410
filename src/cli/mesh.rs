//! `mesh`: the latency-load curve of a clocked mesh alone.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::args::pair;
use super::console::{Console, must_not_exist, write};
use super::session::threads;
use crate::curve::{self, Outcome, Pattern, Preset, Run};
use crate::diag::{Problem, Result};
use crate::report::{Curve, CurveMeasure, CurvePoint};

/// Most loads of a curve.
const MOST_LOADS: usize = 1_000;

#[derive(Debug, ClapArgs)]
pub(super) struct MeshArgs {
    /// A built-in mesh (queued, registered) or a mesh file
    #[arg(value_name = "NAME|FILE", default_value = "queued")]
    pub mesh: String,
    /// Override any key of the mesh file, such as depth=4 or arbitration=fixed; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where packets go: uniform, transpose, bitcomp, bitrev, shuffle, tornado, neighbor or hotspot:NODE
    #[arg(long, value_name = "NAME", default_value = "uniform")]
    pub pattern: String,
    /// Packets that a node makes in a cycle, ascending
    #[arg(long, value_name = "LOAD", value_delimiter = ',', default_values_t = [0.005, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45])]
    pub loads: Vec<f64>,
    /// Cycles of a sample period; a load warms up for three and is measured for three or more
    #[arg(long, value_name = "CYCLES", default_value_t = 2000)]
    pub period: u64,
    /// Measure overloaded meshes too: a run does not end where packets take too long
    #[arg(long)]
    pub throughput: bool,
    /// Seed of the traffic
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Write the points as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a page with the curve
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &MeshArgs, console: &Console) -> Result<u8> {
    for path in [&args.csv, &args.html].into_iter().flatten() {
        must_not_exist(path, args.force)?;
    }
    let set = args.set.iter().map(|text| pair(text, "--set")).collect::<Result<Vec<_>>>()?;
    let preset = curve::load(&args.mesh, &set)?;
    let pattern = Pattern::from_name(&args.pattern)?;
    check_loads(&args.loads)?;
    let run = |&offered: &f64| Run {
        mesh: preset.mesh,
        pattern,
        measure_latency: !args.throughput,
        offered,
        seed: args.seed,
        sample_period: args.period,
    };
    let runs: Vec<Run> = args.loads.iter().map(run).collect();
    let ended = curve::sweep(&runs, threads(args.threads))?;
    let point =
        |(&offered, (outcome, _)): (&f64, &curve::Ended)| CurvePoint { offered, measured: outcome.map(measure) };
    let points: Vec<CurvePoint> = args.loads.iter().zip(&ended).map(point).collect();
    let latencies: Vec<_> =
        points.iter().map(|it| (it.offered, it.measured.map(|measured| measured.latency))).collect();
    let curve = Curve { title: title(&preset, args), points, knee: curve::knee(&latencies) };
    if let Some(path) = &args.csv {
        write(path, curve.csv().as_bytes(), args.force)?;
    }
    if let Some(path) = &args.html {
        write(path, curve.html().as_bytes(), args.force)?;
    }
    if console.json() {
        console.object("mesh", object(&preset, args, &curve));
    } else {
        console.result(&curve.text(console.width()));
    }
    Ok(0)
}

fn check_loads(loads: &[f64]) -> Result<()> {
    if loads.len() > MOST_LOADS {
        let problem = Problem::invalid("mesh/loads", "--loads", format!("lists {} loads", loads.len()));
        return Err(problem.limit(MOST_LOADS.to_string()).into());
    }
    if !loads.is_sorted_by(|a, b| a < b) {
        return Err(Problem::invalid("mesh/loads", "--loads", "are not in ascending order").into());
    }
    Ok(())
}

fn title(preset: &Preset, args: &MeshArgs) -> String {
    let (width, height) = preset.mesh.size();
    format!(
        "{}, {width} x {height}, {} traffic, seed {}: {} cycles through one empty router, {} through two; {:.3} packets a \
         cycle on a link at most",
        preset.title,
        args.pattern,
        args.seed,
        preset.mesh.zero_load_latency(1),
        preset.mesh.zero_load_latency(2),
        preset.mesh.link_bound(),
    )
}

const fn measure(outcome: Outcome) -> CurveMeasure {
    let Outcome { latency, latency_min, latency_max, network_latency, accepted, accepted_min, injected, hops, cycles } =
        outcome;
    CurveMeasure { latency, latency_min, latency_max, network_latency, accepted, accepted_min, injected, hops, cycles }
}

fn object(preset: &Preset, args: &MeshArgs, curve: &Curve) -> Value {
    let (width, height) = preset.mesh.size();
    let point = |point: &CurvePoint| match &point.measured {
        None => json!({ "offered": point.offered, "stable": false }),
        Some(measured) => json!({
            "offered": point.offered, "stable": true,
            "latency": measured.latency, "latency_min": measured.latency_min, "latency_max": measured.latency_max,
            "network_latency": measured.network_latency, "accepted": measured.accepted,
            "accepted_min": measured.accepted_min, "injected": measured.injected, "hops": measured.hops,
            "cycles": measured.cycles,
        }),
    };
    json!({
        "mesh": preset.name, "width": width, "height": height, "pattern": args.pattern, "seed": args.seed,
        "period": args.period, "zero_load_latency_of_one_router": preset.mesh.zero_load_latency(1),
        "knee": curve.knee, "points": curve.points.iter().map(point).collect::<Vec<_>>(),
    })
}
