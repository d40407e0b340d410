//! Refinement of a placement on the slots of a real chip: routers with several cores, the host at a fixed place, regions,
//! links that are dearer than others. The strategies know none of these; what they find is annealed here.
//!
//! Swaps and moves to free slots at temperatures that fall geometrically (S. Kirkpatrick et al. 1983), judged by the
//! edges of the two clusters alone; the best placement met is kept. Deviations: half of the proposals go to the router
//! of a neighbour or beside it, as in `anneal`; clusters that are bound to regions propose slots of theirs only.

use super::anneal::EMPTY;
use super::{Flow, Region, Routers, Watch};
use crate::rng::Rng;

/// What is refined.
pub struct Refine<'a> {
    /// The slots.
    pub routers: &'a Routers,
    /// Traffic of the clusters, then of the anchors.
    pub flow: &'a Flow,
    /// Slots of what never moves and takes no room, such as the host.
    pub anchors: &'a [u32],
    /// Where each cluster may stand; empty: anywhere.
    pub regions: &'a [Option<Region>],
    /// Price of every link.
    pub prices: &'a Prices,
    /// Seed of every draw.
    pub seed: u64,
    /// Proposals.
    pub moves: u64,
}

/// A price for every link. The way from one router to another is along the row of the first, then along the column of
/// the second; the price between two is the mean of both ways, since traffic is known by pairs only.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    width: usize,
    /// Price from column 0 to each column, by row.
    along: Vec<f64>,
    /// Price from row 0 to each row, by row and column.
    down: Vec<f64>,
}

impl Prices {
    /// `east(x, y)` and `south(x, y)` are the prices of the links from a router to the next one there, to and fro.
    #[must_use]
    pub fn new(routers: &Routers, east: impl Fn(usize, usize) -> f64, south: impl Fn(usize, usize) -> f64) -> Self {
        let (width, height) = (routers.width, routers.height);
        let (mut along, mut down) = (vec![0.0; width * height], vec![0.0; width * height]);
        for y in 0..height {
            for x in 0..width {
                let at = y * width + x;
                if x > 0 {
                    along[at] = along[at - 1] + east(x - 1, y);
                }
                if y > 0 {
                    down[at] = down[at - width] + south(x, y - 1);
                }
            }
        }
        Self { width, along, down }
    }

    /// Every link costs 1.
    #[must_use]
    pub fn even(routers: &Routers) -> Self {
        Self::new(routers, |_, _| 1.0, |_, _| 1.0)
    }

    /// Price between two routers.
    fn between(&self, a: (usize, usize), b: (usize, usize)) -> f64 {
        let way = |from: (usize, usize), to: (usize, usize)| {
            let row = from.1 * self.width;
            let turn = self.along[row + to.0] - self.along[row + from.0];
            turn.abs() + (self.down[to.1 * self.width + to.0] - self.down[row + to.0]).abs()
        };
        (way(a, b) + way(b, a)) / 2.0
    }
}

/// A placement being refined.
struct State<'a> {
    task: &'a Refine<'a>,
    at: Vec<(usize, usize)>,
    slot: Vec<u32>,
    who: Vec<u32>,
    rng: Rng,
}

impl State<'_> {
    /// Change of cost if `cluster` stood at `new`, its edge to `besides` aside.
    fn pull(&self, cluster: u32, new: (usize, usize), besides: u32) -> f64 {
        let (old, prices) = (self.at[cluster as usize], self.task.prices);
        let change = |&(to, w): &(u32, f64)| {
            let p = self.at[to as usize];
            if to == besides { 0.0 } else { w * (prices.between(new, p) - prices.between(old, p)) }
        };
        self.task.flow.of(cluster as usize).iter().map(change).sum()
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * bound.max(1) as u128) >> 64) as usize
    }

    /// A slot for `cluster`: beside a neighbour, or anywhere within its region.
    fn aim(&mut self, cluster: u32) -> u32 {
        let routers = self.task.routers;
        let all = Region { x: (0, routers.width - 1), y: (0, routers.height - 1) };
        let region = self.task.regions.get(cluster as usize).copied().flatten().unwrap_or(all);
        let flow = self.task.flow.of(cluster as usize);
        let (x, y) = if !flow.is_empty() && self.below(2) == 0 {
            let to = flow[self.below(flow.len())].0;
            let (x, y) = routers.cell(self.slot[to as usize]);
            let shift =
                |at: usize, by: usize, (low, high): (usize, usize)| (at + by).saturating_sub(1).clamp(low, high);
            (shift(x, self.below(3), region.x), shift(y, self.below(3), region.y))
        } else {
            let span = |(low, high): (usize, usize)| high - low + 1;
            (region.x.0 + self.below(span(region.x)), region.y.0 + self.below(span(region.y)))
        };
        ((y * routers.width + x) * routers.local + self.below(routers.local)) as u32
    }

    /// Change of cost of a swap, where it is one and allowed, and who stands there.
    fn judge(&self, cluster: u32, slot: u32) -> Option<(f64, u32)> {
        let (task, old) = (self.task, self.slot[cluster as usize]);
        let other = self.who[slot as usize];
        if old == slot || !task.routers.free[slot as usize] {
            return None;
        }
        let place = task.routers.cell(slot);
        let mut delta = self.pull(cluster, place, other);
        if other != EMPTY {
            let region = task.regions.get(other as usize).copied().flatten();
            if region.is_some_and(|region| !region.holds(task.routers.cell(old))) {
                return None;
            }
            delta += self.pull(other, self.at[cluster as usize], cluster);
        }
        Some((delta, other))
    }

    fn commit(&mut self, cluster: u32, slot: u32, other: u32) {
        let old = self.slot[cluster as usize];
        self.who[old as usize] = other;
        self.who[slot as usize] = cluster;
        let place = self.task.routers.cell(slot);
        if other != EMPTY {
            self.slot[other as usize] = old;
            self.at[other as usize] = self.at[cluster as usize];
        }
        (self.slot[cluster as usize], self.at[cluster as usize]) = (slot, place);
    }
}

/// Rounds of one refinement, each at its temperature.
const ROUNDS: u64 = 100;
/// First and last temperature in mean absolute changes of the start.
const HEAT: (f64, f64) = (0.5, 0.002);

/// Refines `slots`, one a cluster, which must be free, distinct and within the regions. Never makes it worse.
pub fn refine(task: &Refine<'_>, slots: &mut [u32], watch: &dyn Watch) {
    let n = slots.len();
    if n == 0 || task.routers.free.len() < 2 {
        return;
    }
    let mut who = vec![EMPTY; task.routers.free.len()];
    (0..).zip(slots.iter()).for_each(|(c, slot)| who[*slot as usize] = c);
    let slot: Vec<u32> = slots.iter().chain(task.anchors).copied().collect();
    let at = slot.iter().map(|slot| task.routers.cell(*slot)).collect();
    let mut state = State { task, at, slot, who, rng: Rng::new(task.seed) };
    let draw = |state: &mut State<'_>| {
        let cluster = state.below(n) as u32;
        let slot = state.aim(cluster);
        state.judge(cluster, slot).map(|(delta, other)| (delta, cluster, slot, other))
    };
    let samples: Vec<f64> = (0..200).filter_map(|_| draw(&mut state)).map(|draw| draw.0.abs()).collect();
    let mean = samples.iter().sum::<f64>() / samples.len().max(1) as f64;
    let (mut change, mut best) = (0.0, 0.0);
    for round in 0..ROUNDS {
        let cooled = HEAT.0 * (HEAT.1 / HEAT.0).powf(round as f64 / (ROUNDS - 1) as f64);
        let temperature = if round + 1 == ROUNDS { 0.0 } else { mean * cooled };
        for _ in 0..task.moves / ROUNDS {
            let Some((delta, cluster, slot, other)) = draw(&mut state) else { continue };
            let uniform = (state.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            if delta <= 0.0 || delta < -temperature * uniform.max(1e-300).ln() {
                state.commit(cluster, slot, other);
                change += delta;
            }
        }
        // Within rounding errors the change is exact; placements are compared only at the ends of rounds.
        if change < best - 1e-9 * mean {
            best = change;
            slots.copy_from_slice(&state.slot[..n]);
        }
        watch.step(&format!("refine     change {change:16.2}  best {best:16.2}  temperature {temperature:12.4}"));
        if watch.gone() >= 1.0 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Quiet;
    use super::*;

    /// Traffic times distance.
    fn cost(routers: &Routers, flow: &Flow, slots: &[u32]) -> f64 {
        let of = |c: usize| flow.of(c).iter().map(move |&(to, w)| (c, to, w)).collect::<Vec<_>>();
        let all = (0..flow.clusters()).flat_map(of);
        all.map(|(c, to, w)| w * routers.hops(slots[c], slots[to as usize]) as f64).sum::<f64>() / 2.0
    }

    #[test]
    fn tiny_cases_reach_the_optimum_of_brute_force() {
        // Four clusters in a chain and the host in the corner of 2 x 2 routers of two slots each.
        let routers = Routers::new(2, 2, 2);
        let flow = Flow::new(5, &[(0, 1, 3.0), (1, 2, 2.0), (2, 3, 5.0), (4, 0, 4.0)], "").expect("fine");
        let mut best = f64::INFINITY;
        for code in 0..8_u32.pow(4) {
            let slots: Vec<u32> = (0..4).map(|c| code / 8_u32.pow(c) % 8).chain([7]).collect();
            let distinct = (0..4).all(|a| (0..a).all(|b| slots[a] != slots[b]));
            best = if distinct { best.min(cost(&routers, &flow, &slots)) } else { best };
        }
        let prices = Prices::even(&routers);
        let anchors = [7];
        let task = Refine {
            routers: &routers,
            flow: &flow,
            anchors: &anchors,
            regions: &[],
            prices: &prices,
            seed: 3,
            moves: 5000,
        };
        let mut slots = [0, 4, 1, 6];
        refine(&task, &mut slots, &Quiet);
        let all: Vec<u32> = slots.iter().chain(&anchors).copied().collect();
        assert_eq!(cost(&routers, &flow, &all), best, "{slots:?}");
        let again = slots;
        refine(&task, &mut slots, &Quiet);
        assert_eq!(cost(&routers, &flow, &[&slots[..], &anchors].concat()), best, "{again:?}");
    }

    #[test]
    fn regions_hold_and_blocked_slots_stay_empty() {
        let mut routers = Routers::new(4, 1, 1);
        routers.free[1] = false;
        let flow = Flow::new(3, &[(0, 1, 1.0), (1, 2, 1.0)], "").expect("fine");
        let regions = [Some(Region { x: (3, 3), y: (0, 0) }), None];
        let prices = Prices::even(&routers);
        let task = Refine {
            routers: &routers,
            flow: &flow,
            anchors: &[0],
            regions: &regions,
            prices: &prices,
            seed: 1,
            moves: 1000,
        };
        let mut slots = [3, 0];
        refine(&task, &mut slots, &Quiet);
        assert_eq!(slots[0], 3);
        assert!([0, 2].contains(&slots[1]), "{slots:?}");
    }
}
