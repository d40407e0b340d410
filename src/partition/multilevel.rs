//! `multilevel`: the division with the least traffic in as few cores as the limits allow.
//!
//! The frame is hMETIS's and KaHyPar's (Karypis and Kumar 1999; Akhremtsev et al. 2017): several starts by recursive
//! bisection, direct k-way V-cycles with label propagation and best moves, and KaHyPar-E's recombination (Andre,
//! Schlag, Schulz 2018): two good divisions are coarsened only within parts that both have in common. Deviations:
//! the way back anneals each level (moves and exchanges), which passes full cores where single moves cannot; where
//! inbound axons or synapse memory are limited the start is `overlap-greedy` or `sequential` instead, axons are
//! annealed away and cores are eliminated.

use super::anneal::{self, Energy, Schedule};
use super::bisect;
use super::coarsen::{Level, coarsen};
use super::compact::compact;
use super::eliminate::{self, Effort};
use super::fm::{self, Passes};
use super::state::{State, is_tabled};
use super::{Hypergraph, Limits, Strategy, blocks, greedy, label, measure, over, sequential};
use crate::rng::Rng;
use crate::watch::Watch;

/// The knobs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Knobs {
    /// Starts.
    pub starts: u32,
    /// V-cycles after each start.
    pub cycles: u32,
    /// Recombinations of two good divisions.
    pub combine: u32,
    /// Proposals a vertex and level of the annealing in a V-cycle.
    pub effort: u32,
    /// Proposals a neuron in the final annealing; 0: none.
    pub sweeps: u32,
    /// Hottest temperature of the annealing, in mean changes of a move.
    pub heat: f64,
    /// Core elimination.
    pub eliminate: bool,
    /// Cores beyond the fewest, as a share.
    pub slack: f64,
}

impl Knobs {
    pub(super) fn of(strategy: &Strategy) -> Self {
        let of = |key| strategy.value(key);
        Self {
            starts: of("starts") as u32,
            cycles: of("cycles") as u32,
            combine: of("combine") as u32,
            effort: of("effort") as u32,
            sweeps: of("sweeps") as u32,
            heat: of("heat"),
            eliminate: of("eliminate") >= 0.5,
            slack: of("slack"),
        }
    }
}

/// The search, with what all its steps need.
pub(super) struct Search<'a> {
    pub graph: &'a Hypergraph,
    pub limits: &'a Limits,
    pub knobs: Knobs,
    pub rng: Rng,
    pub watch: &'a dyn Watch,
    /// Cores that may be used as if they cost nothing.
    pub free: usize,
}

/// What makes one division better than another: legal, fewer cores, less traffic.
type Rank = (usize, usize, u64);

impl Search<'_> {
    pub(super) fn run(&mut self) -> Vec<u32> {
        if self.limits.axons == u64::MAX && self.limits.synapses == u64::MAX {
            return self.spread();
        }
        self.packed()
    }

    /// Neurons are the only limit: the number of cores is known, traffic is all that counts.
    fn spread(&mut self) -> Vec<u32> {
        let fewest = eliminate::fewest(self.graph, self.limits);
        let parts = self.limits.parts.unwrap_or_else(|| {
            let wanted = self.graph.neurons() as f64 * (1.0 + self.knobs.slack) / self.limits.neurons as f64;
            fewest.max(wanted.ceil() as usize)
        });
        self.free = parts;
        let mut pool: Vec<(Rank, Vec<u32>)> = Vec::new();
        for start in 0..self.knobs.starts.max(1) {
            if over(self.watch) && !pool.is_empty() {
                break;
            }
            let mut found = self.begin(start, parts);
            for _ in 0..self.knobs.cycles {
                if !over(self.watch) {
                    let within = found.clone();
                    found = self.cycle(found, &within, parts);
                }
            }
            self.tell(&format!("start {}", start + 1), &found);
            pool.push((self.rank(&found), found));
        }
        for round in 0..self.knobs.combine {
            if over(self.watch) {
                break;
            }
            pool.sort();
            self.combine(&mut pool, parts);
            self.tell(&format!("combine {}", round + 1), &pool[0].1);
        }
        pool.sort();
        let best = pool.swap_remove(0).1;
        self.finish(best, parts)
    }

    fn begin(&mut self, start: u32, parts: usize) -> Vec<u32> {
        if start % 2 == 1
            && let Some(found) = blocks::run(self.graph, self.limits, parts, &mut self.rng)
        {
            return found;
        }
        bisect::recursive(self.graph, self.limits.neurons, parts, &mut self.rng, self.watch)
    }

    /// A child of two of the better half replaces the worst if it beats it.
    fn combine(&mut self, pool: &mut Vec<(Rank, Vec<u32>)>, parts: usize) {
        let half = pool.len().div_ceil(2).max(2).min(pool.len());
        let first = self.rng.below(half as u64) as usize;
        let second = self.rng.below(pool.len() as u64) as usize;
        let (better, other) = (first.min(second), first.max(second));
        let within: Vec<u32> = {
            let (a, b) = (&pool[better].1, &pool[other].1);
            let mut number = std::collections::BTreeMap::new();
            a.iter()
                .zip(b)
                .map(|pair| {
                    let next = number.len() as u32;
                    *number.entry(pair).or_insert(next)
                })
                .collect()
        };
        let child = self.cycle(pool[better].1.clone(), &within, parts);
        let rank = self.rank(&child);
        if pool.iter().any(|(known, _)| *known == rank) {
            return;
        }
        pool.push((rank, child));
        pool.sort();
        if pool.len() > 2 {
            pool.pop();
        }
    }

    /// Axons or memory are limited: cores first, then traffic.
    fn packed(&mut self) -> Vec<u32> {
        let plain = sequential::run(self.graph, self.limits);
        let greedy = greedy::run(self.graph, self.limits, self.watch);
        self.tell("sequential", &plain);
        self.tell("greedy", &greedy);
        let mut best = self.better(plain, greedy);
        for cycle in 0..self.knobs.cycles {
            if over(self.watch) {
                break;
            }
            let parts = compact(&mut best);
            let within = best.clone();
            best = self.cycle(best, &within, parts);
            self.tell(&format!("cycle {}", cycle + 1), &best);
        }
        if self.knobs.eliminate {
            let effort = Effort { sweeps: 300, failures: 2 };
            let fewer = eliminate::run(self.graph, self.limits, best.clone(), effort, &mut self.rng, self.watch);
            best = self.better(best, fewer);
            self.tell("eliminate", &best);
        }
        let parts = compact(&mut best);
        self.finish(best, parts)
    }

    /// The last annealing, which is never worse than what it began with.
    fn finish(&mut self, best: Vec<u32>, parts: usize) -> Vec<u32> {
        if self.knobs.sweeps == 0 || over(self.watch) || !is_tabled(self.graph.vertices(), parts) {
            return best;
        }
        let mut state = State::new(self.graph, *self.limits, parts, best.clone());
        let watch = self.watch;
        let hot = self.knobs.heat * anneal::agitation(&state, &mut self.rng);
        let schedule = Schedule { sweeps: self.knobs.sweeps, hot, cold: hot / 50.0, until_legal: false };
        anneal::run(&mut state, Energy::TRAFFIC, schedule, &mut self.rng, watch, |state, temperature| {
            watch.step(&format!("anneal       {:>12} km1  temperature {temperature:>12.3}", state.km1()));
        });
        fm::run(&mut state, Passes { most: 4, patience: 2000 }, &mut self.rng, watch);
        let annealed = state.into_division();
        let best = self.better(best, annealed);
        self.tell("anneal", &best);
        best
    }

    /// Where neurons are the only limit, cores up to the number that is allowed are free.
    fn rank(&self, division: &[u32]) -> Rank {
        let found = measure(self.graph, division, self.limits);
        let cores = if found.cores <= self.free { 0 } else { found.cores };
        (found.illegal, cores, found.km1)
    }

    fn better(&self, a: Vec<u32>, b: Vec<u32>) -> Vec<u32> {
        if self.rank(&b) < self.rank(&a) { b } else { a }
    }

    fn tell(&self, step: &str, division: &[u32]) {
        let found = measure(self.graph, division, self.limits);
        self.watch.step(&format!(
            "{step:<12} {:>12} km1  {:>6} cores  {:>7} axons at most  {:>5} over a limit",
            found.km1, found.cores, found.axons_max, found.illegal
        ));
    }

    /// Coarsens within the parts of `within` and refines on the way back. Never worse than `division` in traffic.
    fn cycle(&mut self, division: Vec<u32>, within: &[u32], parts: usize) -> Vec<u32> {
        let cap = Limits { neurons: (self.limits.neurons / 4).max(1), ..*self.limits };
        let mut levels: Vec<Level> = Vec::new();
        let (mut coarse, mut fences) = (division.clone(), within.to_vec());
        loop {
            let finest = levels.last().map_or(self.graph, |level| &level.graph);
            if finest.vertices() <= parts * 8 || over(self.watch) {
                break;
            }
            let Some(level) = coarsen(finest, &cap, Some(&fences), &mut self.rng) else { break };
            let project = |fine: &[u32]| {
                let mut projected = vec![0; level.graph.vertices()];
                level.cluster.iter().zip(fine).for_each(|(&c, &part)| projected[c as usize] = part);
                projected
            };
            (coarse, fences) = (project(&coarse), project(&fences));
            levels.push(level);
        }
        loop {
            let graph = levels.last().map_or(self.graph, |level| &level.graph);
            coarse = self.refine(graph, parts, coarse);
            let Some(level) = levels.pop() else { break };
            coarse = level.cluster.iter().map(|&c| coarse[c as usize]).collect();
        }
        self.better(division, coarse)
    }

    /// Label propagation, annealing and best moves where the level is small enough for tables.
    fn refine(&mut self, graph: &Hypergraph, parts: usize, division: Vec<u32>) -> Vec<u32> {
        let mut state = State::new(graph, *self.limits, parts, division);
        let (rng, watch) = (&mut self.rng, self.watch);
        label::run(&mut state, 3, rng, watch);
        if state.tabled() {
            let patience = (graph.vertices() / 10).clamp(100, 2000);
            fm::run(&mut state, Passes { most: 5, patience }, rng, watch);
            if self.knobs.effort > 0 {
                let before = (state.km1(), state.division().to_vec());
                let hot = self.knobs.heat * anneal::agitation(&state, rng);
                let schedule = Schedule { sweeps: self.knobs.effort, hot, cold: hot / 50.0, until_legal: false };
                anneal::run(&mut state, Energy::TRAFFIC, schedule, rng, watch, |_, _| {});
                fm::run(&mut state, Passes { most: 5, patience }, rng, watch);
                if state.km1() > before.0 {
                    return before.1;
                }
            }
        }
        state.into_division()
    }
}
