//! `map tune`: the profile-guided loop from a network to an image.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::args::{ChipChoice, Reading, StimulusArgs};
use super::super::compile::read_network;
use super::super::console::{Console, must_not_exist, write};
use super::super::place::{Late, Mapping};
use super::super::progress;
use super::super::session::stimulus_of;
use crate::chip;
use crate::diag::{Problem, Result};
use crate::explore::{Round, Tune, tune};
use crate::image;

#[derive(Debug, ClapArgs)]
pub(super) struct TuneArgs {
    /// The network: .nir (HDF5) or native .json
    pub network: PathBuf,
    #[command(flatten)]
    pub chip: ChipChoice,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub mapping: Mapping,
    /// The stimulus that is run in every round
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// Rounds after the first: one by the measured spikes, the others by the hot links too
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub rounds: u16,
    /// The image of the best mapping
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// The flag of Ctrl-C, asked by the emulator.
struct Stop(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl crate::emu::Control for Stop {
    fn stop(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

pub(super) fn run(args: &TuneArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    let chip = chip::load(&args.chip.chip, &args.chip.tuning.options()?)?;
    let network = read_network(&args.network, &args.reading, console)?;
    if args.mapping.weights.is_some() {
        let what = "map tune measures the spikes by itself";
        return Err(Problem::invalid("cli/weights", "--weights", what).help("leave --weights out").into());
    }
    let options = args.mapping.options()?;
    let (pipeline, constraints) = (args.mapping.pipeline()?, args.mapping.constraints()?);
    let stimulus = stimulus_of(&network, &args.input, &args.stimulus)?;
    let seconds = args.mapping.place_time.unwrap_or(2.0);
    let task = Tune {
        network: &network,
        chip: &chip,
        options: &options,
        pipeline: &pipeline,
        stimulus: &stimulus,
        rounds: args.rounds.into(),
        seconds,
        constraints: &constraints,
    };
    let stop = Stop(progress::interrupt());
    let (best, number, rounds) = tune(&task, &Late::new(seconds * f64::from(args.rounds + 1)), &stop)?;
    let bytes = image::encode(&best.image, chip.digest);
    write(&args.output, &bytes, args.force)?;
    tell(args, number, &rounds, console);
    Ok(if crate::emu::Control::stop(&stop) { super::super::INTERRUPTED } else { 0 })
}

fn tell(args: &TuneArgs, best: usize, rounds: &[Round], console: &Console) {
    if console.json() {
        let round = |round: &Round| {
            let m = &round.measured;
            json!({
                "cores": round.cores, "hops": m.hops, "max_link": m.max_link, "joules": m.joules, "tick": m.tick,
                "packet": m.packet, "seconds": m.seconds, "better": round.better, "spikes": m.spikes,
            })
        };
        console.object(
            "map tune",
            json!({
                "image": args.output.display().to_string(), "best": best,
                "rounds": rounds.iter().map(round).collect::<Vec<_>>(),
            }),
        );
        return;
    }
    let header = ["round", "by", "cores", "hops", "busiest link", "energy J", "tick needs s", "packet s", ""];
    let number = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.4e}"));
    let row = |(at, round): (usize, &Round)| {
        let m = &round.measured;
        let by = ["every neuron one", "measured spikes", "hot links"][at.min(2)];
        vec![
            at.to_string(),
            by.to_owned(),
            round.cores.to_string(),
            m.hops.to_string(),
            m.max_link.to_string(),
            number(Some(m.joules)),
            number(m.tick),
            number(m.packet),
            if at == best { "best" } else { "" }.to_owned(),
        ]
    };
    console.result(&console.table(&header, rounds.iter().enumerate().map(row).collect()));
    console.result(&format!("{}: the mapping of round {best}", args.output.display()));
}
