//! VCD files.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use super::{Unit, digits, walk};
use crate::emu::probe::{Change, Signal};

/// An open file behind its declarations.
pub(super) struct Vcd {
    out: BufWriter<File>,
    bits: Vec<u32>,
    time: Option<u64>,
    text: Vec<u8>,
}

/// The short name of a signal: printable characters, as the format has it.
fn code(mut number: usize) -> String {
    let mut code = String::new();
    loop {
        code.push(char::from(b'!' + (number % 94) as u8));
        number /= 94;
        if number == 0 {
            return code;
        }
        number -= 1;
    }
}

impl Vcd {
    pub(super) fn create(path: &Path, signals: &[Signal], unit: Unit) -> Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        let unit = match unit {
            Unit::Picosecond => "1 ps",
            Unit::Nanosecond => "1 ns",
        };
        writeln!(out, "$version spikeloom {} $end\n$timescale {unit} $end", env!("CARGO_PKG_VERSION"))?;
        let mut scopes: &[String] = &[];
        for (number, signal) in signals.iter().enumerate() {
            let (close, open) = walk(scopes, &signal.scopes);
            (0..close).try_for_each(|_| writeln!(out, "$upscope $end"))?;
            open.iter().try_for_each(|scope| writeln!(out, "$scope module {scope} $end"))?;
            scopes = &signal.scopes;
            writeln!(out, "$var wire {} {} {} $end", signal.bits, code(number), signal.name)?;
        }
        scopes.iter().try_for_each(|_| writeln!(out, "$upscope $end"))?;
        writeln!(out, "$enddefinitions $end")?;
        Ok(Self { out, bits: signals.iter().map(|signal| signal.bits).collect(), time: None, text: Vec::new() })
    }

    pub(super) fn change(&mut self, change: Change) -> Result<()> {
        if self.time != Some(change.time) {
            self.time = Some(change.time);
            writeln!(self.out, "#{}", change.time)?;
        }
        let bits = self.bits[change.signal as usize];
        digits(change.value, bits, &mut self.text);
        if bits > 1 {
            self.out.write_all(b"b")?;
        }
        self.out.write_all(&self.text)?;
        let space = if bits > 1 { " " } else { "" };
        writeln!(self.out, "{space}{}", code(change.signal as usize))
    }

    pub(super) fn finish(mut self, end: u64) -> Result<()> {
        if self.time != Some(end) {
            writeln!(self.out, "#{end}")?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_all_different() {
        let mut codes: Vec<String> = (0..20_000).map(code).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 20_000);
    }
}
