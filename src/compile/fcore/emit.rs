//! Routes between the planned cores, and the image.

use std::collections::{BTreeMap, BTreeSet};

use super::divide::{Kind, Plan};
use super::fan::{FanIn, Source};
use crate::chip::{ChipSpec, FcoreSpec};
use crate::compile::depth::depth;
use crate::graph::{Activation, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, IntGraph, IntNeuron};
use crate::ids::CoreId;
use crate::image::{
    ActivationImage, AxonOut, CoreBody, CoreImage, Destination, FcoreBody, FcoreFormat, Image, InputImage, OutputImage,
    Place, PopulationImage, ResetImage, SomaImage,
};

/// Packets of every source, in plan order.
type Routes = BTreeMap<Source, Vec<AxonOut>>;

/// Puts the plans on cores along `order` and writes the image; every packet goes point to point.
pub(super) fn emit(
    graph: &IntGraph,
    chip: &ChipSpec,
    spec: &FcoreSpec,
    fan: &FanIn,
    plans: &[Plan],
    order: Vec<CoreId>,
) -> Image {
    let core_of: Vec<u32> = order.into_iter().take(plans.len()).map(|core| core.0).collect();
    let mut routes: Routes = BTreeMap::new();
    for (plan, core) in plans.iter().zip(&core_of) {
        for (axon, source) in (0..).zip(&plan.sources) {
            routes.entry(*source).or_default().push(AxonOut { core: *core, axon, output: 0 });
        }
    }
    let mut populations: Vec<PopulationImage> = graph
        .populations
        .iter()
        .map(|population| PopulationImage {
            name: population.name.clone(),
            shape: population.shape.clone(),
            places: if population.is_input() {
                Vec::new()
            } else {
                vec![Place { core: 0, neuron: 0 }; population.size()]
            },
            copies: Vec::new(),
        })
        .collect();
    let mut cores = Vec::with_capacity(plans.len());
    for (plan, &core) in plans.iter().zip(&core_of) {
        if plan.kind != Kind::Partial {
            for (neuron, &member) in (0..).zip(&plan.members) {
                populations[plan.population].places[member as usize] = Place { core, neuron };
            }
        }
        let total = core_of[if plan.kind == Kind::Partial { plan.total } else { 0 }];
        cores.push(CoreImage { core, body: CoreBody::Fcore(body(graph, spec, fan, plan, &routes, total)) });
    }
    cores.sort_unstable_by_key(|core| core.core);
    Image {
        network: graph.name.clone(),
        chip: chip.name.clone(),
        cores,
        populations,
        inputs: inputs(graph, &routes),
        outputs: graph
            .outputs
            .iter()
            .map(|output| OutputImage { name: output.name.clone(), population: output.population.0 })
            .collect(),
        depth: depth(graph),
    }
}

fn inputs(graph: &IntGraph, routes: &Routes) -> Vec<InputImage> {
    let inputs = (0_u32..).zip(&graph.populations).filter(|(_, population)| population.is_input());
    let image = |(population, of): (u32, &crate::graph::Population<IntNeuron>)| {
        let mut input = InputImage { population, offsets: vec![0], targets: Vec::new() };
        for neuron in 0..of.size() as u32 {
            let packets = routes.get(&(population, neuron)).map_or(&[][..], Vec::as_slice);
            input.targets.extend(packets.iter().map(|to| Destination { core: to.core, axon: to.axon, delay: 1 }));
            input.offsets.push(input.targets.len() as u32);
        }
        input
    };
    inputs.map(image).collect()
}

fn body(graph: &IntGraph, spec: &FcoreSpec, fan: &FanIn, plan: &Plan, routes: &Routes, total: u32) -> FcoreBody {
    let neuron = fcore(graph, plan.population);
    let neurons = plan.members.len();
    let mut matrix = vec![0_i8; plan.sources.len() * neurons];
    for (n, &member) in plan.members.iter().enumerate().filter(|_| plan.kind != Kind::Total) {
        for (source, weight) in fan.of(plan.population, member) {
            if let Ok(axon) = plan.sources.binary_search(source) {
                // The check has seen that it is a byte.
                matrix[axon * neurons + n] = *weight as i8;
            }
        }
    }
    let (codebook, weights) = shared(&matrix, usize::from(spec.weight_indices));
    let (mut out_offsets, mut axons_out) = (vec![0], Vec::new());
    for (n, &member) in (0..).zip(&plan.members) {
        match plan.kind {
            Kind::Partial => axons_out.push(AxonOut { core: total, axon: n, output: 0 }),
            Kind::Whole | Kind::Total => {
                axons_out.extend(routes.get(&(plan.population as u32, member)).into_iter().flatten());
            }
        }
        out_offsets.push(axons_out.len() as u32);
    }
    FcoreBody {
        input: match (plan.kind, neuron.input) {
            (Kind::Total, _) => FcoreFormat::Sums,
            (_, FcoreInput::Values) => FcoreFormat::Values,
            (_, FcoreInput::Spikes { window }) => FcoreFormat::Spikes(window),
        },
        axons: plan.sources.len() as u16,
        neurons: neurons as u16,
        codebook,
        weights,
        soma: if plan.kind == Kind::Partial { SomaImage::Partial } else { soma(neuron, &plan.members) },
        draw: plan.members.clone(),
        out_offsets,
        axons_out,
        copy_to: None,
    }
}

/// The neurons of a checked population.
pub(super) fn fcore(graph: &IntGraph, population: usize) -> &FcoreNeuron {
    match &graph.populations[population].neuron {
        Some(IntNeuron::Fcore(neuron)) => neuron,
        _ => unreachable!("a checked population has FCore neurons"),
    }
}

/// Few different weights are shared by index, others stored one by one.
fn shared(matrix: &[i8], most: usize) -> (Vec<i8>, Vec<u8>) {
    let different: BTreeSet<i8> = matrix.iter().copied().collect();
    if different.len() > most {
        return (Vec::new(), matrix.iter().map(|weight| weight.cast_unsigned()).collect());
    }
    let codebook: Vec<i8> = different.into_iter().collect();
    let index = |weight: &i8| codebook.binary_search(weight).unwrap_or(0) as u8;
    let weights = matrix.iter().map(index).collect();
    (codebook, weights)
}

fn soma(neuron: &FcoreNeuron, members: &[u32]) -> SomaImage {
    let of = |values: &[i32]| -> Vec<i32> {
        members.iter().map(|&member| if values.len() == 1 { values[0] } else { values[member as usize] }).collect()
    };
    match &neuron.soma {
        FcoreSoma::Ann(ann) => SomaImage::Ann {
            bias: of(&ann.bias),
            shift: ann.shift,
            activation: match &ann.activation {
                Activation::Relu => ActivationImage::Relu,
                Activation::Signed => ActivationImage::Signed,
                Activation::Table(table) => ActivationImage::Table(table.clone()),
            },
        },
        FcoreSoma::Snn(snn) => SomaImage::Snn {
            decay: snn.decay,
            bias: of(&snn.bias),
            threshold: snn.threshold.as_deref().map(of).unwrap_or_default(),
            random_bits: snn.random_bits,
            seed: snn.seed,
            reset: match snn.reset {
                FcoreReset::Value => ResetImage::Value(snn.reset_value),
                FcoreReset::Subtract => ResetImage::Subtract,
                FcoreReset::None => ResetImage::None,
            },
            initial: of(&snn.initial),
        },
    }
}
