//! `train`: a small network on the embedded digits.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::console::{Console, must_not_exist, write};
use super::progress;
use crate::diag::Result;
use crate::graph::{self, Network};
use crate::stimulus;
use crate::train::{self, TrainOptions};

/// Arguments of `train`.
#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// The network to write, native JSON
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Seed of weights, order and everything else that is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Passes over the training set
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Hidden neurons
    #[arg(long, value_name = "N")]
    pub hidden: Option<u32>,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &TrainArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    let mut options = TrainOptions { seed: args.seed, ..TrainOptions::default() };
    if let Some(epochs) = args.epochs {
        (options.epochs, options.quantised_epochs) = (epochs, epochs);
    }
    if let Some(hidden) = args.hidden {
        options.hidden = vec![hidden];
    }
    let digits = stimulus::digits();
    let interrupted = progress::interrupt();
    let mut shown: Option<ProgressBar> = None;
    let trained = train::train(&digits.train, &options, &mut |now| {
        let bar = shown.get_or_insert_with(|| progress::bar(console, u64::from(now.epochs), "training"));
        bar.set_message(format!("loss {:.3} train {:.1} %", now.loss, 100.0 * now.accuracy));
        bar.set_position(u64::from(now.epoch));
        let stop = interrupted.load(std::sync::atomic::Ordering::Relaxed);
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(bar) = shown {
        bar.finish_and_clear();
    }
    let trained = trained?;
    let (on_train, on_test) = (trained.accuracy(&digits.train), trained.accuracy(&digits.test));
    write(&args.output, graph::write_json(&Network::Float(trained.network)).as_bytes(), args.force)?;
    let file = args.output.display();
    if console.json() {
        console.object(
            "train",
            json!({ "network": file.to_string(), "seed": args.seed, "train_accuracy": on_train, "test_accuracy": on_test }),
        );
    } else {
        console.result(&format!(
            "{file}: {:.2} % of {} training digits, {:.2} % of {} test digits",
            100.0 * on_train,
            digits.train.images.len(),
            100.0 * on_test,
            digits.test.images.len()
        ));
    }
    Ok(if interrupted.load(std::sync::atomic::Ordering::Relaxed) { super::INTERRUPTED } else { 0 })
}
