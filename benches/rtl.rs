//! RANC's trained networks with their recorded inputs, over and over: ticks and cycles a second, with cycles and without.
//!
//!     SPIKELOOM_GOLDEN=<folder with ranc_trained> RANC_SIM=<RANC's own simulator> cargo bench --bench rtl
//!
//! `RANC_SIM` is the release build of `simulator/` of UA-RCL/RANC at 08ae4bd; where it is named it runs the same networks and
//! inputs in between, and the ratios are printed. Speed in a run with itself as the peer is what counts: machines differ.
//!
//! `RANC_RTL` names a command that simulates RANC's RTL (hardware/IP/RANCNetwork/src/sources of the same repository, its
//! `RANCNetworkGrid` in Verilator, say): it is given the path of a file of `ranc_trained` and prints, as its last line, the
//! clock cycles that it simulated in a second, compilation left out. It runs in between as well.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use spikeloom::bits::BitRow;
use spikeloom::emu::mesh::clocked::Flit;
use spikeloom::emu::ranc::{
    Pace, RancChip, RancConfig, RancCore, RancInput, RancNeuron, RancStimulus, RancTicks, RancTrace,
};
use spikeloom::emu::tinyodin::{Board, Chip, Config, Memories, Neuron, Sink, Source, Trace};

#[allow(dead_code, reason = "the test reads more of it")]
#[path = "../tests/golden_rtl/case.rs"]
mod case;

/// A network and what it is shown in the ticks of one round.
struct Network {
    name: String,
    config: RancConfig,
    stimulus: RancStimulus,
}

fn load(path: &Path) -> Network {
    let text = std::fs::read_to_string(path).expect("a readable golden");
    let stored: case::Case = serde_json::from_str(&text).expect("JSON");
    let name = path.file_stem().expect("a file").to_string_lossy().replace("ranc_", "");
    Network { name, config: case::config(&stored), stimulus: case::stimulus(&stored) }
}

/// The recorded round, `rounds` times.
fn repeat(stimulus: &RancStimulus, rounds: u64) -> RancStimulus {
    let mut long = RancStimulus { cycles: stimulus.cycles * rounds, ..RancStimulus::default() };
    for round in 0..rounds {
        let start = round * stimulus.cycles;
        long.ticks.extend(stimulus.ticks.iter().map(|tick| tick + start));
        long.packets.extend(stimulus.packets.iter().map(|packet| RancInput { cycle: packet.cycle + start, ..*packet }));
    }
    long
}

/// Ticks a second without cycles.
fn ticks_alone(config: &RancConfig, stimulus: &RancStimulus, threads: usize) -> f64 {
    let inputs = case::by_tick(stimulus);
    let mut chip = RancTicks::new(config).expect("a sound network");
    let start = Instant::now();
    let ticks = stimulus.ticks.len() as u64;
    chip.run(ticks, &inputs, threads).expect("sound inputs");
    ticks as f64 / start.elapsed().as_secs_f64()
}

/// Ticks and cycles a second with the cycle of every event known: they are told part by part, and counted.
fn with_cycles(config: &RancConfig, stimulus: &RancStimulus) -> (f64, f64) {
    let mut chip = RancChip::new(config, Pace::Events).expect("a sound network");
    chip.keep_states(false);
    let start = Instant::now();
    let mut events = 0;
    let count = |trace: &RancTrace| events += trace.spikes.len() + trace.sched_writes.len() + trace.out_packets.len();
    chip.run_telling(stimulus, count).expect("a sound stimulus");
    let seconds = start.elapsed().as_secs_f64();
    assert!(events > 0, "nothing happens");
    (stimulus.ticks.len() as f64 / seconds, stimulus.cycles as f64 / seconds)
}

/// Ticks a second of RANC's own simulator: the difference of a long and a short run.
fn peer(simulator: &Path, network: &Network) -> f64 {
    let folder = std::env::temp_dir().join(format!("spikeloom-rtl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a writable folder");
    let (input, config) = (folder.join("input.json"), folder.join("config.json"));
    std::fs::write(&input, simulator_input(network, 20).to_string()).expect("a writable file");
    std::fs::write(&config, simulator_config(network).to_string()).expect("a writable file");
    let time = |rounds: usize| {
        let start = Instant::now();
        let status = Command::new(simulator)
            .args(["-i".as_ref(), input.as_os_str(), "-o".as_ref(), folder.join("out.txt").as_os_str()])
            .args(["-c".as_ref(), config.as_os_str(), "--ticks".as_ref()])
            .arg((rounds * network.stimulus.ticks.len()).to_string())
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the simulator fails");
        start.elapsed().as_secs_f64()
    };
    let (short, long) = (time(1), time(20));
    std::fs::remove_dir_all(&folder).expect("our own folder");
    19.0 * network.stimulus.ticks.len() as f64 / (long - short)
}

/// Cycles a second of a simulation of the RTL, as its command says.
fn rtl(command: &Path, case: &Path) -> f64 {
    let output = Command::new(command).arg(case).stderr(Stdio::inherit()).output().expect("RANC_RTL can be run");
    assert!(output.status.success(), "RANC_RTL fails on {}", case.display());
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim().parse().unwrap_or_else(|_| panic!("RANC_RTL says '{last}' instead of cycles a second"))
}

fn simulator_input(network: &Network, rounds: usize) -> Value {
    let round = case::packets_by_tick(&case::by_tick(&network.stimulus), network.stimulus.ticks.len());
    case::simulator_input(&network.config, &vec![round; rounds].concat())
}

fn simulator_config(network: &Network) -> Value {
    let params = &network.config.params;
    json!({
        "num_neurons": params.num_neurons, "num_axons": params.num_axons,
        "num_cores_x": params.grid_x, "num_cores_y": params.grid_y,
        "num_weights": params.num_weights, "max_tick_offset": params.num_ticks,
        "neuron_block_trace_verbosity": 0, "core_controller_trace_verbosity": 0,
        "scheduler_trace_verbosity": 0, "neuron_reset_type": 0,
    })
}

/// `across` x `up` copies side by side, each with its own inputs. Where a copy had its output bus, all but the first have
/// a core that does nothing.
fn tile(network: &Network, across: u32, up: u32) -> (RancConfig, RancStimulus) {
    let old = &network.config.params;
    let mut params = old.clone();
    (params.grid_x, params.grid_y) = (old.grid_x * across, old.grid_y * up);
    let idle = RancNeuron {
        connections: BitRow::zeros(old.num_axons as usize),
        potential: 0,
        reset_potential: 0,
        weights: vec![0; old.num_weights as usize],
        leak: 0,
        positive_threshold: 1,
        negative_threshold: 0,
        reset_mode: 0,
        dx: 0,
        dy: 0,
        axon: 0,
        delay: 0,
    };
    let (mut cores, mut stimulus) = (Vec::new(), RancStimulus { packets: Vec::new(), ..network.stimulus.clone() });
    for (x, y) in (0..up).flat_map(|y| (0..across).map(move |x| (x * old.grid_x, y * old.grid_y))) {
        cores.extend(network.config.cores.iter().map(|core| RancCore { x: core.x + x, y: core.y + y, ..core.clone() }));
        if (x, y) != (0, 0) {
            cores.push(RancCore {
                x: x + old.output_core.0,
                y: y + old.output_core.1,
                axon_types: vec![0; old.num_axons as usize],
                neurons: vec![idle.clone(); old.num_neurons as usize],
            });
        }
        let shift = |offset: i32, by: u32| offset + i32::try_from(by).expect("a small grid");
        stimulus.packets.extend(network.stimulus.packets.iter().map(|packet| RancInput {
            flit: Flit { dx: shift(packet.flit.dx, x), dy: shift(packet.flit.dy, y), ..packet.flit },
            ..*packet
        }));
    }
    stimulus.packets.sort_by_key(|packet| packet.cycle);
    (RancConfig { params, cores }, stimulus)
}

/// The best of a few: others use the machine too.
fn best<T>(mut run: impl FnMut() -> T, key: impl Fn(&T) -> f64) -> T {
    let runs = (0..5).map(|_| run());
    runs.max_by(|a, b| key(a).total_cmp(&key(b))).expect("five runs")
}

/// tinyODIN with an event every `gap` cycles: cycles a second edge by edge, and with idle cycles and sweeps at once.
fn tinyodin(gap: u64) -> (f64, f64) {
    let mut memories = Memories::default();
    for at in 0..=255_u8 {
        let neuron = Neuron { v: 0, threshold: 40, leak: 1, disabled: false };
        memories.set_neuron(at, neuron).expect("a sound neuron");
        for post in 0..=255_u8 {
            memories.set_weight(at, post, (at.wrapping_mul(7).wrapping_add(post) % 7) as i8 - 3).expect("4 bits");
        }
    }
    let config = Config { open_loop: false, output_processed: false, last_neuron: 255 };
    let cycles = 4_000_000;
    let events: Vec<(u64, u16)> = (0..cycles / gap).map(|number| (number * gap, (number % 256) as u16)).collect();
    let speed = |plain: bool| {
        let source = Source::new(events.clone()).expect("10 bits");
        let mut board = Board::new(Chip::new(config, memories.clone()), source, Sink::new(0, 0));
        let mut trace = Trace::default();
        let start = Instant::now();
        if plain {
            board.run_plain(cycles, &mut trace);
        } else {
            board.run(cycles, &mut trace);
        }
        cycles as f64 / start.elapsed().as_secs_f64()
    };
    (best(|| speed(true), |speed| *speed), best(|| speed(false), |speed| *speed))
}

fn main() {
    for gap in [600, 6_000, 60_000] {
        let (plain, fast) = tinyodin(gap);
        println!("tinyODIN, an event every {gap} cycles: {plain:.3e} cycles/s edge by edge, {fast:.3e} at once");
    }
    let Some(folder) = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from) else {
        println!("SPIKELOOM_GOLDEN names no folder with ranc_trained: nothing to run");
        return;
    };
    let simulator = std::env::var_os("RANC_SIM").map(PathBuf::from);
    let rtl_command = std::env::var_os("RANC_RTL").map(PathBuf::from);
    let entries = std::fs::read_dir(folder.join("ranc_trained")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    println!("network       cores   ticks/s alone   ticks/s with cycles   cycles/s       RANC's simulator");
    // A name among the arguments runs that network alone.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let network = load(path);
        if !wanted.is_empty() && !wanted.contains(&network.name) {
            continue;
        }
        let rounds = 4_000 / network.stimulus.ticks.len() as u64;
        let long = repeat(&network.stimulus, rounds);
        let alone = best(|| ticks_alone(&network.config, &long, 1), |speed| *speed);
        let (timed, cycles) = best(|| with_cycles(&network.config, &long), |speed| speed.0);
        print!("{:<12} {:>6} {alone:>15.0} {timed:>21.0} {cycles:>12.3e}", network.name, network.config.cores.len());
        if let Some(simulator) = &simulator {
            let theirs = best(|| peer(simulator, &network), |speed| *speed);
            print!("   {theirs:>6.0} ticks/s: {:.0} x alone, {:.0} x with cycles", alone / theirs, timed / theirs);
        }
        if let Some(command) = &rtl_command {
            // A run takes seconds.
            let theirs = (0..3).map(|_| rtl(command, path)).fold(0.0, f64::max);
            print!("   RTL {theirs:.3e} cycles/s: {:.0} x", cycles / theirs);
        }
        println!();
        if network.name == "tea_128" {
            let (config, stimulus) = tile(&network, 4, 4);
            let inputs = repeat(&stimulus, 60);
            for threads in [1, 2] {
                let speed = best(|| ticks_alone(&config, &inputs, threads), |speed| *speed);
                println!("{} x 16     {:>6} {speed:>15.0}   on {threads} threads", network.name, config.cores.len());
            }
        }
    }
}
