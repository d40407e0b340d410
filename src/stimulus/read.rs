//! Which reader a path gets, and what holds for all of them: indices in range, labels that fit.

use std::fs;
use std::path::Path;

use super::{ImageSet, Options, Sample, Stimulus, csv, encode_images, events, idx, npy};
use crate::diag::{Problem, Problems, Result};

/// File endings that [`read`] knows.
const ENDINGS: &str = ".npz, .npy, .csv, .bs2, .bin, IDX images (...-idx3-ubyte[.gz]), or a directory of recordings";

/// Reads a stimulus for a network of `inputs` input neurons. By the ending of `path`: `.npz` and `.npy` hold a
/// tensor (time, input...) or (sample, time, input...), or images with `options.encoding`; `.csv` holds lines
/// `tick,input[,value]` (with a header also `sample` and `label`), or a list `file,label` of recordings; `.bs2` and
/// `.bin` are recordings of 40-bit events; a directory holds recordings, or one directory a class with them.
pub fn read(path: &Path, inputs: u32, options: &Options) -> Result<Stimulus> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let mut samples = match ending.as_str() {
        _ if path.is_dir() => events::directory(path, inputs, options)?,
        _ if idx::is_idx(path) => {
            let set = idx::images(path, options.limit.unwrap_or(usize::MAX))?;
            let size = set.shape.iter().product::<u32>();
            if size != inputs {
                let what = format!("images of {} x {} pixels", set.shape[1], set.shape[2]);
                return Err(Problem::invalid("stimulus/shape", name(path), what)
                    .limit(format!("the network has {inputs} input neurons"))
                    .help("check that the images belong to this network")
                    .into());
            }
            encode_images(&set.images, set.max, options, &set.labels).samples
        }
        "npz" => npy::read_npz(&bytes(path)?, &name(path), inputs, options)?,
        "npy" => npy::read_npy(&bytes(path)?, &name(path), inputs, options)?,
        "csv" => {
            let text = String::from_utf8(bytes(path)?)
                .map_err(|error| Problem::invalid("stimulus/text", name(path), format!("is not UTF-8: {error}")))?;
            match csv::listed(&text) {
                true => events::list(path, &text, inputs, options)?,
                false => csv::read(&text, &name(path), inputs, options)?,
            }
        }
        "bs2" | "bin" => events::recording(path, inputs, options).map(|sample| vec![sample])?,
        _ => {
            let what = if path.exists() { "the ending says no format" } else { "no such file" };
            return Err(Problem::invalid("stimulus/format", name(path), what)
                .limit(format!("formats: {ENDINGS}"))
                .into());
        }
    };
    samples.truncate(options.limit.unwrap_or(usize::MAX));
    label(&mut samples, &options.labels, path)?;
    if samples.is_empty() {
        return Err(Problem::invalid("stimulus/empty", name(path), "holds no sample")
            .limit(format!("formats: {ENDINGS}"))
            .into());
    }
    Ok(Stimulus { samples, inputs })
}

/// Reads images with their labels, where there are any: IDX files, or `.npz` and `.npy` of whole numbers 0..=255 of
/// which each image has as many as `shape`. The first `limit` images.
///
/// # Errors
/// `stimulus/shape` for images of another size, `stimulus/number` for what is no whole number in 0..=255.
pub fn read_images(path: &Path, shape: [u32; 3], limit: Option<usize>) -> Result<ImageSet> {
    let limit = limit.unwrap_or(usize::MAX);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let set = match ending.as_str() {
        _ if idx::is_idx(path) && path.is_file() => idx::images(path, limit)?,
        "npz" => npy::images_npz(&bytes(path)?, &name(path), shape, limit)?,
        "npy" => npy::images_npy(&bytes(path)?, &name(path), shape, limit)?,
        _ => {
            let what = if path.exists() { "the ending says no format of images" } else { "no such file" };
            return Err(Problem::invalid("stimulus/format", name(path), what)
                .limit("IDX images (...-idx3-ubyte[.gz]), .npz, .npy")
                .into());
        }
    };
    if set.shape.iter().product::<u32>() != shape.iter().product::<u32>() || set.images.is_empty() {
        let [_, height, width] = set.shape;
        let what = format!("{} images of {height} x {width} pixels", set.images.len());
        return Err(Problem::invalid("stimulus/shape", name(path), what)
            .limit(format!("images of {} channels, {} x {} pixels", shape[0], shape[1], shape[2]))
            .help("give images of the size that the network was trained on")
            .into());
    }
    Ok(ImageSet { shape, ..set })
}

/// Puts the given labels, where there are any, in place of the file's.
fn label(samples: &mut [Sample], labels: &[u32], path: &Path) -> Result<()> {
    if !labels.is_empty() && labels.len() < samples.len() {
        let what = format!("{} labels for {} samples", labels.len(), samples.len());
        return Err(Problem::invalid("stimulus/labels", name(path), what).help("give one label a sample").into());
    }
    samples.iter_mut().zip(labels).for_each(|(sample, &label)| sample.label = Some(label));
    Ok(())
}

/// The path as problems name it.
pub(super) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unreadable(path, &error).into())
}

/// A file or directory that the system does not give.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::invalid("stimulus/read", name(path), format!("cannot be read: {error}"))
}

/// Problems shown of one file before the rest is only counted.
const MOST_PROBLEMS: usize = 50;

/// Gathers the problems of one file; beyond a screenful they are only counted.
#[derive(Default)]
pub(super) struct Found {
    problems: Vec<Problem>,
    more: usize,
}

impl Found {
    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS { self.problems.push(problem) } else { self.more += 1 }
    }

    /// `value` where nothing was found.
    pub(super) fn check<T>(mut self, file: &str, value: T) -> Result<T> {
        if self.more > 0 {
            self.problems.push(Problem::invalid("stimulus/more", file, format!("{} more problems", self.more)));
        }
        Problems::check(self.problems, value)
    }
}

/// An input index beyond the network's inputs.
pub(super) fn beyond(place: String, input: u64, inputs: u32) -> Problem {
    Problem::invalid("stimulus/input", place, format!("input {input} does not exist"))
        .limit(format!("the network has {inputs} input neurons: 0..={}", i64::from(inputs) - 1))
        .help("check that the stimulus belongs to this network")
}
