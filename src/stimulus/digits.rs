//! The UCI 8x8 handwritten digits that the program carries (`programs/digits/README.md`), split for training and
//! test.

use crate::rng::Rng;

/// 65 bytes a digit: 64 pixels row by row (0..=16), then the class (0..=9); order of the source.
static DIGITS: &[u8] = include_bytes!("../../programs/digits/digits.u8");

/// Seed of the split; part of the data set's identity, so never change it.
const SPLIT_SEED: u64 = 1998;

/// Of every class, one digit in so many is for test.
const TEST_FRACTION: usize = 5;

/// Images of one size with their classes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSet {
    /// Pixels `0..=max`, row by row.
    pub images: Vec<Vec<u8>>,
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Channels, height, width.
    pub shape: [u32; 3],
    /// The largest pixel value.
    pub max: u8,
    /// Number of classes.
    pub classes: u32,
}

/// The digits, split once and for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digits {
    /// About 80 % of each class.
    pub train: ImageSet,
    /// The rest.
    pub test: ImageSet,
}

/// The embedded digits (1797 images of 8x8 pixels in 17 levels), split by class with a fixed seed.
#[must_use]
pub fn digits() -> Digits {
    let mut by_class: [Vec<&[u8]>; 10] = Default::default();
    for digit in DIGITS.chunks_exact(65) {
        by_class[usize::from(digit[64])].push(digit);
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let mut rng = Rng::new(SPLIT_SEED);
    for class in &mut by_class {
        rng.shuffle(class);
        let (for_test, for_training) = class.split_at(class.len() / TEST_FRACTION);
        test.extend_from_slice(for_test);
        train.extend_from_slice(for_training);
    }
    // Classes interleaved, so that a prefix of either set is a fair sample.
    rng.shuffle(&mut train);
    rng.shuffle(&mut test);
    Digits { train: set(&train), test: set(&test) }
}

fn set(digits: &[&[u8]]) -> ImageSet {
    ImageSet {
        images: digits.iter().map(|digit| digit[..64].to_vec()).collect(),
        labels: digits.iter().map(|digit| u32::from(digit[64])).collect(),
        shape: [1, 8, 8],
        max: 16,
        classes: 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_is_stratified_and_loses_nothing() {
        let digits = digits();
        assert_eq!(digits.train.images.len() + digits.test.images.len(), 1797);
        assert_eq!(digits.test.images.len(), 355);
        for class in 0..10 {
            let count = |set: &ImageSet| set.labels.iter().filter(|&&label| label == class).count();
            assert_eq!(count(&digits.test), (count(&digits.train) + count(&digits.test)) / TEST_FRACTION);
        }
        assert!(digits.train.images.iter().flatten().all(|&pixel| pixel <= 16));
    }
}
