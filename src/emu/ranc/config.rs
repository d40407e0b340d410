//! What a RANC chip is built from: the parameters of its hardware description and the memories of its cores.

use crate::bits::BitRow;
use crate::diag::{Problem, Problems, Result};

/// Parameters of the network grid, under their names in the hardware description (R/RANCNetworkGrid.v).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RancParams {
    /// Grid positions in x.
    pub grid_x: u32,
    /// Grid positions in y.
    pub grid_y: u32,
    /// The position that holds the output bus instead of a core.
    pub output_core: (u32, u32),
    /// Neurons of a core.
    pub num_neurons: u32,
    /// Axons of a core, at least 2.
    pub num_axons: u32,
    /// Lines of the output bus.
    pub num_outputs: u32,
    /// Rows of the scheduler, a power of two: the pointer goes round all numbers of its width, and rows beyond have no memory.
    pub num_ticks: u32,
    /// Weights of a neuron.
    pub num_weights: u32,
    /// Reset modes that the neuron word has bits for, at least 2.
    pub num_reset_modes: u32,
    /// Bits of a potential, two's complement.
    pub potential_width: u32,
    /// Bits of a weight, two's complement.
    pub weight_width: u32,
    /// Bits of a leak, two's complement.
    pub leak_width: u32,
    /// Bits of a threshold, two's complement.
    pub threshold_width: u32,
    /// Bits of a target's dx, two's complement.
    pub dx_width: u32,
    /// Bits of a target's dy, two's complement.
    pub dy_width: u32,
    /// Places of every router buffer, a power of two.
    pub router_buffer_depth: u32,
    /// Places of the buffer in front of core (0, 0), a power of two.
    pub input_buffer_depth: u32,
}

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

/// Widest potential, weight, leak and threshold: sums over all axons stay within 64 bits.
const MAX_WIDTH: u32 = 40;

/// Bits of a number below `count`.
pub(super) const fn clog2(count: u32) -> u32 {
    if count <= 1 { 0 } else { (count - 1).ilog2() + 1 }
}

impl RancConfig {
    /// Whether the hardware description can be built with this, and everything fits its fields.
    pub fn check(&self) -> Result<()> {
        let mut found = Vec::new();
        self.params.check(&mut found);
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

impl RancParams {
    fn check(&self, found: &mut Vec<Problem>) {
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            if value < least || value > most {
                let problem = Problem::invalid("ranc/parameter", name, format!("is {value}"));
                found.push(problem.limit(format!("{least} to {most}")));
            }
        };
        range("grid_x", self.grid_x, 1, 1 << 12);
        range("grid_y", self.grid_y, 1, 1 << 12);
        range("num_neurons", self.num_neurons, 1, 1 << 16);
        range("num_axons", self.num_axons, 2, 1 << 16);
        range("num_outputs", self.num_outputs, 1, 1 << 16);
        range("num_ticks", self.num_ticks, 2, 1 << 16);
        range("num_weights", self.num_weights, 1, 1 << 8);
        // With one mode the field of the neuron's word has no bits, and the description does not elaborate.
        range("num_reset_modes", self.num_reset_modes, 2, 1 << 8);
        range("potential_width", self.potential_width, 1, MAX_WIDTH);
        range("weight_width", self.weight_width, 1, MAX_WIDTH);
        range("leak_width", self.leak_width, 1, MAX_WIDTH);
        range("threshold_width", self.threshold_width, 1, MAX_WIDTH);
        range("dx_width", self.dx_width, 1, 32);
        range("dy_width", self.dy_width, 1, 32);
        range("router_buffer_depth", self.router_buffer_depth, 1, 1 << 16);
        range("input_buffer_depth", self.input_buffer_depth, 1, 1 << 24);
        if self.output_core.0 >= self.grid_x || self.output_core.1 >= self.grid_y {
            found.push(Problem::invalid("ranc/parameter", "output_core", "lies outside of the grid"));
        }
        let powers = [
            ("num_ticks", self.num_ticks),
            ("router_buffer_depth", self.router_buffer_depth),
            ("input_buffer_depth", self.input_buffer_depth),
        ];
        for (name, value) in powers.into_iter().filter(|(_, value)| !value.is_power_of_two()) {
            let problem = Problem::invalid("ranc/parameter", name, format!("is {value}"));
            found.push(problem.limit("a power of two: its address counter wraps by overflow"));
        }
        if found.is_empty() {
            self.check_memory(found);
        }
        if self.weight_width > self.potential_width {
            let what = format!("is {} with potentials of {} bits", self.weight_width, self.potential_width);
            let problem = Problem::invalid("ranc/parameter", "weight_width", what);
            found.push(problem.limit("at most potential_width: the hardware description refuses to elaborate"));
        }
    }
}

impl RancParams {
    /// Sizes are checked before memory is spent.
    fn check_memory(&self, found: &mut Vec<Problem>) {
        let positions = u64::from(self.grid_x) * u64::from(self.grid_y);
        let places = positions * 12 * u64::from(self.router_buffer_depth);
        let row_bits = positions * u64::from(self.num_ticks) * u64::from(self.num_axons);
        let sizes = [
            ("router_buffer_depth", "places of the buffers of all routers", places, 1_u64 << 27),
            ("num_ticks", "bits of the schedulers of all cores", row_bits, 1 << 34),
        ];
        for (name, what, size, most) in sizes.into_iter().filter(|(.., size, most)| size > most) {
            let problem = Problem::invalid("ranc/parameter", name, format!("makes {size} {what}"));
            found.push(problem.limit(format!("{most}")));
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
        bits("reset_mode", self.reset_mode, clog2(params.num_reset_modes));
        bits("axon", self.axon, clog2(params.num_axons));
        bits("delay", self.delay, clog2(params.num_ticks));
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
