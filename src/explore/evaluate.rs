//! One candidate: compile, place, judge by static figures, and run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::bounds;
use super::measure::{measure, spikes_of, trains_of};
use super::network::Bench;
use super::row::{Measured, Row, SplitError, Static};
use super::space::Candidate;
use super::split::Splits;
use super::sweep::Sweep;
use crate::chip::{self, ChipSpec};
use crate::compile::constraints::Constraints;
use crate::compile::replace::{Pipeline, Placing, pairs, replace};
use crate::compile::traffic::{Rates, Trains, traffic};
use crate::compile::{self, Compiled, CoreUse, Log, Options, Placement};
use crate::diag::Result;
use crate::digest::Digester;
use crate::emu::{self, Control, Record, RunOptions};
use crate::place::Watch;

/// What candidates share: networks in memory, and the spikes of each network on each chip.
pub(super) struct Shared<'a> {
    pub(super) sweep: &'a Sweep,
    pub(super) benches: Vec<Bench>,
    rates: Mutex<BTreeMap<(usize, usize, String), Arc<Profile>>>,
    pub(super) splits: Splits,
}

/// Spikes of a run, in sum and tick by tick.
type Profile = (Rates, Trains);

/// A candidate's chip and its compiled cores in the order of the partition.
pub(super) struct Stem {
    chip: ChipSpec,
    compiled: Compiled,
    rates: Option<Arc<Profile>>,
}

impl<'a> Shared<'a> {
    /// Reads every network of the sweep.
    ///
    /// # Errors
    /// All that the readers refuse.
    pub(super) fn load(sweep: &'a Sweep) -> Result<Self> {
        let benches = sweep.networks.iter().map(Bench::load).collect::<Result<_>>()?;
        Ok(Self { sweep, benches, rates: Mutex::default(), splits: Splits::default() })
    }

    /// The chip of a candidate.
    ///
    /// # Errors
    /// What the chip file or the changes are refused for.
    pub(super) fn chip(sweep: &Sweep, candidate: &Candidate) -> Result<ChipSpec> {
        let entry = &sweep.chips[candidate.chip];
        let mut options = entry.options.clone();
        options.set.extend(candidate.set.iter().cloned());
        chip::load(&entry.chip, &options)
    }

    /// Compiles what the placements of one stem share.
    ///
    /// # Errors
    /// What does not fit the chip.
    pub(super) fn stem(&self, candidate: &Candidate, watch: &dyn Watch, control: &dyn Control) -> Result<Stem> {
        let chip = Self::chip(self.sweep, candidate)?;
        let rates = if self.sweep.profiled { Some(self.rates(candidate, &chip, control)?) } else { None };
        let options = Options {
            placement: Placement::RowMajor,
            partition: candidate.partition.parse()?,
            weight_bits: self.sweep.networks[candidate.network].weight_bits,
            split_fan_in: self.sweep.chips[candidate.chip].split_fan_in.clone(),
            seed: candidate.seed,
            rates: rates.as_deref().map(|profile| profile.0.clone()),
            ..Options::default()
        };
        let network = &self.benches[candidate.network].network;
        let compiled = compile::compile_watched(network, &chip, &options, watch, &mut Log::default())?;
        Ok(Stem { chip, compiled, rates })
    }

    /// Spikes of a network on a chip, measured once: no mapping changes them.
    fn rates(&self, candidate: &Candidate, chip: &ChipSpec, control: &dyn Control) -> Result<Arc<Profile>> {
        let key = (candidate.network, candidate.chip, candidate.changes());
        let lock = || self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let bench = &self.benches[candidate.network];
        let weight_bits = self.sweep.networks[candidate.network].weight_bits;
        let split_fan_in = self.sweep.chips[candidate.chip].split_fan_in.clone();
        let options = Options { weight_bits, split_fan_in, ..Options::default() };
        let compiled = compile::compile(&bench.network, chip, &options, &mut Log::default())?;
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
        let result = emu::run(&compiled.image, chip, &bench.stimulus, &options, control)?;
        let spikes = spikes_of(&compiled, &bench.stimulus, &result);
        let found = Arc::new((spikes, trains_of(&compiled, &bench.stimulus, &result)));
        lock().entry(key).or_insert_with(|| Arc::clone(&found));
        Ok(found)
    }
}

impl Stem {
    fn rates(&self) -> Option<&Rates> {
        self.rates.as_deref().map(|profile| &profile.0)
    }

    /// Places the stem's cores as a candidate wants it and judges the result; `run` it as well where wanted.
    ///
    /// # Errors
    /// What the placement refuses.
    pub(super) fn judge(
        &self,
        candidate: &Candidate,
        shared: &Shared<'_>,
        run: bool,
        watch: &dyn Watch,
        control: &dyn Control,
    ) -> Result<(Static, Option<Measured>)> {
        let pipeline: Pipeline = candidate.placement.parse()?;
        let constraints = Constraints::default();
        let placing = Placing {
            pipeline: &pipeline,
            seed: candidate.seed,
            seconds: Some(shared.sweep.seconds),
            rates: self.rates(),
            trains: self.rates.as_deref().map(|profile| &profile.1),
            hot: &[],
            constraints: &constraints,
            watch,
        };
        let mut compiled = self.compiled.clone();
        replace(&mut compiled, &self.chip, &placing, &mut Log::default())?;
        let statics = self.statics(&compiled);
        let measured = match run {
            true => Some(measure(&compiled, &self.chip, &shared.benches[candidate.network].stimulus, control)?.0),
            false => None,
        };
        Ok((statics, measured))
    }

    /// What fan-in splitting changed of the candidate's network; `row` is the candidate's.
    pub(super) fn split(
        &self,
        candidate: &Candidate,
        row: &Row,
        shared: &Shared<'_>,
        control: &dyn Control,
    ) -> Option<SplitError> {
        shared.splits.of(row.group(), &self.compiled, &shared.benches[candidate.network].stimulus, control)
    }

    fn statics(&self, compiled: &Compiled) -> Static {
        let rates = self.rates();
        let found = traffic(&compiled.image, &self.chip, rates);
        let (cores, _) = compile::usage(&compiled.image, &self.chip);
        let mut digest = Digester::default();
        for place in compiled.image.populations.iter().flat_map(|population| &population.places) {
            digest.word(u64::from(place.core) << 16 | u64::from(place.neuron));
        }
        Static {
            cores: cores.len() as u32,
            packets: found.packets,
            hops: found.hops,
            tree_hops: found.tree_hops,
            max_link: found.max_link,
            least_cores: bounds::cores(&cores),
            least_hops_of_any: bounds::hops_of_any(&compiled.network, &self.chip, rates),
            least_hops: bounds::hops(&pairs(&compiled.image, &self.chip, rates), &self.chip),
            binds: binds(&cores),
            utilisation: utilisation(&cores),
            mapping: digest.finish().short(),
        }
    }
}

/// The resource that is fullest on most cores.
fn binds(cores: &[CoreUse]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for core in cores {
        *counts.entry(core.binding().unwrap_or("none")).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or("none", |(name, _)| name).to_owned()
}

/// Resources as (name, mean share of the limit, largest share).
fn utilisation(cores: &[CoreUse]) -> Vec<(String, f64, f64)> {
    let Some(first) = cores.first() else { return Vec::new() };
    let of = |at: usize| {
        let share = |core: &CoreUse| f64::from(core.resources[at].used) / f64::from(core.resources[at].limit.max(1));
        let (sum, most) = cores.iter().map(share).fold((0.0, 0.0_f64), |(sum, most), s| (sum + s, most.max(s)));
        (first.resources[at].resource.to_owned(), sum / cores.len() as f64, most)
    };
    (0..first.resources.len()).map(of).collect()
}

/// A row before anything is known.
pub(super) fn blank(index: usize, candidate: &Candidate, sweep: &Sweep) -> Row {
    Row {
        index,
        key: candidate.key(sweep),
        network: sweep.networks[candidate.network].name.clone(),
        chip: sweep.chips[candidate.chip].name.clone(),
        set: candidate.changes(),
        partition: candidate.partition.clone(),
        placement: candidate.placement.clone(),
        seed: candidate.seed,
        refused: None,
        statics: None,
        measured: None,
        split: None,
    }
}
