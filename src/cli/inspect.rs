//! `inspect`: what an image holds and how full each core is.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::InspectArgs;
use super::compile::{chip_names, core_json, usage_table};
use super::console::Console;
use super::session::Session;
use crate::compile::{self, Log};
use crate::diag::Result;
use crate::image::Image;

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
                "learning": rules(image).into_iter().map(|(projection, rule, synapses)| json!({
                    "projection": projection, "rule": rule, "synapses": synapses,
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
    for (projection, rule, synapses) in rules(image) {
        console.result(&format!("  learns   projection {projection}, {synapses} synapses: {rule}"));
    }
    console.result(&usage_table(&log.cores, &chip_names(image), console));
    Ok(0)
}

/// Projection, rule and synapses of everything that learns.
fn rules(image: &Image) -> Vec<(u32, String, usize)> {
    let mut found: BTreeMap<u32, (String, usize)> = BTreeMap::new();
    for group in image.learning() {
        let of = || image.learned_synapses(group.projection).len();
        found.entry(group.projection).or_insert_with(|| (group.rule.clone(), of()));
    }
    found.into_iter().map(|(projection, (rule, synapses))| (projection, rule, synapses)).collect()
}

/// What the compiler would tell of this image: use of the cores and static metrics.
pub(super) fn log(session: &Session) -> Log {
    let (cores, metrics) = compile::usage(&session.image, &session.chip);
    Log { cores, metrics, ..Log::default() }
}
