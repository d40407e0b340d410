//! What of a program is decided before it runs: parameters that all neurons share decide branches, and what no neuron can
//! reach is no step. Jumps go forward, so one pass in program order sees every way.

use super::lower::{REGISTERS, reads, writes};
use super::{Binding, lower};
use crate::isa::encode::Instruction;
use crate::isa::exec::{arithmetic, compare};
use crate::isa::op::{Form, Op};

/// What is known of each instruction.
#[derive(Debug)]
pub(super) struct Folded {
    /// Whether any neuron can come to it.
    pub(super) live: Vec<bool>,
    /// Of a jump: whether all take it, or none.
    pub(super) taken: Vec<Option<bool>>,
    /// What it writes, where that is the same for all neurons and ticks.
    pub(super) value: Vec<Option<i32>>,
    /// Whether anything looks at the flag that it sets.
    pub(super) flag_used: Vec<bool>,
    /// Whether anything looks at the flag as it is at the start.
    pub(super) flag_first: bool,
}

/// What registers and flag are, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    registers: [Option<i32>; REGISTERS],
    flag: Option<bool>,
}

impl Known {
    /// What holds on both ways.
    fn join(&mut self, other: &Self) {
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            *own = own.filter(|_| own == other);
        }
        self.flag = self.flag.filter(|_| self.flag == other.flag);
    }

    /// The result of an instruction, where everything that it reads is known.
    fn result(&self, instruction: &Instruction, bindings: &[Binding]) -> Option<i32> {
        let of = |register: Option<usize>| register.map_or(Some(0), |register| self.registers[register]);
        let [a, b] = reads(instruction);
        match instruction.op {
            Op::Ldp => match &bindings[instruction.imm as usize] {
                Binding::Shared(value) => Some(*value),
                Binding::PerNeuron(_) | Binding::Table(_) => None,
            },
            Op::Flag => self.flag.map(i32::from),
            Op::Sel => self.flag.and_then(|flag| of(if flag { a } else { b })),
            _ if lower::varies(instruction.op) => None,
            op => {
                let d = if op == Op::Lih { self.registers[usize::from(instruction.rd)]? } else { 0 };
                Some(arithmetic(op, d, of(a)?, of(b)?, instruction.imm))
            }
        }
    }
}

impl Folded {
    pub(super) fn new(code: &[Instruction], bindings: &[Binding]) -> Self {
        let mut found = Self {
            live: vec![false; code.len()],
            taken: vec![None; code.len()],
            value: vec![None; code.len()],
            flag_used: vec![false; code.len()],
            flag_first: false,
        };
        let mut before: Vec<Option<Known>> = vec![None; code.len() + 1];
        before[0] = Some(Known { registers: [Some(0); REGISTERS], flag: Some(false) });
        for (at, instruction) in code.iter().enumerate() {
            let Some(mut known) = before[at] else { continue };
            found.live[at] = true;
            if instruction.op.info().form == Form::Jump {
                found.taken[at] = match instruction.op {
                    Op::Jc => known.flag,
                    Op::Jn => known.flag.map(|flag| !flag),
                    _ => Some(true),
                };
            } else if let Some(rd) = writes(instruction) {
                found.value[at] = known.result(instruction, bindings);
                known.registers[rd] = found.value[at];
            } else if compare(instruction.op, 0, 0, 0).is_some() {
                let [a, b] = reads(instruction).map(|register| register.map_or(Some(0), |r| known.registers[r]));
                known.flag = a.zip(b).and_then(|(a, b)| compare(instruction.op, a, b, instruction.imm));
            }
            for next in found.next(code, at).into_iter().flatten() {
                match &mut before[next] {
                    Some(there) => there.join(&known),
                    there => *there = Some(known),
                }
            }
        }
        found.use_flags(code);
        found
    }

    /// Where a neuron can go from a live instruction.
    pub(super) fn next(&self, code: &[Instruction], at: usize) -> [Option<usize>; 2] {
        let jumps = code[at].op.info().form == Form::Jump;
        let taken = if jumps { self.taken[at] } else { Some(false) };
        let target = at + 1 + code[at].imm.max(0) as usize;
        [(taken != Some(true)).then_some(at + 1), (taken != Some(false)).then_some(target)]
    }

    /// Which comparisons anything looks at.
    fn use_flags(&mut self, code: &[Instruction]) {
        // From the end: whether the flag is looked at from an instruction on before it is set anew.
        let mut wanted = vec![false; code.len() + 1];
        for (at, instruction) in code.iter().enumerate().rev().filter(|(at, _)| self.live[*at]) {
            let later = self.next(code, at).into_iter().flatten().any(|next| wanted[next]);
            let sets = compare(instruction.op, 0, 0, 0).is_some();
            self.flag_used[at] = sets && later;
            let looks = match instruction.op {
                Op::Sel | Op::Flag => self.value[at].is_none(),
                Op::Jc | Op::Jn => self.taken[at].is_none(),
                _ => false,
            };
            wanted[at] = looks || (later && !sets);
        }
        self.flag_first = wanted[0];
    }
}
