//! `map score`: what the mapping of an image costs before anything runs.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::args::ImageChip;
use super::super::console::{Console, must_not_exist, write};
use super::super::place::{rates, sizes};
use super::super::session::Session;
use crate::compile::traffic::traffic;
use crate::compile::{self, CoreUse, mapping};
use crate::diag::Result;
use crate::place::metrics::Traffic;

#[derive(Debug, ClapArgs)]
pub(super) struct ScoreArgs {
    /// The image that `compile` wrote; `compile --mapping FILE` makes one of a mapping by hand (CSV) or of a partition file of
    /// hMETIS; hypergraphs (.hgr, .snn) without a network are divided and scored by `map partition`
    pub image: PathBuf,
    #[command(flatten)]
    pub chip: ImageChip,
    /// Spikes of every neuron, as `profile` writes them; else every neuron counts one
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Write the mapping as CSV: population, neuron, core
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// Links that are shown.
const HOT: usize = 10;

pub(super) fn run(args: &ScoreArgs, console: &Console) -> Result<u8> {
    if let Some(output) = &args.output {
        must_not_exist(output, args.force)?;
    }
    let session = Session::open(&args.image, &args.chip)?;
    let rates = rates(args.weights.as_deref(), &sizes(&session.image))?;
    let found = traffic(&session.image, &session.chip, rates.as_ref());
    let (cores, _) = compile::usage(&session.image, &session.chip);
    if let Some(output) = &args.output {
        write(output, mapping::write(&session.image).as_bytes(), args.force)?;
    }
    let width = usize::from(session.chip.mesh.width);
    if console.json() {
        let hot = hottest(&found, width)
            .into_iter()
            .map(|(x, y, way, load)| json!({ "router": [x, y], "direction": way, "packets": load }));
        console.object(
            "map score",
            json!({
                "image": args.image.display().to_string(), "cores": cores.len(), "packets": found.packets,
                "hops": found.hops, "tree_hops": found.tree_hops, "max_link": found.max_link,
                "hottest": hot.collect::<Vec<_>>(), "utilisation": utilisation(&cores),
                "binding": binds(&cores),
            }),
        );
        return Ok(0);
    }
    let header = ["cores", "packets", "hops", "tree hops", "busiest link", "hops/packet", "binds"];
    let row = vec![
        cores.len().to_string(),
        format!("{:.0}", found.packets),
        format!("{:.0}", found.hops),
        format!("{:.0}", found.tree_hops),
        format!("{:.0}", found.max_link),
        format!("{:.2}", found.hops / found.packets.max(1.0)),
        binds(&cores),
    ];
    console.result(&console.table(&header, vec![row]));
    let rows = hottest(&found, width)
        .into_iter()
        .map(|(x, y, way, load)| vec![format!("({x}, {y})"), way.to_owned(), format!("{load:.0}")]);
    console.result(&console.table(&["router", "link", "packets"], rows.collect()));
    Ok(0)
}

/// The links with most packets, as (x, y, direction, packets); ties by number.
fn hottest(found: &Traffic, width: usize) -> Vec<(usize, usize, &'static str, f64)> {
    let mut links: Vec<usize> = (0..found.links.len()).filter(|link| found.links[*link] > 0.0).collect();
    links.sort_by(|a, b| found.links[*b].total_cmp(&found.links[*a]).then(a.cmp(b)));
    let tell = |link: usize| {
        let router = link / 4;
        (router % width, router / width, ["east", "west", "north", "south"][link % 4], found.links[link])
    };
    links.into_iter().take(HOT).map(tell).collect()
}

/// Mean use of every resource over the cores in use, as shares of its limit.
fn utilisation(cores: &[CoreUse]) -> serde_json::Map<String, serde_json::Value> {
    let mut shares = serde_json::Map::new();
    let Some(first) = cores.first() else { return shares };
    for (at, resource) in first.resources.iter().enumerate() {
        let sum: f64 = cores.iter().map(|core| f64::from(core.resources[at].used)).sum();
        let share = sum / (f64::from(resource.limit.max(1)) * cores.len() as f64);
        shares.insert(resource.resource.to_owned(), json!(share));
    }
    shares
}

/// The resource that binds most cores, with how many.
fn binds(cores: &[CoreUse]) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for core in cores {
        *counts.entry(core.binding().unwrap_or("none")).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(|| "none".to_owned(), |(name, count)| format!("{name} on {count} of {} cores", cores.len()))
}
