//! Straight-line golden models: no structure of arrays, no mesh, no bit tricks.
