//! Populations whose neurons run a program, by the reference executor: one neuron, one instruction after the other.

use crate::graph::ProgramNeuron;
use crate::isa::{self, Binding, Draws, Sent, execute};

/// A spike of one output of a neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spike {
    pub(super) neuron: u32,
    /// Output of the neuron's program; 0 without one.
    pub(super) output: u8,
    pub(super) value: i64,
}

/// Seed of the random draws, as the chip has it.
const SEED: u64 = 1;

/// All neurons of a population.
pub(super) struct Programs<'a> {
    neuron: &'a ProgramNeuron,
    parameters: Vec<Binding>,
    states: Vec<Vec<i32>>,
    draws: Draws,
}

impl<'a> Programs<'a> {
    /// Population `number` in its initial state. Parameters that do not fit are as if they were not given: whoever
    /// compiled the network has said so.
    pub(super) fn new(neuron: &'a ProgramNeuron, number: u32, size: usize) -> Self {
        Self {
            neuron,
            parameters: isa::bind(&neuron.program, size, &neuron.parameters).unwrap_or_default(),
            states: (0..size).map(|index| neuron.begin(index)).collect(),
            draws: Draws { seed: SEED, core: number, first: 0 },
        }
    }

    /// One tick; `arriving(neuron, input)` is what a dendritic input received. What they send.
    pub(super) fn step(&mut self, tick: u32, arriving: impl Fn(usize, u8) -> i64) -> Vec<Spike> {
        let program = &self.neuron.program;
        let mut fired = Vec::new();
        for (neuron, state) in self.states.iter_mut().enumerate() {
            let parameters: Vec<&[i32]> = self
                .parameters
                .iter()
                .map(|binding| match binding {
                    Binding::Shared(value) => std::slice::from_ref(value),
                    Binding::PerNeuron(values) => &values[neuron..=neuron],
                    Binding::Table(values) => values,
                })
                .collect();
            if parameters.len() < program.parameters.len() {
                continue;
            }
            let inputs: Vec<i32> =
                (0..program.inputs.len()).map(|input| arriving(neuron, input as u8) as i32).collect();
            let draw = |number| self.draws.get(neuron as u32, tick, number);
            let update = execute(program, state, &parameters, &inputs, tick, draw);
            fired.extend(update.sent.into_iter().filter_map(|sent| match sent {
                Sent::Spike { output, payload } => {
                    Some(Spike { neuron: neuron as u32, output, value: payload.map_or(1, i64::from) })
                }
                Sent::Probe { .. } => None,
            }));
        }
        fired
    }

    /// State `name` of a neuron; 0 where there is none.
    pub(super) fn state(&self, neuron: usize, name: &str) -> i64 {
        self.neuron.program.state(name).map_or(0, |slot| self.states[neuron][slot].into())
    }

    /// State `v` of every neuron, or the first one where the program has none of this name.
    pub(super) fn membranes(&self) -> Vec<i32> {
        let slot = self.neuron.program.state("v").unwrap_or(0);
        self.states.iter().map(|state| state.get(slot).copied().unwrap_or(0)).collect()
    }
}
