//! A made-up run with realistic figures, for the tests of the renderers.

use crate::chip::{
    CapacityLimits, ChipSpec, CrossbarOptions, CrossbarSpec, EnergyEntry, EnergyTable, Fact, Family, MeshSpec,
    StaticPower, Status, SyncSpec, UnitTimes,
};
use crate::compile::{CoreUse, Log, Metrics, ResourceUse, TensorError};
use crate::digest::Digest;
use crate::emu::counters::{EventCounts, LinkLoad, PacketLatency, RunResult, SampleResult, Spike, TickTime};
use crate::energy::{Baseline, bill};
use crate::event::Event;
use crate::report::{AccuracyFacts, ImageFacts, Inputs, Report, SampleFacts, build};
use crate::rng::keyed;
use crate::units::Picos;

const POPULATIONS: [(&str, u32); 4] = [("input", 64), ("hidden", 256), ("deep", 128), ("out", 10)];
const WIDTH: u16 = 8;

/// A chip with `width` x `width` routers of two cores.
fn chip(width: u16) -> ChipSpec {
    let mut entries = [None; Event::COUNT];
    let prices = [
        (Event::NeuronAccess, 52_000_000),
        (Event::NeuronUpdate, 29_000_000),
        (Event::AxonOut, 1_700_000),
        (Event::SynapseDense, 23_600_000),
        (Event::SynapseSparse, 27_100_000),
        (Event::HopX, 3_000_000),
        (Event::HopY, 4_000_000),
    ];
    for (event, attojoules) in prices {
        entries[event.index()] = Some(EnergyEntry { attojoules, reference_mv: 750, exponent_milli: 2000 });
    }
    ChipSpec {
        name: "made-up".to_owned(),
        title: "a synthetic chip for tests".to_owned(),
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
        capacity: CapacityLimits { neurons: 256, axons_in: 256, axons_out: 256 },
        mesh: MeshSpec {
            width,
            height: width,
            cores_per_router: 2,
            hop_x: Some(Picos(4_100)),
            hop_y: None,
            local: None,
            cycle: None,
            buffer: 4,
            host: (0, 0),
            edge: None,
        },
        defects: crate::chip::Defects::default(),
        sync: SyncSpec::Barrier { table: vec![(1, Picos(113_000)), (32, Picos(465_000))] },
        times: UnitTimes::default(),
        energy: EnergyTable {
            cost_set: "davies2018".to_owned(),
            cost_note: "pre-silicon SDF/SPICE".to_owned(),
            supply_mv: 750,
            entries,
            static_power: Some(StaticPower { nanowatts: 104_000_000, reference_mv: 750, exponent_milli: 1000 }),
        },
        facts: facts(),
        unknown: vec!["mesh.hop_y".to_owned(), "energy.davies2018.spike_out".to_owned()],
        digest: Digest::of(b"chip"),
    }
}

/// Constants of every status.
fn facts() -> Vec<Fact> {
    let fact = |key: &str, value: &str, unit: &str, source: &str, status| Fact {
        key: key.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
        source: source.to_owned(),
        status,
    };
    vec![
        fact("mesh.hop_x", "4.1", "ns", "Davies et al. 2018, table 2", Status::Published),
        fact("energy.davies2018.synapse_dense", "23.6", "pJ", "Davies et al. 2018, table 2", Status::Published),
        fact("energy.davies2018.static", "104", "mW", "3.34 W over 32 chips, Frady et al. 2020", Status::Derived),
        fact("energy.nahuku.axon_out", "111", "pJ", "regression on Nahuku silicon <2025>", Status::Measured),
        fact("mesh.buffer", "16", "packets", "no public number", Status::Estimated),
    ]
}

/// Spikes of two recorded populations, denser in the hidden one.
fn spikes(sample: u64, ticks: u32) -> Vec<Spike> {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for (population, rate) in [(1, 0.07), (2, 0.04), (3, 0.1)] {
            for neuron in 0..POPULATIONS[population as usize].1 {
                let draw = keyed(sample, u64::from(population), u64::from(neuron), u64::from(tick), 0) % 10_000;
                let draw = draw as f64 / 10_000.0;
                let wave = 1.0 + (f64::from(tick) * 0.2 + f64::from(neuron) * 0.05).sin();
                if tick > population && draw < rate * wave {
                    spikes.push(Spike { tick, population, neuron });
                }
            }
        }
    }
    spikes
}

fn sample(index: u64, ticks: u32) -> SampleResult {
    let spikes = spikes(index, ticks);
    let mut counts = EventCounts::default();
    let fired = spikes.len() as u64;
    counts.add(Event::NeuronAccess, u64::from(ticks) * 394);
    counts.add(Event::NeuronUpdate, u64::from(ticks) * 120);
    counts.add(Event::SpikeOut, fired);
    counts.add(Event::AxonOut, fired * 2);
    counts.add(Event::AxonIn, fired * 2);
    counts.add(Event::SynapseDense, fired * 150);
    counts.add(Event::SynapseSparse, fired * 11);
    counts.add(Event::HopX, fired * 3);
    counts.add(Event::HopY, fired * 2);
    let time = |tick: u32| {
        let work = spikes.iter().filter(|spike| spike.tick == tick).count() as u64;
        let (busy, drained) = (Picos(300_000 + work * 61_000), Picos(90_000 + work * 52_000));
        TickTime { duration: busy.max(drained) + Picos(220_000), busy, drained }
    };
    let tick_times = (0..ticks).map(time).collect();
    SampleResult {
        ticks,
        output_counts: vec![vec![1; 10]],
        output_first: vec![vec![5, u32::MAX]],
        output_membranes: vec![vec![0; 10]],
        spike_total: fired,
        counts,
        tick_times,
        latency: PacketLatency { packets: fired * 2, total: Picos(fired * 2 * 31_000), worst: Picos(412_000) },
        spikes,
        ..SampleResult::default()
    }
}

fn log(cores: &[u32]) -> Log {
    let mut log = Log::default();
    log.say("partition", "4 populations on 20 cores");
    log.warn("quantise", "hidden.weight: 3 of 16384 values were clipped");
    log.metrics = Metrics { cores: cores.len() as u32, connections: 9_216, hops: 31_020, added_neurons: 12 };
    log.tensors.push(TensorError {
        name: "hidden.weight".to_owned(),
        values: 16_384,
        step: 0.0078,
        max_error: 0.0039,
        rms_error: 0.0022,
        saturated: 3,
    });
    for &core in cores {
        let used = |limit: u32, salt: u32| limit - (core * salt) % (limit * 2 / 3);
        let resource = |resource, limit, salt| ResourceUse { resource, used: used(limit, salt), limit };
        let resources = vec![
            resource("neurons", 1024, 37),
            resource("axons_in", 4096, 211),
            resource("axons_out", 4096, 97),
            resource("synapse_words", 16_384, 1_913),
        ];
        log.cores.push(CoreUse { core, resources, populations: vec![(1, 20)] });
    }
    log
}

/// A run with activity on the `used` cores.
fn result(samples: u32, ticks: u32, width: u16, used: &[u32]) -> RunResult {
    let mut result = RunResult {
        samples: (0..samples).map(|index| sample(u64::from(index), ticks)).collect(),
        population_spikes: vec![9_000, 41_000, 12_000, 2_100],
        ..RunResult::default()
    };
    result.samples[0].faults.merged_spikes = 17;
    for &core in used {
        let mut counts = EventCounts::default();
        counts.add(Event::SynapseDense, u64::from(core * 7_919 % 5_000) * 10);
        counts.add(Event::AxonIn, u64::from(core * 101 % 900));
        counts.add(Event::SpikeOut, u64::from(core * 31 % 400));
        result.core_counts.push(counts);
    }
    let routers = u32::from(width) * u32::from(width);
    result.links = (0..routers * 4)
        .map(|link| {
            let (x, y) = (link / 4 % u32::from(width), link / 4 / u32::from(width));
            let packets =
                if x + y < used.len() as u32 / u32::from(width) { u64::from(link * 2_654_435 % 4_000) } else { 0 };
            LinkLoad { packets, peak: (packets / 40) as u32 }
        })
        .collect();
    result
}

/// A run of `samples` samples of `ticks` ticks on `cores` cores of a mesh of `width` x `width` routers.
pub(super) fn run(samples: u32, ticks: u32, width: u16, cores: u32) -> Report {
    let chip = chip(width);
    let used: Vec<u32> = (0..cores).collect();
    let log = log(&used);
    let result = result(samples, ticks, width, &used);
    let mut counts = EventCounts::default();
    result.samples.iter().for_each(|sample| counts.merge(&sample.counts));
    let seconds: f64 = result
        .samples
        .iter()
        .map(|sample| sample.tick_times.iter().map(|tick| tick.duration.as_seconds()).sum::<f64>())
        .sum();
    let bill = bill(&chip.energy, &counts, Some(seconds));
    let baselines = [
        Baseline {
            name: "45 nm fp32 arithmetic",
            mac_pj: 4.6,
            ac_pj: 0.9,
            memory_pj: Some(5.0),
            source: "Horowitz 2014",
        },
        Baseline { name: "45 nm int8 arithmetic", mac_pj: 0.23, ac_pj: 0.03, memory_pj: None, source: "Horowitz 2014" },
    ];
    build(Inputs {
        version: "0.1.0",
        network_name: "digits <made up>",
        chip: &chip,
        image: ImageFacts {
            digest: Digest::of(b"image").to_string(),
            bytes: Some(81_920),
            depth: 3,
            cores: used,
            populations: POPULATIONS.map(|(name, neurons)| (name.to_owned(), neurons)).to_vec(),
            outputs: vec!["out".to_owned()],
            synapses: Some(50_432),
            dense_macs: Some(50_432),
        },
        log: Some(&log),
        result: &result,
        injected: vec![(0, 9_000)],
        samples: (0..samples)
            .map(|index| SampleFacts {
                name: format!("digit {index}"),
                label: Some(index % 10),
                predicted: Some(if index % 23 == 7 { (index + 5) % 10 } else { index % 10 }),
            })
            .collect(),
        accuracy: Some(AccuracyFacts { readout: "spike count".to_owned(), float: Some(0.972) }),
        bill: &bill,
        baselines: &baselines,
        options: vec![("placement".to_owned(), "hilbert".to_owned()), ("seed".to_owned(), "1".to_owned())],
        digest: Digest::of(b"run"),
    })
}

/// A small run.
pub(super) fn report() -> Report {
    run(60, 60, WIDTH, 20)
}
