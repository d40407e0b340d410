//! `demo`: the embedded digits network on TrueNorth and on Loihi, from network to report.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{DemoArgs, ImageChip};
use super::console::{Console, write};
use super::session::{Extras, Session, threads, write_run};
use super::{INTERRUPTED, progress};
use crate::chip::{self, LoadOptions};
use crate::compile::{self, Log};
use crate::diag::Result;
use crate::emu::{Readout, Record, RunOptions};
use crate::graph::{self, Graph, Network};
use crate::image;
use crate::oracle;
use crate::report::{self, Report, comparison};
use crate::stimulus::{self, Stimulus};

/// The trained network; `programs/README.md` tells how it was made.
const NETWORK: &str = include_str!("../../programs/digits/digits.json");
const CHIPS: [&str; 2] = ["truenorth", "loihi"];

pub(super) fn run(args: &DemoArgs, console: &Console) -> Result<u8> {
    let network = graph::read_json(NETWORK, "programs/digits/digits.json")?;
    let stimulus = test_digits(args.samples);
    let float_accuracy = match &network {
        Network::Float(graph) => Some(float_accuracy(graph, &stimulus, console)?),
        Network::Int(_) => None,
    };
    let mut reports = Vec::new();
    for name in CHIPS {
        let report = one_chip(name, &network, &stimulus, float_accuracy, args, console)?;
        let interrupted = report.interrupted;
        reports.push(report);
        if interrupted {
            break;
        }
    }
    write(&args.out.join("comparison.html"), comparison::html(&reports).as_bytes(), true)?;
    show(&reports, &args.out, console);
    Ok(if reports.iter().any(|report| report.interrupted) { INTERRUPTED } else { 0 })
}

/// The test digits as spikes, in the encoding that the network was trained with.
pub(super) fn test_digits(limit: Option<usize>) -> Stimulus {
    let test = stimulus::digits().test;
    let count = limit.unwrap_or(test.images.len()).min(test.images.len());
    stimulus::encode_images(&test.images[..count], test.max, &stimulus::Options::default(), &test.labels[..count])
}

/// Compiles, writes and reads back the image, runs, and writes the report.
fn one_chip(
    name: &str,
    network: &Network,
    stimulus: &Stimulus,
    float_accuracy: Option<f64>,
    args: &DemoArgs,
    console: &Console,
) -> Result<Report> {
    let chip = chip::load(name, &LoadOptions::default())?;
    let mut log = Log::default();
    let compiled = compile::compile(network, &chip, &compile::Options::default(), &mut log);
    console.log(&log);
    let path = args.out.join(format!("{name}.img"));
    let compiled = compiled?;
    let dense_macs = compiled.network.projections.iter().map(graph::Projection::synapses).sum();
    write(&path, &image::encode(&compiled.image, chip.digest), true)?;
    let chosen = ImageChip { name: Some(name.to_owned()), ..ImageChip::default() };
    let session = Session::open(&path, &chosen)?;
    let options = RunOptions { timing: true, threads: threads(args.threads), strict: false, record: Record::All };
    let result = session.run(stimulus, &options, console)?;
    let report = session.report(
        stimulus,
        &result,
        Extras {
            log: &log,
            readout: Readout::Count,
            float_accuracy,
            dense_macs: Some(dense_macs),
            options: vec![("network".to_owned(), "embedded digits".to_owned())],
        },
    );
    write_run(&args.out.join(name), &report, &session.image, &result, true)?;
    Ok(report)
}

/// Accuracy of the float reference: most output spikes, ties by membrane.
pub(super) fn float_accuracy(graph: &Graph, stimulus: &Stimulus, console: &Console) -> Result<f64> {
    let bar = progress::bar(console, stimulus.samples.len() as u64, "float reference");
    let output = graph.outputs.first().map_or(0, |output| output.population.index());
    let mut correct = 0_usize;
    for sample in &stimulus.samples {
        let run = oracle::float::run(graph, sample)?;
        let membranes = &run.membranes[output];
        let mut counts = vec![0_u32; membranes.len()];
        for &(_, neuron, count) in &run.spikes[output] {
            counts[neuron as usize] += u32::from(count);
        }
        let better = |a: usize, b: usize| (counts[a], membranes[a]) > (counts[b], membranes[b]);
        let winner = (0..counts.len()).reduce(|best, neuron| if better(neuron, best) { neuron } else { best });
        correct += usize::from(winner.map(|winner| winner as u32) == sample.label);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(correct as f64 / stimulus.samples.len().max(1) as f64)
}

fn show(reports: &[Report], out: &Path, console: &Console) {
    if console.json() {
        let list: Vec<Value> =
            reports.iter().map(|report| serde_json::from_str(&report::json(report)).unwrap_or_default()).collect();
        console.object("demo", json!({ "out": out.display().to_string(), "reports": list }));
        return;
    }
    console.result("Handwritten digits (8x8) through a trained spiking network, on two emulated chips:\n");
    console.result(&comparison::text(reports, console.width()));
    for report in reports {
        let name = &report.chip.name;
        console.result(&format!(
            "{name:10} digest {}  {}",
            &report.digest[..16],
            out.join(name).join("report.html").display()
        ));
    }
    console.result(&format!("{:10} {}", "both", out.join("comparison.html").display()));
}
