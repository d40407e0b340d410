//! Packets of the merge mesh that meet nobody: their cycles are known when they set out.
//!
//! A packet alone spends 2 cycles a merge: the merge number `k` of its way asks for it after edge `t + 2k`, holds it after
//! `t + 2k + 1`, and it arrives at edge `t + 2s` behind `s` merges. As long as no merge is asked twice within 2 cycles
//! ([`Path`]) and buffers have 2 places or more, every packet is as good as alone, and nothing has to be simulated. Where two
//! would meet, [`Flights::ground`] puts all that are under way into the mesh, just where they are, and the mesh goes on cycle by cycle.

use super::crossing::Departure;
use super::merge::{Flit, MergeMesh, MergeMeshSpec};
use super::path::Path;
use super::routes::MERGES;

/// A packet under way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    /// The edge at which its core gets it.
    arrives: u64,
    path: Path,
    /// The edge that put it into the first buffer.
    left: u64,
    from: u32,
    /// Whether it came from outside.
    outside: bool,
    flit: Flit,
}

/// Where a packet is on its way.
#[derive(Debug, Clone, Copy)]
struct Stage {
    merge: u32,
    /// Which of the merge's inputs it comes from, from 1 on.
    input: u8,
    flit: Flit,
}

/// All packets under way.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Flights {
    width: u32,
    height: u32,
    /// Latest arrival first; where equal, the highest router.
    under_way: Vec<Flight>,
    /// No longer, where a packet has left the grid: it fills a buffer for ever.
    usable: bool,
}

impl Flights {
    pub(in crate::emu) fn new(spec: &MergeMeshSpec) -> Self {
        Self {
            width: spec.width,
            height: spec.height,
            under_way: Vec::new(),
            usable: spec.depth >= 2 && spec.input_depth >= 2,
        }
    }

    /// The edge of the next arrival; `u64::MAX` for none.
    #[inline]
    pub(in crate::emu) fn next_arrival(&self) -> u64 {
        self.under_way.last().map_or(u64::MAX, |flight| flight.arrives)
    }

    /// Takes the next arrival at edge `at`, in order of routers.
    #[inline]
    pub(in crate::emu) fn land(&mut self, at: u64) -> Option<(u32, Flit)> {
        self.under_way.pop_if(|flight| flight.arrives == at).map(|flight| (flight.path.to(), flight.flit))
    }

    /// To be called for every packet, whether it flies or not: one that leaves the grid fills a buffer for ever.
    #[inline]
    pub(in crate::emu) fn watch(&mut self, from: u32, outside: bool, flit: Flit) {
        self.usable &= self.stays_inside(from, outside, flit);
    }

    /// Whether a packet never leaves the grid.
    pub(in crate::emu) fn stays_inside(&self, from: u32, outside: bool, flit: Flit) -> bool {
        let (x, y) = (from % self.width, from / self.width);
        let (to_x, to_y) = (i64::from(x) + i64::from(flit.dx), i64::from(y) + i64::from(flit.dy));
        let inside = to_x >= 0 && to_y >= 0 && to_x < i64::from(self.width) && to_y < i64::from(self.height);
        inside && !(outside && flit.dx < 0)
    }

    /// A packet goes into the buffer behind the core of `from`, or into the input buffer (`outside`), at edge `left`.
    /// Whether it meets nobody; otherwise nothing has happened. The mesh must be empty at that edge.
    pub(in crate::emu) fn launch(&mut self, left: u64, from: u32, outside: bool, flit: Flit) -> bool {
        if !self.usable {
            return false;
        }
        let path = Path::new(self.width, from, flit);
        // Whoever has arrived was served by its last merge 2 cycles before.
        let meets = |other: &Flight| path.comes_near(0, left.cast_signed() - other.left.cast_signed(), &other.path);
        if self.under_way.iter().any(meets) {
            return false;
        }
        let flight = Flight { arrives: left + path.flight(), path, left, from, outside, flit };
        let later = |other: &Flight| (other.arrives, other.path.to()) > (flight.arrives, flight.path.to());
        let place = self.under_way.iter().rposition(later).map_or(0, |place| place + 1);
        self.under_way.insert(place, flight);
        true
    }

    /// Takes back the packets that go into their first buffer at edge `at`: `back(router, outside, flit)`.
    pub(in crate::emu) fn recall(&mut self, at: u64, mut back: impl FnMut(u32, bool, Flit)) {
        self.under_way.retain(|flight| {
            if flight.left == at {
                back(flight.from, flight.outside, flight.flit);
            }
            flight.left != at
        });
    }

    /// Puts everything under way into the mesh, as it is before edge `now`; all have left before.
    pub(in crate::emu) fn ground(&mut self, now: u64, mesh: &mut MergeMesh) {
        for Flight { left, from, outside, flit, .. } in self.under_way.drain(..) {
            set_down(self.width, now, Departure { left, from, outside, flit }, mesh);
        }
    }

    /// The edge of the last arrival; 0 for none.
    pub(in crate::emu) fn last_arrival(&self) -> u64 {
        self.under_way.first().map_or(0, |flight| flight.arrives)
    }

    /// Puts a packet that has met nobody into the mesh, where it is before edge `now`; it has left before and not arrived.
    pub(in crate::emu) fn set_down(&self, now: u64, packet: Departure, mesh: &mut MergeMesh) {
        set_down(self.width, now, packet, mesh);
    }
}

fn set_down(width: u32, now: u64, packet: Departure, mesh: &mut MergeMesh) {
    let way = Way::new(width, packet.from, packet.outside, packet.flit);
    let since = now - 1 - packet.left;
    let number = u32::try_from(since / 2).expect("a way has few merges");
    let Stage { merge, input, flit } = way.stage(number);
    mesh.resume(merge, input, since % 2 == 1, flit);
}

/// The merges that a packet goes through: along x, along y, into the core.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    width: u32,
    from: u32,
    outside: bool,
    flit: Flit,
}

impl Way {
    pub(super) const fn new(width: u32, from: u32, outside: bool, flit: Flit) -> Self {
        Self { width, from, outside, flit }
    }

    #[cfg(test)]
    pub(super) const fn merges(&self) -> u32 {
        self.flit.dx.unsigned_abs() + self.flit.dy.unsigned_abs() + 3
    }

    #[inline]
    pub(super) const fn merge(&self, number: u32) -> u32 {
        let (across, up) = (self.flit.dx.unsigned_abs(), self.flit.dy.unsigned_abs());
        if number <= across {
            let router = if self.flit.dx < 0 { self.from - number } else { self.from + number };
            return router * MERGES + (self.flit.dx < 0) as u32;
        }
        let corner = self.from.wrapping_add_signed(self.flit.dx);
        let climbed = number - across - 1;
        let (steps, kind) = if climbed <= up { (climbed, 2 + (self.flit.dy < 0) as u32) } else { (up, 4) };
        let router = if self.flit.dy < 0 { corner - steps * self.width } else { corner + steps * self.width };
        router * MERGES + kind
    }

    /// The way from its beginning, merge by merge.
    #[inline]
    pub(super) const fn walk(&self) -> Walk {
        let Flit { dx, dy, .. } = self.flit;
        Walk {
            merge: self.from * MERGES + (dx < 0) as u32,
            step: if dx < 0 { 0_u32.wrapping_sub(MERGES) } else { MERGES },
            ahead: dx.unsigned_abs(),
            dy,
            input: self.input(0),
            leg: if dx < 0 { Leg::West } else { Leg::East },
        }
    }

    /// Which of its inputs, from 1 on, the packet waits at for a merge.
    pub(super) const fn input(&self, number: u32) -> u8 {
        let (across, up) = (self.flit.dx.unsigned_abs(), self.flit.dy.unsigned_abs());
        if number <= across {
            return if number == 0 && !self.outside { 2 } else { 1 };
        }
        let climbed = number - across - 1;
        if climbed > up {
            return if self.flit.dy < 0 { 2 } else { 1 };
        }
        match (climbed, self.flit.dx < 0) {
            (0, true) => 3,
            (0, false) => 2,
            _ => 1,
        }
    }

    fn stage(&self, number: u32) -> Stage {
        let Flit { dx, dy, .. } = self.flit;
        let (across, up) = (dx.unsigned_abs(), dy.unsigned_abs());
        let left = |offset: i32, gone: u32| offset - offset.signum() * i32::try_from(gone).expect("a small grid");
        let flit = if number <= across {
            Flit { dx: left(dx, number), ..self.flit }
        } else {
            Flit { dx: 0, dy: left(dy, (number - across - 1).min(up)), ..self.flit }
        };
        Stage { merge: self.merge(number), input: self.input(number), flit }
    }
}

/// Which merges a packet goes through now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    East,
    West,
    Y,
    Local,
}

/// A place on a [`Way`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    /// The merge that is asked here.
    pub(super) merge: u32,
    /// Added to it for the next of the same leg, and how many of those there are.
    step: u32,
    ahead: u32,
    dy: i32,
    /// Which of its inputs, from 1 on, the packet waits at.
    pub(super) input: u8,
    leg: Leg,
}

impl Walk {
    /// One merge on, in a mesh of `width` routers; `false` behind the last.
    #[inline]
    pub(super) const fn on(&mut self, width: u32) -> bool {
        if self.ahead > 0 {
            self.ahead -= 1;
            self.merge = self.merge.wrapping_add(self.step);
            self.input = 1;
            return true;
        }
        let south = (self.dy < 0) as u32;
        match self.leg {
            Leg::East | Leg::West => {
                let west = (matches!(self.leg, Leg::West)) as u32;
                self.merge += 2 + south - west;
                let step = width * MERGES;
                self.step = if south == 1 { 0_u32.wrapping_sub(step) } else { step };
                self.ahead = self.dy.unsigned_abs();
                self.input = 2 + west as u8;
                self.leg = Leg::Y;
                true
            }
            Leg::Y => {
                self.merge += 2 - south;
                self.input = 1 + south as u8;
                self.leg = Leg::Local;
                true
            }
            Leg::Local => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_asks_the_merges_of_its_way() {
        let (width, height) = (5, 4);
        for (from, to) in (0..width * height).flat_map(|from| (0..width * height).map(move |to| (from, to))) {
            let off = |to: u32, from: u32| to.cast_signed() - from.cast_signed();
            let (dx, dy) = (off(to % width, from % width), off(to / width, from / width));
            let way = Way::new(width, from, false, Flit { dx, dy, ..Flit::default() });
            let mut walk = way.walk();
            for number in 0..way.merges() {
                assert_eq!((walk.merge, walk.input), (way.merge(number), way.input(number)), "{from} {to} {number}");
                assert_eq!(walk.on(width), number + 1 < way.merges());
            }
        }
    }
}
