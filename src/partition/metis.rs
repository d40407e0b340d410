//! `metis`: the graph partitioner that the literature compares with, for builds with the feature of that name.
//!
//! Follows SNEAP (Li et al., GLSVLSI 2020), which divides the graph of the synapses by multilevel k-way partitioning
//! (Karypis and Kumar, "Multilevel k-way Partitioning Scheme for Irregular Graphs", JPDC 48, 1998) for the fewest
//! spikes on cut edges; the code is METIS 5 itself. An edge joins the source of a net with each of its targets and
//! weighs the spikes of the net (the star expansion: edges count every target, where packets are one a core). A net
//! without source is a vertex of weight 0 that is joined with its targets.
//!
//! Deviations: METIS knows no limit but the weight of a part, and that only about. The number of parts is
//! therefore raised from the fewest until no core is over a limit; where a part is over one its neurons are dealt out in
//! network order, and the fewest cores, then the fewest packets of all that were tried win. Where neurons
//! are the only limit and the number of parts is given, what is too much is annealed away as in `multilevel`. A silent
//! net weighs 1, large weights are halved until their sum fits 32 bits. METIS draws by the C library's `rand`:
//! results are the same for a seed on one platform. The clock is asked between calls, which cannot be interrupted.

use std::sync::{Mutex, PoisonError};

use ::metis::{Graph, Idx, option};

use super::compact::compact;
use super::{Hypergraph, Limits, NO_SOURCE, Strategy, Task, eliminate, limits, measure, over, sequential};
use crate::diag::{Problem, Result};
use crate::rng::Rng;

/// METIS keeps the state of its draws for the whole process.
static DOOR: Mutex<()> = Mutex::new(());

/// Sum of edge weights, and number of edges, that leave METIS room in 32 bits.
const ROOM: u64 = 1 << 29;

/// Divides; legal wherever the number of parts is not given.
pub(super) fn run(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let Task { graph, limits, watch, .. } = *task;
    let list = Adjacency::of(task)?;
    let fewest = limits::fewest(graph, &limits);
    let loose = limits.axons.min(limits.synapses).min(limits.work) == u64::MAX;
    if let Some(parts) = limits.parts.filter(|_| loose) {
        let found = list.divide(task, strategy, parts)?;
        if measure(graph, &found, &limits).illegal == 0 {
            return Ok(found);
        }
        let mut rng = Rng::new(task.seed);
        let repaired = eliminate::repair(graph, &limits, found.clone(), parts, 300, &mut rng, watch);
        return Ok(repaired.unwrap_or(found));
    }
    let slack = if loose { strategy.value("slack") } else { 0.0 };
    let wanted = graph.neurons() as f64 * (1.0 + slack) / limits.neurons as f64;
    let mut tries = Tries { task, best: None };
    let (mut parts, mut low) = (fewest.max(wanted.ceil() as usize), 0);
    // Upwards in growing steps to a number whose cores all keep their limits, or until cutting up took no more cores.
    let whole = loop {
        if tries.judge(parts, list.divide(task, strategy, parts)?) {
            break true;
        }
        let next = parts + (parts / 4).max(1);
        if next > tries.cores() || over(watch) {
            break false;
        }
        (low, parts) = (parts, next);
    };
    // Back to the least that keep them.
    while whole && low > 0 && parts - low > 1 && !over(watch) {
        let middle = low.midpoint(parts);
        if tries.judge(middle, list.divide(task, strategy, middle)?) { parts = middle } else { low = middle }
    }
    Ok(tries.best.map(|(_, division)| division).unwrap_or_default())
}

/// The best of what was tried: cores and packets, with the division.
struct Tries<'a> {
    task: &'a Task<'a>,
    best: Option<((usize, u64), Vec<u32>)>,
}

impl Tries<'_> {
    /// Whether no core of METIS's was over a limit.
    fn judge(&mut self, parts: usize, mut found: Vec<u32>) -> bool {
        let Task { graph, limits, watch, .. } = self.task;
        let before = compact(&mut found);
        let mut legal = sequential::split(graph, limits, &found);
        let cores = compact(&mut legal);
        let km1 = measure(graph, &legal, limits).km1;
        watch.step(&format!("metis {parts:>6} parts {km1:>12} km1  {cores:>6} cores"));
        if self.best.as_ref().is_none_or(|(best, _)| (cores, km1) < *best) {
            self.best = Some(((cores, km1), legal));
        }
        cores == before
    }

    fn cores(&self) -> usize {
        self.best.as_ref().map_or(usize::MAX, |((cores, _), _)| *cores)
    }
}

/// The graph as METIS takes it: neighbours and weights, a list for every vertex.
struct Adjacency {
    offsets: Vec<Idx>,
    neighbours: Vec<Idx>,
    weights: Vec<Idx>,
    /// Neurons of each vertex.
    neurons: Vec<Idx>,
    /// Spikes of the net of each vertex, for the volume.
    spikes: Vec<Idx>,
}

impl Adjacency {
    fn of(task: &Task<'_>) -> Result<Self> {
        let graph = task.graph;
        let outside = graph.nets().iter().filter(|net| net.source == NO_SOURCE).count();
        let vertices = graph.vertices() as u64 + outside as u64;
        if (graph.pin_count() as u64).max(vertices).max(graph.neurons()) > ROOM {
            let what = format!("{} pins and {vertices} vertices", graph.pin_count());
            return Err(Problem::misfit("partition/metis", task.name, what)
                .limit(format!("{ROOM} of each: METIS is built with 32 bits"))
                .help("multilevel takes larger networks, conv-tiling the largest")
                .into());
        }
        let sum = (0..graph.nets().len()).fold(0, |sum: u64, net| {
            sum.saturating_add(graph.nets()[net].weight.saturating_mul(graph.pins(net).len() as u64))
        });
        let shift = (0..64).find(|shift| sum >> shift <= ROOM).unwrap_or(63);
        let scaled = |weight: u64| ((weight >> shift) as Idx).max(1);
        let mut list = Self {
            offsets: vec![0],
            neighbours: Vec::new(),
            weights: Vec::new(),
            neurons: (0..graph.vertices()).map(|v| graph.weight(v).neurons as Idx).collect(),
            spikes: vec![1; graph.vertices()],
        };
        // Vertices of the nets without source stand behind the neurons, in the order of the nets.
        let mut hubs = vec![0; graph.nets().len()];
        let mut next = graph.vertices();
        for (net, hub) in graph.nets().iter().zip(&mut hubs) {
            if net.source == NO_SOURCE {
                *hub = next as Idx;
                next += 1;
                list.neurons.push(0);
                list.spikes.push(scaled(net.weight));
            } else {
                let spikes = &mut list.spikes[net.source as usize];
                *spikes = (*spikes).max(scaled(net.weight));
            }
        }
        let mut row: Vec<(Idx, Idx)> = Vec::new();
        for v in 0..graph.vertices() {
            for pin in graph.incident(v) {
                let net = graph.nets()[pin.index()];
                let weight = scaled(net.weight);
                match net.source {
                    NO_SOURCE => row.push((hubs[pin.index()], weight)),
                    source if source as usize == v => {
                        let others = graph.pins(pin.index()).iter().map(|pin| pin.index()).filter(|&u| u != v);
                        row.extend(others.map(|u| (u as Idx, weight)));
                    }
                    source => row.push((source as Idx, weight)),
                }
            }
            list.close(&mut row);
        }
        for (number, net) in graph.nets().iter().enumerate().filter(|(_, net)| net.source == NO_SOURCE) {
            row.extend(graph.pins(number).iter().map(|pin| (pin.index() as Idx, scaled(net.weight))));
            list.close(&mut row);
        }
        Ok(list)
    }

    /// Ends a vertex: its edges in order, those to the same neighbour as one.
    fn close(&mut self, row: &mut Vec<(Idx, Idx)>) {
        row.sort_unstable();
        for edges in row.chunk_by(|a, b| a.0 == b.0) {
            self.neighbours.push(edges[0].0);
            self.weights.push(edges.iter().map(|(_, weight)| weight).sum());
        }
        row.clear();
        self.offsets.push(self.neighbours.len() as Idx);
    }

    /// METIS's division into so many parts; some may be empty.
    fn divide(&self, task: &Task<'_>, strategy: &Strategy, parts: usize) -> Result<Vec<u32>> {
        let Task { graph, limits, .. } = task;
        let mut division = vec![0; self.neurons.len()];
        let seed = (task.seed % Idx::MAX as u64) as Idx;
        let ours = |what: String| Problem::invalid("partition/metis", task.name, what).help("choose another strategy");
        let found = Graph::new(1, parts as Idx, &self.offsets, &self.neighbours)
            .map_err(|told| ours(format!("METIS takes no such graph: {told}")))?
            .set_vwgt(&self.neurons)
            .set_adjwgt(&self.weights)
            .set_vsize(&self.spikes)
            .set_option(if strategy.value("volume") >= 0.5 { option::ObjType::Vol } else { option::ObjType::Cut })
            .set_option(option::NCuts(strategy.value("tries") as Idx))
            .set_option(option::NIter(strategy.value("iterations") as Idx))
            .set_option(option::UFactor(imbalance(graph, limits, strategy.value("imbalance"), parts)))
            .set_option(option::Seed(seed));
        let door = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = found.part_kway(&mut division);
        drop(door);
        cut.map_err(|told| ours(format!("METIS gave up on {parts} parts: {told}")))?;
        division.truncate(graph.vertices());
        Ok(division.into_iter().map(|part| part as u32).collect())
    }
}

/// By how many thousandths a part may exceed the mean: what was asked for, within what the cap on neurons leaves.
fn imbalance(graph: &Hypergraph, limits: &Limits, most: f64, parts: usize) -> Idx {
    let room = limits.neurons as f64 * parts as f64 / graph.neurons().max(1) as f64 - 1.0;
    ((room.min(most) * 1000.0).floor() as Idx).max(1)
}
