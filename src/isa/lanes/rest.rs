//! Blocks at rest. A program that asks neither for the tick nor for random bits does the same from the same: where no
//! input came, no state changed and nothing was sent, the next tick without input is the same again, and is left out.

use super::{BLOCK, Row};
use crate::isa::op::Op;
use crate::isa::program::Program;

/// Looking for rest costs a copy of the state: it is done once in so many ticks.
const LOOKS_EVERY: u32 = 8;

/// Which blocks are at rest.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    /// Whether the program can be.
    possible: bool,
    /// Cycles of each block in a tick, where it is at rest.
    still: Vec<Option<u64>>,
    /// State of a block before a tick.
    before: Vec<Row>,
}

/// What to do with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: it is at rest, and its cycles are those.
    Skip(u64),
    /// A tick, and to see whether it changes anything.
    Watch,
    /// A tick.
    Run,
}

impl Rest {
    pub(super) fn new(program: &Program, blocks: usize) -> Self {
        let possible = !program.code.iter().any(|instruction| matches!(instruction.op, Op::Tick | Op::Rnd));
        Self { possible, still: vec![None; blocks], before: vec![[0; BLOCK]; program.states.len()] }
    }

    /// Something outside has changed: no block is known to be at rest.
    pub(super) fn end(&mut self) {
        self.still.fill(None);
    }

    /// What to do with block `number` in a tick with these inputs.
    #[inline(always)]
    pub(super) fn plan(&mut self, number: usize, tick: u32, inputs: &[&Row]) -> Plan {
        let still = &mut self.still[number];
        if !self.possible || (still.is_none() && !tick.is_multiple_of(LOOKS_EVERY)) {
            return Plan::Run;
        }
        if inputs.iter().any(|input| input.iter().fold(0, |all, sum| all | sum) != 0) {
            *still = None;
            return Plan::Run;
        }
        still.map_or(Plan::Watch, Plan::Skip)
    }

    /// Keeps the state of the block from `first` before a tick that is watched.
    #[inline(always)]
    pub(super) fn keep(&mut self, state: &[Vec<i32>], first: usize) {
        for (before, values) in self.before.iter_mut().zip(state) {
            before.copy_from_slice(&values[first..first + BLOCK]);
        }
    }

    /// Sees, after the tick, whether it changed anything; `sent` says whether anything was sent.
    #[inline(always)]
    pub(super) fn see(&mut self, state: &[Vec<i32>], first: usize, sent: bool, cycles: u64) {
        let same = self.before.iter().zip(state).all(|(before, values)| {
            let pairs = before.iter().zip(&values[first..first + BLOCK]);
            pairs.fold(0, |all, (before, value)| all | (before ^ value)) == 0
        });
        if same && !sent {
            self.still[first / BLOCK] = Some(cycles);
        }
    }
}
