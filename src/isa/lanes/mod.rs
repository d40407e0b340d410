//! The fast executor: one instruction over all neurons of a core, block by block.
//!
//! State stands in one array a variable. A block's registers stay in the first cache; every instruction is one loop
//! over the block that the compiler turns into vector code. A jump that all neurons of a block take is taken, one
//! that none takes is passed, and where they part, those that jump sleep until their label: what they would do in
//! between is computed and thrown away. The results equal [`super::execute`] for every neuron.
//!
//! Before the first step the program is lowered ([`lower`]): what only moves a number, and what is the same in every
//! tick, is no work of a tick. Nor is a block of neurons at rest ([`rest`]).

mod bind;
mod block;
mod fold;
mod lower;
mod rest;

use std::sync::Arc;

use super::exec::Sent;
use super::program::{INPUTS_MAX, Program};
use crate::diag::{Problems, Result};
use crate::rng;
use block::{Block, Work};
use lower::Lowered;
use rest::{Plan, Rest};

/// Neurons of a block.
const BLOCK: usize = 256;

type Row = [i32; BLOCK];

static ZEROS: Row = [0; BLOCK];

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
    /// Core, or population.
    pub core: u32,
    /// Number of the first neuron.
    pub first: u32,
}

impl Draws {
    /// 32 random bits.
    #[inline]
    #[must_use]
    pub const fn get(self, neuron: u32, tick: u32, draw: u32) -> u32 {
        let neuron = self.first as u64 + neuron as u64;
        (rng::keyed(self.seed, self.core as u64, neuron, tick as u64, draw as u64) >> 32) as u32
    }
}

/// All neurons of a core that run one program. A clone shares what does not change.
#[derive(Debug, Clone)]
pub struct Lanes {
    loaded: Arc<Loaded>,
    neurons: usize,
    /// One array a state variable, filled up to whole blocks.
    state: Vec<Vec<i32>>,
    work: Box<Work>,
    /// The inputs of the last block, where it is not full.
    ends: Vec<Row>,
    sent: Vec<(u32, Sent)>,
    /// Cycles of each neuron in the last step, filled up to whole blocks.
    cycles: Vec<u32>,
    /// Whether cycles are counted.
    counts: bool,
    rest: Rest,
}

/// What does not change.
#[derive(Debug)]
struct Loaded {
    program: Program,
    bindings: Vec<Binding>,
    lowered: Lowered,
    draws: Draws,
}

/// The parameters of `program` for `neurons` neurons, in the order of their declarations, defaults included.
///
/// # Errors
/// `isa/parameter` for unknown, missing and out-of-range parameters and lists of the wrong length.
pub fn bind(program: &Program, neurons: usize, bound: &[(String, Binding)]) -> Result<Vec<Binding>> {
    let mut found = Vec::new();
    let bindings = bind::bind(program, neurons, bound, &mut found);
    Problems::check(found, bindings)
}

impl Lanes {
    /// `neurons` neurons in their initial state. `bound` names parameters and what they are; the others take their
    /// defaults.
    ///
    /// # Errors
    /// `isa/parameter` for unknown, missing and out-of-range parameters and lists of the wrong length.
    pub fn new(program: Program, neurons: usize, bound: &[(String, Binding)], draws: Draws) -> Result<Self> {
        let mut found = program.check(|index| format!("instruction {index}"));
        let bindings = bind::bind(&program, neurons, bound, &mut found);
        Problems::check(found, ())?;
        let padded = neurons.next_multiple_of(BLOCK);
        let lowered = Lowered::new(&program, &bindings, padded);
        Ok(Self {
            state: program.states.iter().map(|state| vec![state.initial; padded]).collect(),
            work: Box::new(Work::new()),
            ends: vec![[0; BLOCK]; program.inputs.len()],
            rest: Rest::new(&program, padded / BLOCK),
            loaded: Arc::new(Loaded { program, bindings, lowered, draws }),
            neurons,
            sent: Vec::new(),
            cycles: vec![0; padded],
            counts: true,
        })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.loaded.program
    }

    /// The number of neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        self.neurons
    }

    /// State variable `slot` of every neuron.
    #[must_use]
    pub fn state(&self, slot: usize) -> &[i32] {
        &self.state[slot][..self.neurons]
    }

    /// State variable `slot` of every neuron, to be set. No block is taken to be at rest after that.
    pub fn state_mut(&mut self, slot: usize) -> &mut [i32] {
        self.rest.end();
        &mut self.state[slot][..self.neurons]
    }

    /// The state of `other`, of the same program and number of neurons; keeps memory.
    pub fn restart(&mut self, other: &Self) {
        self.state.iter_mut().zip(&other.state).for_each(|(own, state)| own.copy_from_slice(state));
        self.cycles.fill(0);
        self.rest.end();
    }

    /// Without cycles, for whoever does not ask for time: they stay 0.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.counts = false;
        self.rest.end();
        self
    }

    /// Cycles of each neuron in the last step.
    #[must_use]
    pub fn cycles(&self) -> &[u32] {
        &self.cycles[..self.neurons]
    }

    /// One tick of every neuron. `inputs` holds one slice an input with one sum a neuron; `show` is told what neurons
    /// send, by neuron and then in the order of the program. Gives the cycles of all neurons
    /// together.
    pub fn step(&mut self, inputs: &[&[i32]], tick: u32, show: &mut dyn FnMut(u32, Sent)) -> u64 {
        // Compiled for the vector units that the processor has; results do not depend on it.
        let total = pulp::Arch::new().dispatch(Step { lanes: self, inputs, tick });
        let sent = &mut self.sent;
        // Each instruction's are in neuron order within their block; a stable sort brings several together.
        if !sent.is_sorted_by_key(|(neuron, _)| *neuron) {
            sent.sort_by_key(|(neuron, _)| *neuron);
        }
        sent.drain(..).for_each(|(neuron, sent)| show(neuron, sent));
        total
    }
}

/// One tick of all blocks. Everything that it calls is compiled into it, for each kind of vector unit anew.
struct Step<'a> {
    lanes: &'a mut Lanes,
    inputs: &'a [&'a [i32]],
    tick: u32,
}

impl pulp::WithSimd for Step<'_> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> u64 {
        let Self { lanes, inputs, tick } = self;
        let Lanes { loaded, state, work, ends, sent, cycles, neurons, counts, rest } = lanes;
        let whole = *neurons - *neurons % BLOCK;
        for (end, input) in ends.iter_mut().zip(inputs) {
            end[..*neurons - whole].copy_from_slice(&input[whole..*neurons]);
        }
        let mut total = 0;
        for first in (0..*neurons).step_by(BLOCK) {
            let mut rows = [&ZEROS; INPUTS_MAX];
            for ((row, input), end) in rows.iter_mut().zip(inputs).zip(&*ends) {
                *row = if first < whole { block::block(input, first) } else { end };
            }
            let plan = rest.plan(first / BLOCK, tick, &rows[..inputs.len()]);
            if let Plan::Skip(cycles) = plan {
                total += cycles;
                continue;
            }
            if plan == Plan::Watch {
                rest.keep(state, first);
            }
            let (active, sent_before) = (BLOCK.min(*neurons - first), sent.len());
            let mut block = Block { loaded, state, inputs: &rows, tick, first, work, sent };
            let mut spent = 0;
            if *counts {
                block.run::<true>(active);
                spent = work.finish(&mut cycles[first..first + BLOCK]);
            } else {
                block.run::<false>(active);
            }
            if plan == Plan::Watch {
                rest.see(state, first, sent.len() > sent_before, spent);
            }
            total += spent;
        }
        total
    }
}
