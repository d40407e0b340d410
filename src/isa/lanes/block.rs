//! One block of neurons in one tick. Loops go over whole blocks by index: so the compiler makes vector code of each.

#![expect(clippy::needless_range_loop, reason = "by index, over arrays of one length, loops become vector code")]

use super::lower::{Lowered, REGISTERS, Source, Step, Work as Kind};
use super::{BLOCK, Binding, Loaded, Row};
use crate::isa::exec::{Sent, arithmetic, compare};
use crate::isa::op::Op;
use crate::isa::program::INPUTS_MAX;

/// Neurons that are looked at together for who sends, a bit each; divides a block.
const NEIGHBOURS: usize = 32;

/// Registers of a block, and how far its neurons are.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// A result changes places with its row: two pointers, not two rows.
    rows: [Box<Row>; REGISTERS],
    /// Where a result is made before it changes places with its row.
    spare: Box<Row>,
    /// All ones where the flag is set.
    flag: Row,
    /// The instruction that each neuron waits for, where not all go together.
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
    pub(super) inputs: &'a [&'a Row; INPUTS_MAX],
    pub(super) tick: u32,
    /// First neuron.
    pub(super) first: usize,
    pub(super) work: &'a mut Work,
    pub(super) sent: &'a mut Vec<(u32, Sent)>,
}

/// A block of a longer array.
#[inline(always)]
pub(super) fn block(values: &[i32], first: usize) -> &Row {
    values[first..first + BLOCK].try_into().expect("arrays are filled up to whole blocks")
}

/// Where operands are found.
#[derive(Clone, Copy)]
struct Operands<'s> {
    rows: &'s [Box<Row>; REGISTERS],
    state: &'s [Vec<i32>],
    inputs: &'s [&'s Row; INPUTS_MAX],
    lowered: &'s Lowered,
    first: usize,
}

impl<'s> Operands<'s> {
    /// The numbers that an operand is.
    #[inline(always)]
    fn of(self, source: Source) -> &'s Row {
        match source {
            Source::Row(row) => &self.rows[row],
            Source::Input(input) => self.inputs[input],
            Source::State(slot) => block(&self.state[slot], self.first),
            Source::Fixed(number) => {
                let fixed = &self.lowered.fixed[number];
                block(&fixed.values, if fixed.shared { 0 } else { self.first })
            }
        }
    }
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            rows: std::array::from_fn(|_| Box::new([0; BLOCK])),
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

    /// At the start of an update of `active` neurons.
    #[inline(always)]
    pub(super) fn start<const COUNTS: bool>(&mut self, loaded: &Loaded, active: usize) {
        loaded.lowered.cleared.iter().for_each(|register| *self.rows[*register] = [0; BLOCK]);
        if loaded.lowered.flag_first {
            self.flag = [0; BLOCK];
        }
        if COUNTS && self.together > 0 {
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
        if !COUNTS || cycles == 0 {
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
        if !apart {
            let flags = if self.active == BLOCK { &self.flag[..] } else { &self.flag[..self.active] };
            let set = -flags.iter().sum::<i32>();
            let jumping = if flip == 0 { set } else { self.active as i32 - set };
            if jumping == self.active as i32 || always != 0 {
                return target;
            }
            if jumping == 0 {
                return next;
            }
            // Some are left, and go on with the next.
            self.together = target;
            for lane in 0..BLOCK {
                self.wake[lane] = target & (self.flag[lane] ^ flip);
            }
            return next;
        }
        self.together = self.together.max(target);
        for lane in 0..BLOCK {
            let (jumps, wake) = ((self.flag[lane] ^ flip) | always, self.wake[lane]);
            self.wake[lane] = if (wake < next) & (jumps != 0) { target } else { wake };
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
    pub(super) fn run<const COUNTS: bool>(&mut self, active: usize) {
        self.work.start::<COUNTS>(self.loaded, active);
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
            Op::St => self.store(step, apart, |_, a| a),
            Op::Rmw => {
                self.store(step, apart, i32::wrapping_add);
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
            Op::Rnd => self.draw(step, apart),
            Op::Spike => self.send(step, apart, |_| Sent::Spike { output: step.imm as u8, payload: None }),
            Op::Spikev => self.send(step, apart, |a| Sent::Spike { output: step.imm as u8, payload: Some(a) }),
            Op::Probe => self.send(step, apart, |value| Sent::Probe { channel: step.imm as u8, value }),
            _ => self.registers(step, apart),
        }
    }

    /// The numbers that an operand is.
    #[inline(always)]
    fn source(&self, source: Source) -> &Row {
        let (rows, lowered) = (&self.work.rows, &self.loaded.lowered);
        Operands { rows, state: self.state, inputs: self.inputs, lowered, first: self.first }.of(source)
    }

    /// `new` makes what is stored, before its width, of what was there and `ra`.
    #[inline(always)]
    fn store(&mut self, step: &Step, apart: bool, new: impl Fn(i32, i32) -> i32) {
        let width = self.loaded.program.states[step.imm as usize].width;
        if width.signed {
            let unused = 32 - u32::from(width.bits);
            self.put(step, apart, |old, a| (new(old, a) << unused) >> unused);
        } else {
            let most = width.range().1;
            self.put(step, apart, |old, a| new(old, a) & most);
        }
    }

    #[inline(always)]
    fn put(&mut self, step: &Step, apart: bool, new: impl Fn(i32, i32) -> i32) {
        let slot = step.imm as usize;
        let Work { rows, spare, wake, .. } = &mut *self.work;
        let a: &Row = if let Source::State(from) = step.a {
            // Both stand in the state: through a copy.
            **spare = *block(&self.state[from], self.first);
            spare
        } else {
            let lowered = &self.loaded.lowered;
            Operands { rows, state: &[], inputs: self.inputs, lowered, first: self.first }.of(step.a)
        };
        let cells = &mut self.state[slot][self.first..self.first + BLOCK];
        let cells: &mut Row = cells.try_into().expect("arrays are filled up to whole blocks");
        let at = step.at;
        if apart {
            for lane in 0..BLOCK {
                let stored = new(cells[lane], a[lane]);
                cells[lane] = if wake[lane] <= at { stored } else { cells[lane] };
            }
            return;
        }
        for lane in 0..BLOCK {
            cells[lane] = new(cells[lane], a[lane]);
        }
    }

    fn draw(&mut self, step: &Step, apart: bool) {
        let work = &mut *self.work;
        work.drawn = true;
        for lane in (0..work.active).filter(|lane| !apart || work.wake[*lane] <= step.at) {
            let drawn = self.loaded.draws.get((self.first + lane) as u32, self.tick, work.draw[lane]);
            work.rows[step.rd][lane] = (drawn >> (32 - step.imm)) as i32;
            work.draw[lane] += 1;
        }
    }

    /// Every neuron that is awake sends what `what` makes of its operand.
    #[inline(always)]
    fn send(&mut self, step: &Step, apart: bool, what: impl Fn(i32) -> Sent) {
        let (active, first) = (self.work.active, self.first);
        let (rows, lowered) = (&self.work.rows, &self.loaded.lowered);
        let values = Operands { rows, state: self.state, inputs: self.inputs, lowered, first }.of(step.a);
        if !apart {
            self.sent.extend((0..active).map(|lane| ((first + lane) as u32, what(values[lane]))));
            return;
        }
        let chunks = self.work.wake[..active.next_multiple_of(NEIGHBOURS)].as_chunks::<NEIGHBOURS>().0;
        for (from, wake) in (0..active).step_by(NEIGHBOURS).zip(chunks) {
            let mut awake = 0_u32;
            for lane in 0..NEIGHBOURS {
                awake |= u32::from(wake[lane] <= step.at) << lane;
            }
            while awake != 0 {
                let lane = from + awake.trailing_zeros() as usize;
                awake &= awake - 1;
                if lane < active {
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
                        let (lowered, first) = (&self.loaded.lowered, self.first);
                        let operands = Operands { rows, state: self.state, inputs: self.inputs, lowered, first };
                        let (a, b, new) = (operands.of(step.a), operands.of(step.b), &mut **spare);
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
        let Work { rows, spare, wake, .. } = &mut *self.work;
        let (lowered, first) = (&self.loaded.lowered, self.first);
        let operands = Operands { rows, state: self.state, inputs: self.inputs, lowered, first };
        let (a, b) = (operands.of(step.a), operands.of(step.b));
        let (d, new, n, at) = (&*rows[step.rd], &mut **spare, step.imm, step.at);
        if apart {
            for lane in 0..BLOCK {
                let value = value(d[lane], a[lane], b[lane], n);
                new[lane] = if wake[lane] <= at { value } else { d[lane] };
            }
        } else {
            for lane in 0..BLOCK {
                new[lane] = value(d[lane], a[lane], b[lane], n);
            }
        }
        std::mem::swap(&mut self.work.spare, &mut self.work.rows[step.rd]);
    }

    #[inline(always)]
    fn judge(&mut self, step: &Step, apart: bool, holds: impl Fn(i32, i32, i32) -> bool) {
        let Work { rows, flag, wake, .. } = &mut *self.work;
        let (lowered, first) = (&self.loaded.lowered, self.first);
        let operands = Operands { rows, state: self.state, inputs: self.inputs, lowered, first };
        let (a, b) = (operands.of(step.a), operands.of(step.b));
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
