//! BookSim's traffic manager for packets of one flit: who sends what where and when, what is measured, and when a run ends.
//!
//! A run warms up for three sample periods, is measured until latency (latency mode) and throughput change by less than 5 %
//! from one period to the next three times, and drains; it is unstable when the mean latency exceeds 500 cycles.

use spikeloom::emu::mesh::clocked::{Handover, QueuedMesh, QueuedMeshSpec};

use crate::random::Lagged;

/// Where packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    Uniform,
    Transpose,
    BitComplement,
    BitReverse,
    Shuffle,
    Tornado,
    Neighbor,
    Hotspot(u32),
}

impl Pattern {
    /// By BookSim's name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let hotspot = name.strip_prefix("hotspot({").and_then(|rest| rest.strip_suffix("})"));
        Some(match (name, hotspot) {
            (_, Some(node)) => Self::Hotspot(node.parse().ok()?),
            ("uniform", _) => Self::Uniform,
            ("transpose", _) => Self::Transpose,
            ("bitcomp", _) => Self::BitComplement,
            ("bitrev", _) => Self::BitReverse,
            ("shuffle", _) => Self::Shuffle,
            ("tornado", _) => Self::Tornado,
            ("neighbor", _) => Self::Neighbor,
            _ => return None,
        })
    }

    fn target(self, source: u32, side: u32, random: &mut Lagged) -> u32 {
        let nodes = side * side;
        let bits = nodes.trailing_zeros();
        let digits = |step: u32| (source % side + step) % side + side * ((source / side + step) % side);
        match self {
            Self::Uniform => u32::try_from(random.next() % u64::from(nodes)).expect("a node"),
            Self::Transpose => source / side + source % side * side,
            Self::BitComplement => !source & (nodes - 1),
            Self::BitReverse => source.reverse_bits() >> (32 - bits),
            Self::Shuffle => (source << 1) & (nodes - 1) | source >> (bits - 1),
            Self::Tornado => digits(side.div_ceil(2) - 1),
            Self::Neighbor => digits(1),
            Self::Hotspot(node) => node,
        }
    }
}

/// One run: a row of the curves.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) spec: QueuedMeshSpec,
    pub(crate) pattern: Pattern,
    pub(crate) measure_latency: bool,
    pub(crate) offered: f64,
    pub(crate) seed: u64,
    pub(crate) sample_period: u64,
}

/// What BookSim prints at the end of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) latency: f64,
    pub(crate) latency_min: f64,
    pub(crate) latency_max: f64,
    pub(crate) network_latency: f64,
    pub(crate) accepted: f64,
    pub(crate) accepted_min: f64,
    pub(crate) injected: f64,
    pub(crate) hops: f64,
    pub(crate) cycles: f64,
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
    mesh: QueuedMesh,
    whole: Lagged,
    fraction: Lagged,
    nodes: Vec<Node>,
    packets: Vec<Packet>,
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
pub(crate) fn simulate(run: &Run) -> (Option<Outcome>, u64) {
    let count = (run.spec.width * run.spec.height) as usize;
    let mut manager = Manager {
        run,
        mesh: QueuedMesh::new(run.spec).unwrap_or_else(|error| panic!("{error}")),
        whole: Lagged::whole(run.seed),
        fraction: Lagged::fraction(run.seed),
        nodes: vec![Node::default(); count],
        packets: Vec::new(),
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
        while manager.in_flight > 0 || manager.mesh.next_work().is_some() {
            manager.step();
        }
    }
    (stable.then(|| manager.outcome()), manager.mesh.crossings())
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
        let mut delivered = Vec::new();
        self.mesh.deliver(|node, packet| delivered.push((node, packet.id)));
        for (node, packet) in delivered {
            if matches!(self.phase, Phase::WarmUp | Phase::Running) {
                self.nodes[node as usize].accepted += 1;
            }
            self.retire(self.packets[packet as usize]);
        }
        for node in 0..self.nodes.len() {
            if self.phase != Phase::Emptying && self.nodes[node].waiting.is_none() {
                self.generate(node);
            }
            self.give(node);
        }
        self.mesh.edge();
        self.time += 1;
    }

    fn retire(&mut self, packet: Packet) {
        self.in_flight -= 1;
        self.created_sum -= packet.created;
        self.recorded_in_flight -= u64::from(packet.recorded);
        if !(packet.recorded || self.phase == Phase::WarmUp) {
            return;
        }
        let (side, sums) = (self.run.spec.width, &mut self.sums);
        let apart = (packet.source % side).abs_diff(packet.target % side)
            + (packet.source / side).abs_diff(packet.target / side);
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
                let target = self.run.pattern.target(source, self.run.spec.width, &mut self.whole);
                // BookSim draws the sub-network; there is one.
                self.whole.next();
                let created = node.undecided;
                let recorded = match self.phase {
                    Phase::Running => true,
                    Phase::Draining => created < self.drain_at,
                    Phase::WarmUp | Phase::Emptying => false,
                };
                node.waiting = Some(u32::try_from(self.packets.len()).expect("fewer packets"));
                self.packets.push(Packet { source, target, created, injected: 0, recorded });
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
        let side = self.run.spec.width;
        let handover = Handover { x: packet.target % side, y: packet.target / side, id };
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
