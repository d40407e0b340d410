//! Which neurons share a core: the groups that a partition strategy found or that a mapping prescribes.

use crate::ids::CoreId;

/// Neurons in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Division {
    /// Group of every neuron by population; inputs have none.
    pub(super) group: Vec<Vec<u32>>,
    /// The core of every group, where a mapping prescribes them: then no group may be split over several cores.
    pub(super) places: Option<Vec<CoreId>>,
    /// The file of the mapping, for messages.
    pub(super) file: String,
    /// Whether groups stay apart that a core could hold together: those of a file, and those that share out work.
    pub(super) apart: bool,
}

impl Division {
    /// The number of groups.
    pub(super) fn groups(&self) -> usize {
        self.group.iter().flatten().max().map_or(0, |last| *last as usize + 1)
    }

    /// The neurons of one population by group, groups without any left out: (group, neurons ascending).
    pub(super) fn of(&self, population: usize) -> Vec<(u32, Vec<u32>)> {
        let mut neurons: Vec<Vec<u32>> = vec![Vec::new(); self.groups()];
        for (neuron, &group) in (0..).zip(&self.group[population]) {
            neurons[group as usize].push(neuron);
        }
        (0..).zip(neurons).filter(|(_, neurons)| !neurons.is_empty()).collect()
    }

    /// Members of every group, counting from `starts[population]`, ascending.
    pub(super) fn members(&self, starts: &[u32]) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.groups()];
        for (groups, start) in self.group.iter().zip(starts) {
            for (neuron, &group) in (0..).zip(groups) {
                members[group as usize].push(start + neuron);
            }
        }
        members
    }
}
