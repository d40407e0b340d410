//! What lies between list cores in a tick: the host's injection, the packets, the time pass, delivery.

use super::counters::{EventCounts, Faults, LinkLoad, PacketLatency, TickTime};
use super::neurocore::Core;
use super::program::{Program, Target};
use super::time::{Clock, Cores, Parcel, TimePass};
use super::traffic::Ways;
use crate::event::Event;
use crate::stimulus::InputSpike;
use crate::units::Picos;

/// The cores by index, however they are shared among threads.
pub(super) trait CoreTable {
    fn core(&mut self, index: usize) -> &mut Core;
}

impl CoreTable for Vec<Core> {
    fn core(&mut self, index: usize) -> &mut Core {
        &mut self[index]
    }
}

/// Everything of a chip's state that is not in a core.
#[derive(Debug)]
pub(super) struct Fabric {
    /// `None` with timing off.
    time: Option<TimePass>,
    /// Targets of the host's packets of this tick.
    injected: Vec<Target>,
    pub(super) counts: EventCounts,
}

impl Fabric {
    pub(super) fn new(program: &Program, timing: bool) -> Self {
        Self { time: timing.then(|| TimePass::new(program)), injected: Vec::new(), counts: EventCounts::default() }
    }

    pub(super) fn reset(&mut self) {
        self.injected.clear();
        self.counts = EventCounts::default();
        if let Some(time) = &mut self.time {
            time.reset();
        }
    }

    /// Load of the links since it was last taken; empty with timing off.
    pub(super) fn take_links(&mut self) -> Vec<LinkLoad> {
        self.time.as_mut().map(TimePass::take_links).unwrap_or_default()
    }

    /// Faults of packets and ticks since the reset.
    pub(super) fn faults(&self) -> Faults {
        self.time.as_ref().map_or_else(Faults::default, |time| time.faults)
    }

    /// Latency of packets since the reset.
    pub(super) fn latency(&self) -> PacketLatency {
        self.time.as_ref().map_or_else(PacketLatency::default, |time| time.latency)
    }

    /// How long each tick since the reset took; empty with timing off.
    pub(super) fn tick_times(&self) -> &[TickTime] {
        self.time.as_ref().map_or(&[], |time| &time.times)
    }

    /// The host offers the packets of the tick's stimulus at the start of the tick, in stimulus order.
    pub(super) fn inject(&mut self, program: &Program, input: &[InputSpike]) {
        self.injected.clear();
        for spike in input {
            let targets = program.input_targets(spike.input);
            (0..spike.value).for_each(|_| self.injected.extend_from_slice(targets));
        }
        let (mesh, mut ways) = (&program.chip.mesh, Ways::default());
        for to in &self.injected {
            ways.add(mesh, None, program.cores[to.core as usize].router, 1);
        }
        ways.count(mesh, &mut self.counts);
        self.counts.add(Event::AxonOut, self.injected.len() as u64);
        if let Some(time) = &mut self.time {
            time.begin();
            self.injected.iter().for_each(|&to| time.offer(to));
        }
    }

    /// Counts what the host's packets of this tick do in the cores.
    pub(super) fn count_injected<T: CoreTable>(&self, program: &Program, cores: &mut T) {
        for to in &self.injected {
            let counts = &mut cores.core(to.core as usize).counts;
            Core::count_intake(&program.cores[to.core as usize], to.axon, 1, counts);
        }
    }

    /// Ends a tick after the cores' step: the time pass, or with timing off the packets as they are.
    pub(super) fn close<T: CoreTable>(&mut self, program: &Program, cores: &mut T, tick: u32) {
        self.count_injected(program, cores);
        let Some(time) = &mut self.time else {
            self.injected.iter().for_each(|to| cores.core(to.core as usize).accept(to.axon));
            return pass_on(program, cores);
        };
        for index in 0..program.cores.len() {
            let parcel = |out: &super::neurocore::Outgoing| Parcel { from: index as u32, to: out.to, ready: out.at };
            time.send(cores.core(index).outbox.iter().map(parcel));
        }
        time.pass(program, &mut Listed { cores, count: program.cores.len() }, tick);
    }
}

/// List cores before the time pass.
struct Listed<'t, T> {
    cores: &'t mut T,
    count: usize,
}

impl<T: CoreTable> Cores for Listed<'_, T> {
    fn clock(&mut self, core: u32) -> &mut Clock {
        &mut self.cores.core(core as usize).clock
    }

    fn each_clock(&mut self, mut see: impl FnMut(&mut Clock)) {
        (0..self.count).for_each(|index| see(&mut self.cores.core(index).clock));
    }

    /// A list core integrates a packet in the tick after, and the synapses have the delays.
    fn place(&mut self, to: Target, _: u64) {
        self.cores.core(to.core as usize).accept(to.axon);
    }

    fn intake(program: &Program, to: Target) -> Picos {
        Core::intake_time(&program.cores[to.core as usize], to.axon)
    }

    fn turns(_: &Program, _: Target) -> (u64, u64) {
        (1, 1)
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
