//! From an image's lists to those of a core.

use std::collections::BTreeMap;

use super::super::super::program::Times;
use super::super::exponent::{ShiftedSums, exponent_of, left_shift, synapses_of};
use super::{Kind, List};
use crate::chip::Dialect;
use crate::image::{self, ListKind};

pub(super) fn load_list(
    image: &image::CubaCore,
    list: &image::SynapseList,
    sums: &ShiftedSums,
    dialect: Dialect,
) -> List {
    let exponent = exponent_of(image, list);
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
        shifted: sums.first(list.projection, exponent),
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

/// What the packets of each axon cost: a number, and by it events and time. Axons with as many synapses share one.
pub(super) fn costs_of(image: &image::CubaCore, times: &Times) -> (Vec<u32>, Vec<([u32; 3], u64)>) {
    let (mut known, mut costs) = (BTreeMap::new(), Vec::new());
    let axons = 0..image.axon_offsets.len() - 1;
    let number = axons.map(|axon| {
        let events = events_of(image, axon);
        *known.entry(events).or_insert_with(|| {
            costs.push((events, time_of(events, times)));
            costs.len() as u32 - 1
        })
    });
    (number.collect(), costs)
}
