//! The neuron programs that are shipped: `programs/neurons`, by name.

/// Every built-in program with its source, by name.
pub const BUILTIN: &[(&str, &str)] = &[
    ("alif", include_str!("../../programs/neurons/alif.nmc")),
    ("allocator", include_str!("../../programs/neurons/allocator.nmc")),
    ("atrlif", include_str!("../../programs/neurons/atrlif.nmc")),
    ("cuba", include_str!("../../programs/neurons/cuba.nmc")),
    ("delta", include_str!("../../programs/neurons/delta.nmc")),
    ("first_spike", include_str!("../../programs/neurons/first_spike.nmc")),
    ("graded", include_str!("../../programs/neurons/graded.nmc")),
    ("graded_relu", include_str!("../../programs/neurons/graded_relu.nmc")),
    ("inv_sqrt", include_str!("../../programs/neurons/inv_sqrt.nmc")),
    ("izhikevich", include_str!("../../programs/neurons/izhikevich.nmc")),
    ("lif", include_str!("../../programs/neurons/lif.nmc")),
    ("lif_reset", include_str!("../../programs/neurons/lif_reset.nmc")),
    ("norm_vec", include_str!("../../programs/neurons/norm_vec.nmc")),
    ("novelty_detector", include_str!("../../programs/neurons/novelty_detector.nmc")),
    ("prod", include_str!("../../programs/neurons/prod.nmc")),
    ("prototype", include_str!("../../programs/neurons/prototype.nmc")),
    ("ranc", include_str!("../../programs/neurons/ranc.nmc")),
    ("readout", include_str!("../../programs/neurons/readout.nmc")),
    ("resonate_and_fire", include_str!("../../programs/neurons/resonate_and_fire.nmc")),
    ("rf_iz", include_str!("../../programs/neurons/rf_iz.nmc")),
    ("rf_zero", include_str!("../../programs/neurons/rf_zero.nmc")),
    ("sigma", include_str!("../../programs/neurons/sigma.nmc")),
    ("sigma_delta", include_str!("../../programs/neurons/sigma_delta.nmc")),
    ("sigma_delta_exact", include_str!("../../programs/neurons/sigma_delta_exact.nmc")),
    ("ternary", include_str!("../../programs/neurons/ternary.nmc")),
    ("tinyodin", include_str!("../../programs/neurons/tinyodin.nmc")),
    ("truenorth", include_str!("../../programs/neurons/truenorth.nmc")),
];

/// The source of a built-in program.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
