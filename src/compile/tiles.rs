//! `conv-tiling` for networks with shapes: blocks of rows x columns x channels of a population, a core each.
//!
//! After the layer tiling of NxTF (Rueckauer et al. 2021, arXiv 2101.04261) and Nengo-Loihi's block shapes. Deviations:
//! the block is given and not searched for (`crate::partition::tiling` searches where the layers alone are known);
//! populations without rows are one block; blocks that need more than a core are cut.

use std::fmt;
use std::str::FromStr;

use super::division::Division;
use crate::diag::{Problems, Result};
use crate::graph::IntGraph;
use crate::parameters::{Owner, Parameter, Values, parameter};

/// Its name.
pub(super) const NAME: &str = "conv-tiling";

const PARAMETERS: [Parameter; 3] = [
    parameter("rows", 4.0, (0.0, 65_536.0), "rows of a block; 0: all"),
    parameter("columns", 0.0, (0.0, 65_536.0), "columns of a block; 0: all"),
    parameter("channels", 0.0, (0.0, 65_536.0), "channels of a block; 0: all"),
];

/// A block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tiles(Values);

impl FromStr for Tiles {
    type Err = Problems;

    /// Reads the parameters, commas between.
    fn from_str(text: &str) -> Result<Self> {
        let owner = Owner { code: "compile/partition", name: NAME, others: &[] };
        let mut values = Values::default();
        for part in text.split([',', ':']).map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = owner.split(part)?;
            values.set(&PARAMETERS, &owner, key, value)?;
        }
        Ok(Self(values))
    }
}

impl fmt::Display for Tiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}{}", self.0)
    }
}

impl Tiles {
    /// The blocks of every population, one after the other.
    pub(super) fn divide(&self, graph: &IntGraph) -> Division {
        let extent = |key: &str, whole: u32| match self.0.value(&PARAMETERS, key) as u32 {
            0 => whole.max(1),
            extent => extent,
        };
        let mut group = Vec::new();
        let mut first = 0;
        for population in &graph.populations {
            if population.is_input() {
                group.push(Vec::new());
                continue;
            }
            let size = population.size() as u32;
            let [channels, height, width] = match population.shape[..] {
                [channels, height, width] => [channels, height, width],
                _ => [1, 1, size],
            };
            let flat = height == 1 && channels == 1;
            let (deep, high) = (extent("channels", channels), extent("rows", height));
            let wide = if flat { width.max(1) } else { extent("columns", width) };
            let (down, along) = (height.div_ceil(high).max(1), width.div_ceil(wide).max(1));
            let block = |neuron: u32| {
                let (c, y, x) = (neuron / (height * width), neuron / width % height, neuron % width);
                first + (c / deep * down + y / high) * along + x / wide
            };
            group.push((0..size).map(block).collect());
            first += channels.div_ceil(deep).max(1) * down * along;
        }
        Division { group, places: None, file: String::new(), apart: false }
    }
}
