//! `hilbert-force`: a Hilbert start and force-directed swaps of neighbouring slots.
//!
//! After O. Jin, Q. Xing, Y. Li, S. Deng, S. He, G. Pan, "Mapping Very Large Scale Spiking Neuron Network to
//! Neuromorphic Hardware" (ASPLOS 2023): the pairs of adjacent slots whose swap lowers the cost are queued by gain, the
//! tensest share is swapped, the pairs beside what moved are judged again, until no pair gains. Deviations: the exact
//! gain takes the place of the potential field; a gain is judged again before its swap; blocked slots are never
//! swapped, empty ones are.

use super::anneal::EMPTY;
use super::{Flow, Mesh, Meter, Watch};

/// Gains below this share of the strongest cluster's traffic are rounding.
const LEAST: f64 = 1e-12;

struct Force<'a> {
    flow: &'a Flow,
    mesh: &'a Mesh,
    slot: Vec<u32>,
    who: Vec<u32>,
}

impl Force<'_> {
    /// How much shorter the traffic of `cluster` gets at `to`, its edge to `besides` aside.
    fn relief(&self, cluster: u32, to: u32, besides: u32) -> f64 {
        let from = self.slot[cluster as usize];
        let edges = self.flow.of(cluster as usize).iter().filter(|e| e.0 != besides);
        edges
            .map(|&(other, w)| {
                let there = self.slot[other as usize];
                w * (self.mesh.distance(from, there) - self.mesh.distance(to, there))
            })
            .sum()
    }

    /// Gain of swapping what stands in two slots.
    fn gain(&self, a: u32, b: u32) -> f64 {
        let (one, two) = (self.who[a as usize], self.who[b as usize]);
        let mut sum = 0.0;
        if one != EMPTY {
            sum += self.relief(one, b, two);
        }
        if two != EMPTY {
            sum += self.relief(two, a, one);
        }
        sum
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.who.swap(a as usize, b as usize);
        for at in [a, b] {
            let who = self.who[at as usize];
            if who != EMPTY {
                self.slot[who as usize] = at;
            }
        }
    }

    /// Pairs of adjacent slots that hold `slot`, the lower slot first.
    fn pairs(&self, slot: u32) -> impl Iterator<Item = (u32, u32)> + use<'_> {
        let (x, y) = self.mesh.cell(slot);
        let row = self.mesh.width as u32;
        let beside = [
            (x > 0).then(|| slot - 1),
            (x + 1 < self.mesh.width).then(|| slot + 1),
            (y > 0).then(|| slot - row),
            (y + 1 < self.mesh.height).then(|| slot + row),
        ];
        let near = beside.into_iter().flatten().filter(|other| self.mesh.free[*other as usize]);
        near.map(move |other| (slot.min(other), slot.max(other)))
    }
}

/// Improves `start` until no swap of neighbours gains or the time is gone.
pub(super) fn improve(flow: &Flow, mesh: &Mesh, start: Vec<u32>, share: f64, watch: &dyn Watch) -> Vec<u32> {
    let mut who = vec![EMPTY; mesh.slots()];
    start.iter().enumerate().for_each(|(c, slot)| who[*slot as usize] = c as u32);
    let mut force = Force { flow, mesh, slot: start, who };
    let least = LEAST * flow.strength().into_iter().fold(0.0, f64::max);
    // Pairs of empty slots never gain.
    let mut touched = force.slot.clone();
    let (mut meter, degree) = (Meter::new(watch), 1 + flow.entries() / flow.clusters().max(1));
    let mut queue: Vec<(f64, u32, u32)> = Vec::new();
    let mut round = 0;
    while watch.gone() < 1.0 {
        let mut pairs: Vec<(u32, u32)> = touched.iter().flat_map(|slot| force.pairs(*slot)).collect();
        pairs.extend(queue.drain(..).map(|(_, a, b)| (a, b)));
        pairs.sort_unstable();
        pairs.dedup();
        let gains = pairs.iter().take_while(|_| !meter.over(2 * degree)).map(|&(a, b)| (force.gain(a, b), a, b));
        queue.extend(gains.filter(|pair| pair.0 > least));
        if queue.is_empty() {
            break;
        }
        queue.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let tense = ((queue.len() as f64 * share).ceil() as usize).clamp(1, queue.len());
        touched.clear();
        let mut swapped = 0;
        for (_, a, b) in queue.drain(..tense) {
            if !meter.over(2 * degree) && force.gain(a, b) > least {
                let neighbours = [a, b].map(|s| force.who[s as usize]).into_iter().filter(|who| *who != EMPTY);
                let near = neighbours.flat_map(|who| flow.of(who as usize).iter().map(|e| force.slot[e.0 as usize]));
                touched.extend(near);
                force.swap(a, b);
                touched.extend([a, b]);
                swapped += 1;
            }
        }
        touched.sort_unstable();
        touched.dedup();
        round += 1;
        watch.step(&format!("force      round {round:5}  swapped {swapped:9}  waiting {:9}", queue.len()));
    }
    force.slot
}
