//! Neurons of a list core that run a program.

use bincode::{Decode, Encode};

use super::CubaCore;
use crate::chip::ProgramSpec;
use crate::isa::{self, Binding, Program};

/// Neighbouring compartments of one population that run one program.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ProgramGroup {
    /// Name of the program, for people.
    pub name: String,
    /// Its declarations and words, as `asm -o` writes them.
    pub program: String,
    /// First compartment.
    pub first: u32,
    /// Number of compartments.
    pub count: u32,
    /// Number of the population; random draws are keyed by it and the neuron.
    pub population: u32,
    /// Number of the first neuron within the population.
    pub neuron: u32,
    /// Parameters that are not their defaults.
    pub parameters: Vec<NamedValues>,
    /// States that do not begin as the program says.
    pub initial: Vec<NamedValues>,
    /// Dendritic inputs of projections that do not go to the first.
    pub inputs: Vec<ProjectionInput>,
}

/// Values of a parameter or state: one for all, one a neuron, or the entries of a table.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NamedValues {
    /// Its name in the program.
    pub name: String,
    /// The values.
    pub values: Vec<i32>,
}

/// Where the synapses of a projection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ProjectionInput {
    /// Number of the projection.
    pub projection: u32,
    /// Number of the program's dendritic input.
    pub input: u8,
}

impl ProgramGroup {
    /// The program.
    ///
    /// # Errors
    /// What the assembler finds.
    pub fn assemble(&self) -> crate::diag::Result<Program> {
        isa::assemble(&self.program, &self.name)
    }

    /// The parameters as the executors take them.
    #[must_use]
    pub fn bound(&self, program: &Program) -> Vec<(String, Binding)> {
        let bind = |named: &NamedValues| {
            let table = program.parameter(&named.name).is_some_and(|slot| program.parameters[slot].entries.is_some());
            let binding = match &named.values[..] {
                values if table => Binding::Table(values.to_vec()),
                [one] => Binding::Shared(*one),
                values => Binding::PerNeuron(values.to_vec()),
            };
            (named.name.clone(), binding)
        };
        self.parameters.iter().map(bind).collect()
    }

    /// The dendritic input of a projection.
    #[must_use]
    pub fn input(&self, projection: u32) -> u8 {
        self.inputs.iter().find(|known| known.projection == projection).map_or(0, |known| known.input)
    }

    /// Everything that does not hold of a group in a core of so many compartments of a chip of this name.
    #[must_use]
    pub fn faults(&self, neurons: usize, spec: &ProgramSpec, chip: &str) -> Vec<String> {
        let program = match self.assemble() {
            Ok(program) => program,
            Err(problems) => return vec![format!("its program is none: {}", problems.all()[0].what)],
        };
        let mut found = Vec::new();
        let layout = program.layout();
        if let Some(other) = program.chip.as_ref().filter(|name| **name != chip) {
            found.push(format!("its program is written for chip '{other}', this is '{chip}'"));
        }
        if u64::from(self.first) + u64::from(self.count) > neurons as u64 || self.count == 0 {
            found.push(format!("compartments {}..+{} are not there", self.first, self.count));
            return found;
        }
        if program.code.len() > usize::from(spec.instructions) || layout.state_bytes > u32::from(spec.state_bytes) {
            let (instructions, bytes) = (program.code.len(), layout.state_bytes);
            found.push(format!("{instructions} instructions and {bytes} bytes of state are too many"));
        }
        if let Err(problems) = isa::bind(&program, self.count as usize, &self.bound(&program)) {
            found.extend(problems.all().iter().map(|problem| problem.what.clone()));
        }
        for NamedValues { name, values } in &self.initial {
            let fits = |slot: usize| {
                let (low, high) = program.states[slot].width.range();
                values.iter().all(|value| (low..=high).contains(value))
            };
            let sized = values.len() == 1 || values.len() == self.count as usize;
            if !sized || !program.state(name).is_some_and(fits) {
                found.push(format!("the initial values of '{name}' do not fit"));
            }
        }
        if self.inputs.iter().any(|of| usize::from(of.input) >= program.inputs.len()) {
            found.push("a projection goes to an input that the program does not have".to_owned());
        }
        found
    }
}

/// Bytes of a register set of a compartment without a program of its own: its seven registers.
const CONFIG_BYTES: u64 = 16;
/// Bytes of state of such a compartment: u, v and the refractory counter.
const COMPARTMENT_BYTES: u64 = 7;

impl CubaCore {
    /// Whether every packet is of an output that its compartment's program has; axons and programs must hold already.
    pub(super) fn outputs_hold(&self) -> bool {
        if self.axons_out.iter().all(|out| out.output == 0) {
            return true;
        }
        let mut outputs = vec![1; self.config_of.len()];
        for group in &self.programs {
            let count = group.assemble().map_or(1, |program| program.outputs.len());
            outputs[group.first as usize..][..group.count as usize].fill(count);
        }
        let sent = |ends: &[u32]| &self.axons_out[ends[0] as usize..ends[1] as usize];
        let holds =
            |(ends, count): (&[u32], &usize)| sent(ends).iter().all(|out| usize::from(out.output) < (*count).max(1));
        self.out_offsets.windows(2).zip(&outputs).all(holds)
    }

    /// Bytes of a programmable core's memory that its programs, states, parameters and axon tables take; synapses
    /// come besides.
    #[must_use]
    pub fn program_bytes(&self, axons_in: usize, axons_out: usize, spec: &ProgramSpec) -> u64 {
        let mut bytes = (axons_in + axons_out) as u64 * u64::from(spec.axon_bytes);
        let mut plain = self.config_of.len() as u64;
        let mut seen: Vec<&str> = Vec::new();
        for group in &self.programs {
            let Ok(program) = group.assemble() else { continue };
            let layout = program.layout();
            plain = plain.saturating_sub(group.count.into());
            bytes += u64::from(layout.state_bytes) * u64::from(group.count);
            if !seen.contains(&group.program.as_str()) {
                bytes += u64::from(layout.code_bytes);
                seen.push(&group.program);
            }
            for parameter in &program.parameters {
                let given = group.parameters.iter().find(|named| named.name == parameter.name);
                let entries = parameter.entries.map_or(1, usize::from);
                let count = given.map_or(entries, |named| named.values.len());
                bytes += count as u64 * u64::from(parameter.width.bytes());
            }
        }
        if plain > 0 {
            // The built-in 'cuba', its register sets, and the number of its set for each compartment.
            let code = isa::builtin_text("cuba").and_then(|text| isa::assemble(text, "cuba").ok());
            bytes += code.map_or(0, |program| u64::from(program.layout().code_bytes));
            bytes += self.configs.len() as u64 * CONFIG_BYTES + plain * (COMPARTMENT_BYTES + 2);
        }
        bytes
    }
}
