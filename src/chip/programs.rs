//! Cores whose compartments run programs: `[core.cuba.programs]`.

use super::quantity::Dimension;
use super::section::{Found, Section};
use crate::units::Picos;

/// What a core with programmable neurons has beside its synapse lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramSpec {
    /// Bytes of memory of a core, shared by programs, state, parameters, axons and synapses.
    pub memory_bytes: u32,
    /// Bytes of an entry of the axon tables.
    pub axon_bytes: u8,
    /// Instructions of one program.
    pub instructions: u16,
    /// Bytes of state of one neuron.
    pub state_bytes: u16,
    /// Bits of a graded spike's payload.
    pub payload_bits: u8,
    /// Bits of the payload that a flit carries; the first flit of a spike carries none.
    pub flit_bits: u8,
    /// Time of one cycle of a program.
    pub cycle: Picos,
    /// The shortest tick.
    pub step_floor: Picos,
}

impl ProgramSpec {
    /// Flits of a spike: a plain one has one, a payload adds what its bits need (two's complement).
    #[must_use]
    pub const fn flits(&self, payload: Option<i32>) -> u32 {
        match payload {
            None => 1,
            Some(value) => {
                let magnitude = if value < 0 { !value } else { value };
                let bits = 33 - magnitude.leading_zeros();
                1 + bits.div_ceil(self.flit_bits as u32)
            }
        }
    }

    /// For the chip's digest: what decides what an image may hold.
    pub(super) fn words(&self) -> [i64; 5] {
        [
            self.memory_bytes.into(),
            self.axon_bytes.into(),
            self.instructions.into(),
            self.state_bytes.into(),
            self.payload_bits.into(),
        ]
    }
}

pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> ProgramSpec {
    let spec = ProgramSpec {
        memory_bytes: section.number("memory_bytes", 1..=1 << 24, found) as u32,
        axon_bytes: section.number("axon_bytes", 1..=64, found) as u8,
        instructions: section.number("instructions", 1..=1024, found) as u16,
        state_bytes: section.number("state_bytes", 0..=4096, found) as u16,
        payload_bits: section.number("payload_bits", 1..=32, found) as u8,
        flit_bits: section.number("flit_bits", 1..=32, found) as u8,
        cycle: Picos(section.quantity("cycle", Dimension::Time, found)),
        step_floor: Picos(section.quantity("step_floor", Dimension::Time, found)),
    };
    section.finish(found);
    spec
}
