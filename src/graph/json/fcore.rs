//! Populations of Tianjic-style cores in the JSON format, both ways.

use super::build::values;
use super::model::{self, AnnInt, Axons, Neuron, SnnInt, Values};
use crate::graph::{Activation, AnnSoma, FcoreInput, FcoreNeuron, FcoreReset, FcoreSoma, SnnSoma};

fn input(given: Option<Axons>, default: Axons, window: Option<u8>) -> FcoreInput {
    match given.unwrap_or(default) {
        Axons::Values => FcoreInput::Values,
        Axons::Spikes => FcoreInput::Spikes { window: window.unwrap_or(1) },
    }
}

/// An artificial unit.
pub(super) fn ann(given: &AnnInt) -> FcoreNeuron {
    let activation = match &given.activation {
        None | Some(model::Activation::Relu) => Activation::Relu,
        Some(model::Activation::Signed) => Activation::Signed,
        Some(model::Activation::Table(table)) => Activation::Table(table.clone()),
    };
    FcoreNeuron {
        input: input(given.input, Axons::Values, given.window),
        soma: FcoreSoma::Ann(AnnSoma {
            bias: values(given.bias.as_ref(), &[0]),
            shift: given.shift.unwrap_or(0),
            activation,
        }),
    }
}

/// A spiking neuron.
pub(super) fn snn(given: &SnnInt) -> FcoreNeuron {
    FcoreNeuron {
        input: input(given.input, Axons::Spikes, given.window),
        soma: FcoreSoma::Snn(SnnSoma {
            decay: given.decay.unwrap_or(0),
            bias: values(given.bias.as_ref(), &[0]),
            threshold: given.threshold.as_ref().map(|threshold| values(Some(threshold), &[])),
            random_bits: given.random_bits.unwrap_or(0),
            seed: given.seed.unwrap_or(0),
            reset: given.reset.unwrap_or(FcoreReset::Value),
            reset_value: given.reset_value.unwrap_or(0),
            initial: values(given.initial.as_ref(), &[0]),
        }),
    }
}

/// As it is written.
pub(super) fn written(neuron: &FcoreNeuron) -> Neuron {
    let (input, window) = match neuron.input {
        FcoreInput::Values => (Some(Axons::Values), None),
        FcoreInput::Spikes { window } => (Some(Axons::Spikes), Some(window)),
    };
    let list = |values: &[i32]| match values {
        [one] => Values::One(*one),
        many => Values::Each(many.to_vec()),
    };
    match &neuron.soma {
        FcoreSoma::Ann(ann) => Neuron::AnnInt(AnnInt {
            bias: Some(list(&ann.bias)),
            shift: Some(ann.shift),
            activation: Some(match &ann.activation {
                Activation::Relu => model::Activation::Relu,
                Activation::Signed => model::Activation::Signed,
                Activation::Table(table) => model::Activation::Table(table.clone()),
            }),
            input,
            window,
        }),
        FcoreSoma::Snn(snn) => Neuron::SnnInt(SnnInt {
            decay: Some(snn.decay),
            bias: Some(list(&snn.bias)),
            threshold: snn.threshold.as_deref().map(list),
            random_bits: Some(snn.random_bits),
            seed: Some(snn.seed),
            reset: Some(snn.reset),
            reset_value: Some(snn.reset_value),
            initial: (snn.initial != [0]).then(|| list(&snn.initial)),
            input,
            window,
        }),
    }
}
