//! The semantic check of bodies of clocked designs: every value fits its register.

use super::{OutputBus, RancBody, RancNeuron, TinyOdinBody};
use crate::bits::address_bits;
use crate::chip::{ChipSpec, RancSpec};
use crate::fixed::wrap;

impl RancBody {
    /// What does not fit the design, in words.
    pub(super) fn faults(&self, spec: &RancSpec, chip: &ChipSpec) -> Vec<String> {
        let mut found = Vec::new();
        let mut count = |name: &str, length: usize, expected: usize| {
            if length != expected {
                found.push(format!("{length} {name} where the design has {expected}"));
            }
        };
        let axons = chip.capacity.axons_in as usize;
        count("axon types", self.axon_types.len(), axons);
        count("neurons", self.neurons.len(), chip.capacity.neurons as usize);
        let words = axons.div_ceil(64);
        count("words of connections", self.rows.len(), self.neurons.len() * words);
        if let Some(kind) = self.axon_types.iter().find(|&&kind| u32::from(kind) >= spec.weights) {
            found.push(format!("axon type {kind} of {} weights", spec.weights));
        }
        if !axons.is_multiple_of(64) && self.rows.len() == self.neurons.len() * words {
            let beyond = !0_u64 << (axons % 64);
            if self.rows.chunks(words).any(|row| row.last().is_some_and(|word| word & beyond != 0)) {
                found.push("a connection to an axon that is not there".to_owned());
            }
        }
        for (index, neuron) in self.neurons.iter().enumerate() {
            found.extend(neuron.fault(spec, chip).map(|fault| format!("neuron {index}: {fault}")));
        }
        found
    }
}

impl RancNeuron {
    /// The first register that does not hold its value on the design, in words; destinations by their names in RANC.
    pub(crate) fn fault(&self, spec: &RancSpec, chip: &ChipSpec) -> Option<String> {
        let signed = [
            ("potential", self.potential, spec.potential_width),
            ("reset_potential", self.reset_potential, spec.potential_width),
            ("leak", self.leak, spec.leak_width),
            ("positive_threshold", self.positive_threshold, spec.threshold_width),
            ("negative_threshold", self.negative_threshold, spec.threshold_width),
            ("dx", self.dx, spec.dx_width),
            ("dy", self.dy, spec.dy_width),
        ];
        let weights = self.weights.iter().map(|&weight| ("weight", weight, spec.weight_width));
        let wide = |&(_, value, bits): &(&str, i32, u32)| wrap(i64::from(value), bits) != i64::from(value);
        if let Some((name, value, bits)) = signed.into_iter().chain(weights).find(wide) {
            return Some(format!("{name} {value} does not fit {bits} bits, two's complement"));
        }
        let unsigned = [
            ("reset_mode", u32::from(self.reset_mode), address_bits(spec.reset_modes)),
            ("destination_axon", u32::from(self.axon), address_bits(chip.capacity.axons_in)),
            ("destination_tick", u32::from(self.delay), address_bits(spec.ticks)),
        ];
        if let Some((name, value, bits)) = unsigned.into_iter().find(|(_, value, bits)| value >> bits != 0) {
            return Some(format!("{name} {value} does not fit {bits} bits"));
        }
        let count = self.weights.len();
        (count != spec.weights as usize).then(|| format!("{count} weights where the design has {}", spec.weights))
    }
}

impl OutputBus {
    /// What does not fit the design, in words.
    pub(super) fn faults(self, core: u32, spec: &RancSpec, chip: &ChipSpec) -> Vec<String> {
        let (x, y) = spec.output_core;
        let place = y * u32::from(chip.mesh.width) + x;
        let mut found = Vec::new();
        if core != place {
            found.push(format!("the output bus stands here, but the design has it at core {place}"));
        }
        if u32::from(self.lines) != spec.outputs {
            found.push(format!("{} lines where the design has {}", self.lines, spec.outputs));
        }
        found
    }
}

impl TinyOdinBody {
    /// What does not fit the design, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let counts = [("neuron words", self.neurons.len(), 256), ("synapse words", self.synapses.len(), 8_192)];
        let wrong = counts.into_iter().filter(|(_, length, expected)| length != expected);
        wrong.map(|(name, length, expected)| format!("{length} {name} where the design has {expected}")).collect()
    }
}
