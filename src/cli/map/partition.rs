//! `map partition`: a hypergraph from its file to a partition file.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::console::{Console, must_not_exist, read_bytes, read_text, write};
use super::clock::{Clock, check_limit, interrupted};
use super::place::name;
use crate::diag::{Problem, Result};
use crate::partition::layers::{Layers, Order};
use crate::partition::tiling::Tiling;
use crate::partition::{self, Hypergraph, Limits, Partition, Strategy, Task, formats, order, snn};

/// Seconds where none are given; the work is planned to stay well below on two common cores.
const TIME_LIMIT: f64 = 55.0;

#[derive(Debug, ClapArgs)]
pub(super) struct PartitionArgs {
    /// A hypergraph, one net a neuron, its weight the neuron's spikes: AxonFlow's .snn, or hMETIS's .hgr, which is text and
    /// may have another ending; `map export` writes both of a network
    #[arg(required_unless_present = "generate", conflicts_with = "generate")]
    pub file: Option<PathBuf>,
    /// Divide a network made from its layers instead, such as conv:4x256x256/8k5p2/4k5p2 (CxHxW, then conv CkK[sS][pP],
    /// poolK or a dense layer's size); conv-tiling, the default for it, lists no connection
    #[arg(long, value_name = "conv:LAYERS", conflicts_with = "sources")]
    pub generate: Option<String>,
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
    /// Strategy with parameters, such as multilevel,cycles=4: sequential, overlap-greedy, multilevel (default),
    /// conv-tiling,net=LAYERS,order=chw|hwc, external,file=FILE; metis in builds with that feature
    #[arg(long, value_name = "NAME[,KEY=VALUE...]")]
    pub strategy: Option<String>,
    /// Seed of strategies that draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds that the search may take
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,
    /// Write the partition: the part of every vertex, one a line (hMETIS)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the spikes from core to core, as `map place` reads them: cores and a side that holds them, "u v spikes"
    #[arg(long, value_name = "FILE")]
    pub traffic: Option<PathBuf>,
    /// Overwrite the files
    #[arg(long)]
    pub force: bool,
}

/// What was divided, into what, and the spikes between the cores where they are asked for.
struct Outcome {
    name: String,
    vertices: usize,
    found: Partition,
    fault: Option<Problem>,
    traffic: Option<Vec<(u32, u32, f64)>>,
    /// In how many parts a spike is counted.
    parts: u64,
}

pub(super) fn run(args: &PartitionArgs, console: &Console) -> Result<u8> {
    for output in [&args.output, &args.traffic].into_iter().flatten() {
        must_not_exist(output, args.force)?;
    }
    check_limit(args.time_limit)?;
    let clock = Clock::new(args.time_limit.unwrap_or(TIME_LIMIT), console, "partitioning");
    let outcome = match &args.generate {
        Some(text) => generated(args, text, &clock)?,
        None => {
            let file = args.file.as_deref().unwrap_or(Path::new("-"));
            let (graph, parts) = read(args, file)?;
            Outcome { parts, ..divide(args, &graph, &file.display().to_string(), "multilevel", &clock)? }
        }
    };
    let seconds = clock.seconds();
    clock.bar.finish_and_clear();
    if let Some(output) = &args.output {
        write(output, formats::write_division(&outcome.found.division).as_bytes(), args.force)?;
    }
    if let (Some(output), Some(traffic)) = (&args.traffic, &outcome.traffic) {
        write(output, listed(traffic, outcome.found.measures.cores).as_bytes(), args.force)?;
    }
    show(args, &outcome, seconds, console);
    match outcome.fault {
        Some(fault) => Err(fault.into()),
        None => Ok(if interrupted() { super::super::INTERRUPTED } else { 0 }),
    }
}

/// A hypergraph by the named strategy.
fn divide(args: &PartitionArgs, graph: &Hypergraph, name: &str, default: &str, clock: &Clock) -> Result<Outcome> {
    let strategy: Strategy = args.strategy.as_deref().unwrap_or(default).parse()?;
    let given = strategy.text("file").map(|path| {
        let text = read_text(Path::new(path))?;
        formats::read_division(&text, path, graph.vertices())
    });
    let given = given.transpose()?;
    let limits = limits(args, graph.vertices(), graph.neurons())?;
    let task = Task { graph, limits, name, seed: args.seed, watch: clock, given: given.as_deref() };
    let found = partition::partition(&task, &strategy)?;
    Ok(Outcome {
        name: name.to_owned(),
        vertices: graph.vertices(),
        fault: found.fault(&task),
        traffic: args.traffic.is_some().then(|| partition::traffic(graph, &found.division)),
        found,
        parts: 1,
    })
}

/// A network of layers: without a list of its connections by `conv-tiling`, with one by the others.
fn generated(args: &PartitionArgs, text: &str, clock: &Clock) -> Result<Outcome> {
    let Some(net) = text.strip_prefix("conv:") else {
        return Err(Problem::invalid("partition/layers", "--generate", format!("'{text}' is no generator"))
            .limit("conv:LAYERS")
            .help("write conv:4x256x256/8k5p2/4k5p2, for example")
            .into());
    };
    let layers = Layers::read(net, "--generate")?;
    let line = args.strategy.as_deref().unwrap_or("conv-tiling");
    let strategy: Strategy = line.parse()?;
    if strategy.known.name != "conv-tiling" {
        return divide(args, &layers.hypergraph(Order::ChannelsFirst, "--generate")?, text, line, clock);
    }
    if strategy.text("net").is_some_and(|other| other != net) {
        return Err(Problem::invalid(
            "partition/parameter",
            "strategy 'conv-tiling'",
            "net= is not what --generate makes",
        )
        .help("leave net= out")
        .into());
    }
    order(&strategy)?;
    let limits = limits(args, layers.neurons(), layers.neurons() as u64)?;
    let tiling = Tiling::choose(&layers, &limits, strategy.value("slack"), "--generate")?;
    let traffic = args.traffic.is_some().then(|| tiling.traffic("--generate")).transpose()?;
    let order = if strategy.text("order") == Some("hwc") { Order::ChannelsLast } else { Order::ChannelsFirst };
    let found = Partition {
        division: tiling.division(order),
        measures: tiling.measures(),
        limits,
        strategy: strategy.to_string(),
        cut: false,
    };
    Ok(Outcome { name: text.to_owned(), vertices: layers.neurons(), found, fault: None, traffic, parts: 1 })
}

/// The hypergraph, and in how many parts its spikes are counted.
fn read(args: &PartitionArgs, file: &Path) -> Result<(Hypergraph, u64)> {
    let shown = file.display().to_string();
    if is_snn(file) {
        if let Some(sources) = &args.sources {
            let what = format!("{} beside {shown}", sources.display());
            return Err(Problem::invalid("partition/pin", "--sources", what)
                .help("a .snn file names the source of every net: leave --sources out")
                .into());
        }
        return snn::read_snn(&read_bytes(file)?, &shown);
    }
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    if OTHERS.contains(&ending.as_str()) {
        return Err(Problem::invalid("partition/format", shown, format!("'.{ending}' is not a format of hypergraphs"))
            .limit("hMETIS's .hgr and AxonFlow's .snn")
            .help(
                "spikeloom map export NETWORK -o net.hgr writes the hypergraph of a network (.nir, .h5, .hdf5, .json)",
            )
            .into());
    }
    let text = read_text(file)?;
    let open = |path: &PathBuf| -> Result<(String, String)> { Ok((read_text(path)?, path.display().to_string())) };
    let sources = args.sources.as_ref().map(open).transpose()?;
    let sources = sources.as_ref().map(|(text, name)| (text.as_str(), name.as_str()));
    Ok((formats::read_hgr(&text, &shown, sources)?, 1))
}

/// Endings of files that are known to be something else.
const OTHERS: [&str; 9] = ["nir", "h5", "hdf5", "json", "onnx", "img", "npz", "npy", "toml"];

/// Whether a file is one of AxonFlow's, by its name.
pub(super) fn is_snn(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("snn"))
}

/// The list of traffic that `map place` reads.
fn listed(traffic: &[(u32, u32, f64)], cores: usize) -> String {
    let side = (1..).find(|side| side * side >= cores).unwrap_or(cores);
    let mut text = format!("{cores} {side}\n");
    for (from, to, spikes) in traffic {
        text.push_str(&format!("{from} {to} {spikes}\n"));
    }
    text
}

fn limits(args: &PartitionArgs, vertices: usize, all: u64) -> Result<Limits> {
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
    if parts == 0 || parts > vertices {
        return Err(Problem::invalid("partition/limit", "--parts", format!("{parts} parts"))
            .limit(format!("1 to {vertices}, the vertices"))
            .help("fewer parts")
            .into());
    }
    if !(0.0..=1e3).contains(&args.imbalance) {
        return Err(Problem::invalid("partition/limit", "--imbalance", args.imbalance.to_string())
            .limit("0 to 1000")
            .help("0.04 lets each of two parts hold 48 to 52 %")
            .into());
    }
    let mean = all.div_ceil(parts as u64);
    let neurons = (mean as f64 * (1.0 + args.imbalance)) as u64;
    Ok(Limits { axons, parts: Some(parts), ..Limits::of_neurons(neurons) })
}

fn show(args: &PartitionArgs, outcome: &Outcome, seconds: f64, console: &Console) {
    let (found, measures) = (&outcome.found, &outcome.found.measures);
    let mut digest = crate::digest::Digester::default();
    found.division.iter().for_each(|part| digest.word(u64::from(*part)));
    let digest = digest.finish();
    if console.json() {
        let mut value = json!({
            "file": outcome.name, "vertices": outcome.vertices,
            "strategy": found.strategy, "seed": args.seed, "km1": measures.km1, "cut": measures.cut,
            "cores": measures.cores, "neurons_max": measures.neurons_max, "axons_max": measures.axons_max,
            "axons_sum": measures.axons_sum, "connectivity": measures.connectivity,
            "spike_parts": outcome.parts, "cores_over_a_limit": measures.illegal, "cut_by_the_clock": found.cut, "seconds": seconds,
            "digest": digest.to_string(),
        });
        // A generated network is large; its parts go to a file.
        if let Some(value) = value.as_object_mut().filter(|_| args.generate.is_none()) {
            value.insert("partition".to_owned(), json!(found.division));
        }
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
        if args.generate.is_some() { outcome.name.clone() } else { name(Path::new(&outcome.name)) },
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
    if outcome.parts > 1 {
        console.result(&format!("km1 and cut count {} parts of a spike", outcome.parts));
    }
}
