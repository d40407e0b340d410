//! The full TrueNorth chip: 4,096 cores, 2^20 neurons, all leaking, 20 Hz, 128 synapses a spike, delays 1-15.
//!
//! `cargo bench --profile release --bench truenorth` prints one line a measurement; `-- 50` runs 50 ticks instead of
//! 200, and `-- 50 time` those of one measurement on one thread, nothing else (`function`, `stochastic` or `time`): what a
//! profiler is given. All neurons begin alike, so the first ticks ([`START`]) have bursts of spikes; they are run, but not
//! measured. The baseline is a plain emulator of the same network, one struct a core and one thread, in this file.

use std::hint::black_box;
use std::time::Instant;

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::emu::counters::SampleResult;
use spikeloom::emu::{Program, Quiet, Record, RunOptions, run_program};
use spikeloom::event::Event;
use spikeloom::image::{self, CoreBody, Image};
use spikeloom::stimulus::{Sample, Stimulus};
use spikeloom::synthetic::{Drive, Recurrent, recurrent};

/// Ticks until the bursts of the start have gone.
const START: u32 = 40;

fn main() {
    let ticks = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(200);
    let chip = chip::load("truenorth", &LoadOptions::default()).expect("built in");
    let alone = |word: &str| std::env::args().any(|argument| argument == word);
    let drive = if alone("stochastic") { Drive::Stochastic } else { Drive::Deterministic };
    if alone("function") || alone("stochastic") || alone("time") {
        let program = Program::new(&loaded(&chip, drive), &chip).expect("it holds");
        let (wall, ..) = run(&program, ticks, alone("time"), 1);
        println!("{:.3} ms a tick", wall / f64::from(ticks));
        return;
    }
    println!("memory: {:.1} GB/s read, {:.1} GB/s copied (2 threads at 64 MB each)", bandwidth(false), bandwidth(true));
    quiet(&chip);
    let image = loaded(&chip, Drive::Deterministic);
    let naive = naive(&image, ticks.min(100));
    println!("baseline, one struct a core, 1 thread: {naive:.3} ms a tick");
    measure(&chip, image, "function only", false, ticks, naive);
    let image = recurrent(&chip, &Recurrent { drive: Drive::Stochastic, ..Recurrent::default() }).expect("it fits");
    measure(&chip, image, "all stochastic", false, ticks, naive);
    let image = loaded(&chip, Drive::Deterministic);
    measure(&chip, image, "with time", true, ticks, naive);
    println!("peak memory of this process: {} MB", peak());
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The network, through its file.
fn loaded(chip: &ChipSpec, drive: Drive) -> Image {
    let image = recurrent(chip, &Recurrent { drive, ..Recurrent::default() }).expect("it fits");
    let bytes = image::encode(&image, chip.digest);
    drop(image);
    let start = Instant::now();
    let (image, header) = image::decode(&bytes, "bench").expect("decodes");
    image::check(&image, &header, chip, "bench").expect("holds");
    println!("image: {:.1} MB, read and checked in {:.0} ms", bytes.len() as f64 / 1e6, millis(start));
    image
}

fn run(program: &Program, ticks: u32, timing: bool, threads: usize) -> (f64, f64, SampleResult) {
    let stimulus = Stimulus { samples: vec![Sample { ticks, ..Sample::default() }], inputs: program.inputs() };
    let options = RunOptions { timing, threads, strict: false, record: Record::None };
    let (start, used) = (Instant::now(), cpu());
    let mut result = run_program(program, &stimulus, &options, &Quiet).expect("it runs");
    (millis(start), cpu() - used, result.samples.remove(0))
}

/// Time of a tick: the best of three runs, less what a run of the start takes.
fn measure(chip: &ChipSpec, image: Image, what: &str, timing: bool, ticks: u32, naive: f64) {
    let start = Instant::now();
    let program = Program::new(&image, chip).expect("it holds");
    drop(image);
    println!("{what}: program built in {:.0} ms, process has {} MB", millis(start), resident());
    for (threads, vector) in [(1, true), (2, true), (2, false)] {
        if !vector && (timing || what != "function only") {
            continue;
        }
        let scalar;
        let program = if vector {
            &program
        } else {
            let image = recurrent(chip, &Recurrent::default()).expect("it fits");
            scalar = Program::new(&image, chip).expect("it holds").scalar();
            &scalar
        };
        let best = |ticks| {
            let runs = (0..3).map(|_| run(program, ticks, timing, threads));
            runs.fold((f64::MAX, f64::MAX), |best, run| (best.0.min(run.0), best.1.min(run.1)))
        };
        let (start, all) = (best(START), best(START + ticks));
        let each = (all.0 - start.0) / f64::from(ticks);
        println!("  processor time {:.3} ms a tick", (all.1 - start.1) / f64::from(ticks));
        let [before, after] = [START, START + ticks].map(|ticks| run(program, ticks, timing, threads).2.counts);
        let per = |event: Event| (after.get(event) - before.get(event)) as f64 / f64::from(ticks);
        let neurons = per(Event::NeuronAccess);
        println!(
            "{what}, {threads} threads{}: {each:.3} ms a tick, {:.2} x the baseline, {:.2} ns a neuron, {:.2} ns a synaptic event, {:.0} spikes a tick",
            if vector { "" } else { ", no vector units" },
            naive / each,
            each * 1e6 / neurons,
            each * 1e6 / per(Event::SynapseCrossbar),
            per(Event::SpikeOut),
        );
        // Potentials read and written, the ring's row, a line each for row, target and place of every spike.
        let moved = neurons * 8.0 + 4096.0 * (64.0 + 128.0) + per(Event::SpikeOut) * 4.0 * 64.0;
        println!("  about {:.1} MB moved a tick: {:.1} GB/s", moved / 1e6, moved / each / 1e6);
    }
}

fn quiet(chip: &ChipSpec) {
    let image = recurrent(chip, &Recurrent { rate: 0.0, ..Recurrent::default() }).expect("it fits");
    let program = Program::new(&image, chip).expect("it holds");
    for timing in [false, true] {
        let (time, _, sample) = run(&program, 1_000_000, timing, 2);
        let accesses = sample.counts.get(Event::NeuronAccess);
        println!("quiet, timing {timing}: {} ticks in {time:.0} ms, {accesses} neuron accesses", sample.ticks);
    }
}

/// What /proc tells of this process, in MB; 0 where there is none.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Processor time of this process in milliseconds, in steps of 10; 0 where /proc does not tell.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 10.0
}

fn resident() -> u64 {
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

/// What the memory gives two threads.
fn bandwidth(copy: bool) -> f64 {
    let one = || {
        let (from, mut to) = (vec![1_u64; 8 << 20], vec![2_u64; 8 << 20]);
        let start = Instant::now();
        for _ in 0..8 {
            if copy {
                to.copy_from_slice(black_box(&from));
            } else {
                black_box(black_box(&from).iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)));
            }
        }
        black_box(&to);
        (if copy { 2.0 } else { 1.0 }) * 8.0 * 67.1e6 / start.elapsed().as_secs_f64() / 1e9
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(one);
        one() + other.join().expect("it ends")
    })
}

/// All of a core in one struct.
struct Everything {
    v: [i32; 256],
    leak: [i32; 256],
    threshold: [i32; 256],
    weights: [[i32; 4]; 256],
    kinds: [u8; 256],
    rows: [[u64; 4]; 256],
    ring: [[u64; 4]; 16],
    target: [(u32, u8, u8); 256],
}

/// A plain emulator of the deterministic network: milliseconds a tick.
fn naive(image: &Image, ticks: u32) -> f64 {
    let mut cores: Vec<Everything> = image.cores.iter().map(everything).collect();
    let (mut fired, mut spikes) = (Vec::new(), 0_u64);
    let (start, used) = (Instant::now(), cpu());
    for tick in 0..ticks as usize {
        fired.clear();
        for core in &mut cores {
            let row = std::mem::take(&mut core.ring[tick % 16]);
            let mut sums = [0_i32; 256];
            for axon in (0..256).filter(|axon| row[axon / 64] >> (axon % 64) & 1 == 1) {
                let kind = usize::from(core.kinds[axon]);
                for (word, &bits) in core.rows[axon].iter().enumerate() {
                    let mut rest = bits;
                    while rest != 0 {
                        let neuron = word * 64 + rest.trailing_zeros() as usize;
                        sums[neuron] += core.weights[neuron][kind];
                        rest &= rest - 1;
                    }
                }
            }
            #[allow(clippy::needless_range_loop, reason = "the plain baseline reads as the chip's description does")]
            for neuron in 0..256 {
                core.v[neuron] += sums[neuron] + core.leak[neuron];
                if core.v[neuron] >= core.threshold[neuron] {
                    core.v[neuron] -= core.threshold[neuron];
                    fired.push(core.target[neuron]);
                }
            }
        }
        for &(core, axon, delay) in &fired {
            let row = (tick + usize::from(delay)) % 16;
            cores[core as usize].ring[row][usize::from(axon) / 64] |= 1 << (axon % 64);
        }
        spikes += fired.len() as u64;
    }
    let each = millis(start) / f64::from(ticks);
    println!("baseline: processor time {:.3} ms a tick", (cpu() - used) / f64::from(ticks));
    println!("baseline: {:.0} spikes a tick", spikes as f64 / f64::from(ticks));
    each
}

fn everything(core: &image::CoreImage) -> Everything {
    let CoreBody::Crossbar(body) = &core.body else { panic!("a crossbar") };
    let of = |neuron: usize| &body.parameters[usize::from(body.parameter_of[neuron])];
    Everything {
        v: std::array::from_fn(|n| of(n).initial),
        leak: std::array::from_fn(|n| of(n).leak.into()),
        threshold: std::array::from_fn(|n| of(n).threshold as i32),
        weights: std::array::from_fn(|n| of(n).weights.map(i32::from)),
        kinds: std::array::from_fn(|axon| body.axon_types[axon]),
        rows: std::array::from_fn(|axon| std::array::from_fn(|word| body.rows[axon * 4 + word])),
        ring: [[0; 4]; 16],
        target: std::array::from_fn(|n| {
            body.destinations[n].map_or((0, 0, 1), |to| (to.core, to.axon as u8, to.delay))
        }),
    }
}
