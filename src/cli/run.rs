//! `run`: an image with a stimulus.

use serde_json::{Value, json};

use super::args::{RunArgs, Switch};
use super::console::{Console, must_not_exist, write};
use super::session::{Extras, Session, record, threads, write_run};
use super::{INTERRUPTED, inspect, trace};
use crate::diag::{Problem, Result};
use crate::emu::{self, RunOptions};
use crate::image;
use crate::report;
use crate::stimulus::{Sample, Stimulus};

pub(super) fn run(args: &RunArgs, console: &Console) -> Result<u8> {
    if let Some(folder) = &args.out {
        must_not_exist(&folder.join("report.json"), args.force)?;
    }
    if let Some([_, file]) = args.trace.as_deref() {
        must_not_exist(file.as_ref(), args.force)?;
    }
    if let Some(file) = &args.learning.save_weights {
        must_not_exist(file, args.force)?;
    }
    let mut session = Session::open(&args.image, &args.chip)?;
    learning(args, &mut session)?;
    session.check_readout(args.readout.into())?;
    let cycles = session.cycles(&args.input, &args.stimulus)?;
    let stimulus = match &cycles {
        Some(_) => Stimulus { samples: vec![by_cycle(args)], inputs: session.inputs() },
        None => session.stimulus(&args.input, &args.stimulus)?,
    };
    let options = RunOptions {
        timing: args.timing == Switch::On,
        threads: threads(args.threads),
        strict: args.strict,
        record: record(&args.record, &session.image)?,
    };
    let replay = trace::prepare(args, &session, &stimulus, cycles.as_ref())?;
    let log = inspect::log(&session);
    let result = match &cycles {
        Some(cycles) => emu::clocked::run_cycles(&session.image, &session.chip, cycles, &options)?,
        // A replay runs the image once more.
        None if replay.is_some() => session.run(&stimulus, &options, console)?,
        None => session.run_last(&stimulus, &options, console)?,
    };
    if let Some(file) = &args.learning.save_weights {
        let learned = emu::with_learned(&session.image, &result.learned);
        write(file, &image::encode(&learned, session.chip.digest), args.force)?;
        console.say(&format!("wrote {}", file.display()));
    }
    let report = session.report(
        &stimulus,
        &result,
        Extras {
            log: &log,
            readout: args.readout.into(),
            float_accuracy: None,
            dense_macs: None,
            options: settings(args, &options),
        },
    );
    if let Some(folder) = &args.out {
        write_run(folder, &report, &session.image, &result, args.force)?;
        console.say(&format!("wrote report.json, report.html, spikes.csv and digest.txt to {}", folder.display()));
    }
    let replayed = replay.map_or(Ok(()), |replay| replay.run(&session, console));
    if console.json() {
        // One object: the problem, where there is one.
        replayed?;
        let value: Value = serde_json::from_str(&report::json(&report)).unwrap_or_default();
        console.object("run", json!({ "report": value }));
    } else {
        console.result(&report::text(&report, console.width()));
        replayed?;
    }
    Ok(if result.interrupted { INTERRUPTED } else { 0 })
}

/// Whether there is something to be saved, and nothing to be learned where that is not wished.
fn learning(args: &RunArgs, session: &mut Session) -> Result<()> {
    let learns = session.image.learning().next().is_some();
    let flags = [(args.learning.freeze, "--freeze"), (args.learning.save_weights.is_some(), "--save-weights")];
    if let Some((_, flag)) = flags.iter().find(|(given, _)| *given && !learns) {
        return Err(Problem::invalid("cli/learning", *flag, "nothing in this image learns")
            .help("give a projection of the network a \"learning\" rule, or drop the flag")
            .into());
    }
    if args.learning.freeze && args.learning.save_weights.is_some() {
        let what = "with --freeze there is nothing to be saved";
        return Err(Problem::invalid("cli/learning", "--save-weights", what).help("drop one of the two").into());
    }
    if args.learning.freeze {
        session.image.freeze();
    }
    Ok(())
}

/// The name of a stimulus that is given by cycle.
fn by_cycle(args: &RunArgs) -> Sample {
    Sample { name: args.input.display().to_string(), spikes: Vec::new(), ticks: 0, label: None }
}

/// The options that decide the result, for the report (threads do not).
fn settings(args: &RunArgs, options: &RunOptions) -> Vec<(String, String)> {
    let mut settings = vec![
        ("image".to_owned(), args.image.display().to_string()),
        ("input".to_owned(), args.input.display().to_string()),
        ("timing".to_owned(), if options.timing { "on" } else { "off" }.to_owned()),
        ("strict".to_owned(), options.strict.to_string()),
        ("record".to_owned(), args.record.clone()),
    ];
    settings.extend(args.learning.freeze.then(|| ("learning".to_owned(), "off".to_owned())));
    settings.extend(args.stimulus.ticks.map(|ticks| ("ticks".to_owned(), ticks.to_string())));
    settings.extend(args.chip.tuning.set.iter().map(|text| ("set".to_owned(), text.clone())));
    settings
}
