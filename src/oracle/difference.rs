//! What a change to an integer network does to its spikes: a network and one made of it, run side by side in the crossbar
//! oracle, which knows no limit of axons.

use std::cmp::Reverse;

use super::{IntRun, crossbar};
use crate::graph::IntGraph;
use crate::stimulus::Sample;

/// Spikes of one population in both networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spikes {
    /// Neurons of the population.
    pub neurons: u64,
    /// Spikes of the whole network.
    pub whole: u64,
    /// Spikes of the changed one.
    pub changed: u64,
    /// Spikes (neuron and tick) of the whole network that the changed one does not have, and the reverse.
    pub moved: u64,
    /// Neurons, summed over samples, with another number of spikes.
    pub miscounted: u64,
    /// Sum over samples and neurons of how far the number of spikes is off.
    pub off: u64,
}

/// How two networks differ over some samples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// By population of the whole network; inputs have none.
    pub populations: Vec<Spikes>,
    /// Samples that were run.
    pub samples: u64,
    /// Samples with a first output whose winner (most spikes, ties by membrane, then the lowest index) is the same.
    pub agreeing: u64,
    /// Samples with a label.
    pub labelled: u64,
    /// Labelled samples that each network reads right: the whole one and the changed one.
    pub right: (u64, u64),
}

impl Difference {
    /// For networks whose first populations are those of `whole`.
    #[must_use]
    pub fn of(whole: &IntGraph) -> Self {
        let neurons = |p: &crate::graph::Population<_>| if p.is_input() { 0 } else { p.size() as u64 };
        let spikes = |p| Spikes { neurons: neurons(p), ..Spikes::default() };
        Self { populations: whole.populations.iter().map(spikes).collect(), ..Self::default() }
    }

    /// Runs one more sample: `changed` for `depth` ticks longer than the sample, `whole` for as many less as its first output
    /// is late. Population p of `changed` is that of `whole`, `lags[p]` ticks later.
    pub fn add(&mut self, (whole, changed): (&IntGraph, &IntGraph), lags: &[u32], sample: &Sample, depth: u32) {
        let output = whole.outputs.first().map(|output| output.population.index());
        let late = |p: usize| lags.get(p).copied().unwrap_or(0);
        let before = crossbar::run(whole, sample, depth.saturating_sub(output.map_or(0, late)));
        let after = crossbar::run(changed, sample, depth);
        let total = sample.ticks.saturating_add(depth);
        for (p, spikes) in self.populations.iter_mut().enumerate().filter(|(_, spikes)| spikes.neurons > 0) {
            // Both are seen for the ticks that both ran.
            let ran = total - late(p).max(output.map_or(0, late)).min(total);
            let shifted = after.spikes[p].iter().filter_map(|(tick, n)| Some((tick.checked_sub(late(p))?, *n)));
            let new: Vec<(u32, u32)> = shifted.filter(|(tick, _)| *tick < ran).collect();
            let old: Vec<(u32, u32)> = before.spikes[p].iter().copied().filter(|(tick, _)| *tick < ran).collect();
            spikes.count(&old, &new);
        }
        self.samples += 1;
        let Some(output) = output else { return };
        let winners = (winner(&before, output), winner(&after, output));
        self.agreeing += u64::from(winners.0 == winners.1);
        if let Some(label) = sample.label {
            self.labelled += 1;
            self.right.0 += u64::from(winners.0 == Some(label));
            self.right.1 += u64::from(winners.1 == Some(label));
        }
    }
}

impl Spikes {
    fn count(&mut self, old: &[(u32, u32)], new: &[(u32, u32)]) {
        self.whole += old.len() as u64;
        self.changed += new.len() as u64;
        self.moved += (old.iter().filter(|spike| new.binary_search(spike).is_err()).count()
            + new.iter().filter(|spike| old.binary_search(spike).is_err()).count()) as u64;
        let mut counts = vec![0_i64; self.neurons as usize];
        old.iter().for_each(|(_, neuron)| counts[*neuron as usize] -= 1);
        new.iter().for_each(|(_, neuron)| counts[*neuron as usize] += 1);
        self.miscounted += counts.iter().filter(|count| **count != 0).count() as u64;
        self.off += counts.iter().map(|count| count.unsigned_abs()).sum::<u64>();
    }
}

/// The neuron of a population with most spikes, ties by membrane, then the lowest index.
fn winner(run: &IntRun, population: usize) -> Option<u32> {
    let membranes = &run.membranes[population];
    let mut counts = vec![0_u64; membranes.len()];
    run.spikes[population].iter().for_each(|(_, neuron)| counts[*neuron as usize] += 1);
    let winner = (0..counts.len()).max_by_key(|&neuron| (counts[neuron], membranes[neuron], Reverse(neuron)));
    winner.map(|neuron| neuron as u32)
}
