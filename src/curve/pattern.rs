//! Where packets go.

use super::random::Lagged;
use crate::diag::{Problem, Result, nearest};

/// Which node sends to which; the names and meanings are BookSim's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// To any node, itself included, drawn anew for every packet.
    Uniform,
    /// From (x, y) to (y, x); square meshes.
    Transpose,
    /// To the node whose number has all bits inverted; a power of two of nodes, as for the next two.
    BitComplement,
    /// To the node whose number has its bits in reverse.
    BitReverse,
    /// To the node whose number is this one's, turned left by one bit.
    Shuffle,
    /// Almost half around in each dimension.
    Tornado,
    /// One on in each dimension.
    Neighbor,
    /// All to one node.
    Hotspot(u32),
}

const NAMES: [&str; 8] = ["uniform", "transpose", "bitcomp", "bitrev", "shuffle", "tornado", "neighbor", "hotspot"];

impl Pattern {
    /// By name; `hotspot:NODE` names the node, x + width * y.
    ///
    /// # Errors
    /// `mesh/pattern` for a name that is none.
    pub fn from_name(name: &str) -> Result<Self> {
        Ok(match name {
            "uniform" => Self::Uniform,
            "transpose" => Self::Transpose,
            "bitcomp" => Self::BitComplement,
            "bitrev" => Self::BitReverse,
            "shuffle" => Self::Shuffle,
            "tornado" => Self::Tornado,
            "neighbor" => Self::Neighbor,
            _ => match name.strip_prefix("hotspot:").map(str::parse) {
                Some(Ok(node)) => Self::Hotspot(node),
                _ => return Err(unknown(name)),
            },
        })
    }

    /// Whether every node of a mesh of this size has a target.
    ///
    /// # Errors
    /// `mesh/pattern` where one has none.
    pub fn check(self, (width, height): (u32, u32)) -> Result<()> {
        let nodes = width * height;
        let (fits, needs) = match self {
            Self::Uniform | Self::Tornado | Self::Neighbor => (true, String::new()),
            Self::Transpose => (width == height, "a square mesh".to_owned()),
            Self::BitComplement | Self::BitReverse | Self::Shuffle => {
                (nodes.is_power_of_two() && nodes > 1, "2, 4, 8, ... nodes".to_owned())
            }
            Self::Hotspot(node) => (node < nodes, format!("a node from 0 to {}", nodes - 1)),
        };
        if fits {
            return Ok(());
        }
        let what = format!("has no targets on {width} x {height} nodes");
        Err(Problem::invalid("mesh/pattern", format!("{self:?}"), what).limit(needs).into())
    }

    /// Where `source` sends its next packet.
    pub(super) fn target(self, source: u32, (width, height): (u32, u32), random: &mut Lagged) -> u32 {
        let nodes = width * height;
        let bits = nodes.trailing_zeros();
        let (x, y) = (source % width, source / width);
        let on = |by_x: u32, by_y: u32| (x + by_x) % width + width * ((y + by_y) % height);
        match self {
            Self::Uniform => u32::try_from(random.next() % u64::from(nodes)).expect("a node"),
            Self::Transpose => y + x * width,
            Self::BitComplement => !source & (nodes - 1),
            Self::BitReverse => source.reverse_bits() >> (32 - bits),
            Self::Shuffle => (source << 1) & (nodes - 1) | source >> (bits - 1),
            Self::Tornado => on(width.div_ceil(2) - 1, height.div_ceil(2) - 1),
            Self::Neighbor => on(1, 1),
            Self::Hotspot(node) => node,
        }
    }
}

fn unknown(name: &str) -> crate::diag::Problems {
    let problem = Problem::invalid("mesh/pattern", name, "is no traffic pattern").limit(NAMES.join(", "));
    let word = name.split(':').next().unwrap_or_default();
    match nearest(word, NAMES) {
        Some("hotspot") => problem.help("write hotspot:NODE, with the node's number: x + width * y"),
        Some(other) => problem.help(format!("did you mean {other}?")),
        None => problem,
    }
    .into()
}
