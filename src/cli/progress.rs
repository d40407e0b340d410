//! Progress on a terminal, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::emu;

/// A bar on stderr that appears only on a terminal.
pub(super) fn bar(console: &Console, length: u64, what: &str) -> ProgressBar {
    let target =
        if console.shows_progress() { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{msg:24} {bar:32} {pos}/{len} {per_sec} eta {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(length), target).with_style(style).with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// Shows a run's samples on a bar and stops it at Ctrl-C.
pub(super) struct Watch {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// For a run of `samples`.
    pub(super) fn new(console: &Console, samples: usize, what: &str) -> Self {
        Self { bar: bar(console, samples as u64, what), stop: interrupt() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl emu::Control for Watch {
    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn sample_done(&self, done: usize, _total: usize) {
        self.bar.set_position(done as u64);
    }
}

/// The flag that Ctrl-C raises. A second Ctrl-C ends the program at once.
pub(super) fn interrupt() -> Arc<AtomicBool> {
    static FLAG: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
    Arc::clone(FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        // Where no handler can be set, Ctrl-C ends the program as usual.
        let _ = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(super::INTERRUPTED));
            }
        });
        flag
    }))
}
