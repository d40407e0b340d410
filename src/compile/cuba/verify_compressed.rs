//! What the checker reads of synapses that a core makes from factors or a seed.

use crate::image::{Compressed, CompressedList};
use crate::rng;

/// (compartment, weight, delay beyond one tick) of every synapse that a packet on `axon` works through.
pub(super) fn synapses(list: &CompressedList, axon: u16) -> Option<Vec<(u16, i32, u32)>> {
    let mut found = Vec::new();
    for (at, source) in list.sources.iter().enumerate().filter(|(_, source)| source.axon == axon) {
        let mut before = 0;
        for run in &list.targets {
            for k in 0..run.count {
                let compartment = run.compartment.checked_add(k)?;
                match &list.synapses {
                    Compressed::Factorised { rank, delay, left, right } => {
                        let rank = usize::from(*rank);
                        let of_target = left.get(before * rank..(before + 1) * rank)?;
                        let of_source = right.get(at * rank..(at + 1) * rank)?;
                        let products = of_target.iter().zip(of_source).map(|(l, r)| i32::from(*l) * i32::from(*r));
                        found.push((compartment, products.sum(), u32::from(*delay)));
                    }
                    Compressed::Stochastic { seed, chance, choices } => {
                        let target = run.neuron.checked_add(k.into())?;
                        let drawn = rng::synapse(*seed, *chance, choices.len() as u32, source.source, target);
                        if let Some(choice) = drawn {
                            let choice = choices.get(choice as usize)?;
                            found.push((compartment, choice.weight.into(), choice.delay.into()));
                        }
                    }
                }
                before += 1;
            }
        }
    }
    found.retain(|(_, weight, _)| *weight != 0);
    Some(found)
}
