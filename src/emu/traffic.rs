//! Events of the packets that neurons sent, counted once a sample.
//!
//! Every spike of a neuron sends the same packets over the same way, so its number of spikes says it all: the tick
//! does not count packet by packet; only those of further outputs of programs are counted one by one.

use super::counters::EventCounts;
use super::neurocore::Core;
use super::program::Program;
use crate::chip::MeshSpec;
use crate::event::Event;

/// Links that packets cross on their ways.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ways {
    x: u64,
    y: u64,
    local: u64,
    crossings: u64,
}

impl Ways {
    /// `times` packets to router `to` from router `from`, where `None` is the host: its packets are never local.
    #[inline]
    pub(super) fn add(&mut self, mesh: &MeshSpec, from: Option<(u16, u16)>, to: (u16, u16), times: u64) {
        let start = from.unwrap_or(mesh.host);
        self.x += times * u64::from(start.0.abs_diff(to.0));
        self.y += times * u64::from(start.1.abs_diff(to.1));
        self.local += times * u64::from(from == Some(to));
        if let Some(edge) = &mesh.edge {
            self.crossings += times * edge.crossings(start, to);
        }
    }

    /// Counts them.
    pub(super) fn count(self, mesh: &MeshSpec, counts: &mut EventCounts) {
        counts.add(Event::HopX, self.x);
        counts.add(Event::HopY, self.y);
        counts.add(Event::TileLocal, self.local);
        let bits = mesh.edge.as_ref().map_or(0, |edge| u64::from(edge.packet_bits));
        counts.add(Event::ChipCrossingBit, self.crossings * bits);
    }
}

/// Events of every core, and `counts` of what lies between them, with those of the neurons' packets.
pub(super) fn settle(program: &Program, cores: &[Core], mut counts: EventCounts) -> (Vec<EventCounts>, EventCounts) {
    let mut of_cores: Vec<EventCounts> = cores.iter().map(|core| core.counts).collect();
    let (mesh, mut ways) = (&program.chip.mesh, Ways::default());
    for (index, (core, loaded)) in cores.iter().zip(&program.cores).enumerate() {
        for (neuron, &spikes) in core.spike_counts.iter().enumerate().filter(|(_, spikes)| **spikes > 0) {
            let spikes = u64::from(spikes);
            of_cores[index].add(Event::SpikeOut, spikes);
            for (_, to) in loaded.targets_of_output(neuron, 0) {
                let target = &program.cores[to.core as usize];
                Core::count_intake(target, to.axon, spikes, &mut of_cores[to.core as usize]);
                // What a neighbour copies was sent once, and crosses one link from there.
                let from = target.copied_from.map(|core| program.cores[core as usize].router);
                of_cores[index].add(Event::AxonOut, spikes * u64::from(from.is_none()));
                ways.add(mesh, Some(from.unwrap_or(loaded.router)), target.router, spikes);
            }
        }
        for (to, &packets) in loaded.targets.iter().zip(&core.further_packets).filter(|(_, packets)| **packets > 0) {
            let target = &program.cores[to.core as usize];
            of_cores[index].add(Event::AxonOut, packets.into());
            Core::count_intake(target, to.axon, packets.into(), &mut of_cores[to.core as usize]);
            ways.add(mesh, Some(loaded.router), target.router, packets.into());
        }
    }
    ways.count(mesh, &mut counts);
    cores.iter().for_each(|core| core.flits.count(mesh, &mut counts));
    (of_cores, counts)
}
