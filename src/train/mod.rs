//! Surrogate-gradient training of small networks, aware of the chip's fixed point.
