//! Annealing of neurons on placed cores.
//!
//! After Kirkpatrick, Gelatt and Vecchi (1983): a neuron is offered a core, and where that is full a neuron of it in
//! exchange. What falls is `ln hops + time * ln tick`: one per cent of the hops is as good as one per cent of the time,
//! `time` times. Deviations: the offered core is mostly that of a net's neighbour, else one at the same router, whose
//! packets to each other cross no link, else any; two cores may exchange places with all that is on them; the last
//! mapping is kept, not the best of all.

use super::state::{Change, State};
use super::task::Task;
use crate::rng::Rng;
use crate::watch::Watch;

/// How it is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effort {
    /// Proposals a neuron.
    pub(super) sweeps: u32,
    /// What a per cent of a tick's time is worth in per cents of the hops.
    pub(super) time: f64,
    /// First and last temperature in mean changes.
    pub(super) heat: (f64, f64),
    /// Exchanges of whole cores that are proposed a sweep, by core.
    pub(super) exchange: f64,
    /// Whether the smooth time is of order 16 and not of 8.
    pub(super) sharp: bool,
}

/// A figure before and after.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Outcome {
    pub(super) hops: f64,
    /// Modelled time of the mean tick in picoseconds.
    pub(super) tick: f64,
}

/// Of `DRAWS` proposals so many go to any core, and so many to one at the same router.
const ANYWHERE: u64 = 1;
const SAME_ROUTER: u64 = 2;
const DRAWS: u64 = 8;
/// Proposals from which the mean change is taken.
const SAMPLES: usize = 2000;

struct Annealer<'s, 'a> {
    state: &'s mut State<'a>,
    /// Places at the router of each place, itself too.
    together: Vec<Vec<u32>>,
    worth: f64,
    rng: Rng,
}

/// Moves neurons until the schedule or the time is over: their cores, and the figures before and after. The start is
/// given back where the end is worse.
pub(super) fn run(
    task: &Task,
    start: &[u32],
    effort: &Effort,
    seed: u64,
    watch: &dyn Watch,
) -> (Vec<u32>, Outcome, Outcome) {
    let mut state = State::new(task, start.to_vec(), effort.sharp);
    let before = outcome(&state);
    let score = |state: &State<'_>| ln(state.hops()) + effort.time * ln(state.time());
    let begun = score(&state);
    let at_router = |place| (0_u32..).zip(&task.places).filter(move |p| p.1 == place).map(|p| p.0).collect();
    let together = task.places.iter().map(at_router).collect();
    let mut annealer = Annealer { state: &mut state, together, worth: effort.time, rng: Rng::new(seed) };
    if task.neurons() > 1 && task.places.len() > 1 {
        annealer.anneal(effort, watch);
    }
    if score(&state) > begun {
        return (start.to_vec(), before, before);
    }
    (state.places(), before, outcome(&state))
}

fn outcome(state: &State<'_>) -> Outcome {
    Outcome { hops: state.hops(), tick: state.tick_time() }
}

/// Logarithm of what may be nothing.
fn ln(value: f64) -> f64 {
    value.max(1e-9).ln()
}

impl Annealer<'_, '_> {
    fn anneal(&mut self, effort: &Effort, watch: &dyn Watch) {
        let mean = self.agitation();
        let (hot, cold) = effort.heat;
        let (cores, mut exchanges) = (self.state.task.places.len() as f64, 0.0);
        for sweep in 0..effort.sweeps {
            let gone = f64::from(sweep) / f64::from(effort.sweeps.max(2) - 1);
            let temperature = if sweep + 1 == effort.sweeps { 0.0 } else { mean * hot * (cold / hot).powf(gone) };
            for _ in 0..self.state.task.neurons() {
                self.propose(temperature);
            }
            let due = (f64::from(sweep) + 1.0) * effort.exchange * cores;
            while exchanges + 1.0 <= due {
                self.exchange(temperature);
                exchanges += 1.0;
            }
            self.state.refresh();
            if sweep % effort.sweeps.div_ceil(20) == 0 {
                let Outcome { hops, tick } = outcome(self.state);
                watch.step(&format!("migrate    hops {hops:14.0}  tick {:12.1} ns  {gone:6.2}", tick / 1000.0));
            }
            if watch.gone() >= 1.0 {
                return;
            }
        }
    }

    /// Relative change of what falls.
    fn relative(&self, change: Change) -> f64 {
        let time = self.state.time();
        let time = if time > 0.0 { change.time / time } else { 0.0 };
        change.hops / self.state.hops().max(1.0) + self.worth * time
    }

    /// Mean absolute relative change of a move.
    fn agitation(&mut self) -> f64 {
        let (mut sum, mut count) = (0.0, 0_u32);
        for _ in 0..SAMPLES {
            let Some((v, to)) = self.draw() else { continue };
            if let Some(change) = self.state.change(v, to) {
                sum += self.relative(change).abs();
                count += 1;
            }
        }
        sum / f64::from(count.max(1))
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A neuron and another core for it.
    fn draw(&mut self) -> Option<(usize, u32)> {
        let v = self.below(self.state.task.neurons());
        let from = self.state.core(v);
        let kind = self.rng.below(DRAWS);
        let to = if kind < ANYWHERE {
            self.below(self.state.task.places.len()) as u32
        } else if kind < ANYWHERE + SAME_ROUTER {
            let seat = self.state.seat(from) as usize;
            let choice = self.together[seat].len();
            let at = self.below(choice);
            self.state.at_seat(self.together[seat][at])
        } else {
            self.neighbour(v)?
        };
        (to != from).then_some((v, to))
    }

    /// The core of a random neuron of a random net of `v`.
    fn neighbour(&mut self, v: usize) -> Option<u32> {
        let (heard, own) = (self.state.heard(v).len(), self.state.own(v).len());
        let nets = heard + own;
        if nets == 0 {
            return None;
        }
        let at = self.below(nets);
        let number = *self.state.heard(v).get(at).or_else(|| self.state.own(v).get(at - heard))?;
        let net = &self.state.task.nets[number as usize];
        let ends = net.pins.len() + usize::from(net.source.is_some());
        let at = self.below(ends);
        let end = net.pins.get(at).map(|pin| pin.0).or(net.source)?;
        Some(self.state.core(end as usize))
    }

    /// How much worse what is proposed may be.
    fn most(&mut self, temperature: f64) -> f64 {
        let uniform = (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        -temperature * uniform.max(1e-300).ln()
    }

    /// Offers two cores at different routers each other's place.
    fn exchange(&mut self, temperature: f64) {
        let cores = self.state.task.places.len();
        let (a, b) = (self.below(cores) as u32, self.below(cores) as u32);
        let router = |core: u32| self.state.task.places[self.state.seat(core) as usize];
        if router(a) == router(b) {
            return;
        }
        let most = self.most(temperature);
        let change = Change { hops: self.state.exchange_change(a, b), time: 0.0 };
        if self.relative(change) <= most {
            self.state.exchange(a, b);
            self.state.note(change);
        }
    }

    fn propose(&mut self, temperature: f64) {
        let Some((v, to)) = self.draw() else { return };
        let from = self.state.core(v);
        let most = self.most(temperature);
        if self.state.has_room(to, v, None) {
            if let Some(change) = self.state.change(v, to).filter(|change| self.relative(*change) <= most) {
                self.state.shift(v, to);
                self.state.note(change);
            }
            return;
        }
        let others = self.state.members(to).len();
        if others == 0 {
            return;
        }
        let at = self.below(others);
        let u = self.state.members(to)[at] as usize;
        if !self.state.has_room(to, v, Some(u)) || !self.state.has_room(from, u, Some(v)) {
            return;
        }
        let Some(first) = self.state.change(v, to) else { return };
        self.state.shift(v, to);
        let both = self
            .state
            .change(u, from)
            .map(|second| Change { hops: first.hops + second.hops, time: first.time + second.time });
        match both.filter(|both| self.relative(*both) <= most) {
            Some(both) => {
                self.state.shift(u, from);
                self.state.note(both);
            }
            None => self.state.shift(v, from),
        }
    }
}
