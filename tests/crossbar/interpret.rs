//! A small chip, small networks, and a straight-line interpreter of images.

use std::collections::{BTreeMap, BTreeSet};

use spikeloom::chip::{
    CapacityLimits, ChipSpec, CrossbarOptions, CrossbarSpec, EnergyTable, Family, MeshSpec, SyncSpec, UnitTimes,
};
use spikeloom::compile::crossbar::{lags, lower, verify};
use spikeloom::compile::{Log, Options};
use spikeloom::diag::Problems;
use spikeloom::digest::Digest;
use spikeloom::event::Event;
use spikeloom::graph::{
    CrossbarNeuron, Delays, IntGraph, IntNeuron, NegativeReset, Output, Pattern, Population, Projection, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::image::{CoreBody, CrossbarParameters, Image};
use spikeloom::oracle;
use spikeloom::stimulus::Sample;
use spikeloom::units::Picos;

pub(crate) fn chip(side: u16, neurons: u32, axons: u32) -> ChipSpec {
    ChipSpec {
        name: "small".to_owned(),
        title: "test chip".to_owned(),
        family: Family::Crossbar(CrossbarSpec {
            axon_types: 4,
            weight_bits: 9,
            potential_bits: 20,
            threshold_bits: 18,
            delay_min: 1,
            delay_max: 15,
            reach: 255,
            row_bits: 410,
            packet_bits_x: 32,
            packet_bits_y: 24,
            options: CrossbarOptions::default(),
        }),
        capacity: CapacityLimits { neurons, axons_in: axons, axons_out: neurons },
        mesh: MeshSpec {
            width: side,
            height: side,
            cores_per_router: 1,
            hop_x: None,
            hop_y: None,
            local: None,
            cycle: None,
            buffer: 1,
            host: (0, 0),
            edge: None,
        },
        defects: spikeloom::chip::Defects::default(),
        sync: SyncSpec::FixedTick { period: Picos::from_nanos(1_000_000) },
        times: UnitTimes::default(),
        energy: EnergyTable {
            cost_set: String::new(),
            cost_note: String::new(),
            supply_mv: 750,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        facts: Vec::new(),
        unknown: Vec::new(),
        digest: Digest::default(),
    }
}

/// One tick of a stored neuron, written anew from the update order (synapses, leak, alpha, beta).
pub(crate) fn step(p: &CrossbarParameters, v: i64, input: i64) -> (i64, bool) {
    let clamp = |v: i64| v.clamp(-(1 << 19), (1 << 19) - 1);
    let v = clamp(clamp(v + input) + i64::from(p.leak));
    let (alpha, beta, r) = (i64::from(p.threshold), i64::from(p.negative_threshold), i64::from(p.reset_value));
    if v >= alpha {
        return ([r, v - alpha, v][usize::from(p.spike_reset)], true);
    }
    if v < -beta {
        return (if p.negative_saturate { -beta } else { [-r, v + beta, v][usize::from(p.spike_reset)] }, false);
    }
    (v, false)
}

pub(crate) type Slot = (u32, u16);

/// Interprets an image: spikes of every slot, and its last V.
pub(crate) fn interpret(image: &Image, sample: &Sample, ticks: u32) -> (BTreeMap<Slot, Vec<u32>>, BTreeMap<Slot, i64>) {
    let mut axons: BTreeSet<(u32, u32, u16)> = BTreeSet::new();
    let mut spikes: BTreeMap<Slot, Vec<u32>> = BTreeMap::new();
    let mut v: BTreeMap<Slot, i64> = BTreeMap::new();
    for tick in 0..ticks {
        for spike in sample.spikes.iter().filter(|spike| spike.tick == tick) {
            let mut index = spike.input as usize;
            for input in &image.inputs {
                let size = input.offsets.len() - 1;
                if index < size {
                    for t in &input.targets[input.offsets[index] as usize..input.offsets[index + 1] as usize] {
                        axons.insert((tick + u32::from(t.delay), t.core, t.axon));
                    }
                    break;
                }
                index -= size;
            }
        }
        for core in &image.cores {
            let CoreBody::Crossbar(body) = &core.body else { panic!("family") };
            let words = body.parameter_of.len().div_ceil(64);
            for (slot, &number) in body.parameter_of.iter().enumerate() {
                let p = &body.parameters[usize::from(number)];
                let mut input = 0;
                for (axon, &axon_type) in body.axon_types.iter().enumerate() {
                    let connected = body.rows[axon * words + slot / 64] >> (slot % 64) & 1 == 1;
                    if connected && axons.contains(&(tick, core.core, axon as u16)) {
                        input += i64::from(p.weights[usize::from(axon_type)]);
                    }
                }
                let here = (core.core, slot as u16);
                let (next, fires) = step(p, v.get(&here).copied().unwrap_or_else(|| i64::from(p.initial)), input);
                v.insert(here, next);
                if fires {
                    spikes.entry(here).or_default().push(tick);
                    if let Some(to) = body.destinations[slot] {
                        axons.insert((tick + u32::from(to.delay), to.core, to.axon));
                    }
                }
            }
        }
    }
    (spikes, v)
}

/// Compares every slot of every population with the oracle, shifted by the lags.
pub(crate) fn agrees(image: &Image, graph: &IntGraph, chip: &ChipSpec, sample: &Sample) -> usize {
    let lags = lags(image, graph, chip).expect("verified");
    let run = oracle::crossbar::run(graph, sample, 20);
    let ticks = sample.ticks + 20;
    let (spikes, v) = interpret(image, sample, ticks);
    let mut total = 0;
    for (p, population) in image.populations.iter().enumerate() {
        let firsts = population.places.iter().enumerate().map(|(n, place)| (n as u32, place));
        for (neuron, place) in firsts.chain(population.copies.iter().map(|copy| (copy.neuron, &copy.place))) {
            let of_oracle = run.spikes[p].iter().filter(|(_, n)| *n == neuron).map(|(tick, _)| tick + lags[p]);
            let expected: Vec<u32> = of_oracle.filter(|tick| *tick < ticks).collect();
            let found = spikes.get(&(place.core, place.neuron)).cloned().unwrap_or_default();
            assert_eq!(found, expected, "'{}' neuron {neuron} at {place:?}, lags {lags:?}", population.name);
            total += found.len();
            if lags[p] == 0 {
                assert_eq!(v[&(place.core, place.neuron)], i64::from(run.membranes[p][neuron as usize]));
            }
        }
    }
    total
}

pub(crate) fn population(name: &str, shape: &[u32], neuron: Option<CrossbarNeuron>) -> Population<IntNeuron> {
    Population { name: name.to_owned(), shape: shape.to_vec(), neuron: neuron.map(IntNeuron::Crossbar) }
}

pub(crate) fn plain(threshold: u32) -> CrossbarNeuron {
    CrossbarNeuron {
        leak: vec![0],
        threshold: Some(vec![threshold]),
        negative_threshold: vec![50],
        reset_value: vec![0],
        initial: vec![0],
        spike_reset: SpikeReset::Value,
        negative_reset: NegativeReset::Saturate,
    }
}

pub(crate) fn dense(
    source: u32,
    target: u32,
    sources: u32,
    targets: u32,
    weight: impl FnMut(u32) -> i32,
) -> Projection<i32> {
    Projection {
        name: format!("{source}-{target}"),
        source: PopulationId(source),
        target: PopulationId(target),
        pattern: Pattern::Dense { sources, targets },
        weights: (0..sources * targets).map(weight).collect(),
        exponent: 0,
        delays: Delays::Uniform(0),
    }
}

pub(crate) fn network(populations: Vec<Population<IntNeuron>>, projections: Vec<Projection<i32>>) -> IntGraph {
    let last = PopulationId::from(populations.len() - 1);
    let outputs = vec![Output { name: "out".to_owned(), population: last }];
    IntGraph { name: "net".to_owned(), populations, projections, outputs, learning: Vec::new() }
}

pub(crate) fn compile(graph: &IntGraph, chip: &ChipSpec) -> Result<Image, Problems> {
    let image = lower(graph, chip, &Options::default(), &spikeloom::watch::Quiet, &mut Log::default())?;
    verify(&image, graph, chip)?;
    Ok(image)
}
