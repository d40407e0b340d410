//! What RANC's hardware description can be built with: the one place that says so.

/// Parameters of the network grid, under their names in the hardware description (R/RANCNetworkGrid.v).
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
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

/// Why the hardware description cannot be built, or not be modelled, with a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamFault {
    /// The parameter's name in [`RancParams`].
    pub name: &'static str,
    /// What is wrong.
    pub what: String,
    /// The limit.
    pub limit: String,
}

/// Widest potential, weight, leak and threshold: sums over all axons stay within 64 bits.
const MAX_WIDTH: u32 = 40;

impl RancParams {
    /// Everything that is wrong. Sizes are looked at before memory is spent.
    #[must_use]
    pub fn faults(&self) -> Vec<ParamFault> {
        let mut found = self.out_of_range();
        let mut demand = |good: bool, name: &'static str, what: String, limit: &str| {
            if !good {
                found.push(ParamFault { name, what, limit: limit.to_owned() });
            }
        };
        for (name, value) in [
            ("num_ticks", self.num_ticks),
            ("router_buffer_depth", self.router_buffer_depth),
            ("input_buffer_depth", self.input_buffer_depth),
        ] {
            let limit = "a power of two: its address counter wraps by overflow";
            demand(value.is_power_of_two(), name, format!("is {value}"), limit);
        }
        let what = format!("is {} with potentials of {} bits", self.weight_width, self.potential_width);
        let limit = "at most potential_width: the hardware description refuses to elaborate";
        demand(self.weight_width <= self.potential_width, "weight_width", what, limit);
        let (x, y) = self.output_core;
        let inside = x < self.grid_x && y < self.grid_y;
        demand(inside, "output_core", format!("is ({x}, {y}), outside of the grid"), "a position of the grid");
        if found.is_empty() {
            found = self.too_large();
        }
        found
    }

    fn out_of_range(&self) -> Vec<ParamFault> {
        let ranges = [
            ("grid_x", self.grid_x, 1, 1 << 12),
            ("grid_y", self.grid_y, 1, 1 << 12),
            ("num_neurons", self.num_neurons, 1, 1 << 16),
            ("num_axons", self.num_axons, 2, 1 << 16),
            ("num_outputs", self.num_outputs, 1, 1 << 16),
            ("num_ticks", self.num_ticks, 2, 1 << 16),
            ("num_weights", self.num_weights, 1, 1 << 8),
            // With one mode the field of the neuron's word has no bits, and the description does not elaborate.
            ("num_reset_modes", self.num_reset_modes, 2, 1 << 8),
            ("potential_width", self.potential_width, 1, MAX_WIDTH),
            ("weight_width", self.weight_width, 1, MAX_WIDTH),
            ("leak_width", self.leak_width, 1, MAX_WIDTH),
            ("threshold_width", self.threshold_width, 1, MAX_WIDTH),
            ("dx_width", self.dx_width, 1, 32),
            ("dy_width", self.dy_width, 1, 32),
            ("router_buffer_depth", self.router_buffer_depth, 1, 1 << 16),
            ("input_buffer_depth", self.input_buffer_depth, 1, 1 << 24),
        ];
        let wrong = ranges.into_iter().filter(|&(_, value, least, most)| !(least..=most).contains(&value));
        wrong
            .map(|(name, value, least, most)| ParamFault {
                name,
                what: format!("is {value}"),
                limit: format!("{least} to {most}"),
            })
            .collect()
    }

    fn too_large(&self) -> Vec<ParamFault> {
        let positions = u64::from(self.grid_x) * u64::from(self.grid_y);
        let places = positions * 12 * u64::from(self.router_buffer_depth);
        let row_bits = positions * u64::from(self.num_ticks) * u64::from(self.num_axons);
        let sizes = [
            ("router_buffer_depth", "places of the buffers of all routers", places, 1_u64 << 27),
            ("num_ticks", "bits of the schedulers of all cores", row_bits, 1 << 34),
        ];
        let large = sizes.into_iter().filter(|(.., size, most)| size > most);
        large
            .map(|(name, what, size, most)| ParamFault {
                name,
                what: format!("makes {size} {what}"),
                limit: format!("{most}"),
            })
            .collect()
    }
}
