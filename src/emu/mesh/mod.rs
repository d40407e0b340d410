//! The spike-routing mesh: handshake routers with dimension-order routing (x, then y), timed event by event.
//!
//! # What is modelled
//!
//! A router has one **input** for each neighbour, each of its cores and (at `MeshSpec::host`) the host, and one
//! **channel** out to each neighbour and to each of its cores. A packet is one unit: it is never split, copied or
//! dropped. Packets of one input leave it in the order in which they came.
//!
//! # Times
//!
//! All times are integer picoseconds since the start of the tick. A latency that the chip file leaves out counts
//! as zero here ([`zero_load`] says `None`, so that a report can tell); a cycle time of zero, or none, counts as one
//! picosecond, so that a channel carries one packet at a time.
//!
//! * **Offer.** A packet enters the queue of its source's input at `Packet::ready`. That queue is the sender's own
//!   and has no limit; it is served by `(ready, tag)`.
//! * **Request.** The first packet of an input asks for its channel at the moment it is first and the input is
//!   idle.
//! * **Grant**, at `g`. A channel that is idle and (towards a neighbour) has a free slot in the input at its far end
//!   takes the request with the smallest key **(time of request, port of the input)**. Ports are numbered
//!   east, west, north, south (the side the packet comes from), cores ascending, host: at equal times, traffic under
//!   way goes before new traffic. An input has one request at a time, so the key is total; the tag
//!   decides before, in the sender's queue. The grant takes the slot.
//! * **Forward latency.** The packet is in the input at the far end at `g + hop_x` or `g + hop_y`; a packet
//!   to a core of this router has arrived at `g + local`. A core always accepts (what it then does is not mesh time).
//! * **Cycle time.** The handshake ends at `g + cycle`. Only then is the channel idle again, the input that
//!   sent idle again (so an input too moves one packet a cycle), and the packet's slot there free for the channel
//!   behind it. `local` and `hop` may be longer than `cycle` (pipelined wires) or shorter.
//! * **Back-pressure.** Each input from a neighbour has `buffer` slots, in use from the grant that sends a packet
//!   there to the end of the handshake that takes it away: at best `hop + cycle`. One channel thus carries at most
//!   `min(1 / cycle, buffer / (hop + cycle))`; the least buffer that never throttles is `ceil(hop / cycle) + 1`.
//!
//! Alone in the mesh, a packet takes exactly `dx * hop_x + dy * hop_y + local`.
//!
//! # Order
//!
//! Everything that happens at one time is applied before any channel chooses, and a grant frees nothing before its
//! handshake ends: the choices of one time do not depend on each other, and no result depends on the order of the
//! caller's packets. Where a hop takes no time, the same time is visited again, in rounds, until nothing more
//! happens. Packets go from x to y and never back, and cores always accept: no cycle of waiting, no deadlock.
//!
//! # How it is computed
//!
//! Every delay is one of three constants, and time only grows. So each kind of event fills its own queue already
//! in order, and the next event is the smallest of a few fronts; there is no wheel. The end of a handshake is an event
//! only if something waits for it: nearly always that is known at the grant, and the few latecomers go to a
//! heap. Once the queues have grown to the size of the largest tick only the sort of its offers asks for memory.
//!
//! Where a tick has many packets that seldom meet it is swept line by line instead (`sweep`), with the same result.

pub mod clocked;
mod crew;
mod edge;
mod flight;
mod line;
mod order;
mod ports;
mod queue;
mod route;
mod sweep;
mod way;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use self::edge::Edges;
use self::flight::{Flight, Flit, Offer, Target, Wake};
use self::order::Order;
use self::ports::{Choice, Kind, NONE, Ports, SIDES};
use self::queue::Queue;
pub use self::route::{hops, zero_load};
use self::sweep::Sweep;
use super::counters::{BorderUse, LinkLoad};
use crate::chip::MeshSpec;
use crate::ids::CoreId;
use crate::units::Picos;

/// One packet of a tick, from a core (or the host) to one destination core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// When the source offers it, since the start of the tick.
    pub ready: Picos,
    /// Sending core; `None` for the host, which injects at an extra port of `MeshSpec::host`'s router.
    pub from: Option<CoreId>,
    /// Receiving core.
    pub to: CoreId,
    /// The caller's number of the packet, unique within the tick; also the last tie key.
    pub tag: u32,
}

/// A packet at its destination core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When the destination core has it, since the start of the tick.
    pub at: Picos,
    /// The packet's number.
    pub tag: u32,
}

/// The end of time, when nothing happens any more.
const NEVER: u64 = u64::MAX;

/// A time after another; what would overflow happens at the last moment (such times come from absurd chip files only).
#[inline]
const fn after(now: u64, delay: u64) -> u64 {
    let time = now.saturating_add(delay);
    if time == NEVER { NEVER - 1 } else { time }
}

/// The mesh of one chip or board: empty between ticks, with the loads of its links accumulated.
#[derive(Debug)]
pub struct Mesh {
    spec: MeshSpec,
    hop: [u64; 2],
    local: u64,
    cycle: u64,
    ports: Ports,
    /// Where each core is.
    doors: Vec<Target>,
    flits: Vec<Flit>,
    /// In the order in which sources make them, as the flits.
    offers: Vec<Offer>,
    /// That order.
    order: Order,
    /// Offers that were made.
    offered: usize,
    flights: [Queue<Flight>; 2],
    wakes: Queue<Wake>,
    latecomers: BinaryHeap<Reverse<Wake>>,
    edges: Edges,
    /// Channels that choose at this time, with the packet that came last for them, where one did.
    choosing: Vec<(u32, Flight)>,
    /// Links that were used in this tick.
    used: Vec<u32>,
    links: Vec<LinkLoad>,
    /// Where ticks can be swept line by line.
    sweep: Option<Box<Sweep>>,
    /// Packets from which on they are.
    sweeps_from: usize,
}

/// Fewer packets are sooner moved event by event.
const SWEEPS_FROM: usize = 64;

impl Mesh {
    /// An empty mesh. The chip loader has checked the shape; a buffer of zero counts as one.
    ///
    /// # Panics
    /// If the mesh has no router, no core, or 2^32 ports and more, or the host is outside of it.
    #[must_use]
    pub fn new(spec: &MeshSpec) -> Self {
        let picos = |time: Option<Picos>| time.unwrap_or(Picos::ZERO).0;
        let ports = Ports::new(spec);
        Self {
            spec: spec.clone(),
            hop: [picos(spec.hop_x), picos(spec.hop_y)],
            local: picos(spec.local),
            cycle: picos(spec.cycle).max(1),
            links: vec![LinkLoad::default(); ports.routers() * SIDES],
            edges: Edges::new(spec, &ports),
            sweep: Sweep::new(spec, ports.links.iter().any(|link| link.kind == Kind::Edge)).map(Box::new),
            sweeps_from: SWEEPS_FROM,
            doors: ports.doors(spec),
            ports,
            flits: Vec::new(),
            offers: Vec::new(),
            order: Order::default(),
            offered: 0,
            flights: [Queue::new(), Queue::new()],
            wakes: Queue::new(),
            latecomers: BinaryHeap::new(),
            choosing: Vec::new(),
            used: Vec::new(),
        }
    }

    /// The mesh where all ticks of at least so many packets are swept line by line, if they can be, and others moved event
    /// by event. Results are the same; without this, sweeps are tried where they should be faster.
    #[must_use]
    pub fn sweeps_from(mut self, packets: usize) -> Self {
        self.sweeps_from = packets;
        self.sweep.iter_mut().for_each(|sweep| sweep.far = 0);
        self
    }

    /// The mesh where sweeps use so many threads, with the same results.
    #[must_use]
    pub fn on_threads(mut self, threads: usize) -> Self {
        self.sweep.iter_mut().for_each(|sweep| sweep.threads = threads.max(1));
        self
    }

    /// Moves the packets of one tick, given in any order, through the empty mesh. `arrivals` is cleared and then
    /// holds each packet once, ascending by (time, tag).
    ///
    /// # Panics
    /// If a core is not on the chip.
    pub fn deliver(&mut self, packets: &[Packet], arrivals: &mut Vec<Arrival>) {
        if packets.len() >= self.sweeps_from
            && let Some(sweep) = &mut self.sweep
            && sweep.deliver(&self.spec, packets, arrivals, &mut self.links)
        {
            return;
        }
        arrivals.clear();
        self.load(packets);
        while let Some(now) = self.move_alone(arrivals) {
            self.offer(now);
            self.land(now);
            self.wake(now);
            self.choose(now, arrivals);
        }
        order_ties(arrivals);
        self.close();
    }

    /// Load of every directed link since the start or the last [`Mesh::take_links`], by `router * 4 + {0 east,
    /// 1 west, 2 north, 3 south}`; links over the edge stay at zero.
    #[must_use]
    pub fn links(&self) -> &[LinkLoad] {
        &self.links
    }

    /// Hands the loads out and starts them again from zero.
    pub fn take_links(&mut self) -> Vec<LinkLoad> {
        let empty = vec![LinkLoad::default(); self.links.len()];
        std::mem::replace(&mut self.links, empty)
    }

    /// Use of the links over chip edges since the start or the last [`Mesh::forget_borders`].
    #[must_use]
    pub const fn borders(&self) -> BorderUse {
        self.edges.counts
    }

    /// Starts the use of the links over chip edges again from zero.
    pub fn forget_borders(&mut self) {
        self.edges.counts = BorderUse::default();
    }

    /// Numbers the tick's packets in the order in which their sources offer them.
    fn load(&mut self, packets: &[Packet]) {
        let Self { doors, flits, offers, order, .. } = self;
        let host = self.ports.of_host();
        (self.offered, ..) = (0, flits.clear(), offers.clear());
        order.each(packets, |packet| {
            let input = packet.from.map_or(host, |core| doors[core.index()].exit);
            offers.push(Offer { ready: after(packet.ready.0, 0), input });
            flits.push(Flit { to: doors[packet.to.index()], behind: NONE, tag: packet.tag });
        });
    }

    /// Works through the times at which one packet alone does something; the first time at which more happens, or
    /// `None` at the end. This is nearly all of a mesh that is not full, and needs no list of who chooses.
    fn move_alone(&mut self, arrivals: &mut Vec<Arrival>) -> Option<u64> {
        loop {
            let offer = self.next_offer();
            let (x, y) = (self.flights[0].next(), self.flights[1].next());
            let (wake, late, edge) = (self.wakes.next(), self.next_late(), self.edges.next());
            let rest = wake.min(late).min(edge);
            let now = offer.min(x).min(y).min(rest);
            let others = u8::from(offer == now) + u8::from(x == now) + u8::from(y == now) + u8::from(rest == now);
            if now == NEVER {
                return None;
            }
            if others > 1 || rest == now {
                return Some(now);
            }
            let (flight, next) = if offer == now {
                let flight = self.take_offer(now);
                (flight, self.next_offer())
            } else {
                let queue = &mut self.flights[usize::from(y == now)];
                let flight = queue.pop_at(now)?;
                (flight, queue.next())
            };
            if next == now {
                self.enter(flight, now);
                return Some(now);
            }
            self.pass(flight, now, arrivals);
        }
    }

    #[inline]
    fn next_offer(&self) -> u64 {
        self.offers.get(self.offered).map_or(NEVER, |offer| offer.ready)
    }

    #[inline]
    fn next_late(&self) -> u64 {
        self.latecomers.peek().map_or(NEVER, |wake| wake.0.at)
    }

    /// The next packet that a source offers, as if it had flown to the source's input.
    fn take_offer(&mut self, now: u64) -> Flight {
        let flit = self.offered;
        self.offered += 1;
        Flight { at: now, flit: flit as u32, input: self.offers[flit].input, to: self.flits[flit].to }
    }

    /// A packet comes to an input, and nothing else happens: where nobody is in its way it goes on at once.
    #[inline]
    fn pass(&mut self, flight: Flight, now: u64, arrivals: &mut Vec<Arrival>) {
        let input = &self.ports.links[flight.input as usize];
        if input.first == NONE && input.idle_at <= now {
            let number = self.ports.next(input, flight.to);
            if self.ports.links[number as usize].takes(now) {
                return self.carry(number, flight, false, now, arrivals);
            }
        }
        self.enter(flight, now);
        self.choose(now, arrivals);
    }

    /// Sources offer what is ready.
    fn offer(&mut self, now: u64) {
        while self.next_offer() == now {
            let flight = self.take_offer(now);
            self.enter(flight, now);
        }
    }

    /// Packets reach the far ends of their wires.
    fn land(&mut self, now: u64) {
        for axis in 0..2 {
            while let Some(flight) = self.flights[axis].pop_at(now) {
                self.enter(flight, now);
            }
        }
        while let Some(flight) = self.edges.pop_at(now) {
            self.enter(flight, now);
        }
    }

    /// A packet joins an input; where it is first and the input is idle, it asks for its channel.
    fn enter(&mut self, Flight { flit, input: number, to, .. }: Flight, now: u64) {
        let input = &mut self.ports.links[number as usize];
        if input.first == NONE {
            input.first = flit;
            input.last = flit;
            if input.idle_at <= now {
                self.request(Flight { at: now, input: number, flit, to }, now);
            } else {
                self.wake_late(number);
            }
        } else {
            self.flits[input.last as usize].behind = flit;
            input.last = flit;
        }
    }

    /// The first packet of an input asks for its channel.
    #[inline]
    fn request(&mut self, first: Flight, now: u64) {
        let channel = self.ports.next(&self.ports.links[first.input as usize], first.to);
        self.ports.wait(channel, first.input, now);
        let waited_for = &self.ports.links[channel as usize];
        if waited_for.free_at <= now {
            self.choosing.push((channel, first));
        } else {
            self.wake_late(waited_for.serving);
        }
    }

    /// Something waits for the end of a handshake under way.
    fn wake_late(&mut self, number: u32) {
        let input = &mut self.ports.links[number as usize];
        if input.note_wake() {
            self.latecomers.push(Reverse(Wake { at: input.idle_at, input: number }));
        }
    }

    /// Handshakes end: the input and its channel are idle, and one slot of the input is free.
    fn wake(&mut self, now: u64) {
        while let Some(wake) = self.wakes.pop_at(now) {
            self.end_handshake(wake.input, now);
        }
        while let Some(&Reverse(wake)) = self.latecomers.peek().filter(|wake| wake.0.at == now) {
            self.latecomers.pop();
            self.end_handshake(wake.input, now);
        }
    }

    fn end_handshake(&mut self, number: u32, now: u64) {
        let input = self.ports.links[number as usize];
        if self.ports.links[input.through as usize].awaited() {
            self.choosing.push((input.through, Flight::NONE));
        }
        if input.awaited() && input.kind != Kind::Core {
            self.choosing.push((number, Flight::NONE));
        }
        if input.first != NONE && !input.asks() {
            let to = self.flits[input.first as usize].to;
            self.request(Flight { at: now, input: number, flit: input.first, to }, now);
        }
    }

    /// Channels that something changed for choose a packet, where they can. Those over a chip edge come last, in order
    /// of their ports, since those of one side share its wires; all others are independent.
    fn choose(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        for turn in 0..self.choosing.len() {
            let (channel, packet) = self.choosing[turn];
            if self.ports.links[channel as usize].kind == Kind::Edge {
                self.edges.choosing.push((channel, packet));
            } else {
                self.decide(channel, packet, now, arrivals);
            }
        }
        self.choosing.clear();
        if !self.edges.choosing.is_empty() {
            self.edges.choosing.sort_unstable();
            for turn in 0..self.edges.choosing.len() {
                let (channel, packet) = self.edges.choosing[turn];
                self.decide(channel, packet, now, arrivals);
            }
            self.edges.choosing.clear();
        }
    }

    #[inline]
    fn decide(&mut self, channel: u32, packet: Flight, now: u64, arrivals: &mut Vec<Arrival>) {
        match self.ports.choose(channel, now) {
            Choice::Nothing => {}
            Choice::WaitForSlot => self.wake_late(channel),
            Choice::Grant(from) => {
                // The packet and its input are at hand, nearly always: what is known is not looked up.
                let input = &mut self.ports.links[from as usize];
                let (first, alone) = (input.first, input.first == input.last);
                let input_since = input.since;
                let to = if packet.flit == first { packet.to } else { self.flits[first as usize].to };
                let behind = if alone { NONE } else { self.flits[first as usize].behind };
                input.first = behind;
                let packet = Flight { at: input_since, input: from, flit: first, to };
                self.carry(channel, packet, !alone, now, arrivals);
            }
        }
    }

    /// A channel takes a packet that is first in its input and asked at `packet.at`; `more` says whether others are behind it there.
    #[inline]
    fn carry(&mut self, number: u32, packet: Flight, more: bool, now: u64, arrivals: &mut Vec<Arrival>) {
        let Flight { flit, input: from, to, .. } = packet;
        let kind = self.ports.links[number as usize].kind;
        let end = match kind {
            Kind::Edge => self.edges.ends(&self.ports, number, now),
            _ => after(now, self.cycle),
        };
        let input = &mut self.ports.links[from as usize];
        if input.idle_at == 0 && input.kind == Kind::Core {
            self.used.push(from);
        }
        let blocks = input.send(number, end);
        let link = &mut self.ports.links[number as usize];
        if link.carry(from, end) == 1 {
            self.used.push(number);
        }
        let wanted = link.awaited();
        let fly = |hop| Flight { at: after(now, hop), input: number, flit, to };
        match kind {
            Kind::Horizontal => self.flights[0].push(fly(self.hop[0])),
            Kind::Vertical => self.flights[1].push(fly(self.hop[1])),
            Kind::Edge => self.edges.cross(&self.ports, number, packet, end),
            Kind::Core => {
                let tag = self.flits[flit as usize].tag;
                arrivals.push(Arrival { at: Picos(after(now, self.local)), tag });
            }
        }
        // The slot counts as free from now on; until the end of the handshake `Ports::choose` knows better.
        if more || wanted || blocks {
            if kind == Kind::Edge {
                return self.wake_late(from);
            }
            self.ports.links[from as usize].note_wake();
            self.wakes.push(Wake { at: end, input: from });
        }
    }

    /// Adds the tick to the loads of the links, and forgets its times.
    fn close(&mut self) {
        for number in self.used.drain(..) {
            let link = &mut self.ports.links[number as usize];
            (link.free_at, link.idle_at) = (0, 0);
            let packets = std::mem::take(&mut link.packets);
            if let Some((router, side)) = self.ports.sender(number) {
                let load = &mut self.links[router as usize * SIDES + side];
                load.packets += u64::from(packets);
                load.peak = load.peak.max(packets);
            }
        }
        self.edges.close();
    }
}

/// Arrivals come ascending in time; those of the same time are put in order of their tags.
fn order_ties(arrivals: &mut [Arrival]) {
    arrivals.chunk_by_mut(|a, b| a.at == b.at).for_each(|ties| ties.sort_unstable_by_key(|arrival| arrival.tag));
}
