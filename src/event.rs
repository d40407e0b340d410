//! The classes of hardware event that are counted, timed and priced: one vocabulary for chip files,
//! counters, energy tables and reports.

/// A class of hardware event. The unit of each is one occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Event {
    /// A neuron's state is read and written back in a tick (every mapped neuron, every tick).
    NeuronAccess,
    /// Additional work for a neuron that is active in a tick (has input or state that is not at rest).
    NeuronUpdate,
    /// A neuron fires.
    SpikeOut,
    /// A packet leaves a core for one destination core (or leaves the host for a core).
    AxonOut,
    /// A packet is accepted by its destination core.
    AxonIn,
    /// A synaptic event through a one-bit crossbar.
    SynapseCrossbar,
    /// A synaptic event through a dense synapse list.
    SynapseDense,
    /// A synaptic event through a sparse synapse list.
    SynapseSparse,
    /// A synaptic event through a shared (convolution) synapse list.
    SynapseShared,
    /// A packet delivered between two cores of one router.
    TileLocal,
    /// A packet crosses one link in x.
    HopX,
    /// A packet crosses one link in y.
    HopY,
    /// One bit of core memory is read (and written back) by the neuron sweep of a tick, which visits every row of
    /// every core of the chip, loaded or not.
    MemoryBit,
    /// One bit crosses a chip edge.
    ChipCrossingBit,
    /// A synapse's variables are updated by the learning engine.
    SynapseUpdate,
    /// A value is multiplied with a weight and added, in a core that runs artificial layers.
    MultiplyAccumulate,
}

impl Event {
    /// Every class, in report order.
    pub const ALL: [Self; 16] = [
        Self::NeuronAccess,
        Self::NeuronUpdate,
        Self::SpikeOut,
        Self::AxonOut,
        Self::AxonIn,
        Self::SynapseCrossbar,
        Self::SynapseDense,
        Self::SynapseSparse,
        Self::SynapseShared,
        Self::TileLocal,
        Self::HopX,
        Self::HopY,
        Self::MemoryBit,
        Self::ChipCrossingBit,
        Self::SynapseUpdate,
        Self::MultiplyAccumulate,
    ];

    /// The number of classes.
    pub const COUNT: usize = Self::ALL.len();

    /// As an index into a table of [`Event::COUNT`] entries.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The key in chip files and JSON reports.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::NeuronAccess => "neuron_access",
            Self::NeuronUpdate => "neuron_update",
            Self::SpikeOut => "spike_out",
            Self::AxonOut => "axon_out",
            Self::AxonIn => "axon_in",
            Self::SynapseCrossbar => "synapse_crossbar",
            Self::SynapseDense => "synapse_dense",
            Self::SynapseSparse => "synapse_sparse",
            Self::SynapseShared => "synapse_shared",
            Self::TileLocal => "tile_local",
            Self::HopX => "hop_x",
            Self::HopY => "hop_y",
            Self::MemoryBit => "memory_bit",
            Self::ChipCrossingBit => "chip_crossing_bit",
            Self::SynapseUpdate => "synapse_update",
            Self::MultiplyAccumulate => "multiply_accumulate",
        }
    }

    /// Whether this is one of the synaptic event classes (a synaptic operation, SOP).
    #[must_use]
    pub const fn is_synaptic(self) -> bool {
        matches!(self, Self::SynapseCrossbar | Self::SynapseDense | Self::SynapseSparse | Self::SynapseShared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_order_of_all() {
        for (index, event) in Event::ALL.into_iter().enumerate() {
            assert_eq!(event.index(), index, "{event:?}");
        }
    }
}
