//! Runs a stimulus, sample by sample.

use super::counters::RunResult;
use super::{Control, RunOptions};
use crate::chip::ChipSpec;
use crate::diag::Result;
use crate::image::Image;
use crate::stimulus::Stimulus;

/// Shows every sample of `stimulus` to the `image` on `chip`, each from the reset state.
///
/// # Errors
/// As the parts say.
pub fn run(
    _image: &Image,
    _chip: &ChipSpec,
    _stimulus: &Stimulus,
    _options: &RunOptions,
    _control: &dyn Control,
) -> Result<RunResult> {
    Ok(RunResult::default())
}
