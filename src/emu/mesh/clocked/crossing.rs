//! A handful of packets in an otherwise empty merge mesh: when each of them arrives, without stepping the mesh.
//!
//! A packet that meets nobody asks the merge number `k` of its way after edge `left + 2k`. Where two ask the same merge
//! within 2 cycles they meet, and their ways are followed merge by merge: at every cycle a free merge serves the first of its
//! inputs, and is free again 2 cycles later. Whoever meets what they do then is followed as well; all others pass as if
//! alone. That is exact as long as no buffer fills: only then does a merge's choice depend on more than who waits there.
//! Where one would fill, nothing is decided, and the mesh has to be stepped.

use super::flight::Way;
use super::merge::{Flit, MergeMeshSpec};
use super::routes::MERGES;

/// A packet that goes into its first buffer.
#[derive(Debug, Clone, Copy)]
pub(in crate::emu) struct Departure {
    /// The edge that puts it there.
    pub(in crate::emu) left: u64,
    /// The router behind whose core it starts, or that of the input buffer.
    pub(in crate::emu) from: u32,
    /// Whether it comes from outside. Those of one call are at least 2 cycles apart.
    pub(in crate::emu) outside: bool,
    pub(in crate::emu) flit: Flit,
}

impl Departure {
    fn way(&self, width: u32) -> Way {
        Way::new(width, self.from, self.outside, self.flit)
    }

    /// The edge at which its core gets it if it meets nobody.
    pub(in crate::emu) fn arrives(&self) -> u64 {
        self.left + flight_time(self.flit)
    }
}

/// Cycles from the first buffer to the core for a packet that meets nobody.
pub(in crate::emu) fn flight_time(flit: Flit) -> u64 {
    2 * (u64::from(flit.dx.unsigned_abs()) + u64::from(flit.dy.unsigned_abs()) + 3)
}

/// A merge is asked by a packet that is followed, later than if it had met nobody.
#[derive(Debug, Clone, Copy)]
struct Ask {
    merge: u32,
    at: u64,
}

/// A packet that is followed.
#[derive(Debug, Clone, Copy)]
struct Follow {
    who: u32,
    /// Merges behind it, and the cycle from which it waits for the next.
    stage: u32,
    ready: u64,
    /// The next merge, and which of its inputs it waits at.
    merge: u32,
    input: u8,
}

/// Packets followed at once; more have to be stepped.
const MOST: usize = 48;

/// Merges of the longest way that can be looked at: one bit each.
const LONGEST: u32 = 64;

/// Who meets whom.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Crossings {
    width: u32,
    depth: usize,
    /// Whether every way is short enough.
    usable: bool,
    round: u32,
    /// Of each merge: the round it was last asked in by those that set out together, and after which of its 2 cycles.
    slots: Vec<(u32, u64)>,
    lap: u32,
    /// Of each merge: the lap in which one that is followed was last served, and when.
    busy: Vec<(u32, u64)>,
    /// The edge at which those that set out together leave.
    start: u64,
    follows: Vec<Follow>,
    served: Vec<usize>,
    late: Vec<Ask>,
    met: Vec<bool>,
    arrivals: Vec<u64>,
}

impl Crossings {
    pub(in crate::emu) fn new(spec: &MergeMeshSpec) -> Self {
        let merges = (spec.width * spec.height * MERGES) as usize;
        Self {
            width: spec.width,
            depth: spec.depth.min(spec.input_depth) as usize,
            usable: spec.width + spec.height < LONGEST,
            round: 0,
            lap: 0,
            slots: vec![(0, 0); merges],
            busy: vec![(0, 0); merges],
            start: 0,
            follows: Vec::new(),
            served: Vec::new(),
            late: Vec::new(),
            met: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// When each packet arrives; `false` where the mesh has to be stepped. All ways lie within the grid, and all that are not
    /// from outside come first and leave at the same edge.
    pub(in crate::emu) fn resolve(&mut self, packets: &[Departure]) -> bool {
        if !self.usable {
            return false;
        }
        self.met.clear();
        self.met.resize(packets.len(), false);
        self.arrivals.clear();
        self.arrivals.extend(packets.iter().map(Departure::arrives));
        self.next_round();
        let mut grows = self.look(packets);
        while grows {
            self.start_anew();
            if !self.follow(packets) {
                return false;
            }
            grows = self.look_again(packets);
        }
        true
    }

    /// Arrivals of the packets that were resolved, in their order.
    pub(in crate::emu) fn arrivals(&self) -> &[u64] {
        &self.arrivals
    }

    /// Who of them met another.
    pub(in crate::emu) fn met(&self) -> &[bool] {
        &self.met
    }

    fn next_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.slots.fill((0, 0));
            self.round = 1;
        }
    }

    /// Nobody is followed, and no merge has served anybody.
    fn start_anew(&mut self) {
        self.late.clear();
        self.follows.clear();
        self.lap = self.lap.wrapping_add(1);
        if self.lap == 0 {
            self.busy.fill((0, 0));
            self.lap = 1;
        }
    }

    /// Marks all that meet somebody if nobody is late; whether there are any. Packets from outside never meet each other.
    #[inline]
    fn look(&mut self, packets: &[Departure]) -> bool {
        let Self { slots, met, round, width, start, .. } = self;
        let mut any = false;
        for (who, packet) in packets.iter().enumerate() {
            let way = packet.way(*width);
            if packet.outside {
                way.each(|merge, number| {
                    let at = packet.left + 2 * u64::from(number);
                    for slot in near(*start, at) {
                        let of_merge = &slots[merge as usize];
                        if of_merge.0 == *round && of_merge.1 >> slot & 1 != 0 {
                            mark(packets, met, *width, merge, slot);
                            (met[who], any) = (true, true);
                        }
                    }
                });
            } else {
                *start = packet.left;
                way.each(|merge, number| {
                    let of_merge = &mut slots[merge as usize];
                    let asked = if of_merge.0 == *round { of_merge.1 } else { 0 };
                    *of_merge = (*round, asked | 1 << number);
                    if asked >> number & 1 != 0 {
                        mark(&packets[..=who], met, *width, merge, number);
                        any = true;
                    }
                });
            }
        }
        any
    }

    /// Marks those that meet one who is late and have met nobody before; whether there are any.
    fn look_again(&mut self, packets: &[Departure]) -> bool {
        let Self { slots, met, round, width, start, late, .. } = self;
        let mut any = false;
        for ask in late.iter() {
            let of_merge = slots[ask.merge as usize];
            let asked = if of_merge.0 == *round { of_merge.1 } else { 0 };
            let by_crowd = near(*start, ask.at).any(|slot| asked >> slot & 1 != 0);
            for (who, packet) in packets.iter().enumerate() {
                if met[who] || !(by_crowd || packet.outside) {
                    continue;
                }
                let way = packet.way(*width);
                let meets = |number: u32| number < way.merges() && way.merge(number) == ask.merge;
                if near(packet.left, ask.at).any(meets) {
                    (met[who], any) = (true, true);
                }
            }
        }
        any
    }

    /// Follows all that have met somebody from their departures on.
    fn follow(&mut self, packets: &[Departure]) -> bool {
        for (who, packet) in (0_u32..).zip(packets).filter(|(who, _)| self.met[*who as usize]) {
            let way = packet.way(self.width);
            let (merge, input) = (way.merge(0), way.input(0));
            self.follows.push(Follow { who, stage: 0, ready: packet.left, merge, input });
        }
        if self.follows.len() > MOST {
            return false;
        }
        while let Some(mut now) = self.follows.iter().map(|follow| follow.ready).min() {
            // One cycle after the other until nobody waits.
            while self.follows.iter().any(|follow| follow.ready <= now) {
                if !self.serve(packets, now) {
                    return false;
                }
                now += 1;
            }
        }
        true
    }

    /// Every free merge serves the first who waits for it at `now`.
    fn serve(&mut self, packets: &[Departure], now: u64) -> bool {
        self.served.clear();
        for (index, follow) in self.follows.iter().enumerate().filter(|(_, follow)| follow.ready <= now) {
            let mut behind = 0;
            let mut is_first = true;
            for other in &self.follows {
                if other.merge == follow.merge && other.ready <= now && other.who != follow.who {
                    is_first &= (follow.input, follow.ready) < (other.input, other.ready);
                    behind += usize::from(other.input == follow.input);
                }
            }
            if behind + 1 >= self.depth {
                return false;
            }
            let (lap, served) = self.busy[follow.merge as usize];
            if is_first && (lap != self.lap || served + 2 <= now) {
                self.served.push(index);
            }
        }
        while let Some(index) = self.served.pop() {
            let Follow { who, stage, merge, .. } = self.follows[index];
            self.busy[merge as usize] = (self.lap, now);
            let packet = &packets[who as usize];
            if now != packet.left + 2 * u64::from(stage) {
                self.late.push(Ask { merge, at: now });
            }
            let way = packet.way(self.width);
            if stage + 1 == way.merges() {
                self.arrivals[who as usize] = now + 2;
                self.follows.swap_remove(index);
            } else {
                let (merge, input) = (way.merge(stage + 1), way.input(stage + 1));
                self.follows[index] = Follow { who, stage: stage + 1, ready: now + 2, merge, input };
            }
        }
        true
    }
}

/// The numbers of the merges that a packet, having left at `start`, asks less than 2 cycles from `at`.
fn near(start: u64, at: u64) -> std::ops::Range<u32> {
    if at + 1 < start {
        return 0..0;
    }
    let since = (at + 1 - start) / 2;
    let first = if at >= start && (at - start) % 2 == 1 { since - 1 } else { since };
    let bound = |number: u64| u32::try_from(number).unwrap_or(LONGEST).min(LONGEST);
    bound(first)..bound(since + 1)
}

/// Marks those of a crowd that ask `merge` as their merge number `number`.
fn mark(packets: &[Departure], met: &mut [bool], width: u32, merge: u32, number: u32) {
    for (packet, met) in packets.iter().zip(met).filter(|(packet, _)| !packet.outside) {
        let way = packet.way(width);
        *met |= number < way.merges() && way.merge(number) == merge;
    }
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn asks_are_near_below_two_cycles() {
        for (start, at) in (5..9).flat_map(|start| (0..30).map(move |at| (start, at))) {
            let expected: Vec<u32> =
                (0..20).filter(|&number| (start + 2 * u64::from(number)).abs_diff(at) < 2).collect();
            assert_eq!(near(start, at).collect::<Vec<_>>(), expected, "{start} {at}");
        }
    }
}
