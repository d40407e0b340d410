//! Neuron programs that a network names.

use std::path::Path;

use super::build::{Builder, fault, projection_name};
use super::learning_model::OutputName;
use super::model::{Neuron, ProgramInt, Values};
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
    Ok(ProgramNeuron { name: given.program.clone(), program, parameters, initial, inputs, outputs: Vec::new() })
}

impl Builder<'_> {
    /// The programs of the populations that have one.
    pub(super) fn programs(&mut self) -> Vec<Option<Box<ProgramNeuron>>> {
        let mut found = Vec::new();
        for (index, population) in self.file.populations.iter().enumerate() {
            let Some(Neuron::Program(given)) = &population.neuron else {
                found.push(None);
                continue;
            };
            let at = index.to_string();
            let arrives = |name: &String| {
                let mut inbound = self.file.projections.iter().filter(|p| p.target == population.name);
                inbound.any(|projection| projection_name(projection) == *name)
            };
            if let Some(name) = given.inputs.keys().find(|name| !arrives(name)) {
                let what = format!("no projection '{name}' goes to '{}'", population.name);
                self.faults.push(fault(&["populations", &at, "neuron", "inputs"], what));
            }
            match build(given, self.folder) {
                Ok(program) => found.push(Some(Box::new(program))),
                Err((part, what)) => {
                    self.faults.push(fault(&["populations", &at, "neuron", part], what));
                    found.push(None);
                }
            }
        }
        self.outputs_of(&mut found);
        found
    }

    /// Which outputs of the programs the projections carry.
    fn outputs_of(&mut self, programs: &mut [Option<Box<ProgramNeuron>>]) {
        for (index, projection) in self.file.projections.iter().enumerate() {
            let Some(output) = &projection.output else { continue };
            let source = self.file.populations.iter().position(|population| population.name == projection.source);
            // Unknown sources, and programs that are none, are told elsewhere.
            let Some(source) = source else { continue };
            let program = matches!(self.file.populations[source].neuron, Some(Neuron::Program(_)));
            match (program, &mut programs[source]) {
                (true, None) => {}
                (true, Some(neuron)) => match output_number(output, &neuron.program) {
                    Ok(0) => {}
                    Ok(number) => neuron.outputs.push((projection_name(projection), number)),
                    Err((what, near)) => {
                        let mut unknown = fault(&["projections", &index.to_string(), "output"], what);
                        unknown.help = near.map(|near| format!("did you mean '{near}'?"));
                        self.faults.push(unknown);
                    }
                },
                (false, _) => {
                    let what = format!("'{}' runs no program: it has one output", projection.source);
                    self.faults.push(fault(&["projections", &index.to_string(), "output"], what));
                }
            }
        }
    }
}

/// The number of an output, or what is wrong with its name and the nearest one.
pub(super) fn output_number(output: &OutputName, program: &Program) -> Result<u8, (String, Option<String>)> {
    let names = || program.outputs.iter().map(String::as_str);
    let known = names().collect::<Vec<_>>().join(", ");
    let found = match output {
        OutputName::Number(number) => Some(*number).filter(|number| usize::from(*number) < program.outputs.len()),
        OutputName::Name(name) => names().position(|known| known == name).map(|number| number as u8),
    };
    found.ok_or_else(|| {
        let (given, near) = match output {
            OutputName::Number(number) => (number.to_string(), None),
            OutputName::Name(name) => (name.clone(), crate::diag::nearest(name, names()).map(str::to_owned)),
        };
        (format!("the program has no output '{given}'; it has {known}"), near)
    })
}

/// An output as it is written; `None` for the first.
pub(super) fn output_name(neuron: &ProgramNeuron, number: u8) -> Option<OutputName> {
    let name = neuron.program.outputs.get(usize::from(number));
    (number > 0).then(|| name.map_or(OutputName::Number(number), |name| OutputName::Name(name.clone())))
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
