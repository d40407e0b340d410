//! RANC's vectors as they are stored: parameters, memories, stimulus and what the RTL did. The test and the benchmark read
//! them alike.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use spikeloom::bits::BitRow;
use spikeloom::emu::mesh::clocked::Flit;
use spikeloom::emu::ranc::{RancConfig, RancCore, RancInput, RancNeuron, RancParams, RancStimulus, RancTickInput};

#[derive(Deserialize)]
pub(crate) struct Case {
    pub format: String,
    pub params: RancParams,
    pub cores: Vec<Core>,
    pub stimulus: Stimulus,
    pub expected: Expected,
    /// Stands where the state changes are filtered to IDLE, SET and CLR.
    pub expected_note: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Core {
    pub x: u32,
    pub y: u32,
    pub axon_types: Vec<u32>,
    pub neurons: Vec<Neuron>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Neuron {
    pub connections: Vec<usize>,
    pub potential: i64,
    pub reset_potential: i64,
    pub weights: Vec<i64>,
    pub leak: i64,
    pub positive_threshold: i64,
    pub negative_threshold: i64,
    pub reset_mode: u32,
    pub dx: i32,
    pub dy: i32,
    pub axon: u32,
    pub delay: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stimulus {
    pub tick_cycles: Vec<u64>,
    pub packets: Vec<Packet>,
    pub total_cycles: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packet {
    pub cycle: u64,
    pub dx: i32,
    pub dy: i32,
    pub axon: u32,
    pub delay: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub out_packets: Vec<(u64, u32)>,
    pub spikes: Vec<(u64, u32, u32)>,
    pub sched_writes: Vec<(u64, u32, u32, u32)>,
    pub sched_writes_lost: Vec<(u64, u32, u32, u32)>,
    pub input_accepted: Vec<u64>,
    pub input_dropped: Vec<u64>,
    pub tc_error_cycle: Option<u64>,
    pub sched_error_cycle: Option<u64>,
    pub tc_state_changes: Vec<(u64, u32, u8)>,
    pub final_potentials: BTreeMap<u32, Vec<i64>>,
    pub final_sched: BTreeMap<u32, BTreeMap<u32, Vec<u32>>>,
    pub final_sched_read_ptr: BTreeMap<u32, u32>,
}

pub(crate) fn config(case: &Case) -> RancConfig {
    let axons = case.params.num_axons as usize;
    let core = |core: &Core| RancCore {
        x: core.x,
        y: core.y,
        axon_types: core.axon_types.clone(),
        neurons: core.neurons.iter().map(|neuron| build(neuron, axons)).collect(),
    };
    RancConfig { params: case.params.clone(), cores: case.cores.iter().map(core).collect() }
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

/// Inputs by tick: those of a cycle count for the next tick.
pub(crate) fn by_tick(stimulus: &RancStimulus) -> Vec<RancTickInput> {
    let input = |packet: &RancInput| RancTickInput {
        tick: stimulus.ticks.partition_point(|&tick| tick <= packet.cycle) as u64,
        flit: packet.flit,
    };
    stimulus.packets.iter().map(input).collect()
}

/// The same as the simulator's file has them: a list for each of `ticks` ticks.
pub(crate) fn packets_by_tick(inputs: &[RancTickInput], ticks: usize) -> Vec<Vec<Value>> {
    let mut lists: Vec<Vec<Value>> = vec![Vec::new(); ticks];
    for RancTickInput { tick, flit } in inputs {
        if let Some(list) = lists.get_mut(usize::try_from(*tick).expect("few ticks")) {
            let Flit { dx, dy, axon, delay } = flit;
            list.push(json!({"destination_core": [dx, dy], "destination_axon": axon, "destination_tick": delay}));
        }
    }
    lists
}

/// The network as the file of RANC's own simulator, with `packets` tick by tick.
pub(crate) fn simulator_input(config: &RancConfig, packets: &[Vec<Value>]) -> Value {
    let neuron = |neuron: &RancNeuron| {
        json!({
            "reset_potential": neuron.reset_potential, "weights": neuron.weights, "leak": neuron.leak,
            "positive_threshold": neuron.positive_threshold, "negative_threshold": neuron.negative_threshold,
            "destination_core_offset": [neuron.dx, neuron.dy], "destination_axon": neuron.axon,
            "destination_tick": neuron.delay, "current_potential": neuron.potential,
            "reset_mode": neuron.reset_mode,
        })
    };
    let core = |core: &RancCore| {
        let row = |neuron: &RancNeuron| -> Vec<u8> {
            (0..core.axon_types.len()).map(|axon| u8::from(neuron.connections.get(axon))).collect()
        };
        json!({
            "axons": core.axon_types, "coordinates": [core.x, core.y],
            "neurons": core.neurons.iter().map(neuron).collect::<Vec<_>>(),
            "connections": core.neurons.iter().map(row).collect::<Vec<_>>(),
        })
    };
    let params = &config.params;
    json!({
        "packets": packets,
        "output_bus": { "coordinates": params.output_core, "num_outputs": params.num_outputs },
        "cores": config.cores.iter().map(core).collect::<Vec<_>>(),
    })
}
