//! The fast executor: one instruction over all neurons of a core, block by block.
//!
//! State stands in one array a variable. A block's registers stay in the first cache; every instruction is one loop
//! over the block that the compiler turns into vector code. A jump that all neurons of a block take is taken, one
//! that none takes is passed, and where they part, those that jump sleep until their label: what they would do in
//! between is computed and thrown away. The results equal [`super::execute`] for every neuron.

use super::encode::Instruction;
use super::exec::{Sent, arithmetic, compare};
use super::op::{Form, Op};
use super::program::{Parameter, Program, Width};
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
    loaded: Loaded,
    neurons: usize,
    /// One array a state variable, filled up to whole blocks.
    state: Vec<Vec<i32>>,
    work: Box<Work>,
    sent: Vec<(u32, Sent)>,
}

/// What does not change.
#[derive(Debug, Clone)]
struct Loaded {
    program: Program,
    bindings: Vec<Binding>,
    draws: Draws,
    /// Registers that may be read before they are written: cleared in each update.
    cleared: Vec<usize>,
}

/// Registers of a block, and how far its neurons are.
#[derive(Debug, Clone)]
struct Work {
    r: [Row; 16],
    /// All ones where the flag is set.
    flag: Row,
    /// The instruction that each neuron waits for.
    wake: Row,
    /// The instruction that all are awake at.
    together: i32,
    /// Random draws of each neuron so far.
    draw: [u32; BLOCK],
    /// Cycles of all, and what single neurons have beyond.
    common: u32,
    extra: [u32; BLOCK],
    /// Neurons of the block; the other lanes only fill it.
    active: usize,
}

/// One block in one tick.
struct Block<'a> {
    loaded: &'a Loaded,
    state: &'a mut [Vec<i32>],
    inputs: &'a [&'a [i32]],
    tick: u32,
    /// First neuron.
    first: usize,
    work: &'a mut Work,
    sent: &'a mut Vec<(u32, Sent)>,
}

impl Lanes {
    /// `neurons` neurons in their initial state. `bound` names parameters and what they are; the others take their
    /// defaults.
    ///
    /// # Errors
    /// `isa/parameter` for unknown, missing and out-of-range parameters and lists of the wrong length.
    pub fn new(program: Program, neurons: usize, bound: &[(String, Binding)], draws: Draws) -> Result<Self> {
        let mut found = program.check(|index| format!("instruction {index}"));
        let padded = neurons.next_multiple_of(BLOCK);
        let bindings = bind(&program, neurons, padded, bound, &mut found);
        let state = program.states.iter().map(|state| vec![state.initial; padded]).collect();
        let cleared = read_before_written(&program);
        let loaded = Loaded { program, bindings, draws, cleared };
        Problems::check(found, Self { loaded, neurons, state, work: Box::new(Work::new()), sent: Vec::new() })
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.loaded.program
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

    /// One update of every neuron. `inputs` has one array an input with one sum a neuron. What leaves is given to
    /// `show` by neuron, in the program's order for each; returns the cycles of all neurons together.
    ///
    /// # Panics
    /// Where an input array is shorter than the number of neurons.
    pub fn step(&mut self, inputs: &[&[i32]], tick: u32, show: &mut impl FnMut(u32, Sent)) -> u64 {
        let mut total = 0;
        for first in (0..self.neurons).step_by(BLOCK) {
            self.work.start(&self.loaded.cleared, BLOCK.min(self.neurons - first));
            let Self { loaded, state, work, sent, .. } = self;
            Block { loaded, state, inputs, tick, first, work, sent }.run();
            total += self.work.cycles();
            // Each instruction's are in neuron order already; a stable sort brings several together.
            self.sent.sort_by_key(|(neuron, _)| *neuron);
            self.sent.drain(..).for_each(|(neuron, sent)| show(neuron, sent));
        }
        total
    }
}

impl Block<'_> {
    fn run(&mut self) {
        let code = &self.loaded.program.code;
        let mut at = 0;
        while let Some(instruction) = code.get(at) {
            let apart = self.work.count(at as i32, u32::from(instruction.op.info().cycles));
            let next = at as i32 + 1;
            if instruction.op.info().form == Form::Jump {
                at = self.work.jump(instruction, next, apart) as usize;
                continue;
            }
            if apart {
                self.one::<true>(instruction, at as i32);
            } else {
                self.one::<false>(instruction, at as i32);
            }
            at = next as usize;
        }
    }

    /// An instruction that is no jump, at `at`; `APART` says whether some neurons sleep.
    fn one<const APART: bool>(&mut self, instruction: &Instruction, at: i32) {
        let Instruction { op, rd, ra, imm, .. } = *instruction;
        let (rd, ra, slot) = (usize::from(rd), usize::from(ra), imm as usize);
        match op {
            Op::Ld => self.load_state::<APART>(rd, slot, at),
            Op::St => self.store::<APART>(slot, at, |width, _, a| width.store(a), ra),
            Op::Rmw => {
                self.store::<APART>(slot, at, |width, old, a| width.store(old.wrapping_add(a)), ra);
                self.load_state::<APART>(rd, slot, at);
            }
            Op::Ldp => match &self.loaded.bindings[slot] {
                Binding::PerNeuron(values) => {
                    self.work.load::<APART>(rd, &values[self.first..self.first + BLOCK], at);
                }
                Binding::Shared(value) => self.work.load::<APART>(rd, &[*value; BLOCK], at),
                Binding::Table(_) => unreachable!("checked: 'ldp' reads single parameters"),
            },
            Op::Ldx => {
                let Binding::Table(values) = &self.loaded.bindings[slot] else {
                    unreachable!("checked: 'ldx' reads tables")
                };
                let entry = |index: i32| values[(index.max(0) as usize).min(values.len() - 1)];
                let row = self.work.r[ra].map(entry);
                self.work.load::<APART>(rd, &row, at);
            }
            Op::In => {
                let (mut row, active) = ([0; BLOCK], self.work.active);
                row[..active].copy_from_slice(&self.inputs[slot][self.first..self.first + active]);
                self.work.load::<APART>(rd, &row, at);
            }
            Op::Tick => self.work.load::<APART>(rd, &[(self.tick & 0x7fff_ffff) as i32; BLOCK], at),
            Op::Rnd => self.draw(rd, imm, at),
            Op::Spike => self.send(at, |_| Sent::Spike { output: imm as u8, payload: None }),
            Op::Spikev => self.send(at, |r| Sent::Spike { output: imm as u8, payload: Some(r[ra]) }),
            Op::Probe => self.send(at, |r| Sent::Probe { channel: imm as u8, value: r[ra] }),
            _ => self.work.registers::<APART>(instruction, at),
        }
    }

    fn load_state<const APART: bool>(&mut self, rd: usize, slot: usize, at: i32) {
        self.work.load::<APART>(rd, &self.state[slot][self.first..self.first + BLOCK], at);
    }

    /// `new` makes what is stored of the width, what was there, and `ra`.
    #[inline(always)]
    fn store<const APART: bool>(&mut self, slot: usize, at: i32, new: impl Fn(Width, i32, i32) -> i32, ra: usize) {
        let width = self.loaded.program.states[slot].width;
        let cells = &mut self.state[slot][self.first..self.first + BLOCK];
        for ((cell, wake), a) in cells.iter_mut().zip(&self.work.wake).zip(&self.work.r[ra]) {
            let stored = new(width, *cell, *a);
            *cell = if !APART || *wake <= at { stored } else { *cell };
        }
    }

    fn draw(&mut self, rd: usize, bits: i32, at: i32) {
        for lane in (0..self.work.active).filter(|lane| self.work.wake[*lane] <= at) {
            let drawn = self.loaded.draws.get((self.first + lane) as u32, self.tick, self.work.draw[lane]);
            self.work.r[rd][lane] = (drawn >> (32 - bits)) as i32;
            self.work.draw[lane] += 1;
        }
    }

    /// Every neuron that is awake sends what `what` makes of its registers.
    fn send(&mut self, at: i32, what: impl Fn([i32; 16]) -> Sent) {
        for lane in (0..self.work.active).filter(|lane| self.work.wake[*lane] <= at) {
            let registers = std::array::from_fn(|register| self.work.r[register][lane]);
            self.sent.push(((self.first + lane) as u32, what(registers)));
        }
    }
}

impl Work {
    fn new() -> Self {
        Self {
            r: [[0; BLOCK]; 16],
            flag: [0; BLOCK],
            wake: [0; BLOCK],
            together: 0,
            draw: [0; BLOCK],
            common: 0,
            extra: [0; BLOCK],
            active: 0,
        }
    }

    /// At the start of an update of `active` neurons.
    fn start(&mut self, cleared: &[usize], active: usize) {
        cleared.iter().for_each(|register| self.r[*register] = [0; BLOCK]);
        self.flag = [0; BLOCK];
        self.wake = [0; BLOCK];
        self.together = 0;
        self.draw = [0; BLOCK];
        self.common = 0;
        self.extra = [0; BLOCK];
        self.active = active;
    }

    /// Counts an instruction's cycles for those that are awake; whether some sleep.
    fn count(&mut self, at: i32, cycles: u32) -> bool {
        let apart = at < self.together;
        if apart {
            for (extra, wake) in self.extra.iter_mut().zip(&self.wake) {
                *extra += if *wake <= at { cycles } else { 0 };
            }
        } else {
            self.common += cycles;
        }
        apart
    }

    /// Cycles of all neurons of the block.
    fn cycles(&self) -> u64 {
        let extra: u64 = self.extra[..self.active].iter().map(|cycles| u64::from(*cycles)).sum();
        u64::from(self.common) * self.active as u64 + extra
    }

    /// Register `rd` of those that are awake.
    #[inline]
    fn load<const APART: bool>(&mut self, rd: usize, from: &[i32], at: i32) {
        for ((to, from), wake) in self.r[rd].iter_mut().zip(from).zip(&self.wake) {
            *to = if !APART || *wake <= at { *from } else { *to };
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
                    _ => each!(Mov Li Lih And Or Xor Not Shl Shr Shz Shli Shri Shzi Add Sub Neg Abs Min Max Addi Adds
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

/// What every parameter is, filled up to `padded` neurons; problems go to `found`.
fn bind(
    program: &Program,
    neurons: usize,
    padded: usize,
    bound: &[(String, Binding)],
    found: &mut Vec<Problem>,
) -> Vec<Binding> {
    for (name, _) in bound.iter().filter(|(name, _)| program.parameter(name).is_none()) {
        let problem = Problem::invalid("isa/parameter", name, format!("the program has no parameter '{name}'"));
        let near = nearest(name, program.parameters.iter().map(|parameter| parameter.name.as_str()));
        found.push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean '{near}'?"))));
    }
    let mut bindings = Vec::new();
    for parameter in &program.parameters {
        let given = bound.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, binding)| binding.clone());
        let Some(mut binding) = given.or_else(|| default(parameter)) else {
            let what = format!("parameter '{}' has no default and is not given", parameter.name);
            found.push(Problem::invalid("isa/parameter", parameter.name.as_str(), what).help("bind it by name"));
            continue;
        };
        found.extend(check(parameter, &binding, neurons));
        if let Binding::PerNeuron(values) = &mut binding {
            values.resize(padded, 0);
        }
        bindings.push(binding);
    }
    bindings
}

fn default(parameter: &Parameter) -> Option<Binding> {
    let value = parameter.default?;
    Some(match parameter.entries {
        Some(entries) => Binding::Table(vec![value; usize::from(entries)]),
        None => Binding::Shared(value),
    })
}

/// What is wrong with what a parameter is bound to.
fn check(parameter: &Parameter, binding: &Binding, neurons: usize) -> Vec<Problem> {
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
