//! The checker: every synapse in its order and every register, read back from the image alone.

use std::collections::BTreeMap;

use super::fan::{FanIn, Incoming};
use super::{check, of, stepped};
use crate::chip::{ChipSpec, SteppedSpec};
use crate::diag::{Problem, Problems, Result};
use crate::graph::IntGraph;
use crate::image::{self, CoreBody, Image, SteppedBody};

/// Problems beyond this number are not listed.
const MOST: usize = 20;

/// Whether the image computes exactly the network.
pub(crate) fn verify(image: &Image, graph: &IntGraph, chip: &ChipSpec, spec: &SteppedSpec) -> Result<()> {
    image::contents(image, chip, "image")?;
    check::check(graph, chip, spec)?;
    let fan = FanIn::new(graph);
    let mut problems = Vec::new();
    let fed = senders(image, graph);
    let found = incoming(image, &fed);
    for (number, population) in graph.populations.iter().enumerate().filter(|(_, population)| !population.is_input()) {
        let mut wrong = |neuron: u32, what: &str| {
            if problems.len() < MOST {
                let place = format!("population '{}', neuron {neuron}", population.name);
                problems.push(Problem::verification("verify/stepped", place, what));
            }
        };
        let places = image.populations.get(number).map_or(&[][..], |of| of.places.as_slice());
        if places.len() != population.size() {
            wrong(0, "not every neuron has a place");
            continue;
        }
        for (neuron, place) in (0_u32..).zip(places) {
            let Some(body) = body(image, place.core) else { continue };
            if !registers(body, usize::from(place.neuron), graph, number, neuron as usize) {
                wrong(neuron, "its registers are not those of the network");
            }
            let incoming = found.get(&(place.core, place.neuron)).map_or(&[][..], Vec::as_slice);
            if incoming != fan.of(number, neuron) {
                wrong(neuron, "its synapses, or their order, are not those of the network");
            }
        }
    }
    Problems::check(problems, ())
}

fn body(image: &Image, core: u32) -> Option<&SteppedBody> {
    match &image.core(core)?.body {
        CoreBody::Stepped(body) => Some(body),
        _ => None,
    }
}

/// Who feeds each axon, by core and axon: numbers of neurons, inputs too.
fn senders(image: &Image, graph: &IntGraph) -> BTreeMap<(u32, u16), Vec<u32>> {
    let mut first = Vec::new();
    let mut all = 0_u32;
    for population in &graph.populations {
        first.push(all);
        all += population.size() as u32;
    }
    let mut fed: BTreeMap<(u32, u16), Vec<u32>> = BTreeMap::new();
    for (population, first) in image.populations.iter().zip(&first) {
        for (neuron, place) in (0..).zip(&population.places) {
            let Some(body) = body(image, place.core) else { continue };
            let ends = usize::from(place.neuron);
            let outs = body.out_offsets[ends] as usize..body.out_offsets[ends + 1] as usize;
            for out in &body.axons_out[outs] {
                fed.entry((out.core, out.axon)).or_default().push(first + neuron);
            }
        }
    }
    for input in &image.inputs {
        let Some(first) = first.get(input.population as usize) else { continue };
        for (neuron, ends) in (0..).zip(input.offsets.windows(2)) {
            for to in &input.targets[ends[0] as usize..ends[1] as usize] {
                fed.entry((to.core, to.axon)).or_default().push(first + neuron);
            }
        }
    }
    fed
}

/// The synapses of every neuron slot in the order in which the core adds them.
fn incoming(image: &Image, fed: &BTreeMap<(u32, u16), Vec<u32>>) -> BTreeMap<(u32, u16), Vec<Incoming>> {
    let mut found: BTreeMap<(u32, u16), Vec<Incoming>> = BTreeMap::new();
    for core in &image.cores {
        let CoreBody::Stepped(body) = &core.body else { continue };
        let mut of: Vec<Vec<Incoming>> = vec![Vec::new(); body.parameter_of.len()];
        for (axon, ends) in (0_u16..).zip(body.axon_offsets.windows(2)) {
            let delay = body.axon_delays[usize::from(axon)];
            for synapse in &body.synapses[ends[0] as usize..ends[1] as usize] {
                for &source in fed.get(&(core.core, axon)).into_iter().flatten() {
                    of[usize::from(synapse.target)].push(Incoming { source, delay, weight: synapse.weight });
                }
            }
        }
        found.extend((0..).zip(of).map(|(neuron, incoming)| ((core.core, neuron), incoming)));
    }
    found
}

fn registers(body: &SteppedBody, slot: usize, graph: &IntGraph, population: usize, neuron: usize) -> bool {
    let wanted = stepped(graph, population);
    let held = &body.parameters[usize::from(body.parameter_of[slot])];
    held.alpha == of(&wanted.alpha, neuron)
        && held.beta == of(&wanted.beta, neuron)
        && held.theta == wanted.theta.as_deref().map(|theta| of(theta, neuron))
        && held.v_0 == of(&wanted.v_0, neuron)
        && held.start == wanted.start
        && body.bias[slot] == of(&wanted.bias, neuron)
        && body.initial[slot] == of(&wanted.initial, neuron)
}
