//! The FCore: axons that hold values or windows of spikes, a dense weight matrix, artificial or spiking somas.
//!
//! Dense as the chip is: every weight of an artificial layer is multiplied in every round, whatever comes in, and
//! counted so. Spiking cores add the weights of the axons with a spike, and count these.

mod matrix;

use self::matrix::Matrix;
use super::Sweep;
use crate::chip::FcoreSpec;
use crate::fixed::saturate;
use crate::image::{ActivationImage, FcoreBody, FcoreFormat, ResetImage, SomaImage};
use crate::rng::keyed;

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct FcoreCore {
    input: FcoreFormat,
    axons: usize,
    neurons: usize,
    matrix: Matrix,
    soma: SomaImage,
    draw: Vec<u32>,
    bits: u32,
    /// Products in a cycle, and the length of a cycle in picoseconds.
    lanes: u64,
    cycle: u64,
    /// Time of a round's work in picoseconds.
    busy: u64,
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// What each axon holds: values, or numbers of spikes. An even number of them.
    values: Vec<i16>,
    /// Values that come for the next round.
    coming: Vec<i16>,
    /// Rounds with a spike of each axon, the last in bit 0.
    history: Vec<u8>,
    /// Partial sums that come for the next round.
    carried: Vec<i32>,
    sums: Vec<i32>,
    /// Sums with bias, or membranes.
    v: Vec<i32>,
    /// What each neuron sent last.
    sent: Vec<i32>,
    /// Additions of the round in a spiking core.
    additions: u64,
}

impl FcoreCore {
    pub(in crate::emu) fn new(image: &FcoreBody, spec: &FcoreSpec) -> Self {
        let (axons, neurons) = (usize::from(image.axons), usize::from(image.neurons));
        Self {
            input: image.input,
            axons,
            neurons,
            matrix: Matrix::new(axons, neurons, |axon, neuron| image.weight(axon, neuron)),
            soma: image.soma.clone(),
            draw: image.draw.clone(),
            bits: u32::from(spec.accumulator_bits),
            lanes: u64::from(spec.lanes.max(1)),
            cycle: spec.cycle.0,
            busy: spec.cycles(axons, neurons).saturating_mul(spec.cycle.0),
        }
    }

    pub(super) fn reset(&self) -> State {
        State {
            values: vec![0; self.axons.next_multiple_of(2)],
            coming: vec![0; self.axons],
            history: vec![0; self.axons],
            carried: vec![0; if self.input == FcoreFormat::Sums { self.neurons } else { 0 }],
            sums: vec![0; self.neurons],
            v: match &self.soma {
                SomaImage::Snn { initial, .. } => initial.clone(),
                SomaImage::Ann { .. } | SomaImage::Partial => vec![0; self.neurons],
            },
            sent: vec![0; self.neurons],
            additions: 0,
        }
    }

    /// Multiplications of a round.
    pub(super) fn products(&self) -> u64 {
        if self.input == FcoreFormat::Values { self.axons as u64 * self.neurons as u64 } else { 0 }
    }
}

impl State {
    /// A packet for an axon, or with sums for a neuron's accumulator.
    pub(super) fn accept(&mut self, body: &FcoreCore, axon: u16, payload: i32) {
        let axon = usize::from(axon);
        match body.input {
            FcoreFormat::Values => self.coming[axon] = payload.clamp(-128, 255) as i16,
            FcoreFormat::Spikes(_) => self.coming[axon] = 1,
            // Sums of whole cores: far from the edge of 32 bits, but a host may send anything.
            FcoreFormat::Sums => self.carried[axon] = self.carried[axon].saturating_add(payload),
        }
    }

    /// Axons take over what came, and the dendrites sum up.
    pub(super) fn integrate(&mut self, body: &FcoreCore) {
        match body.input {
            FcoreFormat::Values => self.values[..body.axons].copy_from_slice(&self.coming),
            FcoreFormat::Spikes(window) => {
                let mask = if window >= 8 { u8::MAX } else { (1 << window) - 1 };
                for ((value, history), came) in self.values.iter_mut().zip(&mut self.history).zip(&self.coming) {
                    *history = *history << 1 | u8::from(*came != 0);
                    *value = (*history & mask).count_ones() as i16;
                }
            }
            FcoreFormat::Sums => {
                self.sums.copy_from_slice(&self.carried);
                return self.carried.fill(0);
            }
        }
        self.coming.fill(0);
        let held = if body.input == FcoreFormat::Values {
            0
        } else {
            self.values.iter().map(|&spikes| u64::from(spikes.unsigned_abs())).sum()
        };
        self.additions = held * body.neurons as u64;
        body.matrix.multiply(&self.values, &mut self.sums);
    }

    /// Additions of weights in the round that was integrated last.
    pub(super) const fn additions(&self) -> u64 {
        self.additions
    }

    /// The somas, neuron by neuron.
    pub(super) fn update(&mut self, body: &FcoreCore, tick: u32, sweep: &mut Sweep<'_>) {
        let begin = sweep.now;
        let flits = if matches!(body.soma, SomaImage::Partial) { body.bits.div_ceil(8) } else { 1 };
        for neuron in 0..body.neurons {
            // A neuron is done when its products are; the cycles besides them follow the last one.
            if sweep.timing {
                let products = (body.axons as u64 * (neuron as u64 + 1)).div_ceil(body.lanes);
                sweep.now = sweep.now.max(begin + products * body.cycle);
            }
            let before = (self.v[neuron], self.sent[neuron]);
            let sent = self.neuron(body, neuron, tick, sweep);
            self.sent[neuron] = sent;
            sweep.active += u64::from((self.v[neuron], sent) != before || sent != 0);
            if sent != 0 {
                sweep.fire_graded(neuron, sent, flits);
            }
        }
        sweep.now = sweep.now.max(begin + body.busy);
    }

    fn neuron(&mut self, body: &FcoreCore, neuron: usize, tick: u32, sweep: &mut Sweep<'_>) -> i32 {
        let sum = i64::from(self.sums[neuron]);
        let mut hold = |x: i64| {
            let held = saturate(x, body.bits);
            sweep.faults.overflows += u64::from(held != x);
            held as i32
        };
        let v = &mut self.v[neuron];
        match &body.soma {
            SomaImage::Partial => {
                *v = sum as i32;
                *v
            }
            SomaImage::Ann { bias, shift, activation } => {
                *v = hold(sum + i64::from(bias[neuron]));
                let shifted = *v >> shift;
                match activation {
                    ActivationImage::Relu => shifted.clamp(0, 255),
                    ActivationImage::Signed => shifted.clamp(-128, 127),
                    ActivationImage::Table(table) => i32::from(table[(shifted.clamp(-128, 127) + 128) as usize]),
                }
            }
            SomaImage::Snn { decay, bias, threshold, random_bits, seed, reset, .. } => {
                let left = (u64::from(v.unsigned_abs()) * u64::from(256 - u16::from(*decay))) >> 8;
                let left = if *v < 0 { -(left as i64) } else { left as i64 };
                *v = hold(left + sum + i64::from(bias[neuron]));
                let Some(&threshold) = threshold.get(neuron) else { return 0 };
                let mask = (1_u64 << random_bits) - 1;
                let draw = if mask == 0 { 0 } else { keyed(*seed, 0, body.draw[neuron].into(), tick.into(), 0) & mask };
                let threshold = i64::from(threshold) + draw as i64;
                if i64::from(*v) < threshold {
                    return 0;
                }
                match reset {
                    ResetImage::Value(value) => *v = *value,
                    ResetImage::Subtract => *v = hold(i64::from(*v) - threshold),
                    ResetImage::None => {}
                }
                1
            }
        }
    }

    /// What a neuron sent last, and its sum with bias or membrane.
    pub(super) fn sent_and_state(&self, neuron: usize) -> (i32, i32) {
        (self.sent[neuron], self.v[neuron])
    }
}
