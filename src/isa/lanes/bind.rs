//! What the parameters of a program are for a population: by name, in range, with defaults.

use super::Binding;
use crate::diag::{Problem, nearest};
use crate::isa::program::{Parameter, Program};

/// What every parameter is; problems go to `found`.
pub(super) fn bind(
    program: &Program,
    neurons: usize,
    bound: &[(String, Binding)],
    found: &mut Vec<Problem>,
) -> Vec<Binding> {
    for (name, _) in bound.iter().filter(|(name, _)| program.parameter(name).is_none()) {
        let problem = Problem::invalid("isa/parameter", name, format!("the program has no parameter '{name}'"));
        let near = nearest(name, program.parameters.iter().map(|parameter| parameter.name.as_str()));
        found.push(near.map_or(problem.clone(), |near| problem.help(format!("did you mean '{near}'?"))));
    }
    let mut bindings = Vec::new();
    for parameter in &program.parameters {
        let given = bound.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, binding)| binding.clone());
        let Some(binding) = given.or_else(|| default(parameter)) else {
            let what = format!("parameter '{}' has no default and is not given", parameter.name);
            found.push(Problem::invalid("isa/parameter", parameter.name.as_str(), what).help("bind it by name"));
            continue;
        };
        found.extend(check(parameter, &binding, neurons));
        bindings.push(binding);
    }
    bindings
}

fn default(parameter: &Parameter) -> Option<Binding> {
    let value = parameter.default?;
    Some(match parameter.entries {
        Some(entries) => Binding::Table(vec![value; usize::from(entries)]),
        None => Binding::Shared(value),
    })
}

/// What is wrong with what a parameter is bound to.
fn check(parameter: &Parameter, binding: &Binding, neurons: usize) -> Vec<Problem> {
    let mut found = Vec::new();
    let name = parameter.name.as_str();
    let problem = |what: String, limit: String| Problem::invalid("isa/parameter", name, what).limit(limit);
    let values = match (binding, parameter.entries) {
        (Binding::Shared(value), None) => std::slice::from_ref(value),
        (Binding::PerNeuron(values), None) => {
            if values.len() != neurons {
                let what = format!("'{name}' has {} values", values.len());
                found.push(problem(what, format!("one for each of {neurons} neurons")));
            }
            values
        }
        (Binding::Table(values), Some(entries)) => {
            if values.len() != usize::from(entries) {
                let what = format!("'{name}' has {} values", values.len());
                found.push(problem(what, format!("{entries} entries of the table")));
            }
            values
        }
        (_, entries) => {
            let kind = if entries.is_some() { "a table" } else { "a number, shared or one a neuron" };
            found.push(problem(format!("'{name}' is bound to another kind"), kind.to_owned()));
            &[]
        }
    };
    let (low, high) = parameter.width.range();
    if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !(low..=high).contains(*value)) {
        let what =
            format!("value {index} of '{name}' is {value}; the nearest legal one is {}", (*value).clamp(low, high));
        found.push(problem(what, format!("{low}..={high} ({})", parameter.width)));
    }
    found
}
