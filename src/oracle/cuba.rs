//! Straight-line model of the Loihi-style compartment and network.
