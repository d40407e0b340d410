//! Which chip, and what is changed about it.

use clap::Args as ClapArgs;

use super::args::pair;
use crate::chip::LoadOptions;
use crate::diag::Result;
use crate::units::Picos;

/// Which chip, with which numbers.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ChipChoice {
    /// A built-in chip or a chip file
    #[arg(long, value_name = "NAME|FILE")]
    pub chip: String,
    #[command(flatten)]
    pub tuning: ChipTuning,
}

/// The chip of an image.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct ImageChip {
    /// The chip, where it is not the built-in one that the image names
    #[arg(long = "chip", value_name = "NAME|FILE")]
    pub name: Option<String>,
    #[command(flatten)]
    pub tuning: ChipTuning,
}

/// Changes to a chip description for this run.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct ChipTuning {
    /// Energy and time cost set of the chip, such as davies2018 or nahuku
    #[arg(long, value_name = "NAME")]
    pub cost_set: Option<String>,
    /// Supply voltage in millivolts
    #[arg(long, value_name = "MV")]
    pub supply: Option<u32>,
    /// Length of a fixed tick in microseconds
    #[arg(long, value_name = "US")]
    pub tick: Option<u32>,
    /// Arithmetic of a Loihi-style chip: lava, nengo, brian2 or `chip_best_guess`
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
    /// Override any number of the chip file, such as mesh.buffer=4; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Something of the chip is dead: core=17, router=17, neuron=17:3, axon=17:3 or link=17:east; repeatable
    #[arg(long, value_name = "WHAT")]
    pub defect: Vec<String>,
    /// A TOML file with a table [defects]: lists cores, routers, neurons, axons, links
    #[arg(long, value_name = "FILE")]
    pub defects: Option<String>,
}

impl ChipTuning {
    /// As the chip room wants it.
    pub(super) fn options(&self) -> Result<LoadOptions> {
        let set = self.set.iter().map(|text| pair(text, "--set")).collect::<Result<Vec<_>>>()?;
        let dialect = self.dialect.iter().map(|name| ("core.cuba.dialect".to_owned(), name.clone()));
        Ok(LoadOptions {
            cost_set: self.cost_set.clone(),
            supply_mv: self.supply,
            tick: self.tick.map(|us| Picos(u64::from(us) * 1_000_000)),
            set: set.into_iter().chain(dialect).collect(),
            defects: self.defect.clone(),
            defects_file: self.defects.clone(),
        })
    }
}
