//! Spikes by rate, function alone: layer by layer, each over all ticks before the next, which is what a tick-by-tick run of
//! a network without loops does.

use super::SpikeReset;
use super::scatter::{Order, Scatter};
use super::units::Units;
use crate::graph::Graph;
use crate::stimulus::InputSpike;

/// A spiking network laid out for its simulation.
pub(super) struct Net<'u> {
    pub(super) units: &'u Units,
    pub(super) layers: Vec<Spiking>,
    reset: SpikeReset,
}

/// A population of integrate-and-fire neurons.
pub(super) struct Spiking {
    pub(super) inbound: Vec<Scatter>,
    pub(super) bias: Vec<f32>,
    /// Empty: a read-out, which does not fire.
    pub(super) threshold: Vec<f32>,
    pub(super) initial: Vec<f32>,
}

impl<'u> Net<'u> {
    /// Lays out the network that [`super::spiking`] made of `units`.
    pub(super) fn new(units: &'u Units, graph: &Graph, reset: SpikeReset) -> Self {
        let layer = |(index, population): (usize, &crate::graph::Population<crate::graph::FloatNeuron>)| {
            let order = &units.orders[index];
            let inbound = graph.projections.iter().filter(|projection| projection.target.index() == index);
            let turned = |values: &[f64]| {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                order.turn(&values)
            };
            let neuron = population.neuron.as_ref();
            Spiking {
                inbound: inbound.map(|projection| Scatter::new(graph, projection, &units.orders)).collect(),
                bias: units.layers[index].bias.clone(),
                threshold: neuron.filter(|n| n.kind.spikes()).map_or(Vec::new(), |n| turned(&n.v_threshold)),
                initial: neuron.map_or(Vec::new(), |n| turned(&n.v_initial)),
            }
        };
        Self { units, layers: graph.populations.iter().enumerate().map(layer).collect(), reset }
    }
}

/// Spikes of a population by tick.
#[derive(Default)]
struct Train {
    offsets: Vec<u32>,
    neurons: Vec<u32>,
}

impl Train {
    fn tick(&self, tick: usize) -> &[u32] {
        &self.neurons[self.offsets[tick] as usize..self.offsets[tick + 1] as usize]
    }

    /// Input spikes, which are ascending by tick.
    fn of_input(spikes: &[InputSpike], ticks: usize, order: &Order) -> Self {
        let mut train = Self { offsets: vec![0], neurons: Vec::with_capacity(spikes.len()) };
        let mut next = 0;
        for tick in 0..ticks {
            while let Some(spike) = spikes.get(next).filter(|spike| spike.tick as usize <= tick) {
                train.neurons.push(order.place(spike.input as usize) as u32);
                next += 1;
            }
            train.offsets.push(train.neurons.len() as u32);
        }
        train
    }
}

/// State of a population after some ticks, in the order in here.
pub(super) struct State<'s> {
    pub(super) population: usize,
    /// Which of the checkpoints.
    pub(super) checkpoint: usize,
    /// Ticks so far.
    pub(super) ticks: u32,
    pub(super) membrane: &'s [f32],
    pub(super) counts: &'s [u32],
    /// What resets to 0 threw away.
    pub(super) lost: &'s [f32],
    /// Spikes of the population so far.
    pub(super) spikes: u64,
    /// Synaptic operations into it so far.
    pub(super) synaptic: u64,
}

/// Runs one sample; `seen` gets the state of every population at each checkpoint (ascending ticks).
pub(super) fn simulate(net: &Net<'_>, spikes: &[InputSpike], checkpoints: &[u32], mut seen: impl FnMut(&State<'_>)) {
    let ticks = checkpoints.last().copied().unwrap_or(0) as usize;
    let mut trains: Vec<Train> = (0..net.layers.len()).map(|_| Train::default()).collect();
    for &index in &net.units.sequence {
        trains[index] = if net.units.graph.populations[index].is_input() {
            let train = Train::of_input(spikes, ticks, &net.units.orders[index]);
            for (checkpoint, &ticks) in checkpoints.iter().enumerate() {
                let spikes = u64::from(train.offsets[ticks as usize]);
                let nothing: (&[f32], &[u32]) = (&[], &[]);
                let (membrane, counts, lost) = (nothing.0, nothing.1, nothing.0);
                seen(&State { population: index, checkpoint, ticks, membrane, counts, lost, spikes, synaptic: 0 });
            }
            train
        } else {
            layer(net, index, &trains, checkpoints, &mut seen)
        };
    }
}

/// Runs one population over all ticks.
fn layer(
    net: &Net<'_>,
    index: usize,
    trains: &[Train],
    checkpoints: &[u32],
    seen: &mut impl FnMut(&State<'_>),
) -> Train {
    let layer = &net.layers[index];
    let mut train = Train { offsets: vec![0], neurons: Vec::new() };
    let mut membrane = layer.initial.clone();
    let (mut counts, mut lost) = (vec![0_u32; membrane.len()], vec![0.0_f32; membrane.len()]);
    let (mut checkpoint, mut synaptic) = (0, 0);
    let ticks = checkpoints.last().copied().unwrap_or(0);
    for tick in 0..ticks as usize {
        membrane.iter_mut().zip(&layer.bias).for_each(|(v, bias)| *v += bias);
        for scatter in &layer.inbound {
            for &source in trains[scatter.source].tick(tick) {
                scatter.spike(source as usize, &mut membrane);
                synaptic += u64::from(scatter.fan_out[source as usize]);
            }
        }
        fire(layer, net.reset, &mut membrane, &mut counts, &mut lost, &mut train.neurons);
        train.offsets.push(train.neurons.len() as u32);
        if checkpoints[checkpoint] as usize == tick + 1 {
            let (ticks, spikes) = (checkpoints[checkpoint], train.neurons.len() as u64);
            let (membrane, counts, lost) = (&membrane, &counts, &lost);
            seen(&State { population: index, checkpoint, ticks, membrane, counts, lost, spikes, synaptic });
            checkpoint += 1;
        }
    }
    train
}

/// Lanes that are looked at together: most hold no neuron that fires.
const LANES: usize = 16;

fn fire(
    layer: &Spiking,
    reset: SpikeReset,
    membrane: &mut [f32],
    counts: &mut [u32],
    lost: &mut [f32],
    fired: &mut Vec<u32>,
) {
    for (block, thresholds) in layer.threshold.chunks(LANES).enumerate() {
        let first = block * LANES;
        let lanes = &mut membrane[first..first + thresholds.len()];
        if !lanes.iter().zip(thresholds).fold(false, |any, (v, threshold)| any | (v >= threshold)) {
            continue;
        }
        for (lane, (v, threshold)) in lanes.iter_mut().zip(thresholds).enumerate().filter(|(_, (v, t))| **v >= **t) {
            let above = *v - threshold;
            counts[first + lane] += 1;
            fired.push((first + lane) as u32);
            *v = match reset {
                SpikeReset::Subtract => above,
                SpikeReset::Zero => {
                    lost[first + lane] += above;
                    0.0
                }
            };
        }
    }
}
