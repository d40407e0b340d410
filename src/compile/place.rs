//! Placement: the order in which the cores of the mesh are filled.
//!
//! Partitions come in network order, so that neighbours in this order talk to each other most. Orders are over
//! routers; the cores of one router follow each other.

use super::options::Placement;
use crate::chip::ChipSpec;
use crate::ids::CoreId;
use crate::place::order::{hilbert, rows};

/// Every core of the chip that is not dead, in the order in which `placement` fills them.
#[must_use]
pub fn order(chip: &ChipSpec, placement: Placement) -> Vec<CoreId> {
    let (width, height) = (chip.mesh.width, chip.mesh.height);
    let routers = match placement {
        Placement::RowMajor => rows(width, height, false),
        Placement::Zigzag => rows(width, height, true),
        Placement::Hilbert => hilbert(width, height),
    };
    let local = u32::from(chip.mesh.cores_per_router);
    routers
        .into_iter()
        .map(|(x, y)| chip.core_at(x, y))
        .flat_map(|first| (first.0..first.0 + local).map(CoreId))
        .filter(|core| chip.is_alive(*core))
        .collect()
}
