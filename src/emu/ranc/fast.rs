//! The fast model: only the cycles in which something can happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::chip::{RancInput, RancStimulus, mesh_spec};
use super::config::RancConfig;
use super::together::Together;
use super::trace::RancTrace;
use crate::bits::address_bits;
use crate::emu::mesh::clocked::{Flights, Flit, MergeMesh};
use crate::emu::neurocore::{EventRancCore, Scheduler};

/// The same chip as the plain model's, between events.
#[derive(Debug, Clone)]
pub(super) struct Fast {
    pub(super) mesh: MergeMesh,
    /// Packets that meet nobody: then the mesh is empty.
    pub(super) flights: Flights,
    /// Packets that go into the mesh at the edge after this one.
    handed: Vec<(Option<u32>, Flit)>,
    /// By grid position; none where the output bus is.
    pub(super) cores: Vec<Option<EventRancCore>>,
    /// (edge, core) at which a core acts; what is no longer true is passed over.
    pub(super) agenda: BinaryHeap<Reverse<(u64, u32)>>,
    pub(super) line_mask: u32,
    pushed: Vec<(Option<u32>, Flit)>,
    arrivals: Vec<(u32, Flit)>,
    /// Edges of the run.
    pub(super) cycles: u64,
    /// The edge at which the mesh moves on; `u64::MAX` where it is empty.
    pub(super) busy_at: u64,
    /// Ticks at once, where that can be.
    pub(super) together: Option<Together>,
}

/// A stimulus, and how much of it is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed<'a> {
    stimulus: &'a RancStimulus,
    tick: usize,
    pub(super) packet: usize,
}

impl<'a> Feed<'a> {
    /// The next tick's edge.
    pub(super) fn next_tick(&self) -> Option<u64> {
        self.stimulus.ticks.get(self.tick).copied()
    }

    pub(super) const fn packets(&self) -> &'a [RancInput] {
        self.stimulus.packets.as_slice()
    }

    pub(super) const fn cycles(&self) -> u64 {
        self.stimulus.cycles
    }
}

impl Fast {
    pub(super) fn new(config: &RancConfig) -> Self {
        let params = &config.params;
        let mut cores = vec![None; (params.grid_x * params.grid_y) as usize];
        for core in &config.cores {
            cores[(core.y * params.grid_x + core.x) as usize] = Some(EventRancCore::new(params, core));
        }
        let spec = mesh_spec(params);
        Self {
            mesh: MergeMesh::new(spec, false),
            flights: Flights::new(&spec),
            together: Together::new(params, &cores, &spec),
            busy_at: u64::MAX,
            handed: Vec::new(),
            cores,
            agenda: BinaryHeap::new(),
            line_mask: (1 << address_bits(params.num_outputs)) - 1,
            pushed: Vec::new(),
            arrivals: Vec::new(),
            cycles: 0,
        }
    }

    /// `look` sees the trace between events: what it takes away is over.
    pub(super) fn run(
        &mut self,
        stimulus: &RancStimulus,
        trace: &mut RancTrace,
        with_states: bool,
        mut look: impl FnMut(&mut RancTrace),
    ) {
        if !with_states {
            self.cores.iter_mut().flatten().for_each(|core| core.states = None);
        }
        if stimulus.packets.iter().any(|packet| !self.flights.stays_inside(0, true, packet.flit)) {
            self.together = None;
        }
        let mut feed = Feed { stimulus, tick: 0, packet: 0 };
        self.cycles = stimulus.cycles;
        loop {
            look(trace);
            let mut now = self.busy_at.min(self.agenda.peek().map_or(u64::MAX, |Reverse((at, _))| *at));
            now = now.min(feed.next_tick().unwrap_or(u64::MAX));
            now = now.min(feed.packets().get(feed.packet).map_or(u64::MAX, |packet| packet.cycle));
            let landing = self.flights.next_arrival();
            if landing < now && landing < stimulus.cycles {
                // Nobody acts before: no edge is needed for it.
                self.arrive(landing, trace);
                continue;
            }
            if now >= stimulus.cycles {
                break;
            }
            let tick = feed.next_tick() == Some(now);
            feed.tick += usize::from(tick);
            let input = feed.packets().get(feed.packet).filter(|packet| packet.cycle == now);
            feed.packet += usize::from(input.is_some());
            let quiet = self.edge(now, input.map(|packet| packet.flit), trace);
            self.busy_at = if self.mesh.is_busy() || !self.handed.is_empty() { now + 1 } else { u64::MAX };
            if tick {
                self.tick(now, quiet, &mut feed, trace);
            }
        }
        self.finish(stimulus.cycles, trace);
    }

    /// One edge but for its tick, which nothing else of the edge sees; whether nothing is in the mesh after it.
    fn edge(&mut self, now: u64, input: Option<Flit>, trace: &mut RancTrace) -> bool {
        self.pushed.clear();
        self.arrive(now, trace);
        if let Some(flit) = input {
            self.flights.watch(0, true, flit);
        }
        let flies = !self.mesh.is_busy() && self.handed.is_empty();
        match input {
            Some(flit) if flies && self.flights.launch(now, 0, true, flit) => trace.input_accepted.push(now),
            _ => self.pushed.extend(input.map(|flit| (None, flit))),
        }
        let from_outside = !self.pushed.is_empty();
        self.pushed.append(&mut self.handed);
        if !self.pushed.is_empty() {
            self.ground(now);
        }
        while let Some(&Reverse((at, core))) = self.agenda.peek()
            && at == now
        {
            self.agenda.pop();
            self.act(now, core, trace);
        }
        if self.pushed.is_empty() && !self.mesh.is_busy() {
            return self.handed.is_empty();
        }
        self.mesh.edge(&self.pushed, |index, room| {
            if from_outside && index == 0 {
                if room { &mut trace.input_accepted } else { &mut trace.input_dropped }.push(now);
            }
        });
        self.mesh.settle();
        false
    }

    /// Everything under way goes on in the mesh from edge `now` on.
    fn ground(&mut self, now: u64) {
        let pushed = &mut self.pushed;
        self.flights.recall(now, |router, _, flit| pushed.push((Some(router), flit)));
        self.flights.ground(now, &mut self.mesh);
    }

    pub(super) fn arrive(&mut self, now: u64, trace: &mut RancTrace) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        if self.mesh.is_busy() {
            arrivals.extend(self.mesh.arrivals());
            arrivals.sort_unstable_by_key(|(core, _)| *core);
        }
        arrivals.extend(std::iter::from_fn(|| self.flights.land(now)));
        for (index, flit) in arrivals.drain(..) {
            let Some(core) = &mut self.cores[index as usize] else {
                trace.out_packets.push((now, flit.axon & self.line_mask));
                continue;
            };
            let due = core.due();
            let (slot, kept) = core.arrive(now, flit);
            let list = if kept { &mut trace.sched_writes } else { &mut trace.sched_writes_lost };
            list.push((now, index, slot.axon, slot.row));
            if core.due() != due {
                self.agenda.push(Reverse((core.due(), index)));
            }
        }
        self.arrivals = arrivals;
    }

    fn act(&mut self, now: u64, index: u32, trace: &mut RancTrace) {
        let Some(core) = &mut self.cores[index as usize] else { return };
        if core.due() != now {
            return;
        }
        if let Some((neuron, flit)) = core.act(now, self.mesh.local_full(index)) {
            if now + 1 < self.cycles {
                trace.spikes.push((now + 1, index, neuron));
            }
            self.flights.watch(index, false, flit);
            let flies = !self.mesh.is_busy() && self.pushed.is_empty() && self.handed.is_empty();
            if !(flies && self.flights.launch(now + 1, index, false, flit)) {
                let handed = &mut self.handed;
                self.flights.recall(now + 1, |router, _, flit| handed.push((Some(router), flit)));
                handed.push((Some(index), flit));
            }
        }
        if core.due() != u64::MAX {
            self.agenda.push(Reverse((core.due(), index)));
        }
    }

    /// A tick at edge `now`. `quiet`: nothing is in the mesh.
    fn tick(&mut self, now: u64, quiet: bool, feed: &mut Feed<'_>, trace: &mut RancTrace) {
        let mut all = true;
        for core in self.cores.iter_mut().flatten() {
            if !core.tick(now) {
                trace.tc_error_cycle.get_or_insert(now + 1);
                all = false;
            }
        }
        if all && quiet && self.tick_together(now, feed, trace) {
            return;
        }
        for (index, core) in (0..).zip(&self.cores) {
            if let Some(core) = core
                && core.due() == now + 1
            {
                self.agenda.push(Reverse((now + 1, index)));
            }
        }
    }

    /// Puts the state changes of all cores together and drops what no edge has seen.
    fn finish(&mut self, cycles: u64, trace: &mut RancTrace) {
        for (index, core) in (0..).zip(&mut self.cores) {
            let Some(core) = core else { continue };
            core.tell_rest();
            let states = core.states.iter_mut().flat_map(|states| states.drain(..));
            let seen = states.filter(|(cycle, _)| *cycle < cycles);
            trace.tc_state_changes.extend(seen.map(|(cycle, state)| (cycle, index, state)));
        }
        trace.tc_state_changes.sort_unstable_by_key(|(cycle, core, _)| (*cycle, *core));
        trace.tc_error_cycle = trace.tc_error_cycle.filter(|cycle| *cycle < cycles);
    }

    pub(super) fn potentials(&self, core: u32) -> Option<Vec<i64>> {
        self.cores.get(core as usize)?.as_ref().map(|core| core.potentials(self.cycles.saturating_sub(1)))
    }

    pub(super) fn scheduler(&self, core: u32) -> Option<&Scheduler> {
        self.cores.get(core as usize)?.as_ref().map(EventRancCore::scheduler)
    }
}
