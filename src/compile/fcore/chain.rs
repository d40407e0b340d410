//! Copies to neighbours: cores that are sent the same packets on the same axons, and stand side by side, pass them on.

use std::collections::{BTreeMap, BTreeSet};

use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result};
use crate::ids::CoreId;
use crate::image::{CoreBody, Image};

/// Who sends (a core's neuron, or the host's with the high bit set) and to which axon.
type Inbound = Vec<(u64, u16)>;

/// Chains the cores of a placed image; how many get their packets by copy.
///
/// # Errors
/// `fcore/axons_out` where a core still sends to more places than its routing table has entries.
pub fn chain(image: &mut Image, chip: &ChipSpec) -> Result<usize> {
    image.unchain();
    let mut classes: BTreeMap<Inbound, BTreeSet<u32>> = BTreeMap::new();
    for (core, mut inbound) in inbound(image) {
        inbound.sort_unstable();
        classes.entry(inbound).or_default().insert(core);
    }
    let mut next: BTreeMap<u32, u32> = BTreeMap::new();
    for mut class in classes.into_values() {
        while let Some(mut end) = class.pop_first() {
            while let Some(to) = neighbours(chip, end).into_iter().find(|core| class.contains(core)) {
                class.remove(&to);
                next.insert(end, to);
                end = to;
            }
        }
    }
    let copies: BTreeSet<u32> = next.values().copied().collect();
    for core in &mut image.cores {
        let CoreBody::Fcore(body) = &mut core.body else { continue };
        body.copy_to = next.get(&core.core).copied();
        let (mut outs, mut offsets) = (Vec::new(), vec![0]);
        for ends in body.out_offsets.windows(2) {
            let of = &body.axons_out[ends[0] as usize..ends[1] as usize];
            outs.extend(of.iter().filter(|out| !copies.contains(&out.core)));
            offsets.push(outs.len() as u32);
        }
        (body.axons_out, body.out_offsets) = (outs, offsets);
    }
    for input in &mut image.inputs {
        let (mut targets, mut offsets) = (Vec::new(), vec![0]);
        for ends in input.offsets.windows(2) {
            let of = &input.targets[ends[0] as usize..ends[1] as usize];
            targets.extend(of.iter().filter(|to| !copies.contains(&to.core)));
            offsets.push(targets.len() as u32);
        }
        (input.targets, input.offsets) = (targets, offsets);
    }
    tables(image, chip)?;
    Ok(next.len())
}

/// What comes to each core.
fn inbound(image: &Image) -> BTreeMap<u32, Inbound> {
    let mut found: BTreeMap<u32, Inbound> = BTreeMap::new();
    for core in &image.cores {
        let CoreBody::Fcore(body) = &core.body else { continue };
        for (neuron, ends) in body.out_offsets.windows(2).enumerate() {
            for out in &body.axons_out[ends[0] as usize..ends[1] as usize] {
                found.entry(out.core).or_default().push((u64::from(core.core) << 16 | neuron as u64, out.axon));
            }
        }
    }
    for input in &image.inputs {
        for (neuron, ends) in input.offsets.windows(2).enumerate() {
            for to in &input.targets[ends[0] as usize..ends[1] as usize] {
                let host = 1 << 63 | u64::from(input.population) << 32 | neuron as u64;
                found.entry(to.core).or_default().push((host, to.axon));
            }
        }
    }
    found
}

/// Cores one hop away: east, west, north, south.
fn neighbours(chip: &ChipSpec, core: u32) -> Vec<u32> {
    let ((x, y), (width, height)) = (chip.router_of(CoreId(core)), (chip.mesh.width, chip.mesh.height));
    let sides = [
        (x + 1 < width).then(|| (x + 1, y)),
        x.checked_sub(1).map(|x| (x, y)),
        y.checked_sub(1).map(|y| (x, y)),
        (y + 1 < height).then(|| (x, y + 1)),
    ];
    sides.into_iter().flatten().map(|(x, y)| chip.core_at(x, y).0).collect()
}

/// Whether every core's routing table holds what it sends.
fn tables(image: &Image, chip: &ChipSpec) -> Result<()> {
    let limit = chip.capacity.axons_out as usize;
    let full = image.cores.iter().filter_map(|core| match &core.body {
        CoreBody::Fcore(body) if body.axons_out.len() > limit => Some((core.core, body.axons_out.len())),
        _ => None,
    });
    let problem = |(core, entries): (u32, usize)| {
        Problem::misfit("fcore/axons_out", format!("core {core}"), format!("it sends to {entries} places"))
            .limit(format!("{limit} entries of its routing table on chip '{}'", chip.name))
            .help("smaller layers behind it, or --placement zigzag, which puts more of them side by side")
    };
    Problems::check(full.map(problem).collect(), ())
}
