//! A board resolved: chips of one or several kinds, where they are, and what joins them.

use std::collections::BTreeMap;

use crate::chip::{ChipSpec, Fact};
use crate::units::Picos;

/// Chips, hosts and the links between them; immutable.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSpec {
    /// Name, such as `nahuku32`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The kinds of chip on it, each once.
    pub kinds: Vec<ChipSpec>,
    /// Its chips, those of arrays row by row.
    pub chips: Vec<BoardChip>,
    /// Names of its hosts: processors that forward packets and hold no neurons.
    pub hosts: Vec<String>,
    /// Its rectangles of chips whose meshes continue over the borders.
    pub arrays: Vec<Array>,
    /// Kinds of link.
    pub links: Vec<LinkKind>,
    /// What is joined, both ways.
    pub wires: Vec<Wire>,
    /// Names of buses: the wires of one share its bandwidth.
    pub buses: Vec<String>,
    /// (chips in use, time of a barrier over them), ascending; empty: the kinds' own tables hold.
    pub barrier: Vec<(u16, Picos)>,
    /// Power of the whole board with nothing running, in nanowatts; unknown where absent.
    pub idle_nanowatts: Option<u64>,
    /// Every number of the board's own file with its source.
    pub facts: Vec<Fact>,
    /// Keys that the file leaves out because nobody has published them.
    pub unknown: Vec<String>,
}

/// A chip of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardChip {
    /// `NAME`, or `NAME[x,y]` in an array.
    pub name: String,
    /// Number of its kind.
    pub kind: usize,
    /// Place on the board, in chips.
    pub at: (u16, u16),
    /// The array that it is of.
    pub array: Option<usize>,
}

/// A rectangle of chips of one kind, joined to their neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Name in the file.
    pub name: String,
    /// Number of its first chip; the others follow row by row.
    pub first: usize,
    /// Chips in x and y.
    pub size: (u16, u16),
    /// Kind of the links over the borders.
    pub link: usize,
}

/// How the links over one border of a chip of an array share what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Every router at the border has a link of its own.
    #[default]
    None,
    /// All routers of a side share one.
    Side,
}

impl Sharing {
    pub(super) const NAMES: [&'static str; 2] = ["none", "side"];
    pub(super) const ALL: [Self; 2] = [Self::None, Self::Side];

    /// The name in board files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A kind of link, each direction by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKind {
    /// Name in the file.
    pub name: String,
    /// Bits of a packet on it, tags included.
    pub packet_bits: u16,
    /// Bits a second of one direction; unknown where absent.
    pub bits_per_second: Option<u64>,
    /// Time from the last bit in to the last bit out; unknown where absent.
    pub latency: Option<Picos>,
    /// Energy of a bit in attojoules; unknown where absent (in arrays the chip's own price holds then).
    pub attojoules_per_bit: Option<u64>,
    /// Who shares it, in arrays.
    pub sharing: Sharing,
}

impl LinkKind {
    /// Picoseconds that a packet occupies the link; `None` where its bandwidth is unknown.
    #[must_use]
    pub fn packet_time(&self) -> Option<Picos> {
        let rate = self.bits_per_second.filter(|rate| *rate > 0)?;
        Some(Picos((u128::from(self.packet_bits) * 1_000_000_000_000).div_ceil(u128::from(rate)) as u64))
    }
}

/// A joint between two nodes: chips by number, then hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// Kind of link.
    pub link: usize,
    /// The two nodes.
    pub ends: (usize, usize),
    /// The bus that it is part of.
    pub bus: Option<usize>,
    /// Links side by side: the routers of a border with links of their own, else 1.
    pub lanes: u16,
}

impl BoardSpec {
    /// Chips and hosts.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.chips.len() + self.hosts.len()
    }

    /// The name of a node.
    #[must_use]
    pub fn node_name(&self, node: usize) -> &str {
        match self.chips.get(node) {
            Some(chip) => &chip.name,
            None => self.hosts.get(node - self.chips.len()).map_or("", String::as_str),
        }
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<usize> {
        (0..self.nodes()).find(|node| self.node_name(*node) == name)
    }

    /// Cores of all chips.
    #[must_use]
    pub fn cores(&self) -> u64 {
        self.chips.iter().map(|chip| u64::from(self.kinds[chip.kind].cores())).sum()
    }

    /// Neurons that all chips hold.
    #[must_use]
    pub fn neurons(&self) -> u64 {
        let of = |kind: &ChipSpec| u64::from(kind.cores()) * u64::from(kind.capacity.neurons);
        self.chips.iter().map(|chip| of(&self.kinds[chip.kind])).sum()
    }

    /// Chips of each kind, by number.
    #[must_use]
    pub fn census(&self) -> BTreeMap<usize, usize> {
        let mut census = BTreeMap::new();
        self.chips.iter().for_each(|chip| *census.entry(chip.kind).or_default() += 1);
        census
    }

    /// The array, where the board is nothing but one rectangle of chips (hosts aside): one mesh.
    #[must_use]
    pub fn whole_array(&self) -> Option<&Array> {
        let [array] = self.arrays.as_slice() else { return None };
        (usize::from(array.size.0) * usize::from(array.size.1) == self.chips.len()).then_some(array)
    }
}
