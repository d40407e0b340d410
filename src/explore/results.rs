//! What an exploration leaves: results as JSON lines and CSV, and a manifest of what they came from.

use serde_json::json;

use super::row::{Row, SplitError};
use super::run::Done;
use super::sweep::Sweep;
use crate::diag::{Problem, Result};
use crate::digest::Digest;

/// One JSON object a line, in the order of the candidates.
#[must_use]
pub fn json_lines(rows: &[Row]) -> String {
    // A row is plain data: it always has a text.
    rows.iter().map(|row| serde_json::to_string(row).unwrap_or_default() + "\n").collect()
}

/// Reads results back.
///
/// # Errors
/// `explore/results` for lines that are no rows.
pub fn read_rows(text: &str, file: &str) -> Result<Vec<Row>> {
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            Problem::invalid("explore/results", format!("{file}:{}", at + 1), error.to_string())
                .help("give the results.jsonl that `spikeloom explore` wrote, or its folder")
                .into()
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

const COLUMNS: &str = "index,network,chip,set,partition,placement,seed,refused,cores,packets,hops,tree_hops,max_link,\
                       least_cores,least_hops,least_hops_of_any,binds,mapping,joules,complete,seconds,tick,packet,packet_worst,\
                       measured_hops,measured_max_link,faults,spikes";

/// Columns where a network was split: nothing stands there for rows without an error that was measured.
const SPLIT: &str = "split_samples,split_spikes_whole,split_spikes,split_spikes_moved,split_error,split_agreeing,\
                     split_labelled,split_right_whole,split_right";

fn split_cells(split: &SplitError) -> Vec<String> {
    let (whole, spikes, moved) = split.spikes();
    let mut cells: Vec<String> = [split.samples, whole, spikes, moved].map(|value| value.to_string()).into();
    cells.push(split.share().to_string());
    cells.extend([split.agreeing, split.labelled, split.right_whole, split.right_split].map(|value| value.to_string()));
    cells
}

/// The figures as comma-separated values; texts with commas are quoted.
#[must_use]
pub fn csv(rows: &[Row]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\"").replace('\n', " "));
    let some = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let any_split = rows.iter().any(|row| row.split.is_some());
    let mut text = if any_split { format!("{COLUMNS},{SPLIT}\n") } else { format!("{COLUMNS}\n") };
    for row in rows {
        let mut cells = vec![row.index.to_string()];
        cells.extend([&row.network, &row.chip, &row.set, &row.partition, &row.placement].map(|cell| quoted(cell)));
        cells.push(row.seed.to_string());
        cells.push(row.refused.as_deref().map_or_else(String::new, quoted));
        match &row.statics {
            Some(s) => {
                cells.push(s.cores.to_string());
                cells.extend([s.packets, s.hops, s.tree_hops, s.max_link].map(|value| value.to_string()));
                cells.extend([s.least_cores.to_string(), s.least_hops.to_string(), some(s.least_hops_of_any)]);
                cells.extend([s.binds.clone(), s.mapping.clone()]);
            }
            None => cells.extend(std::iter::repeat_n(String::new(), 10)),
        }
        match &row.measured {
            Some(m) => {
                cells.extend([m.joules.to_string(), m.complete.to_string()]);
                cells.extend([m.seconds, m.tick, m.packet, m.packet_worst].map(some));
                cells.extend([m.hops, m.max_link, m.faults].map(|value| value.to_string()));
                cells.push(m.spikes.clone());
            }
            None => cells.extend(std::iter::repeat_n(String::new(), 10)),
        }
        if any_split {
            let empty = || vec![String::new(); SPLIT.split(',').count()];
            cells.extend(row.split.as_ref().map_or_else(empty, split_cells));
        }
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// What the results came from: digests of the inputs, version, seeds, and a digest of the results themselves.
#[must_use]
pub fn manifest(sweep: &Sweep, done: &Done, version: &str, files: &[(String, Digest)]) -> String {
    let inputs: Vec<_> =
        files.iter().map(|(name, digest)| json!({ "file": name, "digest": digest.to_string() })).collect();
    let value = json!({
        "version": version, "sweep": sweep.name, "sweep_digest": sweep.digest.to_string(), "inputs": inputs,
        "seeds": sweep.seeds, "candidates": done.candidates, "rows": done.rows.len(),
        "results_digest": Digest::of(json_lines(&done.rows).as_bytes()).to_string(),
    });
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}
