//! Wide layers of programs: neurons with more sources than a core has axons get their sums in parts.
//!
//! Blocks of sources go to relay neurons (`programs/neurons/graded.nmc`, threshold 0), which send what arrived as a graded
//! spike; a weight of 1 adds it to the same dendritic input one tick later. Sums wrap at 32 bits in both ways, so that the
//! neuron sees what it would have seen, a tick later. Not split, and so refused where they do not fit: weights with fractions
//! (a negative exponent cuts the bits of a sum off, which parts would do each by itself), populations that learn, and
//! compartments of fixed function, which send bits whose sums do not add up.

use std::borrow::Cow;

use super::super::log::Log;
use crate::chip::ChipSpec;
use crate::graph::{Delays, IntGraph, IntNeuron, Pattern, Population, ProgramNeuron, Projection};
use crate::ids::PopulationId;
use crate::isa::{self, Binding};

/// The program of a relay.
const PROGRAM: &str = "graded";

/// Sources `from..to` of a projection, by its number.
type Block = (usize, std::ops::Range<u32>);

/// The network with relays where a population of programs is too wide for a core's axons; else as it is.
pub(in crate::compile) fn split<'a>(graph: &'a IntGraph, chip: &ChipSpec, log: &mut Log) -> Cow<'a, IntGraph> {
    let axons = chip.capacity.axons_in.clamp(1, 1 << 16);
    let wide: Vec<usize> = (0..graph.populations.len()).filter(|&at| is_wide(graph, at, axons)).collect();
    if wide.is_empty() {
        return Cow::Borrowed(graph);
    }
    let mut graph = graph.clone();
    let mut replaced = vec![false; graph.projections.len()];
    for &population in &wide {
        let blocks = blocks(&graph, population, axons);
        let (name, parts) = (graph.populations[population].name.clone(), blocks.len());
        blocks.iter().flat_map(|(_, blocks)| blocks).for_each(|(projection, _)| replaced[*projection] = true);
        for (part, (input, blocks)) in blocks.into_iter().enumerate() {
            relay(&mut graph, population, part, input, &blocks);
        }
        log.say(
            "quantise",
            format!("{name}: more sources than {axons} axons, its sums come in {parts} parts a tick later"),
        );
    }
    let mut number = 0;
    graph.projections.retain(|_| {
        number += 1;
        !replaced.get(number - 1).copied().unwrap_or(false)
    });
    // Rules name projections by number.
    let shift = |at: usize| at - replaced[..at].iter().filter(|gone| **gone).count();
    for learning in &mut graph.learning {
        learning.projection = shift(learning.projection.index()).into();
    }
    Cow::Owned(graph)
}

/// Whether a neuron of the population has more sources than a core has axons, and its sums may come in parts.
fn is_wide(graph: &IntGraph, population: usize, axons: u32) -> bool {
    let inbound = || graph.projections.iter().filter(|projection| projection.target.index() == population);
    let programs = matches!(graph.populations[population].neuron, Some(IntNeuron::Program(_)));
    let learns =
        graph.learning.iter().any(|rule| graph.projections[rule.projection.index()].target.index() == population);
    let whole = |projection: &Projection<i32>| {
        let step = 1_i32 << (-i32::from(projection.exponent)).clamp(0, 30);
        let written = !matches!(projection.pattern, Pattern::Factorised { .. } | Pattern::Stochastic(_));
        written && projection.weights.iter().all(|weight| weight % step == 0)
    };
    if !programs || learns || !inbound().all(whole) {
        return false;
    }
    // Synapses of one output of a source to one neuron share an axon.
    let output = |projection: &Projection<i32>| match &graph.populations[projection.source.index()].neuron {
        Some(IntNeuron::Program(sender)) => sender.output(&projection.name),
        _ => 0,
    };
    let mut senders: Vec<(usize, u8)> =
        inbound().map(|projection| (projection.source.index(), output(projection))).collect();
    senders.sort_unstable();
    senders.dedup();
    let most: usize = senders.iter().map(|(source, _)| graph.populations[*source].size()).sum();
    if most <= axons as usize {
        return false;
    }
    let size = graph.populations[population].size();
    let (mut sources, mut seen, mut number) = (vec![0_u32; size], vec![0_u64; size], 0_u64);
    for sender in senders {
        for from in 0..graph.populations[sender.0].size() as u32 {
            number += 1;
            for projection in inbound().filter(|projection| (projection.source.index(), output(projection)) == sender) {
                projection.pattern.visit(from, |to, _| {
                    let to = to as usize;
                    sources[to] += u32::from(seen[to] != number);
                    seen[to] = number;
                });
            }
        }
    }
    sources.into_iter().any(|count| count > axons)
}

/// Blocks of at most `axons` sources, with the dendritic input that each goes to.
fn blocks(graph: &IntGraph, population: usize, axons: u32) -> Vec<(u8, Vec<Block>)> {
    let Some(IntNeuron::Program(neuron)) = &graph.populations[population].neuron else { return Vec::new() };
    let mut found: Vec<(u8, Vec<Block>)> = Vec::new();
    for input in 0..neuron.program.inputs.len() as u8 {
        let mut room = 0;
        for (number, projection) in graph.projections.iter().enumerate() {
            if projection.target.index() != population || neuron.input(&projection.name) != input {
                continue;
            }
            let (mut from, sources) = (0, projection.pattern.shape().0 as u32);
            while from < sources {
                if room == 0 {
                    found.push((input, Vec::new()));
                    room = axons;
                }
                let to = sources.min(from + room);
                if let Some((_, blocks)) = found.last_mut() {
                    blocks.push((number, from..to));
                }
                room -= to - from;
                from = to;
            }
        }
    }
    found
}

/// Adds the relay of some blocks.
fn relay(graph: &mut IntGraph, population: usize, part: usize, input: u8, blocks: &[Block]) {
    let Population { name, shape, .. } = &graph.populations[population];
    let (name, shape) = (format!("{name}.part{part}"), shape.clone());
    let size = shape.iter().product::<u32>();
    let at = PopulationId(graph.populations.len() as u32);
    for (number, range) in blocks {
        let whole = &graph.projections[*number];
        let projection = rows(whole, range, at, format!("{}.part{part}", whole.name));
        let (source, old, new) = (whole.source.index(), whole.name.clone(), projection.name.clone());
        // Where it is the spikes of a further output that it carries, so it stays.
        if let Some(IntNeuron::Program(sender)) = &mut graph.populations[source].neuron {
            let output = sender.output(&old);
            if output > 0 {
                sender.outputs.push((new, output));
            }
        }
        graph.projections.push(projection);
    }
    let sum = format!("{name}.sum");
    if let Some(IntNeuron::Program(neuron)) = &mut graph.populations[population].neuron
        && input > 0
    {
        neuron.inputs.push((sum.clone(), input));
    }
    let text = isa::builtin_text(PROGRAM).unwrap_or_default();
    let neuron = ProgramNeuron {
        name: PROGRAM.to_owned(),
        program: isa::assemble(text, PROGRAM).unwrap_or_default(),
        parameters: vec![("threshold".to_owned(), Binding::Shared(0))],
        initial: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    };
    graph.populations.push(Population { name, shape, neuron: Some(IntNeuron::Program(Box::new(neuron))) });
    graph.projections.push(Projection {
        name: sum,
        source: at,
        target: PopulationId(population as u32),
        pattern: Pattern::OneToOne { size, shared: true },
        weights: vec![1],
        exponent: 0,
        delays: Delays::Uniform(0),
    });
}

/// The synapses of some sources, one weight each.
fn rows(whole: &Projection<i32>, range: &std::ops::Range<u32>, target: PopulationId, name: String) -> Projection<i32> {
    let sources = whole.pattern.shape().0 as u32;
    let (mut offsets, mut targets, mut weights, mut delays) = (vec![0], Vec::new(), Vec::new(), Vec::new());
    for from in 0..sources {
        if range.contains(&from) {
            whole.pattern.visit(from, |to, weight| {
                targets.push(to);
                weights.push(whole.weights[weight as usize]);
                delays.push(whole.delays.of(weight as usize));
            });
        }
        offsets.push(targets.len() as u32);
    }
    Projection {
        name,
        source: whole.source,
        target,
        pattern: Pattern::Sparse { offsets, targets, weight_index: Vec::new() },
        weights,
        exponent: whole.exponent,
        delays: match &whole.delays {
            Delays::Uniform(ticks) => Delays::Uniform(*ticks),
            Delays::PerWeight(_) => Delays::PerWeight(delays),
        },
    }
}
