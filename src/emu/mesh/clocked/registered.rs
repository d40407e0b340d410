//! The registered mesh: buffers at the inputs, a register at each output, rotating priority, cycle by cycle.
//!
//! A router has inputs and outputs for its core, north (higher `y`), south, east and west, in this order. In every
//! cycle the inputs are asked in a ring that starts one further each cycle, work or no work. An input whose first
//! packet's output register is empty before the edge, and not yet claimed in this cycle, moves its packet there. A
//! register is emptied by a neighbour whose buffer is not full before the edge, or by a core that is ready. So a
//! router takes 2 cycles, and an output carries one packet every 2. Routing is x first with absolute coordinates.
//!
//! Source: `rtl/async_router.v` of catalyst-neuromorphic/catalyst-n1 at fbfd2e5 (it is synchronous, despite its name);
//! equal to its RTL on every recorded vector (`tests/golden_rtl`).

use super::fifo::Fifo;

const PORTS: usize = 5;
const LOCAL: usize = 0;
const NORTH: usize = 1;
const SOUTH: usize = 2;
const EAST: usize = 3;
const WEST: usize = 4;
/// The port at the far end of a link.
const OPPOSITE: [usize; PORTS] = [LOCAL, SOUTH, NORTH, WEST, EAST];

/// Size of a registered mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisteredMeshSpec {
    /// Routers in x.
    pub width: u32,
    /// Routers in y.
    pub height: u32,
    /// Places of every input buffer.
    pub depth: u32,
}

/// A packet that goes in or out at a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handover {
    /// Destination router in x.
    pub x: u32,
    /// Destination router in y.
    pub y: u32,
    /// The caller's number.
    pub id: u32,
}

#[derive(Debug, Clone)]
struct Router {
    buffers: [Fifo<Handover>; PORTS],
    registers: [Option<Handover>; PORTS],
}

/// Buffers and registers of all routers.
#[derive(Debug, Clone)]
pub struct RegisteredMesh {
    spec: RegisteredMeshSpec,
    routers: Vec<Router>,
    /// Where the ring starts: one pointer for all, for they all start at 0 and move every cycle.
    first: usize,
}

/// What moves at an edge.
#[derive(Debug, Clone, Copy)]
enum Move {
    Grant { router: usize, input: usize, output: usize },
    Link { router: usize, output: usize },
}

impl RegisteredMesh {
    /// An empty mesh.
    #[must_use]
    pub fn new(spec: RegisteredMeshSpec) -> Self {
        let router = || Router { buffers: std::array::from_fn(|_| Fifo::new(spec.depth)), registers: [None; PORTS] };
        Self { spec, routers: (0..spec.width * spec.height).map(|_| router()).collect(), first: 0 }
    }

    /// Whether the core at a node can give a packet in at the coming edge.
    #[must_use]
    pub fn has_room(&self, node: u32) -> bool {
        !self.routers[node as usize].buffers[LOCAL].is_full()
    }

    /// One rising edge. `offers[node]` is what the core there offers, `ready(node)` whether it takes. Tells back
    /// `accepted(node)` and `delivered(node, packet)`.
    pub fn edge(
        &mut self,
        offers: &[Option<Handover>],
        ready: impl Fn(usize) -> bool,
        mut accepted: impl FnMut(usize),
        mut delivered: impl FnMut(usize, Handover),
    ) {
        let mut moves = Vec::new();
        for node in 0..self.routers.len() {
            self.grants(node, &mut moves);
            self.links(node, &ready, &mut moves);
        }
        let fits: Vec<bool> = self.routers.iter().map(|router| !router.buffers[LOCAL].is_full()).collect();
        for (node, offer) in offers.iter().enumerate() {
            if let (Some(offer), true) = (offer, fits[node]) {
                self.routers[node].buffers[LOCAL].push(*offer);
                accepted(node);
            }
        }
        for step in moves {
            self.commit(step, &mut delivered);
        }
        self.first = (self.first + 1) % PORTS;
    }

    /// Which inputs of a router move a packet to their output's register.
    fn grants(&self, node: usize, moves: &mut Vec<Move>) {
        let router = &self.routers[node];
        let mut claimed = [false; PORTS];
        for step in 0..PORTS {
            let input = (self.first + step) % PORTS;
            if router.buffers[input].is_empty() {
                continue;
            }
            let output = self.route(node, router.buffers[input].head());
            if router.registers[output].is_none() && !claimed[output] {
                claimed[output] = true;
                moves.push(Move::Grant { router: node, input, output });
            }
        }
    }

    /// Which registers of a router are emptied.
    fn links(&self, node: usize, ready: &impl Fn(usize) -> bool, moves: &mut Vec<Move>) {
        for (output, &far) in OPPOSITE.iter().enumerate() {
            if self.routers[node].registers[output].is_none() {
                continue;
            }
            let takes = if output == LOCAL {
                ready(node)
            } else {
                // A packet for beyond the grid has nobody to take it.
                self.neighbour(node, output).is_some_and(|next| !self.routers[next].buffers[far].is_full())
            };
            if takes {
                moves.push(Move::Link { router: node, output });
            }
        }
    }

    fn commit(&mut self, step: Move, delivered: &mut impl FnMut(usize, Handover)) {
        match step {
            Move::Grant { router, input, output } => {
                let packet = self.routers[router].buffers[input].pop();
                self.routers[router].registers[output] = Some(packet);
            }
            Move::Link { router, output } => {
                let packet = self.routers[router].registers[output].take().expect("only full registers are emptied");
                match self.neighbour(router, output) {
                    Some(next) if output != LOCAL => {
                        self.routers[next].buffers[OPPOSITE[output]].push(packet);
                    }
                    _ => delivered(router, packet),
                }
            }
        }
    }

    fn route(&self, node: usize, packet: Handover) -> usize {
        let (x, y) = self.place(node);
        if packet.x != x {
            if packet.x > x { EAST } else { WEST }
        } else if packet.y != y {
            if packet.y > y { NORTH } else { SOUTH }
        } else {
            LOCAL
        }
    }

    fn neighbour(&self, node: usize, port: usize) -> Option<usize> {
        let (x, y) = self.place(node);
        let width = self.spec.width as usize;
        match port {
            NORTH => (y + 1 < self.spec.height).then_some(node + width),
            SOUTH => (y > 0).then(|| node - width),
            EAST => (x + 1 < self.spec.width).then_some(node + 1),
            WEST => (x > 0).then(|| node - 1),
            _ => None,
        }
    }

    fn place(&self, node: usize) -> (u32, u32) {
        let node = u32::try_from(node).expect("node numbers are small");
        (node % self.spec.width, node / self.spec.width)
    }
}
