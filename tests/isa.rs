//! The neuron instruction set from outside: table, manual and the programs that are shipped.

#[path = "../benches/fuzz/cases.rs"]
mod cases;

use std::fmt::Write as _;
use std::fs;

use spikeloom::isa::{Binding, Class, Draws, FlagUse, Lanes, Op, assemble, encode};

fn class_name(class: Class) -> &'static str {
    Class::ALL.iter().find(|(known, _)| *known == class).expect("every class has a name").1
}

/// `isa/neuron.toml` is normative: the program's table says the same in every field.
#[test]
fn the_table_is_the_normative_one() {
    let text = fs::read_to_string("isa/neuron.toml").expect("isa/neuron.toml");
    let file: toml::Table = text.parse().expect("TOML");
    let written: Vec<_> = file["instruction"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().expect("a text").to_owned();
            let number = |key: &str| line[key].as_integer().expect("a number");
            assert!(!text("semantics").is_empty());
            let does = [text("energy_event"), text("flag")];
            (text("mnemonic"), number("opcode"), text("operands"), number("cycles"), does)
        })
        .collect();
    let built: Vec<_> = Op::TABLE
        .iter()
        .map(|info| {
            let flag = FlagUse::ALL.iter().find(|(known, _)| *known == info.op.flag()).expect("every use has a name").1;
            let does = [class_name(info.class).to_owned(), flag.to_owned()];
            let operands = info.form.operands().to_owned();
            (info.mnemonic.to_owned(), i64::from(info.opcode), operands, i64::from(info.cycles), does)
        })
        .collect();
    assert_eq!(written, built);
    let limit = |key: &str| file["limits"][key].as_integer().expect("a number") as usize;
    assert_eq!(limit("instructions"), spikeloom::isa::PROGRAM_MAX);
    assert_eq!(limit("state_bytes"), spikeloom::isa::STATE_BYTES_MAX as usize);
    assert_eq!(limit("inputs"), spikeloom::isa::INPUTS_MAX);
    assert_eq!(limit("outputs"), spikeloom::isa::OUTPUTS_MAX);
    assert_eq!(limit("parameters"), spikeloom::isa::PARAMETERS_MAX);
    assert_eq!(limit("table_entries"), usize::from(spikeloom::isa::TABLE_MAX));
}

/// The fields of a word from bit 31 down: opcode, rd, ra, rb and imm12, or imm16 in place of the last two.
fn fields(opcode: i64, operands: &str) -> String {
    let has = |name: &str| operands.split(", ").any(|operand| operand == name);
    let register = |name: &'static str| if has(name) { name } else { "0" };
    let number = operands.split(", ").find(|operand| !["rd", "ra", "rb", ""].contains(operand));
    let (rd, ra) = (register("rd"), register("ra"));
    match number {
        Some("imm16") => format!("{opcode:02x} {rd} {ra} imm16"),
        number => format!("{opcode:02x} {rd} {ra} {} {}", register("rb"), number.unwrap_or("0")),
    }
}

/// What is refused of an instruction before it runs.
fn refused(name: &str, operands: &str) -> String {
    let of = |operand: &str| {
        Some(match operand {
            "state" | "param" | "table" | "input" | "output" => format!("{operand} not declared"),
            "label" => "label behind, undeclared or further than 4095".to_owned(),
            "imm12" => "number beyond -2048..=2047".to_owned(),
            "imm16" if name == "lih" => "number beyond -32768..=65535".to_owned(),
            "imm16" => "number beyond -32768..=32767".to_owned(),
            "shift5" => "shift beyond 0..=31".to_owned(),
            "shift6" => "shift beyond 0..=63".to_owned(),
            "bits5" => "bits beyond 1..=31".to_owned(),
            "width6" => "width beyond 1..=32".to_owned(),
            "channel" => "channel beyond 0..=15".to_owned(),
            _ => return None,
        })
    };
    let found: Vec<String> = operands.split(", ").filter_map(of).collect();
    if found.is_empty() { "nothing".to_owned() } else { found.join("; ") }
}

/// An instruction with operands, and its word. The limits of numbers that `refused` tells are held here.
fn example(name: &str, operands: &str) -> (String, u32) {
    let line = |number: &dyn Fn(&str) -> Option<i64>| {
        let of = |operand: &str| {
            number(operand).map_or_else(
                || {
                    let known = [("rd", "r1"), ("ra", "r2"), ("rb", "r3"), ("state", "v"), ("param", "decay")];
                    let more = [("table", "curve"), ("input", "current"), ("output", "spikes"), ("label", "+1")];
                    known
                        .into_iter()
                        .chain(more)
                        .find(|(kind, _)| *kind == operand)
                        .map_or("", |known| known.1)
                        .to_owned()
                },
                |number| number.to_string(),
            )
        };
        let operands: Vec<String> = operands.split(", ").map(of).collect();
        format!("{name} {}", operands.join(", "))
    };
    let words = |line: &str| {
        let text = format!(
            "state v: s24\nparam decay: u12 = 1\nparam curve[4]: s8 = 0\ninput current\noutput spikes\n    {line}\n    mov r0, r0\n"
        );
        assemble(&text, "example").map(|program| encode(&program.code[0]))
    };
    let limits = [
        ("imm12", -2048, 2047),
        // The upper half may be written as the unsigned number that it is.
        ("imm16", -32_768, if name == "lih" { 65_535 } else { 32_767 }),
        ("shift5", 0, 31),
        ("shift6", 0, 63),
        ("bits5", 1, 31),
        ("width6", 1, 32),
        ("channel", 0, 15),
    ];
    for (kind, low, high) in limits.into_iter().filter(|(kind, ..)| operands.contains(kind)) {
        for (value, fits) in [(low, true), (high, true), (low - 1, false), (high + 1, false)] {
            let text = line(&|operand| (operand == kind).then_some(value));
            assert_eq!(words(&text).is_ok(), fits, "{text}");
        }
    }
    let usual =
        |operand: &str| limits.iter().find(|(kind, ..)| *kind == operand).map(|(_, _, high)| (high / 2).clamp(4, 12));
    let text = line(&usual);
    let word = words(&text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
    (text, word)
}

/// The table of the manual is made from `isa/neuron.toml`.
#[test]
fn the_manual_is_fresh() {
    let text = fs::read_to_string("isa/neuron.toml").expect("isa/neuron.toml");
    let file: toml::Table = text.parse().expect("TOML");
    let mut table = "| instruction | word | cycles | energy event | flag | what it does | refused | example |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for line in file["instruction"].as_array().expect("a list") {
        let text = |key: &str| line[key].as_str().expect("a text").replace('|', "\\|");
        let (opcode, cycles) = (line["opcode"].as_integer(), line["cycles"].as_integer());
        let (opcode, cycles) = (opcode.expect("a number"), cycles.expect("a number"));
        let (name, operands, event) = (text("mnemonic"), text("operands"), text("energy_event"));
        let (flag, what) = (text("flag"), text("semantics"));
        let (diagram, refused, (example, word)) =
            (fields(opcode, &operands), refused(&name, &operands), example(&name, &operands));
        writeln!(
            table,
            "| `{name} {operands}` | `{diagram}` | {cycles} | {event} | {flag} | {what} | {refused} | `{example}` is `0x{word:08x}` |"
        )
        .expect("a string");
    }
    let manual = fs::read_to_string("isa/neuron.md").expect("isa/neuron.md");
    let (head, rest) = manual.split_once("--test isa` -->\n").expect("the begin mark");
    let (held, tail) = rest.split_once("<!-- end -->").expect("the end mark");
    if std::env::var_os("SPIKELOOM_UPDATE").is_some() {
        fs::write("isa/neuron.md", format!("{head}--test isa` -->\n{table}<!-- end -->{tail}")).expect("writable");
    } else {
        assert_eq!(held, table, "isa/neuron.md is stale: SPIKELOOM_UPDATE=1 cargo test --release --test isa");
    }
}

/// The example of the manual fires when it should: v = decay(v) + 100, threshold 640.
#[test]
fn the_example_of_the_manual_fires_as_computed_by_hand() {
    let manual = fs::read_to_string("isa/neuron.md").expect("isa/neuron.md");
    let (_, example) = manual.split_once("    ; leaky").expect("the example");
    let (example, _) = example.split_once("\n\nDeclarations").expect("its end");
    let program = assemble(&format!(";{example}"), "isa/neuron.md").unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(program.layout().state_bytes, 3);
    let bound = [("decay".to_owned(), Binding::Shared(409))];
    let mut lanes = Lanes::new(program, 1, &bound, Draws { seed: 0, core: 0, first: 0 }).expect("fits");
    let (mut v, mut expected, mut fired) = (0_i64, Vec::new(), Vec::new());
    for tick in 0..40 {
        v = ((v * (4096 - 409)) >> 12) + 100;
        if v > 640 {
            expected.push(tick);
            v = 0;
        }
        lanes.step(&[&[100]], tick, &mut |_, _| fired.push(tick));
        assert_eq!(i64::from(lanes.state(0)[0]), v, "tick {tick}");
    }
    assert!(!expected.is_empty());
    assert_eq!(fired, expected);
}

/// The first cases of the fuzz that `benches/fuzz` runs for minutes.
#[test]
fn a_second_of_fuzzing_finds_nothing() {
    let programs = (0..3_000).filter(|&case| cases::check(case).unwrap_or_else(|finding| panic!("{finding}"))).count();
    assert!(programs > 900, "only {programs} cases made programs");
}
