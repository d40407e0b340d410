//! The rules of the house, checked: who may import whom, which third party is named where, and how long a file
//! may be. The table is the one of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// Files directly in `src` that every room may use.
const BASE: [&str; 13] = [
    "binary16",
    "bits",
    "diag",
    "digest",
    "event",
    "fixed",
    "ids",
    "pages",
    "parameters",
    "rng",
    "rule",
    "units",
    "watch",
];

/// Every room: what the command line may use, and what the library shows.
const ROOMS: [&str; 21] = [
    "isa",
    "chip",
    "graph",
    "stimulus",
    "place",
    "partition",
    "board",
    "image",
    "foreign",
    "synthetic",
    "train",
    "convert",
    "compile",
    "curve",
    "emu",
    "oracle",
    "energy",
    "trace",
    "report",
    "explore",
    "cli",
];

/// (room, rooms it may import besides base and itself). `emu::counters` stands for that one module of emu.
const FENCES: [(&str, &[&str]); 23] = [
    ("isa", &[]),
    ("chip", &[]),
    ("graph", &["isa"]),
    ("stimulus", &[]),
    ("place", &[]),
    ("partition", &[]),
    ("board", &["chip", "partition", "place"]),
    ("image", &["chip", "isa"]),
    ("foreign", &["chip", "image", "stimulus"]),
    ("synthetic", &["chip", "image"]),
    ("train", &["chip", "graph", "stimulus"]),
    ("convert", &["graph", "stimulus"]),
    ("compile", &["chip", "graph", "image", "isa", "partition", "place"]),
    ("curve", &["emu"]),
    ("emu", &["chip", "image", "isa", "stimulus"]),
    ("oracle", &["chip", "graph", "isa", "stimulus"]),
    ("energy", &["chip", "emu::counters"]),
    ("trace", &["emu::probe"]),
    ("report", &["chip", "energy", "compile", "emu::counters"]),
    ("explore", &["chip", "graph", "image", "stimulus", "place", "compile", "emu", "energy", "oracle", "report"]),
    ("cli", &ROOMS),
    ("main", &["cli"]),
    ("lib", &ROOMS),
];

/// (text, where it may stand: path prefixes under `src/`).
const NAMED_ONLY_IN: [(&str, &[&str]); 19] = [
    ("unsafe_code", &["emu/neurocore/crossbar/avx2.rs", "emu/neurocore/cuba/lanes/avx2.rs"]),
    ("bincode::", &["image/"]),
    ("bitvec::", &["bits.rs"]),
    ("memmap2::", &["pages.rs"]),
    ("bytemuck::", &["pages.rs"]),
    ("crossbeam::", &["emu/meeting", "emu/neurocore/cuba/sheet/threads", "trace/writer"]),
    ("clap::", &["cli/"]),
    ("indicatif::", &["cli/"]),
    ("comfy_table::", &["cli/", "report/text"]),
    ("prost::", &["graph/onnx/proto.rs"]),
    ("flate2::", &["stimulus/idx.rs"]),
    ("hdf5_pure::", &["graph/nir/hdf5.rs"]),
    ("npyz::", &["stimulus/"]),
    ("maud::", &["report/"]),
    ("::metis::", &["partition/metis.rs"]),
    ("pulp::", &["isa/lanes/", "emu/neurocore/fcore/"]),
    ("fst_writer::", &["trace/fst"]),
    ("println!(", &["cli/"]),
    ("serde::", &["chip/", "graph/", "report/json/", "explore/row.rs", "cli/"]),
];

/// (room prefix, text that must not stand there outside of tests).
const ABSENT: [(&str, &[&str]); 7] = [
    ("emu/", &["HashMap", "HashSet", "f32", "f64", "Instant", "SystemTime", "dyn Fn"]),
    ("oracle/cuba", &["HashMap", "f32", "f64"]),
    ("oracle/crossbar", &["HashMap", "f32", "f64"]),
    ("oracle/learning", &["HashMap", "f32", "f64"]),
    ("oracle/fcore", &["HashMap", "f32", "f64"]),
    ("oracle/stepped", &["HashMap", "f32", "f64"]),
    ("compile/", &["Instant", "SystemTime"]),
];

const LONGEST: usize = 500;

struct Source {
    /// Path under `src/`, with forward slashes.
    path: String,
    /// Without the unit tests at the end and without comments.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let text = fs::read_to_string(&path).expect("a source file is readable");
                let path = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
                let lines = text.lines().count();
                let code = text
                    .split("\n#[cfg(test)]")
                    .next()
                    .unwrap_or_default()
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .collect::<Vec<_>>()
                    .join("\n");
                found.push(Source { path, code, lines });
            }
        }
    }
    assert!(found.len() > 30, "the walk over src found only {} files", found.len());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Modules of unit tests: `tests.rs`, `testing.rs`, `synthetic.rs` and everything in a folder `tests`.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["tests.rs", "testing.rs", "synthetic.rs"].contains(&name.as_ref())
        || path.parent().is_some_and(|folder| folder.ends_with("tests"))
}

/// The room of a path: its folder, or the file's name for a file directly in `src`.
fn room(path: &str) -> &str {
    path.split_once('/').map_or_else(|| path.trim_end_matches(".rs"), |(folder, _)| folder)
}

/// Every `crate::a::b` in the code, braces after `crate::` or `crate::a::` opened.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            found.extend(group.split(',').map(|item| name(item.trim())).filter(|item| !item.is_empty()));
            continue;
        }
        let first = name(rest);
        let second = rest[first.len()..].strip_prefix("::").map(name).filter(|second| !second.is_empty());
        found.push(second.map_or(first.clone(), |second| format!("{first}::{second}")));
    }
    found
}

#[test]
fn rooms_import_only_what_their_fence_allows() {
    let mut broken = Vec::new();
    for source in sources() {
        let room = room(&source.path);
        let allowed: &[&str] = if BASE.contains(&room) {
            &[]
        } else {
            FENCES.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("no fence for room '{room}'")).1
        };
        for import in imports(&source.code) {
            let first = import.split("::").next().unwrap_or_default();
            let fine = first == room
                || BASE.contains(&first)
                || allowed.iter().any(|may| *may == first || import == *may || import.starts_with(&format!("{may}::")));
            if !fine {
                broken.push(format!("src/{} imports crate::{import}", source.path));
            }
        }
    }
    assert!(broken.is_empty(), "fences broken:\n{}", broken.join("\n"));
}

#[test]
fn third_parties_are_named_only_behind_their_fence() {
    let mut broken = Vec::new();
    for source in sources() {
        for (text, places) in NAMED_ONLY_IN {
            if source.code.contains(text) && !places.iter().any(|place| source.path.starts_with(place)) {
                broken.push(format!("src/{} names {text}", source.path));
            }
        }
        for (prefix, absent) in ABSENT {
            for text in absent.iter().filter(|text| source.path.starts_with(prefix) && source.code.contains(**text)) {
                broken.push(format!("src/{} has {text}", source.path));
            }
        }
    }
    assert!(broken.is_empty(), "fences broken:\n{}", broken.join("\n"));
}

#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.lines > LONGEST)
        .map(|source| format!("src/{}: {} lines", source.path, source.lines))
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn every_folder_of_the_source_stands_in_the_architecture() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for (name, _) in FENCES.iter().filter(|(name, _)| !["lib", "main"].contains(name)) {
        assert!(text.contains(&format!("`{name}`")), "ARCHITECTURE.md does not tell of `{name}`");
    }
}
