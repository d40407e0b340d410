//! Tianjic: artificial, spiking and hybrid layers, against the integer oracle; copies; what is refused.

mod digits;
mod mnist;
mod network;
mod points;
mod random;
mod refused;
mod spiking;
