//! What a core can hold, and what a division costs, counted plainly from the pins alone: the judge of every
//! search, which shares no code with any.

use super::{Hypergraph, NO_SOURCE, Weight};

/// What a chip charges for neurons in a core: the one door through which a chip enters the partition.
pub trait Resources {
    /// Capacities of one core.
    fn limits(&self) -> Limits;
    /// What a neuron takes of a core besides the axons that it shares with others.
    fn weight(&self, neuron: usize) -> Weight;
    /// Distinct inbound axons that a core with targets of this net needs: more than 1 where the chip copies an axon,
    /// as TrueNorth does for every further axon type.
    fn axons(&self, net: usize) -> u32;
}

/// A core that holds so many neurons and takes one axon for each net.
impl Resources for Limits {
    fn limits(&self) -> Limits {
        *self
    }
    fn weight(&self, _: usize) -> Weight {
        Weight { neurons: 1, ..Weight::default() }
    }
    fn axons(&self, _: usize) -> u32 {
        1
    }
}

/// Capacities of one core; `u64::MAX` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Neurons.
    pub neurons: u64,
    /// Distinct inbound axons.
    pub axons: u64,
    /// Synapse memory in the unit of the vertices' weights.
    pub synapses: u64,
    /// Work: synaptic events that are expected of a core in a run, each as heavy as the spikes of its net.
    pub work: u64,
    /// Cores there are; `None` is any number.
    pub parts: Option<usize>,
}

impl Limits {
    /// No limit but neurons.
    #[must_use]
    pub const fn of_neurons(neurons: u64) -> Self {
        Self { neurons, axons: u64::MAX, synapses: u64::MAX, work: u64::MAX, parts: None }
    }

    /// Whether a core may hold this much.
    #[must_use]
    pub(super) const fn hold(&self, load: &Load) -> bool {
        load.neurons <= self.neurons
            && load.synapses <= self.synapses
            && load.axons <= self.axons
            && load.work <= self.work
    }

    /// The same with caps on what takes a core time: neurons, which it updates one after the other, and work, which
    /// most chips take in meanwhile. Each is at most `balance` times the mean of the fewest cores that neurons and
    /// synapse memory need, but no less than the heaviest vertex. Below 1 more cores share both.
    #[must_use]
    pub(super) fn balanced(&self, graph: &Hypergraph, balance: f64) -> Self {
        let cores = fewest(graph, self) as f64;
        let cap = |of: fn(Weight) -> u64| {
            let all = || (0..graph.vertices()).map(|v| of(graph.weight(v)));
            let share = all().fold(0, u64::saturating_add) as f64 * balance / cores;
            (share.ceil() as u64).max(all().max().unwrap_or(0))
        };
        let neurons = cap(|weight| u64::from(weight.neurons)).min(self.neurons);
        Self { neurons, work: cap(|weight| weight.work), ..*self }
    }
}

/// What a core holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Load {
    pub neurons: u64,
    pub synapses: u64,
    pub axons: u64,
    pub work: u64,
}

impl Load {
    /// The load with a vertex of this weight and so many new inbound axons.
    pub(super) const fn with(&self, weight: &Weight, axons: u64) -> Self {
        Self {
            neurons: self.neurons + weight.neurons as u64,
            synapses: self.synapses.saturating_add(weight.synapses),
            axons: self.axons + axons,
            work: self.work.saturating_add(weight.work),
        }
    }
}

/// Fewest cores that neurons, synapses and work allow.
pub(super) fn fewest(graph: &Hypergraph, limits: &Limits) -> usize {
    let sum = |of: fn(Weight) -> u64| (0..graph.vertices()).map(|v| of(graph.weight(v))).fold(0, u64::saturating_add);
    let of = |sum: u64, limit: u64| if limit == u64::MAX { 1 } else { sum.div_ceil(limit.max(1)) };
    let neurons = of(graph.neurons(), limits.neurons);
    let synapses = of(sum(|weight| weight.synapses), limits.synapses);
    neurons.max(synapses).max(of(sum(|weight| weight.work), limits.work)).max(1) as usize
}

/// A division by the numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measures {
    /// Parts with a vertex.
    pub cores: usize,
    /// Packets: sum over nets of weight * (cores touched - 1).
    pub km1: u64,
    /// Weight of the nets that touch more than one core.
    pub cut: u64,
    /// Cores that a net touches, in the mean.
    pub connectivity: f64,
    /// Most neurons of a core.
    pub neurons_max: u64,
    /// Most distinct inbound axons of a core.
    pub axons_max: u64,
    /// Distinct inbound axons of all cores.
    pub axons_sum: u64,
    /// Most synapse memory of a core.
    pub synapses_max: u64,
    /// Most work of a core; 0 where work is not limited.
    pub work_max: u64,
    /// Cores over a limit.
    pub illegal: usize,
}

/// Measures a division from its pins.
#[must_use]
pub fn measure(graph: &Hypergraph, division: &[u32], limits: &Limits) -> Measures {
    let parts = division.iter().max().map_or(0, |&last| last as usize + 1);
    let mut loads = vec![Load::default(); parts];
    for (vertex, &part) in division.iter().enumerate() {
        let weight = graph.weight(vertex);
        let load = &mut loads[part as usize];
        *load = load.with(&weight, u64::from(weight.axons));
    }
    let mut found = Measures::default();
    let mut touches = 0_u64;
    let (mut touched, mut fed) = (vec![usize::MAX; parts], vec![usize::MAX; parts]);
    for (number, net) in graph.nets().iter().enumerate() {
        let mut lambda = 0_u64;
        for pin in graph.pins(number) {
            let part = division[pin.index()] as usize;
            lambda += u64::from(std::mem::replace(&mut touched[part], number) != number);
            if pin.is_sink() && std::mem::replace(&mut fed[part], number) != number {
                loads[part].axons += u64::from(net.axons);
            }
        }
        touches += lambda;
        found.km1 += net.weight * lambda.saturating_sub(1);
        found.cut += if lambda > 1 { net.weight } else { 0 };
    }
    found.connectivity = touches as f64 / graph.nets().len().max(1) as f64;
    let mut used = vec![false; parts];
    division.iter().for_each(|&part| used[part as usize] = true);
    found.cores = used.iter().filter(|used| **used).count();
    let most = |of: fn(&Load) -> u64| loads.iter().map(of).max().unwrap_or(0);
    found.neurons_max = most(|load| load.neurons);
    found.synapses_max = most(|load| load.synapses);
    found.axons_max = most(|load| load.axons);
    found.work_max = if limits.work == u64::MAX { 0 } else { most(|load| load.work) };
    found.axons_sum = loads.iter().map(|load| load.axons).sum();
    found.illegal = loads.iter().filter(|load| !limits.hold(load)).count();
    found
}

/// Spikes from core to core, each pair once, in order: what placement is given.
#[must_use]
pub fn traffic(graph: &Hypergraph, division: &[u32]) -> Vec<(u32, u32, f64)> {
    let mut list = std::collections::BTreeMap::new();
    let mut met: Vec<u32> = Vec::new();
    for (number, net) in graph.nets().iter().enumerate().filter(|(_, net)| net.source != NO_SOURCE) {
        let from = division[net.source as usize];
        met.clear();
        met.extend(graph.pins(number).iter().map(|pin| division[pin.index()]).filter(|to| *to != from));
        met.sort_unstable();
        met.dedup();
        met.iter().for_each(|to| *list.entry((from, *to)).or_insert(0_u64) += net.weight);
    }
    list.into_iter().map(|((from, to), weight)| (from, to, weight as f64)).collect()
}
