//! Lowering to TrueNorth-style crossbars.
