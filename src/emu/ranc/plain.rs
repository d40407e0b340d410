//! The plain model: every part of the chip in every cycle.

use super::chip::{RancStimulus, mesh_spec};
use super::config::RancConfig;
use super::trace::{RancTrace, TokenState};
use crate::bits::address_bits;
use crate::emu::mesh::clocked::{Flit, MergeMesh};
use crate::emu::neurocore::{ClockedRancCore, Scheduler};

/// All registers of a chip.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    mesh: MergeMesh,
    /// By grid position; none where the output bus is.
    cores: Vec<Option<ClockedRancCore>>,
    /// State that each core was last seen in.
    seen: Vec<Option<TokenState>>,
    /// Keeps the bits that the output bus has lines for.
    line_mask: u32,
    /// Packets that go into buffers at this edge.
    pushed: Vec<(Option<u32>, Flit)>,
}

impl Plain {
    pub(super) fn new(config: &RancConfig) -> Self {
        let params = &config.params;
        let mut cores = vec![None; (params.grid_x * params.grid_y) as usize];
        for core in &config.cores {
            cores[(core.y * params.grid_x + core.x) as usize] = Some(ClockedRancCore::new(params, core));
        }
        Self {
            mesh: MergeMesh::new(mesh_spec(params), true),
            seen: vec![None; cores.len()],
            cores,
            line_mask: (1 << address_bits(params.num_outputs)) - 1,
            pushed: Vec::new(),
        }
    }

    /// `look` is shown all registers as each edge sees them, and whether it sees a tick.
    pub(super) fn run(
        &mut self,
        stimulus: &RancStimulus,
        trace: &mut RancTrace,
        with_states: bool,
        mut look: impl FnMut(u64, bool, &Self),
    ) {
        let mut ticks = stimulus.ticks.iter().copied().peekable();
        let mut packets = stimulus.packets.iter().peekable();
        for cycle in 0..stimulus.cycles {
            let tick = ticks.next_if_eq(&cycle).is_some();
            let input = packets.next_if(|packet| packet.cycle == cycle).map(|packet| packet.flit);
            look(cycle, tick, self);
            self.edge(cycle, tick, input, trace);
            self.mesh.settle();
            self.cores.iter_mut().flatten().for_each(ClockedRancCore::settle);
        }
        if !with_states {
            trace.tc_state_changes.clear();
        }
    }

    fn edge(&mut self, cycle: u64, tick: bool, input: Option<Flit>, trace: &mut RancTrace) {
        self.pushed.clear();
        self.pushed.extend(input.map(|flit| (None, flit)));
        for (index, core) in (0..).zip(&mut self.cores) {
            let arriving = self.mesh.arriving(index);
            let Some(core) = core else {
                trace.out_packets.extend(arriving.map(|flit| (cycle, flit.axon & self.line_mask)));
                continue;
            };
            let state = core.state();
            if self.seen[index as usize].replace(state) != Some(state) {
                trace.tc_state_changes.push((cycle, index, state));
            }
            if core.error() {
                trace.tc_error_cycle.get_or_insert(cycle);
            }
            if let Some((neuron, flit)) = core.spike() {
                trace.spikes.push((cycle, index, neuron));
                self.pushed.push((Some(index), flit));
            }
            if let Some((slot, kept)) = core.edge(tick, self.mesh.local_full(index), arriving) {
                let list = if kept { &mut trace.sched_writes } else { &mut trace.sched_writes_lost };
                list.push((cycle, index, slot.axon, slot.row));
            }
        }
        let from_outside = input.is_some();
        self.mesh.edge(&self.pushed, |index, room| {
            if from_outside && index == 0 {
                if room { &mut trace.input_accepted } else { &mut trace.input_dropped }.push(cycle);
            }
        });
    }

    pub(super) const fn mesh(&self) -> &MergeMesh {
        &self.mesh
    }

    pub(super) fn core(&self, core: u32) -> Option<&ClockedRancCore> {
        self.cores.get(core as usize)?.as_ref()
    }

    pub(super) fn potentials(&self, core: u32) -> Option<Vec<i64>> {
        self.cores.get(core as usize)?.as_ref().map(|core| core.potentials().collect())
    }

    pub(super) fn scheduler(&self, core: u32) -> Option<&Scheduler> {
        self.cores.get(core as usize)?.as_ref().map(ClockedRancCore::scheduler)
    }
}
