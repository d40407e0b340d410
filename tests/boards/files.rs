//! Board files: those that ship, and those that are refused with place and next step.

use spikeloom::chip::{self, BoardSpec, LoadOptions, Sharing, SyncSpec, board_names, load_board, parse_board};
use spikeloom::units::Picos;

fn good(name: &str, set: &[(&str, &str)]) -> BoardSpec {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    load_board(name, &LoadOptions { set, ..LoadOptions::default() }).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A board of two kinds with a host, whose tables tests replace.
const MIXED: &str = r#"board = 1
name = "mixed"
title = "two kinds"
[array.grid]
chip = "loihi"
at = [0, 0]
width = { value = 2, source = "test", status = "estimated" }
height = { value = 1, source = "test", status = "estimated" }
link = "near"
[chip.tn]
chip = "truenorth"
at = [0, 1]
[host.cpu]
[link.near]
packet_bits = { value = 40, source = "test", status = "estimated" }
bandwidth = { value = 1, unit = "Gbit/s", source = "test", status = "estimated" }
latency = { value = 100, unit = "ns", source = "test", status = "estimated" }
energy_per_bit = { value = 2, unit = "pJ", source = "test", status = "estimated" }
[wire.a]
link = "near"
ends = ["grid[1,0]", "cpu"]
[wire.b]
link = "near"
ends = ["tn", "cpu"]
"#;

pub(crate) fn mixed(change: &[(&str, &str)]) -> Result<BoardSpec, spikeloom::diag::Problems> {
    let text = change.iter().fold(MIXED.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    parse_board(&text, "mixed.toml", &LoadOptions::default())
}

#[test]
fn the_boards_that_ship_are_what_is_published_of_them() {
    for (name, chips, cores, neurons) in [
        ("truenorth_4x4", 16, 65_536, 16 << 20),
        ("nahuku32", 32, 4_096, 4_194_304),
        ("pohoiki_springs", 768, 98_304, 100_663_296),
    ] {
        let board = good(name, &[]);
        assert_eq!((board.chips.len(), board.cores(), board.neurons()), (chips, cores, neurons), "{name}");
        assert_eq!(board.as_chip().expect("one mesh").cores(), cores as u32);
    }
    assert!(board_names().len() >= 3);
    let unknown = good("nahuku32", &[]).unknown;
    assert!(["link.edge.bandwidth", "link.edge.latency"].iter().all(|key| unknown.contains(&(*key).to_owned())));
}

#[test]
fn barriers_span_boards_with_the_measured_times() {
    let springs = good("pohoiki_springs", &[]).as_chip().expect("one mesh");
    assert_eq!(springs.sync.barrier_time(768 * 32), Picos(16_200_000));
    assert_eq!(springs.sync.barrier_time(256 * 32), Picos(14_300_000));
    let table = |sync: &SyncSpec| matches!(sync, SyncSpec::Barrier { table } if table.len() == 4);
    assert!(table(&springs.sync));
    // A board is a chip for every command that takes one, under its own name and digest.
    let chip = chip::load("nahuku32", &LoadOptions::default()).expect("a board");
    assert_eq!((chip.name.as_str(), chip.mesh.width, chip.mesh.height), ("nahuku32", 64, 16));
    assert_eq!(chip.sync.barrier_time(1024), Picos(465_000 + 13_835_000 * 992 / 8160));
    assert_ne!(chip.digest, springs.digest);
}

#[test]
fn assumptions_about_links_can_be_set() {
    let keys = [("board.link.edge.bandwidth", "2 Gbit/s"), ("board.link.edge.latency", "50 ns")];
    let board = good("nahuku32", &keys);
    assert_eq!(board.links[0].packet_time(), Some(Picos(16_000)));
    let edge = board.as_chip().expect("one mesh").mesh.edge.expect("borders");
    assert_eq!((edge.cycle, edge.latency), (Some(Picos(16_000)), Some(Picos(50_000))));
    assert_eq!(board.links[0].sharing, Sharing::None);
    let fact = board.facts.iter().find(|fact| fact.key == "link.edge.latency").expect("told");
    assert_eq!(fact.source, "set on the command line");
    // Keys of the chip reach the chip.
    assert_eq!(good("nahuku32", &[("mesh.buffer", "4")]).kinds[0].mesh.buffer, 4);
}

#[test]
fn several_kinds_share_a_board_and_are_no_mesh() {
    let board = mixed(&[]).expect("good");
    assert_eq!((board.kinds.len(), board.chips.len(), board.hosts.len(), board.wires.len()), (2, 3, 1, 3));
    assert_eq!(board.wires[0].lanes, 4, "a link for every row of the border");
    let problems = board.as_chip().expect_err("two kinds");
    assert!(problems.to_string().contains("kinds loihi, truenorth"), "{problems}");
}

#[test]
fn bad_boards_are_refused_with_place_and_next_step() {
    for (change, code, told) in [
        (("ends = [\"tn\", \"cpu\"]", "ends = [\"tm\", \"cpu\"]"), "board/wire", "'tm', which is neither a chip nor"),
        (("ends = [\"tn\", \"cpu\"]", "ends = [\"tn\", \"tn\"]"), "board/wire", "to itself"),
        (("ends = [\"tn\", \"cpu\"]", "ends = [\"tn\"]"), "board/wire", "is no pair"),
        (("at = [0, 1]", "at = [1, 0]"), "board/place", "where chip 'grid[1,0]' is"),
        (("at = [0, 1]", "at = [0]"), "board/range", "two whole numbers"),
        (("[wire.b]\nlink = \"near\"\nends = [\"tn\", \"cpu\"]\n", ""), "board/disconnected", "in 2 parts"),
        (("chip = \"truenorth\"", "chip = \"truenort\""), "chip/file", "did you mean 'truenorth'?"),
        (("[link.near]", "[link.nera]"), "chip/choice", "did you mean 'nera'?"),
        (("[host.cpu]", "[host.cpu]\n[host.tn]"), "board/name", "'tn' is the name of two nodes"),
        (("title = ", "titel = "), "chip/unknown-key", "did you mean 'title'?"),
        (("value = 1, unit = \"Gbit/s\"", "value = 1, unit = \"GB/s\""), "chip/unit", "Gbit/s"),
        (("packet_bits = { value = 40", "packet_bits = { value = 0"), "chip/range", "1..=4096"),
        (("name = \"mixed\"", "name = \"Mixed!\""), "board/name", "a-z"),
    ] {
        let problems = mixed(&[change]).expect_err(change.1);
        let text = problems.to_string();
        assert!(problems.has(code) && text.contains(told), "{change:?}: {text}");
        assert!(text.contains("mixed.toml:"), "no place: {text}");
    }
    let empty = parse_board("board = 1\nname = \"e\"\ntitle = \"\"\n", "e.toml", &LoadOptions::default());
    assert!(empty.expect_err("empty").has("board/empty"));
    // A board may not be a chip of a board, and a chip file is no board.
    assert!(mixed(&[("chip = \"truenorth\"", "chip = \"nahuku32\"")]).is_err());
    let chip = parse_board("format = 1\nname = \"x\"", "x.toml", &LoadOptions::default()).expect_err("a chip");
    assert!(chip.to_string().contains("'board' is missing"), "{chip}");
}
