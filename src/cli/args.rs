//! What the command line accepts.

use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(super) use super::choice::{ChipChoice, ChipTuning, ImageChip};
use super::place::Mapping;
use crate::diag::{Problem, Result};
use crate::graph::ReadOptions;
use crate::stimulus::MAX_TICKS;

/// Emulate neuromorphic chips and map spiking networks onto them.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, arg_required_else_help = true, max_term_width = 120)]
#[command(after_help = "Exit codes: 0 ok, 1 invalid input, 2 usage, 3 does not fit on the chip, 4 verification or \
                        strict mode failed, 101 a bug of ours, 130 interrupted.")]
pub(super) struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Wishes about the output.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Common {
    /// Print the result as one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Tell more on stderr: every compiler pass
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Tell only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Colour on stderr; `auto` honours `NO_COLOR`
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the embedded example on TrueNorth and on Loihi and compare them
    Demo(DemoArgs),
    /// Compile a network to a chip image
    Compile(CompileArgs),
    /// Convert a trained ReLU network (ONNX, NIR) to a spiking one, and compare the two
    Convert(super::convert::ConvertArgs),
    /// Read a chip-level file of another tool: RANC, tinyODIN, IBM NSCS
    Import(ImportArgs),
    /// Write an image, and its stimulus, as files of IBM's TrueNorth software
    Export(super::export::ExportArgs),
    /// Power over rate and synapse count with synthetic networks, beside what was measured
    Sweep(SweepArgs),
    /// Run an image with a stimulus: spikes, energy, latency
    Run(RunArgs),
    /// Run several networks on one chip with the same samples, and compare accuracy, energy, latency and cores
    Compare(super::compare::CompareArgs),
    /// Show what an image holds and how full each core is
    Inspect(InspectArgs),
    /// Prove an image against the network it came from
    Verify(VerifyArgs),
    /// Render the report of a run again: terminal, JSON or HTML
    Report(ReportArgs),
    /// List, show and check chip descriptions
    Chip(ChipArgs),
    /// Boards of chips: list, show, check, send packets over their links, lay networks onto them
    Board(super::board::BoardArgs),
    /// Show samples to an image that learns, and compare how it reads them before and after
    Learn(super::learn::LearnArgs),
    /// Train a small network on the embedded digits
    Train(super::train::TrainArgs),
    /// Count the spikes of every neuron in a run, for strategies that weigh traffic
    Profile(super::profile::ProfileArgs),
    /// Explore mappings: networks, chips, strategies and seeds of a sweep file, judged and run, with a report
    Explore(super::explore::ExploreArgs),
    /// Map neurons to cores and cores to a mesh: benchmark formats, scores, tuning
    Map(super::map::MapArgs),
    /// Latency over load of a clocked mesh alone, under made-up traffic
    Mesh(super::mesh::MeshArgs),
    /// Assemble a neuron program: its size and cycles, and every error with line and column
    Asm(super::asm::AsmArgs),
    /// Show a neuron program as canonical text
    Disasm(super::asm::DisasmArgs),
    /// Run one neuron of a program and plot its states and spikes
    Neuron(super::neuron::NeuronArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// How a network file is read.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Reading {
    /// Import profile, with changes: snntorch, norse, sinabs, spikingjelly, spyx, rockpool; e.g. sinabs,reset=value
    #[arg(long, value_name = "NAME[,KEY=VALUE...]")]
    pub profile: Option<String>,
    /// Seconds per tick, where the file does not tell
    #[arg(long, value_name = "SECONDS")]
    pub dt: Option<f64>,
}

impl Reading {
    /// As the graph room wants it.
    pub(super) fn options(&self) -> Result<ReadOptions> {
        let mut parts =
            self.profile.as_deref().unwrap_or_default().split(',').filter(|part| !part.is_empty()).peekable();
        let named = parts.next_if(|part| !part.contains('=')).map(str::to_owned);
        Ok(ReadOptions {
            profile: named,
            dt: self.dt,
            set: parts.map(|text| pair(text, "--profile")).collect::<Result<_>>()?,
        })
    }
}

/// Ticks of a sample.
fn ticks() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(MAX_TICKS))
}

/// Splits `key=value`.
pub(super) fn pair(text: &str, flag: &str) -> Result<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).ok_or_else(|| {
        Problem::invalid("cli/pair", flag, format!("'{text}' is no KEY=VALUE"))
            .help(format!("write {flag} KEY=VALUE without spaces"))
            .into()
    })
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// Folder for the reports, which are refreshed there
    #[arg(short, long, value_name = "DIR", default_value = "out/demo")]
    pub out: PathBuf,
    /// Test digits to run
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompileArgs {
    /// The network: .nir (HDF5) or native .json
    pub network: PathBuf,
    #[command(flatten)]
    pub chip: ChipChoice,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub mapping: Mapping,
    /// The image to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Also write the chip-integer network as native JSON
    #[arg(long, value_name = "FILE")]
    pub integers: Option<PathBuf>,
    /// Choose scales from what the float network does with this stimulus; with --split-fan-in, also run the network in its
    /// integers, whole and split, and tell how many spikes differ
    #[arg(long, value_name = "FILE")]
    pub calibrate: Option<PathBuf>,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// How a stimulus file becomes spikes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct StimulusArgs {
    /// Ticks of each sample; else what the stimulus holds
    #[arg(long, value_name = "N", value_parser = ticks())]
    pub ticks: Option<u32>,
    /// Microseconds of a recording per tick
    #[arg(long, value_name = "US", default_value_t = 1000)]
    pub bin_us: u32,
    /// The file holds values, not spikes: how they become spikes, rate or latency; or they stay values (value)
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Latency: the ticks in which values become times, where samples go on behind them; else all
    #[arg(long, value_name = "N", value_parser = ticks())]
    pub window: Option<u32>,
    /// Several events of one input in one tick count as one
    #[arg(long)]
    pub binary: bool,
    /// Seed of random encodings
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub encoding_seed: u64,
    /// Run only the first N samples
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ImportArgs {
    /// The file, or the folder with RANC's .mem files
    pub file: PathBuf,
    /// What it is, where it is not recognised
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// RANC: the simulator's configuration file, which goes before what the network looks like
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The chip, where it is not the built-in one of the format
    #[arg(long, value_name = "NAME|FILE")]
    pub chip: Option<String>,
    #[command(flatten)]
    pub tuning: ChipTuning,
    /// The image to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Also write the stimulus that the file holds, as .csv for `run`
    #[arg(long, value_name = "FILE")]
    pub stimulus: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// A model file of IBM's NSCS (TrueNorth)
    Nscs,
    /// The input file of RANC's simulator
    RancJson,
    /// A folder of csram_NNN.mem and tc_NNN.mem
    RancMem,
    /// Registers and memories of tinyODIN, as isa/README.md describes
    Tinyodin,
    /// A small program of one crossbar core, as programs/README.md describes
    Crossbar,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    /// The image that `compile` wrote
    pub image: PathBuf,
    /// The stimulus: .npz, .npy, .csv (tick,input[,value]), .sfti, .bs2/.bin, IDX images, a folder or a list of recordings
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    #[command(flatten)]
    pub chip: ImageChip,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// Function and time, or function only
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub timing: Switch,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// End at the first modelled fault, with exit code 4
    #[arg(long)]
    pub strict: bool,
    /// What is read as the class: spike count, first spike or membrane
    #[arg(long, value_enum, default_value_t = ReadoutChoice::Count)]
    pub readout: ReadoutChoice,
    /// Whose spikes are kept: outputs, all, none, or population names separated by commas
    #[arg(long, value_name = "WHAT", default_value = "outputs")]
    pub record: String,
    /// Write the first sample as a waveform for GTKWave or Surfer: FSM states, buffers, packets, spikes
    #[arg(long, num_args = 2, value_names = ["vcd|fst", "FILE"])]
    pub trace: Option<Vec<String>>,
    /// Tell the life of a neuron in the first sample, such as core3.neuron17, and trace its potential; repeatable
    #[arg(long, value_name = "NEURON")]
    pub watch: Vec<String>,
    /// Tell the life of one packet of RANC, or event of tinyODIN, in the first sample: core3.neuron17@5 (its first from tick 5
    /// on) or input@9
    #[arg(long, value_name = "PACKET")]
    pub watch_packet: Option<String>,
    #[command(flatten)]
    pub learning: super::learn::Learned,
    /// Folder for report.json, report.html, spikes.csv, digest.txt
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReadoutChoice {
    /// Most spikes, ties by membrane
    Count,
    /// First spike, ties by membrane
    First,
    /// Highest membrane after the last tick
    Membrane,
}

#[derive(Debug, ClapArgs)]
pub(super) struct InspectArgs {
    /// The image
    pub image: PathBuf,
    #[command(flatten)]
    pub chip: ImageChip,
}

#[derive(Debug, ClapArgs)]
pub(super) struct VerifyArgs {
    /// The image
    pub image: PathBuf,
    /// The network it came from
    pub network: PathBuf,
    #[command(flatten)]
    pub chip: ImageChip,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub mapping: Mapping,
    /// Also run emulator and oracle side by side on random spikes, for this many ticks
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = ticks())]
    pub ticks: u32,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// The folder that `run` wrote, or its report.json
    pub run: PathBuf,
    /// Write an HTML page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ChipArgs {
    #[command(subcommand)]
    pub action: ChipAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChipAction {
    /// The built-in chips
    List,
    /// Everything about a chip, each number with its source
    Show {
        /// A built-in chip or a chip file
        chip: String,
        #[command(flatten)]
        tuning: ChipTuning,
    },
    /// Check a chip file and say what is wrong with it
    Check {
        /// Chip files
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Print the annotated example: every key with its meaning
    Default,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SweepArgs {
    /// A built-in chip or a chip file, with one-bit crossbars
    #[arg(long, value_name = "NAME|FILE", default_value = "truenorth")]
    pub chip: String,
    #[command(flatten)]
    pub tuning: ChipTuning,
    /// Mean rates, in spikes of a neuron in 1000 ticks
    #[arg(long, value_name = "HZ", value_delimiter = ',', default_values_t = [0.0, 20.0, 50.0, 100.0, 200.0])]
    pub rates: Vec<f64>,
    /// Synapses of each axon
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0, 64, 128, 192, 256])]
    pub synapses: Vec<u16>,
    /// Also run the published operating points, each at its own supply and tick
    #[arg(long)]
    pub published: bool,
    /// Run nothing but the published operating points
    #[arg(long)]
    pub only_published: bool,
    /// Ticks that are billed, after a lead-in of 20
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub ticks: u32,
    /// Load only the first N cores; the chip's memory is swept and its leakage flows all the same
    #[arg(long, value_name = "N")]
    pub cores: Option<u32>,
    /// Every neuron draws a random threshold in every tick
    #[arg(long)]
    pub stochastic: bool,
    /// Seed of the networks
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Write the points as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a page with the heat map
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}
