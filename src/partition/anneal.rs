//! Annealing of a division by moves and exchanges.
//!
//! After Kirkpatrick, Gelatt and Vecchi (1983) and Johnson et al. (1989, graph partitioning). Deviations: a
//! vertex is offered the part of a random neighbour; where the limits are hard and the part is full it is
//! exchanged for a random vertex of that part; where they are soft their excess is a term of the energy.

use super::limits::Load;
use super::over;
use super::state::State;
use crate::rng::Rng;
use crate::watch::Watch;

/// What is made small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Energy {
    /// Of a unit of km1.
    pub traffic: f64,
    /// Of an inbound axon of a core, wanted or not.
    pub axons: f64,
    /// Of a unit over a limit; `None`: no limit is ever broken.
    pub excess: Option<f64>,
}

impl Energy {
    /// Traffic within hard limits.
    pub(super) const TRAFFIC: Self = Self { traffic: 1.0, axons: 0.0, excess: None };
}

/// How long and how hot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Proposals a vertex.
    pub sweeps: u32,
    /// First and last temperature in units of the energy.
    pub hot: f64,
    pub cold: f64,
    /// End as soon as every limit is kept.
    pub until_legal: bool,
}

/// Resolution of the acceptance threshold.
const STEPS: usize = 4096;

/// Mean absolute change of traffic by a move to the part of a neighbour: the unit of temperatures.
pub(super) fn agitation(state: &State<'_>, rng: &mut Rng) -> f64 {
    let (graph, mut sum, mut count) = (state.graph, 0.0, 0_u32);
    for _ in 0..4000 {
        let v = rng.below(graph.vertices().max(1) as u64) as usize;
        let nets = graph.incident(v);
        if nets.is_empty() {
            continue;
        }
        let pins = graph.pins(nets[rng.below(nets.len() as u64) as usize].index());
        let to = state.part(pins[rng.below(pins.len() as u64) as usize].index());
        if to != state.part(v) {
            sum += (state.gain(v, to) as f64).abs();
            count += 1;
        }
    }
    if count > 0 { (sum / f64::from(count)).max(1e-6) } else { 1.0 }
}

struct Annealer<'s, 'a> {
    state: &'s mut State<'a>,
    energy: Energy,
    members: Vec<Vec<u32>>,
    position: Vec<u32>,
    /// -ln of a uniform draw.
    thresholds: Vec<f64>,
    temperature: f64,
}

/// Anneals in place. `tell` is called after each of about twenty stretches of the schedule with its temperature.
pub(super) fn run(
    state: &mut State<'_>,
    energy: Energy,
    schedule: Schedule,
    rng: &mut Rng,
    watch: &dyn Watch,
    mut tell: impl FnMut(&State<'_>, f64),
) {
    let n = state.graph.vertices();
    if n < 2 || state.parts < 2 || !state.tabled() {
        return;
    }
    let mut members = vec![Vec::new(); state.parts];
    let position = (0..n)
        .map(|v| {
            let list: &mut Vec<u32> = &mut members[state.part(v) as usize];
            list.push(v as u32);
            list.len() as u32 - 1
        })
        .collect();
    let thresholds = (0..STEPS).map(|at| -((at as f64 + 0.5) / STEPS as f64).ln()).collect();
    let mut annealer = Annealer { state, energy, members, position, thresholds, temperature: schedule.hot };
    let sweeps = schedule.sweeps.max(1);
    let ratio = (schedule.cold / schedule.hot).powf(1.0 / f64::from(sweeps));
    for sweep in 0..sweeps {
        for at in 0..n {
            if at % 1024 == 0 && over(watch) {
                return;
            }
            annealer.propose(rng);
        }
        annealer.temperature *= ratio;
        if sweep % sweeps.div_ceil(20) == 0 {
            tell(annealer.state, annealer.temperature);
        }
        if schedule.until_legal && annealer.state.is_legal() {
            return;
        }
    }
}

impl Annealer<'_, '_> {
    fn propose(&mut self, rng: &mut Rng) {
        let graph = self.state.graph;
        let draw = rng.next_u64();
        let v = scale(draw >> 32, graph.vertices());
        let nets = graph.incident(v);
        if nets.is_empty() {
            return;
        }
        let pins = graph.pins(nets[scale(draw & 0xffff_ffff, nets.len())].index());
        let draw = rng.next_u64();
        let to = self.state.part(pins[scale(draw >> 32, pins.len())].index());
        if to == self.state.part(v) {
            return;
        }
        let most = self.temperature * self.thresholds[(draw & (STEPS as u64 - 1)) as usize];
        if self.energy.excess.is_none() && !self.state.fits(v, to) {
            let others = &self.members[to as usize];
            let u = others[scale(rng.next_u64() >> 32, others.len())] as usize;
            self.exchange(v, u, most);
        } else if self.cost(v, to) <= most {
            self.shift(v, to);
        }
    }

    /// Energy that moving `v` to part `to` costs.
    #[inline]
    fn cost(&self, v: usize, to: u32) -> f64 {
        let Energy { traffic, axons, excess } = self.energy;
        let mut cost = -traffic * self.state.gain(v, to) as f64;
        if axons != 0.0 {
            cost += axons * (self.state.axons_in(v, to) as f64 - self.state.axons_out(v) as f64);
        }
        if let Some(excess) = excess {
            let (a, b) = (self.state.load(self.state.part(v)), self.state.load(to));
            let (a_after, b_after) = self.state.loads_after(v, to);
            let of = |load| self.state.excess(load);
            cost += excess * (of(&a_after) + of(&b_after) - of(&a) - of(&b));
        }
        cost
    }

    fn exchange(&mut self, v: usize, u: usize, most: f64) {
        let state = &*self.state;
        let (a, b) = (state.part(v), state.part(u));
        let Energy { traffic, axons, .. } = self.energy;
        // The single gains together are at least the gain of the exchange.
        let hoped = -traffic * (state.gain(v, b) + state.gain(u, a)) as f64;
        if axons == 0.0 && hoped > most {
            return;
        }
        let (gain, in_a, in_b) = state.exchange(v, u);
        if -traffic * gain as f64 + axons * (in_a + in_b) as f64 > most {
            return;
        }
        let (of_v, of_u) = (state.graph.weight(v), state.graph.weight(u));
        let keeps = |part: u32, axons: i64, more: super::Weight, less: super::Weight| {
            let load = state.load(part);
            state.limits.hold(&Load {
                neurons: load.neurons + u64::from(more.neurons) - u64::from(less.neurons),
                synapses: load.synapses + more.synapses - less.synapses,
                axons: if state.limits.axons == u64::MAX { 0 } else { load.axons.saturating_add_signed(axons) },
                work: load.work + more.work - less.work,
            })
        };
        if keeps(a, in_a, of_u, of_v) && keeps(b, in_b, of_v, of_u) {
            self.shift(v, b);
            self.shift(u, a);
        }
    }

    fn shift(&mut self, v: usize, to: u32) {
        let from = self.state.part(v) as usize;
        let at = self.position[v] as usize;
        self.members[from].swap_remove(at);
        if let Some(&moved) = self.members[from].get(at) {
            self.position[moved as usize] = at as u32;
        }
        self.position[v] = self.members[to as usize].len() as u32;
        self.members[to as usize].push(v as u32);
        self.state.shift(v, to, |_, _| {});
    }
}

/// 32 random bits to `0..bound`.
#[inline]
const fn scale(bits: u64, bound: usize) -> usize {
    ((bits * bound as u64) >> 32) as usize
}
