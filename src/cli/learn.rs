//! `learn`: shows samples to an image that learns, and tells how well it reads them before and after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;

use super::args::{ImageChip, StimulusArgs};
use super::console::{Console, must_not_exist, write};
use super::session::{Session, threads, total_counts};
use super::{INTERRUPTED, demo};
use crate::diag::{Problem, Result};
use crate::emu::counters::{RunResult, SampleResult};
use crate::emu::{self, Readout, Record, RunOptions};
use crate::energy;
use crate::event::Event;
use crate::image::{self, Image};
use crate::report::{self, Field, LearningReport, Score};
use crate::stimulus::{self, Stimulus};

/// The samples that the program carries.
const DIGITS: &str = "digits";

#[derive(Debug, ClapArgs)]
pub(super) struct LearnArgs {
    /// The image of a network with learning rules
    pub image: PathBuf,
    /// What is learned from: a stimulus as `run` takes it, or `digits`, the embedded ones
    #[arg(short, long, value_name = "FILE|digits")]
    pub input: PathBuf,
    /// Other samples to read before and after; with `digits` the test digits
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    #[command(flatten)]
    pub chip: ImageChip,
    #[command(flatten)]
    pub stimulus: StimulusArgs,
    /// How often every sample is shown
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub passes: u32,
    /// What a class is: an output neuron, or what an output neuron fires for most (unsupervised)
    #[arg(long, value_enum, default_value_t = Classes::Neurons)]
    pub classes: Classes,
    /// Worker threads; 0 means one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Write the image with the learned weights, to be run again
    #[arg(long, value_name = "FILE")]
    pub save_weights: Option<PathBuf>,
    /// Folder for learning.html and learning.json
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite files
    #[arg(long)]
    pub force: bool,
}

/// What a run does with what it learns.
#[derive(Debug, ClapArgs)]
pub(super) struct Learned {
    /// Leave all weights as they are: nothing is learned
    #[arg(long)]
    pub freeze: bool,
    /// Write the image with what was learned, to be run again
    #[arg(long, value_name = "FILE")]
    pub save_weights: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Classes {
    /// The output neuron with most spikes is the class
    Neurons,
    /// Every output neuron stands for the class it fires for most in the samples learned from
    Labels,
}

pub(super) fn run(args: &LearnArgs, console: &Console) -> Result<u8> {
    let pages = args.out.iter().flat_map(|folder| ["learning.html", "learning.json"].map(|name| folder.join(name)));
    for file in args.save_weights.iter().cloned().chain(pages) {
        must_not_exist(&file, args.force)?;
    }
    if args.input == Path::new(DIGITS) && args.test.is_some() {
        return Err(Problem::invalid("cli/test", "--test", "the embedded digits come with their test digits")
            .help("leave --test out")
            .into());
    }
    let given = &args.stimulus;
    let flags = [
        ("--bin-us", given.bin_us != 1000),
        ("--encoding", given.encoding.is_some()),
        ("--window", given.window.is_some()),
        ("--binary", given.binary),
        ("--encoding-seed", given.encoding_seed != 0),
    ];
    if let Some((flag, _)) = flags.into_iter().find(|(_, used)| *used && args.input == Path::new(DIGITS)) {
        return Err(Problem::invalid("cli/stimulus", flag, "the embedded digits are encoded in one way")
            .limit("--samples and --ticks act on them")
            .help(format!("leave {flag} out, or give a file of digits"))
            .into());
    }
    let session = Session::open(&args.image, &args.chip)?;
    if session.image.learning().next().is_none() {
        return Err(Problem::invalid("learn/rule", args.image.display().to_string(), "nothing in this image learns")
            .help("give a projection of the network a \"learning\" rule and compile it again")
            .into());
    }
    let (samples, others) = stimuli(args, &session)?;
    let before = read(&session, args, &samples, others.as_ref(), console)?;
    let passes = repeat(&samples, args.passes);
    let options = RunOptions { timing: true, threads: threads(args.threads), strict: false, record: Record::None };
    let result = session.run(&passes, &options, console)?;
    let learned = Session {
        image: emu::with_learned(&session.image, &result.learned),
        chip: session.chip.clone(),
        checksum: session.checksum,
        bytes: session.bytes,
        synapses: session.synapses,
    };
    let after = read(&learned, args, &samples, others.as_ref(), console)?;
    if let Some(file) = &args.save_weights {
        write(file, &image::encode(&learned.image, session.chip.digest), args.force)?;
        console.say(&format!("wrote {}", file.display()));
    }
    let report = tell(args, &session, &learned, &result, [&before, &after]);
    if let Some(folder) = &args.out {
        write(&folder.join("learning.html"), report.html().as_bytes(), args.force)?;
        let text = serde_json::to_string_pretty(&object(&report)).unwrap_or_default();
        write(&folder.join("learning.json"), text.as_bytes(), args.force)?;
        console.say(&format!("wrote learning.html and learning.json to {}", folder.display()));
    }
    if console.json() {
        console.object("learn", object(&report));
    } else {
        console.result(&report.text(console.width()));
    }
    Ok(if result.interrupted { INTERRUPTED } else { 0 })
}

/// What is learned from, and what is read besides.
fn stimuli(args: &LearnArgs, session: &Session) -> Result<(Stimulus, Option<Stimulus>)> {
    if args.input != Path::new(DIGITS) {
        let others = args.test.as_ref().map(|file| session.stimulus(file, &args.stimulus)).transpose()?;
        return Ok((session.stimulus(&args.input, &args.stimulus)?, others));
    }
    let train = stimulus::digits().train;
    let options =
        stimulus::Options { limit: args.stimulus.samples, ticks: args.stimulus.ticks, ..stimulus::Options::default() };
    let samples = stimulus::encode_images(&train.images, train.max, &options, &train.labels);
    let mut others = demo::test_digits(None);
    if args.stimulus.ticks.is_some() {
        let test = stimulus::digits().test;
        let options = stimulus::Options { limit: None, ..options };
        others = stimulus::encode_images(&test.images, test.max, &options, &test.labels);
    }
    Ok((samples, Some(others)))
}

/// The samples so many times, one pass after the other.
fn repeat(samples: &Stimulus, passes: u32) -> Stimulus {
    let all = (0..passes).flat_map(|_| samples.samples.iter().cloned()).collect();
    Stimulus { samples: all, inputs: samples.inputs }
}

/// How a network reads: its scores, and the class of every output neuron.
struct Reading {
    on_samples: Score,
    on_others: Option<Score>,
    classes: Vec<Option<u32>>,
}

/// Reads all samples with learning off.
fn read(
    session: &Session,
    args: &LearnArgs,
    samples: &Stimulus,
    others: Option<&Stimulus>,
    console: &Console,
) -> Result<Reading> {
    let mut frozen = session.image.clone();
    frozen.freeze();
    let still = Session {
        image: frozen,
        chip: session.chip.clone(),
        checksum: session.checksum,
        bytes: session.bytes,
        synapses: session.synapses,
    };
    let options = RunOptions { timing: false, threads: threads(args.threads), strict: false, record: Record::None };
    let run = |stimulus: &Stimulus| still.run(stimulus, &options, console);
    let on_samples = run(samples)?;
    let classes = match args.classes {
        Classes::Neurons => {
            let neurons =
                on_samples.samples.first().and_then(|sample| sample.output_counts.first()).map_or(0, Vec::len);
            (0..neurons as u32).map(Some).collect()
        }
        Classes::Labels => labelled(samples, &on_samples),
    };
    let on_others = others.map(|others| run(others).map(|result| score(others, &result, &classes))).transpose()?;
    Ok(Reading { on_samples: score(samples, &on_samples, &classes), on_others, classes })
}

/// The class for which every output neuron fires most, by mean spikes of a sample; `None` where it never fires.
fn labelled(samples: &Stimulus, result: &RunResult) -> Vec<Option<u32>> {
    let labels = || samples.samples.iter().filter_map(|sample| sample.label);
    let classes = labels().max().map_or(0, |most| most as usize + 1).min(1 << 16);
    let mut shown = vec![0_u64; classes];
    labels().filter(|&label| (label as usize) < classes).for_each(|label| shown[label as usize] += 1);
    let neurons = result.samples.first().and_then(|sample| sample.output_counts.first()).map_or(0, Vec::len);
    let mut spikes = vec![vec![0_u64; classes]; neurons];
    for (sample, run) in samples.samples.iter().zip(&result.samples) {
        let Some(label) = sample.label.filter(|&label| (label as usize) < classes) else { continue };
        for (of, &count) in spikes.iter_mut().zip(&run.output_counts[0]) {
            of[label as usize] += u64::from(count);
        }
    }
    let best = |of: Vec<u64>| {
        let mean = |class: usize| of[class] as f64 / shown[class].max(1) as f64;
        let top = (0..classes).reduce(|best, class| if mean(class) > mean(best) { class } else { best });
        top.filter(|&class| of[class] > 0).map(|class| class as u32)
    };
    spikes.into_iter().map(best).collect()
}

/// The class with most spikes a neuron, ties to the winning neuron.
fn class_of(sample: &SampleResult, classes: &[Option<u32>]) -> Option<u32> {
    let counts = sample.output_counts.first()?;
    let most = classes.iter().flatten().max().map_or(0, |&most| most as usize + 1);
    let (mut sums, mut members) = (vec![0_u64; most], vec![0_u64; most]);
    for (class, &count) in classes.iter().zip(counts) {
        if let Some(class) = class {
            sums[*class as usize] += u64::from(count);
            members[*class as usize] += 1;
        }
    }
    let best = *sums.iter().max()?;
    let winner = sample.winner(0, Readout::Count).and_then(|neuron| classes.get(neuron as usize).copied().flatten());
    let tied = |class: u32| sums.get(class as usize) == Some(&best);
    winner.filter(|&class| tied(class)).or_else(|| (0..most as u32).find(|&class| tied(class)))
}

fn score(samples: &Stimulus, result: &RunResult, classes: &[Option<u32>]) -> Score {
    let mut score = Score::default();
    for (sample, run) in samples.samples.iter().zip(&result.samples) {
        score.spikes += run.spike_total;
        if let Some(label) = sample.label {
            score.total += 1;
            score.correct += usize::from(class_of(run, classes) == Some(label));
        }
    }
    score
}

fn tell(
    args: &LearnArgs,
    session: &Session,
    learned: &Session,
    result: &RunResult,
    [before, after]: [&Reading; 2],
) -> LearningReport {
    let seconds: Option<f64> = result.samples.iter().map(|sample| report::seconds_of(&session.chip, sample)).sum();
    let counts = total_counts(result);
    let bill = energy::bill(&session.chip.energy, &counts, seconds);
    let update = bill.entries.iter().find(|entry| entry.event == Event::SynapseUpdate);
    let image = &session.image;
    let rules = rules(image);
    let first = image.learning().map(|group| group.projection).min();
    let (shape, fields) =
        first.map_or(((1, 1), Vec::new()), |projection| fields(image, &learned.image, projection, &after.classes));
    let samples = result.samples.len() / args.passes.max(1) as usize;
    LearningReport {
        title: format!("{} on {}", image.network, session.chip.name),
        rules: rules.into_iter().map(|rule| (rule.name, rule.text)).collect(),
        readout: match args.classes {
            Classes::Neurons => "the output neuron with most spikes",
            Classes::Labels => "spikes of the output neurons by the class that each stands for",
        }
        .to_owned(),
        samples,
        passes: args.passes,
        on_learned: [before.on_samples, after.on_samples],
        on_others: before.on_others.zip(after.on_others).map(|(before, after)| [before, after]),
        ticks: result.samples.iter().map(|sample| u64::from(sample.ticks)).sum(),
        updates: counts.get(Event::SynapseUpdate),
        update_joules: update.map_or(Some(0.0), |entry| entry.joules),
        joules: bill.total_joules(),
        seconds,
        shape,
        fields,
        digest: result.digest().to_string(),
    }
}

/// What learns in an image.
pub(super) struct RuleFacts {
    /// Source and target.
    pub(super) name: String,
    pub(super) projection: u32,
    pub(super) text: String,
    pub(super) synapses: usize,
}

/// Every projection that learns, by number.
pub(super) fn rules(image: &Image) -> Vec<RuleFacts> {
    let mut found: BTreeMap<u32, String> = BTreeMap::new();
    for group in image.learning() {
        found.entry(group.projection).or_insert_with(|| group.rule.clone());
    }
    let facts = |(projection, text): (u32, String)| {
        let synapses = image.learned_synapses(projection);
        let name = |number: u32| image.populations.get(number as usize).map_or("", |population| &population.name);
        let ends = synapses.first().map(|synapse| (synapse.source_population, synapse.population));
        let name = ends.map_or(String::new(), |(source, target)| format!("{}->{}", name(source), name(target)));
        RuleFacts { name, projection, text, synapses: synapses.len() }
    };
    found.into_iter().map(facts).collect()
}

/// The weights into every target of a projection, and the shape of its source.
fn fields(before: &Image, after: &Image, projection: u32, classes: &[Option<u32>]) -> ((u32, u32), Vec<Field>) {
    let synapses = before.learned_synapses(projection);
    let Some(population) = synapses.first().map(|synapse| synapse.population) else { return ((1, 1), Vec::new()) };
    let size = before.populations[population as usize].size();
    let sources = synapses.iter().map(|synapse| synapse.source as usize + 1).max().unwrap_or(0);
    let weights = |image: &Image| {
        let mut rows = vec![vec![0_i16; sources]; size];
        for synapse in image.learned_synapses(projection) {
            let Some(image::CoreBody::Cuba(body)) = image.core(synapse.core).map(|core| &core.body) else { continue };
            rows[synapse.target as usize][synapse.source as usize] = body.synapses[synapse.synapse].weight;
        }
        rows
    };
    let read = before.outputs.first().is_some_and(|output| output.population == population);
    let field = |(neuron, (before, after)): (usize, (Vec<i16>, Vec<i16>))| Field {
        neuron: neuron as u32,
        class: classes.get(neuron).copied().flatten().filter(|_| read),
        before,
        after,
    };
    let fields = weights(before).into_iter().zip(weights(after)).enumerate().map(field).collect();
    // A source of the shape of an image is drawn as one; any other as a square as far as it goes.
    let shaped = before.populations.iter().find(|p| p.size() == sources && p.shape.len() >= 2);
    let square = (1..).find(|side| side * side >= sources as u32).unwrap_or(1);
    let shape = shaped.map_or((square, square), |p| (p.shape[p.shape.len() - 2], p.shape[p.shape.len() - 1]));
    (shape, fields)
}

fn object(report: &LearningReport) -> serde_json::Value {
    let score = |score: &Score| json!({ "correct": score.correct, "total": score.total, "spikes": score.spikes });
    let pair = |pair: &[Score; 2]| json!({ "before": score(&pair[0]), "after": score(&pair[1]) });
    json!({
        "network": report.title, "rules": report.rules.iter().map(|(at, rule)| json!({ "projection": at, "rule": rule })).collect::<Vec<_>>(),
        "readout": report.readout, "samples": report.samples, "passes": report.passes, "ticks": report.ticks,
        "on_learned": pair(&report.on_learned), "on_others": report.on_others.as_ref().map(pair),
        "synapse_updates": report.updates, "update_joules": report.update_joules, "joules": report.joules,
        "seconds": report.seconds, "digest": report.digest,
        "fields": report.fields.iter().map(|field| json!({ "neuron": field.neuron, "class": field.class, "weights": field.after })).collect::<Vec<_>>(),
    })
}
