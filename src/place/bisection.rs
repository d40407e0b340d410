//! `bisection`: dual recursive bisection: slots and clusters are cut in two together, along the longer side.
//!
//! After F. Pellegrini, J. Roman, "SCOTCH: a software package for static mapping by dual recursive bipartitioning"
//! (1996), with the refinement of C. Fiduccia, R. Mattheyses (DAC 1982) and the terminal propagation of A. Dunlop,
//! B. Kernighan (1985): an edge to a cluster outside the halves pulls towards the half nearer to it. Deviations: the
//! first cut of a part grows from one cluster over heavy edges; a pass moves a pair at a time from side to side, so
//! that both halves keep exactly the sizes that their slots can hold. Chips of a board are a level of the hierarchy: a
//! part that spans several is cut along a border between them, the one nearest to its middle, and only then inside.

use std::collections::BinaryHeap;

use super::{Flow, Mesh, Meter, Watch};

/// A gain in a heap, ties to the lower cluster.
#[derive(PartialEq)]
struct Entry(f64, u32, u32);

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Cutter<'a> {
    flow: &'a Flow,
    mesh: &'a Mesh,
    passes: usize,
    /// Middle of the slots that a cluster's part may take.
    centre: Vec<(f32, f32)>,
    /// 1 and 2: the sides of the part being cut; 0: outside.
    side: Vec<u8>,
    /// Number of the last change of a gain, so that old heap entries are known.
    stamp: Vec<u32>,
    gain: Vec<f64>,
    slot: Vec<u32>,
    meter: Meter<'a>,
}

/// Slots of all clusters.
pub(super) fn bisect(flow: &Flow, mesh: &Mesh, passes: usize, watch: &dyn Watch) -> Vec<u32> {
    let n = flow.clusters();
    let mut slots = mesh.usable();
    let mut clusters: Vec<u32> = (0..n as u32).collect();
    let mut cutter = Cutter {
        flow,
        mesh,
        passes,
        centre: vec![(0.0, 0.0); n],
        side: vec![0; n],
        stamp: vec![0; n],
        gain: vec![0.0; n],
        slot: vec![0; n],
        meter: Meter::new(watch),
    };
    // Breadth first: all parts of a level stand before the next is cut, so that terminals are as exact everywhere.
    let mut parts: Vec<(&mut [u32], &mut [u32])> = vec![(&mut clusters, &mut slots)];
    let mut level = 0;
    while !parts.is_empty() {
        let mut next = Vec::new();
        let count = parts.len();
        for (clusters, slots) in parts {
            if clusters.len() <= 1 && slots.len() <= 1 {
                clusters.iter().for_each(|c| cutter.slot[*c as usize] = slots[0]);
                continue;
            }
            if clusters.is_empty() {
                continue;
            }
            let half = cutter.cut_slots(slots);
            let left = share(clusters.len(), half, slots.len());
            // Without time the clusters are cut as they stand.
            if !cutter.meter.over(clusters.len()) {
                cutter.cut_clusters(clusters, left, slots, half);
            }
            let (slots_a, slots_b) = slots.split_at_mut(half);
            let (clusters_a, clusters_b) = clusters.split_at_mut(left);
            cutter.note(clusters_a, slots_a);
            cutter.note(clusters_b, slots_b);
            next.extend([(clusters_a, slots_a), (clusters_b, slots_b)]);
        }
        parts = next;
        watch.step(&format!("bisection  level {level:3}  parts {count:9}"));
        level += 1;
    }
    cutter.slot
}

/// Clusters for the first of two halves: in proportion, within what both hold.
fn share(clusters: usize, half: usize, slots: usize) -> usize {
    let wanted = (clusters * half + slots / 2) / slots;
    wanted.clamp(clusters.saturating_sub(slots - half), half.min(clusters))
}

impl Cutter<'_> {
    /// Orders slots so that the first half of them is one side, cut across the longer extent; first along chips.
    fn cut_slots(&self, slots: &mut [u32]) -> usize {
        let mesh = self.mesh;
        let extent = |f: &dyn Fn(u32) -> usize| {
            slots.iter().map(|s| f(*s)).fold((usize::MAX, 0), |(l, h), v| (l.min(v), h.max(v)))
        };
        let sides = [extent(&|s| mesh.cell(s).0), extent(&|s| mesh.cell(s).1)];
        let chips = [mesh.chip.0, mesh.chip.1];
        let spans = |axis: usize| {
            let (low, high) = sides[axis];
            chips[axis] > 0 && low / chips[axis] < high / chips[axis]
        };
        let length = |axis: usize| (spans(axis), sides[axis].1 - sides[axis].0);
        let along_x = length(0) >= length(1);
        let half = if spans(usize::from(!along_x)) {
            self.border(slots, along_x, chips[usize::from(!along_x)])
        } else {
            slots.len() / 2
        };
        slots.select_nth_unstable_by_key(half, |s| {
            let (x, y) = mesh.cell(*s);
            if along_x { (x, y) } else { (y, x) }
        });
        half
    }

    /// Slots before the border between chips that is nearest to the middle of the slots.
    fn border(&self, slots: &[u32], along_x: bool, chip: usize) -> usize {
        let mut of_chips = std::collections::BTreeMap::new();
        for slot in slots {
            let (x, y) = self.mesh.cell(*slot);
            *of_chips.entry(if along_x { x } else { y } / chip).or_insert(0_usize) += 1;
        }
        let mut sum = 0;
        let borders = of_chips.values().map(|count| {
            sum += count;
            sum
        });
        let inner: Vec<usize> = borders.filter(|border| *border < slots.len()).collect();
        inner.into_iter().min_by_key(|border| border.abs_diff(slots.len() / 2)).unwrap_or(slots.len() / 2)
    }

    fn note(&mut self, clusters: &[u32], slots: &[u32]) {
        let middle = self.middle(slots);
        clusters.iter().for_each(|c| self.centre[*c as usize] = middle);
    }

    fn middle(&self, slots: &[u32]) -> (f32, f32) {
        // Whole numbers: the order of the slots does not matter.
        let (x, y) = slots.iter().map(|s| self.mesh.cell(*s)).fold((0, 0), |a, p| (a.0 + p.0, a.1 + p.1));
        let n = slots.len().max(1) as f64;
        ((x as f64 / n) as f32, (y as f64 / n) as f32)
    }

    /// Orders clusters so that the first `left` are the side of the first `half` slots.
    fn cut_clusters(&mut self, clusters: &mut [u32], left: usize, slots: &[u32], half: usize) {
        if left == 0 || left == clusters.len() {
            return;
        }
        let ends = (self.middle(&slots[..half]), self.middle(&slots[half..]));
        clusters.iter().for_each(|c| self.side[*c as usize] = 2);
        self.grow(clusters, left, ends);
        for _ in 0..self.passes {
            if !self.pass(clusters, ends) {
                break;
            }
        }
        clusters.sort_unstable_by_key(|c| (self.side[*c as usize], *c));
        clusters.iter().for_each(|c| self.side[*c as usize] = 0);
    }

    /// What an edge to `other` costs more on the second side than on the first, outside the part.
    fn outward(&self, other: u32, ends: ((f32, f32), (f32, f32))) -> f64 {
        let p = self.centre[other as usize];
        let far = |end: (f32, f32)| (end.0 - p.0).abs() + (end.1 - p.1).abs();
        f64::from(far(ends.1) - far(ends.0))
    }

    /// Distance of the two sides.
    fn across(ends: ((f32, f32), (f32, f32))) -> f64 {
        f64::from((ends.0.0 - ends.1.0).abs() + (ends.0.1 - ends.1.1).abs())
    }

    /// What it gains to move `c` to the other side.
    fn gain_of(&self, c: u32, ends: ((f32, f32), (f32, f32))) -> f64 {
        let (mine, across) = (self.side[c as usize], Self::across(ends));
        let edge = |&(to, w): &(u32, f64)| match self.side[to as usize] {
            0 => w * self.outward(to, ends) * if mine == 2 { 1.0 } else { -1.0 },
            side if side == mine => -w * across,
            _ => w * across,
        };
        self.flow.of(c as usize).iter().map(edge).sum()
    }

    /// Fills the first side from the cluster that wants there most, over the best gains.
    fn grow(&mut self, clusters: &[u32], left: usize, ends: ((f32, f32), (f32, f32))) {
        let mut heaps = [BinaryHeap::new(), BinaryHeap::new()];
        for &c in clusters {
            self.gain[c as usize] = self.gain_of(c, ends);
            self.stamp[c as usize] = 0;
            heaps[1].push(Entry(self.gain[c as usize], c, 0));
        }
        let mut taken = 0;
        while taken < left {
            let Some(Entry(_, c, stamp)) = heaps[1].pop() else { break };
            if self.side[c as usize] == 1 || self.stamp[c as usize] != stamp {
                continue;
            }
            if self.meter.over(1 + self.flow.of(c as usize).len()) {
                break;
            }
            self.side[c as usize] = 1;
            taken += 1;
            self.spread(c, &mut heaps, ends);
        }
    }

    /// One pass of pair moves with rollback to the best prefix; whether it gained.
    fn pass(&mut self, clusters: &[u32], ends: ((f32, f32), (f32, f32))) -> bool {
        let mut heaps = [BinaryHeap::new(), BinaryHeap::new()];
        for &c in clusters {
            self.gain[c as usize] = self.gain_of(c, ends);
            self.stamp[c as usize] = 0;
            heaps[usize::from(self.side[c as usize]) - 1].push(Entry(self.gain[c as usize], c, 0));
        }
        let mut locked = std::collections::BTreeSet::new();
        let (mut moves, mut sum, mut best, mut keep) = (Vec::new(), 0.0, 1e-9, 0);
        let patience = 50 + clusters.len() / 20;
        while moves.len() < clusters.len() && moves.len() - keep < 2 * patience {
            let mut pair = 0;
            for from in 0..2 {
                let c = loop {
                    let Some(Entry(_, c, stamp)) = heaps[from].pop() else { break None };
                    let fresh = self.stamp[c as usize] == stamp && usize::from(self.side[c as usize]) == from + 1;
                    if fresh && !locked.contains(&c) {
                        break Some(c);
                    }
                };
                let Some(c) = c.filter(|c| !self.meter.over(1 + self.flow.of(*c as usize).len())) else { break };
                sum += self.gain[c as usize];
                self.side[c as usize] = 2 - from as u8;
                locked.insert(c);
                moves.push(c);
                pair += 1;
                self.spread(c, &mut heaps, ends);
            }
            if pair < 2 {
                break;
            }
            if sum > best {
                (best, keep) = (sum, moves.len());
            }
        }
        for c in &moves[keep..] {
            self.side[*c as usize] = 3 - self.side[*c as usize];
        }
        keep > 0
    }

    /// Updates the gains of the neighbours of `moved`, which has changed sides, in the heaps of their sides.
    fn spread(&mut self, moved: u32, heaps: &mut [BinaryHeap<Entry>; 2], ends: ((f32, f32), (f32, f32))) {
        let [first, second] = heaps;
        let flow = self.flow;
        let step = 2.0 * Self::across(ends);
        // Those on its side now lose by leaving it, the others gain by following.
        for &(to, w) in flow.of(moved as usize) {
            let there = self.side[to as usize];
            if there == 0 {
                continue;
            }
            let sign = if there == self.side[moved as usize] { -1.0 } else { 1.0 };
            self.gain[to as usize] += sign * w * step;
            self.stamp[to as usize] += 1;
            let entry = Entry(self.gain[to as usize], to, self.stamp[to as usize]);
            if there == 1 { first.push(entry) } else { second.push(entry) }
        }
    }
}
