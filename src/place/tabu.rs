//! `tabu`: robust tabu search for the quadratic assignment problem, on dense matrices of up to a thousand places.
//!
//! After E. Taillard, "Robust taboo search for the quadratic assignment problem", Parallel Computing 17 (1991), with
//! his constant-time update of all swap deltas. Deviations: for symmetric distances the update factorises into
//! differences of two vectors, `delta[r][s] += (a[s]-a[r]) * (b[s]-b[r])`, which the machine does several at a time;
//! instead of the long-term aspiration the search is *iterated* (A. Misevicius 2003): when it stagnates the best
//! placement is shaken by random exchanges, ever more of them, and the search goes on from there. Chains of
//! different seeds are independent; the best wins, ties go to the lower chain.

use std::ops::{Add, AddAssign, Mul, Sub};

use crate::rng::Rng;

/// Largest problem: its matrices are dense, and the deltas of one start cost its cube.
pub const MOST_PLACES: usize = 1024;

/// Numbers of the matrices: f32 where every intermediate is an integer below 2^24, else f64.
pub trait Real:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + AddAssign + Default + Send + Sync
{
    /// From f64, exactly where it fits.
    fn of(value: f64) -> Self;
    /// To f64.
    fn wide(self) -> f64;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

/// A quadratic assignment: `cost = sum over i < j of flow[i][j] * distance[place i][place j]`, both symmetric with
/// zero diagonals, row-major.
#[derive(Debug, Clone)]
pub struct Dense {
    /// Facilities and places.
    pub n: usize,
    /// Traffic, both directions summed.
    pub flow: Vec<f64>,
    /// Distance.
    pub distance: Vec<f64>,
}

impl Dense {
    /// Cost of `place[facility]`.
    #[must_use]
    pub fn cost(&self, place: &[u32]) -> f64 {
        let pair = |i: usize, j: usize| {
            self.flow[i * self.n + j] * self.distance[place[i] as usize * self.n + place[j] as usize]
        };
        (0..self.n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| pair(i, j)).sum()
    }

    /// Whether f32 is exact for every intermediate of the search.
    fn small(&self) -> bool {
        let integral = |m: &[f64]| m.iter().all(|x| x.fract() == 0.0);
        // Signs could cancel in the sum but not on the way to it.
        let row = |row: &[f64]| row.iter().map(|x| x.abs()).sum::<f64>();
        let heaviest = |m: &[f64]| m.chunks(self.n.max(1)).map(row).fold(0.0, f64::max);
        let farthest = self.distance.iter().map(|x| x.abs()).fold(0.0, f64::max);
        integral(&self.flow) && integral(&self.distance) && heaviest(&self.flow) * farthest * 4.0 < f64::from(1 << 24)
    }
}

/// What one search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Place of every facility.
    pub place: Vec<u32>,
    /// Its cost.
    pub cost: f64,
    /// Iterations done.
    pub iterations: u64,
    /// Whether the clock ended it before its iterations were done.
    pub cut: bool,
}

/// Most iterations between two looks at the clock, and most deltas updated.
const LOOK: (u64, u64) = (512, 1 << 20);

/// One chain: `iterations` of tabu search from `start`, until `expired` says so.
#[must_use]
pub fn search(dense: &Dense, start: &[u32], seed: u64, iterations: u64, expired: &dyn Fn() -> bool) -> Found {
    if dense.small() {
        Chain::<f32>::new(dense, start, seed, expired).run(dense, iterations)
    } else {
        Chain::<f64>::new(dense, start, seed, expired).run(dense, iterations)
    }
}

struct Chain<'a, T> {
    expired: &'a dyn Fn() -> bool,
    n: usize,
    flow: Vec<T>,
    /// Distance of the places of two facilities; follows every swap.
    apart: Vec<T>,
    place: Vec<u32>,
    /// Change of cost of every swap; kept for all ordered pairs, so that rows are contiguous.
    delta: Vec<T>,
    /// First iteration in which a facility may come back to a place.
    tabu: Vec<u64>,
    cost: f64,
    rng: Rng,
    /// Scratch of the update.
    by_flow: Vec<T>,
    by_distance: Vec<T>,
}

impl<'a, T: Real> Chain<'a, T> {
    /// At `start`; deltas are not filled in yet.
    fn new(dense: &Dense, start: &[u32], seed: u64, expired: &'a dyn Fn() -> bool) -> Self {
        let n = dense.n;
        Self {
            expired,
            n,
            flow: dense.flow.iter().map(|x| T::of(*x)).collect(),
            apart: vec![T::default(); n * n],
            place: start.to_vec(),
            delta: vec![T::default(); n * n],
            tabu: vec![0; n * n],
            cost: dense.cost(start),
            rng: Rng::new(seed),
            by_flow: vec![T::default(); n],
            by_distance: vec![T::default(); n],
        }
    }

    /// Every distance and delta anew; false where the time ran out before it was done.
    fn fill(&mut self, dense: &Dense) -> bool {
        for r in 0..self.n {
            let row = &dense.distance[self.place[r] as usize * self.n..];
            for s in 0..self.n {
                self.apart[r * self.n + s] = T::of(row[self.place[s] as usize]);
            }
        }
        for r in 0..self.n {
            if (self.expired)() {
                return false;
            }
            for s in 0..self.n {
                self.delta[r * self.n + s] = self.swap_delta(r, s);
            }
        }
        true
    }

    /// Change of cost if facilities `r` and `s` change places.
    fn swap_delta(&self, r: usize, s: usize) -> T {
        let n = self.n;
        let row = |k: usize| k * n..(k + 1) * n;
        let (fr, fs, dr, ds) = (&self.flow[row(r)], &self.flow[row(s)], &self.apart[row(r)], &self.apart[row(s)]);
        // The two terms k = r and k = s do not belong; each is -flow[r][s] * apart[r][s].
        let own = fr[s] * dr[s];
        dot_of_differences(fr, fs, ds, dr) + own + own
    }

    fn run(mut self, dense: &Dense, iterations: u64) -> Found {
        let n = self.n;
        let mut best = Found { place: self.place.clone(), cost: self.cost, iterations: 0, cut: false };
        if n < 2 {
            return best;
        }
        if !self.fill(dense) {
            best.cut = true;
            return best;
        }
        let square = n as u64 * n as u64;
        let (patience, look) = ((square * 6).max(1_000), (LOOK.1 / square).clamp(1, LOOK.0));
        let (mut base, mut base_cost) = (self.place.clone(), self.cost);
        let (mut improved, mut strength) = (0, 2);
        for now in 1..=iterations {
            if now % look == 0 && (self.expired)() {
                best.cut = true;
                break;
            }
            best.iterations = now;
            if let Some((r, s)) = self.choose(now, base_cost.min(best.cost)) {
                self.swap(r, s, now);
            }
            if self.cost < base_cost {
                base.copy_from_slice(&self.place);
                (base_cost, improved) = (self.cost, now);
                if self.cost < best.cost {
                    best.place.copy_from_slice(&self.place);
                    best.cost = self.cost;
                    strength = 2;
                }
            } else if now - improved > patience {
                // From the best of this descent, seldom from the best of all: both depth and width.
                let from = if self.rng.below(3) == 0 { best.place.clone() } else { base.clone() };
                if !self.shake(&from, strength, dense) {
                    best.cut = true;
                    break;
                }
                strength = if strength >= n { 2 } else { strength + 1 + strength / 4 };
                base.copy_from_slice(&self.place);
                (base_cost, improved) = (self.cost, now);
            }
        }
        best.cost = dense.cost(&best.place);
        best
    }

    /// The best swap that is not tabu, or is but leads below `aspired`.
    fn choose(&mut self, now: u64, aspired: f64) -> Option<(usize, usize)> {
        let n = self.n;
        let (mut best, mut least) = (None, None::<T>);
        let wanted = T::of(aspired - self.cost);
        for r in 0..n - 1 {
            let pr = self.place[r] as usize;
            let row = &self.delta[r * n..(r + 1) * n];
            for (s, &delta) in row.iter().enumerate().skip(r + 1) {
                if least.is_some_and(|least| delta >= least) {
                    continue;
                }
                let banned = self.tabu[r * n + self.place[s] as usize] > now && self.tabu[s * n + pr] > now;
                if !banned || delta < wanted {
                    (best, least) = (Some((r, s)), Some(delta));
                }
            }
        }
        best
    }

    /// Swaps, forbids the way back for a random while, and updates all deltas.
    fn swap(&mut self, r: usize, s: usize, now: u64) {
        let n = self.n;
        self.cost += self.delta[r * n + s].wide();
        let (low, span) = ((9 * n as u64 / 10).max(1), (n as u64 / 5).max(1) + 1);
        for facility in [r, s] {
            let left = self.place[facility] as usize;
            self.tabu[facility * n + left] = now + low + self.rng.below(span);
        }
        self.exchange(r, s);
    }

    /// Changes places of `u` and `v`, all deltas with them.
    fn exchange(&mut self, u: usize, v: usize) {
        let n = self.n;
        if u == v {
            return;
        }
        self.place.swap(u, v);
        for k in 0..n {
            self.apart.swap(u * n + k, v * n + k);
        }
        for k in 0..n {
            self.apart.swap(k * n + u, k * n + v);
        }
        for k in 0..n {
            self.by_flow[k] = self.flow[v * n + k] - self.flow[u * n + k];
            self.by_distance[k] = self.apart[u * n + k] - self.apart[v * n + k];
        }
        let (by_flow, by_distance) = (&self.by_flow[..n], &self.by_distance[..n]);
        for (r, row) in self.delta.chunks_exact_mut(n).enumerate() {
            let (fr, dr) = (by_flow[r], by_distance[r]);
            for ((delta, &f), &d) in row.iter_mut().zip(by_flow).zip(by_distance) {
                *delta += (f - fr) * (d - dr);
            }
        }
        for k in 0..n {
            for t in [u, v] {
                let delta = self.swap_delta(t, k);
                self.delta[t * n + k] = delta;
                self.delta[k * n + t] = delta;
            }
        }
    }

    /// Starts again from `from` with `strength` places exchanged around a ring; old bans are lifted. False as for `fill`.
    fn shake(&mut self, from: &[u32], strength: usize, dense: &Dense) -> bool {
        self.place.copy_from_slice(from);
        let mut who: Vec<usize> = (0..self.n).collect();
        self.rng.shuffle(&mut who);
        for pair in who[..strength.clamp(2, self.n)].windows(2) {
            self.place.swap(pair[0], pair[1]);
        }
        self.tabu.fill(0);
        self.cost = dense.cost(&self.place);
        self.fill(dense)
    }
}

/// Sum of `(a - b) * (c - d)`, in eight running sums that the machine adds side by side.
fn dot_of_differences<T: Real>(a: &[T], b: &[T], c: &[T], d: &[T]) -> T {
    const LANES: usize = 8;
    let mut lanes = [T::default(); LANES];
    let whole = a.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let (a, b, c, d) = (&a[at..at + LANES], &b[at..at + LANES], &c[at..at + LANES], &d[at..at + LANES]);
        for k in 0..LANES {
            lanes[k] += (a[k] - b[k]) * (c[k] - d[k]);
        }
    }
    let mut sum = T::default();
    lanes.into_iter().for_each(|lane| sum += lane);
    for k in whole..a.len() {
        sum += (a[k] - b[k]) * (c[k] - d[k]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small instance with random traffic on a line of places.
    fn instance(n: usize, seed: u64) -> Dense {
        let mut rng = Rng::new(seed);
        let mut dense = Dense { n, flow: vec![0.0; n * n], distance: vec![0.0; n * n] };
        for i in 0..n {
            for j in 0..i {
                let w = rng.below(10) as f64;
                let d = (i % 3).abs_diff(j % 3) as f64 + (i / 3).abs_diff(j / 3) as f64;
                for at in [i * n + j, j * n + i] {
                    dense.flow[at] = w;
                    dense.distance[at] = d;
                }
            }
        }
        dense
    }

    fn least(dense: &Dense, place: &mut Vec<u32>, fixed: usize) -> f64 {
        if fixed == dense.n {
            return dense.cost(place);
        }
        let mut best = f64::INFINITY;
        for other in fixed..dense.n {
            place.swap(fixed, other);
            best = best.min(least(dense, place, fixed + 1));
            place.swap(fixed, other);
        }
        best
    }

    #[test]
    fn brute_force_confirms_the_optimum_of_small_instances() {
        for seed in 0..6 {
            let n = 6 + seed as usize % 3;
            let dense = instance(n, seed);
            let start: Vec<u32> = (0..n as u32).collect();
            let found = search(&dense, &start, seed, 2_000, &|| false);
            assert_eq!(found.cost, dense.cost(&found.place));
            assert_eq!(found.cost, least(&dense, &mut start.clone(), 0), "seed {seed}");
        }
    }

    #[test]
    fn updated_deltas_equal_recomputed_ones() {
        let dense = instance(9, 3);
        let mut chain = Chain::<f64>::new(&dense, &[0, 1, 2, 3, 4, 5, 6, 7, 8], 1, &|| false);
        assert!(chain.fill(&dense));
        for step in 0..50 {
            chain.exchange(step % 9, (step * 5 + 1 + step % 8) % 9);
            for r in 0..9 {
                for s in 0..9 {
                    assert_eq!(chain.delta[r * 9 + s], chain.swap_delta(r, s), "{r} {s}");
                }
            }
        }
    }

    #[test]
    fn a_clock_that_ran_out_ends_the_search_before_its_first_swap() {
        let dense = instance(9, 3);
        let found = search(&dense, &[0, 1, 2, 3, 4, 5, 6, 7, 8], 1, 1_000, &|| true);
        assert_eq!((found.iterations, found.cut, found.cost), (0, true, dense.cost(&[0, 1, 2, 3, 4, 5, 6, 7, 8])));
    }

    #[test]
    fn signs_that_cancel_do_not_make_numbers_small() {
        let far = f64::from(1 << 23);
        let flow = vec![0.0, far, -far, far, 0.0, 0.0, -far, 0.0, 0.0];
        assert!(!Dense { n: 3, flow, distance: instance(3, 1).distance }.small());
    }
}
