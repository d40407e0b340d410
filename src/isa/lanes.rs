//! The fast executor: one instruction over all neurons of a core, block by block.
//!
//! State stands in one array a variable. A block's registers stay in the first cache; every instruction is one loop
//! over the block that the compiler turns into vector code. A jump that all neurons of a block take is taken, one
//! that none takes is passed, and where they part, those that jump sleep until their label: what they would do in
//! between is computed and thrown away. The results equal [`super::execute`] for every neuron.

use super::encode::Instruction;
use super::exec::{Emission, arithmetic, compare};
use super::op::{Form, Op};
use super::program::Program;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::rng;

/// Neurons of a block.
const BLOCK: usize = 128;

type Row = [i32; BLOCK];

/// What a population gives for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// One number for all neurons.
    Shared(i32),
    /// One number a neuron.
    PerNeuron(Vec<i32>),
    /// The entries of a table, for all neurons.
    Table(Vec<i32>),
}

/// Where random bits come from: draw d of a neuron in a tick has the same value in whatever order draws are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// Seed of the run.
    pub seed: u64,
    /// Core.
    pub core: u32,
}

impl Draws {
    /// 32 random bits.
    #[inline]
    #[must_use]
    pub const fn get(self, neuron: u32, tick: u32, draw: u32) -> u32 {
        (rng::keyed(self.seed, self.core as u64, neuron as u64, tick as u64, draw as u64) >> 32) as u32
    }
}

/// All neurons of a core that run one program.
#[derive(Debug, Clone)]
pub struct Lanes {
    program: Program,
    bindings: Vec<Binding>,
    draws: Draws,
    neurons: usize,
    /// One array a state variable, filled up to whole blocks.
    state: Vec<Vec<i32>>,
    /// Registers that may be read before they are written: cleared in each tick.
    cleared: Vec<usize>,
    draws_any: bool,
}

/// What a block works on.
struct Work {
    r: Box<[Row; 16]>,
    /// All ones where the flag is set.
    flag: Row,
    /// The instruction that each neuron waits for.
    wake: Row,
    /// The instruction that all are awake at.
    together: i32,
    draw: [u32; BLOCK],
    /// Cycles of all, and what single neurons have beyond.
    common: u32,
    extra: [u32; BLOCK],
    active: usize,
}

impl Lanes {
    /// `neurons` neurons in their initial state. `bound` names parameters and what they are; the others take their
    /// defaults.
    ///
    /// # Errors
    /// `isa/parameter` for unknown, missing and out-of-range parameters and lists of the wrong length.
    pub fn new(program: Program, neurons: usize, bound: &[(String, Binding)], draws: Draws) -> Result<Self> {
        let mut found = program.check(|index| format!("instruction {index}"));
        for (name, _) in bound {
            if program.parameter(name).is_none() {
                let mut problem =
                    Problem::invalid("isa/parameter", name.as_str(), format!("the program has no parameter '{name}'"));
                if let Some(near) = nearest(name, program.parameters.iter().map(|p| p.name.as_str())) {
                    problem = problem.help(format!("did you mean '{near}'?"));
                }
                found.push(problem);
            }
        }
        let mut bindings = Vec::new();
        for parameter in &program.parameters {
            let given =
                bound.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, binding)| binding.clone());
            let Some(binding) = given.or_else(|| default(parameter)) else {
                let what = format!("parameter '{}' has no default and is not given", parameter.name);
                found.push(Problem::invalid("isa/parameter", parameter.name.as_str(), what).help("bind it by name"));
                continue;
            };
            found.extend(check(parameter, &binding, neurons));
            bindings.push(binding);
        }
        let padded = neurons.next_multiple_of(BLOCK);
        let state = program.states.iter().map(|state| vec![state.initial; padded]).collect();
        for binding in &mut bindings {
            if let Binding::PerNeuron(values) = binding {
                values.resize(padded, 0);
            }
        }
        let cleared = read_before_written(&program);
        let draws_any = program.code.iter().any(|instruction| instruction.op == Op::Rnd);
        Problems::check(found, Self { program, bindings, draws, neurons, state, cleared, draws_any })
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// State variable `slot` of every neuron.
    #[must_use]
    pub fn state(&self, slot: usize) -> &[i32] {
        &self.state[slot][..self.neurons]
    }

    /// State variable `slot` of every neuron, to be set.
    pub fn state_mut(&mut self, slot: usize) -> &mut [i32] {
        &mut self.state[slot][..self.neurons]
    }

    /// One update of every neuron. `inputs` has one array an input with one sum a neuron. Spikes are given to
    /// `spike` by neuron, in the program's order for each; returns the cycles of all neurons together.
    ///
    /// # Panics
    /// Where an input array is shorter than the number of neurons.
    pub fn step(&mut self, inputs: &[&[i32]], tick: u32, spike: &mut impl FnMut(u32, Emission)) -> u64 {
        let mut total = 0;
        let mut work = Work::new();
        let mut sent: Vec<(u32, Emission)> = Vec::new();
        for first in (0..self.neurons).step_by(BLOCK) {
            work.active = BLOCK.min(self.neurons - first);
            self.block(first, inputs, tick, &mut work, &mut sent);
            total += u64::from(work.common) * work.active as u64;
            total += work.extra[..work.active].iter().map(|cycles| u64::from(*cycles)).sum::<u64>();
            // Outputs of one instruction are in neuron order already; a stable sort brings several together.
            sent.sort_by_key(|(neuron, _)| *neuron);
            sent.drain(..).for_each(|(neuron, emission)| spike(neuron, emission));
        }
        total
    }

    fn block(&mut self, first: usize, inputs: &[&[i32]], tick: u32, work: &mut Work, sent: &mut Vec<(u32, Emission)>) {
        work.start(&self.cleared, self.draws_any);
        let mut at = 0;
        while let Some(&instruction) = self.program.code.get(at) {
            let cycles = u32::from(instruction.op.info().cycles);
            let apart = (at as i32) < work.together;
            if apart {
                work.count_awake(at as i32, cycles);
            } else {
                work.common += cycles;
            }
            at += 1;
            if instruction.op.info().form == Form::Jump {
                at = work.jump(&instruction, at as i32, apart) as usize;
            } else if apart {
                self.one::<true>(&instruction, at as i32 - 1, first, inputs, tick, work, sent);
            } else {
                self.one::<false>(&instruction, at as i32 - 1, first, inputs, tick, work, sent);
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one instruction's meaning")]
    fn one<const APART: bool>(
        &mut self,
        instruction: &Instruction,
        at: i32,
        first: usize,
        inputs: &[&[i32]],
        tick: u32,
        work: &mut Work,
        sent: &mut Vec<(u32, Emission)>,
    ) {
        let Instruction { op, rd, ra, imm, .. } = *instruction;
        let (rd, ra, slot) = (usize::from(rd), usize::from(ra), imm as usize);
        match op {
            Op::Ld => work.load::<APART>(rd, &self.state[slot][first..first + BLOCK], at),
            Op::St | Op::Rmw => {
                let cells = &mut self.state[slot][first..first + BLOCK];
                let width = self.program.states[slot].width;
                let add = op == Op::Rmw;
                for ((cell, wake), a) in cells.iter_mut().zip(&work.wake).zip(&work.r[ra]) {
                    let base = if add { *cell } else { 0 };
                    let new = width.store(base.wrapping_add(*a));
                    *cell = if !APART || *wake <= at { new } else { *cell };
                }
                if add {
                    work.load::<APART>(rd, &self.state[slot][first..first + BLOCK], at);
                }
            }
            Op::Ldp => match &self.bindings[slot] {
                Binding::PerNeuron(values) => work.load::<APART>(rd, &values[first..first + BLOCK], at),
                Binding::Shared(value) => work.fill::<APART>(rd, *value, at),
                Binding::Table(values) => work.fill::<APART>(rd, values[0], at),
            },
            Op::Ldx => {
                if let Binding::Table(values) = &self.bindings[slot] {
                    let last = values.len() - 1;
                    let row = work.r[ra].map(|index| values[(index.max(0) as usize).min(last)]);
                    work.load::<APART>(rd, &row, at);
                }
            }
            Op::In => {
                let mut row = [0; BLOCK];
                row[..work.active].copy_from_slice(&inputs[slot][first..first + work.active]);
                work.load::<APART>(rd, &row, at);
            }
            Op::Tick => work.fill::<APART>(rd, (tick & 0x7fff_ffff) as i32, at),
            Op::Rnd => {
                for lane in (0..work.active).filter(|lane| work.wake[*lane] <= at) {
                    let bits = self.draws.get((first + lane) as u32, tick, work.draw[lane]);
                    work.r[rd][lane] = (bits >> (32 - imm)) as i32;
                    work.draw[lane] += 1;
                }
            }
            Op::Spike | Op::Spikev => {
                for lane in (0..work.active).filter(|lane| work.wake[*lane] <= at) {
                    let payload = (op == Op::Spikev).then_some(work.r[ra][lane]);
                    sent.push(((first + lane) as u32, Emission { output: imm as u8, payload }));
                }
            }
            Op::Probe => {}
            _ => work.registers::<APART>(instruction, at),
        }
    }
}

impl Work {
    fn new() -> Self {
        Self {
            r: Box::new([[0; BLOCK]; 16]),
            flag: [0; BLOCK],
            wake: [0; BLOCK],
            together: 0,
            draw: [0; BLOCK],
            common: 0,
            extra: [0; BLOCK],
            active: 0,
        }
    }

    fn start(&mut self, cleared: &[usize], draws: bool) {
        cleared.iter().for_each(|register| self.r[*register] = [0; BLOCK]);
        self.flag = [0; BLOCK];
        if self.together > 0 {
            self.wake = [0; BLOCK];
            self.extra = [0; BLOCK];
            self.together = 0;
        }
        if draws {
            self.draw = [0; BLOCK];
        }
        self.common = 0;
    }

    fn count_awake(&mut self, at: i32, cycles: u32) {
        for (extra, wake) in self.extra.iter_mut().zip(&self.wake) {
            *extra += if *wake <= at { cycles } else { 0 };
        }
    }

    #[inline]
    fn load<const APART: bool>(&mut self, rd: usize, from: &[i32], at: i32) {
        for ((to, from), wake) in self.r[rd].iter_mut().zip(from).zip(&self.wake) {
            *to = if !APART || *wake <= at { *from } else { *to };
        }
    }

    #[inline]
    fn fill<const APART: bool>(&mut self, rd: usize, value: i32, at: i32) {
        for (to, wake) in self.r[rd].iter_mut().zip(&self.wake) {
            *to = if !APART || *wake <= at { value } else { *to };
        }
    }

    /// The instruction to go on at; `next` is the one behind the jump.
    fn jump(&mut self, instruction: &Instruction, next: i32, apart: bool) -> i32 {
        let target = next + instruction.imm;
        let jumps = |flag: i32| match instruction.op {
            Op::Jc => flag != 0,
            Op::Jn => flag == 0,
            _ => true,
        };
        let count = self.flag[..self.active].iter().filter(|flag| jumps(**flag)).count();
        if !apart {
            if count == self.active {
                return target;
            }
            if count == 0 {
                return next;
            }
        }
        for (wake, flag) in self.wake.iter_mut().zip(&self.flag) {
            *wake = if *wake < next && jumps(*flag) { target } else { *wake };
        }
        self.together = self.together.max(target);
        // Where all sleep, the first to wake says where to go on.
        self.wake[..self.active].iter().copied().min().unwrap_or(next).max(next)
    }

    /// An instruction on registers alone.
    #[inline]
    fn registers<const APART: bool>(&mut self, instruction: &Instruction, at: i32) {
        macro_rules! each {
            ($($op:ident)*) => {
                match instruction.op {
                    // One loop for each operation, so that each becomes vector code.
                    $(Op::$op => self.apply::<APART>(instruction, at, |d, a, b, n| arithmetic(Op::$op, d, a, b, n)),)*
                    Op::Sel => {
                        let flag = self.flag;
                        let (a, b) = (self.r[usize::from(instruction.ra)], self.r[usize::from(instruction.rb)]);
                        let mut row = [0; BLOCK];
                        for (((to, flag), a), b) in row.iter_mut().zip(&flag).zip(&a).zip(&b) {
                            *to = (a & flag) | (b & !flag);
                        }
                        self.load::<APART>(usize::from(instruction.rd), &row, at);
                    }
                    Op::Flag => {
                        let row = self.flag.map(|flag| flag & 1);
                        self.load::<APART>(usize::from(instruction.rd), &row, at);
                    }
                    _ => {}
                }
            };
        }
        macro_rules! comparisons {
            ($($op:ident)*) => {
                match instruction.op {
                    $(Op::$op => self.judge::<APART>(instruction, at, |a, b, n| compare(Op::$op, a, b, n) == Some(true)),)*
                    _ => each!(Mov Li Lih And Or Xor Not Shl Shr Shz Shli Shri Shzi Add Sub Neg Abs Min Max Addi
                               Mulshr Mulshz Sat Sats Wrap Clz),
                }
            };
        }
        comparisons!(Lt Le Eq Ne Ge Gt Lti Lei Eqi Nei Gei Gti);
    }

    #[inline(always)]
    fn apply<const APART: bool>(
        &mut self,
        instruction: &Instruction,
        at: i32,
        value: impl Fn(i32, i32, i32, i32) -> i32,
    ) {
        let Instruction { rd, ra, rb, imm, .. } = *instruction;
        let (a, b) = (self.r[usize::from(ra)], self.r[usize::from(rb)]);
        for (((d, wake), a), b) in self.r[usize::from(rd)].iter_mut().zip(&self.wake).zip(&a).zip(&b) {
            let new = value(*d, *a, *b, imm);
            *d = if !APART || *wake <= at { new } else { *d };
        }
    }

    #[inline(always)]
    fn judge<const APART: bool>(&mut self, instruction: &Instruction, at: i32, holds: impl Fn(i32, i32, i32) -> bool) {
        let Instruction { ra, rb, imm, .. } = *instruction;
        let (a, b) = (&self.r[usize::from(ra)], &self.r[usize::from(rb)]);
        for (((flag, wake), a), b) in self.flag.iter_mut().zip(&self.wake).zip(a).zip(b) {
            let new = -i32::from(holds(*a, *b, imm));
            *flag = if !APART || *wake <= at { new } else { *flag };
        }
    }
}

fn default(parameter: &super::program::Parameter) -> Option<Binding> {
    let value = parameter.default?;
    Some(match parameter.entries {
        Some(entries) => Binding::Table(vec![value; usize::from(entries)]),
        None => Binding::Shared(value),
    })
}

/// What is wrong with what a parameter is bound to.
fn check(parameter: &super::program::Parameter, binding: &Binding, neurons: usize) -> Vec<Problem> {
    let mut found = Vec::new();
    let name = parameter.name.as_str();
    let problem = |what: String, limit: String| Problem::invalid("isa/parameter", name, what).limit(limit);
    let values = match (binding, parameter.entries) {
        (Binding::Shared(value), None) => std::slice::from_ref(value),
        (Binding::PerNeuron(values), None) => {
            if values.len() != neurons {
                let what = format!("'{name}' has {} values", values.len());
                found.push(problem(what, format!("one for each of {neurons} neurons")));
            }
            values
        }
        (Binding::Table(values), Some(entries)) => {
            if values.len() != usize::from(entries) {
                let what = format!("'{name}' has {} values", values.len());
                found.push(problem(what, format!("{entries} entries of the table")));
            }
            values
        }
        (_, entries) => {
            let kind = if entries.is_some() { "a table" } else { "a number, shared or one a neuron" };
            found.push(problem(format!("'{name}' is bound to another kind"), kind.to_owned()));
            &[]
        }
    };
    let (low, high) = parameter.width.range();
    if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !(low..=high).contains(*value)) {
        let what =
            format!("value {index} of '{name}' is {value}; the nearest legal one is {}", (*value).clamp(low, high));
        found.push(problem(what, format!("{low}..={high} ({})", parameter.width)));
    }
    found
}

/// Registers that some path reads before it writes them.
fn read_before_written(program: &Program) -> Vec<usize> {
    let (mut written, mut cleared) = ([false; 16], [false; 16]);
    let mut together = 0;
    for (at, instruction) in program.code.iter().enumerate() {
        let form = instruction.op.info().form;
        let (writes, reads_a, reads_b) = form.registers();
        let keeps = instruction.op == Op::Lih;
        let register = |number: u8| usize::from(number);
        for (reads, number) in [(reads_a, instruction.ra), (reads_b, instruction.rb), (keeps, instruction.rd)] {
            cleared[register(number)] |= reads && !written[register(number)];
        }
        if form == Form::Jump {
            together = together.max(at + 1 + instruction.imm as usize);
        }
        if writes {
            // Behind a jump the write may be passed over.
            written[register(instruction.rd)] |= at >= together;
        }
    }
    (0..16).filter(|register| cleared[*register]).collect()
}
