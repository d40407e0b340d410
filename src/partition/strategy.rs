//! Partition strategies by name: what there is, which parameters each takes, and how a line such as
//! `multilevel,cycles=4` or `external,file=net.part` is read.

use std::fmt;
use std::str::FromStr;

use crate::diag::{Problem, Problems, Result};
use crate::parameters::{Owner, Parameter, Values, parameter, unknown};

/// One strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Keys whose values are text.
    pub texts: &'static [&'static str],
    /// Its numeric parameters.
    pub parameters: &'static [Parameter],
}

const MULTILEVEL: [Parameter; 9] = [
    parameter("starts", 6.0, (1.0, 1000.0), "starts by recursive bisection"),
    parameter("cycles", 2.0, (0.0, 1000.0), "V-cycles after each start"),
    parameter("combine", 16.0, (0.0, 1000.0), "recombinations of two good divisions"),
    parameter("effort", 100.0, (0.0, 1e6), "proposals a vertex and level of the annealing in a V-cycle; 0: none"),
    parameter("sweeps", 600.0, (0.0, 1e6), "proposals a neuron of the final annealing; 0: none"),
    parameter("heat", 0.1, (1e-4, 100.0), "hottest temperature of the annealing in mean changes of a move"),
    parameter("eliminate", 1.0, (0.0, 1.0), "whether cores are dissolved where other limits than neurons bind"),
    parameter(
        "slack",
        0.05,
        (0.0, 10.0),
        "cores beyond the fewest that may be used, as a share; only without axon limit",
    ),
    parameter(
        "balance",
        0.0,
        (0.0, 1000.0),
        "most neurons and synaptic events of a core in means of the fewest cores that neurons and memory need; 0: no cap",
    ),
];

const TILING: [Parameter; 1] =
    [parameter("slack", 0.1, (0.0, 10.0), "cores beyond the fewest of a layer that may save traffic, as a share")];

const METIS: [Parameter; 5] = [
    parameter("tries", 1.0, (1.0, 1000.0), "divisions of which METIS keeps the best"),
    parameter("iterations", 10.0, (1.0, 1000.0), "refinements a level"),
    parameter("imbalance", 0.03, (0.001, 10.0), "by which share a part may exceed the mean, within the cap on neurons"),
    parameter("volume", 0.0, (0.0, 1.0), "1: least communication volume instead of least cut"),
    parameter("slack", 0.0, (0.0, 10.0), "cores beyond the fewest to begin with, as a share; only without axon limit"),
];

/// Whether this build has METIS.
const HAS_METIS: bool = cfg!(feature = "metis");

/// Every strategy; what each does stands at the head of its file.
pub const KNOWN: [Known; 6] = [
    Known { name: "sequential", about: "network order, a core after the other", texts: &[], parameters: &[] },
    Known { name: "overlap-greedy", about: "grows a core by shared inbound axons", texts: &[], parameters: &[] },
    Known { name: "multilevel", about: "least traffic in few cores", texts: &[], parameters: &MULTILEVEL },
    Known {
        name: "conv-tiling",
        about: "blocks of rows, columns and channels",
        texts: &["net", "order"],
        parameters: &TILING,
    },
    Known {
        name: "metis",
        about: "METIS on the graph of synapses; builds with that feature",
        texts: &[],
        parameters: &METIS,
    },
    Known { name: "external", about: "a partition file of another tool", texts: &["file"], parameters: &[] },
];

/// A strategy with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// What it is.
    pub known: &'static Known,
    texts: Vec<(&'static str, String)>,
    values: Values,
}

impl Strategy {
    /// Value of a parameter: given, else its default. The key must be one of the strategy's.
    #[must_use]
    pub fn value(&self, key: &str) -> f64 {
        self.values.value(self.known.parameters, key)
    }

    /// A text that was given, such as the `file` of `external`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| *known == key).map(|(_, text)| text.as_str())
    }

    fn set(&mut self, part: &str) -> Result<()> {
        let owner = Owner { code: "partition/parameter", name: self.known.name, others: self.known.texts };
        let (key, value) = owner.split(part)?;
        let Some(&text) = self.known.texts.iter().find(|text| **text == key) else {
            return self.values.set(self.known.parameters, &owner, key, value);
        };
        self.texts.retain(|(known, _)| *known != text);
        self.texts.push((text, value.to_owned()));
        Ok(())
    }
}

impl FromStr for Strategy {
    type Err = Problems;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
            return Err(unknown("partition/strategy", name, "partition", &names).into());
        };
        if name == "metis" && !HAS_METIS {
            return Err(Problem::invalid("partition/strategy", "strategy 'metis'", "this build has no METIS")
                .limit("a strategy of the default build: its library is C, and only linked where it is asked for")
                .help("cargo build --release --features metis (needs a C compiler), or choose multilevel")
                .into());
        }
        let mut strategy = Self { known, texts: Vec::new(), values: Values::default() };
        for part in parts.filter(|part| !part.is_empty()) {
            strategy.set(part)?;
        }
        Ok(strategy)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.known.name)?;
        self.texts.iter().try_for_each(|(key, text)| write!(f, ",{key}={text}"))?;
        write!(f, "{}", self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_shown_and_refused_with_a_hint() {
        let strategy: Strategy = "multilevel,sweeps=5,cycles=3".parse().expect("fine");
        assert_eq!(strategy.to_string(), "multilevel,cycles=3,sweeps=5");
        assert_eq!((strategy.value("cycles"), strategy.value("slack")), (3.0, 0.05));
        let external: Strategy = "external,file=a.part".parse().expect("fine");
        assert_eq!((external.text("file"), external.to_string().as_str()), (Some("a.part"), "external,file=a.part"));
        let tell = |text: &str| text.parse::<Strategy>().expect_err(text).to_string();
        assert!(tell("multilevl").contains("did you mean 'multilevel'?"));
        assert!(tell("multilevel,cycels=1").contains("did you mean 'cycles'?"));
        assert!(tell("external,fil=a").contains("did you mean 'file'?"));
        assert!(tell("multilevel,cycles=-1").contains("0 to 1000"));
        assert!(tell("sequential,x").contains("no KEY=VALUE"));
    }

    #[test]
    fn metis_is_there_with_its_feature_and_says_so_without() {
        match "metis,tries=4".parse::<Strategy>() {
            Ok(strategy) => {
                assert_eq!((HAS_METIS, strategy.value("tries"), strategy.value("iterations")), (true, 4.0, 10.0));
            }
            Err(told) => {
                let told = told.to_string();
                assert!(!HAS_METIS && told.contains("--features metis"), "{told}");
            }
        }
    }
}
