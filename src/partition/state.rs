//! A division of vertices into parts with everything a local search asks for, kept up to date move by move.
//!
//! For each net the parts it touches are listed with their pins and targets; each list entry also holds the
//! exclusive-or of its vertices, which is the vertex itself where one is left. Two tables make the effect of any
//! move readable in constant time: `near[v][p]` is the weight of the nets of v that touch part p, `lone[v]` the
//! weight of those that touch v's part only through v. Moving v to p then changes km1 by
//! `total[v] - lone[v] - near[v][p]`. The same pair counts inbound axons.

use super::Hypergraph;
use super::limits::{Limits, Load};

/// Largest number of table entries; above it a level is refined without tables.
const TABLE_ENTRIES: usize = 40_000_000;

/// One part that a net touches.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    part: u32,
    pins: u32,
    pins_xor: u32,
    sinks: u32,
    sinks_xor: u32,
}

/// A division under search.
pub(super) struct State<'a> {
    pub graph: &'a Hypergraph,
    pub limits: Limits,
    pub parts: usize,
    part: Vec<u32>,
    slots: Vec<Slot>,
    slot_offsets: Vec<usize>,
    lambda: Vec<u32>,
    loads: Vec<Load>,
    /// Net weights, halved until no sum overflows.
    weights: Vec<i32>,
    traffic: Table,
    axons: Table,
    km1: i64,
}

/// `near`, `lone` and `total` for one of the two counts; empty where it is not kept.
#[derive(Default)]
struct Table {
    near: Vec<i32>,
    lone: Vec<i32>,
    total: Vec<i32>,
}

/// Whether the tables of this many vertices and parts are kept.
pub(super) const fn is_tabled(vertices: usize, parts: usize) -> bool {
    vertices.saturating_mul(parts) <= TABLE_ENTRIES
}

impl<'a> State<'a> {
    /// `part` names a part below `parts` for every vertex.
    pub(super) fn new(graph: &'a Hypergraph, limits: Limits, parts: usize, part: Vec<u32>) -> Self {
        let mut slot_offsets = Vec::with_capacity(graph.nets().len() + 1);
        let mut slots_needed = 0;
        slot_offsets.push(0);
        for net in 0..graph.nets().len() {
            slots_needed += graph.pins(net).len().min(parts);
            slot_offsets.push(slots_needed);
        }
        let mut state = Self {
            graph,
            limits,
            parts,
            part,
            slots: vec![Slot::default(); slots_needed],
            slot_offsets,
            lambda: vec![0; graph.nets().len()],
            loads: vec![Load::default(); parts],
            weights: scaled(graph),
            traffic: Table::default(),
            axons: Table::default(),
            km1: 0,
        };
        state.fill_slots();
        if is_tabled(graph.vertices(), parts) {
            state.fill_tables();
        }
        state
    }

    fn fill_slots(&mut self) {
        for net in 0..self.graph.nets().len() {
            for pin in self.graph.pins(net) {
                let part = self.part[pin.index()];
                let at = self.slot_or_new(net, part);
                let slot = &mut self.slots[at];
                slot.pins += 1;
                slot.pins_xor ^= pin.index() as u32;
                if pin.is_sink() {
                    slot.sinks += 1;
                    slot.sinks_xor ^= pin.index() as u32;
                }
            }
            let axons = u64::from(self.graph.nets()[net].axons);
            for at in self.touched(net) {
                if self.slots[at].sinks > 0 {
                    self.loads[self.slots[at].part as usize].axons += axons;
                }
            }
            self.km1 += i64::from(self.weights[net]) * i64::from(self.lambda[net].saturating_sub(1));
        }
        for v in 0..self.graph.vertices() {
            let (weight, load) = (self.graph.weight(v), &mut self.loads[self.part[v] as usize]);
            *load = load.with(&weight, u64::from(weight.axons));
        }
    }

    fn fill_tables(&mut self) {
        let n = self.graph.vertices();
        let table = |on: bool| {
            let (n, k) = if on { (n, self.parts) } else { (0, 0) };
            Table { near: vec![0; n * k], lone: vec![0; n], total: vec![0; n] }
        };
        let (mut traffic, mut axons) = (table(true), table(self.limits.axons != u64::MAX));
        for v in 0..n {
            for pin in self.graph.incident(v) {
                let net = pin.index();
                let (weight, count) = (self.weights[net], self.graph.nets()[net].axons as i32);
                traffic.total[v] += weight;
                let counts = pin.is_sink() && !axons.near.is_empty();
                if counts {
                    axons.total[v] += count;
                }
                for slot in &self.slots[self.touched(net)] {
                    let own = slot.part == self.part[v];
                    traffic.near[v * self.parts + slot.part as usize] += weight;
                    if own && slot.pins == 1 {
                        traffic.lone[v] += weight;
                    }
                    if counts && slot.sinks > 0 {
                        axons.near[v * self.parts + slot.part as usize] += count;
                        if own && slot.sinks == 1 {
                            axons.lone[v] += count;
                        }
                    }
                }
            }
        }
        (self.traffic, self.axons) = (traffic, axons);
    }

    fn touched(&self, net: usize) -> std::ops::Range<usize> {
        let first = self.slot_offsets[net];
        first..first + self.lambda[net] as usize
    }

    fn slot_of(&self, net: usize, part: u32) -> Option<usize> {
        let range = self.touched(net);
        let first = range.start;
        self.slots[range].iter().position(|slot| slot.part == part).map(|at| first + at)
    }

    fn slot_or_new(&mut self, net: usize, part: u32) -> usize {
        self.slot_of(net, part).unwrap_or_else(|| {
            let at = self.touched(net).end;
            self.slots[at] = Slot { part, ..Slot::default() };
            self.lambda[net] += 1;
            at
        })
    }

    /// The part of a vertex.
    #[inline]
    pub(super) fn part(&self, v: usize) -> u32 {
        self.part[v]
    }

    pub(super) fn division(&self) -> &[u32] {
        &self.part
    }

    pub(super) fn into_division(self) -> Vec<u32> {
        self.part
    }

    pub(super) fn load(&self, part: u32) -> Load {
        self.loads[part as usize]
    }

    /// km1 in scaled weights.
    pub(super) fn km1(&self) -> i64 {
        self.km1
    }

    /// Whether gains are read from tables.
    pub(super) fn tabled(&self) -> bool {
        !self.traffic.total.is_empty() || self.graph.vertices() == 0
    }

    /// By how much km1 falls if `v` goes to part `to`, from the tables.
    #[inline]
    pub(super) fn gain(&self, v: usize, to: u32) -> i64 {
        let near = self.traffic.near[v * self.parts + to as usize];
        i64::from(self.traffic.lone[v]) + i64::from(near) - i64::from(self.traffic.total[v])
    }

    /// The weights of the nets that tie `v` to each part.
    #[inline]
    pub(super) fn ties(&self, v: usize) -> &[i32] {
        &self.traffic.near[v * self.parts..(v + 1) * self.parts]
    }

    /// Inbound axons that part `to` needs more for `v`; 0 where they are not limited.
    #[inline]
    pub(super) fn axons_in(&self, v: usize, to: u32) -> u64 {
        if self.limits.axons == u64::MAX {
            return 0;
        }
        let own = u64::from(self.graph.weight(v).axons);
        if self.axons.near.is_empty() {
            let counts = |pin: &&super::Pin| {
                let slot = self.slot_of(pin.index(), to);
                pin.is_sink() && slot.is_none_or(|at| self.slots[at].sinks == 0)
            };
            let new = self.graph.incident(v).iter().filter(counts);
            return own + new.map(|pin| u64::from(self.graph.nets()[pin.index()].axons)).sum::<u64>();
        }
        let near = self.axons.near[v * self.parts + to as usize];
        own + (self.axons.total[v] - near) as u64
    }

    /// Inbound axons that `v`'s part needs less without it, from the tables; 0 where they are not limited.
    #[inline]
    pub(super) fn axons_out(&self, v: usize) -> u64 {
        if self.axons.lone.is_empty() { 0 } else { u64::from(self.graph.weight(v).axons) + self.axons.lone[v] as u64 }
    }

    /// Whether part `to` still keeps its limits with `v`.
    #[inline]
    pub(super) fn fits(&self, v: usize, to: u32) -> bool {
        let (load, weight) = (&self.loads[to as usize], self.graph.weight(v));
        load.neurons + u64::from(weight.neurons) <= self.limits.neurons
            && load.synapses.saturating_add(weight.synapses) <= self.limits.synapses
            && load.work.saturating_add(weight.work) <= self.limits.work
            && (self.limits.axons == u64::MAX || load.axons + self.axons_in(v, to) <= self.limits.axons)
    }

    /// Makes the two parts keep to caps of their own, by a weight that never moves.
    pub(super) fn handicap(&mut self, caps: [u64; 2]) {
        for (load, cap) in self.loads.iter_mut().zip(caps) {
            load.neurons += self.limits.neurons.saturating_sub(cap);
        }
    }

    /// By how much a load is over its limits: axons, plus neurons, synapses and work in shares of their limits that
    /// count as much as one axon of the axon limit.
    #[inline]
    pub(super) fn excess(&self, load: &Load) -> f64 {
        let limits = &self.limits;
        let over = |used: u64, limit: u64| if used > limit { (used - limit) as f64 } else { 0.0 };
        let unit = if limits.axons == u64::MAX { limits.neurons } else { limits.axons } as f64;
        over(load.axons, limits.axons)
            + over(load.neurons, limits.neurons) * unit / limits.neurons as f64
            + over(load.synapses, limits.synapses) * unit / limits.synapses as f64
            + over(load.work, limits.work) * unit / limits.work as f64
    }

    /// The load of `v`'s part without it and of part `to` with it, from the tables.
    #[inline]
    pub(super) fn loads_after(&self, v: usize, to: u32) -> (Load, Load) {
        let weight = self.graph.weight(v);
        let (mut a, b) = (self.loads[self.part[v] as usize], self.loads[to as usize]);
        a.neurons -= u64::from(weight.neurons);
        a.synapses -= weight.synapses;
        a.work -= weight.work;
        a.axons -= self.axons_out(v);
        (a, b.with(&weight, self.axons_in(v, to)))
    }

    /// Whether every part keeps its limits.
    pub(super) fn is_legal(&self) -> bool {
        self.loads.iter().all(|load| self.limits.hold(load))
    }

    /// By how much exchanging `v` and `u`, of two parts, changes km1 and the axons of v's and of u's part.
    /// Nets that hold both keep their parts, which the two single gains do not know.
    pub(super) fn exchange(&self, v: usize, u: usize) -> (i64, i64, i64) {
        let (a, b) = (self.part[v], self.part[u]);
        let mut gain = self.gain(v, b) + self.gain(u, a);
        let limited = self.limits.axons != u64::MAX;
        let (mut in_a, mut in_b) = (0, 0);
        if limited {
            in_a = self.axons_in(u, a) as i64 - self.axons_out(v) as i64;
            in_b = self.axons_in(v, b) as i64 - self.axons_out(u) as i64;
        }
        let (mine, theirs) = (self.graph.incident(v), self.graph.incident(u));
        let (mut i, mut j) = (0, 0);
        while i < mine.len() && j < theirs.len() {
            let (x, y) = (mine[i], theirs[j]);
            if x.index() != y.index() {
                if x.index() < y.index() {
                    i += 1;
                } else {
                    j += 1;
                }
                continue;
            }
            (i, j) = (i + 1, j + 1);
            let net = x.index();
            let weight = i64::from(self.weights[net]);
            let count = i64::from(self.graph.nets()[net].axons);
            for slot in self.slots[self.touched(net)].iter().filter(|slot| slot.part == a || slot.part == b) {
                if slot.pins == 1 {
                    gain -= weight;
                }
                if limited && x.is_sink() && y.is_sink() && slot.sinks == 1 {
                    *(if slot.part == a { &mut in_a } else { &mut in_b }) += count;
                }
            }
        }
        (gain, in_a, in_b)
    }

    /// Moves `v` to part `to`. `raised(u, lone)` is told every vertex whose gain
    /// may have risen: towards all parts where it is `lone` in a net now, else towards `to`.
    pub(super) fn shift(&mut self, v: usize, to: u32, mut raised: impl FnMut(usize, bool)) {
        let from = std::mem::replace(&mut self.part[v], to);
        if from == to {
            return;
        }
        let graph = self.graph;
        let (mut lone, mut axon_lone) = (0, 0);
        for pin in graph.incident(v) {
            let (net, count) = (pin.index(), graph.nets()[pin.index()].axons as i32);
            let left = self.leave(net, from, v as u32, pin.is_sink());
            let now = self.enter(net, to, v as u32, pin.is_sink());
            let weight = self.weights[net];
            self.km1 += i64::from(weight) * (i64::from(now.pins == 1) - i64::from(left.pins == 0));
            if pin.is_sink() {
                self.loads[from as usize].axons -= if left.sinks == 0 { count as u64 } else { 0 };
                self.loads[to as usize].axons += if now.sinks == 1 { count as u64 } else { 0 };
            }
            if !self.traffic.near.is_empty() {
                self.update_traffic(net, (from, left), (to, now), v, &mut raised);
                lone += if now.pins == 1 { weight } else { 0 };
            }
            if pin.is_sink() && !self.axons.near.is_empty() {
                self.update_axons(net, (from, left), (to, now), v);
                axon_lone += if now.sinks == 1 { count } else { 0 };
            }
        }
        if !self.traffic.near.is_empty() {
            self.traffic.lone[v] = lone;
        }
        if !self.axons.near.is_empty() {
            self.axons.lone[v] = axon_lone;
        }
        let weight = graph.weight(v);
        for (part, sign) in [(from, -1_i64), (to, 1)] {
            let load = &mut self.loads[part as usize];
            load.neurons = load.neurons.wrapping_add_signed(sign * i64::from(weight.neurons));
            load.synapses = load.synapses.wrapping_add_signed(sign * weight.synapses as i64);
            load.work = load.work.wrapping_add_signed(sign * weight.work as i64);
            load.axons = load.axons.wrapping_add_signed(sign * i64::from(weight.axons));
        }
    }

    #[inline]
    fn leave(&mut self, net: usize, part: u32, v: u32, sink: bool) -> Slot {
        let range = self.touched(net);
        let (first, last) = (range.start, range.end - 1);
        let Some(at) = self.slots[range].iter().position(|slot| slot.part == part) else { return Slot::default() };
        let slot = &mut self.slots[first + at];
        slot.pins -= 1;
        slot.pins_xor ^= v;
        if sink {
            slot.sinks -= 1;
            slot.sinks_xor ^= v;
        }
        let left = *slot;
        if left.pins == 0 {
            self.slots.swap(first + at, last);
            self.lambda[net] -= 1;
        }
        left
    }

    #[inline]
    fn enter(&mut self, net: usize, part: u32, v: u32, sink: bool) -> Slot {
        let at = self.slot_or_new(net, part);
        let slot = &mut self.slots[at];
        slot.pins += 1;
        slot.pins_xor ^= v;
        if sink {
            slot.sinks += 1;
            slot.sinks_xor ^= v;
        }
        *slot
    }

    #[inline]
    fn update_traffic(
        &mut self,
        net: usize,
        (from, left): (u32, Slot),
        (to, now): (u32, Slot),
        v: usize,
        raised: &mut impl FnMut(usize, bool),
    ) {
        let (weight, k) = (self.weights[net], self.parts);
        let Table { near, lone, .. } = &mut self.traffic;
        match left.pins {
            0 => self.graph.pins(net).iter().for_each(|pin| near[pin.index() * k + from as usize] -= weight),
            1 => {
                lone[left.pins_xor as usize] += weight;
                raised(left.pins_xor as usize, true);
            }
            _ => {}
        }
        match now.pins {
            1 => {
                for pin in self.graph.pins(net) {
                    near[pin.index() * k + to as usize] += weight;
                    raised(pin.index(), false);
                }
            }
            2 => lone[now.pins_xor as usize ^ v] -= weight,
            _ => {}
        }
    }

    #[inline]
    fn update_axons(&mut self, net: usize, (from, left): (u32, Slot), (to, now): (u32, Slot), v: usize) {
        let (count, k) = (self.graph.nets()[net].axons as i32, self.parts);
        let Table { near, lone, .. } = &mut self.axons;
        let sinks = self.graph.pins(net).iter().filter(|pin| pin.is_sink());
        match left.sinks {
            0 => sinks.clone().for_each(|pin| near[pin.index() * k + from as usize] -= count),
            1 => lone[left.sinks_xor as usize] += count,
            _ => {}
        }
        match now.sinks {
            1 => sinks.for_each(|pin| near[pin.index() * k + to as usize] += count),
            2 => lone[now.sinks_xor as usize ^ v] -= count,
            _ => {}
        }
    }

    /// The weight of a net as the search counts it.
    pub(super) fn scaled_weight(&self, net: usize) -> i32 {
        self.weights[net]
    }

    /// Ties of `v` to the parts that its nets touch, without tables: (part, weight) into `found`, unordered.
    pub(super) fn gather(&self, v: usize, weight_of: &mut [i64], found: &mut Vec<u32>) -> i64 {
        found.clear();
        let mut outer = 0;
        for pin in self.graph.incident(v) {
            let weight = i64::from(self.weights[pin.index()]);
            outer += weight;
            for slot in &self.slots[self.touched(pin.index())] {
                if slot.part == self.part[v] {
                    outer -= if slot.pins == 1 { weight } else { 0 };
                    continue;
                }
                let sum = &mut weight_of[slot.part as usize];
                if *sum == 0 {
                    found.push(slot.part);
                }
                // A silent net still ties, so that what shares axons finds together.
                *sum += (weight << 8) + 1;
            }
        }
        outer
    }
}

/// Net weights as 32 bits, halved together until the sum at no vertex overflows; a weight above 0 stays so.
fn scaled(graph: &Hypergraph) -> Vec<i32> {
    let sum =
        |v: usize| graph.incident(v).iter().map(|pin| graph.nets()[pin.index()].weight).fold(0, u64::saturating_add);
    let most = (0..graph.vertices()).map(sum).max().unwrap_or(0);
    let shift = (0..64).find(|shift| most >> shift < 1 << 28).unwrap_or(63);
    graph.nets().iter().map(|net| ((net.weight >> shift) as i32).max(i32::from(net.weight > 0))).collect()
}
