//! Traffic between clusters: a symmetric weighted graph, summed over both directions.

use super::MOST_SLOTS;
use crate::diag::{Problem, Result};

/// Largest traffic of one line or number of a matrix: sums and products of many stay finite, in f32 too.
pub(super) const MOST_TRAFFIC: f64 = 1e24;

/// Undirected traffic of `n` clusters in compressed rows; self-traffic crosses no link and is dropped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    offsets: Vec<usize>,
    edges: Vec<(u32, f64)>,
}

impl Flow {
    /// From (u, v, weight) in any order; parallel and opposite ones are added, in the order given. `place` is what a
    /// problem is named after.
    ///
    /// # Errors
    /// `place/size` where there are too many clusters, `place/flow` as for `check`.
    pub fn new(n: usize, list: &[(u32, u32, f64)], place: &str) -> Result<Self> {
        if n > MOST_SLOTS {
            return Err(Problem::invalid("place/size", place, format!("{n} clusters"))
                .limit(format!("up to {MOST_SLOTS} clusters, the slots of the largest mesh"))
                .help("merge clusters that talk to each other most")
                .into());
        }
        list.iter().try_for_each(|edge| Self::check(n, *edge, place))?;
        Ok(Self::joined(n, list))
    }

    /// One line of traffic.
    ///
    /// # Errors
    /// `place/flow` where a cluster is not below `n` or a weight is negative or too large.
    pub(super) fn check(n: usize, (u, v, w): (u32, u32, f64), place: &str) -> Result<()> {
        if (u as usize) < n && (v as usize) < n && (0.0..=MOST_TRAFFIC).contains(&w) {
            return Ok(());
        }
        Err(Problem::invalid("place/flow", place, format!("traffic {w} from cluster {u} to {v}"))
            .limit(format!("clusters 0 to {}, traffic 0 to {MOST_TRAFFIC:e}", n.saturating_sub(1)))
            .help("clusters are numbered from 0; scale larger traffic down")
            .into())
    }

    /// As `new`, for lists that are known to be right.
    pub(super) fn joined(n: usize, list: &[(u32, u32, f64)]) -> Self {
        let mut offsets = vec![0_usize; n + 1];
        for &(u, v, _) in list.iter().filter(|(u, v, _)| u != v) {
            offsets[u as usize + 1] += 1;
            offsets[v as usize + 1] += 1;
        }
        for i in 0..n {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut edges = vec![(0_u32, 0.0_f64); offsets[n]];
        for &(u, v, w) in list.iter().filter(|(u, v, _)| u != v) {
            for (from, to) in [(u, v), (v, u)] {
                edges[next[from as usize]] = (to, w);
                next[from as usize] += 1;
            }
        }
        Self { offsets, edges }.merged()
    }

    /// Adds parallel edges up.
    fn merged(mut self) -> Self {
        let mut kept = 0;
        let mut begin = 0;
        for row in 0..self.clusters() {
            let end = self.offsets[row + 1];
            self.edges[begin..end].sort_by_key(|edge| edge.0);
            let first = kept;
            for at in begin..end {
                let (to, w) = self.edges[at];
                if kept > first && self.edges[kept - 1].0 == to {
                    self.edges[kept - 1].1 += w;
                } else {
                    self.edges[kept] = (to, w);
                    kept += 1;
                }
            }
            begin = end;
            self.offsets[row + 1] = kept;
        }
        self.edges.truncate(kept);
        self
    }

    /// Number of clusters.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Number of directed entries (twice the undirected edges).
    #[must_use]
    pub fn entries(&self) -> usize {
        self.edges.len()
    }

    /// Neighbours of `cluster` with their traffic, ascending.
    #[must_use]
    pub fn of(&self, cluster: usize) -> &[(u32, f64)] {
        &self.edges[self.offsets[cluster]..self.offsets[cluster + 1]]
    }

    /// Traffic of every cluster.
    #[must_use]
    pub fn strength(&self) -> Vec<f64> {
        (0..self.clusters()).map(|c| self.of(c).iter().map(|e| e.1).sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_and_opposite_traffic_is_added_and_self_traffic_dropped() {
        let flow = Flow::new(3, &[(0, 1, 2.0), (1, 0, 3.0), (1, 1, 9.0), (2, 1, 1.0)], "").expect("fine");
        assert_eq!(flow.of(0), [(1, 5.0)]);
        assert_eq!(flow.of(1), [(0, 5.0), (2, 1.0)]);
        assert_eq!(flow.strength(), [5.0, 6.0, 1.0]);
        let tell = |n: usize, w: f64| Flow::new(n, &[(0, 1, w)], "net.txt").expect_err("refused").to_string();
        for (n, w) in [(1, 1.0), (2, -1.0), (2, f64::NAN), (2, f64::INFINITY), (2, 1e25)] {
            assert!(tell(n, w).starts_with("error[place/flow]: net.txt: "), "{n} {w}");
        }
        assert!(tell(MOST_SLOTS + 1, 1.0).contains("place/size"));
    }
}
