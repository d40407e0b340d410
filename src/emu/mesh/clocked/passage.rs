//! One packet on its way through the merge mesh, as the registers show it.

use super::merge::{Flit, MergeMesh};
use super::routes::{BUFFER_NAMES, LOCAL_EAST, LOCAL_WEST, MERGES, NOBODY, PER_ROUTER, Path};

/// Where a packet is before an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// In a buffer: the router and the scope and name of the buffer there, or none for the buffer in front of router 0; with
    /// so many packets before it.
    Waits {
        /// The router, and the buffer's scope and name; none for the input buffer.
        buffer: Option<(u32, &'static str, &'static str)>,
        /// Packets before it.
        ahead: usize,
    },
    /// Taken by the merge of a router, not yet passed on.
    Taken {
        /// The router of the merge.
        router: u32,
        /// Which way it leads.
        to: &'static str,
    },
    /// Comes to the core, or the output bus, at a router.
    Arrives {
        /// The router of the core.
        router: u32,
    },
    /// Was dropped before the first buffer, which was full.
    Dropped,
}

const MERGE_NAMES: [&str; MERGES as usize] = ["east", "west", "north", "south", "local"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Buffer { number: u32, ahead: usize },
    Merge(u32),
    Arrived(u32),
    Dropped,
}

/// Follows one packet.
#[derive(Debug, Clone)]
pub struct Passage {
    at: At,
    flit: Flit,
}

impl Passage {
    /// A packet that goes into its first buffer at the coming edge: behind the core of `router`, or the input buffer.
    #[must_use]
    pub fn begin(mesh: &MergeMesh, router: Option<u32>, flit: Flit) -> Self {
        let number = match router {
            Some(router) => router * PER_ROUTER + if flit.dx < 0 { LOCAL_WEST } else { LOCAL_EAST },
            None => mesh.input,
        };
        let fits = !mesh.fifos[number as usize].is_full();
        Self { at: if fits { enter(mesh, number) } else { At::Dropped }, flit }
    }

    /// One edge on: `mesh` is as it is before an edge; the packet is moved to where it is after it.
    pub fn step(&mut self, mesh: &MergeMesh) {
        self.at = match self.at {
            At::Buffer { number, ahead } => {
                let reader = mesh.readers[number as usize];
                let is_taken = reader != NOBODY && asks(mesh, reader) == Some(number);
                match (is_taken, ahead) {
                    (true, 0) => At::Merge(reader),
                    (true, _) => At::Buffer { number, ahead: ahead - 1 },
                    (false, _) => self.at,
                }
            }
            At::Merge(merge) if mesh.merges[merge as usize].holds => {
                if merge % MERGES == 4 {
                    At::Arrived(merge / MERGES)
                } else {
                    enter(mesh, self.turn(mesh, merge))
                }
            }
            other => other,
        };
    }

    /// The buffer behind a merge; the packet's offset becomes what it is there.
    fn turn(&mut self, mesh: &MergeMesh, merge: u32) -> u32 {
        let wiring = &mesh.wiring[merge as usize];
        let (output, flit) = match wiring.path {
            Path::X { step } if self.flit.dx != 0 => (0, Flit { dx: self.flit.dx + step, ..self.flit }),
            Path::X { .. } => (if self.flit.dy >= 0 { 1 } else { 2 }, self.flit),
            Path::Y { step } if self.flit.dy != 0 => (0, Flit { dy: self.flit.dy + step, ..self.flit }),
            Path::Y { .. } | Path::Local => (1, self.flit),
        };
        self.flit = flit;
        wiring.outputs[output]
    }

    /// Where the packet is.
    #[must_use]
    pub fn whereabouts(&self, mesh: &MergeMesh) -> Whereabouts {
        match self.at {
            At::Buffer { number, ahead } if number == mesh.input => Whereabouts::Waits { buffer: None, ahead },
            At::Buffer { number, ahead } => {
                let (scope, name) = BUFFER_NAMES[(number % PER_ROUTER) as usize];
                Whereabouts::Waits { buffer: Some((number / PER_ROUTER, scope, name)), ahead }
            }
            At::Merge(merge) if merge % MERGES == 4 && mesh.merges[merge as usize].holds => {
                Whereabouts::Arrives { router: merge / MERGES }
            }
            At::Merge(merge) => {
                Whereabouts::Taken { router: merge / MERGES, to: MERGE_NAMES[(merge % MERGES) as usize] }
            }
            At::Arrived(router) => Whereabouts::Arrives { router },
            At::Dropped => Whereabouts::Dropped,
        }
    }
}

/// The buffer that a merge takes from at the coming edge.
fn asks(mesh: &MergeMesh, merge: u32) -> Option<u32> {
    let asks = usize::from(mesh.merges[merge as usize].asks);
    (asks > 0).then(|| mesh.wiring[merge as usize].inputs[asks - 1])
}

/// Behind everything that is in a buffer and stays there at the coming edge.
fn enter(mesh: &MergeMesh, number: u32) -> At {
    let reader = mesh.readers[number as usize];
    let leaves = reader != NOBODY && asks(mesh, reader) == Some(number);
    At::Buffer { number, ahead: mesh.fifos[number as usize].fill() - usize::from(leaves) }
}
