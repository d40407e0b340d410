//! A chip file as a tree whose every node knows its place, and the overrides of a run put into it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diag::{Problem, nearest};

/// Where overrides say that a value came from.
const COMMAND_LINE: &str = "set on the command line";

/// A value with its place in the file.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// `file:line:column`, or the override.
    pub(super) place: String,
    /// What is there.
    pub(super) value: Value,
}

/// A TOML value; numbers stay text until their unit is known.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// An integer or a float, as written, without underscores.
    Number(String),
    /// An array.
    List(Vec<Node>),
    /// A table, ascending by key.
    Table(Vec<Entry>),
    /// What the format has no use for: booleans, dates, numbers in other bases.
    Other(&'static str),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Place of the key.
    pub(super) place: String,
    /// The value.
    pub(super) node: Node,
}

impl Value {
    /// For messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

impl Node {
    /// The value under `key`, where this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        }
    }
}

/// Parses a file to a tree; syntax errors go to `problems` and what can be read is returned.
pub(super) fn parse(text: &str, file: &str, problems: &mut Vec<Problem>) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    let source = Source::new(text, file);
    for error in errors {
        let place = source.place(error.span().map_or(0, |span| span.start));
        problems.push(Problem::invalid("chip/syntax", place, error.message().trim().to_owned()));
    }
    source.table(table.get_ref(), source.place(0))
}

/// Columns are counted in characters up to this many bytes into a line, in bytes beyond: places must stay cheap.
const COUNTED_COLUMNS: usize = 1024;

struct Source<'a> {
    text: &'a str,
    file: &'a str,
    /// Byte offset at which each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, file, lines }
    }

    /// `file:line:column` of a byte offset, both from 1.
    fn place(&self, offset: usize) -> String {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let before = &self.text.as_bytes()[self.lines[line - 1]..offset];
        let column = match before.len() {
            0..COUNTED_COLUMNS => String::from_utf8_lossy(before).chars().count(),
            bytes => bytes,
        };
        format!("{}:{line}:{}", self.file, column + 1)
    }

    fn table(&self, table: &DeTable<'_>, place: String) -> Node {
        let entries = table.iter().map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: self.place(key.span().start),
            node: self.node(value),
        });
        Node { place, value: Value::Table(entries.collect()) }
    }

    fn node(&self, spanned: &Spanned<DeValue<'_>>) -> Node {
        let place = self.place(spanned.span().start);
        let value = match spanned.get_ref() {
            DeValue::Table(table) => return self.table(table, place),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item)).collect()),
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Value::Number(number.as_str().replace('_', "")),
            DeValue::Float(number) => Value::Number(number.as_str().replace('_', "")),
            other => Value::Other(if other.is_bool() { "a boolean" } else { "not a decimal number" }),
        };
        Node { place, value }
    }
}

/// Puts `key=text` into the tree: the text is a TOML value, or else a string such as `5 ns`. A number with
/// provenance keeps its unit, unless the text names one.
pub(super) fn set(root: &mut Node, key: &str, text: &str, problems: &mut Vec<Problem>) {
    let place = format!("--set {key}={text}");
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    let Some((last, tables)) = parts.split_last().filter(|(last, _)| !last.is_empty()) else {
        let help = "write it as table.key=value, such as mesh.buffer=4";
        problems.push(Problem::invalid("chip/override", place, "an override needs a key").help(help));
        return;
    };
    let mut table = root;
    for part in tables {
        match descend(table, part, &place) {
            Ok(next) => table = next,
            Err(problem) => return problems.push(*problem),
        }
    }
    let Value::Table(entries) = &mut table.value else {
        return problems.push(Problem::invalid("chip/override", place, "the key leads through a value, not a table"));
    };
    let value = override_value(text, &place);
    match entries.iter_mut().find(|entry| entry.key == *last) {
        Some(entry) if is_section(&entry.node) && !matches!(value, Value::Table(_)) => {
            let what = format!("'{key}' is a table, not a value");
            problems.push(Problem::invalid("chip/override", place, what).help("name a key in it, table.key=value"));
        }
        Some(entry) => replace(&mut entry.node, value, &place),
        None => {
            let node = quantity(value, &place);
            entries.push(Entry { key: (*last).to_owned(), place, node });
        }
    }
}

/// Whether this is a table of keys, not a number with its provenance.
fn is_section(node: &Node) -> bool {
    matches!(node.value, Value::Table(_)) && node.get("value").is_none()
}

fn descend<'a>(table: &'a mut Node, part: &str, place: &str) -> Result<&'a mut Node, Box<Problem>> {
    let Value::Table(entries) = &mut table.value else {
        let what = format!("'{part}' is looked for in a value that is not a table");
        return Err(Box::new(Problem::invalid("chip/override", place, what)));
    };
    match entries.iter().position(|entry| entry.key == part) {
        Some(index) => Ok(&mut entries[index].node),
        None => {
            let tables = entries.iter().filter(|entry| matches!(entry.node.value, Value::Table(_)));
            let near = nearest(part, tables.map(|entry| entry.key.as_str()));
            let mut problem = Problem::invalid("chip/override", place, format!("the file has no table '{part}'"));
            problem.help = near.map(|near| format!("did you mean '{near}'?"));
            Err(Box::new(problem))
        }
    }
}

/// The text as a TOML value, else as a string.
fn override_value(text: &str, place: &str) -> Value {
    let document = format!("value = {text}");
    let mut errors = Vec::new();
    let parsed = parse(&document, place, &mut errors);
    let alone = matches!(&parsed.value, Value::Table(entries) if entries.len() == 1);
    match parsed.get("value") {
        Some(node) if errors.is_empty() && alone => relocated(node.clone(), place).value,
        _ => Value::Text(text.trim().to_owned()),
    }
}

/// With every place replaced: offsets into an override mean nothing to the user.
fn relocated(mut node: Node, place: &str) -> Node {
    place.clone_into(&mut node.place);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| *item = relocated(item.clone(), place)),
        Value::Table(entries) => {
            for entry in entries {
                place.clone_into(&mut entry.place);
                entry.node = relocated(entry.node.clone(), place);
            }
        }
        _ => {}
    }
    node
}

/// Replaces a value; of a `{ value, unit, source, status }` only the number, and its provenance.
fn replace(node: &mut Node, value: Value, place: &str) {
    let unit = node.get("value").and(node.get("unit")).cloned();
    let extras: Vec<Entry> = match &node.value {
        Value::Table(entries) if node.get("value").is_some() => {
            entries.iter().filter(|entry| matches!(entry.key.as_str(), "at_volts" | "exponent")).cloned().collect()
        }
        _ => Vec::new(),
    };
    *node = quantity(value, place);
    if let Value::Table(entries) = &mut node.value {
        let named = entries.iter().any(|entry| entry.key == "unit");
        if let Some(unit) = unit.filter(|_| !named) {
            entries.push(entry("unit", unit.value, place));
        }
        entries.extend(extras);
    }
}

/// A number, list, or string like `5 ns` as `{ value, unit, source, status }`; anything else as it is.
fn quantity(value: Value, place: &str) -> Node {
    let (value, unit) = match value {
        Value::Number(_) | Value::List(_) => (value, None),
        Value::Text(text) => match split_unit(&text) {
            Some((number, unit)) => (Value::Number(number.to_owned()), Some(unit.to_owned())),
            None => return Node { place: place.to_owned(), value: Value::Text(text) },
        },
        other => return Node { place: place.to_owned(), value: other },
    };
    let mut entries = vec![
        entry("value", value, place),
        entry("source", Value::Text(COMMAND_LINE.to_owned()), place),
        entry("status", Value::Text("estimated".to_owned()), place),
    ];
    if let Some(unit) = unit {
        entries.push(entry("unit", Value::Text(unit), place));
    }
    Node { place: place.to_owned(), value: Value::Table(entries) }
}

fn entry(key: &str, value: Value, place: &str) -> Entry {
    Entry { key: key.to_owned(), place: place.to_owned(), node: Node { place: place.to_owned(), value } }
}

/// `5 ns` or `5ns` as number and unit.
fn split_unit(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))?;
    let (number, unit) = (text[..at].trim(), text[at..].trim());
    let plain = unit.chars().all(|c| c.is_alphabetic() || c == '/') && number.contains(|c: char| c.is_ascii_digit());
    (plain && !unit.is_empty()).then_some((number, unit))
}
