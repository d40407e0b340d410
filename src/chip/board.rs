//! Boards: chips, the links between them and to hosts (`spec`), read from files of their own (`read`, `load`), and what
//! a rectangle of chips whose meshes continue over the chip edges is as one mesh.

mod check;
mod load;
mod read;
mod spec;

pub(super) use load::as_chip;
pub use load::{board_names, load_board, parse_board};
pub use spec::{Array, BoardChip, BoardSpec, LinkKind, Sharing, Wire};

use super::quantity::Dimension;
use super::section::{Found, Section};
use super::spec::MeshSpec;
use crate::units::Picos;

/// Chips tiled in a rectangle, as one mesh: what differs about the links over chip edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeLink {
    /// Routers of one chip in x and y.
    pub tile: (u16, u16),
    /// What a packet takes longer over a chip edge than over a link on the chip; unknown where absent.
    pub latency: Option<Picos>,
    /// Least time between two packets on a link over a chip edge; that of the chip's channels where absent.
    pub cycle: Option<Picos>,
    /// Bits of a packet on such a link, tags included.
    pub packet_bits: u16,
    /// Packets that all links of one side of a chip together carry in a second; unknown where absent.
    pub side_packets_per_second: Option<u64>,
}

impl EdgeLink {
    /// Chip edges that a packet crosses on its way from one router to another.
    #[must_use]
    pub fn crossings(&self, from: (u16, u16), to: (u16, u16)) -> u64 {
        let of = |a: u16, b: u16, side: u16| u64::from((a / side.max(1)).abs_diff(b / side.max(1)));
        of(from.0, to.0, self.tile.0) + of(from.1, to.1, self.tile.1)
    }
}

/// What `[board]` says.
#[derive(Debug)]
pub(super) struct BoardSection {
    width: u16,
    height: u16,
    link: EdgeLink,
}

/// Reads `[board]`.
pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> BoardSection {
    let (width, height) =
        (section.number("width", 1..=64, found) as u16, section.number("height", 1..=64, found) as u16);
    let mut time = |key: &str, found: &mut Found| {
        let time = section.optional(key, Dimension::Time, &[], found);
        if time.is_none() {
            found.unknown.push(section.path(key));
        }
        time.map(|time| Picos(time.amount))
    };
    let (latency, cycle) = (time("edge_latency", found), time("edge_cycle", found));
    let packet_bits = section.number("edge_packet_bits", 1..=4096, found) as u16;
    let rate = "edge_side_packets_per_second";
    let side_packets_per_second =
        if section.has(rate) { Some(section.number(rate, 1..=1 << 40, found) as u64) } else { None };
    if side_packets_per_second.is_none() {
        found.unknown.push(section.path(rate));
    }
    section.finish(found);
    let link = EdgeLink { tile: (0, 0), latency, cycle, packet_bits, side_packets_per_second };
    BoardSection { width, height, link }
}

/// Tiles the mesh of one chip to that of the board; the host stays where it is, on the first chip. Returns the
/// number of chips.
pub(super) fn tile(board: Option<BoardSection>, mesh: &mut MeshSpec, found: &mut Found) -> u32 {
    let Some(BoardSection { width, height, link }) = board.filter(|board| (board.width, board.height) != (1, 1)) else {
        return 1;
    };
    let tile = (mesh.width, mesh.height);
    match (mesh.width.checked_mul(width), mesh.height.checked_mul(height)) {
        (Some(wide), Some(high)) => (mesh.width, mesh.height) = (wide, high),
        _ => {
            let what = format!("{width} x {height} chips of {} x {} routers", tile.0, tile.1);
            let problem = crate::diag::Problem::invalid("chip/range", "board", what);
            found.problems.push(problem.limit(format!("{} routers in x and in y", u16::MAX)));
        }
    }
    mesh.edge = Some(EdgeLink { tile, ..link });
    u32::from(width) * u32::from(height)
}
