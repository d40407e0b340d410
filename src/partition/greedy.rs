//! `overlap-greedy`: a core is grown by the neuron that adds the fewest new inbound axons.
//!
//! After the Loihi compiler (Lin et al., PLDI 2018) and the ordered overlap heuristic of Ronzani and Silvano
//! (2026, arXiv 2601.16118). Deviations: a core starts with the first free neuron in network order that is fed
//! by the last core's axons, so that cores follow the network; ties go to the neuron that shares more axons,
//! then to the lower number; what does not fit is passed over, not ended with.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::limits::Load;
use super::{Hypergraph, Limits, over, sequential};
use crate::watch::Watch;

/// The core being filled.
struct Core<'a> {
    graph: &'a Hypergraph,
    part: u32,
    /// The core that last took an axon of each net.
    fed: Vec<u32>,
    /// Axons that each vertex shares with the core.
    shared: Vec<u32>,
    /// Vertices whose `shared` is above 0.
    met: Vec<u32>,
    heap: BinaryHeap<(Reverse<u64>, u32, Reverse<u32>)>,
    load: Load,
}

impl Core<'_> {
    fn close(&mut self) {
        self.part += 1;
        self.met.drain(..).for_each(|v| self.shared[v as usize] = 0);
        self.heap.clear();
        self.load = Load::default();
    }

    fn take(&mut self, v: usize, alone: &[u64], division: &mut [u32]) {
        division[v] = self.part;
        let weight = self.graph.weight(v);
        self.load = self.load.with(&weight, alone[v] - u64::from(self.shared[v]));
        for pin in self.graph.incident(v).iter().filter(|pin| pin.is_sink()) {
            let net = pin.index();
            if std::mem::replace(&mut self.fed[net], self.part) == self.part {
                continue;
            }
            for other in self.graph.pins(net).iter().filter(|pin| pin.is_sink()) {
                let u = other.index();
                if division[u] != FREE {
                    continue;
                }
                if self.shared[u] == 0 {
                    self.met.push(u as u32);
                }
                self.shared[u] += self.graph.nets()[net].axons;
                let new = alone[u] - u64::from(self.shared[u]);
                self.heap.push((Reverse(new), self.shared[u], Reverse(u as u32)));
            }
        }
    }

    fn fits(&self, limits: &Limits, v: usize, alone: u64) -> bool {
        limits.hold(&self.load.with(&self.graph.weight(v), alone - u64::from(self.shared[v])))
    }

    /// The fitting vertex that adds the fewest axons; what does not fit now never will in this core.
    fn next(&mut self, limits: &Limits, alone: &[u64], division: &[u32]) -> Option<usize> {
        while let Some((Reverse(new), shared, Reverse(u))) = self.heap.pop() {
            let v = u as usize;
            let current = division[v] == FREE && shared == self.shared[v] && new == alone[v] - u64::from(shared);
            if current && self.fits(limits, v, alone[v]) {
                return Some(v);
            }
        }
        None
    }
}

/// Not in a core yet.
const FREE: u32 = u32::MAX;

/// Grows one core after the other. A vertex that fits no core alone gets one of its own.
pub(super) fn run(graph: &Hypergraph, limits: &Limits, watch: &dyn Watch) -> Vec<u32> {
    let n = graph.vertices();
    let alone: Vec<u64> = (0..n).map(|v| graph.axons_of(v)).collect();
    let mut division = vec![FREE; n];
    let mut core = Core {
        graph,
        part: 0,
        fed: vec![FREE; graph.nets().len()],
        shared: vec![0; n],
        met: Vec::new(),
        heap: BinaryHeap::new(),
        load: Load::default(),
    };
    let (mut first_free, mut taken) = (0, 0);
    while taken < n {
        while division[first_free] != FREE {
            first_free += 1;
        }
        let seed = core
            .met
            .iter()
            .copied()
            .filter(|&v| division[v as usize] == FREE)
            .max_by_key(|&v| (core.shared[v as usize], Reverse(v)));
        if taken > 0 {
            core.close();
        }
        if over(watch) {
            finish(graph, limits, core.part + u32::from(taken > 0), &mut division);
            return division;
        }
        core.take(seed.map_or(first_free, |v| v as usize), &alone, &mut division);
        taken += 1;
        let mut cursor = first_free;
        loop {
            let next = core.next(limits, &alone, &division).or_else(|| {
                // Nobody shares an axon with the core: go on in network order while there is room.
                cursor = (cursor..n).find(|&v| division[v] == FREE)?;
                core.fits(limits, cursor, alone[cursor]).then_some(cursor)
            });
            let Some(v) = next else { break };
            core.take(v, &alone, &mut division);
            taken += 1;
        }
    }
    division
}

/// Where the time is over the rest follows in network order, from core `first` on.
fn finish(graph: &Hypergraph, limits: &Limits, first: u32, division: &mut [u32]) {
    let free: Vec<u32> = (0..division.len() as u32).filter(|&v| division[v as usize] == FREE).collect();
    let rest = sequential::fill(graph, limits, &free);
    free.iter().for_each(|&v| division[v as usize] = first + rest[v as usize]);
}
