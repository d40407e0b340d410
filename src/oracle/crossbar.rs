//! Straight-line model of the TrueNorth-style neuron and network.
