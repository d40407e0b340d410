//! What a chip is: structure, widths, capacities, unit timings, mesh, synchronisation and energy, read from
//! `isa/chips/*.toml` and resolved once to an immutable [`ChipSpec`] of integers.

mod spec;

pub use spec::{
    CapacityLimits, ChipSpec, CrossbarSpec, CubaSpec, Dialect, EnergyEntry, EnergyTable, Fact, Family, MeshSpec,
    StaticPower, Status, SyncSpec, UnitTimes,
};
