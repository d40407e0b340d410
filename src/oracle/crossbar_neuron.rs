//! Straight-line model of one TrueNorth neuron, stochastic modes included.
//!
//! Sources: Merolla et al. 2014, table S2 (`V >= alpha` fires); Cassidy et al. 2013 and IBM's neuron behaviour
//! reference for the order synapses, leak, threshold, negative threshold, for the six reset modes and for what is
//! random. What they leave open are the chip's [`CrossbarOptions`].

use crate::chip::{CrossbarOptions, DrawComparison, LinearReset, Overflow};
use crate::fixed::{saturate, wrap};
use crate::graph::{CrossbarNeuron, NegativeReset, SpikeReset};

/// Width of the membrane potential in bits, signed (Merolla et al. 2014).
const POTENTIAL_BITS: u32 = 20;
/// Threshold of a neuron that is only read: the largest that 18 bits hold.
const NEVER: u32 = (1 << 18) - 1;

/// The core's random generator, bit by bit: polynomial x^32 + x^22 + x^2 + x + 1, shifting right; a draw is
/// the low byte, then eight shifts follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generator(u32);

impl Generator {
    /// From a seed; 0 is all ones.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self(if seed == 0 { u32::MAX } else { seed })
    }

    /// Uniform in 0..=255.
    pub fn draw(&mut self) -> i64 {
        let byte = i64::from(self.0 % 256);
        for _ in 0..8 {
            let out = self.0 % 2;
            self.0 /= 2;
            for tap in [32, 22, 2, 1] {
                self.0 ^= out << (tap - 1);
            }
        }
        byte
    }
}

/// The registers of one neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neuron {
    /// Weight by axon type.
    pub weights: [i64; 4],
    /// b: whether a weight is stochastic.
    pub stochastic_weights: [bool; 4],
    /// Added every tick.
    pub leak: i64,
    /// c: whether the leak is stochastic.
    pub stochastic_leak: bool,
    /// epsilon: the leak acts in the direction of V's sign, and not across zero.
    pub leak_reversal: bool,
    /// alpha: fires when `V >= alpha`.
    pub threshold: i64,
    /// beta, magnitude: the negative rule acts when `V < -beta`.
    pub negative_threshold: i64,
    /// TM: bits of the thresholds' random part.
    pub threshold_mask_bits: u32,
    /// R.
    pub reset_value: i64,
    /// gamma.
    pub spike_reset: SpikeReset,
    /// kappa.
    pub negative_reset: NegativeReset,
    /// What the sources leave open.
    pub options: CrossbarOptions,
}

impl Neuron {
    /// The registers of neuron `index` of a population.
    #[must_use]
    pub fn of(population: &CrossbarNeuron, index: usize) -> Self {
        Self {
            weights: [0; 4],
            stochastic_weights: [false; 4],
            leak: i64::from(pick(&population.leak, index)),
            stochastic_leak: false,
            leak_reversal: false,
            threshold: i64::from(population.threshold.as_ref().map_or(NEVER, |alpha| pick(alpha, index))),
            negative_threshold: i64::from(pick(&population.negative_threshold, index)),
            threshold_mask_bits: 0,
            reset_value: i64::from(pick(&population.reset_value, index)),
            spike_reset: population.spike_reset,
            negative_reset: population.negative_reset,
            options: CrossbarOptions::default(),
        }
    }

    /// One tick of a neuron without random parts, from potential `v` with the summed weights `input`: the new
    /// potential, and whether it fires.
    #[must_use]
    pub fn step(&self, v: i64, input: i64) -> (i64, bool) {
        self.after_synapses(v + input, &mut Generator::new(0))
    }

    /// One tick from potential `v`; `types` are those of the connected axons that are active, by ascending axon.
    pub fn tick(&self, v: i64, types: &[usize], generator: &mut Generator) -> (i64, bool) {
        let mut v = v;
        for &kind in types {
            let weight = self.weights[kind];
            v += if self.stochastic_weights[kind] { self.perhaps(weight, generator) } else { weight };
        }
        self.after_synapses(v, generator)
    }

    fn after_synapses(&self, v: i64, generator: &mut Generator) -> (i64, bool) {
        let (v, forced) = self.hold(v);
        let leak = if self.stochastic_leak { self.perhaps(self.leak, generator) } else { self.leak };
        let direction = if self.leak_reversal { v.signum() } else { 1 };
        let mut leaked = v + direction * leak;
        if self.leak_reversal && leaked.signum() != v.signum() {
            leaked = 0;
        }
        let (v, forced_again) = self.hold(leaked);
        let eta = self.eta(generator);
        let alpha = self.threshold + eta;
        let beta = self.negative_threshold + eta;
        let linear = if self.options.linear_reset == LinearReset::Masked { eta } else { 0 };
        if v >= alpha || forced || forced_again {
            let reset = match self.spike_reset {
                SpikeReset::Value => self.reset_value,
                SpikeReset::Linear => v - self.threshold - linear,
                SpikeReset::None => v,
            };
            return (reset, true);
        }
        let reset = match (self.negative_reset, self.spike_reset) {
            (NegativeReset::Saturate, _) if v < -self.negative_threshold => -self.negative_threshold,
            (NegativeReset::Mirror, SpikeReset::Value) if v < -beta => -self.reset_value,
            (NegativeReset::Mirror, SpikeReset::Linear) if v < -beta => v + self.negative_threshold + linear,
            _ => v,
        };
        (reset, false)
    }

    /// The random part of the thresholds: the mask of TM ones on as many random bits as the options say.
    fn eta(&self, generator: &mut Generator) -> i64 {
        if self.threshold_mask_bits == 0 {
            return 0;
        }
        let bits = u32::from(self.options.threshold_draw_bits);
        let mut random = 0;
        let mut have = 0;
        while have < bits {
            random += generator.draw() * (1 << have);
            have += 8;
        }
        random % (1 << bits.min(self.threshold_mask_bits))
    }

    /// +-1 with the probability that the magnitude of `x` stands for, else 0.
    fn perhaps(&self, x: i64, generator: &mut Generator) -> i64 {
        let mut draw = generator.draw();
        if self.options.comparison == DrawComparison::AtLeastNonzero {
            while draw == 0 {
                draw = generator.draw();
            }
        }
        let enough = match self.options.comparison {
            DrawComparison::Above => x.abs() > draw,
            DrawComparison::AtLeast | DrawComparison::AtLeastNonzero => x.abs() >= draw,
        };
        if enough { x.signum() } else { 0 }
    }

    /// V as its register holds it, and whether it makes the neuron fire.
    fn hold(&self, v: i64) -> (i64, bool) {
        match self.options.overflow {
            Overflow::Saturate => (saturate(v, POTENTIAL_BITS), false),
            Overflow::Wrap => (wrap(v, POTENTIAL_BITS), false),
            Overflow::Nemo => (v.clamp(-0x60000, 0x60000), v > 0x60000),
        }
    }
}

/// One value for all, or one a neuron.
fn pick<T: Copy + Default>(values: &[T], index: usize) -> T {
    if let [one] = values { *one } else { values.get(index).copied().unwrap_or_default() }
}
