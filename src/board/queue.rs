//! Lines that packets cross one behind the other: serialisation and queuing.
//!
//! A packet takes a line for as long as its bits need; one that comes meanwhile waits. First come, first served, by
//! (time, number of the packet). What a line does to a packet ends `latency` after its last bit went in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// A line, in picoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// How long a packet occupies it.
    pub occupied: u64,
    /// From its last bit in to its last bit out.
    pub latency: u64,
}

/// A line on the way of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The line.
    pub line: u32,
    /// Picoseconds from the line before (or the start) to this one.
    pub before: u64,
}

/// A packet's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// When it starts, in picoseconds.
    pub ready: u64,
    /// Its lines, in a list of legs.
    pub legs: Range<usize>,
    /// Picoseconds from the last line to the end.
    pub after: u64,
}

/// What a line has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Packets.
    pub packets: u64,
    /// Picoseconds that it was occupied.
    pub busy: u64,
    /// Picoseconds that packets waited for it, in all.
    pub waited: u64,
    /// The longest wait.
    pub worst: u64,
}

/// Lines with what they have carried so far.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: Vec<Line>,
    free: Vec<u64>,
    loads: Vec<Load>,
    queue: BinaryHeap<Reverse<(u64, u32, usize)>>,
}

impl Lines {
    /// Idle lines.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        let count = lines.len();
        Self { lines, free: vec![0; count], loads: vec![Load::default(); count], queue: BinaryHeap::new() }
    }

    /// What each line has carried.
    #[must_use]
    pub fn loads(&self) -> &[Load] {
        &self.loads
    }

    /// Forgets what was carried.
    pub fn clear(&mut self) {
        self.loads.fill(Load::default());
    }

    /// Sends packets over their ways, all lines idle at the start; `ends` then has when each of them has arrived.
    pub fn carry(&mut self, journeys: &[Journey], legs: &[Leg], ends: &mut Vec<u64>) {
        ends.clear();
        ends.extend(journeys.iter().map(|journey| journey.ready.saturating_add(journey.after)));
        for (number, journey) in (0..).zip(journeys) {
            self.queue_up(journey.ready, number, journey.legs.start, journey, legs);
        }
        while let Some(Reverse((now, number, at))) = self.queue.pop() {
            let (journey, line) = (&journeys[number as usize], legs[at].line as usize);
            let begin = self.free[line].max(now);
            let done = begin.saturating_add(self.lines[line].occupied);
            self.free[line] = done;
            let load = &mut self.loads[line];
            load.packets += 1;
            load.busy += done - begin;
            load.waited += begin - now;
            load.worst = load.worst.max(begin - now);
            let out = done.saturating_add(self.lines[line].latency);
            if at + 1 < journey.legs.end {
                self.queue_up(out, number, at + 1, journey, legs);
            } else {
                ends[number as usize] = out.saturating_add(journey.after);
            }
        }
        for journey in journeys {
            legs[journey.legs.clone()].iter().for_each(|leg| self.free[leg.line as usize] = 0);
        }
    }

    fn queue_up(&mut self, now: u64, number: u32, at: usize, journey: &Journey, legs: &[Leg]) {
        if at < journey.legs.end {
            self.queue.push(Reverse((now.saturating_add(legs[at].before), number, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_wait_for_each_other_and_for_nothing_else() {
        // Two lines in a row; three packets over both, of which two come together, and one over the second alone.
        let mut lines = Lines::new(vec![Line { occupied: 10, latency: 3 }, Line { occupied: 4, latency: 0 }]);
        let legs = [Leg { line: 0, before: 1 }, Leg { line: 1, before: 2 }, Leg { line: 1, before: 0 }];
        let both = |ready| Journey { ready, legs: 0..2, after: 5 };
        let journeys = [both(0), both(0), both(100), Journey { ready: 16, legs: 2..3, after: 0 }, both(7)];
        let mut ends = Vec::new();
        lines.carry(&journeys, &legs, &mut ends);
        // First: 1 +10 +3 = 14, at the second line at 16 together with the fourth, and first by number: 20, then 25.
        // The second waits to 11: out at 24, 26 + 4 + 5. The fifth comes at 8 and waits to 21.
        assert_eq!(ends, [25, 35, 125, 24, 45]);
        assert_eq!(lines.loads()[0], Load { packets: 4, busy: 40, waited: 10 + 13, worst: 13 });
        assert_eq!(lines.loads()[1], Load { packets: 5, busy: 20, waited: 4, worst: 4 });
        // Idle again: the same once more.
        let before = ends.clone();
        lines.carry(&journeys, &legs, &mut ends);
        assert_eq!(ends, before);
        // No line on the way: only the end.
        lines.carry(&[Journey { ready: 3, legs: 0..0, after: 2 }], &legs, &mut ends);
        assert_eq!(ends, [5]);
    }

    #[test]
    fn order_of_the_list_does_not_matter_but_for_ties() {
        let mut rng = crate::rng::Rng::new(5);
        let mut lines = Lines::new((0..6).map(|n| Line { occupied: 3 + n, latency: n }).collect());
        let mut legs = Vec::new();
        let mut journeys = Vec::new();
        for number in 0..200 {
            let first = legs.len();
            legs.extend((0..1 + rng.below(4)).map(|_| Leg { line: rng.below(6) as u32, before: rng.below(9) }));
            // Ready times apart by more than a tie.
            journeys.push(Journey { ready: number * 1_000 + rng.below(500), legs: first..legs.len(), after: 1 });
        }
        let mut ends = Vec::new();
        lines.carry(&journeys, &legs, &mut ends);
        let turned: Vec<Journey> = journeys.iter().rev().cloned().collect();
        let mut again = Vec::new();
        lines.carry(&turned, &legs, &mut again);
        again.reverse();
        assert_eq!(ends, again);
    }
}
