//! Route and emit: destinations of every slot, relay cores, and the image.

use std::collections::BTreeMap;

use super::check::largest_threshold;
use super::lags::{pick, span, start};
use super::plan::{Packed, Plan, relay_chunks};
use crate::chip::{ChipSpec, CrossbarSpec};
use crate::graph::{CrossbarNeuron, IntGraph, IntNeuron, NegativeReset, SpikeReset};
use crate::ids::CoreId;
use crate::image::{
    CoreBody, CoreImage, Crossbar, CrossbarParameters, Destination, Image, InputImage, NeuronCopy, OutputImage, Place,
    PopulationImage,
};

/// A slot of a core before its bits are set.
#[derive(Clone, Copy)]
struct Slot {
    neuron: u32,
    destination: Option<Destination>,
}

/// Logical cores of every population in the order of the chip's: its own, then its relays.
struct Numbering<'a> {
    first: Vec<usize>,
    order: &'a [CoreId],
}

impl Numbering<'_> {
    fn physical(&self, population: usize, core: usize) -> u32 {
        self.order[self.first[population] + core].0
    }
}

/// Logical cores that the plan needs, by population.
pub(super) fn cores_of(graph: &IntGraph, plan: &Plan, chip: &ChipSpec) -> Vec<usize> {
    let relays = relays(graph, plan, chip);
    plan.populations
        .iter()
        .zip(relays)
        .map(|(p, relays)| p.as_ref().map_or(0, |p| p.cores.len()) + relays.len())
        .collect()
}

/// Packets that every neuron must send, by population.
fn fan_outs(graph: &IntGraph, plan: &Plan) -> Vec<Vec<u32>> {
    let mut counts: Vec<Vec<u32>> = graph.populations.iter().map(|p| vec![0; p.size()]).collect();
    for &(line, mask) in plan.populations.iter().flatten().flat_map(|p| &p.cores).flat_map(|core| &core.lines) {
        let (population, neuron, _) = plan.lines.split(line);
        counts[population][neuron as usize] += mask.count_ones();
    }
    counts
}

/// Relay cores of every population.
fn relays(graph: &IntGraph, plan: &Plan, chip: &ChipSpec) -> Vec<Vec<Vec<(u32, u32)>>> {
    let packed = fan_outs(graph, plan).into_iter().zip(&plan.populations);
    packed
        .map(|(counts, packed)| match packed {
            Some(packed) if packed.relayed => relay_chunks(&counts, chip.capacity.neurons, chip.capacity.axons_in),
            _ => Vec::new(),
        })
        .collect()
}

/// Emits the image; `order` has a physical core for every logical one.
pub(super) fn emit(graph: &IntGraph, plan: &Plan, chip: &ChipSpec, spec: &CrossbarSpec, order: &[CoreId]) -> Image {
    let counts = cores_of(graph, plan, chip);
    let first = counts.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + count))).collect();
    let numbering = Numbering { first, order };
    let mut targets = destinations(graph, plan, &numbering);
    let mut cores: Vec<CoreImage> = Vec::new();
    let mut populations = Vec::new();
    for (p, (population, relays)) in graph.populations.iter().zip(relays(graph, plan, chip)).enumerate() {
        let mut place = PopulationImage {
            name: population.name.clone(),
            shape: population.shape.clone(),
            places: Vec::new(),
            copies: Vec::new(),
        };
        if let (Some(packed), Some(IntNeuron::Crossbar(neuron))) = (&plan.populations[p], &population.neuron) {
            for (index, chunks) in relays.iter().enumerate() {
                let core = numbering.physical(p, packed.cores.len() + index);
                let body = relay_core(core, chunks, &mut targets[p]);
                cores.push(CoreImage { core, body: CoreBody::Crossbar(body) });
            }
            let parameters = Registers { neuron, lag: plan.lags[p], spec };
            for (core, slots) in slots(packed, &mut targets[p]).into_iter().enumerate() {
                let physical = numbering.physical(p, core);
                record(&mut place, physical, &slots, population.size());
                let body = crossbar(packed, core, &slots, &parameters);
                cores.push(CoreImage { core: physical, body: CoreBody::Crossbar(body) });
            }
        }
        populations.push(place);
    }
    cores.sort_by_key(|core| core.core);
    Image {
        network: graph.name.clone(),
        chip: chip.name.clone(),
        cores,
        populations,
        inputs: inputs(graph, &targets),
        outputs: graph
            .outputs
            .iter()
            .map(|o| OutputImage { name: o.name.clone(), population: o.population.0 })
            .collect(),
        depth: depth(graph, &plan.lags),
    }
}

/// Where every neuron of every population must send a packet.
fn destinations(graph: &IntGraph, plan: &Plan, numbering: &Numbering<'_>) -> Vec<Vec<Vec<Destination>>> {
    let mut all: Vec<Vec<Vec<Destination>>> =
        graph.populations.iter().map(|population| vec![Vec::new(); population.size()]).collect();
    for (p, packed) in plan.populations.iter().enumerate() {
        for (index, core) in packed.iter().flat_map(|packed| packed.cores.iter().enumerate()) {
            let physical = numbering.physical(p, index);
            let mut axon = 0;
            for &(line, mask) in &core.lines {
                let (source, neuron, delay) = plan.lines.split(line);
                let ticks = 1 + i64::from(delay) + i64::from(plan.lags[p]) - i64::from(plan.lags[source]);
                for _ in 0..mask.count_ones() {
                    all[source][neuron as usize].push(Destination { core: physical, axon, delay: ticks as u8 });
                    axon += 1;
                }
            }
        }
    }
    all
}

/// A relay core: axon k serves chunk k. Takes the destinations over from their neurons, which get the axon instead.
fn relay_core(core: u32, chunks: &[(u32, u32)], targets: &mut [Vec<Destination>]) -> Crossbar {
    let neurons: usize = chunks.iter().map(|(_, count)| *count as usize).sum();
    let words = neurons.div_ceil(64);
    let identity = CrossbarParameters { weights: [1, 0, 0, 0], ..CrossbarParameters::SILENT };
    let mut body = Crossbar {
        axon_types: vec![0; chunks.len()],
        rows: vec![0; chunks.len() * words].into(),
        parameters: vec![identity],
        parameter_of: vec![0; neurons],
        destinations: Vec::new(),
        seed: Crossbar::SEED,
    };
    for (axon, &(source, count)) in chunks.iter().enumerate() {
        let mine = &mut targets[source as usize];
        for destination in mine.drain(..count as usize) {
            let slot = body.destinations.len();
            body.rows[axon * words + slot / 64] |= 1 << (slot % 64);
            body.destinations.push(Some(Destination { delay: destination.delay - 1, ..destination }));
        }
        // At the end: chunks of one source are drained from the front.
        mine.push(Destination { core, axon: axon as u16, delay: 1 });
    }
    body
}

/// Slots of every core of a population, each with its destination.
fn slots(packed: &Packed, targets: &mut [Vec<Destination>]) -> Vec<Vec<Slot>> {
    let mut placed = vec![false; packed.fan.neurons() as usize];
    let mut of_core = Vec::new();
    for core in &packed.cores {
        let mut slots = Vec::new();
        for &(neuron, count) in &core.members {
            let mine = &mut targets[neuron as usize];
            for _ in 0..count {
                let destination = mine.pop();
                // Fan-out may have shrunk since the slots were reserved; a neuron is placed once in any case.
                if destination.is_some() || !placed[neuron as usize] {
                    slots.push(Slot { neuron, destination });
                    placed[neuron as usize] = true;
                }
            }
        }
        of_core.push(slots);
    }
    of_core
}

/// Notes the places of a core's slots.
fn record(place: &mut PopulationImage, core: u32, slots: &[Slot], size: usize) {
    // Set below for every neuron, since every neuron has a slot.
    const NOWHERE: Place = Place { core: u32::MAX, neuron: 0 };
    place.places.resize(size, NOWHERE);
    for (index, slot) in slots.iter().enumerate() {
        let here = Place { core, neuron: index as u16 };
        let first = &mut place.places[slot.neuron as usize];
        if *first == NOWHERE {
            *first = here;
        } else {
            place.copies.push(NeuronCopy { neuron: slot.neuron, place: here });
        }
    }
}

/// Registers of a population as the image stores them.
struct Registers<'a> {
    neuron: &'a CrossbarNeuron,
    lag: u32,
    spec: &'a CrossbarSpec,
}

impl Registers<'_> {
    fn of(&self, neuron: u32, weights: [i16; 4]) -> CrossbarParameters {
        let (n, index) = (self.neuron, neuron as usize);
        CrossbarParameters {
            weights,
            leak: pick(&n.leak, index),
            threshold: n.threshold.as_ref().map_or(largest_threshold(self.spec), |alpha| pick(alpha, index)),
            negative_threshold: pick(&n.negative_threshold, index),
            spike_reset: match n.spike_reset {
                SpikeReset::Value => 0,
                SpikeReset::Linear => 1,
                SpikeReset::None => 2,
            },
            negative_saturate: n.negative_reset == NegativeReset::Saturate,
            reset_value: pick(&n.reset_value, index),
            initial: start(n, index, self.lag, self.spec).unwrap_or(0),
            // A graph says nothing of leak reversal and random parts.
            ..CrossbarParameters::SILENT
        }
    }
}

/// A core of neurons.
fn crossbar(packed: &Packed, core: usize, slots: &[Slot], registers: &Registers<'_>) -> Crossbar {
    let lines = &packed.cores[core].lines;
    let mut axon_types = Vec::new();
    let mut first_axon = Vec::new();
    for &(_, mask) in lines {
        first_axon.push(axon_types.len());
        axon_types.extend((0..4_u8).filter(|bit| mask >> bit & 1 == 1));
    }
    let words = slots.len().div_ceil(64);
    let mut rows = vec![0; axon_types.len() * words];
    let mut numbers: BTreeMap<CrossbarParameters, u16> = BTreeMap::new();
    let mut parameters = Vec::new();
    let mut parameter_of = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        for (line, mask) in packed.sliced.of_neuron(&packed.fan, slot.neuron) {
            let at = lines.partition_point(|(other, _)| *other < line);
            let present = lines[at].1;
            for bit in (0..4_u8).filter(|bit| mask >> bit & 1 == 1) {
                // The axons of a line follow each other by type.
                let axon = first_axon[at] + (present & ((1 << bit) - 1)).count_ones() as usize;
                rows[axon * words + index / 64] |= 1_u64 << (index % 64);
            }
        }
        let wanted = registers.of(slot.neuron, packed.sliced.bases[slot.neuron as usize]);
        let number = *numbers.entry(wanted.clone()).or_insert_with(|| {
            parameters.push(wanted);
            (parameters.len() - 1) as u16
        });
        parameter_of.push(number);
    }
    let destinations = slots.iter().map(|slot| slot.destination).collect();
    Crossbar { axon_types, rows: rows.into(), parameters, parameter_of, destinations, seed: Crossbar::SEED }
}

/// Packets of the host.
fn inputs(graph: &IntGraph, targets: &[Vec<Vec<Destination>>]) -> Vec<InputImage> {
    let inputs = graph.populations.iter().enumerate().filter(|(_, population)| population.is_input());
    inputs
        .map(|(p, _)| {
            let mut input = InputImage { population: p as u32, offsets: vec![0], targets: Vec::new() };
            for targets in &targets[p] {
                input.targets.extend(targets);
                input.offsets.push(input.targets.len() as u32);
            }
            input
        })
        .collect()
}

/// Longest over the outputs of the shortest way from an input, in ticks, lags included.
pub(super) fn depth(graph: &IntGraph, lags: &[u32]) -> u32 {
    let mut ticks: Vec<Option<u32>> = graph.populations.iter().map(|p| p.is_input().then_some(0)).collect();
    // Shortest paths by relaxation: one round a population is enough.
    for _ in 0..graph.populations.len() {
        let mut changed = false;
        for projection in &graph.projections {
            let Some(start) = ticks[projection.source.index()] else { continue };
            let there = start + 1 + u32::from(span(&projection.delays).0);
            let target = &mut ticks[projection.target.index()];
            if target.is_none_or(|known| there < known) {
                *target = Some(there);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let outputs = graph.outputs.iter().map(|output| output.population.index());
    outputs.filter_map(|p| ticks[p].map(|ticks| ticks + lags[p])).max().unwrap_or(0)
}
