//! One compartment in one tick, in each dialect, with what it may have beside its registers ([`crate::graph::Noise`],
//! [`crate::graph::Adaptation`], [`crate::graph::Join`], where the equations stand).

use super::{V_MAX, of, shift};
use crate::chip::Dialect;
use crate::fixed::wrap;
use crate::graph::{CubaNeuron, Join, JoinOp, Noise, NoiseAt, Passed};
use crate::rng::{LFSR_TAPS, Lfsr};

/// The largest that a threshold is raised by: its 17 bits.
const RAISED_MAX: i64 = ((1 << 17) - 1) << 6;

/// What one compartment keeps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    pub(super) u: i64,
    pub(super) v: i64,
    /// Ticks that it is still refractory.
    pub(super) silent: u8,
    /// Whether it fired in this tick.
    pub(super) fired: bool,
    /// What spikes have added to its threshold.
    raised: i64,
    /// The register that its noise is drawn from.
    register: u32,
}

impl Cell {
    /// As compartment number `neuron` of a population starts.
    pub(super) fn new(registers: &CubaNeuron, neuron: usize) -> Self {
        Self {
            u: i64::from(*of(&registers.initial_u, neuron)),
            v: i64::from(*of(&registers.initial_v, neuron)),
            register: registers.noise.map_or(0, |noise| Lfsr::new(noise.seed, neuron as u32).state()),
            ..Self::default()
        }
    }

    /// The noise of a tick at u, at v and at the threshold.
    fn noise(&mut self, noise: Option<Noise>) -> (i64, i64, i64) {
        let Some(noise) = noise else { return (0, 0, 0) };
        for _ in 0..8 {
            let out = self.register % 2;
            self.register /= 2;
            if out == 1 {
                self.register ^= LFSR_TAPS;
            }
        }
        let byte = i64::from(self.register % 256);
        let drawn = if byte < 128 { byte } else { 128 - byte };
        let size = (drawn + 64 * i64::from(noise.offset)) * (1 << noise.exponent) / 128;
        match noise.at {
            NoiseAt::U => (size, 0, 0),
            NoiseAt::V => (0, size, 0),
            NoiseAt::Threshold => (0, 0, size),
        }
    }
}

/// Toward zero: `sign(x) * floor(|x| * (4096 - d) / 4096)`.
fn decay(x: i64, d: i64) -> i64 {
    x.signum() * ((x.abs() * (4096 - d)) >> 12)
}

/// u after the tick with this input.
fn current(u: i64, input: i64, noise: i64, dialect: Dialect) -> i64 {
    match dialect {
        Dialect::Lava => {
            let u = wrap(u + wrap(wrap(input << 6, 32) + noise, 32), 32);
            if u > 1 << 23 {
                wrap(u - (1 << 24), 32)
            } else if u <= -(1 << 23) {
                wrap(u + (1 << 24), 32)
            } else {
                u
            }
        }
        Dialect::Nengo | Dialect::ChipBestGuess => wrap(u + wrap((input << 6) + noise, 22), 24),
        Dialect::Brian2 => u + (input << 6) + noise,
    }
}

/// v after the tick, before the comparison; `driven` is the drive with bias and noise.
fn membrane(v: i64, driven: i64, dialect: Dialect) -> i64 {
    match dialect {
        Dialect::Lava => (v + driven).clamp(-V_MAX, V_MAX),
        Dialect::Nengo | Dialect::ChipBestGuess => (v + wrap(driven, 24)).clamp(-V_MAX, V_MAX),
        Dialect::Brian2 => v + driven,
    }
}

/// One compartment, one tick; whether it fires. `dendrites` are those of `registers.joins`, after their tick.
pub(super) fn step(
    cell: &mut Cell,
    registers: &CubaNeuron,
    neuron: usize,
    input: i64,
    dendrites: &[Cell],
    dialect: Dialect,
) -> bool {
    let joined = || registers.joins.iter().zip(dendrites);
    let (noise_u, noise_v, noise_threshold) = cell.noise(registers.noise);
    let decayed = decay(cell.u, i64::from(*of(&registers.decay_u, neuron)) + 1);
    cell.u = current(decayed, input, noise_u, dialect);
    let mut drive = cell.u;
    for (Join { op, pass, .. }, dendrite) in joined() {
        let passed = if *pass == Passed::U { dendrite.u } else { dendrite.v };
        drive = match op {
            JoinOp::Add => drive + passed,
            JoinOp::Max => drive.max(passed),
            JoinOp::Min => drive.min(passed),
            JoinOp::And | JoinOp::Or => drive,
        };
    }
    let bias = match dialect {
        Dialect::Brian2 => 0,
        _ => shift(i64::from(*of(&registers.bias, neuron)), *of(&registers.bias_exponent, neuron)),
    };
    let decayed = decay(cell.v, i64::from(*of(&registers.decay_v, neuron)));
    cell.v = membrane(decayed, drive + bias + noise_v, dialect);
    if let Some(adaptation) = &registers.adaptation {
        cell.raised = decay(cell.raised, i64::from(*of(&adaptation.decay, neuron)));
    }
    cell.fired = false;
    if cell.silent > 0 {
        cell.silent -= 1;
        cell.v = 0;
        return false;
    }
    let threshold = registers.threshold.as_ref().map(|mantissa| i64::from(*of(mantissa, neuron)) << 6);
    cell.fired = threshold.is_some_and(|threshold| cell.v > threshold + cell.raised + noise_threshold);
    for (Join { op, .. }, dendrite) in joined() {
        cell.fired = match op {
            JoinOp::And => cell.fired && dendrite.fired,
            JoinOp::Or => cell.fired || dendrite.fired,
            JoinOp::Add | JoinOp::Max | JoinOp::Min => cell.fired,
        };
    }
    if cell.fired {
        cell.v = 0;
        cell.silent = of(&registers.refractory, neuron).saturating_sub(1);
        if let Some(adaptation) = &registers.adaptation {
            let step = i64::from(*of(&adaptation.step, neuron)) << 6;
            cell.raised = (cell.raised + step).min(RAISED_MAX);
        }
    }
    cell.fired
}
