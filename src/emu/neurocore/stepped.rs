//! Blocks of clock-driven chips: every neuron is updated in every step, in half precision.
//!
//! The chip's sums are dense; here only axons with a spike are added. That is the same: a sum begins with a bias that is
//! not -0, a sum of numbers is -0 only where both are, so no sum is ever -0, and adding a product of zero changes nothing.

use super::Sweep;
use crate::binary16::{Half, Single};
use crate::chip::{Accumulate, Leak, SteppedSpec};
use crate::image::{HalfSynapse, SteppedBody};

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct SteppedCore {
    neurons: Vec<Neuron>,
    axon_delays: Vec<u8>,
    axon_offsets: Vec<u32>,
    synapses: Vec<HalfSynapse>,
    accumulate: Accumulate,
    leak: Leak,
    longest: usize,
}

/// Registers of a neuron.
#[derive(Debug, Clone, Copy)]
struct Neuron {
    alpha: Half,
    beta: Half,
    /// Infinite where it never fires: nothing is above.
    theta: Half,
    v_0: Half,
    /// The state that a spike leaves.
    after: Half,
    bias: Half,
    initial: Half,
    start: u32,
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Axons with what came on them, by the tick in which they are added, in a ring.
    coming: Vec<Vec<(u16, u32)>>,
    /// The entry of the ring that is next.
    next: usize,
    sums: Sums,
    /// With what the next step begins.
    states: Vec<Half>,
    /// Membranes after the last step: after a reset, before the leak.
    membranes: Vec<Half>,
    /// Additions of the last step.
    additions: u64,
}

/// Sums of inputs, by their arithmetic.
#[derive(Debug, Clone)]
enum Sums {
    Single(Vec<Single>),
    Half(Vec<Half>),
}

impl SteppedCore {
    pub(in crate::emu) fn new(image: &SteppedBody, spec: &SteppedSpec) -> Self {
        let registers = image.parameter_of.iter().zip(&image.bias).zip(&image.initial);
        let neuron = |((&entry, &bias), &initial): ((&u16, &u16), &u16)| {
            let of = &image.parameters[usize::from(entry)];
            let (alpha, beta, v_0) = (Half(of.alpha), Half(of.beta), Half(of.v_0));
            Neuron {
                alpha,
                beta,
                theta: of.theta.map_or(Half::INFINITY, Half),
                v_0,
                after: leaked(v_0, alpha, beta, spec.leak),
                bias: Half(bias),
                initial: Half(initial),
                start: of.start,
            }
        };
        Self {
            neurons: registers.map(neuron).collect(),
            axon_delays: image.axon_delays.clone(),
            axon_offsets: image.axon_offsets.clone(),
            synapses: image.synapses.clone(),
            accumulate: spec.accumulate,
            leak: spec.leak,
            longest: image.axon_delays.iter().copied().max().unwrap_or(0).into(),
        }
    }

    pub(super) fn reset(&self) -> State {
        let initial: Vec<Half> = self.neurons.iter().map(|neuron| neuron.initial).collect();
        State {
            coming: vec![Vec::new(); self.longest + 1],
            next: 0,
            sums: match self.accumulate {
                Accumulate::Binary32 => Sums::Single(vec![Single::default(); initial.len()]),
                Accumulate::Binary16 => Sums::Half(vec![Half::ZERO; initial.len()]),
            },
            membranes: initial.clone(),
            states: initial,
            additions: 0,
        }
    }

    fn row(&self, axon: u16) -> &[HalfSynapse] {
        let axon = usize::from(axon);
        &self.synapses[self.axon_offsets[axon] as usize..self.axon_offsets[axon + 1] as usize]
    }
}

/// alpha * v + beta.
fn leaked(v: Half, alpha: Half, beta: Half, leak: Leak) -> Half {
    match leak {
        Leak::Twice => alpha.times(v).plus(beta),
        Leak::Fused => alpha.times_plus(v, beta),
    }
}

impl State {
    /// A packet for an axon.
    pub(super) fn accept(&mut self, body: &SteppedCore, axon: u16, payload: i32) {
        let slot = (self.next + usize::from(body.axon_delays[usize::from(axon)])) % self.coming.len();
        self.coming[slot].push((axon, payload.max(0).cast_unsigned()));
    }

    /// Adds up what has come.
    pub(super) fn integrate(&mut self, body: &SteppedCore) {
        let mut came = std::mem::take(&mut self.coming[self.next]);
        came.sort_unstable();
        self.additions = 0;
        match &mut self.sums {
            Sums::Single(sums) => {
                sums.iter_mut().zip(&body.neurons).for_each(|(sum, neuron)| *sum = Single::new(neuron.bias));
            }
            Sums::Half(sums) => sums.iter_mut().zip(&body.neurons).for_each(|(sum, neuron)| *sum = neuron.bias),
        }
        for group in came.chunk_by(|one, other| one.0 == other.0) {
            // Several packets of one axon are a larger value. What the host sends is at most the largest number.
            let value = group.iter().fold(0_u32, |sum, (_, value)| sum.saturating_add(*value));
            let value = Half::from_whole(value.min(65_504));
            let row = body.row(group[0].0);
            self.additions += row.len() as u64;
            match &mut self.sums {
                Sums::Single(sums) => {
                    let times = value.units() >> 24;
                    for synapse in row {
                        let sum = &mut sums[usize::from(synapse.target)];
                        *sum = sum.plus(Half(synapse.weight).units() * times);
                    }
                }
                Sums::Half(sums) if value == Half::ONE => {
                    for synapse in row {
                        let sum = &mut sums[usize::from(synapse.target)];
                        *sum = sum.plus(Half(synapse.weight));
                    }
                }
                Sums::Half(sums) => {
                    for synapse in row {
                        let sum = &mut sums[usize::from(synapse.target)];
                        *sum = sum.plus(Half(synapse.weight).times(value));
                    }
                }
            }
        }
        came.clear();
        self.coming[self.next] = came;
        self.next = (self.next + 1) % self.coming.len();
    }

    /// The neurons, one by one.
    pub(super) fn update(&mut self, body: &SteppedCore, tick: u32, sweep: &mut Sweep<'_>) {
        for (number, neuron) in body.neurons.iter().enumerate() {
            if tick < neuron.start {
                continue;
            }
            let x = match &self.sums {
                Sums::Single(sums) => sums[number].to_half(),
                Sums::Half(sums) => sums[number],
            };
            let v = self.states[number].plus(x);
            let fires = v.is_above(neuron.theta);
            let (kept, state) =
                if fires { (neuron.v_0, neuron.after) } else { (v, leaked(v, neuron.alpha, neuron.beta, body.leak)) };
            sweep.faults.overflows += u64::from(!v.is_finite() || !state.is_finite());
            sweep.active += u64::from(fires || !x.is_zero() || state != self.states[number]);
            (self.membranes[number], self.states[number]) = (kept, state);
            if fires {
                sweep.fire_graded(number, 1, 1);
            }
        }
    }

    /// Additions of weights in the step that was integrated last.
    pub(super) const fn additions(&self) -> u64 {
        self.additions
    }

    /// With what the next step begins, and the membrane before it leaked, as ordered integers.
    pub(super) fn state_and_membrane(&self, neuron: usize) -> (i32, i32) {
        (self.states[neuron].ordered(), self.membranes[neuron].ordered())
    }
}
