//! Recordings of event cameras in the 40-bit format of N-MNIST (Orchard et al. 2015): x (8 bits), y (8),
//! polarity (1), time in microseconds (23), big endian. An event with y = 240 only says that the sensor's 13-bit
//! timer wrapped.

use std::fs;
use std::path::{Path, PathBuf};

use super::csv::{cells, lines};
use super::read::{Found, beyond, bytes, name, unreadable};
use super::{InputSpike, MAX_TICKS, Options, Sample};
use crate::diag::{Problem, Problems, Result};

/// Bytes of an event.
const EVENT: usize = 5;
/// The y of a timer wrap, and the microseconds of one.
const WRAP: (u8, u64) = (240, 1 << 13);
/// Channels (polarity off, on), height, width of the N-MNIST sensor cut-out.
const NMNIST: [u32; 3] = [2, 34, 34];

/// One recording; input `polarity * height * width + y * width + x`.
pub(super) fn recording(path: &Path, inputs: u32, options: &Options) -> Result<Sample> {
    decode(&bytes(path)?, &name(path), inputs, options)
}

fn decode(bytes: &[u8], file: &str, inputs: u32, options: &Options) -> Result<Sample> {
    let [channels, height, width] = sensor(file, inputs, options)?;
    let mut found = Found::default();
    if bytes.is_empty() || !bytes.len().is_multiple_of(EVENT) {
        let what = format!("{} bytes are no whole number of events", bytes.len());
        found.push(Problem::invalid("stimulus/truncated", file, what).limit("5 bytes an event, at least one event"));
    }
    let mut wrapped = 0;
    let mut spikes = Vec::with_capacity(bytes.len() / EVENT);
    for (index, event) in bytes.chunks_exact(EVENT).enumerate() {
        let &[x, y, high, middle, low] = event else { continue };
        if y == WRAP.0 && height <= u32::from(WRAP.0) {
            wrapped += WRAP.1;
            continue;
        }
        let polarity = u32::from(high >> 7);
        let micros = u64::from(u32::from_be_bytes([0, high & 0x7f, middle, low])) + wrapped;
        let tick = micros / u64::from(options.bin_us);
        let (x, y) = (u32::from(x), u32::from(y));
        if x >= width || y >= height || polarity >= channels {
            let what = format!("pixel x {x}, y {y}, polarity {polarity} is beyond the sensor");
            let place = format!("{file}: event {index}");
            let limit = format!("{channels} x {height} x {width} (polarities, height, width)");
            found.push(Problem::invalid("stimulus/pixel", place, what).limit(limit));
        } else if tick < u64::from(options.ticks.unwrap_or(MAX_TICKS).min(MAX_TICKS)) {
            let input = (polarity * height + y) * width + x;
            spikes.push(InputSpike { tick: tick as u32, input, value: 1 });
        }
    }
    found.check(file, ())?;
    Ok(Sample::gather(file.to_owned(), spikes, options.ticks, options.binary))
}

/// Polarities, height and width; they must make up the network's inputs.
fn sensor(file: &str, inputs: u32, options: &Options) -> Result<[u32; 3]> {
    let shape = options.shape.as_deref().unwrap_or(&NMNIST);
    let refuse = |what: String| {
        Problems::from(
            Problem::invalid("stimulus/sensor", file, what)
                .limit(format!("the network has {inputs} input neurons"))
                .help("give the sensor's polarities, height and width, such as 2,34,34"),
        )
    };
    let &[channels, height, width] = shape else {
        return Err(refuse(format!("a sensor has polarities, height and width, not {} extents", shape.len())));
    };
    if options.bin_us == 0 {
        return Err(refuse("a tick of 0 microseconds".to_owned()));
    }
    let pixels = u64::from(height).checked_mul(u64::from(width)).and_then(|n| n.checked_mul(u64::from(channels)));
    if pixels != Some(u64::from(inputs)) {
        return Err(if options.shape.is_none() {
            refuse("recordings of the N-MNIST sensor, 2 x 34 x 34 pixels".to_owned())
        } else {
            beyond(file.to_owned(), pixels.map_or(u64::MAX, |n| n.saturating_sub(1)), inputs).into()
        });
    }
    Ok([channels, height, width])
}

/// All recordings of a directory in order of their names; directories in it whose names are numbers hold the
/// recordings of that class.
pub(super) fn directory(path: &Path, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let mut files: Vec<(PathBuf, Option<u32>)> = Vec::new();
    for entry in entries(path)? {
        if entry.is_dir() {
            let class = entry.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            files.extend(entries(&entry)?.into_iter().filter(|file| recorded(file)).map(|file| (file, class)));
        } else if recorded(&entry) {
            files.push((entry, None));
        }
    }
    all(files, inputs, options)
}

/// The recordings of a list `file,label`, relative to it.
pub(super) fn list(path: &Path, text: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let mut found = Found::default();
    let mut files = Vec::new();
    let folder = path.parent().unwrap_or(Path::new(""));
    for (line, row) in lines(text).skip(1) {
        let mut row = cells(row);
        let (file, label) = (row.next().unwrap_or_default(), row.next());
        match label.map(str::parse::<u32>) {
            Some(Err(_)) => {
                let what = format!("label '{}' is no class number", label.unwrap_or_default());
                found.push(Problem::invalid("stimulus/label", format!("{}:{line}", name(path)), what));
            }
            label => files.push((folder.join(file), label.and_then(std::result::Result::ok))),
        }
    }
    found.check(&name(path), ())?;
    all(files, inputs, options)
}

fn all(files: Vec<(PathBuf, Option<u32>)>, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let mut found = Found::default();
    let mut samples = Vec::new();
    for (file, label) in files.into_iter().take(options.limit.unwrap_or(usize::MAX)) {
        match recording(&file, inputs, options) {
            Ok(sample) => samples.push(Sample { label, ..sample }),
            Err(problems) => problems.into_vec().into_iter().for_each(|problem| found.push(problem)),
        }
    }
    found.check("recordings", samples)
}

fn recorded(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "bs2" || ending == "bin")
}

/// What a directory holds, in order of the names.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let read = || fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>();
    let mut entries = read().map_err(|error| unreadable(path, &error))?;
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: u32 = 2 * 34 * 34;

    #[test]
    fn decodes_pixels_time_and_timer_wraps() {
        let bytes = [7, 7, 0x80, 0x13, 0xdf, 0, 240, 0, 0, 0, 33, 33, 0, 0, 1, 7, 7, 0x80, 0x13, 0xe0];
        let sample = decode(&bytes, "r", INPUTS, &Options::default()).expect("valid");
        let found: Vec<_> = sample.spikes.iter().map(|s| (s.tick, s.input, s.value)).collect();
        // 0x13df us = 5.087 ms; after the wrap 8.193 ms and 13.28 ms.
        assert_eq!(found, [(5, 1156 + 7 * 34 + 7, 1), (8, 33 * 34 + 33, 1), (13, 1156 + 7 * 34 + 7, 1)]);
        assert_eq!(sample.ticks, 14);
    }

    #[test]
    fn events_of_one_tick_add_up_or_count_once() {
        let bytes = [1, 0, 0, 0, 1, 1, 0, 0, 0, 2];
        let value = |binary| {
            let options = Options { binary, ..Options::default() };
            decode(&bytes, "r", INPUTS, &options).expect("valid").spikes[0].value
        };
        assert_eq!((value(false), value(true)), (2, 1));
    }

    #[test]
    fn refuses_foreign_sizes_and_broken_files() {
        let told = |bytes: &[u8], inputs, options: &Options| {
            decode(bytes, "r", inputs, options).expect_err("faulty").all()[0].code
        };
        let options = Options::default();
        assert_eq!(told(&[1, 2, 3], INPUTS, &options), "stimulus/truncated");
        assert_eq!(told(&[], INPUTS, &options), "stimulus/truncated");
        assert_eq!(told(&[34, 0, 0, 0, 0], INPUTS, &options), "stimulus/pixel");
        assert_eq!(told(&[3, 0, 0, 0, 0], 64, &options), "stimulus/sensor");
        assert_eq!(told(&[3, 0, 0, 0, 0], INPUTS, &Options { bin_us: 0, ..Options::default() }), "stimulus/sensor");
    }
}
