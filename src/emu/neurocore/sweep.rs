//! The neuron unit's way through a core, and what its spikes leave behind.

use super::{Further, Outgoing, Recorded, prefetch};
use crate::emu::counters::{EventCounts, Faults, Spike};
use crate::emu::program::{CoreProgram, Program};
use crate::emu::traffic::Ways;
use crate::event::Event;
use crate::units::Picos;

/// The neuron unit's way through the neurons of one core in one tick.
pub(in crate::emu) struct Sweep<'a> {
    pub(super) program: &'a Program,
    pub(super) core: &'a CoreProgram,
    pub(super) tick: u32,
    /// Time since the start of the tick.
    pub(super) now: u64,
    /// Neurons with input, a change of state or a spike.
    pub(super) active: u64,
    pub(super) timing: bool,
    /// Whether the core learns, and so looks at its spikes again.
    pub(super) learns: bool,
    pub(super) outbox: &'a mut Vec<Outgoing>,
    pub(super) fired: &'a mut Vec<u16>,
    pub(super) payloads: &'a mut Vec<i32>,
    pub(super) further: &'a mut Vec<Further>,
    pub(super) further_packets: &'a mut [u32],
    pub(super) counts: &'a mut EventCounts,
    pub(super) flits: &'a mut Ways,
    pub(super) faults: &'a mut Faults,
    pub(super) spike_counts: &'a mut [u32],
    pub(super) first_spikes: &'a mut [u32],
    pub(super) spikes: &'a mut Vec<Spike>,
    pub(super) recorded: &'a Recorded,
}

impl Sweep<'_> {
    /// A neuron fires: it is noted, and its packets leave one after the other.
    #[inline]
    pub(super) fn fire(&mut self, neuron: usize) {
        self.note(neuron);
        if !self.timing || self.learns {
            self.fired.push(neuron as u16);
        }
        if self.timing {
            self.send(neuron);
        }
    }

    /// The same with a payload, in so many flits.
    pub(super) fn fire_graded(&mut self, neuron: usize, payload: i32, flits: u32) {
        self.note(neuron);
        self.count_flits(neuron, 0, flits);
        if !self.timing || self.learns {
            self.fired.push(neuron as u16);
            self.payloads.push(payload);
        }
        if self.timing {
            self.send_output(neuron, 0, payload, flits);
        }
    }

    /// A spike of a further output of a program: it goes its own ways, and is no spike of the neuron in the records.
    pub(super) fn fire_further(&mut self, neuron: usize, output: u8, payload: i32, flits: u32) {
        if self.learns {
            self.further.push(Further { neuron: neuron as u16, output, payload });
        }
        if self.core.outputs.is_empty() {
            return;
        }
        let mut packets = 0;
        for (at, _) in self.core.targets_of_output(neuron, output) {
            self.further_packets[at] += 1;
            packets += 1;
        }
        if packets == 0 {
            return;
        }
        self.counts.add(Event::SpikeOut, 1);
        self.count_flits(neuron, output, flits);
        if self.timing {
            self.send_output(neuron, output, payload, flits);
        } else if !self.learns {
            self.further.push(Further { neuron: neuron as u16, output, payload });
        }
    }

    /// The links that all flits of a spike but the first cross.
    pub(super) fn count_flits(&mut self, neuron: usize, output: u8, flits: u32) {
        if flits > 1 {
            let mesh = &self.program.chip.mesh;
            for (_, to) in self.core.targets_of_output(neuron, output) {
                let target = self.program.cores[to.core as usize].router;
                self.flits.add(mesh, Some(self.core.router), target, u64::from(flits - 1));
            }
        }
    }

    pub(super) fn send_output(&mut self, neuron: usize, output: u8, payload: i32, flits: u32) {
        self.now += self.program.times.spike_out;
        for (_, to) in self.core.targets_of_output(neuron, output) {
            self.now += self.program.times.axon_out;
            self.outbox.push(Outgoing { at: Picos(self.now), to, payload, flits });
        }
    }

    /// Fetches what [`Self::note`] writes for a neuron.
    #[inline]
    pub(super) fn prefetch(&self, neuron: usize) {
        prefetch(self.spike_counts, neuron);
        prefetch(self.first_spikes, neuron);
    }

    #[inline]
    pub(super) fn note(&mut self, neuron: usize) {
        self.spike_counts[neuron] += 1;
        let first = &mut self.first_spikes[neuron];
        *first = (*first).min(self.tick);
        if !matches!(self.recorded, Recorded::None) {
            let identity = self.core.identities[neuron];
            if self.recorded.holds(identity.population) {
                self.spikes.push(Spike { tick: self.tick, population: identity.population, neuron: identity.neuron });
            }
        }
    }

    #[inline]
    pub(super) fn send(&mut self, neuron: usize) {
        self.now += self.program.times.spike_out;
        for &to in self.core.targets_of(neuron) {
            self.now += self.program.times.axon_out;
            self.outbox.push(Outgoing { at: Picos(self.now), to, payload: 1, flits: 1 });
        }
    }
}
