//! FST files.

use std::fs::File;
use std::io::{BufWriter, Error, Result};
use std::path::Path;

use fst_writer::{
    FstBodyWriter, FstFileType, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType,
    open_fst,
};

use super::{Unit, digits, walk};
use crate::emu::probe::{Change, Signal};

/// Memory of changes that are not yet on disk, in bytes.
const MOST_BUFFERED: usize = 64 << 20;

/// An open file behind its declarations.
pub(super) struct Fst {
    out: FstBodyWriter<BufWriter<File>>,
    signals: Vec<(FstSignalId, u32)>,
    time: Option<u64>,
    text: Vec<u8>,
}

impl Fst {
    pub(super) fn create(path: &Path, signals: &[Signal], unit: Unit) -> Result<Self> {
        let info = FstInfo {
            start_time: 0,
            timescale_exponent: match unit {
                Unit::Picosecond => -12,
                Unit::Nanosecond => -9,
            },
            version: format!("spikeloom {}", env!("CARGO_PKG_VERSION")),
            date: String::new(),
            file_type: FstFileType::Verilog,
        };
        let mut out = open_fst(path, &info).map_err(Error::other)?;
        let mut scopes: &[String] = &[];
        let mut known = Vec::with_capacity(signals.len());
        for signal in signals {
            let (close, open) = walk(scopes, &signal.scopes);
            (0..close).try_for_each(|_| out.up_scope()).map_err(Error::other)?;
            open.iter().try_for_each(|scope| out.scope(scope, "", FstScopeType::Module)).map_err(Error::other)?;
            scopes = &signal.scopes;
            let kind = FstSignalType::bit_vec(signal.bits);
            let id = out.var(&signal.name, kind, FstVarType::Wire, FstVarDirection::Implicit, None);
            known.push((id.map_err(Error::other)?, signal.bits));
        }
        scopes.iter().try_for_each(|_| out.up_scope()).map_err(Error::other)?;
        let out = out.finish().map_err(Error::other)?;
        Ok(Self { out, signals: known, time: None, text: Vec::new() })
    }

    pub(super) fn change(&mut self, change: Change) -> Result<()> {
        if self.time != Some(change.time) {
            self.time = Some(change.time);
            if self.out.size() > MOST_BUFFERED {
                self.out.flush().map_err(Error::other)?;
            }
            self.out.time_change(change.time).map_err(Error::other)?;
        }
        let (id, bits) = self.signals[change.signal as usize];
        digits(change.value, bits, &mut self.text);
        self.out.signal_change(id, &self.text).map_err(Error::other)
    }

    pub(super) fn finish(mut self, end: u64) -> Result<()> {
        if self.time != Some(end) {
            self.out.time_change(end).map_err(Error::other)?;
        }
        self.out.finish().map_err(Error::other)?;
        Ok(())
    }
}
