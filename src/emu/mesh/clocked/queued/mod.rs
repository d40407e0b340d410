//! The queued mesh: buffers at the inputs, virtual channels, credits, allocation, cycle by cycle.
//!
//! # What is modelled
//!
//! A router has a buffer for each virtual channel of each input. A packet (one flit) at the front of a buffer finds its
//! output (x first, then y), asks for a virtual channel of the next buffer, asks for the switch, crosses it and goes over
//! the link. Both allocators are iSLIP: outputs grant, inputs accept, and the pointer moves behind who won in the first
//! round. At the switch an input proposes one virtual channel an output, those that hold a virtual channel before those that
//! hope for one (speculation: both allocations in one cycle, and a switch won in vain is lost). A virtual channel is held
//! from its allocation to the switch, not while the packet lies in the next buffer; how many may lie there, credits say.
//!
//! # Cycles
//!
//! A packet given in at cycle `t` is in the first router's buffer at `t + 1 + link`; one that crosses the switch at `t` is
//! in the next buffer, or delivered, at `t + crossbar + link + 1`. Its credit is of use to the router before at
//! `t + 1 + link + credit_delay`, to the node before at `t + 1 + link`. See [`QueuedMeshSpec::zero_load_latency`] and
//! [`QueuedMeshSpec::credit_round_trip`].
//!
//! Nothing is evaluated but routers with a packet that asks for something; packets and credits on links lie in a timing
//! wheel.
//!
//! Source: the behaviour of BookSim2's input-queued router at 28f4329 (N. Jiang et al., ISPASS 2013); equal to it in every
//! digit of every recorded run (`tests/golden_booksim`).

mod alloc;
mod router;
mod spec;

pub use spec::{Arbitration, QueuedMeshSpec};

use super::Handover;
use crate::diag::Result;
use router::Router;
use spec::{LOCAL, PORTS};

/// What arrives somewhere in one cycle.
#[derive(Debug, Clone, Default)]
struct Arrivals {
    /// (router, input, virtual channel, packet)
    packets: Vec<(u32, u8, u8, Handover)>,
    /// (router, output, virtual channel)
    credits: Vec<(u32, u8, u8)>,
    /// (node, virtual channel, packet)
    deliveries: Vec<(u32, u8, Handover)>,
    /// (node, virtual channel)
    node_credits: Vec<(u32, u8)>,
}

/// A node's side of its router's input.
#[derive(Debug, Clone)]
struct Source {
    /// Virtual channel used last; none at the start.
    last: Option<u8>,
    /// Packets under way to or in each virtual channel's buffer.
    used: Vec<u16>,
}

/// All routers, links and nodes.
#[derive(Debug, Clone)]
pub struct QueuedMesh {
    spec: QueuedMeshSpec,
    routers: Vec<Router>,
    sources: Vec<Source>,
    /// Routers with work, in no order, each once.
    active: Vec<u32>,
    is_active: Vec<bool>,
    /// What arrives in cycle `c` is in slot `c % wheel.len()`.
    wheel: Vec<Arrivals>,
    /// Packets and credits in the wheel.
    under_way: usize,
    now: u64,
    crossings: u64,
}

impl QueuedMesh {
    /// An empty mesh at cycle 0.
    pub fn new(spec: QueuedMeshSpec) -> Result<Self> {
        spec.check()?;
        let nodes = (spec.width * spec.height) as usize;
        let place = |node: u32| (node % spec.width, node / spec.width);
        let router = |node: u32| Router::new(&spec, place(node).0, place(node).1);
        let slots = (spec.crossbar_delay.max(spec.credit_delay) + spec.link_delay + 2) as usize;
        let source = Source { last: None, used: vec![0; spec.vcs as usize] };
        Ok(Self {
            routers: (0..spec.width * spec.height).map(router).collect(),
            sources: vec![source; nodes],
            active: Vec::new(),
            is_active: vec![false; nodes],
            wheel: vec![Arrivals::default(); slots.next_power_of_two()],
            under_way: 0,
            now: 0,
            crossings: 0,
            spec,
        })
    }

    /// The cycle that the coming [`Self::edge`] is.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Packets that have crossed a switch so far.
    #[must_use]
    pub const fn crossings(&self) -> u64 {
        self.crossings
    }

    /// The next cycle that can differ from the one before without anything being given in; none where the mesh is empty.
    #[must_use]
    pub fn next_work(&self) -> Option<u64> {
        if !self.active.is_empty() {
            return Some(self.now);
        }
        if self.under_way == 0 {
            return None;
        }
        (self.now..).find(|&cycle| {
            let slot = &self.wheel[self.slot(cycle)];
            !(slot.packets.is_empty()
                && slot.credits.is_empty()
                && slot.deliveries.is_empty()
                && slot.node_credits.is_empty())
        })
    }

    const fn slot(&self, cycle: u64) -> usize {
        cycle as usize & (self.wheel.len() - 1)
    }

    /// First part of a cycle: packets that have arrived go to their nodes, `delivered(node, packet)` in order of nodes.
    pub fn deliver(&mut self, mut delivered: impl FnMut(u32, Handover)) {
        let slot = self.slot(self.now);
        let mut arrived = std::mem::take(&mut self.wheel[slot].deliveries);
        arrived.sort_unstable_by_key(|(node, _, _)| *node);
        let usable = self.slot(self.now + 1 + u64::from(self.spec.link_delay + self.spec.credit_delay));
        for &(node, vc, packet) in &arrived {
            self.wheel[usable].credits.push((node, LOCAL as u8, vc));
            delivered(node, packet);
        }
        arrived.clear();
        self.wheel[slot].deliveries = arrived;
        let mut credits = std::mem::take(&mut self.wheel[slot].node_credits);
        self.under_way -= credits.len();
        for (node, vc) in credits.drain(..) {
            self.sources[node as usize].used[usize::from(vc)] -= 1;
        }
        self.wheel[slot].node_credits = credits;
    }

    /// Second part of a cycle: a node gives a packet in, at most one. Whether a virtual channel had credit for it; they are
    /// taken in turn.
    pub fn inject(&mut self, node: u32, packet: Handover) -> bool {
        debug_assert!(packet.x < self.spec.width && packet.y < self.spec.height);
        let (vcs, depth) = (self.spec.vcs, self.spec.depth);
        let source = &mut self.sources[node as usize];
        let turn = |step: u32| source.last.map_or(0, |last| (u32::from(last) + step) % vcs);
        let open = |vc: &u32| u32::from(source.used[*vc as usize]) < depth;
        let Some(vc) = (1..=vcs).map(turn).find(open) else { return false };
        source.used[vc as usize] += 1;
        source.last = Some(vc as u8);
        let arrives = self.slot(self.now + 1 + u64::from(self.spec.link_delay));
        self.wheel[arrives].packets.push((node, LOCAL as u8, vc as u8, packet));
        self.under_way += 1;
        true
    }

    /// Last part of a cycle: the routers.
    pub fn edge(&mut self) {
        let slot = self.slot(self.now);
        self.receive(slot);
        let mut index = 0;
        while index < self.active.len() {
            let number = self.active[index];
            self.route(number);
            if self.routers[number as usize].is_busy() {
                index += 1;
            } else {
                self.is_active[number as usize] = false;
                self.active.swap_remove(index);
            }
        }
        self.now += 1;
    }

    fn receive(&mut self, slot: usize) {
        let (spec, now) = (self.spec, self.now);
        let Arrivals { packets, credits, .. } = &mut self.wheel[slot];
        self.under_way -= packets.len() + credits.len();
        for (number, input, vc, packet) in packets.drain(..) {
            let router = number as usize;
            self.routers[router].arrive(&spec, now, input, vc, packet);
            if !self.is_active[router] {
                self.is_active[router] = true;
                self.active.push(number);
            }
        }
        for (router, output, vc) in credits.drain(..) {
            self.routers[router as usize].credit(spec.vcs, output, vc);
        }
    }

    /// One router's cycle, and where its packets and credits go.
    #[inline]
    fn route(&mut self, number: u32) {
        let (spec, now, mask) = (self.spec, self.now, self.wheel.len() - 1);
        let width = spec.width;
        let beside = |port: u8| match port {
            0 => number + 1,
            1 => number - 1,
            2 => number + width,
            _ => number - width,
        };
        let after = |delay: u32| (now + u64::from(delay)) as usize & mask;
        let arrives = after(spec.crossbar_delay + spec.link_delay + 1);
        let (usable, usable_by_node) = (after(1 + spec.link_delay + spec.credit_delay), after(1 + spec.link_delay));
        let (wheel, under_way) = (&mut self.wheel, &mut self.under_way);
        let mut crossings = 0;
        self.routers[number as usize].cycle(&spec, now, |crossing| {
            crossings += 1;
            let (output, vc, packet) = (crossing.output, crossing.output_vc, crossing.packet);
            if usize::from(output) == LOCAL {
                wheel[arrives].deliveries.push((number, vc, packet));
            } else {
                // The far end of a link is the port with the other sign.
                wheel[arrives].packets.push((beside(output), output ^ 1, vc, packet));
            }
            let (input, vc) = (crossing.input, crossing.input_vc);
            if usize::from(input) == LOCAL {
                wheel[usable_by_node].node_credits.push((number, vc));
            } else {
                wheel[usable].credits.push((beside(input), input ^ 1, vc));
            }
            *under_way += 2;
        });
        self.crossings += crossings;
    }
}

/// Ports have numbers that fit a byte.
const _: () = assert!(PORTS < 8);
