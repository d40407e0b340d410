//! What feeds every neuron: sources with the sum of their weights.

use std::collections::BTreeSet;

use crate::graph::IntGraph;

/// A source neuron: population and neuron.
pub(super) type Source = (u32, u32);

/// By population and neuron: sources, ascending, with their weights; those whose weights are zero are left out.
pub(super) struct FanIn {
    of: Vec<Vec<Vec<(Source, i32)>>>,
}

impl FanIn {
    pub(super) fn new(graph: &IntGraph) -> Self {
        let mut of: Vec<Vec<Vec<(Source, i32)>>> =
            graph.populations.iter().map(|population| vec![Vec::new(); population.size()]).collect();
        for projection in &graph.projections {
            let (source, targets) = (projection.source, &mut of[projection.target.index()]);
            for from in 0..graph.populations[source.index()].size() as u32 {
                projection.pattern.visit(from, |to, weight| {
                    let weight = projection.weights[weight as usize];
                    if weight != 0 {
                        targets[to as usize].push(((source.0, from), weight));
                    }
                });
            }
        }
        for sources in of.iter_mut().flatten() {
            sources.sort_unstable_by_key(|(source, _)| *source);
            sources.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = kept.1.saturating_add(next.1);
                }
                same
            });
            sources.retain(|(_, weight)| *weight != 0);
        }
        Self { of }
    }

    /// What feeds a neuron.
    pub(super) fn of(&self, population: usize, neuron: u32) -> &[(Source, i32)] {
        &self.of[population][neuron as usize]
    }

    /// Which populations have a neuron with more sources than `axons`.
    pub(super) fn wide(&self, axons: u32) -> Vec<bool> {
        self.of.iter().map(|neurons| neurons.iter().any(|sources| sources.len() > axons as usize)).collect()
    }

    /// Distinct sources of some neurons of a population, ascending.
    pub(super) fn union(&self, population: usize, neurons: &[u32]) -> Vec<Source> {
        let sources: BTreeSet<Source> =
            neurons.iter().flat_map(|&neuron| self.of(population, neuron)).map(|(source, _)| *source).collect();
        sources.into_iter().collect()
    }
}
