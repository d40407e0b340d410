//! Partition by traffic on crossbar cores, population by population: a neuron takes as many slots as its fan-out needs,
//! and a net is a source seen through one delay and one axon type, since each of these needs an axon and a packet of its
//! own. So the inbound axons of a group are counted exactly.

use std::collections::BTreeMap;

use super::lines::{FanIn, Lines, Sliced};
use super::pack::Groups;
use crate::chip::CapacityLimits;
use crate::compile::Log;
use crate::compile::search::{Charges, Search};
use crate::diag::Result;
use crate::partition::{Limits, NO_SOURCE, Weight};

/// Groups of the neurons of one population that take `slots` each.
pub(super) fn divide(
    (name, fan, sliced, lines): (&str, &FanIn, &Sliced, &Lines),
    slots: &[u32],
    capacity: &CapacityLimits,
    search: &Search<'_>,
) -> Result<Groups> {
    let mut targets: BTreeMap<(u32, u8), Vec<u32>> = BTreeMap::new();
    for neuron in 0..fan.neurons() {
        for (line, mask) in sliced.of_neuron(fan, neuron) {
            for axon_type in (0..4).filter(|axon_type| mask >> axon_type & 1 == 1) {
                targets.entry((line, axon_type)).or_default().push(neuron);
            }
        }
    }
    let weigh = |((line, _), targets): ((u32, u8), Vec<u32>)| {
        let (population, neuron, _) = lines.split(line);
        (NO_SOURCE, search.weight(population, neuron), targets)
    };
    let nets = targets.into_iter().map(weigh).collect();
    // A neuron with more slots than a core has is continued on the next one.
    let weight = |slots: &u32| Weight { neurons: (*slots).clamp(1, capacity.neurons), ..Weight::default() };
    let limits = Limits {
        neurons: u64::from(capacity.neurons),
        axons: u64::from(capacity.axons_in),
        synapses: u64::MAX,
        work: u64::MAX,
        parts: None,
    };
    let charges = Charges { limits, weights: slots.iter().map(weight).collect() };
    let division = search.run(name, nets, &charges, &mut Log::default())?;
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    (0..).zip(division).for_each(|(neuron, group)| groups.entry(group).or_default().push(neuron));
    Ok(groups.into_values().collect())
}
