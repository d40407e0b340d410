//! `convert --artificial`: the units stay as they are, with weights and values of 8 bits, on chips with artificial cores.

use super::console::{Console, write};
use super::convert::{ConvertArgs, images, read_model, show};
use super::converted::{Presented, baselines, present};
use crate::chip::{self, ChipSpec, LoadOptions};
use crate::compile::fcore::{Artificial, Values, artificial};
use crate::compile::{self, Log, Options};
use crate::convert::{Normalise, Ranges, Units, ranges};
use crate::diag::Result;
use crate::emu::Readout;
use crate::graph::{self, Network};
use crate::report::{Conversion, ConvertedChip, ConvertedLayer};
use crate::stimulus::{Encoding, ImageSet};

/// The chip where none is named.
const CHIP: &str = "tianjic";

pub(super) fn run(args: &ConvertArgs, console: &Console) -> Result<u8> {
    let normalise: Normalise = args.normalise.parse()?;
    let units = Units::new(read_model(&args.model, args, console)?)?;
    let calibration = images(&args.calibrate, Some(args.calibration_samples), &units, args)?;
    let test = args.test.as_ref().map(|path| images(path, args.samples, &units, args)).transpose()?;
    let ranges = ranges(&units, &calibration, normalise)?;
    let named: Vec<&str> = args.chips.iter().map(String::as_str).collect();
    let mut found = describe(&units, normalise, args);
    for (number, name) in if named.is_empty() { vec![CHIP] } else { named }.into_iter().enumerate() {
        let chip = chip::load(name, &LoadOptions::default())?;
        let mut log = Log::default();
        let Ranges { peaks, mean_squares } = &ranges;
        let made = artificial(&units.graph, Values { peaks, mean_squares }, &chip, &mut log)?;
        if number == 0 {
            found.layers = layers(&units, &made);
            if let Some(output) = &args.output {
                write(output, graph::write_json(&Network::Int(made.network.clone())).as_bytes(), args.force)?;
                console.say(&format!("wrote {}", output.display()));
            }
        }
        if let Some(test) = &test {
            found.chips.push(on_chip(&chip, made, &units, test, args, (&mut log, console))?);
        }
        console.log(&log);
    }
    if let Some(test) = &test {
        found.images = test.images.len() as u64;
        found.ann = right(&units, test);
    }
    show(&found, args, console)?;
    Ok(0)
}

/// Compiles and shows the images: each in one round, read when it has passed through.
fn on_chip(
    chip: &ChipSpec,
    made: Artificial,
    units: &Units,
    test: &ImageSet,
    args: &ConvertArgs,
    (log, console): (&mut Log, &Console),
) -> Result<ConvertedChip> {
    let mut found = ConvertedChip { name: chip.name.clone(), ticks: 1, ..ConvertedChip::default() };
    match compile::compile(&Network::Int(made.network), chip, &Options::default(), log) {
        Err(problems) => found.refuse(&problems.all()[0]),
        Ok(compiled) => {
            let (encoding, window, readout) = (Encoding::Value, None, Readout::Membrane);
            let presented = Presented { compiled: &compiled, chip, encoding, window, readout, units, test };
            present(&mut found, &presented, args, console)?;
        }
    }
    Ok(found)
}

/// Share of the images that the trained network reads as labelled.
fn right(units: &Units, test: &ImageSet) -> Option<f64> {
    let labelled = test.labels.len() >= test.images.len();
    let output = units.output();
    let reads = |image: &Vec<u8>| crate::convert::largest(&units.forward(image, test.max)[output]);
    let right = || test.images.iter().zip(&test.labels).filter(|(image, label)| reads(image) == **label).count();
    labelled.then(|| right() as f64 / test.images.len().max(1) as f64)
}

/// The network and its settings, before anything was run.
fn describe(units: &Units, normalise: Normalise, args: &ConvertArgs) -> Conversion {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    Conversion {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: units.graph.name.clone(),
        settings: vec![
            setting("model", args.model.display().to_string()),
            setting("coding", "values of 8 bits, no spikes".to_owned()),
            setting("the largest value is", normalise.to_string()),
            setting("average pooling", args.pooling().to_owned()),
        ],
        artificial: true,
        macs: units.macs,
        baselines: baselines(units.macs),
        ..Conversion::default()
    }
}

/// What a step of each population's values stands for.
fn layers(units: &Units, made: &Artificial) -> Vec<ConvertedLayer> {
    let layer = |(population, scale): (&graph::Population<graph::FloatNeuron>, &f64)| ConvertedLayer {
        name: population.name.clone(),
        neurons: population.size(),
        scale: format!("{:.5}", 1.0 / scale),
        ..ConvertedLayer::default()
    };
    units.graph.populations.iter().zip(&made.scales).map(layer).collect()
}
