//! The only file that names `hdf5-pure`: the tree of an HDF5 file as plain groups, arrays and strings.

use std::collections::BTreeMap;

use hdf5_pure::{Dataset, File, Group};

/// Deepest nesting of groups; corrupted files hold cycles.
const MAX_DEPTH: usize = 32;
/// Most groups and datasets of a file.
const MAX_OBJECTS: usize = 100_000;
/// Deflate expands at most about a thousandfold; a dataset larger than that is a forged extent.
const MAX_EXPANSION: u64 = 1100;

/// A group with what it holds, in the order of names.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub groups: BTreeMap<String, Tree>,
    pub data: BTreeMap<String, Data>,
}

/// Contents of a dataset.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Numbers, row-major.
    Numbers {
        /// Extents; empty for a scalar.
        shape: Vec<usize>,
        /// Values.
        values: Vec<f64>,
    },
    /// Strings, row-major.
    Text(Vec<String>),
}

/// Reads a whole file, or says why not.
pub(super) fn tree(bytes: &[u8]) -> Result<Tree, String> {
    let file = File::from_bytes(bytes.to_vec()).map_err(|error| error.to_string())?;
    let budget = (bytes.len() as u64).saturating_mul(MAX_EXPANSION);
    Reader { budget, objects: 0 }.group(&file.root(), 0)
}

struct Reader {
    /// Bytes that datasets may still take.
    budget: u64,
    objects: usize,
}

impl Reader {
    fn group(&mut self, group: &Group, depth: usize) -> Result<Tree, String> {
        if depth > MAX_DEPTH {
            return Err(format!("groups are nested deeper than {MAX_DEPTH}: a cycle"));
        }
        let mut tree = Tree::default();
        for name in group.datasets().map_err(|error| error.to_string())? {
            self.count()?;
            let dataset = group.dataset(&name).map_err(|error| format!("dataset '{name}': {error}"))?;
            let data = self.dataset(&dataset).map_err(|error| format!("dataset '{name}': {error}"))?;
            tree.data.insert(name, data);
        }
        for name in group.groups().map_err(|error| error.to_string())? {
            self.count()?;
            let inner = group.group(&name).map_err(|error| format!("group '{name}': {error}"))?;
            let inner = self.group(&inner, depth + 1).map_err(|error| format!("{name}/{error}"))?;
            tree.groups.insert(name, inner);
        }
        Ok(tree)
    }

    fn count(&mut self) -> Result<(), String> {
        self.objects += 1;
        if self.objects > MAX_OBJECTS { Err(format!("more than {MAX_OBJECTS} objects")) } else { Ok(()) }
    }

    fn dataset(&mut self, dataset: &Dataset) -> Result<Data, String> {
        let message = |error: hdf5_pure::Error| error.to_string();
        let shape = dataset.shape().map_err(message)?;
        let element = dataset.element_size().map_err(message)?.max(1);
        let bytes = shape.iter().try_fold(element, |bytes, &extent| bytes.checked_mul(extent));
        self.budget = bytes
            .and_then(|bytes| self.budget.checked_sub(bytes))
            .ok_or_else(|| format!("extent {shape:?} is more than the file can hold"))?;
        // Whatever is not text is read as numbers, booleans and enums included.
        match dataset.read_f64() {
            Ok(values) => {
                let shape = shape.iter().map(|&extent| extent as usize).collect::<Vec<_>>();
                if shape.iter().product::<usize>() != values.len() {
                    return Err(format!("{} values for extent {shape:?}", values.len()));
                }
                Ok(Data::Numbers { shape, values })
            }
            Err(numeric) => dataset.read_string().map(Data::Text).map_err(|error| format!("{numeric}; {error}")),
        }
    }
}
