//! The part of the model that says where things happen: rows of a raster, routers, links, cores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most spikes that a raster keeps.
pub const MAX_RASTER: usize = 20_000;

/// Spikes of the recorded populations in one sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raster {
    /// Name of the sample.
    pub sample: String,
    /// Ticks.
    pub ticks: u32,
    /// Bands of rows, one a recorded population.
    pub bands: Vec<Band>,
    /// Spikes as (tick, row); every `every`-th of them.
    pub spikes: Vec<(u32, u32)>,
    /// Recorded spikes, of which `spikes` may be a part.
    pub total: usize,
    /// 1: all are kept; n: every n-th is.
    pub every: usize,
}

/// Rows of one population in a raster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Name of the population.
    pub name: String,
    /// First row.
    pub first: u32,
    /// Rows: one a neuron.
    pub rows: u32,
}

/// The part of the mesh that is in use.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mesh {
    /// First column in use.
    pub x: u16,
    /// First row in use.
    pub y: u16,
    /// Columns from there.
    pub width: u16,
    /// Rows from there.
    pub height: u16,
    /// Router of the host port.
    pub host: (u16, u16),
    /// Routers with at least one core in use.
    pub routers: Vec<Router>,
    /// Links with at least one packet; empty with timing off.
    pub links: Vec<Link>,
}

/// Activity of the cores of one router.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Column.
    pub x: u16,
    /// Row; y grows to the south.
    pub y: u16,
    /// Cores in use.
    pub cores: u16,
    /// Synaptic events.
    pub synaptic_events: u64,
    /// Spikes of its neurons.
    pub spikes: u64,
    /// Packets accepted.
    pub packets_in: u64,
}

/// Load of one directed link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Column of the sending router.
    pub x: u16,
    /// Row of the sending router.
    pub y: u16,
    /// 0 east, 1 west, 2 north, 3 south.
    pub direction: u8,
    /// Packets in the run.
    pub packets: u64,
    /// Most packets in one tick.
    pub peak: u32,
}

/// Use of one resource by all cores in use.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Name, such as `synapse_words`.
    pub resource: String,
    /// What one core has.
    pub limit: u32,
    /// Used on each core in use, ascending by core number.
    pub used: Vec<u32>,
    /// Core with the most.
    pub fullest_core: u32,
}

impl Capacity {
    /// Mean use of a core in use as a fraction of the limit.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.used.iter().map(|&used| f64::from(used)).sum();
        sum / (self.used.len().max(1) as f64 * f64::from(self.limit.max(1)))
    }

    /// Largest use as a fraction of the limit.
    #[must_use]
    pub fn worst(&self) -> f64 {
        f64::from(self.used.iter().copied().max().unwrap_or(0)) / f64::from(self.limit.max(1))
    }
}
