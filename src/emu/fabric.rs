//! What lies between list cores in a tick: the host's injection, the packets, the time pass, delivery.

use super::counters::{BorderUse, EventCounts, Faults, LinkLoad, PacketLatency, TickTime};
use super::neurocore::Core;
use super::program::{CoreProgram, Program, Target};
use super::time::{Clock, Cores, TimePass};
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
    /// Targets and payloads of the host's packets of this tick.
    injected: Vec<(Target, i32)>,
    pub(super) counts: EventCounts,
}

impl Fabric {
    pub(super) fn new(program: &Program, timing: bool, threads: usize) -> Self {
        Self {
            time: timing.then(|| TimePass::new(program, threads)),
            injected: Vec::new(),
            counts: EventCounts::default(),
        }
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

    /// Use of chip borders since the reset.
    pub(super) fn borders(&self) -> BorderUse {
        self.time.as_ref().map_or_else(BorderUse::default, TimePass::borders)
    }

    /// What the law of run time says of each tick since the reset; empty where there is none.
    pub(super) fn bounds(&self) -> &[Picos] {
        self.time.as_ref().map_or(&[], |time| &time.bounds)
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
            // A graded spike is one packet; without payloads it is as many as its value says.
            let (times, payload) = if program.graded { (1, i32::from(spike.value)) } else { (spike.value, 1) };
            (0..times).for_each(|_| self.injected.extend(targets.iter().map(|&to| (to, payload))));
        }
        let (mesh, mut ways, mut sent) = (&program.chip.mesh, Ways::default(), 0);
        for (to, _) in &self.injected {
            let target = &program.cores[to.core as usize];
            let from = target.copied_from.map(|core| program.cores[core as usize].router);
            ways.add(mesh, from, target.router, 1);
            sent += u64::from(from.is_none());
        }
        ways.count(mesh, &mut self.counts);
        self.counts.add(Event::AxonOut, sent);
        if let Some(time) = &mut self.time {
            time.begin();
            self.injected.iter().for_each(|&(to, payload)| time.offer(to, payload));
        }
    }

    /// Targets and payloads of the host's packets of this tick.
    pub(super) fn injected(&self) -> &[(Target, i32)] {
        &self.injected
    }

    /// Counts what the host's packets of this tick do in the cores.
    pub(super) fn count_injected<T: CoreTable>(&self, program: &Program, cores: &mut T) {
        for (to, _) in &self.injected {
            let counts = &mut cores.core(to.core as usize).counts;
            Core::count_intake(&program.cores[to.core as usize], to.axon, 1, counts);
        }
    }

    /// Ends a tick after the cores' step: the time pass, or with timing off the packets as they are.
    pub(super) fn close<T: CoreTable>(&mut self, program: &Program, cores: &mut T, tick: u32) {
        self.count_injected(program, cores);
        let Some(time) = &mut self.time else {
            self.injected.iter().for_each(|(to, payload)| {
                cores.core(to.core as usize).accept(&program.cores[to.core as usize], to.axon, *payload);
            });
            return pass_on(program, cores);
        };
        for index in 0..program.cores.len() {
            time.send_all(index as u32, &cores.core(index).outbox);
        }
        time.pass(program, &mut Listed { cores, loaded: &program.cores }, tick);
    }
}

/// List cores before the time pass.
struct Listed<'t, T> {
    cores: &'t mut T,
    loaded: &'t [CoreProgram],
}

impl<T: CoreTable> Cores for Listed<'_, T> {
    fn clock(&mut self, core: u32) -> &mut Clock {
        &mut self.cores.core(core as usize).clock
    }

    fn each_clock(&mut self, mut see: impl FnMut(&mut Clock)) {
        (0..self.loaded.len()).for_each(|index| see(&mut self.cores.core(index).clock));
    }

    /// A list core integrates a packet in the tick after, and the synapses have the delays.
    fn place(&mut self, to: Target, payload: i32, _: u64) {
        self.cores.core(to.core as usize).accept(&self.loaded[to.core as usize], to.axon, payload);
    }

    fn fetch(program: &Program, to: Target) {
        Core::fetch_intake(&program.cores[to.core as usize], to.axon);
    }

    fn intake(program: &Program, to: Target) -> Picos {
        Core::intake_time(&program.cores[to.core as usize], to.axon)
    }

    fn turns(_: &Program, _: Target) -> (u64, u64) {
        (1, 1)
    }
}

/// Places the packets that all cores sent in this tick, with timing off.
fn pass_on(program: &Program, cores: &mut impl CoreTable) {
    for index in 0..program.cores.len() {
        let packets = std::mem::take(&mut cores.core(index).packets);
        for (to, payload) in &packets {
            cores.core(to.core as usize).accept(&program.cores[to.core as usize], to.axon, *payload);
        }
        cores.core(index).packets = packets;
    }
}
