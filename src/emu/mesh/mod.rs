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
//! All times are integer picoseconds since the start of the tick. A value that the chip file leaves out counts
//! as zero here ([`zero_load`] says `None`, so that a report can tell).
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
//! caller's packets. Where `cycle` or a hop is zero, the same time is visited again, in rounds, until nothing more
//! happens. Packets go from x to y and never back, and cores always accept: no cycle of waiting, no deadlock.
//!
//! # How it is computed
//!
//! Every delay is one of three constants, and time only grows. So each kind of event fills its own queue already
//! in order, and the next event is the smallest of four fronts: no heap, no wheel, and no allocation once the queues have
//! grown to the size of the largest tick.

mod ports;
mod queue;
mod route;

use self::ports::{NONE, Ports, SIDES};
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

/// A packet under way.
#[derive(Debug, Clone, Copy)]
struct Flit {
    /// Router of the destination.
    x: u16,
    y: u16,
    /// Channel of that router to the destination core.
    exit: u32,
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

/// A packet on a wire.
#[derive(Debug, Clone, Copy, Default)]
struct Flight {
    at: u64,
    flit: u32,
    input: u32,
}

/// A handshake that will end.
#[derive(Debug, Clone, Copy, Default)]
struct Handshake {
    at: u64,
    channel: u32,
}

impl Timed for Flight {
    fn at(&self) -> u64 {
        self.at
    }
}

impl Timed for Handshake {
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
    handshakes: Queue<Handshake>,
    choosing: Vec<u32>,
    used: Vec<u32>,
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
            cycle: picos(spec.cycle),
            links: vec![LinkLoad::default(); ports.routers() * SIDES],
            ports,
            flits: Vec::new(),
            offers: Vec::new(),
            flights: [Queue::new(), Queue::new()],
            handshakes: Queue::new(),
            choosing: Vec::new(),
            used: Vec::new(),
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
            self.finish(now);
            self.grant(now, arrivals);
        }
        order_ties(arrivals);
        self.count_links();
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
            Flit { x, y, exit: self.ports.of_core(to), behind: NONE, tag: offer.tag }
        }));
    }

    /// When the next thing happens, or [`NEVER`].
    #[inline]
    fn next_time(&self, offered: usize) -> u64 {
        let offer = self.offers.get(offered).map_or(NEVER, |offer| offer.ready);
        let flight = self.flights[0].next().min(self.flights[1].next());
        offer.min(flight).min(self.handshakes.next())
    }

    /// Sources offer what is ready.
    fn offer(&mut self, now: u64, offered: &mut usize, packets: &[Packet]) {
        while let Some(&offer) = self.offers.get(*offered).filter(|offer| offer.ready == now) {
            let from = packets[offer.packet as usize].from;
            let input = from.map_or(self.ports.of_host(), |core| self.ports.of_core(core));
            self.enter(*offered as u32, input, now);
            *offered += 1;
        }
    }

    /// Packets reach the far ends of their wires.
    fn land(&mut self, now: u64) {
        for axis in 0..2 {
            while let Some(flight) = self.flights[axis].pop_at(now) {
                self.enter(flight.flit, flight.input, now);
            }
        }
    }

    /// A packet joins an input and asks for its channel, where it is first and the input is idle.
    fn enter(&mut self, flit: u32, number: u32, now: u64) {
        let input = &mut self.ports.inputs[number as usize];
        if input.first == NONE {
            input.first = flit;
            input.last = flit;
            if !input.sending {
                self.request(number, now);
            }
        } else {
            self.flits[input.last as usize].behind = flit;
            input.last = flit;
        }
    }

    /// The first packet of an input asks for its channel.
    fn request(&mut self, number: u32, now: u64) {
        let input = &self.ports.inputs[number as usize];
        let channel = route::next_channel(input, &self.flits[input.first as usize]);
        self.ports.wait(channel, number, now);
        self.choosing.push(channel);
    }

    /// Handshakes end: the channel and the input behind it are idle, and one slot of that input is free.
    fn finish(&mut self, now: u64) {
        while let Some(handshake) = self.handshakes.pop_at(now) {
            let channel = &mut self.ports.channels[handshake.channel as usize];
            let number = std::mem::replace(&mut channel.serving, NONE);
            if channel.awaited() {
                self.choosing.push(handshake.channel);
            }
            let input = &mut self.ports.inputs[number as usize];
            input.sending = false;
            let (waits, behind) = (input.first != NONE, input.channel);
            if waits {
                self.request(number, now);
            }
            if behind != NONE {
                let channel = &mut self.ports.channels[behind as usize];
                channel.slots += 1;
                if channel.awaited() {
                    self.choosing.push(behind);
                }
            }
        }
    }

    /// Channels that something changed for choose a packet, where they can.
    fn grant(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        let mut choosing = std::mem::take(&mut self.choosing);
        for &number in &choosing {
            let Some(input) = self.ports.choose(number) else { continue };
            let input = &mut self.ports.inputs[input as usize];
            let flit = input.first;
            input.first = std::mem::replace(&mut self.flits[flit as usize].behind, NONE);
            input.sending = true;
            let channel = &mut self.ports.channels[number as usize];
            channel.packets += 1;
            if channel.packets == 1 {
                self.used.push(number);
            }
            if channel.input == NONE {
                let tag = self.flits[flit as usize].tag;
                arrivals.push(Arrival { at: Picos(after(now, self.local)), tag });
            } else {
                channel.slots -= 1;
                let axis = usize::from(channel.vertical);
                let at = after(now, self.hop[axis]);
                self.flights[axis].push(Flight { at, flit, input: channel.input });
            }
            self.handshakes.push(Handshake { at: after(now, self.cycle), channel: number });
        }
        choosing.clear();
        self.choosing = choosing;
    }

    /// Adds the tick to the loads of the links.
    fn count_links(&mut self) {
        for number in self.used.drain(..) {
            let packets = std::mem::take(&mut self.ports.channels[number as usize].packets);
            if let Some(link) = self.ports.link(number) {
                let load = &mut self.links[link];
                load.packets += u64::from(packets);
                load.peak = load.peak.max(packets);
            }
        }
    }
}

/// Arrivals come ascending in time; those of the same time are put in order of their tags.
fn order_ties(arrivals: &mut [Arrival]) {
    arrivals.chunk_by_mut(|a, b| a.at == b.at).for_each(|ties| ties.sort_unstable_by_key(|arrival| arrival.tag));
}
