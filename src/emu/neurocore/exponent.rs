//! What a weight exponent does, by dialect: lava sums the weights of one projection and delay and shifts the sum (floor
//! where negative), the others shift every weight when it is loaded.

use std::collections::BTreeMap;

use crate::chip::Dialect;
use crate::image;

/// A sum that is shifted as a whole before it goes to the ring (dialect lava, negative exponents): one for each
/// projection and delay. All spikes of a tick are worked through in one tick, so it lives no longer.
#[derive(Debug)]
pub(super) struct Shifted {
    pub(super) projection: u32,
    pub(super) delay: u8,
    pub(super) places: u32,
}

/// The sums that are shifted as a whole.
#[derive(Debug, Default)]
pub(super) struct ShiftedSums {
    firsts: BTreeMap<(u32, i8), u32>,
    pub(super) sums: Vec<Shifted>,
}

impl ShiftedSums {
    pub(super) fn new(image: &image::CubaCore, dialect: Dialect) -> Self {
        if dialect != Dialect::Lava {
            return Self::default();
        }
        let listed = image.lists.iter().map(|list| {
            let delay = synapses_of(image, list).iter().map(|synapse| synapse.delay).max().unwrap_or(0);
            (list.projection, exponent_of(image, list), delay)
        });
        let compressed = image.compressed.iter();
        let compressed = compressed.map(|list| (list.projection, list.weight_exponent, list.longest_delay()));
        let mut longest: BTreeMap<(u32, i8), u8> = BTreeMap::new();
        for (projection, exponent, delay) in listed.chain(compressed).filter(|(_, exponent, _)| *exponent < 0) {
            let known = longest.entry((projection, exponent)).or_default();
            *known = delay.max(*known);
        }
        let mut all = Self::default();
        for (key, longest) in longest {
            all.firsts.insert(key, all.sums.len() as u32);
            let places = u32::from(key.1.unsigned_abs()).min(31);
            all.sums.extend((0..=longest).map(|delay| Shifted { projection: key.0, delay, places }));
        }
        all
    }

    /// The first sum of a projection with this exponent, one a delay; `None`: its weights go to the ring at once.
    pub(super) fn first(&self, projection: u32, exponent: i8) -> Option<u32> {
        self.firsts.get(&(projection, exponent)).copied()
    }
}

pub(super) fn synapses_of<'a>(image: &'a image::CubaCore, list: &image::SynapseList) -> &'a [image::Synapse] {
    &image.synapses[list.first as usize..][..list.count as usize]
}

pub(super) fn exponent_of(image: &image::CubaCore, list: &image::SynapseList) -> i8 {
    image.formats[usize::from(list.format)].weight_exponent
}

/// Left shift that is left for the weights of a list: none where each weight was shifted when loaded.
pub(super) fn left_shift(exponent: i8, dialect: Dialect) -> u32 {
    if dialect == Dialect::Brian2 { 0 } else { u32::from(exponent.max(0).unsigned_abs()).min(31) }
}

/// A weight as it is loaded. Each is shifted by itself (floor) in dialects other than lava, and clipped to what is left
/// of 22 bits before the shift by 6 in brian2.
pub(super) fn loaded(weight: i32, exponent: i8, dialect: Dialect) -> i32 {
    let places = u32::from(exponent.unsigned_abs()).min(31);
    match dialect {
        Dialect::Lava => weight,
        _ if exponent < 0 => weight >> places,
        Dialect::Brian2 => {
            let most = i64::from(i16::MAX);
            (i64::from(weight) << places).clamp(-most, most) as i32
        }
        Dialect::Nengo | Dialect::ChipBestGuess => weight,
    }
}

/// The weights of all lists as they are loaded.
pub(super) fn loaded_weights(image: &image::CubaCore, dialect: Dialect) -> Vec<i16> {
    let mut weights: Vec<i16> = image.synapses.iter().map(|synapse| synapse.weight).collect();
    for list in &image.lists {
        let exponent = exponent_of(image, list);
        for weight in &mut weights[list.first as usize..][..list.count as usize] {
            *weight = loaded((*weight).into(), exponent, dialect) as i16;
        }
    }
    weights
}
