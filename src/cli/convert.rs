//! `convert`: a trained ReLU network becomes a spiking one, and both are shown a test set.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::Args as ClapArgs;
use clap::builder::RangedU64ValueParser;

use super::args::Reading;
use super::console::{Console, must_not_exist, write};
use super::converted;
use super::progress;
use super::session::threads;
use crate::convert::{self, Balance, Coding, Normalise, Plan, Scope, SpikeReset, Units, evaluate, spiking};
use crate::diag::{Problem, Result};
use crate::graph::{self, Ann, AnnOptions, Network};
use crate::report::Conversion;
use crate::stimulus::{self, ImageSet};

/// Most ticks of a conversion: beyond, rates are finer than any weight.
const MOST_TICKS: u64 = 1 << 14;

#[derive(Debug, ClapArgs)]
pub(super) struct ConvertArgs {
    /// The trained network: .onnx, or .nir and .json whose IF neurons stand for ReLUs
    pub model: PathBuf,
    /// Images that the network was trained on, from which thresholds are taken: IDX (-ubyte[.gz]), .npz or .npy
    #[arg(long, value_name = "FILE")]
    pub calibrate: PathBuf,
    /// Use only the first N calibration images
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub calibration_samples: usize,
    /// What a spike stands for: the largest activation (max) or a percentile of those above 0
    #[arg(long, value_name = "max|PERCENT", default_value = "99.9")]
    pub normalise: String,
    /// Whose activations are taken together: layer or channel
    #[arg(long, value_name = "NAME", default_value = "layer")]
    pub scope: String,
    /// Leave the units as they are, with weights and values of 8 bits instead of spikes, for chips with artificial cores
    /// (tianjic, which is meant where --chips names none)
    #[arg(long, conflicts_with_all = ["scope", "coding", "reset", "initial", "headroom", "tune", "ticks", "seed"])]
    pub artificial: bool,
    /// How values become spikes: rate, or first-spike (time to first spike; chips with programmable neurons run it)
    #[arg(long, value_name = "NAME", default_value = "rate")]
    pub coding: String,
    /// What a spike does to the membrane: subtract the threshold, or set it to zero as Loihi does
    #[arg(long, value_name = "NAME", default_value = "subtract")]
    pub reset: String,
    /// Share of its threshold that a membrane holds at the start, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub initial: f64,
    /// A spike stands for so many times that: neurons fire less, and resets to zero throw less away. Default: 1, and 4 with
    /// resets to zero
    #[arg(long, value_name = "FACTOR")]
    pub headroom: Option<f64>,
    /// Average pooling as spiking neurons of its own, rather than in the weights behind it
    #[arg(long)]
    pub pool_neurons: bool,
    /// The pixel value that was 1.0 in training
    #[arg(long, value_name = "N", default_value_t = 255, value_parser = clap::value_parser!(u8).range(1..))]
    pub white: u8,
    /// Fine-tune thresholds with so many calibration images
    #[arg(long, value_name = "IMAGES", default_missing_value = "100", num_args = 0..=1)]
    pub tune: Option<usize>,
    /// Ticks of input, of a window for first spikes. One number: the curve has powers of two up to it; several: those
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [64], value_parser = RangedU64ValueParser::<u32>::new().range(1..=MOST_TICKS))]
    pub ticks: Vec<u32>,
    /// Images, with labels beside them, on which both networks are compared
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Show only the first N test images
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of the phases of the input's spikes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Also compile for these chips and run the test images there: e.g. loihi,truenorth
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "test")]
    pub chips: Vec<String>,
    /// Test images that each chip is shown, by function
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub chip_samples: usize,
    /// Test images that each chip is shown with timing, for energy and latency
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub timed_samples: usize,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    #[command(flatten)]
    pub reading: Reading,
    /// The network to write, native JSON for `compile`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A page with curves and tables
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

impl ConvertArgs {
    /// Where average pooling goes, in words.
    pub(super) fn pooling(&self) -> &'static str {
        if self.pool_neurons { "neurons" } else { "in the weights behind it" }
    }
}

/// What the flags say.
pub(super) struct Wishes {
    pub(super) normalise: Normalise,
    pub(super) scope: Scope,
    pub(super) coding: Coding,
    pub(super) reset: SpikeReset,
    pub(super) ticks: Vec<u32>,
}

pub(super) fn run(args: &ConvertArgs, console: &Console) -> Result<u8> {
    for file in args.output.iter().chain(&args.html) {
        must_not_exist(file, args.force)?;
    }
    if args.artificial {
        return super::artificial::run(args, console);
    }
    let wishes = wishes(args)?;
    let units = Units::new(read_model(&args.model, args, console)?)?;
    let calibration = images(&args.calibrate, Some(args.calibration_samples), &units, args)?;
    let test = args.test.as_ref().map(|path| images(path, args.samples, &units, args)).transpose()?;
    let balanced = convert::balance(&units, &calibration, wishes.normalise, wishes.scope)?;
    let balance = tuned(&units, &balanced, &calibration, wishes.reset, args)?;
    let graph = spiking(&units, &balance, wishes.reset, args.initial);
    if let Some(output) = &args.output {
        let network = match wishes.coding {
            Coding::Rate => Network::Float(graph.clone()),
            Coding::FirstSpike => Network::Int(converted::programmed(&graph, args, &wishes, console)?),
        };
        write(output, graph::write_json(&network).as_bytes(), args.force)?;
        console.say(&format!("wrote {}", output.display()));
    }
    let mut found = converted::describe(&units, &balance, args, &wishes);
    let mut interrupted = false;
    if let Some(test) = &test {
        let plan = Plan {
            coding: wishes.coding,
            reset: wishes.reset,
            ticks: wishes.ticks.clone(),
            seed: args.seed,
            threads: threads(args.threads),
            examined: 100,
        };
        let bar = progress::bar(console, test.images.len() as u64, "both networks");
        let stop = progress::interrupt();
        let started = Instant::now();
        let evaluation = evaluate(&units, &graph, &balance, test, &plan, &|done| {
            bar.set_position(done as u64);
            !stop.load(Ordering::Relaxed)
        })?;
        bar.finish_and_clear();
        interrupted = evaluation.interrupted;
        console.say(&format!(
            "{} images through both networks in {:.1} s on {} threads",
            evaluation.images,
            started.elapsed().as_secs_f64(),
            plan.threads
        ));
        converted::measured(&mut found, &units, &evaluation);
        for chip in args.chips.iter().filter(|_| !interrupted) {
            let shown = converted::Shown { units: &units, balanced: &balanced, calibration: &calibration, test };
            found.chips.push(converted::on_chip(chip, &shown, args, &wishes, console)?);
        }
    }
    show(&found, args, console)?;
    Ok(if interrupted { super::INTERRUPTED } else { 0 })
}

pub(super) fn show(found: &Conversion, args: &ConvertArgs, console: &Console) -> Result<()> {
    if let Some(html) = &args.html {
        write(html, found.html().as_bytes(), args.force)?;
        console.say(&format!("wrote {}", html.display()));
    }
    if console.json() {
        console.object("convert", converted::json(found));
    } else {
        console.result(&found.text(console.width()));
    }
    Ok(())
}

fn wishes(args: &ConvertArgs) -> Result<Wishes> {
    if !(0.0..=1.0).contains(&args.initial) {
        let problem = Problem::invalid("convert/option", "--initial", format!("a share of {}", args.initial));
        return Err(problem.limit("0 to 1 of the threshold").into());
    }
    if args.headroom.is_some_and(|factor| !(0.1..=100.0).contains(&factor)) {
        let problem = Problem::invalid("convert/option", "--headroom", "a factor that leaves no rates");
        return Err(problem.limit("0.1 to 100").into());
    }
    let ticks = match args.ticks.as_slice() {
        [most] => (0..32).map(|power| 1 << power).take_while(|ticks| ticks < most).chain([*most]).collect(),
        several => {
            let mut ticks = several.to_vec();
            ticks.sort_unstable();
            ticks.dedup();
            ticks
        }
    };
    let coding = args.coding.parse()?;
    if coding == Coding::FirstSpike && args.tune.is_some() {
        let what = "it means nothing for first spikes, whose times are exact";
        return Err(Problem::invalid("convert/option", "--tune", what).help("leave --tune out").into());
    }
    let (normalise, scope, reset) = (args.normalise.parse()?, args.scope.parse()?, args.reset.parse()?);
    Ok(Wishes { normalise, scope, coding, reset, ticks })
}

/// Scales with their headroom, and thresholds as they are, or tuned where it is wished.
pub(super) fn tuned(
    units: &Units,
    balance: &Balance,
    calibration: &ImageSet,
    reset: SpikeReset,
    args: &ConvertArgs,
) -> Result<Balance> {
    let usual = if reset == SpikeReset::Zero { 4.0 } else { 1.0 };
    let balance = balance.with_headroom(units, args.headroom.unwrap_or(usual));
    let Some(count) = args.tune else { return Ok(balance) };
    let few = ImageSet { images: calibration.images.iter().take(count).cloned().collect(), ..calibration.clone() };
    let ticks = args.ticks.iter().copied().max().unwrap_or(64);
    convert::tune(units, &balance, &few, reset, args.initial, ticks)
}

/// Images as the network takes them.
pub(super) fn images(path: &Path, limit: Option<usize>, units: &Units, args: &ConvertArgs) -> Result<ImageSet> {
    let set = ImageSet { max: args.white, ..stimulus::read_images(path, units.image_shape(), limit)? };
    units.check_images(&set, &path.display().to_string())?;
    Ok(set)
}

/// Reads the network of units.
pub(super) fn read_model(path: &Path, args: &ConvertArgs, console: &Console) -> Result<Ann> {
    let onnx = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
    let ann = if onnx {
        let bytes = std::fs::read(path).map_err(|error| {
            Problem::invalid("cli/unreadable", path.display().to_string(), error.to_string())
                .help("name an .onnx file that is there")
        })?;
        graph::read_onnx(&bytes, &path.display().to_string(), AnnOptions { pool_units: args.pool_neurons })?
    } else {
        match super::compile::read_network(path, &args.reading, console)? {
            Network::Float(graph) => Ann::of_graph(graph),
            Network::Int(_) => {
                return Err(Problem::invalid("convert/network", path.display().to_string(), "holds chip integers")
                    .help("it spikes already: compile it as it is")
                    .into());
            }
        }
    };
    ann.notes.iter().for_each(|note| console.say(note));
    Ok(ann)
}
