//! Packets in the mesh and what happens to them.

use super::ports::NONE;
use super::queue::Timed;

/// Where a packet goes: the router, and that router's link to the core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub x: u16,
    pub y: u16,
    pub exit: u32,
}

/// A packet under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flit {
    pub to: Target,
    /// The packet behind it in the same input.
    pub behind: u32,
    pub tag: u32,
}

/// A packet that its source has not offered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub ready: u64,
    /// The input that it comes to.
    pub input: u32,
}

/// A packet on a wire to an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flight {
    pub at: u64,
    pub input: u32,
    pub flit: u32,
    pub to: Target,
}

/// The end of a handshake that something waits for, by the input that sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wake {
    pub at: u64,
    pub input: u32,
}

impl Flight {
    /// No packet.
    pub(super) const NONE: Self = Self { at: 0, input: NONE, flit: NONE, to: Target { x: 0, y: 0, exit: 0 } };
}

impl Timed for Flight {
    fn at(&self) -> u64 {
        self.at
    }
}

impl Timed for Wake {
    fn at(&self) -> u64 {
        self.at
    }
}
