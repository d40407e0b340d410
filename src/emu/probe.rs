//! Looking into a running chip: states between two ticks, and the signals of a waveform.

use super::chip::Chip;
use crate::ids::CoreId;
use crate::image::Place;

/// A signal of a waveform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Scopes around it, outermost first.
    pub scopes: Vec<String>,
    /// Its name in the innermost scope.
    pub name: String,
    /// Its width in bits, 1 to 64.
    pub bits: u32,
}

impl Signal {
    /// Scopes and name with dots between them.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.scopes.join("."), self.name)
    }
}

/// A signal has another value from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// In the unit of the waveform; never earlier than the change before.
    pub time: u64,
    /// Number of the signal.
    pub signal: u32,
    /// The value; of narrower signals the low bits count (two's complement).
    pub value: u64,
}

/// u and v of a neuron at the end of the last tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompartmentState {
    /// Current; 0 on crossbar chips, which have none.
    pub u: i32,
    /// Membrane, after a reset where the neuron fired.
    pub v: i32,
}

/// Traces of a learning group at the end of the last learning step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// x1 and x2 of every source, in the order of the image's lists.
    pub before: Vec<[u8; 2]>,
    /// y1, y2 and y3 of every compartment of the core; `None` where it is no target.
    pub after: Vec<Option<[u8; 3]>>,
}

impl Chip<'_> {
    /// Spikes since the reset of the neuron at `place`; `None` where nothing is loaded.
    #[must_use]
    pub fn spikes_of(&self, place: Place) -> Option<u32> {
        let index = self.program.cores.binary_search_by_key(&CoreId(place.core), |core| core.id).ok()?;
        let mut found = None;
        self.spike_counts(index, |counts| found = counts.get(usize::from(place.neuron)).copied());
        found
    }

    /// The state of the neuron at `place` (as in [`crate::image::PopulationImage::places`]); `None` where nothing
    /// is loaded.
    #[must_use]
    pub fn probe(&self, place: Place) -> Option<CompartmentState> {
        let loaded = &self.program.cores;
        let index = loaded.binary_search_by_key(&CoreId(place.core), |core| core.id).ok()?;
        let neuron = usize::from(place.neuron);
        (neuron < loaded[index].neurons()).then(|| {
            let (u, v) = self.engine.current_and_membrane(self.program, index, neuron);
            CompartmentState { u, v }
        })
    }
}
