//! Lowering to Loihi-style synapse lists.
