//! RANC: a grid of TrueNorth-like cores on the merge mesh, exact to the clock cycle.
//!
//! [`RancChip`] steps through every cycle ([`Pace::Every`], the plain model) or only through those in which something
//! can happen ([`Pace::Events`]); both tell the same [`RancTrace`]. [`RancTicks`] has no cycles at all.
//!
//! # Cycles of a tick
//!
//! With A axons and N neurons, and a tick seen at edge T: the scheduler moves on after edge T+1; neuron n looks at
//! its axons from edge F = T+2+n(A+2) on, one a cycle, decides at F+A and hands its spike to the router at F+A+1; where it
//! fires and one of the two buffers there is full, everything waits a cycle at a time. The row is cleared at edge
//! T+3+N(A+2), which can see the next tick; spikes that arrive at that edge are lost. A tick before that edge is ignored.

mod chip;
mod config;
mod fast;
mod plain;
mod ticks;
mod together;
mod trace;
mod volley;

pub use crate::chip::RancParams;
pub use chip::{Pace, RancChip, RancInput, RancStimulus, RancView};
pub use config::{RancConfig, RancCore, RancNeuron};
pub use ticks::{RancTickInput, RancTickTrace, RancTicks};
pub use trace::{RancTrace, TokenState};
