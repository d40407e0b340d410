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

/// A time at which a merge is asked.
#[derive(Debug, Clone, Copy)]
struct Ask {
    at: u64,
    who: u32,
    /// The next of the same merge, plus one.
    next: u32,
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

/// Merges of the longest way that can be looked at: one bit each.
const LONGEST: u32 = 64;

/// Packets followed at once; more have to be stepped.
const MOST: usize = 48;

/// Who meets whom.
#[derive(Debug, Clone)]
pub(in crate::emu) struct Crossings {
    width: u32,
    depth: usize,
    /// Whether every way is short enough.
    usable: bool,
    /// Of each merge: the round it was last asked in by those that set out together, and after which of its 2 cycles.
    slots: Vec<(u32, u64)>,
    /// Of each merge: the round it was last asked in and the last of its asks, plus one.
    last: Vec<(u32, u32)>,
    round: u32,
    asks: Vec<Ask>,
    follows: Vec<Follow>,
    met: Vec<bool>,
    arrivals: Vec<u64>,
}

impl Crossings {
    pub(in crate::emu) fn new(spec: &MergeMeshSpec) -> Self {
        Self {
            width: spec.width,
            depth: spec.depth.min(spec.input_depth) as usize,
            usable: spec.width + spec.height < LONGEST,
            slots: vec![(0, 0); (spec.width * spec.height * MERGES) as usize],
            last: vec![(0, 0); (spec.width * spec.height * MERGES) as usize],
            round: 0,
            asks: Vec::new(),
            follows: Vec::new(),
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
        self.forget();
        if self.nobody_meets(packets) {
            return true;
        }
        // Packets from outside never meet each other.
        for (who, packet) in (0_u32..).zip(packets).filter(|(_, packet)| !packet.outside) {
            let way = packet.way(self.width);
            for number in 0..way.merges() {
                let (merge, at) = (way.merge(number), packet.left + 2 * u64::from(number));
                self.meet(merge, at, who);
                self.note(merge, at, who);
            }
        }
        self.meet_alone(packets, |packet| packet.outside);
        while self.met.contains(&true) {
            if !self.follow(packets) {
                return false;
            }
            if !self.meet_alone(packets, |_| true) {
                break;
            }
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

    fn forget(&mut self) {
        self.asks.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.last.fill((0, 0));
            self.slots.fill((0, 0));
            self.round = 1;
        }
    }

    /// Whether nobody meets anybody, without a word about who.
    #[inline]
    fn nobody_meets(&mut self, packets: &[Departure]) -> bool {
        let (slots, round, width) = (&mut self.slots, self.round, self.width);
        let mut start = 0;
        for packet in packets {
            let mut meets = false;
            if packet.outside {
                packet.way(width).each(|merge, number| {
                    let at = packet.left.wrapping_sub(start).wrapping_add(2 * u64::from(number)).cast_signed();
                    let slot = &slots[merge as usize];
                    // In an odd cycle it meets those of the cycle before and of the cycle after.
                    let met = |slot_number: i64| {
                        (0..64).contains(&slot_number) && slot.0 == round && slot.1 >> slot_number & 1 != 0
                    };
                    meets |= met(at.div_euclid(2)) || (at & 1 != 0 && met(at.div_euclid(2) + 1));
                });
            } else {
                start = packet.left;
                packet.way(width).each(|merge, number| {
                    let slot = &mut slots[merge as usize];
                    let asked = if slot.0 == round { slot.1 } else { 0 };
                    meets |= asked >> number & 1 != 0;
                    *slot = (round, asked | 1 << number);
                });
            }
            if meets {
                return false;
            }
        }
        true
    }

    #[inline]
    fn note(&mut self, merge: u32, at: u64, who: u32) {
        let last = &mut self.last[merge as usize];
        let next = if last.0 == self.round { last.1 } else { 0 };
        self.asks.push(Ask { at, who, next });
        *last = (self.round, u32::try_from(self.asks.len()).expect("few packets"));
    }

    /// Whether `who`, asking at `at`, meets what is noted; both are marked.
    #[inline]
    fn meet(&mut self, merge: u32, at: u64, who: u32) -> bool {
        let (round, mut next) = self.last[merge as usize];
        let mut meets = false;
        while round == self.round && next != 0 {
            let ask = self.asks[next as usize - 1];
            if ask.at.abs_diff(at) < 2 && ask.who != who {
                self.met[ask.who as usize] = true;
                self.met[who as usize] = true;
                meets = true;
            }
            next = ask.next;
        }
        meets
    }

    /// Marks those of the packets that nobody has met yet and that meet what is noted; whether there are any.
    fn meet_alone(&mut self, packets: &[Departure], which: impl Fn(&Departure) -> bool) -> bool {
        let mut any = false;
        for (who, packet) in (0_u32..).zip(packets) {
            if self.met[who as usize] || !which(packet) {
                continue;
            }
            let way = packet.way(self.width);
            for number in 0..way.merges() {
                any |= self.meet(way.merge(number), packet.left + 2 * u64::from(number), who);
            }
        }
        any
    }

    /// Follows all that have met somebody from their departures on, and notes when they ask.
    fn follow(&mut self, packets: &[Departure]) -> bool {
        self.forget();
        self.follows.clear();
        for (who, packet) in (0_u32..).zip(packets).filter(|(who, _)| self.met[*who as usize]) {
            let way = packet.way(self.width);
            let (merge, input) = (way.merge(0), way.input(0));
            self.follows.push(Follow { who, stage: 0, ready: packet.left, merge, input });
        }
        if self.follows.len() > MOST {
            return false;
        }
        let next = |follows: &[Follow]| follows.iter().map(|follow| follow.ready).min();
        while let Some(mut now) = next(&self.follows) {
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
        let mut served = [0; MOST];
        let mut count = 0;
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
            if is_first && !self.is_busy(follow.merge, now) {
                served[count] = index;
                count += 1;
            }
        }
        for &index in served[..count].iter().rev() {
            let Follow { who, stage, merge, .. } = self.follows[index];
            self.note(merge, now, who);
            let way = packets[who as usize].way(self.width);
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

    /// Whether a merge still carries whom it served before `now`.
    fn is_busy(&self, merge: u32, now: u64) -> bool {
        let (round, next) = self.last[merge as usize];
        round == self.round && next != 0 && self.asks[next as usize - 1].at + 2 > now
    }
}
