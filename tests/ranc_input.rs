//! RANC networks and chips that cannot be: every fault is named, with line and expected layout.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spikeloom::chip::{self, LoadOptions};
use spikeloom::foreign::{read_ranc_json, read_ranc_mem};

fn options(set: &[(&str, &str)]) -> LoadOptions {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    LoadOptions { set, ..LoadOptions::default() }
}

/// What the hardware description cannot be built with.
#[test]
fn chips_that_cannot_be_built_are_refused() {
    for (set, named) in [
        (&[("core.ranc.weight_width", "10")][..], "refuses to elaborate"),
        (&[("core.ranc.potential_width", "8")], "refuses to elaborate"),
        (&[("core.ranc.ticks", "12")], "a power of two"),
        (&[("core.ranc.ticks", "1")], "core.ranc.ticks"),
        (&[("mesh.buffer", "3")], "a power of two"),
        (&[("mesh.buffer", "0")], "mesh.buffer"),
        (&[("core.ranc.input_buffer", "500")], "a power of two"),
        (&[("core.ranc.reset_modes", "1")], "core.ranc.reset_modes"),
        (&[("core.ranc.potential_width", "0")], "core.ranc.potential_width"),
        (&[("core.ranc.potential_width", "41")], "core.ranc.potential_width"),
        (&[("core.ranc.leak_width", "99")], "core.ranc.leak_width"),
        (&[("core.ranc.threshold_width", "0")], "core.ranc.threshold_width"),
        (&[("core.ranc.weights", "0")], "core.ranc.weights"),
        (&[("core.ranc.output_core", "[9, 9]")], "core.ranc.output_core"),
        (&[("core.ranc.output_core", "[1]")], "core.ranc.output_core"),
        (&[("core.ranc.dx_width", "1")], "every core must be able to reach every core"),
        (&[("core.axons_in", "1")], "core.axons_in"),
        (&[("core.neurons", "0")], "core.neurons"),
        (&[("core.ranc.weigths", "4")], "did you mean"),
    ] {
        let told =
            chip::load("ranc", &options(set)).map(|chip| chip.name).expect_err("a chip that cannot be").to_string();
        assert!(told.contains(named), "{set:?}: {told}");
    }
}

fn network() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/nets/chain_ranc.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("a program")).expect("JSON")
}

/// The line of the first text of a pretty file.
fn line_of(text: &str, what: &str) -> usize {
    1 + text.lines().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what} in {text}"))
}

#[test]
fn networks_that_are_not_whole_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str, &str); 17] = [
        (|file| file["cores"][0]["neurons"][0]["treshold"] = json!(1), "\"treshold\"", "unknown key 'treshold'"),
        (|file| drop(take(&mut file["cores"][0]["neurons"][0], "leak")), "", "'leak'"),
        (|file| drop(take(&mut file["cores"][0], "axons")), "", "'axons'"),
        (|file| drop(take(file, "packets")), "", "'packets'"),
        (|file| drop(take(file, "output_bus")), "", "'output_bus'"),
        (|file| file["output_bus"]["width"] = json!(3), "\"width\"", "unknown key 'width'"),
        (|file| file["cores"][0]["neurons"][0]["leak"] = json!("x"), "\"leak\": \"x\"", "'leak'"),
        (|file| file["cores"][0]["neurons"][0]["leak"] = json!(1.5), "\"leak\": 1.5", "'leak'"),
        (|file| file["cores"][0]["neurons"][0]["leak"] = json!(256), "", "leak"),
        (|file| file["cores"][0]["neurons"][0]["destination_tick"] = json!(16), "", "destination_tick"),
        (|file| file["cores"][0]["neurons"][0]["reset_mode"] = json!(2), "", "reset_mode"),
        (|file| file["cores"][0]["neurons"][0]["weights"] = json!([1, 1]), "", "weights"),
        (|file| file["cores"][0]["connections"] = json!([]), "", "'connections' has 0 rows"),
        (|file| file["cores"][0]["connections"][0] = json!([1]), "", "one an axon"),
        (|file| file["cores"][0]["connections"][0][0] = json!(2), "", "0..=1"),
        (|file| file["cores"][0]["coordinates"] = json!([0]), "", "[x, y]"),
        (|file| file["cores"] = json!([]), "", "there are no cores"),
    ];
    for (number, (change, at, named)) in cases.into_iter().enumerate() {
        let mut file = network();
        change(&mut file);
        let text = serde_json::to_string_pretty(&file).expect("text");
        let told = read_ranc_json((&text, "net.json"), None, "ranc", &options(&[])).map(|_| ());
        let Err(told) = told else { panic!("case {number}, {named}: it is taken") };
        let told = told.to_string();
        assert!(told.contains(named) && told.contains("net.json:"), "case {number}, {named}: {told}");
        if !at.is_empty() {
            assert!(told.contains(&format!("net.json:{}", line_of(&text, at))), "case {number}: {told}");
        }
    }
    let text = network().to_string();
    let text = text.replacen("\"packets\":", "\"packets\":[],\"packets\":", 1);
    let told = read_ranc_json((&text, "net.json"), None, "ranc", &options(&[])).map(|_| ()).expect_err("twice");
    assert!(told.to_string().contains("repeats key 'packets'"), "{told}");
}

fn take(value: &mut Value, key: &str) -> Value {
    value.as_object_mut().and_then(|object| object.remove(key)).unwrap_or_else(|| panic!("no {key}"))
}

#[test]
fn configurations_of_the_simulator_are_held_too() {
    let good = json!({
        "num_neurons": 4, "num_axons": 3, "num_cores_x": 2, "num_cores_y": 1, "num_weights": 4, "max_tick_offset": 16,
        "neuron_reset_type": 0,
    });
    for (key, value, named) in [
        ("neuron_reset_type", json!(2), "0..=1"),
        ("num_axons", json!(0), "'num_axons'"),
        ("num_axons", Value::Null, "'num_axons'"),
        ("num_axon", json!(3), "unknown key 'num_axon'"),
        ("max_tick_offset", json!(12), "a power of two"),
    ] {
        let mut config = good.clone();
        config[key] = value;
        let config = serde_json::to_string_pretty(&config).expect("text");
        let text = network().to_string();
        let told =
            read_ranc_json((&text, "net.json"), Some((&config, "config.json")), "ranc", &options(&[])).map(|_| ());
        let told = told.expect_err("a configuration that cannot be").to_string();
        assert!(told.contains(named), "{key}: {told}");
    }
}

/// Two neurons, three axons, one core and an output bus to its east.
fn memories(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ranc_input").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("csram_000.mem"), format!("{}\n{}\n", word(), word())).expect("written");
    std::fs::write(folder.join("tc_000.mem"), "00\n01\n10\n").expect("written");
    folder
}

/// 3 synapses, potential and reset of 9 bits, 4 weights of 9, leak and thresholds of 9, a mode, dx and dy of 9, 2 bits of
/// axon and 4 of delay: 3 + 18 + 36 + 27 + 1 + 18 + 2 + 4 bits.
fn word() -> String {
    format!("{}{}{}{}{}", "101", "0".repeat(9 * 7), "000000001", "0".repeat(9 + 1 + 18), "000000")
}

#[test]
fn memories_of_another_layout_are_refused_with_their_line() {
    const GRID: [(&str, &str); 3] = [("mesh.width", "2"), ("mesh.height", "1"), ("core.ranc.output_core", "[1, 0]")];
    let sound = memories("sound");
    read_ranc_mem(&sound, "ranc", &options(&GRID)).map(|_| ()).unwrap_or_else(|problems| panic!("{problems}"));
    let long = format!("{}0", word());
    let letter = word().replacen("101", "1x1", 1);
    let layout = "limit: 109 bits: synapses 3, potential 9, reset_potential 9, weights 36, leak 9, positive_threshold 9, \
                  negative_threshold 9, reset_mode 1, dx 9, dy 9, axon 2, delay 4";
    for (name, file, text, told) in [
        (
            "long",
            "csram_000.mem",
            format!("{}\n\n{long}\n", word()),
            format!("csram_000.mem:3: a word of 110 bits\n  {layout}"),
        ),
        (
            "short",
            "csram_000.mem",
            format!("// two\n{}\n101\n", word()),
            format!("csram_000.mem:3: a word of 3 bits\n  {layout}"),
        ),
        ("letter", "csram_000.mem", format!("{letter}\n{}\n", word()), "csram_000.mem:1: 'x' in a word".to_owned()),
        ("address", "csram_000.mem", format!("@0\n{}\n", word()), "csram_000.mem:1: '@' in a word".to_owned()),
        (
            "kind",
            "tc_000.mem",
            "00\n011\n10\n".to_owned(),
            "tc_000.mem:2: a word of 3 bits\n  limit: 2 bits".to_owned(),
        ),
    ] {
        let folder = memories(name);
        std::fs::write(folder.join(file), text).expect("written");
        let problems = read_ranc_mem(&folder, "ranc", &options(&GRID)).map(|_| ()).expect_err(name).to_string();
        assert!(problems.contains(&told), "{name}: {problems}");
    }
    let folder = memories("grid");
    let problems = read_ranc_mem(&folder, "ranc", &options(&[("mesh.width", "3"), GRID[1], GRID[2]])).map(|_| ());
    let problems = problems.expect_err("a core without files").to_string();
    assert!(problems.contains("csram_002.mem or tc_002.mem is missing") && problems.contains("--set mesh.width"));
    std::fs::remove_file(folder.join("tc_000.mem")).expect("removed");
    let problems = read_ranc_mem(&folder, "ranc", &options(&GRID)).map(|_| ()).expect_err("no types").to_string();
    assert!(problems.contains("holds no csram_NNN.mem or no tc_NNN.mem"), "{problems}");
    let problems = read_ranc_mem(&sound, "loihi", &options(&[])).map(|_| ()).expect_err("another chip").to_string();
    assert!(!problems.is_empty());
}
