//! Looking into a running chip between two ticks.

use super::chip::Chip;
use crate::ids::CoreId;
use crate::image::Place;

/// u and v of a neuron at the end of the last tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompartmentState {
    /// Current; 0 on crossbar chips, which have none.
    pub u: i32,
    /// Membrane, after a reset where the neuron fired.
    pub v: i32,
}

impl Chip<'_> {
    /// The state of the neuron at `place` (as in [`crate::image::PopulationImage::places`]); `None` where nothing
    /// is loaded.
    #[must_use]
    pub fn probe(&self, place: Place) -> Option<CompartmentState> {
        let loaded = &self.program.cores;
        let index = loaded.binary_search_by_key(&CoreId(place.core), |core| core.id).ok()?;
        let neuron = usize::from(place.neuron);
        (neuron < loaded[index].neurons()).then(|| {
            let (u, v) = self.engine.current_and_membrane(index, neuron);
            CompartmentState { u, v }
        })
    }
}
