//! Cases of the fuzz: each is made of its number alone, so a finding can be made again.
//!
//! What holds of every case: nothing panics; a word is one instruction that encodes to it, or a typed error; a text is
//! a program or problems with code, message and a place within the text; a program comes back from its disassembly
//! and from its listing, and the disassembly of that is the same text; both executors say the same of it.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use spikeloom::diag::Problems;
use spikeloom::isa::{
    BUILTIN, Binding, Draws, INPUTS_MAX, Instruction, Lanes, Op, Program, assemble, decode, disassemble, encode,
    execute, listing,
};
use spikeloom::rng::Rng;

/// Name of the text in messages.
const FILE: &str = "fuzz.nmc";

/// What is wrong with case number `case`, with the text or word that shows it; else whether it made a program.
pub(crate) fn check(case: u64) -> Result<bool, String> {
    let mut rng = Rng::new(case);
    let shown = std::cell::RefCell::new(String::new());
    let done = catch_unwind(AssertUnwindSafe(|| {
        if rng.below(8) == 0 {
            return words(&mut rng, &shown).map(|()| false);
        }
        let text = text(&mut rng);
        shown.replace(text.clone());
        check_text(&text, case)
    }));
    let finding = match done {
        Ok(Ok(program)) => return Ok(program),
        Ok(Err(finding)) => finding,
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("a panic: {}", message.unwrap_or("without a message"))
        }
    };
    Err(format!("case {case}: {finding}\n{}", shown.borrow()))
}

/// 64 words: random ones, and instructions with some bits turned.
fn words(rng: &mut Rng, shown: &std::cell::RefCell<String>) -> Result<(), String> {
    for _ in 0..64 {
        let word = if rng.below(2) == 0 {
            rng.next_u64() as u32
        } else {
            let opcode = u32::from(pick(rng, Op::TABLE).opcode) << 24;
            let turned = if rng.below(2) == 0 { 1 << rng.below(32) } else { 0 };
            (opcode | (rng.next_u64() as u32 & mask(rng))) ^ turned
        };
        shown.replace(format!("word {word:#010x}"));
        match decode(word) {
            Ok(instruction) if encode(&instruction) != word => {
                return Err(format!("{instruction:?} encodes to {:#010x}", encode(&instruction)));
            }
            Ok(instruction) => within_fields(&instruction)?,
            Err(error) if error.to_string().is_empty() => return Err("an error without a message".to_owned()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Fields of an instruction that some bits of a word leave empty.
fn mask(rng: &mut Rng) -> u32 {
    *pick(
        rng,
        &[0x00ff_ffff, 0x00ff_0fff, 0x00f0_0fff, 0x00f0_ffff, 0x000f_ffff, 0x0000_0fff, 0x00ff_f03f, 0x00ff_001f],
    )
}

fn within_fields(instruction: &Instruction) -> Result<(), String> {
    let form = instruction.op.info().form;
    let (low, high) = form.immediate().unwrap_or((0, 0));
    let registers = [instruction.rd, instruction.ra, instruction.rb].iter().all(|register| *register < 16);
    if registers && (low..=high).contains(&instruction.imm) {
        Ok(())
    } else {
        Err(format!("{instruction:?} is beyond its fields"))
    }
}

fn check_text(text: &str, case: u64) -> Result<bool, String> {
    let program = match assemble(text, FILE) {
        Err(problems) => return check_problems(&problems, text.lines().count()).map(|()| false),
        Ok(program) => program,
    };
    let canonical = disassemble(&program);
    for (what, text) in [("disassembly", &canonical), ("listing", &listing(&program))] {
        let again = assemble(text, FILE).map_err(|problems| format!("its {what} is refused: {problems}\n{text}"))?;
        if again != program {
            return Err(format!("its {what} is another program:\n{text}"));
        }
        if disassemble(&again) != canonical {
            return Err(format!("its {what} has another disassembly:\n{text}"));
        }
    }
    if program.code.iter().any(|instruction| decode(encode(instruction)) != Ok(*instruction)) {
        return Err("an instruction is another one after its encoding".to_owned());
    }
    executors_agree(&program, case)?;
    Ok(true)
}

/// Every problem has a code of this room, a message, and a place within the text.
fn check_problems(problems: &Problems, lines: usize) -> Result<(), String> {
    for problem in problems.all() {
        let placed = problem.place.strip_prefix(FILE).is_some_and(|place| {
            let mut parts = place.split(':').skip(1).map(str::parse::<usize>);
            match (parts.next(), parts.next()) {
                (None, None) => true,
                (Some(Ok(line)), Some(Ok(column))) => (1..=lines).contains(&line) && column >= 1,
                _ => false,
            }
        });
        if !placed || problem.what.is_empty() || !problem.code.starts_with("isa/") {
            return Err(format!("a problem without code, message or place: {problem:?}"));
        }
    }
    Ok(())
}

/// Both executors on five neurons for two ticks.
fn executors_agree(program: &Program, case: u64) -> Result<(), String> {
    const NEURONS: usize = 5;
    let mut rng = Rng::new(!case);
    let (mut bound, mut values) = (Vec::new(), Vec::new());
    for parameter in &program.parameters {
        let (low, high) = parameter.width.range();
        let span = (i64::from(high) - i64::from(low) + 1) as u64;
        let mut own = |count: usize| -> Vec<i32> {
            (0..count).map(|_| (i64::from(low) + rng.below(span) as i64) as i32).collect()
        };
        let (kind, entries) = match parameter.entries {
            Some(entries) => {
                let entries = own(entries.into());
                (Binding::Table(entries.clone()), vec![entries; NEURONS])
            }
            None if case & 1 == 0 => {
                let value = own(1);
                (Binding::Shared(value[0]), vec![value; NEURONS])
            }
            None => {
                let each = own(NEURONS);
                (Binding::PerNeuron(each.clone()), each.iter().map(|&value| vec![value]).collect())
            }
        };
        bound.push((parameter.name.clone(), kind));
        values.push(entries);
    }
    let draws = Draws { seed: case, core: 0, first: 0 };
    let mut lanes = Lanes::new(program.clone(), NEURONS, &bound, draws)
        .map_err(|problems| format!("what assembles does not load: {problems}"))?;
    let begin: Vec<i32> = program.states.iter().map(|state| state.initial).collect();
    let mut states = vec![begin; NEURONS];
    for tick in 0..2 {
        let mut sums = || (0..NEURONS).map(|_| (rng.next_u64() >> (32 + rng.below(32))) as i32).collect::<Vec<i32>>();
        let inputs: Vec<Vec<i32>> = (0..INPUTS_MAX).map(|_| sums()).collect();
        let slices: Vec<&[i32]> = inputs[..program.inputs.len()].iter().map(Vec::as_slice).collect();
        let (mut got, mut expected) = (Vec::new(), Vec::new());
        let cycles = lanes.step(&slices, tick, &mut |neuron, sent| got.push((neuron, sent)));
        let mut spent = 0;
        for (neuron, state) in states.iter_mut().enumerate() {
            let own: Vec<i32> = slices.iter().map(|input| input[neuron]).collect();
            let parameters: Vec<&[i32]> = values.iter().map(|entries| &entries[neuron][..]).collect();
            let update =
                execute(program, state, &parameters, &own, tick, |number| draws.get(neuron as u32, tick, number));
            spent += u64::from(update.cycles);
            expected.extend(update.sent.into_iter().map(|sent| (neuron as u32, sent)));
        }
        let same = (0..program.states.len())
            .all(|slot| states.iter().zip(lanes.state(slot)).all(|(state, value)| state[slot] == *value));
        if !same || got != expected || cycles != spent {
            return Err(format!("the executors differ in tick {tick}"));
        }
    }
    Ok(())
}

fn pick<'t, T>(rng: &mut Rng, from: &'t [T]) -> &'t T {
    &from[rng.below(from.len() as u64) as usize]
}

/// A text by the grammar, one that is shipped, or of any tokens; mostly with something changed.
fn text(rng: &mut Rng) -> String {
    let mut text = match rng.below(8) {
        0 => (0..rng.below(60)).map(|_| any_token(rng)).collect(),
        1 | 2 => pick(rng, BUILTIN).1.to_owned(),
        _ => by_grammar(rng),
    };
    let changes = if rng.below(3) == 0 { 0 } else { rng.below(4) };
    (0..changes).for_each(|_| change(rng, &mut text));
    text
}

const TOKENS: &[&str] = &[
    "state",
    "param",
    "input",
    "output",
    "const",
    "chip",
    "word",
    "v",
    "u",
    "a",
    "o",
    "l",
    "l3",
    "end",
    "r0",
    "r15",
    "r16",
    "r007",
    "s24",
    "u12",
    "s33",
    "u32",
    ":",
    ",",
    "=",
    "(",
    ")",
    "[",
    "]",
    "+",
    "-",
    "*",
    "<<",
    ">>",
    "&",
    "|",
    "0",
    "1",
    "-1",
    "31",
    "63",
    "4095",
    "32768",
    "65535",
    "0x7fff_ffff",
    "0xffffffff",
    "0b101",
    "4294967296",
    "2147483648",
    "-2147483648",
    "99999999999999999999",
    "\n",
    "\n",
    "\n",
    " ",
    "\t",
    ";",
    "\r\n",
    "@",
    "é",
    "\u{202e}",
    "\0",
    "'",
    "#",
    "1_000",
    "_",
    "0x",
    "0b",
    "x.y",
    "word 0x50000001",
];

fn any_token(rng: &mut Rng) -> String {
    let token = if rng.below(4) == 0 { pick(rng, Op::TABLE).mnemonic } else { pick(rng, TOKENS) };
    if rng.below(3) == 0 { token.to_owned() } else { format!("{token} ") }
}

/// Up to 12 characters from a place on are taken out, and a token or themselves put in somewhere.
fn change_characters(rng: &mut Rng, text: &mut String) {
    let mut characters: Vec<char> = text.chars().collect();
    let from = rng.below(characters.len() as u64 + 1) as usize;
    let to = (from + rng.below(13) as usize).min(characters.len());
    let token = any_token(rng);
    let piece: Vec<char> = if rng.below(2) == 0 { characters[from..to].to_vec() } else { token.chars().collect() };
    if rng.below(2) == 0 {
        characters.drain(from..to);
    }
    let place = rng.below(characters.len() as u64 + 1) as usize;
    characters.splice(place..place, piece);
    *text = characters.into_iter().collect();
}

/// One change: as above, or a line doubled, moved or left out, a token put in or in another's place, an end cut off.
fn change(rng: &mut Rng, text: &mut String) {
    if rng.below(3) == 0 {
        return change_characters(rng, text);
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        text.push_str(&any_token(rng));
        return;
    }
    let at = rng.below(lines.len() as u64) as usize;
    match rng.below(6) {
        0 => lines.insert(at, lines[at].clone()),
        1 => {
            let other = rng.below(lines.len() as u64) as usize;
            lines.swap(at, other);
        }
        2 => _ = lines.remove(at),
        3 => {
            let mut words: Vec<String> = lines[at].split_inclusive([' ', ',']).map(str::to_owned).collect();
            let place = rng.below(words.len() as u64 + 1) as usize;
            words.insert(place, any_token(rng));
            lines[at] = words.concat();
        }
        4 => {
            let mut words: Vec<String> = lines[at].split_inclusive([' ', ',']).map(str::to_owned).collect();
            if let Some(last) = words.len().checked_sub(1) {
                words[rng.below(last as u64 + 1) as usize] = any_token(rng);
            }
            lines[at] = words.concat();
        }
        _ => {
            let kept = rng.below(lines[at].chars().count() as u64 + 1) as usize;
            lines[at] = lines[at].chars().take(kept).collect();
        }
    }
    *text = lines.join("\n");
}

/// Names of each kind that a text declares.
#[derive(Default)]
struct Names {
    constants: Vec<String>,
    states: Vec<String>,
    parameters: Vec<String>,
    tables: Vec<String>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl Names {
    /// Whether operands of this kind are names and none is declared.
    fn lacks(&self, kind: &str) -> bool {
        match kind {
            "state" => self.states.is_empty(),
            "param" => self.parameters.is_empty(),
            "table" => self.tables.is_empty(),
            "input" => self.inputs.is_empty(),
            "output" => self.outputs.is_empty(),
            _ => false,
        }
    }
}

/// Declarations and code that mostly assemble.
fn by_grammar(rng: &mut Rng) -> String {
    const STEMS: &[&str] = &["v", "l", "l_", "x.y", "word", "chip", "state", "r16", "_", "L", "u"];
    let mut names = Names::default();
    let mut text = String::new();
    if rng.below(8) == 0 {
        let _ = writeln!(text, "chip {}", pick(rng, &["loihi2", "loihi", "any"]));
    }
    for number in 0..rng.below(9) {
        let name = format!("{}{number}", pick(rng, STEMS));
        let (signed, bits) = (rng.below(2) == 0, 1 + rng.below(31));
        let width = if signed { format!("s{}", bits + rng.below(2)) } else { format!("u{bits}") };
        let value = if rng.below(2) == 0 { format!(" = {}", number_within(rng, signed, bits)) } else { String::new() };
        match rng.below(6) {
            0 => _ = writeln!(text, "const {name} = {}", number_within(rng, true, 12)),
            1 => _ = writeln!(text, "state {name}: {width}{value}"),
            2 => _ = writeln!(text, "param {name}: {width}{value}"),
            3 => _ = writeln!(text, "param {name}[{}]: {width}{value}", 1 + rng.below(5)),
            4 => _ = writeln!(text, "input {name}"),
            _ => _ = writeln!(text, "output {name} ; out"),
        }
        let line = text.lines().next_back().unwrap_or_default();
        let list = match line.split(' ').next() {
            Some("const") => &mut names.constants,
            Some("state") => &mut names.states,
            Some("param") if line.contains('[') => &mut names.tables,
            Some("param") => &mut names.parameters,
            Some("input") => &mut names.inputs,
            _ => &mut names.outputs,
        };
        list.push(name);
    }
    let length = 1 + rng.below(30);
    for at in 0..length {
        let _ = writeln!(text, "at{at}:");
        let mut op = pick(rng, Op::TABLE);
        // Mostly one whose operands are declared.
        while rng.below(200) != 0 && op.form.operands().split(", ").any(|kind| names.lacks(kind)) {
            op = pick(rng, Op::TABLE);
        }
        let operands: Vec<String> = op
            .form
            .operands()
            .split(", ")
            .map(|kind| operand(rng, &names, kind, (at, length), op.form.immediate()))
            .collect();
        let _ = writeln!(text, "  {} {}", op.mnemonic, operands.join(", "));
    }
    let _ = writeln!(text, "at{length}:");
    text
}

/// Mostly within a width; written in one of several ways.
fn number_within(rng: &mut Rng, signed: bool, bits: u64) -> String {
    let most = (1_i64 << (bits - u64::from(signed))) - 1;
    let value = if rng.below(4) == 0 { most } else { rng.below(most as u64 + 1) as i64 };
    let value = if signed && rng.below(2) == 0 { -value } else { value };
    match rng.below(5) {
        0 if value >= 0 => format!("{value:#x}"),
        1 if value >= 0 => format!("{value:#b}"),
        2 => format!("({value} + 1 - 1)"),
        3 => format!("({value} & -1 | 0)"),
        _ => value.to_string(),
    }
}

fn operand(rng: &mut Rng, names: &Names, kind: &str, (at, length): (u64, u64), range: Option<(i32, i32)>) -> String {
    let mut named = |list: &[String]| if list.is_empty() { "none".to_owned() } else { pick(rng, list).clone() };
    match kind {
        "rd" | "ra" | "rb" => format!("r{}", rng.below(16)),
        "state" => named(&names.states),
        "param" => named(&names.parameters),
        "table" => named(&names.tables),
        "input" => named(&names.inputs),
        "output" => named(&names.outputs),
        // The last instruction has no label further than the next to jump to.
        "label" if rng.below(2) == 0 || at + 1 >= length => format!("+{}", 1 + rng.below((length - at - 1).max(1))),
        "label" => format!("at{}", at + 2 + rng.below(length - at - 1)),
        _ if rng.below(12) == 0 && !names.constants.is_empty() => pick(rng, &names.constants).clone(),
        _ => {
            let (low, high) = range.unwrap_or((0, 0));
            let span = (i64::from(high) - i64::from(low) + 1) as u64;
            let value = i64::from(low) + rng.below(span) as i64;
            let beyond = if rng.below(60) == 0 { i64::from(high) + 1 } else { value };
            beyond.to_string()
        }
    }
}
