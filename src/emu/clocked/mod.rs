//! Images of clocked designs, shown a stimulus: cycle by cycle models behind the same [`RunResult`] as every chip.
//!
//! **RANC**: tick `t` begins at cycle `t * P`, where P is the cores' busy time and the slack of the chip file; from tick
//! 1 on it begins with a tick pulse. Packets of tick t go into the input buffer from its 10th cycle on. So what the host
//! sends in tick t counts in tick t + 1, as on every chip of the house.
//!
//! **tinyODIN** has no ticks: a tick of stimulus and spikes is a clock cycle, an input is an address of the input link.

mod ranc;
mod ranc_ticks;
mod tinyodin;

pub use ranc::{ranc_config, ranc_stimulus, run_cycles};
pub(super) use tinyodin::board;
pub use tinyodin::{tinyodin_chip, tinyodin_events};

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chip::Outcome;
use super::counters::{RunResult, SampleResult, Spike};
use super::run::{Collector, check_stimulus, none_of};
use super::{Control, Record, RunOptions};
use crate::chip::{ChipSpec, Family};
use crate::diag::Result;
use crate::image::{self, Image};
use crate::stimulus::{Sample, Stimulus};

/// First cycle of a tick in which the host sends.
pub(super) const FIRST_PACKET: u64 = 10;

/// Shows every sample to a clocked chip; threads take whole samples.
pub(super) fn run(
    image: &Image,
    chip: &ChipSpec,
    stimulus: &Stimulus,
    options: &RunOptions,
    control: &dyn Control,
) -> Result<RunResult> {
    image::contents(image, chip, "image")?;
    let inputs = image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum();
    check_stimulus(inputs, image.depth, stimulus)?;
    let design = Design::new(image, chip)?;
    // Nobody asks within a sample: a clocked chip goes through it as a whole.
    let (next, stopped, failed) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let collector = Mutex::new(Collector::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(sample) = stimulus.samples.get(number) else { return };
            if failed.load(Ordering::Relaxed) {
                return;
            }
            if control.stop() {
                stopped.store(true, Ordering::Relaxed);
                return;
            }
            let place = format!("sample {number} '{}'", sample.name);
            let outcome = design.show(image, chip, sample, options).and_then(|outcome| held(outcome, options, place));
            let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(outcome) => collector.put(number, outcome, false),
                Err(problems) => {
                    failed.store(true, Ordering::Relaxed);
                    return collector.fail(number, problems);
                }
            }
            control.sample_done(collector.done(), stimulus.samples.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.threads.clamp(1, stimulus.samples.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    collector.into_inner().unwrap_or_else(PoisonError::into_inner).finish(stopped.into_inner())
}

/// The design as it is after reset: every sample gets a copy.
enum Design {
    Ranc(Box<ranc::Design>),
    TinyOdin(Box<super::tinyodin::Chip>),
}

impl Design {
    fn new(image: &Image, chip: &ChipSpec) -> Result<Self> {
        match &chip.family {
            Family::Ranc(_) => Ok(Self::Ranc(Box::new(ranc::Design::new(image, chip)?))),
            Family::TinyOdin(spec) => Ok(Self::TinyOdin(Box::new(tinyodin_chip(image, spec)?))),
            Family::Crossbar(_) | Family::Cuba(_) | Family::Fcore(_) | Family::Stepped(_) => {
                unreachable!("not a clocked family")
            }
        }
    }

    fn show(&self, image: &Image, chip: &ChipSpec, sample: &Sample, options: &RunOptions) -> Result<Outcome> {
        match (self, &chip.family) {
            (Self::Ranc(design), Family::Ranc(spec)) => ranc::show(design, image, chip, spec, sample, options),
            (Self::TinyOdin(design), Family::TinyOdin(spec)) => tinyodin::show(design, image, spec, sample, options),
            _ => unreachable!("made for this chip"),
        }
    }
}

/// The outcome; under strict mode an error where a fault happened.
fn held(outcome: Outcome, options: &RunOptions, place: String) -> Result<Outcome> {
    if options.strict {
        none_of(outcome.sample.faults, place)?;
    }
    Ok(outcome)
}

/// Whose neuron each slot of each core is: (population, neuron), by core and neuron.
pub(super) struct Owners(Vec<Vec<Option<(u32, u32)>>>);

impl Owners {
    pub(super) fn new(image: &Image) -> Self {
        let mut owners: Vec<_> = image.cores.iter().map(|core| vec![None; core.body.neurons()]).collect();
        for (number, population) in (0..).zip(&image.populations) {
            for (neuron, place) in (0..).zip(&population.places) {
                let core = image.cores.binary_search_by_key(&place.core, |core| core.core);
                owners[core.expect("a checked image")][usize::from(place.neuron)] = Some((number, neuron));
            }
        }
        Self(owners)
    }

    pub(super) fn of(&self, core: u32, neuron: u32) -> Option<(u32, u32)> {
        self.0.get(core as usize)?.get(neuron as usize).copied().flatten()
    }
}

/// Gathers spikes as (tick, population, neuron) into what a sample reports.
pub(super) struct Tally<'a> {
    image: &'a Image,
    kept: Vec<bool>,
    spikes: Vec<Spike>,
    population_spikes: Vec<u64>,
    counts: Vec<Vec<u32>>,
    first: Vec<Vec<u32>>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(image: &'a Image, record: &Record) -> Self {
        let keeps = |number: u32| match record {
            Record::None => false,
            Record::All => true,
            Record::Outputs => image.outputs.iter().any(|output| output.population == number),
            Record::Populations(these) => these.contains(&number),
        };
        let of_outputs = |value: u32| {
            let size = |output: &image::OutputImage| image.populations[output.population as usize].places.len();
            image.outputs.iter().map(|output| vec![value; size(output)]).collect()
        };
        Self {
            image,
            kept: (0..image.populations.len() as u32).map(keeps).collect(),
            spikes: Vec::new(),
            population_spikes: vec![0; image.populations.len()],
            counts: of_outputs(0),
            first: of_outputs(u32::MAX),
        }
    }

    pub(super) fn spike(&mut self, tick: u32, (population, neuron): (u32, u32)) {
        self.population_spikes[population as usize] += 1;
        if self.kept[population as usize] {
            self.spikes.push(Spike { tick, population, neuron });
        }
        for (at, _) in self.image.outputs.iter().enumerate().filter(|(_, output)| output.population == population) {
            self.counts[at][neuron as usize] += 1;
            let first = &mut self.first[at][neuron as usize];
            *first = (*first).min(tick);
        }
    }

    /// The sample, with the rest of it from `sample`; `membrane` gives each output neuron's. An output in which one
    /// has none has none at all.
    pub(super) fn outcome(mut self, sample: SampleResult, membrane: impl Fn(image::Place) -> Option<i32>) -> Outcome {
        self.spikes.sort_unstable();
        let membranes = |output: &image::OutputImage| {
            let places = &self.image.populations[output.population as usize].places;
            places.iter().map(|&place| membrane(place)).collect::<Option<Vec<i32>>>().unwrap_or_default()
        };
        Outcome {
            sample: SampleResult {
                spike_total: self.population_spikes.iter().sum(),
                output_membranes: self.image.outputs.iter().map(membranes).collect(),
                spikes: self.spikes,
                output_counts: self.counts,
                output_first: self.first,
                ..sample
            },
            population_spikes: self.population_spikes,
            ..Outcome::default()
        }
    }
}
