//! The dense product of a core: 16-bit inputs by 8-bit weights into 32-bit sums.
//!
//! Axons go in pairs, and the weights of a pair stand side by side for each neuron: a vector unit then does two products
//! and their sum for eight neurons at once. Neurons go in blocks whose sums stay in registers while all pairs pass by,
//! and weights stay bytes in memory, which a chip of cores reads in every round. Pairs without input are left out:
//! adding nothing changes nothing.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// Neurons that a vector of weights serves.
const LANES: usize = 8;
/// Vectors of a block, from the widest down; what is left of the neurons takes the narrower ones.
const WIDEST: usize = 8;
/// Pairs of axons that are taken at once.
const PAIRS: usize = 128;

/// The weights of one pair of axons for eight neurons, `[neuron][2]`.
type Weights = [i8; 2 * LANES];

/// Weights of a core.
#[derive(Debug)]
pub(super) struct Matrix {
    /// `[block][pair of axons][vector]`; neurons that are not there have zeros.
    weights: Vec<Weights>,
    pairs: usize,
    neurons: usize,
}

/// A pair of axons with input.
type Active = (usize, [i16; 2]);

impl Matrix {
    pub(super) fn new(axons: usize, neurons: usize, weight: impl Fn(usize, usize) -> i8) -> Self {
        let pairs = axons.div_ceil(2);
        let mut weights = Vec::with_capacity(pairs * neurons.div_ceil(LANES));
        for (first, vectors) in blocks(neurons) {
            for pair in 0..pairs {
                for vector in first..first + vectors {
                    weights.push(std::array::from_fn(|at| {
                        let (axon, neuron) = (2 * pair + at % 2, vector * LANES + at / 2);
                        if axon < axons && neuron < neurons { weight(axon, neuron) } else { 0 }
                    }));
                }
            }
        }
        Self { weights, pairs, neurons }
    }

    /// The sum of every neuron. There are two values a pair.
    pub(super) fn multiply(&self, values: &[i16], sums: &mut [i32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(unit) = V3::try_new() {
            return unit.vectorize(
                #[inline(always)]
                || self.product(unit, values, sums),
            );
        }
        self.product(Plain, values, sums);
    }

    #[inline(always)]
    fn product<U: Unit>(&self, unit: U, values: &[i16], sums: &mut [i32]) {
        sums.fill(0);
        let mut active: [Active; PAIRS] = [(0, [0; 2]); PAIRS];
        for (chunk, values) in (0..).step_by(PAIRS).zip(values.chunks(2 * PAIRS)) {
            let mut count = 0;
            for (pair, values) in (chunk..).zip(values.chunks_exact(2)) {
                active[count] = (pair, [values[0], values[1]]);
                count += usize::from(values != [0, 0]);
            }
            self.add(unit, &active[..count], sums);
        }
    }

    /// Adds what some pairs bring.
    #[inline(always)]
    fn add<U: Unit>(&self, unit: U, active: &[Active], sums: &mut [i32]) {
        for (first, vectors) in blocks(self.neurons) {
            let weights = &self.weights[first * self.pairs..(first + vectors) * self.pairs];
            let end = sums.len().min((first + vectors) * LANES);
            let sums = &mut sums[first * LANES..end];
            match vectors {
                8 => block::<U, 8>(unit, weights, active, sums),
                4 => block::<U, 4>(unit, weights, active, sums),
                2 => block::<U, 2>(unit, weights, active, sums),
                _ => block::<U, 1>(unit, weights, active, sums),
            }
        }
    }
}

/// First vector of each block and how many it has: 8, and then 4, 2, 1 of what is left.
fn blocks(neurons: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = neurons.div_ceil(LANES);
    let width = move |first: usize| (first < all).then(|| (first, WIDEST.min(1 << (all - first).ilog2())));
    std::iter::successors(width(0), move |&(first, vectors)| width(first + vectors))
}

/// One block: its sums are loaded, all pairs are added, the sums are stored.
#[inline(always)]
fn block<U: Unit, const VECTORS: usize>(unit: U, weights: &[Weights], active: &[Active], sums: &mut [i32]) {
    let mut held: [[i32; LANES]; VECTORS] = [[0; LANES]; VECTORS];
    sums.chunks(LANES).zip(&mut held).for_each(|(sums, held)| held[..sums.len()].copy_from_slice(sums));
    let mut gathered = held.map(
        #[inline(always)]
        |held| unit.load(held),
    );
    let (rows, _) = weights.as_chunks::<VECTORS>();
    for &(pair, values) in active {
        let row = &rows[pair];
        for vector in 0..VECTORS {
            gathered[vector] = unit.add(gathered[vector], row[vector], values);
        }
    }
    for (sums, gathered) in sums.chunks_mut(LANES).zip(gathered) {
        sums.copy_from_slice(&unit.store(gathered)[..sums.len()]);
    }
}

/// What adds a pair of products for eight neurons.
trait Unit: Copy {
    /// Eight sums.
    type Sums: Copy;
    fn load(self, sums: [i32; LANES]) -> Self::Sums;
    fn store(self, sums: Self::Sums) -> [i32; LANES];
    /// The sums with the products of a pair of axons added.
    fn add(self, sums: Self::Sums, weights: Weights, values: [i16; 2]) -> Self::Sums;
}

/// Any processor.
#[derive(Clone, Copy)]
struct Plain;

impl Unit for Plain {
    type Sums = [i32; LANES];

    #[inline(always)]
    fn load(self, sums: [i32; LANES]) -> Self::Sums {
        sums
    }

    #[inline(always)]
    fn store(self, sums: Self::Sums) -> [i32; LANES] {
        sums
    }

    #[inline(always)]
    fn add(self, mut sums: Self::Sums, weights: Weights, [first, second]: [i16; 2]) -> Self::Sums {
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
            *sum += i32::from(weights[0]) * i32::from(first) + i32::from(weights[1]) * i32::from(second);
        }
        sums
    }
}

/// 256-bit vectors: bytes are widened to 16 bits, pairs of products added by one instruction.
#[cfg(target_arch = "x86_64")]
impl Unit for V3 {
    type Sums = std::arch::x86_64::__m256i;

    #[inline(always)]
    fn load(self, sums: [i32; LANES]) -> Self::Sums {
        pulp::cast(sums)
    }

    #[inline(always)]
    fn store(self, sums: Self::Sums) -> [i32; LANES] {
        pulp::cast(sums)
    }

    #[inline(always)]
    fn add(self, sums: Self::Sums, weights: Weights, values: [i16; 2]) -> Self::Sums {
        // Products of a byte and 9 bits: two of them are far from the edge of 32 bits.
        let pairs = self.avx._mm256_set1_epi32(pulp::cast(values));
        let weights = self.avx2._mm256_cvtepi8_epi16(pulp::cast(weights));
        self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(weights, pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_schoolbook() {
        let mut rng = crate::rng::Rng::new(8);
        let shapes = [(1, 1), (2, 3), (7, 64), (256, 256), (255, 33), (0, 4), (3, 0), (257, 120), (700, 9)];
        for (axons, neurons) in shapes {
            let weight: Vec<i8> = (0..axons * neurons).map(|_| rng.below(256) as u8 as i8).collect();
            let mut values: Vec<i16> = (0..axons).map(|_| rng.below(384) as i16 - 128).collect();
            values.iter_mut().step_by(3).for_each(|value| *value = 0);
            let matrix = Matrix::new(axons, neurons, |axon, neuron| weight[axon * neurons + neuron]);
            let plain: Vec<i32> = (0..neurons)
                .map(|n| (0..axons).map(|a| i32::from(weight[a * neurons + n]) * i32::from(values[a])).sum())
                .collect();
            values.resize(axons.next_multiple_of(2), 0);
            let mut sums = vec![-1; neurons];
            matrix.multiply(&values, &mut sums);
            assert_eq!(sums, plain, "{axons} x {neurons}");
            // The twin for processors without these vectors.
            sums.fill(-1);
            matrix.product(Plain, &values, &mut sums);
            assert_eq!(sums, plain, "{axons} x {neurons}, plain");
        }
    }
}
