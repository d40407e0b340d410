//! The candidates of a sweep: the cross product of networks, chips with their changes, pipelines and seeds, or a sample.

use super::sweep::{ChipEntry, MOST, Sweep};
use crate::diag::{Problem, Result};
use crate::digest::Digester;
use crate::rng::Rng;

/// One thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Number of the network in the sweep.
    pub network: usize,
    /// Number of the chip in the sweep.
    pub chip: usize,
    /// Changes to it besides those of its entry.
    pub set: Vec<(String, String)>,
    /// Partition strategy.
    pub partition: String,
    /// Placement pipeline.
    pub placement: String,
    /// Seed of both.
    pub seed: u64,
}

/// The mapping that others are compared with: where the sweep has it, it is never left out of a sample.
const BASELINE: (&str, &str) = ("sequential", "row-major");

impl Candidate {
    /// Whether it is the baseline.
    #[must_use]
    pub fn is_baseline(&self) -> bool {
        (self.partition.as_str(), self.placement.as_str()) == BASELINE
    }

    /// Changes as `key=value`, blanks between.
    #[must_use]
    pub fn changes(&self) -> String {
        let words: Vec<String> = self.set.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    }

    /// Digest of all that decides its result, together with the sweep's own digest.
    #[must_use]
    pub fn key(&self, sweep: &Sweep) -> String {
        let mut digester = Digester::default();
        let parts = [&sweep.networks[self.network].name, &sweep.chips[self.chip].name, &self.changes()];
        for part in parts.into_iter().chain([&self.partition, &self.placement]) {
            digester.word(part.len() as u64);
            digester.bytes(part.as_bytes());
        }
        digester.word(self.seed);
        digester.finish().short()
    }

    /// What candidates share that are compiled once: all but placement.
    pub(super) fn stem(&self) -> (usize, usize, String, String, u64) {
        (self.network, self.chip, self.changes(), self.partition.clone(), self.seed)
    }
}

/// Every combination of the values to try.
fn variants(chip: &ChipEntry) -> Vec<Vec<(String, String)>> {
    let mut found = vec![Vec::new()];
    for (key, values) in &chip.set {
        let longer = |so_far: &Vec<(String, String)>| {
            let with = |value: &String| {
                let mut all = so_far.clone();
                all.push((key.clone(), value.clone()));
                all
            };
            values.iter().map(with).collect::<Vec<_>>()
        };
        found = found.iter().flat_map(longer).collect();
    }
    found
}

/// How many combinations a sweep has.
fn size(sweep: &Sweep) -> usize {
    let of_chip = |chip: &ChipEntry| chip.set.iter().fold(1_usize, |n, (_, values)| n.saturating_mul(values.len()));
    let chips = sweep.chips.iter().map(of_chip).fold(0, usize::saturating_add);
    let rest = [sweep.networks.len(), sweep.pipelines.len(), sweep.seeds.len()];
    rest.into_iter().fold(chips, usize::saturating_mul)
}

/// The candidates in the order of the file, a sample of them where the budget is smaller.
///
/// # Errors
/// `sweep/size` for more combinations than can be listed.
pub fn candidates(sweep: &Sweep) -> Result<Vec<Candidate>> {
    if size(sweep) > MOST {
        return Err(Problem::invalid("sweep/size", sweep.name.as_str(), format!("{} combinations", size(sweep)))
            .limit(format!("{MOST} combinations"))
            .help("fewer values to try, or several sweeps")
            .into());
    }
    let mut all = Vec::new();
    for (network, entry) in sweep.networks.iter().enumerate() {
        for (chip, chosen) in sweep.chips.iter().enumerate() {
            if !entry.chips.is_empty() && !entry.chips.contains(&chosen.name) {
                continue;
            }
            for set in variants(chosen) {
                for (partition, placement) in &sweep.pipelines {
                    all.extend(sweep.seeds.iter().map(|&seed| Candidate {
                        network,
                        chip,
                        set: set.clone(),
                        partition: partition.clone(),
                        placement: placement.clone(),
                        seed,
                    }));
                }
            }
        }
    }
    Ok(match sweep.budget {
        Some(budget) if budget < all.len() => sample(&all, budget, sweep),
        _ => all,
    })
}

/// A sample without replacement, in order, baselines first.
fn sample(all: &[Candidate], budget: usize, sweep: &Sweep) -> Vec<Candidate> {
    let mut rng = Rng::new(sweep.seeds.first().copied().unwrap_or(1));
    let mut order: Vec<usize> = (0..all.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at as u64 + 1) as usize);
    }
    order.sort_by_key(|at| !all[*at].is_baseline());
    order.truncate(budget);
    order.sort_unstable();
    order.into_iter().map(|at| all[at].clone()).collect()
}
