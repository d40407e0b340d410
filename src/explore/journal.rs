//! The journal: one line for each candidate that is done, written before it counts. A run that was killed finds what it
//! did; a line that was cut off in the writing is dropped and done again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::row::Row;
use crate::diag::{Problem, Problems, Result};
use crate::digest::Digest;

/// An open journal.
pub(super) struct Journal {
    file: File,
    path: String,
}

impl Journal {
    /// Opens the journal of a sweep and gives the rows that are done, the latest of each candidate.
    ///
    /// # Errors
    /// `explore/journal` where it belongs to another sweep or cannot be read or written.
    pub(super) fn open(path: &Path, sweep: Digest, version: &str) -> Result<(Self, BTreeMap<String, Row>)> {
        let name = path.display().to_string();
        let failed = |error: &std::io::Error| unusable(&name, &error.to_string());
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(&error)),
        };
        // What follows the last line break was cut off.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let head = format!("{{\"sweep\":\"{sweep}\",\"version\":\"{version}\"}}");
        let mut lines = text[..whole].lines();
        let mut done = BTreeMap::new();
        match lines.next() {
            None => {}
            Some(first) if first == head => {
                for (number, line) in lines.enumerate() {
                    let row: Row = serde_json::from_str(line)
                        .map_err(|error| unusable(&format!("{name}:{}", number + 2), &error.to_string()))?;
                    done.insert(row.key.clone(), row);
                }
            }
            Some(_) => {
                return Err(Problem::invalid("explore/journal", &name, "it belongs to another sweep file or version")
                    .help("choose another folder with --out, or start anew with --force")
                    .into());
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| failed(&error))?;
        file.set_len(whole as u64).map_err(|error| failed(&error))?;
        if whole == 0 {
            writeln!(file, "{head}").map_err(|error| failed(&error))?;
        }
        Ok((Self { file, path: name }, done))
    }

    /// Notes a row that is done.
    ///
    /// # Errors
    /// `explore/journal` where it cannot be written.
    pub(super) fn note(&mut self, row: &Row) -> Result<()> {
        // A row is plain data: it always has a text.
        let line = serde_json::to_string(row).unwrap_or_default() + "\n";
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|error| unusable(&self.path, &error.to_string()))
    }
}

fn unusable(path: &str, error: &str) -> Problems {
    Problem::invalid("explore/journal", path, format!("cannot be used: {error}"))
        .help("check the folder, or start anew with --force")
        .into()
}
