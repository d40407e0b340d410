//! RANC's network grid.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use spikeloom::bits::BitRow;
use spikeloom::emu::mesh::clocked::Flit;
use spikeloom::emu::ranc::{
    Pace, RancChip, RancConfig, RancCore, RancInput, RancNeuron, RancParams, RancStimulus, RancTickInput, RancTicks,
};

use crate::{Difference, cases, events, parse, run_all, value};

#[derive(Deserialize)]
pub(crate) struct Case {
    format: String,
    params: Params,
    cores: Vec<Core>,
    stimulus: Stimulus,
    pub(crate) expected: Expected,
    /// Stands where the state changes are filtered to IDLE, SET and CLR.
    expected_note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    grid_x: u32,
    grid_y: u32,
    output_core: (u32, u32),
    num_neurons: u32,
    num_axons: u32,
    num_outputs: u32,
    num_ticks: u32,
    num_weights: u32,
    num_reset_modes: u32,
    potential_width: u32,
    weight_width: u32,
    leak_width: u32,
    threshold_width: u32,
    dx_width: u32,
    dy_width: u32,
    router_buffer_depth: u32,
    input_buffer_depth: u32,
}

#[derive(Deserialize)]
struct Core {
    x: u32,
    y: u32,
    axon_types: Vec<u32>,
    neurons: Vec<Neuron>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Neuron {
    connections: Vec<usize>,
    potential: i64,
    reset_potential: i64,
    weights: Vec<i64>,
    leak: i64,
    positive_threshold: i64,
    negative_threshold: i64,
    reset_mode: u32,
    dx: i32,
    dy: i32,
    axon: u32,
    delay: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stimulus {
    tick_cycles: Vec<u64>,
    packets: Vec<Packet>,
    total_cycles: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Packet {
    cycle: u64,
    dx: i32,
    dy: i32,
    axon: u32,
    delay: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) out_packets: Vec<(u64, u32)>,
    pub(crate) spikes: Vec<(u64, u32, u32)>,
    sched_writes: Vec<(u64, u32, u32, u32)>,
    sched_writes_lost: Vec<(u64, u32, u32, u32)>,
    input_accepted: Vec<u64>,
    input_dropped: Vec<u64>,
    tc_error_cycle: Option<u64>,
    sched_error_cycle: Option<u64>,
    tc_state_changes: Vec<(u64, u32, u8)>,
    final_potentials: BTreeMap<u32, Vec<i64>>,
    final_sched: BTreeMap<u32, BTreeMap<u32, Vec<u32>>>,
    final_sched_read_ptr: BTreeMap<u32, u32>,
}

pub(crate) fn config(case: &Case) -> RancConfig {
    let p = &case.params;
    let params = RancParams {
        grid_x: p.grid_x,
        grid_y: p.grid_y,
        output_core: p.output_core,
        num_neurons: p.num_neurons,
        num_axons: p.num_axons,
        num_outputs: p.num_outputs,
        num_ticks: p.num_ticks,
        num_weights: p.num_weights,
        num_reset_modes: p.num_reset_modes,
        potential_width: p.potential_width,
        weight_width: p.weight_width,
        leak_width: p.leak_width,
        threshold_width: p.threshold_width,
        dx_width: p.dx_width,
        dy_width: p.dy_width,
        router_buffer_depth: p.router_buffer_depth,
        input_buffer_depth: p.input_buffer_depth,
    };
    let core = |core: &Core| RancCore {
        x: core.x,
        y: core.y,
        axon_types: core.axon_types.clone(),
        neurons: core.neurons.iter().map(|neuron| build(neuron, p.num_axons as usize)).collect(),
    };
    RancConfig { params, cores: case.cores.iter().map(core).collect() }
}

fn build(neuron: &Neuron, axons: usize) -> RancNeuron {
    let mut connections = BitRow::zeros(axons);
    for &axon in &neuron.connections {
        connections.set(axon, true);
    }
    RancNeuron {
        connections,
        potential: neuron.potential,
        reset_potential: neuron.reset_potential,
        weights: neuron.weights.clone(),
        leak: neuron.leak,
        positive_threshold: neuron.positive_threshold,
        negative_threshold: neuron.negative_threshold,
        reset_mode: neuron.reset_mode,
        dx: neuron.dx,
        dy: neuron.dy,
        axon: neuron.axon,
        delay: neuron.delay,
    }
}

pub(crate) fn stimulus(case: &Case) -> RancStimulus {
    let input = |packet: &Packet| RancInput {
        cycle: packet.cycle,
        flit: Flit { dx: packet.dx, dy: packet.dy, axon: packet.axon, delay: packet.delay },
    };
    RancStimulus {
        ticks: case.stimulus.tick_cycles.clone(),
        packets: case.stimulus.packets.iter().map(input).collect(),
        cycles: case.stimulus.total_cycles,
    }
}

/// Every field of `expected` against the chip's trace and memories.
fn compare(case: &Case, chip: &RancChip) -> Vec<Difference> {
    let (trace, expected, end) = (chip.trace(), &case.expected, case.stimulus.total_cycles);
    let filtered = case.expected_note.is_some();
    let states: Vec<_> =
        trace.tc_state_changes.iter().map(|&(cycle, core, state)| (cycle, core, state as u8)).collect();
    let told: Vec<_> = states.iter().copied().filter(|(_, _, state)| !filtered || [0, 1, 6].contains(state)).collect();
    let mut found: Vec<Difference> = [
        events("out_packets", &trace.out_packets, &expected.out_packets, |event| event.0),
        events("spikes", &trace.spikes, &expected.spikes, |event| event.0),
        events("sched_writes", &trace.sched_writes, &expected.sched_writes, |event| event.0),
        events("sched_writes_lost", &trace.sched_writes_lost, &expected.sched_writes_lost, |event| event.0),
        events("input_accepted", &trace.input_accepted, &expected.input_accepted, |&cycle| cycle),
        events("input_dropped", &trace.input_dropped, &expected.input_dropped, |&cycle| cycle),
        events("tc_state_changes", &told, &expected.tc_state_changes, |event| event.0),
        value(end, "tc_error_cycle", &trace.tc_error_cycle, &expected.tc_error_cycle),
        // The scheduler's error bit cannot be set: its comparison is made at 32 bits.
        value(end, "sched_error_cycle", &None, &expected.sched_error_cycle),
        value(end, "final_potentials", &potentials(chip, &case.params), &expected.final_potentials),
        value(end, "final_sched", &schedulers(chip, &case.params), &expected.final_sched),
        value(end, "final_sched_read_ptr", &pointers(chip, &case.params), &expected.final_sched_read_ptr),
    ]
    .into_iter()
    .flatten()
    .collect();
    for difference in &mut found {
        let near = |event: &&(u64, u32, u8)| event.0.abs_diff(difference.cycle) < 8;
        let ours: Vec<_> = states.iter().filter(near).collect();
        let theirs: Vec<_> = expected.tc_state_changes.iter().filter(near).collect();
        difference.around = format!("(cycle, core, state) ours {ours:?} theirs {theirs:?}");
    }
    found
}

fn potentials(chip: &RancChip, params: &Params) -> BTreeMap<u32, Vec<i64>> {
    positions(params).filter_map(|core| Some((core, chip.potentials(core)?))).collect()
}

fn pointers(chip: &RancChip, params: &Params) -> BTreeMap<u32, u32> {
    positions(params).filter_map(|core| Some((core, chip.read_pointer(core)?))).collect()
}

/// Rows that are not empty, of cores that have one.
fn schedulers(chip: &RancChip, params: &Params) -> BTreeMap<u32, BTreeMap<u32, Vec<u32>>> {
    let rows = |core| {
        let rows = chip.scheduler(core)?;
        let rows: BTreeMap<u32, Vec<u32>> = (0..).zip(rows).filter(|(_, axons)| !axons.is_empty()).collect();
        (!rows.is_empty()).then_some((core, rows))
    };
    positions(params).filter_map(rows).collect()
}

fn positions(params: &Params) -> std::ops::Range<u32> {
    0..params.grid_x * params.grid_y
}

fn check(path: &Path, pace: Pace) -> Vec<Difference> {
    let case: Case = parse(path);
    assert_eq!(case.format, "ranc-rtl-golden-v1", "{}", path.display());
    let mut chip = RancChip::new(&config(&case), pace).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    chip.run(&stimulus(&case)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    compare(&case, &chip)
}

#[test]
fn ranc_is_exact_event_by_event() {
    run_all("ranc (events)", &cases(&["ranc", "ranc_trained"]), |path| check(path, Pace::Events));
}

#[test]
fn ranc_is_exact_in_every_cycle() {
    run_all("ranc (every cycle)", &cases(&["ranc", "ranc_trained"]), |path| check(path, Pace::Every));
}

/// The trained networks, whose ticks are far apart, without cycles: the same spikes, lines and potentials, on any threads.
#[test]
fn trained_networks_are_exact_without_cycles() {
    let cases = cases(&["ranc_trained"]);
    if cases.is_empty() && std::env::var_os("SPIKELOOM_GOLDEN").is_none() {
        println!("no trained network here: too large to be committed");
        return;
    }
    run_all("ranc (ticks alone)", &cases, |path| {
        let case: Case = parse(path);
        let (ticks, end) = (&case.stimulus.tick_cycles, case.stimulus.total_cycles);
        let before = |cycle: u64| ticks.partition_point(|&tick| tick <= cycle) as u64;
        let input = |packet: &Packet| RancTickInput {
            tick: before(packet.cycle),
            flit: Flit { dx: packet.dx, dy: packet.dy, axon: packet.axon, delay: packet.delay },
        };
        let inputs: Vec<RancTickInput> = case.stimulus.packets.iter().map(input).collect();
        let inputs: Vec<_> = inputs.into_iter().filter(|input| input.tick < ticks.len() as u64).collect();
        let mut expected: Vec<(u64, u32)> =
            case.expected.out_packets.iter().map(|&(cycle, line)| (before(cycle) - 1, line)).collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        for threads in 1..=3 {
            let mut chip = RancTicks::new(&config(&case)).unwrap_or_else(|error| panic!("{error}"));
            let mut trace = chip.run(ticks.len() as u64, &inputs, threads).unwrap_or_else(|error| panic!("{error}"));
            trace.out_packets.sort_unstable();
            let at = |core: u32| (core % case.params.grid_x, core / case.params.grid_x);
            let potentials: BTreeMap<u32, Vec<i64>> = positions(&case.params)
                .filter_map(|core| Some((core, chip.potentials(at(core).0, at(core).1)?)))
                .collect();
            found.extend(value(end, "spikes", &trace.spikes, &(case.expected.spikes.len() as u64)));
            found.extend(value(end, "out_packets", &trace.out_packets, &expected));
            found.extend(value(end, "final_potentials", &potentials, &case.expected.final_potentials));
        }
        found
    });
}
