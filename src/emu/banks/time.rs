//! The time pass: packets cross the mesh, cores take them in, the tick ends.

use super::{HOST, Parcel, Table};
use crate::emu::counters::{Faults, LinkLoad, PacketLatency, TickTime};
use crate::emu::mesh::{Arrival, Mesh, Packet};
use crate::emu::program::{Program, Target};
use crate::emu::sync::periods_late;
use crate::units::Picos;

/// A packet that missed its tick: it is placed as if it had been sent in tick `sent`.
#[derive(Debug, Clone, Copy)]
struct Late {
    sent: u64,
    to: Target,
}

/// What the time pass keeps.
#[derive(Debug)]
pub(super) struct TimePass {
    mesh: Mesh,
    parcels: Vec<Parcel>,
    packets: Vec<Packet>,
    arrivals: Vec<Arrival>,
    /// Ticks by which each parcel misses its tick; empty where none does.
    lateness: Vec<u64>,
    late: Vec<Late>,
    pub(super) faults: Faults,
    pub(super) latency: PacketLatency,
    pub(super) times: Vec<TickTime>,
}

impl TimePass {
    pub(super) fn new(program: &Program) -> Self {
        Self {
            mesh: Mesh::new(&program.chip.mesh),
            parcels: Vec::new(),
            packets: Vec::new(),
            arrivals: Vec::new(),
            lateness: Vec::new(),
            late: Vec::new(),
            faults: Faults::default(),
            latency: PacketLatency::default(),
            times: Vec::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.parcels.clear();
        self.late.clear();
        self.faults = Faults::default();
        self.latency = PacketLatency::default();
        self.times.clear();
    }

    /// Load of the links since it was last taken.
    pub(super) fn take_links(&mut self) -> Vec<LinkLoad> {
        self.mesh.take_links()
    }

    /// Begins a tick.
    pub(super) fn begin(&mut self) {
        self.parcels.clear();
    }

    /// A packet of the host.
    pub(super) fn offer(&mut self, to: Target) {
        self.parcels.push(Parcel { from: HOST, to, ready: Picos::ZERO });
    }

    /// The whole pass, after the cores' step.
    pub(super) fn pass(&mut self, program: &Program, table: &mut Table<'_>, tick: u32) {
        table.banks.iter().for_each(|bank| self.parcels.extend_from_slice(&bank.parcels));
        self.packets.clear();
        self.packets.extend((0..).zip(&self.parcels).map(|(tag, parcel)| Packet {
            ready: parcel.ready,
            from: (parcel.from != HOST).then(|| program.cores[parcel.from as usize].id),
            to: program.cores[parcel.to.core as usize].id,
            tag,
        }));
        self.mesh.deliver(&self.packets, &mut self.arrivals);
        let drained = self.arrivals.last().map_or(Picos::ZERO, |arrival| arrival.at);
        self.take_in(program, table);
        let busy = self.close(program, table);
        let duration = program.period.map_or_else(|| busy.max(drained) + program.barrier, Picos);
        self.times.push(TickTime { duration, busy, drained });
        self.deliver(table, tick);
    }

    /// Each core takes its packets in one after the other, in order of arrival; which miss their tick?
    fn take_in(&mut self, program: &Program, table: &mut Table<'_>) {
        self.lateness.clear();
        for arrival in &self.arrivals {
            let parcel = self.parcels[arrival.tag as usize];
            let waited = Picos(arrival.at.0.saturating_sub(parcel.ready.0));
            self.latency.packets += 1;
            self.latency.total += waited;
            self.latency.worst = self.latency.worst.max(waited);
            let (bank, local) = table.at(parcel.to.core);
            let free = &mut bank.clocks[local].intake_free;
            let done = Picos((*free).max(arrival.at.0)) + Picos(program.times.axon_in);
            *free = done.0;
            let Some(period) = program.period else { continue };
            // A late bit waits until the ring comes round to its row again.
            let deadline = period.saturating_mul(parcel.to.delay.into());
            if done.0 > deadline {
                let turn = program.cores[parcel.to.core as usize].crossbar().ring_rows() as u64;
                self.faults.late_packets += 1;
                self.lateness.resize(self.parcels.len(), 0);
                let turns = periods_late(done, deadline, period.saturating_mul(turn));
                self.lateness[arrival.tag as usize] = turns * turn;
            }
        }
    }

    /// Ends the tick at every core: overruns are counted, and backlogs go on into the next tick.
    fn close(&mut self, program: &Program, table: &mut Table<'_>) -> Picos {
        let (mut busy, end) = (0, program.period.unwrap_or(u64::MAX));
        for clock in table.banks.iter_mut().flat_map(|bank| &mut bank.clocks) {
            let done = clock.swept.max(clock.intake_free);
            busy = busy.max(done);
            self.faults.overruns += u64::from(done > end);
            clock.start = clock.swept.saturating_sub(end);
            clock.intake_free = clock.intake_free.saturating_sub(end);
        }
        Picos(busy)
    }

    /// Places the packets of this tick, and earlier ones that were late until now.
    fn deliver(&mut self, table: &mut Table<'_>, tick: u32) {
        let tick = u64::from(tick);
        let mut place = |to: Target| {
            let (bank, local) = table.at(to.core);
            bank.place(local, to.axon, tick + u64::from(to.delay));
        };
        for (tag, parcel) in self.parcels.iter().enumerate() {
            match self.lateness.get(tag) {
                None | Some(0) => place(parcel.to),
                Some(&ticks) => self.late.push(Late { sent: tick + ticks, to: parcel.to }),
            }
        }
        self.late.retain(|late| {
            let due = late.sent == tick;
            if due {
                place(late.to);
            }
            !due
        });
    }

    /// Whether a tick without input takes as long as the last one and leaves nothing behind.
    pub(super) fn is_quiet(&self, table: &Table<'_>) -> bool {
        let clocks = || table.banks.iter().flat_map(|bank| &bank.clocks);
        // A tick with packets, the first after it, and every one with a backlog are stepped.
        let still = self.parcels.is_empty() && self.late.is_empty();
        let even = matches!(self.times.as_slice(), [.., before, last] if before.busy == last.busy);
        still && even && clocks().all(|c| c.start == 0 && c.intake_free == 0)
    }

    /// `ticks` more ticks like the last.
    pub(super) fn repeat(&mut self, ticks: u32) {
        if let Some(&last) = self.times.last() {
            self.times.resize(self.times.len() + ticks as usize, last);
        }
    }
}
