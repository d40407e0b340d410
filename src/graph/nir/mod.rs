//! Reader for NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024): HDF5 in, populations and
//! projections out.
//!
//! HDF5 tree ([`hdf5`]) -> primitives ([`node`]) -> one flat graph ([`flatten`]) -> profile ([`infer`]) ->
//! linear nodes composed into projections ([`lower`], [`maps`], [`compose`]).

pub(super) mod compose;
mod flatten;
mod hdf5;
mod infer;
mod lower;
pub(super) mod maps;
pub(super) mod node;

use std::path::Path;

use super::{Import, Network, ReadOptions};
use crate::diag::{Problem, Problems, Result};

/// Reads a NIR file from its bytes; `file` is named in problems and its stem becomes the network's name.
///
/// # Errors
/// `graph/hdf5` for what is not HDF5, `graph/nir...` for what is no NIR network, `graph/dt` where the time step
/// is neither given nor inferable.
pub fn read_nir(bytes: &[u8], file: &str, options: &ReadOptions) -> Result<Import> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Problem::invalid("graph/hdf5", file, "is a zip archive (a PyTorch checkpoint?), not a NIR file")
            .help("export it with nir.write")
            .into());
    }
    let tree = hdf5::tree(bytes).map_err(|what| {
        Problem::invalid("graph/hdf5", file, format!("is not a readable HDF5 file: {what}"))
            .help("a NIR file is what nir.write of the Python package makes")
    })?;
    let Some(root) = tree.groups.get("node") else {
        return Err(Problem::invalid("graph/nir", file, "has no 'node': this HDF5 file holds no NIR network")
            .help("the exporter failed half-way, or it is another kind of HDF5 file")
            .into());
    };
    let mut found = Vec::new();
    let graph = node::graph(root, file, 0, &mut found);
    Problems::check(found, ())?;
    let graph = flatten::flatten(graph);
    let mut notes = Vec::new();
    let profile = infer::profile(&graph, file, options, &mut notes)?;
    notes.insert(0, format!("profile {profile}"));
    let name = Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let network = Network::Float(lower::lower(&graph, &name, file, profile, &mut notes)?);
    super::check(&network)?;
    Ok(Import { network, notes })
}
