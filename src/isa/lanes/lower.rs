//! From a program to the steps of the lane executor.
//!
//! - An instruction that only moves a number (`ld`, `ldp`, `in`, `li`, `mov`) is left out where all that use it can read
//!   its source: no other write reaches them, and no store comes between.
//! - An instruction on numbers that no tick changes (parameters, immediates) is worked out once.
//! - A branch that shared parameters decide is no branch, and what it leaves out no step ([`super::fold`]).
//! - A product with such a number that is small enough needs no 64 bits; one with 2^n that is shifted by n is a move.
//!
//! What is left out still costs its cycles. A run of instructions without a jump or a label inside is done by the same
//! neurons, so its cycles are counted once, with its first step.

use std::collections::BTreeSet;

use super::fold::Folded;
use super::{BLOCK, Binding};
use crate::isa::encode::Instruction;
use crate::isa::exec::{arithmetic, compare};
use crate::isa::op::{Form, Op};
use crate::isa::program::Program;

/// Where an operand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A register's row of the block.
    Row(usize),
    /// The sums of a dendritic input.
    Input(usize),
    /// A state variable.
    State(usize),
    /// A number that does not change.
    Fixed(usize),
}

/// A number that does not change: one for all (a block of it), or one a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) values: Vec<i32>,
    pub(super) shared: bool,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// The instruction.
    Op,
    /// The product in halves: `b` is not negative and below `2^(32 - n)`, or n is 0.
    Halves,
    /// A jump.
    Jump,
    /// A jump that all take.
    Goto,
    /// Nothing but its cycles.
    Nothing,
}

/// An instruction that is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) op: Op,
    pub(super) rd: usize,
    pub(super) a: Source,
    pub(super) b: Source,
    pub(super) imm: i32,
    /// Its place in the program.
    pub(super) at: i32,
    /// Cycles of all instructions up to the next jump or label, at the first step of such a run: the same neurons do
    /// all of it.
    pub(super) cycles: u32,
}

/// A program ready for the lanes.
#[derive(Debug, Clone)]
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    /// First step at or behind each instruction, one more than there are.
    pub(super) step_of: Vec<usize>,
    pub(super) fixed: Vec<Fixed>,
    /// Registers that must be 0 at the start of an update.
    pub(super) cleared: Vec<usize>,
    /// Whether the flag must be clear at the start of an update.
    pub(super) flag_first: bool,
}

/// Registers of a program.
pub(super) const REGISTERS: usize = 16;

/// The write before the first instruction: every register is 0.
const ENTRY: usize = usize::MAX;

/// The writes that may have made each register, by register.
type Reaching = [BTreeSet<usize>; REGISTERS];

/// Registers that an instruction reads, as (ra, rb).
pub(super) fn reads(instruction: &Instruction) -> [Option<usize>; 2] {
    let (_, ra, rb) = instruction.op.info().form.registers();
    [ra.then_some(usize::from(instruction.ra)), rb.then_some(usize::from(instruction.rb))]
}

pub(super) fn writes(instruction: &Instruction) -> Option<usize> {
    instruction.op.info().form.registers().0.then_some(usize::from(instruction.rd))
}

/// Whether an instruction writes what registers and immediates alone do not say.
pub(super) const fn varies(op: Op) -> bool {
    matches!(op, Op::Ld | Op::Ldp | Op::In | Op::Sel | Op::Flag | Op::Rmw | Op::Ldx | Op::Tick | Op::Rnd)
}

/// Instructions that a jump leads to.
fn targets(code: &[Instruction], folded: &Folded) -> BTreeSet<usize> {
    let live = (0..code.len()).filter(|&at| folded.live[at] && code[at].op.info().form == Form::Jump);
    live.filter_map(|at| folded.next(code, at)[1]).collect()
}

/// Ends a run before instruction `at`: its first step, or one that does nothing else, counts its cycles.
fn end_run(steps: &mut Vec<Step>, run: &mut usize, cycles: &mut u32, at: usize) {
    if *cycles > 0 && *run == steps.len() {
        let none = Source::Fixed(0);
        let at = at as i32 - 1;
        steps.push(Step { work: Work::Nothing, op: Op::Mov, rd: 0, a: none, b: none, imm: 0, at, cycles: 0 });
    }
    if *cycles > 0 {
        steps[*run].cycles = *cycles;
    }
    (*run, *cycles) = (steps.len(), 0);
}

/// The writes that reach every instruction.
fn reaching(code: &[Instruction], folded: &Folded) -> Vec<Reaching> {
    let entry: Reaching = std::array::from_fn(|_| BTreeSet::from([ENTRY]));
    let nothing: Reaching = std::array::from_fn(|_| BTreeSet::new());
    let mut at = vec![nothing; code.len() + 1];
    at[0] = entry;
    for (index, instruction) in code.iter().enumerate().filter(|(index, _)| folded.live[*index]) {
        let mut after = at[index].clone();
        if let Some(rd) = writes(instruction) {
            after[rd] = BTreeSet::from([index]);
        }
        for to in folded.next(code, index).into_iter().flatten() {
            for (all, more) in at[to].iter_mut().zip(&after) {
                all.extend(more);
            }
        }
    }
    at
}

/// What is known of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Its register's row.
    Made,
    /// The same number as this.
    Same(Source),
}

struct Lowering<'a> {
    code: &'a [Instruction],
    bindings: &'a [Binding],
    padded: usize,
    folded: Folded,
    reaching: Vec<Reaching>,
    known: Vec<Known>,
    fixed: Vec<Fixed>,
    /// Writes whose register must hold them.
    needed: BTreeSet<usize>,
}

impl Lowered {
    pub(super) fn new(program: &Program, bindings: &[Binding], padded: usize) -> Self {
        let code = &program.code[..];
        let folded = Folded::new(code, bindings);
        let mut lowering = Lowering {
            code,
            bindings,
            padded,
            reaching: reaching(code, &folded),
            folded,
            known: vec![Known::Made; code.len()],
            fixed: vec![Fixed { values: vec![0; BLOCK], shared: true }],
            needed: BTreeSet::new(),
        };
        for at in 0..code.len() {
            lowering.known[at] = lowering.judge(at);
        }
        lowering.finish()
    }
}

impl Lowering<'_> {
    /// The operand of register `register` at instruction `at`.
    fn operand(&self, at: usize, register: usize) -> Source {
        let mut of = self.reaching[at][register].iter();
        let (Some(&write), None) = (of.next(), of.next()) else { return Source::Row(register) };
        if write == ENTRY {
            return Source::Fixed(0);
        }
        match self.known[write] {
            Known::Same(Source::State(slot)) if self.stored_between(slot, write, at) => Source::Row(register),
            Known::Same(source) => source,
            Known::Made => Source::Row(register),
        }
    }

    /// Whether anything between two instructions stores the state.
    fn stored_between(&self, slot: usize, from: usize, to: usize) -> bool {
        self.code[from + 1..to].iter().any(|i| matches!(i.op, Op::St | Op::Rmw) && i.imm as usize == slot)
    }

    fn keep(&mut self, values: Vec<i32>, shared: bool) -> Known {
        let fixed = Fixed { values, shared };
        let at = self.fixed.iter().position(|known| *known == fixed).unwrap_or_else(|| {
            self.fixed.push(fixed);
            self.fixed.len() - 1
        });
        Known::Same(Source::Fixed(at))
    }

    /// What the write of instruction `at` is.
    fn judge(&mut self, at: usize) -> Known {
        let instruction = self.code[at];
        let slot = instruction.imm as usize;
        if let Some(value) = self.folded.value[at] {
            return self.keep(vec![value; BLOCK], true);
        }
        match instruction.op {
            Op::Ld => Known::Same(Source::State(slot)),
            Op::In => Known::Same(Source::Input(slot)),
            Op::Ldp => match &self.bindings[slot] {
                Binding::Shared(value) => self.keep(vec![*value; BLOCK], true),
                Binding::PerNeuron(values) => {
                    let mut values = values.clone();
                    values.resize(self.padded, 0);
                    self.keep(values, false)
                }
                Binding::Table(_) => Known::Made,
            },
            Op::Li => self.keep(vec![instruction.imm; BLOCK], true),
            Op::Mov | Op::Mulshr | Op::Mulshz => match self.unchanged(at) {
                Some(source) if !matches!(source, Source::Row(_)) => Known::Same(source),
                _ => self.work_out(at).unwrap_or(Known::Made),
            },
            _ => self.work_out(at).unwrap_or(Known::Made),
        }
    }

    /// The operand that an instruction gives as it is: a move, or a product with `2^n` that is shifted by n.
    fn unchanged(&self, at: usize) -> Option<Source> {
        let instruction = &self.code[at];
        let [a, b] = reads(instruction).map(|register| register.map(|register| self.operand(at, register)));
        let one = |source: &Option<Source>| match source {
            Some(Source::Fixed(number)) if (0..31).contains(&instruction.imm) => {
                self.fixed[*number].shared && self.fixed[*number].values[0] == 1 << instruction.imm
            }
            _ => false,
        };
        match instruction.op {
            Op::Mov => a,
            Op::Mulshr | Op::Mulshz if one(&b) => a,
            Op::Mulshr | Op::Mulshz if one(&a) => b,
            _ => None,
        }
    }

    /// The result of an instruction on numbers that do not change.
    fn work_out(&mut self, at: usize) -> Option<Known> {
        let instruction = self.code[at];
        writes(&instruction)?;
        if varies(instruction.op) {
            return None;
        }
        let d = if instruction.op == Op::Lih { Some(usize::from(instruction.rd)) } else { None };
        let [a, b] = reads(&instruction);
        let mut numbers = Vec::new();
        for register in [d, a, b] {
            numbers.push(match register.map(|register| self.operand(at, register)) {
                None => 0,
                Some(Source::Fixed(number)) => number,
                Some(_) => return None,
            });
        }
        let of: Vec<&Fixed> = numbers.iter().map(|number| &self.fixed[*number]).collect();
        let shared = of.iter().all(|fixed| fixed.shared);
        let size = if shared { BLOCK } else { self.padded };
        let value = |fixed: &Fixed, neuron: usize| fixed.values[if fixed.shared { 0 } else { neuron }];
        let values = (0..size).map(|n| {
            let [d, a, b] = [value(of[0], n), value(of[1], n), value(of[2], n)];
            arithmetic(instruction.op, d, a, b, instruction.imm)
        });
        let values = values.collect();
        Some(self.keep(values, shared))
    }

    /// Whether a product can be taken in halves.
    fn halves(&self, op: Op, b: Source, n: i32) -> bool {
        let product = matches!(op, Op::Mulshr | Op::Mulshz);
        let small = |number: usize| {
            let most = if n == 0 { i64::MAX } else { 1_i64 << (32 - n.min(32)) };
            self.fixed[number].values.iter().all(|&value| value >= 0 && i64::from(value) < most)
        };
        product && n <= 31 && (n == 0 || matches!(b, Source::Fixed(number) if small(number)))
    }

    /// The operands of every instruction that cannot be left out, and which writes they need.
    fn operands(&mut self) -> Vec<(Source, Source)> {
        let none = Source::Fixed(0);
        let mut operands = Vec::new();
        for (at, instruction) in self.code.iter().enumerate() {
            let [a, b] = reads(instruction).map(|register| register.map_or(none, |r| self.operand(at, r)));
            operands.push((a, b));
        }
        // From the end: an instruction that is left out needs nothing.
        for (at, instruction) in self.code.iter().enumerate().rev() {
            if self.left_out(at) {
                continue;
            }
            let keeps = (instruction.op == Op::Lih).then_some(usize::from(instruction.rd));
            let [a, b] = reads(instruction);
            for (register, source) in [(a, operands[at].0), (b, operands[at].1), (keeps, Source::Row(0))] {
                if let (Some(register), Source::Row(_)) = (register, source) {
                    self.needed.extend(&self.reaching[at][register]);
                }
            }
        }
        operands
    }

    fn left_out(&self, at: usize) -> bool {
        let unused_flag = compare(self.code[at].op, 0, 0, 0).is_some() && !self.folded.flag_used[at];
        let passed = self.code[at].op.info().form == Form::Jump && self.folded.taken[at] == Some(false);
        let elsewhere = self.known[at] != Known::Made && !self.needed.contains(&at);
        !self.folded.live[at] || unused_flag || passed || elsewhere
    }

    fn finish(mut self) -> Lowered {
        let operands = self.operands();
        let targets = targets(self.code, &self.folded);
        let (mut steps, mut step_of) = (Vec::<Step>::new(), Vec::new());
        // Cycles of the run so far, and the first step behind its beginning.
        let (mut cycles, mut run) = (0, 0);
        for (at, instruction) in self.code.iter().enumerate() {
            if targets.contains(&at) {
                end_run(&mut steps, &mut run, &mut cycles, at);
            }
            step_of.push(steps.len());
            if !self.folded.live[at] {
                continue;
            }
            cycles += u32::from(instruction.op.info().cycles);
            if self.left_out(at) {
                continue;
            }
            let step = self.step(at, operands[at]);
            steps.push(step);
            if matches!(step.work, Work::Jump | Work::Goto) {
                end_run(&mut steps, &mut run, &mut cycles, at + 1);
            }
        }
        end_run(&mut steps, &mut run, &mut cycles, self.code.len());
        step_of.push(steps.len());
        let cleared = if self.needed.contains(&ENTRY) { self.cleared() } else { Vec::new() };
        Lowered { steps, step_of, fixed: self.fixed, cleared, flag_first: self.folded.flag_first }
    }

    /// The step of an instruction that is not left out.
    fn step(&self, at: usize, (a, b): (Source, Source)) -> Step {
        let instruction = &self.code[at];
        let unchanged = self.unchanged(at).filter(|_| self.known[at] == Known::Made);
        let (a, b) = unchanged.map_or_else(|| self.moved(at, instruction, a, b), |source| (source, b));
        Step {
            work: match instruction.op.info().form {
                Form::Jump if self.folded.taken[at].is_some() => Work::Goto,
                Form::Jump => Work::Jump,
                _ if unchanged.is_none() && self.halves(instruction.op, b, instruction.imm) => Work::Halves,
                _ => Work::Op,
            },
            op: match self.known[at] {
                // One that all take is no condition.
                Known::Made if self.folded.taken[at].is_some() => Op::Jmp,
                Known::Made if unchanged.is_none() => instruction.op,
                _ => Op::Mov,
            },
            rd: usize::from(instruction.rd),
            a,
            b,
            imm: instruction.imm,
            at: at as i32,
            cycles: 0,
        }
    }

    /// The operands of a step: a write that must be made although its number stands elsewhere is a move; of a product,
    /// the number that does not change stands last.
    fn moved(&self, at: usize, instruction: &Instruction, a: Source, b: Source) -> (Source, Source) {
        match self.known[at] {
            Known::Same(source) => (source, b),
            Known::Made => match (instruction.op, a) {
                (Op::Mulshr | Op::Mulshz, Source::Fixed(_)) => (b, a),
                _ => (a, b),
            },
        }
    }

    /// Registers that someone reads as they are at the start, beside other writes.
    fn cleared(&self) -> Vec<usize> {
        let read = |register: &usize| {
            (0..self.code.len()).any(|at| {
                let keeps = self.code[at].op == Op::Lih && usize::from(self.code[at].rd) == *register;
                (keeps || reads(&self.code[at]).contains(&Some(*register)))
                    && self.reaching[at][*register].contains(&ENTRY)
            })
        };
        (0..REGISTERS).filter(read).collect()
    }
}
