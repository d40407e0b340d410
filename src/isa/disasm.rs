//! The disassembler: a [`Program`] as canonical text that assembles to the same program.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::encode::Instruction;
use super::op::Form;
use super::program::Program;

/// The program as text: declarations, then one instruction a line, labels `l<number>` of their instruction.
#[must_use]
pub fn disassemble(program: &Program) -> String {
    let mut text = String::new();
    declarations(program, &mut text);
    let target = |at: usize, instruction: &Instruction| {
        (instruction.op.info().form == Form::Jump).then_some(at + 1 + instruction.imm as usize)
    };
    let targets: BTreeSet<usize> =
        program.code.iter().enumerate().filter_map(|(at, instruction)| target(at, instruction)).collect();
    let label = label_prefix(program);
    for (at, instruction) in program.code.iter().enumerate() {
        if targets.contains(&at) {
            let _ = writeln!(text, "{label}{at}:");
        }
        let info = instruction.op.info();
        let operands: Vec<String> = info
            .form
            .operands()
            .split(", ")
            .map(|operand| match target(at, instruction) {
                Some(target) => format!("{label}{target}"),
                None => self::operand(program, instruction, operand),
            })
            .collect();
        let _ = writeln!(text, "    {:<7} {}", info.mnemonic, operands.join(", "));
    }
    if targets.contains(&program.code.len()) {
        let _ = writeln!(text, "{label}{}:", program.code.len());
    }
    text
}

fn declarations(program: &Program, text: &mut String) {
    if let Some(chip) = &program.chip {
        let _ = writeln!(text, "chip {chip}");
    }
    for state in &program.states {
        let _ = write!(text, "state {}: {}", state.name, state.width);
        let _ = if state.initial == 0 { writeln!(text) } else { writeln!(text, " = {}", state.initial) };
    }
    for parameter in &program.parameters {
        let entries = parameter.entries.map(|entries| format!("[{entries}]")).unwrap_or_default();
        let _ = write!(text, "param {}{entries}: {}", parameter.name, parameter.width);
        let _ = match parameter.default {
            Some(default) => writeln!(text, " = {default}"),
            None => writeln!(text),
        };
    }
    program.inputs.iter().for_each(|name| _ = writeln!(text, "input {name}"));
    program.outputs.iter().for_each(|name| _ = writeln!(text, "output {name}"));
    if !text.is_empty() {
        text.push('\n');
    }
}

/// A prefix of labels that no declared name begins with.
fn label_prefix(program: &Program) -> String {
    let names = || {
        let states = program.states.iter().map(|state| &state.name);
        let parameters = program.parameters.iter().map(|parameter| &parameter.name);
        states.chain(parameters).chain(&program.inputs).chain(&program.outputs)
    };
    let mut prefix = "l".to_owned();
    while names().any(|name| name.starts_with(&prefix)) {
        prefix.push('_');
    }
    prefix
}

fn operand(program: &Program, instruction: &Instruction, operand: &str) -> String {
    let slot = instruction.imm as usize;
    match operand {
        "rd" => format!("r{}", instruction.rd),
        "ra" => format!("r{}", instruction.ra),
        "rb" => format!("r{}", instruction.rb),
        "state" => program.states[slot].name.clone(),
        "param" | "table" => program.parameters[slot].name.clone(),
        "input" => program.inputs[slot].clone(),
        "output" => program.outputs[slot].clone(),
        _ => instruction.imm.to_string(),
    }
}
