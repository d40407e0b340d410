//! What a chip is: structure, widths, capacities, unit timings, mesh, synchronisation and energy, read from
//! `isa/chips/*.toml` and resolved once to an immutable [`ChipSpec`] of integers.
//!
//! The walk: text -> `tree` (nodes with places, overrides) -> `section` (keys, units, provenance) -> `read` and
//! `cost` (tables to fields) -> `check` (across keys) -> `load` (the choices of a run). `isa/README.md` is the
//! manual of the format.

mod board;
mod check;
mod clocked;
mod cost;
mod crossbar;
mod defects;
mod fcore;
mod load;
mod programs;
mod quantity;
mod ranc;
mod read;
mod section;
mod spec;
mod stepped;
mod sync;
mod tree;

pub use board::{Array, BoardChip, BoardSpec, EdgeLink, LinkKind, Sharing, Wire, board_names, load_board, parse_board};
pub use clocked::{RancSpec, TinyOdinSpec};
pub use crossbar::{CrossbarOptions, DrawComparison, LinearReset, Overflow};
pub use defects::{Defects, SIDES};
pub use fcore::FcoreSpec;
pub use load::{LoadOptions, builtin_names, builtin_text, default_text, load, parse};
pub use programs::ProgramSpec;
pub use ranc::{ParamFault, RancParams};
pub use spec::{
    CapacityLimits, ChipSpec, CrossbarSpec, CubaSpec, Dialect, EnergyEntry, EnergyTable, Fact, Family, MeshSpec,
    StaticPower, Status, SyncSpec, UnitTimes,
};

pub use stepped::{Accumulate, Leak, SteppedSpec, Workload};

#[cfg(test)]
mod tests;
