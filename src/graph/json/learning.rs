//! Learning in the native JSON format: from the model to the network and back.

use super::build::{Builder, fault, values};
use super::learning_model::{self as model, OutputName};
use super::model::Values;
use super::program::{output_name, output_number};
use super::{Fault, Step};
use crate::graph::{IntNeuron, Learning, Population, ProgramNeuron, Projection, TraceShape};
use crate::ids::{PopulationId, ProjectionId};
use crate::rule::{self, Graded, Rule, Sign, TraceName};

impl Builder<'_> {
    /// The learning of every projection that learns.
    pub(super) fn learning(
        &mut self,
        projections: &[Projection<i32>],
        populations: &[Population<IntNeuron>],
    ) -> Vec<Learning> {
        let programs: Vec<Option<&ProgramNeuron>> = populations
            .iter()
            .map(|population| match &population.neuron {
                Some(IntNeuron::Program(program)) => Some(&**program),
                _ => None,
            })
            .collect();
        let file = self.file;
        let mut all = Vec::new();
        for (index, (given, projection)) in file.projections.iter().zip(projections).enumerate() {
            let Some(given) = &given.learning else { continue };
            let Some((rule, shapes)) = self.rule(index, &given.rule) else { continue };
            let sign = given.sign.map_or_else(|| Sign::of(&projection.weights), sign);
            let mut learning = Learning::new(ProjectionId::from(index), rule, sign);
            learning.epoch = given.epoch.unwrap_or(1);
            learning.start = given.start.unwrap_or(0);
            learning.weight_bits = given.weight_bits.unwrap_or(8);
            learning.graded = given.graded.map_or(Graded::Ignored, graded);
            learning.post = self.post(index, given.post.as_ref(), programs.get(projection.target.index()));
            learning.seed = given.seed.unwrap_or(0);
            learning.tags = values(given.tags.as_ref(), &[0]);
            learning.delays = values(given.delays.as_ref(), &[]);
            learning.traces = shapes;
            let traces = [&given.x1, &given.x2, &given.y1, &given.y2, &given.y3];
            for (place, (trace, name)) in traces.into_iter().zip(TraceName::ALL).enumerate() {
                if let Some(trace) = trace {
                    learning.traces[place] = shape(trace);
                    self.supplied(index, name, trace, &mut learning.factors);
                    self.written(index, name, trace, &mut learning.states);
                }
            }
            all.push(learning);
        }
        all
    }

    /// The output whose spikes are postsynaptic.
    fn post(&mut self, index: usize, given: Option<&OutputName>, target: Option<&Option<&ProgramNeuron>>) -> u8 {
        let Some(given) = given else { return 0 };
        let path = ["projections", &index.to_string(), "learning", "post"];
        let Some(Some(target)) = target else {
            self.faults.push(fault(&path, "the target runs no program: it has one output".to_owned()));
            return 0;
        };
        output_number(given, &target.program).unwrap_or_else(|(what, near)| {
            let mut unknown = fault(&path, what);
            unknown.help = near.map(|near| format!("did you mean '{near}'?"));
            self.faults.push(unknown);
            0
        })
    }

    /// The rule, by its name or as text, with the traces that a named one comes with.
    fn rule(&mut self, index: usize, text: &str) -> Option<(Rule, [TraceShape; 5])> {
        let path = || ["projections".to_owned(), index.to_string(), "learning".to_owned(), "rule".to_owned()];
        let none = [TraceShape::NONE; 5];
        let (text, shapes) = match rule::preset(text.trim()) {
            Some(preset) => (preset.rule, preset.traces.map(|(impulse, tau)| TraceShape { impulse, tau })),
            None => (text, none),
        };
        match rule::parse_rule(text, "rule") {
            Ok(rule) => return Some((rule, shapes)),
            Err(problems) => {
                let named = !text.contains('=') && !text.trim().is_empty();
                for problem in problems.into_vec() {
                    let names = rule::PRESETS.map(|preset| preset.name);
                    let help = if named {
                        let near =
                            crate::diag::nearest(text.trim(), names).map(|near| format!("did you mean '{near}'? "));
                        let known = names.join(", ");
                        Some(format!("{}write dw = ..., or one of: {known}", near.unwrap_or_default()))
                    } else {
                        problem.help
                    };
                    let path = path().map(|part| part.parse().map_or(Step::Key(part), Step::Index)).to_vec();
                    let what = if named { format!("no rule is named '{}'", text.trim()) } else { problem.what };
                    let (limit, code, within) = (problem.limit, Some(problem.code), Some(problem.place));
                    self.faults.push(Fault { path, what, limit, help, code, within });
                }
            }
        }
        None
    }

    /// The state that a trace is.
    fn written(&mut self, index: usize, name: TraceName, trace: &model::Trace, states: &mut [Option<String>; 3]) {
        let Some(state) = &trace.state else { return };
        match (name as usize).checked_sub(2) {
            Some(place) => states[place] = Some(state.clone()),
            None => {
                let path = ["projections", &index.to_string(), "learning", name.name(), "state"];
                let what = format!("{} is raised by presynaptic spikes alone", name.name());
                let mut inside = fault(&path, what);
                inside.help = Some("a program writes y1, y2 or y3".to_owned());
                self.faults.push(inside);
            }
        }
    }

    /// The population that supplies a trace.
    fn supplied(
        &mut self,
        index: usize,
        name: TraceName,
        trace: &model::Trace,
        factors: &mut [Option<PopulationId>; 3],
    ) {
        let Some(from) = &trace.from else { return };
        let path = ["projections", &index.to_string(), "learning", name.name(), "from"];
        let Some(place) = (name as usize).checked_sub(2) else {
            let mut inside = fault(&path, format!("{} is raised by presynaptic spikes alone", name.name()));
            inside.help = Some("supply y1, y2 or y3".to_owned());
            return self.faults.push(inside);
        };
        factors[place] = self.population(from, &path);
    }
}

fn shape(trace: &model::Trace) -> TraceShape {
    TraceShape { impulse: trace.impulse.unwrap_or(0.0), tau: trace.tau.unwrap_or(f64::INFINITY) }
}

const fn sign(given: model::Sign) -> Sign {
    match given {
        model::Sign::Mixed => Sign::Mixed,
        model::Sign::Excitatory => Sign::Excitatory,
        model::Sign::Inhibitory => Sign::Inhibitory,
    }
}

const fn graded(given: model::Graded) -> Graded {
    match given {
        model::Graded::Ignored => Graded::Ignored,
        model::Graded::Overwrite => Graded::Overwrite,
        model::Graded::Saturate => Graded::Saturate,
        model::Graded::Overflow => Graded::Overflow,
    }
}

/// As it is written; `name` tells the name of a population.
pub(super) fn write(
    learning: &Learning,
    target: Option<&ProgramNeuron>,
    name: impl Fn(PopulationId) -> String,
) -> model::Learning {
    let from = |index: usize| index.checked_sub(2).and_then(|at| learning.factors[at]);
    let trace = |index: usize| {
        let TraceShape { impulse, tau } = learning.traces[index];
        let given = model::Trace {
            impulse: (impulse != 0.0).then_some(impulse),
            tau: tau.is_finite().then_some(tau),
            from: from(index).map(&name),
            state: index.checked_sub(2).and_then(|at| learning.states[at].clone()),
        };
        let outside = given.from.is_some() || given.state.is_some();
        (learning.traces[index] != TraceShape::NONE || outside).then_some(given)
    };
    let list = |values: &[i16]| match values {
        [] => None,
        [one] => Some(Values::One(*one)),
        many => Some(Values::Each(many.to_vec())),
    };
    model::Learning {
        rule: learning.rule.to_string(),
        epoch: Some(learning.epoch),
        start: (learning.start > 0).then_some(learning.start),
        post: target.and_then(|target| output_name(target, learning.post)),
        x1: trace(0),
        x2: trace(1),
        y1: trace(2),
        y2: trace(3),
        y3: trace(4),
        sign: Some(match learning.sign {
            Sign::Mixed => model::Sign::Mixed,
            Sign::Excitatory => model::Sign::Excitatory,
            Sign::Inhibitory => model::Sign::Inhibitory,
        }),
        weight_bits: (learning.weight_bits != 8).then_some(learning.weight_bits),
        graded: match learning.graded {
            Graded::Ignored => None,
            Graded::Overwrite => Some(model::Graded::Overwrite),
            Graded::Saturate => Some(model::Graded::Saturate),
            Graded::Overflow => Some(model::Graded::Overflow),
        },
        seed: (learning.seed != 0).then_some(learning.seed),
        tags: list(&learning.tags).filter(|tags| !matches!(tags, Values::One(0))),
        delays: list(&learning.delays),
    }
}
