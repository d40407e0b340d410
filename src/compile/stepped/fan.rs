//! What comes to every neuron, in the order in which it is added.

use crate::binary16::Half;
use crate::graph::{Delays, IntGraph};

/// A synapse of a neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Incoming {
    /// Where it comes from: neurons of all populations are counted through, inputs too.
    pub(super) source: u32,
    /// Ticks beyond the one of every spike.
    pub(super) delay: u8,
    /// Bits of the weight.
    pub(super) weight: u16,
}

impl Incoming {
    /// What an axon is: a source with a delay.
    pub(super) const fn axon(&self) -> (u32, u8) {
        (self.source, self.delay)
    }
}

/// The synapses of every neuron, by source, then delay, then projection. Weights of zero are left out: adding them
/// changes no sum.
pub(super) struct FanIn {
    of: Vec<Vec<Incoming>>,
    /// The first neuron of every population.
    first: Vec<u32>,
}

impl FanIn {
    /// Of a checked network: all of its neurons have numbers, and all of its synapses are few enough to write out.
    pub(super) fn new(graph: &IntGraph) -> Self {
        let mut first = vec![0_u32];
        for population in &graph.populations {
            first.push(first[first.len() - 1] + population.size() as u32);
        }
        let mut of: Vec<Vec<Incoming>> = vec![Vec::new(); first[first.len() - 1] as usize];
        for projection in &graph.projections {
            let (source, target) = (projection.source.index(), first[projection.target.index()]);
            for from in 0..graph.populations[source].size() as u32 {
                projection.pattern.visit(from, |to, weight| {
                    let delay = match &projection.delays {
                        Delays::Uniform(ticks) => *ticks,
                        Delays::PerWeight(ticks) => ticks[weight as usize],
                    };
                    let weight = projection.weights[weight as usize] as u16;
                    if !Half(weight).is_zero() {
                        let source = first[source] + from;
                        of[(target + to) as usize].push(Incoming { source, delay: delay as u8, weight });
                    }
                });
            }
        }
        // Stable: synapses of one source and delay stay in the order of their projections.
        of.iter_mut().for_each(|incoming| incoming.sort_by_key(Incoming::axon));
        Self { of, first }
    }

    /// What comes to a neuron.
    pub(super) fn of(&self, population: usize, neuron: u32) -> &[Incoming] {
        &self.of[(self.first[population] + neuron) as usize]
    }

    /// The number of a neuron among all.
    pub(super) fn number(&self, population: usize, neuron: u32) -> u32 {
        self.first[population] + neuron
    }
}
