//! `import` refuses what the chip cannot hold before memory is spent on it, and the command line finds what is wrong
//! before it runs or writes anything.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spikeloom::chip::LoadOptions;
use spikeloom::diag::Problems;
use spikeloom::foreign::{self, Imported};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What is told on stderr.
fn spikeloom(folder: &Path, args: &[&str], code: i32) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spikeloom"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

fn program(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/nets").join(name);
    std::fs::read_to_string(path).expect("a program")
}

fn crossbar(neurons: usize, axons: usize) -> String {
    let neuron = |at: usize| json!({ "name": format!("n{at}"), "weights": [1, 0, 0, 0], "threshold": 1 });
    json!({
        "format": "spikeloom crossbar 1", "name": "many", "about": "", "ticks": 4,
        "neurons": (0..neurons).map(neuron).collect::<Vec<_>>(),
        "axons": vec![json!({ "type": 0, "neurons": [0] }); axons],
        "inputs": [0], "stimulus": [], "expected": {},
    })
    .to_string()
}

#[test]
fn a_crossbar_program_must_fit_a_core_that_works() {
    let folder = folder("crossbar");
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
    write("fits.json", crossbar(256, 256));
    for (name, neurons, axons, told) in [
        ("neurons.json", 257, 1, "257 neurons"),
        ("axons.json", 1, 300, "300 axons"),
        // More than 16 bits number, and a crossbar of gigabytes.
        ("many.json", 70_000, 70_000, "70000 neurons"),
    ] {
        write(name, crossbar(neurons, axons));
        let said = spikeloom(&folder, &["import", name, "-o", "x.img"], 1);
        assert!(said.contains(told) && said.contains("limit: 256 a core"), "{said}");
        assert!(!folder.join("x.img").exists());
    }
    for defect in ["core=0", "router=0", "neuron=0:255", "axon=0:9"] {
        let said = spikeloom(&folder, &["import", "fits.json", "-o", "x.img", "--defect", defect], 1);
        assert!(said.contains("image/defect") && said.contains("--chip"), "{said}");
    }
    // Nothing is said of what the file leaves empty.
    assert_eq!(spikeloom(&folder, &["import", "fits.json", "-o", "fits.img"], 0), "");
    spikeloom(&folder, &["export", "fits.img", "-o", "model.json"], 0);
    let said = spikeloom(&folder, &["import", "model.json", "-o", "x.img", "--defect", "core=0"], 1);
    assert!(said.contains("image/defect"), "{said}");
}

fn ranc(text: &str) -> Result<Imported, Problems> {
    foreign::read_ranc_json((text, "grid.json"), None, "ranc", &LoadOptions::default())
}

/// The example, with its packets and the places of its bus changed.
fn grid(change: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(&program("chain_ranc.json")).expect("JSON");
    change(&mut file);
    serde_json::to_string_pretty(&file).expect("text")
}

fn packet(core: [u32; 2], axon: u32, tick: u32) -> Value {
    json!({ "destination_core": core, "destination_axon": axon, "destination_tick": tick })
}

#[test]
fn packets_of_a_grid_are_held_against_it() {
    for (core, axon, tick, told) in [
        ([0, 0], 0, 16, "a packet with 'destination_tick' 16\n  limit: 0..=15"),
        ([0, 0], 3, 0, "a packet to axon 3\n  limit: 0..=2"),
        ([0, 1], 0, 0, "a packet to core (0, 1)\n  limit: the grid has 2 x 1 positions"),
        ([2, 0], 0, 0, "a packet to core (2, 0)"),
    ] {
        let text = grid(|file| file["packets"] = json!([[packet(core, axon, tick)]]));
        let line = text.lines().position(|line| line.contains("\"packets\"")).expect("packets") + 3;
        let problems = ranc(&text).expect_err("a packet that does not fit").to_string();
        assert!(problems.contains(&format!("grid.json:{line}: {told}")), "{told}\n{problems}");
    }
}

#[test]
fn a_small_file_does_not_make_a_large_grid() {
    let started = Instant::now();
    // 65,536 positions, each with an entry for every axon and delay.
    let text = grid(|file| {
        let delays = (0..200).map(|delay| packet([0, 0], 0, delay));
        file["packets"] = json!([delays.collect::<Vec<_>>()]);
        file["output_bus"]["coordinates"] = json!([255, 255]);
    });
    let options = LoadOptions { set: vec![("core.ranc.ticks".into(), "256".into())], ..LoadOptions::default() };
    let problems = foreign::read_ranc_json((&text, "grid.json"), None, "ranc", &options).expect_err("too large");
    assert!(problems.has("foreign/size"), "{problems}");
    // 101 x 101: the depth is found in one pass over the ways.
    let text = grid(|file| {
        file["output_bus"]["coordinates"] = json!([100, 100]);
        let core = file["cores"][0].clone();
        let place = |at: usize| {
            let mut core = core.clone();
            core["coordinates"] = json!([at % 101, at / 101]);
            core["neurons"][0]["destination_core_offset"] = json!([0, if at / 101 < 100 { 1 } else { 0 }]);
            core
        };
        file["cores"] = (0..101 * 101 - 1).map(place).collect();
    });
    ranc(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn tinyodin_files_are_read_strictly() {
    let text = program("chain_tinyodin.json");
    let read = |text: &str| foreign::read_tinyodin(text, "odin.json", "tinyodin", &LoadOptions::default());
    let row = format!("\"05{}\"", "0".repeat(254));
    for (from, to, told) in [
        (row.as_str(), format!("\"05{} \"", "0".repeat(254)), "has ' ', which is no hexadecimal digit"),
        (&row, format!("\"05{}rest\"", "0".repeat(254)), "has 'r', which is no hexadecimal digit"),
        (&row, format!("\"05{}\"", "0".repeat(255)), "257 hexadecimal digits"),
        ("68000", "\"abc\"".to_owned(), "'total_cycles' of the file is \"abc\""),
        ("68000", "4294967297".to_owned(), "0..=2147483648"),
        ("68000", "-1".to_owned(), "'total_cycles' of the file is -1"),
        (
            "[1600, 0]",
            "[4294967295, 0]".to_owned(),
            "an event [4294967295,0]\n  limit: [cycle, address], cycles 0..=2147483647",
        ),
        ("[1600, 0]", "[1600, \"x\", 0]".to_owned(), "an event [1600,\"x\",0]"),
        ("[1600, 0]", "[1600, 1024]".to_owned(), "addresses 0..=1023"),
    ] {
        assert!(text.contains(from), "{from}");
        let problems = read(&text.replacen(from, &to, 1)).expect_err(&to).to_string();
        assert!(problems.contains(told) && problems.contains("odin.json:"), "{to}: {problems}");
    }
    let events = |text: &str| foreign::read_tinyodin_events(text, "events.json");
    let last = events("{\"events\": [[2147483647, 0]], \"total_cycles\": 2147483648}").expect("the last that is taken");
    assert_eq!(last.ticks, 1 << 31);
    assert!(events("{\"events\": [[4294967295, 0]]}").is_err());
    assert!(events("{\"events\": [], \"total_cycles\": \"abc\"}").is_err());
}

#[test]
fn wishes_that_mean_nothing_are_refused_and_nothing_is_left_behind() {
    let folder = folder("wishes");
    let absent = |name: &str| assert!(!folder.join(name).exists(), "{name}");
    for name in ["chain_ranc.json", "chain_tinyodin.json", "neurons/tonic_bursting.json"] {
        let file = name.rsplit('/').next().expect("a name");
        std::fs::write(folder.join(file), program(name)).expect("written");
    }
    spikeloom(&folder, &["import", "tonic_bursting.json", "-o", "tonic.img", "--stimulus", "tonic.csv"], 0);
    spikeloom(&folder, &["import", "chain_ranc.json", "-o", "ranc.img"], 0);
    spikeloom(&folder, &["import", "chain_tinyodin.json", "-o", "odin.img"], 0);
    spikeloom(&folder, &["export", "tonic.img", "-o", "model.json", "-i", "tonic.csv", "--spikes", "tonic.sfti"], 0);

    let said = spikeloom(&folder, &["import", "model.json", "-o", "x.img", "--stimulus", "x.csv"], 1);
    assert!(said.contains("it holds no stimulus"), "{said}");
    for file in ["model.json", "chain_tinyodin.json", "tonic_bursting.json"] {
        let said = spikeloom(&folder, &["import", file, "-o", "x.img", "--config", "absent.json"], 1);
        assert!(said.contains("import/config"), "{said}");
    }
    let long = program("chain_tinyodin.json").replace("68000", "2000000000");
    std::fs::write(folder.join("long.json"), long).expect("written");
    let said = spikeloom(&folder, &["import", "long.json", "-o", "x.img", "--stimulus", "x.csv"], 1);
    assert!(said.contains("import/stimulus") && said.contains("help:"), "{said}");
    absent("x.img");

    std::fs::write(folder.join("events.json"), "{\"events\": [[10, 0]], \"total_cycles\": 70000}").expect("written");
    std::fs::write(folder.join("cycles.json"), "{\"tick_cycles\": [9], \"packets\": [], \"total_cycles\": 90}")
        .expect("written");
    let flags: [&[&str]; 6] = [
        &["--ticks", "9"],
        &["--bin-us", "7"],
        &["--encoding", "rate"],
        &["--binary"],
        &["--encoding-seed", "3"],
        &["--samples", "1"],
    ];
    for (image, input) in [("odin.img", "events.json"), ("ranc.img", "cycles.json"), ("tonic.img", "tonic.sfti")] {
        spikeloom(&folder, &["run", image, "-i", input], 0);
        for flag in flags {
            let code = i32::from(!(flag[0] == "--ticks" && image == "tonic.img"));
            let said = spikeloom(&folder, &[&["run", image, "-i", input, "-o", "r", "--force"], flag].concat(), code);
            assert_eq!(said.contains(&format!("error[cli/stimulus]: {}: ", flag[0])), code == 1, "{said}");
        }
    }
}

#[test]
fn waveforms_are_prepared_before_the_run() {
    let folder = folder("waves");
    std::fs::write(folder.join("tonic.json"), program("neurons/tonic_bursting.json")).expect("written");
    spikeloom(&folder, &["import", "tonic.json", "-o", "tonic.img", "--stimulus", "tonic.csv"], 0);
    std::fs::write(folder.join("file"), "no folder").expect("written");
    let run = ["run", "tonic.img", "-i", "tonic.csv", "-o", "out"];
    for (more, told) in [
        (&["--trace", "wav", "x.vcd"][..], "vcd, fst"),
        (&["--trace", "vcd", "file/x.vcd"], "cli/write"),
        (&["--watch", "neuron1"], "core3.neuron17"),
        (&["--trace", "vcd", "x.vcd", "--watch", "core0.neuron9"], "core 0 has 1 neurons"),
        (&["--trace", "vcd", "x.vcd", "--strict", "--record", "nobody"], "cli/record"),
    ] {
        let said = spikeloom(&folder, &[&run[..], more].concat(), 1);
        assert!(said.contains(told) && said.contains("help:"), "{said}");
        assert!(!folder.join("out").exists() && !folder.join("x.vcd").exists(), "{more:?}");
    }
    spikeloom(&folder, &[&run[..], &["--trace", "fst", "new/deep/x.fst"]].concat(), 0);
    assert!(folder.join("new/deep/x.fst").is_file() && folder.join("out/report.json").is_file());
}

#[test]
fn only_truenorth_is_held_against_its_silicon_and_what_is_unknown_is_said() {
    let folder = folder("sweep");
    for chip in ["truenorth_4x4", "loihi"] {
        let said = spikeloom(&folder, &["sweep", "--only-published", "--chip", chip], 1);
        assert!(said.contains("sweep/published") && said.contains("limit: truenorth"), "{said}");
    }
    assert!(spikeloom(&folder, &["verify", "x.img", "x.json", "--ticks", "0"], 2).contains("--ticks"));
    assert!(spikeloom(&folder, &["verify", "x.img", "x.json", "--ticks", "16777217"], 2).contains("--ticks"));
}
