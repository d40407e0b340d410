//! RANC from an image without its cycles: the function alone.
//!
//! The tick model says who fires in which tick. Where every packet then goes, and what that counts, is told as a trace whose
//! cycles are only as good as their tick: one edge of it stands for all. So everything that needs no time is counted by
//! the same code as with cycles.

use super::ranc::host_packets;
use crate::chip::ChipSpec;
use crate::diag::Result;
use crate::emu::mesh::clocked::Flit;
use crate::emu::ranc::{RancConfig, RancInput, RancStimulus, RancTickInput, RancTicks, RancTrace};
use crate::image::Image;
use crate::stimulus::Sample;

/// Cycles that stand for a tick.
const PERIOD: u64 = 8;
/// Within a tick: spikes, and the arrival of all packets.
const SPIKE: u64 = 2;
const ARRIVAL: u64 = 4;

/// The chip, where the function is the same with and without cycles: no neuron sends into the row in work (who has looked at
/// the axon already depends on the cycle) or beyond the grid (where the packet stays in a buffer's way for ever).
pub(super) fn chip(config: &RancConfig) -> Result<Option<RancTicks>> {
    let params = &config.params;
    let inside = |from: u32, by: i32, size: u32| from.checked_add_signed(by).is_some_and(|to| to < size);
    let sound = |core: &crate::emu::ranc::RancCore| {
        core.neurons.iter().all(|neuron| {
            neuron.delay + 1 < params.num_ticks
                && inside(core.x, neuron.dx, params.grid_x)
                && inside(core.y, neuron.dy, params.grid_y)
        })
    };
    if !config.cores.iter().all(sound) {
        return Ok(None);
    }
    let mut chip = RancTicks::new(config)?;
    chip.keep_fired(true);
    Ok(Some(chip))
}

/// Shows a copy of the chip a sample; none where an input goes into the row in work.
pub(super) fn show(
    after_reset: &RancTicks,
    config: &RancConfig,
    image: &Image,
    chip: &ChipSpec,
    sample: &Sample,
) -> Result<Option<(RancStimulus, RancTrace, RancTicks)>> {
    let ticks = u64::from(sample.ticks) + u64::from(image.depth);
    let pulses = ticks.saturating_sub(1);
    let (mut inputs, mut late_row) = (Vec::new(), false);
    host_packets(image, chip, sample, |tick, flit| {
        late_row |= flit.delay + 1 >= config.params.num_ticks;
        inputs.push(RancTickInput { tick, flit });
    });
    if late_row {
        return Ok(None);
    }
    let mut device = after_reset.clone();
    // What comes in the last tick is for a tick that nobody sees.
    let seen = inputs.partition_point(|input| input.tick < pulses);
    let fired = device.run(pulses, &inputs[..seen], 1)?.fired;
    let stimulus = RancStimulus {
        ticks: (1..ticks).map(|tick| tick * PERIOD).collect(),
        packets: inputs
            .iter()
            .map(|input| RancInput { cycle: input.tick * PERIOD + SPIKE, flit: input.flit })
            .collect(),
        cycles: ticks * PERIOD,
    };
    Ok(Some((stimulus, trace(config, &inputs, &fired), device)))
}

fn trace(config: &RancConfig, inputs: &[RancTickInput], fired: &[(u64, u32, u32)]) -> RancTrace {
    let params = &config.params;
    let (width, bus) = (params.grid_x, params.output_core.0 + params.grid_x * params.output_core.1);
    let line_mask = (1 << crate::bits::address_bits(params.num_outputs)) - 1;
    let mut trace = RancTrace::default();
    // The pointer of house tick t has moved t times, from the last row on.
    let mut arrive = |tick: u64, to: u32, flit: Flit| {
        let at = tick * PERIOD + ARRIVAL;
        if to == bus {
            trace.out_packets.push((at, flit.axon & line_mask));
        } else {
            let row = (u64::from(flit.delay) + tick) % u64::from(params.num_ticks);
            trace.sched_writes.push((at, to, flit.axon, row as u32));
        }
    };
    let mut places = vec![None; (params.grid_x * params.grid_y) as usize];
    for (index, core) in config.cores.iter().enumerate() {
        places[(core.y * width + core.x) as usize] = Some(index);
    }
    let mut spikes = fired.iter().peekable();
    let mut packets = inputs.iter().peekable();
    // Both in order of tick; what the host sends in a tick comes first.
    loop {
        let host = packets.peek().map_or(u64::MAX, |input| input.tick);
        let own = spikes.peek().map_or(u64::MAX, |spike| spike.0 + 1);
        if host.min(own) == u64::MAX {
            break;
        }
        if host <= own {
            let Some(RancTickInput { tick, flit }) = packets.next() else { break };
            arrive(*tick, flit.dx.unsigned_abs() + flit.dy.unsigned_abs() * width, *flit);
        } else {
            let Some(&(_, core, neuron)) = spikes.next() else { break };
            let Some(index) = places[core as usize] else { continue };
            let source = &config.cores[index].neurons[neuron as usize];
            let to = core.wrapping_add_signed(source.dx).wrapping_add_signed(source.dy * width as i32);
            arrive(own, to, Flit { dx: source.dx, dy: source.dy, axon: source.axon, delay: source.delay });
        }
    }
    trace.spikes = fired.iter().map(|&(tick, core, neuron)| ((tick + 1) * PERIOD + SPIKE, core, neuron)).collect();
    trace.input_accepted = inputs.iter().map(|input| input.tick * PERIOD + SPIKE).collect();
    trace
}
