//! One block of neurons in one tick. Loops go over whole blocks by index: so the compiler makes vector code of each.

#![expect(clippy::needless_range_loop, reason = "by index, over arrays of one length, loops become vector code")]

use super::lower::{Lowered, REGISTERS, Source, Step, Work as Kind};
use super::{BLOCK, Binding, Loaded, Row};
use crate::isa::exec::{Sent, arithmetic, compare};
use crate::isa::op::Op;
use crate::isa::program::Width;

/// Neurons that are looked at together for who sends; divides a block.
const NEIGHBOURS: usize = 16;

/// Registers and inputs of a block, and how far its neurons are.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// Registers, then inputs.
    #[expect(clippy::vec_box, reason = "a result changes places with its row: two pointers, not two rows")]
    rows: Vec<Box<Row>>,
    /// Where a result is made before it changes places with its row.
    spare: Box<Row>,
    /// All ones where the flag is set.
    flag: Row,
    /// The instruction that each neuron waits for.
    wake: Row,
    /// The instruction that all are awake at.
    together: i32,
    /// Random draws of each neuron so far.
    draw: [u32; BLOCK],
    /// Whether any were made.
    drawn: bool,
    /// Cycles of all, and what single neurons have beyond.
    common: u32,
    extra: [u32; BLOCK],
    /// Neurons of the block; the other lanes only fill it.
    active: usize,
}

/// One block in one tick.
pub(super) struct Block<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) state: &'a mut [Vec<i32>],
    pub(super) tick: u32,
    /// First neuron.
    pub(super) first: usize,
    pub(super) work: &'a mut Work,
    pub(super) sent: &'a mut Vec<(u32, Sent)>,
}

/// A block of a longer array.
#[inline(always)]
fn block(values: &[i32], first: usize) -> &Row {
    values[first..first + BLOCK].try_into().expect("arrays are filled up to whole blocks")
}

/// The numbers that an operand is.
#[inline(always)]
fn numbers<'s>(
    rows: &'s [Box<Row>],
    state: &'s [Vec<i32>],
    lowered: &'s Lowered,
    first: usize,
    source: Source,
) -> &'s Row {
    match source {
        Source::Row(row) => &rows[row],
        Source::State(slot) => block(&state[slot], first),
        Source::Fixed(number) => {
            let fixed = &lowered.fixed[number];
            block(&fixed.values, if fixed.shared { 0 } else { first })
        }
    }
}

impl Work {
    pub(super) fn new(inputs: usize) -> Self {
        Self {
            rows: vec![Box::new([0; BLOCK]); REGISTERS + inputs],
            spare: Box::new([0; BLOCK]),
            flag: [0; BLOCK],
            wake: [0; BLOCK],
            together: 0,
            draw: [0; BLOCK],
            drawn: false,
            common: 0,
            extra: [0; BLOCK],
            active: 0,
        }
    }

    /// At the start of an update of `active` neurons from `first`.
    #[inline(always)]
    pub(super) fn start(&mut self, loaded: &Loaded, inputs: &[&[i32]], first: usize, active: usize) {
        for (row, input) in self.rows[REGISTERS..].iter_mut().zip(inputs) {
            row[..active].copy_from_slice(&input[first..first + active]);
        }
        loaded.lowered.cleared.iter().for_each(|register| *self.rows[*register] = [0; BLOCK]);
        self.flag = [0; BLOCK];
        if self.together > 0 {
            self.wake = [0; BLOCK];
            self.extra = [0; BLOCK];
        }
        self.together = 0;
        if self.drawn {
            self.draw = [0; BLOCK];
            self.drawn = false;
        }
        self.common = 0;
        self.active = active;
    }

    /// Writes the cycles of each neuron; those of all of the block together.
    #[inline(always)]
    pub(super) fn finish(&self, cycles: &mut [u32]) -> u64 {
        let cycles: &mut [u32; BLOCK] = cycles.try_into().expect("arrays are filled up to whole blocks");
        if self.together == 0 {
            cycles.fill(self.common);
            return u64::from(self.common) * self.active as u64;
        }
        for lane in 0..BLOCK {
            cycles[lane] = self.common + self.extra[lane];
        }
        cycles[..self.active].iter().map(|&cycles| u64::from(cycles)).sum()
    }

    /// Counts an instruction's cycles for those that are awake, where `COUNTS`; whether some sleep.
    #[inline(always)]
    fn count<const COUNTS: bool>(&mut self, at: i32, cycles: u32) -> bool {
        let apart = at < self.together;
        if !COUNTS {
            return apart;
        }
        if apart {
            for lane in 0..BLOCK {
                self.extra[lane] += if self.wake[lane] <= at { cycles } else { 0 };
            }
        } else {
            self.common += cycles;
        }
        apart
    }

    /// The instruction to go on at.
    #[inline(always)]
    fn jump(&mut self, step: &Step, apart: bool) -> i32 {
        let next = step.at + 1;
        let target = next + step.imm;
        // All ones where a neuron jumps.
        let (flip, always) = match step.op {
            Op::Jc => (0, 0),
            Op::Jn => (-1, 0),
            _ => (0, -1),
        };
        let mut jumps = [0; BLOCK];
        for lane in 0..BLOCK {
            jumps[lane] = (self.flag[lane] ^ flip) | always;
        }
        if !apart {
            let sum: i32 = if self.active == BLOCK { jumps.iter().sum() } else { jumps[..self.active].iter().sum() };
            if sum == -(self.active as i32) {
                return target;
            }
            if sum == 0 {
                return next;
            }
        }
        self.together = self.together.max(target);
        if !apart {
            // Some are left, and go on with the next.
            for lane in 0..BLOCK {
                self.wake[lane] = target & jumps[lane];
            }
            return next;
        }
        for lane in 0..BLOCK {
            let wake = self.wake[lane];
            self.wake[lane] = if (wake < next) & (jumps[lane] != 0) { target } else { wake };
        }
        // Where all sleep, the first to wake says where to go on.
        let wakes = if self.active == BLOCK { &self.wake[..] } else { &self.wake[..self.active] };
        wakes.iter().copied().min().unwrap_or(next).max(next)
    }

    /// Register `rd` of those that are awake becomes what is in the spare row.
    #[inline(always)]
    fn settle(&mut self, rd: usize, at: i32, apart: bool) {
        if apart {
            let (new, old, wake) = (&mut *self.spare, &*self.rows[rd], &self.wake);
            for lane in 0..BLOCK {
                new[lane] = if wake[lane] <= at { new[lane] } else { old[lane] };
            }
        }
        std::mem::swap(&mut self.spare, &mut self.rows[rd]);
    }
}

impl Block<'_> {
    #[inline(always)]
    pub(super) fn run<const COUNTS: bool>(&mut self) {
        let Lowered { steps, step_of, .. } = &self.loaded.lowered;
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            let apart = self.work.count::<COUNTS>(step.at, step.cycles);
            next += 1;
            match step.work {
                Kind::Nothing => {}
                Kind::Goto if !apart => next = step_of[(step.at + 1 + step.imm) as usize],
                Kind::Goto | Kind::Jump => next = step_of[self.work.jump(step, apart) as usize],
                Kind::Op | Kind::Halves => self.one(step, apart),
            }
        }
    }

    /// A step that is no jump; `apart` says whether some neurons sleep.
    #[inline(always)]
    fn one(&mut self, step: &Step, apart: bool) {
        let (at, rd, slot) = (step.at, step.rd, step.imm as usize);
        match step.op {
            Op::St => self.store(step, apart, |width, _, a| width.store(a)),
            Op::Rmw => {
                self.store(step, apart, |width, old, a| width.store(old.wrapping_add(a)));
                *self.work.spare = *block(&self.state[slot], self.first);
                self.work.settle(rd, at, apart);
            }
            Op::Ldx => {
                let Binding::Table(values) = &self.loaded.bindings[slot] else {
                    unreachable!("checked: 'ldx' reads tables")
                };
                let row = self.source(step.a).map(|index| values[(index.max(0) as usize).min(values.len() - 1)]);
                *self.work.spare = row;
                self.work.settle(rd, at, apart);
            }
            Op::Tick => {
                *self.work.spare = [(self.tick & 0x7fff_ffff) as i32; BLOCK];
                self.work.settle(rd, at, apart);
            }
            Op::Rnd => self.draw(step),
            Op::Spike => self.send(step, |_| Sent::Spike { output: step.imm as u8, payload: None }),
            Op::Spikev => self.send(step, |a| Sent::Spike { output: step.imm as u8, payload: Some(a) }),
            Op::Probe => self.send(step, |value| Sent::Probe { channel: step.imm as u8, value }),
            _ => self.registers(step, apart),
        }
    }

    /// The numbers that an operand is.
    #[inline(always)]
    fn source(&self, source: Source) -> &Row {
        numbers(&self.work.rows, self.state, &self.loaded.lowered, self.first, source)
    }

    /// `new` makes what is stored of the width, what was there, and `ra`.
    #[inline(always)]
    fn store(&mut self, step: &Step, apart: bool, new: impl Fn(Width, i32, i32) -> i32) {
        let slot = step.imm as usize;
        let width = self.loaded.program.states[slot].width;
        let Work { rows, spare, wake, .. } = &mut *self.work;
        let a: &Row = if let Source::State(from) = step.a {
            // Both stand in the state: through a copy.
            **spare = *block(&self.state[from], self.first);
            spare
        } else {
            numbers(rows, &[], &self.loaded.lowered, self.first, step.a)
        };
        let cells = &mut self.state[slot][self.first..self.first + BLOCK];
        let cells: &mut Row = cells.try_into().expect("arrays are filled up to whole blocks");
        let at = step.at;
        if apart {
            for lane in 0..BLOCK {
                let stored = new(width, cells[lane], a[lane]);
                cells[lane] = if wake[lane] <= at { stored } else { cells[lane] };
            }
            return;
        }
        for lane in 0..BLOCK {
            cells[lane] = new(width, cells[lane], a[lane]);
        }
    }

    fn draw(&mut self, step: &Step) {
        let work = &mut *self.work;
        work.drawn = true;
        for lane in (0..work.active).filter(|lane| work.wake[*lane] <= step.at) {
            let drawn = self.loaded.draws.get((self.first + lane) as u32, self.tick, work.draw[lane]);
            work.rows[step.rd][lane] = (drawn >> (32 - step.imm)) as i32;
            work.draw[lane] += 1;
        }
    }

    /// Every neuron that is awake sends what `what` makes of its operand.
    fn send(&mut self, step: &Step, what: impl Fn(i32) -> Sent) {
        let (active, first, work) = (self.work.active, self.first, &*self.work);
        let values = numbers(&work.rows, self.state, &self.loaded.lowered, first, step.a);
        // Few send: where none of some neighbours does, they are passed together.
        for from in (0..active).step_by(NEIGHBOURS) {
            let awake: i32 = work.wake[from..from + NEIGHBOURS].iter().map(|wake| i32::from(*wake <= step.at)).sum();
            if awake > 0 {
                for lane in (from..active.min(from + NEIGHBOURS)).filter(|lane| work.wake[*lane] <= step.at) {
                    self.sent.push(((first + lane) as u32, what(values[lane])));
                }
            }
        }
    }

    /// An instruction on registers alone.
    #[inline(always)]
    fn registers(&mut self, step: &Step, apart: bool) {
        macro_rules! each {
            ($($op:ident)*) => {
                match step.op {
                    // One loop for each operation, so that each becomes vector code.
                    $(Op::$op => self.apply(step, apart, |d, a, b, n| arithmetic(Op::$op, d, a, b, n)),)*
                    Op::Sel => {
                        let Work { rows, spare, flag, .. } = &mut *self.work;
                        let (state, lowered, first) = (&*self.state, &self.loaded.lowered, self.first);
                        let a = numbers(rows, state, lowered, first, step.a);
                        let b = numbers(rows, state, lowered, first, step.b);
                        let new = &mut **spare;
                        for lane in 0..BLOCK {
                            new[lane] = (a[lane] & flag[lane]) | (b[lane] & !flag[lane]);
                        }
                        self.work.settle(step.rd, step.at, apart);
                    }
                    Op::Flag => {
                        *self.work.spare = self.work.flag.map(|flag| flag & 1);
                        self.work.settle(step.rd, step.at, apart);
                    }
                    _ => {}
                }
            };
        }
        macro_rules! comparisons {
            ($($op:ident)*) => {
                match step.op {
                    Op::Mulshr if step.work == Kind::Halves => self.apply(step, apart, |_, a, b, n| floor_halves(a, b, n)),
                    Op::Mulshz if step.work == Kind::Halves => self.apply(step, apart, |_, a, b, n| zero_halves(a, b, n)),
                    $(Op::$op => self.judge(step, apart, |a, b, n| compare(Op::$op, a, b, n) == Some(true)),)*
                    _ => each!(Mov Li Lih And Or Xor Not Shl Shr Shz Shli Shri Shzi Add Sub Neg Abs Min Max Addi Adds
                               Mulshr Mulshz Sat Sats Wrap Clz),
                }
            };
        }
        comparisons!(Lt Le Eq Ne Ge Gt Lti Lei Eqi Nei Gei Gti);
    }

    #[inline(always)]
    fn apply(&mut self, step: &Step, apart: bool, value: impl Fn(i32, i32, i32, i32) -> i32) {
        let Work { rows, spare, .. } = &mut *self.work;
        let (state, lowered, first) = (&*self.state, &self.loaded.lowered, self.first);
        let (a, b) = (numbers(rows, state, lowered, first, step.a), numbers(rows, state, lowered, first, step.b));
        let (d, new, n) = (&*rows[step.rd], &mut **spare, step.imm);
        for lane in 0..BLOCK {
            new[lane] = value(d[lane], a[lane], b[lane], n);
        }
        self.work.settle(step.rd, step.at, apart);
    }

    #[inline(always)]
    fn judge(&mut self, step: &Step, apart: bool, holds: impl Fn(i32, i32, i32) -> bool) {
        let Work { rows, flag, wake, .. } = &mut *self.work;
        let (state, lowered, first) = (&*self.state, &self.loaded.lowered, self.first);
        let (a, b) = (numbers(rows, state, lowered, first, step.a), numbers(rows, state, lowered, first, step.b));
        let (n, at) = (step.imm, step.at);
        if apart {
            for lane in 0..BLOCK {
                let new = -i32::from(holds(a[lane], b[lane], n));
                flag[lane] = if wake[lane] <= at { new } else { flag[lane] };
            }
            return;
        }
        for lane in 0..BLOCK {
            flag[lane] = -i32::from(holds(a[lane], b[lane], n));
        }
    }
}

/// `(a * b) >> n` with b from 0 to below `2^(32 - n)`: no half leaves 32 bits, save where the result does.
#[inline(always)]
const fn floor_halves(a: i32, b: i32, n: i32) -> i32 {
    let low = ((a as u32) & ((1 << n) - 1)).wrapping_mul(b as u32) >> n;
    (a >> n).wrapping_mul(b).wrapping_add(low as i32)
}

/// The same toward zero.
#[inline(always)]
const fn zero_halves(a: i32, b: i32, n: i32) -> i32 {
    let magnitude = a.unsigned_abs();
    let low = (magnitude & ((1 << n) - 1)).wrapping_mul(b as u32) >> n;
    let kept = (magnitude >> n).wrapping_mul(b as u32).wrapping_add(low) as i32;
    let sign = a >> 31;
    (kept ^ sign).wrapping_sub(sign)
}
