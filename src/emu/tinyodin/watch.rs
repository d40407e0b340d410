//! What can be seen of a run, and who looks.

use super::State;

/// Something that an edge (or the slot before it) shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// The controller is in this state, first seen now.
    State(State),
    /// A neuron's spike.
    Spike(u8),
    /// An event enters the scheduler.
    Pushed(u16),
    /// An event finds the scheduler full and is lost.
    Lost(u16),
    /// An event leaves the scheduler.
    Popped(u16),
    /// The input link: request rises with this address.
    InRequest(u16),
    /// The input link: acknowledge changes.
    InAcknowledge(bool),
    /// The input link: request falls.
    InRelease,
    /// The output link: request rises with this address.
    OutRequest(u8),
    /// The output link: acknowledge changes.
    OutAcknowledge(bool),
    /// The output link: request falls.
    OutRelease,
}

/// Who looks.
pub trait Watch {
    /// Told what is seen at `cycle`, in order.
    fn observe(&mut self, cycle: u64, what: Observed);
}

/// Nobody looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn observe(&mut self, _cycle: u64, _what: Observed) {}
}

/// One four-phase handshake: cycles at which each new value was first there; `None` for not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// The request rises.
    pub request_rise: u64,
    /// The address that it carries.
    pub address: u16,
    /// The acknowledge rises.
    pub acknowledge_rise: Option<u64>,
    /// The request falls.
    pub request_fall: Option<u64>,
    /// The acknowledge falls.
    pub acknowledge_fall: Option<u64>,
}

impl Handshake {
    const fn new(request_rise: u64, address: u16) -> Self {
        Self { request_rise, address, acknowledge_rise: None, request_fall: None, acknowledge_fall: None }
    }
}

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// Handshakes of the input link.
    pub inputs: Vec<Handshake>,
    /// Handshakes of the output link.
    pub outputs: Vec<Handshake>,
    /// (cycle, neuron) of every spike.
    pub spikes: Vec<(u64, u8)>,
    /// (cycle, event) into the scheduler.
    pub pushed: Vec<(u64, u16)>,
    /// (cycle, event) lost at a full scheduler.
    pub lost: Vec<(u64, u16)>,
    /// (cycle, event) out of the scheduler.
    pub popped: Vec<(u64, u16)>,
    /// (cycle first seen, state).
    pub states: Vec<(u64, State)>,
}

impl Watch for Trace {
    fn observe(&mut self, cycle: u64, what: Observed) {
        match what {
            Observed::State(state) => self.states.push((cycle, state)),
            Observed::Spike(neuron) => self.spikes.push((cycle, neuron)),
            Observed::Pushed(event) => self.pushed.push((cycle, event)),
            Observed::Lost(event) => self.lost.push((cycle, event)),
            Observed::Popped(event) => self.popped.push((cycle, event)),
            Observed::InRequest(address) => self.inputs.push(Handshake::new(cycle, address)),
            Observed::InAcknowledge(up) => acknowledge(&mut self.inputs, cycle, up),
            Observed::InRelease => release(&mut self.inputs, cycle),
            Observed::OutRequest(address) => self.outputs.push(Handshake::new(cycle, u16::from(address))),
            Observed::OutAcknowledge(up) => acknowledge(&mut self.outputs, cycle, up),
            Observed::OutRelease => release(&mut self.outputs, cycle),
        }
    }
}

fn acknowledge(link: &mut [Handshake], cycle: u64, up: bool) {
    if let Some(last) = link.last_mut() {
        *(if up { &mut last.acknowledge_rise } else { &mut last.acknowledge_fall }) = Some(cycle);
    }
}

fn release(link: &mut [Handshake], cycle: u64) {
    if let Some(last) = link.last_mut() {
        last.request_fall = Some(cycle);
    }
}
