//! Partition by traffic: the strategies of `crate::partition` on a network, through the resources of a chip's cores.

use super::Log;
use super::traffic::Rates;
use crate::diag::Result;
use crate::partition::{Hypergraph, Limits, Resources, Strategy, Task, Weight, partition};
use crate::place::Watch;

/// A strategy with all that it is given.
pub(super) struct Search<'a> {
    pub(super) strategy: &'a Strategy,
    /// Spikes of every neuron; `None`: each counts one.
    pub(super) rates: Option<&'a Rates>,
    pub(super) seed: u64,
    pub(super) watch: &'a dyn Watch,
}

/// What the neurons of a graph take of a core, and what each net does.
pub(super) struct Charges {
    pub(super) limits: Limits,
    pub(super) weights: Vec<Weight>,
}

impl Resources for Charges {
    fn limits(&self) -> Limits {
        self.limits
    }
    fn weight(&self, neuron: usize) -> Weight {
        self.weights[neuron]
    }
    fn axons(&self, _: usize) -> u32 {
        1
    }
}

/// Weight of a spike beside that of a neuron which never fires: silence decides only where nothing else does.
const SPIKE: f64 = 1000.0;

impl Search<'_> {
    /// Weight of a neuron's net.
    pub(super) fn weight(&self, population: usize, neuron: u32) -> u64 {
        self.rates.map_or(1, |rates| (rates.of(population, neuron as usize) * SPIKE) as u64 + 1)
    }

    /// The group of every neuron. Groups may still be too large for a core in what the limits do not say: they are cut
    /// afterwards.
    ///
    /// # Errors
    /// What the strategy refuses.
    pub(super) fn run(
        &self,
        name: &str,
        nets: Vec<(u32, u64, Vec<u32>)>,
        charges: &Charges,
        log: &mut Log,
    ) -> Result<Vec<u32>> {
        let graph = Hypergraph::of(charges.weights.len(), nets, charges);
        let task =
            Task { graph: &graph, limits: charges.limits, name, seed: self.seed, watch: self.watch, given: None };
        let found = partition(&task, self.strategy)?;
        let measures = &found.measures;
        let mut told = format!("{name}: {}, {} groups, km1 {}", found.strategy, measures.cores, measures.km1);
        if found.limits.work != u64::MAX {
            let mean = (0..graph.vertices()).map(|v| graph.weight(v).work as f64).sum::<f64>() / measures.cores as f64;
            told += &format!(", busiest group {:.2} x the mean", measures.work_max as f64 / mean.max(1.0));
            if measures.work_max > found.limits.work {
                let over = measures.work_max as f64 / found.limits.work as f64;
                log.warn("partition", format!("{name}: the busiest group has {over:.2} x the work that was asked for"));
            }
        }
        log.say("partition", told);
        if found.cut {
            log.warn("partition", format!("{name}: the time ran out; this is the best division found so far"));
        }
        Ok(found.division)
    }
}
