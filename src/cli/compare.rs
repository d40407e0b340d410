//! `compare`: several networks on one chip, shown the same samples: accuracy, energy, latency and cores side by side.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::args::{ChipChoice, Reading, ReadoutChoice, StimulusArgs};
use super::console::{Console, must_not_exist, write};
use super::session::{Extras, Session, synapses, threads};
use super::{INTERRUPTED, compile};
use crate::chip::{self, ChipSpec};
use crate::compile::{Log, Options};
use crate::diag::{Problem, Result};
use crate::emu::{Record, RunOptions};
use crate::graph::{self, Network};
use crate::image;
use crate::report::{self, Report, comparison};
use crate::stimulus::{self, MAX_TICKS, Stimulus};

/// Stands for the embedded test digits.
const DIGITS: &str = "digits";

#[derive(Debug, ClapArgs)]
pub(super) struct CompareArgs {
    /// The networks, each with the ticks that a sample is shown to it where they differ: ann.json:1 snn.json:16
    #[arg(required = true, value_name = "NETWORK[:TICKS]")]
    pub networks: Vec<String>,
    #[command(flatten)]
    pub chip: ChipChoice,
    #[command(flatten)]
    pub reading: Reading,
    /// What all are shown: a stimulus as `run` takes it, or `digits`, the embedded test digits
    #[arg(short, long, value_name = "FILE|digits")]
    pub input: PathBuf,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// What is read as the class: spike count, first spike or membrane
    #[arg(long, value_enum, default_value_t = ReadoutChoice::Count)]
    pub readout: ReadoutChoice,
    /// Split neurons with more inputs than a core has axons, as for `compile`
    #[arg(long, value_name = "KEY=VALUE[,KEY=VALUE]", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub split_fan_in: Option<String>,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// A page with the table and bars
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &CompareArgs, console: &Console) -> Result<u8> {
    if let Some(html) = &args.html {
        must_not_exist(html, args.force)?;
    }
    let chip = chip::load(&args.chip.chip, &args.chip.tuning.options()?)?;
    let mut reports = Vec::new();
    for named in &args.networks {
        let (path, ticks) = with_ticks(named)?;
        let network = compile::read_network(path, &args.reading, console)?;
        let report = one(&network, ticks, &chip, args, console)?;
        let interrupted = report.interrupted;
        reports.push(report);
        if interrupted {
            break;
        }
    }
    if let Some(html) = &args.html {
        write(html, comparison::html(&reports).as_bytes(), args.force)?;
        console.say(&format!("wrote {}", html.display()));
    }
    if console.json() {
        let list: Vec<Value> =
            reports.iter().map(|report| serde_json::from_str(&report::json(report)).unwrap_or_default()).collect();
        console.object("compare", json!({ "reports": list }));
    } else {
        console.result(&comparison::text(&reports, console.width()));
    }
    Ok(if reports.iter().any(|report| report.interrupted) { INTERRUPTED } else { 0 })
}

/// Splits `FILE:TICKS`; a file may have a colon in its name.
fn with_ticks(named: &str) -> Result<(&Path, Option<u32>)> {
    match named.rsplit_once(':') {
        Some((file, ticks)) if !ticks.is_empty() && ticks.bytes().all(|byte| byte.is_ascii_digit()) => {
            match ticks.parse() {
                Ok(ticks) if (1..=MAX_TICKS).contains(&ticks) => Ok((Path::new(file), Some(ticks))),
                _ => Err(Problem::invalid("cli/ticks", named, format!("samples of {ticks} ticks"))
                    .limit(format!("1 to {MAX_TICKS}"))
                    .help("write NETWORK:TICKS, such as ann.json:1")
                    .into()),
            }
        }
        _ => Ok((Path::new(named), None)),
    }
}

/// Compiles, shows the samples, reports.
fn one(
    network: &Network,
    ticks: Option<u32>,
    chip: &ChipSpec,
    args: &CompareArgs,
    console: &Console,
) -> Result<Report> {
    let mut log = Log::default();
    let split_fan_in = args.split_fan_in.as_deref().map(str::parse).transpose()?;
    let options = Options { split_fan_in, ..Options::default() };
    let compiled = crate::compile::compile(network, chip, &options, &mut log);
    console.log(&log);
    let compiled = compiled?;
    let dense_macs = compiled.network.projections.iter().map(graph::Projection::synapses).sum();
    let bytes = image::encode(&compiled.image, chip.digest);
    let (_, header) = image::decode(&bytes, "the image just made")?;
    let session = Session {
        synapses: synapses(&compiled.image),
        image: compiled.image,
        chip: chip.clone(),
        checksum: header.checksum,
        bytes: Some(bytes.len() as u64),
    };
    session.check_readout(args.readout.into())?;
    let given = StimulusArgs { ticks: ticks.or(args.stimulus.ticks), ..args.stimulus.clone() };
    let stimulus = shown(&session, &args.input, &given)?;
    let options = RunOptions { timing: true, threads: threads(args.threads), strict: false, record: Record::None };
    let result = session.run(&stimulus, &options, console)?;
    let extras = Extras {
        log: &log,
        readout: args.readout.into(),
        float_accuracy: None,
        dense_macs: Some(dense_macs),
        options: given.ticks.map(|ticks| ("ticks".to_owned(), ticks.to_string())).into_iter().collect(),
    };
    Ok(session.report(&stimulus, &result, extras))
}

fn shown(session: &Session, input: &Path, given: &StimulusArgs) -> Result<Stimulus> {
    if input != Path::new(DIGITS) {
        return session.stimulus(input, given);
    }
    let test = stimulus::digits().test;
    let (pixels, inputs) = (test.shape.iter().product::<u32>(), session.inputs());
    if pixels != inputs {
        let what = format!("digits of {pixels} pixels");
        return Err(Problem::invalid("stimulus/shape", DIGITS, what)
            .limit(format!("network '{}' has {inputs} input neurons", session.image.network))
            .help("name a file of samples that belong to this network")
            .into());
    }
    Ok(stimulus::encode_images(&test.images, test.max, &given.options()?, &test.labels))
}
