//! Runs a stimulus, sample by sample.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chip::{Chip, Outcome};
use super::counters::{Faults, RunResult};
use super::program::Program;
use super::{Control, RunOptions, clocked};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result};
use crate::image::Image;
use crate::stimulus::{InputSpike, Sample, Stimulus};

/// Shows every sample of `stimulus` to the `image` on `chip`, each from the reset state. With at least as many
/// samples as threads each thread takes whole samples; with fewer the cores of a sample are shared out. The result
/// is the same in every case.
///
/// # Errors
/// `image/content` where the image does not hold on the chip, `emu/stimulus` where the stimulus does not fit the
/// image's inputs or is out of order, `emu/strict` at the first modelled fault of a strict run.
pub fn run(
    image: &Image,
    chip: &ChipSpec,
    stimulus: &Stimulus,
    options: &RunOptions,
    control: &dyn Control,
) -> Result<RunResult> {
    if chip.family.is_clocked() {
        return clocked::run(image, chip, stimulus, options, control);
    }
    run_program(&Program::new(image, chip)?, stimulus, options, control)
}

/// [`run`] of an image that is given up while it is loaded ([`Program::unloading`]): what the run needs of large
/// networks is in memory once. Images of clocked designs stay as they are.
///
/// # Errors
/// As [`run`].
pub fn run_unloading(
    image: &mut Image,
    chip: &ChipSpec,
    stimulus: &Stimulus,
    options: &RunOptions,
    control: &dyn Control,
) -> Result<RunResult> {
    if chip.family.is_clocked() {
        return clocked::run(image, chip, stimulus, options, control);
    }
    run_program(&Program::unloading(image, chip)?, stimulus, options, control)
}

/// [`run`] of a program that is loaded already.
///
/// # Errors
/// As [`run`].
pub fn run_program(
    program: &Program,
    stimulus: &Stimulus,
    options: &RunOptions,
    control: &dyn Control,
) -> Result<RunResult> {
    check_stimulus(program.inputs(), program.depth, stimulus)?;
    let threads = options.threads.clamp(1, MOST_THREADS);
    // What learns is shown one sample after the other.
    let whole_samples = stimulus.samples.len() >= threads && !program.learns();
    let (workers, shards) = if whole_samples { (threads, 1) } else { (1, threads) };
    let show = Show { program, stimulus, options, control, shards };
    let shared = Shared {
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        collector: Mutex::new(Collector::default()),
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|| show.work(&shared));
        }
        show.work(&shared);
    });
    let collector = shared.collector.into_inner().unwrap_or_else(PoisonError::into_inner);
    collector.finish(shared.stopped.into_inner())
}

/// Most threads of a run: what threads share grows with the square of their number.
pub const MOST_THREADS: usize = 256;

/// Whether a network with so many inputs can be shown the stimulus.
pub(super) fn check_stimulus(inputs: u32, depth: u32, stimulus: &Stimulus) -> Result<()> {
    if stimulus.inputs != inputs {
        let what = format!("the stimulus has {} inputs, the network {inputs}", stimulus.inputs);
        return Err(Problem::invalid("emu/stimulus", "stimulus", what)
            .help("give a stimulus made for this network's input populations, one behind the other")
            .into());
    }
    let found = stimulus.samples.iter().filter_map(|sample| check_sample(inputs, depth, sample)).take(20).collect();
    Problems::check(found, ())
}

fn check_sample(inputs: u32, depth: u32, sample: &Sample) -> Option<Problem> {
    let problem = |what| Some(Problem::invalid("emu/stimulus", format!("sample '{}'", sample.name), what));
    if let Some(spike) = sample.spikes.iter().find(|spike| spike.input >= inputs) {
        let what = format!("input {} in tick {} is not there", spike.input, spike.tick);
        return problem(what).map(|p| p.limit(format!("the network has {inputs} inputs")));
    }
    if let Some(spike) = sample.spikes.iter().find(|spike| spike.tick >= sample.ticks) {
        let what = format!("a spike in tick {} is after the end of the sample", spike.tick);
        return problem(what).map(|p| p.limit(format!("the sample has {} ticks", sample.ticks)));
    }
    if !sample.spikes.is_sorted_by_key(|spike| spike.tick) {
        return problem("its spikes are not in the order of their ticks".to_owned());
    }
    if sample.ticks.checked_add(depth).is_none() {
        return problem(format!("{} ticks and {depth} more for the network's depth are too many", sample.ticks));
    }
    None
}

/// An error that names the `faults`, where there are any: what strict mode ends a run with.
pub(super) fn none_of(faults: Faults, place: impl Into<String>) -> Result<()> {
    let kinds = [
        (faults.late_packets, "late packets"),
        (faults.overruns, "cores that overran the tick"),
        (faults.merged_spikes, "merged spikes"),
        (faults.overflows, "register overflows"),
    ];
    let happened = kinds.iter().filter(|(count, _)| *count > 0);
    let seen: Vec<String> = happened.map(|(count, name)| format!("{count} {name}")).collect();
    if seen.is_empty() {
        return Ok(());
    }
    Err(Problem::verification("emu/strict", place, seen.join(", "))
        .help("without strict mode the fault happens as on the chip and is counted in the report")
        .into())
}

/// What all workers share.
struct Shared {
    next: AtomicUsize,
    stopped: AtomicBool,
    collector: Mutex<Collector>,
}

/// How samples are shown.
struct Show<'r> {
    program: &'r Program,
    stimulus: &'r Stimulus,
    options: &'r RunOptions,
    control: &'r dyn Control,
    /// Threads per sample.
    shards: usize,
}

impl Show<'_> {
    /// Shows samples, in order, until none is left, one fails, or the run is stopped.
    fn work(&self, shared: &Shared) {
        let mut chip = Chip::on_threads(self.program, self.options.timing, &self.options.record, self.shards);
        loop {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            let Some(sample) = self.stimulus.samples.get(number) else {
                return shared.collector.lock().unwrap_or_else(PoisonError::into_inner).keep(&chip);
            };
            let mut feed = Feed::new(self, sample, number);
            let played = chip.play(&mut feed);
            let stopped = feed.stopped;
            let mut collector = shared.collector.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(problems) = played {
                collector.fail(number, problems);
            } else {
                collector.put(number, chip.outcome(), stopped);
            }
            let (failed, done) = (collector.failure.is_some(), collector.done);
            drop(collector);
            if stopped {
                shared.stopped.store(true, Ordering::Relaxed);
            }
            if stopped || failed {
                return shared.collector.lock().unwrap_or_else(PoisonError::into_inner).keep(&chip);
            }
            self.control.sample_done(done, self.stimulus.samples.len());
            chip.reset();
        }
    }
}

/// The ticks of one sample.
pub(super) struct Feed<'r> {
    sample: &'r Sample,
    number: usize,
    control: &'r dyn Control,
    strict: bool,
    /// Ticks to run: stimulus and depth.
    ticks: u32,
    /// Ticks begun.
    tick: u32,
    /// Spikes given out.
    cursor: usize,
    /// Whether the user ended it early.
    stopped: bool,
}

impl<'r> Feed<'r> {
    fn new(show: &Show<'r>, sample: &'r Sample, number: usize) -> Self {
        Self {
            sample,
            number,
            control: show.control,
            strict: show.options.strict,
            ticks: sample.ticks + show.program.depth,
            tick: 0,
            cursor: 0,
            stopped: false,
        }
    }

    /// The stimulus of the next tick, `None` where the sample is over.
    pub(super) fn next_tick(&mut self) -> Option<&'r [InputSpike]> {
        if self.tick == self.ticks {
            return None;
        }
        if self.control.stop() {
            self.stopped = true;
            return None;
        }
        let rest = &self.sample.spikes[self.cursor..];
        let now = rest.partition_point(|spike| spike.tick <= self.tick);
        self.cursor += now;
        self.tick += 1;
        Some(&rest[..now])
    }

    /// Leaves out the ticks up to the next spike of the stimulus, or the end; how many.
    pub(super) fn skip(&mut self) -> u32 {
        let next = self.sample.spikes.get(self.cursor).map_or(self.ticks, |spike| spike.tick);
        next - std::mem::replace(&mut self.tick, next)
    }

    /// Whether faults end the run.
    pub(super) const fn strict(&self) -> bool {
        self.strict
    }

    /// An error where there are `faults`.
    pub(super) fn check(&self, faults: Faults) -> Result<()> {
        if faults.total() == 0 {
            return Ok(());
        }
        none_of(faults, format!("sample {} '{}', tick {}", self.number, self.sample.name, self.tick - 1))
    }
}

/// Joins outcomes in stimulus order, whichever is done first.
#[derive(Default)]
pub(super) struct Collector {
    result: RunResult,
    /// Outcomes that wait for an earlier one.
    waiting: BTreeMap<usize, (Outcome, bool)>,
    /// Samples shown to the end.
    done: usize,
    /// A stopped sample is the last one that counts.
    ended: bool,
    failure: Option<(usize, Problems)>,
}

impl Collector {
    /// Samples shown to the end so far.
    pub(super) const fn done(&self) -> usize {
        self.done
    }

    /// All of it, or the failure of the earliest sample.
    pub(super) fn finish(self, interrupted: bool) -> Result<RunResult> {
        match self.failure {
            Some((_, problems)) => Err(problems),
            None => Ok(RunResult { interrupted, ..self.result }),
        }
    }

    /// Keeps what the chip has learned. Chips that do not go on to learn all know the same.
    fn keep(&mut self, chip: &Chip<'_>) {
        if self.result.learned.is_empty() {
            self.result.learned = chip.learned();
        }
    }

    pub(super) fn fail(&mut self, number: usize, problems: Problems) {
        // Samples are begun in order, so the first failing one is always among those that are finished.
        if self.failure.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
            self.failure = Some((number, problems));
        }
    }

    pub(super) fn put(&mut self, number: usize, outcome: Outcome, stopped: bool) {
        self.done += usize::from(!stopped);
        self.waiting.insert(number, (outcome, stopped));
        while let Some((outcome, stopped)) = self.waiting.remove(&self.result.samples.len()) {
            if self.ended {
                return;
            }
            self.ended = stopped;
            if !stopped || outcome.sample.ticks > 0 {
                self.merge(outcome);
            }
        }
    }

    fn merge(&mut self, outcome: Outcome) {
        let result = &mut self.result;
        result.core_counts.resize(outcome.core_counts.len(), Default::default());
        result.core_counts.iter_mut().zip(&outcome.core_counts).for_each(|(sum, counts)| sum.merge(counts));
        result.population_spikes.resize(outcome.population_spikes.len(), 0);
        result.population_spikes.iter_mut().zip(&outcome.population_spikes).for_each(|(sum, spikes)| *sum += spikes);
        result.links.resize(outcome.links.len(), Default::default());
        for (sum, link) in result.links.iter_mut().zip(&outcome.links) {
            sum.packets += link.packets;
            sum.peak = sum.peak.max(link.peak);
        }
        result.samples.push(outcome.sample);
    }
}
