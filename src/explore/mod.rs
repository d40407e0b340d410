//! Exploration of mappings: a sweep file of networks, chips, strategy pipelines and seeds becomes candidates; each is
//! mapped and verified, judged by static figures and, where asked for, run in the emulator.
//!
//! Every candidate is determined by the sweep file alone, so results do not depend on threads, order or interruptions: a
//! journal keeps what is done, and a run that was stopped goes on where it ended.

mod bounds;
mod diff;
mod evaluate;
mod journal;
mod measure;
mod network;
mod results;
mod row;
mod run;
mod space;
mod split;
mod summary;
mod sweep;
mod tune;

pub use diff::{Difference, Moved, diff};
pub use results::{csv, json_lines, manifest, read_rows};
pub use row::{Measured, Row, SplitError, SplitSpikes, Static};
pub use run::{Audience, Done, run};
pub use space::{Candidate, candidates};
pub use summary::summary;
pub use sweep::Sweep;
pub use tune::{Round, Tune, tune};
