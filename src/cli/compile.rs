//! `compile`: a network becomes a chip image.

use std::path::Path;

use serde_json::json;

use super::args::{CompileArgs, Reading};
use super::console::{Console, must_not_exist, write};
use super::place::rates;
use super::{progress, session, split};
use crate::chip;
use crate::compile::{self, Calibration, CoreUse, Log};
use crate::diag::Result;
use crate::graph::{self, Graph, Network};
use crate::image;
use crate::oracle;
use crate::stimulus::Stimulus;

pub(super) fn run(args: &CompileArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    if let Some(integers) = &args.integers {
        must_not_exist(integers, args.force)?;
    }
    let chip = chip::load(&args.chip.chip, &args.chip.tuning.options()?)?;
    let network = read_network(&args.network, &args.reading, console)?;
    let mut options = args.mapping.options()?;
    options.rates = rates(args.mapping.weights.as_deref(), &named(&network))?;
    let stimulus = args.calibrate.as_deref().map(|path| session::stimulus_of(&network, path, &args.stimulus));
    let stimulus = stimulus.transpose()?;
    options.calibration = match (&stimulus, &network) {
        (Some(stimulus), Network::Float(graph)) => Some(peaks(graph, stimulus, console)?),
        _ => None,
    };
    let mut log = Log::default();
    let compiled = compile::compile(&network, &chip, &options, &mut log);
    let compiled = compiled.and_then(|mut compiled| {
        args.mapping.apply(&mut compiled, &chip, &mut log)?;
        Ok(compiled)
    });
    console.log(&log);
    let mut compiled = compiled?;
    let bytes = image::encode(&compiled.image, chip.digest);
    write(&args.output, &bytes, args.force)?;
    if let Some(integers) = &args.integers {
        write(integers, graph::write_json(&Network::Int(compiled.network.clone())).as_bytes(), args.force)?;
    }
    let measured = stimulus.as_ref().and_then(|stimulus| split::measure(&compiled, stimulus, console));
    // Of a large image there are the bytes and what they decode to, not what they were made from besides.
    compiled.image.unload();
    let (_, header) = image::decode(&bytes, "the image just written")?;
    if console.json() {
        console.object(
            "compile",
            json!({
                "image": args.output.display().to_string(), "digest": header.checksum.to_string(), "bytes": bytes.len(),
                "network": compiled.image.network, "chip": chip.name, "depth": compiled.image.depth,
                "cores": log.metrics.cores, "connections": log.metrics.connections, "hops": log.metrics.hops,
                "added_neurons": log.metrics.added_neurons, "split": split::to_json(&log, &compiled, measured.as_ref()),
                "tensors": log.tensors.iter().map(|tensor| json!({
                    "name": tensor.name, "values": tensor.values, "step": tensor.step, "max_error": tensor.max_error,
                    "rms_error": tensor.rms_error, "saturated": tensor.saturated,
                })).collect::<Vec<_>>(),
                "usage": log.cores.iter().map(core_json).collect::<Vec<_>>(),
            }),
        );
    } else {
        console.result(&usage_table(&log.cores, &chip_names(&compiled.image), console));
        if let Some(measured) = &measured {
            console.result(&split::text(&compiled, measured, console));
        }
        console.result(&format!(
            "{}: network '{}' on {} of {} cores of {}, {} connections, {} hops, depth {} ticks, {} bytes, digest {}",
            args.output.display(),
            compiled.image.network,
            compiled.image.cores.len(),
            chip.cores(),
            chip.name,
            log.metrics.connections,
            log.metrics.hops,
            compiled.image.depth,
            bytes.len(),
            header.checksum.short()
        ));
    }
    Ok(0)
}

/// Reads a network file and tells under which profile.
pub(super) fn read_network(path: &Path, reading: &Reading, console: &Console) -> Result<Network> {
    let import = graph::read(path, &reading.options()?)?;
    for note in &import.notes {
        console.say(note);
    }
    Ok(import.network)
}

/// Peaks of a float run of every sample.
pub(super) fn peaks(graph: &Graph, stimulus: &Stimulus, console: &Console) -> Result<Calibration> {
    let zeros = vec![0.0_f64; graph.populations.len()];
    let mut found = Calibration { peak_input: zeros.clone(), peak_membrane: zeros };
    let bar = progress::bar(console, stimulus.samples.len() as u64, "calibrating");
    let raise = |peaks: &mut Vec<f64>, new: &[f64]| {
        peaks.iter_mut().zip(new).for_each(|(peak, new)| *peak = peak.max(*new));
    };
    for sample in &stimulus.samples {
        let run = oracle::float::run(graph, sample)?;
        raise(&mut found.peak_input, &run.peak_input);
        raise(&mut found.peak_membrane, &run.peak_membrane);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(found)
}

/// Names of the populations of an image.
pub(super) fn chip_names(image: &image::Image) -> Vec<String> {
    image.populations.iter().map(|population| population.name.clone()).collect()
}

pub(super) fn core_json(core: &CoreUse) -> serde_json::Value {
    json!({
        "core": core.core,
        "resources": core.resources.iter().map(|r| json!({ "resource": r.resource, "used": r.used, "limit": r.limit }))
            .collect::<Vec<_>>(),
        "populations": core.populations.iter().map(|(population, neurons)| json!([population, neurons]))
            .collect::<Vec<_>>(),
        "binding": core.binding(),
    })
}

/// Use of each core against each capacity, with the one that binds.
pub(super) fn usage_table(cores: &[CoreUse], populations: &[String], console: &Console) -> String {
    let Some(first) = cores.first() else { return "no cores in use".to_owned() };
    let mut header = vec!["core"];
    header.extend(first.resources.iter().map(|resource| resource.resource));
    header.extend(["binds", "populations"]);
    let row = |core: &CoreUse| {
        let name = |number: u32| populations.get(number as usize).map_or("?", String::as_str);
        let uses = core.resources.iter().map(|resource| format!("{}/{}", resource.used, resource.limit));
        let held = core.populations.iter().map(|&(population, neurons)| format!("{} {neurons}", name(population)));
        let ends = [core.binding().unwrap_or("none").to_owned(), held.collect::<Vec<_>>().join(", ")];
        std::iter::once(core.core.to_string()).chain(uses).chain(ends).collect()
    };
    console.table(&header, cores.iter().map(row).collect())
}

/// Names and sizes of the populations of a network.
fn named(network: &Network) -> Vec<(&str, usize)> {
    match network {
        Network::Float(graph) => graph.populations.iter().map(|p| (p.name.as_str(), p.size())).collect(),
        Network::Int(graph) => graph.populations.iter().map(|p| (p.name.as_str(), p.size())).collect(),
    }
}
