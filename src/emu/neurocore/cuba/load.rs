//! From an image's lists to those of a core.

use std::collections::BTreeMap;

use super::super::super::program::Times;
use super::{Kind, List, Shifted};
use crate::chip::Dialect;
use crate::image::{self, ListKind};

/// First of the shifted sums of each (projection, exponent), and all of them.
pub(super) fn shifted_sums(image: &image::CubaCore) -> (BTreeMap<(u32, i8), u32>, Vec<Shifted>) {
    let mut longest: BTreeMap<(u32, i8), u8> = BTreeMap::new();
    for list in &image.lists {
        let exponent = image.formats[usize::from(list.format)].weight_exponent;
        if exponent < 0 {
            let delay = synapses_of(image, list).iter().map(|synapse| synapse.delay).max().unwrap_or(0);
            let known = longest.entry((list.projection, exponent)).or_default();
            *known = delay.max(*known);
        }
    }
    let (mut firsts, mut sums) = (BTreeMap::new(), Vec::new());
    for (key, longest) in longest {
        firsts.insert(key, sums.len() as u32);
        let places = u32::from(key.1.unsigned_abs()).min(31);
        sums.extend((0..=longest).map(|delay| Shifted { delay, places }));
    }
    (firsts, sums)
}

fn synapses_of<'a>(image: &'a image::CubaCore, list: &image::SynapseList) -> &'a [image::Synapse] {
    &image.synapses[list.first as usize..][..list.count as usize]
}

/// Left shift that is left for the weights of a list: none where each weight was shifted when loaded.
fn left_shift(exponent: i8, dialect: Dialect) -> u32 {
    if dialect == Dialect::Brian2 { 0 } else { u32::from(exponent.max(0).unsigned_abs()).min(31) }
}

/// Weights as they are added. Each is shifted by itself (floor) in dialects other than lava, and clipped to what
/// is left of 22 bits before the shift by 6 in brian2.
pub(super) fn load_weights(image: &image::CubaCore, dialect: Dialect) -> Vec<i16> {
    let mut weights: Vec<i16> = image.synapses.iter().map(|synapse| synapse.weight).collect();
    if dialect == Dialect::Lava {
        return weights;
    }
    let most = i64::from(i16::MAX);
    for list in &image.lists {
        let exponent = image.formats[usize::from(list.format)].weight_exponent;
        let places = u32::from(exponent.unsigned_abs()).min(31);
        for weight in &mut weights[list.first as usize..][..list.count as usize] {
            if exponent < 0 {
                *weight = (i32::from(*weight) >> places) as i16;
            } else if dialect == Dialect::Brian2 {
                *weight = (i64::from(*weight) << places).clamp(-most, most) as i16;
            }
        }
    }
    weights
}

pub(super) fn load_list(
    image: &image::CubaCore,
    list: &image::SynapseList,
    firsts: &BTreeMap<(u32, i8), u32>,
    dialect: Dialect,
) -> List {
    let exponent = image.formats[usize::from(list.format)].weight_exponent;
    let synapses = synapses_of(image, list);
    let kind = if synapses.iter().any(|synapse| synapse.delay > 0) {
        Kind::Delayed
    } else {
        match synapses.first() {
            Some(first) if synapses.iter().zip(first.target..).all(|(synapse, next)| synapse.target == next) => {
                Kind::Run(first.target)
            }
            _ => Kind::Scattered,
        }
    };
    List {
        first: list.first,
        count: list.count,
        shifted: firsts.get(&(list.projection, exponent)).copied(),
        shift: left_shift(exponent, dialect),
        exponent,
        kind,
    }
}

/// Dense, sparse and shared synapses of an axon.
pub(in crate::emu::neurocore) fn events_of(image: &image::CubaCore, axon: usize) -> [u32; 3] {
    let uses = &image.list_uses[image.axon_offsets[axon] as usize..image.axon_offsets[axon + 1] as usize];
    let mut events = [0_u32; 3];
    for used in uses {
        let list = &image.lists[used.list as usize];
        let kind = match image.formats[usize::from(list.format)].kind {
            ListKind::Dense => 0,
            ListKind::Sparse => 1,
            ListKind::Shared => 2,
        };
        events[kind] = events[kind].saturating_add(list.count);
    }
    events
}

pub(in crate::emu::neurocore) fn time_of(events: [u32; 3], times: &Times) -> u64 {
    let [dense, sparse, shared] = events.map(u64::from);
    times.axon_in + dense * times.dense + sparse * times.sparse + shared * times.shared
}
