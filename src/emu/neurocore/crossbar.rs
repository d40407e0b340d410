//! The TrueNorth-style core: one-bit crossbar, axon types, a ring of delay rows.
//!
//! Tick: the scheduler's row of the tick gives the active axons; each neuron integrates those that it is
//! connected with, leaks, and compares with its thresholds (Merolla et al. 2014, supplement; Cassidy et al. 2013).
//! Synapses are summed wide; V saturates at the edges of its register after them and again after the leak.
//! This is the deterministic kernel; cores in which anything is random add what `stochastic` tells.

use super::Sweep;
use super::stochastic::{General, Lfsr};
use crate::bits::ones;
use crate::chip::CrossbarSpec;
use crate::event::Event;
use crate::fixed::saturate;
use crate::image::{Crossbar, CrossbarParameters, Rows};

/// Axon types of the architecture.
const TYPES: usize = 4;

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct CrossbarCore {
    neurons: usize,
    /// Words of one row of connections.
    row_words: usize,
    rows: Rows,
    /// Start of the weights of each axon's type in `weights`.
    weight_base: Vec<u32>,
    /// By type, then neuron; 0 where the type is stochastic.
    weights: Vec<i32>,
    pub(super) somas: Vec<Soma>,
    pub(super) potential_bits: u32,
    /// What the deterministic kernel does without.
    general: Option<Box<General>>,
    /// Rows of the delay ring.
    ring_rows: usize,
    /// Words of one row of the ring.
    ring_words: usize,
}

/// Registers of a neuron that every tick needs.
#[derive(Debug, Clone)]
pub(super) struct Soma {
    pub(super) threshold: u32,
    pub(super) negative_threshold: u32,
    pub(super) reset_value: i32,
    initial: i32,
    pub(super) leak: i16,
    pub(super) leak_reversal: bool,
    pub(super) spike_reset: u8,
    pub(super) negative_saturate: bool,
}

impl Soma {
    fn of(p: &CrossbarParameters) -> Self {
        Self {
            threshold: p.threshold,
            negative_threshold: p.negative_threshold,
            reset_value: p.reset_value,
            initial: p.initial,
            leak: p.leak,
            leak_reversal: p.leak_reversal,
            spike_reset: p.spike_reset,
            negative_saturate: p.negative_saturate,
        }
    }
}

impl CrossbarCore {
    pub(in crate::emu) fn new(image: &Crossbar, spec: &CrossbarSpec) -> Self {
        let neurons = image.parameter_of.len();
        let used = || image.parameter_of.iter().map(|&entry| &image.parameters[usize::from(entry)]);
        let weight = |p: &CrossbarParameters, kind: usize| {
            if p.stochastic_weights[kind] { 0 } else { i32::from(p.weights[kind]) }
        };
        Self {
            neurons,
            row_words: neurons.div_ceil(64),
            rows: image.rows.clone(),
            weight_base: image.axon_types.iter().map(|&kind| u32::from(kind) * neurons as u32).collect(),
            weights: (0..TYPES).flat_map(|kind| used().map(move |p| weight(p, kind))).collect(),
            somas: used().map(Soma::of).collect(),
            potential_bits: u32::from(spec.potential_bits),
            general: General::of(image, spec),
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
            active: Vec::new(),
            generator: self.generator(),
        }
    }

    fn generator(&self) -> Lfsr {
        self.general.as_ref().map_or_else(|| Lfsr::new(0), |general| general.generator())
    }

    /// Whether a tick without input can differ from the one before, which changed nothing.
    pub(super) fn draws_every_tick(&self) -> bool {
        self.general.as_ref().is_some_and(|general| general.draws_every_tick())
    }

    /// Whether `neuron` has a synapse on `axon`.
    pub(super) fn connected(&self, axon: usize, neuron: usize) -> bool {
        self.rows[axon * self.row_words + neuron / 64] >> (neuron % 64) & 1 == 1
    }

    /// One neuron's tick after its synapses: leak, thresholds. Gives V, whether it fires, and whether V saturated.
    fn soma(&self, neuron: usize, v: i64) -> (i32, bool, bool) {
        let soma = &self.somas[neuron];
        let integrated = saturate(v, self.potential_bits);
        let leaked = leak(soma.leak_reversal, i64::from(soma.leak), integrated);
        let kept = saturate(leaked, self.potential_bits);
        // Resets move V toward zero or to R, which fits: they cannot overflow.
        let (after, fires) = threshold(soma, kept);
        (after as i32, fires, integrated != v || kept != leaked)
    }
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
    /// Active axons of the tick, ascending, where synapses may be stochastic.
    active: Vec<u16>,
    generator: Lfsr,
}

impl State {
    pub(super) fn reset(&mut self, core: &CrossbarCore) {
        self.v.iter_mut().zip(&core.somas).for_each(|(v, soma)| *v = soma.initial);
        self.ring.fill(0);
        self.pending.fill(0);
        self.generator = core.generator();
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
        match &core.general {
            None => self.neurons(core, sweep, |_, _, neuron, v| core.soma(neuron, v)),
            Some(general) => self
                .neurons(core, sweep, |generator, active, neuron, v| general.soma(core, neuron, v, active, generator)),
        }
    }

    /// Every neuron after its deterministic synapses; `soma` gives V, whether it fires and whether V overflowed.
    #[inline]
    fn neurons(
        &mut self,
        core: &CrossbarCore,
        sweep: &mut Sweep<'_>,
        soma: impl Fn(&mut Lfsr, &[u16], usize, i64) -> (i32, bool, bool),
    ) {
        let times = sweep.program.times;
        let mut synaptic = 0_u64;
        for neuron in 0..core.neurons {
            let events = u64::from(self.events[neuron]);
            let before = self.v[neuron];
            let integrated = i64::from(before) + i64::from(self.sums[neuron]);
            let (v, fires, overflowed) = soma(&mut self.generator, &self.active, neuron, integrated);
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
        self.active.clear();
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
        if core.general.is_some() {
            self.active.extend(ones(row).map(|axon| axon as u16));
        }
        row.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOMA: Soma = Soma {
        threshold: 100,
        negative_threshold: 50,
        reset_value: 7,
        initial: 0,
        leak: 0,
        leak_reversal: false,
        spike_reset: 0,
        negative_saturate: false,
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
