//! The stochastic modes of a TrueNorth-style core, and its neuron under options other than the defaults.
//!
//! One generator a core makes 8-bit draws. Order within a tick: neurons ascending; of a neuron first its synapses
//! of stochastic types by ascending axon (connected and active ones only), then its leak where that is stochastic
//! (even where it is 0), then its threshold mask where that has bits. What is not stochastic draws nothing. The
//! chip's own generator and order are not public: only the statistics of these modes are the chip's.

use super::crossbar::{CrossbarCore, Next, Soma, leak, threshold};
use super::stream::Stream;
use crate::bits::ones;
use crate::chip::{CrossbarOptions, CrossbarSpec, DrawComparison, LinearReset, Overflow};
use crate::fixed::{saturate, wrap};
use crate::image::{Crossbar, CrossbarParameters};

/// What of a neuron is random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draws {
    /// By type, 0 where the type is not stochastic.
    weights: [i16; 4],
    stochastic: [bool; 4],
    pub(super) any_weight: bool,
    pub(super) leak: bool,
    /// M, 0 where the threshold is not random.
    pub(super) mask: i64,
}

impl Draws {
    /// Of a deterministic neuron.
    #[cfg(test)]
    pub(super) const NONE: Self =
        Self { weights: [0; 4], stochastic: [false; 4], any_weight: false, leak: false, mask: 0 };

    pub(super) fn of(p: &CrossbarParameters) -> Self {
        Self {
            weights: std::array::from_fn(|kind| if p.stochastic_weights[kind] { p.weights[kind] } else { 0 }),
            stochastic: p.stochastic_weights,
            any_weight: p.stochastic_weights.contains(&true),
            leak: p.stochastic_leak,
            mask: (1 << p.threshold_mask_bits) - 1,
        }
    }

    /// Draws of one tick without synapses.
    pub(super) fn per_tick(&self) -> usize {
        usize::from(self.leak) + usize::from(self.mask > 0)
    }
}

/// The parts of a core that the deterministic kernel does without.
#[derive(Debug)]
pub(super) struct General {
    axon_types: Vec<u8>,
    options: CrossbarOptions,
    seed: u32,
    every_tick: bool,
}

impl General {
    /// None where the deterministic kernel does: no neuron draws, and V saturates.
    pub(super) fn of(image: &Crossbar, spec: &CrossbarSpec) -> Option<Box<Self>> {
        let used = || image.parameter_of.iter().map(|&entry| &image.parameters[usize::from(entry)]);
        if !used().any(CrossbarParameters::is_stochastic) && spec.options.overflow == Overflow::Saturate {
            return None;
        }
        Some(Box::new(Self {
            axon_types: image.axon_types.clone(),
            options: spec.options,
            // 0 is the state that the register cannot leave: it stands for the default seed.
            seed: if image.seed == 0 { Crossbar::SEED } else { image.seed },
            every_tick: used().any(CrossbarParameters::draws_every_tick),
        }))
    }

    pub(super) fn generator(&self) -> Stream {
        Stream::new(self.seed)
    }

    /// Whether a tick without input can differ from the one before.
    pub(super) fn draws_every_tick(&self) -> bool {
        self.every_tick
    }

    /// The largest draw with which a stochastic leak of this size acts, where a draw decides by itself; -1 is none.
    pub(super) fn acts_up_to(&self, size: i64) -> Option<i64> {
        match self.options.comparison {
            DrawComparison::AtLeast => Some(size),
            DrawComparison::Above => Some(size - 1),
            DrawComparison::AtLeastNonzero => None,
        }
    }

    /// Whether the random part of a threshold is one draw under its mask.
    pub(super) fn one_draw_a_threshold(&self) -> bool {
        self.options.threshold_draw_bits == 8
    }

    /// One neuron's tick: `v` with its deterministic synapses, `row` with the tick's active axons.
    pub(super) fn soma(&self, core: &CrossbarCore, neuron: usize, v: i64, row: &[u64], stream: &mut Stream) -> Next {
        let soma = core.soma_of(neuron);
        let draws = &soma.draws;
        let v = if draws.any_weight { v + self.synapses(core, neuron, row, stream) } else { v };
        let amount = i64::from(soma.leak);
        let amount = if draws.leak { self.chance(amount, stream) } else { amount };
        let eta = if draws.mask == 0 { 0 } else { self.wide(stream) & draws.mask };
        self.finish(core, soma, v, amount, eta)
    }

    /// The tick of a neuron whose draws are made: `v` with all synapses, the leak and the random part of the
    /// threshold.
    pub(super) fn finish(&self, core: &CrossbarCore, soma: &Soma, v: i64, amount: i64, eta: i64) -> Next {
        let bits = core.potential_bits;
        let (integrated, above) = self.hold(v, bits);
        let leaked = leak(soma.leak_reversal, amount, integrated);
        let (kept, above_again) = self.hold(leaked, bits);
        let forced = self.options.overflow == Overflow::Nemo && (above || above_again);
        let (after, fires) = self.threshold(soma, kept, eta, forced);
        Next { v: after as i32, fires, overflows: integrated != v || kept != leaked }
    }

    /// What the neuron's stochastic synapses add.
    fn synapses(&self, core: &CrossbarCore, neuron: usize, row: &[u64], stream: &mut Stream) -> i64 {
        let draws = &core.soma_of(neuron).draws;
        let mut sum = 0;
        for axon in ones(row) {
            let kind = usize::from(self.axon_types[axon]);
            if draws.stochastic[kind] && core.connected(axon, neuron) {
                sum += self.chance(i64::from(draws.weights[kind]), stream);
            }
        }
        sum
    }

    /// The sign of `x` with the probability that its magnitude stands for, else 0.
    fn chance(&self, x: i64, stream: &mut Stream) -> i64 {
        let mut draw = stream.draw();
        let acts = match self.options.comparison {
            DrawComparison::AtLeast => x.abs() >= draw,
            DrawComparison::Above => x.abs() > draw,
            DrawComparison::AtLeastNonzero => {
                while draw == 0 {
                    draw = stream.draw();
                }
                x.abs() >= draw
            }
        };
        if acts { x.signum() } else { 0 }
    }

    /// As many random bits as the threshold's mask selects from.
    fn wide(&self, stream: &mut Stream) -> i64 {
        let bits = u32::from(self.options.threshold_draw_bits);
        let drawn = (0..bits.div_ceil(8)).fold(0, |drawn, byte| drawn | stream.draw() << (8 * byte));
        drawn & ((1 << bits) - 1)
    }

    /// `v` as the register holds it, and whether it was above the register's edge.
    fn hold(&self, v: i64, bits: u32) -> (i64, bool) {
        match self.options.overflow {
            Overflow::Saturate => (saturate(v, bits), false),
            Overflow::Wrap => (wrap(v, bits), false),
            Overflow::Nemo => {
                let edge = 3 << (bits - 3);
                (v.clamp(-edge, edge), v > edge)
            }
        }
    }

    /// Compares with alpha + eta, else with beta (+ eta unless V saturates there), and resets.
    fn threshold(&self, soma: &Soma, v: i64, eta: i64, forced: bool) -> (i64, bool) {
        if eta == 0 && !forced {
            return threshold(soma, v);
        }
        let (alpha, beta, reset) = (i64::from(soma.threshold), i64::from(soma.negative_threshold), soma.reset_value);
        let by = if self.options.linear_reset == LinearReset::Masked { eta } else { 0 };
        if forced || v >= alpha + eta {
            let after = match soma.spike_reset {
                0 => i64::from(reset),
                1 => v - (alpha + by),
                _ => v,
            };
            return (after, true);
        }
        let after = match (soma.negative_saturate, soma.spike_reset) {
            (true, _) => v.max(-beta),
            (false, _) if v >= -(beta + eta) => v,
            (false, 0) => -i64::from(reset),
            (false, 1) => v + beta + by,
            (false, _) => v,
        };
        (after, false)
    }
}
