//! `run --trace` and `--watch`: the first sample once more, as a waveform or told line by line.

use std::collections::BTreeMap;

use super::args::{RunArgs, Switch};
use super::console::Console;
use super::session::Session;
use crate::diag::{Problem, Result};
use crate::emu::probe::{Change, Signal};
use crate::emu::ranc::RancStimulus;
use crate::emu::watch::{self, Shown};
use crate::image::Place;
use crate::stimulus::Stimulus;
use crate::trace::{Format, Recorder, Unit};

pub(super) fn run(
    args: &RunArgs,
    session: &Session,
    stimulus: &Stimulus,
    cycles: Option<&RancStimulus>,
    console: &Console,
) -> Result<()> {
    if args.trace.is_none() && args.watch.is_empty() {
        return Ok(());
    }
    let watched: Vec<Place> = args.watch.iter().map(|text| place(text, session)).collect::<Result<_>>()?;
    let timing = args.timing == Switch::On;
    let (image, chip) = (&session.image, &session.chip);
    let signals = watch::signals(image, chip, &watched);
    let scale = watch::unit(chip, timing);
    let unit = if scale.is_some() { Unit::Picosecond } else { Unit::Nanosecond };
    let mut recorder = match args.trace.as_deref() {
        Some([format, file]) => {
            let format = Format::of(format).ok_or_else(|| {
                Problem::invalid("cli/trace", "--trace", format!("'{format}' is no format")).limit("vcd, fst")
            })?;
            let failed = |error| Problem::invalid("cli/write", file.as_str(), format!("{error}"));
            Some((file, Recorder::start(file.as_ref(), format, &signals, unit).map_err(failed)?))
        }
        _ => None,
    };
    let told: Vec<Option<String>> = signals
        .iter()
        .map(Signal::path)
        .map(|path| watched.iter().any(|place| path.contains(&format!(".neuron_{}.", place.neuron))).then_some(path))
        .collect();
    let mut last = BTreeMap::new();
    let shown = match (cycles, stimulus.samples.first()) {
        (Some(cycles), _) => Shown::Cycles(cycles),
        (None, Some(sample)) => Shown::Sample(sample),
        (None, None) => return Ok(()),
    };
    let end = watch::replay(image, chip, shown, &watched, timing, |change: Change| {
        let change = Change { time: change.time * scale.unwrap_or(1), ..change };
        if let Some((_, recorder)) = &mut recorder {
            recorder.send(change);
        }
        if let Some(path) = &told[change.signal as usize]
            && last.insert(change.signal, change.value) != Some(change.value)
        {
            let unit = if scale.is_some() { " ps" } else { "" };
            let line = format!("{}{unit} {path} = {}", change.time, change.value.cast_signed());
            // With --json stdout is one object.
            if console.json() { console.say(&line) } else { console.result(&line) }
        }
    })?;
    if let Some((file, recorder)) = recorder {
        let failed = |error| Problem::invalid("cli/write", file.as_str(), format!("{error}"));
        recorder.finish(end * scale.unwrap_or(1)).map_err(failed)?;
        console.say(&format!("wrote {} signals to {file}", signals.len()));
    }
    Ok(())
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
            .into());
    }
    Ok(Place { core, neuron })
}
