//! What a sample's outputs say: the class that an output population names.

use std::cmp::Reverse;

use super::counters::SampleResult;

/// How an output population is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readout {
    /// Most spikes.
    #[default]
    Count,
    /// First spike.
    First,
    /// Highest membrane after the last tick.
    Membrane,
}

impl SampleResult {
    /// The neuron of output number `output` that wins, ties broken by membrane and then by the lowest index;
    /// `None` where there is no such output or no neuron in it, and by membrane where they have none.
    #[must_use]
    pub fn winner(&self, output: usize, readout: Readout) -> Option<u32> {
        let counts = self.output_counts.get(output)?;
        let first = self.output_first.get(output)?;
        let membranes = self.output_membranes.get(output)?;
        if readout == Readout::Membrane && membranes.len() < counts.len() {
            return None;
        }
        (0..counts.len())
            .max_by_key(|&neuron| {
                let rank = match readout {
                    Readout::Count => i64::from(counts[neuron]),
                    Readout::First => -i64::from(first[neuron]),
                    Readout::Membrane => 0,
                };
                (rank, membranes.get(neuron).copied(), Reverse(neuron))
            })
            .map(|neuron| neuron as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_membrane_and_then_to_the_lowest_index() {
        let sample = SampleResult {
            output_counts: vec![vec![3, 5, 5, 0]],
            output_first: vec![vec![2, 9, 9, u32::MAX]],
            output_membranes: vec![vec![7, 1, 4, 7]],
            ..SampleResult::default()
        };
        assert_eq!(sample.winner(0, Readout::Count), Some(2));
        assert_eq!(sample.winner(0, Readout::First), Some(0));
        assert_eq!(sample.winner(0, Readout::Membrane), Some(0));
        assert_eq!(sample.winner(1, Readout::Count), None);
        let silent = SampleResult {
            output_counts: vec![vec![0, 0]],
            output_first: vec![vec![u32::MAX; 2]],
            output_membranes: vec![vec![-3, -2]],
            ..SampleResult::default()
        };
        assert_eq!(silent.winner(0, Readout::First), Some(1));
    }
}
