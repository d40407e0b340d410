//! Small chips and images by hand, and random ones.

mod function;
mod neuron;
mod parallel;
mod programs;
mod reference;
mod statistics;
mod time;

use super::counters::RunResult;
use super::{Quiet, Record, RunOptions, run, run_unloading};
use crate::chip::{
    CapacityLimits, ChipSpec, CrossbarOptions, CrossbarSpec, CubaSpec, Dialect, EnergyTable, Family, MeshSpec,
    ProgramSpec, SyncSpec, UnitTimes,
};
use crate::digest::Digest;
use crate::event::Event;
use crate::image::{
    AxonOut, CompartmentConfig, CoreBody, CoreImage, Crossbar, CrossbarParameters, CubaCore, Destination, Image,
    InputImage, ListKind, ListUse, OutputImage, Place, PopulationImage, Synapse, SynapseFormat, SynapseList,
};
use crate::stimulus::{InputSpike, Sample, Stimulus};
use crate::units::Picos;

/// Times of unit operations in picoseconds, all distinct.
const TIMES: [(Event, u64); 9] = [
    (Event::NeuronAccess, 500),
    (Event::NeuronUpdate, 300),
    (Event::SpikeOut, 20),
    (Event::AxonOut, 70),
    (Event::AxonIn, 110),
    (Event::SynapseCrossbar, 9),
    (Event::SynapseDense, 13),
    (Event::SynapseSparse, 17),
    (Event::SynapseShared, 19),
];

fn unit_times(times: &[(Event, u64)]) -> UnitTimes {
    let mut entries = [None; Event::COUNT];
    for &(event, time) in times {
        entries[event.index()] = Some(Picos(time));
    }
    UnitTimes::new(entries)
}

fn chip(family: Family, sync: SyncSpec, times: &[(Event, u64)]) -> ChipSpec {
    ChipSpec {
        name: "tiny".to_owned(),
        title: String::new(),
        family,
        capacity: CapacityLimits { neurons: 256, axons_in: 256, axons_out: 256 },
        mesh: MeshSpec {
            width: 4,
            height: 2,
            cores_per_router: 2,
            hop_x: Some(Picos(41)),
            hop_y: Some(Picos(65)),
            local: Some(Picos(21)),
            cycle: Some(Picos(10)),
            buffer: 2,
            host: (0, 0),
            edge: None,
        },
        defects: crate::chip::Defects::default(),
        sync,
        times: unit_times(times),
        energy: EnergyTable {
            cost_set: String::new(),
            cost_note: String::new(),
            supply_mv: 1000,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        facts: Vec::new(),
        unknown: Vec::new(),
        digest: Digest::default(),
    }
}

fn crossbar_chip(sync: SyncSpec) -> ChipSpec {
    optional_chip(sync, CrossbarOptions::default())
}

fn optional_chip(sync: SyncSpec, options: CrossbarOptions) -> ChipSpec {
    let spec = CrossbarSpec {
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
        options,
    };
    chip(Family::Crossbar(spec), sync, &TIMES)
}

fn cuba_chip(sync: SyncSpec) -> ChipSpec {
    let spec = CubaSpec {
        dialect: Dialect::Lava,
        state_bits: 24,
        decay_bits: 12,
        threshold_bits: 17,
        bias_bits: 13,
        bias_exponent_max: 7,
        weight_bits: 9,
        weight_exponent_min: -8,
        weight_exponent_max: 7,
        delay_max: 62,
        delay_slots: None,
        synapse_words: 16384,
        weight_widths: vec![1, 2, 3, 4, 5, 6, 8],
        index_widths: vec![6, 7, 8],
        block_synapses: 64,
        block_overhead_bits: 10,
        compartment_configs: 1024,
        threshold_configs: 1024,
        synapse_formats: 16,
        dendrites: 2,
        tag_bits: 9,
        programs: None,
    };
    chip(Family::Cuba(spec), sync, &TIMES)
}

fn barrier() -> SyncSpec {
    SyncSpec::Barrier { table: vec![(1, Picos(113_000)), (2, Picos(114_000)), (8, Picos(120_000))] }
}

fn fixed(period: u64) -> SyncSpec {
    SyncSpec::FixedTick { period: Picos(period) }
}

fn parameters(weights: [i16; 4], threshold: u32) -> CrossbarParameters {
    CrossbarParameters {
        weights,
        leak: 0,
        leak_reversal: false,
        threshold,
        negative_threshold: (1 << 18) - 1,
        spike_reset: 0,
        negative_saturate: true,
        reset_value: 0,
        initial: 0,
        stochastic_weights: [false; 4],
        stochastic_leak: false,
        threshold_mask_bits: 0,
    }
}

/// A core with one axon (type 0) and one neuron.
fn one_neuron(core: u32, parameters: CrossbarParameters, to: Option<Destination>) -> CoreImage {
    let body = Crossbar {
        axon_types: vec![0],
        rows: vec![1].into(),
        parameters: vec![parameters],
        parameter_of: vec![0],
        destinations: vec![to],
        seed: 0,
    };
    CoreImage { core, body: CoreBody::Crossbar(body) }
}

fn config(decay_u: u16, decay_v: u16, threshold: Option<u32>) -> CompartmentConfig {
    CompartmentConfig { decay_u, decay_v, threshold, ..CompartmentConfig::PROGRAM }
}

fn format(kind: ListKind, weight_exponent: i8) -> SynapseFormat {
    SynapseFormat {
        kind,
        weight_bits: 8,
        signed: true,
        weight_exponent,
        index_bits: 0,
        delay_bits: 6,
        tag_bits: 0,
        fixed: 0,
        learns: false,
    }
}

/// A list core whose axon `n` works through the synapses of `axons[n]` in its format; `outs` are (neuron, target).
fn list_core(
    core: u32,
    configs: Vec<CompartmentConfig>,
    formats: Vec<SynapseFormat>,
    axons: &[(u8, Vec<Synapse>)],
    outs: &[(usize, AxonOut)],
) -> CoreImage {
    let neurons = configs.len();
    let mut body = CubaCore {
        config_of: (0..neurons as u16).collect(),
        initial: Vec::new(),
        joins: Vec::new(),
        configs,
        formats,
        lists: Vec::new(),
        synapses: Vec::new(),
        axon_offsets: vec![0],
        list_uses: Vec::new(),
        out_offsets: vec![0],
        axons_out: Vec::new(),
        learning: Vec::new(),
        programs: Vec::new(),
        compressed: Vec::new(),
    };
    for (number, (format, synapses)) in axons.iter().enumerate() {
        let first = body.synapses.len() as u32;
        let projection = u32::from(*format);
        body.lists.push(SynapseList { format: *format, projection, first, count: synapses.len() as u32 });
        body.synapses.extend(synapses);
        body.list_uses.push(ListUse { list: number as u32, base: 0 });
        body.axon_offsets.push(number as u32 + 1);
    }
    for neuron in 0..neurons {
        body.axons_out.extend(outs.iter().filter(|(from, _)| *from == neuron).map(|(_, to)| to));
        body.out_offsets.push(body.axons_out.len() as u32);
    }
    CoreImage { core, body: CoreBody::Cuba(body) }
}

const fn synapse(target: u16, weight: i16, delay: u8) -> Synapse {
    Synapse { target, weight, delay }
}

/// An image whose input neuron `n` has the targets `inputs[n]`, and whose one population, the output, is `places`.
fn image(cores: Vec<CoreImage>, inputs: &[Vec<Destination>], places: Vec<(u32, u16)>, depth: u32) -> Image {
    let mut offsets = vec![0];
    for targets in inputs {
        offsets.push(offsets[offsets.len() - 1] + targets.len() as u32);
    }
    let population = |name: &str, places: Vec<Place>, size: usize| PopulationImage {
        name: name.to_owned(),
        shape: vec![size as u32],
        places,
        copies: Vec::new(),
    };
    let places: Vec<Place> = places.into_iter().map(|(core, neuron)| Place { core, neuron }).collect();
    Image {
        network: "tiny".to_owned(),
        chip: "tiny".to_owned(),
        cores,
        populations: vec![population("in", Vec::new(), inputs.len()), population("out", places.clone(), places.len())],
        inputs: vec![InputImage { population: 0, offsets, targets: inputs.concat() }],
        outputs: vec![OutputImage { name: "out".to_owned(), population: 1 }],
        depth,
    }
}

const fn to(core: u32, axon: u16, delay: u8) -> Destination {
    Destination { core, axon, delay }
}

/// One sample of (tick, input, value).
fn stimulus(inputs: u32, ticks: u32, spikes: &[(u32, u32, u16)]) -> Stimulus {
    let spikes = spikes.iter().map(|&(tick, input, value)| InputSpike { tick, input, value }).collect();
    Stimulus { samples: vec![Sample { name: "s".to_owned(), spikes, ticks, label: None }], inputs }
}

fn options(timing: bool) -> RunOptions {
    RunOptions { timing, threads: 1, strict: false, record: Record::All }
}

fn play(image: &Image, chip: &ChipSpec, stimulus: &Stimulus, timing: bool) -> RunResult {
    run(image, chip, stimulus, &options(timing), &Quiet).expect("a good image runs")
}

/// (tick, neuron) of the spikes of population 1 in the first sample.
fn spikes(result: &RunResult) -> Vec<(u32, u32)> {
    result.samples[0].spikes.iter().map(|spike| (spike.tick, spike.neuron)).collect()
}
