//! Finds the line and column of a JSON path in text that is known to be valid JSON.

use super::{Fault, Step};
use crate::diag::Problem;

/// The fault as a problem at `file:line:column`.
pub(super) fn place(fault: Fault, text: &str, file: &str) -> Problem {
    let (line, column) = locate(text, &fault.path);
    let mut place = format!("{file}:{line}:{column}");
    let path: String = fault
        .path
        .iter()
        .map(|step| match step {
            Step::Key(key) => format!("/{key}"),
            Step::Index(index) => format!("/{index}"),
        })
        .collect();
    if !path.is_empty() {
        place = format!("{place} ({path})");
    }
    if let Some(within) = fault.within {
        place = format!("{place}, {within}");
    }
    let mut problem = Problem::invalid(fault.code.unwrap_or("graph/json"), place, fault.what);
    (problem.limit, problem.help) = (fault.limit, fault.help);
    problem
}

/// One-based line and column of the value (of its key, in an object) that `path` leads to; where the path ends
/// in something missing, of what holds it.
fn locate(text: &str, path: &[Step]) -> (usize, usize) {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.space();
    let mut found = scan.at;
    for step in path {
        let Some(at) = scan.enter(step) else { break };
        found = at;
    }
    let before = &text.as_bytes()[..found];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (before.iter().filter(|&&byte| byte == b'\n').count() + 1, column)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    /// Moves to the value behind `step` inside the container at hand; returns where to point.
    fn enter(&mut self, step: &Step) -> Option<usize> {
        let keyed = self.peek() == b'{';
        if keyed != matches!(step, Step::Key(_)) {
            return None;
        }
        self.at += 1;
        for index in 0.. {
            self.space();
            if matches!(self.peek(), b'}' | b']' | 0) {
                return None;
            }
            let start = self.at;
            let mut hit = *step == Step::Index(index);
            if keyed {
                self.skip();
                let key: Option<String> = serde_json::from_slice(&self.bytes[start..self.at]).ok();
                hit = key.is_some_and(|key| *step == Step::Key(key));
                self.space();
                self.at += 1; // the colon
                self.space();
            }
            if hit {
                return Some(start);
            }
            self.skip();
            self.space();
            self.at += usize::from(self.peek() == b',');
        }
        None
    }

    /// Passes over one value, nested or not.
    fn skip(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                0 => return,
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                _ => {
                    while !matches!(self.peek(), b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' | 0) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while !matches!(self.peek(), b'"' | 0) {
            self.at += 1 + usize::from(self.peek() == b'\\');
        }
        self.at = (self.at + 1).min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_keys_and_items() {
        let text = "{\n  \"a\": [1, {\"b\\\"c\": [2, 3]}],\n  \"é\": 1, \"d\": null\n}";
        let key = |k: &str| Step::Key(k.to_owned());
        assert_eq!(locate(text, &[]), (1, 1));
        assert_eq!(locate(text, &[key("a"), Step::Index(1), key("b\"c"), Step::Index(1)]), (2, 25));
        assert_eq!(locate(text, &[key("d")]), (3, 11));
        assert_eq!(locate(text, &[key("a"), key("x")]), (2, 3));
    }
}
