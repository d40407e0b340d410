//! The spike-routing mesh: routers with dimension-order routing (x, then y), event-timed.

use crate::ids::CoreId;
use crate::units::Picos;

/// One packet of a tick, from a core (or the host) to one destination core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// When the source offers it, since the start of the tick.
    pub ready: Picos,
    /// Sending core; `None` for the host, which injects at an extra port of `MeshSpec::host`'s router.
    pub from: Option<CoreId>,
    /// Receiving core.
    pub to: CoreId,
    /// The caller's number of the packet, unique within the tick; also the last tie key.
    pub tag: u32,
}

/// A packet at its destination core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When the destination core has it, since the start of the tick.
    pub at: Picos,
    /// The packet's number.
    pub tag: u32,
}
