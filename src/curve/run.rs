//! BookSim's traffic manager for packets of one flit: who sends what where and when, what is measured, and when a run ends.
//!
//! A run warms up for three sample periods, is measured until latency (latency mode) and throughput change by less than 5 %
//! from one period to the next three times, and drains; it is unstable when the mean latency exceeds 500 cycles.

use super::network::{Network, RouterSpec};
use super::pattern::Pattern;
use super::random::Lagged;
use crate::diag::{Problem, Problems, Result};
use crate::emu::mesh::clocked::Handover;

/// One run: a point of a curve.
#[derive(Debug, Clone)]
pub struct Run {
    /// The mesh.
    pub mesh: RouterSpec,
    /// Who sends to whom.
    pub pattern: Pattern,
    /// Whether a run that is too slow ends, and latency has to be steady too.
    pub measure_latency: bool,
    /// Packets that each node makes in a cycle, 0 to 1.
    pub offered: f64,
    /// Seed of the generators, below 2^30.
    pub seed: u64,
    /// Cycles of a sample period, 1 to 1,000,000.
    pub sample_period: u64,
}

impl Run {
    fn check(&self) -> Result<()> {
        let mut found = Vec::new();
        let mut hold = |holds: bool, name: &str, value: String, limit: &str| {
            if !holds {
                found.push(Problem::invalid("mesh/run", name, format!("is {value}")).limit(limit));
            }
        };
        hold((0.0..=1.0).contains(&self.offered), "load", self.offered.to_string(), "0 to 1 packets a node and cycle");
        hold(self.seed < 1 << 30, "seed", self.seed.to_string(), "below 2^30");
        let period = (1..=1_000_000).contains(&self.sample_period);
        hold(period, "period", self.sample_period.to_string(), "1 to 1000000 cycles");
        Problems::check(found, ())?;
        self.mesh.check()?;
        self.pattern.check(self.mesh.size())
    }
}

/// What BookSim prints at the end of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Mean cycles from the making of a packet to its delivery.
    pub latency: f64,
    /// The shortest.
    pub latency_min: f64,
    /// The longest.
    pub latency_max: f64,
    /// Mean cycles from a packet's entry into the mesh.
    pub network_latency: f64,
    /// Packets delivered, a node and cycle.
    pub accepted: f64,
    /// The same of the node that got fewest.
    pub accepted_min: f64,
    /// Packets given in, a node and cycle.
    pub injected: f64,
    /// Routers of a packet's way, the first and the last included.
    pub hops: f64,
    /// Cycles of the run.
    pub cycles: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Running,
    Draining,
    /// Nothing is generated any more.
    Emptying,
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    source: u32,
    target: u32,
    created: u64,
    injected: u64,
    recorded: bool,
}

/// Sums over packets since the last clearing.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    packets: u64,
    latency: u64,
    latency_min: u64,
    latency_max: u64,
    network_latency: u64,
    hops: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// The packet that waits to be given in.
    waiting: Option<u32>,
    /// The next cycle for which it has not been decided whether a packet is made.
    undecided: u64,
    drained: bool,
    accepted: u64,
    sent: u64,
}

struct Manager<'a> {
    run: &'a Run,
    mesh: Network,
    size: (u32, u32),
    whole: Lagged,
    fraction: Lagged,
    nodes: Vec<Node>,
    /// Packets under way, and places among them that are free again.
    packets: Vec<Packet>,
    free: Vec<u32>,
    /// Packets that a cycle delivers.
    delivered: Vec<u32>,
    sums: Sums,
    /// Packets made and not yet delivered, the sum of their times of creation, and how many of them are recorded.
    in_flight: u64,
    created_sum: u64,
    recorded_in_flight: u64,
    phase: Phase,
    time: u64,
    cleared_at: u64,
    drain_at: u64,
}

/// Runs; none where BookSim would call it unstable. Also how often a packet crossed a router.
///
/// # Errors
/// `mesh/...` where the run, its mesh or its pattern cannot be.
pub fn simulate(run: &Run) -> Result<super::Ended> {
    run.check()?;
    let size = run.mesh.size();
    let mut manager = Manager {
        run,
        mesh: Network::new(&run.mesh)?,
        size,
        whole: Lagged::whole(run.seed),
        fraction: Lagged::fraction(run.seed),
        nodes: vec![Node::default(); (size.0 * size.1) as usize],
        packets: Vec::new(),
        free: Vec::new(),
        delivered: Vec::new(),
        sums: Sums::default(),
        in_flight: 0,
        created_sum: 0,
        recorded_in_flight: 0,
        phase: Phase::WarmUp,
        time: 0,
        cleared_at: 0,
        drain_at: 0,
    };
    let stable = manager.measure();
    if stable {
        manager.phase = Phase::Emptying;
        while manager.in_flight > 0 || manager.mesh.is_busy() {
            manager.step();
        }
    }
    Ok((stable.then(|| manager.outcome()), manager.mesh.crossings()))
}

impl Manager<'_> {
    /// Whether the run is stable.
    fn measure(&mut self) -> bool {
        let (mut calm, mut last_latency, mut last_accepted, mut clear) = (0, 0.0, 0.0, false);
        let mut period = 0;
        while period < 10 && (self.phase != Phase::Running || calm < 3) {
            if std::mem::take(&mut clear) || (self.phase == Phase::WarmUp && period % 2 == 0) {
                self.clear();
            }
            for _ in 0..self.run.sample_period {
                self.step();
            }
            let (latency, accepted) = (self.sums.latency as f64 / self.sums.packets as f64, self.accepted_rate());
            let latency_change = ((latency - last_latency) / latency).abs();
            let accepted_change = ((accepted - last_accepted) / accepted).abs();
            (last_latency, last_accepted) = (latency, accepted);
            if self.run.measure_latency && self.is_too_slow() {
                return false;
            }
            if self.phase == Phase::WarmUp {
                if period + 1 >= 3 {
                    clear = true;
                    self.phase = Phase::Running;
                }
            } else if accepted_change > 0.05 || (self.run.measure_latency && latency_change > 0.05) {
                calm = 0;
            } else {
                calm += 1;
            }
            period += 1;
        }
        if self.phase != Phase::Running {
            return false;
        }
        self.phase = Phase::Draining;
        self.drain_at = self.time;
        !self.run.measure_latency || self.drain()
    }

    /// Until everything recorded has arrived; whether that is in reasonable time.
    fn drain(&mut self) -> bool {
        let mut steps = 0;
        while self.recorded_in_flight > 0 || self.nodes.iter().any(|node| !node.drained) {
            self.step();
            steps += 1;
            if steps % 1000 == 0 && self.is_too_slow() {
                return false;
            }
        }
        true
    }

    /// Whether the mean latency, packets under way included, is above 500 cycles.
    fn is_too_slow(&self) -> bool {
        let waited = self.time * self.in_flight - self.created_sum;
        (self.sums.latency + waited) as f64 / (self.sums.packets + self.in_flight) as f64 > 500.0
    }

    fn accepted_rate(&self) -> f64 {
        let accepted: u64 = self.nodes.iter().map(|node| node.accepted).sum();
        accepted as f64 / (self.time - self.cleared_at) as f64 / self.nodes.len() as f64
    }

    fn clear(&mut self) {
        self.sums = Sums::default();
        self.cleared_at = self.time;
        for node in &mut self.nodes {
            (node.accepted, node.sent) = (0, 0);
        }
    }

    fn step(&mut self) {
        let mut delivered = std::mem::take(&mut self.delivered);
        self.mesh.deliver(|packet| delivered.push(packet));
        self.retire_all(&mut delivered);
        for node in 0..self.nodes.len() {
            if self.phase != Phase::Emptying && self.nodes[node].waiting.is_none() {
                self.generate(node);
            }
            self.give(node);
        }
        self.mesh.edge(|packet| delivered.push(packet));
        self.retire_all(&mut delivered);
        self.delivered = delivered;
        self.time += 1;
    }

    fn retire_all(&mut self, delivered: &mut Vec<u32>) {
        for id in delivered.drain(..) {
            let packet = self.packets[id as usize];
            if matches!(self.phase, Phase::WarmUp | Phase::Running) {
                self.nodes[packet.target as usize].accepted += 1;
            }
            self.retire(packet);
            self.free.push(id);
        }
    }

    fn retire(&mut self, packet: Packet) {
        self.in_flight -= 1;
        self.created_sum -= packet.created;
        self.recorded_in_flight -= u64::from(packet.recorded);
        if !(packet.recorded || self.phase == Phase::WarmUp) {
            return;
        }
        let (width, sums) = (self.size.0, &mut self.sums);
        let apart = (packet.source % width).abs_diff(packet.target % width)
            + (packet.source / width).abs_diff(packet.target / width);
        let latency = self.time - packet.created;
        sums.latency_min = if sums.packets == 0 { latency } else { sums.latency_min.min(latency) };
        sums.latency_max = sums.latency_max.max(latency);
        sums.packets += 1;
        sums.latency += latency;
        sums.network_latency += self.time - packet.injected;
        sums.hops += u64::from(apart + 1);
    }

    /// Makes at most one packet; catches up on cycles in which one was waiting.
    fn generate(&mut self, index: usize) {
        let source = u32::try_from(index).expect("a node");
        let node = &mut self.nodes[index];
        while node.waiting.is_none() && node.undecided <= self.time {
            let chance = self.fraction.next() as f64 / (1_u64 << 52) as f64;
            if chance < self.run.offered {
                let target = self.run.pattern.target(source, self.size, &mut self.whole);
                // BookSim draws the sub-network; there is one.
                self.whole.next();
                let created = node.undecided;
                let recorded = match self.phase {
                    Phase::Running => true,
                    Phase::Draining => created < self.drain_at,
                    Phase::WarmUp | Phase::Emptying => false,
                };
                let packet = Packet { source, target, created, injected: 0, recorded };
                let id = self.free.pop().unwrap_or_else(|| {
                    self.packets.push(packet);
                    u32::try_from(self.packets.len() - 1).expect("as many as buffers hold")
                });
                self.packets[id as usize] = packet;
                node.waiting = Some(id);
                self.in_flight += 1;
                self.created_sum += created;
                self.recorded_in_flight += u64::from(recorded);
            }
            node.undecided += 1;
        }
        node.drained |= self.phase == Phase::Draining && node.undecided > self.drain_at;
    }

    fn give(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some(id) = node.waiting else { return };
        let packet = &mut self.packets[id as usize];
        let width = self.size.0;
        let handover = Handover { x: packet.target % width, y: packet.target / width, id };
        if self.mesh.inject(packet.source, handover) {
            packet.injected = self.time;
            node.waiting = None;
            node.sent += u64::from(matches!(self.phase, Phase::WarmUp | Phase::Running));
        }
    }

    fn outcome(&self) -> Outcome {
        let (sums, span) = (&self.sums, (self.drain_at - self.cleared_at) as f64);
        let mean = |sum: u64| sum as f64 / sums.packets as f64;
        let total = |of: fn(&Node) -> u64| self.nodes.iter().map(of).sum::<u64>() as f64;
        let nodes = self.nodes.len() as f64;
        Outcome {
            latency: mean(sums.latency),
            latency_min: sums.latency_min as f64,
            latency_max: sums.latency_max as f64,
            network_latency: mean(sums.network_latency),
            accepted: total(|node| node.accepted) / span / nodes,
            accepted_min: self.nodes.iter().map(|node| node.accepted).min().unwrap_or(0) as f64 / span,
            injected: total(|node| node.sent) / span / nodes,
            hops: mean(sums.hops),
            cycles: self.time as f64,
        }
    }
}
