//! The independent checker for Loihi-style images. It knows nothing of the passes: from the image alone it walks
//! every spike's packets through axons, lists and formats to compartments, and compares what it finds with what
//! the integer network says.

use std::borrow::Cow;
use std::collections::HashMap;

use super::compartments::{configuration, start};
use super::programs;
use super::verify_compressed;
use super::verify_core::check_core;
use super::verify_learning::extras;
use crate::chip::{ChipSpec, CubaSpec};
use crate::compile::depth::depth;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{IntGraph, IntNeuron, Projection};
use crate::image::{CompartmentConfig, CoreBody, CubaCore, Image, ListUse, Place, ProgramGroup};

/// At most so many problems are told.
const MOST: usize = 20;

/// One effective synapse of a source: target population and neuron, weight, exponent, delay beyond one tick,
/// projection, the output of the source's program, and where it learns its tag and learned delay.
type Effect = (u32, u32, i32, i8, u32, u32, u8, Option<(i16, i16)>);

/// A packet that a source sends: core, axon, extra delay, and the output of the source's program.
type Packet = (u32, u16, u32, u8);

/// Whether `image` is `network` on `chip`.
pub(in crate::compile) fn verify(image: &Image, network: &IntGraph, chip: &ChipSpec, spec: &CubaSpec) -> Result<()> {
    let mut checker = Checker {
        network,
        written: network.projections.iter().map(Projection::expanded).collect(),
        image,
        chip,
        cores: HashMap::new(),
        owner: HashMap::new(),
        spec,
        axons: HashMap::new(),
        extras: HashMap::new(),
        problems: Vec::new(),
    };
    checker.tables();
    checker.cores(spec);
    checker.neurons();
    checker.trees();
    if checker.problems.is_empty() {
        checker.synapses();
    }
    if checker.problems.is_empty() {
        checker.learning();
    }
    checker.problems.truncate(MOST);
    Problems::check(checker.problems, ())
}

/// The program that a compartment runs.
fn group_of(body: &CubaCore, compartment: u32) -> Option<&ProgramGroup> {
    body.programs.iter().find(|group| (group.first..group.first.saturating_add(group.count)).contains(&compartment))
}

pub(super) struct Checker<'a> {
    pub(super) network: &'a IntGraph,
    /// Its projections without weights that are products.
    written: Vec<Cow<'a, Projection<i32>>>,
    image: &'a Image,
    chip: &'a ChipSpec,
    /// Cores by number.
    pub(super) cores: HashMap<u32, &'a CubaCore>,
    /// Which neuron (population, neuron) a place holds.
    pub(super) owner: HashMap<Place, (u32, u32)>,
    pub(super) spec: &'a CubaSpec,
    /// Source (population, neuron, output of its program) of each inbound axon (core, axon), where anything learns.
    pub(super) axons: HashMap<(u32, u16), (u32, u32, u8)>,
    /// Tag and learned delay of the synapses of each list (core, list) that learns.
    extras: HashMap<(u32, u32), Vec<(i16, i16)>>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    pub(super) fn blame(&mut self, code: &'static str, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::verification(code, place, what));
    }

    /// Names, shapes, inputs, outputs and depth.
    fn tables(&mut self) {
        let (image, network) = (self.image, self.network);
        let same = image.populations.len() == network.populations.len()
            && image.populations.iter().zip(&network.populations).all(|(i, n)| i.name == n.name && i.shape == n.shape);
        if !same {
            self.blame("verify/populations", "", "the image has other populations than the network");
        }
        let outputs = image.outputs.iter().map(|output| (&output.name, output.population));
        if !outputs.eq(network.outputs.iter().map(|output| (&output.name, output.population.0))) {
            self.blame("verify/outputs", "", "the image reads other outputs than the network has");
        }
        let inputs = network.populations.iter().enumerate().filter(|(_, population)| population.is_input());
        if !image.inputs.iter().map(|input| input.population as usize).eq(inputs.map(|(index, _)| index)) {
            self.blame("verify/inputs", "", "the image has other inputs than the network");
        }
        if image.depth != depth(network) {
            let what = format!("the image says {} ticks, the network takes {}", image.depth, depth(network));
            self.blame("verify/depth", "", what);
        }
        if image.chip != self.chip.name || image.network != network.name {
            self.blame("verify/name", "", format!("image of '{}' for chip '{}'", image.network, image.chip));
        }
    }

    /// Every core by itself: capacities, formats, ranges.
    fn cores(&mut self, spec: &CubaSpec) {
        let mut last = None;
        for core in &self.image.cores {
            let place = format!("core {}", core.core);
            let CoreBody::Cuba(body) = &core.body else {
                self.blame("verify/core", place, "it is not a Loihi-style core");
                continue;
            };
            if last.is_some_and(|last| last >= core.core) || core.core >= self.chip.cores() {
                self.blame("verify/core", place.clone(), "cores must ascend and exist on the chip");
            }
            last = Some(core.core);
            for what in check_core(body, self.chip, spec) {
                self.blame("verify/core", place.clone(), what);
            }
            self.extras.extend(extras(body).into_iter().map(|(list, of)| ((core.core, list), of)));
            self.cores.insert(core.core, body);
        }
    }

    /// Every neuron has one place of its own with its registers; no place is left over.
    fn neurons(&mut self) {
        for (number, (placed, population)) in self.image.populations.iter().zip(&self.network.populations).enumerate() {
            let expected = if population.is_input() { 0 } else { population.size() };
            if placed.places.len() != expected || !placed.copies.is_empty() {
                let what = format!("{} places for {expected} neurons", placed.places.len());
                self.blame("verify/places", format!("population '{}'", population.name), what);
                continue;
            }
            let wanted_program = match &population.neuron {
                Some(IntNeuron::Program(neuron)) => Some(programs::Wanted::new(self.network, number, neuron)),
                _ => None,
            };
            for (neuron, place) in placed.places.iter().enumerate() {
                let name = || format!("population '{}', neuron {neuron}", population.name);
                let stored = self.cores.get(&place.core).and_then(|body| {
                    let config = body.config_of.get(usize::from(place.neuron))?;
                    body.configs.get(usize::from(*config))
                });
                let wanted = match &population.neuron {
                    Some(IntNeuron::Cuba(registers)) => Some(configuration(registers, neuron)),
                    Some(IntNeuron::Program(_)) => Some(CompartmentConfig::PROGRAM),
                    _ => None,
                };
                let group = self.cores.get(&place.core).and_then(|body| group_of(body, u32::from(place.neuron)));
                let programmed = match (&wanted_program, group) {
                    (Some(wanted), group) => wanted.difference(group, neuron, u32::from(place.neuron)),
                    (_, Some(group)) => Some(format!("it runs program '{}', the network has registers", group.name)),
                    (_, None) => None,
                };
                if let Some(what) = programmed {
                    self.blame("verify/program", name(), what);
                }
                if stored != wanted.as_ref() || stored.is_none() {
                    self.blame("verify/registers", name(), format!("image {stored:?}, network {wanted:?}"));
                }
                let begun = self.cores.get(&place.core).map(|body| begins(body, place.neuron));
                let wanted = match &population.neuron {
                    Some(IntNeuron::Cuba(registers)) => Some(start(registers, neuron)),
                    Some(IntNeuron::Program(_)) => Some((0, 0)),
                    _ => None,
                };
                if begun != wanted {
                    self.blame("verify/initial", name(), format!("image {begun:?}, network {wanted:?} (u, v)"));
                }
                if self.owner.insert(*place, (number as u32, neuron as u32)).is_some() {
                    self.blame("verify/places", name(), "its place is taken twice");
                }
            }
        }
        let compartments: usize = self.cores.values().map(|body| body.config_of.len()).sum();
        if compartments != self.owner.len() {
            let what = format!("{compartments} compartments for {} neurons", self.owner.len());
            self.blame("verify/places", "", what);
        }
    }

    /// Every source's synapses, read from the image and from the network.
    fn synapses(&mut self) {
        let mut reached = Reached::default();
        // Only what learns is looked up by its axons.
        let learns = !self.network.learning.is_empty() || self.image.learning().next().is_some();
        let mut input = self.image.inputs.iter();
        for (number, population) in self.network.populations.iter().enumerate() {
            let input = if population.is_input() { input.next() } else { None };
            for neuron in 0..population.size() {
                let packets = match input {
                    Some(input) => injected(input, neuron),
                    None => self.sent(self.image.populations[number].places.get(neuron).copied()),
                };
                let Some(packets) = packets else {
                    let what = "its packets are not listed consistently";
                    self.blame("verify/routes", format!("population '{}', neuron {neuron}", population.name), what);
                    continue;
                };
                let fresh = packets.iter().filter(|packet| reached.insert(packet.0, packet.1)).count();
                let source = |output| (number as u32, neuron as u32, output);
                if learns {
                    self.axons.extend(packets.iter().map(|&(core, axon, _, output)| ((core, axon), source(output))));
                }
                if fresh != packets.len() {
                    let place = format!("population '{}', neuron {neuron}", population.name);
                    self.blame("verify/axons", place, "it shares an inbound axon with another source");
                }
                let found = self.arriving(&packets);
                self.compare(number, neuron as u32, found);
                if self.problems.len() > MOST {
                    return;
                }
            }
        }
        let axons: usize = self.cores.values().map(|body| body.axon_offsets.len().saturating_sub(1)).sum();
        if axons != reached.count {
            self.blame("verify/axons", "", format!("{axons} inbound axons, but {} are reached", reached.count));
        }
    }

    /// Packets of the neuron at `place`.
    fn sent(&self, place: Option<Place>) -> Option<Vec<Packet>> {
        let place = place?;
        let body = self.cores.get(&place.core)?;
        let at = usize::from(place.neuron);
        let (from, to) = (*body.out_offsets.get(at)?, *body.out_offsets.get(at + 1)?);
        let packets = body.axons_out.get(from as usize..to as usize)?;
        Some(packets.iter().map(|packet| (packet.core, packet.axon, 0, packet.output)).collect())
    }

    /// What the packets do to the neurons of the network.
    fn arriving(&self, packets: &[Packet]) -> Option<Vec<Effect>> {
        let mut found = Vec::new();
        for &(core, axon, late, output) in packets {
            let body = self.cores.get(&core)?;
            let at = usize::from(axon);
            let (from, to) = (*body.axon_offsets.get(at)?, *body.axon_offsets.get(at + 1)?);
            for ListUse { list: number, base } in body.list_uses.get(from as usize..to as usize)? {
                let list = body.lists.get(*number as usize)?;
                let extras = self.extras.get(&(core, *number));
                let exponent = body.formats.get(usize::from(list.format))?.weight_exponent;
                let first = list.first as usize;
                for (at, synapse) in body.synapses.get(first..first + list.count as usize)?.iter().enumerate() {
                    if synapse.weight == 0 && extras.is_none() {
                        continue;
                    }
                    let neuron = synapse.target.checked_add(*base)?;
                    let (population, index) = *self.owner.get(&Place { core, neuron })?;
                    found.push((
                        population,
                        index,
                        i32::from(synapse.weight),
                        exponent,
                        u32::from(synapse.delay) + late,
                        list.projection,
                        output,
                        extras.and_then(|extras| extras.get(at).copied()),
                    ));
                }
            }
            for list in &body.compressed {
                for (neuron, weight, delay) in verify_compressed::synapses(list, axon)? {
                    let (population, index) = *self.owner.get(&Place { core, neuron })?;
                    let (exponent, delay) = (list.weight_exponent, delay + late);
                    found.push((population, index, weight, exponent, delay, list.projection, output, None));
                }
            }
        }
        Some(found)
    }

    /// Compares the synapses of one source with those of the network.
    fn compare(&mut self, source: usize, neuron: u32, found: Option<Vec<Effect>>) {
        let mut wanted: Vec<Effect> = Vec::new();
        let projections = (0_u32..).zip(&self.written);
        for (number, projection) in projections.filter(|(_, p)| p.source.index() == source) {
            let learning = self.network.learning_of(number as usize);
            let output = self.network.output_of(projection);
            let apart = self.spec.dialect == crate::chip::Dialect::Lava;
            projection.pattern.visit(neuron, |target, weight| {
                let weight = weight as usize;
                let (value, delay) = (projection.weights[weight], projection.delays.of(weight));
                let extras = learning.map(|learning| {
                    let own = learning.delay(weight).unwrap_or(delay as i16);
                    (learning.tag(weight), if apart && learning.needs_delay() { own } else { 0 })
                });
                if value != 0 || learning.is_some() {
                    let (population, exponent) = (projection.target.0, projection.exponent);
                    wanted.push((population, target, value, exponent, delay.into(), number, output, extras));
                }
            });
        }
        wanted.sort_unstable();
        let place = format!("population '{}', neuron {neuron}", self.network.populations[source].name);
        let Some(mut found) = found else {
            self.blame("verify/synapses", place, "its packets lead to axons or compartments that do not exist");
            return;
        };
        found.sort_unstable();
        if let Some(at) = (0..wanted.len().max(found.len())).find(|&k| wanted.get(k) != found.get(k)) {
            let tell = |effect: Option<&Effect>| {
                effect.map_or_else(
                    || "nothing".to_owned(),
                    |(p, n, w, e, d, k, output, extras)| {
                        let extras = extras.map_or(String::new(), |(tag, apart)| format!(", tag {tag}, d {apart}"));
                        format!("population {p} neuron {n}, weight {w} * 2^{e}, delay {d}, projection {k}, output {output}{extras}")
                    },
                )
            };
            let what = format!("synapse {at}: image has {}, network {}", tell(found.get(at)), tell(wanted.get(at)));
            self.blame("verify/synapses", place, what);
        }
    }
}

/// Inbound axons that a packet comes to: a bit for each that 16 bits can name, by core.
#[derive(Default)]
struct Reached {
    cores: HashMap<u32, Vec<u64>>,
    count: usize,
}

impl Reached {
    /// Notes an axon; whether it is new.
    fn insert(&mut self, core: u32, axon: u16) -> bool {
        let words = self.cores.entry(core).or_insert_with(|| vec![0; (1 << 16) / 64]);
        let (word, bit) = (&mut words[usize::from(axon / 64)], 1_u64 << (axon % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(fresh);
        fresh
    }
}

/// u and v that a core gives a compartment before the first tick.
fn begins(body: &CubaCore, compartment: u16) -> (i32, i32) {
    let found = body.initial.iter().find(|start| start.compartment == compartment);
    found.map_or((0, 0), |start| (start.u, start.v))
}

/// Packets that the host injects for one input neuron.
fn injected(input: &crate::image::InputImage, neuron: usize) -> Option<Vec<Packet>> {
    let (from, to) = (*input.offsets.get(neuron)?, *input.offsets.get(neuron + 1)?);
    let targets = input.targets.get(from as usize..to as usize)?;
    targets.iter().map(|t| Some((t.core, t.axon, u32::from(t.delay).checked_sub(1)?, 0))).collect()
}
