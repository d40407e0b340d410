//! The writer behind a channel: a run does not wait for the disk.

use std::io::{Error, Result};
use std::path::Path;
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, bounded};

use super::fst::Fst;
use super::vcd::Vcd;
use super::{Format, Unit};
use crate::emu::probe::{Change, Signal};

/// Changes handed over at once.
const BATCH: usize = 4096;
/// Batches that may wait: beyond them the run waits for the writer.
const WAITING: usize = 64;

enum File {
    Vcd(Vcd),
    Fst(Box<Fst>),
}

/// A waveform file that is being written.
pub struct Recorder {
    sender: Sender<Vec<Change>>,
    batch: Vec<Change>,
    /// Last value of each signal: what does not change is not written.
    values: Vec<Option<u64>>,
    writer: JoinHandle<Result<()>>,
}

impl Recorder {
    /// Creates the file with its declarations. Signals of one scope stand together.
    ///
    /// # Errors
    /// What the file system says.
    pub fn start(path: &Path, format: Format, signals: &[Signal], unit: Unit) -> Result<Self> {
        let mut file = match format {
            Format::Vcd => File::Vcd(Vcd::create(path, signals, unit)?),
            Format::Fst => File::Fst(Box::new(Fst::create(path, signals, unit)?)),
        };
        let (sender, receiver) = bounded::<Vec<Change>>(WAITING);
        let writer = std::thread::spawn(move || {
            let mut end = 0;
            for batch in receiver {
                for change in batch {
                    end = change.time;
                    // The mark of the end is no change of a signal.
                    if change.signal == u32::MAX {
                        continue;
                    }
                    match &mut file {
                        File::Vcd(file) => file.change(change)?,
                        File::Fst(file) => file.change(change)?,
                    }
                }
            }
            match file {
                File::Vcd(file) => file.finish(end),
                File::Fst(file) => file.finish(end),
            }
        });
        Ok(Self { sender, batch: Vec::with_capacity(BATCH), values: vec![None; signals.len()], writer })
    }

    /// Hands a change over, where it is one.
    pub fn send(&mut self, change: Change) {
        if self.values[change.signal as usize].replace(change.value) != Some(change.value) {
            self.push(change);
        }
    }

    fn push(&mut self, change: Change) {
        self.batch.push(change);
        if self.batch.len() == BATCH {
            let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            // A writer that has failed tells so at the end.
            let _ = self.sender.send(batch);
        }
    }

    /// Waits until everything up to the time `end` is written.
    ///
    /// # Errors
    /// What the file system said at any time.
    pub fn finish(mut self, end: u64) -> Result<()> {
        self.push(Change { time: end, signal: u32::MAX, value: 0 });
        let Self { sender, batch, writer, .. } = self;
        let _ = sender.send(batch);
        drop(sender);
        writer.join().map_err(|_| Error::other("the writer of the waveform panicked"))?
    }
}
