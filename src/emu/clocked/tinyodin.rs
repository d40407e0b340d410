//! tinyODIN from an image.

use super::super::chip::Outcome;
use super::super::counters::{EventCounts, Faults, SampleResult};
use super::{Owners, RunOptions, Tally};
use crate::chip::TinyOdinSpec;
use crate::diag::Result;
use crate::emu::tinyodin::{Board, Chip, Config, Counts, Memories, Neuron, Sink, Source, Trace};
use crate::event::Event;
use crate::image::{CoreBody, Image};
use crate::stimulus::Sample;

/// The chip that a checked image stands for, as it is after reset.
///
/// # Errors
/// None for an image that was checked: its words are as wide as the registers.
pub fn tinyodin_chip(image: &Image, spec: &TinyOdinSpec) -> Result<Chip> {
    let mut memories = Memories::default();
    if let Some(CoreBody::TinyOdin(body)) = image.cores.first().map(|core| &core.body) {
        for (at, &word) in (0..=255_u8).zip(&body.neurons) {
            memories.set_neuron(at, Neuron::unpack(word))?;
        }
        for (at, &word) in (0_u32..).zip(&body.synapses) {
            for nibble in 0..8 {
                let weight = (word << (28 - 4 * nibble)) as i32 >> 28;
                memories.set_weight((at / 32) as u8, (at % 32 * 8 + nibble) as u8, weight as i8)?;
            }
        }
    }
    let config =
        Config { open_loop: spec.open_loop, output_processed: spec.output_processed, last_neuron: spec.last_neuron };
    Ok(Chip::new(config, memories))
}

/// The events of a sample: the tick is the earliest cycle, the input the address.
#[must_use]
pub fn tinyodin_events(sample: &Sample) -> Vec<(u64, u16)> {
    let times = |spike: &crate::stimulus::InputSpike| {
        std::iter::repeat_n((u64::from(spike.tick), spike.input as u16), usize::from(spike.value))
    };
    sample.spikes.iter().flat_map(times).collect()
}

/// A chip with sender and receiver, shown a sample.
pub(in crate::emu) fn board(image: &Image, spec: &TinyOdinSpec, sample: &Sample) -> Result<Board> {
    let sink = Sink::new(spec.acknowledge_delay.into(), spec.release_delay.into());
    Ok(Board::new(tinyodin_chip(image, spec)?, Source::new(tinyodin_events(sample))?, sink))
}

pub(super) fn show(
    design: &Chip,
    image: &Image,
    spec: &TinyOdinSpec,
    sample: &Sample,
    options: &RunOptions,
) -> Result<Outcome> {
    let sink = Sink::new(spec.acknowledge_delay.into(), spec.release_delay.into());
    let mut board = Board::new(design.clone(), Source::new(tinyodin_events(sample))?, sink);
    let cycles = sample.ticks + image.depth;
    let mut trace = Trace::default();
    board.run(cycles.into(), &mut trace);
    let owners = Owners::new(image);
    let mut tally = Tally::new(image, &options.record);
    for &(cycle, neuron) in &trace.spikes {
        if let Some(owner) = owners.of(0, neuron.into()) {
            tally.spike(cycle as u32, owner);
        }
    }
    let counts = counts(board.chip().counts());
    let sample = SampleResult {
        ticks: cycles,
        counts,
        faults: Faults { late_packets: board.chip().counts().lost, ..Faults::default() },
        ..SampleResult::default()
    };
    let words = board.chip().neuron_words();
    let membrane = |place: crate::image::Place| Some(i32::from(Neuron::unpack(words[usize::from(place.neuron)]).v));
    Ok(Outcome { core_counts: vec![counts], ..tally.outcome(sample, membrane) })
}

/// The chip's own counters in the classes of the house.
fn counts(own: &Counts) -> EventCounts {
    let mut counts = EventCounts::default();
    counts.add(Event::NeuronAccess, own.neuron_writes);
    counts.add(Event::NeuronUpdate, own.virtual_updates + own.leak_updates);
    counts.add(Event::SpikeOut, own.spikes);
    counts.add(Event::AxonIn, own.pushed);
    counts.add(Event::SynapseDense, own.synaptic_operations);
    counts
}
