//! Chips that run tick by tick.

use super::signal;
use crate::chip::ChipSpec;
use crate::diag::Result;
use crate::emu::Record;
use crate::emu::chip::Chip;
use crate::emu::probe::{Change, Signal};
use crate::emu::program::{Program, Target};
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
    let mut before: Vec<Vec<u32>> = program.cores.iter().map(|core| vec![0; core.neurons()]).collect();
    for tick in 0..sample.ticks + image.depth {
        let rest = &sample.spikes[cursor..];
        let input = &rest[..rest.partition_point(|spike| spike.tick <= tick)];
        cursor += input.len();
        device.tick(input);
        let mut change = |time, signal, value| tell(Change { time, signal, value });
        change(now, 0, tick.into());
        let mut packets: Vec<(u64, u32, Target)> = Vec::new();
        device.timed_packets(|at, from, to| packets.push((at, from, to)));
        let mut fired = vec![Vec::new(); program.cores.len()];
        for (core, (fired, before)) in fired.iter_mut().zip(&mut before).enumerate() {
            device.spike_counts(core, |now| {
                let neurons = before.iter().zip(now).enumerate();
                fired.extend(neurons.filter(|(_, (before, now))| now > before).map(|(neuron, _)| neuron));
                // Banks pad their neurons.
                let neurons = before.len();
                before.copy_from_slice(&now[..neurons]);
            });
            change(now, GENERAL + core as u32 * PER_CORE, fired.len() as u64);
            if !timing {
                let targets = fired.iter().flat_map(|neuron| program.cores[core].all_targets_of(*neuron));
                packets.extend(targets.map(|to| (0, core as u32, to)));
            }
        }
        let of_neurons = GENERAL + program.cores.len() as u32 * PER_CORE;
        for (index, place) in (0..).zip(watched) {
            let first = of_neurons + index * PER_NEURON;
            let at = program.cores.binary_search_by_key(&place.core, |core| core.id.0);
            let fires = at.is_ok_and(|at| fired[at].contains(&usize::from(place.neuron)));
            change(now, first, fires.into());
            if let Some(state) = device.probe(*place) {
                change(now, first + 1, i64::from(state.u).cast_unsigned());
                change(now, first + 2, i64::from(state.v).cast_unsigned());
            }
        }
        let duration = device.last_duration().map_or(1, |time| time.0.max(1));
        // In order of time: a file knows no way back.
        packets.sort_by_key(|packet| packet.0);
        for (at, index, to) in packets {
            // What a core that overran sends in the next tick's time is shown at the end of its own.
            let time = now + at.min(duration - 1);
            change(time, GENERAL + index * PER_CORE + 1, program.cores[to.core as usize].id.0.into());
            change(time, GENERAL + index * PER_CORE + 2, to.axon.into());
        }
        now += duration;
    }
    Ok(now)
}
