//! JSON of RANC's simulator (simulator/src/decode.hpp, config.hpp of UA-RCL/RANC at 08ae4bd).

use super::lower::{Parts, lower};
use super::{Core, Network, Neuron, Packet};
use crate::chip::LoadOptions;
use crate::diag::{Problems, Result};
use crate::foreign::json::{self, Json, Kind};
use crate::foreign::nscs::fields::{Fields, Found};
use crate::foreign::{Imported, chip_with};
use crate::image::RancNeuron;

const BITS: std::ops::RangeInclusive<i64> = -(1 << 31)..=(1 << 31) - 1;

/// Reads the simulator's input file, and its configuration where there is one: each as (text, name). Sizes and grid
/// are the file's, all else the chip's (`chip`, with the choices of `options`).
///
/// # Errors
/// `foreign/syntax`, `foreign/key` for unknown, missing and repeated keys, `foreign/value` for values out of range:
/// each with its line; what the hardware description could not be built with, as a chip file's problem.
pub fn read_ranc_json(
    (text, file): (&str, &str),
    config: Option<(&str, &str)>,
    chip: &str,
    options: &LoadOptions,
) -> Result<Imported> {
    let mut values = Vec::new();
    let mut notes = Vec::new();
    if let Some((text, file)) = config {
        read_config(text, file, &mut values, &mut notes)?;
    }
    let root = json::root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    let read = Fields::of(&root, "the file", &mut found).map(|fields| network(fields, &mut values, &mut found));
    Problems::check(found.problems, ())?;
    let network = read.expect("no problem was found");
    let (chip, chip_name) = chip_with(chip, options, &values)?;
    let (image, stimulus) = lower(&network, &chip, Parts { file, chip_name })?;
    notes.push("the simulator computes in 32 bits; the chip wraps at the widths of its registers".to_owned());
    Ok(Imported { image, chip, stimulus, notes })
}

fn read_config(text: &str, file: &str, values: &mut Vec<(String, String)>, notes: &mut Vec<String>) -> Result<()> {
    let root = json::root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    if let Some(mut fields) = Fields::of(&root, "the configuration", &mut found) {
        for (key, ours) in [
            ("num_neurons", "core.neurons"),
            ("num_axons", "core.axons_in"),
            ("num_cores_x", "mesh.width"),
            ("num_cores_y", "mesh.height"),
            ("num_weights", "core.ranc.weights"),
            ("max_tick_offset", "core.ranc.ticks"),
        ] {
            let value = fields.whole(key, 1..=1 << 16, &mut found);
            values.push((ours.to_owned(), value.to_string()));
        }
        for key in ["neuron_block_trace_verbosity", "core_controller_trace_verbosity", "scheduler_trace_verbosity"] {
            fields.optional(key);
        }
        if fields.whole("neuron_reset_type", 0..=1, &mut found) == 1 {
            notes.push("neuron_reset_type 1 resets at the negative threshold too; the chip only below it".to_owned());
        }
        fields.finish(&[], &mut found);
    }
    Problems::check(found.problems, ())
}

fn network(mut fields: Fields<'_>, values: &mut Vec<(String, String)>, found: &mut Found<'_>) -> Network {
    let mut network = Network::default();
    for (tick, list) in (0..).zip(items(fields.needed("packets", found), "'packets'", found)) {
        network.ticks = tick + 1;
        let packets = items(Some(list), "the packets of a tick", found).iter();
        network.packets.extend(packets.filter_map(|item| packet(item, tick, found)));
    }
    let bus = fields.needed("output_bus", found).and_then(|bus| Fields::of(bus, "'output_bus'", found));
    let (mut at, mut outputs) = ((0, 0), 1);
    if let Some(mut bus) = bus {
        at = pair(bus.needed("coordinates", found), "'coordinates'", 0..=4_095, found);
        outputs = bus.whole("num_outputs", 1..=65_535, found);
        bus.finish(&[], found);
    }
    let list = fields.needed("cores", found);
    network.cores = items(list, "'cores'", found).iter().filter_map(|item| core(item, found)).collect();
    fields.finish(&[], found);
    let Some(first) = network.cores.first() else {
        found.add("foreign/value", 1, "there are no cores");
        return network;
    };
    let far = |of: fn(&Core) -> u32, bus: i64| network.cores.iter().map(of).max().unwrap_or(0).max(bus as u32) + 1;
    let weights = first.neurons.first().map_or(1, |neuron| neuron.word.weights.len());
    let mut value = |key: &str, value: String| {
        // The configuration goes before what the network looks like.
        if !values.iter().any(|(known, _)| known == key) {
            values.push((key.to_owned(), value));
        }
    };
    value("mesh.width", far(|core| core.x, at.0).to_string());
    value("mesh.height", far(|core| core.y, at.1).to_string());
    value("core.neurons", first.neurons.len().to_string());
    value("core.axons_in", first.axon_types.len().to_string());
    value("core.axons_out", first.neurons.len().to_string());
    value("core.ranc.weights", weights.to_string());
    value("core.ranc.outputs", outputs.to_string());
    value("core.ranc.output_core", format!("[{}, {}]", at.0, at.1));
    network
}

fn packet(value: &Json, tick: u32, found: &mut Found<'_>) -> Option<Packet> {
    let mut fields = Fields::of(value, "a packet", found)?;
    let (x, y) = pair(fields.needed("destination_core", found), "'destination_core'", 0..=4_095, found);
    let axon = fields.whole("destination_axon", 0..=65_535, found) as u32;
    let delay = fields.whole("destination_tick", 0..=253, found) as u32;
    fields.finish(&[], found);
    Some(Packet { line: value.line, tick, x: x as u32, y: y as u32, axon, delay })
}

fn core(value: &Json, found: &mut Found<'_>) -> Option<Core> {
    let mut fields = Fields::of(value, "a core", found)?;
    let axon_types = numbers(fields.needed("axons", found), "'axons'", 0..=255, found);
    let (x, y) = pair(fields.needed("coordinates", found), "'coordinates'", 0..=4_095, found);
    let neurons = fields.needed("neurons", found);
    let mut neurons: Vec<Neuron> =
        items(neurons, "'neurons'", found).iter().filter_map(|item| neuron(item, found)).collect();
    let connections = fields.needed("connections", found);
    let rows = items(connections, "'connections'", found);
    if rows.len() != neurons.len() {
        let what = format!("'connections' has {} rows", rows.len());
        found.limited("foreign/value", value.line, what, format!("one a neuron: {}", neurons.len()));
    }
    for (neuron, row) in neurons.iter_mut().zip(rows) {
        let bits = numbers(Some(row), "a row of 'connections'", 0..=1, found);
        if bits.len() != axon_types.len() {
            let what = format!("a row of 'connections' has {} entries", bits.len());
            found.limited("foreign/value", row.line, what, format!("one an axon: {}", axon_types.len()));
        }
        neuron.axons = (0..).zip(bits).filter(|(_, bit)| *bit == 1).map(|(axon, _)| axon).collect();
    }
    fields.finish(&[], found);
    Some(Core {
        place: format!("{}:{}", found.file, value.line),
        x: x as u32,
        y: y as u32,
        axon_types: axon_types.into_iter().map(|kind| kind as u32).collect(),
        neurons,
    })
}

fn neuron(value: &Json, found: &mut Found<'_>) -> Option<Neuron> {
    let mut fields = Fields::of(value, "a neuron", found)?;
    let weights = numbers(fields.needed("weights", found), "'weights'", BITS, found);
    let offset = fields.needed("destination_core_offset", found);
    let (dx, dy) = pair(offset, "'destination_core_offset'", -4_095..=4_095, found);
    let mut whole = |key, found: &mut Found<'_>| fields.whole(key, BITS, found) as i32;
    let word = RancNeuron {
        potential: whole("current_potential", found),
        reset_potential: whole("reset_potential", found),
        weights: weights.into_iter().map(|weight| weight as i32).collect(),
        leak: whole("leak", found),
        positive_threshold: whole("positive_threshold", found),
        negative_threshold: whole("negative_threshold", found),
        reset_mode: fields.whole("reset_mode", 0..=255, found) as u8,
        dx: dx as i32,
        dy: dy as i32,
        axon: fields.whole("destination_axon", 0..=65_535, found) as u16,
        delay: fields.whole("destination_tick", 0..=65_535, found) as u16,
    };
    fields.finish(&[], found);
    Some(Neuron { axons: Vec::new(), word })
}

fn items<'a>(value: Option<&'a Json>, what: &str, found: &mut Found<'_>) -> &'a [Json] {
    match value.map(|value| (&value.kind, value.line)) {
        None => &[],
        Some((Kind::List(items), _)) => items,
        Some((_, line)) => {
            found.add("foreign/value", line, format!("{what} must be an array"));
            &[]
        }
    }
}

/// Whole numbers of an array.
pub(super) fn numbers(
    value: Option<&Json>,
    what: &str,
    range: std::ops::RangeInclusive<i64>,
    found: &mut Found<'_>,
) -> Vec<i64> {
    let list = items(value, what, found);
    let mut number = |item: &Json| match item.whole() {
        Some(number) if range.contains(&number) => number,
        _ => {
            let text = format!("{} in {what}", item.print(None));
            found.limited("foreign/value", item.line, text, format!("{}..={}", range.start(), range.end()));
            0
        }
    };
    list.iter().map(&mut number).collect()
}

fn pair(value: Option<&Json>, what: &str, range: std::ops::RangeInclusive<i64>, found: &mut Found<'_>) -> (i64, i64) {
    let line = value.map_or(1, |value| value.line);
    let there = value.is_some();
    match numbers(value, what, range, found)[..] {
        [x, y] => (x, y),
        _ => {
            if there {
                found.limited("foreign/value", line, format!("{what} has not two numbers"), "[x, y]".to_owned());
            }
            (0, 0)
        }
    }
}
