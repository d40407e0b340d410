//! Where the program writes: results to stdout, narration to stderr, files only where there are none yet.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::args::{Color, Common};
use crate::compile::Log;
use crate::diag::{Problem, Problems, Result};
use crate::report;

/// Version of every `--json` object; raised when a key changes its meaning or goes.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// The terminal and the wishes about it.
pub(super) struct Console {
    json: bool,
    verbose: u8,
    quiet: bool,
    color: bool,
    terminal: bool,
}

impl Console {
    pub(super) fn new(common: &Common) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        let level = match (common.quiet, common.verbose) {
            (true, _) => tracing::Level::ERROR,
            (false, 0) => tracing::Level::WARN,
            (false, _) => tracing::Level::INFO,
        };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(color)
            .without_time()
            .with_target(false)
            .init();
        Self { json: common.json, verbose: common.verbose, quiet: common.quiet, color, terminal }
    }

    /// Whether results are to be JSON.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Whether a progress bar makes sense.
    pub(super) fn shows_progress(&self) -> bool {
        self.terminal && !self.quiet
    }

    /// Columns for tables on stdout.
    pub(super) fn width(&self) -> u16 {
        if std::io::stdout().is_terminal() { comfy_table::Table::new().width().unwrap_or(120) } else { 120 }
    }

    /// A table for stdout.
    pub(super) fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> String {
        report::table(self.width(), header, &[], rows)
    }

    /// Prints a result. A closed pipe is no error: the reader has seen enough.
    pub(super) fn result(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = stdout.write_all(b"\n");
        }
    }

    /// Prints the one JSON object of a command, with its name and the schema version in front.
    pub(super) fn object(&self, command: &str, mut value: Value) {
        if let Some(object) = value.as_object_mut() {
            object.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
            object.insert("command".to_owned(), json!(command));
        }
        self.result(&serde_json::to_string_pretty(&value).unwrap_or_default());
    }

    /// Tells something on stderr, unless quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Tells the lines of a compilation: warnings always, the others at `-v`.
    pub(super) fn log(&self, log: &Log) {
        for line in &log.lines {
            if line.warning {
                tracing::warn!("{}: {}", line.pass, line.text);
            } else {
                tracing::info!("{:9} {}", line.pass, line.text);
            }
        }
        if self.verbose == 0 && !self.quiet && log.lines.iter().any(|line| line.warning) {
            self.say("(-v shows every pass)");
        }
    }

    /// Prints problems: text on stderr, and an object on stdout for scripts.
    pub(super) fn problems(&self, problems: &Problems) {
        for problem in problems.all() {
            let text = problem.to_string();
            if self.color {
                eprintln!("{}", text.replacen("error[", "\x1b[1;31merror\x1b[0m[", 1));
            } else {
                eprintln!("{text}");
            }
        }
        if self.json {
            let list: Vec<Value> = problems
                .all()
                .iter()
                .map(|problem| {
                    json!({
                        "code": problem.code,
                        "place": problem.place,
                        "what": problem.what,
                        "limit": problem.limit,
                        "help": problem.help,
                    })
                })
                .collect();
            self.object("error", json!({ "exit_code": problems.exit_code(), "problems": list }));
        }
    }
}

/// Refuses early where an output is in the way, before any work is done.
pub(super) fn must_not_exist(path: &Path, force: bool) -> Result<()> {
    if !force && path.exists() {
        return Err(Problem::invalid("cli/exists", path.display().to_string(), "it is there already")
            .help("choose another name or overwrite it with --force")
            .into());
    }
    Ok(())
}

/// Writes a file, making its folder; overwrites only with `force`.
pub(super) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    must_not_exist(path, force)?;
    make_folder_of(path)?;
    fs::write(path, bytes).map_err(|error| unwritable(path, &error))?;
    Ok(())
}

/// Makes the folder that a file is to stand in.
pub(super) fn make_folder_of(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

/// A file that could not be written, and why.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::invalid("cli/write", path.display().to_string(), error.to_string())
        .help("choose a folder that can be written to")
}

/// Reads a whole file of bytes.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let problem = Problem::invalid("cli/unreadable", path.display().to_string(), error.to_string());
        problem.help("name a file that is there").into()
    })
}

/// Reads a whole text file, `-` from stdin.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let read =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(path) };
    read.map_err(|error| {
        Problem::invalid("cli/unreadable", path.display().to_string(), error.to_string())
            .help("name a text file that is there, or - for standard input")
            .into()
    })
}
