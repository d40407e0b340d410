//! What was learned, back into the image it came from.

use super::counters::{LearnedCore, LearnedGroup};
use crate::image::{CoreBody, CubaCore, Image};

/// The image with the learned weights, delays and tags, so that it can be run again, or learn on with the draws that
/// follow.
#[must_use]
pub fn with_learned(image: &Image, learned: &[LearnedCore]) -> Image {
    let mut image = image.clone();
    for core in &mut image.cores {
        let Some(found) = learned.iter().find(|learned| learned.core == core.core) else { continue };
        if let CoreBody::Cuba(body) = &mut core.body {
            found.groups.iter().for_each(|group| put(body, group));
        }
    }
    image
}

fn put(body: &mut CubaCore, learned: &LearnedGroup) {
    let spans: Vec<std::ops::Range<usize>> =
        body.lists_of(learned.projection).map(|(_, l)| l.first as usize..(l.first + l.count) as usize).collect();
    let Some(group) = body.learning.iter_mut().find(|group| group.projection == learned.projection) else { return };
    group.steps = learned.steps;
    let apart = !group.delays.is_empty();
    if apart {
        group.delays.clone_from(&learned.delays);
    }
    group.tags = if learned.tags.iter().all(|&tag| tag == 0) { Vec::new() } else { learned.tags.clone() };
    for (at, synapse) in spans.into_iter().flatten().enumerate() {
        body.synapses[synapse].weight = learned.weights[at];
        if !apart && !learned.delays.is_empty() {
            body.synapses[synapse].delay = learned.delays[at] as u8;
        }
    }
}
