//! Meshes of synchronous routers, one clock edge at a time.
//!
//! A clocked mesh is registers and nothing else: every cycle evaluates what the registers say before the edge and
//! commits what they hold after it. `k` counts rising edges; a value "at cycle k" is what edge `k` sees.
//!
//! * [`MergeMesh`]: merges of fixed priority with a first-in first-out buffer behind every path (RANC's router).
//! * [`RegisteredMesh`]: buffers at the inputs, one register at each output, rotating priority.
//! * [`QueuedMesh`]: buffers at the inputs, virtual channels, credits, allocators (BookSim's input-queued router).

mod crossing;
mod crowd;
mod fifo;
mod flight;
mod merge;
mod passage;
mod path;
mod queued;
mod registered;
mod routes;

pub(in crate::emu) use crossing::{Crossings, Departure, flight_time};
pub(in crate::emu) use crowd::{Crowds, Shot};
pub(in crate::emu) use flight::Flights;
pub use merge::{Flit, MergeMesh, MergeMeshSpec};
pub use passage::{Passage, Whereabouts};
pub(in crate::emu) use path::Path;
pub use queued::{Arbitration, QueuedMesh, QueuedMeshSpec};
pub use registered::{Handover, RegisteredMesh, RegisteredMeshSpec};
pub use routes::BUFFER_NAMES;
