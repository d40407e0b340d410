//! The clock of a mapping search: the time limit, lines to `-v`, a bar on a terminal, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::console::Console;
use super::super::progress;
use crate::diag::{Problem, Result};
use crate::watch::Watch;

/// A clock from now.
pub(in crate::cli) struct Clock {
    begun: Instant,
    pub(in crate::cli) limit: Duration,
    stop: Arc<AtomicBool>,
    pub(in crate::cli) bar: indicatif::ProgressBar,
}

impl Clock {
    pub(in crate::cli) fn new(seconds: f64, console: &Console, what: &str) -> Self {
        Self {
            begun: Instant::now(),
            limit: Duration::from_secs_f64(seconds),
            stop: progress::interrupt(),
            bar: progress::bar(console, 1000, what),
        }
    }

    /// Seconds since the begin.
    pub(in crate::cli) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

impl Watch for Clock {
    fn gone(&self) -> f64 {
        if self.stop.load(Ordering::Relaxed) {
            return f64::INFINITY;
        }
        let gone = self.begun.elapsed().as_secs_f64() / self.limit.as_secs_f64();
        self.bar.set_position((gone * 1000.0) as u64);
        gone
    }

    fn step(&self, line: &str) {
        tracing::info!("{line}");
    }
}

/// Whether Ctrl-C was pressed.
pub(in crate::cli) fn interrupted() -> bool {
    progress::interrupt().load(Ordering::Relaxed)
}

/// Refuses time limits that are none.
pub(in crate::cli) fn check_limit(limit: Option<f64>) -> Result<()> {
    match limit.filter(|limit| !(limit.is_finite() && (1e-3..=1e6).contains(limit))) {
        None => Ok(()),
        Some(limit) => Err(Problem::invalid("cli/time-limit", "--time-limit", format!("{limit} seconds"))
            .limit("0.001 to 1000000 seconds")
            .help("leave it out for a limit that fits the size")
            .into()),
    }
}
