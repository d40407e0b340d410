//! Every strategy of the table on problems of all kinds of size, against draws and against brute force.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Budget, Flow, KNOWN, Mesh, Placed, Quiet, Strategy, Task, Watch, cost, place};
use crate::rng::Rng;

/// Clusters in rows of `wide` that talk to those beside and below them, as layers do, and a few to anybody.
fn layers(n: usize, wide: usize) -> Flow {
    let mut rng = Rng::new(n as u64);
    let mut list = Vec::new();
    for c in 1..n as u32 {
        list.push((c - 1, c, 4.0));
        list.extend((c as usize >= wide).then(|| (c, c - wide as u32, 3.0)));
        list.extend((c % 7 == 0).then(|| (c, rng.below(n as u64) as u32, rng.unit())));
    }
    Flow::new(n, &list, "").expect("traffic")
}

/// A mesh with every `hole`-th slot blocked.
fn holed(width: usize, height: usize, hole: usize) -> Mesh {
    let mut mesh = Mesh::new(width, height, "").expect("a size");
    mesh.free.iter_mut().skip(1).step_by(hole).for_each(|free| *free = false);
    mesh
}

fn run(flow: &Flow, mesh: &Mesh, strategy: &str, seed: u64, watch: &dyn Watch) -> Placed {
    let strategy: Strategy = strategy.parse().expect("known");
    let task = Task { flow, mesh, name: "test", budget: Budget { seed, seconds: 0.05, chains: 2, watch } };
    place(&task, &strategy).expect("it fits")
}

fn assert_legal(placed: &Placed, flow: &Flow, mesh: &Mesh, name: &str) {
    let mut slots = placed.slot.clone();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), flow.clusters(), "{name}: slots are distinct");
    assert!(slots.iter().all(|slot| mesh.free[*slot as usize]), "{name}: slots are free");
    assert_eq!(placed.cost, cost(flow, mesh, &placed.slot), "{name}");
}

#[test]
fn every_strategy_gives_free_slots_the_same_ones_for_a_seed_and_no_worse_than_draws() {
    for (n, mesh) in [(1, holed(1, 1, 9)), (1, holed(2, 2, 2)), (5, holed(2, 4, 3)), (256, holed(19, 17, 6))] {
        let flow = layers(n, 16);
        let draws = (0..40).map(|seed| run(&flow, &mesh, "random", seed, &Quiet).cost);
        let mean = draws.sum::<f64>() / 40.0;
        for name in KNOWN.iter().map(|known| known.name) {
            let placed = run(&flow, &mesh, name, 7, &Quiet);
            assert_legal(&placed, &flow, &mesh, name);
            assert_eq!(placed, run(&flow, &mesh, name, 7, &Quiet), "{name} on {n} clusters");
            assert!(name == "random" || placed.cost <= mean, "{name} on {n} clusters: {} of {mean}", placed.cost);
        }
    }
}

/// The least cost of all placements of the clusters from `slot.len()` on.
fn least(flow: &Flow, mesh: &Mesh, slot: &mut Vec<u32>) -> f64 {
    if slot.len() == flow.clusters() {
        return cost(flow, mesh, slot);
    }
    let mut best = f64::INFINITY;
    for next in mesh.usable() {
        if !slot.contains(&next) {
            slot.push(next);
            best = best.min(least(flow, mesh, slot));
            slot.pop();
        }
    }
    best
}

#[test]
fn brute_force_bounds_every_strategy_and_confirms_those_that_search() {
    let mut rng = Rng::new(11);
    for (n, mesh) in [(4, holed(2, 3, 4)), (5, holed(3, 3, 3)), (6, holed(7, 1, 9)), (6, holed(3, 3, 5))] {
        let pairs = (0..n as u32).flat_map(|i| (0..i).map(move |j| (i, j)));
        let list: Vec<_> = pairs.map(|(i, j)| (i, j, rng.below(9) as f64)).collect();
        let flow = Flow::new(n, &list, "").expect("traffic");
        let optimum = least(&flow, &mesh, &mut Vec::new());
        for name in KNOWN.iter().map(|known| known.name) {
            let found = run(&flow, &mesh, name, 3, &Quiet).cost;
            let above = match name {
                "auto" | "anneal" | "tabu" => 1.0,
                "multilevel" | "best" | "pso" => 1.1,
                _ => f64::INFINITY,
            };
            assert!(
                found >= optimum && found <= optimum * above,
                "{name} on {n} clusters: {found}, the optimum is {optimum}"
            );
        }
    }
}

/// Time that is gone after so many looks at the clock.
struct Looks(AtomicUsize);

impl Watch for Looks {
    fn gone(&self) -> f64 {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(1)));
        if left == Ok(0) { f64::INFINITY } else { 0.0 }
    }
    fn step(&self, _: &str) {}
}

#[test]
fn every_strategy_ends_soon_and_legally_when_its_time_is_gone() {
    let (flow, mesh) = (layers(600, 25), holed(26, 28, 7));
    for name in KNOWN.iter().map(|known| known.name) {
        for looks in [0, 1, 5, 100] {
            // Were the clock not asked, these would take minutes.
            let line = match name {
                "anneal" => "anneal,moves=1e12".to_owned(),
                "tabu" => "tabu,iterations=1e12".to_owned(),
                "pso" => "pso,rounds=1e6".to_owned(),
                "multilevel" | "best" => format!("{name},effort=1e6"),
                other => other.to_owned(),
            };
            let placed = run(&flow, &mesh, &line, 7, &Looks(AtomicUsize::new(looks)));
            assert_legal(&placed, &flow, &mesh, name);
        }
    }
}

#[test]
fn problems_that_a_strategy_cannot_hold_are_refused() {
    let flow = layers(2, 1);
    let tell = |side: usize, strategy: &str| {
        let mesh = Mesh::new(side, side, "").expect("a size");
        let budget = Budget { seed: 1, seconds: 1.0, chains: 64, watch: &Quiet };
        let task = Task { flow: &flow, mesh: &mesh, name: "net.txt", budget };
        place(&task, &strategy.parse().expect("known")).expect_err("refused").to_string()
    };
    assert!(tell(33, "tabu").contains("limit: 1024: its matrices are dense\n  help: use auto, anneal"));
    assert!(tell(300, "pso").contains("place/size"));
    assert!(tell(21, "pso,particles=10000").contains("10000 particles on 441 free slots"));
    assert!(tell(1, "auto").starts_with("error[place/fit]: net.txt: 2 clusters"));
}
