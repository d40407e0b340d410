//! `import`: chip-level files of other tools to an image.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ImportArgs, ImportFormat};
use super::console::{Console, must_not_exist, read_text, write};
use crate::chip;
use crate::diag::{Problem, Problems, Result};
use crate::foreign::{self, Imported};
use crate::image;
use crate::stimulus::{MAX_TICKS, Sample};

pub(super) fn run(args: &ImportArgs, console: &Console) -> Result<u8> {
    for path in [Some(&args.output), args.stimulus.as_ref()].into_iter().flatten() {
        must_not_exist(path, args.force)?;
    }
    let imported = read(args)?;
    // Before anything is written.
    let stimulus = stimulus(args, imported.stimulus.as_ref())?;
    for note in &imported.notes {
        console.say(&format!("note: {note}"));
    }
    let bytes = image::encode(&imported.image, imported.chip.digest);
    write(&args.output, &bytes, args.force)?;
    if let Some((path, sample)) = stimulus {
        write(path, csv(sample).as_bytes(), args.force)?;
    }
    let image = &imported.image;
    if console.json() {
        console.object(
            "import",
            json!({
                "image": args.output.display().to_string(), "bytes": bytes.len(), "network": image.network,
                "chip": image.chip, "cores": image.cores.len(), "notes": imported.notes,
                "stimulus_spikes": imported.stimulus.as_ref().map(|sample| sample.spikes.len()),
                "stimulus_ticks": imported.stimulus.as_ref().map(ticks),
            }),
        );
        return Ok(0);
    }
    console.result(&format!(
        "{}: network '{}' on {} cores of {}, {} bytes",
        args.output.display(),
        image.network,
        image.cores.len(),
        image.chip.replace(';', " "),
        bytes.len()
    ));
    if let Some((path, sample)) = stimulus {
        // A list of spikes does not tell how long the run goes on behind the last of them.
        let (spikes, ticks) = (sample.spikes.len(), ticks(sample));
        console.result(&format!("{}: {spikes} input spikes; run it with --ticks {ticks}", path.display()));
    }
    Ok(0)
}

/// Where the stimulus is to go, and what it is.
fn stimulus<'a>(args: &'a ImportArgs, sample: Option<&'a Sample>) -> Result<Option<(&'a PathBuf, &'a Sample)>> {
    let Some(path) = &args.stimulus else { return Ok(None) };
    let refused = |what: String| Problem::invalid("import/stimulus", args.file.display().to_string(), what);
    match sample {
        None => Err(refused("it holds no stimulus".to_owned()).help("leave --stimulus out").into()),
        Some(sample) if sample.ticks > MAX_TICKS => {
            Err(refused(format!("its stimulus lasts for {} cycles", sample.ticks))
                .limit(format!("{MAX_TICKS}: as many as --ticks takes"))
                .help("leave --stimulus out and give `run` a file of the events and total_cycles alone")
                .into())
        }
        Some(sample) => Ok(Some((path, sample))),
    }
}

/// What `--ticks` must say.
fn ticks(sample: &Sample) -> u32 {
    sample.ticks.max(1)
}

fn read(args: &ImportArgs) -> Result<Imported> {
    let (text, format) = if args.file.is_dir() && args.format.is_none_or(|format| format == ImportFormat::RancMem) {
        (String::new(), ImportFormat::RancMem)
    } else {
        let text = read_text(&args.file)?;
        let format = args.format.map_or_else(|| detect(&text, &args.file), Ok)?;
        (text, format)
    };
    let file = args.file.display().to_string();
    if args.config.is_some() && format != ImportFormat::RancJson {
        let what = "the file is no input file of RANC's simulator";
        return Err(Problem::invalid("import/config", "--config", what).help("leave --config out").into());
    }
    let imported = network(args, &text, format, &file)?;
    check(&imported, &file)?;
    Ok(imported)
}

fn network(args: &ImportArgs, text: &str, format: ImportFormat, file: &str) -> Result<Imported> {
    let options = args.tuning.options()?;
    let chip = |own: &'static str| args.chip.clone().unwrap_or_else(|| own.to_owned());
    match format {
        ImportFormat::RancMem if args.file.is_dir() => foreign::read_ranc_mem(&args.file, &chip("ranc"), &options),
        ImportFormat::RancMem => {
            let what = "the memories of a grid are a folder of csram_NNN.mem and tc_NNN.mem";
            Err(Problem::invalid("import/format", file, what).help("name the folder").into())
        }
        ImportFormat::RancJson => {
            let config = match &args.config {
                Some(path) => Some((read_text(path)?, path.display().to_string())),
                None => None,
            };
            let config = config.as_ref().map(|(text, file)| (text.as_str(), file.as_str()));
            foreign::read_ranc_json((text, file), config, &chip("ranc"), &options)
        }
        ImportFormat::Tinyodin => foreign::read_tinyodin(text, file, &chip("tinyodin"), &options),
        ImportFormat::Nscs => {
            let chip = chip::load(&chip("truenorth"), &options)?;
            let image = foreign::read_nscs(text, file, &chip)?.image;
            Ok(Imported { image, chip, stimulus: None, notes: Vec::new() })
        }
        ImportFormat::Crossbar => {
            let chip = chip::load(&chip("truenorth"), &options)?;
            let program = foreign::read_crossbar(text, file, &chip)?;
            let notes = Some(program.about).filter(|about| !about.is_empty()).into_iter().collect();
            Ok(Imported { image: program.image, chip, stimulus: Some(program.stimulus), notes })
        }
    }
}

/// Whether the chip holds the image: the same check for every format, with a next step for files of other tools.
fn check(imported: &Imported, file: &str) -> Result<()> {
    let help =
        "the file asks for what the chip does not have: change it, or give another chip (--chip, --set, --defect)";
    let Err(problems) = image::contents(&imported.image, &imported.chip, file) else { return Ok(()) };
    Problems::check(problems.into_vec().into_iter().map(|problem| problem.help(help)).collect(), ())
}

/// The format by a key that only it has.
fn detect(text: &str, path: &Path) -> Result<ImportFormat> {
    let marks = [
        (foreign::CROSSBAR_FORMAT, ImportFormat::Crossbar),
        ("\"synapses_hex\"", ImportFormat::Tinyodin),
        ("\"output_bus\"", ImportFormat::RancJson),
        ("\"destination_core_offset\"", ImportFormat::RancJson),
        ("\"neuronTypes\"", ImportFormat::Nscs),
        ("\"crossbarSize\"", ImportFormat::Nscs),
    ];
    let known = marks.iter().find(|(mark, _)| text.contains(mark)).map(|(_, format)| *format);
    known.ok_or_else(|| {
        Problem::invalid("import/format", path.display().to_string(), "it is of no format that is recognised")
            .limit("nscs, crossbar, ranc-json, ranc-mem (a folder), tinyodin")
            .help("name it: --format FORMAT")
            .into()
    })
}

/// The stimulus as `run` reads it.
fn csv(sample: &Sample) -> String {
    let line = |spike: &crate::stimulus::InputSpike| format!("{},{},{}\n", spike.tick, spike.input, spike.value);
    sample.spikes.iter().fold("tick,input,value\n".to_owned(), |text, spike| text + &line(spike))
}
