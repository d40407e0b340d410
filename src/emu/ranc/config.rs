//! What a RANC chip is built from: the parameters of its hardware description and the memories of its cores.

use crate::bits::{BitRow, address_bits};
use crate::chip::{ParamFault, RancParams};
use crate::diag::{Problem, Problems, Result};

/// One neuron: its word in the core's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RancNeuron {
    /// Axons that it listens to.
    pub connections: BitRow,
    /// Potential at the start.
    pub potential: i64,
    /// Potential after a spike (mode 0); negated, after falling below the negative threshold.
    pub reset_potential: i64,
    /// Weight of each axon type.
    pub weights: Vec<i64>,
    /// Added once a tick.
    pub leak: i64,
    /// Fires at or above.
    pub positive_threshold: i64,
    /// Is reset below.
    pub negative_threshold: i64,
    /// 0 to the reset potential, 1 by the threshold; any other to 0.
    pub reset_mode: u32,
    /// Target core, relative, positive to the east.
    pub dx: i32,
    /// Target core, relative, positive to the north.
    pub dy: i32,
    /// Target axon.
    pub axon: u32,
    /// Ticks after the next that the spike waits.
    pub delay: u32,
}

/// One core's memories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RancCore {
    /// Position in the grid.
    pub x: u32,
    /// Position in the grid.
    pub y: u32,
    /// Type of each axon: which weight it uses.
    pub axon_types: Vec<u32>,
    /// Neurons in the order of evaluation.
    pub neurons: Vec<RancNeuron>,
}

/// A chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RancConfig {
    /// Its parameters.
    pub params: RancParams,
    /// Its cores: one at every position but the output bus's.
    pub cores: Vec<RancCore>,
}

impl RancConfig {
    /// Whether the hardware description can be built with this, and everything fits its fields.
    pub fn check(&self) -> Result<()> {
        let fault = |fault: ParamFault| Problem::invalid("ranc/parameter", fault.name, fault.what).limit(fault.limit);
        let mut found: Vec<Problem> = self.params.faults().into_iter().map(fault).collect();
        // Field checks shift by the widths: these must be sound first.
        if found.is_empty() {
            self.check_grid(&mut found);
            for core in &self.cores {
                core.check(&self.params, &mut found);
            }
        }
        Problems::check(found, ())
    }

    fn check_grid(&self, found: &mut Vec<Problem>) {
        let RancParams { grid_x, grid_y, output_core, .. } = self.params;
        let mut seen = vec![false; (grid_x * grid_y) as usize];
        for core in &self.cores {
            let place = format!("core ({}, {})", core.x, core.y);
            if core.x >= grid_x || core.y >= grid_y {
                let problem = Problem::invalid("ranc/position", place, "lies outside of the grid");
                found.push(problem.limit(format!("{grid_x} x {grid_y} positions")));
            } else if (core.x, core.y) == output_core {
                found.push(Problem::invalid("ranc/position", place, "stands where the output bus is"));
            } else if std::mem::replace(&mut seen[(core.y * grid_x + core.x) as usize], true) {
                found.push(Problem::invalid("ranc/position", place, "is described twice"));
            }
        }
        let expected = (grid_x * grid_y - 1) as usize;
        if found.is_empty() && self.cores.len() != expected {
            let what = format!("describes {} cores", self.cores.len());
            found.push(Problem::invalid("ranc/cores", "", what).limit(format!("{expected} for this grid")));
        }
    }
}

impl RancCore {
    fn check(&self, params: &RancParams, found: &mut Vec<Problem>) {
        let place = format!("core ({}, {})", self.x, self.y);
        let mut count = |name: &str, length: usize, expected: u32| {
            if length != expected as usize {
                let problem = Problem::invalid("ranc/count", place.clone(), format!("has {length} {name}"));
                found.push(problem.limit(format!("{expected}")));
            }
        };
        count("axon types", self.axon_types.len(), params.num_axons);
        count("neurons", self.neurons.len(), params.num_neurons);
        for (axon, &kind) in self.axon_types.iter().enumerate().filter(|(_, kind)| **kind >= params.num_weights) {
            let problem = Problem::invalid("ranc/field", format!("{place}, axon {axon}"), format!("has type {kind}"));
            found.push(problem.limit(format!("{} weights", params.num_weights)));
        }
        for (index, neuron) in self.neurons.iter().enumerate() {
            neuron.check(params, &format!("{place}, neuron {index}"), found);
        }
    }
}

impl RancNeuron {
    fn check(&self, params: &RancParams, place: &str, found: &mut Vec<Problem>) {
        let mut signed = |name: &str, value: i64, bits: u32| {
            if crate::fixed::wrap(value, bits) != value {
                let problem = Problem::invalid("ranc/field", place, format!("has {name} {value}"));
                found.push(problem.limit(format!("{bits} bits, two's complement")));
            }
        };
        signed("potential", self.potential, params.potential_width);
        signed("reset_potential", self.reset_potential, params.potential_width);
        signed("leak", self.leak, params.leak_width);
        signed("positive_threshold", self.positive_threshold, params.threshold_width);
        signed("negative_threshold", self.negative_threshold, params.threshold_width);
        signed("dx", i64::from(self.dx), params.dx_width);
        signed("dy", i64::from(self.dy), params.dy_width);
        for &weight in &self.weights {
            signed("weight", weight, params.weight_width);
        }
        let mut bits = |name: &str, value: u32, bits: u32| {
            if value >> bits != 0 {
                let problem = Problem::invalid("ranc/field", place, format!("has {name} {value}"));
                found.push(problem.limit(format!("{bits} bits")));
            }
        };
        bits("reset_mode", self.reset_mode, address_bits(params.num_reset_modes));
        bits("axon", self.axon, address_bits(params.num_axons));
        bits("delay", self.delay, address_bits(params.num_ticks));
        let mut count = |name: &str, length: usize, expected: u32| {
            if length != expected as usize {
                let problem = Problem::invalid("ranc/count", place, format!("has {length} {name}"));
                found.push(problem.limit(format!("{expected}")));
            }
        };
        count("weights", self.weights.len(), params.num_weights);
        count("synapse bits", self.connections.len(), params.num_axons);
    }
}
