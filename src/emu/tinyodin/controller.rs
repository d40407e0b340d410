//! The controller: a state machine with a step counter and a neuron counter that stand still while the output link
//! is busy.

use super::Config;
use super::memory::synapse_address;

/// States of the controller; the discriminants are the RTL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Nothing under way.
    Wait = 0,
    /// Leak of one neuron or of all.
    TimeReference = 5,
    /// An input event enters the scheduler.
    Push = 6,
    /// A neuron event is applied to all swept neurons, two cycles each.
    PopNeuron = 7,
    /// A virtual event is applied to its neuron.
    PopVirtual = 8,
    /// The neuron event leaves the scheduler once the output link is free.
    Pop = 9,
    /// The input event is acknowledged until its request falls.
    WaitRequestDown = 11,
}

impl State {
    /// The RTL's number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The RTL's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait => "WAIT",
            Self::TimeReference => "TREF",
            Self::Push => "PUSH",
            Self::PopNeuron => "POP_NEUR",
            Self::PopVirtual => "POP_VIRT",
            Self::Pop => "AER_POP",
            Self::WaitRequestDown => "WAIT_REQDN",
        }
    }
}

/// What the controller sees from the other parts and the pins, before the edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Input address pins, 10 bits, not synchronised.
    pub(super) address: u16,
    /// The event at the scheduler's head.
    pub(super) head: u16,
    pub(super) empty: bool,
    pub(super) full: bool,
    /// The output link is busy.
    pub(super) busy: bool,
}

impl Seen {
    /// The time reference at the input is for all neurons.
    const fn for_all(&self) -> bool {
        self.address & 0xff == 0xff
    }
}

/// What the controller asks of the other parts in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orders {
    /// The neuron to access.
    pub(super) neuron: Option<u8>,
    /// Its update is written back (and its spike is heard).
    pub(super) write: bool,
    /// The update is a leak.
    pub(super) leak: bool,
    /// Weight of a virtual event; 0 where the synapse memory gives the weight.
    pub(super) virtual_weight: u8,
    /// The synapse word to read.
    pub(super) synapse: Option<u16>,
    /// An input event for the scheduler.
    pub(super) push: Option<u16>,
    /// The scheduler's head is done.
    pub(super) pop: bool,
}

/// Registers of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Controller {
    pub(super) state: State,
    /// Cycles in the operation, stalls left out.
    pub(super) step: u32,
    /// The neuron in hand.
    pub(super) neuron: u8,
    /// The input request, captured.
    pub(super) captured: bool,
    /// The input request, synchronised.
    pub(super) requested: bool,
}

impl Controller {
    pub(super) const fn new() -> Self {
        Self { state: State::Wait, step: 0, neuron: 0, captured: false, requested: false }
    }

    /// What it orders in this cycle.
    #[inline]
    pub(super) fn orders(&self, seen: &Seen) -> Orders {
        let odd = self.step & 1 == 1;
        let head = (seen.head & 0xff) as u8;
        match self.state {
            State::Wait | State::WaitRequestDown => Orders::default(),
            State::TimeReference => {
                let neuron = if seen.for_all() { self.neuron } else { (seen.address & 0xff) as u8 };
                Orders { neuron: Some(neuron), write: odd, leak: true, ..Orders::default() }
            }
            State::Push => Orders { push: Some(input_event(seen.address)), ..Orders::default() },
            State::PopNeuron => {
                let synapse = self.neuron.is_multiple_of(8).then(|| synapse_address(head, self.neuron));
                Orders { neuron: Some(self.neuron), write: odd, synapse, ..Orders::default() }
            }
            State::PopVirtual => {
                let second = self.step != 0;
                let virtual_weight = (seen.head >> 8) as u8;
                Orders { neuron: Some(head), write: second, virtual_weight, pop: second, ..Orders::default() }
            }
            State::Pop => Orders { pop: !seen.busy, ..Orders::default() },
        }
    }

    /// The state after the edge.
    #[inline]
    pub(super) const fn next_state(&self, config: &Config, seen: &Seen) -> State {
        let odd = self.step & 1 == 1;
        match self.state {
            State::Wait => self.next_operation(seen),
            State::TimeReference => {
                let done = if seen.for_all() { odd && self.neuron == config.last_neuron } else { self.step == 1 };
                if done { State::WaitRequestDown } else { State::TimeReference }
            }
            State::Push => State::WaitRequestDown,
            State::PopNeuron => {
                let done = self.step & 0x1ff == (config.last_neuron as u32) << 1 | 1;
                if done { State::Pop } else { State::PopNeuron }
            }
            State::PopVirtual => {
                if self.step == 0 {
                    State::PopVirtual
                } else {
                    State::Wait
                }
            }
            State::Pop => {
                if seen.busy {
                    State::Pop
                } else {
                    State::Wait
                }
            }
            State::WaitRequestDown => {
                if self.requested {
                    State::WaitRequestDown
                } else {
                    State::Wait
                }
            }
        }
    }

    /// What follows a wait: nothing while the output is busy; a full scheduler goes first, then the input, then
    /// the scheduler.
    const fn next_operation(&self, seen: &Seen) -> State {
        if seen.busy {
            State::Wait
        } else if self.requested && !seen.full {
            if seen.address >> 8 & 1 == 1 { State::TimeReference } else { State::Push }
        } else if seen.empty {
            State::Wait
        } else if seen.head >> 8 == 0 {
            State::PopNeuron
        } else {
            State::PopVirtual
        }
    }

    /// The registers after an edge at which the input request pin is `request`.
    #[inline]
    pub(super) const fn next(&self, config: &Config, seen: &Seen, request: bool) -> Self {
        let waiting = matches!(self.state, State::Wait);
        let counts_neurons = match self.state {
            State::TimeReference => self.step & 1 == 1 && seen.for_all(),
            State::PopNeuron => self.step & 1 == 1,
            _ => false,
        };
        let (step, neuron) = if waiting {
            (0, 0)
        } else if seen.busy {
            (self.step, self.neuron)
        } else {
            (self.step.wrapping_add(1), self.neuron.wrapping_add(counts_neurons as u8))
        };
        let state = self.next_state(config, seen);
        Self { state, step, neuron, captured: request, requested: self.captured }
    }
}

/// An input address as the scheduler's event: a virtual event's weight (bits 7..4) moves up, a weight of 0 makes
/// it a neuron event of neurons 0 to 15.
const fn input_event(address: u16) -> u16 {
    if address >> 9 & 1 == 1 { (address & 0xf0) << 4 | address & 0xf } else { address & 0xff }
}
