//! Numeric parameters of named strategies: a line such as `anneal,hot=0.5` read against a table, with the nearest
//! name where one is wrong.

use std::fmt;

use crate::diag::{Problem, Result, nearest};

/// One parameter of a strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its key.
    pub key: &'static str,
    /// Value where none is given.
    pub default: f64,
    /// Smallest and largest value.
    pub range: (f64, f64),
    /// What it is.
    pub about: &'static str,
}

/// A parameter with its default and range.
#[must_use]
pub const fn parameter(key: &'static str, default: f64, range: (f64, f64), about: &'static str) -> Parameter {
    Parameter { key, default, range, about }
}

/// The parameters that were given, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values(Vec<(&'static str, f64)>);

/// Whose parameters they are: what problems are called and where they stand.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Code of the problems, such as `place/parameter`.
    pub code: &'static str,
    /// Name of the strategy.
    pub name: &'a str,
    /// Keys that are read elsewhere, such as `start`.
    pub others: &'a [&'static str],
}

impl Owner<'_> {
    fn place(&self) -> String {
        format!("strategy '{}'", self.name)
    }

    /// `KEY=VALUE` as its two sides.
    ///
    /// # Errors
    /// Where there is no `=`.
    pub fn split<'t>(&self, part: &'t str) -> Result<(&'t str, &'t str)> {
        part.split_once('=').map(|(key, value)| (key.trim(), value.trim())).ok_or_else(|| {
            Problem::invalid(self.code, self.place(), format!("'{part}' is no KEY=VALUE"))
                .help("write NAME,KEY=VALUE,KEY=VALUE without blanks")
                .into()
        })
    }
}

impl Values {
    /// Value of a parameter: given, else its default in `table`, else 0.
    #[must_use]
    pub fn value(&self, table: &[Parameter], key: &str) -> f64 {
        let given = self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        let default = || table.iter().find(|p| p.key == key).map_or(0.0, |p| p.default);
        given.unwrap_or_else(default)
    }

    /// Reads one value.
    ///
    /// # Errors
    /// Unknown keys with the nearest known one, values out of range.
    pub fn set(&mut self, table: &'static [Parameter], owner: &Owner<'_>, key: &str, value: &str) -> Result<()> {
        let Some(parameter) = table.iter().find(|p| p.key == key) else {
            let mut keys: Vec<&str> = table.iter().map(|p| p.key).collect();
            keys.extend(owner.others);
            let help = nearest(key, keys.iter().copied())
                .map_or_else(|| "leave it out".to_owned(), |near| format!("did you mean '{near}'?"));
            let limit = if keys.is_empty() { "it has none".to_owned() } else { keys.join(", ") };
            return Err(Problem::invalid(owner.code, owner.place(), format!("unknown parameter '{key}'"))
                .limit(limit)
                .help(help)
                .into());
        };
        let (low, high) = parameter.range;
        let number = value.parse::<f64>().ok().filter(|number| (low..=high).contains(number));
        let Some(number) = number else {
            return Err(Problem::invalid(owner.code, owner.place(), format!("{key} = '{value}'"))
                .limit(format!("{low} to {high}: {}", parameter.about))
                .help("give a number in this range")
                .into());
        };
        self.0.retain(|(known, _)| *known != parameter.key);
        self.0.push((parameter.key, number));
        self.0.sort_by_key(|(key, _)| *key);
        Ok(())
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(key, value)| write!(f, ",{key}={value}"))
    }
}

/// The problem of a strategy that does not exist, with the nearest name.
#[must_use]
pub fn unknown(code: &'static str, name: &str, kind: &str, names: &[&str]) -> Problem {
    let help = nearest(name, names.iter().copied())
        .map_or_else(|| "choose one of these".to_owned(), |near| format!("did you mean '{near}'?"));
    Problem::invalid(code, format!("strategy '{name}'"), format!("no {kind} strategy has this name"))
        .limit(names.join(", "))
        .help(help)
}
