//! Chips that run tick by tick.

use super::signal;
use crate::chip::ChipSpec;
use crate::diag::Result;
use crate::emu::Record;
use crate::emu::chip::Chip;
use crate::emu::probe::{Change, Signal};
use crate::emu::program::Program;
use crate::event::Event;
use crate::image::{Image, Place};
use crate::stimulus::Sample;

/// Signals of the chip as a whole.
const GENERAL: u32 = 1;
/// Signals of each core, and of each watched neuron.
const PER_CORE: u32 = 3;
const PER_NEURON: u32 = 3;

pub(super) fn signals(image: &Image, chip: &ChipSpec, watched: &[Place]) -> Vec<Signal> {
    let top = chip.name.as_str();
    let mut list = vec![signal(&[top], "tick", 32)];
    for core in &image.cores {
        let scope = format!("core_{}", core.core);
        list.push(signal(&[top, &scope], "spikes", 16));
        list.push(signal(&[top, &scope], "packet_core", 32));
        list.push(signal(&[top, &scope], "packet_axon", 16));
    }
    for place in watched {
        let (core, neuron) = (format!("core_{}", place.core), format!("neuron_{}", place.neuron));
        list.push(signal(&[top, &core, &neuron], "spike", 1));
        list.push(signal(&[top, &core, &neuron], "u", 32));
        list.push(signal(&[top, &core, &neuron], "v", 32));
    }
    list
}

/// A tick without time is a unit of time; with time a unit is a picosecond.
pub(super) fn replay(
    image: &Image,
    chip: &ChipSpec,
    sample: &Sample,
    watched: &[Place],
    timing: bool,
    mut tell: impl FnMut(Change),
) -> Result<u64> {
    let program = Program::new(image, chip)?;
    let mut device = Chip::new(&program, timing, &Record::None);
    let (mut now, mut cursor) = (0, 0);
    let mut fired = vec![0; program.cores.len()];
    let mut spikes = vec![0; watched.len()];
    for tick in 0..sample.ticks + image.depth {
        let rest = &sample.spikes[cursor..];
        let input = &rest[..rest.partition_point(|spike| spike.tick <= tick)];
        cursor += input.len();
        device.tick(input);
        let mut change = |time, signal, value| tell(Change { time, signal, value });
        change(now, 0, tick.into());
        for (index, (core, fired)) in (0..).zip(device.cores.iter().zip(&mut fired)) {
            let total = core.counts.get(Event::SpikeOut);
            change(now, GENERAL + index * PER_CORE, total - std::mem::replace(fired, total));
        }
        let of_neurons = GENERAL + program.cores.len() as u32 * PER_CORE;
        for (index, (place, spikes)) in (0..).zip(watched.iter().zip(&mut spikes)) {
            let first = of_neurons + index * PER_NEURON;
            let at = program.cores.binary_search_by_key(&place.core, |core| core.id.0);
            let total = at.map_or(0, |at| device.cores[at].spike_counts[usize::from(place.neuron)]);
            change(now, first, u64::from(total > std::mem::replace(spikes, total)));
            if let Some(state) = device.probe(*place) {
                change(now, first + 1, i64::from(state.u).cast_unsigned());
                change(now, first + 2, i64::from(state.v).cast_unsigned());
            }
        }
        // Packets of all cores in order of time: a file knows no way back.
        let mut packets: Vec<(u64, u32, u64, u64)> = Vec::new();
        for (index, core) in (0..).zip(&device.cores) {
            let packet = |out: &crate::emu::neurocore::Outgoing| {
                let to = program.cores[out.to.core as usize].id.0;
                (if timing { out.at.0 } else { 0 }, index, u64::from(to), u64::from(out.to.axon))
            };
            packets.extend(core.outbox.iter().map(packet));
        }
        let duration = device.fabric.tick_times.last().map_or(1, |time| time.duration.0.max(1));
        packets.sort_by_key(|packet| packet.0);
        for (at, index, core, axon) in packets {
            // What a core that overran sends in the next tick's time is shown at the end of its own.
            let time = now + at.min(duration - 1);
            change(time, GENERAL + index * PER_CORE + 1, core);
            change(time, GENERAL + index * PER_CORE + 2, axon);
        }
        now += duration;
    }
    Ok(now)
}
