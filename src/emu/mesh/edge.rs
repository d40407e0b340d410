//! Links over chip edges: the wires that all rows (or columns) of one side of a chip share.
//!
//! A channel over an edge grants at `g` as every other, but its packet is merged with those of the other rows of that
//! side: it leaves at `d`, the later of `g` and the end of the packet before on the wires, and is sent bit by bit: both
//! the wires and the handshake are taken until `d + serial`, and it is in the input at the far end at
//! `d + serial + hop + latency`. Grants of one time on one side go by the row's number. Where no rate of a side is known
//! each channel has wires of its own; where none of a link is known either, they are as fast as a channel on the chip.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ports::{Ports, SIDES};
use super::{Flight, after};
use crate::chip::{EdgeLink, MeshSpec};
use crate::emu::counters::BorderUse;
use crate::units::Picos;

/// Picoseconds in a second.
const SECOND: u64 = 1_000_000_000_000;

/// The wires over all chip edges of a board; none on a single chip.
#[derive(Debug, Clone)]
pub(super) struct Edges {
    /// Channels over edges that choose at this time, as in `Mesh::choosing`.
    pub choosing: Vec<(u32, Flight)>,
    /// Time for which a packet takes the wires.
    cycle: u64,
    /// From leaving to the input at the far end, in x and in y.
    flight: [u64; 2],
    /// When the wires are free again, by [`Edges::wires`], how long they were taken in this tick, and those that were.
    free_at: Vec<u64>,
    taken: Vec<u64>,
    used: Vec<u32>,
    /// Routers of a chip, chips and routers in x; whether a side's channels share its wires.
    tile: (u32, u32),
    chips: u32,
    width: u32,
    shared: bool,
    flights: BinaryHeap<Reverse<Flight>>,
    pub(super) counts: BorderUse,
}

impl Edges {
    pub(super) fn new(spec: &MeshSpec, ports: &Ports) -> Self {
        let picos = |time: Option<Picos>| time.unwrap_or(Picos::ZERO).0;
        let (width, height) = (u32::from(spec.width), u32::from(spec.height));
        let mut edges = Self {
            choosing: Vec::new(),
            cycle: 0,
            flight: [0; 2],
            free_at: Vec::new(),
            taken: Vec::new(),
            used: Vec::new(),
            tile: (width, height),
            chips: 1,
            width,
            shared: false,
            flights: BinaryHeap::new(),
            counts: BorderUse::default(),
        };
        if let Some(link) = &spec.edge {
            let serial = serial(link);
            edges.cycle = serial.map_or(picos(spec.cycle), |serial| serial.0).max(1);
            let extra = after(picos(serial), picos(link.latency));
            edges.flight = [spec.hop_x, spec.hop_y].map(|hop| after(picos(hop), extra));
            edges.tile = (u32::from(link.tile.0.max(1)), u32::from(link.tile.1.max(1)));
            edges.chips = width.div_ceil(edges.tile.0);
            edges.shared = link.side_packets_per_second.is_some();
            let wires = if edges.shared {
                edges.chips as usize * height.div_ceil(edges.tile.1) as usize * SIDES
            } else {
                ports.routers() * SIDES
            };
            (edges.free_at, edges.taken) = (vec![0; wires], vec![0; wires]);
        }
        edges
    }

    /// Number of the wires of a router's side.
    fn wires(&self, router: u32, side: usize) -> usize {
        let (x, y) = (router % self.width, router / self.width);
        let sender = if self.shared { y / self.tile.1 * self.chips + x / self.tile.0 } else { router };
        sender as usize * SIDES + side
    }

    /// The next packet that comes over an edge.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.flights.peek().map_or(super::NEVER, |flight| flight.0.at)
    }

    pub(super) fn pop_at(&mut self, now: u64) -> Option<Flight> {
        self.flights.peek().filter(|flight| flight.0.at == now)?;
        self.flights.pop().map(|flight| flight.0)
    }

    /// When the handshake of a grant at `now` over an edge ends.
    pub(super) fn ends(&self, ports: &Ports, link: u32, now: u64) -> u64 {
        let Some((router, side)) = ports.sender(link) else { return now };
        after(now.max(self.free_at[self.wires(router, side)]), self.cycle)
    }

    /// A packet that asked at `packet.at` takes the wires until `end`, as [`Edges::ends`] has said.
    pub(super) fn cross(&mut self, ports: &Ports, link: u32, packet: Flight, end: u64) {
        let Some((router, side)) = ports.sender(link) else { return };
        let wires = self.wires(router, side);
        if self.free_at[wires] == 0 {
            self.used.push(wires as u32);
        }
        self.free_at[wires] = end;
        let leaves = end.saturating_sub(self.cycle);
        self.flights.push(Reverse(Flight { at: after(leaves, self.flight[side / 2]), input: link, ..packet }));
        self.taken[wires] += self.cycle;
        let waited = Picos(leaves.saturating_sub(packet.at));
        self.counts.crossings += 1;
        self.counts.waited += waited;
        self.counts.worst = self.counts.worst.max(waited);
        self.counts.busiest = self.counts.busiest.max(Picos(self.taken[wires]));
    }

    /// Forgets the times of the tick.
    pub(super) fn close(&mut self) {
        for wires in self.used.drain(..) {
            (self.free_at[wires as usize], self.taken[wires as usize]) = (0, 0);
        }
    }
}

/// How long a packet is sent over an edge: the time of a side's packet, else of a link's.
pub(super) fn serial(link: &EdgeLink) -> Option<Picos> {
    let of_side = link.side_packets_per_second.map(|rate| Picos(SECOND.div_ceil(rate.max(1))));
    of_side.or(link.cycle)
}
