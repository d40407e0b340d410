//! The command line: one file a subcommand. Results go to stdout, narration to stderr.

mod args;
mod artificial;
mod asm;
mod board;
mod chip;
mod choice;
mod compare;
mod compile;
mod console;
mod convert;
mod converted;
mod demo;
mod explore;
mod export;
mod import;
mod inspect;
mod learn;
mod map;
mod mesh;
mod neuron;
mod place;
mod profile;
mod progress;
mod report;
mod run;
mod session;
mod split;
mod sweep;
mod trace;
mod train;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Args, Command};
use console::Console;

use crate::diag::Result;

/// Exit code of a run that the user stopped.
const INTERRUPTED: u8 = 130;

/// Runs the program: parses, dispatches, and turns problems into messages and an exit code (0 ok, 1 invalid
/// input, 2 usage, 3 does not fit on the chip, 4 verification or strict mode, 101 our bug, 130 interrupted).
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let console = Console::new(&args.common);
    report_bugs();
    match dispatch(args, &console) {
        Ok(code) => ExitCode::from(code),
        Err(problems) => {
            console.problems(&problems);
            ExitCode::from(problems.exit_code())
        }
    }
}

fn dispatch(args: Args, console: &Console) -> Result<u8> {
    match args.command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Compile(args) => compile::run(&args, console),
        Command::Convert(args) => convert::run(&args, console),
        Command::Import(args) => import::run(&args, console),
        Command::Export(args) => export::run(&args, console),
        Command::Sweep(args) => sweep::run(&args, console),
        Command::Run(args) => run::run(&args, console),
        Command::Compare(args) => compare::run(&args, console),
        Command::Inspect(args) => inspect::run(&args, console),
        Command::Verify(args) => verify::run(&args, console),
        Command::Report(args) => report::run(&args, console),
        Command::Chip(args) => chip::run(&args, console),
        Command::Board(args) => board::run(&args, console),
        Command::Asm(args) => asm::assemble(&args, console),
        Command::Disasm(args) => asm::disassemble(&args, console),
        Command::Profile(args) => profile::run(&args, console),
        Command::Explore(args) => explore::run(&args, console),
        Command::Neuron(args) => neuron::run(&args, console),
        Command::Map(args) => map::run(&args, console),
        Command::Mesh(args) => mesh::run(&args, console),
        Command::Learn(args) => learn::run(&args, console),
        Command::Train(args) => train::run(&args, console),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "spikeloom", &mut std::io::stdout());
            Ok(0)
        }
        Command::Man => {
            let mut page = Vec::new();
            // Writing to memory does not fail.
            let _ = clap_mangen::Man::new(Args::command()).render(&mut page);
            console.result(&String::from_utf8_lossy(&page));
            Ok(0)
        }
    }
}

/// A panic is our bug: say so, and what to send.
fn report_bugs() {
    let plain = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        plain(panic);
        let command: Vec<_> = std::env::args().collect();
        eprintln!(
            "\nThis is a bug in spikeloom {}, not in your input. Please report it with this command:\n  {}",
            env!("CARGO_PKG_VERSION"),
            command.join(" ")
        );
    }));
}
