//! Reads one table of a chip file: every key that is asked for is known, the others are reported.

use std::ops::RangeInclusive;

use super::quantity::{Dimension, decimal};
use super::spec::{Fact, Status};
use super::tree::{Entry, Node, Value};
use crate::diag::{Problem, nearest};

/// What reading a file has found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Everything that is wrong.
    pub(super) problems: Vec<Problem>,
    /// Every number with its provenance.
    pub(super) facts: Vec<Fact>,
    /// Optional keys that are left out.
    pub(super) unknown: Vec<String>,
}

/// Source and status that numbers without their own inherit.
#[derive(Debug, Clone, Default)]
struct Scope {
    source: Option<String>,
    status: Option<Status>,
}

/// A table being read.
#[derive(Debug)]
pub(super) struct Section<'a> {
    node: &'a Node,
    path: String,
    scope: Scope,
    asked: Vec<String>,
}

/// A number with its unit resolved.
#[derive(Debug, Clone)]
pub(super) struct Quantity<'a> {
    /// In the integer unit of its dimension.
    pub(super) amount: u64,
    /// Where it is.
    pub(super) place: &'a str,
    /// The table around it, for further keys.
    pub(super) extras: Option<&'a Node>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new(), scope: Scope::default(), asked: Vec::new() }
    }

    /// The dotted path of a key.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Place of a key, else of the table.
    pub(super) fn place(&self, key: &str) -> &'a str {
        self.node.get(key).map_or(&self.node.place, |node| &node.place)
    }

    /// Whether the key is there (and known from now on).
    pub(super) fn has(&mut self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&mut self, key: &str) -> Option<&'a Node> {
        if !self.asked.iter().any(|asked| asked == key) {
            self.asked.push(key.to_owned());
        }
        self.node.get(key)
    }

    /// Keys of the table that nobody has asked for.
    pub(super) fn others(&self) -> Vec<&'a Entry> {
        match &self.node.value {
            Value::Table(entries) => entries.iter().filter(|entry| !self.asked.contains(&entry.key)).collect(),
            _ => Vec::new(),
        }
    }

    /// A table in this one; `None` where it is not there.
    pub(super) fn section(&mut self, key: &str, found: &mut Found) -> Option<Self> {
        let node = self.get(key)?;
        if !matches!(node.value, Value::Table(_)) {
            found.problems.push(wrong_kind(node, &self.path(key), "a table"));
            return None;
        }
        let mut inner = Self { node, path: self.path(key), scope: self.scope.clone(), asked: Vec::new() };
        inner.scope = inner.own_scope(found);
        Some(inner)
    }

    /// A table that must be there.
    pub(super) fn required(&mut self, key: &str, found: &mut Found) -> Option<Self> {
        let section = self.section(key, found);
        if section.is_none() && self.node.get(key).is_none() {
            found.problems.push(self.missing(key, "table"));
        }
        section
    }

    /// Reads `source` and `status`, where given.
    fn own_scope(&mut self, found: &mut Found) -> Scope {
        let source = self.optional_text("source", found).map(ToOwned::to_owned);
        let place = self.place("status");
        let status = self.optional_text("status", found).and_then(|text| match text {
            "measured" => Some(Status::Measured),
            "published" => Some(Status::Published),
            "derived" => Some(Status::Derived),
            "estimated" => Some(Status::Estimated),
            other => {
                let known = ["measured", "published", "derived", "estimated"];
                let what = format!("status '{other}' is not known");
                let mut problem = Problem::invalid("chip/status", place, what).limit(known.join(", "));
                problem.help = nearest(other, known).map(|near| format!("did you mean '{near}'?"));
                found.problems.push(problem);
                None
            }
        });
        // A table that names its own source does not inherit a status that was said of another source.
        let status = status.or(if source.is_some() { None } else { self.scope.status });
        Scope { source: source.or_else(|| self.scope.source.clone()), status }
    }

    fn missing(&self, key: &str, what: &str) -> Problem {
        Problem::invalid("chip/missing", self.node.place.as_str(), format!("{what} '{}' is missing", self.path(key)))
            .help("`spikeloom chip default` prints a file with every key explained")
    }

    /// A string that must be there.
    pub(super) fn text(&mut self, key: &str, found: &mut Found) -> &'a str {
        if self.get(key).is_none() {
            found.problems.push(self.missing(key, "key"));
        }
        self.optional_text(key, found).unwrap_or_default()
    }

    /// A string, where given.
    pub(super) fn optional_text(&mut self, key: &str, found: &mut Found) -> Option<&'a str> {
        let node = self.get(key)?;
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        found.problems.push(wrong_kind(node, &self.path(key), "a string"));
        None
    }

    /// A whole number without provenance that must be there.
    pub(super) fn plain(&mut self, key: &str, range: &RangeInclusive<i64>, found: &mut Found) {
        match self.get(key) {
            Some(node) => {
                whole(node.get("value").unwrap_or(node), &self.path(key), range, found);
            }
            None => found.problems.push(self.missing(key, "key")),
        }
    }

    /// A whole number in `range` that must be there; the range's start where it is wrong.
    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<i64>, found: &mut Found) -> i64 {
        let fallback = *range.start();
        let Some(node) = self.get(key) else {
            found.problems.push(self.missing(key, "key"));
            return fallback;
        };
        let path = self.path(key);
        let (number, scope) = self.provenance(node, &path, &[], found);
        let value = whole(number, &path, &range, found);
        if let Some(value) = value {
            self.fact(node, path, (value.to_string(), String::new()), scope, found);
        }
        value.unwrap_or(fallback)
    }

    /// An array of whole numbers that must be there, not empty.
    pub(super) fn numbers(&mut self, key: &str, range: RangeInclusive<i64>, found: &mut Found) -> Vec<i64> {
        let Some(node) = self.get(key) else {
            found.problems.push(self.missing(key, "key"));
            return Vec::new();
        };
        let path = self.path(key);
        let (list, scope) = self.provenance(node, &path, &[], found);
        let Some(items) = items(list, &path, found) else { return Vec::new() };
        let values: Vec<i64> = items.iter().filter_map(|item| whole(item, &path, &range, found)).collect();
        let text: Vec<String> = values.iter().map(ToString::to_string).collect();
        self.fact(node, path, (text.join(", "), String::new()), scope, found);
        values
    }

    /// The entries of an array, where given: empty where it is not there or no array.
    pub(super) fn list(&mut self, key: &str, found: &mut Found) -> &'a [Node] {
        let Some(node) = self.get(key) else { return &[] };
        match &node.value {
            Value::List(items) => items,
            _ => {
                found.problems.push(wrong_kind(node, &self.path(key), "an array"));
                &[]
            }
        }
    }

    /// A quantity that must be there; zero where it is wrong.
    pub(super) fn quantity(&mut self, key: &str, dimension: Dimension, found: &mut Found) -> u64 {
        if self.get(key).is_none() {
            found.problems.push(self.missing(key, "key"));
        }
        self.optional(key, dimension, &[], found).map_or(0, |quantity| quantity.amount)
    }

    /// A quantity, where given; `extras` are further keys that its table may hold.
    pub(super) fn optional(
        &mut self,
        key: &str,
        dimension: Dimension,
        extras: &[&str],
        found: &mut Found,
    ) -> Option<Quantity<'a>> {
        let node = self.get(key)?;
        let path = self.path(key);
        let (number, scope) = self.provenance(node, &path, extras, found);
        let unit = unit_of(node, &path, dimension, found)?;
        let amount = resolve(number, &path, dimension, unit, found)?;
        let Value::Number(text) = &number.value else { return None };
        self.fact(node, path, (text.clone(), unit.0.to_owned()), scope, found);
        Some(Quantity { amount, place: &node.place, extras: node.get("value").map(|_| node) })
    }

    /// An ascending table of `[tiles, time]` pairs that must be there, with the unit in this section.
    pub(super) fn pairs(&mut self, key: &str, dimension: Dimension, found: &mut Found) -> Vec<(i64, u64)> {
        let Some(node) = self.get(key) else {
            found.problems.push(self.missing(key, "key"));
            return Vec::new();
        };
        self.has("unit");
        let path = self.path(key);
        let (list, scope) = self.provenance(node, &path, &[], found);
        let holder = if node.get("unit").is_some() { node } else { self.node };
        let Some(unit) = unit_of(holder, &path, dimension, found) else { return Vec::new() };
        let Some(rows) = items(list, &path, found) else { return Vec::new() };
        let mut pairs = Vec::with_capacity(rows.len());
        let mut text = Vec::with_capacity(rows.len());
        for row in rows {
            let Value::List(cells) = &row.value else {
                found.problems.push(wrong_kind(row, &path, "a pair [count, amount]"));
                continue;
            };
            let [count, amount] = cells.as_slice() else {
                found.problems.push(Problem::invalid("chip/type", row.place.as_str(), "a row needs two numbers"));
                continue;
            };
            let count = whole(count, &path, &(1..=i64::from(u16::MAX)), found);
            let resolved = resolve(amount, &path, dimension, unit, found);
            if let (Some(count), Some(resolved), Value::Number(number)) = (count, resolved, &amount.value) {
                pairs.push((count, resolved));
                text.push(format!("{count}: {number}"));
            }
        }
        self.fact(node, path, (text.join(", "), unit.0.to_owned()), scope, found);
        pairs
    }

    /// The number of a plain value or of `{ value, unit, source, status }`, with its provenance.
    fn provenance(&self, node: &'a Node, path: &str, extras: &[&str], found: &mut Found) -> (&'a Node, Scope) {
        let Some(number) = node.get("value") else { return (node, self.scope.clone()) };
        let mut inner = Section { node, path: path.to_owned(), scope: self.scope.clone(), asked: Vec::new() };
        let scope = inner.own_scope(found);
        for key in ["value", "unit"].iter().chain(extras) {
            inner.has(key);
        }
        inner.finish(found);
        (number, scope)
    }

    fn fact(&self, node: &Node, key: String, (value, unit): (String, String), scope: Scope, found: &mut Found) {
        let Scope { source: Some(source), status: Some(status) } = scope else {
            let what = format!("'{key}' has no source or no status");
            let help = "give source and status beside the value, or in its table for all of it";
            found.problems.push(Problem::invalid("chip/source", node.place.as_str(), what).help(help));
            return;
        };
        found.facts.push(Fact { key, value, unit, source, status });
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self, found: &mut Found) {
        for entry in self.others() {
            let what = format!("key '{}' is not known", self.path(&entry.key));
            let mut problem = Problem::invalid("chip/unknown-key", entry.place.as_str(), what);
            let near = nearest(&entry.key, self.asked.iter().map(String::as_str));
            problem.help = Some(match near {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("known here: {}", self.asked.join(", ")),
            });
            found.problems.push(problem);
        }
    }
}

fn wrong_kind(node: &Node, path: &str, wanted: &str) -> Problem {
    let what = format!("'{path}' must be {wanted}, but is {}", node.value.kind());
    Problem::invalid("chip/type", node.place.as_str(), what)
}

fn items<'a>(node: &'a Node, path: &str, found: &mut Found) -> Option<&'a [Node]> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            found.problems.push(Problem::invalid("chip/range", node.place.as_str(), format!("'{path}' is empty")));
            None
        }
        Value::List(items) => Some(items),
        _ => {
            found.problems.push(wrong_kind(node, path, "an array"));
            None
        }
    }
}

fn whole(node: &Node, path: &str, range: &RangeInclusive<i64>, found: &mut Found) -> Option<i64> {
    let Value::Number(text) = &node.value else {
        found.problems.push(wrong_kind(node, path, "a whole number"));
        return None;
    };
    let limit = format!("{}..={}", range.start(), range.end());
    match decimal(text, 0).ok().and_then(|value| i64::try_from(value).ok()) {
        Some(value) if range.contains(&value) => Some(value),
        _ => {
            let what = format!("'{path}' is {text}, out of range");
            found.problems.push(Problem::invalid("chip/range", node.place.as_str(), what).limit(limit));
            None
        }
    }
}

fn unit_of(node: &Node, path: &str, dimension: Dimension, found: &mut Found) -> Option<(&'static str, i32)> {
    let known = dimension.units();
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
    let given = match node.get("unit") {
        None if names.is_empty() => return Some(known[0]),
        None => {
            let problem = Problem::invalid("chip/unit", node.place.as_str(), format!("'{path}' has no unit"));
            let help = format!("write {{ value = 1, unit = \"{}\" }}", names[0]);
            found.problems.push(problem.limit(names.join(", ")).help(help));
            return None;
        }
        Some(given) => given,
    };
    let Value::Text(name) = &given.value else {
        found.problems.push(wrong_kind(given, &format!("{path}.unit"), "a string"));
        return None;
    };
    let unit = known.iter().find(|(known, _)| known == name).copied();
    if unit.is_none() {
        let what = format!("unit '{name}' does not fit '{path}'");
        let limit = if names.is_empty() { "no unit".to_owned() } else { names.join(", ") };
        found.problems.push(Problem::invalid("chip/unit", given.place.as_str(), what).limit(limit));
    }
    unit
}

fn resolve(
    node: &Node,
    path: &str,
    dimension: Dimension,
    (unit, power): (&'static str, i32),
    found: &mut Found,
) -> Option<u64> {
    let Value::Number(text) = &node.value else {
        found.problems.push(wrong_kind(node, path, "a number"));
        return None;
    };
    let most = dimension.most();
    let limit = format!("0..={most} {}, whole", dimension.resolution());
    let fault = match decimal(text, power) {
        Ok(value) => match u64::try_from(value) {
            Ok(amount) if amount <= most => return Some(amount),
            _ => "it is out of range",
        },
        Err(fault) => fault,
    };
    let what = format!("'{path}' is {text} {unit}: {fault}");
    found.problems.push(Problem::invalid("chip/range", node.place.as_str(), what).limit(limit));
    None
}
