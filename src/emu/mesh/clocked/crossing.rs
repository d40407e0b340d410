//! A handful of packets in an otherwise empty merge mesh: when each of them arrives, without stepping the mesh.
//!
//! Every merge is a queue: from the cycle at which a packet is in one of its buffers the packet asks it; a merge serves
//! whoever asks at the first of its inputs, oldest first, is free again 2 cycles later, and has put the packet into the next
//! buffer by then. So only the cycles at which somebody asks are looked at, each packet for itself, in order of time. That is
//! exact as long as no buffer fills: only then does a merge's choice depend on more than who waits there. Where one
//! would fill, nothing is decided, and the mesh has to be stepped.

use super::flight::{Walk, Way};
use super::merge::{Flit, MergeMeshSpec};
use super::routes::MERGES;

/// A packet that goes into its first buffer.
#[derive(Debug, Clone, Copy)]
pub(in crate::emu) struct Departure {
    /// The edge that puts it there.
    pub(in crate::emu) left: u64,
    /// The router behind whose core it starts, or that of the input buffer.
    pub(in crate::emu) from: u32,
    /// Whether it comes from outside.
    pub(in crate::emu) outside: bool,
    pub(in crate::emu) flit: Flit,
}

impl Departure {
    /// The edge at which its core gets it if it meets nobody.
    pub(in crate::emu) fn arrives(&self) -> u64 {
        self.left + flight_time(self.flit)
    }
}

/// Cycles from the first buffer to the core for a packet that meets nobody.
pub(in crate::emu) fn flight_time(flit: Flit) -> u64 {
    2 * (u64::from(flit.dx.unsigned_abs()) + u64::from(flit.dy.unsigned_abs()) + 3)
}

/// A packet under way.
#[derive(Debug, Clone, Copy)]
struct Walker {
    /// The cycle at which it asks its merge next; `u64::MAX` where it has arrived.
    asks: u64,
    /// The cycle from which it is in the buffer.
    ready: u64,
    walk: Walk,
}

/// What a merge does.
#[derive(Debug, Clone, Copy, Default)]
struct Server {
    /// The round in which the rest of this was written.
    round: u32,
    /// How often somebody had to wait here.
    waits: u32,
    /// The cycle from which it can serve.
    free: u64,
    /// The cycle after the one in which it is being asked, and the walker that it serves so far.
    asked: u64,
    first: u32,
}

/// Who is served when.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Crossings {
    width: u32,
    depth: usize,
    round: u32,
    servers: Vec<Server>,
    walkers: Vec<Walker>,
    /// Merges that serve somebody in the cycle in work.
    serving: Vec<u32>,
    arrivals: Vec<u64>,
}

impl Crossings {
    pub(in crate::emu) fn new(spec: &MergeMeshSpec) -> Self {
        Self {
            width: spec.width,
            depth: spec.depth.min(spec.input_depth) as usize,
            round: 0,
            servers: vec![Server::default(); (spec.width * spec.height * MERGES) as usize],
            walkers: Vec::new(),
            serving: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// When each packet arrives; `false` where the mesh has to be stepped. All ways lie within the grid.
    pub(in crate::emu) fn resolve(&mut self, packets: &[Departure]) -> bool {
        self.next_round();
        let walker = |packet: &Departure| Walker {
            asks: packet.left,
            ready: packet.left,
            walk: Way::new(self.width, packet.from, packet.outside, packet.flit).walk(),
        };
        // A round that was given up has left its own.
        self.serving.clear();
        self.walkers.clear();
        self.walkers.extend(packets.iter().map(walker));
        self.arrivals.clear();
        self.arrivals.resize(packets.len(), 0);
        let mut under_way = packets.len();
        let mut now = packets.iter().map(|packet| packet.left).min().unwrap_or(0);
        while under_way > 0 {
            let Some(next) = self.ask(now) else { return false };
            under_way -= self.serve(now);
            now = next.min(now + 2);
        }
        true
    }

    /// Arrivals of the packets that were resolved, in their order.
    pub(in crate::emu) fn arrivals(&self) -> &[u64] {
        &self.arrivals
    }

    fn next_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.servers.fill(Server::default());
            self.round = 1;
        }
    }

    /// Everybody who asks at `now` is chosen or told when to ask again. The next cycle in which one asks who was not chosen;
    /// none where a buffer would fill.
    #[inline]
    fn ask(&mut self, now: u64) -> Option<u64> {
        let mut next = u64::MAX;
        for index in 0..self.walkers.len() {
            let walker = self.walkers[index];
            if walker.asks > now {
                next = next.min(walker.asks);
                continue;
            }
            let server = &mut self.servers[walker.walk.merge as usize];
            if server.round != self.round {
                *server = Server { round: self.round, ..Server::default() };
            }
            let number = index as u32;
            let (waits, until) = if server.free > now {
                (index, server.free)
            } else if server.asked == now + 1 {
                let first = server.first as usize;
                let other = &self.walkers[first];
                if (walker.walk.input, walker.ready) < (other.walk.input, other.ready) {
                    server.first = number;
                    (first, now + 2)
                } else {
                    (index, now + 2)
                }
            } else {
                (server.asked, server.first) = (now + 1, number);
                self.serving.push(walker.walk.merge);
                continue;
            };
            server.waits += 1;
            let may_fill = server.waits as usize + 1 >= self.depth;
            self.walkers[waits].asks = until;
            next = next.min(until);
            if may_fill && self.fill(waits, now) >= self.depth {
                return None;
            }
        }
        Some(next)
    }

    /// Packets in the buffer that `walker` waits in.
    #[cold]
    fn fill(&self, walker: usize, now: u64) -> usize {
        let Walk { merge, input, .. } = self.walkers[walker].walk;
        let with_it = |other: &&Walker| other.walk.merge == merge && other.walk.input == input && other.ready <= now;
        self.walkers.iter().filter(with_it).count()
    }

    /// The chosen go on; how many have arrived.
    #[inline]
    fn serve(&mut self, now: u64) -> usize {
        let mut arrived = 0;
        for merge in self.serving.drain(..) {
            let server = &mut self.servers[merge as usize];
            server.free = now + 2;
            let walker = &mut self.walkers[server.first as usize];
            if walker.walk.on(self.width) {
                (walker.asks, walker.ready) = (now + 2, now + 2);
            } else {
                (walker.asks, walker.ready) = (u64::MAX, u64::MAX);
                self.arrivals[server.first as usize] = now + 2;
                arrived += 1;
            }
        }
        arrived
    }
}
