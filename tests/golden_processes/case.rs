//! A recorded process: its description, its arrays, and where a run of ours first differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::npz_support::{self, Array, Values};

/// What a run of ours gives, by the name of the recorded array.
pub(crate) type Found = BTreeMap<String, Values>;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) process: String,
    pub(crate) steps: usize,
    pub(crate) parameters: Value,
    pub(crate) arrays: BTreeMap<String, Array>,
}

/// All cases of a folder, by name.
pub(crate) fn read_all(folder: &Path) -> Vec<Case> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().filter_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Option<Case> {
    let text = std::fs::read_to_string(path).expect("a readable case");
    let text: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (text["format"] == "lava-process-golden/1").then(|| Case {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        process: text["process"].as_str().expect("a process").to_owned(),
        steps: text["steps"].as_u64().expect("a number of steps") as usize,
        parameters: text["parameters"].clone(),
        arrays: npz_support::read(&path.with_extension("npz")),
    })
}

impl Case {
    pub(crate) fn array(&self, key: &str) -> &Array {
        self.arrays.get(key).unwrap_or_else(|| panic!("{}: no array {key}", self.name))
    }

    /// An input port in one step.
    pub(crate) fn input(&self, port: &str, step: usize) -> Vec<i32> {
        let array = self.array(&format!("in.{port}"));
        let width = array.whole().len() / self.steps;
        array.whole()[step * width..(step + 1) * width].iter().map(|&value| value as i32).collect()
    }

    /// Values of an input port in a step.
    pub(crate) fn width(&self, port: &str) -> usize {
        self.array(&format!("in.{port}")).whole().len() / self.steps
    }

    /// The array that a parameter names, `npz:par.weights`.
    pub(crate) fn parameter_array(&self, key: &str) -> &Array {
        let named = self.parameters[key].as_str().and_then(|text| text.strip_prefix("npz:"));
        self.array(named.unwrap_or_else(|| panic!("{}: parameter {key} names no array", self.name)))
    }

    /// A parameter of whole numbers, one for all or one each; `absent` where it is not there.
    pub(crate) fn numbers(&self, key: &str, absent: i64) -> Vec<i64> {
        let one = |value: &Value| {
            let real = value.as_bool().map(|yes| f64::from(u8::from(yes))).or_else(|| value.as_f64());
            let real = real.unwrap_or_else(|| panic!("{}: {key} is {value}", self.name));
            assert!(real.fract() == 0.0, "{}: {key} is {value}, not whole", self.name);
            real as i64
        };
        match &self.parameters[key] {
            Value::Null => vec![absent],
            Value::Array(values) => values.iter().map(one).collect(),
            Value::String(_) => self.parameter_array(key).whole().to_vec(),
            value => vec![one(value)],
        }
    }

    pub(crate) fn number(&self, key: &str, absent: i64) -> i64 {
        let numbers = self.numbers(key, absent);
        assert!(numbers.iter().all(|number| *number == numbers[0]), "{}: {key} is one number", self.name);
        numbers[0]
    }

    /// Every recorded output and state against ours; how many values are equal.
    pub(crate) fn compare(&self, found: &Found) -> Result<usize, String> {
        let recorded = || self.arrays.iter().filter(|(key, _)| key.starts_with("out.") || key.starts_with("state."));
        assert!(recorded().next().is_some(), "{}: nothing is recorded", self.name);
        let mut first: Option<(usize, String)> = None;
        let mut equal = 0;
        for (key, theirs) in recorded() {
            let ours = found.get(key).ok_or_else(|| format!("{}: we do not give {key}", self.name))?;
            let (at, size, what) = match (ours, &theirs.values) {
                (Values::Whole(ours), Values::Whole(theirs)) => unequal(ours, theirs),
                (Values::Real(ours), Values::Real(theirs)) => unequal(ours, theirs),
                _ => return Err(format!("{}: {key} is of another type", self.name)),
            };
            let width = (size / self.steps).max(1);
            match at {
                None => equal += size,
                Some(at) if first.as_ref().is_none_or(|(earlier, _)| at / width < *earlier) => {
                    let (step, place) = (at / width, at % width);
                    first = Some((step, format!("step {}, {key}[{place}]: {what}", step + 1)));
                }
                Some(_) => {}
            }
        }
        first.map_or(Ok(equal), |(_, what)| Err(format!("{}: {what}", self.name)))
    }
}

/// Where two recordings first differ, their size, and the two values there.
fn unequal<T: PartialEq + std::fmt::Display>(ours: &[T], theirs: &[T]) -> (Option<usize>, usize, String) {
    if ours.len() != theirs.len() {
        return (Some(0), theirs.len(), format!("{} values where {} are recorded", ours.len(), theirs.len()));
    }
    let at = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs);
    let what = at.map_or(String::new(), |at| format!("{} where {} is recorded", ours[at], theirs[at]));
    (at, theirs.len(), what)
}
