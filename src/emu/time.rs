//! The time pass: packets cross the mesh, cores take them in, the tick ends.

use super::counters::{BorderUse, Faults, LinkLoad, PacketLatency, TickTime};
use super::law::Law;
use super::mesh::{Arrival, Mesh, Packet};
use super::neurocore::Outgoing;
use super::program::{Program, Target};
use super::sync::periods_late;
use crate::ids::CoreId;
use crate::units::Picos;

/// Times of a core within a tick, in picoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// Backlog of the neuron unit from the tick before (fixed ticks only).
    pub(super) start: u64,
    /// When the neurons of this tick are done.
    pub(super) swept: u64,
    /// When the unit that takes packets in is free.
    pub(super) intake_free: u64,
}

/// A packet under way, from the host where `from` is [`HOST`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel {
    /// Index of the core.
    pub(super) from: u32,
    pub(super) to: Target,
    pub(super) ready: Picos,
    pub(super) payload: i32,
    /// A flit that others of the same packet follow: it only takes the way.
    pub(super) part: bool,
}

/// The sender number of the host.
pub(super) const HOST: u32 = u32::MAX;

/// How many packets before its turn what a packet costs is asked for.
const AHEAD: usize = 8;

/// The cores, as the time pass needs them; by index, however threads share them.
pub(super) trait Cores {
    fn clock(&mut self, core: u32) -> &mut Clock;

    fn each_clock(&mut self, see: impl FnMut(&mut Clock));

    /// Places a packet as one that was sent in tick `sent`.
    fn place(&mut self, to: Target, payload: i32, sent: u64);

    /// Asks memory for what [`Cores::intake`] looks up.
    fn fetch(program: &Program, to: Target);

    /// How long the core works on a packet that it takes in.
    fn intake(program: &Program, to: Target) -> Picos;

    /// In how many ticks a packet must be in, and after how many more a later one has its turn.
    fn turns(program: &Program, to: Target) -> (u64, u64);
}

/// A packet that missed its tick: it is placed as if it had been sent in tick `sent`.
#[derive(Debug, Clone, Copy)]
struct Late {
    sent: u64,
    to: Target,
    payload: i32,
}

/// What the time pass keeps.
#[derive(Debug)]
pub(super) struct TimePass {
    mesh: Mesh,
    /// The cores by index.
    ids: Vec<CoreId>,
    parcels: Vec<Parcel>,
    packets: Vec<Packet>,
    arrivals: Vec<Arrival>,
    /// Ticks by which each parcel misses its tick; empty where none does.
    lateness: Vec<u64>,
    late: Vec<Late>,
    pub(super) faults: Faults,
    pub(super) latency: PacketLatency,
    pub(super) times: Vec<TickTime>,
    /// Where the chip's run time has a law: what it says of each tick.
    law: Option<Law>,
    pub(super) bounds: Vec<Picos>,
}

impl TimePass {
    pub(super) fn new(program: &Program, threads: usize) -> Self {
        Self {
            mesh: Mesh::new(&program.chip.mesh).on_threads(threads),
            ids: program.cores.iter().map(|core| core.id).collect(),
            parcels: Vec::new(),
            packets: Vec::new(),
            arrivals: Vec::new(),
            lateness: Vec::new(),
            late: Vec::new(),
            faults: Faults::default(),
            latency: PacketLatency::default(),
            times: Vec::new(),
            law: program.has_law().then(Law::default),
            bounds: Vec::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.parcels.clear();
        self.late.clear();
        self.faults = Faults::default();
        self.latency = PacketLatency::default();
        self.mesh.forget_borders();
        self.times.clear();
        self.bounds.clear();
    }

    /// Load of the links since it was last taken.
    pub(super) fn take_links(&mut self) -> Vec<LinkLoad> {
        self.mesh.take_links()
    }

    /// Use of chip borders since the reset.
    pub(super) fn borders(&self) -> BorderUse {
        self.mesh.borders()
    }

    /// Begins a tick.
    pub(super) fn begin(&mut self) {
        self.parcels.clear();
    }

    /// A packet of the host.
    pub(super) fn offer(&mut self, to: Target, payload: i32) {
        self.parcels.push(Parcel { from: HOST, to, ready: Picos::ZERO, payload, part: false });
    }

    /// Packets of the cores, in core order.
    pub(super) fn send(&mut self, parcels: impl IntoIterator<Item = Parcel>) {
        self.parcels.extend(parcels);
    }

    /// What a list core sends: the flits of a packet leave one behind the other, and the last completes it.
    pub(super) fn send_all(&mut self, from: u32, outbox: &[Outgoing]) {
        self.parcels.reserve(outbox.len());
        for &Outgoing { at, to, payload, flits } in outbox {
            let parcel = Parcel { from, to, ready: at, payload, part: false };
            (1..flits).for_each(|_| self.parcels.push(Parcel { part: true, ..parcel }));
            self.parcels.push(parcel);
        }
    }

    /// The whole pass, after the cores' step and with all that they have sent.
    pub(super) fn pass<C: Cores>(&mut self, program: &Program, cores: &mut C, tick: u32) {
        self.packets.clear();
        self.packets.extend((0..).zip(&self.parcels).map(|(tag, parcel)| Packet {
            ready: parcel.ready,
            from: (parcel.from != HOST).then(|| self.ids[parcel.from as usize]),
            to: self.ids[parcel.to.core as usize],
            tag,
        }));
        self.mesh.deliver(&self.packets, &mut self.arrivals);
        let drained = self.arrivals.last().map_or(Picos::ZERO, |arrival| arrival.at);
        if let Some(law) = &mut self.law {
            let mut neurons = 0;
            cores.each_clock(|clock| neurons = neurons.max(clock.swept));
            let intake = |parcel: &Parcel| C::intake(program, parcel.to).0;
            self.bounds.push(law.bound(program, &self.parcels, neurons, intake));
        }
        self.take_in(program, cores);
        let busy = self.close(program, cores);
        let duration = program.period.map_or_else(|| (busy.max(drained) + program.barrier).max(program.floor), Picos);
        self.times.push(TickTime { duration, busy, drained });
        self.deliver(cores, tick);
    }

    /// Each core takes its packets in one after the other, in order of arrival; which miss their tick?
    fn take_in<C: Cores>(&mut self, program: &Program, cores: &mut C) {
        self.lateness.clear();
        for (number, arrival) in self.arrivals.iter().enumerate() {
            if let Some(soon) = self.arrivals.get(number + AHEAD) {
                C::fetch(program, self.parcels[soon.tag as usize].to);
            }
            let parcel = self.parcels[arrival.tag as usize];
            if parcel.part {
                continue;
            }
            let waited = Picos(arrival.at.0.saturating_sub(parcel.ready.0));
            self.latency.packets += 1;
            self.latency.total += waited;
            self.latency.worst = self.latency.worst.max(waited);
            let free = &mut cores.clock(parcel.to.core).intake_free;
            let done = Picos((*free).max(arrival.at.0)) + C::intake(program, parcel.to);
            *free = done.0;
            let Some(period) = program.period else { continue };
            let (within, turn) = C::turns(program, parcel.to);
            let deadline = period.saturating_mul(within);
            if done.0 > deadline {
                self.faults.late_packets += 1;
                self.lateness.resize(self.parcels.len(), 0);
                let turns = periods_late(done, deadline, period.saturating_mul(turn));
                self.lateness[arrival.tag as usize] = turns * turn;
            }
        }
    }

    /// Ends the tick at every core: overruns are counted, and backlogs go on into the next tick.
    fn close(&mut self, program: &Program, cores: &mut impl Cores) -> Picos {
        let (mut busy, end) = (0, program.period.unwrap_or(u64::MAX));
        cores.each_clock(|clock| {
            let done = clock.swept.max(clock.intake_free);
            busy = busy.max(done);
            self.faults.overruns += u64::from(done > end);
            clock.start = clock.swept.saturating_sub(end);
            clock.intake_free = clock.intake_free.saturating_sub(end);
        });
        Picos(busy)
    }

    /// Places the packets of this tick, and earlier ones that were late until now.
    fn deliver(&mut self, cores: &mut impl Cores, tick: u32) {
        let tick = u64::from(tick);
        for (tag, parcel) in self.parcels.iter().enumerate().filter(|(_, parcel)| !parcel.part) {
            match self.lateness.get(tag) {
                None | Some(0) => cores.place(parcel.to, parcel.payload, tick),
                Some(&ticks) => self.late.push(Late { sent: tick + ticks, to: parcel.to, payload: parcel.payload }),
            }
        }
        self.late.retain(|late| {
            let due = late.sent == tick;
            if due {
                cores.place(late.to, late.payload, tick);
            }
            !due
        });
    }

    /// Whether a tick without input takes as long as the last one and leaves nothing behind.
    pub(super) fn is_quiet(&self, cores: &mut impl Cores) -> bool {
        let mut idle = true;
        cores.each_clock(|clock| idle &= clock.start == 0 && clock.intake_free == 0);
        // A tick with packets, the first after it, and every one with a backlog are stepped.
        let still = self.parcels.is_empty() && self.late.is_empty();
        let even = matches!(self.times.as_slice(), [.., before, last] if before.busy == last.busy);
        still && even && idle
    }

    /// `ticks` more ticks like the last.
    pub(super) fn repeat(&mut self, ticks: u32) {
        if let Some(&last) = self.times.last() {
            self.times.resize(self.times.len() + ticks as usize, last);
        }
    }
}
