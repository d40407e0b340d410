//! `verify`: an image against the network it came from: every synapse, and the emulator against the oracle.

use serde_json::json;

use super::args::VerifyArgs;
use super::compile::read_network;
use super::console::Console;
use super::session::Session;
use crate::chip::Family;
use crate::compile::{self, Log};
use crate::diag::{Problem, Result};
use crate::emu::{self, Record, RunOptions};
use crate::graph::IntGraph;
use crate::oracle;
use crate::rng::Rng;
use crate::stimulus::{InputSpike, Sample, Stimulus};

/// The most places for random spikes, of which one in eight is taken: both runs keep all spikes.
const MOST_DRAWS: u64 = 1 << 28;

pub(super) fn run(args: &VerifyArgs, console: &Console) -> Result<u8> {
    let session = Session::open(&args.image, &args.chip)?;
    let network = read_network(&args.network, &args.reading, console)?;
    let mut log = Log::default();
    let integers = compile::integers(&network, &session.chip, &args.mapping.options()?, &mut log)?;
    compile::verify(&session.image, &integers, &session.chip)?;
    let sample = random_sample(session.inputs(), args.ticks)?;
    let compared = side_by_side(&session, &integers, &sample)?;
    if console.json() {
        console.object("verify", json!({ "synapses": "equal", "ticks": compared.ticks, "spikes": compared.spikes }));
    } else {
        console.result(&format!(
            "{}: every synapse and register equals '{}'; emulator and oracle agree on all {} spikes and the final \
             membranes of {} ticks of random input",
            args.image.display(),
            args.network.display(),
            compared.spikes,
            compared.ticks
        ));
    }
    Ok(0)
}

/// Random spikes on one input in eight and tick, always the same.
fn random_sample(inputs: u32, ticks: u32) -> Result<Sample> {
    if u64::from(inputs) * u64::from(ticks) > MOST_DRAWS {
        let what = format!("{ticks} ticks of {inputs} inputs are too many to compare");
        return Err(Problem::invalid("verify/ticks", "--ticks", what)
            .limit(format!("{MOST_DRAWS} inputs times ticks"))
            .help(format!("--ticks {} is as many as this network takes", MOST_DRAWS / u64::from(inputs)))
            .into());
    }
    let mut rng = Rng::new(0x5350_4c4d);
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for input in 0..inputs {
            if rng.below(8) == 0 {
                spikes.push(InputSpike { tick, input, value: 1 });
            }
        }
    }
    Ok(Sample { name: "random".to_owned(), spikes, ticks, label: None })
}

struct Compared {
    ticks: u32,
    spikes: usize,
}

/// Runs emulator and oracle on the same sample and compares every spike.
fn side_by_side(session: &Session, network: &IntGraph, sample: &Sample) -> Result<Compared> {
    let depth = session.image.depth;
    let expected = match &session.chip.family {
        Family::Cuba(spec) => oracle::cuba::run(network, sample, depth, spec.dialect),
        Family::Crossbar(_) => oracle::crossbar::run(network, sample, depth),
        Family::Fcore(spec) => oracle::fcore::as_run(&oracle::fcore::run(network, sample, depth, spec)),
        Family::Stepped(spec) => oracle::stepped::as_run(&oracle::stepped::run(network, sample, depth, spec)),
        Family::Ranc(_) | Family::TinyOdin(_) => {
            unreachable!("refused before: nothing is compiled for them")
        }
    };
    let stimulus = Stimulus { samples: vec![sample.clone()], inputs: session.inputs() };
    let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
    let result = emu::run(&session.image, &session.chip, &stimulus, &options, &emu::Quiet)?;
    // Relays delay whole populations: their spikes are the oracle's, so many ticks later.
    let lags = match session.chip.family {
        Family::Cuba(_) | Family::Ranc(_) | Family::TinyOdin(_) | Family::Fcore(_) | Family::Stepped(_) => {
            vec![0; network.populations.len()]
        }
        Family::Crossbar(_) => compile::crossbar::lags(&session.image, network, &session.chip)?,
    };
    let total = sample.ticks + depth;
    let mut spikes = vec![Vec::new(); network.populations.len()];
    for spike in &result.samples[0].spikes {
        let population = spike.population as usize;
        if let Some(tick) = spike.tick.checked_sub(lags[population]) {
            spikes[population].push((tick, spike.neuron));
        }
    }
    let mut expected = expected;
    for (spikes, lag) in expected.spikes.iter_mut().zip(&lags) {
        spikes.retain(|(tick, _)| tick + lag < total);
    }
    for (number, (found, expected)) in spikes.iter().zip(&expected.spikes).enumerate() {
        if found != expected {
            let at = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
            return Err(Problem::verification(
                "verify/spikes",
                format!("population '{}'", network.populations[number].name),
                format!("spike {at}: emulator {:?}, oracle {:?} (tick, neuron)", found.get(at), expected.get(at)),
            )
            .help("this is a bug of ours: please report it with both files")
            .into());
        }
    }
    Ok(Compared { ticks: sample.ticks + depth, spikes: spikes.iter().map(Vec::len).sum() })
}
