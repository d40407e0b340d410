//! From a graph to an image: quantise, partition, place, route, emit, verify.
