//! `run --trace` and `--watch`: the first sample once more, as a waveform or told line by line.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{RunArgs, Switch};
use super::console::{Console, make_folder_of, unwritable};
use super::session::Session;
use crate::diag::{Problem, Result};
use crate::emu::probe::{Change, Signal};
use crate::emu::ranc::RancStimulus;
use crate::emu::watch::{self, Shown, Step, Which};
use crate::image::Place;
use crate::stimulus::Stimulus;
use crate::trace::{Format, Recorder, Unit};

/// All that a replay needs. It stands before the run begins, since what is wrong with it should not cost the user a
/// run; a file that was begun for a run that failed goes again.
pub(super) struct Replay<'a> {
    shown: Shown<'a>,
    watched: Vec<Place>,
    timing: bool,
    /// The path of each signal that is told line by line.
    told: Vec<Option<String>>,
    /// Picoseconds of a unit of the changes' time, where known.
    scale: Option<u64>,
    recorder: Option<(&'a Path, Recorder)>,
    /// The packet whose life is told.
    packet: Option<(&'a str, Which)>,
}

/// What `--trace` and `--watch` ask for; nothing without them.
pub(super) fn prepare<'a>(
    args: &'a RunArgs,
    session: &Session,
    stimulus: &'a Stimulus,
    cycles: Option<&'a RancStimulus>,
) -> Result<Option<Replay<'a>>> {
    if args.trace.is_none() && args.watch.is_empty() && args.watch_packet.is_none() {
        return Ok(None);
    }
    let shown = match (cycles, stimulus.samples.first()) {
        (Some(cycles), _) => Shown::Cycles(cycles),
        (None, Some(sample)) => Shown::Sample(sample),
        (None, None) => {
            let what = "the stimulus has no sample, so there is nothing to show";
            let place = args.input.display().to_string();
            return Err(Problem::invalid("cli/trace", place, what).help("leave --trace and --watch out").into());
        }
    };
    let watched: Vec<Place> = args.watch.iter().map(|text| place(text, session)).collect::<Result<_>>()?;
    let timing = args.timing == Switch::On;
    let signals = watch::signals(&session.image, &session.chip, &watched);
    let scale = watch::unit(&session.chip, timing);
    let is_told = |path: &String| watched.iter().any(|place| path.contains(&format!(".neuron_{}.", place.neuron)));
    let told = signals.iter().map(Signal::path).map(|path| Some(path).filter(is_told)).collect();
    let recorder = match args.trace.as_deref() {
        Some([format, file]) => Some((Path::new(file), start(format, file.as_ref(), &signals, scale)?)),
        _ => None,
    };
    let packet = match args.watch_packet.as_deref() {
        Some(text) => Some((text, which(text, session)?)),
        None => None,
    };
    Ok(Some(Replay { shown, watched, timing, told, scale, recorder, packet }))
}

/// Opens the waveform file, in a folder that is made where it is missing.
fn start(format: &str, file: &Path, signals: &[Signal], scale: Option<u64>) -> Result<Recorder> {
    let format = Format::of(format).ok_or_else(|| {
        Problem::invalid("cli/trace", "--trace", format!("'{format}' is no format"))
            .limit("vcd, fst")
            .help("write --trace vcd FILE, which every viewer reads")
    })?;
    let unit = if scale.is_some() { Unit::Picosecond } else { Unit::Nanosecond };
    make_folder_of(file)?;
    Ok(Recorder::start(file, format, signals, unit).map_err(|error| unwritable(file, &error))?)
}

impl Replay<'_> {
    /// Runs the first sample once more and shows it.
    pub(super) fn run(mut self, session: &Session, console: &Console) -> Result<()> {
        if let Some((text, which)) = self.packet {
            live(text, watch::packet(&session.image, &session.chip, self.shown, which)?, console)?;
        }
        if self.recorder.is_none() && self.watched.is_empty() {
            return Ok(());
        }
        let Self { shown, watched, timing, told, scale, recorder, .. } = &mut self;
        let mut last = BTreeMap::new();
        let end = watch::replay(&session.image, &session.chip, *shown, watched, *timing, |change: Change| {
            let change = Change { time: change.time * scale.unwrap_or(1), ..change };
            if let Some((_, recorder)) = recorder {
                recorder.send(change);
            }
            if let Some(path) = &told[change.signal as usize]
                && last.insert(change.signal, change.value) != Some(change.value)
            {
                let unit = if scale.is_some() { " ps" } else { "" };
                tell(console, &format!("{}{unit} {path} = {}", change.time, change.value.cast_signed()));
            }
        })?;
        if let Some((file, recorder)) = recorder.take() {
            recorder.finish(end * scale.unwrap_or(1)).map_err(|error| unwritable(file, &error))?;
            console.say(&format!("wrote {} signals to {}", told.len(), file.display()));
        }
        Ok(())
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if let Some((file, recorder)) = self.recorder.take() {
            drop(recorder);
            // It is empty and ours. Where it cannot be removed, the user's own problem is the one to tell.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// With --json stdout is one object.
fn tell(console: &Console, line: &str) {
    if console.json() { console.say(line) } else { console.result(line) }
}

/// The life of a packet.
fn live(text: &str, steps: Option<Vec<Step>>, console: &Console) -> Result<()> {
    let Some(steps) = steps else {
        return Err(Problem::invalid(
            "cli/watch",
            "--watch-packet",
            format!("'{text}' is never sent in the first sample"),
        )
        .help("name an earlier tick, or a neuron that fires: --record all lists the spikes in spikes.csv")
        .into());
    };
    steps.iter().for_each(|(cycle, what)| tell(console, &format!("{cycle} packet {text}: {what}")));
    Ok(())
}

/// `core3.neuron17@5`, `core3.neuron17` or `input@9`.
fn which(text: &str, session: &Session) -> Result<Which> {
    let (subject, number) = text.split_once('@').map_or((text, None), |(subject, number)| (subject, Some(number)));
    let parsed = number.map(str::parse::<u32>).transpose();
    let Ok(number) = parsed else {
        return Err(Problem::invalid("cli/watch", "--watch-packet", format!("'{text}' has no number behind '@'"))
            .help("write it as core3.neuron17@5 (from tick 5 on) or input@9 (packet 9 of the host)")
            .into());
    };
    match (subject, number) {
        ("input", Some(number)) => Ok(Which::Input(number as usize)),
        _ => Ok(Which::Spike(place(subject, session)?, number.unwrap_or(0))),
    }
}

/// `core3.neuron17`, held against the image.
fn place(text: &str, session: &Session) -> Result<Place> {
    let parse = || {
        let (core, neuron) = text.split_once('.')?;
        Some((core.strip_prefix("core")?.parse().ok()?, neuron.strip_prefix("neuron")?.parse().ok()?))
    };
    let Some((core, neuron)) = parse() else {
        return Err(Problem::invalid("cli/watch", "--watch", format!("'{text}' names no neuron"))
            .help("write it as core3.neuron17; `spikeloom inspect` lists the cores")
            .into());
    };
    let neurons = session.image.core(core).map_or(0, |core| core.body.neurons());
    if usize::from(neuron) >= neurons {
        return Err(Problem::invalid("cli/watch", "--watch", format!("'{text}' is not in the image"))
            .limit(format!("core {core} has {neurons} neurons"))
            .help("`spikeloom inspect` lists the cores and their neurons")
            .into());
    }
    Ok(Place { core, neuron })
}
