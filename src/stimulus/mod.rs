//! What goes in: spike tensors, event recordings and encoded images, as samples of (tick, input, value).

/// One thing to show to the network: its spikes, how long it lasts, and its label where known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Name in reports: file, row.
    pub name: String,
    /// Spikes, ascending by (tick, input).
    pub spikes: Vec<InputSpike>,
    /// Ticks of stimulus; the run goes on for the depth of the network.
    pub ticks: u32,
    /// Class, where known.
    pub label: Option<u32>,
}

/// Input spikes of one input neuron in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputSpike {
    /// Tick of injection; integrated one tick later at the earliest.
    pub tick: u32,
    /// Input neuron: flat over all input populations in graph order.
    pub input: u32,
    /// How many spikes (1 for binary events).
    pub value: u16,
}

/// Samples that are run one after the other, each from the reset state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stimulus {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Number of input neurons that the indices refer to.
    pub inputs: u32,
}
