//! Neuron programs against the hand-written kernels that say the same, and a whole Loihi 2 chip.
//!
//!     cargo bench --bench programs                     # times and ratios of one run
//!     cargo bench --bench programs -- cuba-kernel 500  # one case so many ticks, for valgrind --tool=callgrind
//!
//! The cases: `cuba-kernel`, `cuba-lanes` (the same network on loihi and loihi2), `cuba-exec` (the reference executor on
//! as many neurons), `truenorth-kernel`, `truenorth-lanes`, `million` (a chip of 1,048,576 neurons with `lif`), and `quiet` (the
//! same without a bias: all are at rest).

use std::hint::black_box;
use std::time::Instant;

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::{Log, Options, compile};
use spikeloom::emu::{Chip, Program, Quiet, Record, RunOptions, run_program};
use spikeloom::graph::{
    CrossbarNeuron, CubaNeuron, IntGraph, IntNeuron, NegativeReset, Network, Output, Population, SpikeReset,
};
use spikeloom::ids::PopulationId;
use spikeloom::image::{
    AxonOut, CompartmentConfig, CoreBody, CoreImage, CubaCore, Image, ListKind, ListUse, NamedValues, OutputImage,
    Place, PopulationImage, ProgramGroup, Synapse, SynapseFormat, SynapseList,
};
use spikeloom::isa::{Binding, Draws, Lanes, assemble, builtin_text, execute, listing};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{Sample, Stimulus};

/// Neurons of a case.
const NEURONS: usize = 1024;

fn load(name: &str) -> ChipSpec {
    chip::load(name, &LoadOptions::default()).expect("the built-in chip loads")
}

/// One population that its biases keep busy.
fn network(neuron: IntNeuron) -> Network {
    Network::Int(IntGraph {
        name: "busy".to_owned(),
        populations: vec![Population { name: "all".to_owned(), shape: vec![NEURONS as u32], neuron: Some(neuron) }],
        projections: Vec::new(),
        outputs: vec![Output { name: "all".to_owned(), population: PopulationId(0) }],
        learning: Vec::new(),
    })
}

fn cuba() -> Network {
    let mut rng = Rng::new(1);
    // Above what the leak takes: no neuron comes to rest.
    let bias = (0..NEURONS).map(|_| 120 + rng.below(60) as i16).collect();
    let neuron = CubaNeuron {
        decay_u: vec![400],
        decay_v: vec![60],
        threshold: Some(vec![100]),
        bias,
        bias_exponent: vec![0],
        ..CubaNeuron::default()
    };
    network(IntNeuron::Cuba(neuron))
}

fn truenorth() -> Network {
    let mut rng = Rng::new(2);
    let neuron = CrossbarNeuron {
        leak: (0..NEURONS).map(|_| 1 + rng.below(40) as i16).collect(),
        threshold: Some((0..NEURONS).map(|_| 2_000 + rng.below(500) as u32).collect()),
        negative_threshold: vec![100],
        reset_value: vec![0],
        initial: vec![0],
        spike_reset: SpikeReset::Value,
        negative_reset: NegativeReset::Saturate,
    };
    network(IntNeuron::Crossbar(neuron))
}

/// So many ticks of a network on a chip.
fn on_chip(name: &str, network: &Network, ticks: u32) {
    let chip = load(name);
    let compiled = compile(network, &chip, &Options::default(), &mut Log::default()).expect("it fits");
    let program = Program::new(&compiled.image, &chip).expect("a compiled image is loaded");
    let mut running = Chip::new(&program, false, &Record::None);
    (0..ticks).for_each(|_| running.tick(&[]));
    black_box(running.faults());
}

fn cuba_exec(ticks: u32) {
    let program = assemble(builtin_text("cuba").expect("built in"), "cuba").expect("it assembles");
    let mut rng = Rng::new(1);
    let bias: Vec<i32> = (0..NEURONS).map(|_| 120 + rng.below(60) as i32).collect();
    let mut states = vec![vec![0; program.states.len()]; NEURONS];
    for tick in 0..ticks {
        for (state, bias) in states.iter_mut().zip(&bias) {
            let parameters = [400, 60, 6_400, *bias, 1, 0];
            let parameters: Vec<&[i32]> = parameters.iter().map(std::slice::from_ref).collect();
            black_box(execute(&program, state, &parameters, &[0], tick, |_| 0));
        }
    }
}

fn cuba_steps(ticks: u32) {
    let program = assemble(builtin_text("cuba").expect("built in"), "cuba").expect("it assembles");
    let mut rng = Rng::new(1);
    let bias = (0..NEURONS).map(|_| 120 + rng.below(60) as i32).collect();
    let bound = [
        ("decay_u".to_owned(), Binding::Shared(400)),
        ("decay_v".to_owned(), Binding::Shared(60)),
        ("bias".to_owned(), Binding::PerNeuron(bias)),
    ];
    steps(Lanes::new(program, NEURONS, &bound, Draws { seed: 0, core: 0, first: 0 }).expect("it fits"), ticks);
}

fn truenorth_steps(ticks: u32) {
    let program = assemble(builtin_text("truenorth").expect("built in"), "truenorth").expect("it assembles");
    let mut rng = Rng::new(2);
    let bound = [
        ("leak".to_owned(), Binding::PerNeuron((0..NEURONS).map(|_| 1 + rng.below(40) as i32).collect())),
        ("threshold".to_owned(), Binding::PerNeuron((0..NEURONS).map(|_| 2_000 + rng.below(500) as i32).collect())),
        ("negative".to_owned(), Binding::Shared(100)),
    ];
    steps(Lanes::new(program, NEURONS, &bound, Draws { seed: 0, core: 0, first: 0 }).expect("it fits"), ticks);
}

fn steps(mut lanes: Lanes, ticks: u32) {
    let nothing = vec![0; NEURONS];
    let mut spikes = 0_u64;
    for tick in 0..ticks {
        lanes.step(&[&nothing], tick, &mut |_, _| spikes += 1);
    }
    black_box(spikes);
}

/// 128 cores of 8192 `lif`, each neuron with [`FAN_OUT`] synapses on the next core; a bias of 1,000 makes each fire about once
/// in 100 ticks.
fn million(bias: i32) -> Image {
    let program = assemble(builtin_text("lif").expect("built in"), "lif").expect("it assembles");
    let (cores, neurons) = (128_u32, 8192_u32);
    let mut rng = Rng::new(3);
    let format = SynapseFormat {
        kind: ListKind::Sparse,
        weight_bits: 8,
        signed: true,
        weight_exponent: 0,
        index_bits: 13,
        delay_bits: 0,
        tag_bits: 0,
        fixed: 0,
        learns: false,
    };
    let named = |name: &str, values| NamedValues { name: name.to_owned(), values };
    let core = |number: u32, rng: &mut Rng| {
        let group = ProgramGroup {
            name: "lif".to_owned(),
            program: listing(&program),
            first: 0,
            count: neurons,
            population: 0,
            neuron: number * neurons,
            parameters: vec![named("decay", vec![0]), named("threshold", vec![100_000]), named("bias", vec![bias])],
            initial: vec![named("v", (0..neurons).map(|_| rng.below(100_000) as i32).collect())],
            inputs: Vec::new(),
        };
        let mut synapses = Vec::new();
        for _ in 0..neurons {
            let mut targets: Vec<u16> = (0..FAN_OUT).map(|_| rng.below(neurons.into()) as u16).collect();
            targets.sort_unstable();
            targets.dedup();
            while targets.len() < FAN_OUT {
                targets.push(*targets.last().expect("one at least"));
            }
            synapses.extend(targets.iter().map(|&target| Synapse {
                target,
                weight: 2 * (1 + rng.below(20) as i16),
                delay: 0,
            }));
        }
        let list = |number: u32| SynapseList {
            format: 0,
            projection: 0,
            first: FAN_OUT as u32 * number,
            count: FAN_OUT as u32,
        };
        let body = CubaCore {
            configs: vec![CompartmentConfig::PROGRAM],
            config_of: vec![0; neurons as usize],
            initial: Vec::new(),
            joins: Vec::new(),
            formats: vec![format],
            lists: (0..neurons).map(list).collect(),
            synapses,
            axon_offsets: (0..=neurons).collect(),
            list_uses: (0..neurons).map(|list| ListUse { list, base: 0 }).collect(),
            out_offsets: (0..=neurons).collect(),
            axons_out: (0..neurons)
                .map(|axon| AxonOut { core: (number + 1) % cores, axon: axon as u16, output: 0 })
                .collect(),
            learning: Vec::new(),
            programs: vec![group],
            compressed: Vec::new(),
        };
        CoreImage { core: number, body: CoreBody::Cuba(body) }
    };
    let places = (0..cores).flat_map(|core| (0..neurons).map(move |neuron| Place { core, neuron: neuron as u16 }));
    Image {
        network: "million".to_owned(),
        chip: "loihi2".to_owned(),
        cores: (0..cores).map(|number| core(number, &mut rng)).collect(),
        populations: vec![PopulationImage {
            name: "all".to_owned(),
            shape: vec![cores * neurons],
            places: places.collect(),
            copies: Vec::new(),
        }],
        inputs: Vec::new(),
        outputs: vec![OutputImage { name: "all".to_owned(), population: 0 }],
        depth: 0,
    }
}

/// Synapses a neuron: with one word for the list the core's memory holds all neurons.
const FAN_OUT: usize = 2;

fn run_million(ticks: u32, bias: i32) {
    let chip = load("loihi2");
    let program = {
        let image = million(bias);
        Program::new(&image, &chip).unwrap_or_else(|problems| panic!("{problems}"))
    };
    let sample = Sample { name: "quiet".to_owned(), ticks, ..Sample::default() };
    let stimulus = Stimulus { samples: vec![sample], inputs: 0 };
    let options = RunOptions { timing: false, threads: 2, strict: false, record: Record::None };
    let begun = Instant::now();
    let result = run_program(&program, &stimulus, &options, &Quiet).expect("it runs");
    let seconds = begun.elapsed().as_secs_f64();
    let spikes = result.samples[0].spike_total as f64;
    let activity = 100.0 * spikes / f64::from(ticks) / f64::from(1 << 20);
    println!(
        "{:.0} steps/s on 2 threads, {activity:.2} % active a step, {} MB at most",
        f64::from(ticks) / seconds,
        peak_megabytes()
    );
}

/// Most memory that the process has had, where the system tells.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A file of 1,000 lines, so many times.
fn assemble_lines(times: u32) {
    let code = "    ld     r0, v\n    mulshz r0, r0, r1, 12\n    gt     r0, 5\n    jn     +1\n    add    r0, r0, r2\n"
        .repeat(199);
    let text = format!("; 1000 lines\nstate v: s24\ninput a\noutput o\n\n{code}");
    assert_eq!(text.lines().count(), 1_000);
    (0..times).for_each(|_| _ = black_box(assemble(&text, "lines.nmc").expect("it assembles")));
}

fn case(name: &str, ticks: u32) {
    match name {
        "asm" => assemble_lines(ticks),
        "cuba-kernel" => on_chip("loihi", &cuba(), ticks),
        "cuba-chip" => on_chip("loihi2", &cuba(), ticks),
        "cuba-lanes" => cuba_steps(ticks),
        "cuba-exec" => cuba_exec(ticks),
        "truenorth-kernel" => on_chip("truenorth_4x4", &truenorth(), ticks),
        "truenorth-lanes" => truenorth_steps(ticks),
        "million" => run_million(ticks, 1_000),
        "quiet" => run_million(ticks, 0),
        other => panic!("no case '{other}'"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [name, ticks] = &arguments[..] {
        return case(name, ticks.parse().expect("a number of ticks"));
    }
    let time = |name: &str, ticks: u32| {
        let begun = Instant::now();
        case(name, ticks);
        let each = begun.elapsed().as_secs_f64() * 1e9 / f64::from(ticks) / NEURONS as f64;
        println!("{name}: {each:.2} ns a neuron and tick");
        each
    };
    let kernel = time("cuba-kernel", 20_000);
    let lanes = time("cuba-lanes", 20_000);
    println!("lanes over kernel: {:.2}", lanes / kernel);
    println!("reference over lanes: {:.1}", time("cuba-exec", 500) / lanes);
    let kernel = time("truenorth-kernel", 20_000);
    println!("lanes over kernel: {:.2}", time("truenorth-lanes", 20_000) / kernel);
    let begun = Instant::now();
    assemble_lines(100);
    println!("assembling 1,000 lines: {:.2} ms", begun.elapsed().as_secs_f64() * 10.0);
    run_million(400, 1_000);
}
