//! The times of a packet that meets nobody, and whether one that is late comes near it.
//!
//! Of two packets that share merges of a row (or of a column) in one direction, one is always as many cycles behind the other.
//! So whether they come near each other takes one comparison a leg, however many merges they share.

use super::merge::Flit;

/// The way of a packet from its first buffer to its core, at 2 cycles a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emu) struct Path {
    /// Twice the row that it starts in, and 1 where it goes west; its columns there.
    line: u32,
    columns: (u32, u32),
    /// Twice the column that it ends in, and 1 where it goes south; its rows there.
    column: u32,
    rows: (u32, u32),
    /// Its core.
    to: u32,
    /// When it asks in column 0, in row 0 and at its core, in cycles since it set out; the first two are where it would have
    /// come from, or would go to, if it had always gone this way.
    in_line: i32,
    in_column: i32,
    home: i32,
}

impl Path {
    /// The way from a router of a mesh that is `width` routers wide; it has to end within the mesh.
    pub(in crate::emu) fn new(width: u32, from: u32, flit: Flit) -> Self {
        let (x, y) = (from % width, from / width);
        let (to_x, to_y) = (x.wrapping_add_signed(flit.dx), y.wrapping_add_signed(flit.dy));
        let (west, south) = (flit.dx < 0, flit.dy < 0);
        let (across, up) = (flit.dx.abs(), flit.dy.abs());
        let behind = |start: u32, back: bool| if back { 2 * start.cast_signed() } else { -2 * start.cast_signed() };
        Self {
            line: 2 * y + u32::from(west),
            columns: (x.min(to_x), x.max(to_x)),
            column: 2 * to_x + u32::from(south),
            rows: (y.min(to_y), y.max(to_y)),
            to: to_y * width + to_x,
            in_line: behind(x, west),
            in_column: 2 * (across + 1) + behind(y, south),
            home: 2 * (across + up + 2),
        }
    }

    /// Cycles from setting out to the core.
    pub(in crate::emu) const fn flight(&self) -> u64 {
        self.home.unsigned_abs() as u64 + 2
    }

    /// The router of its core.
    pub(in crate::emu) const fn to(&self) -> u32 {
        self.to
    }

    /// Whether a packet that comes from outside for column `x` can share a merge with this one.
    pub(in crate::emu) const fn is_on_way_to(&self, x: u32) -> bool {
        self.column / 2 == x || self.line == 0 && self.columns.0 <= x
    }

    /// Whether this packet, which sets out `after` cycles after the other and is up to `delay` cycles late somewhere, can ask
    /// a merge within 2 cycles of the other, which is in time.
    #[inline]
    pub(in crate::emu) fn comes_near(&self, delay: i64, after: i64, other: &Self) -> bool {
        let near = |mine: i32, theirs: i32| {
            let behind = i64::from(mine) - i64::from(theirs) + after;
            behind < 2 && behind + delay > -2
        };
        let share = |(a, b): (u32, u32), (c, d): (u32, u32)| a.max(c) <= b.min(d);
        self.line == other.line && near(self.in_line, other.in_line) && share(self.columns, other.columns)
            || self.column == other.column && near(self.in_column, other.in_column) && share(self.rows, other.rows)
            || self.to == other.to && near(self.home, other.home)
    }
}

#[cfg(test)]
mod tests {
    use super::super::flight::Way;
    use super::*;

    /// Every pair of ways of a small mesh, merge by merge.
    #[test]
    fn near_is_what_the_merges_say() {
        let (width, height) = (4, 3);
        let off = |to: u32, from: u32| to.cast_signed() - from.cast_signed();
        let flit = |from: u32, to: u32| {
            let (dx, dy) = (off(to % width, from % width), off(to / width, from / width));
            Flit { dx, dy, ..Flit::default() }
        };
        let routers = width * height;
        let pairs = || (0..routers).flat_map(move |from| (0..routers).map(move |to| (from, flit(from, to))));
        for (a, b) in pairs().flat_map(|a| pairs().map(move |b| (a, b))) {
            let asks = |(from, flit): (u32, Flit)| {
                let way = Way::new(width, from, false, flit);
                (0..way.merges()).map(move |number| (way.merge(number), 2 * i64::from(number))).collect::<Vec<_>>()
            };
            let (mine, theirs) = (Path::new(width, a.0, a.1), Path::new(width, b.0, b.1));
            assert_eq!(mine.flight(), 2 * asks(a).len() as u64);
            for (after, delay) in [(0, 0), (1, 0), (-3, 0), (2, 0), (-4, 3), (5, 4)] {
                let meet = |(merge, at): &(u32, i64), (other, then): &(u32, i64)| {
                    merge == other && (at + after..=at + after + delay).any(|at| (at - then).abs() < 2)
                };
                let expected = asks(a).iter().any(|ask| asks(b).iter().any(|other| meet(ask, other)));
                assert_eq!(mine.comes_near(delay, after, &theirs), expected, "{a:?} {b:?} {after} {delay}");
            }
        }
    }
}
