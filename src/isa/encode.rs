//! Instructions as 32-bit words and back.
//!
//! ```text
//! 31      24 23  20 19  16 15  12 11          0
//! | opcode  |  rd  |  ra  |  rb  |    imm12   |
//! | opcode  |  rd  |  ra  |       imm16       |
//! ```
//!
//! Fields that an instruction does not have are zero, so that every instruction has exactly one word.

use std::fmt;

use super::op::{Form, Op};

/// An instruction with its operands; those that its form does not have are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub op: Op,
    /// Destination register, 0..=15.
    pub rd: u8,
    /// First source register, 0..=15.
    pub ra: u8,
    /// Second source register, 0..=15.
    pub rb: u8,
    /// Immediate, shift, slot, port or distance by the form: see [`Form::immediate`].
    pub imm: i32,
}

/// Why a word is no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// No instruction has this opcode.
    Opcode(u8),
    /// Bits that the instruction does not have are set.
    Reserved(Op, u32),
    /// The immediate lies outside the instruction's range.
    Immediate(Op, i32),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opcode(opcode) => write!(f, "no instruction has opcode {opcode:#04x}"),
            Self::Reserved(op, bits) => write!(f, "'{}' has no bits {bits:#010x}", op.info().mnemonic),
            Self::Immediate(op, value) => {
                let (low, high) = op.info().form.immediate().unwrap_or((0, 0));
                write!(f, "'{}' takes {low}..={high}, not {value}", op.info().mnemonic)
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl Form {
    /// Range of the immediate; `None` where there is none.
    #[must_use]
    pub const fn immediate(self) -> Option<(i32, i32)> {
        Some(match self {
            Self::DAI => (-2048, 2047),
            Self::DAShift => (0, 31),
            Self::DAWidth => (1, 32),
            Self::DABShift => (0, 63),
            Self::DI | Self::AI => (-32_768, 32_767),
            Self::DBits => (1, 31),
            Self::DState | Self::StateA | Self::DStateA => (0, 4_095),
            Self::DParameter | Self::DTableA => (0, 255),
            Self::DInput => (0, 7),
            Self::Jump => (1, 4_095),
            Self::Output | Self::OutputA => (0, 3),
            Self::ProbeA => (0, 15),
            Self::D | Self::DA | Self::DAB | Self::AB => return None,
        })
    }

    /// Whether the instruction has (rd, ra, rb).
    #[must_use]
    pub const fn registers(self) -> (bool, bool, bool) {
        match self {
            Self::D | Self::DI | Self::DBits | Self::DState | Self::DParameter | Self::DInput => (true, false, false),
            Self::DA | Self::DAI | Self::DAShift | Self::DAWidth | Self::DStateA | Self::DTableA => (true, true, false),
            Self::DAB | Self::DABShift => (true, true, true),
            Self::AB => (false, true, true),
            Self::AI | Self::StateA | Self::OutputA | Self::ProbeA => (false, true, false),
            Self::Jump | Self::Output => (false, false, false),
        }
    }

    /// Bits of the word that the instruction uses, the opcode's not counted.
    const fn used(self) -> u32 {
        let (rd, ra, rb) = self.registers();
        let mut mask = 0;
        if rd {
            mask |= 0x00f0_0000;
        }
        if ra {
            mask |= 0x000f_0000;
        }
        if rb {
            mask |= 0x0000_f000;
        }
        match self {
            Self::DI | Self::AI => mask | 0xffff,
            _ if self.immediate().is_some() => mask | 0x0fff,
            _ => mask,
        }
    }
}

/// The word of an instruction. Operands out of range are our bug: the assembler checks them before.
#[must_use]
pub fn encode(instruction: &Instruction) -> u32 {
    let form = instruction.op.info().form;
    let width = if matches!(form, Form::DI | Form::AI) { 0xffff } else { 0x0fff };
    let word = (instruction.op as u32) << 24
        | u32::from(instruction.rd) << 20
        | u32::from(instruction.ra) << 16
        | u32::from(instruction.rb) << 12
        | (instruction.imm as u32 & width);
    debug_assert_eq!(decode(word).as_ref(), Ok(instruction));
    word
}

/// The instruction of a word.
///
/// # Errors
/// [`DecodeError`] where no instruction has this word.
pub fn decode(word: u32) -> Result<Instruction, DecodeError> {
    let opcode = (word >> 24) as u8;
    let op = Op::from_opcode(opcode).ok_or(DecodeError::Opcode(opcode))?;
    let form = op.info().form;
    let stray = word & 0x00ff_ffff & !form.used();
    if stray != 0 {
        return Err(DecodeError::Reserved(op, stray));
    }
    let (rd, ra, rb) = form.registers();
    let field = |present: bool, shift: u32| if present { (word >> shift) as u8 & 15 } else { 0 };
    let imm = match form {
        Form::DI | Form::AI => i32::from(word as i16),
        Form::DAI => ((word << 20) as i32) >> 20,
        _ if form.immediate().is_some() => (word & 0x0fff) as i32,
        _ => 0,
    };
    if let Some((low, high)) = form.immediate()
        && !(low..=high).contains(&imm)
    {
        return Err(DecodeError::Immediate(op, imm));
    }
    Ok(Instruction { op, rd: field(rd, 20), ra: field(ra, 16), rb: field(rb, 12), imm })
}
