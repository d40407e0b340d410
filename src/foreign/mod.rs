//! Files of other tools, on the level of the chip: to and from the image, without a graph.
//!
//! IBM's TrueNorth software (NSCS 1.4.0, Corelets) keeps models in an almost-JSON and input spikes in `.sfti` lines:
//! [`read_nscs`] and [`read_sfti`] give an image and its stimulus, [`write_nscs`] and [`write_sfti`] write them back.

mod crossbar;
mod imported;
mod json;
mod nscs;
mod ranc;
mod reach;
mod sfti;
mod tinyodin;

#[cfg(test)]
mod tests;

pub use crossbar::{CROSSBAR_FORMAT, CrossbarProgram, read_crossbar};
pub use imported::Imported;
pub use json::{Json, Kind};
pub use nscs::{Core, Link, Model, NeuronType, Nscs, Row, Rows, read_model, read_nscs, write_nscs};
pub use ranc::{RancCycles, RancPacket, read_ranc_cycles, read_ranc_json, read_ranc_mem};
pub use sfti::{read_sfti, write_sfti};
pub use tinyodin::{read_tinyodin, read_tinyodin_events};

use imported::{chip_with, file_name, stem};
