//! The independent checker of crossbar images. It reads the image as the chip would: follows every packet from its
//! source through relays to an axon, adds up the weights that each slot sees by source and delay, finds the ticks
//! by which populations lag, and compares all of it with the integer network. It shares no code with lowering.

use std::collections::{BTreeMap, BTreeSet};

use crate::bits::ones;
use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{CrossbarNeuron, IntGraph, IntNeuron, NegativeReset, SpikeReset};
use crate::image::{CoreBody, Crossbar, CrossbarParameters, Destination, Image, Place};

/// Problems beyond this number are not listed.
const LISTED: usize = 20;

/// A source neuron and the ticks from its spike to the integration.
type Heard = (usize, u32, i64);

/// Whether `image` computes exactly `graph` on `chip`, each population late by its lag.
pub fn verify(image: &Image, graph: &IntGraph, chip: &ChipSpec) -> Result<()> {
    lags(image, graph, chip).map(drop)
}

/// The ticks by which each population of a correct image runs behind the network as written (0 for inputs): a
/// spike in tick t of the network is one in tick t + lag of the chip.
pub fn lags(image: &Image, graph: &IntGraph, chip: &ChipSpec) -> Result<Vec<u32>> {
    let spec = super::crossbar_of(chip)?;
    Problems::check(super::check::check(graph, spec), ())?;
    let mut reading = Reading { image, graph, cores: BTreeMap::new(), slots: BTreeMap::new(), found: Vec::new() };
    reading.structure(chip);
    // Nothing below may index into a malformed image.
    Problems::check(std::mem::take(&mut reading.found), ())?;
    let axons = reading.axons();
    Problems::check(std::mem::take(&mut reading.found), ())?;
    let synapses = reading.synapses(&axons);
    let expected = expected(graph);
    let lags = reading.shifts(&synapses, &expected);
    reading.compare(&synapses, &expected, &lags);
    reading.registers(&lags, super::check::largest_threshold(spec));
    reading.depth(&lags);
    Problems::check(reading.found, lags.iter().map(|&lag| lag.max(0) as u32).collect())
}

/// Synapses of every neuron as the network states them: summed weight by source, neuron and ticks.
fn expected(graph: &IntGraph) -> Vec<Vec<BTreeMap<Heard, i64>>> {
    let mut all: Vec<Vec<BTreeMap<Heard, i64>>> =
        graph.populations.iter().map(|p| vec![BTreeMap::new(); if p.is_input() { 0 } else { p.size() }]).collect();
    for projection in &graph.projections {
        let source = projection.source.index();
        for neuron in 0..graph.populations[source].size() as u32 {
            projection.pattern.visit(neuron, |target, weight| {
                let ticks = 1 + i64::from(projection.delays.of(weight as usize));
                let sums = &mut all[projection.target.index()][target as usize];
                *sums.entry((source, neuron, ticks)).or_default() += i64::from(projection.weights[weight as usize]);
            });
        }
    }
    all.iter_mut().flatten().for_each(|sums| sums.retain(|_, weight| *weight != 0));
    all
}

/// An image being read.
struct Reading<'a> {
    image: &'a Image,
    graph: &'a IntGraph,
    cores: BTreeMap<u32, &'a Crossbar>,
    /// Population and neuron of every named slot.
    slots: BTreeMap<(u32, u16), (usize, u32)>,
    found: Vec<Problem>,
}

impl<'a> Reading<'a> {
    fn fail(&mut self, code: &'static str, place: impl Into<String>, what: impl Into<String>) {
        if self.found.len() < LISTED {
            self.found.push(Problem::verification(code, place, what));
        }
    }

    /// Sizes, references and names.
    fn structure(&mut self, chip: &ChipSpec) {
        for core in &self.image.cores {
            let place = format!("core {}", core.core);
            let CoreBody::Crossbar(body) = &core.body else {
                self.fail("verify/family", place, "is no crossbar core");
                continue;
            };
            let neurons = body.parameter_of.len();
            let fits = neurons <= chip.capacity.neurons as usize
                && body.axon_types.len() <= chip.capacity.axons_in as usize
                && core.core < chip.cores()
                && body.destinations.len() == neurons
                && body.rows.len() == body.axon_types.len() * neurons.div_ceil(64)
                && body.axon_types.iter().all(|axon_type| *axon_type < 4)
                && body.parameter_of.iter().all(|&number| usize::from(number) < body.parameters.len());
            let words = neurons.div_ceil(64).max(1);
            let stray = body.rows.chunks(words).any(|row| ones(row).any(|bit| bit >= neurons));
            if !fits || stray {
                self.fail("verify/core", place, "does not fit a core of the chip or refers beyond itself");
            } else if self.cores.insert(core.core, body).is_some() {
                self.fail("verify/core", place, "is there twice");
            }
        }
        let (image, graph) = (self.image, self.graph);
        let same = image.populations.len() == graph.populations.len()
            && image.populations.iter().zip(&graph.populations).all(|(a, b)| {
                let places = if b.is_input() { 0 } else { b.size() };
                a.name == b.name && a.shape == b.shape && a.places.len() == places
            });
        if !same {
            return self.fail(
                "verify/populations",
                "",
                "names, shapes or places of populations differ from the network's",
            );
        }
        let outputs = image.outputs.iter().map(|o| (&o.name, o.population));
        if !outputs.eq(graph.outputs.iter().map(|o| (&o.name, o.population.0))) {
            self.fail("verify/outputs", "", "outputs differ from the network's");
        }
        self.name_slots();
        self.inputs();
    }

    /// Enters every place and copy; no slot may be two neurons.
    fn name_slots(&mut self) {
        for (p, population) in self.image.populations.iter().enumerate() {
            let size = if self.graph.populations[p].is_input() { 0 } else { population.places.len() as u32 };
            let firsts = population.places.iter().enumerate().map(|(neuron, place)| (neuron as u32, *place));
            let copies = population.copies.iter().map(|copy| (copy.neuron, copy.place));
            for (neuron, Place { core, neuron: slot }) in firsts.chain(copies).collect::<Vec<_>>() {
                let exists = self.cores.get(&core).is_some_and(|body| usize::from(slot) < body.parameter_of.len());
                if !exists || neuron >= size {
                    let what = format!("neuron {neuron} is at core {core} slot {slot}, which is not there");
                    self.fail("verify/place", format!("population '{}'", population.name), what);
                } else if self.slots.insert((core, slot), (p, neuron)).is_some() {
                    self.fail("verify/place", format!("core {core}"), format!("slot {slot} is two neurons"));
                }
            }
        }
    }

    /// The host's packets: one entry an input population, in order, offsets in range.
    fn inputs(&mut self) {
        let inputs = self.graph.populations.iter().enumerate().filter(|(_, population)| population.is_input());
        let wanted: Vec<(u32, usize)> = inputs.map(|(p, population)| (p as u32, population.size())).collect();
        let sound = wanted.len() == self.image.inputs.len()
            && wanted.iter().zip(&self.image.inputs).all(|(&(p, size), input)| {
                input.population == p
                    && input.offsets.len() == size + 1
                    && input.offsets.first() == Some(&0)
                    && input.offsets.windows(2).all(|pair| pair[0] <= pair[1])
                    && input.offsets.last().is_some_and(|&last| last as usize == input.targets.len())
            });
        if !sound {
            self.fail("verify/inputs", "", "the inputs' packet lists do not match the network's inputs");
        }
    }

    /// What every axon hears: exactly one source at one delay. Packets are followed through relays.
    fn axons(&mut self) -> BTreeMap<(u32, u16), Heard> {
        let mut axons = BTreeMap::new();
        for input in &self.image.inputs {
            for (neuron, range) in input.offsets.windows(2).enumerate() {
                for target in &input.targets[range[0] as usize..range[1] as usize] {
                    self.feed(&mut axons, target, (input.population as usize, neuron as u32, 0));
                }
            }
        }
        let mut relays = Vec::new();
        for (&core, body) in &self.cores.clone() {
            for (slot, destination) in body.destinations.iter().enumerate() {
                let Some(destination) = destination else { continue };
                match self.slots.get(&(core, slot as u16)) {
                    Some(&(p, neuron)) => self.feed(&mut axons, destination, (p, neuron, 0)),
                    None => match relay_axon(body, slot) {
                        Some(axon) => relays.push(((core, axon), *destination)),
                        None => self.fail(
                            "verify/slot",
                            format!("core {core}"),
                            format!("slot {slot} sends packets but is neither a neuron of the network nor a relay"),
                        ),
                    },
                }
            }
        }
        // Relays may feed relays: go on until no further one is reached.
        loop {
            let (ready, waiting): (Vec<_>, Vec<_>) = relays.into_iter().partition(|(axon, _)| axons.contains_key(axon));
            if ready.is_empty() {
                for ((core, axon), _) in waiting {
                    self.fail(
                        "verify/relay",
                        format!("core {core}"),
                        format!("the relays of axon {axon} hear nothing"),
                    );
                }
                return axons;
            }
            for (axon, destination) in &ready {
                let heard = axons[axon];
                self.feed(&mut axons, destination, heard);
            }
            relays = waiting;
        }
    }

    /// One packet target: `heard` is its source with the ticks that it has travelled before.
    fn feed(&mut self, axons: &mut BTreeMap<(u32, u16), Heard>, to: &Destination, (p, neuron, before): Heard) {
        let place = format!("core {}", to.core);
        let exists = self.cores.get(&to.core).is_some_and(|body| usize::from(to.axon) < body.axon_types.len());
        if !exists || !(1..=15).contains(&to.delay) {
            return self.fail("verify/destination", place, format!("axon {} with delay {} is none", to.axon, to.delay));
        }
        if axons.insert((to.core, to.axon), (p, neuron, before + i64::from(to.delay))).is_some() {
            self.fail("verify/merge", place, format!("axon {} has two sources: their spikes would merge", to.axon));
        }
    }

    /// Synapses of every named slot as the image has them.
    fn synapses(&self, axons: &BTreeMap<(u32, u16), Heard>) -> BTreeMap<(u32, u16), BTreeMap<Heard, i64>> {
        let mut all: BTreeMap<(u32, u16), BTreeMap<Heard, i64>> =
            self.slots.keys().map(|slot| (*slot, BTreeMap::new())).collect();
        for (&core, body) in &self.cores {
            let words = body.parameter_of.len().div_ceil(64);
            for (axon, &axon_type) in body.axon_types.iter().enumerate() {
                let Some(heard) = axons.get(&(core, axon as u16)) else { continue };
                for slot in ones(&body.rows[axon * words..(axon + 1) * words]) {
                    let weight = parameters(body, slot).weights[usize::from(axon_type)];
                    if let Some(sums) = all.get_mut(&(core, slot as u16)) {
                        *sums.entry(*heard).or_default() += i64::from(weight);
                    }
                }
            }
        }
        all.values_mut().for_each(|sums| sums.retain(|_, weight| *weight != 0));
        all
    }

    /// Lags from one synapse between every two populations, inputs at 0; parts without an input start at 0.
    fn shifts(
        &self,
        synapses: &BTreeMap<(u32, u16), BTreeMap<Heard, i64>>,
        expected: &[Vec<BTreeMap<Heard, i64>>],
    ) -> Vec<i64> {
        let mut shift: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for (slot, sums) in synapses {
            let (target, neuron) = self.slots[slot];
            let least = |sums: &BTreeMap<Heard, i64>| {
                let mut least: BTreeMap<(usize, u32), i64> = BTreeMap::new();
                for &(p, n, ticks) in sums.keys() {
                    least.entry((p, n)).or_insert(ticks);
                }
                least
            };
            let wanted = least(&expected[target][neuron as usize]);
            for ((source, n), ticks) in least(sums) {
                if let Some(asked) = wanted.get(&(source, n)) {
                    shift.entry((source, target)).or_insert(ticks - asked);
                }
            }
        }
        let mut lags: Vec<Option<i64>> = self.graph.populations.iter().map(|p| p.is_input().then_some(0)).collect();
        spread(&mut lags, &shift, &mut BTreeSet::new());
        while let Some(root) = lags.iter().position(Option::is_none) {
            let mut part = BTreeSet::from([root]);
            lags[root] = Some(0);
            spread(&mut lags, &shift, &mut part);
            let least = part.iter().filter_map(|&p| lags[p]).min().unwrap_or(0);
            part.iter().for_each(|&p| lags[p] = lags[p].map(|lag| lag - least));
        }
        lags.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Every slot against the network.
    fn compare(
        &mut self,
        synapses: &BTreeMap<(u32, u16), BTreeMap<Heard, i64>>,
        expected: &[Vec<BTreeMap<Heard, i64>>],
        lags: &[i64],
    ) {
        for (&(core, slot), sums) in synapses {
            let (p, neuron) = self.slots[&(core, slot)];
            let as_written: BTreeMap<Heard, i64> = sums
                .iter()
                .map(|(&(source, n, ticks), &weight)| ((source, n, ticks - lags[p] + lags[source]), weight))
                .collect();
            let wanted = &expected[p][neuron as usize];
            if as_written == *wanted {
                continue;
            }
            let keys: BTreeSet<&Heard> = as_written.keys().chain(wanted.keys()).collect();
            let differing = keys.into_iter().find(|key| as_written.get(key) != wanted.get(key));
            let Some(&(source, n, ticks)) = differing else { continue };
            let show = |sums: &BTreeMap<Heard, i64>| {
                sums.get(&(source, n, ticks)).map_or("no synapse".to_owned(), |w| format!("weight {w}"))
            };
            let what = format!(
                "neuron {neuron} at core {core} slot {slot} has {} from '{}' neuron {n} after {ticks} ticks, the network {}",
                show(&as_written),
                self.graph.populations[source].name,
                show(wanted)
            );
            self.fail("verify/synapse", format!("population '{}'", self.graph.populations[p].name), what);
        }
    }

    /// Registers of every slot, and that lagging neurons are at their initial V when their time begins.
    fn registers(&mut self, lags: &[i64], never: u32) {
        for (&(core, slot), &(p, neuron)) in &self.slots.clone() {
            let Some(IntNeuron::Crossbar(wanted)) = &self.graph.populations[p].neuron else { continue };
            let stored = parameters(self.cores[&core], usize::from(slot));
            let place = || format!("population '{}'", self.graph.populations[p].name);
            let here = format!("neuron {neuron} at core {core} slot {slot}");
            if !same_registers(stored, wanted, neuron as usize, never) {
                let place = place();
                self.fail(
                    "verify/registers",
                    place,
                    format!("{here} has other registers than the network: {stored:?}"),
                );
            } else if lags[p] < 0 || after(stored, lags[p]) != at(&wanted.initial, neuron as usize).map(i64::from) {
                let place = place();
                let what = format!("{here} is not at its initial V after its lag of {} ticks", lags[p]);
                self.fail("verify/rest", place, what);
            }
        }
    }

    /// The stored depth.
    fn depth(&mut self, lags: &[i64]) {
        let mut nearest: BTreeMap<usize, i64> = BTreeMap::new();
        let mut reached: BTreeSet<(i64, usize)> =
            self.graph.populations.iter().enumerate().filter(|(_, p)| p.is_input()).map(|(p, _)| (0, p)).collect();
        while let Some((ticks, p)) = reached.pop_first() {
            if nearest.contains_key(&p) {
                continue;
            }
            nearest.insert(p, ticks);
            for projection in self.graph.projections.iter().filter(|projection| projection.source.index() == p) {
                let least = match &projection.delays {
                    crate::graph::Delays::Uniform(delay) => *delay,
                    crate::graph::Delays::PerWeight(delays) => delays.iter().min().copied().unwrap_or_default(),
                };
                reached.insert((ticks + 1 + i64::from(least), projection.target.index()));
            }
        }
        let outputs = self.graph.outputs.iter().map(|output| output.population.index());
        let depth = outputs.filter_map(|p| nearest.get(&p).map(|ticks| ticks + lags[p])).max().unwrap_or(0);
        if i64::from(self.image.depth) != depth {
            self.fail("verify/depth", "", format!("the image's depth is {}, the network's {depth}", self.image.depth));
        }
    }
}

/// Lags of all that is connected with what is known; `part` collects what was added.
fn spread(lags: &mut [Option<i64>], shift: &BTreeMap<(usize, usize), i64>, part: &mut BTreeSet<usize>) {
    loop {
        let before = part.len();
        for (&(source, target), &shift) in shift {
            match (lags[source], lags[target]) {
                (Some(lag), None) => {
                    lags[target] = Some(lag + shift);
                    part.insert(target);
                }
                (None, Some(lag)) => {
                    lags[source] = Some(lag - shift);
                    part.insert(source);
                }
                _ => {}
            }
        }
        if part.len() == before {
            return;
        }
    }
}

fn parameters(body: &Crossbar, slot: usize) -> &CrossbarParameters {
    &body.parameters[usize::from(body.parameter_of[slot])]
}

/// The axon that a slot repeats: it fires for each spike there and for nothing else.
fn relay_axon(body: &Crossbar, slot: usize) -> Option<u16> {
    let words = body.parameter_of.len().div_ceil(64);
    let mut axons =
        (0..body.axon_types.len()).filter(|axon| body.rows[axon * words + slot / 64] >> (slot % 64) & 1 == 1);
    let axon = axons.next()?;
    let p = parameters(body, slot);
    let weight = i64::from(p.weights[usize::from(body.axon_types[axon])]);
    let at_rest = !p.is_stochastic() && p.leak == 0 && p.initial == 0 && p.spike_reset == 0 && p.reset_value == 0;
    let repeats = at_rest && p.threshold >= 1 && weight >= i64::from(p.threshold);
    (axons.next().is_none() && repeats).then_some(axon as u16)
}

/// Whether stored registers are those of the network (weights and initial V apart); `never` is the
/// threshold of one that is only read.
fn same_registers(stored: &CrossbarParameters, wanted: &CrossbarNeuron, index: usize, never: u32) -> bool {
    let threshold = wanted.threshold.as_ref().map_or(Some(never), |alpha| at(alpha, index));
    let gamma = match wanted.spike_reset {
        SpikeReset::Value => 0,
        SpikeReset::Linear => 1,
        SpikeReset::None => 2,
    };
    at(&wanted.leak, index) == Some(stored.leak)
        && !stored.leak_reversal
        && !stored.is_stochastic()
        && threshold == Some(stored.threshold)
        && at(&wanted.negative_threshold, index) == Some(stored.negative_threshold)
        && at(&wanted.reset_value, index) == Some(stored.reset_value)
        && stored.spike_reset == gamma
        && stored.negative_saturate == (wanted.negative_reset == NegativeReset::Saturate)
}

/// One value for all, or one a neuron.
fn at<T: Copy>(values: &[T], index: usize) -> Option<T> {
    if let [one] = values { Some(*one) } else { values.get(index).copied() }
}

/// V after `lag` silent ticks from its initial value; `None` where the neuron fires in one of them.
fn after(p: &CrossbarParameters, lag: i64) -> Option<i64> {
    let (alpha, beta) = (i64::from(p.threshold), i64::from(p.negative_threshold));
    let mut v = i64::from(p.initial);
    for _ in 0..lag {
        v += i64::from(p.leak);
        if v >= alpha {
            return None;
        }
        if v < -beta {
            v = match (p.negative_saturate, p.spike_reset) {
                (true, _) => -beta,
                (false, 0) => -i64::from(p.reset_value),
                (false, 1) => v + beta,
                (false, _) => v,
            };
        }
    }
    Some(v)
}
