//! Placement strategies by name: what there is, which parameters each takes, and how a line such as
//! `anneal,start=hilbert,hot=0.5` is read.

use std::fmt;
use std::str::FromStr;

use crate::diag::{Problem, Problems, Result};
use crate::parameters::{Owner, Parameter, Values, parameter, unknown};

/// One strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Whether it improves a start (`start=NAME`).
    pub improves: bool,
    /// Its other parameters.
    pub parameters: &'static [Parameter],
}

/// One that needs no start.
const fn start(name: &'static str, parameters: &'static [Parameter]) -> Known {
    Known { name, improves: false, parameters }
}

const ANNEAL: [Parameter; 8] = [
    parameter("hot", 1.0, (0.0, 100.0), "first temperature in mean swap deltas"),
    parameter("cold", 0.02, (0.0, 10.0), "last temperature in mean edge weights"),
    parameter("window", 0.0, (0.0, 65_536.0), "first window in hops; 0: the whole mesh"),
    parameter("moves", 0.0, (0.0, 1e12), "proposals; 0: as many as fit the time limit"),
    parameter("alpha", 1.0, (0.0, 1e6), "weight of traffic times hops"),
    parameter("beta", 0.0, (0.0, 1e6), "weight of the load of the link that carries most"),
    parameter("gamma", 0.0, (0.0, 1e6), "weight of traffic times chip edges crossed"),
    parameter("chip", 0.0, (0.0, 65_535.0), "side of a chip in cores; 0: one chip"),
];

const EFFORT: Parameter = parameter("effort", 300.0, (1.0, 1e6), "proposals a cluster and level of multilevel");

/// Every strategy; what each does stands at the head of its file.
pub const KNOWN: [Known; 14] = [
    start("auto", &[]),
    start("row-major", &[]),
    start("zigzag", &[]),
    start("random", &[]),
    start("hilbert", &[]),
    start("hilbert-force", &[parameter("share", 0.3, (0.001, 1.0), "share of the tense pairs swapped a round")]),
    start("spectral", &[]),
    start("bisection", &[parameter("passes", 4.0, (0.0, 100.0), "refinement passes a cut")]),
    start("greedy", &[]),
    start(
        "pso",
        &[
            parameter("particles", 50.0, (2.0, 10_000.0), "size of the swarm"),
            parameter("rounds", 200.0, (1.0, 1e6), "rounds"),
        ],
    ),
    start(
        "multilevel",
        &[EFFORT, parameter("warm", 0.3, (0.0, 10.0), "first temperature of a level in mean swap deltas")],
    ),
    start("best", &[EFFORT]),
    Known { name: "anneal", improves: true, parameters: &ANNEAL },
    Known {
        name: "tabu",
        improves: true,
        parameters: &[parameter("iterations", 0.0, (0.0, 1e12), "swaps a chain; 0: as many as fit the time limit")],
    },
];

/// A strategy with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// What it is.
    pub known: &'static Known,
    /// Start of one that improves.
    pub start: Option<&'static Known>,
    values: Values,
}

impl Strategy {
    /// Value of a parameter: given, else its default. The key must be one of the strategy's.
    #[must_use]
    pub fn value(&self, key: &str) -> f64 {
        self.values.value(self.known.parameters, key)
    }

    /// A strategy by name with default parameters.
    fn named(known: &'static Known) -> Self {
        Self { known, start: None, values: Values::default() }
    }

    /// The start as a strategy of its own.
    #[must_use]
    pub fn start(&self) -> Option<Self> {
        self.start.map(Self::named)
    }
}

fn known(name: &str) -> Result<&'static Known> {
    KNOWN.iter().find(|known| known.name == name).ok_or_else(|| {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        unknown("place/strategy", name, "placement", &names).into()
    })
}

impl FromStr for Strategy {
    type Err = Problems;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',').map(str::trim);
        let mut strategy = Self::named(known(parts.next().unwrap_or_default())?);
        for part in parts.filter(|part| !part.is_empty()) {
            strategy.set(part)?;
        }
        Ok(strategy)
    }
}

impl Strategy {
    fn set(&mut self, part: &str) -> Result<()> {
        let others: &[&str] = if self.known.improves { &["start"] } else { &[] };
        let owner = Owner { code: "place/parameter", name: self.known.name, others };
        let (key, value) = owner.split(part)?;
        if key != "start" || !self.known.improves {
            return self.values.set(self.known.parameters, &owner, key, value);
        }
        let start = known(value)?;
        if start.improves || start.name == "auto" {
            let place = format!("strategy '{}'", self.known.name);
            return Err(Problem::invalid("place/parameter", place, format!("'{value}' is no start"))
                .help("start from one that does not itself start from another, such as hilbert or multilevel")
                .into());
        }
        self.start = Some(start);
        Ok(())
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.known.name)?;
        if let Some(start) = self.start {
            write!(f, ",start={}", start.name)?;
        }
        write!(f, "{}", self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_shown_and_refused_with_a_hint() {
        let strategy: Strategy = "anneal,hot=0.5,start=hilbert".parse().expect("fine");
        assert_eq!(strategy.to_string(), "anneal,start=hilbert,hot=0.5");
        assert_eq!((strategy.value("hot"), strategy.value("cold")), (0.5, 0.02));
        let tell = |text: &str| text.parse::<Strategy>().expect_err(text).to_string();
        assert!(tell("anneel").starts_with("error[place/strategy]: strategy 'anneel': "));
        assert!(tell("anneel").contains("did you mean 'anneal'?"));
        assert!(tell("anneal,hott=1").contains("did you mean 'hot'?"));
        assert!(tell("anneal,hot=-1").contains("0 to 100"));
        assert!(tell("hilbert,start=zigzag").contains("it has none"));
        assert!(tell("anneal,start=tabu").contains("no start"));
    }
}
