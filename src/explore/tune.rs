//! The profile-guided loop: compile, run, map again with the spikes and the hot links that were measured.
//!
//! Round 0 knows nothing: every neuron counts one. Round 1 maps anew by the spikes of round 0. Every later round moves
//! the cores of the best so far with links as dear as they were loaded. The mapping with the least product of energy and
//! time a tick needs is kept.

use super::measure::{measure, spikes_of, trains_of};
use super::row::Measured;
use crate::chip::ChipSpec;
use crate::compile::constraints::Constraints;
use crate::compile::replace::{Pipeline, Placing, replace};
use crate::compile::traffic::{Rates, Trains};
use crate::compile::{self, Compiled, Log, Options, Placement};
use crate::diag::Result;
use crate::emu::Control;
use crate::emu::counters::RunResult;
use crate::graph::Network;
use crate::place::Watch;
use crate::stimulus::Stimulus;

/// What the loop is given.
pub struct Tune<'a> {
    /// The network.
    pub network: &'a Network,
    /// The chip.
    pub chip: &'a ChipSpec,
    /// Partition, seed and quantisation.
    pub options: &'a Options,
    /// Placement of the first two rounds.
    pub pipeline: &'a Pipeline,
    /// What is run.
    pub stimulus: &'a Stimulus,
    /// Rounds after the first.
    pub rounds: usize,
    /// Seconds that a placement plans its work for.
    pub seconds: f64,
    /// Where cores may stand.
    pub constraints: &'a Constraints,
}

/// One round.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Cores in use.
    pub cores: usize,
    /// What its run measured.
    pub measured: Measured,
    /// Whether it is better than all before.
    pub better: bool,
}

/// How much dearer the busiest link becomes, beside the price of 1 of one without traffic.
const HEAT: f64 = 1.0;

/// The loop; gives the best mapping, the number of its round, and all rounds.
///
/// # Errors
/// What does not fit the chip, and what strategies refuse.
pub fn tune(task: &Tune<'_>, watch: &dyn Watch, control: &dyn Control) -> Result<(Compiled, usize, Vec<Round>)> {
    let first = mapped(task, None, watch)?;
    let (measured, result) = measure(&first, task.chip, task.stimulus, control)?;
    let spikes = (spikes_of(&first, task.stimulus, &result), trains_of(&first, task.stimulus, &result));
    let mut best = (first, 0, product(&measured), result);
    let mut rounds = vec![Round { cores: best.0.image.cores.len(), measured, better: true }];
    let stay: Pipeline = "stay+refine".parse()?;
    for number in 1..=task.rounds {
        if control.stop() {
            break;
        }
        let found = if number == 1 {
            mapped(task, Some(&spikes), watch)?
        } else {
            let mut found = best.0.clone();
            let hot = heat(&best.3, number);
            let placing = placing(task, &stay, Some(&spikes), &hot, number as u64, watch);
            replace(&mut found, task.chip, &placing, &mut Log::default())?;
            found
        };
        let (measured, result) = measure(&found, task.chip, task.stimulus, control)?;
        if result.interrupted {
            break;
        }
        let better = product(&measured) < best.2;
        rounds.push(Round { cores: found.image.cores.len(), measured, better });
        if better {
            best = (found, number, product(&rounds[number].measured), result);
        }
    }
    Ok((best.0, best.1, rounds))
}

fn product(measured: &Measured) -> f64 {
    measured.joules * measured.tick.unwrap_or(1.0)
}

/// Partition and placement from the beginning, by the spikes of a run where there was one.
fn mapped(task: &Tune<'_>, spikes: Option<&(Rates, Trains)>, watch: &dyn Watch) -> Result<Compiled> {
    let rates = spikes.map(|spikes| spikes.0.clone());
    let options = Options { placement: Placement::RowMajor, rates, ..task.options.clone() };
    let mut found = compile::compile_watched(task.network, task.chip, &options, watch, &mut Log::default())?;
    replace(&mut found, task.chip, &placing(task, task.pipeline, spikes, &[], 0, watch), &mut Log::default())?;
    Ok(found)
}

fn placing<'a>(
    task: &'a Tune<'_>,
    pipeline: &'a Pipeline,
    spikes: Option<&'a (Rates, Trains)>,
    hot: &'a [f64],
    round: u64,
    watch: &'a dyn Watch,
) -> Placing<'a> {
    Placing {
        pipeline,
        seed: task.options.seed + round,
        seconds: Some(task.seconds),
        rates: spikes.map(|spikes| &spikes.0),
        trains: spikes.map(|spikes| &spikes.1),
        hot,
        constraints: task.constraints,
        watch,
    }
}

/// Links by their load over that of the busiest one; later rounds heed it less.
fn heat(result: &RunResult, round: usize) -> Vec<f64> {
    let most = result.links.iter().map(|load| load.packets).max().unwrap_or(0).max(1) as f64;
    result.links.iter().map(|load| HEAT * load.packets as f64 / most / (round - 1) as f64).collect()
}
