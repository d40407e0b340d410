//! `asm` and `disasm`: neuron programs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::console::{Console, read_text, write};
use crate::diag::Result;
use crate::isa::{self, Program};

/// Arguments of `asm`.
#[derive(Debug, Args)]
pub(super) struct AsmArgs {
    /// The program (.nmc)
    pub file: PathBuf,
    /// Write it as declarations and 32-bit words, which `asm` and `disasm` read again
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the output
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `disasm`.
#[derive(Debug, Args)]
pub(super) struct DisasmArgs {
    /// The program: words as `asm -o` writes them, or text
    pub file: PathBuf,
}

pub(super) fn assemble(args: &AsmArgs, console: &Console) -> Result<u8> {
    let program = read(&args.file)?;
    if let Some(output) = &args.output {
        write(output, isa::listing(&program).as_bytes(), args.force)?;
    }
    let (layout, (least, most)) = (program.layout(), program.cycles());
    if console.json() {
        console.object(
            "asm",
            json!({
                "instructions": program.code.len(), "code_bytes": layout.code_bytes,
                "state_bytes": layout.state_bytes, "cycles_least": least, "cycles_most": most,
                "words": program.words(),
            }),
        );
    } else {
        let rows = [
            ("instructions", format!("{} of {}", program.code.len(), isa::PROGRAM_MAX)),
            ("state of a neuron", format!("{} of {} bytes", layout.state_bytes, isa::STATE_BYTES_MAX)),
            ("cycles of an update", format!("{least} to {most}")),
            ("parameters", names(program.parameters.iter().map(|parameter| parameter.name.as_str()))),
            ("inputs", names(program.inputs.iter().map(String::as_str))),
            ("outputs", names(program.outputs.iter().map(String::as_str))),
        ];
        let rows = rows.map(|(what, value)| vec![what.to_owned(), value]).to_vec();
        console.result(&console.table(&["program", &args.file.display().to_string()], rows));
    }
    Ok(0)
}

pub(super) fn disassemble(args: &DisasmArgs, console: &Console) -> Result<u8> {
    let text = isa::disassemble(&read(&args.file)?);
    if console.json() {
        console.object("disasm", json!({ "text": text }));
    } else {
        console.result(text.trim_end());
    }
    Ok(0)
}

fn read(file: &std::path::Path) -> Result<Program> {
    isa::assemble(&read_text(file)?, &file.display().to_string())
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
