//! What each neuron listens to. A *line* is a source neuron seen through one delay: whatever a core needs of it
//! comes by its own axons, since a packet carries its delivery tick.

use std::collections::BTreeMap;

use super::slices::{Basis, mask_of, search};
use crate::diag::{Problem, Result};
use crate::graph::{Delays, IntGraph};

/// Numbers the lines of a network: `(neuron over all populations) * delays + (rank of the delay)`.
#[derive(Debug)]
pub(super) struct Lines {
    /// Distinct delays, ascending.
    delays: Vec<u16>,
    /// First neuron of each population in a count over all, and the total.
    first: Vec<u32>,
}

impl Lines {
    /// Of a checked network.
    pub(super) fn of(graph: &IntGraph) -> Result<Self> {
        let mut delays = std::collections::BTreeSet::new();
        for projection in &graph.projections {
            match &projection.delays {
                Delays::Uniform(delay) => drop(delays.insert(*delay)),
                Delays::PerWeight(all) => delays.extend(all.iter().copied()),
            }
        }
        let mut first = vec![0_u32];
        let mut total = 0_u64;
        for population in &graph.populations {
            total += population.size() as u64;
            first.push(u32::try_from(total).unwrap_or(u32::MAX));
        }
        if total * delays.len().max(1) as u64 > u64::from(u32::MAX / 2) {
            let what = format!("{total} neurons with {} distinct delays", delays.len());
            return Err(Problem::misfit("crossbar/size", "", what).limit("2^31 (neuron, delay) pairs").into());
        }
        Ok(Self { delays: delays.into_iter().collect(), first })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.first.last().map_or(0, |&total| total as usize) * self.delays.len()
    }

    fn line(&self, population: usize, neuron: u32, delay: u16) -> u32 {
        let rank = self.delays.partition_point(|d| *d < delay) as u32;
        (self.first[population] + neuron) * self.delays.len() as u32 + rank
    }

    /// Population, neuron and delay of a line.
    pub(super) fn split(&self, line: u32) -> (usize, u32, u16) {
        let global = line / self.delays.len() as u32;
        let population = self.first.partition_point(|first| *first <= global) - 1;
        (population, global - self.first[population], self.delays[line as usize % self.delays.len()])
    }
}

/// The lines that each neuron of one population listens to, with summed weights; by line ascending, no zeros.
#[derive(Debug, Default)]
pub(super) struct FanIn {
    offsets: Vec<usize>,
    entries: Vec<(u32, i32)>,
}

impl FanIn {
    /// Of population number `target`.
    pub(super) fn of(graph: &IntGraph, lines: &Lines, target: usize) -> Self {
        let size = graph.populations[target].size();
        let inbound = || graph.projections.iter().filter(|projection| projection.target.index() == target);
        let mut per_neuron: Vec<Vec<(u32, i32)>> = vec![Vec::new(); size];
        for projection in inbound() {
            let source = projection.source.index();
            for neuron in 0..graph.populations[source].size() as u32 {
                projection.pattern.visit(neuron, |to, w| {
                    let weight = projection.weights[w as usize];
                    if weight != 0 {
                        let line = lines.line(source, neuron, projection.delays.of(w as usize));
                        per_neuron[to as usize].push((line, weight));
                    }
                });
            }
        }
        let mut fan = Self { offsets: vec![0], entries: Vec::new() };
        for mut heard in per_neuron {
            heard.sort_unstable_by_key(|(line, _)| *line);
            let start = fan.entries.len();
            for (line, weight) in heard {
                match fan.entries[start..].last_mut() {
                    Some(last) if last.0 == line => last.1 = last.1.saturating_add(weight),
                    _ => fan.entries.push((line, weight)),
                }
            }
            let mut kept = start;
            for index in start..fan.entries.len() {
                if fan.entries[index].1 != 0 {
                    fan.entries[kept] = fan.entries[index];
                    kept += 1;
                }
            }
            fan.entries.truncate(kept);
            fan.offsets.push(kept);
        }
        fan
    }

    /// The number of neurons.
    pub(super) fn neurons(&self) -> u32 {
        self.offsets.len() as u32 - 1
    }

    fn range(&self, neuron: u32) -> std::ops::Range<usize> {
        self.offsets[neuron as usize]..self.offsets[neuron as usize + 1]
    }

    /// (line, weight) of one neuron.
    pub(super) fn of_neuron(&self, neuron: u32) -> &[(u32, i32)] {
        &self.entries[self.range(neuron)]
    }
}

/// A population's weights as subsets of axon types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sliced {
    /// Weights by axon type of each neuron.
    pub(super) bases: Vec<Basis>,
    /// Axon types of every entry of the fan-in.
    masks: Vec<u8>,
}

impl Sliced {
    /// (line, axon types) of one neuron.
    pub(super) fn of_neuron<'a>(&'a self, fan: &'a FanIn, neuron: u32) -> impl Iterator<Item = (u32, u8)> + 'a {
        let range = fan.range(neuron);
        fan.entries[range.clone()].iter().zip(&self.masks[range]).map(|((line, _), mask)| (*line, *mask))
    }

    /// Axons that one neuron alone needs.
    pub(super) fn axons(&self, fan: &FanIn, neuron: u32) -> u32 {
        self.masks[fan.range(neuron)].iter().map(|mask| mask.count_ones()).sum()
    }
}

/// The ways of slicing a population that are worth trying (one or two).
pub(super) fn slice(fan: &FanIn, name: &str, largest: i32, types: u8) -> Result<Vec<Sliced>> {
    let mut known: BTreeMap<Vec<i32>, Option<super::slices::Bases>> = BTreeMap::new();
    let mut few_types = Sliced { bases: Vec::new(), masks: Vec::new() };
    let mut few_axons = few_types.clone();
    for neuron in 0..fan.neurons() {
        let heard = fan.of_neuron(neuron);
        let mut distinct: Vec<i32> = heard.iter().map(|(_, weight)| *weight).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let found = match known.get(&distinct) {
            Some(found) => *found,
            None => *known.entry(distinct.clone()).or_insert_with(|| search(&distinct, largest, types)),
        };
        let bases = found.ok_or_else(|| unsliceable(name, neuron, &distinct, largest))?;
        for (sliced, basis) in [(&mut few_types, bases.few_types), (&mut few_axons, bases.few_axons)] {
            sliced.bases.push(basis);
            sliced.masks.extend(heard.iter().map(|(_, weight)| mask_of(&basis, *weight).unwrap_or(0)));
        }
    }
    Ok(if few_types == few_axons { vec![few_types] } else { vec![few_types, few_axons] })
}

fn unsliceable(name: &str, neuron: u32, distinct: &[i32], largest: i32) -> Problem {
    let shown: Vec<String> = distinct.iter().take(16).map(i32::to_string).collect();
    let more = if distinct.len() > 16 { ", ..." } else { "" };
    let what = format!("neuron {neuron} has {} distinct weights: {}{more}", distinct.len(), shown.join(", "));
    Problem::misfit("crossbar/weights", format!("population '{name}'"), what)
        .limit(format!("sums of subsets of 4 signed weights of magnitude at most {largest}"))
        .help("quantise to 4 bits, such as multiples k * -8..=7 with one k a neuron, or give a float network")
}
