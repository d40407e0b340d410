//! Made-up networks with known activity, straight as images: what speed and power are measured with.
//!
//! They are no compiled graphs: a full chip has 2^28 synapses, which as a graph would take gigabytes.

mod truenorth;

pub use truenorth::{Drive, Recurrent, recurrent};
