//! A RANC core, event by event: the same core as the clocked one, without the cycles whose outcome is known.
//!
//! When the scheduler has moved on, the whole tick is computed at once; what remains to be waited for is the next neuron
//! that fires (its router may be full) and the end of the tick. A spike that arrives for the row in work (delay
//! `num_ticks - 1`) changes the neurons that have not yet looked at its axon, and no others.

use super::ranc::{Scheduler, Slot, finish, packet};
use super::ranc_sliced::SlicedCore;
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
}

/// A state change of the token controller: (cycle, state).
pub(in crate::emu) type States = Vec<(u64, TokenState)>;

/// A tick in which a spike came for the row in work: neuron by neuron.
#[derive(Debug, Clone)]
struct Late {
    /// Sums of this tick, before the leak.
    sums: Vec<i64>,
    /// Potentials after this tick.
    after: Vec<i64>,
    /// Who fires in this tick.
    fires: Vec<bool>,
}

/// Memories of one core and where its token controller is.
#[derive(Debug, Clone)]
pub(in crate::emu) struct EventRancCore {
    bits: u32,
    axons: u64,
    types: Vec<u32>,
    neurons: Vec<RancNeuron>,
    scheduler: Scheduler,
    sliced: SlicedCore,
    late: Option<Late>,
    phase: Phase,
    /// The edge at which the core acts next; `u64::MAX` for none.
    due: u64,
    /// The first neuron not yet accounted for, and the edge at which it looks at axon 0.
    next: usize,
    first: u64,
    /// The next neuron that fires; the number of neurons where none does.
    target: usize,
    /// The lane from which on the next is looked for.
    lane: usize,
    /// `target` is stalled: it does not decide before this edge.
    not_before: u64,
    /// State changes, where they are wanted.
    pub(in crate::emu) states: Option<States>,
}

impl EventRancCore {
    pub(in crate::emu) fn new(params: &RancParams, core: &RancCore) -> Self {
        Self {
            bits: params.potential_width,
            axons: u64::from(params.num_axons),
            types: core.axon_types.clone(),
            neurons: core.neurons.clone(),
            scheduler: Scheduler::new(params),
            sliced: SlicedCore::new(params, core),
            late: None,
            phase: Phase::Idle,
            due: u64::MAX,
            next: 0,
            first: 0,
            target: 0,
            lane: 0,
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

    /// What each neuron sends; none where it can never fire.
    pub(in crate::emu) fn packets(&self) -> impl Iterator<Item = Option<Flit>> + '_ {
        let can_fire = |(index, neuron)| self.sliced.has_lane(index).then(|| packet(neuron));
        self.neurons.iter().enumerate().map(can_fire)
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
        let slot = self.scheduler.slot(flit.axon, flit.delay);
        if self.phase == Phase::Sweep && self.target == self.neurons.len() && self.due == now {
            return (slot, false);
        }
        let late = self.phase == Phase::Sweep
            && slot.row == self.scheduler.pointer
            && (slot.axon as usize) < self.types.len()
            && !self.scheduler.has(slot.axon as usize);
        self.scheduler.write(slot);
        if late {
            self.integrate_late(now, slot.axon as usize);
        }
        (slot, true)
    }

    /// As [`Self::arrive`], for a spike that is not for the row in work; it is written where it is `kept`.
    #[inline]
    pub(in crate::emu) fn take(&mut self, axon: u32, delay: u32, kept: bool) -> Slot {
        let slot = self.scheduler.slot(axon, delay);
        if kept {
            self.scheduler.write(slot);
        }
        slot
    }

    /// A bit of the row in work was set at edge `now`: neurons that look at the axon later see it.
    fn integrate_late(&mut self, now: u64, axon: usize) {
        // Nobody has looked yet where the last spike is just being handed over.
        let passed = now.saturating_sub(self.first) / self.pitch();
        let in_work = self.next + usize::try_from(passed).expect("below the neurons");
        let in_work = in_work.min(self.target);
        let sees = self.looks(in_work) + axon as u64 > now;
        let mut late = self.late.take().unwrap_or_else(|| self.one_by_one(axon));
        for index in in_work + usize::from(!sees)..self.neurons.len() {
            let neuron = &self.neurons[index];
            if neuron.connections.get(axon) {
                late.sums[index] += neuron.weights[self.types[axon] as usize];
                (late.after[index], late.fires[index]) = finish(neuron, late.sums[index], self.bits);
            }
        }
        self.late = Some(late);
        self.aim();
    }

    /// The tick in work, neuron by neuron, as if `axon` had no spike.
    fn one_by_one(&self, axon: usize) -> Late {
        let row = self.scheduler.current();
        let sum = |(index, neuron): (usize, &RancNeuron)| {
            let hits = crate::bits::ones(row).filter(|&hit| hit != axon && neuron.connections.get(hit));
            self.sliced.potential(index).0 + hits.map(|hit| neuron.weights[self.types[hit] as usize]).sum::<i64>()
        };
        let sums: Vec<i64> = self.neurons.iter().enumerate().map(sum).collect();
        let done = self.neurons.iter().zip(&sums).map(|(neuron, &sum)| finish(neuron, sum, self.bits));
        let (after, fires) = done.unzip();
        Late { sums, after, fires }
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
    /// its spike over, at the edge after this.
    pub(in crate::emu) fn act(&mut self, now: u64, full: bool) -> Option<(u32, Flit)> {
        match self.phase {
            Phase::Idle => {}
            Phase::Set => {
                self.scheduler.advance();
                self.sliced.compute(self.scheduler.current());
                self.phase = Phase::Sweep;
                (self.next, self.first, self.lane) = (0, now + 1, 0);
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
                let fired = self.target;
                (self.next, self.first) = (fired + 1, now + 2);
                self.lane += 1;
                self.aim();
                let number = u32::try_from(fired).expect("at most 65536 neurons");
                return Some((number, packet(&self.neurons[fired])));
            }
        }
        None
    }

    /// The tick that was taken is computed, for [`Self::end_at_once`] or [`Self::go_on`] to end.
    pub(in crate::emu) fn begin_at_once(&mut self) {
        self.scheduler.advance();
        self.sliced.compute(self.scheduler.current());
    }

    /// The neurons that fire in a tick that has begun.
    #[inline]
    pub(in crate::emu) fn fired(&self, tell: impl FnMut(u32)) {
        self.sliced.fired(tell);
    }

    /// Ends a tick of edge `tick` in which nothing stalled.
    pub(in crate::emu) fn end_at_once(&mut self, tick: u64) {
        (self.next, self.first) = (0, tick + 2);
        self.end(tick + 3 + self.neurons.len() as u64 * self.pitch());
    }

    /// Goes on with neuron `next` of a tick of edge `tick` in which nothing has stalled so far.
    pub(in crate::emu) fn go_on(&mut self, tick: u64, next: usize) {
        self.phase = Phase::Sweep;
        (self.next, self.first) = (0, tick + 2);
        self.tell_neurons(next);
        (self.next, self.first) = (next, self.looks(next));
        self.lane = self.sliced.lane_from(next);
        self.aim();
    }

    /// The row is cleared, and the core waits again.
    fn end(&mut self, now: u64) {
        self.tell_neurons(self.neurons.len());
        self.tell(now - 1, TokenState::Clear);
        self.tell(now, TokenState::Idle);
        self.scheduler.clear();
        match self.late.take() {
            Some(late) => self.sliced.set_potentials(&late.after),
            None => self.sliced.commit(),
        }
        self.phase = Phase::Idle;
        self.due = u64::MAX;
    }

    /// Finds what to wait for.
    fn aim(&mut self) {
        let fires = match &self.late {
            Some(late) => late.fires[self.next..].iter().position(|&fires| fires).map(|steps| self.next + steps),
            None => self.sliced.next_fire(self.lane).map(|lane| {
                self.lane = lane;
                self.sliced.neuron(lane) as usize
            }),
        };
        self.target = fires.unwrap_or(self.neurons.len());
        let looks = self.looks(self.target);
        self.due = if fires.is_some() { (looks + self.axons).max(self.not_before) } else { looks + 1 };
    }

    /// Potentials in memory after edge `last`.
    pub(in crate::emu) fn potentials(&self, last: u64) -> Vec<i64> {
        let decided = match self.phase {
            Phase::Idle | Phase::Set => 0,
            Phase::Sweep => {
                let behind = (last + 1).saturating_sub(self.first + self.axons).div_ceil(self.pitch());
                usize::try_from(behind).map_or(self.target, |behind| (self.next + behind).min(self.target))
            }
        };
        let potential = |index: usize| {
            let (before, after) = self.sliced.potential(index);
            let after = self.late.as_ref().map_or(after, |late| late.after[index]);
            if index < decided { after } else { before }
        };
        (0..self.neurons.len()).map(potential).collect()
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
