//! The part of the checker for trees: every compartment has the dendrites of its neuron, in their order, and no others.

use super::trees::join;
use super::verify::Checker;
use crate::graph::{IntNeuron, Join};
use crate::image::{JoinImage, Place};

impl Checker<'_> {
    /// The joins of every core.
    pub(super) fn trees(&mut self) {
        let mut joined: Vec<(Place, JoinImage)> = Vec::new();
        for (core, body) in &self.cores {
            let place = |join: &JoinImage| Place { core: *core, neuron: join.compartment };
            joined.extend(body.joins.iter().map(|join| (place(join), *join)));
        }
        // Stable: joins of one compartment keep their order.
        joined.sort_by_key(|(place, _)| *place);
        for of_one in joined.chunk_by(|(one, _), (next, _)| one == next) {
            let place = of_one[0].0;
            let found: Vec<Option<(Join, u32)>> = of_one.iter().map(|(_, join)| self.read(place.core, join)).collect();
            let Some(&(population, neuron)) = self.owner.get(&place) else { continue };
            let wanted: Vec<Option<(Join, u32)>> = match &self.network.populations[population as usize].neuron {
                Some(IntNeuron::Cuba(cuba)) => cuba.joins.iter().map(|join| Some((*join, neuron))).collect(),
                _ => Vec::new(),
            };
            if found != wanted {
                let name = &self.network.populations[population as usize].name;
                let what = format!("image {found:?}, network {wanted:?}");
                self.blame("verify/tree", format!("population '{name}', neuron {neuron}"), what);
            }
        }
        let populations = self.network.populations.iter();
        let wanted: usize = populations
            .map(|population| match &population.neuron {
                Some(IntNeuron::Cuba(cuba)) => cuba.joins.len() * population.size(),
                _ => 0,
            })
            .sum();
        if joined.len() != wanted {
            self.blame("verify/tree", "", format!("{} joins, the network has {wanted}", joined.len()));
        }
    }

    /// A join in the words of the network, with the neuron of the dendrite.
    fn read(&self, core: u32, found: &JoinImage) -> Option<(Join, u32)> {
        let &(population, neuron) = self.owner.get(&Place { core, neuron: found.dendrite })?;
        let dendrite = crate::ids::PopulationId(population);
        let known = self.network.populations.iter().filter_map(|population| match &population.neuron {
            Some(IntNeuron::Cuba(cuba)) => Some(&cuba.joins),
            _ => None,
        });
        let same = known.flatten().find(|of| of.dendrite == dendrite && join(of) == (found.kind, found.current))?;
        Some((*same, neuron))
    }
}
