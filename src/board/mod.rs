//! Boards at work: packets over the links between chips, and networks of structure only laid onto whole boards.

pub mod lay;
pub mod queue;
mod route;
pub mod scale;
pub mod send;

pub use lay::{Laid, lay};
pub use route::Routes;
