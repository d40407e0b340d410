//! The TrueNorth-style core: one-bit crossbar, axon types, a ring of delay rows.
//!
//! Tick: the scheduler's row of the tick gives the active axons; each neuron integrates those that it is
//! connected with, leaks, and compares with its thresholds (Merolla et al. 2014, supplement; Cassidy et al. 2013).
//! Synapses are summed wide; V saturates at the edges of its register after them and again after the leak.
//!
//! Here is what a core is loaded with, and its neuron; [`walk`] goes through the neurons of a tick, [`lanes`] does 64
//! of them at once where they are alike, and `stochastic` has what is random.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod lanes;
mod walk;

pub(in crate::emu) use lanes::{Vector, available as vector_units, prefetch};
pub(in crate::emu) use walk::{Drive, Scratch};

use std::sync::Arc;

use self::lanes::Range;
use super::stochastic::{Draws, General};
use super::stream::Stream;
use crate::chip::CrossbarSpec;
use crate::fixed::saturate;
use crate::image::{Crossbar, CrossbarParameters, Rows};

/// Axon types of the architecture.
const TYPES: usize = 4;

/// Largest magnitude of a weight and of the leak that the lanes take: 127 and one of them fit 16 bits.
const WIDEST: u16 = 255;

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct CrossbarCore {
    neurons: usize,
    /// Words of one row of connections.
    row_words: usize,
    rows: Rows,
    /// Axons of each type, as bits: `axon_words` words a type. Cores that agree share them, as their registers.
    kinds: Arc<[u64]>,
    axon_words: usize,
    /// Distinct registers, and those of each neuron.
    somas: Arc<[Soma]>,
    soma_of: Vec<u16>,
    initials: Vec<i32>,
    initial_of: Vec<u16>,
    /// Weights by type, then neuron, where neurons differ; 0 where the type is stochastic.
    weights: Vec<i16>,
    alike: Alike,
    pub(super) potential_bits: u32,
    /// What the deterministic kernel does without.
    general: Option<Box<General>>,
    /// Rows of the delay ring.
    ring_rows: usize,
}

/// Whether the neurons can be taken 64 at a time.
#[derive(Debug, Clone, Copy)]
enum Alike {
    /// They differ, or have modes that only one at a time can do.
    No,
    /// Equal and without random parts.
    Plain(Range),
    /// Equal, with a stochastic leak (the largest draw that acts), a random threshold, or both.
    Random(Range, i64),
}

/// Registers of a neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Soma {
    pub(super) threshold: u32,
    pub(super) negative_threshold: u32,
    pub(super) reset_value: i32,
    pub(super) leak: i16,
    pub(super) leak_reversal: bool,
    pub(super) spike_reset: u8,
    pub(super) negative_saturate: bool,
    /// By type; 0 where the type is stochastic.
    weights: [i16; TYPES],
    pub(super) draws: Draws,
}

impl Soma {
    fn of(p: &CrossbarParameters) -> Self {
        Self {
            threshold: p.threshold,
            negative_threshold: p.negative_threshold,
            reset_value: p.reset_value,
            leak: p.leak,
            leak_reversal: p.leak_reversal,
            spike_reset: p.spike_reset,
            negative_saturate: p.negative_saturate,
            weights: std::array::from_fn(|kind| if p.stochastic_weights[kind] { 0 } else { p.weights[kind] }),
            draws: Draws::of(p),
        }
    }
}

/// A neuron after its tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub(super) v: i32,
    pub(super) fires: bool,
    /// Whether V did not fit its register.
    pub(super) overflows: bool,
}

impl CrossbarCore {
    /// `before` is the core loaded before, which often has the same registers.
    pub(in crate::emu) fn new(image: &Crossbar, spec: &CrossbarSpec, before: Option<&Self>) -> Self {
        let (somas, soma_of_entry) = distinct(image.parameters.iter().map(Soma::of));
        let (initials, initial_of_entry) = distinct(image.parameters.iter().map(|p| p.initial));
        let of_neurons = |of: &[u16]| image.parameter_of.iter().map(|&entry| of[usize::from(entry)]).collect();
        let axon_words = image.axon_types.len().div_ceil(64);
        let mut kinds = vec![0_u64; TYPES * axon_words];
        for (axon, &kind) in image.axon_types.iter().enumerate() {
            kinds[usize::from(kind) * axon_words + axon / 64] |= 1 << (axon % 64);
        }
        let mut core = Self {
            neurons: image.parameter_of.len(),
            row_words: image.parameter_of.len().div_ceil(64),
            rows: image.rows.clone(),
            kinds: shared(kinds, before.map(|core| &core.kinds)),
            axon_words,
            somas: shared(somas, before.map(|core| &core.somas)),
            soma_of: of_neurons(&soma_of_entry),
            initials,
            initial_of: of_neurons(&initial_of_entry),
            weights: Vec::new(),
            alike: Alike::No,
            potential_bits: u32::from(spec.potential_bits),
            general: General::of(image, spec),
            ring_rows: usize::from(spec.delay_max) + 1,
        };
        core.alike = core.alike();
        if matches!(core.alike, Alike::No) {
            let weight = |kind: usize, soma: u16| core.somas[usize::from(soma)].weights[kind];
            core.weights =
                (0..TYPES).flat_map(|kind| core.soma_of.iter().map(move |&soma| weight(kind, soma))).collect();
        } else {
            core.soma_of = Vec::new();
        }
        core
    }

    /// Whether all neurons are equal, and what a V of no event is.
    fn alike(&self) -> Alike {
        let Some(&first) = self.soma_of.first() else { return Alike::No };
        let soma = &self.somas[usize::from(first)];
        let draws = &soma.draws;
        let narrow = soma.weights.iter().chain([&soma.leak]).all(|value| value.unsigned_abs() <= WIDEST);
        let equal = self.soma_of.iter().all(|&other| other == first);
        let known = narrow && equal && !soma.leak_reversal && !draws.any_weight;
        // Within the range no register can have overflowed on the way: not before the leak either.
        let edge = (3_i32 << (self.potential_bits - 3)) - 2 * (i32::from(WIDEST) + 1);
        let (alpha, beta) = (soma.threshold as i32, soma.negative_threshold as i32);
        let range = Range { low: (-beta).max(-edge), high: alpha.min(edge) };
        if !known || range.low >= range.high {
            return Alike::No;
        }
        match &self.general {
            Some(general) if draws.per_tick() > 0 => {
                let acts = general.acts_up_to(i64::from(soma.leak).abs());
                let eta = draws.mask == 0 || general.one_draw_a_threshold();
                match acts {
                    Some(most) if eta => Alike::Random(range, most),
                    _ => Alike::No,
                }
            }
            _ => Alike::Plain(range),
        }
    }

    /// Whether neurons are taken 64 at a time.
    #[cfg(test)]
    pub(in crate::emu) fn takes_blocks(&self) -> bool {
        !matches!(self.alike, Alike::No)
    }

    /// Rows of the delay ring: a packet can be placed up to one less ahead.
    pub(in crate::emu) fn ring_rows(&self) -> usize {
        self.ring_rows
    }

    /// Words of a row of axons.
    pub(in crate::emu) fn axon_words(&self) -> usize {
        self.axon_words
    }

    /// Its connections, and the words of a row of them.
    pub(in crate::emu) fn connections(&self) -> (Rows, usize) {
        (self.rows.clone(), self.row_words)
    }

    /// Potential of a neuron before the first tick.
    pub(in crate::emu) fn initial(&self, neuron: usize) -> i32 {
        self.initials[usize::from(self.initial_of[neuron])]
    }

    /// The core's generator before the first tick, where anything draws.
    pub(in crate::emu) fn generator(&self) -> Option<Stream> {
        self.general.as_ref().map(|general| general.generator())
    }

    /// Whether a tick without input can differ from the one before, which changed nothing.
    fn draws_every_tick(&self) -> bool {
        self.general.as_ref().is_some_and(|general| general.draws_every_tick())
    }

    /// The registers of a neuron.
    pub(super) fn soma_of(&self, neuron: usize) -> &Soma {
        &self.somas[self.soma_of.get(neuron).map_or(0, |&soma| usize::from(soma))]
    }

    /// Whether `neuron` has a synapse on `axon`.
    pub(super) fn connected(&self, axon: usize, neuron: usize) -> bool {
        self.rows[axon * self.row_words + neuron / 64] >> (neuron % 64) & 1 == 1
    }

    /// One neuron's tick after its synapses, without draws: leak, thresholds.
    fn soma(&self, neuron: usize, v: i64) -> Next {
        let soma = self.soma_of(neuron);
        if let Some(general) = &self.general {
            return general.finish(self, soma, v, i64::from(soma.leak), 0);
        }
        let integrated = saturate(v, self.potential_bits);
        let leaked = leak(soma.leak_reversal, i64::from(soma.leak), integrated);
        let kept = saturate(leaked, self.potential_bits);
        // Resets move V toward zero or to R, which fits: they cannot overflow.
        let (after, fires) = threshold(soma, kept);
        Next { v: after as i32, fires, overflows: integrated != v || kept != leaked }
    }
}

/// `values`, or what another core has of them already.
fn shared<T: PartialEq>(values: Vec<T>, others: Option<&Arc<[T]>>) -> Arc<[T]> {
    others.filter(|others| ***others == *values).cloned().unwrap_or_else(|| values.into())
}

/// The different ones among `values`, and which of them each is.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> (Vec<T>, Vec<u16>) {
    let mut found: Vec<T> = Vec::new();
    let mut which = Vec::new();
    for value in values {
        let at = found.iter().position(|known| *known == value).unwrap_or_else(|| {
            found.push(value);
            found.len() - 1
        });
        which.push(at as u16);
    }
    (found, which)
}

/// Adds the leak; with reversal it acts in the direction of V's sign and may not carry V across zero.
pub(super) fn leak(reversal: bool, amount: i64, v: i64) -> i64 {
    if !reversal {
        return v + amount;
    }
    let leaked = v + v.signum() * amount;
    if leaked.signum() == v.signum() { leaked } else { 0 }
}

/// Compares with alpha, else with beta, and resets.
pub(super) fn threshold(soma: &Soma, v: i64) -> (i64, bool) {
    let (alpha, beta) = (i64::from(soma.threshold), i64::from(soma.negative_threshold));
    let reset = i64::from(soma.reset_value);
    if v >= alpha {
        let after = match soma.spike_reset {
            0 => reset,
            1 => v - alpha,
            _ => v,
        };
        return (after, true);
    }
    if v >= -beta {
        return (v, false);
    }
    let after = match (soma.negative_saturate, soma.spike_reset) {
        (true, _) => -beta,
        (false, 0) => -reset,
        (false, 1) => v + beta,
        (false, _) => v,
    };
    (after, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMA: Soma = Soma {
        threshold: 100,
        negative_threshold: 50,
        reset_value: 7,
        leak: 0,
        leak_reversal: false,
        spike_reset: 0,
        negative_saturate: false,
        weights: [0; TYPES],
        draws: Draws::NONE,
    };

    #[test]
    fn leaks_add_and_reversed_leaks_stop_at_zero() {
        for (reversal, amount, v, expected) in [
            (false, -3, 2, -1),
            (false, -3, -2, -5),
            (true, -3, 5, 2),
            (true, -3, 3, 0),
            (true, -3, 2, 0),
            (true, -3, -2, 0),
            (true, -3, -5, -2),
            (true, -3, 0, 0),
            (true, 3, 5, 8),
            (true, 3, -5, -8),
            (true, 3, 0, 0),
        ] {
            assert_eq!(leak(reversal, amount, v), expected, "{amount} from {v}");
        }
    }

    #[test]
    fn the_six_reset_modes_follow_gamma_and_kappa() {
        // (gamma, kappa, V) -> (V, fires); alpha 100, beta 50, R 7.
        for (gamma, kappa, v, expected) in [
            (0, false, 99, (99, false)),
            (0, false, 100, (7, true)),
            (1, false, 130, (30, true)),
            (2, false, 130, (130, true)),
            (0, false, -50, (-50, false)),
            (0, false, -51, (-7, false)),
            (1, false, -60, (-10, false)),
            (2, false, -60, (-60, false)),
            (0, true, -60, (-50, false)),
            (1, true, -60, (-50, false)),
            (2, true, -60, (-50, false)),
        ] {
            let soma = Soma { spike_reset: gamma, negative_saturate: kappa, ..SOMA };
            assert_eq!(threshold(&soma, v), expected, "gamma {gamma} kappa {kappa} V {v}");
        }
    }
}
