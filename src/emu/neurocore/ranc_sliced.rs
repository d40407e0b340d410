//! The neurons of a RANC core, 64 at a time: potentials, weights and thresholds as bit planes.
//!
//! A tick is: count the spikes of each distinct weight by carry-save addition of the axons' synapse rows, add weight times count
//! and leak to the potentials, compare, reset. Every sum wraps at the potential's width, so the order in which spikes are added
//! does not matter. Work is done for groups of 64 neurons that a spike reaches or whose potential is still on its way
//! to where it stays without input; neurons that nothing can ever move have no lane.

use super::ranc::finish;
use super::ranc_planes::{MAX_PLANES, add_product, add_shifted, at_least, count_masks, get, put, subtract_shifted};
use crate::emu::ranc::{RancCore, RancNeuron, RancParams};
use crate::fixed::wrap;

/// No lane.
const NO_LANE: u32 = u32::MAX;
/// Neurons of a group.
const LANES: usize = 64;

/// Everything about 64 neurons that does not change. Numbers are sections of `planes`, in the order of [`Section`].
#[derive(Debug, Clone)]
struct Constants {
    /// Lanes that have a neuron.
    used: u64,
    /// Lanes that are reset by their threshold.
    linear: u64,
    has_leak: bool,
    /// Whether a reset may end elsewhere than at 0.
    has_reset: bool,
    /// Whether both bounds of all neurons are 0: then the sign decides.
    by_sign: bool,
    planes: Vec<u64>,
}

/// Numbers of a neuron. A bound has one plane more than a potential, the top one inverted.
#[derive(Debug, Clone, Copy)]
enum Section {
    /// Bound from which it fires.
    FiresAt,
    /// Bound from which it stays.
    StaysAt,
    Leak,
    /// Potential after a spike and after falling below, where it is not linear.
    AfterSpike,
    AfterFall,
    /// What a linear reset takes away.
    Threshold,
    Floor,
}

impl Section {
    /// Where it is, with `bits` planes of a potential.
    const fn range(self, bits: usize) -> std::ops::Range<usize> {
        let bounds = 2 * (bits + 1);
        match self {
            Self::FiresAt => 0..bits + 1,
            Self::StaysAt => bits + 1..bounds,
            other => {
                let start = bounds + (other as usize - 2) * bits;
                start..start + bits
            }
        }
    }
}

/// What 64 neurons do without input.
#[derive(Debug, Clone)]
struct Rest {
    /// Whether they are at rest.
    now: bool,
    /// Potentials that stay as they are without input, where some are known, and who fires there.
    potentials: Option<Vec<u64>>,
    fires: u64,
}

/// The neurons of one core.
#[derive(Debug, Clone)]
pub(in crate::emu) struct SlicedCore {
    bits: usize,
    axons: usize,
    /// Of each neuron.
    lane_of: Vec<u32>,
    /// Of each lane, ascending.
    neuron_of: Vec<u32>,
    constants: Vec<Constants>,
    /// Distinct weights, or the bits of all weights where there are fewer of those.
    weights: Vec<i64>,
    /// Axons that have a synapse.
    listened: Vec<u64>,
    /// Synapses: `[block][axon][word]`, a bit for each lane. The words of all blocks are `[weight][group]`; blocks have four
    /// words, the last may have one or two.
    synapses: Vec<u64>,
    /// `[group][plane]`
    potentials: Vec<u64>,
    after: Vec<u64>,
    /// Lanes that a spike of this tick reaches.
    reached: Vec<u64>,
    rests: Vec<Rest>,
    /// Groups whose potentials are in `after`.
    moved: Vec<u32>,
    /// Potentials of neurons without lane.
    fixed: Vec<i64>,
    /// Lanes that fire in this tick.
    fires: Vec<u64>,
    /// Groups that are not at rest.
    restless: usize,
    /// Whether a group fires without input.
    drones: bool,
    /// Room for the axons with a spike in this tick.
    spiking: Vec<u32>,
}

impl SlicedCore {
    pub(in crate::emu) fn new(params: &RancParams, core: &RancCore) -> Self {
        let bits = params.potential_width as usize;
        let axons = params.num_axons as usize;
        let can_move = |neuron: &RancNeuron| {
            let reached = crate::bits::ones(neuron.connections.words())
                .any(|axon| neuron.weights[core.axon_types[axon] as usize] != 0);
            reached || finish(neuron, neuron.potential, params.potential_width) != (neuron.potential, false)
        };
        let mut lane_of = vec![NO_LANE; core.neurons.len()];
        let mut neuron_of = Vec::new();
        for (index, lane) in lane_of.iter_mut().enumerate() {
            if can_move(&core.neurons[index]) {
                *lane = u32::try_from(neuron_of.len()).expect("at most 65536 neurons");
                neuron_of.push(u32::try_from(index).expect("at most 65536 neurons"));
            }
        }
        let groups = neuron_of.len().div_ceil(LANES);
        let (weights, by_bits) = choose_weights(core, params);
        let mut this = Self {
            bits,
            axons,
            constants: (0..groups).map(|_| Constants::new(bits)).collect(),
            synapses: vec![0; (groups * weights.len()).next_multiple_of(4) * axons],
            potentials: vec![0; groups * bits],
            after: vec![0; groups * bits],
            reached: vec![0; groups],
            listened: vec![0; axons.div_ceil(64)],
            rests: vec![Rest { now: false, potentials: None, fires: 0 }; groups],
            moved: Vec::with_capacity(groups),
            fixed: core.neurons.iter().map(|neuron| neuron.potential).collect(),
            fires: vec![0; groups],
            restless: groups,
            drones: false,
            spiking: vec![0; axons],
            weights,
            lane_of,
            neuron_of,
        };
        for (lane, &index) in this.neuron_of.iter().enumerate() {
            let neuron = &core.neurons[index as usize];
            let group = lane / LANES;
            this.constants[group].put(bits, lane % LANES, neuron);
            put(&mut this.potentials[group * bits..][..bits], lane % LANES, neuron.potential);
            for axon in crate::bits::ones(neuron.connections.words()) {
                let weight = neuron.weights[core.axon_types[axon] as usize];
                for (class, &unit) in this.weights.iter().enumerate() {
                    let hit = if by_bits { weight >> class & 1 != 0 } else { weight == unit };
                    let word = class * groups + group;
                    let (first, width) = block(word, groups * this.weights.len());
                    let place = first * axons + axon * width + word - first;
                    this.synapses[place] |= u64::from(hit) << (lane % LANES);
                    this.listened[axon / 64] |= u64::from(hit) << (axon % 64);
                }
            }
        }
        this
    }

    /// Whether a tick without input does nothing: no potential moves and nobody fires.
    #[inline]
    pub(in crate::emu) const fn is_silent(&self) -> bool {
        self.restless == 0 && !self.drones
    }

    /// One tick with the spikes of `row`: who fires is in [`Self::fires`], potentials after it wait for [`Self::commit`].
    pub(in crate::emu) fn compute(&mut self, row: &[u64]) {
        self.moved.clear();
        if self.constants.is_empty() {
            return;
        }
        if self.restless == 0 && row.iter().all(|&word| word == 0) {
            for (fires, rest) in self.fires.iter_mut().zip(&self.rests) {
                *fires = rest.fires;
            }
            return;
        }
        self.after.copy_from_slice(&self.potentials);
        self.reached.fill(0);
        self.integrate(row);
        for group in 0..self.constants.len() {
            self.compute_group(group);
        }
    }

    /// Adds the spikes of `row` to `after`.
    #[inline]
    fn integrate(&mut self, row: &[u64]) {
        let mut spikes = 0;
        for (word, (&set, &listened)) in (0_u32..).zip(row.iter().zip(&self.listened)) {
            let mut left = set & listened;
            while left != 0 {
                self.spiking[spikes] = word * 64 + left.trailing_zeros();
                spikes += 1;
                left &= left - 1;
            }
        }
        match spikes {
            0 => {}
            // Counts of so many fit 8 planes.
            1..256 => self.add_all::<8>(spikes),
            _ => self.add_all::<17>(spikes),
        }
    }

    #[inline]
    fn add_all<const PLANES: usize>(&mut self, spikes: usize) {
        let words = self.weights.len() * self.constants.len();
        let mut at = 0;
        while at < words {
            let (_, width) = block(at, words);
            match width {
                1 => self.add_counts::<1, PLANES>(at, spikes),
                2 => self.add_counts::<2, PLANES>(at, spikes),
                _ => self.add_counts::<4, PLANES>(at, spikes),
            }
            at += width;
        }
    }

    /// Counts the spikes of the block that begins with word `at`, and adds weight times count to `after`.
    #[inline]
    fn add_counts<const WORDS: usize, const PLANES: usize>(&mut self, at: usize, spikes: usize) {
        let (groups, bits) = (self.constants.len(), self.bits);
        let masks = &self.synapses[at * self.axons..][..self.axons * WORDS];
        let counts = count_masks::<WORDS, PLANES>(masks.as_chunks().0, &self.spiking[..spikes]);
        let (mut class, mut group) = (at / groups, at % groups);
        let of_words: [[u64; PLANES]; WORDS] =
            std::array::from_fn(|word| std::array::from_fn(|plane| counts[plane][word]));
        for count in &of_words {
            let hit = count.iter().fold(0, |hit, plane| hit | plane);
            if hit != 0 {
                self.reached[group] |= hit;
                add_product(&mut self.after[group * bits..][..bits], count, self.weights[class]);
            }
            group += 1;
            if group == groups {
                (class, group) = (class + 1, 0);
            }
        }
    }

    #[inline]
    fn compute_group(&mut self, group: usize) {
        let bits = self.bits;
        let before = &self.potentials[group * bits..][..bits];
        let sum = &mut self.after[group * bits..][..bits];
        let reached = self.reached[group];
        let rest = &mut self.rests[group];
        if reached == 0 && rest.now {
            self.fires[group] = rest.fires;
            return;
        }
        let fires = self.constants[group].finish(sum);
        self.fires[group] = fires;
        if reached == 0 && sum == before {
            rest.now = true;
            self.restless -= 1;
            // Allocates once a group: later rests use the room again.
            let known = rest.potentials.get_or_insert_default();
            known.clear();
            known.extend_from_slice(sum);
            rest.fires = fires;
            self.drones |= fires != 0;
            return;
        }
        // Where the potentials are what they were, nothing else about them has changed.
        if sum == before {
            return;
        }
        self.moved.push(u32::try_from(group).expect("at most 1024 groups"));
    }

    /// The potentials after the tick become those before the next.
    pub(in crate::emu) fn commit(&mut self) {
        let bits = self.bits;
        for group in self.moved.drain(..) {
            let group = group as usize;
            let (now, after) = (&mut self.potentials[group * bits..][..bits], &self.after[group * bits..][..bits]);
            now.copy_from_slice(after);
            let rest = &mut self.rests[group];
            let rests = rest.potentials.as_ref().is_some_and(|known| known == after);
            self.restless = self.restless + usize::from(rest.now) - usize::from(rests);
            rest.now = rests;
        }
    }

    /// Lanes that fire in this tick.
    #[inline]
    pub(in crate::emu) fn fires(&self) -> &[u64] {
        &self.fires
    }

    /// The neurons that fire in this tick, ascending.
    #[inline]
    pub(in crate::emu) fn fired(&self, mut tell: impl FnMut(u32)) {
        for (group, &fires) in self.fires.iter().enumerate() {
            let mut left = fires;
            while left != 0 {
                tell(self.neuron_of[group * LANES + left.trailing_zeros() as usize]);
                left &= left - 1;
            }
        }
    }

    /// The first lane from `lane` on that fires in this tick.
    #[inline]
    pub(in crate::emu) fn next_fire(&self, lane: usize) -> Option<usize> {
        let mut group = lane / LANES;
        let mut left = self.fires.get(group)? & (u64::MAX << (lane % LANES));
        while left == 0 {
            group += 1;
            left = *self.fires.get(group)?;
        }
        Some(group * LANES + left.trailing_zeros() as usize)
    }

    /// How many neurons there are.
    pub(in crate::emu) const fn neurons(&self) -> usize {
        self.lane_of.len()
    }

    /// How many neurons have a lane.
    pub(in crate::emu) const fn lanes(&self) -> usize {
        self.neuron_of.len()
    }

    /// Whether anything can ever move a neuron.
    pub(in crate::emu) fn has_lane(&self, neuron: usize) -> bool {
        self.lane_of[neuron] != NO_LANE
    }

    /// The first lane whose neuron is `neuron` or later.
    pub(in crate::emu) fn lane_from(&self, neuron: usize) -> usize {
        self.neuron_of.partition_point(|&other| (other as usize) < neuron)
    }

    /// The neuron of a lane.
    #[inline]
    pub(in crate::emu) fn neuron(&self, lane: usize) -> u32 {
        self.neuron_of[lane]
    }

    /// Potential of a neuron before this tick, and after it.
    pub(in crate::emu) fn potential(&self, neuron: usize) -> (i64, i64) {
        let lane = self.lane_of[neuron];
        if lane == NO_LANE {
            return (self.fixed[neuron], self.fixed[neuron]);
        }
        let (group, lane) = (lane as usize / LANES, lane as usize % LANES);
        let planes = |of: &[u64]| get(&of[group * self.bits..][..self.bits], lane);
        let before = planes(&self.potentials);
        let moved = self.moved.iter().any(|&moved| moved as usize == group);
        (before, if moved { planes(&self.after) } else { before })
    }

    /// Sets all potentials, outside of a tick.
    pub(in crate::emu) fn set_potentials(&mut self, values: &[i64]) {
        self.moved.clear();
        for (lane, &neuron) in self.neuron_of.iter().enumerate() {
            let planes = &mut self.potentials[lane / LANES * self.bits..][..self.bits];
            put(planes, lane % LANES, values[neuron as usize]);
        }
        for rest in &mut self.rests {
            rest.now = false;
        }
        self.restless = self.rests.len();
    }
}

/// The block of synapse words that word `at` of `words` lies in: its first word and its width.
const fn block(at: usize, words: usize) -> (usize, usize) {
    let first = at / 4 * 4;
    let width = match words - first {
        1 => 1,
        2 => 2,
        _ => 4,
    };
    (first, width)
}

/// The distinct weights of a core's synapses, or the units of their bits where there are fewer of these; whether bits.
fn choose_weights(core: &RancCore, params: &RancParams) -> (Vec<i64>, bool) {
    let mut distinct = std::collections::BTreeSet::new();
    for neuron in &core.neurons {
        for axon in crate::bits::ones(neuron.connections.words()) {
            distinct.insert(neuron.weights[core.axon_types[axon] as usize]);
        }
    }
    distinct.remove(&0);
    if distinct.len() <= params.weight_width as usize {
        return (distinct.into_iter().collect(), false);
    }
    let sign = params.weight_width - 1;
    ((0..params.weight_width).map(|bit| if bit == sign { -(1 << bit) } else { 1 << bit }).collect(), true)
}

impl Constants {
    fn new(bits: usize) -> Self {
        let planes = vec![0; Section::Floor.range(bits).end];
        Self { used: 0, linear: 0, has_leak: false, has_reset: false, by_sign: true, planes }
    }

    fn put(&mut self, bits: usize, lane: usize, neuron: &RancNeuron) {
        let limit = 1_i64 << (bits - 1);
        let width = u32::try_from(bits).expect("at most 40 bits");
        let linear = neuron.reset_mode == 1;
        let hard = if neuron.reset_mode == 0 { neuron.reset_potential } else { 0 };
        let if_linear = |value: i64| if linear { value } else { 0 };
        // A bound beyond the potentials is as good as the first beyond them.
        let numbers = [
            (Section::FiresAt, neuron.positive_threshold.clamp(-limit, limit)),
            (Section::StaysAt, neuron.negative_threshold.clamp(-limit, limit)),
            (Section::Leak, neuron.leak),
            (Section::AfterSpike, hard),
            (Section::AfterFall, wrap(-hard, width)),
            (Section::Threshold, if_linear(neuron.positive_threshold)),
            (Section::Floor, if_linear(neuron.negative_threshold)),
        ];
        for (section, value) in numbers {
            put(&mut self.planes[section.range(bits)], lane, value);
        }
        for section in [Section::FiresAt, Section::StaysAt] {
            self.planes[section.range(bits).end - 1] ^= 1 << lane;
        }
        self.used |= 1 << lane;
        self.linear |= u64::from(linear) << lane;
        self.has_leak |= neuron.leak != 0;
        self.has_reset |= hard != 0;
        self.by_sign &= (neuron.positive_threshold, neuron.negative_threshold) == (0, 0);
    }

    /// Leak, thresholds and reset; `sum` becomes the potentials after the tick. Who fires.
    #[inline]
    fn finish(&self, sum: &mut [u64]) -> u64 {
        // RANC's own width is worth its own loops.
        match <&mut [u64; 9]>::try_from(&mut *sum) {
            Ok(sum) => self.finish_planes(sum, 9),
            Err(_) => self.finish_planes(sum, sum.len()),
        }
    }

    #[inline(always)]
    fn finish_planes(&self, sum: &mut [u64], bits: usize) -> u64 {
        let number = |section: Section| &self.planes[section.range(bits)];
        if self.has_leak {
            add_shifted(sum, number(Section::Leak), 0);
        }
        let (fires, stays) = if self.by_sign {
            (!sum[bits - 1], !sum[bits - 1])
        } else {
            (at_least(sum, number(Section::FiresAt)), at_least(sum, number(Section::StaysAt)))
        };
        let (fires, falls) = (fires & self.used, !(fires | stays) & self.used);
        let (by_threshold, by_floor) = (fires & self.linear, falls & self.linear);
        if by_threshold | by_floor != 0 {
            let mut taken = [0_u64; MAX_PLANES];
            let planes = number(Section::Threshold).iter().zip(number(Section::Floor));
            for (taken, (threshold, floor)) in taken.iter_mut().zip(planes) {
                *taken = threshold & by_threshold | floor & by_floor;
            }
            subtract_shifted(sum, &taken[..bits], 0);
        }
        let (fires_hard, falls_hard) = (fires & !self.linear, falls & !self.linear);
        let stays = !(fires_hard | falls_hard);
        sum.iter_mut().for_each(|sum| *sum &= stays);
        if self.has_reset {
            let planes = number(Section::AfterSpike).iter().zip(number(Section::AfterFall));
            for (sum, (spike, fall)) in sum.iter_mut().zip(planes) {
                *sum |= spike & fires_hard | fall & falls_hard;
            }
        }
        fires
    }
}
