//! Populations whose neurons run a program.

use crate::isa::{Binding, Program};

/// A neuron program with what a population gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramNeuron {
    /// The built-in program or the file that it comes from.
    pub name: String,
    /// The program.
    pub program: Program,
    /// Parameters by name; the others take their defaults.
    pub parameters: Vec<(String, Binding)>,
    /// States that do not begin as the program says, one value for all or one a neuron.
    pub initial: Vec<(String, Vec<i32>)>,
    /// Dendritic inputs of inbound projections that do not go to the first, by the projection's name.
    pub inputs: Vec<(String, u8)>,
    /// Outputs of the program that send the spikes of outbound projections, where they are not the first, by the
    /// projection's name.
    pub outputs: Vec<(String, u8)>,
}

impl ProgramNeuron {
    /// The dendritic input that a projection goes to.
    #[must_use]
    pub fn input(&self, projection: &str) -> u8 {
        self.inputs.iter().find(|(name, _)| name == projection).map_or(0, |(_, input)| *input)
    }

    /// The output whose spikes go over a projection.
    #[must_use]
    pub fn output(&self, projection: &str) -> u8 {
        self.outputs.iter().find(|(name, _)| name == projection).map_or(0, |(_, output)| *output)
    }

    /// The state of one neuron before the first tick, in the order of the program.
    #[must_use]
    pub fn begin(&self, neuron: usize) -> Vec<i32> {
        let of = |name: &str| self.initial.iter().find(|(known, _)| known == name).map(|(_, values)| values);
        let states = self.program.states.iter();
        states
            .map(|state| match of(&state.name).map(Vec::as_slice) {
                None | Some([]) => state.initial,
                Some([one]) => *one,
                Some(values) => values.get(neuron).copied().unwrap_or(state.initial),
            })
            .collect()
    }
}
