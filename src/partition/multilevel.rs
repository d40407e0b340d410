//! `multilevel`: the division with the least traffic in as few cores as the limits allow.
//!
//! The frame is hMETIS's and KaHyPar's (Karypis and Kumar 1999; Akhremtsev et al. 2017): several starts by recursive
//! bisection, direct k-way V-cycles with label propagation and best moves, and KaHyPar-E's recombination (Andre,
//! Schlag, Schulz 2018): two good divisions are coarsened only within parts that both have in common. Deviations:
//! the way back anneals each level (moves and exchanges), which passes full cores where single moves cannot; where
//! inbound axons or synapse memory are limited the start is `overlap-greedy` or `sequential` instead, axons are
//! annealed away and cores are eliminated; what a tiny network has better is found by branch and bound.

use super::anneal::{self, Energy, Schedule};
use super::bisect;
use super::coarsen::{Level, coarsen};
use super::compact::compact;
use super::eliminate::{self, Effort};
use super::fm::{self, Passes};
use super::state::{State, is_tabled};
use super::{Hypergraph, Limits, Strategy, blocks, exact, greedy, label, limits, measure, over, sequential};
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
    /// Draws.
    pub rng: Rng,
    pub watch: &'a dyn Watch,
    /// Cores that may be used as if they cost nothing.
    pub free: usize,
}

/// Searches that run at the same time; decides the result, so it is no matter of the machine.
const SIDE_BY_SIDE: usize = 2;

/// Runs the jobs on a thread each; results in the order of the jobs.
fn side_by_side<J: Send, T: Send>(jobs: Vec<J>, run: impl Fn(J) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || run(job))).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// What makes one division better than another: legal, fewer cores, less traffic.
type Rank = (usize, usize, u64);

impl Search<'_> {
    pub(super) fn run(&mut self) -> Vec<u32> {
        let Limits { axons, synapses, work, .. } = *self.limits;
        let spread = axons.min(synapses).min(work) == u64::MAX;
        let found = if spread { self.spread() } else { self.packed() };
        match exact::run(self.graph, self.limits, self.free, &found) {
            Some(better) => {
                self.tell("exact", &better);
                better
            }
            None => found,
        }
    }

    /// The same search with draws of its own.
    fn fork(&mut self) -> Self {
        Self { rng: Rng::new(self.rng.next_u64()), ..*self }
    }

    /// Neurons are the only limit: the number of cores is known, traffic is all that counts.
    fn spread(&mut self) -> Vec<u32> {
        let fewest = limits::fewest(self.graph, self.limits);
        let parts = self.limits.parts.unwrap_or_else(|| {
            let wanted = self.graph.neurons() as f64 * (1.0 + self.knobs.slack) / self.limits.neurons as f64;
            fewest.max(wanted.ceil() as usize)
        });
        self.free = parts;
        let pool = self.starts(Vec::new(), parts);
        self.breed(pool)
    }

    /// Axons or memory are limited: cores first, then traffic.
    fn packed(&mut self) -> Vec<u32> {
        let plain = sequential::run(self.graph, self.limits);
        let greedy = greedy::run(self.graph, self.limits, self.watch);
        self.tell("sequential", &plain);
        self.tell("greedy", &greedy);
        let mut best = self.better(plain, greedy);
        let parts = compact(&mut best);
        let within = best.clone();
        best = self.cycle(best, &within, parts);
        self.tell("cycle", &best);
        best = self.settle(best, self.knobs.sweeps, 2.0);
        if self.knobs.eliminate {
            let effort = Effort { sweeps: 300, failures: 2 };
            let fewer = eliminate::run(self.graph, self.limits, best.clone(), effort, &mut self.rng, self.watch);
            best = self.better(best, fewer);
            self.tell("eliminate", &best);
        }
        let parts = compact(&mut best);
        let pool = self.starts(vec![(self.rank(&best), best)], parts);
        self.breed(pool)
    }

    /// Starts with their V-cycles, two at a time. The first start is made whatever the clock says.
    fn starts(&mut self, mut pool: Vec<(Rank, Vec<u32>)>, parts: usize) -> Vec<(Rank, Vec<u32>)> {
        for first in (0..self.knobs.starts.max(1)).step_by(SIDE_BY_SIDE) {
            if over(self.watch) && !pool.is_empty() {
                break;
            }
            let last = (first + SIDE_BY_SIDE as u32).min(self.knobs.starts.max(1));
            let jobs: Vec<_> = (first..last).map(|start| (self.fork(), start)).collect();
            let found = side_by_side(jobs, |(mut search, start)| search.start(start, parts));
            for division in found.into_iter().flatten() {
                self.tell("start", &division);
                pool.push((self.rank(&division), division));
            }
        }
        pool.sort();
        pool
    }

    /// The best of some bisections: of many where parts are few, since a wrong first cut is never healed.
    fn bisected(&mut self, parts: usize) -> Vec<u32> {
        let tries = match parts {
            0..=2 => 24,
            3..=4 => 3,
            _ => 1,
        };
        let mut best: Option<(Rank, Vec<u32>)> = None;
        for _ in 0..tries {
            let found = bisect::recursive(self.graph, self.limits.neurons, parts, &mut self.rng, self.watch);
            let rank = self.rank(&found);
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, found));
            }
            if over(self.watch) {
                break;
            }
        }
        best.map(|(_, found)| found).unwrap_or_default()
    }

    /// One start; nothing where it cannot be made legal.
    fn start(&mut self, start: u32, parts: usize) -> Option<Vec<u32>> {
        let blocks = if start % 3 == 1 { blocks::run(self.graph, self.limits, parts, &mut self.rng) } else { None };
        let mut found = blocks.unwrap_or_else(|| self.bisected(parts));
        let measures = measure(self.graph, &found, self.limits);
        // Where there are cores enough a start that is over a cap on work is worth repairing too.
        if measures.illegal > 0 && (self.limits.parts.is_none() || self.limits.work != u64::MAX) {
            // Far over the limits annealing is hopeless.
            if measures.axons_max / 2 > self.limits.axons || measures.synapses_max / 2 > self.limits.synapses {
                return None;
            }
            found = eliminate::repair(self.graph, self.limits, found, parts, 300, &mut self.rng, self.watch)?;
        }
        for _ in 0..self.knobs.cycles {
            if !over(self.watch) {
                let within = found.clone();
                found = self.cycle(found, &within, parts);
            }
        }
        Some(found)
    }

    /// Recombines the divisions of the pool, two children at a time, and anneals the best.
    fn breed(&mut self, mut pool: Vec<(Rank, Vec<u32>)>) -> Vec<u32> {
        for round in (0..self.knobs.combine).step_by(SIDE_BY_SIDE) {
            if over(self.watch) || pool.len() < 2 {
                break;
            }
            let pairs: Vec<_> = (0..SIDE_BY_SIDE).map(|_| (self.fork(), self.pair(pool.len()))).collect();
            let children = side_by_side(pairs, |(mut search, (a, b))| search.child(&pool[a].1, &pool[b].1));
            for child in children {
                let rank = self.rank(&child);
                if pool.iter().all(|(known, _)| *known != rank) {
                    pool.push((rank, child));
                }
            }
            pool.sort();
            // The pool shrinks slowly, so that the last children are of good parents.
            pool.truncate((self.knobs.starts as usize + 1).saturating_sub(round as usize / 4).max(3));
            self.tell(&format!("combine {}", round as usize + SIDE_BY_SIDE), &pool[0].1);
        }
        let best = pool.swap_remove(0).1;
        self.settle(best, self.knobs.sweeps, 1.0)
    }

    /// Two different members of a pool, the better one first and rather of the better half.
    fn pair(&mut self, pool: usize) -> (usize, usize) {
        let first = self.rng.below(pool.div_ceil(2) as u64) as usize;
        let second = (first + 1 + self.rng.below(pool as u64 - 1) as usize) % pool;
        (first.min(second), first.max(second))
    }

    /// The better of two, refined while only what both have together in one part stays together.
    fn child(&mut self, better: &[u32], other: &[u32]) -> Vec<u32> {
        let mut number = std::collections::BTreeMap::new();
        let mut within = Vec::with_capacity(better.len());
        for pair in better.iter().zip(other) {
            let next = number.len() as u32;
            within.push(*number.entry(pair).or_insert(next));
        }
        let mut division = better.to_vec();
        let parts = compact(&mut division).max(self.free);
        self.cycle(division, &within, parts)
    }

    /// Anneals the whole network; never worse than what it began with. `warm` multiplies the temperature.
    fn settle(&mut self, mut best: Vec<u32>, sweeps: u32, warm: f64) -> Vec<u32> {
        let parts = compact(&mut best).max(self.free);
        if sweeps == 0 || over(self.watch) || !is_tabled(self.graph.vertices(), parts) {
            return best;
        }
        let mut state = State::new(self.graph, *self.limits, parts, best.clone());
        let watch = self.watch;
        let hot = warm * self.knobs.heat * anneal::agitation(&state, &mut self.rng);
        let schedule = Schedule { sweeps, hot, cold: hot / 50.0, until_legal: false };
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
        let (neurons, work) = ((self.limits.neurons / 4).max(1), self.limits.work.max(4) / 4);
        // No vertex is larger than the cap on work, some than a quarter of it: these stay alone.
        let work = if self.limits.work == u64::MAX { u64::MAX } else { work };
        let cap = Limits { neurons, work, ..*self.limits };
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
