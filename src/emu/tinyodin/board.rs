//! The chip with a sender and a receiver at its links, run plainly or with known stretches done at once.

use super::chip::Registers;
use super::{Chip, Observed, Pins, Watch};
use crate::diag::{Problem, Problems, Result};

/// Sends events over the input link in order: raises the request with an event whose time has come where both
/// lines are down, lowers it where the acknowledge is up.
#[derive(Debug, Clone)]
pub struct Source {
    events: Vec<(u64, u16)>,
    sent: usize,
    address: u16,
    request: bool,
}

impl Source {
    /// From (earliest cycle, 10-bit address) pairs.
    ///
    /// # Errors
    ///
    /// `tinyodin/range` for each address of more than 10 bits.
    pub fn new(events: Vec<(u64, u16)>) -> Result<Self> {
        let problem = |(at, (_, address)): (usize, &(u64, u16))| {
            Problem::invalid("tinyodin/range", format!("event {at}"), format!("address {address} does not fit"))
                .limit("0..=1023: 10 bits")
        };
        let found = events.iter().enumerate().filter(|(_, (_, address))| *address > 0x3ff).map(problem).collect();
        Problems::check(found, Self { events, sent: 0, address: 0, request: false })
    }

    /// Events whose request was raised.
    #[must_use]
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// The first slot from `now` on in which it acts, with the acknowledge as it is.
    fn next_action(&self, now: u64, acknowledge: bool) -> Option<u64> {
        match (self.request, acknowledge) {
            (false, false) => self.events.get(self.sent).map(|(earliest, _)| now.max(*earliest)),
            (true, true) => Some(now),
            _ => None,
        }
    }

    fn act(&mut self) -> Observed {
        self.request = !self.request;
        if !self.request {
            return Observed::InRelease;
        }
        self.address = self.events[self.sent].1;
        self.sent += 1;
        Observed::InRequest(self.address)
    }
}

/// Receives events from the output link.
#[derive(Debug, Clone)]
pub struct Sink {
    acknowledge_delay: u64,
    release_delay: u64,
    waited: u64,
    acknowledge: bool,
}

impl Sink {
    /// One that raises the acknowledge this many slots after the one in which it finds the request up, and lowers
    /// it this many after the one in which it finds the request down.
    #[must_use]
    pub const fn new(acknowledge_delay: u64, release_delay: u64) -> Self {
        Self { acknowledge_delay, release_delay, waited: 0, acknowledge: false }
    }

    /// Slots to wait before it acts, with the request as it is.
    const fn wait(&self, request: bool) -> Option<u64> {
        match (request, self.acknowledge) {
            (true, false) => Some(self.acknowledge_delay - self.waited),
            (false, true) => Some(self.release_delay - self.waited),
            _ => None,
        }
    }

    const fn act(&mut self) -> Observed {
        self.waited = 0;
        self.acknowledge = !self.acknowledge;
        Observed::OutAcknowledge(self.acknowledge)
    }
}

/// A chip, its sender and its receiver.
#[derive(Debug, Clone)]
pub struct Board {
    chip: Chip,
    source: Source,
    sink: Sink,
    cycle: u64,
    /// The chip's handshake pins as last told to the watch.
    in_acknowledge: bool,
    out_request: bool,
}

/// What must stay for a cycle to have changed nothing.
#[derive(PartialEq, Eq)]
struct Snapshot {
    registers: Registers,
    pins: Pins,
    in_acknowledge: bool,
    out_request: bool,
}

impl Board {
    /// At cycle 0.
    #[must_use]
    pub const fn new(chip: Chip, source: Source, sink: Sink) -> Self {
        Self { chip, source, sink, cycle: 0, in_acknowledge: false, out_request: false }
    }

    /// Runs to cycle `until`, with stretches of known outcome done at once.
    pub fn run<W: Watch>(&mut self, until: u64, watch: &mut W) {
        while self.cycle < until {
            if self.sweep(until, watch) {
                continue;
            }
            if !self.chip.may_rest() {
                self.step(watch);
                continue;
            }
            let before = self.snapshot();
            if !self.step(watch) && before == self.snapshot() {
                self.rest(until);
            }
        }
    }

    /// Runs to cycle `until` edge by edge: the oracle of [`Board::run`].
    pub fn run_plain<W: Watch>(&mut self, until: u64, watch: &mut W) {
        while self.cycle < until {
            self.step(watch);
        }
    }

    /// The chip.
    #[must_use]
    pub const fn chip(&self) -> &Chip {
        &self.chip
    }

    /// The sender.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The next cycle.
    #[must_use]
    pub const fn cycle(&self) -> u64 {
        self.cycle
    }

    const fn pins(&self) -> Pins {
        Pins {
            in_address: self.source.address,
            in_request: self.source.request,
            out_acknowledge: self.sink.acknowledge,
        }
    }

    const fn snapshot(&self) -> Snapshot {
        Snapshot {
            registers: self.chip.registers(),
            pins: self.pins(),
            in_acknowledge: self.in_acknowledge,
            out_request: self.out_request,
        }
    }

    /// One slot and its edge. Returns what [`Chip::edge`] does.
    fn step<W: Watch>(&mut self, watch: &mut W) -> bool {
        self.slot(watch);
        let active = self.chip.edge(self.cycle, self.pins(), watch);
        self.cycle += 1;
        active
    }

    /// Outside parties see the chip's pins and move theirs.
    fn slot<W: Watch>(&mut self, watch: &mut W) {
        let now = self.cycle;
        let acknowledge = self.chip.in_acknowledge();
        if self.in_acknowledge != acknowledge {
            self.in_acknowledge = acknowledge;
            watch.observe(now, Observed::InAcknowledge(acknowledge));
        }
        let request = self.chip.out_request();
        if self.out_request != request.is_some() {
            self.out_request = request.is_some();
            watch.observe(now, request.map_or(Observed::OutRelease, Observed::OutRequest));
        }
        if self.source.next_action(now, acknowledge) == Some(now) {
            watch.observe(now, self.source.act());
        }
        match self.sink.wait(self.out_request) {
            Some(0) => watch.observe(now, self.sink.act()),
            Some(_) => self.sink.waited += 1,
            None => {}
        }
    }

    /// The last cycle changed nothing: none will until the sender or the receiver acts.
    fn rest(&mut self, until: u64) {
        let now = self.cycle;
        let source = self.source.next_action(now, self.in_acknowledge);
        let wait = self.sink.wait(self.out_request);
        let sink = wait.map(|slots| now.saturating_add(slots));
        let end = [source, sink].into_iter().flatten().fold(until, u64::min);
        let edges = end.saturating_sub(now);
        self.chip.rest(self.source.address, edges);
        self.sink.waited += if wait.is_some() { edges } else { 0 };
        self.cycle += edges;
    }

    /// Neurons that send nothing are done at once. Meanwhile the sender may raise its request, once, and nobody
    /// answers. Returns whether there were any.
    fn sweep<W: Watch>(&mut self, until: u64, watch: &mut W) -> bool {
        if self.sink.acknowledge || self.in_acknowledge || self.out_request {
            return false;
        }
        let swept = self.chip.sweep(self.source.address, (until - self.cycle) / 2);
        if swept == 0 {
            return false;
        }
        let before = self.source.request;
        let end = self.cycle + 2 * swept;
        let raised = self.source.next_action(self.cycle, false).filter(|slot| *slot < end);
        if let Some(slot) = raised {
            watch.observe(slot, self.source.act());
        }
        let request = |slot: u64| before || raised.is_some_and(|raised| raised <= slot);
        self.chip.set_requested(request(end - 2), request(end - 1));
        self.cycle = end;
        true
    }
}
