//! Traffic between clusters: a symmetric weighted graph, summed over both directions.

use crate::diag::{Problem, Result};

/// Undirected traffic of `n` clusters in compressed rows; self-traffic crosses no link and is dropped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    offsets: Vec<usize>,
    edges: Vec<(u32, f64)>,
}

impl Flow {
    /// From (u, v, weight) in any order; parallel and opposite ones are added, in the order given.
    ///
    /// # Errors
    /// `place/flow` where a cluster is not below `n` or a weight is negative or not finite.
    pub fn new(n: usize, list: &[(u32, u32, f64)]) -> Result<Self> {
        if let Some(&(u, v, w)) =
            list.iter().find(|&&(u, v, w)| u as usize >= n || v as usize >= n || !w.is_finite() || w < 0.0)
        {
            return Err(Problem::invalid("place/flow", "", format!("traffic {w} from cluster {u} to {v}"))
                .limit(format!("clusters 0 to {}, weights finite and not negative", n.saturating_sub(1)))
                .help("correct the list of traffic")
                .into());
        }
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
        Ok(Self { offsets, edges }.merged())
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
        let flow = Flow::new(3, &[(0, 1, 2.0), (1, 0, 3.0), (1, 1, 9.0), (2, 1, 1.0)]).expect("fine");
        assert_eq!(flow.of(0), [(1, 5.0)]);
        assert_eq!(flow.of(1), [(0, 5.0), (2, 1.0)]);
        assert_eq!(flow.strength(), [5.0, 6.0, 1.0]);
        assert!(Flow::new(2, &[(0, 2, 1.0)]).expect_err("outside").has("place/flow"));
    }
}
