//! The dense product of a core: 16-bit inputs by 8-bit weights into 32-bit sums.
//!
//! Axons go in pairs, and the weights of a pair stand side by side for each neuron: a processor's vector unit then does
//! two products and their sum for several neurons at once. Pairs without input are left out: adding nothing changes
//! nothing.

use pulp::Arch;

/// Weights of a core, `[pair of axons][neuron][2]`.
#[derive(Debug)]
pub(super) struct Matrix {
    weights: Vec<i16>,
    neurons: usize,
}

impl Matrix {
    pub(super) fn new(axons: usize, neurons: usize, weight: impl Fn(usize, usize) -> i8) -> Self {
        let mut weights = vec![0; axons.next_multiple_of(2) * neurons];
        for axon in 0..axons {
            for neuron in 0..neurons {
                weights[(axon / 2 * neurons + neuron) * 2 + axon % 2] = i16::from(weight(axon, neuron));
            }
        }
        Self { weights, neurons }
    }

    /// The sum of every neuron. There are two values a pair.
    pub(super) fn multiply(&self, values: &[i16], sums: &mut [i32]) {
        sums.fill(0);
        if self.neurons > 0 {
            Arch::new().dispatch(|| product(&self.weights, self.neurons, values, sums));
        }
    }
}

#[inline(always)]
fn product(weights: &[i16], neurons: usize, values: &[i16], sums: &mut [i32]) {
    for (pair, row) in values.chunks_exact(2).zip(weights.chunks_exact(2 * neurons)) {
        let (first, second) = (pair[0], pair[1]);
        if first != 0 || second != 0 {
            for (sum, weights) in sums.iter_mut().zip(row.chunks_exact(2)) {
                *sum += i32::from(weights[0]) * i32::from(first) + i32::from(weights[1]) * i32::from(second);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_schoolbook() {
        let mut rng = crate::rng::Rng::new(8);
        for (axons, neurons) in [(1, 1), (2, 3), (7, 64), (256, 256), (255, 33), (0, 4), (3, 0)] {
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
        }
    }
}
