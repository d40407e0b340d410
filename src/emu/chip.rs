//! The chip: cores and what lies between them, tick by tick.

use std::sync::Arc;

use super::banks::Banks;
use super::counters::{EventCounts, Faults, LearnedCore, LinkLoad, SampleResult};
use super::fabric::Fabric;
use super::neurocore::{Core, Sheet, SheetState};
use super::program::{CoreProgram, Program, Target};
use super::run::Feed;
use super::traffic::settle;
use super::{Record, Traces, shard};
use crate::diag::Result;
use crate::ids::CoreId;
use crate::stimulus::InputSpike;
use crate::units::Picos;

/// The state of a chip that runs a [`Program`].
#[derive(Debug)]
pub struct Chip<'p> {
    pub(super) program: &'p Program,
    pub(super) engine: Engine,
    pub(super) tick: u32,
    threads: usize,
}

/// What runs, by family.
#[derive(Debug)]
pub(super) enum Engine {
    /// Crossbar cores.
    Crossbars(Banks),
    /// List cores.
    Lists(Lists),
}

/// A chip of list cores.
#[derive(Debug)]
pub(super) struct Lists {
    cores: Vec<Core>,
    fabric: Fabric,
    /// All compartments, where they are worked through as one sheet, and their state.
    sheet: Option<(Arc<Sheet>, SheetState)>,
}

impl Engine {
    /// u and v of a neuron of a core, by the core's index; a crossbar neuron has no u.
    pub(super) fn current_and_membrane(&self, program: &Program, core: usize, neuron: usize) -> (i32, i32) {
        match self {
            Self::Crossbars(banks) => (0, banks.membrane(core, neuron)),
            Self::Lists(lists) => lists.current_and_membrane(program, core, neuron),
        }
    }
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
        Self::on_threads(program, timing, record, 1)
    }

    /// [`Chip::new`], to be played on so many threads.
    pub(super) fn on_threads(program: &'p Program, timing: bool, record: &Record, threads: usize) -> Self {
        let engine = if program.is_crossbar() {
            Engine::Crossbars(Banks::new(program, timing, record, threads))
        } else {
            Engine::Lists(Lists::new(program, timing, record, threads))
        };
        Self { program, engine, tick: 0, threads }
    }

    /// Back to the state before the first tick; what was learned stays.
    pub fn reset(&mut self) {
        match &mut self.engine {
            Engine::Crossbars(banks) => banks.reset(self.program),
            Engine::Lists(lists) => lists.reset(self.program),
        }
        self.tick = 0;
    }

    /// One tick. `input` is the stimulus of the tick; its indices must be below [`Program::inputs`].
    pub fn tick(&mut self, input: &[InputSpike]) {
        match &mut self.engine {
            Engine::Crossbars(banks) => banks.tick(self.program, input, self.tick),
            Engine::Lists(lists) => lists.tick(self.program, input, self.tick),
        }
        self.tick += 1;
    }

    /// Plays what `feed` gives.
    pub(super) fn play(&mut self, feed: &mut Feed<'_>) -> Result<()> {
        match &mut self.engine {
            Engine::Crossbars(banks) => banks.play(self.program, &mut self.tick, feed),
            Engine::Lists(Lists { cores, fabric, sheet: None }) if self.threads > 1 => {
                shard::play(self.program, cores, fabric, &mut self.tick, self.threads, feed)
            }
            // The threads of a sheet do not stop to look for faults.
            Engine::Lists(Lists { cores, fabric, sheet: Some((sheet, state)) })
                if state.most_threads() > 1 && self.threads > 1 && !feed.strict() =>
            {
                state.play((self.program, sheet), (cores, fabric), &mut self.tick, self.threads, feed)
            }
            Engine::Lists(_) => self.play_alone(feed),
        }
    }

    fn play_alone(&mut self, feed: &mut Feed<'_>) -> Result<()> {
        while let Some(input) = feed.next_tick() {
            self.tick(input);
            if feed.strict() {
                feed.check(self.faults())?;
            }
        }
        Ok(())
    }

    /// Modelled faults since the reset.
    #[must_use]
    pub fn faults(&self) -> Faults {
        match &self.engine {
            Engine::Crossbars(banks) => banks.faults(),
            Engine::Lists(lists) => lists.faults(),
        }
    }

    /// Shows the spikes since the reset of every neuron of a core, by the core's index.
    pub(super) fn spike_counts(&self, core: usize, show: impl FnOnce(&[u32])) {
        match &self.engine {
            Engine::Crossbars(banks) => banks.spike_counts(core, show),
            Engine::Lists(lists) => show(&lists.cores[core].spike_counts),
        }
    }

    /// Packets that the cores sent in the last tick: (time in it in ps, index of the core, target); none with timing
    /// off.
    pub(super) fn timed_packets(&self, mut show: impl FnMut(u64, u32, Target)) {
        match &self.engine {
            Engine::Crossbars(banks) => banks.timed_packets(show),
            Engine::Lists(lists) => {
                for (index, core) in (0..).zip(&lists.cores) {
                    core.outbox.iter().for_each(|out| show(out.at.0, index, out.to));
                }
            }
        }
    }

    /// How long the last tick took; `None` with timing off.
    pub(super) fn last_duration(&self) -> Option<Picos> {
        let times = match &self.engine {
            Engine::Crossbars(banks) => banks.tick_times(),
            Engine::Lists(lists) => lists.fabric.tick_times(),
        };
        times.last().map(|time| time.duration)
    }

    /// What was learned so far, by core; a reset does not forget it. Empty where nothing learns.
    #[must_use]
    pub fn learned(&self) -> Vec<LearnedCore> {
        let Engine::Lists(lists) = &self.engine else { return Vec::new() };
        let cores = lists.cores.iter().zip(&self.program.cores);
        let of =
            |(core, loaded): (&Core, &CoreProgram)| LearnedCore { core: loaded.id.0, groups: core.learned(loaded) };
        cores.map(of).filter(|core| !core.groups.is_empty()).collect()
    }

    /// Traces of the learning group number `group` of the core `core` (physical number); `None` where there is none.
    #[must_use]
    pub fn traces(&self, core: u32, group: usize) -> Option<Traces> {
        let Engine::Lists(lists) = &self.engine else { return None };
        let at = self.program.cores.binary_search_by_key(&CoreId(core), |loaded| loaded.id).ok()?;
        lists.cores[at].traces(&self.program.cores[at], group)
    }

    /// What happened since the reset. Links are not part of the reset: they are taken.
    pub(super) fn outcome(&mut self) -> Outcome {
        match &mut self.engine {
            Engine::Crossbars(banks) => banks.outcome(self.program, self.tick),
            Engine::Lists(lists) => lists.outcome(self.program, self.tick),
        }
    }
}

impl Lists {
    fn new(program: &Program, timing: bool, record: &Record, threads: usize) -> Self {
        let outputs: Vec<u32> = program.outputs.iter().map(|output| output.population).collect();
        let sheet = if timing { None } else { program.sheet(threads) };
        let core = |core| Core::new(core, timing, sheet.is_none(), record, &outputs);
        Self {
            cores: program.cores.iter().map(core).collect(),
            fabric: Fabric::new(program, timing, threads),
            sheet: sheet.map(|sheet| (sheet.clone(), SheetState::new(program, &sheet))),
        }
    }

    fn reset(&mut self, program: &Program) {
        self.cores.iter_mut().zip(&program.cores).for_each(|(core, program)| core.reset(program));
        self.fabric.reset();
        if let Some((sheet, state)) = &mut self.sheet {
            state.reset(program, sheet);
        }
    }

    fn tick(&mut self, program: &Program, input: &[InputSpike], tick: u32) {
        self.fabric.inject(program, input);
        if let Some((sheet, state)) = &mut self.sheet {
            state.step(program, sheet, &mut self.cores, tick);
            self.fabric.count_injected(program, &mut self.cores);
            return state.accept(sheet, input, &self.cores);
        }
        for (core, loaded) in self.cores.iter_mut().zip(&program.cores) {
            core.step(program, loaded, tick);
        }
        self.fabric.close(program, &mut self.cores, tick);
    }

    fn current_and_membrane(&self, program: &Program, core: usize, neuron: usize) -> (i32, i32) {
        let of_sheet = || {
            let sheet = self.sheet.as_ref();
            sheet.map_or((0, 0), |(sheet, state)| state.current_and_membrane(sheet, core, neuron))
        };
        self.cores[core].current_and_membrane(&program.cores[core], neuron).unwrap_or_else(of_sheet)
    }

    fn faults(&self) -> Faults {
        let mut faults = self.fabric.faults();
        self.cores.iter().for_each(|core| faults.merge(&core.faults));
        faults
    }

    fn outcome(&mut self, program: &Program, ticks: u32) -> Outcome {
        let (core_counts, mut counts) = settle(program, &self.cores, self.fabric.counts);
        core_counts.iter().for_each(|of_core| counts.merge(of_core));
        let mut spikes: Vec<_> = self.cores.iter().flat_map(|core| core.spikes.iter().copied()).collect();
        // Of each core they are nearly in order.
        spikes.sort();
        let population_spikes = self.population_spikes(program);
        let sample = SampleResult {
            ticks,
            spikes,
            output_counts: self.of_outputs(program, |core, neuron| self.cores[core].spike_counts[neuron]),
            output_first: self.of_outputs(program, |core, neuron| self.cores[core].first_spikes[neuron]),
            output_membranes: self
                .of_outputs(program, |core, neuron| self.current_and_membrane(program, core, neuron).1),
            spike_total: population_spikes.iter().sum(),
            counts,
            faults: self.faults(),
            tick_times: self.fabric.tick_times().to_vec(),
            latency: self.fabric.latency(),
            borders: self.fabric.borders(),
            tick_bounds: self.fabric.bounds().to_vec(),
        };
        Outcome { sample, core_counts, population_spikes, links: self.fabric.take_links() }
    }

    fn of_outputs<T>(&self, program: &Program, value: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
        let of = |&(core, neuron): &(u32, u16)| value(core as usize, usize::from(neuron));
        program.outputs.iter().map(|output| output.places.iter().map(of).collect()).collect()
    }

    fn population_spikes(&self, program: &Program) -> Vec<u64> {
        let mut spikes = vec![0_u64; program.populations];
        for (core, loaded) in self.cores.iter().zip(&program.cores) {
            for (&count, identity) in core.spike_counts.iter().zip(&loaded.identities) {
                if let Some(sum) = spikes.get_mut(identity.population as usize) {
                    *sum += u64::from(count);
                }
            }
        }
        spikes
    }
}
