//! `map partition`: a hypergraph from its file to a partition file.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::console::{Console, must_not_exist, read_text, write};
use super::clock::{Clock, check_limit, interrupted};
use super::place::name;
use crate::diag::{Problem, Result};
use crate::partition::{self, Hypergraph, Limits, Partition, Strategy, Task, formats};

/// Seconds where none are given; the work is planned to stay well below on two common cores.
const TIME_LIMIT: f64 = 55.0;

#[derive(Debug, ClapArgs)]
pub(super) struct PartitionArgs {
    /// An hMETIS hypergraph: one net a neuron, its weight the neuron's spikes
    pub file: PathBuf,
    /// Neurons that a core holds
    #[arg(long, value_name = "N", required_unless_present = "parts", conflicts_with = "parts")]
    pub neurons: Option<u64>,
    /// Distinct inbound axons that a core takes; without it any number
    #[arg(long, value_name = "A")]
    pub axons: Option<u64>,
    /// Sources of the nets, one vertex from 0 a line; without it the first pin of a net is its source
    #[arg(long, value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Divide into this many parts of like size instead
    #[arg(long, value_name = "K")]
    pub parts: Option<usize>,
    /// By which share a part may exceed the mean
    #[arg(long, value_name = "E", default_value_t = 0.04, requires = "parts")]
    pub imbalance: f64,
    /// Strategy with parameters, such as multilevel,cycles=4: sequential, overlap-greedy, multilevel, external,file=FILE
    #[arg(long, value_name = "NAME[,KEY=VALUE...]", default_value = "multilevel")]
    pub strategy: String,
    /// Seed of strategies that draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds that the search may take
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,
    /// Write the partition: the part of every vertex, one a line (hMETIS)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &PartitionArgs, console: &Console) -> Result<u8> {
    if let Some(output) = &args.output {
        must_not_exist(output, args.force)?;
    }
    let strategy: Strategy = args.strategy.parse()?;
    check_limit(args.time_limit)?;
    let file = args.file.display().to_string();
    let graph = read(args, &file)?;
    let limits = limits(args, &graph)?;
    let given = strategy.text("file").map(|path| {
        let text = read_text(Path::new(path))?;
        formats::read_division(&text, path, graph.vertices())
    });
    let given = given.transpose()?;
    let clock = Clock::new(args.time_limit.unwrap_or(TIME_LIMIT), console, "partitioning");
    let task = Task { graph: &graph, limits, name: &file, seed: args.seed, watch: &clock, given: given.as_deref() };
    let found = partition::partition(&task, &strategy)?;
    let seconds = clock.seconds();
    clock.bar.finish_and_clear();
    if let Some(output) = &args.output {
        write(output, formats::write_division(&found.division).as_bytes(), args.force)?;
    }
    show(args, &graph, &found, seconds, console);
    if let Some(fault) = found.fault(&task) {
        return Err(fault.into());
    }
    Ok(if interrupted() { super::super::INTERRUPTED } else { 0 })
}

fn read(args: &PartitionArgs, file: &str) -> Result<Hypergraph> {
    let text = read_text(&args.file)?;
    let open = |path: &PathBuf| -> Result<(String, String)> { Ok((read_text(path)?, path.display().to_string())) };
    let sources = args.sources.as_ref().map(open).transpose()?;
    formats::read_hgr(&text, file, sources.as_ref().map(|(text, name)| (text.as_str(), name.as_str())))
}

fn limits(args: &PartitionArgs, graph: &Hypergraph) -> Result<Limits> {
    let axons = args.axons.unwrap_or(u64::MAX);
    let positive = |value: u64, option: &str| {
        if value > 0 {
            return Ok(());
        }
        Err(Problem::invalid("partition/limit", option, "a limit of 0").limit("1 or more").help("raise it"))
    };
    positive(axons, "--axons")?;
    let Some(parts) = args.parts else {
        let neurons = args.neurons.unwrap_or(u64::MAX);
        positive(neurons, "--neurons")?;
        return Ok(Limits { axons, ..Limits::of_neurons(neurons) });
    };
    if parts == 0 || parts > graph.vertices() {
        return Err(Problem::invalid("partition/limit", "--parts", format!("{parts} parts"))
            .limit(format!("1 to {}, the vertices", graph.vertices()))
            .help("fewer parts")
            .into());
    }
    if !(0.0..=1e3).contains(&args.imbalance) {
        return Err(Problem::invalid("partition/limit", "--imbalance", args.imbalance.to_string())
            .limit("0 to 1000")
            .help("0.04 lets each of two parts hold 48 to 52 %")
            .into());
    }
    let mean = graph.neurons().div_ceil(parts as u64);
    let neurons = (mean as f64 * (1.0 + args.imbalance)) as u64;
    Ok(Limits { axons, parts: Some(parts), ..Limits::of_neurons(neurons) })
}

fn show(args: &PartitionArgs, graph: &Hypergraph, found: &Partition, seconds: f64, console: &Console) {
    let measures = &found.measures;
    let mut digest = crate::digest::Digester::default();
    found.division.iter().for_each(|part| digest.word(u64::from(*part)));
    let digest = digest.finish();
    if console.json() {
        let value = json!({
            "file": args.file.display().to_string(), "vertices": graph.vertices(), "nets": graph.nets().len(),
            "strategy": found.strategy, "seed": args.seed, "km1": measures.km1, "cut": measures.cut,
            "cores": measures.cores, "neurons_max": measures.neurons_max, "axons_max": measures.axons_max,
            "axons_sum": measures.axons_sum, "connectivity": measures.connectivity,
            "cores_over_a_limit": measures.illegal, "cut_by_the_clock": found.cut, "seconds": seconds,
            "digest": digest.to_string(), "partition": found.division,
        });
        console.object("map partition", value);
        return;
    }
    let header = [
        "file",
        "strategy",
        "seed",
        "km1",
        "cut",
        "cores",
        "max neurons",
        "max axons",
        "connectivity",
        "seconds",
        "digest",
    ];
    let row = vec![
        name(&args.file),
        found.strategy.clone(),
        args.seed.to_string(),
        measures.km1.to_string(),
        measures.cut.to_string(),
        measures.cores.to_string(),
        measures.neurons_max.to_string(),
        measures.axons_max.to_string(),
        format!("{:.3}", measures.connectivity),
        format!("{seconds:.2}{}", if found.cut { " (cut)" } else { "" }),
        digest.short(),
    ];
    console.result(&console.table(&header, vec![row]));
}
