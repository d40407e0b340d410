//! What annealing makes small: `alpha x hops + beta x largest link load + gamma x chip crossings`, hops and crossings
//! weighted by traffic, and the links that carry it.
//!
//! Traffic has no direction here, so half of a pair's goes each way, each half along its row first and then along its
//! column, and both directions of a link are one link.

use super::{Flow, Mesh};

/// The weights of the three terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Of traffic times hops.
    pub alpha: f64,
    /// Of the load of the link that carries most.
    pub beta: f64,
    /// Of traffic times chip edges crossed.
    pub gamma: f64,
    /// Side of a chip in cores; 0: one chip.
    pub chip: usize,
}

impl Objective {
    /// Hops alone.
    pub const HOPS: Self = Self { alpha: 1.0, beta: 0.0, gamma: 0.0, chip: 0 };

    /// A slot's place on an axis such that differences are what a pair's traffic pays for.
    pub(super) fn stretch(&self, at: usize) -> f32 {
        let chips = at.checked_div(self.chip).unwrap_or(0) as f64;
        (self.alpha * at as f64 + self.gamma * chips) as f32
    }

    /// The three terms of a placement: traffic times hops, largest link load, traffic times chip edges crossed.
    #[must_use]
    pub fn terms(&self, flow: &Flow, mesh: &Mesh, slot: &[u32]) -> [f64; 3] {
        let mut links = Links::new(mesh);
        let (mut hops, mut crossings) = (0.0, 0.0);
        for c in 0..flow.clusters() {
            for &(to, w) in flow.of(c).iter().filter(|(to, _)| (*to as usize) < c) {
                let (a, b) = (slot[c], slot[to as usize]);
                hops += w * mesh.distance(a, b);
                links.add(mesh, a, b, w);
                let ((ax, ay), (bx, by)) = (mesh.cell(a), mesh.cell(b));
                let chips = |a: usize, b: usize| (a.checked_div(self.chip), b.checked_div(self.chip));
                for (a, b) in [chips(ax, bx), chips(ay, by)] {
                    crossings += w * a.unwrap_or(0).abs_diff(b.unwrap_or(0)) as f64;
                }
            }
        }
        [hops, links.most(), crossings]
    }

    /// The objective of a placement.
    #[must_use]
    pub fn cost(&self, flow: &Flow, mesh: &Mesh, slot: &[u32]) -> f64 {
        if *self == Self::HOPS {
            return super::cost(flow, mesh, slot);
        }
        let [hops, most, crossings] = self.terms(flow, mesh, slot);
        self.alpha * hops + self.beta * most + self.gamma * crossings
    }
}

/// Loads of all links with their maximum, in a tree: a change costs a logarithm.
pub(super) struct Links {
    width: usize,
    /// Leaves from `leaves` on; node i has the children 2 i and 2 i + 1.
    tree: Vec<f64>,
    leaves: usize,
}

impl Links {
    /// No traffic on the links of `mesh`: east of each slot, then south of each.
    pub(super) fn new(mesh: &Mesh) -> Self {
        let leaves = (2 * mesh.slots()).next_power_of_two();
        Self { width: mesh.width, tree: vec![0.0; 2 * leaves], leaves }
    }

    /// Load of the link that carries most.
    pub(super) fn most(&self) -> f64 {
        self.tree[1]
    }

    /// Adds (or with a negative `w` takes) the traffic of a pair.
    pub(super) fn add(&mut self, mesh: &Mesh, a: u32, b: u32, w: f64) {
        let ((ax, ay), (bx, by)) = (mesh.cell(a), mesh.cell(b));
        let half = w / 2.0;
        let slots = mesh.slots();
        for (row, column) in [(ay, bx), (by, ax)] {
            (ax.min(bx)..ax.max(bx)).for_each(|x| self.change(row * self.width + x, half));
            (ay.min(by)..ay.max(by)).for_each(|y| self.change(slots + y * self.width + column, half));
        }
    }

    fn change(&mut self, link: usize, by: f64) {
        let mut at = self.leaves + link;
        self.tree[at] += by;
        while at > 1 {
            at /= 2;
            let most = self.tree[2 * at].max(self.tree[2 * at + 1]);
            if self.tree[at] == most {
                break;
            }
            self.tree[at] = most;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_clusters_by_hand() {
        // 0 1 . .      0-1 carries 4, 0-2 carries 2: 2 stands two columns east and one row south of 0.
        // . . 2 .
        let mesh = Mesh::new(4, 2, "test").expect("a size");
        let flow = Flow::new(3, &[(0, 1, 4.0), (0, 2, 2.0)], "test").expect("fine");
        let objective = Objective { alpha: 1.0, beta: 10.0, gamma: 100.0, chip: 2 };
        // Hops 4 + 2 x 3; the link from 0 to 1 carries 4 and the half of 2; 0-2 crosses one chip edge.
        assert_eq!(objective.terms(&flow, &mesh, &[0, 1, 6]), [10.0, 5.0, 2.0]);
        assert_eq!(objective.cost(&flow, &mesh, &[0, 1, 6]), 10.0 + 50.0 + 200.0);
        let mut links = Links::new(&mesh);
        links.add(&mesh, 0, 6, 2.0);
        links.add(&mesh, 0, 6, -2.0);
        assert_eq!(links.most(), 0.0);
    }

    #[test]
    fn annealing_trades_hops_for_the_largest_load_and_for_chip_edges() {
        let mut rng = crate::rng::Rng::new(3);
        let list: Vec<(u32, u32, f64)> =
            (0..150).map(|_| (rng.below(49) as u32, rng.below(49) as u32, 1.0 + rng.below(9) as f64)).collect();
        let (flow, mesh) = (Flow::new(49, &list, "test").expect("fine"), Mesh::new(7, 7, "test").expect("a size"));
        let budget = super::super::Budget { seed: 1, seconds: 0.05, chains: 1, watch: &super::super::Quiet };
        let task = super::super::Task { flow: &flow, mesh: &mesh, name: "test", budget };
        let run = |line: &str| {
            let placed = super::super::place(&task, &line.parse().expect("known")).expect("fits");
            let objective = Objective { chip: 3, ..Objective::HOPS };
            objective.terms(&flow, &mesh, &placed.slot)
        };
        let plain = run("anneal,moves=100000");
        let loads = run("anneal,moves=100000,beta=60");
        let chips = run("anneal,moves=100000,gamma=10,chip=3");
        assert!(plain[0] <= loads[0] && loads[1] < plain[1], "hops alone {plain:?}, with loads {loads:?}");
        assert!(plain[0] <= chips[0] && chips[2] < plain[2], "hops alone {plain:?}, with chips {chips:?}");
    }
}
