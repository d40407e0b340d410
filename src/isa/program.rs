//! A neuron program: its code and the names, widths and sizes of everything that it touches.

use super::encode::{Instruction, encode};
use super::op::{Form, Op};
use crate::diag::Problem;

/// Instructions of a program (ours: Loihi 2's limit is not public).
pub const PROGRAM_MAX: usize = 1_024;
/// Bytes of state of one neuron (Loihi 2: 0 to 4,096).
pub const STATE_BYTES_MAX: u32 = 4_096;
/// Dendritic inputs of a program.
pub const INPUTS_MAX: usize = 8;
/// Outputs of a program.
pub const OUTPUTS_MAX: usize = 4;
/// Parameters of a program.
pub const PARAMETERS_MAX: usize = 256;
/// Entries of a parameter table.
pub const TABLE_MAX: u16 = 1_024;

/// Width of a stored number: `s24` is -2^23 ..= 2^23 - 1, `u12` is 0 ..= 4095. Unsigned ones have at most 31 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width {
    /// Bits, 1..=32.
    pub bits: u8,
    /// Two's complement.
    pub signed: bool,
}

impl Width {
    /// Smallest and largest number.
    #[inline(always)]
    #[must_use]
    pub const fn range(self) -> (i32, i32) {
        if self.signed {
            let half = 1_i64 << (self.bits - 1);
            (-half as i32, (half - 1) as i32)
        } else {
            (0, ((1_i64 << self.bits) - 1) as i32)
        }
    }

    /// The number as it is stored: the low bits.
    #[inline(always)]
    #[must_use]
    pub const fn store(self, value: i32) -> i32 {
        let unused = 32 - self.bits as u32;
        if self.signed { (value << unused) >> unused } else { value & self.range().1 }
    }

    /// Bytes that it takes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        (self.bits as u32).div_ceil(8)
    }
}

impl std::fmt::Display for Width {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.signed { 's' } else { 'u' }, self.bits)
    }
}

/// A state variable of each neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its width in memory.
    pub width: Width,
    /// What it is before the first tick.
    pub initial: i32,
}

/// A parameter: one number for the population, one a neuron, or a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its width in memory.
    pub width: Width,
    /// Entries of a table; `None` is a single number.
    pub entries: Option<u16>,
    /// What it is unless a population says otherwise; `None` must be given.
    pub default: Option<i32>,
}

/// Where declarations stand in the text that a program was assembled from, as line and column from 1; `None` where it
/// has none. No part of what the program is: all are equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places {
    /// The name of the chip that it is written for.
    pub chip: Option<(usize, usize)>,
    /// The first state.
    pub state: Option<(usize, usize)>,
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

/// A neuron program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// Chip that it is written for; `None` runs on every chip with programmable neurons.
    pub chip: Option<String>,
    /// State of each neuron.
    pub states: Vec<Variable>,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Names of the dendritic inputs.
    pub inputs: Vec<String>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// The instructions.
    pub code: Vec<Instruction>,
    /// Where its declarations stand.
    pub places: Places,
}

/// What a program takes of a core's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of program memory.
    pub code_bytes: u32,
    /// Bytes of state a neuron.
    pub state_bytes: u32,
}

impl Program {
    /// The words of the code.
    #[must_use]
    pub fn words(&self) -> Vec<u32> {
        self.code.iter().map(encode).collect()
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout {
            code_bytes: 4 * self.code.len() as u32,
            state_bytes: self.states.iter().map(|state| state.width.bytes()).sum(),
        }
    }

    /// Cycles of the shortest and of the longest way through.
    #[must_use]
    pub fn cycles(&self) -> (u32, u32) {
        // From the end: what is left from each instruction on.
        let mut left = vec![(0, 0); self.code.len() + 1];
        for (at, instruction) in self.code.iter().enumerate().rev() {
            let info = instruction.op.info();
            let next = left[at + 1];
            let (low, high) = match (info.form, instruction.op) {
                (Form::Jump, op) => {
                    let target = left[(at + 1 + instruction.imm as usize).min(self.code.len())];
                    if op == Op::Jmp { target } else { (next.0.min(target.0), next.1.max(target.1)) }
                }
                _ => next,
            };
            left[at] = (low + u32::from(info.cycles), high + u32::from(info.cycles));
        }
        left[0]
    }

    /// Number of a state variable.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|state| state.name == name)
    }

    /// Number of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.name == name)
    }

    /// Everything that makes it unfit to load; `place` names an instruction.
    #[must_use]
    pub fn check(&self, place: impl Fn(usize) -> String) -> Vec<Problem> {
        let mut found = self.check_sizes(&place);
        for (index, instruction) in self.code.iter().enumerate() {
            if let Some((what, limit)) = self.fault(index, instruction) {
                found.push(Problem::invalid("isa/operand", place(index), what).limit(limit));
            }
        }
        found
    }

    fn check_sizes(&self, place: &impl Fn(usize) -> String) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.code.is_empty() {
            found.push(Problem::invalid("isa/empty", place(0), "the program has no instruction"));
        }
        let mut limit = |what: &str, has: usize, most: usize| {
            if has > most {
                let problem = Problem::invalid("isa/size", place(0), format!("the program has {has} {what}"));
                found.push(problem.limit(format!("at most {most}")));
            }
        };
        limit("instructions", self.code.len(), PROGRAM_MAX);
        limit("bytes of state a neuron", self.layout().state_bytes as usize, STATE_BYTES_MAX as usize);
        limit("inputs", self.inputs.len(), INPUTS_MAX);
        limit("outputs", self.outputs.len(), OUTPUTS_MAX);
        limit("parameters", self.parameters.len(), PARAMETERS_MAX);
        found
    }

    /// What is wrong with an instruction in this program, and the limit.
    fn fault(&self, index: usize, instruction: &Instruction) -> Option<(String, String)> {
        let slot = instruction.imm as usize;
        let mnemonic = instruction.op.info().mnemonic;
        let missing = |what: &str, count: usize| {
            (slot >= count)
                .then(|| (format!("'{mnemonic}' names {what} {slot}"), format!("the program declares {count}")))
        };
        match instruction.op.info().form {
            Form::DState | Form::StateA | Form::DStateA => missing("state", self.states.len()),
            Form::DInput => missing("input", self.inputs.len()),
            Form::Output | Form::OutputA => missing("output", self.outputs.len()),
            Form::DParameter | Form::DTableA => missing("parameter", self.parameters.len()).or_else(|| {
                let is_table = self.parameters[slot].entries.is_some();
                let wants_table = instruction.op == Op::Ldx;
                (is_table != wants_table).then(|| {
                    let name = &self.parameters[slot].name;
                    let limit = "'ldp' reads single parameters, 'ldx' reads tables".to_owned();
                    (format!("'{mnemonic}' cannot read parameter '{name}'"), limit)
                })
            }),
            Form::Jump => {
                let target = index + 1 + slot;
                let end = self.code.len();
                (target > end)
                    .then(|| (format!("the jump leads to instruction {target}"), format!("the program ends at {end}")))
            }
            _ => None,
        }
    }
}
