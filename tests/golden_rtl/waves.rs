//! Waveforms, written and read back with another program's reader, against what the emulator had.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use spikeloom::emu::probe::{Change, Signal};
use spikeloom::emu::ranc::{Pace, RancChip};
use spikeloom::emu::watch::{self, Shown};
use spikeloom::image::Place;
use spikeloom::trace::{Format, Recorder, Unit};

use crate::case::{Case, config, stimulus};
use crate::{image, parse};

/// (time, value) of every change of every signal, by path.
type Waves = BTreeMap<String, Vec<(u64, u64)>>;

/// What a file should hold: changes only.
fn held(signals: &[Signal], changes: &[Change]) -> Waves {
    let mut waves: Waves = signals.iter().map(|signal| (signal.path(), Vec::new())).collect();
    for change in changes {
        let signal = &signals[change.signal as usize];
        let value = change.value & (u64::MAX >> (64 - signal.bits));
        let list = waves.get_mut(&signal.path()).expect("a signal");
        if list.last().is_none_or(|(_, last)| *last != value) {
            list.push((change.time, value));
        }
    }
    waves
}

fn read(path: &Path) -> Waves {
    let mut wave = wellen::simple::read(path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    let vars: Vec<(String, wellen::SignalRef)> = wave
        .hierarchy()
        .all_vars()
        .map(|var| (wave.hierarchy()[var].full_name(wave.hierarchy()), wave.hierarchy()[var].signal_ref()))
        .collect();
    let ids: Vec<wellen::SignalRef> = vars.iter().map(|(_, id)| *id).collect();
    wave.load_signals(&ids);
    let mut waves = Waves::new();
    for (name, id) in vars {
        let changes =
            wave.get_signal(id).expect("loaded").iter_changes().enumerate().filter_map(|(index, (at, value))| {
                let bits = value.to_bit_string().expect("bits");
                // Before its first value a signal is unknown; afterwards never.
                let known = u64::from_str_radix(&bits, 2).ok();
                assert!(known.is_some() || index == 0, "{name} is {bits} again");
                known.map(|value| (wave.time_table()[at as usize], value))
            });
        let changes = changes.collect();
        waves.insert(name, changes);
    }
    waves
}

/// Writes and reads back in both formats.
fn round_trip(name: &str, signals: &[Signal], changes: &[Change], end: u64) -> Waves {
    let held = held(signals, changes);
    for (format, ending) in [(Format::Vcd, "vcd"), (Format::Fst, "fst")] {
        let path = std::env::temp_dir().join(format!("spikeloom-{name}-{}.{ending}", std::process::id()));
        let mut recorder = Recorder::start(&path, format, signals, Unit::Nanosecond).expect("a file");
        changes.iter().for_each(|&change| recorder.send(change));
        recorder.finish(end).expect("written");
        let read = read(&path);
        std::fs::remove_file(&path).expect("there");
        assert_eq!(read.len(), held.len(), "{name}.{ending}: signals");
        for (path, list) in &held {
            assert_eq!(read.get(path), Some(list), "{name}.{ending}: {path}");
        }
    }
    held
}

fn golden(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)
}

#[test]
fn waves_of_ranc_are_its_states_spikes_and_potentials() {
    let path = golden("ranc/ranc_0104.json");
    let case: Case = parse(&path);
    let imported = image::import(&case);
    let shown = stimulus(&case);
    let core = imported.image.cores.iter().find(|core| core.body.axons() > 0).expect("a core").core;
    let watched = [Place { core, neuron: 1 }];
    let signals = watch::signals(&imported.image, &imported.chip, &watched);
    let mut changes = Vec::new();
    let cycles = Shown::Cycles(&shown);
    let end = watch::replay(&imported.image, &imported.chip, cycles, &watched, true, |change| changes.push(change));
    let waves = round_trip("ranc", &signals, &changes, end.expect("runs"));
    let mut chip = RancChip::new(&config(&case), Pace::Events).expect("a config");
    chip.run(&shown).expect("a stimulus");
    let (width, trace) = (u32::from(imported.chip.mesh.width), chip.trace());
    for loaded in imported.image.cores.iter().filter(|core| core.body.axons() > 0) {
        let number = loaded.core;
        let scope = format!("RANCNetworkGrid.core_{}_{}", number % width, number / width);
        let states: Vec<(u64, u64)> = trace
            .tc_state_changes
            .iter()
            .filter(|(_, core, _)| *core == number)
            .map(|&(cycle, _, state)| (cycle, u64::from(state as u8)))
            .collect();
        assert_eq!(waves[&format!("{scope}.token_controller.state")], states, "{scope}");
        // Two spikes are never in neighbouring cycles: each raises the line.
        let risen: Vec<u64> = waves[&format!("{scope}.token_controller.spike_out")]
            .iter()
            .filter(|(_, value)| *value == 1)
            .map(|(time, _)| *time)
            .collect();
        let spikes: Vec<u64> =
            trace.spikes.iter().filter(|(_, core, _)| *core == number).map(|event| event.0).collect();
        assert_eq!(risen, spikes, "{scope}");
    }
    let (x, y) = (core % width, core / width);
    let potential = &waves[&format!("RANCNetworkGrid.core_{x}_{y}.neuron_1.potential")];
    let last = potential.last().expect("a value").1 as u32 as i32;
    assert_eq!(i64::from(last), chip.potentials(core).expect("a core")[1]);
}

#[test]
fn waves_of_tinyodin_are_its_states_and_spikes() {
    let case: Value = parse(&golden("tinyodin/tinyodin_0502.json"));
    let mut file = case.as_object().expect("fields").clone();
    let keys = ["config", "neurons", "synapses_hex", "handshake", "events"];
    file.retain(|key, _| keys.contains(&key.as_str()));
    let options = spikeloom::chip::LoadOptions::default();
    let text = Value::Object(file).to_string();
    let imported = spikeloom::foreign::read_tinyodin(&text, "case", "tinyodin", &options).expect("a case");
    let watched = [Place { core: 0, neuron: 7 }];
    let signals = watch::signals(&imported.image, &imported.chip, &watched);
    let sample = imported.stimulus.expect("events");
    let mut changes = Vec::new();
    let shown = Shown::Sample(&sample);
    let end = watch::replay(&imported.image, &imported.chip, shown, &watched, true, |change| changes.push(change));
    let end = end.expect("runs");
    let waves = round_trip("tinyodin", &signals, &changes, end);
    let total = case["total_cycles"].as_u64().expect("a number").min(end);
    let list = |key: &str| {
        let pair = |pair: &Value| (pair[0].as_u64().expect("a cycle"), pair[1].as_u64().expect("a number"));
        case["expected"][key].as_array().expect("a list").iter().map(pair).filter(|(cycle, _)| *cycle < total).collect()
    };
    let states: Vec<(u64, u64)> = list("state_changes");
    let until = |path: &str| waves[path].iter().copied().filter(|(time, _)| *time < total).collect::<Vec<(u64, u64)>>();
    assert_eq!(until("tinyODIN.controller.state"), states);
    let spikes: Vec<(u64, u64)> = list("spikes");
    let line = until("tinyODIN.neuron_core.NEUR_EVENT_OUT");
    let risen: Vec<u64> = line.iter().filter(|(_, value)| *value == 1).map(|(cycle, _)| *cycle).collect();
    assert_eq!(risen, spikes.iter().map(|(cycle, _)| *cycle).collect::<Vec<_>>());
}

#[test]
fn waves_of_a_ticked_chip_are_its_ticks_and_currents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/nets/chain_loihi.json");
    let read = spikeloom::graph::read(&path, &spikeloom::graph::ReadOptions::default()).expect("a network");
    let chip = spikeloom::chip::load("loihi", &spikeloom::chip::LoadOptions::default()).expect("a chip");
    let mut log = spikeloom::compile::Log::default();
    let options = spikeloom::compile::Options::default();
    let image = spikeloom::compile::compile(&read.network, &chip, &options, &mut log).expect("compiles").image;
    let spikes = (0..20).map(|tick| spikeloom::stimulus::InputSpike { tick, input: 0, value: 1 }).collect();
    let sample = spikeloom::stimulus::Sample { name: "s".to_owned(), spikes, ticks: 20, label: None };
    let watched = [Place { core: image.cores[0].core, neuron: 0 }];
    let signals = watch::signals(&image, &chip, &watched);
    let mut changes = Vec::new();
    let end = watch::replay(&image, &chip, Shown::Sample(&sample), &watched, true, |change| changes.push(change));
    let waves = round_trip("loihi", &signals, &changes, end.expect("runs"));
    let ticks: Vec<u64> = waves["loihi.tick"].iter().map(|(_, tick)| *tick).collect();
    assert_eq!(ticks, (0..u64::from(20 + image.depth)).collect::<Vec<_>>());
    // The neuron fires in every tick of the input, so that its membrane ends each at 0 and its current tells.
    let current = format!("loihi.core_{}.neuron_0.u", watched[0].core);
    let values: Vec<u64> = waves[&current].iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [0, 12 << 6, 0]);
}

/// Every packet of a case, followed alone, ends where and when the RTL says.
#[test]
fn the_life_of_a_packet_ends_as_in_the_rtl() {
    let path = golden("ranc/ranc_0104.json");
    let case: Case = parse(&path);
    let imported = image::import(&case);
    let shown = stimulus(&case);
    let tick_of = |cycle: u64| shown.ticks.partition_point(|&tick| tick <= cycle) as u32;
    let spikes = case.expected.spikes.iter().map(|&(cycle, core, neuron)| {
        (cycle, watch::Which::Spike(Place { core, neuron: neuron.try_into().expect("16 bits") }, tick_of(cycle)))
    });
    let inputs = case.expected.input_accepted.iter().map(|&cycle| {
        let number = shown.packets.iter().position(|packet| packet.cycle == cycle).expect("a packet");
        (cycle, watch::Which::Input(number))
    });
    let all: Vec<_> = inputs.chain(spikes).take(60).collect();
    let (mut kept, mut lines) = (0, 0);
    for &(cycle, which) in &all {
        let life = watch::packet(&imported.image, &imported.chip, Shown::Cycles(&shown), which).expect("runs");
        let life = life.unwrap_or_else(|| panic!("{which:?} is never sent"));
        assert_eq!(life.first().map(|step| step.0), Some(cycle), "{which:?}");
        assert!(life.is_sorted_by_key(|step| step.0), "{life:?}");
        let (end, what) = life.last().expect("an end");
        let written = |list: &[(u64, u32, u32, u32)], how: &str| {
            list.iter().any(|&(at, _, axon, row)| {
                at == *end && *what == how.replace('A', &axon.to_string()).replace('R', &row.to_string())
            })
        };
        let is_kept = written(&case.expected.sched_writes, "kept: axon A in scheduler row R");
        let line = case
            .expected
            .out_packets
            .iter()
            .any(|&(at, line)| at == *end && *what == format!("shown on line {line} of the output bus"));
        let how = "lost: axon A, row R, at the edge that clears the row of the tick";
        let is_lost = written(&case.expected.sched_writes_lost, how);
        assert!(is_kept || line || is_lost, "{which:?}: {life:?}");
        (kept, lines) = (kept + u32::from(is_kept), lines + u32::from(line));
    }
    println!("{} packets followed: {kept} kept, {lines} shown", all.len());
    assert!(kept > 10, "too few packets arrive");
}
