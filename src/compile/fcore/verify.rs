//! The checker for FCores: every effective synapse and every register, read back from the image alone.

use std::collections::BTreeMap;

use super::emit::fcore;
use super::fan::{FanIn, Source};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Activation, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, IntGraph};
use crate::image::{self, ActivationImage, CoreBody, FcoreBody, FcoreFormat, Image, ResetImage, SomaImage};

/// Problems beyond this number are not listed.
const MOST: usize = 20;

/// Whether the image computes exactly the network.
pub(crate) fn verify(image: &Image, graph: &IntGraph, chip: &ChipSpec) -> Result<()> {
    image::contents(image, chip, "image")?;
    let mut whole = image.clone();
    whole.unchain();
    let mut checker = Checker { image: &whole, graph, fan: FanIn::new(graph), problems: Vec::new() };
    let wide = checker.fan.wide(chip.capacity.axons_in);
    let fed = checker.senders();
    for (number, population) in graph.populations.iter().enumerate().filter(|(_, population)| !population.is_input()) {
        let places = whole.populations.get(number).map_or(&[][..], |of| of.places.as_slice());
        if places.len() != population.size() {
            checker.wrong(number, 0, "not every neuron has a place");
            continue;
        }
        for (neuron, place) in (0_u32..).zip(places) {
            checker.registers(number, neuron, place.core, usize::from(place.neuron));
            let found = if wide[number] {
                checker.through_parts(number, neuron, (place.core, place.neuron), &fed)
            } else {
                checker.direct(number, neuron, (place.core, place.neuron), &fed)
            };
            if found != checker.fan.of(number, neuron) {
                checker.wrong(number, neuron, "its synapses are not those of the network");
            }
        }
    }
    Problems::check(checker.problems, ())
}

/// Sources of every (core, axon).
type Fed = BTreeMap<(u32, u16), Vec<Source>>;

struct Checker<'a> {
    image: &'a Image,
    graph: &'a IntGraph,
    fan: FanIn,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn wrong(&mut self, population: usize, neuron: u32, what: &str) {
        if self.problems.len() < MOST {
            let place = format!("population '{}', neuron {neuron}", self.graph.populations[population].name);
            self.problems.push(Problem::verification("verify/fcore", place, what));
        }
    }

    fn body(&self, core: u32) -> Option<&FcoreBody> {
        match &self.image.core(core)?.body {
            CoreBody::Fcore(body) => Some(body),
            _ => None,
        }
    }

    /// Who feeds each axon: neurons of populations at their places, and inputs.
    fn senders(&self) -> Fed {
        let mut fed = Fed::new();
        for (number, population) in (0_u32..).zip(&self.image.populations) {
            for (neuron, place) in (0_u32..).zip(&population.places) {
                let Some(body) = self.body(place.core) else { continue };
                let n = usize::from(place.neuron);
                for out in &body.axons_out[body.out_offsets[n] as usize..body.out_offsets[n + 1] as usize] {
                    fed.entry((out.core, out.axon)).or_default().push((number, neuron));
                }
            }
        }
        for input in &self.image.inputs {
            for (neuron, ends) in (0_u32..).zip(input.offsets.windows(2)) {
                for to in &input.targets[ends[0] as usize..ends[1] as usize] {
                    fed.entry((to.core, to.axon)).or_default().push((input.population, neuron));
                }
            }
        }
        fed
    }

    /// Sources and weights of a neuron whose core has all of them.
    fn direct(&mut self, population: usize, neuron: u32, (core, slot): (u32, u16), fed: &Fed) -> Vec<(Source, i32)> {
        let format = self.body(core).map(|body| body.input);
        if format != Some(format_of(fcore(self.graph, population))) {
            self.wrong(population, neuron, "its core has another input format");
        }
        let mut found = Vec::new();
        self.collect(core, slot, fed, &mut found);
        found.sort_unstable();
        found
    }

    /// The same over all cores whose sums come to it.
    fn through_parts(
        &mut self,
        population: usize,
        neuron: u32,
        (core, slot): (u32, u16),
        fed: &Fed,
    ) -> Vec<(Source, i32)> {
        if self.body(core).map(|body| body.input) != Some(FcoreFormat::Sums) {
            self.wrong(population, neuron, "its core adds no sums");
        }
        let format = format_of(fcore(self.graph, population));
        let mut parts = Vec::new();
        for part in &self.image.cores {
            let CoreBody::Fcore(body) = &part.body else { continue };
            if body.soma != SomaImage::Partial {
                continue;
            }
            for (n, ends) in (0_u16..).zip(body.out_offsets.windows(2)) {
                let outs = &body.axons_out[ends[0] as usize..ends[1] as usize];
                let times = outs.iter().filter(|out| (out.core, out.axon) == (core, slot)).count();
                parts.extend(std::iter::repeat_n((part.core, n, body.input == format), times));
            }
        }
        let mut found = Vec::new();
        for (part, n, right) in parts {
            if !right {
                self.wrong(population, neuron, "a core of its sums has another input format");
            }
            self.collect(part, n, fed, &mut found);
        }
        found.sort_unstable();
        found
    }

    /// Sources and weights of a neuron slot.
    fn collect(&self, core: u32, slot: u16, fed: &Fed, found: &mut Vec<(Source, i32)>) {
        let Some(body) = self.body(core) else { return };
        for axon in 0..body.axons {
            let weight = i32::from(body.weight(usize::from(axon), usize::from(slot)));
            let sources = fed.get(&(core, axon)).into_iter().flatten();
            found.extend(sources.filter(|_| weight != 0).map(|source| (*source, weight)));
        }
    }

    fn registers(&mut self, population: usize, neuron: u32, core: u32, slot: usize) {
        let wanted = fcore(self.graph, population);
        let Some(body) = self.body(core) else { return };
        let same = body.draw[slot] == neuron && soma_equals(&body.soma, slot, wanted, neuron as usize);
        if !same {
            self.wrong(population, neuron, "its registers are not those of the network");
        }
    }
}

fn format_of(neuron: &FcoreNeuron) -> FcoreFormat {
    match neuron.input {
        FcoreInput::Values => FcoreFormat::Values,
        FcoreInput::Spikes { window } => FcoreFormat::Spikes(window),
    }
}

fn soma_equals(image: &SomaImage, slot: usize, wanted: &FcoreNeuron, neuron: usize) -> bool {
    let of = |values: &[i32]| values.get(if values.len() == 1 { 0 } else { neuron }).copied();
    match (image, &wanted.soma) {
        (SomaImage::Ann { bias, shift, activation }, FcoreSoma::Ann(ann)) => {
            let same = match (activation, &ann.activation) {
                (ActivationImage::Relu, Activation::Relu) | (ActivationImage::Signed, Activation::Signed) => true,
                (ActivationImage::Table(table), Activation::Table(wanted)) => table == wanted,
                _ => false,
            };
            same && *shift == ann.shift && bias.get(slot).copied() == of(&ann.bias)
        }
        (SomaImage::Snn { decay, bias, threshold, random_bits, seed, reset, initial }, FcoreSoma::Snn(snn)) => {
            let reset_same = match (reset, snn.reset) {
                (ResetImage::Value(value), FcoreReset::Value) => *value == snn.reset_value,
                (ResetImage::Subtract, FcoreReset::Subtract) | (ResetImage::None, FcoreReset::None) => true,
                _ => false,
            };
            let threshold_same = threshold.get(slot).copied() == snn.threshold.as_deref().and_then(of);
            let draws = (*random_bits, *seed) == (snn.random_bits, snn.seed) || snn.threshold.is_none();
            let values_same =
                bias.get(slot).copied() == of(&snn.bias) && initial.get(slot).copied() == of(&snn.initial);
            reset_same && threshold_same && draws && *decay == snn.decay && values_same
        }
        _ => false,
    }
}
