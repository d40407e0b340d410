//! tinyODIN's configuration and memories: our own JSON, with the names of the design's registers.

use super::json::{self, Json, Kind};
use super::nscs::fields::{Fields, Found};
use super::{Imported, chip_with, stem};
use crate::chip::{Family, LoadOptions};
use crate::diag::{Problem, Problems, Result};
use crate::image::{
    CoreBody, CoreImage, Destination, Image, InputImage, OutputImage, Place, PopulationImage, TinyOdinBody,
};
use crate::stimulus::{InputSpike, Sample};

const SIDE: usize = 256;
/// Cycles that a full scheduler of neuron events takes: how long a run goes on behind its stimulus.
const DEPTH: u32 = 128 * (2 * 256 + 2);
/// The most cycles of a stimulus (ten seconds at 200 MHz): guards against a stray number.
const MOST_CYCLES: i64 = 1 << 31;

/// Reads `{"config": {"open_loop", "aer_src_ctrl_n_neur", "max_neur"}, "neurons": [256 of {"v", "thr", "leak",
/// "disable"}], "synapses_hex": [256 rows of 256 digits]}`, with optional `"handshake": {"aerout_ack_delay",
/// "aerout_release_delay"}` and `"events": [[cycle, address], ...]` with `"total_cycles"`.
///
/// # Errors
/// `foreign/syntax`, `foreign/key`, `foreign/value`, each with its line.
pub fn read_tinyodin(text: &str, file: &str, chip: &str, options: &LoadOptions) -> Result<Imported> {
    let root = json::root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    let mut body = TinyOdinBody { neurons: Vec::new(), synapses: Vec::new() };
    let (mut values, mut stimulus) = (Vec::new(), None);
    if let Some(mut fields) = Fields::of(&root, "the file", &mut found) {
        let registers = [("open_loop", 1), ("aer_src_ctrl_n_neur", 1), ("max_neur", 255)];
        inner(fields.needed("config", &mut found), "'config'", &registers, &mut values, &mut found);
        let delays = [("aerout_ack_delay", 1 << 20), ("aerout_release_delay", 1 << 20)];
        inner(fields.optional("handshake"), "'handshake'", &delays, &mut values, &mut found);
        let list = fields.needed("neurons", &mut found);
        body.neurons = items(list, "'neurons'", SIDE, &mut found).iter().map(|item| neuron(item, &mut found)).collect();
        let list = fields.needed("synapses_hex", &mut found);
        for row in items(list, "'synapses_hex'", SIDE, &mut found) {
            synapses(row, &mut body.synapses, &mut found);
        }
        ["format", "name"].iter().for_each(|key| _ = fields.optional(key));
        let events = fields.optional("events").map(|list| events(list, &mut found));
        let total = total(&mut fields, &mut found);
        stimulus = events.map(|spikes| sample(file, spikes, total));
        fields.finish(&[], &mut found);
    }
    Problems::check(found.problems, ())?;
    let named = |(key, value): &(&str, i64)| {
        let key = match *key {
            "aerout_ack_delay" => "acknowledge_delay",
            "aerout_release_delay" => "release_delay",
            key => key,
        };
        (format!("core.tinyodin.{key}"), value.to_string())
    };
    let values: Vec<(String, String)> = values.iter().map(named).collect();
    let (chip, chip_name) = chip_with(chip, options, &values)?;
    if !matches!(chip.family, Family::TinyOdin(_)) {
        let what = format!("chip '{}' is no tinyODIN", chip.name);
        return Err(Problem::invalid("foreign/chip", file, what).help("use --chip tinyodin").into());
    }
    let image = image(file, chip_name, body);
    Ok(Imported { image, chip, stimulus, notes: Vec::new() })
}

/// Reads events alone, `{"events": [[cycle, address], ...], "total_cycles": n}`, as a stimulus.
///
/// # Errors
/// As [`read_tinyodin`].
pub fn read_tinyodin_events(text: &str, file: &str) -> Result<Sample> {
    let root = json::root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    let mut read = None;
    if let Some(mut fields) = Fields::of(&root, "the stimulus", &mut found) {
        let events = fields.needed("events", &mut found).map(|list| events(list, &mut found));
        let total = total(&mut fields, &mut found);
        read = events.map(|spikes| sample(file, spikes, total));
        fields.finish(&[], &mut found);
    }
    Problems::check(found.problems, ())?;
    Ok(read.expect("no problem was found"))
}

/// How long the whole run is, where the file tells.
fn total(fields: &mut Fields<'_>, found: &mut Found<'_>) -> Option<u32> {
    fields.optional("total_cycles")?;
    Some(fields.whole("total_cycles", 0..=MOST_CYCLES, found) as u32)
}

fn sample(file: &str, spikes: Vec<InputSpike>, total: Option<u32>) -> Sample {
    let last = spikes.iter().map(|spike| spike.tick + 1).max().unwrap_or(0);
    let ticks = total.map_or(last, |total| total.saturating_sub(DEPTH).max(last));
    Sample { name: file.to_owned(), spikes, ticks, label: None }
}

fn inner(
    value: Option<&Json>,
    what: &'static str,
    keys: &[(&'static str, i64)],
    values: &mut Vec<(&'static str, i64)>,
    found: &mut Found<'_>,
) {
    let Some(mut fields) = value.and_then(|value| Fields::of(value, what, found)) else { return };
    for &(key, most) in keys {
        values.push((key, fields.whole(key, 0..=most, found)));
    }
    fields.finish(&[], found);
}

fn items<'a>(value: Option<&'a Json>, what: &str, count: usize, found: &mut Found<'_>) -> &'a [Json] {
    let Some(value) = value else { return &[] };
    match &value.kind {
        Kind::List(items) if items.len() == count => items,
        Kind::List(items) => {
            found.limited(
                "foreign/value",
                value.line,
                format!("{what} has {} entries", items.len()),
                count.to_string(),
            );
            &[]
        }
        _ => {
            found.add("foreign/value", value.line, format!("{what} must be an array"));
            &[]
        }
    }
}

fn neuron(value: &Json, found: &mut Found<'_>) -> u32 {
    let Some(mut fields) = Fields::of(value, "a neuron", found) else { return 0 };
    let v = fields.whole("v", -2_048..=2_047, found) as u32 & 0xfff;
    let threshold = fields.whole("thr", 0..=4_095, found) as u32;
    let leak = fields.whole("leak", 0..=127, found) as u32;
    let disable = u32::from(fields.flag("disable", found));
    fields.finish(&[], found);
    disable << 31 | leak << 24 | threshold << 12 | v
}

/// A row of 256 weights as hexadecimal digits, the first to neuron 0.
fn synapses(value: &Json, words: &mut Vec<u32>, found: &mut Found<'_>) {
    let text = if let Kind::Text(text) = &value.kind { text.as_str() } else { "" };
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    let what = match text.chars().find(|c| !c.is_ascii_hexdigit()) {
        Some(other) => Some(format!("a row of 'synapses_hex' has {other:?}, which is no hexadecimal digit")),
        None if digits.len() == SIDE => None,
        None => Some(format!("a row of 'synapses_hex' has {} hexadecimal digits", digits.len())),
    };
    if let Some(what) = what {
        found.limited("foreign/value", value.line, what, "256 digits: one 4-bit weight a neuron".to_owned());
        return;
    }
    words.extend(digits.chunks(8).map(|word| word.iter().rev().fold(0, |word, digit| word << 4 | digit)));
}

fn events(list: &Json, found: &mut Found<'_>) -> Vec<InputSpike> {
    let Kind::List(items) = &list.kind else {
        found.add("foreign/value", list.line, "'events' must be an array");
        return Vec::new();
    };
    let mut spikes: Vec<InputSpike> = Vec::with_capacity(items.len());
    for item in items {
        let pair: Option<Vec<i64>> = match &item.kind {
            Kind::List(pair) => pair.iter().map(Json::whole).collect(),
            _ => None,
        };
        match pair.as_deref() {
            Some(&[cycle @ 0..MOST_CYCLES, address @ 0..=1_023]) => {
                // Events are sent in order: none is earlier than the one before.
                let cycle = spikes.last().map_or(0, |last| last.tick).max(cycle as u32);
                spikes.push(InputSpike { tick: cycle, input: address as u32, value: 1 });
            }
            _ => found.limited(
                "foreign/value",
                item.line,
                format!("an event {}", item.print(None)),
                format!("[cycle, address], cycles 0..={}, addresses 0..=1023", MOST_CYCLES - 1),
            ),
        }
    }
    spikes
}

fn image(file: &str, chip: String, body: TinyOdinBody) -> Image {
    let address = |input: u32| Destination { core: 0, axon: input as u16, delay: 1 };
    let population = |name: &str, size: u32, places: Vec<Place>| PopulationImage {
        name: name.to_owned(),
        shape: vec![size],
        places,
        copies: Vec::new(),
    };
    let addresses = TinyOdinBody::ADDRESSES as u32;
    Image {
        network: stem(file).to_owned(),
        chip,
        cores: vec![CoreImage { core: 0, body: CoreBody::TinyOdin(body) }],
        populations: vec![
            population("aer_in", addresses, Vec::new()),
            population("neurons", 256, (0..256).map(|neuron| Place { core: 0, neuron }).collect()),
        ],
        inputs: vec![InputImage {
            population: 0,
            offsets: (0..=addresses).collect(),
            targets: (0..addresses).map(address).collect(),
        }],
        outputs: vec![OutputImage { name: "neurons".to_owned(), population: 1 }],
        depth: DEPTH,
    }
}
