use super::super::{Log, Options};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Result};
use crate::graph::{Graph, IntGraph};
/// Pending.
pub fn quantise(_: &Graph, _: &ChipSpec, _: &Options, _: &mut Log) -> Result<IntGraph> {
    Err(Problem::misfit("crossbar/pending", "", "not yet").into())
}
