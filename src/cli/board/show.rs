//! `board list`, `board show`, `board check`.

use serde_json::json;

use super::super::chip::{fact_rows, facts_json};
use super::super::choice::ChipTuning;
use super::super::console::Console;
use crate::chip::{BoardSpec, LoadOptions, board_names, load_board};
use crate::diag::{Problem, Problems, Result};

pub(super) fn list(console: &Console) -> Result<u8> {
    let boards: Vec<BoardSpec> =
        board_names().iter().map(|name| load_board(name, &LoadOptions::default())).collect::<Result<_>>()?;
    if console.json() {
        let list: Vec<_> = boards.iter().map(summary).collect();
        console.object("board list", json!({ "boards": list }));
        return Ok(0);
    }
    let rows = boards.iter().map(|board| {
        vec![
            board.name.clone(),
            board.chips.len().to_string(),
            kinds(board),
            board.cores().to_string(),
            board.neurons().to_string(),
            board.title.clone(),
        ]
    });
    console.result(&console.table(&["name", "chips", "kinds", "cores", "neurons", "what"], rows.collect()));
    Ok(0)
}

/// `3 ka200`, `16 truenorth`.
fn kinds(board: &BoardSpec) -> String {
    let of = |(kind, count): (usize, usize)| format!("{count} {}", board.kinds[kind].name);
    board.census().into_iter().map(of).collect::<Vec<_>>().join(", ")
}

fn summary(board: &BoardSpec) -> serde_json::Value {
    let kinds: Vec<_> = board
        .census()
        .into_iter()
        .map(|(kind, count)| json!({ "chip": board.kinds[kind].name, "count": count }))
        .collect();
    json!({
        "name": board.name, "title": board.title, "chips": board.chips.len(), "kinds": kinds, "hosts": board.hosts,
        "cores": board.cores(), "neurons": board.neurons(), "links": board.wires.len(),
    })
}

pub(super) fn show(name: &str, tuning: &ChipTuning, console: &Console) -> Result<u8> {
    let board = load_board(name, &tuning.options()?)?;
    if console.json() {
        let mut object = summary(&board);
        if let Some(object) = object.as_object_mut() {
            object.insert(
                "places".to_owned(),
                json!(
                    board
                        .chips
                        .iter()
                        .map(|chip| json!({
                            "name": chip.name, "chip": board.kinds[chip.kind].name, "at": [chip.at.0, chip.at.1],
                        }))
                        .collect::<Vec<_>>()
                ),
            );
            object.insert(
                "wires".to_owned(),
                json!(board.wires.iter().map(|wire| json!({
                "link": board.links[wire.link].name, "bus": wire.bus.map(|bus| &board.buses[bus]), "lanes": wire.lanes,
                "ends": [board.node_name(wire.ends.0), board.node_name(wire.ends.1)],
            })).collect::<Vec<_>>()),
            );
            object.insert("numbers".to_owned(), facts_json(&board.facts));
            object.insert("unknown".to_owned(), json!(board.unknown));
        }
        console.object("board show", object);
        return Ok(0);
    }
    let mut text = format!(
        "{}: {}\n{} chips ({}), {} cores, {} neurons, {} hosts, {} links\n",
        board.name,
        board.title,
        board.chips.len(),
        kinds(&board),
        board.cores(),
        board.neurons(),
        board.hosts.len(),
        board.wires.len(),
    );
    text.push_str(&links(&board, console));
    text.push('\n');
    text.push_str(&console.table(&["key", "value", "unit", "status", "source"], fact_rows(&board.facts)));
    text.push('\n');
    board.unknown.iter().for_each(|key| text.push_str(&format!("unknown: {key}\n")));
    console.result(&text);
    Ok(0)
}

/// The kinds of link, and how many there are of each.
fn links(board: &BoardSpec, console: &Console) -> String {
    let rows = board.links.iter().enumerate().map(|(number, link)| {
        let wires = board.wires.iter().filter(|wire| wire.link == number);
        let unknown = || "unknown".to_owned();
        vec![
            link.name.clone(),
            wires.clone().count().to_string(),
            wires.map(|wire| u64::from(wire.lanes)).sum::<u64>().to_string(),
            link.sharing.name().to_owned(),
            link.packet_bits.to_string(),
            link.packet_time().map_or_else(unknown, |time| time.to_string()),
            link.latency.map_or_else(unknown, |time| time.to_string()),
            link.attojoules_per_bit.map_or_else(unknown, |energy| format!("{} pJ", energy as f64 * 1e-6)),
        ]
    });
    let header = ["link", "joints", "lanes", "shared", "bits/packet", "packet takes", "latency", "energy/bit"];
    console.table(&header, rows.collect())
}

pub(super) fn check(files: &[String], console: &Console) -> Result<u8> {
    let (mut problems, mut good): (Vec<Problem>, Vec<BoardSpec>) = (Vec::new(), Vec::new());
    for file in files {
        match load_board(file, &LoadOptions::default()) {
            Ok(board) => good.push(board),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    Problems::check(problems, ())?;
    if console.json() {
        let list: Vec<_> =
            files.iter().zip(&good).map(|(file, board)| json!({ "file": file, "name": board.name })).collect();
        console.object("board check", json!({ "boards": list }));
    } else {
        for (file, board) in files.iter().zip(&good) {
            let (chips, links, unknown) = (board.chips.len(), board.wires.len(), board.unknown.len());
            let name = &board.name;
            console.result(&format!("{file}: ok, board '{name}', {chips} chips, {links} links, {unknown} unknown"));
        }
    }
    Ok(0)
}
