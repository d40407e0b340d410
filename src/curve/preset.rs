//! A mesh as a file: TOML, every key needed, none unknown.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::network::RouterSpec;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::emu::mesh::clocked::{Arbitration, QueuedMeshSpec, RegisteredMeshSpec};

/// The format of mesh files that this program reads.
const FORMAT: &str = "1";

/// Files within the program.
const BUILTIN: [(&str, &str); 2] = [
    ("queued", include_str!("../../isa/meshes/queued.toml")),
    ("registered", include_str!("../../isa/meshes/registered.toml")),
];

/// Largest file that is read.
const LARGEST: u64 = 1 << 20;

/// A mesh and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// A line about it.
    pub title: String,
    /// Its routers.
    pub mesh: RouterSpec,
}

/// Names of the meshes within the program.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// A built-in mesh or a mesh file, with the keys of `set` changed.
///
/// # Errors
/// `mesh/...` with all that is wrong in the file.
pub fn load(name: &str, set: &[(String, String)]) -> Result<Preset> {
    if let Some((_, text)) = BUILTIN.iter().find(|(known, _)| *known == name) {
        return read(text, name, set);
    }
    let unreadable = |error: String| {
        let problem = Problem::invalid("mesh/file", name, format!("is no built-in mesh and cannot be read: {error}"));
        let known: Vec<&str> = names().collect();
        problem.limit(format!("built in: {}", known.join(", "))).help("give one of these names or a mesh file")
    };
    let size = std::fs::metadata(Path::new(name)).map_err(|error| unreadable(error.to_string()))?.len();
    if size > LARGEST {
        return Err(Problem::invalid("mesh/file", name, format!("has {size} bytes")).limit("1 MiB").into());
    }
    let text = std::fs::read_to_string(name).map_err(|error| unreadable(error.to_string()))?;
    read(&text, name, set)
}

/// A value as text, and where it stands.
#[derive(Debug, Clone)]
struct Entry {
    value: String,
    place: String,
}

/// Keys that are still to be read, and what is wrong.
struct Reader<'a> {
    file: &'a str,
    entries: BTreeMap<String, Entry>,
    asked: Vec<&'static str>,
    found: Vec<Problem>,
}

fn read(text: &str, file: &str, set: &[(String, String)]) -> Result<Preset> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        Problem::invalid("mesh/syntax", format!("{file}:{line}"), error.message().trim().to_owned())
    })?;
    let mut reader = Reader { file, entries: BTreeMap::new(), asked: Vec::new(), found: Vec::new() };
    for (key, value) in table {
        let starts =
            |line: &str| line.trim_start().strip_prefix(&key).is_some_and(|rest| rest.trim_start().starts_with('='));
        let line = 1 + text.lines().position(starts).unwrap_or(0);
        let place = format!("{file}:{line}");
        let value = match value {
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            _ => {
                let problem =
                    Problem::invalid("mesh/type", place, format!("'{key}' has a value of a kind that no key has"));
                reader.found.push(problem.limit("a whole number, true, false or a string"));
                continue;
            }
        };
        reader.entries.insert(key, Entry { value, place });
    }
    for (key, value) in set {
        reader.entries.insert(key.clone(), Entry { value: value.clone(), place: format!("--set {key}") });
    }
    reader.preset()
}

impl Reader<'_> {
    fn preset(mut self) -> Result<Preset> {
        let format = self.text("format");
        if format.as_ref().is_some_and(|format| format.value != FORMAT) {
            let entry = format.unwrap_or_else(|| unreachable!("is there"));
            let problem = Problem::invalid("mesh/format", entry.place, format!("format {}", entry.value));
            self.found.push(problem.limit(FORMAT));
        }
        let name = self.text("name").map(|entry| entry.value).unwrap_or_default();
        let title = self.text("title").map(|entry| entry.value).unwrap_or_default();
        let router = self.choice("router", &["queued", "registered"]);
        let mesh = match router {
            Some(0) => Some(RouterSpec::Queued(self.queued())),
            Some(_) => Some(RouterSpec::Registered(RegisteredMeshSpec {
                width: self.number("width"),
                height: self.number("height"),
                depth: self.number("depth"),
            })),
            None => None,
        };
        if mesh.is_some() {
            self.unknown();
        }
        match (mesh, self.found.is_empty()) {
            (Some(mesh), true) => mesh.check().map(|()| Preset { name, title, mesh }),
            _ => Err(Problems::check(self.found, ()).err().unwrap_or_else(|| unreachable!("something was found"))),
        }
    }

    fn queued(&mut self) -> QueuedMeshSpec {
        QueuedMeshSpec {
            width: self.number("width"),
            height: self.number("height"),
            vcs: self.number("vcs"),
            depth: self.number("depth"),
            speculative: self.choice("speculative", &["false", "true"]) == Some(1),
            routing_delay: self.number("routing_delay"),
            vc_alloc_delay: self.number("vc_alloc_delay"),
            sw_alloc_delay: self.number("sw_alloc_delay"),
            crossbar_delay: self.number("crossbar_delay"),
            link_delay: self.number("link_delay"),
            credit_delay: self.number("credit_delay"),
            iterations: self.number("iterations"),
            arbitration: match self.choice("arbitration", &["round-robin", "fixed"]) {
                Some(1) => Arbitration::Fixed,
                _ => Arbitration::RoundRobin,
            },
        }
    }

    fn text(&mut self, key: &'static str) -> Option<Entry> {
        self.asked.push(key);
        let entry = self.entries.remove(key);
        if entry.is_none() {
            self.found.push(Problem::invalid("mesh/missing", self.file, format!("has no key '{key}'")));
        }
        entry
    }

    fn number(&mut self, key: &'static str) -> u32 {
        let Some(Entry { value, place }) = self.text(key) else { return 0 };
        value.parse().unwrap_or_else(|_| {
            let problem = Problem::invalid("mesh/number", place, format!("'{key}' is {value}"));
            self.found.push(problem.limit("a whole number that is not negative"));
            0
        })
    }

    fn choice(&mut self, key: &'static str, names: &[&'static str]) -> Option<usize> {
        let Entry { value, place } = self.text(key)?;
        let number = names.iter().position(|name| *name == value);
        if number.is_none() {
            let problem = Problem::invalid("mesh/choice", place, format!("'{key}' is {value}"));
            let problem = problem.limit(names.join(" or "));
            self.found.push(match nearest(&value, names.iter().copied()) {
                Some(name) => problem.help(format!("did you mean {name}?")),
                None => problem,
            });
        }
        number
    }

    fn unknown(&mut self) {
        for (key, entry) in std::mem::take(&mut self.entries) {
            let problem = Problem::invalid("mesh/key", entry.place, format!("unknown key '{key}'"));
            self.found.push(match nearest(&key, self.asked.iter().copied()) {
                Some(name) => problem.help(format!("did you mean {name}?")),
                None => problem.help(format!("keys: {}", self.asked.join(", "))),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_meshes_are_what_they_say() {
        let queued = load("queued", &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(queued.mesh, RouterSpec::Queued(QueuedMeshSpec::booksim(8, 8, 1, 8, true)));
        let registered = load("registered", &[("depth".to_owned(), "2".to_owned())]);
        let registered = registered.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(registered.mesh, RouterSpec::Registered(RegisteredMeshSpec { width: 8, height: 8, depth: 2 }));
        assert!(names().all(|name| load(name, &[]).is_ok_and(|preset| preset.name == name)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let text = BUILTIN[1].1;
        for (from, to, code, place) in [
            ("depth = 16", "depht = 16", "mesh/key", "mesh.toml:11"),
            ("depth = 16", "", "mesh/missing", "mesh.toml"),
            ("depth = 16", "depth = -1", "mesh/number", "mesh.toml:11"),
            ("depth = 16", "depth = 0", "mesh/registered", "depth"),
            ("depth = 16", "depth = 1.5", "mesh/type", "mesh.toml:11"),
            ("depth = 16", "depth = ", "mesh/syntax", "mesh.toml:11"),
            ("width = 8", "width = 70000", "mesh/registered", "width"),
            ("format = 1", "format = 2", "mesh/format", "mesh.toml:4"),
            ("\"registered\"\n\n", "\"registred\"\n\n", "mesh/choice", "mesh.toml:7"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let problems = read(&changed, "mesh.toml", &[]).map(|preset| preset.name).expect_err(to);
            let named = problems.all().iter().any(|problem| problem.code == code && problem.place == place);
            assert!(named, "{to}: {problems}");
        }
    }
}
