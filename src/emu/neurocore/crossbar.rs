//! The TrueNorth-style core: one-bit crossbar, axon types, a ring of delay rows.
//!
//! Tick: the scheduler's row of the tick gives the active axons; each neuron integrates those that it is
//! connected with, leaks, and compares with its thresholds (Merolla et al. 2014, supplement; Cassidy et al. 2013;
//! deterministic part). Synapses are summed wide; V saturates at the edges of its register after
//! them and again after the leak.

use super::Sweep;
use crate::bits::ones;
use crate::chip::CrossbarSpec;
use crate::event::Event;
use crate::fixed::saturate;
use crate::image::{Crossbar, CrossbarParameters};

/// Axon types of the architecture.
const TYPES: usize = 4;

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct CrossbarCore {
    neurons: usize,
    /// Words of one row of connections.
    row_words: usize,
    rows: Vec<u64>,
    /// Start of the weights of each axon's type in `weights`.
    weight_base: Vec<u32>,
    /// By type, then neuron.
    weights: Vec<i32>,
    somas: Vec<CrossbarParameters>,
    potential_bits: u32,
    /// Rows of the delay ring.
    ring_rows: usize,
    /// Words of one row of the ring.
    ring_words: usize,
}

impl CrossbarCore {
    pub(in crate::emu) fn new(image: &Crossbar, spec: &CrossbarSpec) -> Self {
        let neurons = image.parameter_of.len();
        let somas: Vec<CrossbarParameters> =
            image.parameter_of.iter().map(|&entry| image.parameters[usize::from(entry)].clone()).collect();
        Self {
            neurons,
            row_words: neurons.div_ceil(64),
            rows: image.rows.clone(),
            weight_base: image.axon_types.iter().map(|&kind| u32::from(kind) * neurons as u32).collect(),
            weights: (0..TYPES).flat_map(|kind| somas.iter().map(move |soma| i32::from(soma.weights[kind]))).collect(),
            somas,
            potential_bits: u32::from(spec.potential_bits),
            ring_rows: usize::from(spec.delay_max) + 1,
            ring_words: image.axon_types.len().div_ceil(64),
        }
    }

    /// Rows of the delay ring: a packet can be placed up to one less ahead.
    pub(in crate::emu) fn ring_rows(&self) -> usize {
        self.ring_rows
    }

    pub(super) fn reset(&self) -> State {
        State {
            v: vec![0; self.neurons],
            ring: vec![0; self.ring_rows * self.ring_words],
            pending: vec![0; self.ring_rows],
            sums: vec![0; self.neurons],
            events: vec![0; self.neurons],
        }
    }

    /// One neuron's tick after its synapses: leak, thresholds. Gives V, whether it fires, and whether V saturated.
    fn soma(&self, neuron: usize, v: i64) -> (i32, bool, bool) {
        let soma = &self.somas[neuron];
        let integrated = saturate(v, self.potential_bits);
        let leaked = leak(soma, integrated);
        let kept = saturate(leaked, self.potential_bits);
        // Resets move V toward zero or to R, which fits: they cannot overflow.
        let (after, fires) = threshold(soma, kept);
        (after as i32, fires, integrated != v || kept != leaked)
    }
}

/// Adds the leak; with reversal it acts in the direction of V's sign and may not carry V across zero.
fn leak(soma: &CrossbarParameters, v: i64) -> i64 {
    let leak = i64::from(soma.leak);
    if !soma.leak_reversal {
        return v + leak;
    }
    let leaked = v + v.signum() * leak;
    if leaked.signum() == v.signum() { leaked } else { 0 }
}

/// Compares with alpha, else with beta, and resets.
fn threshold(soma: &CrossbarParameters, v: i64) -> (i64, bool) {
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

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    v: Vec<i32>,
    /// Axon bits by ring row.
    ring: Vec<u64>,
    /// Active axons of each ring row.
    pending: Vec<u32>,
    /// Synaptic sums of the tick.
    sums: Vec<i32>,
    /// Synaptic events of the tick.
    events: Vec<u32>,
}

impl State {
    pub(super) fn reset(&mut self, core: &CrossbarCore) {
        self.v.iter_mut().zip(&core.somas).for_each(|(v, soma)| *v = soma.initial);
        self.ring.fill(0);
        self.pending.fill(0);
    }

    pub(super) fn membrane(&self, neuron: usize) -> i32 {
        self.v[neuron]
    }

    /// Whether any axon is active in `tick`.
    pub(super) fn has_input(&self, tick: u32) -> bool {
        self.pending[tick as usize % self.pending.len()] > 0
    }

    /// Sets the bit of `axon` for tick `due`; whether it was set already, so that two spikes merge.
    pub(super) fn accept(&mut self, core: &CrossbarCore, axon: u16, due: u32) -> bool {
        let row = due as usize % core.ring_rows;
        let word = &mut self.ring[row * core.ring_words + usize::from(axon) / 64];
        let bit = 1_u64 << (axon % 64);
        let merged = *word & bit != 0;
        *word |= bit;
        self.pending[row] += u32::from(!merged);
        merged
    }

    /// The tick of every neuron, ascending.
    pub(super) fn update(&mut self, core: &CrossbarCore, tick: u32, sweep: &mut Sweep<'_>) {
        self.integrate(core, tick);
        let times = sweep.program.times;
        let mut synaptic = 0_u64;
        for neuron in 0..core.neurons {
            let events = u64::from(self.events[neuron]);
            let before = self.v[neuron];
            let (v, fires, overflowed) = core.soma(neuron, i64::from(before) + i64::from(self.sums[neuron]));
            self.v[neuron] = v;
            let active = u64::from(events > 0 || v != before || fires);
            synaptic += events;
            sweep.active += active;
            sweep.faults.overflows += u64::from(overflowed);
            sweep.now += times.access + events * times.crossbar + active * times.update;
            if fires {
                sweep.fire(neuron);
            }
        }
        sweep.counts.add(Event::SynapseCrossbar, synaptic);
    }

    /// Sums the synapses of the tick's active axons and clears the row.
    fn integrate(&mut self, core: &CrossbarCore, tick: u32) {
        self.sums.fill(0);
        self.events.fill(0);
        let row = tick as usize % core.ring_rows;
        if self.pending[row] == 0 {
            return;
        }
        self.pending[row] = 0;
        let row = &mut self.ring[row * core.ring_words..(row + 1) * core.ring_words];
        for axon in ones(row) {
            let connected = &core.rows[axon * core.row_words..(axon + 1) * core.row_words];
            let weights = &core.weights[core.weight_base[axon] as usize..];
            for neuron in ones(connected) {
                self.sums[neuron] += weights[neuron];
                self.events[neuron] += 1;
            }
        }
        row.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soma() -> CrossbarParameters {
        CrossbarParameters {
            weights: [1, 2, 4, -8],
            leak: 0,
            leak_reversal: false,
            threshold: 100,
            negative_threshold: 50,
            spike_reset: 0,
            negative_saturate: false,
            reset_value: 7,
            initial: 0,
        }
    }

    #[test]
    fn leaks_add_and_reversed_leaks_stop_at_zero() {
        let plain = CrossbarParameters { leak: -3, ..soma() };
        let toward = CrossbarParameters { leak: -3, leak_reversal: true, ..soma() };
        let away = CrossbarParameters { leak: 3, leak_reversal: true, ..soma() };
        for (soma, v, expected) in [
            (&plain, 2, -1),
            (&plain, -2, -5),
            (&toward, 5, 2),
            (&toward, 3, 0),
            (&toward, 2, 0),
            (&toward, -2, 0),
            (&toward, -5, -2),
            (&toward, 0, 0),
            (&away, 5, 8),
            (&away, -5, -8),
            (&away, 0, 0),
        ] {
            assert_eq!(leak(soma, v), expected, "{} from {v}", soma.leak);
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
            let soma = CrossbarParameters { spike_reset: gamma, negative_saturate: kappa, ..soma() };
            assert_eq!(threshold(&soma, v), expected, "gamma {gamma} kappa {kappa} V {v}");
        }
    }
}
