//! Populations that run programs: what the chip must hold, their part of an image, and whether an image has it.

use std::ops::Range;

use super::draft::Row;
use crate::chip::{ChipSpec, CubaSpec, ProgramSpec};
use crate::diag::Problem;
use crate::graph::{IntGraph, IntNeuron, ProgramNeuron};
use crate::image::{NamedValues, ProgramGroup, ProjectionInput};
use crate::isa::{self, Binding};

/// Whether a chip can run the program, with the parameters that the population gives.
pub(super) fn check(
    neuron: &ProgramNeuron,
    size: u64,
    (chip, spec): (&ChipSpec, &CubaSpec),
    place: &str,
    problems: &mut Vec<Problem>,
) {
    let Some(programs) = &spec.programs else {
        problems.push(
            Problem::misfit("cuba/program", place, "its neurons run a program, which the chip's cannot")
                .limit("the fixed compartment of the chip")
                .help("compile for a chip with programmable neurons such as 'loihi2'"),
        );
        return;
    };
    if let Some(written_for) = neuron.program.chip.as_ref().filter(|name| **name != chip.name) {
        let what = format!("program '{}' is written for chip '{written_for}'", neuron.name);
        let limit = format!("this network is compiled for '{}'", chip.name);
        problems.push(
            Problem::misfit("cuba/program", place_in(neuron, place, neuron.program.places.chip), what)
                .limit(limit)
                .help("take its line 'chip' out, or compile for that chip"),
        );
    }
    let layout = neuron.program.layout();
    let states = place_in(neuron, place, neuron.program.places.state);
    let mut limit = |place: &str, what: &str, has: u64, most: u64| {
        if has > most {
            let what = format!("program '{}' has {has} {what}", neuron.name);
            problems.push(Problem::misfit("cuba/program", place, what).limit(format!("{most} on this chip")));
        }
    };
    limit(place, "instructions", neuron.program.code.len() as u64, programs.instructions.into());
    limit(&states, "bytes of state a neuron", layout.state_bytes.into(), programs.state_bytes.into());
    room(neuron, programs, place, problems);
    match isa::bind(&neuron.program, size as usize, &neuron.parameters) {
        Ok(_) => {}
        Err(found) => problems.extend(found.into_vec().into_iter().map(|mut problem| {
            problem.place = format!("{place}, program '{}', parameter '{}'", neuron.name, problem.place);
            problem
        })),
    }
    for (what, ports, count) in [
        ("input", &neuron.inputs, neuron.program.inputs.len()),
        ("output", &neuron.outputs, neuron.program.outputs.len()),
    ] {
        if let Some((projection, port)) = ports.iter().find(|(_, port)| usize::from(*port) >= count) {
            let problem = format!("projection '{projection}' names {what} {port} of program '{}'", neuron.name);
            problems.push(Problem::invalid("cuba/program", place, problem).limit(format!("{count} {what}s, from 0")));
        }
    }
    for (name, values) in &neuron.initial {
        initial(neuron, name, values, size, place, problems);
    }
}

/// The population's place, and that in its program's file where there is one.
fn place_in(neuron: &ProgramNeuron, place: &str, at: Option<(usize, usize)>) -> String {
    match at {
        Some((line, column)) => format!("{place}, {}:{line}:{column}", neuron.name),
        None => place.to_owned(),
    }
}

/// Where the program of a population declares its state, and how many neurons of it a core can hold at most; for an error
/// about memory.
pub(super) fn state_of(neuron: &ProgramNeuron, spec: &ProgramSpec, place: &str) -> (String, String) {
    let layout = neuron.program.layout();
    let bytes = layout.state_bytes;
    let fit = format!(
        "{} neurons of program '{}' with {bytes} bytes of state each fit a core",
        fit(neuron, spec),
        neuron.name
    );
    (place_in(neuron, place, neuron.program.places.state), fit)
}

/// How many neurons fit a core beside their program, each with an axon in and one out.
fn fit(neuron: &ProgramNeuron, spec: &ProgramSpec) -> i64 {
    let layout = neuron.program.layout();
    let left = i64::from(spec.memory_bytes) - i64::from(layout.code_bytes);
    let each = i64::from(layout.state_bytes) + 2 * i64::from(spec.axon_bytes);
    left.max(0) / each.max(1)
}

/// At least one neuron must fit a core beside its program; how many would.
fn room(neuron: &ProgramNeuron, spec: &ProgramSpec, place: &str, problems: &mut Vec<Problem>) {
    if fit(neuron, spec) < 1 {
        let layout = neuron.program.layout();
        let what = format!(
            "program '{}' takes {} bytes and {} of state a neuron: 0 neurons would fit a core",
            neuron.name, layout.code_bytes, layout.state_bytes,
        );
        let place = place_in(neuron, place, neuron.program.places.state);
        problems
            .push(Problem::misfit("cuba/program", place, what).limit(format!("{} bytes a core", spec.memory_bytes)));
    }
}

fn initial(neuron: &ProgramNeuron, name: &str, values: &[i32], size: u64, place: &str, problems: &mut Vec<Problem>) {
    let Some(slot) = neuron.program.state(name) else {
        let names = neuron.program.states.iter().map(|state| state.name.as_str());
        let mut problem = Problem::invalid("isa/state", place, format!("the program has no state '{name}'"));
        problem.help = crate::diag::nearest(name, names).map(|near| format!("did you mean '{near}'?"));
        problems.push(problem);
        return;
    };
    let width = neuron.program.states[slot].width;
    let (low, high) = width.range();
    if values.len() != 1 && values.len() as u64 != size {
        let what = format!("state '{name}' has {} values for {size} neurons", values.len());
        problems.push(Problem::invalid("isa/state", place, what).help("give one value, or one a neuron"));
    } else if let Some(value) = values.iter().find(|value| !(low..=high).contains(*value)) {
        let what =
            format!("state '{name}' begins at {value}; the nearest legal value is {}", (*value).clamp(low, high));
        problems.push(Problem::misfit("isa/state", place, what).limit(format!("{low}..={high} ({width})")));
    }
}

/// The groups of a core's compartments: one for each run of neurons that follow each other in their population.
pub(super) fn groups(row: &Row<'_>, members: &[u32]) -> Vec<ProgramGroup> {
    let mut groups = Vec::new();
    for segment in row.segments(members) {
        let Some(IntNeuron::Program(program)) = &row.graph.populations[segment.population].neuron else { continue };
        let neurons: Vec<(u32, u32)> = segment.neurons().collect();
        for run in neurons.chunk_by(|a, b| a.1 + 1 == b.1) {
            let (base, first) = run[0];
            groups.push(group(row, segment.population, program, first..first + run.len() as u32, base));
        }
    }
    groups
}

fn group(row: &Row<'_>, population: usize, neuron: &ProgramNeuron, neurons: Range<u32>, base: u32) -> ProgramGroup {
    let cut = |values: &[i32]| {
        if values.len() == 1 { values.to_vec() } else { values[neurons.start as usize..neurons.end as usize].to_vec() }
    };
    let parameter = |(name, binding): &(String, Binding)| {
        let values = match binding {
            Binding::Shared(value) => vec![*value],
            Binding::PerNeuron(values) => cut(values),
            Binding::Table(values) => values.clone(),
        };
        NamedValues { name: name.clone(), values }
    };
    ProgramGroup {
        name: neuron.name.clone(),
        program: isa::listing(&neuron.program),
        first: base,
        count: neurons.end - neurons.start,
        population: population as u32,
        neuron: neurons.start,
        parameters: neuron.parameters.iter().map(parameter).collect(),
        initial: neuron
            .initial
            .iter()
            .map(|(name, values)| NamedValues { name: name.clone(), values: cut(values) })
            .collect(),
        inputs: inputs(row.graph, population, neuron),
    }
}

/// Dendritic inputs of the projections to a population, where they are not the first.
fn inputs(graph: &IntGraph, population: usize, neuron: &ProgramNeuron) -> Vec<ProjectionInput> {
    let inbound = graph.projections.iter().enumerate().filter(|(_, p)| p.target.index() == population);
    inbound
        .filter_map(|(number, projection)| {
            let input = neuron.input(&projection.name);
            (input > 0).then_some(ProjectionInput { projection: number as u32, input })
        })
        .collect()
}

/// What a population with a program must be in an image.
pub(super) struct Wanted<'a> {
    population: usize,
    neuron: &'a ProgramNeuron,
    /// The program as images hold it.
    program: String,
    inputs: Vec<ProjectionInput>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(graph: &IntGraph, population: usize, neuron: &'a ProgramNeuron) -> Self {
        let program = isa::listing(&neuron.program);
        Self { population, neuron, program, inputs: inputs(graph, population, neuron) }
    }

    /// What the image has otherwise for one neuron of the population.
    pub(super) fn difference(&self, group: Option<&ProgramGroup>, neuron: usize, compartment: u32) -> Option<String> {
        let wanted = self.neuron;
        let Some(group) = group else { return Some("no program runs it".to_owned()) };
        if group.program != self.program {
            return Some(format!("it runs program '{}', not '{}'", group.name, wanted.name));
        }
        let at = (compartment - group.first) as usize;
        if (group.population as usize, group.neuron as usize + at) != (self.population, neuron) {
            return Some("its random draws are another neuron's".to_owned());
        }
        if group.inputs != self.inputs {
            return Some("its projections go to other dendritic inputs".to_owned());
        }
        for (name, binding) in &wanted.parameters {
            let stored = group.parameters.iter().find(|named| named.name == *name).map(|named| &named.values[..]);
            let same = match (stored, binding) {
                (Some(stored), Binding::Table(values)) => stored == &values[..],
                (Some(stored), Binding::Shared(value)) => self::one(stored, at) == Some(*value),
                (Some(stored), Binding::PerNeuron(values)) => one(stored, at) == values.get(neuron).copied(),
                (None, _) => false,
            };
            if !same {
                return Some(format!("parameter '{name}' differs"));
            }
        }
        if group.parameters.len() != wanted.parameters.len() {
            return Some("it has other parameters".to_owned());
        }
        let begins = |state: &isa::Variable| {
            let given = group.initial.iter().find(|named| named.name == state.name);
            given.and_then(|named| one(&named.values, at)).unwrap_or(state.initial)
        };
        let begun: Vec<i32> = wanted.program.states.iter().map(begins).collect();
        (begun != wanted.begin(neuron)).then(|| "it begins in another state".to_owned())
    }
}

/// One value for all, or one each.
fn one(values: &[i32], at: usize) -> Option<i32> {
    if values.len() == 1 { values.first().copied() } else { values.get(at).copied() }
}
