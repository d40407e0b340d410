//! The Loihi-style core: synapse lists, delay ring of dendritic sums, CUBA LIF compartments.
//!
//! Dialects differ in [`soma`] and in what a weight exponent does: lava sums the weights of one projection and delay
//! and shifts the sum (floor where negative), the others shift every weight when it is loaded.

mod flat;
mod lanes;
mod learn;
mod load;
mod plastic;
mod sheet;
mod soma;
mod tree;

use super::super::counters::EventCounts;
use super::super::program::{Identity, Times};
use super::exponent::{Shifted, ShiftedSums, loaded_weights};
use super::{Sweep, prefetch};
use crate::chip::{CubaSpec, Dialect};
use crate::event::Event;
use crate::image;
use flat::{Flat, REACH};
use lanes::{Block, Blocks, Cells, LANES, LAVA, Marks, NENGO, Totals};
pub(super) use learn::{LearnState, Learning, Lesson};
use load::{costs_of, load_list};
pub(super) use load::{events_of, time_of};
pub(super) use plastic::Effect;
pub(in crate::emu) use sheet::{Sheet, SheetState};
use soma::{Compartment, Next};
use tree::{TreeState, Trees};

/// A list of synapses in one format.
#[derive(Debug)]
struct List {
    first: u32,
    count: u32,
    /// The first of its sums that are shifted, one a delay; `None`: its weights go to the ring at once.
    shifted: Option<u32>,
    /// Left shift of its weights.
    shift: u32,
    exponent: i8,
    kind: Kind,
}

/// How a list can be worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Consecutive targets from this one, no delays.
    Run(u16),
    /// Any targets, no delays.
    Scattered,
    /// Any targets with delays.
    Delayed,
    /// Synapses of this learning group from this one of it on: weights change, and delays may.
    Plastic(u32, u32),
    /// The same where targets are consecutive from this one, and nothing but the weight counts.
    PlasticRun(u32, u32, u16),
}

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct CubaCore {
    compartments: Vec<Compartment>,
    /// The same by blocks, where they can be worked through so.
    blocks: Option<Blocks>,
    /// Whether any compartment has a refractory time.
    refractory: bool,
    /// All synapses, where they can be laid out so: then the lists hold none.
    flat: Option<Flat>,
    lists: Vec<List>,
    targets: Vec<u16>,
    weights: Vec<i16>,
    delays: Vec<u8>,
    axon_offsets: Vec<u32>,
    uses: Vec<image::ListUse>,
    /// What the packets of each axon cost, by its number in `costs`.
    axon_costs: Vec<u32>,
    /// Synapses (dense, sparse, shared) and the time of a packet in picoseconds.
    costs: Vec<([u32; 3], u64)>,
    shifted: Vec<Shifted>,
    initial: Vec<image::InitialState>,
    dialect: Dialect,
    /// Rows of the delay ring.
    rows: usize,
    /// u and v reach from -limit to +limit.
    limit: i32,
    /// What learns.
    learning: Option<Box<Learning>>,
    /// Dendrites, adaptation and noise, where any compartment has them.
    trees: Option<Box<Trees>>,
}

impl CubaCore {
    pub(in crate::emu) fn new(
        image: &image::CubaCore,
        spec: &CubaSpec,
        times: &Times,
        identities: &[Identity],
    ) -> Self {
        let sums = ShiftedSums::new(image, spec.dialect);
        let configs: Vec<Compartment> = image.configs.iter().map(Compartment::new).collect();
        let compartments: Vec<Compartment> = image.config_of.iter().map(|&entry| configs[usize::from(entry)]).collect();
        let trees = Trees::new(image, spec, identities).map(Box::new);
        let plain = trees.is_none() && spec.dialect != Dialect::Brian2;
        let lanes = plain && lanes::fits(&compartments, spec.state_bits.into());
        let mut core = Self {
            blocks: lanes.then(|| Blocks::of([&compartments[..]])),
            refractory: compartments.iter().any(|compartment| compartment.refractory > 1),
            compartments,
            flat: None,
            lists: image.lists.iter().map(|list| load_list(image, list, &sums, spec.dialect)).collect(),
            targets: image.synapses.iter().map(|synapse| synapse.target).collect(),
            weights: loaded_weights(image, spec.dialect),
            delays: image.synapses.iter().map(|synapse| synapse.delay).collect(),
            axon_offsets: image.axon_offsets.clone(),
            uses: image.list_uses.clone(),
            axon_costs: Vec::new(),
            costs: Vec::new(),
            shifted: sums.sums,
            initial: image.initial.clone(),
            dialect: spec.dialect,
            rows: usize::from(image.synapses.iter().map(|synapse| synapse.delay).max().unwrap_or(0)) + 1,
            learning: Learning::new(image, spec).map(Box::new),
            trees,
            limit: (1_i32 << (u32::from(spec.state_bits).clamp(2, 31) - 1)) - 1,
        };
        core.lists_learn();
        (core.axon_costs, core.costs) = costs_of(image, times);
        core.flat = Flat::new(&core);
        if core.flat.is_some() {
            (core.targets, core.weights, core.delays) = Default::default();
            (core.lists, core.uses, core.axon_offsets) = Default::default();
        }
        core
    }

    /// Compartments and what fills their last block.
    fn padded(&self) -> usize {
        self.compartments.len().next_multiple_of(LANES)
    }

    pub(super) fn reset(&self) -> State {
        let neurons = self.padded();
        let blocks = neurons / LANES;
        let mut state = State {
            u: vec![[0; LANES]; blocks],
            v: vec![[0; LANES]; blocks],
            silent: vec![[0; LANES]; blocks],
            sums: vec![
                0;
                match &self.flat {
                    Some(flat) if flat.len() > 0 => 2 * REACH,
                    _ => self.rows * neurons,
                }
            ],
            filled: vec![false; self.rows],
            shifted: vec![0; self.shifted.len() * neurons],
            touched: vec![false; self.shifted.len()],
            inbox: Vec::new(),
            marks: Vec::new(),
            learned: self.learning.as_ref().map(|learning| Box::new(LearnState::new(learning))),
            trees: self.trees.as_ref().map(|trees| Box::new(trees.reset())),
        };
        state.begin(self);
        state
    }

    /// Counts the synaptic events of `times` packets for `axon`.
    pub(super) fn count_synapses(&self, axon: u16, times: u64, counts: &mut EventCounts) {
        count_events(self.costs[self.axon_costs[usize::from(axon)] as usize].0, times, counts);
    }

    /// Asks memory for what [`Self::axon_time`] looks up.
    pub(super) fn fetch_axon_time(&self, axon: u16) {
        prefetch(&self.axon_costs, axon.into());
    }

    /// Time that a packet for `axon` takes, its synapses included, in picoseconds.
    pub(super) fn axon_time(&self, axon: u16) -> u64 {
        self.costs[self.axon_costs[usize::from(axon)] as usize].1
    }
}

/// Counts the events of `times` packets with these (dense, sparse, shared) synapses.
pub(super) fn count_events(events: [u32; 3], times: u64, counts: &mut EventCounts) {
    let [dense, sparse, shared] = events.map(|events| times * u64::from(events));
    counts.add(Event::SynapseDense, dense);
    counts.add(Event::SynapseSparse, sparse);
    counts.add(Event::SynapseShared, shared);
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    u: Vec<Block>,
    v: Vec<Block>,
    /// Ticks that each neuron is still refractory.
    silent: Vec<Block>,
    /// Dendritic sums by ring row, neuron. They wrap at 32 bits, as lava's do.
    sums: Vec<i32>,
    /// Whether anything was added to a row.
    filled: Vec<bool>,
    /// Sums to be shifted, by sum, neuron; 0 between ticks.
    shifted: Vec<i32>,
    /// Whether anything was added to a shifted sum.
    touched: Vec<bool>,
    /// Axons of the packets that are integrated next.
    inbox: Vec<u16>,
    /// What the last tick did, by block.
    marks: Vec<Marks>,
    /// What the core has learned.
    learned: Option<Box<LearnState>>,
    /// What compartments with dendrites, adaptation and noise have beside u and v.
    trees: Option<Box<TreeState>>,
}

impl State {
    pub(super) fn reset(&mut self, core: &CubaCore) {
        self.u.fill([0; LANES]);
        self.v.fill([0; LANES]);
        self.silent.fill([0; LANES]);
        let used = self.sums.len().min(core.rows * core.padded());
        self.sums[..used].fill(0);
        self.filled.fill(false);
        self.inbox.clear();
        if let (Some(state), Some(trees)) = (&mut self.trees, &core.trees) {
            **state = trees.reset();
        }
        if let Some(learned) = &mut self.learned {
            learned.reset();
        }
        self.begin(core);
    }

    /// Compartments that do not start at 0.
    fn begin(&mut self, core: &CubaCore) {
        for start in &core.initial {
            let at = usize::from(start.compartment);
            (self.u.as_flattened_mut()[at], self.v.as_flattened_mut()[at]) = (start.u, start.v);
        }
    }

    pub(super) fn current(&self, neuron: usize) -> i32 {
        self.u[neuron / LANES][neuron % LANES]
    }

    pub(super) fn membrane(&self, neuron: usize) -> i32 {
        self.v[neuron / LANES][neuron % LANES]
    }

    pub(super) fn accept(&mut self, axon: u16) {
        self.inbox.push(axon);
    }

    /// Works through the synapses of all packets that came since the tick before; whether there is input in `tick`.
    pub(super) fn integrate(&mut self, core: &CubaCore, tick: u32) -> bool {
        if let Some(flat) = &core.flat {
            if let Some(sums) = self.sums.first_chunk_mut() {
                flat.add(&self.inbox, sums);
            }
            self.filled[0] |= !self.inbox.is_empty();
            self.inbox.clear();
            return self.filled[0];
        }
        let inbox = std::mem::take(&mut self.inbox);
        for axon in inbox.iter().map(|&axon| usize::from(axon)) {
            for used in &core.uses[core.axon_offsets[axon] as usize..core.axon_offsets[axon + 1] as usize] {
                self.add_list(core, used, tick);
            }
        }
        if let (Some(learned), Some(learning)) = (&mut self.learned, &core.learning) {
            learned.note(learning, inbox.iter().map(|&axon| (axon, 1)));
        }
        self.inbox = inbox;
        if !self.inbox.is_empty() {
            self.inbox.clear();
            self.fold_shifted(core, tick);
        }
        self.filled[tick as usize % core.rows]
    }

    /// The tick of every compartment, ascending.
    pub(super) fn update(&mut self, core: &CubaCore, tick: u32, sweep: &mut Sweep<'_>) {
        if let Some(trees) = &core.trees {
            let rule = match core.dialect {
                Dialect::Lava => soma::LAVA,
                Dialect::Nengo | Dialect::ChipBestGuess => soma::NENGO,
                Dialect::Brian2 => soma::BRIAN2,
            };
            return self.climb(core, trees, tick, sweep, rule);
        }
        match (core.dialect, &core.blocks) {
            (Dialect::Lava, Some(blocks)) if core.refractory => self.stride::<LAVA, true>(core, blocks, tick, sweep),
            (Dialect::Lava, Some(blocks)) => self.stride::<LAVA, false>(core, blocks, tick, sweep),
            (_, Some(blocks)) if core.refractory => self.stride::<NENGO, true>(core, blocks, tick, sweep),
            (_, Some(blocks)) => self.stride::<NENGO, false>(core, blocks, tick, sweep),
            (Dialect::Lava, None) => self.walk(core, tick, sweep, soma::lava),
            (Dialect::Nengo | Dialect::ChipBestGuess, None) => self.walk(core, tick, sweep, soma::nengo),
            (Dialect::Brian2, None) => self.walk(core, tick, sweep, soma::brian2),
        }
    }

    /// The tick block by block.
    fn stride<const RULE: u8, const SILENT: bool>(
        &mut self,
        core: &CubaCore,
        blocks: &Blocks,
        tick: u32,
        sweep: &mut Sweep<'_>,
    ) {
        let padded = core.padded();
        let row = tick as usize % core.rows;
        let sums = self.sums[row * padded..(row + 1) * padded].as_chunks_mut::<LANES>().0;
        let (u, v, silent) = (&mut self.u, &mut self.v, &mut self.silent);
        let mut cells = Cells { sums, u, v, silent };
        let totals = lanes::tick::<RULE, SILENT, _>(blocks, 0..blocks.len(), core.limit, &mut cells, &mut self.marks);
        pass_all(sweep, core.compartments.len(), &self.marks, totals);
        self.filled[row] = false;
    }

    /// The tick with the arithmetic of one dialect.
    #[inline]
    fn walk(
        &mut self,
        core: &CubaCore,
        tick: u32,
        sweep: &mut Sweep<'_>,
        soma: impl Fn(&Compartment, i32, i32, i32, i32) -> Next,
    ) {
        let (neurons, padded) = (core.compartments.len(), core.padded());
        let row = tick as usize % core.rows;
        let sums = &mut self.sums[row * padded..][..neurons];
        let (us, vs, silents) = (self.u.as_flattened_mut(), self.v.as_flattened_mut(), self.silent.as_flattened_mut());
        let times = sweep.program.times;
        for (neuron, &a) in sums.iter().enumerate() {
            let compartment = &core.compartments[neuron];
            let (u_before, v_before, silent) = (us[neuron], vs[neuron], silents[neuron]);
            let next = soma(compartment, core.limit, a, u_before, v_before);
            let held = if silent > 0 { 0 } else { next.v };
            let fires = silent == 0 && held > compartment.threshold;
            let v = if fires { 0 } else { held };
            (us[neuron], vs[neuron]) = (next.u, v);
            silents[neuron] = (if fires { compartment.refractory.into() } else { silent } - 1).max(0);
            let active = u64::from(a != 0 || next.u != u_before || v != v_before || fires || silent > 0);
            sweep.active += active;
            sweep.faults.overflows += u64::from(next.overflows);
            sweep.now += times.access + active * times.update;
            if fires {
                sweep.fire(neuron);
            }
        }
        if self.filled[row] {
            sums.fill(0);
            self.filled[row] = false;
        }
    }

    /// Shifts the sums that are complete with this tick's packets, and adds them to the ring rows of their delays.
    fn fold_shifted(&mut self, core: &CubaCore, tick: u32) {
        let neurons = core.padded();
        for (number, sum) in core.shifted.iter().enumerate() {
            if !std::mem::replace(&mut self.touched[number], false) {
                continue;
            }
            let row = row_of(core, tick, sum.delay);
            self.filled[row] = true;
            let ring = &mut self.sums[row * neurons..(row + 1) * neurons];
            let whole = &mut self.shifted[number * neurons..(number + 1) * neurons];
            for (to, from) in ring.iter_mut().zip(whole) {
                *to = to.wrapping_add(*from >> sum.places);
                *from = 0;
            }
        }
    }

    /// Adds one list to the ring rows of its synapses' delays, or to the sums that are shifted first.
    fn add_list(&mut self, core: &CubaCore, used: &image::ListUse, tick: u32) {
        let list = &core.lists[used.list as usize];
        let span = list.first as usize..list.first as usize + list.count as usize;
        let neurons = core.padded();
        let weights = &core.weights[span.clone()];
        // Rows of the buffer that the list is added to: the ring's, or the shifted sums from its first.
        let (buffer, used_rows, now, rows) = match list.shifted {
            None => (&mut self.sums, &mut self.filled, row_of(core, tick, 0), core.rows),
            Some(first) => (&mut self.shifted, &mut self.touched, first as usize, usize::MAX),
        };
        let row_at = |delay: u8| {
            let row = now + usize::from(delay);
            if row < rows { row } else { row - rows }
        };
        let base = usize::from(used.base);
        let add = |sum: &mut i32, weight: i16| *sum = sum.wrapping_add(i32::from(weight).wrapping_shl(list.shift));
        match list.kind {
            Kind::Run(first) => {
                let sums = &mut buffer[now * neurons + base + usize::from(first)..][..weights.len()];
                sums.iter_mut().zip(weights).for_each(|(sum, &weight)| add(sum, weight));
                used_rows[now] = true;
            }
            Kind::Scattered => {
                let sums = &mut buffer[now * neurons..(now + 1) * neurons][base..];
                for (&target, &weight) in core.targets[span].iter().zip(weights) {
                    add(&mut sums[usize::from(target)], weight);
                }
                used_rows[now] |= !weights.is_empty();
            }
            Kind::PlasticRun(group, first, target) => {
                let (Some(learning), Some(learned)) = (&core.learning, &self.learned) else { return };
                let (weights, _) = learned.synapses(learning, group);
                let weights = &weights[first as usize..first as usize + list.count as usize];
                let sums = &mut buffer[now * neurons + base + usize::from(target)..][..weights.len()];
                sums.iter_mut().zip(weights).for_each(|(sum, &weight)| add(sum, weight));
                used_rows[now] = true;
            }
            Kind::Plastic(group, first) => {
                let (Some(learning), Some(learned)) = (&core.learning, &self.learned) else { return };
                let synapses = plastic::synapses(core, list, learning, learned, (group, first));
                for (target, delay, weight) in synapses {
                    let row = row_at(delay);
                    let sum = &mut buffer[row * neurons + base + usize::from(target)];
                    *sum = sum.wrapping_add(weight);
                    used_rows[row] = true;
                }
            }
            Kind::Delayed => {
                let targets = core.targets[span.clone()].iter().zip(&core.delays[span]);
                for ((&target, &delay), &weight) in targets.zip(weights) {
                    let row = row_at(delay);
                    add(&mut buffer[row * neurons + base + usize::from(target)], weight);
                    used_rows[row] = true;
                }
            }
        }
    }
}

/// The neuron unit goes over all `compartments`, block by block; those that fire send their packets.
fn pass_all(sweep: &mut Sweep<'_>, compartments: usize, marks: &[Marks], totals: Totals) {
    sweep.active += totals.active;
    sweep.faults.overflows += totals.overflows;
    if sweep.timing {
        fetch_ahead(sweep, marks);
        let firsts = (0..).step_by(LANES);
        firsts.zip(marks).for_each(|(first, &marks)| pass(sweep, first, (compartments - first).min(LANES), marks));
        return;
    }
    each_fired(marks, |neuron| sweep.fire(neuron));
}

/// Asks memory for the targets of all that fired.
fn fetch_ahead(sweep: &Sweep<'_>, marks: &[Marks]) {
    let core = sweep.core;
    each_fired(marks, |neuron| prefetch(&core.out_offsets, neuron));
    each_fired(marks, |neuron| core.prefetch_targets(neuron));
}

/// Calls `neuron` with every compartment that fired, ascending.
#[inline]
fn each_fired(marks: &[Marks], mut neuron: impl FnMut(usize)) {
    for (first, marks) in (0..).step_by(LANES).zip(marks) {
        let mut fired = marks.fired;
        while fired != 0 {
            neuron(first + fired.trailing_zeros() as usize);
            fired &= fired - 1;
        }
    }
}

/// The neuron unit goes on over `count` compartments from `first`, in their time.
fn pass(sweep: &mut Sweep<'_>, first: usize, count: usize, marks: Marks) {
    let times = sweep.program.times;
    let (mut fired, mut active, mut done) = (marks.fired, u64::from(marks.active), 0);
    while fired != 0 {
        let lane = fired.trailing_zeros();
        let lanes = lane + 1 - done;
        let now = active & ((1 << lanes) - 1);
        sweep.now += u64::from(lanes) * times.access + u64::from(now.count_ones()) * times.update;
        active >>= lanes;
        done = lane + 1;
        sweep.fire(first + lane as usize);
        fired &= fired - 1;
    }
    let lanes = count as u64 - u64::from(done);
    sweep.now += lanes * times.access + u64::from(active.count_ones()) * times.update;
}

/// The ring row of what arrives `delay` ticks after `tick`.
fn row_of(core: &CubaCore, tick: u32, delay: u8) -> usize {
    let row = tick as usize % core.rows + usize::from(delay);
    if row < core.rows { row } else { row - core.rows }
}
