//! What went wrong for the user: typed problems with place, limit and next step, many at once.
//!
//! Three kinds of error are kept apart: our own bugs panic, modelled faults of a chip are counted, and the
//! user's faults are [`Problems`].

use std::fmt;

/// Whose fault, and with which exit code the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Input that is malformed, inconsistent or out of range (exit 1).
    Invalid,
    /// A correct network that the chip cannot hold (exit 3).
    Misfit,
    /// A verification that failed, or a fault under `--strict` (exit 4).
    Verification,
}

impl Kind {
    /// The exit code of the program for this kind.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Invalid => 1,
            Self::Misfit => 3,
            Self::Verification => 4,
        }
    }
}

/// One problem: what, where, the limit, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault it is.
    pub kind: Kind,
    /// Stable code for scripts and tests, `room/what`, such as `image/checksum`.
    pub code: &'static str,
    /// File with line and column, node, population or core; empty where there is none.
    pub place: String,
    /// What is wrong, with the offending value.
    pub what: String,
    /// The limit that was violated, where there is one.
    pub limit: Option<String>,
    /// The next step.
    pub help: Option<String>,
}

impl Problem {
    /// Invalid input (exit 1).
    pub fn invalid(code: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, place, what)
    }

    /// Does not fit on the chip (exit 3).
    pub fn misfit(code: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Kind::Misfit, code, place, what)
    }

    /// Failed verification (exit 4).
    pub fn verification(code: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Kind::Verification, code, place, what)
    }

    fn new(kind: Kind, code: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind, code, place: place.into(), what: what.into(), limit: None, help: None }
    }

    /// With the limit that was violated.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<String>) -> Self {
        self.limit = Some(limit.into());
        self
    }

    /// With the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.what)?;
        if let Some(limit) = &self.limit {
            write!(f, "\n  limit: {limit}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// One or more problems; the error type of every fallible public function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Ok(value)` where `found` is empty, else all of it.
    pub fn check<T>(found: Vec<Problem>, value: T) -> Result<T> {
        if found.is_empty() { Ok(value) } else { Err(Self(found)) }
    }

    /// All problems, at least one.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.0
    }

    /// The exit code of the first problem.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0[0].kind.exit_code()
    }

    /// Whether a problem with this code is among them.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|problem| problem.code == code)
    }

    /// The problems, to be joined with others.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Result of every function that reads what a user wrote.
pub type Result<T> = std::result::Result<T, Problems>;

/// The candidate nearest to `word`, for "did you mean"; none where all are far off.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 2)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_place_limit_and_help() {
        let problem = Problem::misfit("fit/axons", "population 'conv2'", "needs 5120 axons per core")
            .limit("4096 axons per core on chip 'loihi'")
            .help("use --partition with smaller slices");
        assert_eq!(
            problem.to_string(),
            "error[fit/axons]: population 'conv2': needs 5120 axons per core\n  limit: 4096 axons per core on chip 'loihi'\n  help: use --partition with smaller slices"
        );
        assert_eq!(Problems::from(problem).exit_code(), 3);
    }

    #[test]
    fn suggests_the_nearest_word_only_when_near() {
        assert_eq!(nearest("neurons_per_cor", ["axons_in", "neurons_per_core"]), Some("neurons_per_core"));
        assert_eq!(nearest("zzzzzz", ["axons_in", "neurons_per_core"]), None);
    }
}
