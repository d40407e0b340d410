//! tinyODIN against its RTL: every field of every recorded case, cycle by cycle.
//!
//! `SPIKELOOM_GOLDEN` names a folder whose `tinyodin/` holds cases of the format `tinyodin-rtl-golden-v1`; without
//! it the copies in `tests/golden` are run. Each case is run plainly and with stretches done at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spikeloom::emu::tinyodin::{Board, Chip, Config, Handshake, Memories, Neuron, Sink, Source, State, Trace};

const STATES: [State; 7] = [
    State::Wait,
    State::TimeReference,
    State::Push,
    State::PopNeuron,
    State::PopVirtual,
    State::Pop,
    State::WaitRequestDown,
];

/// How far around a divergence the states are printed, in cycles.
const AROUND: u64 = 40;

fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("'{key}' is a number in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("'{key}' is a list"))
}

/// The same board by way of the file that `import` reads, and of the image.
fn imported(case: &Value) -> Board {
    let mut file = case.as_object().expect("fields").clone();
    file.retain(|key, _| {
        ["config", "neurons", "synapses_hex", "handshake", "events", "total_cycles"].contains(&key.as_str())
    });
    let text = Value::Object(file).to_string();
    let options = spikeloom::chip::LoadOptions::default();
    let read = spikeloom::foreign::read_tinyodin(&text, "case.json", "tinyodin", &options);
    let read = read.unwrap_or_else(|problems| panic!("{problems}"));
    let bytes = spikeloom::image::encode(&read.image, read.chip.digest);
    let (image, header) = spikeloom::image::decode(&bytes, "case").expect("decodes");
    spikeloom::image::check(&image, &header, &read.chip, "case").expect("a sound image");
    let spikeloom::chip::Family::TinyOdin(spec) = &read.chip.family else { panic!("tinyODIN") };
    let chip = spikeloom::emu::clocked::tinyodin_chip(&image, spec).expect("a checked image");
    let events = spikeloom::emu::clocked::tinyodin_events(&read.stimulus.expect("the case has events"));
    let sink = Sink::new(spec.acknowledge_delay.into(), spec.release_delay.into());
    Board::new(chip, Source::new(events).expect("10 bits"), sink)
}

fn board(case: &Value) -> Board {
    let config = &case["config"];
    let last_neuron = number(config, "max_neur").try_into().expect("8 bits");
    let config = Config {
        open_loop: number(config, "open_loop") != 0,
        output_processed: number(config, "aer_src_ctrl_n_neur") != 0,
        last_neuron,
    };
    let mut memories = Memories::default();
    for at in 0..=255_u8 {
        let neuron = &list(case, "neurons")[usize::from(at)];
        let field = |key| i16::try_from(number(neuron, key)).expect("16 bits");
        let neuron = Neuron {
            v: field("v"),
            threshold: field("thr") as u16,
            leak: field("leak") as u8,
            disabled: field("disable") != 0,
        };
        memories.set_neuron(at, neuron).unwrap_or_else(|problems| panic!("{problems}"));
        let row = list(case, "synapses_hex")[usize::from(at)].as_str().expect("hex digits");
        assert_eq!(row.len(), 256, "digits of synapse row {at}");
        for (post, digit) in (0..=255_u8).zip(row.chars()) {
            let digit = digit.to_digit(16).expect("a hex digit") as i8;
            memories.set_weight(at, post, if digit > 7 { digit - 16 } else { digit }).expect("4 bits");
        }
    }
    let event = |pair: &Value| (pair[0].as_u64().expect("a cycle"), pair[1].as_u64().expect("an address") as u16);
    let source = Source::new(list(case, "events").iter().map(event).collect());
    let delay = |key| u64::try_from(number(&case["handshake"], key)).expect("a delay");
    let sink = Sink::new(delay("aerout_ack_delay"), delay("aerout_release_delay"));
    Board::new(Chip::new(config, memories), source.unwrap_or_else(|problems| panic!("{problems}")), sink)
}

/// Our run in the form of `expected`.
fn outcome(board: &Board, trace: &Trace) -> Value {
    let handshakes = |link: &[Handshake]| -> Vec<Value> {
        let one = |shake: &Handshake| {
            json!({
                "req_rise": shake.request_rise, "addr": shake.address, "ack_rise": shake.acknowledge_rise,
                "req_fall": shake.request_fall, "ack_fall": shake.acknowledge_fall,
            })
        };
        link.iter().map(one).collect()
    };
    let states: Vec<_> = trace.states.iter().map(|(cycle, state)| (cycle, state.code())).collect();
    let words: Vec<_> = board.chip().neuron_words().iter().map(|word| format!("{word:08x}")).collect();
    json!({
        "aerin": handshakes(&trace.inputs),
        "aerout": handshakes(&trace.outputs),
        "spikes": trace.spikes,
        "fifo_push": trace.pushed,
        "fifo_push_lost": trace.lost,
        "fifo_pop": trace.popped,
        "state_changes": states,
        "final_neuron_words": words,
        "events_sent": board.source().sent(),
        "final_fifo_fill": board.chip().scheduler_fill(),
        "final_state": board.chip().state().code(),
    })
}

/// Where an entry of a list lies in time: the earliest cycle that two entries do not share.
fn cycle_of(ours: &Value, theirs: &Value, end: u64) -> u64 {
    let keys = ["req_rise", "ack_rise", "req_fall", "ack_fall"];
    let shake = |entry: &Value| entry.is_object();
    if shake(ours) && shake(theirs) {
        let differing = keys.iter().filter(|key| ours[**key] != theirs[**key] || ours["addr"] != theirs["addr"]);
        let cycles = differing.flat_map(|key| [ours[*key].as_u64(), theirs[*key].as_u64()]);
        return cycles.flatten().min().unwrap_or(end);
    }
    let start = |entry: &Value| if shake(entry) { entry["req_rise"].as_u64() } else { entry[0].as_u64() };
    [start(ours), start(theirs)].into_iter().flatten().min().unwrap_or(end)
}

/// All differences, as (cycle, text), the first of each field.
fn differences(ours: &Value, theirs: &Value, end: u64) -> Vec<(u64, String)> {
    let (ours, theirs) = (ours.as_object().expect("fields"), theirs.as_object().expect("fields"));
    let names = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(ours), names(theirs), "every field is compared");
    let mut found = Vec::new();
    for (name, mine) in ours {
        let other = &theirs[name];
        if mine == other {
            continue;
        }
        let (Some(mine), Some(other)) = (mine.as_array(), other.as_array()) else {
            found.push((end, format!("{name}: {mine}, RTL {other}")));
            continue;
        };
        let at = (0..mine.len().max(other.len())).find(|at| mine.get(*at) != other.get(*at)).expect("a difference");
        let (a, b) = (mine.get(at).unwrap_or(&Value::Null), other.get(at).unwrap_or(&Value::Null));
        found.push((cycle_of(a, b, end), format!("{name}[{at}]: {a}, RTL {b}")));
    }
    found.sort();
    found
}

/// The state changes of a run around a cycle, in words.
fn states_around(changes: &Value, cycle: u64) -> String {
    let name =
        |code: u64| STATES.iter().find(|state| u64::from(state.code()) == code).map_or("?", |state| state.name());
    let near = |change: &&Value| change[0].as_u64().is_some_and(|at| at.abs_diff(cycle) <= AROUND);
    let text = |change: &Value| format!("{} {}", change[0], name(change[1].as_u64().unwrap_or(99)));
    let changes = changes.as_array().expect("a list");
    let before = changes.iter().rev().find(|change| change[0].as_u64().is_some_and(|at| at + AROUND < cycle));
    before.into_iter().chain(changes.iter().filter(near)).map(text).collect::<Vec<_>>().join(", ")
}

fn compare(name: &str, mode: &str, ours: &Value, theirs: &Value, end: u64) -> Option<String> {
    let found = differences(ours, theirs, end);
    let (cycle, first) = found.first()?;
    let all = found.iter().map(|(cycle, text)| format!("  cycle {cycle}: {text}")).collect::<Vec<_>>().join("\n");
    let (mine, other) = (&ours["state_changes"], &theirs["state_changes"]);
    Some(format!(
        "{name} ({mode}): first divergence at cycle {cycle}: {first}\n{all}\n  our states: {}\n  RTL states: {}",
        states_around(mine, *cycle),
        states_around(other, *cycle),
    ))
}

#[test]
fn every_case_equals_the_rtl() {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from);
    let root = given.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let folder = root.join("tinyodin");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    cases.sort();
    let (mut entries, mut cycles, mut failed) = (0, 0, Vec::new());
    for path in &cases {
        let text = std::fs::read_to_string(path).expect("a readable case");
        let case: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(case["format"], "tinyodin-rtl-golden-v1", "{}", path.display());
        let name = path.file_stem().expect("a name").to_string_lossy();
        let end = u64::try_from(number(&case, "total_cycles")).expect("cycles");
        let (mut plain, mut seen) = (board(&case), Trace::default());
        let (mut quick, mut seen_quick) = (plain.clone(), Trace::default());
        plain.run_plain(end, &mut seen);
        quick.run(end, &mut seen_quick);
        assert_eq!(plain.chip().counts(), quick.chip().counts(), "counters of {name}");
        let (mut image, mut seen_image) = (imported(&case), Trace::default());
        image.run(end, &mut seen_image);
        for (mode, run, trace) in [
            ("edge by edge", &plain, &seen),
            ("stretches at once", &quick, &seen_quick),
            ("imported", &image, &seen_image),
        ] {
            failed.extend(compare(&name, mode, &outcome(run, trace), &case["expected"], end));
        }
        let lists = case["expected"].as_object().expect("fields").values();
        entries += lists.map(|field| field.as_array().map_or(1, Vec::len)).sum::<usize>();
        cycles += end;
    }
    println!("golden_tinyodin: {} cases, {cycles} cycles, {entries} entries from {}", cases.len(), folder.display());
    assert!(failed.is_empty(), "{} runs differ:\n{}", failed.len(), failed.join("\n"));
    assert!(!cases.is_empty(), "no case ran in {} (SPIKELOOM_GOLDEN is {given:?})", folder.display());
}

#[test]
fn a_divergence_is_named_with_its_cycle_and_states() {
    let ours = json!({"spikes": [[5, 1], [9, 2]], "state_changes": [[0, 0], [8, 7]], "final_state": 7});
    let theirs = json!({"spikes": [[5, 1], [11, 2]], "state_changes": [[0, 0], [8, 7]], "final_state": 0});
    let text = compare("case", "plain", &ours, &theirs, 20).expect("they differ");
    assert!(text.contains("first divergence at cycle 9: spikes[1]: [9,2], RTL [11,2]"), "{text}");
    assert!(text.contains("our states: 0 WAIT, 8 POP_NEUR"), "{text}");
    assert_eq!(compare("case", "plain", &ours, &ours, 20), None);
}
