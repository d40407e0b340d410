//! Partition by traffic on synapse-list cores: one net a neuron or input, an axon for each net that a core hears, and
//! synapse memory by the bits of a neuron's synapses. Shared weights are stored once for many neurons and count nothing
//! here; words and blocks that fill up with air are not known either. Groups that are too large for these reasons are cut.

use super::draft::Row;
use crate::compile::Log;
use crate::compile::division::Division;
use crate::compile::search::{Charges, Search};
use crate::diag::Result;
use crate::graph::Pattern;
use crate::partition::{Limits, NO_SOURCE, Weight};

/// Groups of the row's neurons.
pub(super) fn divide(row: &Row<'_>, search: &Search<'_>, log: &mut Log) -> Result<Division> {
    let capacity = &row.chip.capacity;
    let limits = Limits {
        neurons: u64::from(capacity.neurons.min(1 << 16)),
        axons: u64::from(capacity.axons_in.min(1 << 16)),
        synapses: u64::from(row.spec.synapse_words) * 64,
        work: u64::MAX,
        parts: Some(row.chip.usable_cores() as usize),
    };
    let weights = row
        .synapse_bits(false)
        .into_iter()
        .map(|synapses| Weight { neurons: 1, synapses, ..Weight::default() })
        .collect();
    let mut nets = Vec::new();
    for (number, population) in row.graph.populations.iter().enumerate() {
        let projections = row.graph.projections.iter().enumerate();
        let outgoing: Vec<_> = projections.filter(|(_, p)| p.source.index() == number).collect();
        for neuron in 0..population.size() as u32 {
            let mut targets = Vec::new();
            for (index, projection) in &outgoing {
                // What learns has a synapse even where its weight is 0 to begin with.
                let learns = row.graph.learning_of(*index).is_some();
                let start = row.starts[projection.target.index()];
                // The products of factors are hardly ever 0.
                let products = matches!(projection.pattern, Pattern::Factorised { .. });
                projection.pattern.visit(neuron, |target, weight| {
                    if learns || products || projection.weights[weight as usize] != 0 {
                        targets.push(start + target);
                    }
                });
            }
            if !targets.is_empty() {
                let source = if population.is_input() { NO_SOURCE } else { row.starts[number] + neuron };
                nets.push((source, search.weight(number, neuron), targets));
            }
        }
    }
    let division = search.run(&row.graph.name, nets, &Charges { limits, weights }, log)?;
    let of = |bounds: &[u32]| division[bounds[0] as usize..bounds[1] as usize].to_vec();
    Ok(Division {
        group: row.starts.windows(2).map(of).collect(),
        places: None,
        file: String::new(),
        apart: search.strategy.value("balance") > 0.0,
    })
}
