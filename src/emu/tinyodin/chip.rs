//! The chip at a clock edge: all parts evaluated on the values before it, then committed together.

use super::aer::Output;
use super::controller::{Controller, Orders, Seen};
use super::memory::{Outputs, Stores, synapse_address};
use super::neuron::{Stimulus, enabled, update};
use super::scheduler::Scheduler;
use super::{Config, Memories, Observed, State, Watch};

/// Input pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pins {
    /// Input link: address, 10 bits. Bit 8: time reference (for all neurons where bits 7..0 are ones); else bit
    /// 9: virtual event, weight in bits 7..4, neuron in 3..0; else a spike of neuron 7..0.
    pub in_address: u16,
    /// Input link: request.
    pub in_request: bool,
    /// Output link: acknowledge.
    pub out_acknowledge: bool,
}

/// What happened so far. An operation is counted at the edge that ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Clock edges.
    pub cycles: u64,
    /// Of these, edges with an operation under way.
    pub busy_cycles: u64,
    /// Of the busy ones, edges at which the controller stood still for the output link.
    pub stall_cycles: u64,
    /// Neuron updates by a weight of the synapse memory (SOPs).
    pub synaptic_operations: u64,
    /// Neuron updates by a virtual event.
    pub virtual_updates: u64,
    /// Neuron updates by a time reference.
    pub leak_updates: u64,
    /// Spikes of neurons that are not disabled.
    pub spikes: u64,
    /// Events that entered the scheduler.
    pub pushed: u64,
    /// Events that were lost at a full scheduler.
    pub lost: u64,
    /// Events that left the scheduler.
    pub popped: u64,
    /// Edges at which the neuron memory was read only.
    pub neuron_reads: u64,
    /// Edges at which the neuron memory was written.
    pub neuron_writes: u64,
    /// Edges at which the synapse memory was read.
    pub synapse_reads: u64,
}

/// All registers outside the memories and the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers {
    controller: Controller,
    output: Output,
    memory: Outputs,
    shown: Option<State>,
}

/// tinyODIN.
#[derive(Debug, Clone)]
pub struct Chip {
    config: Config,
    controller: Controller,
    scheduler: Scheduler,
    stores: Stores,
    output: Output,
    counts: Counts,
    /// The state last told to the watch.
    shown: Option<State>,
}

impl Chip {
    /// A chip after reset, loaded and configured.
    #[must_use]
    pub fn new(config: Config, memories: Memories) -> Self {
        Self {
            config,
            controller: Controller::new(),
            scheduler: Scheduler::new(),
            stores: Stores::new(memories),
            output: Output::default(),
            counts: Counts::default(),
            shown: None,
        }
    }

    /// Clock edge `cycle`. Returns whether a memory was written or the scheduler used.
    pub fn edge<W: Watch>(&mut self, cycle: u64, pins: Pins, watch: &mut W) -> bool {
        if self.shown != Some(self.controller.state) {
            self.shown = Some(self.controller.state);
            watch.observe(cycle, Observed::State(self.controller.state));
        }
        let seen = self.seen(pins.in_address);
        let orders = self.controller.orders(&seen);
        let (write, spike) = self.updated(&orders);
        let push = orders.push.or_else(|| spike.filter(|_| !self.config.open_loop).map(u16::from));
        let next = self.controller.next(&self.config, &seen, pins.in_request);
        let sent = if self.config.output_processed {
            let processed = self.controller.state == State::PopNeuron && next.state != State::PopNeuron;
            processed.then_some((seen.head & 0xff) as u8)
        } else {
            spike
        };
        self.count(&orders, seen.busy, 1);
        if let Some(neuron) = spike {
            self.counts.spikes += 1;
            watch.observe(cycle, Observed::Spike(neuron));
        }
        self.output = self.output.next(sent, pins.out_acknowledge);
        self.controller = next;
        if let Some(neuron) = orders.neuron {
            self.stores.neuron(neuron, write);
        }
        if let Some(address) = orders.synapse {
            self.stores.synapse(address);
        }
        self.schedule(cycle, push, orders.pop, watch);
        write.is_some() || push.is_some() || orders.pop
    }

    /// What the controller sees.
    fn seen(&self, address: u16) -> Seen {
        Seen {
            address,
            head: self.scheduler.head(),
            empty: self.scheduler.empty(),
            full: self.scheduler.full(),
            busy: self.output.busy,
        }
    }

    /// The word to write back, and the neuron where its spike is heard.
    fn updated(&self, orders: &Orders) -> (Option<u32>, Option<u8>) {
        let Some(neuron) = orders.neuron.filter(|_| orders.write) else { return (None, None) };
        let stimulus = match orders {
            Orders { leak: true, .. } => Stimulus::Leak,
            Orders { virtual_weight: 0, .. } => Stimulus::Weight(self.stores.out.weight(neuron)),
            Orders { virtual_weight, .. } => Stimulus::Weight(*virtual_weight),
        };
        let word = self.stores.out.neuron;
        let (next, fires) = update(word, stimulus);
        (Some(next), (fires && enabled(word)).then_some(neuron))
    }

    fn schedule<W: Watch>(&mut self, cycle: u64, push: Option<u16>, pop: bool, watch: &mut W) {
        if push.is_none() && !pop {
            return;
        }
        let (head, empty) = (self.scheduler.head(), self.scheduler.empty());
        let kept = self.scheduler.edge(push, pop);
        if let Some(event) = push {
            self.counts.pushed += u64::from(kept);
            self.counts.lost += u64::from(!kept);
            watch.observe(cycle, if kept { Observed::Pushed(event) } else { Observed::Lost(event) });
        }
        if pop && !empty {
            self.counts.popped += 1;
            watch.observe(cycle, Observed::Popped(head));
        }
    }

    /// Counts `edges` edges with these orders, but for spikes and the scheduler.
    fn count(&mut self, orders: &Orders, busy: bool, edges: u64) {
        let state = self.controller.state;
        let counts = &mut self.counts;
        counts.cycles += edges;
        counts.busy_cycles += if state == State::Wait { 0 } else { edges };
        let stalls = busy && matches!(state, State::TimeReference | State::PopNeuron | State::Pop);
        counts.stall_cycles += if stalls { edges } else { 0 };
        counts.synapse_reads += if orders.synapse.is_some() { edges } else { 0 };
        if orders.neuron.is_none() {
            return;
        }
        if !orders.write {
            counts.neuron_reads += edges;
            return;
        }
        counts.neuron_writes += edges;
        match state {
            State::TimeReference => counts.leak_updates += edges,
            State::PopVirtual => counts.virtual_updates += edges,
            _ => counts.synaptic_operations += edges,
        }
    }

    /// The input link's acknowledge pin.
    #[must_use]
    pub fn in_acknowledge(&self) -> bool {
        self.controller.state == State::WaitRequestDown
    }

    /// The output link's address while it is requested.
    #[must_use]
    pub fn out_request(&self) -> Option<u8> {
        self.output.request.then_some(self.output.address)
    }

    /// The controller's state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.controller.state
    }

    /// Events in the scheduler.
    #[must_use]
    pub const fn scheduler_fill(&self) -> usize {
        self.scheduler.fill()
    }

    /// The words of all neurons (see [`super::Neuron`]).
    #[must_use]
    pub fn neuron_words(&self) -> &[u32] {
        self.stores.words()
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) const fn registers(&self) -> Registers {
        Registers { controller: self.controller, output: self.output, memory: self.stores.out, shown: self.shown }
    }

    /// Whether an edge may change nothing at all.
    pub(super) fn may_rest(&self) -> bool {
        self.output.busy || (self.controller.state == State::Wait && self.scheduler.empty())
    }

    /// Counts `edges` edges that change nothing.
    pub(super) fn rest(&mut self, address: u16, edges: u64) {
        let seen = self.seen(address);
        self.count(&self.controller.orders(&seen), seen.busy, edges);
    }

    /// Sweeps as many neurons as need no more than two edges each and send nothing, at most `most` and never the
    /// last of the sweep. Returns how many. The input request's registers are left as they were.
    pub(super) fn sweep(&mut self, address: u16, most: u64) -> u64 {
        let Controller { state, step, .. } = self.controller;
        let leak = state == State::TimeReference && address & 0xff == 0xff;
        if !(leak || state == State::PopNeuron) || self.shown != Some(state) || step & 1 == 1 || !self.output.idle() {
            return 0;
        }
        let pre = (self.scheduler.head() & 0xff) as u8;
        let first = self.controller.neuron;
        let mut neuron = first;
        while neuron < self.config.last_neuron && u64::from(neuron - first) < most {
            let word = self.stores.peek(neuron);
            if !leak && (neuron == first || neuron.is_multiple_of(8)) {
                self.stores.synapse(synapse_address(pre, neuron));
            }
            let stimulus = if leak { Stimulus::Leak } else { Stimulus::Weight(self.stores.out.weight(neuron)) };
            let (next, fires) = update(word, stimulus);
            if fires && enabled(word) {
                break;
            }
            self.stores.neuron(neuron, Some(next));
            self.counts.synapse_reads += if !leak && neuron.is_multiple_of(8) { 2 } else { 0 };
            neuron += 1;
        }
        let swept = u64::from(neuron - first);
        self.swept(leak, swept);
        swept
    }

    /// Counters and registers of `swept` neurons done, two edges each.
    fn swept(&mut self, leak: bool, swept: u64) {
        self.controller.neuron += swept as u8;
        self.controller.step += 2 * swept as u32;
        self.counts.cycles += 2 * swept;
        self.counts.busy_cycles += 2 * swept;
        self.counts.neuron_reads += swept;
        self.counts.neuron_writes += swept;
        *(if leak { &mut self.counts.leak_updates } else { &mut self.counts.synaptic_operations }) += swept;
    }

    /// The input request's two registers, set to what the pin was at the last edge but one and at the last.
    pub(super) const fn set_requested(&mut self, before: bool, last: bool) {
        self.controller.requested = before;
        self.controller.captured = last;
    }
}
