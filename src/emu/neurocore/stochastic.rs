//! The stochastic modes of a TrueNorth-style core, and its neuron under options other than the defaults.
//!
//! One generator a core makes 8-bit draws. Order within a tick: neurons ascending; of a neuron first its synapses
//! of stochastic types by ascending axon (connected and active ones only), then its leak where that is stochastic
//! (even where it is 0), then its threshold mask where that has bits. What is not stochastic draws nothing. The
//! chip's own generator and order are not public: only the statistics of these modes are the chip's.

use super::crossbar::{CrossbarCore, Soma, leak, threshold};
use crate::chip::{CrossbarOptions, CrossbarSpec, DrawComparison, LinearReset, Overflow};
use crate::fixed::{saturate, wrap};
use crate::image::Crossbar;

/// The core's generator, ours: a 32-bit Galois register shifting right, polynomial x^32 + x^22 + x^2 + x + 1,
/// period 2^32 - 1. A draw is its low byte, which the next eight shifts replace.
#[derive(Debug, Clone)]
pub(super) struct Lfsr(u32);

/// The polynomial without its constant term, bit-reversed as a register that shifts right needs it.
const TAPS: u32 = 0x8020_0003;

/// What eight shifts do, by the low byte that they shift out.
const EIGHT: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut state = byte as u32;
        let mut shift = 0;
        while shift < 8 {
            state = if state & 1 == 1 { (state >> 1) ^ TAPS } else { state >> 1 };
            shift += 1;
        }
        table[byte] = state;
        byte += 1;
    }
    table
};

impl Lfsr {
    /// 0 is the state that the register cannot leave: it stands for the default seed.
    pub(super) fn new(seed: u32) -> Self {
        Self(if seed == 0 { Crossbar::SEED } else { seed })
    }

    /// Uniform in 0..=255.
    fn draw(&mut self) -> i64 {
        let byte = self.0 & 0xff;
        self.0 = (self.0 >> 8) ^ EIGHT[byte as usize];
        i64::from(byte)
    }
}

/// What of a neuron is random.
#[derive(Debug, Clone)]
struct Draws {
    /// By type, 0 where the type is not stochastic.
    weights: [i16; 4],
    stochastic: [bool; 4],
    any_weight: bool,
    leak: bool,
    /// M, 0 where the threshold is not random.
    mask: i64,
}

/// The parts of a core that the deterministic kernel does without.
#[derive(Debug)]
pub(super) struct General {
    axon_types: Vec<u8>,
    draws: Vec<Draws>,
    options: CrossbarOptions,
    seed: u32,
    every_tick: bool,
}

impl General {
    /// None where the deterministic kernel does: no neuron draws, and V saturates.
    pub(super) fn of(image: &Crossbar, spec: &CrossbarSpec) -> Option<Box<Self>> {
        let used = || image.parameter_of.iter().map(|&entry| &image.parameters[usize::from(entry)]);
        if !used().any(crate::image::CrossbarParameters::is_stochastic) && spec.options.overflow == Overflow::Saturate {
            return None;
        }
        let draws = used().map(|p| Draws {
            weights: p.weights,
            stochastic: p.stochastic_weights,
            any_weight: p.stochastic_weights.contains(&true),
            leak: p.stochastic_leak,
            mask: (1 << p.threshold_mask_bits) - 1,
        });
        Some(Box::new(Self {
            axon_types: image.axon_types.clone(),
            draws: draws.collect(),
            options: spec.options,
            seed: image.seed,
            every_tick: used().any(crate::image::CrossbarParameters::draws_every_tick),
        }))
    }

    pub(super) fn generator(&self) -> Lfsr {
        Lfsr::new(self.seed)
    }

    /// Whether a tick without input can differ from the one before.
    pub(super) fn draws_every_tick(&self) -> bool {
        self.every_tick
    }

    /// One neuron's tick: `v` with its deterministic synapses, the tick's `active` axons ascending. Gives V,
    /// whether it fires, and whether V overflowed.
    pub(super) fn soma(
        &self,
        core: &CrossbarCore,
        neuron: usize,
        v: i64,
        active: &[u16],
        generator: &mut Lfsr,
    ) -> (i32, bool, bool) {
        let (soma, draws) = (&core.somas[neuron], &self.draws[neuron]);
        let v = if draws.any_weight { v + self.synapses(core, neuron, active, generator) } else { v };
        let bits = core.potential_bits;
        let (integrated, above) = self.hold(v, bits);
        let amount = i64::from(soma.leak);
        let amount = if draws.leak { self.chance(amount, generator) } else { amount };
        let leaked = leak(soma.leak_reversal, amount, integrated);
        let (kept, above_again) = self.hold(leaked, bits);
        let eta = if draws.mask == 0 { 0 } else { self.wide(generator) & draws.mask };
        let forced = self.options.overflow == Overflow::Nemo && (above || above_again);
        let (after, fires) = self.threshold(soma, kept, eta, forced);
        (after as i32, fires, integrated != v || kept != leaked)
    }

    /// What the neuron's stochastic synapses add.
    fn synapses(&self, core: &CrossbarCore, neuron: usize, active: &[u16], generator: &mut Lfsr) -> i64 {
        let draws = &self.draws[neuron];
        let mut sum = 0;
        for &axon in active {
            let axon = usize::from(axon);
            let kind = usize::from(self.axon_types[axon]);
            if draws.stochastic[kind] && core.connected(axon, neuron) {
                sum += self.chance(i64::from(draws.weights[kind]), generator);
            }
        }
        sum
    }

    /// The sign of `x` with the probability that its magnitude stands for, else 0.
    fn chance(&self, x: i64, generator: &mut Lfsr) -> i64 {
        let mut draw = generator.draw();
        let acts = match self.options.comparison {
            DrawComparison::AtLeast => x.abs() >= draw,
            DrawComparison::Above => x.abs() > draw,
            DrawComparison::AtLeastNonzero => {
                while draw == 0 {
                    draw = generator.draw();
                }
                x.abs() >= draw
            }
        };
        if acts { x.signum() } else { 0 }
    }

    /// As many random bits as the threshold's mask selects from.
    fn wide(&self, generator: &mut Lfsr) -> i64 {
        let bits = u32::from(self.options.threshold_draw_bits);
        let drawn = (0..bits.div_ceil(8)).fold(0, |drawn, byte| drawn | generator.draw() << (8 * byte));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_shifts_at_once_are_eight_shifts() {
        let mut fast = Lfsr::new(0);
        let mut slow = Crossbar::SEED;
        for _ in 0..100_000 {
            assert_eq!(fast.draw(), i64::from(slow & 0xff));
            for _ in 0..8 {
                slow = (slow >> 1) ^ if slow & 1 == 1 { TAPS } else { 0 };
            }
        }
    }
}
