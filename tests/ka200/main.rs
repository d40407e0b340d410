//! Clock-driven chips in half precision: random networks against the oracle, float networks against the float reference,
//! and what is refused.

mod float;
mod network;
mod random;
mod refused;
