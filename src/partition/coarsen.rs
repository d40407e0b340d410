//! Coarsening: vertices that share much traffic become one, level by level.
//!
//! After the first-choice scheme of hMETIS (Karypis and Kumar 1999) with the heavy-edge rating
//! `sum weight / (pins - 1)`. Deviations: the rating also counts shared axons where axons are limited; a merge
//! that would break any limit of a core is refused, with the axons of the union counted exactly; nets whose pins
//! are all in one cluster leave the level and become axons of the cluster; nets with equal pins are merged.

use std::collections::HashMap;

use super::limits::{Limits, Load};
use super::{Builder, Hypergraph, NO_SOURCE, Net, Pin, Weight};
use crate::rng::Rng;

/// Largest net whose pins all count when a vertex is rated.
const WHOLE: usize = 64;
/// Of larger nets this many pins, evenly spread from a random one on, stand for all.
const SAMPLE: usize = 32;

/// A coarser hypergraph and where each vertex of the finer one went.
pub(super) struct Level {
    pub graph: Hypergraph,
    pub cluster: Vec<u32>,
}

/// One level coarser, or `None` where vertices hardly merge. No cluster exceeds `cap`, and where `within` is
/// given none spans two of its parts.
pub(super) fn coarsen(graph: &Hypergraph, cap: &Limits, within: Option<&[u32]>, rng: &mut Rng) -> Option<Level> {
    let cluster = clusters(graph, cap, within, false, rng);
    let count = cluster.iter().max().map_or(0, |&last| last as usize + 1);
    if count * 20 > graph.vertices() * 19 {
        return None;
    }
    Some(Level { graph: contract(graph, &cluster, count), cluster })
}

/// Clusters by shared inbound nets alone, or `None` where nothing merges.
pub(super) fn blend(graph: &Hypergraph, cap: &Limits, rng: &mut Rng) -> Option<Vec<u32>> {
    let cluster = clusters(graph, cap, None, true, rng);
    let count = cluster.iter().max().map_or(0, |&last| last as usize + 1);
    (count < graph.vertices()).then_some(cluster)
}

/// Clusters under construction.
struct Clusters<'a> {
    graph: &'a Hypergraph,
    cap: &'a Limits,
    of: Vec<u32>,
    members: Vec<Vec<u32>>,
    loads: Vec<Load>,
    seen: Vec<u32>,
    stamp: u32,
}

impl Clusters<'_> {
    /// Whether `v` may join cluster `c`.
    fn allows(&mut self, v: usize, c: usize) -> bool {
        let fits = self.cap.hold(&self.loads[c].with(&self.graph.weight(v), 0));
        fits && (self.cap.axons == u64::MAX || self.axons_with(v, c) <= self.cap.axons)
    }

    fn axons_with(&mut self, v: usize, c: usize) -> u64 {
        self.stamp += 1;
        let mut sum = 0;
        for u in self.members[c].iter().map(|&u| u as usize).chain([v]) {
            sum += u64::from(self.graph.weight(u).axons);
            for pin in self.graph.incident(u).iter().filter(|pin| pin.is_sink()) {
                if std::mem::replace(&mut self.seen[pin.index()], self.stamp) != self.stamp {
                    sum += u64::from(self.graph.nets()[pin.index()].axons);
                }
            }
        }
        sum
    }

    fn join(&mut self, v: usize, c: usize) {
        self.of[v] = c as u32;
        self.members[c].push(v as u32);
        self.loads[c] = self.loads[c].with(&self.graph.weight(v), 0);
    }
}

fn clusters(graph: &Hypergraph, cap: &Limits, within: Option<&[u32]>, sinks_only: bool, rng: &mut Rng) -> Vec<u32> {
    let n = graph.vertices();
    let mut order: Vec<u32> = (0..n as u32).collect();
    rng.shuffle(&mut order);
    let mut all = Clusters {
        graph,
        cap,
        of: (0..n as u32).collect(),
        members: (0..n as u32).map(|v| vec![v]).collect(),
        loads: (0..n).map(|v| Load::default().with(&graph.weight(v), 0)).collect(),
        seen: vec![0; graph.nets().len()],
        stamp: 0,
    };
    let mut merged = vec![false; n];
    let mut rating = vec![0.0_f64; n];
    let mut met: Vec<u32> = Vec::new();
    let axon_rating = mean_rating(graph) * if cap.axons == u64::MAX { 0.0 } else { 1.0 };
    // A pass halves the level at most: slower coarsening keeps more structure.
    let mut left = n;
    for &v in &order {
        if merged[v as usize] || left * 5 < n * 2 {
            continue;
        }
        let v = v as usize;
        met.clear();
        for pin in graph.incident(v) {
            let pins = graph.pins(pin.index());
            if pins.len() < 2 || (sinks_only && !pin.is_sink()) {
                continue;
            }
            let net = graph.nets()[pin.index()];
            let axon = if pin.is_sink() { axon_rating * f64::from(net.axons) } else { 0.0 };
            let (taken, offset) = match pins.len() {
                all @ 0..=WHOLE => (all, 0),
                all => (SAMPLE, rng.below(all as u64) as usize),
            };
            // A sampled pin stands for all/taken pins: the rating is that of the whole net in the mean.
            let score = (net.weight as f64 + axon) * pins.len() as f64 / ((pins.len() - 1) * taken) as f64;
            for step in 0..taken {
                let at = offset + step * pins.len() / taken;
                let other = pins[if at >= pins.len() { at - pins.len() } else { at }];
                let u = other.index();
                if u == v || (sinks_only && !other.is_sink()) || within.is_some_and(|parts| parts[u] != parts[v]) {
                    continue;
                }
                let c = all.of[u];
                if rating[c as usize] == 0.0 {
                    met.push(c);
                }
                rating[c as usize] += score;
            }
        }
        choose(&mut all, v, &mut met, &rating, rng).into_iter().for_each(|c| {
            all.join(v, c);
            merged[v] = true;
            merged[c] = true;
            left -= 1;
        });
        met.iter().for_each(|&c| rating[c as usize] = 0.0);
    }
    number(&all.of)
}

/// The best rated cluster that may take `v`, heavy ones handicapped. Only the first few are tried.
fn choose(all: &mut Clusters<'_>, v: usize, met: &mut [u32], rating: &[f64], rng: &mut Rng) -> Option<usize> {
    let offset = rng.next_u64() as u32;
    let worth = |c: u32| rating[c as usize] / (all.loads[c as usize].neurons.max(1) as f64).sqrt();
    let tie = |c: u32| c.wrapping_add(offset).wrapping_mul(0x9e37_79b9);
    met.sort_unstable_by(|&a, &b| worth(b).total_cmp(&worth(a)).then(tie(a).cmp(&tie(b))));
    let tried = met.iter().map(|&c| c as usize).filter(|&c| c != v).take(8).collect::<Vec<_>>();
    tried.into_iter().find(|&c| rating[c] > 0.0 && all.allows(v, c))
}

/// Weight of a mean net, which makes one shared axon worth one mean net's spikes.
fn mean_rating(graph: &Hypergraph) -> f64 {
    graph.nets().iter().map(|net| net.weight as f64).sum::<f64>() / graph.nets().len().max(1) as f64
}

/// Cluster numbers without gaps, in vertex order.
fn number(of: &[u32]) -> Vec<u32> {
    let mut numbers = vec![u32::MAX; of.len()];
    let mut next = 0;
    of.iter()
        .map(|&c| {
            let number = &mut numbers[c as usize];
            if *number == u32::MAX {
                *number = next;
                next += 1;
            }
            *number
        })
        .collect()
}

/// The hypergraph of `count` clusters.
pub(super) fn contract(graph: &Hypergraph, cluster: &[u32], count: usize) -> Hypergraph {
    let mut weights = vec![Weight::default(); count];
    for (v, &c) in cluster.iter().enumerate() {
        let (weight, sum) = (graph.weight(v), &mut weights[c as usize]);
        sum.neurons += weight.neurons;
        sum.synapses = sum.synapses.saturating_add(weight.synapses);
        sum.axons += weight.axons;
        sum.work = sum.work.saturating_add(weight.work);
    }
    let mut kept: Vec<(Net, Vec<Pin>)> = Vec::with_capacity(graph.nets().len());
    let mut known: HashMap<Vec<Pin>, usize> = HashMap::new();
    let (mut seen, mut sinks) = (vec![usize::MAX; count], vec![usize::MAX; count]);
    let mut touched: Vec<u32> = Vec::new();
    for (number, net) in graph.nets().iter().enumerate() {
        touched.clear();
        for pin in graph.pins(number) {
            let c = cluster[pin.index()];
            if std::mem::replace(&mut seen[c as usize], number) != number {
                touched.push(c);
            }
            if pin.is_sink() {
                sinks[c as usize] = number;
            }
        }
        if let [only] = touched[..] {
            weights[only as usize].axons += if sinks[only as usize] == number { net.axons } else { 0 };
            continue;
        }
        touched.sort_unstable();
        let pins: Vec<Pin> = touched.iter().map(|&c| Pin::new(c, sinks[c as usize] == number)).collect();
        let source = if net.source == NO_SOURCE { NO_SOURCE } else { cluster[net.source as usize] };
        // The order of `kept` is that of the nets; the map is only asked, never walked.
        match known.get(&pins) {
            Some(&at) => {
                let twin: &mut Net = &mut kept[at].0;
                twin.weight = twin.weight.saturating_add(net.weight);
                twin.axons += net.axons;
            }
            None => {
                known.insert(pins.clone(), kept.len());
                kept.push((Net { source, ..*net }, pins));
            }
        }
    }
    let mut builder = Builder::new(weights);
    kept.into_iter().for_each(|(net, pins)| builder.net(net, pins));
    builder.build()
}
