//! The assembler: text to a [`Program`], all errors with line and column.
//!
//! ```text
//! ; leaky integrate-and-fire
//! state v: s24
//! param decay: u12
//! param threshold: s24 = 640
//! const SHIFT = 12
//! input current
//! output spikes
//!
//!     ld     r0, v
//!     ldp    r1, decay
//!     mulshz r0, r0, r1, SHIFT
//!     ...
//!     jn     quiet
//!     spike  spikes
//! quiet:
//!     st     v, r0
//! ```
//!
//! Declarations stand before the code. Numbers are expressions over constants: `+ - * << >> & |`, parentheses,
//! decimal, `0x` and `0b`.

mod expression;
mod line;
mod statement;

use std::collections::BTreeMap;

use self::line::Line;
use super::program::Program;
use crate::diag::{Problem, Problems, Result};

/// A source file larger than this is not read.
const MOST_BYTES: usize = 1 << 20;

/// What is known while a file is assembled.
#[derive(Debug, Default)]
struct Assembler {
    program: Program,
    constants: BTreeMap<String, i64>,
    /// Where names were declared, for duplicates: line number.
    declared: BTreeMap<String, usize>,
    labels: BTreeMap<String, usize>,
    /// Jumps to labels: (instruction, label, place).
    jumps: Vec<(usize, String, String)>,
    /// Place of each instruction.
    places: Vec<String>,
    problems: Vec<Problem>,
}

/// Assembles `text`; `file` names it in errors.
///
/// # Errors
/// `isa/...` with `file:line:column` for everything that is wrong, all at once.
pub fn assemble(text: &str, file: &str) -> Result<Program> {
    if text.len() > MOST_BYTES {
        let what = format!("the file has {} bytes", text.len());
        return Err(Problem::invalid("isa/size", file, what).limit(format!("{MOST_BYTES} bytes")).into());
    }
    let mut assembler = Assembler::default();
    for (index, text) in text.lines().enumerate() {
        assembler.line(&Line::new(file, index + 1, text));
    }
    assembler.resolve();
    if assembler.problems.is_empty() {
        let places = &assembler.places;
        assembler.problems = assembler.program.check(|at| places.get(at).map_or(file, String::as_str).to_owned());
    }
    Problems::check(assembler.problems, assembler.program)
}

impl Assembler {
    /// Labels become distances.
    fn resolve(&mut self) {
        let end = self.program.code.len();
        for (at, label, place) in std::mem::take(&mut self.jumps) {
            let Some(&target) = self.labels.get(&label) else {
                let mut problem = Problem::invalid("isa/label", place, format!("no label '{label}'"));
                if let Some(near) = crate::diag::nearest(&label, self.labels.keys().map(String::as_str)) {
                    problem = problem.help(format!("did you mean '{near}'?"));
                }
                self.problems.push(problem);
                continue;
            };
            let distance = target as i64 - at as i64 - 1;
            if distance < 1 {
                let what = format!("label '{label}' is not ahead of the next instruction");
                let limit = "jumps pass over 1 instruction or more and never go back";
                self.problems.push(
                    Problem::invalid("isa/jump", place, what)
                        .limit(limit)
                        .help("a program runs to its end once a tick: unroll the loop"),
                );
                continue;
            }
            debug_assert!(target <= end);
            if distance > 4_095 {
                let what = format!("label '{label}' is {distance} instructions away");
                self.problems.push(Problem::invalid("isa/jump", place, what).limit("4095 instructions"));
                continue;
            }
            self.program.code[at].imm = distance as i32;
        }
    }

    /// Takes a name, unless it has been taken.
    fn declare(&mut self, line: &Line<'_>, name: (usize, &str)) -> bool {
        if let Some(first) = self.declared.get(name.1) {
            let what = format!("'{}' is declared a second time (first in line {first})", name.1);
            self.problems.push(Problem::invalid("isa/duplicate", line.place(name.0), what).help("choose another name"));
            return false;
        }
        self.declared.insert(name.1.to_owned(), line.number);
        true
    }
}
