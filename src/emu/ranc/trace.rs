//! What is seen from outside of a RANC chip, cycle by cycle.

/// State of a core's token controller; the numbers are those of its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum TokenState {
    /// Waits for a tick.
    #[default]
    Idle = 0,
    /// Moves the scheduler on.
    Set = 1,
    /// Looks at axon 0.
    FirstAxon = 2,
    /// Looks at the other axons, one a cycle.
    SpikeIn = 3,
    /// Decides, and waits while it fires into full buffers.
    Write = 4,
    /// Hands the spike over.
    Check = 5,
    /// Clears the row of this tick.
    Clear = 6,
}

/// Everything that happened, each list in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RancTrace {
    /// (cycle, line): the output bus shows a packet.
    pub out_packets: Vec<(u64, u32)>,
    /// (cycle, core, neuron): a core hands a spike to its router.
    pub spikes: Vec<(u64, u32, u32)>,
    /// (cycle, core, axon, row): a spike is written to the scheduler.
    pub sched_writes: Vec<(u64, u32, u32, u32)>,
    /// The same, where it was lost because the row of the tick was cleared at this edge.
    pub sched_writes_lost: Vec<(u64, u32, u32, u32)>,
    /// A packet from outside entered the input buffer.
    pub input_accepted: Vec<u64>,
    /// A packet from outside found the input buffer full.
    pub input_dropped: Vec<u64>,
    /// First cycle that shows that a tick came to a busy core.
    pub tc_error_cycle: Option<u64>,
    /// (cycle, core, state): a token controller is first seen in another state.
    pub tc_state_changes: Vec<(u64, u32, TokenState)>,
}

/// Events after which a part of a trace is told.
const PART: usize = 4096;

impl RancTrace {
    /// Whether there is enough for a part.
    pub(super) fn is_part(&self) -> bool {
        self.spikes.len() + self.sched_writes.len() + self.input_accepted.len() >= PART
    }

    /// Forgets the lists, and keeps their room.
    pub(super) fn clear(&mut self) {
        self.out_packets.clear();
        self.spikes.clear();
        self.sched_writes.clear();
        self.sched_writes_lost.clear();
        self.input_accepted.clear();
        self.input_dropped.clear();
        self.tc_state_changes.clear();
    }
}
