//! `anneal`: range-limited simulated annealing of a placement, from any start.
//!
//! After VPR (V. Betz, J. Rose, FPL 1997) and nextpnr: swaps within a window that shrinks so that 44 % of them are
//! accepted, empty slots are partners like any other, a swap is judged by its own edges only. Deviations: half of
//! the proposals go beside a neighbour of the moved cluster instead of into the window (at low temperature nearly
//! all good moves are there); the temperature falls geometrically with the work done and not with the acceptance, so
//! that a budget is always spent whole; logarithms of the acceptance test come from a table, and f32 is used for
//! deltas only (the cost is summed up again in f64).

use super::objective::{Links, Objective};
use super::{Flow, Mesh, Watch};
use crate::rng::Rng;

/// No cluster in this slot.
pub(super) const EMPTY: u32 = u32::MAX;
/// Entries of the acceptance table.
const QUANTILES: usize = 4096;
/// Edges summed between two looks at the clock.
const LOOK: usize = 1 << 20;

/// How hot, how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    /// First temperature in mean absolute swap deltas of the start.
    pub(super) hot: f64,
    /// Last temperature in mean edge weights.
    pub(super) cold: f64,
    /// Proposals.
    pub(super) moves: u64,
    /// First window in hops; 0: the whole mesh.
    pub(super) window: usize,
}

/// Sum of traffic times distance of a placement (`slot` of every cluster).
#[must_use]
pub fn cost(flow: &Flow, mesh: &Mesh, slot: &[u32]) -> f64 {
    let of = |c: usize| -> f64 {
        flow.of(c)
            .iter()
            .filter(|(to, _)| (*to as usize) < c)
            .map(|&(to, w)| w * mesh.distance(slot[c], slot[to as usize]))
            .sum()
    };
    (0..flow.clusters()).map(of).sum()
}

/// A placement being annealed.
pub(super) struct Annealer<'a> {
    mesh: &'a Mesh,
    offsets: Vec<u32>,
    edges: Vec<(u32, f32)>,
    at: Vec<(f32, f32)>,
    slot: Vec<u32>,
    who: Vec<u32>,
    rng: Rng,
    quantiles: Vec<f32>,
    cost: f64,
    objective: Objective,
    /// Places on both axes, stretched by the objective.
    axes: [Vec<f32>; 2],
    /// Loads of the links, where their maximum counts.
    links: Option<Links>,
}

/// Draws for one proposal, cut from one or two random words.
struct Proposal {
    cluster: u32,
    slot: u32,
}

impl<'a> Annealer<'a> {
    pub(super) fn new(flow: &Flow, mesh: &'a Mesh, start: &[u32], seed: u64, objective: Objective) -> Self {
        let n = flow.clusters();
        let mut offsets = vec![0_u32];
        let mut edges = Vec::with_capacity(flow.entries());
        for c in 0..n {
            edges.extend(flow.of(c).iter().map(|&(to, w)| (to, w as f32)));
            offsets.push(edges.len() as u32);
        }
        let mut who = vec![EMPTY; mesh.slots()];
        start.iter().enumerate().for_each(|(c, slot)| who[*slot as usize] = c as u32);
        let quantile = |k: usize| -(((k as f64 + 0.5) / QUANTILES as f64).ln()) as f32;
        let axis = |size: usize| (0..size).map(|at| objective.stretch(at)).collect::<Vec<f32>>();
        let mut annealer = Self {
            mesh,
            offsets,
            edges,
            at: Vec::new(),
            slot: start.to_vec(),
            who,
            rng: Rng::new(seed),
            quantiles: (0..QUANTILES).map(quantile).collect(),
            cost: objective.cost(flow, mesh, start),
            objective,
            axes: [axis(mesh.width), axis(mesh.height)],
            links: (objective.beta > 0.0).then(|| Links::new(mesh)),
        };
        annealer.at = start.iter().map(|slot| annealer.place(*slot)).collect();
        (0..n).for_each(|c| annealer.reroute(c as u32, 0, 0.5));
        annealer
    }

    /// Where a slot stands for the objective.
    #[inline]
    fn place(&self, slot: u32) -> (f32, f32) {
        let (x, y) = self.mesh.cell(slot);
        (self.axes[0][x], self.axes[1][y])
    }

    /// Adds `share` of the traffic of `cluster` to the links, all but that to `besides` where that is another.
    fn reroute(&mut self, cluster: u32, besides: u32, share: f64) {
        let Some(links) = &mut self.links else { return };
        let range = self.offsets[cluster as usize] as usize..self.offsets[cluster as usize + 1] as usize;
        for &(to, w) in &self.edges[range] {
            if share == 0.5 || to != besides {
                let (a, b) = (self.slot[cluster as usize], self.slot[to as usize]);
                links.add(self.mesh, a, b, share * f64::from(w));
            }
        }
    }

    /// Makes a proposal and takes it back unless `delta` and the change of the largest load stay below `bar`.
    fn try_links(&mut self, p: &Proposal, other: u32, delta: f32, bar: f32) -> Option<f32> {
        let before = self.links.as_ref().map_or(0.0, Links::most);
        let old = self.slot[p.cluster as usize];
        // Two clusters that change places keep the links between them.
        let swap = |annealer: &mut Self, p: &Proposal| {
            annealer.reroute(p.cluster, other, -1.0);
            if other != EMPTY {
                annealer.reroute(other, p.cluster, -1.0);
            }
            annealer.commit(p, other);
            annealer.reroute(p.cluster, other, 1.0);
            if other != EMPTY {
                annealer.reroute(other, p.cluster, 1.0);
            }
        };
        swap(self, p);
        let change = self.objective.beta * (self.links.as_ref().map_or(0.0, Links::most) - before);
        let delta = delta + change as f32;
        if delta <= 0.0 || delta < bar {
            return Some(delta);
        }
        swap(self, &Proposal { cluster: p.cluster, slot: old });
        None
    }

    pub(super) fn into_slots(self) -> Vec<u32> {
        self.slot
    }

    /// Change of cost if `cluster` stood at `new`, its edge to `besides` aside.
    #[inline]
    fn pull(&self, cluster: u32, new: (f32, f32), besides: u32) -> f32 {
        let old = self.at[cluster as usize];
        let range = self.offsets[cluster as usize] as usize..self.offsets[cluster as usize + 1] as usize;
        let mut sum = 0.0;
        for &(to, w) in &self.edges[range] {
            let p = self.at[to as usize];
            let d = (new.0 - p.0).abs() + (new.1 - p.1).abs() - (old.0 - p.0).abs() - (old.1 - p.1).abs();
            sum += if to == besides { 0.0 } else { w * d };
        }
        sum
    }

    /// A cluster and a slot for it.
    #[inline]
    fn propose(&mut self, window: usize) -> Proposal {
        let n = self.slot.len() as u64;
        let bits = self.rng.next_u64();
        let cluster = ((u128::from(bits) * u128::from(n)) >> 64) as u32;
        let bits = self.rng.next_u64();
        let (first, last) = (self.offsets[cluster as usize], self.offsets[cluster as usize + 1]);
        let degree = last - first;
        let (centre, reach) = if bits & 1 == 1 && degree > 0 {
            let pick = ((bits >> 1 & 0xffff) * u64::from(degree)) >> 16;
            let to = self.edges[(first as u64 + pick) as usize].0;
            (self.slot[to as usize], 1 + window / 4)
        } else {
            (self.slot[cluster as usize], window)
        };
        let (x, y) = self.mesh.cell(centre);
        let draw = |bits: u64, centre: usize, size: usize| {
            let (low, high) = (centre.saturating_sub(reach), (centre + reach).min(size - 1));
            low + (((bits & 0xffff) as usize * (high - low + 1)) >> 16)
        };
        let (nx, ny) = (draw(bits >> 17, x, self.mesh.width), draw(bits >> 33, y, self.mesh.height));
        Proposal { cluster, slot: (ny * self.mesh.width + nx) as u32 }
    }

    /// Change of cost of a proposal and the cluster that stands in its slot; `None` where the slot is blocked.
    #[inline]
    fn judge(&self, p: &Proposal) -> Option<(f32, u32)> {
        let old = self.slot[p.cluster as usize];
        if old == p.slot || !self.mesh.free[p.slot as usize] {
            return None;
        }
        let other = self.who[p.slot as usize];
        let mut delta = self.pull(p.cluster, self.place(p.slot), other);
        if other != EMPTY {
            delta += self.pull(other, self.at[p.cluster as usize], p.cluster);
        }
        Some((delta, other))
    }

    #[inline]
    fn commit(&mut self, p: &Proposal, other: u32) {
        let old = self.slot[p.cluster as usize];
        self.who[old as usize] = other;
        if other != EMPTY {
            self.slot[other as usize] = old;
            self.at[other as usize] = self.at[p.cluster as usize];
        }
        self.who[p.slot as usize] = p.cluster;
        self.slot[p.cluster as usize] = p.slot;
        self.at[p.cluster as usize] = self.place(p.slot);
    }

    /// Mean absolute change of `samples` proposals, none of them made.
    fn agitation(&mut self, window: usize, samples: usize) -> f64 {
        let (mut sum, mut count) = (0.0, 0_usize);
        for _ in 0..samples {
            let p = self.propose(window);
            if let Some((delta, _)) = self.judge(&p) {
                sum += f64::from(delta.abs());
                count += 1;
            }
        }
        sum / count.max(1) as f64
    }

    /// Makes `moves` proposals at one temperature, fewer where the time runs out; gives the share that was accepted.
    fn round(&mut self, moves: u64, temperature: f32, window: usize, watch: &dyn Watch) -> f64 {
        let look = (LOOK / (1 + self.edges.len() / self.slot.len().max(1))).clamp(64, 1 << 16) as u64;
        let (mut accepted, mut made) = (0_u64, 0_u64);
        while made < moves {
            let batch = look.min(moves - made);
            for _ in 0..batch {
                let p = self.propose(window);
                let Some((delta, other)) = self.judge(&p) else { continue };
                let bar = self.quantiles[(self.rng.next_u64() >> 52) as usize] * temperature;
                if self.links.is_some() {
                    if let Some(delta) = self.try_links(&p, other, delta, bar) {
                        self.cost += f64::from(delta);
                        accepted += 1;
                    }
                } else if delta <= 0.0 || delta < bar {
                    self.commit(&p, other);
                    self.cost += f64::from(delta);
                    accepted += 1;
                }
            }
            made += batch;
            if watch.gone() >= 1.0 {
                break;
            }
        }
        accepted as f64 / made.max(1) as f64
    }

    /// Anneals by `schedule`; progress is the larger of the work done and the share of the time that is gone, so
    /// that a slow machine gets a shorter but whole cooling.
    pub(super) fn anneal(&mut self, schedule: &Schedule, watch: &dyn Watch) {
        let n = self.slot.len();
        if n < 2 {
            return;
        }
        let span = self.mesh.width.max(self.mesh.height).saturating_sub(1).max(1);
        let mut window = if schedule.window == 0 { span as f64 } else { schedule.window as f64 };
        let mean = self.edges.iter().map(|e| f64::from(e.1)).sum::<f64>() / self.edges.len().max(1) as f64;
        let hot = (schedule.hot * self.agitation(window as usize, (n * 2).clamp(500, 20_000))).max(mean * 1e-3);
        let cold = (schedule.cold * mean).clamp(hot * 1e-6, hot);
        let rounds = (schedule.moves / (n as u64 * 2)).clamp(60, 1000);
        let moves = (schedule.moves / rounds).max(1);
        let mut done = 0.0;
        while done < 1.0 {
            let temperature = hot * (cold / hot).powf(done);
            let rate = self.round(moves, temperature as f32, (window as usize).clamp(1, span), watch);
            window = (window * (1.0 - 0.44 + rate)).clamp(1.0, span as f64);
            watch.step(&format!(
                "anneal     cost {:16.4}  temperature {temperature:10.4}  window {window:6.1}  accepted {:5.1} %",
                self.cost,
                rate * 100.0
            ));
            done = (done + 1.0 / rounds as f64).max(watch.gone());
        }
        self.round(moves, 0.0, 2, watch);
    }
}
