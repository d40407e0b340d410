//! The entries of one object, each asked for by its key.

use std::ops::RangeInclusive;

use crate::diag::{Problem, nearest};
use crate::foreign::json::{Json, Kind};

/// Problems beyond this number are not listed.
const MOST: usize = 50;

/// What is wrong with a file.
#[derive(Debug)]
pub(in crate::foreign) struct Found<'a> {
    pub(in crate::foreign) file: &'a str,
    pub(in crate::foreign) problems: Vec<Problem>,
}

impl Found<'_> {
    pub(in crate::foreign) fn add(
        &mut self,
        code: &'static str,
        line: u32,
        what: impl Into<String>,
    ) -> Option<&mut Problem> {
        if self.problems.len() >= MOST {
            return None;
        }
        self.problems.push(Problem::invalid(code, format!("{}:{line}", self.file), what));
        self.problems.last_mut()
    }

    pub(in crate::foreign) fn limited(&mut self, code: &'static str, line: u32, what: String, limit: String) {
        if let Some(problem) = self.add(code, line, what) {
            problem.limit = Some(limit);
        }
    }
}

/// An object of the file.
pub(in crate::foreign) struct Fields<'a> {
    /// What the object is, for messages: `a neuron type`.
    what: &'static str,
    line: u32,
    entries: &'a [(String, Json)],
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Nothing where the value is no object.
    pub(in crate::foreign) fn of(value: &'a Json, what: &'static str, found: &mut Found<'_>) -> Option<Self> {
        let Kind::Object(entries) = &value.kind else {
            found.add("foreign/value", value.line, format!("{what} must be an object"));
            return None;
        };
        Some(Self { what, line: value.line, entries, asked: Vec::new() })
    }

    /// The value of a key, where it is there.
    pub(in crate::foreign) fn optional(&mut self, key: &'static str) -> Option<&'a Json> {
        self.asked.push(key);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Every value of a key that may repeat.
    pub(in crate::foreign) fn all(&mut self, key: &'static str) -> impl Iterator<Item = &'a Json> {
        self.asked.push(key);
        self.entries.iter().filter(move |(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value of a key that must be there.
    pub(in crate::foreign) fn needed(&mut self, key: &'static str, found: &mut Found<'_>) -> Option<&'a Json> {
        let value = self.optional(key);
        if value.is_none() {
            found.add("foreign/key", self.line, format!("{} has no key '{key}'", self.what));
        }
        value
    }

    /// A whole number in a range, the range's start where it is wrong.
    pub(in crate::foreign) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        found: &mut Found<'_>,
    ) -> i64 {
        let Some(value) = self.needed(key, found) else { return *range.start() };
        match value.whole() {
            Some(number) if range.contains(&number) => number,
            _ => {
                let what = format!("'{key}' of {} is {}", self.what, value.print(None));
                found.limited("foreign/value", value.line, what, format!("{}..={}", range.start(), range.end()));
                *range.start()
            }
        }
    }

    /// 1 or -1.
    pub(in crate::foreign) fn sign(&mut self, key: &'static str, found: &mut Found<'_>) -> i8 {
        let Some(value) = self.needed(key, found) else { return 1 };
        match value.whole() {
            Some(1) => 1,
            Some(-1) => -1,
            _ => {
                let what = format!("'{key}' of {} is {}", self.what, value.print(None));
                found.limited("foreign/value", value.line, what, "1 or -1".to_owned());
                1
            }
        }
    }

    /// `true` or `false`, 1 or 0.
    pub(in crate::foreign) fn flag(&mut self, key: &'static str, found: &mut Found<'_>) -> bool {
        let Some(value) = self.needed(key, found) else { return false };
        match (&value.kind, value.whole()) {
            (Kind::Bool(flag), _) => *flag,
            (_, Some(number @ 0..=1)) => number == 1,
            _ => {
                let what = format!("'{key}' of {} is {}", self.what, value.print(None));
                found.limited("foreign/value", value.line, what, "true or false".to_owned());
                false
            }
        }
    }

    /// A string that must be there.
    pub(in crate::foreign) fn text(&mut self, key: &'static str, found: &mut Found<'_>) -> &'a str {
        let Some(value) = self.needed(key, found) else { return "" };
        match &value.kind {
            Kind::Text(text) => text,
            _ => {
                found.add("foreign/value", value.line, format!("'{key}' of {} must be a string", self.what));
                ""
            }
        }
    }

    /// Names the keys that nobody asked for, and those that repeat though only `repeats` may.
    pub(in crate::foreign) fn finish(self, repeats: &[&str], found: &mut Found<'_>) {
        for (index, (key, value)) in self.entries.iter().enumerate() {
            if !self.asked.contains(&key.as_str()) {
                let problem = found.add("foreign/key", value.line, format!("{} has an unknown key '{key}'", self.what));
                if let (Some(problem), Some(near)) = (problem, nearest(key, self.asked.iter().copied())) {
                    problem.help = Some(format!("did you mean '{near}'?"));
                }
            } else if !repeats.contains(&key.as_str()) && self.entries[..index].iter().any(|(name, _)| name == key) {
                found.add("foreign/key", value.line, format!("{} repeats key '{key}'", self.what));
            }
        }
    }
}
