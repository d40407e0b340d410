//! The life of one event of tinyODIN: over the input link, through the scheduler, over the output link.

use std::collections::VecDeque;

use super::packet::{Step, Which};
use crate::chip::TinyOdinSpec;
use crate::diag::Result;
use crate::emu::clocked;
use crate::emu::tinyodin::{Observed, State, Watch};
use crate::image::Image;
use crate::stimulus::Sample;

/// Bits of an input's address that make it a leak event (bit 8) or a virtual event (bit 9).
const LEAK: u16 = 1 << 8;

/// Where the event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Not there yet.
    Nowhere,
    /// On the input link; whether it is a leak event, which no scheduler keeps.
    Link {
        leak: bool,
    },
    /// A spike of this cycle.
    Fired(u64),
    Scheduler,
    Gone,
}

/// Looks for one event and tells what happens to it.
struct Life {
    which: Which,
    at: At,
    /// Requests of the input link so far.
    requests: usize,
    /// Whether the handshake of the input link, or of the output link, is the event's.
    arriving: bool,
    leaving: bool,
    state: State,
    /// What the scheduler holds: whether it is the event.
    queue: VecDeque<bool>,
    steps: Vec<Step>,
}

/// Runs a sample and tells what happens to an event; `None` where there is no such event. The tick of a spike is a cycle.
pub(super) fn event(image: &Image, spec: &TinyOdinSpec, sample: &Sample, which: Which) -> Result<Option<Vec<Step>>> {
    let mut board = clocked::board(image, spec, sample)?;
    let end = u64::from(sample.ticks) + u64::from(image.depth);
    let mut life = Life {
        which,
        at: At::Nowhere,
        requests: 0,
        arriving: false,
        leaving: false,
        state: State::Wait,
        queue: VecDeque::new(),
        steps: Vec::new(),
    };
    board.run(end, &mut life);
    if life.at == At::Nowhere {
        return Ok(None);
    }
    if life.at != At::Gone || life.arriving || life.leaving {
        life.steps.push((end, "still under way at the end of the run".to_owned()));
    }
    Ok(Some(life.steps))
}

impl Life {
    fn tell(&mut self, cycle: u64, what: impl Into<String>) {
        self.steps.push((cycle, what.into()));
    }

    /// An event goes into the scheduler, or is lost.
    fn push(&mut self, cycle: u64, kept: bool) {
        let own = match self.at {
            At::Link { leak } => !leak && self.state == State::Push,
            At::Fired(at) => at == cycle,
            _ => false,
        };
        if own {
            self.at = if kept { At::Scheduler } else { At::Gone };
            let ahead = self.queue.len();
            self.tell(
                cycle,
                match (kept, ahead) {
                    (false, _) => "lost: the scheduler is full".to_owned(),
                    (true, 0) => "first in the scheduler".to_owned(),
                    (true, _) => format!("in the scheduler behind {ahead}"),
                },
            );
        }
        if kept {
            self.queue.push_back(own);
        }
    }

    fn pop(&mut self, cycle: u64) {
        if self.queue.pop_front() == Some(true) {
            self.at = At::Gone;
            self.tell(cycle, "leaves the scheduler");
        }
    }

    fn enter(&mut self, cycle: u64, state: State) {
        let before = std::mem::replace(&mut self.state, state);
        match (self.at, state) {
            (At::Link { leak: true }, State::TimeReference) => self.tell(cycle, "leaks: neurons are worked through"),
            (At::Link { leak: true }, _) if before == State::TimeReference => {
                self.at = At::Gone;
                self.tell(cycle, "done");
            }
            (At::Scheduler, State::PopNeuron | State::PopVirtual) if self.queue.front() == Some(&true) => {
                self.tell(cycle, "taken up: its neurons are worked through");
            }
            _ => {}
        }
    }

    fn request(&mut self, cycle: u64, address: u16) {
        if self.at == At::Nowhere && self.which == Which::Input(self.requests) {
            let leak = address & LEAK != 0;
            self.at = At::Link { leak };
            self.arriving = true;
            let what = format!("the sender raises its request with address {address}");
            self.tell(cycle, what);
        }
        self.requests += 1;
    }

    fn fire(&mut self, cycle: u64, neuron: u8) {
        // Where open loop keeps spikes out of the scheduler, only the output link has it.
        if let At::Fired(at) = self.at
            && at < cycle
        {
            self.at = At::Gone;
        }
        let Which::Spike(place, from) = self.which else { return };
        if self.at == At::Nowhere && u16::from(neuron) == place.neuron && cycle >= u64::from(from) {
            self.at = At::Fired(cycle);
            self.tell(cycle, format!("neuron {neuron} fires"));
        }
    }
}

impl Watch for Life {
    fn observe(&mut self, cycle: u64, what: Observed) {
        match what {
            Observed::State(state) => self.enter(cycle, state),
            Observed::Spike(neuron) => self.fire(cycle, neuron),
            Observed::Pushed(_) => self.push(cycle, true),
            Observed::Lost(_) => self.push(cycle, false),
            Observed::Popped(_) => self.pop(cycle),
            Observed::InRequest(address) => self.request(cycle, address),
            Observed::InAcknowledge(up) if self.arriving => {
                self.arriving = up;
                self.tell(cycle, if up { "acknowledged" } else { "the acknowledge falls" });
            }
            Observed::InRelease if self.arriving => self.tell(cycle, "the sender lowers its request"),
            Observed::OutRequest(address) => {
                // A spike's request rises after the edge at which it fires.
                let fired = self.steps.first().map(|step| step.0);
                let own = matches!(self.which, Which::Spike(place, _) if place.neuron == u16::from(address));
                if own && fired.is_some_and(|fired| fired + 1 == cycle) {
                    self.leaving = true;
                    self.tell(cycle, format!("the output link's request rises with address {address}"));
                }
            }
            Observed::OutAcknowledge(up) if self.leaving => {
                self.leaving = up;
                self.tell(cycle, if up { "the receiver acknowledges" } else { "the receiver's acknowledge falls" });
                if !up && matches!(self.at, At::Fired(_)) {
                    self.at = At::Gone;
                }
            }
            Observed::OutRelease if self.leaving => self.tell(cycle, "the output link's request falls"),
            _ => {}
        }
    }
}
