//! From what the rooms provide to the plain model.

use crate::chip::{ChipSpec, Family, Status, SyncSpec};
use crate::compile::{Log, ResourceUse};
use crate::digest::Digest;
use crate::emu::counters::{EventCounts, Faults, RunResult, SampleResult};
use crate::energy::{self, Baseline, Bill};
use crate::event::Event;
use crate::ids::CoreId;
use crate::report::json::model::{
    Accuracy, Activity, Capacity, Chip, Comparison, Constant, Energy, EnergyLine, Fault, ImageFacts, Link, Mesh, Note,
    Population, Report, Router, Sample, Setting, Tensor,
};
use crate::report::{raster, timing};
use crate::units::Picos;

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// Version of spikeloom.
    pub version: &'a str,
    /// Name of the network.
    pub network_name: &'a str,
    /// The chip of the run.
    pub chip: &'a ChipSpec,
    /// Facts of the image.
    pub image: ImageFacts,
    /// Log of the compilation, where it happened in the same session.
    pub log: Option<&'a Log>,
    /// What the run did.
    pub result: &'a RunResult,
    /// Spikes that the host injected, as (input population, spikes).
    pub injected: Vec<(usize, u64)>,
    /// One entry a sample of the stimulus, in its order.
    pub samples: Vec<SampleFacts>,
    /// How classes were read, where they were.
    pub accuracy: Option<AccuracyFacts>,
    /// The bill of the whole run.
    pub bill: &'a Bill,
    /// Machines to compare with.
    pub baselines: &'a [Baseline],
    /// Options of the run as (name, value).
    pub options: Vec<(String, String)>,
    /// Digest of the run.
    pub digest: Digest,
}

/// What is known of a sample beside its result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SampleFacts {
    /// Name: file, row.
    pub name: String,
    /// Class, where known.
    pub label: Option<u32>,
    /// Class that was read, where one was.
    pub predicted: Option<u32>,
}

/// How classes were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccuracyFacts {
    /// `spike count`, `first spike` or `membrane`.
    pub readout: String,
    /// Accuracy of the float network on the same samples, 0 to 1.
    pub float: Option<f64>,
}

/// Makes the model of a report.
#[must_use]
pub fn build(inputs: Inputs<'_>) -> Report {
    let samples = samples(&inputs);
    let timing = timing::timing(inputs.result, inputs.chip, &inputs.samples);
    let energy = bill(inputs.bill, &samples);
    let baselines = baselines(&inputs, energy.inference.map(|spread| spread.mean).filter(|joules| *joules > 0.0));
    Report {
        version: inputs.version.to_owned(),
        network: inputs.network_name.to_owned(),
        digest: inputs.digest.to_string(),
        interrupted: inputs.result.interrupted,
        chip: chip(inputs.chip),
        accuracy: accuracy(&inputs),
        activity: activity(&inputs),
        energy,
        latency: timing::spread(samples.iter().filter_map(|sample| sample.seconds).collect()),
        untimed: timing.is_none().then(|| untimed(inputs.chip)),
        timing,
        faults: faults(&inputs),
        populations: populations(&inputs),
        raster: raster::raster(inputs.result, &inputs.image, &inputs.samples),
        mesh: mesh(&inputs),
        capacities: inputs.log.map(capacities).unwrap_or_default(),
        tensors: inputs.log.map(tensors).unwrap_or_default(),
        notes: inputs.log.map(notes).unwrap_or_default(),
        provenance: provenance(inputs.chip),
        unknown: inputs.chip.unknown.clone(),
        baselines,
        options: inputs.options.into_iter().map(|(name, value)| Setting { name, value }).collect(),
        image: inputs.image,
        samples,
    }
}

fn chip(spec: &ChipSpec) -> Chip {
    Chip {
        name: spec.name.clone(),
        title: spec.title.clone(),
        family: spec.family.name().to_owned(),
        cores: spec.cores(),
        mesh_width: spec.mesh.width,
        mesh_height: spec.mesh.height,
        cores_per_router: spec.mesh.cores_per_router,
        synchronisation: match &spec.sync {
            SyncSpec::FixedTick { period } => format!("global tick of {period}"),
            SyncSpec::Barrier { .. } => "barrier after every step".to_owned(),
            SyncSpec::Clocked { clock: Some(clock), .. } => format!("clock cycles of {clock}"),
            SyncSpec::Clocked { clock: None, .. } => "clock cycles of unknown length".to_owned(),
        },
        cost_set: spec.energy.cost_set.clone(),
        cost_note: spec.energy.cost_note.clone(),
        supply_mv: spec.energy.supply_mv,
        digest: spec.digest.to_string(),
    }
}

/// Names and labels of the samples that were run, made up where the caller has none.
pub(super) fn name_of(facts: &[SampleFacts], index: usize) -> String {
    facts
        .get(index)
        .filter(|sample| !sample.name.is_empty())
        .map_or_else(|| format!("sample {index}"), |sample| sample.name.clone())
}

/// Modelled seconds of a sample; `None` with timing off, and where a cycle has no known length.
#[must_use]
pub fn seconds_of(chip: &ChipSpec, sample: &SampleResult) -> Option<f64> {
    let picos = match (&chip.family, &chip.sync) {
        // No ticks: the run counts cycles.
        (Family::TinyOdin(_), SyncSpec::Clocked { clock, .. }) => clock.as_ref()?.0 * u64::from(sample.ticks),
        _ if sample.tick_times.is_empty() => return None,
        _ => sample.tick_times.iter().map(|tick| tick.duration.0).sum(),
    };
    Some(Picos(picos).as_seconds())
}

/// Why a run has no times of ticks.
fn untimed(chip: &ChipSpec) -> String {
    match (&chip.family, &chip.sync) {
        (Family::TinyOdin(_), _) => "the chip has no ticks; spikes are given by clock cycle".to_owned(),
        (_, SyncSpec::Clocked { clock: None, .. }) => {
            "cycles are counted, but the file of the chip gives no length of one (--set sync.clock=\"10 ns\")"
                .to_owned()
        }
        _ => "the run was made with timing off".to_owned(),
    }
}

fn samples(inputs: &Inputs<'_>) -> Vec<Sample> {
    let line = |(index, sample): (usize, &SampleResult)| {
        let seconds = seconds_of(inputs.chip, sample);
        Sample {
            name: name_of(&inputs.samples, index),
            label: inputs.samples.get(index).and_then(|facts| facts.label),
            predicted: inputs.samples.get(index).and_then(|facts| facts.predicted),
            ticks: sample.ticks,
            spikes: sample.spike_total,
            synaptic_events: sample.counts.synaptic(),
            seconds,
            joules: energy::bill(&inputs.chip.energy, &sample.counts, seconds).total_joules(),
            faults: sample.faults.total(),
        }
    };
    inputs.result.samples.iter().enumerate().map(line).collect()
}

fn accuracy(inputs: &Inputs<'_>) -> Option<Accuracy> {
    let facts = inputs.accuracy.as_ref()?;
    let judged: Vec<(u32, Option<u32>)> = inputs
        .samples
        .iter()
        .take(inputs.result.samples.len())
        .filter_map(|sample| sample.label.map(|label| (label, sample.predicted)))
        .collect();
    if judged.is_empty() {
        return None;
    }
    let correct = judged.iter().filter(|(label, predicted)| Some(*label) == *predicted).count();
    let largest = judged.iter().map(|&(label, predicted)| label.max(predicted.unwrap_or(0))).max().unwrap_or(0);
    let mut confusion = Vec::new();
    if largest < 32 {
        confusion = vec![vec![0; largest as usize + 1]; largest as usize + 1];
        for &(label, predicted) in &judged {
            if let Some(predicted) = predicted {
                confusion[label as usize][predicted as usize] += 1;
            }
        }
    }
    Some(Accuracy {
        readout: facts.readout.clone(),
        total: judged.len(),
        correct,
        fraction: correct as f64 / judged.len() as f64,
        float: facts.float,
        confusion,
    })
}

fn total_counts(result: &RunResult) -> EventCounts {
    let mut counts = EventCounts::default();
    result.samples.iter().for_each(|sample| counts.merge(&sample.counts));
    counts
}

fn activity(inputs: &Inputs<'_>) -> Activity {
    let counts = total_counts(inputs.result);
    Activity {
        samples: inputs.result.samples.len(),
        samples_offered: inputs.samples.len().max(inputs.result.samples.len()),
        ticks: inputs.result.samples.iter().map(|sample| u64::from(sample.ticks)).sum(),
        spikes: inputs.result.samples.iter().map(|sample| sample.spike_total).sum(),
        synaptic_events: counts.synaptic(),
        packets: counts.get(Event::AxonOut),
        hops: counts.get(Event::HopX) + counts.get(Event::HopY),
    }
}

fn bill(bill: &Bill, samples: &[Sample]) -> Energy {
    let unknown: Vec<String> = bill.unknown().into_iter().map(|event| event.key().to_owned()).collect();
    let mut entries: Vec<EnergyLine> = bill
        .entries
        .iter()
        .filter(|entry| entry.count > 0)
        .map(|entry| EnergyLine { event: entry.event.key().to_owned(), count: entry.count, joules: entry.joules })
        .collect();
    entries.sort_by(|a, b| b.joules.unwrap_or(f64::MAX).total_cmp(&a.joules.unwrap_or(f64::MAX)));
    Energy {
        entries,
        dynamic_joules: bill.dynamic_joules,
        static_joules: bill.static_joules,
        total_joules: bill.total_joules(),
        complete: unknown.is_empty() && bill.static_joules.is_some(),
        watts: bill.watts(),
        inference: timing::spread(samples.iter().map(|sample| sample.joules).collect()),
        joules_per_synaptic_event: bill.joules_per_synaptic_event(),
        gsops_per_watt: bill.gsops_per_watt(),
        tops_per_watt: bill.tops_per_watt(),
        unknown,
    }
}

/// Reads one kind of fault.
type FaultCount = fn(&Faults) -> u64;

fn faults(inputs: &Inputs<'_>) -> Vec<Fault> {
    let kinds: [(&str, &str, FaultCount); 4] = [
        ("late packets", "arrived after their delivery tick had begun", |faults| faults.late_packets),
        ("overruns", "core-ticks in which a core had not finished when the tick ended", |faults| faults.overruns),
        ("merged spikes", "fell on an axon that already held a spike for the same tick", |faults| faults.merged_spikes),
        ("overflows", "registers that saturated or wrapped", |faults| faults.overflows),
    ];
    let samples = &inputs.result.samples;
    kinds
        .into_iter()
        .map(|(name, meaning, count)| Fault {
            name: name.to_owned(),
            meaning: meaning.to_owned(),
            count: samples.iter().map(|sample| count(&sample.faults)).sum(),
            first_sample: samples
                .iter()
                .position(|sample| count(&sample.faults) > 0)
                .map(|index| name_of(&inputs.samples, index)),
        })
        .collect()
}

fn populations(inputs: &Inputs<'_>) -> Vec<Population> {
    let ticks: u64 = inputs.result.samples.iter().map(|sample| u64::from(sample.ticks)).sum();
    let line = |(index, (name, neurons)): (usize, &(String, u32))| {
        let injected = inputs.injected.iter().find(|(population, _)| *population == index);
        let spikes = injected.map_or_else(|| inputs.result.population_spikes.get(index).copied(), |of| Some(of.1));
        let slots = ticks as f64 * f64::from(*neurons);
        Population {
            name: name.clone(),
            neurons: *neurons,
            spikes,
            rate: spikes.filter(|_| slots > 0.0).map(|spikes| spikes as f64 / slots),
        }
    };
    inputs.image.populations.iter().enumerate().map(line).collect()
}

fn mesh(inputs: &Inputs<'_>) -> Mesh {
    let spec = inputs.chip;
    let mut routers: Vec<Router> = Vec::new();
    for (core, counts) in inputs.image.cores.iter().zip(&inputs.result.core_counts) {
        let (x, y) = spec.router_of(CoreId(*core));
        if routers.last().is_none_or(|last| (last.x, last.y) != (x, y)) {
            routers.push(Router { x, y, ..Router::default() });
        }
        if let Some(router) = routers.last_mut() {
            router.cores += 1;
            router.synaptic_events += counts.synaptic();
            router.spikes += counts.get(Event::SpikeOut);
            router.packets_in += counts.get(Event::AxonIn);
        }
    }
    let links: Vec<Link> = links(inputs);
    let mut mesh = Mesh { host: spec.mesh.host, routers, links, ..Mesh::default() };
    let used = mesh.routers.iter().map(|router| (router.x, router.y));
    let passed = mesh.links.iter().map(|link| (link.x, link.y));
    let (mut low, mut high) = (spec.mesh.host, spec.mesh.host);
    for (x, y) in used.chain(passed) {
        low = (low.0.min(x), low.1.min(y));
        high = (high.0.max(x), high.1.max(y));
    }
    (mesh.x, mesh.y) = low;
    mesh.width = high.0 - low.0 + 1;
    mesh.height = high.1 - low.1 + 1;
    mesh
}

fn links(inputs: &Inputs<'_>) -> Vec<Link> {
    let width = u32::from(inputs.chip.mesh.width).max(1);
    let loaded = inputs.result.links.iter().enumerate().filter(|(_, load)| load.packets > 0);
    loaded
        .map(|(index, load)| {
            let router = index as u32 / 4;
            Link {
                x: (router % width) as u16,
                y: (router / width) as u16,
                direction: (index % 4) as u8,
                packets: load.packets,
                peak: load.peak,
            }
        })
        .collect()
}

fn capacities(log: &Log) -> Vec<Capacity> {
    let Some(first) = log.cores.first() else { return Vec::new() };
    let line = |(index, resource): (usize, &ResourceUse)| {
        let used: Vec<u32> =
            log.cores.iter().map(|core| core.resources.get(index).map_or(0, |resource| resource.used)).collect();
        let fullest = used.iter().enumerate().max_by_key(|&(core, used)| (used, usize::MAX - core));
        Capacity {
            resource: resource.resource.to_owned(),
            limit: resource.limit,
            fullest_core: fullest.map_or(0, |(core, _)| log.cores[core].core),
            used,
        }
    };
    first.resources.iter().enumerate().map(line).collect()
}

fn tensors(log: &Log) -> Vec<Tensor> {
    let line = |tensor: &crate::compile::TensorError| Tensor {
        name: tensor.name.clone(),
        values: tensor.values,
        step: tensor.step,
        max_error: tensor.max_error,
        rms_error: tensor.rms_error,
        saturated: tensor.saturated,
    };
    log.tensors.iter().map(line).collect()
}

fn notes(log: &Log) -> Vec<Note> {
    let metrics = &log.metrics;
    let mapping = format!(
        "{} cores, {} connections, {} hops, {} added neurons",
        metrics.cores, metrics.connections, metrics.hops, metrics.added_neurons
    );
    log.lines
        .iter()
        .map(|line| Note { pass: line.pass.to_owned(), text: line.text.clone(), warning: line.warning })
        .chain([Note { pass: "mapping".to_owned(), text: mapping, warning: false }])
        .collect()
}

fn provenance(spec: &ChipSpec) -> Vec<Constant> {
    let line = |fact: &crate::chip::Fact| Constant {
        key: fact.key.clone(),
        value: fact.value.clone(),
        unit: fact.unit.clone(),
        source: fact.source.clone(),
        status: match fact.status {
            Status::Measured => "measured",
            Status::Published => "published",
            Status::Derived => "derived",
            Status::Estimated => "estimated",
        }
        .to_owned(),
    };
    spec.facts.iter().map(line).collect()
}

/// The same network elsewhere; `inference` is the mean energy of one here, as far as it is known.
fn baselines(inputs: &Inputs<'_>, inference: Option<f64>) -> Vec<Comparison> {
    let samples = inputs.result.samples.len();
    let events = (samples > 0).then(|| total_counts(inputs.result).synaptic() as f64 / samples as f64);
    let macs = inputs.image.dense_macs.map(|macs| macs as f64);
    let line = |baseline: &Baseline| {
        let price = |count: Option<f64>, pj: Option<f64>| count.zip(pj).map(|(count, pj)| count * pj * 1e-12);
        let with = |pj: f64| baseline.memory_pj.map(|memory| pj + memory);
        let (sparse_joules, dense_joules) = (price(events, Some(baseline.ac_pj)), price(macs, Some(baseline.mac_pj)));
        let (sparse_memory_joules, dense_memory_joules) =
            (price(events, with(baseline.ac_pj)), price(macs, with(baseline.mac_pj)));
        let over = |joules: Option<f64>| joules.zip(inference).map(|(other, own)| other / own);
        Comparison {
            name: baseline.name.to_owned(),
            sparse_joules,
            sparse_memory_joules,
            dense_joules,
            dense_memory_joules,
            ratio: over(dense_joules.or(sparse_joules)),
            memory_ratio: over(dense_memory_joules.or(sparse_memory_joules)),
            source: baseline.source.to_owned(),
        }
    };
    inputs.baselines.iter().map(line).collect()
}
