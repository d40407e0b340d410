//! Compartments with dendrites, a threshold that adapts, or noise: one after the other, in ascending order, so that a
//! dendrite has done its tick before what it is joined to. The equations stand at the graph's `Noise`, `Adaptation` and
//! `Join`.

use super::soma::Rule;
use super::{CubaCore, State, Sweep};
use crate::chip::CubaSpec;
use crate::emu::program::Identity;
use crate::fixed::decay_toward_zero;
use crate::image::{self, AdaptationImage, JoinImage, JoinKind, NoiseImage, NoisePlace};
use crate::rng::Lfsr;

/// What such compartments are loaded with.
#[derive(Debug)]
pub(super) struct Trees {
    /// First join of each compartment, one more than there are compartments.
    offsets: Vec<u32>,
    joins: Vec<JoinImage>,
    adaptations: Vec<AdaptationImage>,
    noises: Vec<Option<NoiseImage>>,
    /// Where the draws of each compartment start.
    draws: Vec<Lfsr>,
    /// The largest that a threshold is raised by.
    highest: i32,
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct TreeState {
    /// What spikes have added to the threshold.
    raised: Vec<i32>,
    draws: Vec<Lfsr>,
    /// Whether each compartment fired in this tick.
    fired: Vec<bool>,
}

impl Trees {
    /// `None` where no compartment has anything of this. Draws depend on the neuron, not on its place.
    pub(super) fn new(image: &image::CubaCore, spec: &CubaSpec, identities: &[Identity]) -> Option<Self> {
        let extra = |config: &image::CompartmentConfig| config.adaptation.is_some() || config.noise.is_some();
        if image.joins.is_empty() && !image.configs.iter().any(extra) {
            return None;
        }
        let neurons = image.config_of.len();
        let configs = || image.config_of.iter().map(|&config| &image.configs[usize::from(config)]);
        let below =
            |compartment: usize| image.joins.partition_point(|join| usize::from(join.compartment) < compartment);
        let noises: Vec<Option<NoiseImage>> = configs().map(|config| config.noise).collect();
        let none = AdaptationImage { step: 0, decay: 0 };
        let seeds = noises.iter().map(|noise| noise.map_or(0, |noise| noise.seed));
        Some(Self {
            offsets: (0..=neurons).map(|compartment| below(compartment) as u32).collect(),
            joins: image.joins.clone(),
            adaptations: configs().map(|config| config.adaptation.unwrap_or(none)).collect(),
            draws: seeds.zip(identities).map(|(seed, identity)| Lfsr::new(seed, identity.neuron)).collect(),
            noises,
            highest: ((1 << spec.threshold_bits) - 1) << 6,
        })
    }

    /// In the reset state.
    pub(super) fn reset(&self) -> TreeState {
        let neurons = self.noises.len();
        TreeState { raised: vec![0; neurons], draws: self.draws.clone(), fired: vec![false; neurons] }
    }
}

/// Noise by where it acts: current, membrane, threshold.
fn draw(noise: NoiseImage, lfsr: &mut Lfsr) -> [i64; 3] {
    let scaled = i64::from(lfsr.draw() + 64 * i32::from(noise.offset)) << noise.exponent;
    let mut parts = [0; 3];
    parts[match noise.at {
        NoisePlace::Current => 0,
        NoisePlace::Membrane => 1,
        NoisePlace::Threshold => 2,
    }] = scaled / 128;
    parts
}

impl State {
    /// The tick of every compartment of a core that has [`Trees`], with the arithmetic of one dialect.
    pub(super) fn climb(&mut self, core: &CubaCore, trees: &Trees, tick: u32, sweep: &mut Sweep<'_>, rule: Rule) {
        let Some(mut state) = self.trees.take() else { return };
        let (neurons, padded) = (core.compartments.len(), core.padded());
        let row = tick as usize % core.rows;
        let sums = &mut self.sums[row * padded..][..neurons];
        let (us, vs, silents) = (self.u.as_flattened_mut(), self.v.as_flattened_mut(), self.silent.as_flattened_mut());
        let times = sweep.program.times;
        for (neuron, &a) in sums.iter().enumerate() {
            let compartment = &core.compartments[neuron];
            let before = (us[neuron], vs[neuron], state.raised[neuron]);
            let silent = silents[neuron];
            let noise = trees.noises[neuron].map(|noise| draw(noise, &mut state.draws[neuron]));
            let [noise_u, noise_v, noise_threshold] = noise.unwrap_or_default();
            let (u, wrapped) = (rule.current)(compartment, core.limit, a.into(), before.0, noise_u);
            let joins = &trees.joins[trees.offsets[neuron] as usize..trees.offsets[neuron + 1] as usize];
            let drive = joins.iter().fold(i64::from(u), |drive, join| {
                let passed = if join.current { us[usize::from(join.dendrite)] } else { vs[usize::from(join.dendrite)] };
                joined(drive, join.kind, passed.into())
            });
            let (v, kept) = (rule.membrane)(compartment, core.limit, drive, before.1, noise_v);
            let held = if silent > 0 { 0 } else { v };
            let adaptation = trees.adaptations[neuron];
            let raised = decay_toward_zero(before.2, adaptation.decay.into());
            let threshold = i64::from(compartment.threshold) + i64::from(raised) + noise_threshold;
            let crosses = compartment.threshold != i32::MAX && i64::from(held) > threshold;
            let fires = silent == 0 && joins.iter().fold(crosses, |fires, join| gated(fires, join, &state.fired));
            let v = if fires { 0 } else { held };
            let step = if fires { (adaptation.step << 6).cast_signed() } else { 0 };
            let after = (u, v, raised.saturating_add(step).min(trees.highest));
            (us[neuron], vs[neuron], state.raised[neuron]) = after;
            state.fired[neuron] = fires;
            silents[neuron] = (if fires { compartment.refractory.into() } else { silent } - 1).max(0);
            let active = u64::from(a != 0 || after != before || fires || silent > 0 || noise.is_some());
            sweep.active += active;
            sweep.faults.overflows += u64::from(wrapped + kept);
            sweep.now += times.access + active * times.update;
            if fires {
                sweep.fire(neuron);
            }
        }
        if std::mem::take(&mut self.filled[row]) {
            sums.fill(0);
        }
        self.trees = Some(state);
    }
}

/// The drive with what a dendrite passes.
fn joined(drive: i64, kind: JoinKind, passed: i64) -> i64 {
    match kind {
        JoinKind::Add => drive + passed,
        JoinKind::Max => drive.max(passed),
        JoinKind::Min => drive.min(passed),
        JoinKind::And | JoinKind::Or => drive,
    }
}

/// Whether a compartment fires, given that it would without this dendrite.
fn gated(fires: bool, join: &JoinImage, fired: &[bool]) -> bool {
    let dendrite = fired[usize::from(join.dendrite)];
    match join.kind {
        JoinKind::And => fires && dendrite,
        JoinKind::Or => fires || dendrite,
        JoinKind::Add | JoinKind::Max | JoinKind::Min => fires,
    }
}
