//! `multilevel`: the start of the default pipeline. Clusters are matched by heavy edges level by level until few are
//! left, these are annealed on a small mesh, and every level below starts from the positions of the one above.
//!
//! After T. Chan, J. Cong, K. Sze, "Multilevel generalized force-directed method for circuit placement" (ISPD 2005)
//! in outline, with annealing as the relaxation at every level. Deviation: a coarse mesh need not be the fine one
//! halved: positions are real numbers, scaled to the mesh of the next level and made legal by recursive splitting of
//! slots and clusters along the longer axis, so that holes and odd sides need no special care.

use super::anneal::{Annealer, Schedule};
use super::objective::Objective;
use super::{Flow, Mesh, Quieter, Share, Watch};
use crate::rng::Rng;

/// Clusters at which coarsening stops.
const COARSEST: usize = 200;

/// What a level is refined with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effort {
    /// Proposals a cluster at the coarsest level.
    pub(super) coarse: u64,
    /// Proposals a cluster at every level between.
    pub(super) between: u64,
    /// First temperature of levels between, in mean absolute deltas.
    pub(super) warm: f64,
    /// Seed.
    pub(super) seed: u64,
}

impl Effort {
    /// For a level of `clusters`: the coarsest from draws, the others from the level above.
    fn schedule(&self, clusters: usize, coarsest: bool) -> Schedule {
        let (hot, per, window) = if coarsest { (1.0, self.coarse, 0) } else { (self.warm, self.between, 3) };
        Schedule { hot, cold: 0.01, moves: per * clusters as u64, window }
    }
}

/// Positions of all clusters on `mesh`, legal for it but not annealed there, unless it is the only level.
pub(super) fn start(flow: &Flow, mesh: &Mesh, effort: &Effort, watch: &dyn Watch) -> Vec<u32> {
    let n = flow.clusters();
    let whole = (mesh.width as f64, mesh.height as f64);
    let mut levels: Vec<(Flow, Vec<u32>)> = Vec::new();
    let mut rng = Rng::new(effort.seed);
    loop {
        let finest = levels.last().map_or(flow, |level| &level.0);
        if finest.clusters() <= COARSEST || watch.gone() >= 1.0 {
            break;
        }
        let (coarse, parent) = coarsen(finest, &mut rng);
        watch.step(&format!("coarsen    {:8} clusters  {:9} edges", coarse.clusters(), coarse.entries() / 2));
        if coarse.clusters() * 20 > finest.clusters() * 19 {
            break;
        }
        levels.push((coarse, parent));
    }
    let mut position: Option<Vec<(f64, f64)>> = None;
    let depth = levels.len();
    for level in (0..depth).rev() {
        let (coarse, parent) = &levels[level];
        let mesh = shrunk(coarse.clusters(), whole);
        let size = (mesh.width as f64, mesh.height as f64);
        let first = position.is_none();
        let at = position.take().unwrap_or_else(|| scattered(coarse.clusters(), &mut rng));
        let slots = legal(&at, &mesh);
        let schedule = effort.schedule(coarse.clusters(), first);
        let k = (depth - 1 - level) as f64 / depth as f64;
        let share = Share { of: &Quieter(watch), from: k, to: (k + 1.0 / depth as f64).min(1.0) };
        let slots = relaxed(coarse, &mesh, &slots, &schedule, rng.next_u64(), &share);
        watch.step(&format!(
            "level      {:8} clusters  cost {:14.4}  gone {:4.1} %",
            coarse.clusters(),
            super::anneal::cost(coarse, &mesh, &slots) * (whole.0 / size.0),
            watch.gone() * 100.0
        ));
        // Children stand where their parent does, a little apart in a direction of their own.
        let apart = |c: usize| {
            let slot = slots[parent[c] as usize];
            let (x, y) = mesh.cell(slot);
            let jitter = rng.unit() * 1e-3;
            ((x as f64 + 0.5 + jitter) * whole.0 / size.0, (y as f64 + 0.5 + jitter) * whole.1 / size.1)
        };
        position = Some((0..parent.len()).map(apart).collect());
    }
    let Some(at) = position else {
        let slots = legal(&scattered(n, &mut rng), mesh);
        return relaxed(flow, mesh, &slots, &effort.schedule(n, true), rng.next_u64(), &Quieter(watch));
    };
    legal(&at, mesh)
}

/// Annealed from `slots`.
fn relaxed(flow: &Flow, mesh: &Mesh, slots: &[u32], schedule: &Schedule, seed: u64, watch: &dyn Watch) -> Vec<u32> {
    let mut annealer = Annealer::new(flow, mesh, slots, seed, Objective::HOPS);
    annealer.anneal(schedule, watch);
    annealer.into_slots()
}

fn scattered(n: usize, rng: &mut Rng) -> Vec<(f64, f64)> {
    (0..n).map(|_| (rng.unit(), rng.unit())).collect()
}

/// A full mesh for `n` clusters in the proportions of `whole`.
fn shrunk(n: usize, whole: (f64, f64)) -> Mesh {
    let width = ((n as f64 * whole.0 / whole.1).sqrt().round() as usize).clamp(1, n.max(1));
    Mesh::full(width, n.div_ceil(width))
}

/// Heavy-edge matching; lone clusters are paired with the partner of a neighbour's neighbour or stay alone.
fn coarsen(flow: &Flow, rng: &mut Rng) -> (Flow, Vec<u32>) {
    const NONE: u32 = u32::MAX;
    let n = flow.clusters();
    let mut order: Vec<u32> = (0..n as u32).collect();
    rng.shuffle(&mut order);
    let strength = flow.strength();
    let mut parent = vec![NONE; n];
    let mut count = 0_u32;
    for &c in &order {
        if parent[c as usize] != NONE {
            continue;
        }
        // Weight against the partner's whole traffic: hubs are not swallowed first.
        let best = flow.of(c as usize).iter().filter(|(to, _)| parent[*to as usize] == NONE).max_by(|a, b| {
            let rate = |e: &(u32, f64)| e.1 / strength[e.0 as usize].max(f64::MIN_POSITIVE);
            rate(a).total_cmp(&rate(b)).then(b.0.cmp(&a.0))
        });
        parent[c as usize] = count;
        let second = best.map(|e| e.0).or_else(|| two_away(flow, c, &parent));
        if let Some(to) = second {
            parent[to as usize] = count;
        }
        count += 1;
    }
    let mut list = Vec::with_capacity(flow.entries() / 2);
    for c in 0..n {
        for &(to, w) in flow.of(c).iter().filter(|e| (e.0 as usize) < c) {
            list.push((parent[c], parent[to as usize], w));
        }
    }
    (Flow::joined(count as usize, &list), parent)
}

fn two_away(flow: &Flow, c: u32, parent: &[u32]) -> Option<u32> {
    let near = flow.of(c as usize).iter().take(16);
    near.flat_map(|(to, _)| flow.of(*to as usize).iter().take(16))
        .map(|e| e.0)
        .find(|other| *other != c && parent[*other as usize] == u32::MAX)
}

/// Distinct free slots for real positions: slots are halved along their longer side,
/// clusters likewise in proportion, until each has its own.
pub(super) fn legal(at: &[(f64, f64)], mesh: &Mesh) -> Vec<u32> {
    let mut slots = mesh.usable();
    let mut clusters: Vec<u32> = (0..at.len() as u32).collect();
    let mut found = vec![0; at.len()];
    split(at, mesh, &mut clusters, &mut slots, &mut found);
    found
}

fn split(at: &[(f64, f64)], mesh: &Mesh, clusters: &mut [u32], slots: &mut [u32], found: &mut [u32]) {
    if clusters.is_empty() {
        return;
    }
    if clusters.len() == 1 && slots.len() == 1 {
        found[clusters[0] as usize] = slots[0];
        return;
    }
    let bounds = |f: &dyn Fn(u32) -> usize| {
        slots.iter().map(|s| f(*s)).fold((usize::MAX, 0), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((x0, x1), (y0, y1)) = (bounds(&|s| mesh.cell(s).0), bounds(&|s| mesh.cell(s).1));
    let along_x = x1 - x0 >= y1 - y0;
    let key = |s: &u32| {
        let (x, y) = mesh.cell(*s);
        if along_x { (x, y, *s) } else { (y, x, *s) }
    };
    let half = slots.len() / 2;
    slots.select_nth_unstable_by_key(half, key);
    // The clusters fill both halves alike; empty slots are spread evenly.
    let (total, left) = (slots.len(), half);
    let most = clusters.len().min(left);
    let least = clusters.len().saturating_sub(total - left);
    let share = (clusters.len() * left + total / 2) / total;
    let cut = share.clamp(least, most);
    let of = |c: &u32| if along_x { at[*c as usize].0 } else { at[*c as usize].1 };
    if cut > 0 && cut < clusters.len() {
        clusters.select_nth_unstable_by(cut, |a, b| of(a).total_cmp(&of(b)).then(a.cmp(b)));
    }
    let (slots_a, slots_b) = slots.split_at_mut(half);
    let (clusters_a, clusters_b) = clusters.split_at_mut(cut);
    split(at, mesh, clusters_a, slots_a, found);
    split(at, mesh, clusters_b, slots_b, found);
}
