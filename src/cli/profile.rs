//! `profile`: how often every neuron fires in a run, for strategies that weigh traffic. The spikes are those of the
//! network, not of its mapping: any image of it gives the same.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::args::{ImageChip, StimulusArgs};
use super::console::{Console, must_not_exist, write};
use super::place::sizes;
use super::session::{Session, threads};
use crate::compile::traffic::counted;
use crate::diag::Result;
use crate::emu::{Record, RunOptions};

#[derive(Debug, ClapArgs)]
pub(super) struct ProfileArgs {
    /// An image of the network
    pub image: PathBuf,
    /// The stimulus, as for `run`
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    #[command(flatten)]
    pub chip: ImageChip,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// The CSV file to write: population, neuron, spikes
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &ProfileArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    let session = Session::open(&args.image, &args.chip)?;
    let stimulus = session.stimulus(&args.input, &args.stimulus)?;
    let options = RunOptions { timing: false, threads: threads(args.threads), strict: false, record: Record::All };
    let result = session.run(&stimulus, &options, console)?;
    let spikes = result.samples.iter().flat_map(|sample| &sample.spikes);
    let injected = stimulus.samples.iter().flat_map(|sample| &sample.spikes);
    let rates = counted(
        &session.image,
        spikes.map(|spike| (spike.population, spike.neuron)),
        injected.map(|spike| (spike.input, spike.value)),
    );
    let sizes = sizes(&session.image);
    write(&args.output, rates.write(&sizes).as_bytes(), args.force)?;
    let totals: Vec<f64> = rates.0.iter().map(|neurons| neurons.iter().sum()).collect();
    let active = |neurons: &Vec<f64>| neurons.iter().filter(|spikes| **spikes > 0.0).count();
    if console.json() {
        let populations = sizes.iter().zip(&rates.0).zip(&totals).map(|((&(name, size), neurons), spikes)| {
            json!({ "name": name, "neurons": size, "active": active(neurons), "spikes": spikes })
        });
        console.object(
            "profile",
            json!({ "file": args.output.display().to_string(), "populations": populations.collect::<Vec<_>>() }),
        );
    } else {
        let rows = sizes.iter().zip(&rates.0).zip(&totals).map(|((&(name, size), neurons), spikes)| {
            vec![name.to_owned(), size.to_string(), active(neurons).to_string(), format!("{spikes:.0}")]
        });
        console.result(&console.table(&["population", "neurons", "active", "spikes"], rows.collect()));
    }
    Ok(if result.interrupted { super::INTERRUPTED } else { 0 })
}
