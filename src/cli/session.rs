//! What `run`, `demo` and `inspect` share: an image with its chip, its stimulus, its run and its report.

use std::path::Path;

use super::args::{ImageChip, ReadoutChoice, StimulusArgs};
use super::console::{Console, read_text, write};
use super::progress::Watch;
use crate::chip::{self, ChipSpec, Family, SyncSpec};
use crate::compile::Log;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::digest::Digest;
use crate::emu::counters::RunResult;
use crate::emu::{self, Readout, Record, RunOptions};
use crate::energy;
use crate::foreign;
use crate::image::{self, Image};
use crate::report::{self, Report};
use crate::stimulus::{self, Stimulus};

/// A checked image on its chip.
pub(super) struct Session {
    pub(super) image: Image,
    pub(super) chip: ChipSpec,
    /// Checksum of the image file.
    pub(super) checksum: Digest,
    /// Size of the image file; `None` where there is none.
    pub(super) bytes: Option<u64>,
    /// Synapses of the image as it was read.
    pub(super) synapses: u64,
}

impl Session {
    /// Reads an image and checks it against its chip: the one that is named, else the built-in one that the image
    /// names.
    pub(super) fn open(path: &Path, chip: &ImageChip) -> Result<Self> {
        let (image, header) = image::read(path)?;
        let file = path.display().to_string();
        let named = image.chip_name();
        let name = match chip.name.as_deref() {
            Some(name) => name,
            None if chip::builtin_names().contains(&named) => named,
            None => {
                return Err(Problem::invalid("cli/chip", &file, format!("it was compiled for chip '{named}'"))
                    .limit(format!("built-in chips: {}", chip::builtin_names().join(", ")))
                    .help("name the chip file that it was compiled for: --chip FILE")
                    .into());
            }
        };
        let mut options = chip.tuning.options()?;
        let own = image.chip_values().map(|(key, value)| (key.to_owned(), value.to_owned()));
        options.set = own.chain(options.set).collect();
        let chip = chip::load(name, &options)?;
        image::check(&image, &header, &chip, &file)?;
        let bytes = image::HEADER_LENGTH as u64 + header.payload;
        Ok(Self { synapses: synapses(&image), image, chip, checksum: header.checksum, bytes: Some(bytes) })
    }

    /// Input neurons of the image.
    pub(super) fn inputs(&self) -> u32 {
        self.image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum()
    }

    /// Reads a stimulus for this image.
    pub(super) fn stimulus(&self, path: &Path, args: &StimulusArgs) -> Result<Stimulus> {
        if matches!(self.chip.family, Family::TinyOdin(_)) && is_json(path) {
            args.refuse(path, &[])?;
            let sample = foreign::read_tinyodin_events(&read_text(path)?, &path.display().to_string())?;
            return Ok(Stimulus { samples: vec![sample], inputs: self.inputs() });
        }
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sfti")) {
            args.refuse(path, &["--ticks"])?;
            let text = read_text(path)?;
            let mut stimulus = foreign::read_sfti(&text, &path.display().to_string(), &self.image)?;
            if let (Some(ticks), [sample]) = (args.ticks, stimulus.samples.as_mut_slice()) {
                sample.spikes.retain(|spike| spike.tick < ticks);
                sample.ticks = ticks;
            }
            return Ok(stimulus);
        }
        let mut options = args.options()?;
        // A recording's sensor is what the input population is shaped like.
        options.shape = self
            .image
            .inputs
            .first()
            .and_then(|input| self.image.populations.get(input.population as usize))
            .map(|population| population.shape.clone())
            .filter(|shape| shape.len() == 3);
        stimulus::read(path, self.inputs(), &options)
    }

    /// Whether classes can be read so: the lines of an output bus spike, but have no membrane.
    pub(super) fn check_readout(&self, readout: Readout) -> Result<()> {
        let bus = |core: &image::CoreImage| matches!(core.body, image::CoreBody::OutputBus(_)).then_some(core.core);
        let buses: Vec<u32> = self.image.cores.iter().filter_map(bus).collect();
        let first = self.image.outputs.first().map(|output| &self.image.populations[output.population as usize]);
        let has_none = first.is_some_and(|output| output.places.iter().any(|place| buses.contains(&place.core)));
        if readout != Readout::Membrane || !has_none {
            return Ok(());
        }
        let what = "the output is read at an output bus, whose lines have no membrane";
        Err(Problem::invalid("cli/readout", "--readout", what).help("read by 'count' or 'first'").into())
    }

    /// A stimulus that is given by clock cycle, where the chip is RANC and the file is JSON.
    pub(super) fn cycles(&self, path: &Path, args: &StimulusArgs) -> Result<Option<emu::ranc::RancStimulus>> {
        if !matches!(self.chip.family, Family::Ranc(_)) || !is_json(path) {
            return Ok(None);
        }
        args.refuse(path, &[])?;
        let foreign::RancCycles { ticks, packets, cycles } =
            foreign::read_ranc_cycles(&read_text(path)?, &path.display().to_string())?;
        let input = |packet: foreign::RancPacket| {
            let foreign::RancPacket { cycle, dx, dy, axon, delay } = packet;
            emu::ranc::RancInput { cycle, flit: emu::mesh::clocked::Flit { dx, dy, axon, delay } }
        };
        Ok(Some(emu::ranc::RancStimulus { ticks, packets: packets.into_iter().map(input).collect(), cycles }))
    }

    /// Runs with a progress bar; Ctrl-C ends it early with what there is.
    pub(super) fn run(&self, stimulus: &Stimulus, options: &RunOptions, console: &Console) -> Result<RunResult> {
        emu::run(&self.image, &self.chip, stimulus, options, &self.watch(stimulus, console))
    }

    /// [`Self::run`] that gives up what the image needs for nothing but a run: there is a report afterwards, but no
    /// second run.
    pub(super) fn run_last(
        &mut self,
        stimulus: &Stimulus,
        options: &RunOptions,
        console: &Console,
    ) -> Result<RunResult> {
        let watch = self.watch(stimulus, console);
        emu::run_unloading(&mut self.image, &self.chip, stimulus, options, &watch)
    }

    fn watch(&self, stimulus: &Stimulus, console: &Console) -> Watch {
        let what = format!("{} on {}", self.image.network, self.chip.name);
        Watch::new(console, stimulus.samples.len(), &what)
    }

    /// The report of a run.
    pub(super) fn report(&self, stimulus: &Stimulus, result: &RunResult, mut extras: Extras<'_>) -> Report {
        if let Family::Cuba(spec) = &self.chip.family {
            extras.options.push(("dialect".to_owned(), spec.dialect.name().to_owned()));
        }
        let seconds = result.samples.iter().map(|sample| report::seconds_of(&self.chip, sample)).sum();
        extras.options.extend(self.clocked_facts(result));
        let bill = energy::bill(&self.chip.energy, &total_counts(result), seconds);
        let labelled = stimulus.samples.iter().any(|sample| sample.label.is_some());
        let predicted = |index: usize| result.samples.get(index).and_then(|sample| sample.winner(0, extras.readout));
        let samples = stimulus.samples.iter().enumerate().map(|(index, sample)| report::SampleFacts {
            name: sample.name.clone(),
            label: sample.label,
            predicted: predicted(index),
        });
        report::build(report::Inputs {
            version: env!("CARGO_PKG_VERSION"),
            network_name: &self.image.network,
            chip: &self.chip,
            image: self.image_facts(extras.dense_macs),
            log: Some(extras.log),
            result,
            injected: self.injected(stimulus, result),
            samples: samples.collect(),
            accuracy: labelled.then(|| report::AccuracyFacts {
                readout: readout_name(extras.readout).to_owned(),
                float: extras.float_accuracy,
            }),
            bill: &bill,
            baselines: energy::baselines(),
            options: extras.options,
            digest: result.digest(),
        })
    }

    /// Spikes that the host injected in the ticks that were run, by input population.
    fn injected(&self, stimulus: &Stimulus, result: &RunResult) -> Vec<(usize, u64)> {
        let mut start = 0;
        let ranges: Vec<(usize, std::ops::Range<u32>)> = self
            .image
            .inputs
            .iter()
            .map(|input| {
                let range = start..start + input.offsets.len() as u32 - 1;
                start = range.end;
                (input.population as usize, range)
            })
            .collect();
        let ran = |(sample, run): (&stimulus::Sample, &emu::counters::SampleResult)| {
            sample.spikes.iter().filter(|spike| spike.tick < run.ticks).copied().collect::<Vec<_>>()
        };
        let spikes: Vec<_> = stimulus.samples.iter().zip(&result.samples).flat_map(ran).collect();
        let count = |range: &std::ops::Range<u32>| {
            spikes.iter().filter(|spike| range.contains(&spike.input)).map(|spike| u64::from(spike.value)).sum()
        };
        ranges.iter().map(|(population, range)| (*population, count(range))).collect()
    }

    /// What clocked designs tell besides: cycles, and whose energy it is.
    fn clocked_facts(&self, result: &RunResult) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Family::TinyOdin(_) = self.chip.family {
            let cycles: u64 = result.samples.iter().map(|sample| u64::from(sample.ticks)).sum();
            facts.push(("clock cycles".to_owned(), format!("{cycles}; ticks of this report are cycles")));
        }
        if let (Family::Ranc(_), SyncSpec::Clocked { slack, .. }) = (&self.chip.family, &self.chip.sync) {
            let busy = chip::RancSpec::busy_cycles(&self.chip.capacity);
            facts.push(("cycles a tick".to_owned(), format!("{busy} and {slack} more")));
        }
        facts
    }

    fn image_facts(&self, dense_macs: Option<u64>) -> report::ImageFacts {
        report::ImageFacts {
            digest: self.checksum.to_string(),
            bytes: self.bytes,
            depth: self.image.depth,
            cores: self.image.cores.iter().map(|core| core.core).collect(),
            populations: self
                .image
                .populations
                .iter()
                .map(|population| (population.name.clone(), population.size() as u32))
                .collect(),
            outputs: self.image.outputs.iter().map(|output| output.name.clone()).collect(),
            synapses: Some(self.synapses),
            dense_macs: dense_macs.or(Some(self.synapses)),
        }
    }
}

/// Reads a stimulus for a network that has no image yet.
pub(super) fn stimulus_of(network: &crate::graph::Network, path: &Path, args: &StimulusArgs) -> Result<Stimulus> {
    fn facts<N>(populations: &[crate::graph::Population<N>]) -> (u32, Option<Vec<u32>>) {
        let inputs = || populations.iter().filter(|population| population.is_input());
        let shape = inputs().next().map(|first| first.shape.clone()).filter(|shape| shape.len() == 3);
        (inputs().map(crate::graph::Population::size).sum::<usize>() as u32, shape)
    }
    let (inputs, shape) = match network {
        crate::graph::Network::Float(graph) => facts(&graph.populations),
        crate::graph::Network::Int(graph) => facts(&graph.populations),
    };
    stimulus::read(path, inputs, &stimulus::Options { shape, ..args.options()? })
}

/// What a report takes from elsewhere.
pub(super) struct Extras<'a> {
    pub(super) log: &'a Log,
    pub(super) readout: Readout,
    pub(super) float_accuracy: Option<f64>,
    /// Multiply-accumulates of one dense pass through the same layers, where the network is at hand; else the synapses as
    /// loaded stand for them.
    pub(super) dense_macs: Option<u64>,
    pub(super) options: Vec<(String, String)>,
}

/// Synapses as loaded: entries of the lists that axons work through, or connected crosspoints.
pub(super) fn synapses(image: &Image) -> u64 {
    let of_core = |core: &image::CoreImage| match &core.body {
        image::CoreBody::Crossbar(body) => body.rows.iter().map(|word| u64::from(word.count_ones())).sum::<u64>(),
        image::CoreBody::Cuba(body) => {
            body.list_uses.iter().map(|used| u64::from(body.lists[used.list as usize].count)).sum()
        }
        image::CoreBody::Ranc(body) => body.rows.iter().map(|word| u64::from(word.count_ones())).sum(),
        image::CoreBody::Fcore(body) => body.weights.len() as u64,
        image::CoreBody::Stepped(body) => body.synapses.len() as u64,
        image::CoreBody::OutputBus(_) => 0,
        image::CoreBody::TinyOdin(body) => {
            let nibbles = |word: &u32| (0..8).filter(|nibble| word >> (4 * nibble) & 0xf != 0).count() as u64;
            body.synapses.iter().map(nibbles).sum()
        }
    };
    image.cores.iter().map(of_core).sum()
}

impl StimulusArgs {
    /// As the stimulus room wants it.
    pub(super) fn options(&self) -> Result<stimulus::Options> {
        Ok(stimulus::Options {
            ticks: self.ticks,
            bin_us: self.bin_us,
            encoding: self.encoding.as_deref().map(str::parse).transpose()?,
            window: self.window,
            seed: self.encoding_seed,
            binary: self.binary,
            limit: self.samples,
            ..stimulus::Options::default()
        })
    }

    /// Refuses wishes that mean nothing for a file of spikes, cycle by cycle or packet by packet, save those `known`.
    fn refuse(&self, path: &Path, known: &[&str]) -> Result<()> {
        let flags = [
            ("--ticks", self.ticks.is_some()),
            ("--bin-us", self.bin_us != stimulus::Options::default().bin_us),
            ("--encoding", self.encoding.is_some()),
            ("--window", self.window.is_some()),
            ("--binary", self.binary),
            ("--encoding-seed", self.encoding_seed != 0),
            ("--samples", self.samples.is_some()),
        ];
        let found = flags.iter().filter(|(flag, given)| *given && !known.contains(flag)).map(|(flag, _)| {
            let what =
                format!("it means nothing for {}: the file says each spike and how long it lasts", path.display());
            Problem::invalid("cli/stimulus", *flag, what).help(format!("leave {flag} out"))
        });
        Problems::check(found.collect(), ())
    }
}

/// Events of all samples.
pub(super) fn total_counts(result: &RunResult) -> emu::counters::EventCounts {
    let mut counts = emu::counters::EventCounts::default();
    result.samples.iter().for_each(|sample| counts.merge(&sample.counts));
    counts
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

/// Worker threads: 0 means one a processor, and more than [`emu::MOST_THREADS`] are never started.
pub(super) fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        wanted => wanted.min(emu::MOST_THREADS),
    }
}

/// Whose spikes are kept, by the words of the command line.
pub(super) fn record(words: &str, image: &Image) -> Result<Record> {
    let names = || image.populations.iter().map(|population| population.name.as_str());
    match words {
        "outputs" => Ok(Record::Outputs),
        "all" => Ok(Record::All),
        "none" => Ok(Record::None),
        _ => {
            let number = |word: &str| {
                names().position(|name| name == word).map(|at| at as u32).ok_or_else(|| {
                    Problem::invalid("cli/record", "--record", format!("there is no population '{word}'"))
                        .limit(format!("outputs, all, none or of: {}", names().collect::<Vec<_>>().join(", ")))
                        .help(nearest(word, names()).map_or_else(
                            || "spikeloom inspect IMAGE lists the populations".to_owned(),
                            |near| format!("did you mean '{near}'?"),
                        ))
                        .into()
                })
            };
            words.split(',').map(number).collect::<Result<_>>().map(Record::Populations)
        }
    }
}

impl From<ReadoutChoice> for Readout {
    fn from(choice: ReadoutChoice) -> Self {
        match choice {
            ReadoutChoice::Count => Self::Count,
            ReadoutChoice::First => Self::First,
            ReadoutChoice::Membrane => Self::Membrane,
        }
    }
}

pub(super) const fn readout_name(readout: Readout) -> &'static str {
    match readout {
        Readout::Count => "spike count",
        Readout::First => "first spike",
        Readout::Membrane => "membrane",
    }
}

/// Writes what a run leaves: report.json, report.html, spikes.csv, digest.txt.
pub(super) fn write_run(folder: &Path, report: &Report, image: &Image, result: &RunResult, force: bool) -> Result<()> {
    write(&folder.join("report.json"), report::json(report).as_bytes(), force)?;
    write(&folder.join("report.html"), report::html(report).as_bytes(), force)?;
    write(&folder.join("digest.txt"), format!("{}\n", result.digest()).as_bytes(), force)?;
    let mut csv = String::from("sample,tick,population,neuron\n");
    for (number, sample) in result.samples.iter().enumerate() {
        for spike in &sample.spikes {
            let population = &image.populations[spike.population as usize].name;
            csv.push_str(&format!("{number},{},{population},{}\n", spike.tick, spike.neuron));
        }
    }
    write(&folder.join("spikes.csv"), csv.as_bytes(), force)
}
