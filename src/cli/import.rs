//! `import`: chip-level files of other tools to an image.

use std::path::Path;

use serde_json::json;

use super::args::{ImportArgs, ImportFormat};
use super::console::{Console, must_not_exist, read_text, write};
use crate::chip;
use crate::diag::{Problem, Result};
use crate::foreign::{self, Imported};
use crate::image;
use crate::stimulus::Sample;

pub(super) fn run(args: &ImportArgs, console: &Console) -> Result<u8> {
    for path in [Some(&args.output), args.stimulus.as_ref()].into_iter().flatten() {
        must_not_exist(path, args.force)?;
    }
    let imported = read(args)?;
    for note in &imported.notes {
        console.say(&format!("note: {note}"));
    }
    let bytes = image::encode(&imported.image, imported.chip.digest);
    write(&args.output, &bytes, args.force)?;
    if let Some(path) = &args.stimulus {
        let Some(sample) = &imported.stimulus else {
            return Err(Problem::invalid("import/stimulus", args.file.display().to_string(), "it holds no stimulus")
                .help("leave --stimulus out")
                .into());
        };
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
            }),
        );
    } else {
        console.result(&format!(
            "{}: network '{}' on {} cores of {}, {} bytes",
            args.output.display(),
            image.network,
            image.cores.len(),
            image.chip.replace(';', " "),
            bytes.len()
        ));
    }
    Ok(0)
}

fn read(args: &ImportArgs) -> Result<Imported> {
    let options = args.tuning.options()?;
    let file = args.file.display().to_string();
    let chip = |own: &'static str| args.chip.clone().unwrap_or_else(|| own.to_owned());
    if args.file.is_dir() && args.format.is_none_or(|format| format == ImportFormat::RancMem) {
        return foreign::read_ranc_mem(&args.file, &chip("ranc"), &options);
    }
    let text = read_text(&args.file)?;
    match args.format.map_or_else(|| detect(&text, &args.file), Ok)? {
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
            foreign::read_ranc_json((&text, &file), config, &chip("ranc"), &options)
        }
        ImportFormat::Tinyodin => foreign::read_tinyodin(&text, &file, &chip("tinyodin"), &options),
        ImportFormat::Nscs => {
            let chip = chip::load(&chip("truenorth"), &options)?;
            let image = foreign::read_nscs(&text, &file, &chip)?.image;
            Ok(Imported { image, chip, stimulus: None, notes: Vec::new() })
        }
        ImportFormat::Crossbar => {
            let chip = chip::load(&chip("truenorth"), &options)?;
            let program = foreign::read_crossbar(&text, &file, &chip)?;
            Ok(Imported { image: program.image, chip, stimulus: Some(program.stimulus), notes: vec![program.about] })
        }
    }
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
