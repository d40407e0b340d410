//! Events of the packets that neurons sent, counted once a sample.
//!
//! Every spike of a neuron sends the same packets over the same way, so its number of spikes says it all: the tick
//! does not count packet by packet.

use super::counters::EventCounts;
use super::neurocore::Core;
use super::program::Program;
use crate::event::Event;

/// Ways in hops, as they are counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hops {
    x: u64,
    y: u64,
    local: u64,
}

impl Hops {
    /// `times` packets from router `from` to router `to`; those of the host are never local.
    pub(super) fn add(&mut self, from: (u16, u16), to: (u16, u16), host: bool, times: u64) {
        self.x += times * u64::from(from.0.abs_diff(to.0));
        self.y += times * u64::from(from.1.abs_diff(to.1));
        self.local += times * u64::from(from == to && !host);
    }

    /// Counts them.
    pub(super) fn count(self, counts: &mut EventCounts) {
        counts.add(Event::HopX, self.x);
        counts.add(Event::HopY, self.y);
        counts.add(Event::TileLocal, self.local);
    }
}

/// Events of every core, and `counts` of what lies between them, with those of the neurons' packets.
pub(super) fn settle(program: &Program, cores: &[Core], mut counts: EventCounts) -> (Vec<EventCounts>, EventCounts) {
    let mut of_cores: Vec<EventCounts> = cores.iter().map(|core| core.counts).collect();
    let mut hops = Hops::default();
    for (index, (core, loaded)) in cores.iter().zip(&program.cores).enumerate() {
        for (neuron, &spikes) in core.spike_counts.iter().enumerate().filter(|(_, spikes)| **spikes > 0) {
            let (targets, spikes) = (loaded.targets_of(neuron), u64::from(spikes));
            of_cores[index].add(Event::SpikeOut, spikes);
            of_cores[index].add(Event::AxonOut, spikes * targets.len() as u64);
            for to in targets {
                let target = &program.cores[to.core as usize];
                Core::count_intake(target, to.axon, spikes, &mut of_cores[to.core as usize]);
                hops.add(loaded.router, target.router, false, spikes);
            }
        }
    }
    hops.count(&mut counts);
    (of_cores, counts)
}
