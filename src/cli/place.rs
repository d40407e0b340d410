//! How `compile` lays a network onto the chip: strategies, constraints, measured traffic and mappings from their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args as ClapArgs;

use super::console::read_text;
use super::progress;
use crate::chip::ChipSpec;
use crate::compile::constraints::Constraints;
use crate::compile::mapping;
use crate::compile::replace::{Pipeline, Placing, replace};
use crate::compile::traffic::Rates;
use crate::compile::{self, Compiled, Log, Placement};
use crate::diag::{Problem, Result, nearest};
use crate::image::Image;
use crate::place::Watch;

/// How a network is laid onto the chip.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Mapping {
    /// Placement: an order of the cores (row-major, zigzag, hilbert) or a strategy that looks at their traffic, with its
    /// parameters: auto, random, hilbert-force, spectral, bisection, greedy, multilevel, best, anneal, tabu, pso; with
    /// `+refine` it also learns of the host, of cores that share a router and of regions; `+migrate` then moves neurons,
    /// one by one or in blocks, between the placed cores (synapse-list chips)
    #[arg(long, visible_alias = "place", value_name = "NAME[:KEY=VALUE[,KEY=VALUE...]][+refine][+migrate]")]
    pub placement: Option<String>,
    /// TOML file with blocked routers, pins, regions and populations that stay together
    #[arg(long, value_name = "FILE")]
    pub constraints: Option<PathBuf>,
    /// Spikes of every neuron for strategies, as `profile` writes them; else every neuron counts one
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Seconds that a placement strategy plans its work for
    #[arg(long, value_name = "SECONDS")]
    pub place_time: Option<f64>,
    /// Partition strategy with its parameters: auto, sequential, overlap-greedy, multilevel, conv-tiling
    #[arg(long, value_name = "NAME[:KEY=VALUE[,KEY=VALUE...]]")]
    pub partition: Option<String>,
    /// Mapping by hand or from another tool: CSV with population, neuron (N, FIRST-LAST or *), core; or a partition file
    /// of hMETIS. With --placement only which neurons share a core is taken from it
    #[arg(long, value_name = "FILE", conflicts_with = "partition")]
    pub mapping: Option<PathBuf>,
    /// Where a chip gives a neuron one target, what a neuron with more becomes: copies (they need its inputs again),
    /// relays (cores that take a tick) or auto (for each population the smaller)
    #[arg(long, value_name = "HOW")]
    pub fan_out: Option<String>,
    /// Split neurons with more inputs than a core has axons, where a chip has no exact way (truenorth): parts send their sums
    /// as spikes, a tick later. spikes=N: a part and sign sends up to N a tick (default 4); step=PERCENT of the largest weight
    /// is what one stands for (default 200 / N). With --calibrate, compile measures what that changes
    #[arg(long, value_name = "KEY=VALUE[,KEY=VALUE]", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub split_fan_in: Option<String>,
    /// Weight bits without sign, where the chip offers a choice
    #[arg(long, value_name = "BITS")]
    pub weight_bits: Option<u8>,
    /// Allow a change of dynamics that the chip needs, by its name: reset
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<String>,
    /// Read the network as ReLU units, sent as graded sigma-delta spikes; STEPS of the stimulus are an input of 1.0
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u16).range(1..))]
    pub sigma_delta: Option<u16>,
    /// Seed of strategies that draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Guards work that was planned for some seconds: it stops a search that takes far longer, and at Ctrl-C. Work is
/// planned and not timed, so that results repeat. Lines go to `-v`.
pub(super) struct Late {
    begun: Instant,
    seconds: f64,
    stop: Arc<AtomicBool>,
}

impl Late {
    /// Seconds that even a slow machine is given.
    const LEAST: f64 = 60.0;
    /// How much slower than planned a machine may be.
    const SLOWER: f64 = 20.0;

    /// From now on.
    pub(super) fn new(seconds: f64) -> Self {
        Self { begun: Instant::now(), seconds, stop: progress::interrupt() }
    }
}

impl Watch for Late {
    fn gone(&self) -> f64 {
        if self.stop.load(Ordering::Relaxed) {
            return f64::INFINITY;
        }
        self.begun.elapsed().as_secs_f64() / (self.seconds * Self::SLOWER).max(Self::LEAST)
    }

    fn step(&self, line: &str) {
        tracing::info!("{line}");
    }
}

/// What `--placement` stands for: an order in which cores are filled, or a strategy that looks at the traffic.
enum Wish {
    Order(Placement),
    Pipeline(Pipeline),
}

impl Mapping {
    /// As the compiler wants it.
    pub(super) fn options(&self) -> Result<compile::Options> {
        let (weight_bits, seed, sigma_delta) = (self.weight_bits, self.seed, self.sigma_delta);
        self.check_time()?;
        let mut options = compile::Options { weight_bits, seed, sigma_delta, ..Default::default() };
        options.placement = match self.wish()? {
            Wish::Order(order) => order,
            // Strategies take the cores in the order of the partition.
            Wish::Pipeline(_) => Placement::RowMajor,
        };
        if let Some(name) = &self.partition {
            options.partition = name.parse()?;
        }
        if let Some(name) = &self.fan_out {
            options.fan_out = name.parse()?;
        }
        options.split_fan_in = self.split_fan_in.as_deref().map(str::parse).transpose()?;
        if let Some(path) = &self.mapping {
            options.mapping = Some(mapping::Mapping::read(&read_text(path)?, &path.display().to_string())?);
        }
        for what in &self.allow {
            match what.as_str() {
                "reset" => options.allow_reset_change = true,
                _ => {
                    return Err(Problem::invalid("cli/allow", "--allow", format!("unknown change '{what}'"))
                        .limit("reset")
                        .help(nearest(what, ["reset"]).map_or_else(
                            || "leave it out to see what the chip cannot do".to_owned(),
                            |near| format!("did you mean '{near}'?"),
                        ))
                        .into());
                }
            }
        }
        Ok(options)
    }

    fn check_time(&self) -> Result<()> {
        if let Some(time) = self.place_time.filter(|time| !(1e-3..=1e6).contains(time)) {
            return Err(Problem::invalid("cli/place-time", "--place-time", format!("{time} seconds"))
                .limit("0.001 to 1000000 seconds")
                .help("leave it out for a time that fits the size")
                .into());
        }
        Ok(())
    }

    fn wish(&self) -> Result<Wish> {
        let Some(text) = &self.placement else {
            let traffic = self.constraints.is_some() || self.weights.is_some();
            return Ok(if traffic { Wish::Pipeline("auto".parse()?) } else { Wish::Order(Placement::default()) });
        };
        match text.parse::<Placement>() {
            Ok(order) if self.constraints.is_none() => Ok(Wish::Order(order)),
            _ => text.parse().map(Wish::Pipeline),
        }
    }

    /// Places the compiled cores by a strategy, where one is asked for.
    pub(super) fn apply(&self, compiled: &mut Compiled, chip: &ChipSpec, log: &mut Log) -> Result<()> {
        let Wish::Pipeline(pipeline) = self.wish()? else { return Ok(()) };
        let constraints = self.constraints()?;
        let rates = self.rates(&compiled.image)?;
        let placing = Placing {
            pipeline: &pipeline,
            seed: self.seed,
            seconds: self.place_time,
            rates: rates.as_ref(),
            // A profile holds sums only.
            trains: None,
            hot: &[],
            constraints: &constraints,
            watch: &Late::new(self.place_time.unwrap_or(2.0)),
        };
        replace(compiled, chip, &placing, log)
    }

    /// The placement strategy; `auto` where none is named.
    pub(super) fn pipeline(&self) -> Result<Pipeline> {
        self.placement.as_deref().unwrap_or("auto").parse()
    }

    /// What the file of constraints asks for.
    pub(super) fn constraints(&self) -> Result<Constraints> {
        match &self.constraints {
            Some(path) => Constraints::read(&read_text(path)?, &path.display().to_string()),
            None => Ok(Constraints::default()),
        }
    }

    /// Measured traffic, where a profile is given, of an image's populations.
    pub(super) fn rates(&self, image: &Image) -> Result<Option<Rates>> {
        rates(self.weights.as_deref(), &sizes(image))
    }
}

/// The traffic that a file of `profile` measured of populations by name and size.
pub(super) fn rates(file: Option<&Path>, sizes: &[(&str, usize)]) -> Result<Option<Rates>> {
    let Some(path) = file else { return Ok(None) };
    Rates::read(&read_text(path)?, &path.display().to_string(), sizes).map(Some)
}

/// Names and sizes of the populations of an image.
pub(super) fn sizes(image: &Image) -> Vec<(&str, usize)> {
    image.populations.iter().map(|population| (population.name.as_str(), population.size())).collect()
}
