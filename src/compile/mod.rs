//! From a network to an image: quantise, partition, place, route, emit, verify.

mod crossbar;
mod cuba;
mod log;

pub use log::{CoreUse, Line, Log, Metrics, ResourceUse, TensorError};
