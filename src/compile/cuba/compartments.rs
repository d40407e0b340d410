//! The compartments of a core: their registers and where they begin.

use std::collections::HashMap;

use super::draft::Row;
use super::trees;
use crate::graph::{CubaNeuron, IntNeuron};
use crate::image::{CompartmentConfig, InitialState};

/// Distinct configurations of the compartments of a core, and the one of each.
pub(super) fn configure(row: &Row<'_>, members: &[u32]) -> (Vec<CompartmentConfig>, Vec<u16>) {
    let mut configs = Vec::new();
    let mut known: HashMap<CompartmentConfig, u16> = HashMap::new();
    let mut config_of = Vec::with_capacity(members.len());
    for segment in row.segments(members) {
        for (_, neuron) in segment.neurons() {
            let config = match &row.graph.populations[segment.population].neuron {
                Some(IntNeuron::Cuba(registers)) => configuration(registers, neuron as usize),
                _ => CompartmentConfig::PROGRAM,
            };
            config_of.push(*known.entry(config.clone()).or_insert_with(|| {
                configs.push(config);
                (configs.len() - 1) as u16
            }));
        }
    }
    (configs, config_of)
}

/// The compartments of a core that do not start at 0.
pub(super) fn initial(row: &Row<'_>, members: &[u32]) -> Vec<InitialState> {
    let mut found = Vec::new();
    for segment in row.segments(members) {
        let Some(IntNeuron::Cuba(registers)) = &row.graph.populations[segment.population].neuron else { continue };
        for (compartment, neuron) in segment.neurons() {
            let (u, v) = start(registers, neuron as usize);
            if (u, v) != (0, 0) {
                found.push(InitialState { compartment: compartment as u16, u, v });
            }
        }
    }
    found
}

/// The value of one neuron: one for all, or one each.
fn of<T: Copy>(values: &[T], neuron: usize) -> T {
    if values.len() == 1 { values[0] } else { values[neuron] }
}

/// u and v of one neuron before the first tick.
pub(super) fn start(registers: &CubaNeuron, neuron: usize) -> (i32, i32) {
    (of(&registers.initial_u, neuron), of(&registers.initial_v, neuron))
}

/// The registers of one neuron.
pub(super) fn configuration(registers: &CubaNeuron, neuron: usize) -> CompartmentConfig {
    CompartmentConfig {
        decay_u: of(&registers.decay_u, neuron),
        decay_v: of(&registers.decay_v, neuron),
        threshold: registers.threshold.as_ref().map(|mantissas| of(mantissas, neuron)),
        bias: of(&registers.bias, neuron),
        bias_exponent: of(&registers.bias_exponent, neuron),
        refractory: of(&registers.refractory, neuron),
        adaptation: trees::adaptation(registers, neuron),
        noise: trees::noise(registers),
    }
}
