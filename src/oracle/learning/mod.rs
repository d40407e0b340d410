//! Straight-line models of on-chip learning: a plastic projection from n sources to m targets, synapse by synapse.
//!
//! - [`lava`]: lava-nc's "bit-approximate" engine, with traces, tags, delays and epochs.
//! - [`brian2`]: brian2-loihi's STDP, with its epoch of one step and its rounding.
//!
//! Random numbers are given by the caller: recorded ones, or [`crate::rule::Draws::own`].

pub mod brian2;
pub mod lava;
