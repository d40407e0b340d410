//! What `convert` found, as the report wants it, and the network on chips.

use serde_json::{Value, json};

use super::compile::peaks;
use super::console::Console;
use super::convert::{ConvertArgs, Wishes, tuned};
use super::progress::Watch;
use super::session::{threads, total_counts};
use crate::chip::{self, ChipSpec, Family};
use crate::compile::{self, Compiled, Log, Options, first_spike};
use crate::convert::{Balance, Coding, Evaluation, LayerErrors, Scope, SpikeReset, Units, spiking};
use crate::diag::Result;
use crate::emu::{self, Readout, Record, RunOptions};
use crate::energy;
use crate::graph::{Graph, IntGraph, Network};
use crate::report::{self, Conversion, ConvertedBaseline, ConvertedChip, ConvertedLayer, ConvertedPoint, ERRORS};
use crate::stimulus::{self, Encoding, ImageSet, Stimulus};

/// Images shown to a chip at once: their spikes stay in memory.
const BATCH: usize = 500;
/// Calibration images whose float run sets a chip's scales.
const PEAK_IMAGES: usize = 20;

/// The network and its settings, before anything was run.
pub(super) fn describe(units: &Units, balance: &Balance, args: &ConvertArgs, wishes: &Wishes) -> Conversion {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let settings = vec![
        setting("model", args.model.display().to_string()),
        setting("coding", if wishes.coding == Coding::Rate { "rate" } else { "first spike" }.to_owned()),
        setting("a spike is", wishes.normalise.to_string()),
        setting("by", if wishes.scope == Scope::Layer { "layer" } else { "channel" }.to_owned()),
        setting("reset", if wishes.reset == SpikeReset::Subtract { "subtract" } else { "to zero" }.to_owned()),
        setting("membranes start at", format!("{} of the threshold", args.initial)),
        setting("average pooling", args.pooling().to_owned()),
        setting("thresholds", args.tune.map_or_else(|| "as balanced".to_owned(), |n| format!("tuned on {n} images"))),
    ];
    let layers = units.graph.populations.iter().enumerate().map(|(index, population)| ConvertedLayer {
        name: population.name.clone(),
        neurons: population.size(),
        scale: if population.is_input() { "1".to_owned() } else { scale(units, balance, index) },
        ..ConvertedLayer::default()
    });
    Conversion {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: units.graph.name.clone(),
        settings,
        first_spike: wishes.coding == Coding::FirstSpike,
        macs: units.macs,
        layers: layers.collect(),
        baselines: baselines(units.macs),
        ..Conversion::default()
    }
}

/// One evaluation of the trained network elsewhere, by the prices of its multiply-accumulates.
pub(super) fn baselines(macs: u64) -> Vec<ConvertedBaseline> {
    let line = |baseline: &energy::Baseline| {
        let price = |pj: f64| macs as f64 * pj * 1e-12;
        ConvertedBaseline {
            name: baseline.name.to_owned(),
            mac_joules: price(baseline.mac_pj),
            mac_memory_joules: baseline.memory_pj.map(|memory| price(baseline.mac_pj + memory)),
            source: baseline.source.to_owned(),
            ..ConvertedBaseline::default()
        }
    };
    energy::baselines().iter().map(line).collect()
}

/// What a spike of a population stands for, and its threshold where that was tuned.
fn scale(units: &Units, balance: &Balance, index: usize) -> String {
    let scales = &balance.scales[index];
    let fires = units.graph.populations[index].neuron.as_ref().is_some_and(|neuron| neuron.kind.spikes());
    if !fires {
        return "read by membrane".to_owned();
    }
    let (least, most) = scales.iter().fold((f64::MAX, 0.0_f64), |(a, b), &scale| (a.min(scale), b.max(scale)));
    let shown = if scales.len() == 1 { format!("{most:.3}") } else { format!("{least:.3} to {most:.3}") };
    match balance.thresholds[index] {
        1.0 => shown,
        factor => format!("{shown}, threshold {factor:.2}×"),
    }
}

/// Takes over what both networks did.
pub(super) fn measured(found: &mut Conversion, units: &Units, evaluation: &Evaluation) {
    let images = evaluation.images.max(1) as f64;
    found.images = evaluation.images;
    found.ann = evaluation.ann_right.map(|right| right as f64 / images);
    found.points = evaluation
        .points
        .iter()
        .map(|point| ConvertedPoint {
            ticks: point.ticks,
            accuracy: point.right.map(|right| right as f64 / images),
            agreement: point.agreed as f64 / images,
            spikes: point.spikes.iter().sum::<u64>() as f64 / images,
            synaptic: point.synaptic as f64 / images,
        })
        .collect();
    let Some(last) = evaluation.points.last() else { return };
    for (index, layer) in found.layers.iter_mut().enumerate() {
        layer.spikes = last.spikes[index] as f64 / images;
        let of = |point: &crate::convert::Point| {
            point.errors.iter().find(|(population, _)| *population == index).map(|(_, errors)| figures(errors))
        };
        layer.errors = evaluation.points.iter().filter_map(of).collect();
    }
    let synaptic = found.points.last().map_or(0.0, |point| point.synaptic);
    for (line, baseline) in found.baselines.iter_mut().zip(energy::baselines()) {
        line.add_joules = Some(synaptic * baseline.ac_pj * 1e-12);
        line.add_memory_joules = baseline.memory_pj.map(|memory| synaptic * (baseline.ac_pj + memory) * 1e-12);
    }
    debug_assert_eq!(units.graph.populations.len(), found.layers.len());
}

fn figures(errors: &LayerErrors) -> [f64; 6] {
    let LayerErrors { total, clipping, inherited, residual, uneven, lost } = *errors;
    [total, clipping, inherited, residual, uneven, lost]
}

/// What a chip is shown.
pub(super) struct Shown<'a> {
    pub(super) units: &'a Units,
    pub(super) balanced: &'a Balance,
    pub(super) calibration: &'a ImageSet,
    pub(super) test: &'a ImageSet,
}

/// Compiles for a chip and runs the test images there. What the chip cannot hold is a result, not an error.
pub(super) fn on_chip(
    name: &str,
    shown: &Shown<'_>,
    args: &ConvertArgs,
    wishes: &Wishes,
    console: &Console,
) -> Result<ConvertedChip> {
    let chip = chip::load(name, &chip::LoadOptions::default())?;
    // Synapse-list cores reset to 0; membranes of crossbars start empty.
    let (reset, initial) = match chip.family {
        Family::Cuba(_) => (SpikeReset::Zero, args.initial),
        _ => (SpikeReset::Subtract, 0.0),
    };
    let ticks = window(wishes);
    if wishes.coding == Coding::FirstSpike {
        return by_times(&chip, shown, args, ticks, console);
    }
    let balance = tuned(shown.units, shown.balanced, shown.calibration, reset, args)?;
    let graph = spiking(shown.units, &balance, reset, initial);
    let rate = encoding(Encoding::Rate, ticks, None, args.seed);
    let few = stimulus(shown.calibration, 0..PEAK_IMAGES, &rate);
    let calibration = Some(peaks(&graph, &few, console)?);
    let mut log = Log::default();
    let options = Options { calibration, ..Options::default() };
    let mut found = ConvertedChip { name: chip.name.clone(), ticks, ..ConvertedChip::default() };
    let compiled = match compile::compile(&Network::Float(graph), &chip, &options, &mut log) {
        Ok(compiled) => compiled,
        Err(problems) => {
            found.refuse(&problems.all()[0]);
            return Ok(found);
        }
    };
    console.log(&log);
    let readout = readout(shown.units);
    let Shown { units, test, .. } = *shown;
    let presented =
        Presented { compiled: &compiled, chip: &chip, encoding: Encoding::Rate, window: None, readout, units, test };
    present(&mut found, &presented, args, console)?;
    Ok(found)
}

/// The last length that was asked for.
fn window(wishes: &Wishes) -> u32 {
    wishes.ticks.last().copied().unwrap_or(64)
}

/// The chip for which a network of first spikes is written, where none is named.
const PROGRAMMED: &str = "loihi2";

/// The network of first spikes in the integers of the first chip that is named.
pub(super) fn programmed(graph: &Graph, args: &ConvertArgs, wishes: &Wishes, console: &Console) -> Result<IntGraph> {
    let name = args.chips.first().map_or(PROGRAMMED, String::as_str);
    let chip = chip::load(name, &chip::LoadOptions::default())?;
    let made = first_spike(graph, window(wishes), &chip, &mut Log::default())?;
    console.say(&format!(
        "run it with --encoding latency --window {} --ticks {} --readout membrane",
        window(wishes),
        made.ticks
    ));
    Ok(made.network)
}

/// First spikes on a chip: the read-out is full when all windows have passed.
fn by_times(
    chip: &ChipSpec,
    shown: &Shown<'_>,
    args: &ConvertArgs,
    window: u32,
    console: &Console,
) -> Result<ConvertedChip> {
    let Shown { units, test, .. } = *shown;
    let balance = tuned(units, shown.balanced, shown.calibration, SpikeReset::Subtract, args)?;
    let graph = spiking(units, &balance, SpikeReset::Subtract, 0.0);
    let mut log = Log::default();
    let mut found = ConvertedChip { name: chip.name.clone(), ..ConvertedChip::default() };
    let compiled = first_spike(&graph, window, chip, &mut log).and_then(|made| {
        found.ticks = made.ticks;
        compile::compile(&Network::Int(made.network), chip, &Options::default(), &mut log)
    });
    console.log(&log);
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(problems) => {
            found.refuse(&problems.all()[0]);
            return Ok(found);
        }
    };
    let readout = if readout(units) == Readout::Count { Readout::First } else { Readout::Membrane };
    let (encoding, window) = (Encoding::Latency, Some(window));
    let presented = Presented { compiled: &compiled, chip, encoding, window, readout, units, test };
    present(&mut found, &presented, args, console)?;
    Ok(found)
}

/// An image on its chip, and what it is shown.
pub(super) struct Presented<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) chip: &'a ChipSpec,
    pub(super) encoding: Encoding,
    /// Ticks in which values become times, where they do.
    pub(super) window: Option<u32>,
    pub(super) readout: Readout,
    pub(super) units: &'a Units,
    pub(super) test: &'a ImageSet,
}

/// Shows the test images for `found.ticks` ticks each: accuracy by function, energy and latency of a few with time.
pub(super) fn present(
    found: &mut ConvertedChip,
    presented: &Presented<'_>,
    args: &ConvertArgs,
    console: &Console,
) -> Result<()> {
    found.cores = presented.compiled.image.cores.len();
    by_function(found, presented, args, console)?;
    with_time(found, presented, args, console)
}

/// How images are shown for `ticks`.
fn encoding(encoding: Encoding, ticks: u32, window: Option<u32>, seed: u64) -> stimulus::Options {
    stimulus::Options { ticks: Some(ticks), encoding: Some(encoding), window, seed, ..stimulus::Options::default() }
}

/// Images `range` of a set as spikes or values.
fn stimulus(set: &ImageSet, range: std::ops::Range<usize>, options: &stimulus::Options) -> Stimulus {
    let range = range.start..range.end.min(set.images.len());
    let labels = set.labels.get(range.clone()).unwrap_or_default();
    stimulus::encode_images(&set.images[range], set.max, options, labels)
}

/// Accuracy, function only.
fn by_function(found: &mut ConvertedChip, shown: &Presented<'_>, args: &ConvertArgs, console: &Console) -> Result<()> {
    let chip = shown.chip;
    let count = args.chip_samples.min(shown.test.images.len());
    let options = RunOptions { timing: false, threads: threads(args.threads), strict: false, record: Record::None };
    let (mut right, mut ann, mut images) = (0_u64, 0_u64, 0_u64);
    let output = shown.units.output();
    let encoding = encoding(shown.encoding, found.ticks, shown.window, args.seed);
    let labelled = shown.test.labels.len() >= shown.test.images.len();
    for start in (0..count).step_by(BATCH) {
        let batch = stimulus(shown.test, start..(start + BATCH).min(count), &encoding);
        let watch = Watch::new(console, batch.samples.len(), &format!("on {} from image {start}", chip.name));
        let result = emu::run(&shown.compiled.image, chip, &batch, &options, &watch)?;
        for (at, sample) in result.samples.iter().enumerate() {
            images += 1;
            let label = batch.samples[at].label;
            right += u64::from(labelled && sample.winner(0, shown.readout) == label);
            let values = &shown.units.forward(&shown.test.images[start + at], shown.test.max)[output];
            ann += u64::from(labelled && Some(crate::convert::largest(values)) == label);
        }
    }
    found.images = images;
    let share = |right: u64| (labelled && images > 0).then(|| right as f64 / images as f64);
    (found.accuracy, found.ann) = (share(right), share(ann));
    Ok(())
}

/// Energy and latency of a few images.
fn with_time(found: &mut ConvertedChip, shown: &Presented<'_>, args: &ConvertArgs, console: &Console) -> Result<()> {
    let chip = shown.chip;
    let encoding = encoding(shown.encoding, found.ticks, shown.window, args.seed);
    let batch = stimulus(shown.test, 0..args.timed_samples, &encoding);
    if batch.samples.is_empty() {
        return Ok(());
    }
    let options = RunOptions { timing: true, threads: threads(args.threads), strict: false, record: Record::None };
    let watch = Watch::new(console, batch.samples.len(), &format!("with time on {}", chip.name));
    let result = emu::run(&shown.compiled.image, chip, &batch, &options, &watch)?;
    let seconds: Option<f64> = result.samples.iter().map(|sample| report::seconds_of(chip, sample)).sum();
    let images = result.samples.len().max(1) as f64;
    let bill = energy::bill(&chip.energy, &total_counts(&result), seconds);
    found.timed = result.samples.len() as u64;
    // Where nothing that happened has a price, the energy is unknown, not 0.
    let priced = bill.dynamic_joules > 0.0 || bill.unknown().is_empty();
    found.joules = priced.then(|| (bill.dynamic_joules / images, bill.static_joules.map(|joules| joules / images)));
    found.unpriced = bill.unknown().iter().map(|event| event.key().to_owned()).collect();
    found.seconds = seconds.map(|seconds| seconds / images);
    Ok(())
}

fn readout(units: &Units) -> Readout {
    let output = units.graph.populations[units.output()].neuron.as_ref();
    if output.is_some_and(|neuron| neuron.kind.spikes()) { Readout::Count } else { Readout::Membrane }
}

/// All of it, for scripts.
pub(super) fn json(found: &Conversion) -> Value {
    let errors = |errors: &[f64; 6]| {
        let pairs = ERRORS.iter().zip(errors).map(|((name, _), value)| (name.replace(' ', "_"), json!(value)));
        Value::Object(pairs.collect())
    };
    json!({
        "network": found.network,
        "settings": found.settings.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "macs": found.macs, "images": found.images, "ann_accuracy": found.ann,
        "points": found.points.iter().map(|point| json!({
            "ticks": point.ticks, "accuracy": point.accuracy, "agreement": point.agreement,
            "spikes": point.spikes, "synaptic_events": point.synaptic,
        })).collect::<Vec<_>>(),
        "explanation": found.explanation(),
        "populations": found.layers.iter().map(|layer| json!({
            "name": layer.name, "neurons": layer.neurons, "scale": layer.scale, "spikes": layer.spikes,
            "errors": layer.errors.iter().map(errors).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "chips": found.chips.iter().map(|chip| json!({
            "name": chip.name, "refused": chip.refused, "ticks": chip.ticks, "images": chip.images,
            "accuracy": chip.accuracy, "ann_accuracy": chip.ann, "cores": chip.cores, "timed_images": chip.timed,
            "joules": chip.total_joules(), "dynamic_joules": chip.joules.map(|(dynamic, _)| dynamic),
            "static_joules": chip.joules.and_then(|(_, rest)| rest), "unpriced": chip.unpriced, "seconds": chip.seconds,
        })).collect::<Vec<_>>(),
        "baselines": found.baselines.iter().map(|line| json!({
            "name": line.name, "mac_joules": line.mac_joules, "mac_memory_joules": line.mac_memory_joules,
            "add_joules": line.add_joules, "add_memory_joules": line.add_memory_joules, "source": line.source,
        })).collect::<Vec<_>>(),
    })
}
