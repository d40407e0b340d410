//! The chip: cores and what lies between them, tick by tick.

use super::Record;
use super::counters::{EventCounts, Faults, LinkLoad, SampleResult};
use super::fabric::Fabric;
use super::neurocore::Core;
use super::program::Program;
use super::traffic::settle;
use crate::stimulus::InputSpike;

/// The state of a chip that runs a [`Program`].
#[derive(Debug)]
pub struct Chip<'p> {
    pub(super) program: &'p Program,
    pub(super) cores: Vec<Core>,
    pub(super) fabric: Fabric,
    pub(super) tick: u32,
}

/// What a sample did, with what is summed over the run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) sample: SampleResult,
    pub(super) core_counts: Vec<EventCounts>,
    pub(super) population_spikes: Vec<u64>,
    pub(super) links: Vec<LinkLoad>,
}

impl<'p> Chip<'p> {
    /// In the reset state. `timing` says whether the time pass runs, `record` whose spikes are kept.
    #[must_use]
    pub fn new(program: &'p Program, timing: bool, record: &Record) -> Self {
        let outputs: Vec<u32> = program.outputs.iter().map(|output| output.population).collect();
        let cores = program.cores.iter().map(|core| Core::new(core, timing, record, &outputs)).collect();
        Self { program, cores, fabric: Fabric::new(program, timing), tick: 0 }
    }

    /// Back to the state before the first tick.
    pub fn reset(&mut self) {
        self.cores.iter_mut().zip(&self.program.cores).for_each(|(core, program)| core.reset(program));
        self.fabric.reset();
        self.tick = 0;
    }

    /// One tick. `input` is the stimulus of the tick; its indices must be below [`Program::inputs`].
    pub fn tick(&mut self, input: &[InputSpike]) {
        self.fabric.inject(self.program, input);
        for (core, loaded) in self.cores.iter_mut().zip(&self.program.cores) {
            core.step(self.program, loaded, self.tick);
        }
        self.fabric.collect(self.program, &mut self.cores);
        self.fabric.time(self.program, &mut self.cores);
        self.fabric.deliver(self.program, &mut self.cores, self.tick);
        self.tick += 1;
    }

    /// Modelled faults since the reset.
    #[must_use]
    pub fn faults(&self) -> Faults {
        let mut faults = self.fabric.faults;
        self.cores.iter().for_each(|core| faults.merge(&core.faults));
        faults
    }

    /// What happened since the reset. Links are not part of the reset: they are taken.
    pub(super) fn outcome(&mut self) -> Outcome {
        let (core_counts, mut counts) = settle(self.program, &self.cores, self.fabric.counts);
        core_counts.iter().for_each(|of_core| counts.merge(of_core));
        let mut spikes: Vec<_> = self.cores.iter().flat_map(|core| core.spikes.iter().copied()).collect();
        spikes.sort_unstable();
        let population_spikes = self.population_spikes();
        let sample = SampleResult {
            ticks: self.tick,
            spikes,
            output_counts: self.of_outputs(|core, neuron| core.spike_counts[neuron]),
            output_first: self.of_outputs(|core, neuron| core.first_spikes[neuron]),
            output_membranes: self.of_outputs(Core::membrane),
            spike_total: population_spikes.iter().sum(),
            counts,
            faults: self.faults(),
            tick_times: self.fabric.tick_times.clone(),
            latency: self.fabric.latency,
        };
        Outcome { sample, core_counts, population_spikes, links: self.fabric.take_links() }
    }

    fn of_outputs<T>(&self, value: impl Fn(&Core, usize) -> T) -> Vec<Vec<T>> {
        let of = |&(core, neuron): &(u32, u16)| value(&self.cores[core as usize], usize::from(neuron));
        self.program.outputs.iter().map(|output| output.places.iter().map(of).collect()).collect()
    }

    fn population_spikes(&self) -> Vec<u64> {
        let mut spikes = vec![0_u64; self.program.populations];
        for (core, loaded) in self.cores.iter().zip(&self.program.cores) {
            for (&count, identity) in core.spike_counts.iter().zip(&loaded.identities) {
                if let Some(sum) = spikes.get_mut(identity.population as usize) {
                    *sum += u64::from(count);
                }
            }
        }
        spikes
    }
}
