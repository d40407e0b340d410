//! Waveforms: VCD and FST files of the signals that a run shows, written by a thread of their own.
//!
//! [`Recorder::start`] opens a file and its writer, [`Recorder::send`] hands changes over in batches, and
//! [`Recorder::finish`] waits until all is on disk.

mod fst;
mod vcd;
mod writer;

pub use writer::Recorder;

/// The format of a waveform file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Value change dump, IEEE 1364: text.
    Vcd,
    /// Fast signal trace of GTKWave: compressed.
    Fst,
}

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "vcd" => Some(Self::Vcd),
            "fst" => Some(Self::Fst),
            _ => None,
        }
    }
}

/// The unit of time in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Picoseconds.
    Picosecond,
    /// Nanoseconds; stands for a clock cycle or a tick of unknown length.
    Nanosecond,
}

/// Moves from the scopes `from` to the scopes `to`: how many to close, and which to open.
fn walk<'a>(from: &[String], to: &'a [String]) -> (usize, &'a [String]) {
    let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    (from.len() - shared, &to[shared..])
}

/// The low `bits` of a value as digits, most significant first.
fn digits(value: u64, bits: u32, into: &mut Vec<u8>) {
    into.clear();
    into.extend((0..bits).rev().map(|bit| b'0' + (value >> bit & 1) as u8));
}
