//! Float reference simulator under an explicit import profile.
