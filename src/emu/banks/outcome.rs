//! What a sample did, put together once at its end: every spike of a neuron sends the same packet over the same way,
//! so its number of spikes says it all, and the tick does not count packet by packet.

use super::{Banks, Table, lock};
use crate::emu::chip::Outcome;
use crate::emu::counters::{EventCounts, SampleResult};
use crate::emu::program::Program;
use crate::emu::traffic::Ways;
use crate::event::Event;

impl Banks {
    /// What happened in `ticks` ticks since the reset. Links are not part of the reset: they are taken.
    pub(in crate::emu) fn outcome(&mut self, program: &Program, ticks: u32) -> Outcome {
        let mut table = Table { banks: self.banks.iter().map(lock).collect(), per: self.per };
        let mut counts = EventCounts::default();
        counts.add(Event::MemoryBit, program.swept_bits * u64::from(ticks));
        counts.add(Event::AxonOut, self.between.injected.iter().sum());
        self.between.ways.count(&program.chip.mesh, &mut counts);
        let mut core_counts = count_cores(program, &table, ticks, &mut counts);
        core_counts.iter_mut().zip(&self.between.injected).for_each(|(core, &came)| core.add(Event::AxonIn, came));
        core_counts.iter().for_each(|of_core| counts.merge(of_core));
        let mut spikes: Vec<_> = table.banks.iter().flat_map(|bank| bank.spikes().iter().copied()).collect();
        spikes.sort_unstable();
        let population_spikes = population_spikes(program, &table);
        let faults = self.between.faults(&mut table);
        let time = self.between.time.as_mut();
        let mut sample = SampleResult {
            ticks,
            spikes,
            output_counts: of_outputs(program, |core, n| {
                let (bank, local) = table.at(core);
                bank.spike_counts(local)[n]
            }),
            output_first: of_outputs(program, |core, n| {
                let (bank, local) = table.at(core);
                bank.first_spike(local, n)
            }),
            output_membranes: of_outputs(program, |core, n| {
                let (bank, local) = table.at(core);
                bank.membrane(local, n)
            }),
            spike_total: population_spikes.iter().sum(),
            counts,
            faults,
            ..SampleResult::default()
        };
        let mut links = Vec::new();
        if let Some(time) = time {
            (sample.tick_times, sample.latency) = (time.times.clone(), time.latency);
            sample.borders = time.borders();
            links = time.take_links();
        }
        Outcome { sample, core_counts, population_spikes, links }
    }
}

fn of_outputs<T>(program: &Program, mut value: impl FnMut(u32, usize) -> T) -> Vec<Vec<T>> {
    let mut of = |places: &[(u32, u16)]| places.iter().map(|&(core, n)| value(core, usize::from(n))).collect();
    program.outputs.iter().map(|output| of(&output.places)).collect()
}

/// Events of every core; `between` gets those of the ways.
fn count_cores(program: &Program, table: &Table<'_>, ticks: u32, between: &mut EventCounts) -> Vec<EventCounts> {
    let mut of_cores = vec![EventCounts::default(); program.cores.len()];
    let (mesh, mut ways) = (&program.chip.mesh, Ways::default());
    for bank in &table.banks {
        for (local, index) in bank.cores().enumerate() {
            let (loaded, tally) = (&program.cores[index], &bank.tallies[local]);
            let (mut fired, mut sent) = (0, 0);
            for (neuron, &spikes) in bank.spike_counts(local).iter().enumerate().filter(|(_, spikes)| **spikes > 0) {
                let spikes = u64::from(spikes);
                fired += spikes;
                let Some(to) = loaded.target_of(neuron) else { continue };
                sent += spikes;
                let target = &program.cores[to.core as usize];
                of_cores[to.core as usize].add(Event::AxonIn, spikes);
                ways.add(mesh, Some(loaded.router), target.router, spikes);
            }
            let counts = &mut of_cores[index];
            counts.add(Event::NeuronAccess, loaded.neurons() as u64 * u64::from(ticks));
            counts.add(Event::NeuronUpdate, tally.updates);
            counts.add(Event::SynapseCrossbar, tally.synaptic);
            counts.add(Event::SpikeOut, fired);
            counts.add(Event::AxonOut, sent);
        }
    }
    ways.count(mesh, between);
    of_cores
}

fn population_spikes(program: &Program, table: &Table<'_>) -> Vec<u64> {
    let mut spikes = vec![0_u64; program.populations];
    for bank in &table.banks {
        for (local, index) in bank.cores().enumerate() {
            for (&count, identity) in bank.spike_counts(local).iter().zip(&program.cores[index].identities) {
                if let Some(sum) = spikes.get_mut(identity.population as usize) {
                    *sum += u64::from(count);
                }
            }
        }
    }
    spikes
}
