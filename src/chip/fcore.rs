//! Cores that run artificial and spiking layers alike: `[core.fcore]`, Tianjic's FCore.

use super::quantity::Dimension;
use super::section::{Found, Section};
use super::spec::{CapacityLimits, MeshSpec};
use super::tree::Node;
use crate::diag::Problem;
use crate::units::Picos;

/// What an FCore has beside its capacities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcoreSpec {
    /// Bits of a weight, two's complement.
    pub weight_bits: u8,
    /// Bits of a value between layers, without sign (0..=255 of 8) or with it (-128..=127).
    pub value_bits: u8,
    /// Bits of the accumulator and of the membrane, two's complement; they saturate.
    pub accumulator_bits: u8,
    /// Different weights that a core which shares weights by index may have.
    pub weight_indices: u16,
    /// Longest window of ticks whose spikes an axon counts.
    pub window_max: u8,
    /// Multiplications in a cycle.
    pub lanes: u16,
    /// Cycles of a round besides those of the multiplications.
    pub overhead_cycles: u32,
    /// Length of a cycle.
    pub cycle: Picos,
}

impl FcoreSpec {
    /// Cycles of a core with so many axons and neurons in a round.
    #[must_use]
    pub fn cycles(&self, axons: usize, neurons: usize) -> u64 {
        (axons as u64 * neurons as u64).div_ceil(u64::from(self.lanes.max(1))) + u64::from(self.overhead_cycles)
    }

    /// For the chip's digest.
    pub(super) fn words(&self) -> [i64; 6] {
        let Self { weight_bits, value_bits, accumulator_bits, weight_indices, window_max, .. } = *self;
        [5, weight_bits.into(), value_bits.into(), accumulator_bits.into(), weight_indices.into(), window_max.into()]
    }
}

pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> FcoreSpec {
    let spec = FcoreSpec {
        // Weights and values are bytes here; the accumulator is an i32.
        weight_bits: section.number("weight_bits", 8..=8, found) as u8,
        value_bits: section.number("value_bits", 8..=8, found) as u8,
        accumulator_bits: section.number("accumulator_bits", 24..=31, found) as u8,
        weight_indices: section.number("weight_indices", 1..=256, found) as u16,
        window_max: section.number("window_max", 1..=8, found) as u8,
        lanes: section.number("lanes", 1..=4096, found) as u16,
        overhead_cycles: section.number("overhead_cycles", 0..=1 << 20, found) as u32,
        cycle: Picos(section.quantity("cycle", Dimension::Time, found)),
    };
    section.finish(found);
    spec
}

/// Reports a core whose sums could leave the accumulator before they are saturated, and the like.
pub(super) fn check(capacity: &CapacityLimits, mesh: &MeshSpec, tree: &Node, problems: &mut Vec<Problem>) {
    let mut demand = |good: bool, key: &str, what: String, limit: &str| {
        if !good {
            let node = key.split('.').fold(tree, |node, part| node.get(part).unwrap_or(node));
            let what = format!("'{key}' {what}");
            problems.push(Problem::invalid("chip/check", node.place.as_str(), what).limit(limit));
        }
    };
    // 255 * 128 * axons in 32 bits, and a carry-in beside each axon.
    let axons = capacity.axons_in;
    demand(axons <= 4096, "core.axons_in", format!("is {axons}"), "4096: sums are kept in 32 bits");
    let neurons = capacity.neurons;
    demand(
        neurons <= axons,
        "core.neurons",
        format!("is {neurons}, above axons_in"),
        "a carry-in takes an axon's place",
    );
    let cores = mesh.cores_per_router;
    demand(cores == 1, "mesh.cores_per_router", format!("is {cores}"), "1: copies go to the next router's core");
}
