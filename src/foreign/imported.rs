//! What the readers of the clocked designs hand over, and the chip that such a file brings along.

use crate::chip::{self, ChipSpec, LoadOptions};
use crate::diag::Result;
use crate::image::Image;
use crate::stimulus::Sample;

/// A network from a file of another tool, on the chip that it brings along. Hold the image against the chip with
/// [`crate::image::contents`] before it is used.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The image; [`Image::chip`] has the values that the file replaces in the chip's.
    pub image: Image,
    /// The chip with these values.
    pub chip: ChipSpec,
    /// The stimulus that the file holds, where it does.
    pub stimulus: Option<Sample>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// The chip with the file's `values`, where the user set none, and its name for the image: with every value.
pub(super) fn chip_with(name: &str, options: &LoadOptions, values: &[(String, String)]) -> Result<(ChipSpec, String)> {
    let of_user = |(key, _): &&(String, String)| !options.set.iter().any(|(set, _)| set == key);
    let set: Vec<(String, String)> = values.iter().filter(of_user).chain(&options.set).cloned().collect();
    let text = set.iter().map(|(key, value)| format!(";{key}={value}")).collect::<String>();
    let chip = chip::load(name, &LoadOptions { set, ..options.clone() })?;
    let name = format!("{}{text}", chip.name);
    Ok((chip, name))
}

/// A path's last part.
pub(super) fn file_name(file: &str) -> &str {
    file.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(file)
}

/// A path's last part without `.json`: the name of a network whose file tells none.
pub(super) fn stem(file: &str) -> &str {
    let name = file_name(file);
    name.strip_suffix(".json").unwrap_or(name)
}
