//! Tiny networks to the end: branch and bound over all divisions, from the best that the search has found.
//!
//! Vertices are placed one after the other, each into a core that is open or into one new core, so that every
//! division is met once (restricted growth strings, as in Martello and Toth's exact bin packing of 1990). A branch ends where
//! neurons, synapses and work that are left cannot fit in few enough cores, or where the packets of what is placed,
//! which later vertices only add to, are too many already. Deviations: the second goal, km1, beside the number of
//! cores; inbound axons, which cores share, only bound by what is placed; a budget of placements instead of a proof where
//! the tree is too large.

use super::limits::{Limits, Load};
use super::{Hypergraph, measure};

/// Most vertices that are tried: masks of cores have 32 bits, and beyond this the budget proves nothing.
const MOST: usize = 24;
/// Placements after which the best division so far stands; a count, so that the result is no matter of the machine.
const BUDGET: u32 = 1 << 20;

/// Cores beyond those that are free, then packets.
type Cost = (usize, u64);

/// A division better than `division` where there is one and the budget finds it; `free` cores cost nothing.
pub(super) fn run(graph: &Hypergraph, limits: &Limits, free: usize, division: &[u32]) -> Option<Vec<u32>> {
    let n = graph.vertices();
    if n == 0 || n > MOST {
        return None;
    }
    let known = measure(graph, division, limits);
    let most = limits.parts.unwrap_or(n).min(n);
    let legal = known.illegal == 0 && known.cores <= most;
    // What is tied to most is placed first: its packets end branches early.
    let mut order: Vec<usize> = (0..n).collect();
    let pull =
        |v: usize| graph.incident(v).iter().map(|pin| u128::from(graph.nets()[pin.index()].weight)).sum::<u128>();
    order.sort_by_key(|&v| (std::cmp::Reverse(pull(v)), v));
    let mut left = vec![Load::default(); n + 1];
    for at in (0..n).rev() {
        left[at] = left[at + 1].with(&graph.weight(order[at]), 0);
    }
    let mut tree = Tree {
        graph,
        limits,
        free,
        most,
        order,
        left,
        loads: Vec::with_capacity(n),
        touched: vec![0; graph.nets().len()],
        fed: vec![0; graph.nets().len()],
        undo: Vec::new(),
        km1: 0,
        part: vec![0; n],
        best: legal.then(|| (known.cores.max(free), known.km1)),
        found: None,
        budget: BUDGET,
    };
    tree.place(0);
    tree.found
}

/// The search: what is placed, and the best so far.
struct Tree<'a> {
    graph: &'a Hypergraph,
    limits: &'a Limits,
    free: usize,
    most: usize,
    order: Vec<usize>,
    /// What the vertices from each step on weigh together.
    left: Vec<Load>,
    /// Open cores.
    loads: Vec<Load>,
    /// Cores with a pin of each net, a bit each.
    touched: Vec<u32>,
    /// Cores with a target of each net.
    fed: Vec<u32>,
    /// Nets with their masks before the placements that stand.
    undo: Vec<(usize, u32, u32)>,
    km1: u64,
    part: Vec<u32>,
    best: Option<Cost>,
    found: Option<Vec<u32>>,
    budget: u32,
}

impl Tree<'_> {
    fn place(&mut self, at: usize) {
        let Some(&v) = self.order.get(at) else {
            self.best = Some((self.loads.len().max(self.free), self.km1));
            self.found = Some(self.part.clone());
            return;
        };
        let open = self.loads.len();
        let mut ways: Vec<(u64, usize)> =
            (0..open + usize::from(open < self.most)).map(|to| (self.packets(v, to), to)).collect();
        ways.sort_unstable();
        for (packets, to) in ways {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            let load = self.loads.get(to).copied().unwrap_or_default().with(&self.graph.weight(v), self.axons(v, to));
            if !self.limits.hold(&load) {
                continue;
            }
            let (before, undone) = ((self.km1, self.loads.get(to).copied()), self.undo.len());
            self.enter(v, to, load, packets);
            if self.best.is_none_or(|best| (self.cores(at + 1).max(self.free), self.km1) < best) {
                self.place(at + 1);
            }
            for (net, touched, fed) in self.undo.drain(undone..).rev() {
                (self.touched[net], self.fed[net]) = (touched, fed);
            }
            self.km1 = before.0;
            match before.1 {
                Some(load) => self.loads[to] = load,
                None => self.loads.truncate(open),
            }
        }
    }

    fn enter(&mut self, v: usize, to: usize, load: Load, packets: u64) {
        self.part[v] = to as u32;
        self.km1 = self.km1.saturating_add(packets);
        if to == self.loads.len() {
            self.loads.push(load);
        } else {
            self.loads[to] = load;
        }
        for pin in self.graph.incident(v) {
            let net = pin.index();
            self.undo.push((net, self.touched[net], self.fed[net]));
            self.touched[net] |= 1 << to;
            self.fed[net] |= u32::from(pin.is_sink()) << to;
        }
    }

    /// Packets that `v` in core `to` adds: of nets that are placed elsewhere, but not there.
    fn packets(&self, v: usize, to: usize) -> u64 {
        let nets = self.graph.incident(v).iter().map(|pin| pin.index());
        nets.filter(|&net| self.touched[net] != 0 && self.touched[net] >> to & 1 == 0)
            .fold(0, |sum: u64, net| sum.saturating_add(self.graph.nets()[net].weight))
    }

    /// Inbound axons that core `to` needs more for `v`.
    fn axons(&self, v: usize, to: usize) -> u64 {
        let new = self.graph.incident(v).iter().filter(|pin| pin.is_sink() && self.fed[pin.index()] >> to & 1 == 0);
        let own = u64::from(self.graph.weight(v).axons);
        own + new.map(|pin| u64::from(self.graph.nets()[pin.index()].axons)).sum::<u64>()
    }

    /// Fewest cores in which what is placed before step `at` and the rest can end.
    fn cores(&self, at: usize) -> usize {
        let more = |of: fn(&Load) -> u64, limit: u64| {
            if limit == u64::MAX {
                return 0;
            }
            let room = self.loads.iter().map(|load| limit - of(load)).fold(0, u64::saturating_add);
            of(&self.left[at]).saturating_sub(room).div_ceil(limit.max(1))
        };
        let Limits { neurons, synapses, work, .. } = *self.limits;
        let new = more(|load| load.neurons, neurons)
            .max(more(|load| load.synapses, synapses))
            .max(more(|load| load.work, work));
        self.loads.len() + new as usize
    }
}
