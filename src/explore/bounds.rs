//! Lower bounds: what no mapping or no placement can beat, so that a report shows the gap that remains.

use std::collections::{BTreeMap, BTreeSet};

use crate::chip::{ChipSpec, Family};
use crate::compile::CoreUse;
use crate::compile::traffic::Rates;
use crate::graph::{IntGraph, Pattern};
use crate::ids::CoreId;

/// Cores that the neurons in use need if they fill cores to the limit.
pub(super) fn cores(cores: &[CoreUse]) -> u32 {
    let of = |core: &CoreUse| core.resources.iter().find(|r| r.resource == "neurons").map(|r| (r.used, r.limit));
    let used: u64 = cores.iter().filter_map(of).map(|(used, _)| u64::from(used)).sum();
    let limit = cores.iter().filter_map(of).map(|(_, limit)| limit).max().unwrap_or(1);
    used.div_ceil(u64::from(limit.max(1))) as u32
}

/// Hops that the traffic between these cores takes on any mesh: each core's partners stand as near as there are slots,
/// the heaviest nearest; every pair is seen from both ends and counted half. The host is the partner numbered last and
/// leaves its router's slots free.
pub(super) fn hops(pairs: &BTreeMap<(u32, u32), f64>, chip: &ChipSpec) -> f64 {
    let local = usize::from(chip.mesh.cores_per_router.max(1));
    let mut partners: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
    for (&(a, b), &spikes) in pairs.iter().filter(|((a, b), _)| a != b) {
        *partners.entry(a).or_default().entry(b).or_default() += spikes;
        *partners.entry(b).or_default().entry(a).or_default() += spikes;
    }
    let nearest = |traffic: &BTreeMap<u32, f64>| {
        let mut sorted: Vec<f64> = traffic.values().copied().collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        // At distance d there are at most 4 d routers; at 0 the router itself, one slot of which may be taken. The host
        // takes none, so a core has room for it beside a full router.
        let distances = std::iter::repeat_n(0, local).chain((1..).flat_map(|d| std::iter::repeat_n(d, 4 * d * local)));
        sorted.iter().zip(distances).map(|(spikes, distance)| spikes * distance as f64).sum::<f64>()
    };
    partners.values().map(nearest).sum::<f64>() / 2.0
}

/// Hops that no mapping of a network avoids, whatever its partition and placement; known for chips with synapse lists,
/// where no neuron has copies or relays and a spike takes one packet to each core with targets. The argument:
///
/// - `n` targets need at least `k = ceil(n / neurons of a core)` cores. Packets of an input come from the host's router,
///   so its spikes cross at least the sum of the `k` least distances from there to cores, and those of a neuron at least
///   the sum of the `k` least distances from any router: as many cores as a router has at 0, four routers at 1, and
///   so on.
/// - Neurons of a population compete for the routers of their targets. One with `n` targets at a router that holds `m`
///   of the neurons which any of the population reaches sends at least `(n - m) / neurons of a core` packets to others,
///   each over a link. Summed with the spikes `w` this is
///   `(sum(n w) - sum over routers(m W)) / neurons of a core`, where `W` are the spikes of the neurons at a router. The
///   `m` add up to the number of all targets, and where `m > 0` the neurons share the router with a target: `W` is at
///   most the spikes of the most active ones that fill it but for one place (but for none, where some are targets
///   themselves).
///
/// Inputs and populations have packets of their own, so that their bounds add up.
pub(super) fn hops_of_any(graph: &IntGraph, chip: &ChipSpec, rates: Option<&Rates>) -> Option<f64> {
    let Family::Cuba(_) = chip.family else { return None };
    let size = chip.capacity.neurons.clamp(1, 1 << 16) as usize;
    let local = usize::from(chip.mesh.cores_per_router.max(1));
    let (host_x, host_y) = chip.mesh.host;
    let cores = (0..chip.cores()).map(CoreId).filter(|core| chip.is_alive(*core)).map(|core| chip.router_of(core));
    let mut from_host: Vec<f64> =
        cores.map(|(x, y)| f64::from(x.abs_diff(host_x)) + f64::from(y.abs_diff(host_y))).collect();
    from_host.sort_by(f64::total_cmp);
    let from_any = (0..).flat_map(|d: usize| std::iter::repeat_n(d as f64, (4 * d).max(1) * local));
    let mut bound = 0.0;
    for (number, population) in graph.populations.iter().enumerate() {
        let (mut spikes, mut reached, mut sent, mut alone) = (Vec::new(), BTreeSet::new(), 0.0, 0.0);
        for neuron in 0..population.size() as u32 {
            let targets = targets(graph, number, neuron);
            let fired = rates.map_or(1.0, |rates| rates.of(number, neuron as usize));
            let cores = targets.len().div_ceil(size);
            if population.is_input() {
                bound += fired * from_host.iter().take(cores).sum::<f64>();
                continue;
            }
            alone += fired * from_any.clone().take(cores).sum::<f64>();
            sent += fired * targets.len() as f64;
            spikes.push(fired);
            reached.extend(targets);
        }
        spikes.sort_by(|a, b| b.total_cmp(a));
        let among = reached.iter().any(|(population, _)| *population as usize == number);
        let near: f64 = spikes.iter().take(size * local - usize::from(!among)).sum();
        let crowded = (sent - reached.len() as f64 * near) / size as f64;
        bound += crowded.max(alone);
    }
    Some(bound)
}

/// Who hears a neuron, ascending. What has no plain weights is left out: fewer targets have no higher bound.
fn targets(graph: &IntGraph, population: usize, neuron: u32) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let plain = |pattern: &Pattern| !matches!(pattern, Pattern::Factorised { .. } | Pattern::Stochastic(_));
    let outgoing = graph.projections.iter().filter(|p| p.source.index() == population && plain(&p.pattern));
    for projection in outgoing {
        projection.pattern.visit(neuron, |target, weight| {
            if projection.weights[weight as usize] != 0 {
                found.push((projection.target.0, target));
            }
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{LoadOptions, load};
    use crate::graph::{CubaNeuron, Delays, IntNeuron, Population, Projection};
    use crate::ids::PopulationId;

    #[test]
    fn a_star_needs_what_its_centre_cannot_have_near() {
        let chip = load("truenorth", &LoadOptions::default()).expect("built in");
        // One core at each router: of five partners one may be the host at the same router, four stand one hop away.
        let star = |n: u32| (1..=n).map(|k| ((0, k), 2.0)).collect::<BTreeMap<_, _>>();
        assert_eq!(hops(&star(5), &chip), 4.0);
        // The sixth is two hops away; each leaf sees only its centre.
        assert_eq!(hops(&star(6), &chip), 6.0);
    }

    #[test]
    fn no_mapping_of_a_dense_network_beats_what_its_host_and_routers_take() {
        // 64 inputs to 64 neurons to 10, all to all, 4 neurons a core: 16 cores with the first, 4 of them at the host's
        // router, 8 one hop away, 4 two: 16 hops an input. Of the 64 at most 15 share a router with targets.
        let mut options = LoadOptions::default();
        options.set.push(("core.neurons".to_owned(), "4".to_owned()));
        let chip = load("loihi", &options).expect("built in");
        let graph = dense(&[64, 64, 10]);
        let least = hops_of_any(&graph, &chip, None).expect("synapse lists");
        assert_eq!(least, 64.0 * 16.0 + (64.0 * 10.0 - 10.0 * 15.0) / 4.0);
        // With room for all on one core there is nothing to cross.
        let chip = load("loihi", &LoadOptions::default()).expect("built in");
        assert_eq!(hops_of_any(&graph, &chip, None), Some(0.0));
        let chip = load("truenorth", &LoadOptions::default()).expect("built in");
        assert_eq!(hops_of_any(&graph, &chip, None), None);
    }

    /// Layers that are all connected with weights of 1, the first of inputs.
    fn dense(sizes: &[u32]) -> IntGraph {
        let neuron = |number: usize| (number > 0).then(|| IntNeuron::Cuba(CubaNeuron::default()));
        let layers = sizes.iter().enumerate();
        let population = |(number, size): (usize, &u32)| Population {
            name: format!("layer{number}"),
            shape: vec![*size],
            neuron: neuron(number),
        };
        let projection = |(number, pair): (u32, &[u32])| Projection {
            name: format!("to{}", number + 1),
            source: PopulationId(number),
            target: PopulationId(number + 1),
            pattern: Pattern::Dense { sources: pair[0], targets: pair[1] },
            weights: vec![1; (pair[0] * pair[1]) as usize],
            exponent: 0,
            delays: Delays::Uniform(0),
        };
        IntGraph {
            name: "dense".to_owned(),
            populations: layers.map(population).collect(),
            projections: (0..).zip(sizes.windows(2)).map(projection).collect(),
            outputs: Vec::new(),
            learning: Vec::new(),
        }
    }
}
