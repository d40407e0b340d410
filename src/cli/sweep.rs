//! `sweep`: synthetic networks of chosen rates and synapse counts on one chip, and what they cost.

use serde_json::json;

use super::args::SweepArgs;
use super::console::{Console, must_not_exist, write};
use super::progress;
use super::session::threads;
use crate::chip::{self, ChipSpec, Family, LoadOptions, SyncSpec};
use crate::diag::{Problem, Result};
use crate::emu::counters::EventCounts;
use crate::emu::{self, Quiet, Record, RunOptions};
use crate::energy::{self, Bill, Measured, OperatingPoint};
use crate::event::Event;
use crate::report::{HeldPoint, Surface, SurfacePoint};
use crate::stimulus::{Sample, Stimulus};
use crate::synthetic::{self, Drive, Recurrent};
use crate::units::Picos;

/// Ticks before those that are counted: more than the longest delay, so that synapses see the full rate.
const LEAD_IN: u32 = 20;

pub(super) fn run(args: &SweepArgs, console: &Console) -> Result<u8> {
    for path in [&args.csv, &args.html].into_iter().flatten() {
        must_not_exist(path, args.force)?;
    }
    let options = args.tuning.options()?;
    let chip = chip::load(&args.chip, &options)?;
    let published = published(args, &chip)?;
    let pairs: Vec<(f64, u16)> = if args.only_published {
        Vec::new()
    } else {
        args.rates.iter().flat_map(|&rate| args.synapses.iter().map(move |&synapses| (rate, synapses))).collect()
    };
    let bar = progress::bar(console, (pairs.len() + published.len()) as u64, "sweeping");
    let mut surface = Surface { title: title(&chip), ..Surface::default() };
    for (rate, synapses) in pairs {
        surface.points.push(point(args, &chip, rate, synapses)?);
        bar.inc(1);
    }
    for published in published {
        surface.held.push(held(args, &options, published)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(path) = &args.csv {
        write(path, surface.csv().as_bytes(), args.force)?;
    }
    if let Some(path) = &args.html {
        write(path, surface.html().as_bytes(), args.force)?;
    }
    if console.json() {
        console.object(
            "sweep",
            json!({
                "chip": chip.name, "supply_mv": chip.energy.supply_mv, "cost_set": chip.energy.cost_set,
                "ticks": args.ticks, "cores": args.cores.unwrap_or(chip.cores()),
                "points": surface.points.iter().map(|point| json!({
                    "rate": point.rate, "measured_rate": point.measured_rate, "synapses": point.synapses,
                    "watts": point.watts, "static_watts": point.static_watts, "gsops": point.gsops,
                })).collect::<Vec<_>>(),
                "published": surface.held.iter().map(|point| json!({
                    "name": point.name, "supply_mv": point.supply_mv, "rate": point.rate, "synapses": point.synapses,
                    "unit": point.unit, "measured": point.measured, "model": point.model,
                    "error_percent": point.error_percent(), "fitted": point.fitted, "source": point.source,
                })).collect::<Vec<_>>(),
            }),
        );
    } else {
        console.result(&surface.text(console.width()));
    }
    Ok(0)
}

/// The measured points, where they are asked for and of this silicon: one TrueNorth chip.
fn published(args: &SweepArgs, chip: &ChipSpec) -> Result<&'static [OperatingPoint]> {
    if !args.published && !args.only_published {
        return Ok(&[]);
    }
    if chip.name != "truenorth" || !matches!(chip.family, Family::Crossbar(_)) || chip.mesh.edge.is_some() {
        let what = "the published points were measured on one TrueNorth chip, and this is another one";
        return Err(Problem::invalid("sweep/published", &chip.name, what)
            .limit("truenorth")
            .help("use --chip truenorth, or leave --published and --only-published out")
            .into());
    }
    Ok(energy::operating_points())
}

/// The bill's power. Where neither an event nor the static part has a price, its sum of 0 means nothing.
fn watts(bill: &Bill) -> Option<f64> {
    let known = bill.static_joules.is_some() || bill.entries.iter().any(|entry| entry.joules.is_some());
    bill.watts().filter(|_| known)
}

fn title(chip: &ChipSpec) -> String {
    let tick = match chip.sync {
        SyncSpec::FixedTick { period } => period.to_string(),
        SyncSpec::Barrier { .. } | SyncSpec::Clocked { .. } => "no fixed length".to_owned(),
    };
    format!("{} at {} mV, tick of {tick}, cost set {}", chip.name, chip.energy.supply_mv, chip.energy.cost_set)
}

fn point(args: &SweepArgs, chip: &ChipSpec, rate: f64, synapses: u16) -> Result<SurfacePoint> {
    let Ran { bill, spikes, neurons, .. } = measure(args, chip, rate, synapses)?;
    Ok(SurfacePoint {
        rate,
        measured_rate: spikes as f64 * 1e3 / (f64::from(args.ticks) * neurons as f64),
        synapses,
        watts: watts(&bill),
        static_watts: energy::static_watts(&chip.energy),
        gsops: bill.synaptic_events() as f64 * 1e-9 / bill.seconds.unwrap_or(f64::INFINITY),
    })
}

/// A published point: the chip at its supply and tick.
fn held(args: &SweepArgs, options: &LoadOptions, point: &OperatingPoint) -> Result<HeldPoint> {
    let options = LoadOptions {
        supply_mv: Some(point.supply_mv),
        tick: Some(Picos(u64::from(point.tick_us) * 1_000_000)),
        ..options.clone()
    };
    let chip = chip::load(&args.chip, &options)?;
    let bill = measure(args, &chip, point.rate, point.synapses)?.bill;
    let (unit, measured, model) = match point.measured {
        Measured::Milliwatts(measured) => ("mW", measured, watts(&bill).map(|watts| 1e3 * watts)),
        Measured::GsopsPerWatt(measured) => ("GSOPS/W", measured, bill.gsops_per_watt()),
    };
    Ok(HeldPoint {
        name: point.name.to_owned(),
        supply_mv: point.supply_mv,
        rate: point.rate,
        synapses: point.synapses,
        unit,
        measured,
        model,
        fitted: point.fitted,
        source: point.source.to_owned(),
    })
}

struct Ran {
    bill: Bill,
    spikes: u64,
    neurons: u64,
}

/// Runs one network and bills the ticks after the lead-in.
fn measure(args: &SweepArgs, chip: &ChipSpec, rate: f64, synapses: u16) -> Result<Ran> {
    let SyncSpec::FixedTick { period } = chip.sync else {
        return Err(Problem::invalid("sweep/tick", &chip.name, "power needs a tick of fixed length")
            .help("use --chip truenorth")
            .into());
    };
    let drive = if args.stochastic { Drive::Stochastic } else { Drive::Deterministic };
    let network = Recurrent { rate, synapses, seed: args.seed, drive, cores: args.cores, inputs: 0 };
    let image = synthetic::recurrent(chip, &network)?;
    let sample = |ticks: u32| Sample { name: "recurrent".to_owned(), spikes: Vec::new(), ticks, label: None };
    let options = RunOptions { timing: false, threads: threads(args.threads), strict: false, record: Record::None };
    // The lead-in alone, and the whole: what the second counts beyond the first is the time that is billed.
    let show = |ticks: u32| {
        let stimulus = Stimulus { samples: vec![sample(ticks)], inputs: 0 };
        emu::run(&image, chip, &stimulus, &options, &Quiet).map(|mut run| run.samples.swap_remove(0))
    };
    let (lead_in, whole) = (show(LEAD_IN)?, show(LEAD_IN + args.ticks)?);
    let mut counts = EventCounts::default();
    for event in Event::ALL {
        counts.add(event, whole.counts.get(event) - lead_in.counts.get(event));
    }
    let seconds = period.as_seconds() * f64::from(args.ticks);
    Ok(Ran {
        bill: energy::bill(&chip.energy, &counts, Some(seconds)),
        spikes: whole.spike_total - lead_in.spike_total,
        neurons: image.cores.iter().map(|core| core.body.neurons() as u64).sum(),
    })
}
