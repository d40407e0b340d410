//! How synapses are encoded and what they take of synapse memory.
//!
//! The memory model is the one that nengo-loihi's block validation uses: a list is cut into blocks of at most 64
//! synapses; a block takes `n * (weight + delay + index bits) + 10` bits, rounded up to 64-bit words.

use crate::chip::CubaSpec;
use crate::diag::{Problem, Result};
use crate::graph::{Delays, Learning, Projection, outliers};
use crate::rule::Sign;

/// What all synapses of a projection have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Weight bits as the chip counts them (the sign of mixed weights takes the lowest one).
    pub(super) weight_bits: u8,
    /// The weight of all synapses where they have none of their own.
    pub(super) fixed: i16,
    /// Weights of both signs.
    pub(super) mixed: bool,
    /// Weight exponent.
    pub(super) exponent: i8,
    /// Bits for the longest delay.
    pub(super) delay_bits: u8,
    /// Bits of the tag.
    pub(super) tag_bits: u8,
    /// Whether the synapses learn.
    pub(super) learns: bool,
}

impl Encoding {
    /// Bits of one synapse without its index.
    pub(super) fn bits(self) -> u32 {
        let sign = u32::from(self.learns && self.mixed);
        u32::from(self.weight_bits) + sign + u32::from(self.delay_bits) + u32::from(self.tag_bits)
    }

    /// The encoding of synapses that learn: the widest weights, with a sign bit where they are mixed, and room for
    /// every delay and tag that the rule can make.
    pub(super) fn of_learning(projection: &Projection<i32>, learning: &Learning, spec: &CubaSpec) -> Self {
        let longest = if learning.needs_delay() { u16::from(spec.delay_max) } else { longest(&projection.delays) };
        Self {
            weight_bits: widest(spec),
            fixed: 0,
            mixed: learning.sign == Sign::Mixed,
            exponent: projection.exponent,
            delay_bits: (16 - longest.leading_zeros()) as u8,
            tag_bits: if learning.rule.needs_tag() { spec.tag_bits } else { 0 },
            learns: true,
        }
    }

    /// The narrowest encoding that holds every weight and delay of `projection`, or why there is none.
    pub(super) fn of(projection: &Projection<i32>, spec: &CubaSpec) -> Result<Self> {
        let (weight_bits, mixed) = weight_width(projection, spec)?;
        let delay_bits = (16 - longest(&projection.delays).leading_zeros()) as u8;
        let exponent = projection.exponent;
        Ok(Self { weight_bits, fixed: 0, mixed, exponent, delay_bits, tag_bits: 0, learns: false })
    }

    /// The same without weights of their own, where all have one and the chip has such formats.
    pub(super) fn constant(self, projection: &Projection<i32>, spec: &CubaSpec) -> Option<Self> {
        let fixed = the_weight(projection).filter(|_| !self.learns && spec.weight_widths.contains(&0))?;
        Some(Self { weight_bits: 0, fixed, mixed: false, ..self })
    }
}

/// The weight that all synapses of a projection have that are not 0; `None` where there are several.
fn the_weight(projection: &Projection<i32>) -> Option<i16> {
    let mut weights = projection.weights.iter().copied().filter(|weight| *weight != 0);
    let first = weights.next()?;
    if weights.all(|weight| weight == first) { i16::try_from(first).ok() } else { None }
}

/// The longest delay in ticks.
fn longest(delays: &Delays) -> u16 {
    match delays {
        Delays::Uniform(ticks) => *ticks,
        Delays::PerWeight(ticks) => ticks.iter().copied().max().unwrap_or(0),
    }
}

/// Largest magnitude of a weight plus one: 256 for nine-bit weights.
pub(super) const fn full_scale(spec: &CubaSpec) -> i32 {
    1 << (spec.weight_bits - 1)
}

/// The widest weight that a synapse format offers.
pub(super) fn widest(spec: &CubaSpec) -> u8 {
    spec.weight_widths.iter().copied().max().unwrap_or(spec.weight_bits - 1)
}

/// The smallest step between weights of `bits` bits.
pub(super) fn step(spec: &CubaSpec, bits: u8, mixed: bool) -> i32 {
    1 << (widest(spec).saturating_sub(bits) + u8::from(mixed))
}

/// Width and sign mode for the weights of a projection.
fn weight_width(projection: &Projection<i32>, spec: &CubaSpec) -> Result<(u8, bool)> {
    let (low, high) = projection.weights.iter().fold((0, 0), |(low, high), &w| (w.min(low), w.max(high)));
    let joined = projection.weights.iter().fold(0_u32, |bits, w| bits | w.unsigned_abs());
    let full = full_scale(spec);
    let place = || format!("projection '{}'", projection.name);
    let weights = projection.weights.iter().map(|&weight| i64::from(weight));
    if let Some((what, nearest)) = outliers("weight", "number", weights, (-full).into(), (full - 1).into()) {
        return Err(Problem::misfit("cuba/weight", place(), what)
            .limit(format!("{}..={} ({}-bit signed weights)", -full, full - 1, spec.weight_bits))
            .help(format!("{nearest}; or scale the weights down and raise the projection's exponent"))
            .into());
    }
    let mixed = (low < 0 && high > 0) || low == -full;
    let widths = spec.weight_widths.iter().copied().filter(|&bits| bits > 0);
    let holds = |bits: &u8| joined % step(spec, *bits, mixed) as u32 == 0;
    if let Some(bits) = widths.filter(holds).min() {
        return Ok((bits, mixed));
    }
    let odd = projection.weights.iter().find(|w| *w % step(spec, widest(spec), mixed) != 0).copied().unwrap_or(0);
    Err(Problem::misfit("cuba/weight", place(), format!("weight {odd} cannot be stored beside weights of both signs"))
        .limit(format!("mixed-sign weights are multiples of {}", step(spec, widest(spec), mixed)))
        .help("split the projection in two by sign, or double the weights and lower the exponent by one")
        .into())
}

/// The narrowest index that reaches `largest`, in bits; the widest one where none does.
pub(super) fn index_width(spec: &CubaSpec, largest: u16) -> u8 {
    let fits = |bits: &u8| u32::from(largest) < 1_u32 << (*bits).min(31);
    let widest = spec.index_widths.iter().copied().max().unwrap_or(0);
    spec.index_widths.iter().copied().filter(fits).min().unwrap_or(widest)
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::graph::Pattern;
    use crate::ids::PopulationId;
    use crate::image::list_words;

    fn projection(weights: &[i32], delay: u16) -> Projection<i32> {
        Projection {
            name: "p".into(),
            source: PopulationId(0),
            target: PopulationId(1),
            pattern: Pattern::OneToOne { size: weights.len() as u32, shared: false },
            weights: weights.to_vec(),
            exponent: 0,
            delays: Delays::Uniform(delay),
        }
    }

    #[test]
    fn a_block_changes_its_word_count_exactly_at_the_bit() {
        let spec = testing::loihi();
        let spec = testing::cuba(&spec);
        // 9 bits each and 10 overhead: 6 synapses are 64 bits, 7 are 73; 13 are 127, 14 are 136.
        for (count, expected) in [(0, 0), (1, 1), (6, 1), (7, 2), (13, 2), (14, 3), (63, 10), (64, 10), (65, 11)] {
            assert_eq!(list_words(spec, count, 9), expected, "{count}");
        }
        // 64 synapses of 8 bits: 522 bits, 9 words; the 65th opens a block of its own.
        assert_eq!(list_words(spec, 64, 8), 9);
        assert_eq!(list_words(spec, 65, 8), 10);
        assert_eq!(list_words(spec, 128, 8), 18);
    }

    #[test]
    fn weights_get_the_narrowest_width_that_holds_them() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        for (weights, expected) in [
            (&[255, 0, 1][..], (8, false)),
            (&[-255, 0, -1], (8, false)),
            (&[254, -256], (8, true)),
            (&[128, 0], (1, false)),
            (&[192, 64], (2, false)),
            (&[128, -128], (2, true)),
            (&[-256, -2], (8, true)),
            (&[4, 8], (6, false)),
            (&[2, 6], (8, false)),
        ] {
            assert_eq!(weight_width(&projection(weights, 0), spec), Ok(expected), "{weights:?}");
        }
        for weights in [&[255, -1][..], &[256, 0], &[-257], &[3, -2], &[-256, -1]] {
            assert!(weight_width(&projection(weights, 0), spec).expect_err("too wide").has("cuba/weight"));
        }
    }

    #[test]
    fn one_weight_for_all_needs_no_bits_where_formats_may_hold_it() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        let constant = |weights: &[i32], spec| {
            let projection = projection(weights, 3);
            let encoding = Encoding::of(&projection, spec).expect("legal weights").constant(&projection, spec);
            encoding.map(|e| (e.weight_bits, e.fixed, e.bits()))
        };
        for (weights, expected) in
            [(&[64, 0, 64][..], Some((0, 64, 2))), (&[-256], Some((0, -256, 2))), (&[2, 4], None), (&[0, 0], None)]
        {
            assert_eq!(constant(weights, spec), expected, "{weights:?}");
        }
        let mut without = spec.clone();
        without.weight_widths.retain(|&bits| bits > 0);
        assert_eq!(constant(&[64], &without), None);
    }

    #[test]
    fn delays_and_indices_get_the_bits_they_need() {
        let chip = testing::loihi();
        let spec = testing::cuba(&chip);
        for (delay, bits) in [(0, 0), (1, 1), (2, 2), (7, 3), (8, 4), (62, 6)] {
            assert_eq!(Encoding::of(&projection(&[2], delay), spec).map(|e| e.delay_bits), Ok(bits));
        }
        for (largest, bits) in [(0, 0), (1, 6), (63, 6), (64, 7), (511, 9), (512, 10), (1023, 10)] {
            assert_eq!(index_width(spec, largest), bits, "{largest}");
        }
    }
}
