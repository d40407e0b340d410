//! The profile of a file: asked for, or inferred from what exporters leave in the numbers.

use super::node::{Graph, Neuron, Op};
use crate::diag::{Problem, Result};
use crate::graph::{NeuronKind, Profile, ReadOptions};

/// Largest relative difference of ratios that count as equal (exporters compute in 32-bit floats).
const SAME: f64 = 1e-4;

/// The profile to read `graph` under. What is inferred goes to `notes`.
pub(super) fn profile(graph: &Graph, file: &str, options: &ReadOptions, notes: &mut Vec<String>) -> Result<Profile> {
    let neurons: Vec<&Neuron> = graph.nodes.iter().filter_map(|(_, op)| neuron(op)).collect();
    let inferred = infer(&neurons);
    let mut profile = match (&options.profile, &inferred) {
        (Some(name), _) => Profile::named(name)?,
        (None, Some((name, _, why))) => {
            notes.push(format!("profile '{name}' inferred: {why}; reset kind is not stored in NIR, --profile sets it"));
            Profile::named(name)?
        }
        (None, None) => Profile::named("nir")?,
    };
    match (options.dt, &inferred) {
        (Some(dt), _) => profile.dt = dt,
        (None, Some((_, dt, why))) => {
            notes.push(format!("dt = {dt} inferred: {why}"));
            profile.dt = *dt;
        }
        (None, None) if options.profile.is_some() || options.set.iter().any(|(field, _)| field == "dt") => {}
        (None, None) if neurons.iter().all(|neuron| neuron.kind == NeuronKind::Threshold) => {}
        (None, None) => {
            return Err(Problem::invalid(
                "graph/dt",
                file,
                "the time step of the network is not known: NIR stores none",
            )
            .help(format!(
                "say --dt SECONDS, or --profile NAME for the framework that wrote it ({})",
                Profile::presets().join(", ")
            ))
            .into());
        }
    }
    for (field, value) in &options.set {
        profile.set(field, value)?;
    }
    if !(profile.dt.is_finite() && profile.dt > 0.0) {
        let problem = Problem::invalid("graph/dt", file, format!("dt is {}", profile.dt));
        return Err(problem.limit("finite and above 0 seconds").into());
    }
    Ok(profile)
}

/// The neuron of an op.
fn neuron(op: &Op) -> Option<&Neuron> {
    match op {
        Op::Neuron(neuron) => Some(neuron),
        _ => None,
    }
}

/// Preset, dt and reason, where the numbers agree.
fn infer(neurons: &[&Neuron]) -> Option<(&'static str, f64, &'static str)> {
    let leaky = |neuron: &&&Neuron| !neuron.tau_mem.is_empty();
    let ratios: Vec<f64> = neurons
        .iter()
        .filter(leaky)
        .flat_map(|neuron| {
            let r = |at: usize| neuron.r.get(at).or(neuron.r.first()).copied().unwrap_or(1.0);
            neuron.tau_mem.iter().enumerate().map(move |(at, tau)| if r(at) == 1.0 { f64::NAN } else { tau / r(at) })
        })
        .collect();
    if let Some(dt) = agree(&ratios) {
        return Some(("snntorch", dt, "tau / r is the same for all neurons, as snnTorch writes it"));
    }
    if !ratios.is_empty() {
        return None;
    }
    let r: Vec<f64> =
        neurons.iter().filter(|neuron| neuron.kind == NeuronKind::If).flat_map(|neuron| neuron.r.clone()).collect();
    match agree(&r) {
        Some(1.0) => Some(("sinabs", 1.0, "all IF neurons have r = 1: time counts in steps, as Sinabs writes it")),
        Some(r) if r > 1.0 => {
            Some(("spikingjelly", 1.0 / r, "all IF neurons have r = 1/dt, as SpikingJelly writes it"))
        }
        _ => None,
    }
}

/// The common value, rounded to six digits.
fn agree(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    let same = values.iter().all(|value| (value - first).abs() <= SAME * first.abs()) && first > 0.0;
    same.then(|| format!("{first:.6e}").parse().unwrap_or(first))
}
