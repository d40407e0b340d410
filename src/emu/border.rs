//! Packets over the borders between the chips of a board.
//!
//! The mesh moves packets as if all chips were one. What a border does besides is added here: a packet comes to each
//! border on its way when an empty mesh and the borders before would let it, waits there behind others, takes the link
//! for the time of its bits, and is behind the border a latency later. By how much longer than alone the mesh itself
//! held it up is added at the end. Where the links of a chip's side share their bandwidth, the side is one line; else
//! every router has its own. Where neither a time nor a latency of the links is known, borders are not felt.

use super::counters::BorderUse;
use super::mesh::{Arrival, Packet, zero_load};
use crate::board::queue::{Journey, Leg, Line, Lines};
use crate::chip::{ChipSpec, EdgeLink, MeshSpec};
use crate::ids::CoreId;
use crate::units::Picos;

/// The borders of a board, idle between ticks.
#[derive(Debug)]
pub(super) struct Borders {
    mesh: MeshSpec,
    edge: EdgeLink,
    lines: Lines,
    legs: Vec<Leg>,
    journeys: Vec<Journey>,
    /// Arrivals that crossed a border, by index.
    crossed: Vec<usize>,
    ends: Vec<u64>,
    pub(super) used: BorderUse,
}

impl Borders {
    /// Those of a chip that is a board of several; `None` for a single chip.
    pub(super) fn new(chip: &ChipSpec) -> Option<Self> {
        let (mesh, edge) = (chip.mesh.clone(), chip.mesh.edge.clone()?);
        let latency = edge.latency.unwrap_or(Picos::ZERO).0;
        let of_side = edge.side_packets_per_second.map(|rate| 1_000_000_000_000_u64.div_ceil(rate.max(1)));
        let occupied = of_side.or(edge.cycle.map(|cycle| cycle.0)).unwrap_or(0);
        let count = usize::from(mesh.width) * usize::from(mesh.height) * 4;
        Some(Self {
            lines: Lines::new(vec![Line { occupied, latency }; count]),
            mesh,
            edge,
            legs: Vec::new(),
            journeys: Vec::new(),
            crossed: Vec::new(),
            ends: Vec::new(),
            used: BorderUse::default(),
        })
    }

    /// Delays the arrivals of a tick, which stay ascending by (time, tag).
    pub(super) fn cross(&mut self, packets: &[Packet], arrivals: &mut [Arrival]) {
        self.legs.clear();
        self.journeys.clear();
        self.crossed.clear();
        for (index, arrival) in arrivals.iter().enumerate() {
            let packet = &packets[arrival.tag as usize];
            let (from, to) = (packet.from.map_or(self.mesh.host, |core| self.router(core)), self.router(packet.to));
            if self.edge.crossings(from, to) > 0 {
                let first = self.legs.len();
                let after = self.walk(from, to);
                let alone = zero_load(&self.mesh, packet.from, packet.to).unwrap_or(Picos::ZERO);
                let held = arrival.at.0.saturating_sub(packet.ready.0).saturating_sub(alone.0);
                self.journeys.push(Journey {
                    ready: packet.ready.0,
                    legs: first..self.legs.len(),
                    after: after.saturating_add(held),
                });
                self.crossed.push(index);
            }
        }
        if self.crossed.is_empty() {
            return;
        }
        self.lines.clear();
        self.lines.carry(&self.journeys, &self.legs, &mut self.ends);
        for (&index, &end) in self.crossed.iter().zip(&self.ends) {
            arrivals[index].at = Picos(end);
        }
        arrivals.sort_unstable_by_key(|arrival| (arrival.at, arrival.tag));
        for load in self.lines.loads() {
            self.used.crossings += load.packets;
            self.used.waited += Picos(load.waited);
            self.used.worst = self.used.worst.max(Picos(load.worst));
            self.used.busiest = self.used.busiest.max(Picos(load.busy));
        }
    }

    fn router(&self, core: CoreId) -> (u16, u16) {
        let router = core.0 / u32::from(self.mesh.cores_per_router);
        let width = u32::from(self.mesh.width);
        ((router % width) as u16, (router / width) as u16)
    }

    /// Lists the borders on the way, x first; returns the time from the last one to the core.
    fn walk(&mut self, from: (u16, u16), to: (u16, u16)) -> u64 {
        let time = |time: Option<Picos>| time.unwrap_or(Picos::ZERO).0;
        let (mut at, mut before) = (from, 0_u64);
        while at != to {
            let (side, next, hop) = if at.0 != to.0 {
                let east = to.0 > at.0;
                let x = if east { at.0 + 1 } else { at.0 - 1 };
                (usize::from(!east), (x, at.1), time(self.mesh.hop_x))
            } else {
                let south = to.1 > at.1;
                let y = if south { at.1 + 1 } else { at.1 - 1 };
                (2 + usize::from(south), (at.0, y), time(self.mesh.hop_y))
            };
            if self.edge.crossings(at, next) > 0 {
                self.legs.push(Leg { line: self.line(at, side), before });
                before = 0;
            }
            before = before.saturating_add(hop);
            at = next;
        }
        before.saturating_add(time(self.mesh.local))
    }

    /// The line out of a router over a side of its chip; a shared side is that of its chip's first router.
    fn line(&self, (x, y): (u16, u16), side: usize) -> u32 {
        let (wide, high) = self.edge.tile;
        let shared = self.edge.side_packets_per_second.is_some();
        let (x, y) = if shared { (x / wide * wide, y / high * high) } else { (x, y) };
        (u32::from(y) * u32::from(self.mesh.width) + u32::from(x)) * 4 + side as u32
    }
}
