//! Lower bounds: what no mapping or no placement can beat, so that a report shows the gap that remains.

use std::collections::BTreeMap;

use crate::chip::ChipSpec;
use crate::compile::CoreUse;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{LoadOptions, load};

    #[test]
    fn a_star_needs_what_its_centre_cannot_have_near() {
        let chip = load("truenorth", &LoadOptions::default()).expect("built in");
        // One core at each router: of five partners one may be the host at the same router, four stand one hop away.
        let star = |n: u32| (1..=n).map(|k| ((0, k), 2.0)).collect::<BTreeMap<_, _>>();
        assert_eq!(hops(&star(5), &chip), 4.0);
        // The sixth is two hops away; each leaf sees only its centre.
        assert_eq!(hops(&star(6), &chip), 6.0);
    }
}
