//! Spikes of one sample as rows and ticks.

use crate::emu::counters::RunResult;
use crate::report::build::{SampleFacts, name_of};
use crate::report::json::model::{Band, ImageFacts, MAX_RASTER, Raster};

/// The first sample with recorded spikes; `None` where nothing was recorded.
pub(super) fn raster(result: &RunResult, image: &ImageFacts, facts: &[SampleFacts]) -> Option<Raster> {
    let index = result.samples.iter().position(|sample| !sample.spikes.is_empty())?;
    let sample = &result.samples[index];
    let mut bands: Vec<Band> = Vec::new();
    let mut first_row = vec![None; image.populations.len()];
    let mut next = 0;
    for (population, (name, neurons)) in image.populations.iter().enumerate() {
        if sample.spikes.iter().any(|spike| spike.population as usize == population) {
            first_row[population] = Some(next);
            bands.push(Band { name: name.clone(), first: next, rows: *neurons });
            next = next.saturating_add(*neurons);
        }
    }
    let every = sample.spikes.len().div_ceil(MAX_RASTER).max(1);
    let spikes = sample.spikes.iter().step_by(every).filter_map(|spike| {
        let first = first_row.get(spike.population as usize).copied().flatten()?;
        Some((spike.tick, first.saturating_add(spike.neuron)))
    });
    Some(Raster {
        sample: name_of(facts, index),
        ticks: sample.ticks,
        bands,
        spikes: spikes.collect(),
        total: sample.spikes.len(),
        every,
    })
}
