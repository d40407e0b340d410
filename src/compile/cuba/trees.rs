//! Trees of compartments: which neurons must share a core, and what of their joins is loaded there.

use std::collections::{BTreeMap, HashMap};

use super::draft::Row;
use crate::chip::{ChipSpec, CubaSpec};
use crate::compile::division::Division;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CubaNeuron, IntGraph, IntNeuron, JoinOp, NOISE_EXPONENTS, NoiseAt, Passed};
use crate::image::{AdaptationImage, JoinImage, JoinKind, NoiseImage, NoisePlace};

/// The population at the root of each population's trees: itself where it is no dendrite. Empty where there are no trees.
pub(super) fn roots(graph: &IntGraph) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..graph.populations.len()).collect();
    // Dendrites stand before what they are joined to: from the last on, every owner knows its root.
    for (number, population) in graph.populations.iter().enumerate().rev() {
        if let Some(IntNeuron::Cuba(cuba)) = &population.neuron {
            cuba.joins.iter().for_each(|join| roots[join.dendrite.index()] = roots[number]);
        }
    }
    if roots.iter().enumerate().all(|(number, root)| number == *root) { Vec::new() } else { roots }
}

/// What a compartment has beside its registers, held against what the chip has.
pub(super) fn check(cuba: &CubaNeuron, spec: &CubaSpec, place: &str, problems: &mut Vec<Problem>) {
    let extra = cuba.adaptation.is_some() || cuba.noise.is_some() || !cuba.joins.is_empty();
    if extra && spec.programs.is_some() {
        let what = "dendrites, threshold adaptation and noise are programs on this chip";
        problems.push(
            Problem::misfit("cuba/program", place, what).help(
                "give it a neuron of model program, or compile for a chip with fixed compartments such as 'loihi'",
            ),
        );
    }
    if cuba.joins.len() > usize::from(spec.dendrites) && spec.programs.is_none() {
        let what = format!("{} dendrites are joined to each compartment", cuba.joins.len());
        problems.push(
            Problem::misfit("cuba/dendrites", place, what)
                .limit(format!("0..={} dendrites of a compartment", spec.dendrites))
                .help(format!("the nearest legal number is {}: join the others to one another", spec.dendrites)),
        );
    }
}

/// Trees that no core holds.
pub(super) fn check_sizes(graph: &IntGraph, chip: &ChipSpec, problems: &mut Vec<Problem>) {
    let mut sizes: BTreeMap<usize, u32> = BTreeMap::new();
    roots(graph).into_iter().for_each(|root| *sizes.entry(root).or_default() += 1);
    let most = chip.capacity.neurons;
    for (root, size) in sizes.into_iter().filter(|(_, size)| *size > most) {
        let place = format!("population '{}'", graph.populations[root].name);
        problems.push(
            Problem::misfit("cuba/tree", place, format!("its tree has {size} compartments, {} too many", size - most))
                .limit(format!("{most} compartments per core on chip '{}'", chip.name))
                .help("the compartments of a tree share a core: join fewer"),
        );
    }
}

/// Registers of adaptation and noise: (name, values, smallest, largest).
pub(super) fn registers(cuba: &CubaNeuron, spec: &CubaSpec) -> Vec<(&'static str, Vec<i64>, i64, i64)> {
    let top = |bits: u8| (1_i64 << bits) - 1;
    let mut found = Vec::new();
    if let Some(adaptation) = &cuba.adaptation {
        let steps = adaptation.step.iter().map(|&value| i64::from(value)).collect();
        let decays = adaptation.decay.iter().map(|&value| i64::from(value)).collect();
        found.push(("adaptation.step", steps, 0, top(spec.threshold_bits)));
        found.push(("adaptation.decay", decays, 0, top(spec.decay_bits)));
    }
    if let Some(noise) = &cuba.noise {
        let (low, high) = (i64::from(*NOISE_EXPONENTS.start()), i64::from(*NOISE_EXPONENTS.end()));
        found.push(("noise.exponent", vec![noise.exponent.into()], low, high));
    }
    found
}

/// Adaptation of one neuron, as it is loaded.
pub(super) fn adaptation(cuba: &CubaNeuron, neuron: usize) -> Option<AdaptationImage> {
    let of = |values: usize| if values == 1 { 0 } else { neuron };
    cuba.adaptation.as_ref().map(|adaptation| AdaptationImage {
        step: adaptation.step[of(adaptation.step.len())],
        decay: adaptation.decay[of(adaptation.decay.len())],
    })
}

/// Noise, as it is loaded.
pub(super) fn noise(cuba: &CubaNeuron) -> Option<NoiseImage> {
    cuba.noise.map(|noise| NoiseImage {
        at: match noise.at {
            NoiseAt::U => NoisePlace::Current,
            NoiseAt::V => NoisePlace::Membrane,
            NoiseAt::Threshold => NoisePlace::Threshold,
        },
        exponent: noise.exponent,
        offset: noise.offset,
        seed: noise.seed,
    })
}

/// A join, as it is loaded: how, and whether the current is passed.
pub(super) fn join(join: &crate::graph::Join) -> (JoinKind, bool) {
    let kind = match join.op {
        JoinOp::Add => JoinKind::Add,
        JoinOp::Max => JoinKind::Max,
        JoinOp::Min => JoinKind::Min,
        JoinOp::And => JoinKind::And,
        JoinOp::Or => JoinKind::Or,
    };
    (kind, join.pass == Passed::U)
}

impl Row<'_> {
    /// Population and neuron of a member.
    pub(super) fn locate(&self, member: u32) -> (usize, u32) {
        let population = self.starts.partition_point(|&start| start <= member) - 1;
        (population, member - self.starts[population])
    }

    /// The member at the root of a member's tree.
    pub(super) fn root(&self, member: u32) -> u32 {
        if self.roots.is_empty() {
            return member;
        }
        let (population, neuron) = self.locate(member);
        self.starts[self.roots[population]] + neuron
    }

    /// Puts the members of every tree behind one another, in the order of their roots.
    pub(super) fn by_tree(&self, members: &mut [u32]) {
        if !self.roots.is_empty() {
            members.sort_by_cached_key(|&member| (self.root(member), member));
        }
    }

    /// Where the trees of `members` end, which stand by tree; `None` where every member is one.
    pub(super) fn tree_ends(&self, members: &[u32]) -> Option<Vec<usize>> {
        let last = |at: &usize| members.get(*at).is_none_or(|&next| self.root(next) != self.root(members[at - 1]));
        (!self.roots.is_empty()).then(|| (1..=members.len()).filter(last).collect())
    }

    /// Moves every dendrite to the group of its root.
    ///
    /// # Errors
    /// `mapping/tree` where a mapping prescribes otherwise.
    pub(super) fn keep_trees(&self, division: &mut Division) -> Result<()> {
        let mut problems = Vec::new();
        for (population, &root) in self.roots.iter().enumerate().filter(|(population, root)| population != *root) {
            let wanted = division.group[root].clone();
            let first = division.group[population].iter().zip(&wanted).position(|(group, wanted)| group != wanted);
            if let (Some(neuron), false) = (first, division.file.is_empty()) {
                let name = |population: usize| &self.graph.populations[population].name;
                let what = format!("neuron {neuron} of '{}' stands apart from its tree", name(population));
                problems.push(
                    Problem::misfit("mapping/tree", division.file.as_str(), what)
                        .limit("the compartments of a tree share a core")
                        .help(format!("map it to the core of neuron {neuron} of '{}'", name(root))),
                );
            }
            division.group[population] = wanted;
        }
        Problems::check(problems, ())
    }

    /// The joins of a core with these members, ascending.
    pub(super) fn joins(&self, members: &[u32]) -> Vec<JoinImage> {
        if self.roots.is_empty() {
            return Vec::new();
        }
        let compartments: HashMap<u32, u16> = members.iter().copied().zip(0..).collect();
        let mut found: BTreeMap<u16, Vec<JoinImage>> = BTreeMap::new();
        for segment in self.segments(members) {
            let Some(IntNeuron::Cuba(cuba)) = &self.graph.populations[segment.population].neuron else { continue };
            for (compartment, neuron) in segment.neurons() {
                for of in &cuba.joins {
                    let (kind, current) = join(of);
                    // A draft that tears a tree is only looked at, never used.
                    if let Some(&dendrite) = compartments.get(&(self.starts[of.dendrite.index()] + neuron)) {
                        let compartment = compartment as u16;
                        let join = JoinImage { compartment, dendrite, kind, current };
                        found.entry(compartment).or_default().push(join);
                    }
                }
            }
        }
        found.into_values().flatten().collect()
    }
}
