//! A RANC core, cycle by cycle: token controller, scheduler, neuron block.
//!
//! Source: R/TokenController.v, Scheduler*.v, NeuronBlock.v, IntegratorUnit.v, ThresholdResetUnit.v and CSRAM.v of
//! UA-RCL/RANC at 08ae4bd; equal to its RTL on every recorded vector (`tests/golden_rtl`).

use crate::emu::mesh::clocked::Flit;
use crate::emu::ranc::{RancCore, RancNeuron, RancParams, TokenState};
use crate::fixed::wrap;

/// Memories and registers of one core.
#[derive(Debug, Clone)]
pub(in crate::emu) struct ClockedRancCore {
    bits: u32,
    axons: u32,
    types: Vec<u32>,
    neurons: Vec<RancNeuron>,
    scheduler: Scheduler,
    state: TokenState,
    /// The neuron in work.
    address: u32,
    /// The axon in work.
    axon: u32,
    /// The running sum.
    sum: i64,
    /// A spike is on its way into the router.
    spikes: bool,
    /// The scheduler moves on between this edge and the next.
    set: bool,
    /// The scheduler clears its row at the coming edge.
    clear: bool,
    /// The potential is written between this edge and the next.
    write: bool,
    /// A tick came while busy.
    error: bool,
}

/// Where an arriving spike goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emu) struct Slot {
    pub(in crate::emu) axon: u32,
    pub(in crate::emu) row: u32,
}

/// Rows of spikes to come, as bits.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Scheduler {
    /// `[row][word]`
    words: Vec<u64>,
    words_of_row: u32,
    axons: u32,
    /// Rows less one; their number is a power of two.
    last_row: u32,
    /// The row of this tick.
    pub(in crate::emu) pointer: u32,
}

impl Scheduler {
    pub(in crate::emu) fn new(params: &RancParams) -> Self {
        let words_of_row = params.num_axons.div_ceil(64);
        Self {
            words: vec![0; (words_of_row * params.num_ticks) as usize],
            words_of_row,
            axons: params.num_axons,
            last_row: params.num_ticks - 1,
            pointer: params.num_ticks - 1,
        }
    }

    fn of_row(&self, row: u32) -> std::ops::Range<usize> {
        let start = (row * self.words_of_row) as usize;
        start..start + self.words_of_row as usize
    }

    /// The row of this tick, 64 axons a word.
    pub(in crate::emu) fn current(&self) -> &[u64] {
        &self.words[self.of_row(self.pointer)]
    }

    /// Whether an axon has a spike in this tick.
    pub(in crate::emu) fn has(&self, axon: usize) -> bool {
        self.current()[axon / 64] >> (axon % 64) & 1 != 0
    }

    /// All rows.
    pub(in crate::emu) fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.words.chunks(self.words_of_row as usize)
    }

    /// Where a spike would be written now; rows are counted round.
    #[inline]
    pub(in crate::emu) const fn slot(&self, axon: u32, delay: u32) -> Slot {
        Slot { axon, row: (delay + self.pointer + 1) & self.last_row }
    }

    /// Writes a spike; an axon that no core has is no bit of the row.
    #[inline]
    pub(in crate::emu) fn write(&mut self, slot: Slot) {
        if slot.axon < self.axons {
            self.words[(slot.row * self.words_of_row + slot.axon / 64) as usize] |= 1 << (slot.axon % 64);
        }
    }

    pub(in crate::emu) fn clear(&mut self) {
        let row = self.of_row(self.pointer);
        self.words[row].fill(0);
    }

    pub(in crate::emu) const fn advance(&mut self) {
        self.pointer = (self.pointer + 1) & self.last_row;
    }
}

/// Leak, threshold and reset: the potential after the tick, and whether the neuron fires. Every sum wraps round.
#[inline]
pub(in crate::emu) fn finish(neuron: &RancNeuron, sum: i64, bits: u32) -> (i64, bool) {
    let v = wrap(sum + neuron.leak, bits);
    if v >= neuron.positive_threshold {
        let after = match neuron.reset_mode {
            0 => neuron.reset_potential,
            1 => v - neuron.positive_threshold,
            _ => 0,
        };
        return (wrap(after, bits), true);
    }
    if v >= neuron.negative_threshold {
        return (v, false);
    }
    let after = match neuron.reset_mode {
        0 => -neuron.reset_potential,
        1 => v - neuron.negative_threshold,
        _ => 0,
    };
    (wrap(after, bits), false)
}

/// The packet that a neuron sends.
pub(in crate::emu) fn packet(neuron: &RancNeuron) -> Flit {
    Flit { dx: neuron.dx, dy: neuron.dy, axon: neuron.axon, delay: neuron.delay }
}

impl ClockedRancCore {
    pub(in crate::emu) fn new(params: &RancParams, core: &RancCore) -> Self {
        Self {
            bits: params.potential_width,
            axons: params.num_axons,
            types: core.axon_types.clone(),
            neurons: core.neurons.clone(),
            scheduler: Scheduler::new(params),
            state: TokenState::Idle,
            address: 0,
            axon: 0,
            sum: 0,
            spikes: false,
            set: false,
            clear: false,
            write: false,
            error: false,
        }
    }

    /// The state that the coming edge sees.
    pub(in crate::emu) const fn state(&self) -> TokenState {
        self.state
    }

    /// The neuron whose spike goes into the router at the coming edge, with its packet.
    pub(in crate::emu) fn spike(&self) -> Option<(u32, Flit)> {
        self.spikes.then(|| (self.address, packet(&self.neurons[self.address as usize])))
    }

    /// Whether the coming edge sees the error bit.
    pub(in crate::emu) const fn error(&self) -> bool {
        self.error
    }

    pub(in crate::emu) const fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    pub(in crate::emu) fn potentials(&self) -> impl Iterator<Item = i64> + '_ {
        self.neurons.iter().map(|neuron| neuron.potential)
    }

    /// Rising edge. `full`: one of the buffers towards the router was full before. Tells where an arriving spike goes and
    /// whether it is kept: at the edge that clears the row, none is.
    pub(in crate::emu) fn edge(&mut self, tick: bool, full: bool, arriving: Option<Flit>) -> Option<(Slot, bool)> {
        let clear = self.clear;
        self.error |= tick && self.state != TokenState::Idle;
        self.step(tick, full);
        let slot = arriving.map(|flit| self.scheduler.slot(flit.axon, flit.delay));
        if clear {
            self.scheduler.clear();
        } else if let Some(slot) = slot {
            self.scheduler.write(slot);
        }
        slot.map(|slot| (slot, !clear))
    }

    /// The token controller's step; it sees the scheduler as it was before the edge.
    fn step(&mut self, tick: bool, full: bool) {
        match self.state {
            TokenState::Idle => {
                self.clear = false;
                if tick {
                    self.state = TokenState::Set;
                }
            }
            TokenState::Set => {
                self.set = true;
                self.address = 0;
                self.state = TokenState::FirstAxon;
            }
            TokenState::FirstAxon => {
                self.set = false;
                self.sum = self.neurons[self.address as usize].potential;
                self.integrate(0);
                self.state = TokenState::SpikeIn;
            }
            TokenState::SpikeIn => {
                self.integrate(self.axon);
                if self.axon == self.axons - 1 {
                    self.state = TokenState::Write;
                }
            }
            TokenState::Write => {
                let (_, fires) = finish(&self.neurons[self.address as usize], self.sum, self.bits);
                if !(fires && full) {
                    self.spikes = fires;
                    self.write = true;
                    self.state = TokenState::Check;
                }
            }
            TokenState::Check => {
                self.spikes = false;
                self.write = false;
                if self.address as usize == self.neurons.len() - 1 {
                    self.state = TokenState::Clear;
                } else {
                    self.address += 1;
                    self.state = TokenState::FirstAxon;
                }
            }
            TokenState::Clear => {
                self.clear = true;
                self.state = TokenState::Idle;
            }
        }
    }

    fn integrate(&mut self, axon: u32) {
        let (neuron, axon) = (&self.neurons[self.address as usize], axon as usize);
        if neuron.connections.get(axon) && self.scheduler.has(axon) {
            self.sum = wrap(self.sum + neuron.weights[self.types[axon] as usize], self.bits);
        }
    }

    /// Between this edge and the next: axon counter, scheduler pointer and the neuron's memory.
    pub(in crate::emu) fn settle(&mut self) {
        self.axon = if self.state == TokenState::SpikeIn { self.axon + 1 } else { 0 };
        if self.set {
            self.scheduler.advance();
        }
        if self.write {
            let neuron = &mut self.neurons[self.address as usize];
            neuron.potential = finish(neuron, self.sum, self.bits).0;
        }
    }
}
