//! A recorded case: its description, its arrays, and where two recordings first differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use spikeloom::rule::{DRAW_BITS, Sign};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: Value,
    whole: BTreeMap<String, Vec<i64>>,
    real: BTreeMap<String, Vec<f64>>,
}

/// All cases of a folder with this format, by name.
pub(crate) fn read_all(folder: &Path, format: &str) -> Vec<Case> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| Case::read(path)).filter(|case| case.text["format"] == format).collect()
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable case");
        let mut case = Self {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            text: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            whole: BTreeMap::new(),
            real: BTreeMap::new(),
        };
        let path = path.with_extension("npz");
        let mut archive = npyz::npz::NpzArchive::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
        for name in names {
            let npy = archive.by_name(&name).expect("a readable array").expect("a listed array");
            assert_eq!(npy.order(), npyz::Order::C, "{name} is row by row");
            case.keep(name, npy);
        }
        case
    }

    fn keep<R: std::io::Read>(&mut self, name: String, npy: npyz::NpyFile<R>) {
        let mut npy = match npy.try_data::<f64>() {
            Ok(data) => {
                self.real.insert(name, data.map(|value| value.expect("a number")).collect());
                return;
            }
            Err(npy) => npy,
        };
        macro_rules! attempt {
            ($($kind:ty),*) => {
                $(npy = match npy.try_data::<$kind>() {
                    Ok(data) => {
                        let values = data.map(|value| i64::from(value.expect("a number")));
                        self.whole.insert(name, values.collect());
                        return;
                    }
                    Err(npy) => npy,
                };)*
            };
        }
        attempt!(i8, u8, i16, u16, i32, u32, bool);
        let data = npy.try_data::<i64>().unwrap_or_else(|_| panic!("{name} has an unexpected type"));
        self.whole.insert(name, data.map(|value| value.expect("a number")).collect());
    }

    pub(crate) fn number(&self, key: &str) -> i64 {
        self.text[key].as_i64().unwrap_or_else(|| panic!("{}: {key} is no whole number", self.name))
    }

    pub(crate) fn steps(&self) -> usize {
        self.number("steps") as usize
    }

    pub(crate) fn sources(&self) -> usize {
        self.number("n_pre") as usize
    }

    pub(crate) fn targets(&self) -> usize {
        self.number("n_post") as usize
    }

    pub(crate) fn array(&self, key: &str) -> &[i64] {
        self.whole.get(key).unwrap_or_else(|| panic!("{}: no array {key}", self.name))
    }

    /// Row of a step, counted from 0.
    pub(crate) fn row(&self, key: &str, step: usize, width: usize) -> &[i64] {
        &self.array(key)[step * width..(step + 1) * width]
    }

    /// A recorded uniform number as a whole one of [`DRAW_BITS`] bits: it is a multiple of 2^-53.
    pub(crate) fn draw(&self, key: &str, step: usize) -> u64 {
        let value = self.real.get(key).unwrap_or_else(|| panic!("{}: no array {key}", self.name))[step];
        to_draw(value)
    }

    pub(crate) fn sign(&self) -> Sign {
        match self.text["sign_mode"].as_str() {
            Some("mixed") => Sign::Mixed,
            Some("excitatory") => Sign::Excitatory,
            Some("inhibitory") => Sign::Inhibitory,
            other => panic!("{}: sign mode {other:?}", self.name),
        }
    }

    /// Every recorded field, step by step, against ours; how many values are equal.
    pub(crate) fn compare(&self, found: &BTreeMap<&str, Vec<i64>>) -> Result<usize, String> {
        let recorded: Vec<&str> = self.whole.keys().filter_map(|key| key.strip_prefix("expected.")).collect();
        assert!(!recorded.is_empty(), "{}: nothing is recorded", self.name);
        let mut first: Option<(usize, String)> = None;
        let mut equal = 0;
        for field in recorded {
            let theirs = self.array(&format!("expected.{field}"));
            let ours = found.get(field).unwrap_or_else(|| panic!("{}: we do not record {field}", self.name));
            assert_eq!(ours.len(), theirs.len(), "{}: sizes of {field}", self.name);
            let width = theirs.len() / self.steps();
            match ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs) {
                None => equal += theirs.len(),
                Some(at) if first.as_ref().is_none_or(|(earlier, _)| at / width < *earlier) => {
                    let (step, place) = (at / width, at % width);
                    let what = format!("step {}, {field}[{place}]: {} where {}", step + 1, ours[at], theirs[at]);
                    first = Some((step, what));
                }
                Some(_) => {}
            }
        }
        first.map_or(Ok(equal), |(_, what)| Err(format!("{}: {what}", self.name)))
    }
}

/// A number 0..=1 in multiples of 2^-53.
pub(crate) fn to_draw(value: f64) -> u64 {
    let scaled = value * (1_u64 << DRAW_BITS) as f64;
    assert!(scaled >= 0.0 && scaled.fract() == 0.0, "{value} is no multiple of 2^-53");
    scaled as u64
}
