//! A RANC core, event by event: the same core as the clocked one, without the cycles whose outcome is known.
//!
//! When the scheduler has moved on, the whole tick is computed at once; what remains to be waited for is the next neuron
//! that fires (its router may be full) and the end of the tick. A spike that arrives for the row in work (delay
//! `num_ticks - 1`) changes the neurons that have not yet looked at its axon, and no others.

use super::ranc::{Scheduler, Slot, finish, packet};
use crate::emu::mesh::clocked::Flit;
use crate::emu::ranc::{RancCore, RancNeuron, RancParams, TokenState};

/// What the core waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A tick.
    Idle,
    /// The scheduler's move, at the edge that is due.
    Set,
    /// The decision of neuron `target`, or the end of the tick where no neuron fires any more.
    Sweep,
    /// The edge that hands the spike of `target` over.
    Hand,
}

/// A state change of the token controller: (cycle, state).
pub(in crate::emu) type States = Vec<(u64, TokenState)>;

/// Memories of one core and where its token controller is.
#[derive(Debug, Clone)]
pub(in crate::emu) struct EventRancCore {
    bits: u32,
    axons: u64,
    types: Vec<u32>,
    neurons: Vec<RancNeuron>,
    /// Connections of each neuron by axon type: `[neuron][type][word]`.
    masks: Vec<u64>,
    weights: usize,
    words: usize,
    scheduler: Scheduler,
    potentials: Vec<i64>,
    /// Sums of this tick, before the leak.
    sums: Vec<i64>,
    /// Potentials after this tick.
    after: Vec<i64>,
    /// Who fires in this tick.
    fires: Vec<bool>,
    phase: Phase,
    /// The edge at which the core acts next; `u64::MAX` for none.
    due: u64,
    /// The first neuron not yet accounted for, and the edge at which it looks at axon 0.
    next: usize,
    first: u64,
    /// The next neuron that fires; the number of neurons where none does.
    target: usize,
    /// `target` is stalled: it does not decide before this edge.
    not_before: u64,
    /// State changes, where they are wanted.
    pub(in crate::emu) states: Option<States>,
}

impl EventRancCore {
    pub(in crate::emu) fn new(params: &RancParams, core: &RancCore) -> Self {
        let (weights, words) = (params.num_weights as usize, (params.num_axons as usize).div_ceil(64));
        let mut masks = vec![0; core.neurons.len() * weights * words];
        for (index, neuron) in core.neurons.iter().enumerate() {
            for axon in crate::bits::ones(neuron.connections.words()) {
                let kind = core.axon_types[axon] as usize;
                masks[(index * weights + kind) * words + axon / 64] |= 1 << (axon % 64);
            }
        }
        let potentials: Vec<i64> = core.neurons.iter().map(|neuron| neuron.potential).collect();
        Self {
            bits: params.potential_width,
            axons: u64::from(params.num_axons),
            types: core.axon_types.clone(),
            neurons: core.neurons.clone(),
            masks,
            weights,
            words,
            scheduler: Scheduler::new(params),
            sums: potentials.clone(),
            after: potentials.clone(),
            fires: vec![false; potentials.len()],
            potentials,
            phase: Phase::Idle,
            due: u64::MAX,
            next: 0,
            first: 0,
            target: 0,
            not_before: 0,
            states: Some(vec![(0, TokenState::Idle)]),
        }
    }

    /// The edge at which the core acts next; `u64::MAX` for none.
    pub(in crate::emu) const fn due(&self) -> u64 {
        self.due
    }

    pub(in crate::emu) const fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Cycles of one neuron that does not stall.
    const fn pitch(&self) -> u64 {
        self.axons + 2
    }

    /// The edge at which `neuron` looks at axon 0, if none before it stalls.
    const fn looks(&self, neuron: usize) -> u64 {
        self.first + (neuron - self.next) as u64 * self.pitch()
    }

    /// A spike arrives at edge `now`; comes before [`Self::act`] and [`Self::tick`] of that edge. Tells where it goes and
    /// whether it is kept.
    pub(in crate::emu) fn arrive(&mut self, now: u64, flit: Flit) -> (Slot, bool) {
        let slot = self.scheduler.slot(flit);
        if self.phase == Phase::Sweep && self.target == self.neurons.len() && self.due == now {
            return (slot, false);
        }
        let late = matches!(self.phase, Phase::Sweep | Phase::Hand)
            && slot.row == self.scheduler.pointer
            && (slot.axon as usize) < self.types.len()
            && !self.scheduler.current().get(slot.axon as usize);
        self.scheduler.write(slot);
        if late {
            self.integrate_late(now, slot.axon as usize);
        }
        (slot, true)
    }

    /// A bit of the row in work was set at edge `now`: neurons that look at the axon later see it.
    fn integrate_late(&mut self, now: u64, axon: usize) {
        let in_work = self.next + usize::try_from((now - self.first) / self.pitch()).expect("below the neurons");
        let in_work = in_work.min(self.target);
        let sees = self.looks(in_work) + axon as u64 > now;
        for index in in_work + usize::from(!sees)..self.neurons.len() {
            let neuron = &self.neurons[index];
            if neuron.connections.get(axon) {
                self.sums[index] += neuron.weights[self.types[axon] as usize];
                (self.after[index], self.fires[index]) = finish(neuron, self.sums[index], self.bits);
            }
        }
        if self.phase == Phase::Sweep {
            self.aim();
        }
    }

    /// A tick at edge `now`; whether the core takes it.
    pub(in crate::emu) fn tick(&mut self, now: u64) -> bool {
        if self.phase != Phase::Idle {
            return false;
        }
        self.phase = Phase::Set;
        self.due = now + 1;
        self.tell(now + 1, TokenState::Set);
        true
    }

    /// What is due at edge `now`. `full`: one of the buffers towards the router was full before. Tells who hands
    /// its spike over.
    pub(in crate::emu) fn act(&mut self, now: u64, full: bool) -> Option<(u32, Flit)> {
        match self.phase {
            Phase::Idle => {}
            Phase::Set => {
                self.scheduler.advance();
                self.compute();
                self.phase = Phase::Sweep;
                (self.next, self.first) = (0, now + 1);
                self.aim();
            }
            Phase::Sweep if self.target == self.neurons.len() => self.end(now),
            Phase::Sweep if full => {
                self.not_before = now + 1;
                self.due = now + 1;
            }
            Phase::Sweep => {
                self.tell_neurons(self.target);
                self.tell_looks(self.target);
                self.tell(now + 1, TokenState::Check);
                self.phase = Phase::Hand;
                self.due = now + 1;
            }
            Phase::Hand => {
                let fired = self.target;
                self.phase = Phase::Sweep;
                (self.next, self.first) = (fired + 1, now + 1);
                self.aim();
                let number = u32::try_from(fired).expect("at most 65536 neurons");
                return Some((number, packet(&self.neurons[fired])));
            }
        }
        None
    }

    /// The row is cleared, and the core waits again.
    fn end(&mut self, now: u64) {
        self.tell_neurons(self.neurons.len());
        self.tell(now - 1, TokenState::Clear);
        self.tell(now, TokenState::Idle);
        self.scheduler.clear();
        std::mem::swap(&mut self.potentials, &mut self.after);
        self.phase = Phase::Idle;
        self.due = u64::MAX;
    }

    /// Finds what to wait for.
    fn aim(&mut self) {
        let rest = self.fires[self.next..].iter().position(|&fires| fires);
        self.target = rest.map_or(self.neurons.len(), |steps| self.next + steps);
        let looks = self.looks(self.target);
        self.due = if rest.is_some() { (looks + self.axons).max(self.not_before) } else { looks + 1 };
    }

    /// The whole tick, as far as it is known when it begins.
    fn compute(&mut self) {
        let row = self.scheduler.rows[self.scheduler.pointer as usize].words();
        let quiet = row.iter().all(|&word| word == 0);
        for (index, neuron) in self.neurons.iter().enumerate() {
            let mut sum = self.potentials[index];
            if !quiet {
                let masks = &self.masks[index * self.weights * self.words..][..self.weights * self.words];
                for (mask, &weight) in masks.chunks_exact(self.words).zip(&neuron.weights) {
                    let hits: u32 = mask.iter().zip(row).map(|(mask, row)| (mask & row).count_ones()).sum();
                    sum += weight * i64::from(hits);
                }
            }
            self.sums[index] = sum;
            (self.after[index], self.fires[index]) = finish(neuron, sum, self.bits);
        }
    }

    /// Potentials in memory after edge `last`.
    pub(in crate::emu) fn potentials(&self, last: u64) -> Vec<i64> {
        let decided = match self.phase {
            Phase::Idle | Phase::Set => 0,
            Phase::Hand => self.target + 1,
            Phase::Sweep => {
                let behind = (last + 1).saturating_sub(self.first + self.axons).div_ceil(self.pitch());
                usize::try_from(behind).map_or(self.target, |behind| (self.next + behind).min(self.target))
            }
        };
        self.after[..decided].iter().chain(&self.potentials[decided..]).copied().collect()
    }

    /// Tells the state changes up to now that no event has told; nothing may follow.
    pub(in crate::emu) fn tell_rest(&mut self) {
        if self.phase == Phase::Sweep {
            self.tell_neurons(self.target);
            if self.target < self.neurons.len() {
                self.tell_looks(self.target);
            } else {
                self.tell(self.due - 1, TokenState::Clear);
            }
        }
    }

    fn tell(&mut self, cycle: u64, state: TokenState) {
        if let Some(states) = &mut self.states {
            states.push((cycle, state));
        }
    }

    /// From the next neuron to before `end`: none of them fires.
    fn tell_neurons(&mut self, end: usize) {
        if self.states.is_some() {
            for neuron in self.next..end {
                self.tell_looks(neuron);
                self.tell(self.looks(neuron) + self.axons + 1, TokenState::Check);
            }
        }
    }

    fn tell_looks(&mut self, neuron: usize) {
        let looks = self.looks(neuron);
        self.tell(looks, TokenState::FirstAxon);
        self.tell(looks + 1, TokenState::SpikeIn);
        self.tell(looks + self.axons, TokenState::Write);
    }
}
