//! A mapping at work: a run with time, its energy and latency, and its spikes.

use std::collections::BTreeMap;

use super::row::Measured;
use crate::chip::ChipSpec;
use crate::compile::Compiled;
use crate::compile::traffic::{Rates, Trains, counted};
use crate::diag::Result;
use crate::digest::Digester;
use crate::emu::counters::{EventCounts, RunResult, SampleResult};
use crate::emu::{self, Control, Record, RunOptions};
use crate::energy;
use crate::event::Event;
use crate::ids::CoreId;
use crate::report::seconds_of;
use crate::stimulus::Stimulus;
use crate::units::Picos;

/// Runs a mapping with time.
///
/// # Errors
/// What the emulator refuses.
pub(super) fn measure(
    compiled: &Compiled,
    chip: &ChipSpec,
    stimulus: &Stimulus,
    control: &dyn Control,
) -> Result<(Measured, RunResult)> {
    let options = RunOptions { timing: true, threads: 1, strict: false, record: Record::All };
    let result = emu::run(&compiled.image, chip, stimulus, &options, control)?;
    let mut counts = EventCounts::default();
    result.samples.iter().for_each(|sample| counts.merge(&sample.counts));
    let each: Vec<f64> = result.samples.iter().filter_map(|sample| seconds_of(chip, sample)).collect();
    let total = (!each.is_empty()).then(|| each.iter().sum::<f64>());
    let bill = energy::bill(&chip.energy, &counts, total);
    let ticks = result.samples.iter().flat_map(|sample| &sample.tick_times);
    let ticks: Vec<f64> = ticks.map(|tick| tick.busy.max(tick.drained).as_seconds()).collect();
    let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let packets: u64 = result.samples.iter().map(|sample| sample.latency.packets).sum();
    let known = packets > 0 && chip.knows_latency();
    let waited: f64 = result.samples.iter().map(|sample| sample.latency.total.as_seconds()).sum();
    let worst = result.samples.iter().map(|sample| sample.latency.worst).max();
    let links = (0..).zip(&result.links).filter(|(_, load)| load.packets > 0);
    let measured = Measured {
        joules: bill.total_joules(),
        complete: bill.unknown().is_empty(),
        seconds: mean(&each),
        tick: mean(&ticks),
        packet: known.then(|| waited / packets as f64),
        packet_worst: worst.filter(|_| known).map(Picos::as_seconds),
        hops: counts.get(Event::HopX) + counts.get(Event::HopY),
        max_link: result.links.iter().map(|load| load.packets).max().unwrap_or(0),
        faults: result.samples.iter().map(|sample| sample.faults.total()).sum(),
        spikes: spikes_digest(&result.samples),
        links: links.map(|(link, load)| (link, load.packets, load.peak)).collect(),
        routers: routers(compiled, chip, &result),
    };
    Ok((measured, result))
}

/// Spikes of every neuron and input in a run that recorded all.
pub(super) fn spikes_of(compiled: &Compiled, stimulus: &Stimulus, result: &RunResult) -> Rates {
    let spikes = result.samples.iter().flat_map(|sample| &sample.spikes);
    let inputs = stimulus.samples.iter().flat_map(|sample| &sample.spikes);
    counted(
        &compiled.image,
        spikes.map(|spike| (spike.population, spike.neuron)),
        inputs.map(|spike| (spike.input, spike.value)),
    )
}

/// The same tick by tick.
pub(super) fn trains_of(compiled: &Compiled, stimulus: &Stimulus, result: &RunResult) -> Trains {
    let mut trains = Trains::new(&compiled.image);
    for (sample, given) in result.samples.iter().zip(&stimulus.samples) {
        let spikes = sample.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron));
        let injected = given.spikes.iter().map(|spike| (spike.tick, spike.input, spike.value));
        trains.add(&compiled.image, sample.ticks, spikes, injected);
    }
    trains
}

/// Cores and synaptic events by router.
fn routers(compiled: &Compiled, chip: &ChipSpec, result: &RunResult) -> Vec<(u32, u32, u64)> {
    let mut found: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
    for (core, counts) in compiled.image.cores.iter().zip(&result.core_counts) {
        let (x, y) = chip.router_of(CoreId(core.core));
        let router = found.entry(u32::from(y) * u32::from(chip.mesh.width) + u32::from(x)).or_default();
        router.0 += 1;
        router.1 += counts.synaptic();
    }
    found.into_iter().map(|(router, (cores, events))| (router, cores, events)).collect()
}

/// Digest of the spikes alone: what no mapping may change.
fn spikes_digest(samples: &[SampleResult]) -> String {
    let mut digest = Digester::default();
    for sample in samples {
        digest.word(sample.spikes.len() as u64);
        for spike in &sample.spikes {
            [spike.tick, spike.population, spike.neuron].into_iter().for_each(|word| digest.word(u64::from(word)));
        }
    }
    digest.finish().short()
}
