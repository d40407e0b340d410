//! Neuron programs that a network names.

use std::path::Path;

use super::model::{ProgramInt, Values};
use crate::graph::ProgramNeuron;
use crate::isa::{self, BUILTIN, Binding, Program};

/// Largest program file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The program of a population, or the part that is wrong and why.
pub(super) fn build(given: &ProgramInt, folder: &Path) -> Result<ProgramNeuron, (&'static str, String)> {
    let program = load(&given.program, folder).map_err(|what| ("program", what))?;
    let bind = |(name, values): (&String, &Values<i32>)| {
        let table = program.parameter(name).is_some_and(|slot| program.parameters[slot].entries.is_some());
        let binding = match values {
            Values::One(value) if table => Binding::Table(vec![*value]),
            Values::One(value) => Binding::Shared(*value),
            Values::Each(values) if table => Binding::Table(values.clone()),
            Values::Each(values) => Binding::PerNeuron(values.clone()),
        };
        (name.clone(), binding)
    };
    let parameters = given.parameters.iter().map(bind).collect();
    let initial = given.initial.iter().map(|(name, values)| {
        let values = match values {
            Values::One(value) => vec![*value],
            Values::Each(values) => values.clone(),
        };
        (name.clone(), values)
    });
    let initial = initial.collect();
    if let Some((projection, input)) =
        given.inputs.iter().find(|(_, input)| usize::from(**input) >= program.inputs.len())
    {
        let what = format!("'{projection}' goes to input {input}, but the program has {}", program.inputs.len());
        return Err(("inputs", what));
    }
    let inputs = given.inputs.iter().map(|(name, input)| (name.clone(), *input)).collect();
    Ok(ProgramNeuron { name: given.program.clone(), program, parameters, initial, inputs })
}

/// A built-in program, or a file.
fn load(name: &str, folder: &Path) -> Result<Program, String> {
    let refuse = |problems: crate::diag::Problems| problems.to_string();
    if let Some(text) = isa::builtin_text(name) {
        return isa::assemble(text, name).map_err(refuse);
    }
    let path = folder.join(name);
    let near = crate::diag::nearest(name, BUILTIN.iter().map(|(name, _)| *name));
    let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
    let unread = |error: std::io::Error| format!("'{name}' is no built-in program and no file: {error}{hint}");
    if std::fs::metadata(&path).map_err(unread)?.len() > MOST_BYTES {
        return Err(format!("'{name}' is larger than {MOST_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(&path).map_err(unread)?;
    isa::assemble(&text, &path.display().to_string()).map_err(refuse)
}
