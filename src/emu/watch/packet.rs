//! The life of one packet of a RANC chip, from the plain model's registers.

use super::Shown;
use crate::chip::{ChipSpec, Family};
use crate::diag::{Problem, Result};
use crate::emu::clocked;
use crate::emu::mesh::clocked::{Flit, Passage, Whereabouts};
use crate::emu::ranc::{Pace, RancChip, RancConfig, RancStimulus, RancTrace};
use crate::image::{Image, Place};

/// Which packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first that a neuron sends in this tick or later.
    Spike(Place, u32),
    /// The packet of this number from the host, from 0 on.
    Input(usize),
}

/// Something that happens to a packet: at a cycle, in words.
pub type Step = (u64, String);

/// Runs what is shown and tells what happens to a packet, or to an event of tinyODIN; `None` where there is no such packet.
///
/// # Errors
/// `watch/packet` on a chip whose packets are not followed, else as [`super::super::run`].
pub fn packet(image: &Image, chip: &ChipSpec, shown: Shown<'_>, which: Which) -> Result<Option<Vec<Step>>> {
    match (&chip.family, shown) {
        (Family::Ranc(_), _) => {}
        (Family::TinyOdin(spec), Shown::Sample(sample)) => return super::event::event(image, spec, sample, which),
        _ => {
            // Handshake meshes time a packet as a whole: it has no registers of which a life could be told.
            let what = "packets are followed through the registers of clocked designs only, and this mesh has none";
            return Err(Problem::invalid("watch/packet", chip.name.as_str(), what)
                .limit("ranc, tinyodin")
                .help("use --watch coreN.neuronM, or --trace fst FILE, which shows packets as they leave")
                .into());
        }
    }
    let made;
    let stimulus = match shown {
        Shown::Cycles(stimulus) => stimulus,
        Shown::Sample(sample) => {
            made = clocked::ranc_stimulus(image, chip, sample).0;
            &made
        }
    };
    follow(&clocked::ranc_config(image, chip), stimulus, which)
}

fn follow(config: &RancConfig, stimulus: &RancStimulus, which: Which) -> Result<Option<Vec<Step>>> {
    let mut device = RancChip::new(config, Pace::Every)?;
    device.keep_states(false);
    let width = config.params.grid_x;
    let sent = |core: u32, neuron: u32| {
        let of_core = config.cores.iter().find(|loaded| loaded.y * width + loaded.x == core)?;
        of_core.neurons.get(neuron as usize)
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut passage: Option<Passage> = None;
    let mut last = None;
    let mut arrival = None;
    device.run_watched(stimulus, |cycle, _, view| {
        if arrival.is_some() {
            return;
        }
        let mesh = view.mesh();
        if let Some(passage) = &passage {
            let now = passage.whereabouts(mesh);
            if last != Some(now) {
                steps.push((cycle, describe(now, width)));
                last = Some(now);
            }
            match now {
                Whereabouts::Arrives { router } => arrival = Some((cycle, router)),
                Whereabouts::Dropped => arrival = Some((cycle, u32::MAX)),
                _ => {}
            }
        }
        if let Some(passage) = &mut passage {
            passage.step(mesh);
            return;
        }
        let begins = match which {
            Which::Spike(place, tick) => {
                let now = stimulus.ticks.partition_point(|&edge| edge <= cycle);
                let fires = now >= tick as usize && view.spike(place.core) == Some(place.neuron.into());
                fires.then(|| sent(place.core, place.neuron.into())).flatten().map(|neuron| {
                    let flit = Flit { dx: neuron.dx, dy: neuron.dy, axon: neuron.axon, delay: neuron.delay };
                    (
                        Some(place.core),
                        flit,
                        format!("core {} hands over the spike of neuron {} in tick {now}", place.core, place.neuron),
                    )
                })
            }
            Which::Input(number) => stimulus
                .packets
                .get(number)
                .filter(|packet| packet.cycle == cycle)
                .map(|packet| (None, packet.flit, format!("the host sends packet {number}"))),
        };
        if let Some((router, flit, what)) = begins {
            let Flit { dx, dy, axon, delay } = flit;
            steps.push((cycle, format!("{what}: dx {dx}, dy {dy}, axon {axon}, delay {delay}")));
            passage = Some(Passage::begin(mesh, router, flit));
        }
    })?;
    if passage.is_none() {
        return Ok(None);
    }
    steps.push(end(arrival, device.trace(), stimulus.cycles));
    Ok(Some(steps))
}

fn describe(now: Whereabouts, width: u32) -> String {
    let core = |router: u32| format!("core_{}_{}", router % width, router / width);
    match now {
        Whereabouts::Waits { buffer, ahead } => {
            let name = buffer.map_or_else(
                || "input_buffer".to_owned(),
                |(router, scope, name)| format!("{}.router.{scope}.{name}", core(router)),
            );
            match ahead {
                0 => format!("first in {name}"),
                _ => format!("waits in {name} behind {ahead}"),
            }
        }
        Whereabouts::Taken { router, to } => format!("taken by the {to} merge of {}", core(router)),
        Whereabouts::Arrives { router } => format!("comes to {}", core(router)),
        Whereabouts::Dropped => "dropped: its first buffer is full".to_owned(),
    }
}

/// What became of it.
fn end(arrival: Option<(u64, u32)>, trace: &RancTrace, cycles: u64) -> Step {
    let Some((cycle, router)) = arrival else {
        return (cycles, "still under way at the end of the run".to_owned());
    };
    let here = |event: &&(u64, u32, u32, u32)| (event.0, event.1) == (cycle, router);
    if let Some(&(_, _, axon, row)) = trace.sched_writes.iter().find(here) {
        return (cycle, format!("kept: axon {axon} in scheduler row {row}"));
    }
    if let Some(&(_, _, axon, row)) = trace.sched_writes_lost.iter().find(here) {
        return (cycle, format!("lost: axon {axon}, row {row}, at the edge that clears the row of the tick"));
    }
    match trace.out_packets.iter().find(|packet| packet.0 == cycle) {
        Some(&(_, line)) if router != u32::MAX => (cycle, format!("shown on line {line} of the output bus")),
        _ => (cycle, "lost".to_owned()),
    }
}
