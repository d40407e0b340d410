//! The synapses of every source of a plate, laid out to be read once, in order: eight at a time, targets beside
//! weights, weights in one byte each where they fit. A tick reads as many rows as there are spikes, from all over
//! memory: fewer bytes and early requests are what makes it fast.

use crate::emu::neurocore::crossbar::prefetch;

use super::REACH;

/// Synapses of a chunk.
const WIDTH: usize = 8;
/// How many rows before its turn a row is asked for, and where it begins.
const AHEAD: usize = 3;

/// A sum of weights, which wraps.
pub(super) trait Sum: Copy {
    /// `self + weight`.
    fn plus(self, weight: Self) -> Self;
}

impl Sum for i16 {
    #[inline(always)]
    fn plus(self, weight: Self) -> Self {
        self.wrapping_add(weight)
    }
}

impl Sum for i32 {
    #[inline(always)]
    fn plus(self, weight: Self) -> Self {
        self.wrapping_add(weight)
    }
}

/// Rows by the width of their weights.
#[derive(Debug)]
pub(super) enum Rows {
    Narrow(Chunked<i8>),
    Wide(Chunked<i16>),
}

/// Rows of chunks; what is left of a row's last chunk has weight 0.
#[derive(Debug, Default)]
pub(super) struct Chunked<W> {
    /// First chunk of each row, one more than there are rows.
    offsets: Vec<u32>,
    chunks: Vec<Chunk<W>>,
}

#[derive(Debug, Clone, Copy)]
struct Chunk<W> {
    targets: [u16; WIDTH],
    weights: [W; WIDTH],
}

impl Rows {
    /// From rows of (target, weight); `narrow` where every weight fits a byte. `None` where 32 bits do not number the
    /// chunks.
    pub(super) fn new(rows: impl Iterator<Item = Vec<(u16, i16)>>, narrow: bool) -> Option<Self> {
        Some(if narrow {
            Self::Narrow(Chunked::new(rows, |weight| weight as i8)?)
        } else {
            Self::Wide(Chunked::new(rows, |weight| weight)?)
        })
    }

    /// Calls `synapse` with the target and the weight of every synapse.
    pub(super) fn each(&self, mut synapse: impl FnMut(u16, i16)) {
        match self {
            Self::Narrow(rows) => rows.each(|target, weight| synapse(target, weight.into())),
            Self::Wide(rows) => rows.each(synapse),
        }
    }

    /// Adds the synapses of the rows `sources` to `sums`.
    pub(super) fn add<S: Sum + From<i8> + From<i16>>(&self, sources: &[u32], sums: &mut [S; REACH]) {
        match self {
            Self::Narrow(rows) => rows.add(sources, sums),
            Self::Wide(rows) => rows.add(sources, sums),
        }
    }
}

impl<W: Copy> Chunked<W> {
    fn new(rows: impl Iterator<Item = Vec<(u16, i16)>>, width: impl Fn(i16) -> W) -> Option<Self> {
        let mut all = Self { offsets: vec![0], chunks: Vec::new() };
        for row in rows {
            for synapses in row.chunks(WIDTH) {
                let at = |lane: usize| synapses.get(lane).copied().unwrap_or((synapses[0].0, 0));
                all.chunks.push(Chunk {
                    targets: std::array::from_fn(|lane| at(lane).0),
                    weights: std::array::from_fn(|lane| width(at(lane).1)),
                });
            }
            all.offsets.push(u32::try_from(all.chunks.len()).ok()?);
        }
        all.chunks.shrink_to_fit();
        Some(all)
    }

    fn each(&self, mut synapse: impl FnMut(u16, W)) {
        for chunk in &self.chunks {
            chunk.targets.iter().zip(&chunk.weights).for_each(|(&target, &weight)| synapse(target, weight));
        }
    }

    fn span(&self, source: u32) -> std::ops::Range<usize> {
        self.offsets[source as usize] as usize..self.offsets[source as usize + 1] as usize
    }

    fn add<S: Sum + From<W>>(&self, sources: &[u32], sums: &mut [S; REACH]) {
        let per_line = (64 / size_of::<Chunk<W>>()).max(1);
        for (number, &source) in sources.iter().enumerate() {
            if let Some(&later) = sources.get(number + 2 * AHEAD) {
                prefetch(&self.offsets, later as usize);
            }
            if let Some(&soon) = sources.get(number + AHEAD) {
                self.span(soon).step_by(per_line).for_each(|chunk| prefetch(&self.chunks, chunk));
            }
            for chunk in &self.chunks[self.span(source)] {
                for lane in 0..WIDTH {
                    let sum = &mut sums[usize::from(chunk.targets[lane])];
                    *sum = sum.plus(chunk.weights[lane].into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn rows_of_every_length_and_width_add_what_they_hold() {
        let mut rng = Rng::new(3);
        for most in [127_i16, 300] {
            let mut draw = |count: u64| -> Vec<(u16, i16)> {
                (0..count).map(|_| (rng.below(200) as u16, rng.below(2 * most as u64) as i16 - most)).collect()
            };
            let rows: Vec<Vec<(u16, i16)>> = (0..40).map(&mut draw).collect();
            let sources = [3, 39, 0, 7, 8, 9, 39, 16, 17, 1];
            let mut expected = vec![0; REACH];
            for &(target, weight) in sources.iter().flat_map(|&source| &rows[source as usize]) {
                expected[usize::from(target)] += i32::from(weight);
            }
            let mut sums = vec![0_i32; REACH];
            let laid_out = Rows::new(rows.into_iter(), most < 128).expect("few");
            laid_out.add(&sources, sums.first_chunk_mut().expect("long enough"));
            assert_eq!(sums, expected);
            let mut sums = vec![0_i16; REACH];
            laid_out.add(&sources, sums.first_chunk_mut().expect("long enough"));
            assert!(sums.iter().zip(&expected).all(|(&sum, &expected)| i32::from(sum) == expected));
        }
    }
}
