//! The command line from outside: transcripts that double as documentation, and exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn spikeloom(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spikeloom"))
        .args(args)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .expect("the program starts")
}

/// An empty folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the test folder can be made");
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A chain of two neurons by hand, in the integers of Loihi.
const CHAIN: &str = include_str!("../programs/nets/chain_loihi.json");

fn compiled(name: &str) -> PathBuf {
    let folder = folder(name);
    std::fs::write(folder.join("chain.json"), CHAIN).expect("written");
    let output = spikeloom(&folder, &["compile", "chain.json", "--chip", "loihi", "-o", "chain.img"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder
}

#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

#[test]
fn a_network_is_compiled_run_and_verified() {
    let folder = compiled("chain");
    std::fs::write(folder.join("in.csv"), "tick,input\n0,0\n3,0\n4,0\n").expect("written");
    let run = ["run", "chain.img", "-i", "in.csv", "-o", "out", "--ticks", "8", "--record", "all"];
    let output = spikeloom(&folder, &run);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let spikes = std::fs::read_to_string(folder.join("out/spikes.csv")).expect("spikes.csv");
    // An input spike reaches `first` one tick later and `second` one tick after that.
    let expected = "sample,tick,population,neuron\n0,1,first,0\n0,2,second,0\n0,4,first,0\n0,5,first,0\n0,5,second,0\n0,6,second,0\n";
    assert_eq!(spikes, expected);
    let output = spikeloom(&folder, &["verify", "chain.img", "chain.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let output = spikeloom(&folder, &["report", "out", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(object["schema_version"], 1);
    // Outputs stay unless --force says otherwise.
    assert_eq!(spikeloom(&folder, &run).status.code(), Some(1));
    assert_eq!(spikeloom(&folder, &[&run[..], &["--force"]].concat()).status.code(), Some(0));
}

#[test]
fn every_thread_count_gives_the_same_digest() {
    let folder = compiled("threads");
    let rows: String = (0..200).map(|tick| format!("{tick},0\n")).collect();
    std::fs::write(folder.join("in.csv"), format!("tick,input\n{rows}")).expect("written");
    let digests: Vec<String> = ["1", "2", "3", "8"]
        .iter()
        .map(|threads| {
            let out = format!("out{threads}");
            let output = spikeloom(&folder, &["run", "chain.img", "-i", "in.csv", "-o", &out, "--threads", threads]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            std::fs::read_to_string(folder.join(out).join("digest.txt")).expect("digest.txt")
        })
        .collect();
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
}

/// (arguments, exit code, what stderr must name).
#[test]
fn wrong_calls_exit_with_the_right_code_and_say_why() {
    let folder = compiled("wrong");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    write("far.csv", "tick,input\n0,7\n");
    write("negative.csv", "tick,input\n-1,0\n");
    write("typo.json", &CHAIN.replace("\"populations\"", "\"popluations\""));
    let image = std::fs::read(folder.join("chain.img")).expect("image");
    std::fs::write(folder.join("short.img"), &image[..40]).expect("written");
    let mut damaged = image.clone();
    damaged[100] ^= 1;
    std::fs::write(folder.join("damaged.img"), damaged).expect("written");
    let mut newer = image;
    newer[8] = 9;
    std::fs::write(folder.join("newer.img"), newer).expect("written");
    let cases: [(&[&str], i32, &str); 12] = [
        (&["run"], 2, "Usage"),
        (&["frobnicate"], 2, "frobnicate"),
        (&["run", "absent.img", "-i", "far.csv"], 1, "absent.img"),
        (&["run", "short.img", "-i", "far.csv"], 1, "image/short"),
        (&["run", "damaged.img", "-i", "far.csv"], 1, "image/checksum"),
        (&["run", "newer.img", "-i", "far.csv"], 1, "image/version"),
        (&["run", "chain.img", "-i", "far.csv", "--chip", "truenorth"], 1, "image/chip"),
        (&["run", "chain.img", "-i", "far.csv"], 1, "far.csv"),
        (&["run", "chain.img", "-i", "negative.csv"], 1, "negative.csv"),
        (&["compile", "typo.json", "--chip", "loihi", "-o", "x.img"], 1, "populations"),
        (&["compile", "chain.json", "--chip", "lohi", "-o", "x.img"], 1, "loihi"),
        (&["compile", "chain.json", "--chip", "truenorth", "-o", "x.img"], 1, "crossbar/family"),
    ];
    for (args, code, named) in cases {
        let output = spikeloom(&folder, args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
        assert!(said.contains(named), "{args:?} does not name '{named}':\n{said}");
        assert!(output.stdout.is_empty(), "{args:?} wrote to stdout");
    }
}

#[test]
fn the_demo_recognises_digits_on_both_chips() {
    let folder = folder("demo");
    let output = spikeloom(&folder, &["demo", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let reports = object["reports"].as_array().expect("reports");
    assert_eq!(reports.len(), 2);
    let accuracy = |chip: usize, key: &str| reports[chip]["accuracy"][key].as_f64().expect("a fraction");
    let float = accuracy(0, "float");
    assert!(float >= 0.96, "float {float}");
    let (truenorth, loihi) = (accuracy(0, "fraction"), accuracy(1, "fraction"));
    assert!(truenorth >= float - 0.03, "truenorth {truenorth}, float {float}");
    assert!(loihi >= float - 0.01, "loihi {loihi}, float {float}");
    for page in ["comparison.html", "truenorth/report.html", "loihi/report.html", "loihi/spikes.csv"] {
        assert!(folder.join("out/demo").join(page).is_file(), "{page}");
    }
    // The digests that programs/README.md states.
    let readme = include_str!("../programs/README.md");
    for report in reports {
        let digest = report["digest"].as_str().expect("a digest");
        assert!(readme.contains(&digest[..16]), "programs/README.md does not state {digest}");
    }
}
