//! Images in MNIST's IDX format: a header of magic number and big-endian extents, then bytes; plain or packed by gzip.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::digits::ImageSet;
use super::read::{bytes, name};
use crate::diag::{Problem, Result};

/// Most bytes of an unpacked file.
const MAX_BYTES: u64 = 1 << 31;

/// Whether the name is one of an IDX file.
pub(super) fn is_idx(path: &Path) -> bool {
    let file = path.file_name().map(|file| file.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    file.contains("-ubyte") || file.ends_with(".idx") || file.ends_with(".idx.gz")
}

/// Reads `...images-idx3-ubyte[.gz]` with the labels of `...labels-idx1-ubyte[.gz]` beside it, where they are there; the
/// first `limit` images. The brightest pixel counts as 255.
///
/// # Errors
/// `stimulus/idx` for what is no IDX file of bytes, `stimulus/labels` for too few labels.
pub(super) fn images(path: &Path, limit: usize) -> Result<ImageSet> {
    let (extents, values) = tensor(path)?;
    let &[count, height, width] = extents.as_slice() else {
        return Err(Problem::invalid("stimulus/idx", name(path), format!("has extents {extents:?}"))
            .limit("images, rows and columns")
            .help("give the file of images; labels are found beside it")
            .into());
    };
    let area = height as usize * width as usize;
    if count == 0 || area == 0 {
        return Err(Problem::invalid("stimulus/empty", name(path), "holds no image").into());
    }
    let images: Vec<Vec<u8>> = values.chunks_exact(area).take(limit).map(<[u8]>::to_vec).collect();
    let mut set = ImageSet { images, shape: [1, height, width], max: 255, ..ImageSet::default() };
    if let Some(beside) = labels_of(path) {
        let (extents, labels) = tensor(&beside)?;
        if extents.len() != 1 || labels.len() < set.images.len() {
            let what = format!("extents {extents:?} for {count} images");
            return Err(Problem::invalid("stimulus/labels", name(&beside), what)
                .help("give the labels that belong to the images, or move the file away")
                .into());
        }
        set.labels = labels.iter().take(set.images.len()).map(|&label| u32::from(label)).collect();
        set.classes = labels.iter().map(|&label| u32::from(label) + 1).max().unwrap_or(0);
    }
    Ok(set)
}

/// The file of labels beside one of images.
fn labels_of(path: &Path) -> Option<PathBuf> {
    let file = path.file_name()?.to_str()?;
    let plain = file.strip_suffix(".gz").unwrap_or(file);
    let named = plain.replace("images", "labels").replace("idx3", "idx1");
    let beside = |name: String| Some(path.with_file_name(name)).filter(|path| named != plain && path.exists());
    beside(named.clone()).or_else(|| beside(format!("{named}.gz")))
}

/// Extents and bytes of an IDX file.
fn tensor(path: &Path) -> Result<(Vec<u32>, Vec<u8>)> {
    let broken = |what: String| Problem::invalid("stimulus/idx", name(path), what).limit("IDX files of unsigned bytes");
    let mut raw = bytes(path)?;
    if raw.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let unpacking = flate2::read::GzDecoder::new(raw.as_slice()).take(MAX_BYTES + 1).read_to_end(&mut unpacked);
        unpacking.map_err(|error| broken(format!("is no sound gzip file: {error}")))?;
        if unpacked.len() as u64 > MAX_BYTES {
            return Err(broken(format!("unpacks to more than {MAX_BYTES} bytes")).into());
        }
        raw = unpacked;
    }
    let [0, 0, 8, axes, ..] = raw.as_slice() else {
        return Err(broken("does not begin with 0, 0, 8 and the number of axes".to_owned()).into());
    };
    let header = 4 + 4 * usize::from(*axes);
    let Some(words) = raw.get(4..header) else { return Err(broken("ends within its header".to_owned()).into()) };
    let extents: Vec<u32> = words.as_chunks::<4>().0.iter().map(|&word| u32::from_be_bytes(word)).collect();
    let size = extents.iter().try_fold(1_u64, |product, &extent| product.checked_mul(u64::from(extent)));
    if size != Some((raw.len() - header) as u64) {
        return Err(broken(format!("{} bytes behind a header of extents {extents:?}", raw.len() - header)).into());
    }
    Ok((extents, raw.split_off(header)))
}
