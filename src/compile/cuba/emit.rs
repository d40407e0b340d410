//! Placement of the drafts, routes between them, and the image.

use super::draft::{Draft, Row};
use crate::compile::depth::depth;
use crate::ids::CoreId;
use crate::image::{AxonOut, CoreBody, CoreImage, Destination, Image, InputImage, OutputImage, Place, PopulationImage};

/// Packets of every source neuron: `routes[population][neuron]`, ascending by core.
type Routes = Vec<Vec<Vec<AxonOut>>>;

/// Places the drafts on cores, one after the other along `order`, and writes the image.
pub(super) fn emit(row: &Row<'_>, drafts: Vec<Draft>, order: Vec<CoreId>) -> Image {
    let mut placed: Vec<(CoreId, Draft)> = order.into_iter().zip(drafts).collect();
    placed.sort_unstable_by_key(|(core, _)| *core);
    let routes = route(row, &placed);
    let places = places(row, &placed);
    let outputs = row.graph.outputs.iter();
    Image {
        network: row.graph.name.clone(),
        chip: row.chip.name.clone(),
        populations: populations(row, &places),
        inputs: inputs(row, &routes),
        outputs: outputs.map(|o| OutputImage { name: o.name.clone(), population: o.population.0 }).collect(),
        depth: depth(row.graph),
        cores: placed.into_iter().map(|(core, draft)| load(row, core, draft, &routes)).collect(),
    }
}

/// Every (source, destination core) packet.
fn route(row: &Row<'_>, placed: &[(CoreId, Draft)]) -> Routes {
    let mut routes: Routes = row.graph.populations.iter().map(|p| vec![Vec::new(); p.size()]).collect();
    for (core, draft) in placed {
        for (axon, &(population, neuron, output)) in draft.axons.iter().enumerate() {
            routes[population as usize][neuron as usize].push(AxonOut { core: core.0, axon: axon as u16, output });
        }
    }
    routes
}

/// A core with its outgoing packets.
fn load(row: &Row<'_>, core: CoreId, mut draft: Draft, routes: &Routes) -> CoreImage {
    for segment in row.segments(&draft.members) {
        for (_, neuron) in segment.neurons() {
            draft.body.axons_out.extend(&routes[segment.population][neuron as usize]);
            draft.body.out_offsets.push(draft.body.axons_out.len() as u32);
        }
    }
    CoreImage { core: core.0, body: CoreBody::Cuba(draft.body) }
}

/// The place of every compartment of the row.
fn places(row: &Row<'_>, placed: &[(CoreId, Draft)]) -> Vec<Place> {
    let mut places = vec![Place { core: 0, neuron: 0 }; row.len() as usize];
    for (core, draft) in placed {
        for (neuron, member) in (0..).zip(&draft.members) {
            places[*member as usize] = Place { core: core.0, neuron };
        }
    }
    places
}

fn populations(row: &Row<'_>, places: &[Place]) -> Vec<PopulationImage> {
    let of = |index: usize| places[row.starts[index] as usize..row.starts[index + 1] as usize].to_vec();
    let image = |(index, population): (usize, &crate::graph::Population<_>)| PopulationImage {
        name: population.name.clone(),
        shape: population.shape.clone(),
        places: of(index),
        copies: Vec::new(),
    };
    row.graph.populations.iter().enumerate().map(image).collect()
}

fn inputs(row: &Row<'_>, routes: &Routes) -> Vec<InputImage> {
    let inputs = row.graph.populations.iter().enumerate().filter(|(_, population)| population.is_input());
    let image = |(index, _): (usize, _)| {
        let mut input = InputImage { population: index as u32, offsets: vec![0], targets: Vec::new() };
        for packets in &routes[index] {
            input.targets.extend(packets.iter().map(|p| Destination { core: p.core, axon: p.axon, delay: 1 }));
            input.offsets.push(input.targets.len() as u32);
        }
        input
    };
    inputs.map(image).collect()
}
