//! `export`: an image, and where wanted its stimulus, as files of IBM's TrueNorth software.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::{ImageChip, StimulusArgs};
use super::console::{Console, must_not_exist, write};
use super::session::Session;
use crate::diag::Result;
use crate::foreign::{self, Model};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The image
    pub image: PathBuf,
    /// The model file of NSCS to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// A stimulus to write too; needs --spikes
    #[arg(short, long, value_name = "FILE", requires = "spikes")]
    pub input: Option<PathBuf>,
    /// The spike file (.sfti) to write
    #[arg(long, value_name = "FILE", requires = "input")]
    pub spikes: Option<PathBuf>,
    #[command(flatten)]
    pub chip: ImageChip,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &ExportArgs, console: &Console) -> Result<u8> {
    for path in [Some(&args.output), args.spikes.as_ref()].into_iter().flatten() {
        must_not_exist(path, args.force)?;
    }
    let session = Session::open(&args.image, &args.chip)?;
    let model = Model::of_image(&session.image)?;
    let text = foreign::write_nscs(&model);
    let spikes = match &args.input {
        Some(input) => {
            let stimulus = session.stimulus(input, &args.stimulus)?;
            Some(foreign::write_sfti(&stimulus, &session.image)?)
        }
        None => None,
    };
    write(&args.output, text.as_bytes(), args.force)?;
    if let (Some(path), Some(spikes)) = (&args.spikes, &spikes) {
        write(path, spikes.as_bytes(), args.force)?;
    }
    let (cores, types) = (model.cores.len(), model.types.len());
    if console.json() {
        let spikes = args.spikes.as_ref().map(|path| path.display().to_string());
        let object = json!({
            "model": args.output.display().to_string(), "cores": cores, "neuron_types": types,
            "bytes": text.len(), "spikes": spikes,
        });
        console.object("export", object);
    } else {
        let bytes = text.len();
        console.result(&format!(
            "{}: NSCS model of {cores} cores, {types} neuron types, {bytes} bytes",
            args.output.display()
        ));
    }
    Ok(0)
}
