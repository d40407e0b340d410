//! `board`: boards of chips: what is on them, packets over their links, networks of structure laid onto them.

mod lay;
mod scale;
mod send;
mod show;

use clap::{Args as ClapArgs, Subcommand};

use super::choice::ChipTuning;
use super::console::Console;
use crate::diag::Result;

#[derive(Debug, ClapArgs)]
pub(super) struct BoardArgs {
    #[command(subcommand)]
    action: BoardAction,
}

#[derive(Debug, Subcommand)]
enum BoardAction {
    /// List the built-in boards
    List,
    /// Show a board: chips, links, every number with source and status, and what nobody knows
    Show {
        /// A built-in board or a board file
        #[arg(value_name = "NAME|FILE")]
        board: String,
        #[command(flatten)]
        tuning: ChipTuning,
    },
    /// Check board files: all problems at once, with line and column
    Check {
        /// Built-in boards or board files
        #[arg(required = true, value_name = "NAME|FILE")]
        files: Vec<String>,
    },
    /// Send packets between chips and hosts: serialisation, queuing, load of every link
    Send(send::SendArgs),
    /// Throughput of a measured network over the chips of a board, beside what was published
    Scale(scale::ScaleArgs),
    /// Lay a layered network of structure only onto a whole board: cores, chips, barrier and link loads
    Lay(lay::LayArgs),
}

pub(super) fn run(args: &BoardArgs, console: &Console) -> Result<u8> {
    match &args.action {
        BoardAction::List => show::list(console),
        BoardAction::Show { board, tuning } => show::show(board, tuning, console),
        BoardAction::Check { files } => show::check(files, console),
        BoardAction::Send(args) => send::run(args, console),
        BoardAction::Scale(args) => scale::run(args, console),
        BoardAction::Lay(args) => lay::run(args, console),
    }
}
