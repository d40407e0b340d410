//! What a float neuron becomes on a compartment: decays, the gain from weight to membrane, biases and threshold.

use crate::chip::CubaSpec;
use crate::compile::Options;
use crate::diag::Problem;
use crate::graph::{Dynamics, FloatNeuron, NeuronKind, Profile, Reset, parameter};

/// A population's dynamics in float units of its membrane, per tick. Vectors have one value or one a neuron.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Motion {
    /// Fraction of u that is lost in a tick (1: no memory).
    pub(super) decay_u: Vec<f64>,
    /// Fraction of v that is lost in a tick (0: perfect integrator).
    pub(super) decay_v: Vec<f64>,
    /// What an input of 1 adds to u.
    pub(super) gain: Vec<f64>,
    /// What is added to v in every tick.
    pub(super) bias: Vec<f64>,
    /// What is added to the input in every tick and passes the current filter; empty: nothing.
    pub(super) filtered_bias: Vec<f64>,
    /// The part of it that comes over recurrent edges and starts one tick later; empty: nothing.
    pub(super) late_bias: Vec<f64>,
    /// Threshold above the reset potential; `None`: never fires.
    pub(super) threshold: Option<Vec<f64>>,
}

/// [`parameter`] that is 0 where it is absent.
pub(super) fn at(values: &[f64], neuron: usize) -> f64 {
    parameter(values, neuron, 0.0)
}

/// Applies `f` per neuron, or once where every input has a single value.
fn each(size: usize, inputs: &[&[f64]], f: impl Fn(usize) -> f64) -> Vec<f64> {
    let count = if inputs.iter().all(|values| values.len() <= 1) { 1 } else { size };
    (0..count).map(f).collect()
}

/// Translates a population, or says what the chip cannot do.
pub(super) fn motion(
    name: &str,
    size: usize,
    neuron: &FloatNeuron,
    profile: &Profile,
    options: &Options,
) -> Result<Motion, Vec<Problem>> {
    let mut problems = Vec::new();
    if neuron.kind.spikes() && neuron.kind != NeuronKind::Threshold && !options.allow_reset_change {
        resets(name, neuron, profile, &mut problems);
    }
    let (leaks, filters) = kinds(neuron.kind);
    let lost = |tau: f64| match profile.dynamics {
        Dynamics::Euler => profile.dt / tau,
        Dynamics::ZeroOrderHold | Dynamics::DecayThenAdd => 1.0 - (-profile.dt / tau).exp(),
    };
    let decay = |present: bool, taus: &[f64], without: f64| {
        if present { each(size, &[taus], |n| lost(at(taus, n))) } else { vec![without] }
    };
    let at_once = neuron.kind == NeuronKind::Threshold;
    let decay_v = decay(leaks, &neuron.tau_mem, if at_once { 1.0 } else { 0.0 });
    let decay_u = decay(filters, &neuron.tau_syn, 1.0);
    for (what, decays) in [("tau_mem", &decay_v), ("tau_syn", &decay_u)] {
        if let Some(value) = decays.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            let what = format!("{what} decays by {value:.3} of the state in a tick of {} s", profile.dt);
            problems.push(
                Problem::misfit("cuba/decay", format!("population '{name}'"), what)
                    .limit("0..=1 of the state in a tick")
                    .help("choose a dt that is smaller than the time constants"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let gain = gains(size, neuron, profile, &decay_u, &decay_v);
    let shift = |n: usize| if shifts(neuron, profile) { at(&neuron.v_reset, n) } else { 0.0 };
    let bias = each(size, &[&decay_v, &neuron.v_leak, &neuron.v_reset, &gain, &neuron.bias], |n| {
        let rest = if leaks { at(&decay_v, n) * (at(&neuron.v_leak, n) - shift(n)) } else { 0.0 };
        rest + if filters { 0.0 } else { at(&gain, n) * at(&neuron.bias, n) }
    });
    let threshold = neuron
        .kind
        .spikes()
        .then(|| each(size, &[&neuron.v_threshold, &neuron.v_reset], |n| at(&neuron.v_threshold, n) - shift(n)));
    let given = |biases: &[f64]| filters && biases.iter().any(|&b| b != 0.0);
    let late = !profile.recurrent_bias_at_start && given(&neuron.recurrent_bias);
    let late_bias = if late { neuron.recurrent_bias.clone() } else { Vec::new() };
    let filtered_bias = if given(&neuron.bias) {
        each(size, &[&neuron.bias, &late_bias], |n| at(&neuron.bias, n) - at(&late_bias, n))
    } else {
        Vec::new()
    };
    Ok(Motion { decay_u, decay_v, gain, bias, filtered_bias, late_bias, threshold })
}

/// Whether a kind leaks, and whether it has a current filter.
const fn kinds(kind: NeuronKind) -> (bool, bool) {
    match kind {
        NeuronKind::If | NeuronKind::I | NeuronKind::Threshold => (false, false),
        NeuronKind::Lif | NeuronKind::Li => (true, false),
        NeuronKind::CubaLif | NeuronKind::CubaLi => (true, true),
    }
}

/// Whether the membrane is counted from its reset potential, so that a reset to it is a reset to 0.
fn shifts(neuron: &FloatNeuron, profile: &Profile) -> bool {
    profile.reset == Reset::Value && neuron.kind.spikes() && neuron.kind != NeuronKind::Threshold
}

/// What an input of 1 adds to u (and, with no filter, to v).
fn gains(size: usize, neuron: &FloatNeuron, profile: &Profile, decay_u: &[f64], decay_v: &[f64]) -> Vec<f64> {
    let unscaled = profile.dynamics == Dynamics::DecayThenAdd;
    let of = |values: &[f64], n: usize| if values.is_empty() { 1.0 } else { at(values, n) };
    let filter = |decay: &[f64], n: usize| if unscaled { 1.0 } else { at(decay, n) };
    each(size, &[&neuron.r, &neuron.w_in, decay_u, decay_v], |n| match neuron.kind {
        NeuronKind::Threshold => 1.0,
        NeuronKind::If | NeuronKind::I => profile.dt * of(&neuron.r, n),
        NeuronKind::Lif | NeuronKind::Li => filter(decay_v, n) * of(&neuron.r, n),
        NeuronKind::CubaLif | NeuronKind::CubaLi => {
            filter(decay_v, n) * of(&neuron.r, n) * filter(decay_u, n) * of(&neuron.w_in, n)
        }
    })
}

/// Resets that the chip does not have.
fn resets(name: &str, neuron: &FloatNeuron, profile: &Profile, problems: &mut Vec<Problem>) {
    let what = match profile.reset {
        Reset::Subtract | Reset::SnntorchSubtract => "a spike subtracts the threshold (soft reset)",
        Reset::None => "a spike leaves the membrane as it is",
        Reset::Value if neuron.v_reset.iter().any(|&v| v != 0.0) => "a spike resets to a potential other than 0",
        Reset::Value if profile.multi_spike => "a neuron may fire several times in a tick",
        Reset::Value => return,
    };
    problems.push(
        Problem::misfit("cuba/reset", format!("population '{name}'"), what)
            .limit("a spike resets v to 0, once a tick")
            .help(
                "import with reset=value and multi_spike=false where the network tolerates it, or allow the change \
                 of the reset explicitly",
            ),
    );
}

/// A decay as its register: the fraction times 4096, less `offset`.
pub(super) fn register(spec: &CubaSpec, fraction: f64, offset: i32) -> u16 {
    let one = f64::from(1_u32 << spec.decay_bits);
    let value = (fraction * one).round() as i32 - offset;
    value.clamp(0, (1 << spec.decay_bits) - 1) as u16
}
