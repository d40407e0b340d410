//! Sweep files. `programs/README.md` shows one with every key; problems of a file are told at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::chip::LoadOptions;
use crate::compile::replace::Pipeline;
use crate::compile::{Partition, SplitFanIn};
use crate::diag::{Problem, Problems, Result, nearest};
use crate::digest::{Digest, Digester};
use crate::units::Picos;

/// A sweep, read and checked as far as the file alone tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Its name in reports.
    pub name: String,
    /// Digest of the text; after [`Sweep::bind`] of the files as well.
    pub digest: Digest,
    /// Seeds of the strategies.
    pub seeds: Vec<u64>,
    /// Most candidates; more are drawn from. `None`: all.
    pub budget: Option<usize>,
    /// How many of a network's mappings on a chip are run: the best by hops. `None`: all.
    pub emulate: Option<usize>,
    /// Whether traffic is weighed by the spikes of a run; else every neuron counts one.
    pub profiled: bool,
    /// Seconds that a placement plans its work for.
    pub seconds: f64,
    /// Networks with their stimuli.
    pub networks: Vec<NetworkEntry>,
    /// Chips with their changes.
    pub chips: Vec<ChipEntry>,
    /// Pipelines: partition and placement.
    pub pipelines: Vec<(String, String)>,
}

/// A network of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkEntry {
    /// Its name in results.
    pub name: String,
    /// The file, or `reservoir` for a generated one.
    pub file: PathBuf,
    /// Import profile with changes, as for `compile --profile`.
    pub profile: Option<String>,
    /// The stimulus file; `digits` are the embedded test images, `noise` are random spikes.
    pub stimulus: PathBuf,
    /// Samples of it that are run.
    pub samples: usize,
    /// Ticks of a sample; else what the stimulus holds.
    pub ticks: Option<u32>,
    /// Weight bits of the quantiser.
    pub weight_bits: Option<u8>,
    /// Chips of the sweep on which it is mapped; empty: all.
    pub chips: Vec<String>,
    /// Neurons along a side of a generated network.
    pub side: u32,
}

/// A chip of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct ChipEntry {
    /// Its name in results.
    pub name: String,
    /// Built-in name or file.
    pub chip: String,
    /// Cost set, supply and tick.
    pub options: LoadOptions,
    /// How neurons with more inputs than axons are split, as for `compile --split-fan-in`; `None`: refused.
    pub split_fan_in: Option<SplitFanIn>,
    /// Keys of its file with the values to try.
    pub set: Vec<(String, Vec<String>)>,
}

const KEYS: [&str; 10] =
    ["name", "seeds", "budget", "emulate", "weights", "seconds", "network", "chip", "pipeline", "about"];
const NETWORK: [&str; 9] = ["name", "file", "profile", "stimulus", "samples", "ticks", "weight_bits", "chips", "side"];
const CHIP: [&str; 7] = ["name", "chip", "cost_set", "supply", "tick", "set", "split_fan_in"];
const PIPELINE: [&str; 2] = ["partition", "placement"];
/// Most candidates of a sweep.
pub(super) const MOST: usize = 1_000_000;

/// Reads keys of one table and notes what is wrong with them.
struct Reader<'a> {
    table: &'a Table,
    place: String,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn wrong(&mut self, key: &str, limit: &str) {
        let what = format!("{key} = {} cannot be used", self.table.get(key).map_or_else(String::new, Value::to_string));
        let problem = Problem::invalid("sweep/value", self.place.as_str(), what);
        self.problems.push(problem.limit(limit).help("see the sweep files in programs/sweeps"));
    }

    fn missing(&mut self, key: &str) {
        let problem = Problem::invalid("sweep/missing", self.place.as_str(), format!("{key} is missing"));
        self.problems.push(problem.help(format!("add {key} = ...")));
    }

    fn known(&mut self, keys: &[&str]) {
        for odd in self.table.keys().filter(|key| !keys.contains(&key.as_str())) {
            let help = nearest(odd, keys.iter().copied())
                .map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean '{near}'?"));
            let problem = Problem::invalid("sweep/key", self.place.as_str(), format!("unknown key '{odd}'"));
            self.problems.push(problem.limit(keys.join(", ")).help(help));
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.table.get(key) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.wrong(key, "a text in quotes");
                None
            }
        }
    }

    fn number(&mut self, key: &str, low: i64, high: i64) -> Option<i64> {
        let value = self.table.get(key)?;
        let found = value.as_integer().filter(|value| (low..=high).contains(value));
        if found.is_none() {
            self.wrong(key, &format!("a whole number, {low} to {high}"));
        }
        found
    }

    /// One value or a list of them, as texts.
    fn list(&mut self, key: &str) -> Vec<String> {
        let plain = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        };
        let found: Option<Vec<String>> = match self.table.get(key) {
            None => Some(Vec::new()),
            Some(Value::Array(values)) if !values.is_empty() => values.iter().map(plain).collect(),
            Some(value) => plain(value).map(|one| vec![one]),
        };
        found.unwrap_or_else(|| {
            self.wrong(key, "a value or a list of values");
            Vec::new()
        })
    }
}

impl Sweep {
    /// Makes the files that the sweep names part of its digest: rows of a journal hold for these files only. What
    /// networks name in turn, such as programs, is not among them.
    pub fn bind(&mut self, files: &[(String, Digest)]) {
        let mut digester = Digester::default();
        digester.bytes(self.digest.to_string().as_bytes());
        files.iter().for_each(|(_, digest)| digester.bytes(digest.to_string().as_bytes()));
        self.digest = digester.finish();
    }

    /// Reads the text of a sweep file; paths in it are relative to `folder`.
    ///
    /// # Errors
    /// `sweep/toml` for text that is no TOML, `sweep/key`, `sweep/value` and `sweep/missing` for its entries, and what
    /// strategies refuse.
    pub fn read(text: &str, file: &str, folder: &Path) -> Result<Self> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Problem::invalid("sweep/toml", format!("{file}:{line}"), error.message().to_owned())
                .help("a sweep is TOML with [[network]], [[chip]] and [[pipeline]]")
        })?;
        let mut problems = Vec::new();
        let mut sweep = head(&table, file, &mut problems);
        sweep.digest = Digest::of(text.as_bytes());
        for (number, table) in tables(&table, "network", file, &mut problems) {
            let place = format!("{file}: network {number}");
            sweep.networks.extend(network(table, place, folder, &mut problems));
        }
        for (number, table) in tables(&table, "chip", file, &mut problems) {
            let place = format!("{file}: chip {number}");
            sweep.chips.extend(chip(table, &place, folder, &mut problems));
        }
        for (number, table) in tables(&table, "pipeline", file, &mut problems) {
            pipelines(table, &format!("{file}: pipeline {number}"), &mut sweep.pipelines, &mut problems);
        }
        let networks = sweep.networks.iter().map(|network| ("network", network.name.as_str()));
        let chips = sweep.chips.iter().map(|chip| ("chip", chip.name.as_str()));
        let mut known = BTreeSet::new();
        for (kind, name) in networks.chain(chips).filter(|named| !known.insert(*named)) {
            let what = format!("two of its {kind}s are called '{name}'");
            problems.push(Problem::invalid("sweep/name", file, what).help("give one of them another: name = \"...\""));
        }
        let names: Vec<&str> = sweep.chips.iter().map(|chip| chip.name.as_str()).collect();
        for odd in
            sweep.networks.iter().flat_map(|network| &network.chips).filter(|chip| !names.contains(&chip.as_str()))
        {
            let help = nearest(odd, names.iter().copied())
                .map_or_else(|| "name a [[chip]] of this file".to_owned(), |near| format!("did you mean '{near}'?"));
            let problem = Problem::invalid("sweep/chips", file, format!("no chip is called '{odd}'"));
            problems.push(problem.limit(names.join(", ")).help(help));
        }
        Problems::check(problems, sweep)
    }
}

/// What stands outside of the lists.
fn head(table: &Table, file: &str, problems: &mut Vec<Problem>) -> Sweep {
    let mut reader = Reader { table, place: file.to_owned(), problems };
    reader.known(&KEYS);
    let name = reader.text("name").unwrap_or_else(|| "sweep".to_owned());
    let seeds: Vec<String> = reader.list("seeds");
    let parsed: Option<Vec<u64>> = seeds.iter().map(|seed| seed.parse().ok()).collect();
    if parsed.is_none() {
        reader.wrong("seeds", "whole numbers from 0");
    }
    let seeds = parsed.filter(|seeds| !seeds.is_empty()).unwrap_or_else(|| vec![1]);
    let budget = reader.number("budget", 1, MOST as i64).map(|budget| budget as usize);
    let emulate = match table.get("emulate") {
        Some(Value::String(word)) if word == "all" => None,
        None => None,
        Some(_) => reader.number("emulate", 0, MOST as i64).map(|best| best as usize),
    };
    let profiled = match reader.text("weights").as_deref() {
        None | Some("profile") => true,
        Some("uniform") => false,
        Some(_) => {
            reader.wrong("weights", "\"profile\" or \"uniform\"");
            true
        }
    };
    let seconds = table.get("seconds").map(|v| v.as_float().or_else(|| v.as_integer().map(|v| v as f64)));
    let seconds = match seconds {
        None => 1.0,
        Some(Some(seconds)) if (1e-3..=1e6).contains(&seconds) => seconds,
        Some(_) => {
            reader.wrong("seconds", "0.001 to 1000000");
            1.0
        }
    };
    let digest = Digest::of(b"");
    let lists = (Vec::new(), Vec::new(), Vec::new());
    Sweep {
        name,
        digest,
        seeds,
        budget,
        emulate,
        profiled,
        seconds,
        networks: lists.0,
        chips: lists.1,
        pipelines: lists.2,
    }
}

/// The tables of a list with their numbers from 1; there must be one.
fn tables<'a>(table: &'a Table, key: &str, file: &str, problems: &mut Vec<Problem>) -> Vec<(usize, &'a Table)> {
    let list = table.get(key).and_then(Value::as_array);
    let found: Option<Vec<&Table>> = list.map(|list| list.iter().map(Value::as_table).collect()).unwrap_or_default();
    match found.filter(|found| !found.is_empty()) {
        Some(found) => (1..).zip(found).collect(),
        None => {
            let problem = Problem::invalid("sweep/missing", file, format!("it has no [[{key}]]"));
            problems.push(problem.help(format!("add a [[{key}]]; programs/sweeps has examples")));
            Vec::new()
        }
    }
}

fn network(table: &Table, place: String, folder: &Path, problems: &mut Vec<Problem>) -> Option<NetworkEntry> {
    let mut reader = Reader { table, place, problems };
    reader.known(&NETWORK);
    let (file, stimulus) = (reader.text("file"), reader.text("stimulus"));
    let entry = NetworkEntry {
        name: String::new(),
        file: PathBuf::new(),
        profile: reader.text("profile"),
        stimulus: PathBuf::new(),
        samples: reader.number("samples", 1, 1_000_000).map_or(4, |samples| samples as usize),
        ticks: reader.number("ticks", 1, crate::stimulus::MAX_TICKS.into()).map(|ticks| ticks as u32),
        weight_bits: reader.number("weight_bits", 1, 16).map(|bits| bits as u8),
        chips: reader.list("chips"),
        side: reader.number("side", 4, 256).map_or(32, |side| side as u32),
    };
    for (key, given) in [("file", &file), ("stimulus", &stimulus)] {
        if given.is_none() && !table.contains_key(key) {
            reader.missing(key);
        }
    }
    let name = reader.text("name");
    let (file, stimulus) = (file?, stimulus?);
    let path = |text: &str| if super::network::made(text) { PathBuf::from(text) } else { folder.join(text) };
    let stem = || Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Some(NetworkEntry { name: name.unwrap_or_else(stem), file: path(&file), stimulus: path(&stimulus), ..entry })
}

fn chip(table: &Table, place: &str, folder: &Path, problems: &mut Vec<Problem>) -> Option<ChipEntry> {
    let mut reader = Reader { table, place: place.to_owned(), problems };
    reader.known(&CHIP);
    let name = reader.text("name");
    let Some(chip) = reader.text("chip") else {
        reader.missing("chip");
        return None;
    };
    let options = LoadOptions {
        cost_set: reader.text("cost_set"),
        supply_mv: reader.number("supply", 1, 100_000).map(|mv| mv as u32),
        tick: reader.number("tick", 1, 1_000_000_000).map(|us| Picos(us as u64 * 1_000_000)),
        ..LoadOptions::default()
    };
    let split_fan_in = match reader.text("split_fan_in").map(|text| text.parse::<SplitFanIn>()) {
        None => None,
        Some(Ok(wish)) => Some(wish),
        Some(Err(refused)) => {
            let named = |problem: Problem| Problem { place: format!("{place}: {}", problem.place), ..problem };
            reader.problems.extend(refused.into_vec().into_iter().map(named));
            None
        }
    };
    let mut set = Vec::new();
    match table.get("set") {
        None => {}
        Some(Value::Table(keys)) => {
            let mut reader = Reader { table: keys, place: format!("{place}, set"), problems };
            set.extend(keys.keys().map(|key| (key.clone(), reader.list(key))));
        }
        Some(_) => reader.wrong("set", "a table such as { \"core.neurons\" = [256, 1024] }"),
    }
    let builtin = crate::chip::builtin_names().contains(&chip.as_str());
    let file = if builtin { chip.clone() } else { folder.join(&chip).display().to_string() };
    Some(ChipEntry { name: name.unwrap_or(chip), chip: file, options, split_fan_in, set })
}

/// Every partition with every placement of one entry; names are checked here, so that no sweep starts in vain.
fn pipelines(table: &Table, place: &str, found: &mut Vec<(String, String)>, problems: &mut Vec<Problem>) {
    let mut reader = Reader { table, place: place.to_owned(), problems };
    reader.known(&PIPELINE);
    let (partitions, placements) = (reader.list("partition"), reader.list("placement"));
    for (key, list) in [("partition", &partitions), ("placement", &placements)] {
        if list.is_empty() && !table.contains_key(key) {
            reader.missing(key);
        }
    }
    let named = |problem: Problem| Problem { place: format!("{place}: {}", problem.place), ..problem };
    let refused = partitions.iter().filter_map(|text| text.parse::<Partition>().err());
    let refused = refused.chain(placements.iter().filter_map(|text| text.parse::<Pipeline>().err()));
    problems.extend(refused.flat_map(Problems::into_vec).map(named));
    for partition in &partitions {
        found.extend(placements.iter().map(|placement| (partition.clone(), placement.clone())));
    }
}
