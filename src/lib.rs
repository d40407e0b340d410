//! spikeloom weaves spiking neural networks onto many-core neuromorphic chips and runs them there.
//!
//! Data flows one way: a source network ([`graph`]) and a chip description ([`chip`]) are compiled
//! ([`compile`]) to an [`image`], which the emulator ([`emu`]) runs with a [`stimulus`]; its counters
//! become joules ([`energy`]) and pages ([`report`]). See `ARCHITECTURE.md` for the plan of the house.

pub mod binary16;
pub mod bits;
pub mod diag;
pub mod digest;
pub mod event;
pub mod fixed;
pub mod ids;
pub mod pages;
pub mod parameters;
pub mod rng;
pub mod rule;
pub mod units;
pub mod watch;

pub mod chip;
pub mod graph;
pub mod isa;
pub mod stimulus;

pub mod image;

pub mod foreign;

pub mod board;
pub mod compile;
pub mod convert;
pub mod curve;
pub mod emu;
pub mod energy;
pub mod explore;
pub mod oracle;
pub mod partition;
pub mod place;
pub mod report;
pub mod synthetic;
pub mod trace;
pub mod train;

pub mod cli;
