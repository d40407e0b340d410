//! Packets that set out at the same edge, each from another core, into an empty merge mesh: when each arrives, in closed form.
//!
//! Times count in slots of 2 cycles from the departure: a merge serves one packet a slot, and whoever was served asks the
//! next merge one slot later. Along x packets never meet: those of a row that go the same way are as many slots apart as
//! their cores. Along y a packet is in row `r` (counted the way it goes) in slot `key + r`, and its `key` changes only where it
//! enters its column, behind those that pass there (who go first) and those that came from the west or, if it comes
//! from the east, from either side. So it gets the first key that is free, from its own on, among those that pass: one look at
//! a word of bits. The same holds at the core, for packets from the south before those from the north.
//!
//! That is exact as long as no buffer fills and all keys fit a word; where not, nothing is decided.

use super::crossing::Departure;
use super::merge::{Flit, MergeMeshSpec};

/// A packet as its core sends it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::emu) struct Shot {
    pub(in crate::emu) flit: Flit,
    /// The router that it starts from, and that of its core.
    pub(in crate::emu) from: u32,
    pub(in crate::emu) to: u32,
    /// The slot in which the last merge, before the core, serves it if it meets nobody.
    local: u32,
    /// Twice the column, and 1 where it goes south.
    column: u32,
    /// Key if it meets nobody; one more than the mesh is high is added to it.
    key: u32,
    /// Rows of its column in which it enters and leaves, counted the way it goes.
    row: u32,
    end: u32,
    /// Order of entry: column, row, side, distance.
    rank: u32,
}

/// Slots in which something is taken.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    round: u64,
    slots: u64,
    /// Of a core: those of packets that come from the north.
    second: u64,
}

/// When a packet was served.
#[derive(Debug, Clone, Copy)]
struct Served {
    key: u32,
    local: u32,
}

/// A column at the row in work.
#[derive(Debug, Clone, Default)]
struct Column {
    /// Key and last row of those that have entered.
    stream: Vec<(u32, u32)>,
    /// Keys of those that pass.
    used: u64,
    /// The first key that the next from the same side can have, and who of the stream came from there.
    next: u32,
    side: usize,
}

/// Who of a crowd arrives when.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Crowds {
    width: u32,
    height: u32,
    depth: usize,
    round: u64,
    /// By column and direction, and by core.
    columns: Vec<Taken>,
    locals: Vec<Taken>,
    column: Column,
    served: Vec<Served>,
}

/// Meshes up to this width and height together: keys leave room in a word for packets that wait.
const LARGEST: u32 = 48;

impl Crowds {
    pub(in crate::emu) fn new(spec: &MergeMeshSpec) -> Self {
        Self {
            width: spec.width,
            height: spec.height,
            depth: spec.depth as usize,
            round: 0,
            columns: vec![Taken::default(); 2 * spec.width as usize],
            locals: vec![Taken::default(); (spec.width * spec.height) as usize],
            column: Column::default(),
            served: Vec::new(),
        }
    }

    /// Whether a crowd can be resolved at all.
    pub(in crate::emu) const fn is_usable(&self) -> bool {
        self.width + self.height <= LARGEST && self.depth >= 2
    }

    /// The packet of a core; none where it leaves the grid.
    pub(in crate::emu) fn shot(&self, from: u32, flit: Flit) -> Option<Shot> {
        let (x, y) = (from % self.width, from / self.width);
        let (to_x, to_y) = (x.checked_add_signed(flit.dx)?, y.checked_add_signed(flit.dy)?);
        if to_x >= self.width || to_y >= self.height {
            return None;
        }
        let (across, south) = (flit.dx.unsigned_abs(), flit.dy < 0);
        let row = |y: u32| if south { self.height - 1 - y } else { y };
        let column = 2 * to_x + u32::from(south);
        let side = u32::from(flit.dx < 0);
        Some(Shot {
            flit,
            from,
            to: to_y * self.width + to_x,
            local: across + flit.dy.unsigned_abs() + 2,
            column,
            key: across + 1 + self.height - row(y),
            row: row(y),
            end: row(to_y),
            rank: ((column.min(LARGEST * 2) * 64 + row(y).min(63)) * 2 + side) * 64 + across.min(63),
        })
    }

    /// Serves a crowd, which is in order of [`Shot::rank`]; `false` where it cannot be decided.
    #[inline]
    pub(in crate::emu) fn resolve<'a>(&mut self, crowd: impl Iterator<Item = &'a Shot> + Clone) -> bool {
        self.enter(crowd.clone()) && (self.is_free_at_home(crowd.clone()) || self.come_home(crowd))
    }

    /// Whether nobody of a crowd meets anybody; then each is served in its own time.
    pub(in crate::emu) fn is_free(&mut self, crowd: &[Shot]) -> bool {
        self.round += 1;
        self.served.clear();
        let mut clash = 0;
        for shot in crowd {
            clash |= self.columns[shot.column as usize].take(self.round, shot.key);
            self.served.push(Served { key: shot.key, local: shot.local });
        }
        clash == 0 && self.is_free_at_home(crowd.iter())
    }

    /// Whether no two come to the last merge of a core at a time.
    #[inline]
    fn is_free_at_home<'a>(&mut self, crowd: impl Iterator<Item = &'a Shot>) -> bool {
        self.round += 1;
        let mut clash = 0;
        for (shot, served) in crowd.zip(&self.served) {
            if served.local >= u64::BITS {
                return false;
            }
            clash |= self.locals[shot.to as usize].take(self.round, served.local);
        }
        clash == 0
    }

    /// Cycles from the departure to the arrival of each member.
    #[inline]
    pub(in crate::emu) fn flights(&self) -> impl Iterator<Item = u64> + '_ {
        self.served.iter().map(|served| u64::from(served.local) * 2 + 2)
    }

    /// Every member enters its column, in the order in which merges serve them.
    #[inline]
    fn enter<'a>(&mut self, crowd: impl Iterator<Item = &'a Shot>) -> bool {
        self.served.clear();
        let mut before = u32::MAX;
        for shot in crowd {
            // What the ranks have in common tells what is new: the column, the row, the side.
            match shot.rank ^ before {
                0..64 => {}
                64..128 => self.column.next_side(),
                128..8192 => self.column.next_row(shot.row),
                _ => self.column.begin(),
            }
            before = shot.rank;
            let Some(key) = self.column.enter(shot, self.depth) else { return false };
            self.served.push(Served { key, local: shot.local + key - shot.key });
        }
        true
    }

    /// The last merges: packets from the south go first.
    fn come_home<'a>(&mut self, crowd: impl Iterator<Item = &'a Shot> + Clone) -> bool {
        self.round += 1;
        for (shot, served) in crowd.clone().zip(&self.served) {
            if served.local >= u64::BITS {
                return false;
            }
            let local = &mut self.locals[shot.to as usize];
            if local.round != self.round {
                *local = Taken { round: self.round, ..Taken::default() };
            }
            let slots = if shot.column & 1 == 0 { &mut local.slots } else { &mut local.second };
            *slots |= 1 << served.local;
        }
        for (shot, served) in crowd.zip(&mut self.served).filter(|(shot, _)| shot.column & 1 == 1) {
            let local = &self.locals[shot.to as usize];
            if local.slots & local.second == 0 {
                continue;
            }
            let Some(slot) = local.second_served(served.local, self.depth) else { return false };
            served.local = slot;
        }
        true
    }

    /// Whether a member of the crowd that was resolved, and left at edge `left`, comes within 2 cycles of a packet from outside.
    pub(in crate::emu) fn meets(&self, crowd: &[Shot], left: u64, outside: &Departure) -> bool {
        let Flit { dx, dy, .. } = outside.flit;
        let (across, up) = (dx.unsigned_abs(), dy.unsigned_abs());
        let near =
            |slot: u32, other: u32| (left + 2 * u64::from(slot)).abs_diff(outside.left + 2 * u64::from(other)) < 2;
        crowd.iter().zip(&self.served).any(|(shot, served)| {
            let east = shot.from < self.width && shot.flit.dx >= 0 && across >= shot.from && near(0, shot.from);
            let north = shot.column == 2 * across && up >= shot.row;
            let north = north && near(served.key + shot.row - self.height, across + 1 + shot.row);
            let home = shot.to == up * self.width + across;
            east || north || home && near(served.local, across + up + 2)
        })
    }
}

impl Shot {
    /// When it enters its column, counted so that it is the same in all its rows.
    pub(in crate::emu) const fn key(&self) -> u32 {
        self.key
    }

    /// Whether this one, if it has entered before, goes through the merge at which `other` enters its column.
    pub(in crate::emu) const fn passes(&self, other: &Self) -> bool {
        self.column == other.column && self.row <= other.row && self.end >= other.row
    }

    /// Whether the two come to one core from the south and from the north.
    pub(in crate::emu) const fn comes_opposite(&self, other: &Self) -> bool {
        self.to == other.to && self.column != other.column
    }

    /// Order of entry: column, row, side, distance.
    pub(in crate::emu) const fn rank(&self) -> u32 {
        self.rank
    }

    /// As one among others.
    pub(in crate::emu) const fn departure(&self, left: u64) -> Departure {
        Departure { left, from: self.from, outside: false, flit: self.flit }
    }
}

impl Taken {
    /// Takes a slot; not 0 where it was taken.
    #[inline]
    const fn take(&mut self, round: u64, slot: u32) -> u64 {
        if self.round != round {
            self.round = round;
            self.slots = 0;
        }
        let bit = 1 << slot;
        let taken = self.slots & bit;
        self.slots |= bit;
        taken
    }

    /// When the packet that asks second, in slot `own`, is served; none where its buffer would fill.
    fn second_served(&self, own: u32, depth: usize) -> Option<u32> {
        let (mut used, mut next) = (self.slots, 0);
        let mut left = self.second;
        while left != 0 {
            let asks = left.trailing_zeros();
            left &= left - 1;
            let slot = first_free(used, asks.max(next))?;
            let meanwhile = self.second & (u64::MAX << asks) & (u64::MAX >> (63 - slot));
            if meanwhile.count_ones() as usize >= depth {
                return None;
            }
            if asks == own {
                return Some(slot);
            }
            used |= 1 << slot;
            next = slot + 1;
        }
        None
    }
}

impl Column {
    fn begin(&mut self) {
        self.stream.clear();
        (self.used, self.next, self.side) = (0, 0, 0);
    }

    fn next_row(&mut self, row: u32) {
        let passing = self.stream.iter().filter(|(_, end)| *end >= row);
        self.used = passing.fold(0, |used, (key, _)| used | 1 << key);
        self.next_side();
    }

    const fn next_side(&mut self) {
        (self.next, self.side) = (0, self.stream.len());
    }

    /// The key that a packet gets; none where its buffer would fill.
    fn enter(&mut self, shot: &Shot, depth: usize) -> Option<u32> {
        let key = first_free(self.used, shot.key.max(self.next))?;
        let place = self.stream.len() + 1;
        // That many before it are in the buffer when it comes if the first of them is.
        if place >= self.side + depth && self.stream.get(place - depth).is_none_or(|(first, _)| *first >= shot.key) {
            return None;
        }
        self.used |= 1 << key;
        self.next = key + 1;
        self.stream.push((key, shot.end));
        Some(key)
    }
}

/// The first slot from `from` on that is not used; none beyond a word.
const fn first_free(used: u64, from: u32) -> Option<u32> {
    if from >= u64::BITS {
        return None;
    }
    let free = !used & (u64::MAX << from);
    if free == 0 { None } else { Some(free.trailing_zeros()) }
}
