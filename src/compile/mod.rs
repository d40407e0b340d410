//! From a network to an image: quantise, partition, place, route, emit, verify.

pub mod constraints;
pub mod crossbar;
mod cuba;
mod depth;
mod division;
pub mod fcore;
mod first_spike;
mod log;
pub mod mapping;
mod migrate;
mod options;
pub mod place;
mod repair;
pub mod replace;
mod retime;
mod search;
mod sigma_delta;
mod stepped;
mod tiles;
pub mod traffic;
mod usage;
mod verify;

pub use crossbar::SplitFanIn;
pub use cuba::{SignMode, truncate_weights};
pub use first_spike::{FirstSpike, first_spike};
pub use log::{CoreUse, Line, Log, Metrics, ResourceUse, Splitting, TensorError};
pub use migrate::Migrate;
pub use options::{Calibration, FanOut, Options, Partition, Placement};
pub use tiles::Tiles;
pub use usage::usage;
pub use verify::verify;

use std::borrow::Cow;

use crate::chip::{ChipSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::graph::{self, IntGraph, Network};
use crate::image::Image;
use crate::place::{Quiet, Watch};

/// What a compilation gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// What is loaded onto the chip.
    pub image: Image,
    /// The network in the chip's integers, against which the image was verified.
    pub network: IntGraph,
    /// What became of it by fan-in splitting, where neurons were split.
    pub split: Option<Whole>,
}

/// A network in the chip's integers before fan-in splitting, to measure the split one by.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The network as it would run if cores had enough axons.
    pub network: IntGraph,
    /// Ticks that each of its populations comes later in the split network, which numbers them alike.
    pub lags: Vec<u32>,
    /// Ticks that a spike takes through the split network, whatever the mapping adds.
    pub depth: u32,
}

/// The network in the integers of the chip: quantised where it is float, else as it is; wide neurons split where that is
/// asked for.
///
/// # Errors
/// What the chip's quantiser refuses, and what cannot be split.
pub fn integers(network: &Network, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<IntGraph> {
    lowered(network, chip, options, log).map(|(network, _)| network)
}

/// The same, and what it was before splitting.
fn lowered(network: &Network, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<(IntGraph, Option<Whole>)> {
    let whole = quantised(network, chip, options, log)?;
    let Some(wish) = &options.split_fan_in else { return Ok((whole, None)) };
    if !matches!(chip.family, Family::Crossbar(_)) {
        return Err(splits_exactly(chip));
    }
    Problems::check(cannot_learn(&whole, chip), ())?;
    Ok(match crossbar::split(&whole, chip, wish, log)? {
        None => (whole, None),
        Some(split) => {
            log.split = Some(Splitting { neurons: split.neurons, parts: split.parts, levels: split.levels, cores: 0 });
            let depth = depth::depth(&split.network);
            (split.network, Some(Whole { network: whole, lags: split.lags, depth }))
        }
    })
}

/// Only crossbars pass partial sums as spikes.
fn splits_exactly(chip: &ChipSpec) -> Problems {
    let what = "this chip needs no approximate fan-in splitting";
    Problem::invalid("compile/split-fan-in", chip.name.as_str(), what)
        .limit("chips with crossbars of one-bit synapses, such as truenorth")
        .help("leave --split-fan-in out: loihi has axons enough or refuses, loihi2 and tianjic split exactly by themselves")
        .into()
}

fn quantised(network: &Network, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<IntGraph> {
    graph::check(network)?;
    let stores_factors = matches!(&chip.family, Family::Cuba(spec) if spec.programs.is_some());
    if let (Network::Float(graph), true) = (network, !stores_factors || options.sigma_delta.is_some())
        && let Cow::Owned(expanded) = graph.expanded()
    {
        return quantised(&Network::Float(expanded), chip, options, log);
    }
    match (network, &chip.family) {
        (Network::Int(graph), Family::Fcore(_)) => Ok(fcore::timed(&graph.expanded(), chip, log)),
        (Network::Int(graph), _) if stores_factors => Ok(cuba::split(graph, chip, log).into_owned()),
        (Network::Int(graph), _) => Ok(graph.expanded().into_owned()),
        (Network::Float(graph), _) if options.sigma_delta.is_some() => {
            let graph = sigma_delta::convert(graph, chip, options.sigma_delta.unwrap_or(1), log)?;
            Ok(cuba::split(&graph, chip, log).into_owned())
        }
        (Network::Float(graph), Family::Cuba(spec)) => cuba::quantise(graph, spec, options, log),
        (Network::Float(graph), Family::Crossbar(_)) => crossbar::quantise(graph, chip, options, log),
        (Network::Float(_), Family::Ranc(_) | Family::TinyOdin(_)) => Err(imported_only(chip)),
        (Network::Float(graph), Family::Stepped(_)) => stepped::quantise(graph, chip, log),
        (Network::Float(graph), Family::Fcore(spec)) => fcore::quantise(graph, chip, spec, log),
    }
}

/// What learns, for chips without a learning engine.
fn cannot_learn(network: &IntGraph, chip: &ChipSpec) -> Vec<Problem> {
    let name = |projection: crate::ids::ProjectionId| network.projections[projection.index()].name.clone();
    let refuse = |learning: &graph::Learning| {
        let place = format!("projection '{}'", name(learning.projection));
        Problem::misfit("compile/learning", place, format!("chip '{}' cannot learn", chip.name))
            .help("compile for loihi, or drop the rule")
    };
    network.learning.iter().map(refuse).collect()
}

/// Clocked designs are loaded from their own files.
fn imported_only(chip: &ChipSpec) -> Problems {
    Problem::invalid("compile/family", chip.name.as_str(), "networks are not compiled for this chip, but imported")
        .help("spikeloom import FILE -o IMAGE reads its own formats; compile for truenorth or loihi")
        .into()
}

/// Only crossbars give a neuron one target.
fn fans_out(chip: &ChipSpec, asked: FanOut) -> Problems {
    let what = format!("neurons of this chip have many targets and need no {asked}");
    let problem = Problem::invalid("compile/fan-out", chip.name.as_str(), what);
    problem.limit("chips whose neurons have one target, such as truenorth").help("leave --fan-out out").into()
}

/// Compiles a network for a chip: quantise -> partition -> place -> route -> emit -> verify. The image is always
/// verified against the integer network.
pub fn compile(network: &Network, chip: &ChipSpec, options: &Options, log: &mut Log) -> Result<Compiled> {
    compile_watched(network, chip, options, &Quiet, log)
}

/// The same, with a clock and an audience for the strategies.
///
/// # Errors
/// What does not fit the chip, and what strategies refuse.
pub fn compile_watched(
    network: &Network,
    chip: &ChipSpec,
    options: &Options,
    watch: &dyn Watch,
    log: &mut Log,
) -> Result<Compiled> {
    if options.fan_out != FanOut::Auto && !matches!(chip.family, Family::Crossbar(_)) {
        return Err(fans_out(chip, options.fan_out));
    }
    let (network, split) = lowered(network, chip, options, log)?;
    let mut image = match &chip.family {
        Family::Cuba(spec) => cuba::lower(&network, chip, spec, options, watch, log)?,
        Family::Crossbar(_) => {
            Problems::check(cannot_learn(&network, chip), ())?;
            crossbar::lower(&network, chip, options, watch, log)?
        }
        Family::Fcore(spec) => fcore::lower(&network, chip, spec, options, log)?,
        Family::Stepped(spec) => stepped::lower(&network, chip, spec, options, log)?,
        Family::Ranc(_) | Family::TinyOdin(_) => return Err(imported_only(chip)),
    };
    repair::repair(&mut image, chip, log)?;
    if matches!(chip.family, Family::Fcore(_)) {
        let copies = fcore::chain(&mut image, chip)?;
        log.say("route", format!("{copies} cores get their packets by copy from a neighbour"));
    }
    verify(&image, &network, chip)?;
    (log.cores, log.metrics) = usage(&image, chip);
    if let (Some(found), Some(whole)) = (&mut log.split, &split) {
        found.cores = holding(&log.cores, whole.network.populations.len() as u32);
    }
    let Metrics { cores, connections, hops, added_neurons } = log.metrics;
    log.say("route", format!("{cores} cores, {connections} connections, {hops} hops, {added_neurons} neurons added"));
    if let (Some(found), Some(whole)) = (log.split, &split) {
        let Splitting { neurons, parts, levels, cores } = found;
        let later = whole.network.outputs.iter().map(|output| whole.lags[output.population.index()]).max().unwrap_or(0);
        let text = format!(
            "{neurons} neurons split into parts of {parts} neurons on {cores} cores; levels of parts: {levels}, outputs later by \
             ticks: {later}"
        );
        log.say("split", text);
    }
    log.say("verify", "every synapse and register of the image equals the integer network");
    Ok(Compiled { image, network, split })
}

/// Cores with neurons of population `first` or a later one.
fn holding(cores: &[CoreUse], first: u32) -> u32 {
    cores.iter().filter(|core| core.populations.iter().any(|(population, _)| *population >= first)).count() as u32
}
