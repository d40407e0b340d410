//! Fan-in splitting where it is asked for: a neuron with more inputs than a core has axons gets its sum in parts.
//!
//! A crossbar neuron can only send bits, so a partial sum travels as a number of spikes that stand for a step of charge each.
//! A part serves one neuron, one block of sources and one sign of weights, so that its sum only grows. It is s neurons that
//! integrate the same sources with the same weights, threshold s * step, linear reset and no leak; their potentials start
//! step apart. The j-th of them has sent floor((S + step / 2 + j * step) / (s * step)) spikes when the sum has come to S, and
//! as floor(x) is the sum over j = 0..s of floor((x + j) / s) (Hermite's identity), all of them together have sent
//! floor(S / step + 1/2). Every spike adds +step or -step to the neuron, through two of its axon types.
//!
//! So nothing is lost: what has not been sent is at most half a step a part, and waits. Where the weights are multiples of the
//! step the split sum is exact, one tick later. A part sends at most s spikes a tick, of s * step of charge together; what
//! comes beyond that in one tick is sent in the ticks that follow. Where even the parts are too many for a core, parts of
//! parts sum them, a tick more each level.
//!
//! The leak, the threshold and the reset stay with the neuron itself. All its inputs come `levels` ticks later: those of
//! neighbours that stay whole get delays, later populations lag, and side ways are delayed until spikes meet again as they
//! did ([`even`]).

mod blocks;
mod even;
mod parts;
mod wish;

pub use wish::SplitFanIn;

use std::collections::BTreeMap;

use super::lines::{FanIn, Lines};
use super::{check, crossbar_of};
use crate::chip::ChipSpec;
use crate::compile::Log;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{
    CrossbarNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Pattern, Population, Projection, SpikeReset,
};
use crate::ids::PopulationId;
use blocks::Setting;
use parts::{Cut, cut, held};

/// A network whose wide neurons are split.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The network with parts: populations of the whole one keep their numbers, parts come after them.
    pub network: IntGraph,
    /// Ticks that each population of the whole network comes later.
    pub lags: Vec<u32>,
    /// Neurons that were split.
    pub neurons: u64,
    /// Neurons that were added.
    pub parts: u64,
    /// Parts between a source and a neuron, at most.
    pub levels: u32,
}

/// Splits every neuron that needs more axons than a core has, or more weights than four make; `None` where there is none.
///
/// # Errors
/// What is wrong with the network, `crossbar/split` and `crossbar/neurons` where parts do not fit, `crossbar/rest` where a
/// population cannot wait for those before it.
pub fn split(graph: &IntGraph, chip: &ChipSpec, wish: &SplitFanIn, log: &mut Log) -> Result<Option<Split>> {
    let spec = crossbar_of(chip)?;
    Problems::check(check::check(graph, spec), ())?;
    let lines = Lines::of(graph)?;
    let (mut found, mut cuts) = (Vec::new(), Vec::new());
    for (p, population) in graph.populations.iter().enumerate() {
        if population.is_input() {
            cuts.push(None);
            continue;
        }
        let fan = FanIn::of(graph, &lines, p);
        let setting = Setting { graph, lines: &lines, limits: &chip.capacity, types: 1, spikes: wish.spikes() };
        match cut(&population.name, fan, setting, (chip, spec), wish) {
            Ok(cut) => cuts.push(cut),
            Err(problems) => found.extend(problems.into_vec()),
        }
    }
    Problems::check(found, ())?;
    if cuts.iter().all(Option::is_none) {
        log.say("split", "every neuron fits the axons of a core: nothing to split");
        return Ok(None);
    }
    room(graph, &cuts, chip, wish)?;
    let levels: Vec<u32> = cuts.iter().map(|cut| cut.as_ref().map_or(0, Cut::levels)).collect();
    let even::Evened { lags, late } = even::even(graph, &levels);
    for (number, ticks) in late {
        let name = &graph.projections[number].name;
        log.warn(
            "split",
            format!("{name}: on a cycle, where its spikes come {} later than the network says", plural(ticks, "tick")),
        );
    }
    let mut build = Build::of(graph, &lines, &lags, &cuts, wish.spikes(), chip.capacity.axons_in);
    let (mut neurons, mut parts) = (0, 0);
    for (p, cut) in cuts.iter().enumerate() {
        let Some(cut) = cut else { continue };
        let added = build.population(p, cut);
        (neurons, parts) = (neurons + cut.wide.len() as u64, parts + added);
        let whole = cut.fan.neurons() as usize - cut.wide.len();
        log.say(
            "split",
            format!(
                "{}: {} neurons split ({whole} whole), {added} neurons in {} parts, {}, {} later",
                graph.populations[p].name,
                cut.wide.len(),
                cut.parts.len(),
                plural(levels[p], "level"),
                plural(lags[p], "tick")
            ),
        );
    }
    let mut network = build.network;
    even::wait(&mut network, &lags, spec)?;
    let levels = levels.into_iter().max().unwrap_or(0);
    Ok(Some(Split { network, lags, neurons, parts, levels }))
}

/// A number with its noun.
fn plural(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Whether the neurons of all parts fit the chip at all: told before they are made.
fn room(graph: &IntGraph, cuts: &[Option<Cut>], chip: &ChipSpec, wish: &SplitFanIn) -> Result<()> {
    let own: u64 = graph.populations.iter().filter(|p| !p.is_input()).map(|p| p.size() as u64).sum();
    let parts: u64 = cuts.iter().flatten().map(|cut| cut.parts.len() as u64 * u64::from(wish.spikes())).sum();
    let room = u64::from(chip.cores()) * u64::from(chip.capacity.neurons);
    if own + parts > room {
        let what = format!("the network has {own} neurons, and splitting adds {parts}");
        return Err(Problem::misfit("crossbar/neurons", "", what)
            .limit(format!("{room} neurons on chip '{}'", chip.name))
            .help("--split-fan-in=spikes=1 and fewer --weight-bits need fewer parts")
            .into());
    }
    Ok(())
}

/// A synapse of the network in the making: (source, target, weight, delay).
type Synapse = (u32, u32, i32, u16);

/// The network in the making.
struct Build<'a> {
    network: IntGraph,
    lines: &'a Lines,
    lags: &'a [u32],
    spikes: u32,
    axons: u32,
}

/// The neurons of a level of parts.
#[derive(Default)]
struct Level {
    threshold: Vec<u32>,
    initial: Vec<i32>,
}

impl Level {
    /// Adds the `spikes` neurons of a part; the number of the first.
    fn add(&mut self, step: u32, spikes: u32) -> u32 {
        let first = self.threshold.len() as u32;
        for lane in 0..spikes {
            self.threshold.push(spikes * step);
            self.initial.push((lane * step + step / 2) as i32);
        }
        first
    }

    fn neuron(self) -> IntNeuron {
        IntNeuron::Crossbar(CrossbarNeuron {
            leak: vec![0],
            threshold: Some(self.threshold),
            // Never reached: sums of a part only grow.
            negative_threshold: vec![0],
            reset_value: vec![0],
            initial: self.initial,
            spike_reset: SpikeReset::Linear,
            negative_reset: NegativeReset::Saturate,
        })
    }
}

impl<'a> Build<'a> {
    /// The network without what leads into cut populations, delays evened out.
    fn of(graph: &IntGraph, lines: &'a Lines, lags: &'a [u32], cuts: &[Option<Cut>], spikes: u32, axons: u32) -> Self {
        let mut network = graph.clone();
        network.projections.retain(|projection| cuts[projection.target.index()].is_none());
        for projection in &mut network.projections {
            let (source, target) = (projection.source.index(), projection.target.index());
            let later = |delay: u16| evened(delay, lags[source], lags[target], 0);
            match &mut projection.delays {
                Delays::Uniform(delay) => *delay = later(*delay),
                Delays::PerWeight(all) => all.iter_mut().for_each(|delay| *delay = later(*delay)),
            }
        }
        Self { network, lines, lags, spikes, axons }
    }

    /// Adds the parts of a population and all that leads into it; the number of neurons that were added.
    fn population(&mut self, p: usize, cut: &Cut) -> u64 {
        let mut level = Level::default();
        let mut inbound: BTreeMap<usize, Vec<Synapse>> = BTreeMap::new();
        // First neurons of the parts of every wide neuron that nothing sums yet: positive, then negative.
        let mut open: Vec<[Vec<u32>; 2]> = vec![Default::default(); cut.wide.len()];
        for part in &cut.parts {
            let wide = &cut.wide[part.of as usize];
            let first = level.add(wide.step, self.spikes);
            open[part.of as usize][usize::from(part.negative)].push(first);
            for &(line, weight) in &part.lines {
                let (source, neuron, delay) = self.lines.split(line);
                let delay = evened(delay, self.lags[source], self.lags[p], wide.levels);
                let lanes = (first..first + self.spikes).map(|target| (neuron, target, weight, delay));
                inbound.entry(source).or_default().extend(lanes);
            }
        }
        let mut added = level.threshold.len() as u64;
        let mut at = self.add(p, 1, level, inbound);
        let most = cut.levels();
        for number in 2..=most + 1 {
            // What has come as far as it must goes to the neuron itself.
            let mut done: Vec<Synapse> = Vec::new();
            let mut level = Level::default();
            let mut inner: Vec<Synapse> = Vec::new();
            for (wide, open) in cut.wide.iter().zip(&mut open) {
                for (negative, firsts) in open.iter_mut().enumerate() {
                    let sources = |firsts: &[u32]| -> Vec<u32> {
                        firsts.iter().flat_map(|first| *first..first + self.spikes).collect()
                    };
                    let step = wide.step as i32;
                    if wide.levels < number {
                        let weight = if negative == 1 { -step } else { step };
                        done.extend(sources(firsts).into_iter().map(|source| (source, wide.neuron, weight, 0)));
                        firsts.clear();
                        continue;
                    }
                    let held = held(self.spikes, self.axons).max(1) as usize;
                    let next = firsts.chunks(held).map(|chunk| {
                        let first = level.add(wide.step, self.spikes);
                        for source in sources(chunk) {
                            inner.extend((first..first + self.spikes).map(|target| (source, target, step, 0)));
                        }
                        first
                    });
                    *firsts = next.collect();
                }
            }
            self.connect(at, p, done);
            if number <= most {
                added += level.threshold.len() as u64;
                at = self.add(p, number, level, BTreeMap::from([(at, inner)]));
            }
        }
        self.whole(p, cut);
        added
    }

    /// Neurons that stay whole keep their inputs, as late as those of their neighbours.
    fn whole(&mut self, p: usize, cut: &Cut) {
        let mut inbound: BTreeMap<usize, Vec<Synapse>> = BTreeMap::new();
        for neuron in 0..cut.fan.neurons() {
            if cut.wide.binary_search_by_key(&neuron, |wide| wide.neuron).is_ok() {
                continue;
            }
            for &(line, weight) in cut.fan.of_neuron(neuron) {
                let (source, from, delay) = self.lines.split(line);
                let delay = evened(delay, self.lags[source], self.lags[p], 0);
                inbound.entry(source).or_default().push((from, neuron, weight, delay));
            }
        }
        inbound.into_iter().for_each(|(source, synapses)| self.connect(source, p, synapses));
    }

    /// Adds the population of a level with its inputs; its number.
    fn add(&mut self, p: usize, number: u32, level: Level, inbound: BTreeMap<usize, Vec<Synapse>>) -> usize {
        let mut name = format!("{}.parts{number}", self.network.populations[p].name);
        while self.network.populations.iter().any(|population| population.name == name) {
            name.push('_');
        }
        let (at, shape) = (self.network.populations.len(), vec![level.threshold.len() as u32]);
        self.network.populations.push(Population { name, shape, neuron: Some(level.neuron()) });
        inbound.into_iter().for_each(|(source, synapses)| self.connect(source, at, synapses));
        at
    }

    /// Adds a projection of these synapses, if there are any.
    fn connect(&mut self, source: usize, target: usize, mut synapses: Vec<Synapse>) {
        if synapses.is_empty() {
            return;
        }
        synapses.sort_unstable();
        let (from, to) = (&self.network.populations[source], &self.network.populations[target]);
        let mut name = format!("{}->{}", from.name, to.name);
        while self.network.projections.iter().any(|projection| projection.name == name) {
            name.push('_');
        }
        let mut offsets = vec![0_u32; from.size() + 1];
        synapses.iter().for_each(|(source, ..)| offsets[*source as usize + 1] += 1);
        (1..offsets.len()).for_each(|at| offsets[at] += offsets[at - 1]);
        let delays: Vec<u16> = synapses.iter().map(|synapse| synapse.3).collect();
        let uniform = delays.iter().all(|delay| *delay == delays[0]);
        self.network.projections.push(Projection {
            name,
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern: Pattern::Sparse {
                offsets,
                targets: synapses.iter().map(|synapse| synapse.1).collect(),
                weight_index: Vec::new(),
            },
            weights: synapses.iter().map(|synapse| synapse.2).collect(),
            exponent: 0,
            delays: if uniform { Delays::Uniform(delays[0]) } else { Delays::PerWeight(delays) },
        });
    }
}

/// The delay of a synapse whose spikes pass `levels` parts between populations that lag so; on a cycle the least there is.
fn evened(delay: u16, source: u32, target: u32, levels: u32) -> u16 {
    let ticks = i64::from(delay) + i64::from(target) - i64::from(source) - i64::from(levels);
    ticks.clamp(0, i64::from(u16::MAX)) as u16
}
