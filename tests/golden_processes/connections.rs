//! Connection processes as projections of a network on Loihi 2: inputs of both signs drive a relay, whose graded spikes
//! go through the connection to neurons that only keep what arrived.

use serde_json::Value;
use spikeloom::chip::{self, Dialect, LoadOptions};
use spikeloom::compile::{Log, Options, SignMode, compile, truncate_weights};
use spikeloom::emu::{Chip, Program, Record};
use spikeloom::graph::{
    Conv2d, Delays, IntGraph, IntNeuron, Network, Output, Pattern, Population, ProgramNeuron, Projection,
};
use spikeloom::ids::PopulationId;
use spikeloom::isa::{assemble, builtin_text};
use spikeloom::stimulus::InputSpike;

use crate::case::{Case, Found};
use crate::npz_support::Values;

/// Ticks from the injection of a spike to the tick in which its product is kept, less the step that the process takes.
const LAG: usize = 1;

/// A connection with the sizes of both sides.
struct Connection {
    sources: usize,
    targets: usize,
    /// Width of what is kept.
    bits: u32,
    projections: Vec<Projection<i32>>,
    /// Element of the recorded input that each source is, and of the recorded output that each target is.
    source_of: Vec<usize>,
    target_of: Vec<usize>,
}

/// Plays the case; `None` where the process is no connection.
pub(crate) fn play(case: &Case) -> Option<Found> {
    let connection = match case.process.as_str() {
        "Dense" | "DelayDense" => matrix(case, false),
        "Sparse" | "DelaySparse" => matrix(case, true),
        "Conv" => convolution(case),
        "ConvInTime" => in_time(case),
        _ => return None,
    };
    Some(run(case, &connection))
}

fn projection(pattern: Pattern, weights: Vec<i32>, exponent: i8, delays: Delays) -> Projection<i32> {
    let (source, target) = (PopulationId(2), PopulationId(3));
    Projection { name: String::new(), source, target, pattern, weights, exponent, delays }
}

/// Weights of any size as projections that the chip stores: each of one sign and at most 255.
fn parts(pattern: &Pattern, weights: &[i32], delays: &Delays) -> Vec<Projection<i32>> {
    let mut parts = Vec::new();
    for sign in [1, -1] {
        let mut rest: Vec<i32> = weights.iter().map(|weight| (weight * sign).max(0)).collect();
        while rest.iter().any(|&weight| weight > 0) {
            let now = rest.iter().map(|&weight| sign * weight.min(255)).collect();
            parts.push(projection(pattern.clone(), now, 0, delays.clone()));
            rest.iter_mut().for_each(|weight| *weight = (*weight - 255).max(0));
        }
    }
    parts
}

/// Dense or sparse, with or without delays: clipped, truncated, summed, and then shifted.
fn matrix(case: &Case, sparse: bool) -> Connection {
    let array = case.parameter_array("weights");
    let (targets, sources) = (array.shape[0], array.shape[1]);
    let given: Vec<i32> = array.whole().iter().map(|&weight| weight as i32).collect();
    let sign = match case.parameters["sign_mode"].as_str() {
        Some("MIXED") => SignMode::Mixed,
        Some("EXCITATORY") => SignMode::Excitatory,
        Some("INHIBITORY") => SignMode::Inhibitory,
        _ if given.iter().all(|&weight| weight >= 0) => SignMode::Excitatory,
        _ if given.iter().all(|&weight| weight <= 0) => SignMode::Inhibitory,
        _ => SignMode::Mixed,
    };
    let bits = case.number("num_weight_bits", 8) as u8;
    let exponent = case.number("weight_exp", 0) as i8;
    let (low, high) = match sign {
        SignMode::Mixed => (-256, 255),
        SignMode::Excitatory => (0, 255),
        SignMode::Inhibitory => (-255, 0),
    };
    let clipped: Vec<i32> = given.iter().map(|&weight| weight.clamp(low, high)).collect();
    let weights = truncate_weights(&clipped, sign, bits, Dialect::Lava).unwrap_or_else(|problems| panic!("{problems}"));
    let delays = match &case.parameters["delays"] {
        Value::Null => vec![0; weights.len()],
        _ => {
            let delays = case.numbers("delays", 0);
            if delays.len() == 1 { vec![delays[0]; weights.len()] } else { delays }
        }
    };
    let delays: Vec<u16> = delays.iter().map(|&delay| delay as u16).collect();
    let built = if sparse {
        let mut offsets = vec![0];
        let (mut ends, mut values, mut ticks) = (Vec::new(), Vec::new(), Vec::new());
        for source in 0..sources {
            for target in 0..targets {
                let at = target * sources + source;
                if weights[at] != 0 {
                    ends.push(target as u32);
                    values.push(weights[at]);
                    ticks.push(delays[at]);
                }
            }
            offsets.push(ends.len() as u32);
        }
        let pattern = Pattern::Sparse { offsets, targets: ends, weight_index: Vec::new() };
        projection(pattern, values, exponent, Delays::PerWeight(ticks))
    } else {
        let pattern = Pattern::Dense { sources: sources as u32, targets: targets as u32 };
        projection(pattern, weights, exponent, Delays::PerWeight(delays))
    };
    Connection {
        sources,
        targets,
        bits: 32,
        projections: vec![built],
        source_of: (0..sources).collect(),
        target_of: (0..targets).collect(),
    }
}

/// A pair of whole numbers, one for both where there is one.
fn pair(case: &Case, key: &str, absent: i64) -> [u32; 2] {
    match case.numbers(key, absent)[..] {
        [one] => [one as u32; 2],
        [x, y] => [x as u32, y as u32],
        _ => panic!("{}: {key} is no pair", case.name),
    }
}

/// A true convolution over (x, y, channel): ours is a correlation over (channel, x, y), so the kernel is turned round.
fn convolution(case: &Case) -> Connection {
    let kernel = case.parameter_array("weight");
    let [outs, kx, ky, ins] = kernel.shape[..] else { panic!("{}: a kernel has four extents", case.name) };
    let input: Vec<usize> = case.numbers("input_shape", 0).iter().map(|&extent| extent as usize).collect();
    let (stride, padding, dilation) = (pair(case, "stride", 1), pair(case, "padding", 0), pair(case, "dilation", 1));
    let output = &case.array("out.a_out").shape[1..];
    let mut weights = Vec::new();
    for (out, channel) in (0..outs).flat_map(|out| (0..ins).map(move |channel| (out, channel))) {
        for (x, y) in (0..kx).flat_map(|x| (0..ky).map(move |y| (x, y))) {
            let at = ((out * kx + (kx - 1 - x)) * ky + (ky - 1 - y)) * ins + channel;
            weights.push(kernel.whole()[at] as i32);
        }
    }
    let volume = |shape: &[usize]| [shape[2] as u32, shape[0] as u32, shape[1] as u32];
    let pattern = Pattern::Conv2d(Conv2d {
        input: volume(&input),
        output: volume(output),
        kernel: [kx as u32, ky as u32],
        stride,
        padding,
        dilation,
        groups: case.number("groups", 1) as u32,
    });
    Connection {
        sources: input.iter().product(),
        targets: output.iter().product(),
        bits: 24,
        projections: parts(&pattern, &weights, &Delays::Uniform(0)),
        source_of: channels_first(&input),
        target_of: channels_first(output),
    }
}

/// Element of an (x, y, channel) array of each element of the (channel, x, y) one.
fn channels_first(shape: &[usize]) -> Vec<usize> {
    let [xs, ys, channels] = shape[..] else { panic!("a volume has three extents") };
    let at = |channel: usize, place: usize| place * channels + channel;
    (0..channels).flat_map(|channel| (0..xs * ys).map(move |place| at(channel, place))).collect()
}

/// One dense kernel for every step of delay, the last one without.
fn in_time(case: &Case) -> Connection {
    let kernels = case.parameter_array("weights");
    let [steps, targets, sources] = kernels.shape[..] else { panic!("{}: weights have three extents", case.name) };
    let pattern = Pattern::Dense { sources: sources as u32, targets: targets as u32 };
    let mut projections = Vec::new();
    for delay in 0..steps {
        let first = (steps - 1 - delay) * targets * sources;
        let kernel = &kernels.whole()[first..first + targets * sources];
        let weights: Vec<i32> = kernel.iter().map(|&weight| weight as i32).collect();
        projections.extend(parts(&pattern, &weights, &Delays::Uniform(delay as u16)));
    }
    let (source_of, target_of) = ((0..sources).collect(), (0..targets).collect());
    Connection { sources, targets, bits: 32, projections, source_of, target_of }
}

fn program(text: &str, name: &str) -> Option<IntNeuron> {
    Some(IntNeuron::Program(Box::new(ProgramNeuron {
        name: name.to_owned(),
        program: assemble(text, name).unwrap_or_else(|problems| panic!("{problems}")),
        parameters: Vec::new(),
        initial: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    })))
}

fn network(connection: &Connection) -> IntGraph {
    let keep = format!("state v: s{}\ninput a\nin r0, a\nst v, r0\n", connection.bits);
    let relay = program(builtin_text("graded").expect("a built-in program"), "graded");
    let population =
        |name: &str, size: usize, neuron| Population { name: name.into(), shape: vec![size as u32], neuron };
    let one = |name: &str, source: u32, weight| Projection {
        name: name.to_owned(),
        source: PopulationId(source),
        target: PopulationId(2),
        pattern: Pattern::OneToOne { size: connection.sources as u32, shared: true },
        weights: vec![weight],
        exponent: 0,
        delays: Delays::Uniform(0),
    };
    let mut projections = vec![one("plus", 0, 1), one("minus", 1, -1)];
    for (number, projection) in connection.projections.iter().enumerate() {
        projections.push(Projection { name: format!("connection {number}"), ..projection.clone() });
    }
    IntGraph {
        name: "connection".to_owned(),
        populations: vec![
            population("plus", connection.sources, None),
            population("minus", connection.sources, None),
            population("relay", connection.sources, relay),
            population("kept", connection.targets, program(&keep, "keep")),
        ],
        projections,
        outputs: vec![Output { name: "kept".to_owned(), population: PopulationId(3) }],
        learning: Vec::new(),
    }
}

fn run(case: &Case, connection: &Connection) -> Found {
    let chip = chip::load("loihi2", &LoadOptions::default()).expect("the built-in chip loads");
    let compiled = compile(&Network::Int(network(connection)), &chip, &Options::default(), &mut Log::default())
        .unwrap_or_else(|problems| panic!("{}: {problems}", case.name));
    let program = Program::new(&compiled.image, &chip).expect("a compiled image is loaded");
    let mut running = Chip::new(&program, false, &Record::None);
    let graded = case.number("num_message_bits", 0) > 0;
    let mut out = Vec::new();
    for tick in 0..case.steps + LAG {
        let now = if tick < case.steps { case.input("s_in", tick) } else { Vec::new() };
        let mut spikes = Vec::new();
        for (source, &at) in connection.source_of.iter().enumerate().filter(|_| !now.is_empty()) {
            let value = if graded { now[at] } else { i32::from(now[at] != 0) };
            if value != 0 {
                let input = source + if value > 0 { 0 } else { connection.sources };
                let value = u16::try_from(value.unsigned_abs()).expect("a payload of 16 bits");
                spikes.push(InputSpike { tick: tick as u32, input: input as u32, value });
            }
        }
        spikes.sort_unstable();
        running.tick(&spikes);
        if tick < LAG {
            continue;
        }
        let mut row = vec![0; connection.targets];
        for (place, &at) in compiled.image.populations[3].places.iter().zip(&connection.target_of) {
            row[at] = i64::from(running.probe(*place).expect("every neuron is loaded").v);
        }
        out.extend(row);
    }
    Found::from([("out.a_out".to_owned(), Values::Whole(out))])
}
