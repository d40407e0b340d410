//! The chip image: the waist of the house. The compiler writes it, the emulator runs it, neither sees the other.

mod v1;

pub use v1::{
    AxonOut, CompartmentConfig, CoreBody, CoreImage, Crossbar, CrossbarParameters, CubaCore, Destination, Image,
    InputImage, ListKind, ListUse, NeuronCopy, OutputImage, Place, PopulationImage, Synapse, SynapseFormat,
    SynapseList,
};
