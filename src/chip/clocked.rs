//! Families whose registers are modelled clock edge by clock edge: RANC and tinyODIN.
//!
//! The tables are the parameters of the hardware descriptions, under the names that `isa/README.md` explains; what a
//! description could not be built with is refused here, with the limit.

use super::ranc::{ParamFault, RancParams};
use super::section::{Found, Section};
use super::spec::{CapacityLimits, MeshSpec, SyncSpec};
use super::tree::Node;
use crate::diag::Problem;
use crate::units::Picos;

/// Parameters of a RANC grid (R/RANCNetworkGrid.v) beyond capacities and mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RancSpec {
    /// Rows of the scheduler, a power of two: delays are 0 to one less.
    pub ticks: u32,
    /// Axon types, which are weights of a neuron.
    pub weights: u32,
    /// Reset modes that the neuron word has bits for.
    pub reset_modes: u32,
    /// Bits of a potential, two's complement.
    pub potential_width: u32,
    /// Bits of a weight, at most those of a potential.
    pub weight_width: u32,
    /// Bits of a leak.
    pub leak_width: u32,
    /// Bits of a threshold.
    pub threshold_width: u32,
    /// Bits of a target's dx.
    pub dx_width: u32,
    /// Bits of a target's dy.
    pub dy_width: u32,
    /// Places of the buffer in front of core (0, 0), a power of two.
    pub input_buffer: u32,
    /// Lines of the output bus.
    pub outputs: u32,
    /// Grid position of the output bus.
    pub output_core: (u32, u32),
}

/// Configuration registers of tinyODIN, and how the party at its output link behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TinyOdinSpec {
    /// Register 1, `OPEN_LOOP`: spikes do not enter the scheduler.
    pub open_loop: bool,
    /// Register 2, `AER_SRC_CTRL_nNEUR`: the output link carries processed events instead of spikes.
    pub output_processed: bool,
    /// Register 3, `MAX_NEUR`: neurons 0 to this one are swept.
    pub last_neuron: u8,
    /// Slots that the receiver at the output link waits before it acknowledges.
    pub acknowledge_delay: u32,
    /// Slots that it waits before it releases.
    pub release_delay: u32,
}

pub(super) fn ranc(mut section: Section<'_>, found: &mut Found) -> RancSpec {
    let place = section.place("output_core");
    let output = section.numbers("output_core", 0..=4_095, found);
    if !matches!(output.len(), 0 | 2) {
        let what = format!("'core.ranc.output_core' has {} numbers", output.len());
        found.problems.push(Problem::invalid("chip/range", place, what).limit("two: [x, y] of a grid position"));
    }
    let mut number = |key: &str, most: i64| section.number(key, 1..=most, found) as u32;
    let spec = RancSpec {
        ticks: number("ticks", 1 << 16),
        weights: number("weights", 1 << 8),
        reset_modes: number("reset_modes", 1 << 8),
        potential_width: number("potential_width", 32),
        weight_width: number("weight_width", 32),
        leak_width: number("leak_width", 32),
        threshold_width: number("threshold_width", 32),
        dx_width: number("dx_width", 32),
        dy_width: number("dy_width", 32),
        input_buffer: number("input_buffer", 1 << 24),
        outputs: number("outputs", 65_535),
        output_core: (output.first().copied().unwrap_or(0) as u32, output.get(1).copied().unwrap_or(0) as u32),
    };
    section.finish(found);
    spec
}

pub(super) fn tinyodin(mut section: Section<'_>, found: &mut Found) -> TinyOdinSpec {
    let mut number = |key: &str, most: i64| section.number(key, 0..=most, found);
    let spec = TinyOdinSpec {
        open_loop: number("open_loop", 1) == 1,
        output_processed: number("aer_src_ctrl_n_neur", 1) == 1,
        last_neuron: number("max_neur", 255) as u8,
        acknowledge_delay: number("acknowledge_delay", 1 << 20) as u32,
        release_delay: number("release_delay", 1 << 20) as u32,
    };
    // The widths are those of the design: written down, not free.
    for (key, value) in
        [("potential_width", 12), ("threshold_width", 12), ("leak_width", 7), ("weight_width", 4), ("scheduler", 128)]
    {
        section.number(key, value..=value, found);
    }
    section.finish(found);
    spec
}

/// `[sync]` of kind `clocked`.
pub(super) fn sync(section: &mut Section<'_>, clock: Option<Picos>, found: &mut Found) -> SyncSpec {
    SyncSpec::Clocked {
        clock,
        slack: section.number("slack", 0..=1 << 24, found) as u32,
        input_interval: section.number("input_interval", 1..=1 << 16, found) as u32,
    }
}

/// Where a chip file has the parameters of the hardware description.
const KEYS: [(&str, &str); 17] = [
    ("grid_x", "mesh.width"),
    ("grid_y", "mesh.height"),
    ("output_core", "core.ranc.output_core"),
    ("num_neurons", "core.neurons"),
    ("num_axons", "core.axons_in"),
    ("num_outputs", "core.ranc.outputs"),
    ("num_ticks", "core.ranc.ticks"),
    ("num_weights", "core.ranc.weights"),
    ("num_reset_modes", "core.ranc.reset_modes"),
    ("potential_width", "core.ranc.potential_width"),
    ("weight_width", "core.ranc.weight_width"),
    ("leak_width", "core.ranc.leak_width"),
    ("threshold_width", "core.ranc.threshold_width"),
    ("dx_width", "core.ranc.dx_width"),
    ("dy_width", "core.ranc.dy_width"),
    ("router_buffer_depth", "mesh.buffer"),
    ("input_buffer_depth", "core.ranc.input_buffer"),
];

/// Reports what RANC's description could not be built with.
pub(super) fn check_ranc(
    spec: &RancSpec,
    capacity: &CapacityLimits,
    mesh: &MeshSpec,
    tree: &Node,
    problems: &mut Vec<Problem>,
) {
    let mut demand = |good: bool, key: &str, what: String, limit: &str| {
        if !good {
            let node = key.split('.').fold(tree, |node, part| node.get(part).unwrap_or(node));
            let what = format!("'{key}' {what}");
            problems.push(Problem::invalid("chip/check", node.place.as_str(), what).limit(limit));
        }
    };
    for ParamFault { name, what, limit } in spec.params(capacity, mesh).faults() {
        let key = KEYS.iter().find(|(known, _)| *known == name).map_or(name, |(_, key)| key);
        demand(false, key, what, &limit);
    }
    let what = format!("is {}", mesh.cores_per_router);
    demand(mesh.cores_per_router == 1, "mesh.cores_per_router", what, "1: a router has one core");
    let far = i64::from(mesh.width.max(mesh.height)) - 1;
    let reach = (1_i64 << (spec.dx_width.min(spec.dy_width) - 1)) - 1;
    let what = format!("and dy_width reach {reach} cores, but the grid has {far} from end to end");
    demand(reach >= far, "core.ranc.dx_width", what, "every core must be able to reach every core");
}

/// Reports what is not tinyODIN.
pub(super) fn check_tinyodin(capacity: &CapacityLimits, mesh: &MeshSpec, tree: &Node, problems: &mut Vec<Problem>) {
    for (key, value, design) in [
        ("core.neurons", capacity.neurons, 256),
        ("mesh.width", u32::from(mesh.width), 1),
        ("mesh.height", u32::from(mesh.height), 1),
        ("mesh.cores_per_router", u32::from(mesh.cores_per_router), 1),
    ] {
        if value != design {
            let node = key.split('.').fold(tree, |node, part| node.get(part).unwrap_or(node));
            let problem = Problem::invalid("chip/check", node.place.as_str(), format!("'{key}' is {value}"));
            problems.push(problem.limit(format!("{design}: the design has no other")));
        }
    }
}

impl RancSpec {
    /// For the chip's digest.
    pub(super) fn words(&self) -> Vec<i64> {
        let Self { ticks, weights, reset_modes, potential_width, weight_width, leak_width, threshold_width, .. } = self;
        let first = [3, *ticks, *weights, *reset_modes, *potential_width, *weight_width, *leak_width, *threshold_width];
        let (x, y) = self.output_core;
        let second = [self.dx_width, self.dy_width, self.input_buffer, self.outputs, x, y];
        first.into_iter().chain(second).map(i64::from).collect()
    }

    /// The parameters under their names in the hardware description.
    #[must_use]
    pub fn params(&self, capacity: &CapacityLimits, mesh: &MeshSpec) -> RancParams {
        RancParams {
            grid_x: mesh.width.into(),
            grid_y: mesh.height.into(),
            output_core: self.output_core,
            num_neurons: capacity.neurons,
            num_axons: capacity.axons_in,
            num_outputs: self.outputs,
            num_ticks: self.ticks,
            num_weights: self.weights,
            num_reset_modes: self.reset_modes,
            potential_width: self.potential_width,
            weight_width: self.weight_width,
            leak_width: self.leak_width,
            threshold_width: self.threshold_width,
            dx_width: self.dx_width,
            dy_width: self.dy_width,
            router_buffer_depth: mesh.buffer.into(),
            input_buffer_depth: self.input_buffer,
        }
    }

    /// Cycles that a core is busy in a tick, where nothing stalls: the least distance of two ticks.
    #[must_use]
    pub fn busy_cycles(capacity: &CapacityLimits) -> u64 {
        u64::from(capacity.neurons) * (u64::from(capacity.axons_in) + 2) + 3
    }
}

impl TinyOdinSpec {
    /// For the chip's digest: registers and the receiver are run-time choices, so only the family.
    pub(super) fn words(&self) -> Vec<i64> {
        vec![4, i64::from(self.open_loop), i64::from(self.output_processed), i64::from(self.last_neuron)]
    }
}
