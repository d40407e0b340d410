//! Which neurons of a population are split, and into what: for each block of sources one part for the positive weights and
//! one for the negative, and how many levels of parts it takes until the sums fit the neuron's own axons.

use std::collections::BTreeMap;

use super::super::check::largest_weight;
use super::super::lines::FanIn;
use super::super::slices::{Bases, mask_of, search};
use super::blocks::{Setting, blocks};
use super::wish::SplitFanIn;
use crate::chip::{ChipSpec, CrossbarSpec};
use crate::diag::{Problem, Problems, Result};

/// What one part sums: sources of one block to one neuron, with weights of one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Which of [`Cut::wide`] it serves.
    pub(super) of: u32,
    /// Whether the weights are negative.
    pub(super) negative: bool,
    /// Lines with the magnitude of their weights, ascending.
    pub(super) lines: Vec<(u32, i32)>,
}

/// The neurons of a population that are split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wide {
    pub(super) neuron: u32,
    /// Charge of one spike of its parts.
    pub(super) step: u32,
    /// Parts between a source and the neuron.
    pub(super) levels: u32,
}

/// A population whose neurons are not all left whole.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) fan: FanIn,
    pub(super) wide: Vec<Wide>,
    /// By block, then neuron, then sign.
    pub(super) parts: Vec<Part>,
}

impl Cut {
    /// The most levels of a neuron: by these all its neighbours come later.
    pub(super) fn levels(&self) -> u32 {
        self.wide.iter().map(|wide| wide.levels).max().unwrap_or(0)
    }
}

/// Bases of sets of weights, each searched once.
#[derive(Default)]
pub(super) struct Known(BTreeMap<Vec<i32>, Option<Bases>>);

impl Known {
    /// Axons that a neuron with these weights needs alone; `None` where four weights do not make them.
    fn axons(&mut self, weights: impl Iterator<Item = i32> + Clone, spec: &CrossbarSpec) -> Option<u32> {
        let basis = self.bases(weights.clone(), spec)?.few_axons;
        weights.map(|weight| mask_of(&basis, weight).map(u8::count_ones)).sum()
    }

    fn bases(&mut self, weights: impl Iterator<Item = i32>, spec: &CrossbarSpec) -> Option<Bases> {
        let mut distinct: Vec<i32> = weights.collect();
        distinct.sort_unstable();
        distinct.dedup();
        let find = |distinct: &Vec<i32>| search(distinct, largest_weight(spec), spec.axon_types);
        match self.0.get(&distinct) {
            Some(found) => *found,
            None => *self.0.entry(distinct.clone()).or_insert_with(|| find(&distinct)),
        }
    }
}

/// Cuts a population; `None` where every neuron fits a core as it is.
///
/// # Errors
/// `crossbar/weights` where not even the weights of a part are sums of four, `crossbar/split` where parts do not fit.
pub(super) fn cut(
    name: &str,
    fan: FanIn,
    mut setting: Setting<'_>,
    chip: (&ChipSpec, &CrossbarSpec),
    wish: &SplitFanIn,
) -> Result<Option<Cut>> {
    let (spec, limit) = (chip.1, setting.limits.axons_in);
    let mut known = Known::default();
    let weights = |neuron: u32| fan.of_neuron(neuron).iter().map(|(_, weight)| *weight);
    let fits = |n: &u32, known: &mut Known| known.axons(weights(*n), spec).is_some_and(|axons| axons <= limit);
    let numbers: Vec<u32> = (0..fan.neurons()).filter(|neuron| !fits(neuron, &mut known)).collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    let types = |bases: Bases| bases.few_types.iter().filter(|weight| **weight != 0).count() as u32;
    let one_sign =
        |neuron: u32, negative: bool| weights(neuron).filter(move |weight| (*weight < 0) == negative).map(i32::abs);
    let signs = numbers.iter().flat_map(|&neuron| [(neuron, false), (neuron, true)]);
    let needed = signs.filter_map(|(neuron, negative)| known.bases(one_sign(neuron, negative), spec).map(types)).max();
    setting.types = needed.unwrap_or(u32::from(spec.axon_types)).max(1);
    let parts = loop {
        let parts = divide(&fan, &numbers, &blocks(&setting, &fan, &numbers));
        let odd = parts.iter().find(|part| {
            let alone = part.lines.iter().map(|(_, weight)| *weight);
            known.axons(alone, spec).is_none_or(|axons| axons > limit)
        });
        match odd {
            None => break parts,
            // Fewer lines in a block: with as many axons each as there may be types, any fit.
            Some(_) if setting.types < u32::from(spec.axon_types) => setting.types += 1,
            Some(part) => return Err(unfit(name, numbers[part.of as usize], part, limit).into()),
        }
    };
    let mut counts = vec![[0_u32; 2]; numbers.len()];
    parts.iter().for_each(|part| counts[part.of as usize][usize::from(part.negative)] += 1);
    let mut found = Vec::new();
    let mut wide = Vec::new();
    for (&neuron, counts) in numbers.iter().zip(counts) {
        let unit = weights(neuron).fold(0, |unit, weight| gcd(unit, weight.unsigned_abs()));
        let largest = weights(neuron).map(i32::unsigned_abs).max().unwrap_or(0);
        let step = wish.step(unit, largest, largest_weight(spec).unsigned_abs());
        match levels(counts, wish.spikes(), limit) {
            Some(levels) => wide.push(Wide { neuron, step, levels }),
            None => {
                let what = format!("neuron {neuron} is split into {} parts", counts[0] + counts[1]);
                let problem = Problem::misfit("crossbar/split", format!("population '{name}'"), what);
                let limit = format!("{limit} axons for {} spikes of each", wish.spikes());
                found.push(
                    problem.limit(limit).help("--split-fan-in=spikes=1 needs least axons; else reduce the fan-in"),
                );
            }
        }
    }
    Problems::check(found, Some(Cut { fan, wide, parts }))
}

/// Sums of one block and one sign.
fn divide(fan: &FanIn, numbers: &[u32], blocks: &BTreeMap<u32, u32>) -> Vec<Part> {
    let mut all: Vec<(u32, u32, bool, u32, i32)> = Vec::new();
    for (of, &neuron) in (0..).zip(numbers) {
        let entries = fan.of_neuron(neuron).iter();
        all.extend(entries.map(|&(line, weight)| (blocks[&line], of, weight < 0, line, weight.saturating_abs())));
    }
    all.sort_unstable();
    all.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2))
        .map(|chunk| {
            let (_, of, negative, ..) = chunk[0];
            Part { of, negative, lines: chunk.iter().map(|&(_, _, _, line, weight)| (line, weight)).collect() }
        })
        .collect()
}

/// Levels of parts until what is left of both signs fits `limit` axons; `None` where it never does.
fn levels([mut positive, mut negative]: [u32; 2], spikes: u32, limit: u32) -> Option<u32> {
    let mut levels = 1;
    while u64::from(spikes) * u64::from(positive + negative) > u64::from(limit) {
        let held = held(spikes, limit);
        if held < 2 || positive <= 1 && negative <= 1 {
            return None;
        }
        (positive, negative) = (positive.div_ceil(held), negative.div_ceil(held));
        levels += 1;
    }
    Some(levels)
}

/// Parts that one part of the next level sums.
pub(super) fn held(spikes: u32, limit: u32) -> u32 {
    limit / spikes.max(1)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A part that no core holds.
fn unfit(name: &str, neuron: u32, part: &Part, limit: u32) -> Problem {
    let mut distinct: Vec<i32> = part.lines.iter().map(|(_, weight)| *weight).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let sign = if part.negative { "negative" } else { "positive" };
    let what = format!(
        "a part of neuron {neuron} has {} sources with {} distinct {sign} weights",
        part.lines.len(),
        distinct.len()
    );
    Problem::misfit("crossbar/weights", format!("population '{name}'"), what)
        .limit(format!("sums of subsets of 4 weights, {limit} axons"))
        .help("quantise to 4 bits, such as multiples k * -8..=7 with one k a neuron, or give a float network")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_added_until_the_sums_fit() {
        assert_eq!(levels([1, 0], 1, 256), Some(1));
        assert_eq!(levels([128, 128], 1, 256), Some(1));
        assert_eq!(levels([128, 129], 1, 256), Some(2));
        // 40 parts of each sign, four axons a part, 16 axons: 40 -> 10 -> 3 -> 1 of each sign.
        assert_eq!(levels([40, 40], 4, 16), Some(4));
        assert_eq!(levels([2, 2], 16, 16), None);
        assert_eq!(levels([1, 1], 16, 16), None);
    }
}
