//! Text to [`Model`].

use std::collections::BTreeMap;

use super::fields::{Fields, Found};
use super::{Core, Link, Model, NeuronType, Row, Rows, SIDE, runs};
use crate::diag::{Problem, Problems, Result};
use crate::foreign::json::{self, Json, Kind};

/// Reads a model file without holding it against a chip: excerpts of models can be read too.
///
/// # Errors
/// As [`read_nscs`](super::read_nscs), save for references between cores.
pub fn read_model(text: &str, file: &str) -> Result<Model> {
    let root = json::parse(text, 1).map_err(|broken| {
        Problem::invalid("foreign/syntax", format!("{file}:{}", broken.line), broken.what)
            .help("a model file of NSCS is JSON with comments; is the file complete?")
    })?;
    let mut found = Found { file, problems: Vec::new() };
    let model = Fields::of(&root, "the file", &mut found).and_then(|fields| model(fields, &mut found));
    match model {
        Some(model) => Problems::check(found.problems, model),
        None => Err(Problems::check(found.problems, ()).expect_err("a missing model is a problem")),
    }
}

fn model(mut fields: Fields<'_>, found: &mut Found<'_>) -> Option<Model> {
    let header = fields.needed("model", found);
    if let Some(size) = header.and_then(|header| header.get("crossbarSize"))
        && size.whole() != Some(SIDE as i64)
    {
        let what = format!("'crossbarSize' is {}", size.print(None));
        found.limited("foreign/value", size.line, what, SIDE.to_string());
    }
    let mut types = Vec::new();
    for list in fields.all("neuronTypes") {
        types.extend(items(list, "'neuronTypes'", found).iter().filter_map(|item| neuron_type(item, found)));
    }
    let mut prototypes = Vec::new();
    for list in fields.all("crossbarTypes") {
        prototypes.extend(items(list, "'crossbarTypes'", found).iter().filter_map(|item| prototype(item, found)));
    }
    let names = Names::of(&types);
    let cores: Vec<Core> = fields.all("core").filter_map(|item| core(item, &names, found)).collect();
    fields.finish(&["core", "neuronTypes", "crossbarTypes"], found);
    Some(Model { header: header?.clone(), types, prototypes, cores })
}

fn items<'a>(value: &'a Json, what: &str, found: &mut Found<'_>) -> &'a [Json] {
    match &value.kind {
        Kind::List(items) => items,
        _ => {
            found.add("foreign/value", value.line, format!("{what} must be an array"));
            &[]
        }
    }
}

fn neuron_type(value: &Json, found: &mut Found<'_>) -> Option<NeuronType> {
    let mut fields = Fields::of(value, "a neuron type", found)?;
    if let Some(class) = fields.optional("class")
        && class.kind != Kind::Text("NeuronGeneral".to_owned())
    {
        let what = format!("neurons of class {}", class.print(None));
        found.limited("foreign/value", class.line, what, "\"NeuronGeneral\"".to_owned());
    }
    let read = NeuronType {
        name: fields.text("name", found).to_owned(),
        sigma: ["sigma0", "sigma1", "sigma2", "sigma3"].map(|key| fields.sign(key, found)),
        s: ["s0", "s1", "s2", "s3"].map(|key| fields.whole(key, 0..=255, found) as u8),
        b: ["b0", "b1", "b2", "b3"].map(|key| fields.flag(key, found)),
        sigma_lambda: fields.sign("sigma_lambda", found),
        lambda: fields.whole("lambda", 0..=255, found) as u8,
        c_lambda: fields.flag("c_lambda", found),
        epsilon: fields.flag("epsilon", found),
        alpha: fields.whole("alpha", 0..=(1 << 18) - 1, found) as u32,
        beta: fields.whole("beta", 0..=(1 << 18) - 1, found) as u32,
        tm: fields.whole("TM", 0..=18, found) as u8,
        gamma: fields.whole("gamma", 0..=2, found) as u8,
        kappa: fields.flag("kappa", found),
        sigma_vr: fields.sign("sigma_VR", found),
        vr: fields.whole("VR", 0..=19, found) as u8,
        v: fields.whole("V", -(1 << 19)..=(1 << 19) - 1, found) as i32,
    };
    fields.finish(&[], found);
    Some(read)
}

fn prototype(value: &Json, found: &mut Found<'_>) -> Option<(String, Vec<Row>)> {
    let mut fields = Fields::of(value, "a crossbar type", found)?;
    let name = fields.text("name", found).to_owned();
    let crossbar = fields.needed("crossbar", found)?;
    fields.finish(&[], found);
    let mut inner = Fields::of(crossbar, "a crossbar", found)?;
    let rows = inner.needed("rows", found)?;
    inner.finish(&[], found);
    Some((name, read_rows(rows, found)))
}

fn read_rows(list: &Json, found: &mut Found<'_>) -> Vec<Row> {
    let items = items(list, "'rows'", found);
    if items.len() > SIDE {
        let what = format!("a crossbar has {} rows", items.len());
        found.limited("foreign/value", list.line, what, SIDE.to_string());
    }
    items.iter().take(SIDE).filter_map(|item| row(item, found)).collect()
}

fn row(value: &Json, found: &mut Found<'_>) -> Option<Row> {
    let mut fields = Fields::of(value, "a row", found)?;
    let kind = match fields.text("type", found).as_bytes() {
        [b'S', digit @ b'0'..=b'3'] => digit - b'0',
        other => {
            let what = format!("'type' of a row is '{}'", String::from_utf8_lossy(other));
            found.limited("foreign/value", value.line, what, "S0, S1, S2, S3".to_owned());
            0
        }
    };
    let text = fields.text("synapses", found);
    fields.finish(&[], found);
    let bytes: Option<Vec<u8>> = text.split_whitespace().map(|hex| u8::from_str_radix(hex, 16).ok()).collect();
    let Some(synapses) = bytes.and_then(|bytes| bytes.try_into().ok()) else {
        let what = format!("'synapses' of a row is '{text}'");
        found.limited("foreign/value", value.line, what, format!("{} hexadecimal bytes", SIDE / 8));
        return None;
    };
    Some(Row { kind, synapses })
}

/// Neuron types by name and by number.
struct Names<'a> {
    by_name: BTreeMap<&'a str, u32>,
    by_number: BTreeMap<i64, u32>,
}

/// The number of a neuron type: that of a name such as `N0000002A`.
pub(super) fn number_of(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('N').filter(|digits| digits.len() == 8)?;
    u32::from_str_radix(digits, 16).ok().map(i64::from)
}

impl<'a> Names<'a> {
    fn of(types: &'a [NeuronType]) -> Self {
        let names = || types.iter().zip(0..);
        Self {
            by_name: names().map(|(kind, index)| (kind.name.as_str(), index)).collect(),
            by_number: names().filter_map(|(kind, index)| Some((number_of(&kind.name)?, index))).collect(),
        }
    }
}

fn core(value: &Json, names: &Names<'_>, found: &mut Found<'_>) -> Option<Core> {
    let mut fields = Fields::of(value, "a core", found)?;
    let id = fields.whole("id", 0..=i64::from(u32::MAX), found) as u32;
    let seed = fields.whole("rngSeed", 0..=i64::from(u32::MAX), found) as u32;
    let metadata = fields.optional("metadata").cloned();
    if let Some(exponent) = fields.optional("timeScaleExponent")
        && exponent.whole() != Some(0)
    {
        let what = format!("'timeScaleExponent' of core {id} is {}", exponent.print(None));
        found.limited("foreign/value", exponent.line, what, "0: all cores keep one tick".to_owned());
    }
    let neurons = fields.needed("neurons", found);
    let crossbar = fields.needed("crossbar", found);
    fields.finish(&[], found);
    let neurons = match neurons {
        Some(Json { kind: Kind::List(items), .. }) => {
            items.iter().filter_map(|item| single(item, names, found)).collect()
        }
        Some(runs) => columns(runs, id, names, found)?,
        None => Vec::new(),
    };
    let mut seen = [false; SIDE];
    for link in &neurons {
        if std::mem::replace(&mut seen[usize::from(link.dendrite)], true) {
            found.add("foreign/value", value.line, format!("core {id} has dendrite {} twice", link.dendrite));
        }
    }
    let mut inner = Fields::of(crossbar?, "a crossbar", found)?;
    let rows = match inner.optional("rows") {
        Some(rows) => Rows::Own(read_rows(rows, found)),
        None => Rows::Named(inner.text("name", found).to_owned()),
    };
    inner.optional("name");
    inner.finish(&[], found);
    Some(Core { line: value.line, id, seed, metadata, neurons, rows })
}

/// One neuron as an object of its own.
fn single(value: &Json, names: &Names<'_>, found: &mut Found<'_>) -> Option<Link> {
    let mut fields = Fields::of(value, "a neuron", found)?;
    let name = fields.text("type", found);
    let kind = names.by_name.get(name).copied();
    if kind.is_none() {
        found.add("foreign/reference", value.line, format!("neuron type '{name}' is not there"));
    }
    let link = Link {
        dendrite: fields.whole("dendrite", 0..=255, found) as u8,
        kind,
        core: fields.whole("destCore", i64::from(i32::MIN)..=i64::from(i32::MAX), found) as i32,
        axon: fields.whole("destAxon", i64::from(i32::MIN)..=i64::from(i32::MAX), found) as i32,
        delay: fields.whole("delay", 0..=255, found) as u8,
    };
    fields.finish(&[], found);
    Some(link)
}

/// The neurons of a core as five run-length lists.
fn columns(value: &Json, core: u32, names: &Names<'_>, found: &mut Found<'_>) -> Option<Vec<Link>> {
    let mut fields = Fields::of(value, "the neurons of a core", found)?;
    let keys = ["dendrites", "types", "destCores", "destAxons", "destDelays"];
    let lists = keys.map(|key| {
        let list = fields.needed(key, found)?;
        let numbers = runs::expand(list, SIDE);
        numbers
            .map_err(|why| found.add("foreign/value", list.line, format!("'{key}' of core {core}: {why}")).is_some())
            .ok()
    });
    fields.finish(&[], found);
    let [Some(dendrites), Some(types), Some(cores), Some(axons), Some(delays)] = lists else { return None };
    for (key, list) in keys.iter().zip([&dendrites, &types, &cores, &axons, &delays]) {
        if list.len() != dendrites.len() {
            let what = format!("core {core} has {} dendrites, but {} '{key}'", dendrites.len(), list.len());
            found.add("foreign/value", value.line, what);
            return None;
        }
    }
    let byte = |key: &str, number: i64, found: &mut Found<'_>| {
        u8::try_from(number).unwrap_or_else(|_| {
            found.limited(
                "foreign/value",
                value.line,
                format!("'{key}' of core {core}: {number}"),
                "0..=255".to_owned(),
            );
            0
        })
    };
    let mut links = Vec::with_capacity(dendrites.len());
    for at in 0..dendrites.len() {
        let kind = names.by_number.get(&types[at]).copied();
        if kind.is_none() && types[at] != 0 {
            let what = format!("neuron type {} of core {core} is not there", types[at]);
            if let Some(problem) = found.add("foreign/reference", value.line, what) {
                problem.help = Some(format!("it would be named 'N{:08X}' in 'neuronTypes'", types[at]));
            }
        }
        // Runs are made of 32-bit numbers; a range of them may pass that only by a hostile hand.
        let word = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        links.push(Link {
            dendrite: byte("dendrites", dendrites[at], found),
            kind,
            core: word(cores[at]),
            axon: word(axons[at]),
            delay: byte("destDelays", delays[at], found),
        });
    }
    Some(links)
}
