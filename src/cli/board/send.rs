//! `board send`: packets over the links of a board.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::choice::ChipTuning;
use super::super::console::{Console, read_text};
use crate::board::send::{self, Sent};
use crate::chip::load_board;
use crate::diag::Result;
use crate::units::Picos;

#[derive(Debug, ClapArgs)]
pub(super) struct SendArgs {
    /// A built-in board or a board file
    #[arg(value_name = "NAME|FILE")]
    board: String,
    /// CSV with the header `time_ns,from,to,packets`; chips and hosts by name
    file: PathBuf,
    #[command(flatten)]
    tuning: ChipTuning,
}

pub(super) fn run(args: &SendArgs, console: &Console) -> Result<u8> {
    let board = load_board(&args.board, &args.tuning.options()?)?;
    let shipments = send::read(&read_text(&args.file)?, &args.file.display().to_string(), &board)?;
    let sent = send::send(&board, &shipments);
    if console.json() {
        console.object("board send", object(&board.name, &sent));
    } else {
        console.result(&text(&board.name, &sent, console));
    }
    Ok(0)
}

fn mean(sent: &Sent) -> Picos {
    Picos((sent.total / u128::from(sent.packets.max(1))) as u64)
}

fn object(board: &str, sent: &Sent) -> serde_json::Value {
    json!({
        "board": board, "packets": sent.packets, "latency_mean_ps": mean(sent).0, "latency_worst_ps": sent.worst.0,
        "end_ps": sent.end.0, "joules": sent.attojoules.map(|energy| energy as f64 * 1e-18), "unknown": sent.unknown,
        "lines": sent.lines.iter().map(|line| json!({
            "name": line.name, "link": line.kind, "packets": line.load.packets, "bits": line.bits,
            "busy_ps": line.load.busy, "waited_ps": line.load.waited, "worst_wait_ps": line.load.worst,
        })).collect::<Vec<_>>(),
    })
}

fn text(board: &str, sent: &Sent, console: &Console) -> String {
    let energy = sent.attojoules.map_or("unknown".to_owned(), |energy| format!("{:.3e} J", energy as f64 * 1e-18));
    let mut text = format!(
        "{board}: {} packets, latency mean {}, worst {}; the last arrives at {}; energy of the links {energy}\n",
        sent.packets,
        mean(sent),
        sent.worst,
        sent.end,
    );
    let rows = sent.lines.iter().map(|line| {
        vec![
            line.name.clone(),
            line.kind.clone(),
            line.load.packets.to_string(),
            line.bits.to_string(),
            Picos(line.load.busy).to_string(),
            Picos(line.load.waited / line.load.packets.max(1)).to_string(),
            Picos(line.load.worst).to_string(),
        ]
    });
    let header = ["line", "link", "packets", "bits", "busy", "mean wait", "worst wait"];
    text.push_str(&console.table(&header, rows.collect()));
    text.push('\n');
    sent.unknown.iter().for_each(|key| text.push_str(&format!("unknown, counted as none: {key}\n")));
    text
}
