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
//! heap. Nothing is allocated once the queues have grown to the size of the largest tick.

pub mod clocked;
mod ports;
mod queue;
mod route;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use self::ports::{Choice, NONE, Ports, SIDES};
use self::queue::{Queue, Timed};
pub use self::route::{hops, zero_load};
use super::counters::LinkLoad;
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

/// Where a packet goes: the router, and that router's channel to the core.
#[derive(Debug, Clone, Copy, Default)]
struct Target {
    x: u16,
    y: u16,
    exit: u32,
}

/// A packet under way.
#[derive(Debug, Clone, Copy)]
struct Flit {
    to: Target,
    /// The packet behind it in the same input.
    behind: u32,
    tag: u32,
}

/// A packet that its source has not offered yet; ordered as the source offers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    ready: u64,
    tag: u32,
    packet: u32,
}

/// A packet on a wire to an input.
#[derive(Debug, Clone, Copy, Default)]
struct Flight {
    at: u64,
    flit: u32,
    input: u32,
    to: Target,
}

/// The end of a handshake that something waits for, by the input that sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Wake {
    at: u64,
    input: u32,
}

impl Timed for Flight {
    fn at(&self) -> u64 {
        self.at
    }
}

impl Timed for Wake {
    fn at(&self) -> u64 {
        self.at
    }
}

/// The end of time, when nothing happens any more.
const NEVER: u64 = u64::MAX;

/// A time after another; what would overflow happens at the last moment (such times come from absurd chip files only).
#[inline]
const fn after(now: u64, delay: u64) -> u64 {
    let time = now.saturating_add(delay);
    if time == NEVER { NEVER - 1 } else { time }
}

/// The mesh of one chip: empty between ticks, with the loads of its links accumulated.
#[derive(Debug, Clone)]
pub struct Mesh {
    spec: MeshSpec,
    hop: [u64; 2],
    local: u64,
    cycle: u64,
    ports: Ports,
    flits: Vec<Flit>,
    offers: Vec<Offer>,
    flights: [Queue<Flight>; 2],
    wakes: Queue<Wake>,
    latecomers: BinaryHeap<Reverse<Wake>>,
    choosing: Vec<u32>,
    /// Channels and inputs that were used in this tick.
    used: Vec<u32>,
    senders: Vec<u32>,
    links: Vec<LinkLoad>,
}

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
            ports,
            flits: Vec::new(),
            offers: Vec::new(),
            flights: [Queue::new(), Queue::new()],
            wakes: Queue::new(),
            latecomers: BinaryHeap::new(),
            choosing: Vec::new(),
            used: Vec::new(),
            senders: Vec::new(),
        }
    }

    /// Moves the packets of one tick, given in any order, through the empty mesh. `arrivals` is cleared and then
    /// holds each packet once, ascending by (time, tag).
    ///
    /// # Panics
    /// If a core is not on the chip.
    pub fn deliver(&mut self, packets: &[Packet], arrivals: &mut Vec<Arrival>) {
        arrivals.clear();
        self.load(packets);
        let mut offered = 0;
        loop {
            let now = self.next_time(offered);
            if now == NEVER {
                break;
            }
            self.offer(now, &mut offered, packets);
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

    /// Numbers the tick's packets in the order in which their sources offer them.
    fn load(&mut self, packets: &[Packet]) {
        self.offers.clear();
        self.offers.extend((0..).zip(packets).map(|(packet, &Packet { ready, tag, .. })| Offer {
            ready: after(ready.0, 0),
            tag,
            packet,
        }));
        self.offers.sort_unstable();
        self.flits.clear();
        self.flits.extend(self.offers.iter().map(|offer| {
            let to = packets[offer.packet as usize].to;
            let (x, y) = route::router_of(&self.spec, to);
            Flit { to: Target { x, y, exit: self.ports.of_core(to) }, behind: NONE, tag: offer.tag }
        }));
    }

    /// When the next thing happens, or [`NEVER`].
    #[inline]
    fn next_time(&self, offered: usize) -> u64 {
        let offer = self.offers.get(offered).map_or(NEVER, |offer| offer.ready);
        let flight = self.flights[0].next().min(self.flights[1].next());
        let late = self.latecomers.peek().map_or(NEVER, |wake| wake.0.at);
        offer.min(flight).min(self.wakes.next()).min(late)
    }

    /// Sources offer what is ready.
    fn offer(&mut self, now: u64, offered: &mut usize, packets: &[Packet]) {
        while let Some(&offer) = self.offers.get(*offered).filter(|offer| offer.ready == now) {
            let from = packets[offer.packet as usize].from;
            let input = from.map_or(self.ports.of_host(), |core| self.ports.of_core(core));
            self.enter(*offered as u32, self.flits[*offered].to, input, now);
            *offered += 1;
        }
    }

    /// Packets reach the far ends of their wires.
    fn land(&mut self, now: u64) {
        for axis in 0..2 {
            while let Some(flight) = self.flights[axis].pop_at(now) {
                self.enter(flight.flit, flight.to, flight.input, now);
            }
        }
    }

    /// A packet joins an input; where it is first and the input is idle, it asks for its channel.
    fn enter(&mut self, flit: u32, to: Target, number: u32, now: u64) {
        let input = &mut self.ports.inputs[number as usize];
        if input.first == NONE {
            input.first = flit;
            input.last = flit;
            if input.idle_at <= now {
                self.request(number, to, now);
            } else {
                self.wake_late(number);
            }
        } else {
            self.flits[input.last as usize].behind = flit;
            input.last = flit;
        }
    }

    /// The first packet of an input asks for its channel.
    fn request(&mut self, number: u32, to: Target, now: u64) {
        let input = &mut self.ports.inputs[number as usize];
        input.asks = true;
        let channel = route::next_channel(input, to);
        self.ports.wait(channel, number, now);
        let waited_for = &self.ports.channels[channel as usize];
        if waited_for.idle_at <= now {
            self.choosing.push(channel);
        } else {
            self.wake_late(waited_for.serving);
        }
    }

    /// Something waits for the end of a handshake under way.
    fn wake_late(&mut self, number: u32) {
        let input = &mut self.ports.inputs[number as usize];
        if !input.wakes {
            input.wakes = true;
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
        let input = &self.ports.inputs[number as usize];
        let (through, behind) = (input.through, input.channel);
        if self.ports.channels[through as usize].awaited() {
            self.choosing.push(through);
        }
        if behind != NONE && self.ports.channels[behind as usize].awaited() {
            self.choosing.push(behind);
        }
        if input.first != NONE && !input.asks {
            self.request(number, self.flits[input.first as usize].to, now);
        }
    }

    /// Channels that something changed for choose a packet, where they can.
    fn choose(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        for turn in 0..self.choosing.len() {
            let channel = self.choosing[turn];
            match self.ports.choose(channel, now) {
                Choice::Nothing => {}
                Choice::WaitFor(input) => self.wake_late(input),
                Choice::Grant(input) => self.grant(channel, input, now, arrivals),
            }
        }
        self.choosing.clear();
    }

    /// A channel takes the first packet of an input.
    fn grant(&mut self, number: u32, from: u32, now: u64, arrivals: &mut Vec<Arrival>) {
        let end = after(now, self.cycle);
        let input = &mut self.ports.inputs[from as usize];
        if input.idle_at == 0 {
            self.senders.push(from);
        }
        let first = input.first;
        let flit = &mut self.flits[first as usize];
        input.first = std::mem::replace(&mut flit.behind, NONE);
        input.send(number, end);
        let (more, behind) = (input.first != NONE, input.channel);

        let channel = &mut self.ports.channels[number as usize];
        channel.packets += 1;
        if channel.packets == 1 {
            self.used.push(number);
        }
        channel.idle_at = end;
        let wanted = channel.awaited();
        if channel.input == NONE {
            arrivals.push(Arrival { at: Picos(after(now, self.local)), tag: flit.tag });
        } else {
            channel.slots -= 1;
            let axis = usize::from(channel.vertical);
            let at = after(now, self.hop[axis]);
            self.flights[axis].push(Flight { at, flit: first, input: channel.input, to: flit.to });
        }
        // The slot counts as free from now on; until the end of the handshake `Ports::choose` knows better.
        let blocks = behind != NONE && self.ports.release(behind);
        if more || wanted || blocks {
            self.ports.inputs[from as usize].wakes = true;
            self.wakes.push(Wake { at: end, input: from });
        }
    }

    /// Adds the tick to the loads of the links, and forgets its times.
    fn close(&mut self) {
        for number in self.used.drain(..) {
            let channel = &mut self.ports.channels[number as usize];
            channel.idle_at = 0;
            let packets = std::mem::take(&mut channel.packets);
            if let Some(link) = self.ports.link(number) {
                let load = &mut self.links[link];
                load.packets += u64::from(packets);
                load.peak = load.peak.max(packets);
            }
        }
        for number in self.senders.drain(..) {
            self.ports.inputs[number as usize].idle_at = 0;
        }
    }
}

/// Arrivals come ascending in time; those of the same time are put in order of their tags.
fn order_ties(arrivals: &mut [Arrival]) {
    arrivals.chunk_by_mut(|a, b| a.at == b.at).for_each(|ties| ties.sort_unstable_by_key(|arrival| arrival.tag));
}
