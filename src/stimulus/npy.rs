//! Numpy tensors: spikes as (time, input...) or (sample, time, input...), images as (sample, pixel...).

use std::io::{Cursor, Read};

use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::read::{Found, beyond};
use super::{ImageSet, InputSpike, MAX_TICKS, Options, Sample, encode_image};
use crate::diag::{Problem, Problems, Result};

/// Names under which labels and spikes are looked for in an archive.
const LABELS: [&str; 4] = ["labels", "label", "targets", "y"];
const SPIKES: [&str; 5] = ["spikes", "images", "input", "x", "data"];

/// A tensor in row-major order: only what is not zero.
struct Tensor {
    shape: Vec<u64>,
    /// (row-major index, value), ascending.
    entries: Vec<(u64, f64)>,
}

/// Reads a single array.
pub(super) fn read_npy(bytes: &[u8], file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let array = NpyFile::new(bytes).map_err(|error| broken(file, &error))?;
    samples(&tensor(array, file)?, file, inputs, options)
}

/// Reads an archive: its only array besides labels, or the one named `spikes` (`images`, `input`, `x`, `data`).
pub(super) fn read_npz(bytes: &[u8], file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let (values, labels) = archive(bytes, file)?;
    let mut samples = samples(&values, file, inputs, options)?;
    if let Some((name, labels)) = labels {
        label(&mut samples, &labels, &format!("{file}: array '{name}'"))?;
    }
    Ok(samples)
}

/// Images of a single array.
pub(super) fn images_npy(bytes: &[u8], file: &str, shape: [u32; 3], limit: usize) -> Result<ImageSet> {
    let array = NpyFile::new(bytes).map_err(|error| broken(file, &error))?;
    image_set(&tensor(array, file)?, file, shape, limit)
}

/// Images of an archive, with its labels.
pub(super) fn images_npz(bytes: &[u8], file: &str, shape: [u32; 3], limit: usize) -> Result<ImageSet> {
    let (values, labels) = archive(bytes, file)?;
    let mut set = image_set(&values, file, shape, limit)?;
    if let Some((name, labels)) = labels {
        let mut samples = vec![Sample::default(); set.images.len()];
        label(&mut samples, &labels, &format!("{file}: array '{name}'"))?;
        set.labels = samples.iter().filter_map(|sample| sample.label).collect();
        set.classes = set.labels.iter().max().map_or(0, |&most| most.saturating_add(1));
    }
    Ok(set)
}

fn image_set(tensor: &Tensor, file: &str, shape: [u32; 3], limit: usize) -> Result<ImageSet> {
    let (mut images, _) = pixels(tensor, file, shape.iter().product())?;
    images.truncate(limit);
    Ok(ImageSet { images, shape, max: 255, ..ImageSet::default() })
}

/// The values of an archive and, with their name, its labels.
fn archive(bytes: &[u8], file: &str) -> Result<(Tensor, Option<(&'static str, Tensor)>)> {
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(|error| broken(file, &error))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let others: Vec<&String> = names.iter().filter(|name| !LABELS.contains(&name.as_str())).collect();
    let chosen = match others[..] {
        [only] => Some(only),
        _ => SPIKES.iter().find_map(|wanted| others.iter().find(|name| name == &wanted).copied()),
    };
    let Some(chosen) = chosen else {
        return Err(Problem::invalid("stimulus/array", file, format!("which array of: {}?", names.join(", ")))
            .limit(format!("one array besides {}, or one named {}", LABELS.join("/"), SPIKES.join("/")))
            .into());
    };
    let mut array = |name: &str| -> Result<Tensor> {
        let place = format!("{file}: array '{name}'");
        let found = archive.by_name(name).map_err(|error| broken(&place, &error))?;
        let found = found.ok_or_else(|| Problem::invalid("stimulus/array", place.as_str(), "is not there"))?;
        tensor(found, &place)
    };
    let values = array(chosen)?;
    let labels = LABELS.into_iter().find(|label| names.iter().any(|name| name == label));
    Ok((values, labels.map(|name| Ok::<_, Problems>((name, array(name)?))).transpose()?))
}

fn broken(place: &str, error: &std::io::Error) -> Problems {
    Problem::invalid("stimulus/numpy", place, format!("is no sound numpy file: {error}")).into()
}

/// The classes of the samples; one row a sample.
fn label(samples: &mut [Sample], labels: &Tensor, place: &str) -> Result<()> {
    let rows = labels.shape.iter().product::<u64>();
    if rows < samples.len() as u64 {
        let what = format!("{rows} labels for {} samples", samples.len());
        return Err(Problem::invalid("stimulus/labels", place, what).into());
    }
    samples.iter_mut().for_each(|sample| sample.label = Some(0));
    for &(index, class) in &labels.entries {
        if let Some(sample) = samples.get_mut(index as usize) {
            sample.label = Some(whole(class).ok_or_else(|| {
                Problem::invalid("stimulus/labels", format!("{place}[{index}]"), format!("{class} is no class number"))
            })?);
        }
    }
    Ok(())
}

/// A whole number of 32 bits from zero.
fn whole(value: f64) -> Option<u32> {
    (value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0).then_some(value as u32)
}

/// Reads any numeric array element by element, so that what a header claims costs no memory.
fn tensor<R: Read>(array: NpyFile<R>, place: &str) -> Result<Tensor> {
    let refuse = |what: String| Problem::invalid("stimulus/numpy", place, what);
    let shape = array.shape().to_vec();
    let length = shape.iter().try_fold(1_u64, |product, &extent| product.checked_mul(extent));
    let length = length.ok_or_else(|| refuse(format!("shape {shape:?} is too large")))?;
    if length == 0 {
        return Err(Problem::invalid("stimulus/empty", place, format!("shape {shape:?} holds nothing")).into());
    }
    let DType::Plain(kind) = array.dtype() else { return Err(refuse("holds records, not numbers".to_owned()).into()) };
    let order = array.order();
    let mut entries = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Bool, 1) => nonzero(array, |value: bool| f64::from(u8::from(value))),
        (TypeChar::Uint, 1) => nonzero(array, |value: u8| f64::from(value)),
        (TypeChar::Uint, 2) => nonzero(array, |value: u16| f64::from(value)),
        (TypeChar::Uint, 4) => nonzero(array, |value: u32| f64::from(value)),
        (TypeChar::Uint, 8) => nonzero(array, |value: u64| value as f64),
        (TypeChar::Int, 1) => nonzero(array, |value: i8| f64::from(value)),
        (TypeChar::Int, 2) => nonzero(array, |value: i16| f64::from(value)),
        (TypeChar::Int, 4) => nonzero(array, |value: i32| f64::from(value)),
        (TypeChar::Int, 8) => nonzero(array, |value: i64| value as f64),
        (TypeChar::Float, 4) => nonzero(array, |value: f32| f64::from(value)),
        (TypeChar::Float, 8) => nonzero(array, |value: f64| value),
        _ => {
            return Err(refuse(format!("numbers of type {kind} are not read")).help("save as uint8 or float32").into());
        }
    }
    .map_err(|error| broken(place, &error))?;
    if order == Order::Fortran {
        entries.iter_mut().for_each(|(index, _)| *index = row_major(*index, &shape));
        entries.sort_unstable_by_key(|&(index, _)| index);
    }
    debug_assert!(entries.iter().all(|&(index, _)| index < length));
    Ok(Tensor { shape, entries })
}

fn nonzero<T: npyz::Deserialize, R: Read>(
    array: NpyFile<R>,
    number: impl Fn(T) -> f64,
) -> std::io::Result<Vec<(u64, f64)>> {
    let data = array.data::<T>().map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut entries = Vec::new();
    for (index, value) in data.enumerate() {
        let value = number(value?);
        if value != 0.0 {
            entries.push((index as u64, value));
        }
    }
    Ok(entries)
}

/// The row-major index of an element whose column-major index is `index`.
fn row_major(mut index: u64, shape: &[u64]) -> u64 {
    let mut stride: u64 = shape.iter().product();
    shape.iter().fold(0, |sum, &extent| {
        stride /= extent;
        let at = index % extent;
        index /= extent;
        sum + at * stride
    })
}

fn samples(tensor: &Tensor, file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    if options.encoding.is_some() {
        images(tensor, file, inputs, options)
    } else {
        spikes(tensor, file, inputs, options)
    }
}

/// How many of the leading axes come before those that make up the inputs.
fn leading(shape: &[u64], inputs: u32, wanted: &[usize]) -> Option<usize> {
    wanted.iter().copied().find(|&axes| {
        axes <= shape.len() && shape[axes..].iter().product::<u64>() == u64::from(inputs) && axes < shape.len().max(1)
    })
}

fn spikes(tensor: &Tensor, file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let shape = &tensor.shape;
    let (batch, ticks) = match leading(shape, inputs, &[1, 2]) {
        Some(1) => (1, shape[0]),
        Some(_) => (shape[0], shape[1]),
        None => {
            let what = format!("shape {shape:?} is neither (time, input...) nor (sample, time, input...)");
            return Err(mismatch(file, what, inputs));
        }
    };
    if ticks > u64::from(MAX_TICKS) {
        let limit = format!("{MAX_TICKS} ticks");
        return Err(Problem::invalid("stimulus/tick", file, format!("{ticks} ticks are too many")).limit(limit).into());
    }
    let mut found = Found::default();
    let mut spikes = vec![Vec::new(); batch as usize];
    let inputs = u64::from(inputs);
    for &(index, value) in &tensor.entries {
        let (sample, tick, input) = (index / inputs / ticks, index / inputs % ticks, index % inputs);
        match whole(value).and_then(|value| u16::try_from(value).ok()) {
            Some(value) => {
                spikes[sample as usize].push(InputSpike { tick: tick as u32, input: input as u32, value });
            }
            None => found.push(number(format!("{file}: sample {sample}, tick {tick}, input {input}"), value)),
        }
    }
    found.check(file, ())?;
    let ticks = options.ticks.unwrap_or(ticks as u32);
    let gather = |(row, spikes)| Sample::gather(format!("{file}[{row}]"), spikes, Some(ticks), options.binary);
    Ok(spikes.into_iter().enumerate().map(gather).collect())
}

fn images(tensor: &Tensor, file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let (pixels, brightest) = pixels(tensor, file, inputs)?;
    let sample = |(row, image): (usize, &Vec<u8>)| Sample {
        name: format!("{file}[{row}]"),
        ..encode_image(image, brightest, options)
    };
    Ok(pixels.iter().enumerate().map(sample).collect())
}

/// Images of `inputs` pixels, and the brightest pixel.
fn pixels(tensor: &Tensor, file: &str, inputs: u32) -> Result<(Vec<Vec<u8>>, u8)> {
    let shape = &tensor.shape;
    let batch = match leading(shape, inputs, &[1, 0]) {
        Some(0) => 1,
        Some(_) => shape[0],
        None => return Err(mismatch(file, format!("shape {shape:?} is not (sample, pixel...)"), inputs)),
    };
    let mut found = Found::default();
    let mut pixels: Vec<Vec<u8>> = vec![Vec::new(); batch as usize];
    let mut brightest = 1;
    for &(index, value) in &tensor.entries {
        let (row, pixel) = (index / u64::from(inputs), index % u64::from(inputs));
        let image = &mut pixels[row as usize];
        image.resize(inputs as usize, 0);
        match whole(value).and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                image[pixel as usize] = value;
                brightest = brightest.max(value);
            }
            None => found.push(number(format!("{file}: image {row}, pixel {pixel}"), value).limit("pixels 0..=255")),
        }
    }
    found.check(file, ())?;
    pixels.iter_mut().for_each(|image| image.resize(inputs as usize, 0));
    Ok((pixels, brightest))
}

fn number(place: String, value: f64) -> Problem {
    let what = format!("{value} is no number of spikes");
    Problem::invalid("stimulus/number", place, what).limit("whole numbers 0..=65535")
}

fn mismatch(file: &str, what: String, inputs: u32) -> Problems {
    let problem = beyond(file.to_owned(), 0, inputs);
    Problem { code: "stimulus/shape", what, ..problem }
        .limit(format!("the axes of the inputs must make up {inputs} input neurons"))
        .into()
}
