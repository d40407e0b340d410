//! The emulator: function pass, then time pass, tick by tick.

pub mod counters;
pub mod mesh;
