//! What lies between list cores in a tick: the host's injection, the packets, the time pass, delivery.

use super::counters::{EventCounts, Faults, LinkLoad, PacketLatency, TickTime};
use super::mesh::{Arrival, Mesh, Packet};
use super::neurocore::Core;
use super::program::{Program, Target};
use super::sync::periods_late;
use super::traffic::Ways;
use crate::event::Event;
use crate::stimulus::InputSpike;
use crate::units::Picos;

/// The sender number of the host.
const HOST: u32 = u32::MAX;

/// The cores by index, however they are shared among threads.
pub(super) trait CoreTable {
    fn core(&mut self, index: usize) -> &mut Core;
}

impl CoreTable for Vec<Core> {
    fn core(&mut self, index: usize) -> &mut Core {
        &mut self[index]
    }
}

/// A packet under way.
#[derive(Debug, Clone, Copy)]
struct Parcel {
    from: u32,
    to: Target,
    ready: Picos,
}

/// A packet that missed its tick: it is placed as if it had been sent in tick `sent`.
#[derive(Debug, Clone, Copy)]
struct Late {
    sent: u64,
    to: Target,
}

/// Everything of a chip's state that is not in a core.
#[derive(Debug)]
pub(super) struct Fabric {
    /// `None` with timing off.
    mesh: Option<Mesh>,
    parcels: Vec<Parcel>,
    packets: Vec<Packet>,
    arrivals: Vec<Arrival>,
    /// Periods by which each parcel misses its tick; empty where none does.
    lateness: Vec<u64>,
    late: Vec<Late>,
    pub(super) counts: EventCounts,
    pub(super) faults: Faults,
    pub(super) latency: PacketLatency,
    pub(super) tick_times: Vec<TickTime>,
}

impl Fabric {
    pub(super) fn new(program: &Program, timing: bool) -> Self {
        Self {
            mesh: timing.then(|| Mesh::new(&program.chip.mesh)),
            parcels: Vec::new(),
            packets: Vec::new(),
            arrivals: Vec::new(),
            lateness: Vec::new(),
            late: Vec::new(),
            counts: EventCounts::default(),
            faults: Faults::default(),
            latency: PacketLatency::default(),
            tick_times: Vec::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.parcels.clear();
        self.late.clear();
        self.counts = EventCounts::default();
        self.faults = Faults::default();
        self.latency = PacketLatency::default();
        self.tick_times.clear();
    }

    /// Load of the links since it was last taken; empty with timing off.
    pub(super) fn take_links(&mut self) -> Vec<LinkLoad> {
        self.mesh.as_mut().map(Mesh::take_links).unwrap_or_default()
    }

    /// The host offers the packets of the tick's stimulus at the start of the tick, in stimulus order.
    pub(super) fn inject(&mut self, program: &Program, input: &[InputSpike]) {
        self.parcels.clear();
        for spike in input {
            let targets = program.input_targets(spike.input);
            for _ in 0..spike.value {
                self.parcels.extend(targets.iter().map(|&to| Parcel { from: HOST, to, ready: Picos::ZERO }));
            }
        }
        let (mesh, mut ways) = (&program.chip.mesh, Ways::default());
        for parcel in &self.parcels {
            ways.add(mesh, None, program.cores[parcel.to.core as usize].router, 1);
        }
        ways.count(mesh, &mut self.counts);
        self.counts.add(Event::AxonOut, self.parcels.len() as u64);
    }

    /// Gathers what the cores have sent, in core order. With timing off it is not gathered but delivered as it is.
    pub(super) fn collect(&mut self, program: &Program, cores: &mut impl CoreTable) {
        if self.mesh.is_none() {
            return;
        }
        for index in 0..program.cores.len() {
            let outbox = &cores.core(index).outbox;
            self.parcels.extend(outbox.iter().map(|out| Parcel { from: index as u32, to: out.to, ready: out.at }));
        }
    }

    /// The time pass: packets cross the mesh, cores take them in, the tick ends.
    pub(super) fn time(&mut self, program: &Program, cores: &mut impl CoreTable) {
        if self.mesh.is_none() {
            return;
        }
        self.cross(program);
        let drained = self.arrivals.last().map_or(Picos::ZERO, |arrival| arrival.at);
        self.take_in(program, cores);
        let busy = self.close(program, cores);
        let duration = program.period.map_or_else(|| busy.max(drained) + program.barrier, Picos);
        self.tick_times.push(TickTime { duration, busy, drained });
    }

    fn cross(&mut self, program: &Program) {
        let Some(mesh) = &mut self.mesh else { return };
        self.packets.clear();
        self.packets.extend(self.parcels.iter().enumerate().map(|(tag, parcel)| Packet {
            ready: parcel.ready,
            from: (parcel.from != HOST).then(|| program.cores[parcel.from as usize].id),
            to: program.cores[parcel.to.core as usize].id,
            tag: tag as u32,
        }));
        self.arrivals.clear();
        mesh.deliver(&self.packets, &mut self.arrivals);
    }

    /// Each core takes its packets in one after the other, in order of arrival; which miss their tick?
    fn take_in(&mut self, program: &Program, cores: &mut impl CoreTable) {
        self.lateness.clear();
        for arrival in &self.arrivals {
            let parcel = self.parcels[arrival.tag as usize];
            let waited = Picos(arrival.at.0.saturating_sub(parcel.ready.0));
            self.latency.packets += 1;
            self.latency.total += waited;
            self.latency.worst = self.latency.worst.max(waited);
            let to = &program.cores[parcel.to.core as usize];
            let core = cores.core(parcel.to.core as usize);
            let done = core.intake_free.max(arrival.at) + Core::intake_time(to, parcel.to.axon);
            core.intake_free = done;
            let Some(period) = program.period else { continue };
            let turns = periods_late(done, period, period);
            if turns > 0 {
                self.faults.late_packets += 1;
                self.lateness.resize(self.parcels.len(), 0);
                self.lateness[arrival.tag as usize] = turns;
            }
        }
    }

    /// Ends the tick at every core: overruns are counted, and backlogs go on into the next tick.
    fn close(&mut self, program: &Program, cores: &mut impl CoreTable) -> Picos {
        let mut busy = Picos::ZERO;
        for index in 0..program.cores.len() {
            let core = cores.core(index);
            let done = core.swept.max(core.intake_free);
            busy = busy.max(done);
            let end = Picos(program.period.unwrap_or(u64::MAX));
            self.faults.overruns += u64::from(done > end);
            core.start = Picos(core.swept.0.saturating_sub(end.0));
            core.intake_free = Picos(core.intake_free.0.saturating_sub(end.0));
        }
        busy
    }

    /// Places the packets of this tick, and earlier ones that were late until now.
    pub(super) fn deliver(&mut self, program: &Program, cores: &mut impl CoreTable, tick: u32) {
        for (tag, parcel) in self.parcels.iter().enumerate() {
            let to = parcel.to;
            let core = cores.core(to.core as usize);
            if parcel.from == HOST {
                let counts = &mut core.counts;
                Core::count_intake(&program.cores[to.core as usize], to.axon, 1, counts);
            }
            match self.lateness.get(tag) {
                None | Some(0) => core.accept(to.axon),
                Some(&periods) => self.late.push(Late { sent: u64::from(tick) + periods, to }),
            }
        }
        if self.mesh.is_none() {
            pass_on(program, cores);
        }
        self.lateness.clear();
        if !self.late.is_empty() {
            self.late.retain(|late| {
                let due = late.sent == u64::from(tick);
                if due {
                    cores.core(late.to.core as usize).accept(late.to.axon);
                }
                !due
            });
        }
    }
}

/// Places the packets of all neurons that fired in this tick, with timing off.
fn pass_on(program: &Program, cores: &mut impl CoreTable) {
    for (index, loaded) in program.cores.iter().enumerate() {
        let fired = std::mem::take(&mut cores.core(index).fired);
        for &neuron in &fired {
            for to in loaded.targets_of(usize::from(neuron)) {
                cores.core(to.core as usize).accept(to.axon);
            }
        }
        cores.core(index).fired = fired;
    }
}
