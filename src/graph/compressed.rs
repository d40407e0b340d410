//! Projections of few numbers: weights that are products of factors, and synapses that a seed draws. Chips that have them
//! store the numbers; for others, and for the models, a projection is written out.

use std::borrow::Cow;
use std::ops::{Add, Mul};

use super::{IntGraph, Pattern, Projection};
use crate::rng;

/// Synapses that nobody lists: whether a source reaches a target, and through which weight, follows from the seed and the
/// numbers of the two neurons alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stochastic {
    /// Size of the source population.
    pub sources: u32,
    /// Size of the target population.
    pub targets: u32,
    /// What the draws are keyed by.
    pub seed: u64,
    /// Chance of a synapse in 1 / 2^32: 0 is never, 2^32 always.
    pub chance: u64,
    /// Weights that a synapse takes one of, each as likely as the others.
    pub weights: u32,
}

impl Stochastic {
    /// The weight number of the synapse from `source` to `target`; `None` where there is none.
    #[must_use]
    pub const fn synapse(&self, source: u32, target: u32) -> Option<u32> {
        rng::synapse(self.seed, self.chance, self.weights, source, target)
    }

    /// Calls `synapse(target, weight number)` for every synapse of `source`, ascending.
    pub(super) fn visit(&self, source: u32, mut synapse: impl FnMut(u32, u32)) {
        for target in 0..self.targets {
            if let Some(weight) = self.synapse(source, target) {
                synapse(target, weight);
            }
        }
    }
}

impl<W: Copy + Default + Add<Output = W> + Mul<Output = W>> Projection<W> {
    /// The same synapses with one weight each where weights are products; everything else as it is.
    #[must_use]
    pub fn expanded(&self) -> Cow<'_, Self> {
        let Pattern::Factorised { sources, targets, rank } = self.pattern else { return Cow::Borrowed(self) };
        let (width, rank) = (sources as usize, rank as usize);
        let (left, right) = self.weights.split_at((targets as usize * rank).min(self.weights.len()));
        let mut weights = Vec::with_capacity(targets as usize * width);
        for row in left.chunks(rank.max(1)) {
            let product = |source: usize| {
                let terms = row.iter().enumerate().map(|(r, factor)| *factor * right[r * width + source]);
                terms.fold(W::default(), |sum, term| sum + term)
            };
            weights.extend((0..width).map(product));
        }
        Cow::Owned(Self { pattern: Pattern::Dense { sources, targets }, weights, ..self.clone() })
    }
}

/// The projections of a network, written out.
fn all<W>(projections: &[Projection<W>]) -> Option<Vec<Projection<W>>>
where
    W: Copy + Default + Add<Output = W> + Mul<Output = W>,
{
    let factorised = |projection: &Projection<W>| matches!(projection.pattern, Pattern::Factorised { .. });
    projections
        .iter()
        .any(factorised)
        .then(|| projections.iter().map(|projection| projection.expanded().into_owned()).collect())
}

impl IntGraph {
    /// The network without weights that are products.
    #[must_use]
    pub fn expanded(&self) -> Cow<'_, Self> {
        all(&self.projections)
            .map_or(Cow::Borrowed(self), |projections| Cow::Owned(Self { projections, ..self.clone() }))
    }
}

impl super::Graph {
    /// The network without weights that are products.
    #[must_use]
    pub fn expanded(&self) -> Cow<'_, Self> {
        all(&self.projections)
            .map_or(Cow::Borrowed(self), |projections| Cow::Owned(Self { projections, ..self.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Delays;
    use crate::ids::PopulationId;

    #[test]
    fn products_of_factors_are_a_dense_matrix() {
        let projection = Projection {
            name: "p".into(),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern: Pattern::Factorised { sources: 3, targets: 2, rank: 2 },
            // Two targets of two factors, then two rows of three sources.
            weights: vec![1, 2, -3, 4, 5, 6, 7, 10, 20, 30],
            exponent: 1,
            delays: Delays::Uniform(2),
        };
        let dense = projection.expanded();
        assert_eq!(dense.pattern, Pattern::Dense { sources: 3, targets: 2 });
        assert_eq!(dense.weights, [25, 46, 67, 25, 62, 99]);
        assert_eq!((dense.exponent, &dense.delays), (1, &Delays::Uniform(2)));
    }

    #[test]
    fn a_seed_draws_the_same_synapses_from_wherever_it_is_looked_at() {
        let of = |chance| Stochastic { sources: 50, targets: 80, seed: 9, chance, weights: 3 };
        let (quarter, mut seen) = (of(1 << 30), [0_u32; 3]);
        for source in 0..50 {
            let mut from = Vec::new();
            quarter.visit(source, |target, weight| from.push((target, weight)));
            let to: Vec<(u32, u32)> = (0..80).filter_map(|t| quarter.synapse(source, t).map(|w| (t, w))).collect();
            assert_eq!(from, to);
            from.iter().for_each(|(_, weight)| seen[*weight as usize] += 1);
        }
        let total: u32 = seen.iter().sum();
        // 4000 pairs with a chance of a quarter: 1000 +- 27 (one sigma); each weight a third of them.
        assert!((880..1120).contains(&total), "{total}");
        assert!(seen.iter().all(|&count| (250..420).contains(&count)), "{seen:?}");
        assert_eq!(of(0).synapse(1, 1), None);
        assert!((0..80).all(|target| of(1 << 32).synapse(7, target).is_some()));
    }
}
