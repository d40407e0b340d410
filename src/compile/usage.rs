//! How full the cores of an image are, and its static metrics: read from the image alone, so that a compilation,
//! `inspect` and a run tell the same.

use std::collections::BTreeMap;

use super::{CoreUse, Metrics, ResourceUse};
use crate::chip::{ChipSpec, Family};
use crate::ids::CoreId;
use crate::image::{CoreBody, CoreImage, Image};

/// Use of every core in image order against every capacity of the chip, and the metrics of the mapping. The image
/// must have passed [`crate::image::contents`].
#[must_use]
pub fn usage(image: &Image, chip: &ChipSpec) -> (Vec<CoreUse>, Metrics) {
    let mut metrics = Metrics { cores: image.cores.len() as u32, ..Metrics::default() };
    let mut populations: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
    for (number, population) in image.populations.iter().enumerate() {
        let copies = population.copies.iter().map(|copy| &copy.place);
        metrics.added_neurons += population.copies.len() as u32;
        for place in population.places.iter().chain(copies) {
            *populations.entry(place.core).or_default().entry(number as u32).or_default() += 1;
        }
    }
    let mut cores = Vec::with_capacity(image.cores.len());
    for core in &image.cores {
        let targets = targets(core, chip);
        metrics.connections += targets.len() as u64;
        metrics.hops += targets.iter().map(|&target| hops(chip, core.core, target)).sum::<u64>();
        let of_populations = populations.remove(&core.core).unwrap_or_default();
        let named: u32 = of_populations.values().sum();
        // Neurons of no population are relays.
        metrics.added_neurons += (core.body.neurons() as u32).saturating_sub(named);
        cores.push(CoreUse {
            core: core.core,
            resources: resources(core, chip, targets.len()),
            populations: of_populations.into_iter().collect(),
        });
    }
    (cores, metrics)
}

/// Destination core of every packet that the core sends if every neuron fires once.
fn targets(core: &CoreImage, chip: &ChipSpec) -> Vec<u32> {
    match &core.body {
        CoreBody::Crossbar(body) => body.destinations.iter().flatten().map(|to| to.core).collect(),
        CoreBody::Cuba(body) => body.axons_out.iter().map(|out| out.core).collect(),
        CoreBody::Stepped(body) => body.axons_out.iter().map(|out| out.core).collect(),
        CoreBody::Fcore(body) => body.axons_out.iter().map(|out| out.core).chain(body.copy_to).collect(),
        CoreBody::Ranc(body) => {
            let (width, height) = (i64::from(chip.mesh.width), i64::from(chip.mesh.height));
            let (x, y) = (i64::from(core.core) % width, i64::from(core.core) / width);
            let target = |neuron: &crate::image::RancNeuron| {
                let (x, y) = (x + i64::from(neuron.dx), y + i64::from(neuron.dy));
                ((0..width).contains(&x) && (0..height).contains(&y)).then_some((y * width + x) as u32)
            };
            body.neurons.iter().filter_map(target).collect()
        }
        CoreBody::OutputBus(_) | CoreBody::TinyOdin(_) => Vec::new(),
    }
}

fn hops(chip: &ChipSpec, from: u32, to: u32) -> u64 {
    let ((x0, y0), (x1, y1)) = (chip.router_of(CoreId(from)), chip.router_of(CoreId(to)));
    u64::from(x0.abs_diff(x1)) + u64::from(y0.abs_diff(y1))
}

fn resources(core: &CoreImage, chip: &ChipSpec, packets: usize) -> Vec<ResourceUse> {
    let capacity = &chip.capacity;
    let mut list = vec![
        ("neurons", core.body.neurons(), capacity.neurons),
        ("axons_in", core.body.axons(), capacity.axons_in),
        ("axons_out", packets, capacity.axons_out),
    ];
    if let (CoreBody::Cuba(body), Family::Cuba(spec)) = (&core.body, &chip.family) {
        list.extend([
            ("synapse_words", body.synapse_words(spec) as usize, spec.synapse_words),
            ("compartment_configs", body.compartment_configs(), u32::from(spec.compartment_configs)),
            ("threshold_configs", body.threshold_configs(), u32::from(spec.threshold_configs)),
            ("synapse_formats", body.formats.len(), u32::from(spec.synapse_formats)),
        ]);
        list.extend(spec.delay_slots.map(|limit| ("delay_slots", body.delay_slots() as usize, limit)));
        if let Some(programs) = &spec.programs {
            let bytes = body.program_bytes(core.body.axons(), packets, programs) + 8 * body.synapse_words(spec);
            list.push(("memory_bytes", bytes as usize, programs.memory_bytes));
        }
    }
    list.into_iter().map(|(resource, used, limit)| ResourceUse { resource, used: used as u32, limit }).collect()
}
