//! The merge mesh: RANC's routers, cycle by cycle.
//!
//! # What is modelled
//!
//! A router has merges for traffic that goes east, west, north, south and into its core, and a buffer on every path
//! between two of them. A packet goes x first, then y. A merge always takes from the first of its inputs that has
//! something: through traffic, then what turns (from the east merge before the west merge), then the core.
//!
//! # Cycles
//!
//! Buffers move at the rising edge, merges between edges. Between edges `t` and `t + 1` a merge that has all its
//! output buffers open asks one input; edge `t + 1` takes the packet out; between `t + 1` and `t + 2` the
//! merge holds it; edge `t + 2` puts it into the next buffer. So a stage takes 2 cycles and carries one packet every
//! 2. Where **any** of its output buffers is full, a merge stands still, whatever its packet's way (head-of-line
//! blocking). A buffer that is full before an edge takes nothing at that edge, even if it gives something.
//!
//! A packet that leaves the grid stays in the last buffer for ever and in the end blocks what is behind it.
//!
//! Source: R/Router.v, Forward*.v, Merge2.v, Merge3.v and Buffer.v of UA-RCL/RANC at 08ae4bd; equal to its RTL on every
//! recorded vector (`tests/golden_rtl`).

use super::fifo::Fifo;
use super::routes::{LOCAL_EAST, LOCAL_WEST, MERGES, NOBODY, PER_ROUTER, Path, Wiring, wire};
use crate::fixed::wrap;

/// What travels: where to, relative to where it is, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flit {
    /// Routers still to go, positive to the east.
    pub dx: i32,
    /// Routers still to go, positive to the north (to higher `y`).
    pub dy: i32,
    /// Axon of the destination core, or line of the output bus.
    pub axon: u32,
    /// Ticks after the next to wait there.
    pub delay: u32,
}

/// Size of a merge mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeMeshSpec {
    /// Routers in x.
    pub width: u32,
    /// Routers in y.
    pub height: u32,
    /// Bits of dx, two's complement.
    pub dx_bits: u32,
    /// Bits of dy, two's complement.
    pub dy_bits: u32,
    /// Places of every buffer in the routers.
    pub depth: u32,
    /// Places of the buffer in front of router 0.
    pub input_depth: u32,
}

/// Registers of one merge.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Merge {
    /// The input that it asks, plus one; 0 for none.
    pub(super) asks: u8,
    /// Whether it holds a packet for its output buffers.
    pub(super) holds: bool,
    held: Flit,
}

/// Buffers and merges of all routers.
#[derive(Debug, Clone)]
pub struct MergeMesh {
    spec: MergeMeshSpec,
    pub(super) wiring: Vec<Wiring>,
    pub(super) readers: Vec<u32>,
    pub(super) fifos: Vec<Fifo<Flit>>,
    /// What each buffer gave last.
    given: Vec<Flit>,
    pub(super) merges: Vec<Merge>,
    /// Merges that may do something, in no order, each once; with `sweep` all of them, always.
    active: Vec<u32>,
    is_active: Vec<bool>,
    sweep: bool,
    pub(super) input: u32,
}

impl MergeMesh {
    /// An empty mesh. `sweep`: evaluate every merge in every cycle, rather than those with work.
    #[must_use]
    pub fn new(spec: MergeMeshSpec, sweep: bool) -> Self {
        let routers = spec.width * spec.height;
        let input = routers * PER_ROUTER;
        let (wiring, readers) = wire(spec.width, spec.height, input);
        let mut fifos = vec![Fifo::new(spec.depth); input as usize];
        fifos.push(Fifo::new(spec.input_depth));
        let merges = wiring.len();
        Self {
            spec,
            given: vec![Flit::default(); fifos.len()],
            fifos,
            merges: vec![Merge::default(); merges],
            active: if sweep { (0..routers * MERGES).collect() } else { Vec::new() },
            is_active: vec![sweep; merges],
            wiring,
            readers,
            sweep,
            input,
        }
    }

    /// Whether the next cycle can differ from this one without anything being pushed.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !self.active.is_empty()
    }

    /// Whether one of the two buffers behind the core of `router` is full.
    #[must_use]
    pub fn local_full(&self, router: u32) -> bool {
        let first = (router * PER_ROUTER) as usize;
        self.fifos[first + LOCAL_EAST as usize].is_full() || self.fifos[first + LOCAL_WEST as usize].is_full()
    }

    /// Entries of each buffer of `router`, in the order of [`BUFFER_NAMES`](super::BUFFER_NAMES).
    pub fn fills(&self, router: u32) -> impl Iterator<Item = usize> + '_ {
        let first = (router * PER_ROUTER) as usize;
        self.fifos[first..first + PER_ROUTER as usize].iter().map(Fifo::fill)
    }

    /// Entries of the buffer in front of router 0.
    #[must_use]
    pub fn input_fill(&self) -> usize {
        self.fifos[self.input as usize].fill()
    }

    /// What the core of `router` gets at the coming edge.
    #[must_use]
    pub fn arriving(&self, router: u32) -> Option<Flit> {
        let merge = &self.merges[(router * MERGES + 4) as usize];
        merge.holds.then_some(merge.held)
    }

    /// The routers whose core may get something at the coming edge.
    pub fn arrivals(&self) -> impl Iterator<Item = (u32, Flit)> + '_ {
        self.active
            .iter()
            .filter(|&&merge| merge % MERGES == 4 && self.merges[merge as usize].holds)
            .map(|&merge| (merge / MERGES, self.merges[merge as usize].held))
    }

    /// Rising edge, first part: everything that is put into buffers. `pushed` comes from cores (`Some(router)`) and from
    /// outside (`None`); told back for each is whether there was room.
    pub fn edge(&mut self, pushed: &[(Option<u32>, Flit)], mut room: impl FnMut(usize, bool)) {
        for index in 0..self.active.len() {
            let merge = self.active[index] as usize;
            if self.merges[merge].holds {
                self.forward(merge);
            }
        }
        for (index, &(router, flit)) in pushed.iter().enumerate() {
            let buffer = match router {
                Some(router) if flit.dx < 0 => router * PER_ROUTER + LOCAL_WEST,
                Some(router) => router * PER_ROUTER + LOCAL_EAST,
                None => self.input,
            };
            let fits = self.push(buffer, flit);
            room(index, fits);
        }
        // A merge asks only a buffer that has something, so what is taken was there before this edge.
        for index in 0..self.active.len() {
            let merge = self.active[index] as usize;
            let asks = self.merges[merge].asks;
            if asks > 0 {
                let buffer = self.wiring[merge].inputs[usize::from(asks) - 1] as usize;
                self.given[buffer] = self.fifos[buffer].pop();
            }
        }
    }

    /// Puts a packet where it is between two edges: held by a merge, or in the buffer that the merge asks. Nothing else is
    /// there.
    pub(super) fn resume(&mut self, merge: u32, input: u8, held: bool, flit: Flit) {
        let index = merge as usize;
        if held {
            (self.merges[index].holds, self.merges[index].held) = (true, flit);
        } else {
            let buffer = self.wiring[index].inputs[usize::from(input) - 1];
            self.fifos[buffer as usize].push(flit);
            self.merges[index].asks = input;
        }
        if !self.is_active[index] {
            self.is_active[index] = true;
            self.active.push(merge);
        }
    }

    fn forward(&mut self, merge: usize) {
        let Wiring { outputs, path, .. } = self.wiring[merge];
        let mut flit = self.merges[merge].held;
        let output = match path {
            Path::X { step } if flit.dx != 0 => {
                flit.dx = wrapped(flit.dx + step, self.spec.dx_bits);
                0
            }
            Path::X { .. } if flit.dy >= 0 => 1,
            Path::X { .. } => 2,
            Path::Y { step } if flit.dy != 0 => {
                flit.dy = wrapped(flit.dy + step, self.spec.dy_bits);
                0
            }
            Path::Y { .. } => 1,
            Path::Local => return,
        };
        self.push(outputs[output], flit);
    }

    fn push(&mut self, buffer: u32, flit: Flit) -> bool {
        let reader = self.readers[buffer as usize];
        if reader != NOBODY && !self.is_active[reader as usize] {
            self.is_active[reader as usize] = true;
            self.active.push(reader);
        }
        self.fifos[buffer as usize].push(flit)
    }

    /// Between this edge and the next: every merge looks at its buffers.
    pub fn settle(&mut self) {
        let mut index = 0;
        while index < self.active.len() {
            let merge = self.active[index];
            if self.decide(merge as usize) || self.sweep {
                index += 1;
            } else {
                self.is_active[merge as usize] = false;
                self.active.swap_remove(index);
            }
        }
    }

    /// One merge decides; whether it has anything left to do.
    fn decide(&mut self, index: usize) -> bool {
        let Wiring { inputs, outputs, .. } = &self.wiring[index];
        let full = |buffer: &u32| *buffer != NOBODY && self.fifos[*buffer as usize].is_full();
        if outputs.iter().any(full) {
            return true;
        }
        let merge = &mut self.merges[index];
        if merge.asks > 0 {
            merge.holds = true;
            merge.held = self.given[inputs[usize::from(merge.asks) - 1] as usize];
            merge.asks = 0;
            return true;
        }
        merge.holds = false;
        for (number, &buffer) in (1..).zip(inputs) {
            if buffer != NOBODY && !self.fifos[buffer as usize].is_empty() {
                merge.asks = number;
                return true;
            }
        }
        false
    }
}

fn wrapped(value: i32, bits: u32) -> i32 {
    i32::try_from(wrap(i64::from(value), bits)).expect("a coordinate has at most 32 bits")
}
