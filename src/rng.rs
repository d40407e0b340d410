//! Random numbers with stable values: a counter-based generator for emulated draws and a small sequential
//! one for compilers, training and stimuli. Neither is an architected generator of a chip.

/// SplitMix64's output function (Steele, Lea, Flood 2014; constants of Vigna's reference).
#[inline]
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Draw number `draw` of a stream keyed by seed and up to three coordinates: the same value in whatever order
/// draws are made.
#[inline]
#[must_use]
pub const fn keyed(seed: u64, core: u64, neuron: u64, tick: u64, draw: u64) -> u64 {
    mix(mix(mix(mix(mix(seed) ^ core) ^ neuron) ^ tick) ^ draw)
}

/// Whether a synapse that `seed` draws joins two neurons, and which of its `weights` it takes: the upper half of one draw
/// against `chance` (in 1 / 2^32), the lower half for the weight.
#[inline]
#[must_use]
pub const fn synapse(seed: u64, chance: u64, weights: u32, source: u32, target: u32) -> Option<u32> {
    let drawn = mix(mix(mix(seed) ^ source as u64) ^ target as u64);
    if drawn >> 32 >= chance {
        return None;
    }
    Some((((drawn & 0xffff_ffff) * weights as u64) >> 32) as u32)
}

/// SplitMix64 as a sequence.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A sequence determined by `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 uniform bits.
    pub const fn next_u64(&mut self) -> u64 {
        let value = mix(self.state);
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        value
    }

    /// Uniform in `0..bound` (Lemire's multiply-shift; bias below 2^-32 for bounds under 2^32). `bound` > 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// Uniform in `[0, 1)` with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Standard normal (Box-Muller, one of the pair).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        // First outputs of the reference implementation for seed 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn below_stays_below_and_covers() {
        let mut rng = Rng::new(7);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            seen[rng.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
    }
}
