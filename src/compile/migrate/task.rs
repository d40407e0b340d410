//! What a migration is told: nets with their spikes tick by tick, the cores that may be used, and the chip's times.

use super::super::traffic::{Rates, Trains};
use crate::chip::{ChipSpec, UnitTimes};
use crate::event::Event;
use crate::graph::{IntGraph, Pattern};

/// Ticks of the run whose load is looked at: more are thinned out evenly.
const MOST_TICKS: usize = 256;

/// The spikes of a neuron or an input and who hears them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Net {
    /// The neuron; `None`: an input, whose packets come from the host.
    pub(super) source: Option<u32>,
    /// Spikes of the whole run.
    pub(super) spikes: f64,
    /// Spikes as (tick that is looked at, number), ascending.
    pub(super) fires: Vec<(u32, f32)>,
    /// Targets as (neuron, picoseconds of the synapses on it), ascending, each once. A block's times are those of its
    /// neurons, in [`Task::synapses`]; they are 0 here.
    pub(super) pins: Vec<(u32, f32)>,
    /// Axons that it takes on every core with targets: of neurons that move together several nets may be one.
    pub(super) axons: u64,
}

/// Times of a core's parts in picoseconds; 0 where the chip's are not known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Times {
    /// Of a neuron in a tick: looked at and updated. That one at rest is not updated counts nothing here.
    pub(super) neuron: f32,
    /// Of a spike, besides its packets.
    pub(super) spike_out: f32,
    /// Of a packet at its sender.
    pub(super) axon_out: f32,
    /// Of a packet at its receiver, besides the synapses.
    pub(super) axon_in: f32,
}

/// What a core holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) neurons: u32,
    pub(super) axons_in: u64,
    pub(super) axons_out: u64,
    /// Synapse memory in bits, shared weights and the air in words and blocks aside.
    pub(super) bits: u64,
}

/// Neurons to be moved among cores that stand, one by one or in blocks (see `blocks.rs`): then each block is one here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    pub(super) nets: Vec<Net>,
    /// Ticks that are looked at.
    pub(super) ticks: usize,
    /// Router (x, y) of every core that may be used.
    pub(super) places: Vec<(u16, u16)>,
    /// The host's router.
    pub(super) host: (u16, u16),
    pub(super) limits: Limits,
    pub(super) times: Times,
    /// Synapse memory of each neuron in bits.
    pub(super) bits: Vec<u64>,
    /// Compartments that each takes.
    pub(super) sizes: Vec<u32>,
    /// For each what its synapses take: (tick, picoseconds), ascending; see [`synapse_times`].
    pub(super) synapses: Vec<Vec<(u32, f32)>>,
}

impl Task {
    pub(super) fn neurons(&self) -> usize {
        self.bits.len()
    }

    /// Links that a packet from one core, or from the host, to another crosses.
    pub(super) fn hops(&self, from: Option<u32>, to: u32) -> f64 {
        let (x, y) = from.map_or(self.host, |core| self.places[core as usize]);
        let (to_x, to_y) = self.places[to as usize];
        f64::from(x.abs_diff(to_x)) + f64::from(y.abs_diff(to_y))
    }
}

/// For each neuron what its synapses take: (tick, picoseconds), ascending.
pub(super) fn synapse_times(nets: &[Net], neurons: usize, ticks: usize) -> Vec<Vec<(u32, f32)>> {
    let mut heard: Vec<Vec<(usize, f32)>> = vec![Vec::new(); neurons];
    for (number, net) in nets.iter().enumerate().filter(|(_, net)| !net.fires.is_empty()) {
        net.pins.iter().for_each(|&(pin, time)| heard[pin as usize].push((number, time)));
    }
    let mut sums = vec![0.0_f32; ticks];
    let of = |heard: Vec<(usize, f32)>| {
        sums.fill(0.0);
        for (number, time) in heard {
            nets[number].fires.iter().for_each(|&(tick, n)| sums[tick as usize] += n * time);
        }
        (0..).zip(&sums).filter(|(_, time)| **time > 0.0).map(|(tick, time)| (tick, *time)).collect()
    };
    heard.into_iter().map(of).collect()
}

/// The chip's times; a synapse's apart from the others: (its own weights, weights that neurons share).
pub(super) fn times(units: &UnitTimes) -> (Times, (f32, f32)) {
    let of = |event| units.or_zero(event).0 as f32;
    let times = Times {
        neuron: of(Event::NeuronAccess) + of(Event::NeuronUpdate),
        spike_out: of(Event::SpikeOut),
        axon_out: of(Event::AxonOut),
        axon_in: of(Event::AxonIn),
    };
    (times, (of(Event::SynapseSparse), of(Event::SynapseShared)))
}

/// The nets of a network whose neurons count from `starts[population]`, inputs last in no order of their own: as the
/// populations come. Also how many ticks are looked at. Without `trains` there is one tick with all spikes of `rates`;
/// without both every neuron fires once in it.
pub(super) fn nets(
    graph: &IntGraph,
    starts: &[u32],
    chip: &ChipSpec,
    rates: Option<&Rates>,
    trains: Option<&Trains>,
) -> (Vec<Net>, usize) {
    let (_, synapse) = times(&chip.times);
    let every = trains.map_or(1, |trains| (trains.ticks as usize).div_ceil(MOST_TICKS)).max(1) as u32;
    let ticks = trains.map_or(1, |trains| trains.ticks.div_ceil(every).max(1)) as usize;
    let mut found = Vec::new();
    for (number, population) in graph.populations.iter().enumerate() {
        let outgoing: Vec<_> =
            graph.projections.iter().enumerate().filter(|(_, p)| p.source.index() == number).collect();
        for neuron in 0..population.size() as u32 {
            let mut pins: Vec<(u32, f32)> = Vec::new();
            for (index, projection) in &outgoing {
                let start = starts[projection.target.index()];
                let time = if is_shared(&projection.pattern) { synapse.1 } else { synapse.0 };
                // What learns has a synapse even where its weight is 0; products of factors are hardly ever 0.
                let all = graph.learning_of(*index).is_some()
                    || matches!(projection.pattern, Pattern::Factorised { .. } | Pattern::Stochastic(_));
                projection.pattern.visit(neuron, |target, weight| {
                    if all || projection.weights[weight as usize] != 0 {
                        pins.push((start + target, time));
                    }
                });
            }
            pins.sort_unstable_by_key(|pin| pin.0);
            pins.dedup_by(|next, pin| {
                let same = next.0 == pin.0;
                pin.1 += if same { next.1 } else { 0.0 };
                same
            });
            if pins.is_empty() {
                continue;
            }
            let spikes = rates.map_or(1.0, |rates| rates.of(number, neuron as usize));
            let fires = match trains {
                Some(trains) => thinned(trains.of(number, neuron as usize), every),
                None if spikes > 0.0 => vec![(0, spikes as f32)],
                None => Vec::new(),
            };
            let source = (!population.is_input()).then_some(starts[number] + neuron);
            found.push(Net { source, spikes, fires, pins, axons: 1 });
        }
    }
    (found, ticks)
}

/// Whether several sources use the same weights, so that lists are shared.
fn is_shared(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Conv2d(_) | Pattern::Pool2d(_) | Pattern::OneToOne { shared: true, .. } => true,
        Pattern::Sparse { weight_index, .. } => !weight_index.is_empty(),
        _ => false,
    }
}

/// Every so many-th tick.
fn thinned(train: &[(u32, u32)], every: u32) -> Vec<(u32, f32)> {
    let kept = train.iter().filter(|(tick, _)| tick.is_multiple_of(every));
    kept.map(|&(tick, spikes)| (tick / every, spikes as f32)).collect()
}
