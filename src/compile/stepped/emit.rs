//! Routes between the blocks, and the image.

use std::collections::BTreeMap;

use super::divide::Block;
use super::fan::FanIn;
use super::{of, stepped};
use crate::chip::ChipSpec;
use crate::compile::depth::depth;
use crate::graph::IntGraph;
use crate::ids::CoreId;
use crate::image::{
    AxonOut, CoreBody, CoreImage, Destination, HalfSynapse, Image, InputImage, OutputImage, Place, PopulationImage,
    SteppedBody, SteppedParameters,
};

/// Packets of every source that has any, in the order of the blocks.
type Routes = BTreeMap<u32, Vec<AxonOut>>;

/// Puts the blocks on cores along `order` and writes the image.
pub(super) fn emit(graph: &IntGraph, chip: &ChipSpec, fan: &FanIn, blocks: &[Block], order: Vec<CoreId>) -> Image {
    let core_of: Vec<u32> = order.into_iter().take(blocks.len()).map(|core| core.0).collect();
    let mut routes = Routes::new();
    for (block, &core) in blocks.iter().zip(&core_of) {
        for (axon, (source, _)) in (0..).zip(&block.axons) {
            routes.entry(*source).or_default().push(AxonOut { core, axon, output: 0 });
        }
    }
    let empty = |population: &crate::graph::Population<_>| PopulationImage {
        name: population.name.clone(),
        shape: population.shape.clone(),
        places: Vec::new(),
        copies: Vec::new(),
    };
    let mut populations: Vec<PopulationImage> = graph.populations.iter().map(empty).collect();
    let mut cores = Vec::with_capacity(blocks.len());
    for (block, &core) in blocks.iter().zip(&core_of) {
        for (neuron, (population, _)) in (0..).zip(&block.members) {
            // Members ascend, and so do the blocks of a population.
            populations[*population as usize].places.push(Place { core, neuron });
        }
        cores.push(CoreImage { core, body: CoreBody::Stepped(body(graph, fan, block, &routes)) });
    }
    cores.sort_unstable_by_key(|core| core.core);
    let output =
        |output: &crate::graph::Output| OutputImage { name: output.name.clone(), population: output.population.0 };
    Image {
        network: graph.name.clone(),
        chip: chip.name.clone(),
        cores,
        populations,
        inputs: inputs(graph, fan, &routes),
        outputs: graph.outputs.iter().map(output).collect(),
        depth: depth(graph),
    }
}

fn inputs(graph: &IntGraph, fan: &FanIn, routes: &Routes) -> Vec<InputImage> {
    let mut images = Vec::new();
    for (population, of) in graph.populations.iter().enumerate().filter(|(_, population)| population.is_input()) {
        let mut input = InputImage { population: population as u32, offsets: vec![0], targets: Vec::new() };
        for neuron in 0..of.size() as u32 {
            let packets = routes.get(&fan.number(population, neuron)).map_or(&[][..], Vec::as_slice);
            input.targets.extend(packets.iter().map(|to| Destination { core: to.core, axon: to.axon, delay: 1 }));
            input.offsets.push(input.targets.len() as u32);
        }
        images.push(input);
    }
    images
}

fn body(graph: &IntGraph, fan: &FanIn, block: &Block, routes: &Routes) -> SteppedBody {
    let mut entries: BTreeMap<SteppedParameters, u16> = BTreeMap::new();
    let mut body = SteppedBody {
        parameters: Vec::new(),
        parameter_of: Vec::with_capacity(block.members.len()),
        bias: Vec::with_capacity(block.members.len()),
        initial: Vec::with_capacity(block.members.len()),
        axon_delays: block.axons.iter().map(|(_, delay)| *delay).collect(),
        axon_offsets: vec![0; block.axons.len() + 1],
        synapses: Vec::new(),
        out_offsets: vec![0],
        axons_out: Vec::new(),
    };
    for &(population, member) in &block.members {
        let (neuron, at) = (stepped(graph, population as usize), member as usize);
        let parameters = SteppedParameters {
            alpha: of(&neuron.alpha, at),
            beta: of(&neuron.beta, at),
            theta: neuron.theta.as_deref().map(|theta| of(theta, at)),
            v_0: of(&neuron.v_0, at),
            start: neuron.start,
        };
        // No more entries than neurons, whose numbers have 16 bits.
        let next = entries.len() as u16;
        let entry = *entries.entry(parameters).or_insert(next);
        if entry == next {
            body.parameters.push(parameters);
        }
        body.parameter_of.push(entry);
        body.bias.push(of(&neuron.bias, at));
        body.initial.push(of(&neuron.initial, at));
        body.axons_out.extend(routes.get(&fan.number(population as usize, member)).into_iter().flatten());
        body.out_offsets.push(body.axons_out.len() as u32);
    }
    synapses(fan, block, &mut body);
    body
}

/// Counts the synapses of every axon, then puts each where it belongs: those of a target keep their order.
fn synapses(fan: &FanIn, block: &Block, body: &mut SteppedBody) {
    let incoming = |&(population, neuron): &(u32, u32)| fan.of(population as usize, neuron);
    let axon = |incoming: &super::fan::Incoming| usize::from(block.number_of[&incoming.axon()]);
    for incoming in block.members.iter().flat_map(incoming) {
        body.axon_offsets[axon(incoming) + 1] += 1;
    }
    for at in 1..body.axon_offsets.len() {
        body.axon_offsets[at] += body.axon_offsets[at - 1];
    }
    let mut next = body.axon_offsets.clone();
    body.synapses = vec![HalfSynapse { target: 0, weight: 0 }; next[next.len() - 1] as usize];
    for (target, member) in (0..).zip(&block.members) {
        for incoming in incoming(member) {
            let at = &mut next[axon(incoming)];
            body.synapses[*at as usize] = HalfSynapse { target, weight: incoming.weight };
            *at += 1;
        }
    }
}
