//! The neuron instruction set: programs that replace the fixed neuron of a core.
//!
//! `isa/neuron.toml` is the normative table and `isa/neuron.md` the manual. An update runs a program once for each
//! neuron and tick over sixteen 32-bit registers, one flag, the neuron's state, the parameters of its population
//! and the sums that its dendritic inputs received. Jumps only go forward, so every update ends.
//!
//! The instruction classes are those that are public of Loihi 2; encodings, cycles and limits are our own.

mod asm;
mod builtin;
mod disasm;
mod encode;
mod exec;
mod lanes;
mod op;
mod program;

pub use asm::assemble;
pub use builtin::{BUILTIN, builtin_text};
pub use disasm::{disassemble, listing};
pub use encode::{DecodeError, Instruction, decode, encode};
pub use exec::{Sent, Update, execute};
pub use lanes::{Binding, Draws, Lanes, bind};
pub use op::{Class, FlagUse, Form, Op, OpInfo};
pub use program::{
    INPUTS_MAX, Layout, OUTPUTS_MAX, PARAMETERS_MAX, PROGRAM_MAX, Parameter, Places, Program, STATE_BYTES_MAX,
    TABLE_MAX, Variable, Width,
};

#[cfg(test)]
mod tests;
