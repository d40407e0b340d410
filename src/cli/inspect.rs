//! `inspect`: what an image holds and how full each core is.

use serde_json::json;

use super::args::InspectArgs;
use super::compile::{chip_names, core_json, usage_table};
use super::console::Console;
use super::learn::rules;
use super::session::Session;
use crate::chip::Family;
use crate::compile::{self, Log};
use crate::diag::Result;
use crate::image::CompressedUse;

pub(super) fn run(args: &InspectArgs, console: &Console) -> Result<u8> {
    let session = Session::open(&args.image, &args.chip)?;
    let log = log(&session);
    let image = &session.image;
    if console.json() {
        console.object(
            "inspect",
            json!({
                "image": args.image.display().to_string(), "digest": session.checksum.to_string(), "bytes": session.bytes,
                "network": image.network, "chip": image.chip, "depth": image.depth,
                "populations": image.populations.iter().map(|population| json!({
                    "name": population.name, "shape": population.shape, "input": population.places.is_empty(),
                    "copies": population.copies.len(),
                })).collect::<Vec<_>>(),
                "outputs": image.outputs.iter().map(|output| output.name.clone()).collect::<Vec<_>>(),
                "learning": rules(image).into_iter().map(|rule| json!({
                    "projection": rule.projection, "name": rule.name, "rule": rule.text, "synapses": rule.synapses,
                })).collect::<Vec<_>>(),
                "compressed": compressed(&session).into_iter().map(|list| json!({
                    "projection": list.projection, "kind": list.kind, "cores": list.cores,
                    "synapses": list.synapses, "words": list.words,
                })).collect::<Vec<_>>(),
                "connections": log.metrics.connections, "hops": log.metrics.hops,
                "usage": log.cores.iter().map(core_json).collect::<Vec<_>>(),
            }),
        );
        return Ok(0);
    }
    console.result(&format!(
        "{}: network '{}' for {}, {} of {} cores, depth {} ticks, {} bytes, digest {}",
        args.image.display(),
        image.network,
        image.chip.replace(';', " "),
        image.cores.len(),
        session.chip.cores(),
        image.depth,
        session.bytes.unwrap_or(0),
        session.checksum
    ));
    for population in &image.populations {
        let kind = if population.places.is_empty() { "input" } else { "neurons" };
        let copies = match population.copies.len() {
            0 => String::new(),
            copies => format!(", {copies} copies for fan-out"),
        };
        console.result(&format!("  {kind:8} {} {:?}{copies}", population.name, population.shape));
    }
    for rule in rules(image) {
        console.result(&format!("  learns   {}, {} synapses: {}", rule.name, rule.synapses, rule.text));
    }
    for list in compressed(&session) {
        console.result(&format!(
            "  stored   projection {} {}: {} synapses in {} words on {} cores",
            list.projection, list.kind, list.synapses, list.words, list.cores
        ));
    }
    console.result(&usage_table(&log.cores, &chip_names(image), console));
    Ok(0)
}

/// Projections whose synapses the cores make from factors or a seed.
fn compressed(session: &Session) -> Vec<CompressedUse> {
    match &session.chip.family {
        Family::Cuba(spec) => session.image.compressed(spec),
        _ => Vec::new(),
    }
}

/// What the compiler would tell of this image: use of the cores and static metrics.
pub(super) fn log(session: &Session) -> Log {
    let (cores, metrics) = compile::usage(&session.image, &session.chip);
    Log { cores, metrics, ..Log::default() }
}
