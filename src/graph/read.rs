//! Opening a network file by its name.

use std::path::Path;

use super::{Network, read_json, read_nir};
use crate::diag::{Problem, Result};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// How to read a file whose format leaves things open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// Preset of the profile; inferred where the file allows.
    pub profile: Option<String>,
    /// Seconds per tick; inferred where the file allows.
    pub dt: Option<f64>,
    /// Overrides of profile fields, such as `("reset", "value")`.
    pub set: Vec<(String, String)>,
}

/// A network as read, and what the reader decided on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The network.
    pub network: Network,
    /// The profile and every leniency, for people to read.
    pub notes: Vec<String>,
}

/// Reads a network: `.nir`, `.h5` and `.hdf5` as NIR, `.json` as the native format.
///
/// # Errors
/// `graph/file` where it cannot be read or has another name, and the problems of the readers.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Import> {
    let file = path.display().to_string();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    if !["nir", "h5", "hdf5", "json"].contains(&extension.as_str()) {
        return Err(Problem::invalid("graph/file", file, format!("'.{extension}' is not a network format"))
            .help(match extension.as_str() {
                "onnx" => "spikeloom convert FILE.onnx --calibrate IMAGES -o net.json makes a spiking network of it; with --artificial one \
                           of 8-bit values, for tianjic",
                "hgr" | "snn" => "spikeloom map partition divides hypergraphs; networks are read from .nir, .h5, .hdf5 and .json",
                _ => "networks are read from .nir, .h5, .hdf5 and .json",
            })
            .into());
    }
    let unreadable = |error: std::io::Error| {
        Problem::invalid("graph/file", &file, format!("cannot be read: {error}"))
            .help("give the path of an existing .nir, .h5, .hdf5 or .json file")
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE {
        let problem = Problem::invalid("graph/file", file, format!("is {size} bytes long"));
        return Err(problem.limit(format!("{MAX_FILE} bytes")).into());
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    if extension != "json" {
        return read_nir(&bytes, &file, options);
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| Problem::invalid("graph/json", &file, format!("is not UTF-8 text: {error}")))?;
    let mut network = read_json(&text, &file)?;
    let mut notes = Vec::new();
    if let Network::Float(graph) = &mut network {
        if let Some(name) = &options.profile {
            graph.profile = super::Profile { dt: graph.profile.dt, ..super::Profile::named(name)? };
        }
        graph.profile.dt = options.dt.unwrap_or(graph.profile.dt);
        for (field, value) in &options.set {
            graph.profile.set(field, value)?;
        }
        notes.push(format!("profile {}", graph.profile));
        super::check(&network)?;
    }
    Ok(Import { network, notes })
}
