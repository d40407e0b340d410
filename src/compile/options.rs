//! What the user may decide about a compilation.

use std::fmt;
use std::str::FromStr;

use super::crossbar::SplitFanIn;
use super::mapping::Mapping;
use super::tiles::{self, Tiles};
use super::traffic::Rates;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::partition::Strategy;

/// In which order cores are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// Row by row, each from west to east.
    RowMajor,
    /// Row by row, alternately eastwards and westwards.
    Zigzag,
    /// Along a generalised Hilbert curve, so that cores near in order are near on the mesh.
    #[default]
    Hilbert,
}

/// What a neuron with more targets than one becomes where a chip gives each neuron one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FanOut {
    /// For each population what takes less room: see `crossbar/plan.rs`.
    #[default]
    Auto,
    /// Copies of the neuron, which need its inputs again.
    Copies,
    /// Relay cores, which take a tick; copies remain for populations on a cycle, which cannot wait for it.
    Relays,
}

/// How neurons are divided among cores.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Partition {
    /// What suits the family: on synapse-list cores sequential, on crossbars the cheapest of several tilings.
    #[default]
    Auto,
    /// In graph order; a core is closed when the next neuron would break one of its capacities.
    Sequential,
    /// In blocks of rows x columns x channels.
    Tiles(Tiles),
    /// By the traffic, with a strategy of `crate::partition`.
    Search(Strategy),
}

/// Peaks of a float run, by population, from which the quantiser chooses its scales.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calibration {
    /// Largest magnitude of the summed input x of one tick.
    pub peak_input: Vec<f64>,
    /// Largest magnitude of the membrane before a reset.
    pub peak_membrane: Vec<f64>,
}

/// Options of [`super::compile`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Order in which cores are filled.
    pub placement: Placement,
    /// How neurons are divided among cores.
    pub partition: Partition,
    /// Copies or relays, where a chip gives a neuron one target; elsewhere only `Auto` is allowed.
    pub fan_out: FanOut,
    /// Whether, and how, neurons with more inputs than a core has axons get their sums in parts, as spikes, where a chip has
    /// no exact way; without it they are refused.
    pub split_fan_in: Option<SplitFanIn>,
    /// Where every neuron goes, prescribed; then `partition` and the order of `placement` mean nothing.
    pub mapping: Option<Mapping>,
    /// Spikes of every neuron, by which a partition strategy weighs traffic; `None`: every neuron counts one.
    pub rates: Option<Rates>,
    /// Width to which weights are quantised, in bits as the chip counts them; `None`: the widest it has.
    pub weight_bits: Option<u8>,
    /// Accepts a change of the spike reset where the chip has no other (soft reset, several spikes a tick and
    /// reset to a value other than 0 become what the chip has). Without it such a network is refused.
    pub allow_reset_change: bool,
    /// Peaks of a float run, where one was made.
    pub calibration: Option<Calibration>,
    /// Reads the network as one of ReLU units and makes sigma-delta neurons of them, on chips with programmable neurons;
    /// the number is what 1.0 of an input, its largest, is in the stimulus.
    pub sigma_delta: Option<u16>,
    /// Seed of randomised passes.
    pub seed: u64,
}

impl Placement {
    /// Every placement with its name on the command line.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::RowMajor, "row-major"), (Self::Zigzag, "zigzag"), (Self::Hilbert, "hilbert")];
}

impl FanOut {
    /// Every choice with its name on the command line.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Auto, "auto"), (Self::Copies, "copies"), (Self::Relays, "relays")];
}

/// Looks a strategy up by name.
fn by_name<T: Copy>(code: &'static str, kind: &str, name: &str, all: &[(T, &'static str)]) -> Result<T> {
    if let Some((value, _)) = all.iter().find(|(_, known)| *known == name) {
        return Ok(*value);
    }
    let names: Vec<&str> = all.iter().map(|(_, known)| *known).collect();
    let help = nearest(name, names.iter().copied()).map_or_else(
        || format!("choose one of the {} known ones", names.len()),
        |near| format!("did you mean '{near}'?"),
    );
    Err(Problem::invalid(code, "", format!("unknown {kind} '{name}'")).limit(names.join(", ")).help(help).into())
}

/// The name of a strategy.
fn name_of<T: Copy + PartialEq>(value: T, all: &[(T, &'static str)]) -> &'static str {
    all.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name)
}

impl FromStr for Placement {
    type Err = Problems;
    fn from_str(name: &str) -> Result<Self> {
        by_name("compile/placement", "placement", name, &Self::ALL)
    }
}

impl FromStr for FanOut {
    type Err = Problems;
    fn from_str(name: &str) -> Result<Self> {
        by_name("compile/fan-out", "fan-out", name, &Self::ALL)
    }
}

impl fmt::Display for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(*self, &Self::ALL))
    }
}

impl FromStr for Partition {
    type Err = Problems;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "sequential" => Ok(Self::Sequential),
            _ if text.starts_with(tiles::NAME) => text[tiles::NAME.len()..].parse().map(Self::Tiles),
            _ => {
                let strategy: Strategy = text.replacen(':', ",", 1).parse()?;
                if strategy.known.name == "external" {
                    return Err(Problem::invalid(
                        "compile/partition",
                        text,
                        "a network takes partition files as mappings",
                    )
                    .help("compile --mapping FILE")
                    .into());
                }
                Ok(Self::Search(strategy))
            }
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(name_of(*self, &Self::ALL))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Sequential => f.pad("sequential"),
            Self::Tiles(tiles) => tiles.fmt(f),
            Self::Search(strategy) => strategy.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown_alike_and_misspelt_ones_get_a_hint() {
        for (placement, name) in Placement::ALL {
            assert_eq!(name.parse::<Placement>(), Ok(placement));
            assert_eq!(placement.to_string(), name);
        }
        for (fan_out, name) in FanOut::ALL {
            assert_eq!((name.parse::<FanOut>(), fan_out.to_string().as_str()), (Ok(fan_out), name));
        }
        assert!("copy".parse::<FanOut>().expect_err("misspelt").has("compile/fan-out"));
        let problems = "hilbrt".parse::<Placement>().expect_err("misspelt");
        assert!(problems.has("compile/placement"));
        assert!(problems.to_string().contains("did you mean 'hilbert'?"), "{problems}");
    }
}
