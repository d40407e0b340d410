//! Learning of a projection: its rule, its traces, and what reaches it beside spikes. In chip integers alone: rules act
//! on registers.

use std::collections::BTreeSet;

use super::{IntGraph, IntNeuron, Pattern, Projection};
use crate::diag::Problem;
use crate::ids::{PopulationId, ProjectionId};
use crate::rule::{Graded, Rule, Sign, TraceName, Variable, parse_rule};

/// How the synapses of a projection learn.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    /// Which projection.
    pub projection: ProjectionId,
    /// What becomes of weight, delay and tag.
    pub rule: Rule,
    /// Ticks of an epoch, 1..=63: the rule acts at the end of each.
    pub epoch: u32,
    /// The first tick whose spikes count; epochs are counted from it.
    pub start: u32,
    /// x1, x2, y1, y2 and y3.
    pub traces: [TraceShape; 5],
    /// Populations that supply y1, y2 and y3 in every tick (third factor, reward) instead of the target's spikes: one
    /// neuron for all targets, or one a target. The value is the number of spikes of the tick.
    pub factors: [Option<PopulationId>; 3],
    /// States of the target's program that y1, y2 and y3 are, in place of what spikes make of them: each tick's value, held
    /// to 0..=127.
    pub states: [Option<String>; 3],
    /// Output of the target's program whose spikes are the postsynaptic ones, y0; 0 is the first.
    pub post: u8,
    /// Signs of the weights.
    pub sign: Sign,
    /// Bits of a weight, sign excluded, to which changes are rounded in dialect brian2.
    pub weight_bits: u8,
    /// What graded presynaptic spikes do.
    pub graded: Graded,
    /// Seed of the draws of decays and roundings.
    pub seed: u64,
    /// Tags before the first tick, one for all or one a weight.
    pub tags: Vec<i16>,
    /// Learned delays before the first tick, one for all or one a weight, where the dialect keeps them beside the
    /// delays that spikes take (lava); empty: those.
    pub delays: Vec<i16>,
}

/// How a trace grows and decays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceShape {
    /// What a spike adds, 0..=127; a fraction is added with its own probability.
    pub impulse: f64,
    /// Time constant in ticks; 0 forgets in one tick, infinity never.
    pub tau: f64,
}

impl TraceShape {
    /// A trace that is not used.
    pub const NONE: Self = Self { impulse: 0.0, tau: 0.0 };
}

impl Learning {
    /// A rule with epochs of one tick, no traces, and everything else as it is without a statement.
    #[must_use]
    pub fn new(projection: ProjectionId, rule: Rule, sign: Sign) -> Self {
        Self {
            projection,
            rule,
            epoch: 1,
            start: 0,
            traces: [TraceShape::NONE; 5],
            factors: [None; 3],
            states: [const { None }; 3],
            post: 0,
            sign,
            weight_bits: 8,
            graded: Graded::Ignored,
            seed: 0,
            tags: vec![0],
            delays: Vec::new(),
        }
    }

    /// Tag of a weight before the first tick.
    #[must_use]
    pub fn tag(&self, weight: usize) -> i16 {
        one_or_each(&self.tags, weight).unwrap_or(0)
    }

    /// Learned delay of a weight before the first tick; `None` where it is the delay that spikes take.
    #[must_use]
    pub fn delay(&self, weight: usize) -> Option<i16> {
        one_or_each(&self.delays, weight)
    }

    /// Whether delays are learned, or read by the rule.
    #[must_use]
    pub fn needs_delay(&self) -> bool {
        !self.rule.delay.is_empty() || self.rule.reads(Variable::Delay)
    }
}

fn one_or_each(values: &[i16], at: usize) -> Option<i16> {
    if values.len() == 1 { values.first().copied() } else { values.get(at).copied() }
}

/// Longest epoch in ticks (Davies et al. 2018).
const LONGEST_EPOCH: u32 = 63;

impl IntGraph {
    /// How a projection learns.
    #[must_use]
    pub fn learning_of(&self, projection: usize) -> Option<&Learning> {
        self.learning.iter().find(|learning| learning.projection.index() == projection)
    }
}

/// Everything about learning that does not hold, whatever the chip.
pub(super) fn check(graph: &IntGraph, found: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for learning in &graph.learning {
        let Some(projection) = graph.projections.get(learning.projection.index()) else {
            found.push(Problem::invalid("graph/index", "learning", "it names a projection that does not exist"));
            continue;
        };
        let place = format!("projection '{}' learning", projection.name);
        let mut bad = |code, what: String, limit: &str, help: &str| {
            let problem = Problem::invalid(code, &place, what);
            let problem = if limit.is_empty() { problem } else { problem.limit(limit) };
            found.push(if help.is_empty() { problem } else { problem.help(help) });
        };
        if !seen.insert(learning.projection) {
            bad("graph/learning", "a second rule for this projection".into(), "", "join the two rules in one");
        }
        if !(1..=LONGEST_EPOCH).contains(&learning.epoch) {
            let nearest = learning.epoch.clamp(1, LONGEST_EPOCH);
            let help = format!("the nearest is {nearest}; u1 to u9 act every 2 to 512 epochs");
            bad("graph/learning", format!("an epoch of {} ticks", learning.epoch), "1..=63 ticks", &help);
        }
        // Such as a mantissa of -8, which the text has as -4*2^1; the arithmetic is not the same.
        if parse_rule(&learning.rule.to_string(), "").as_ref() != Ok(&learning.rule) {
            let what = format!("'{}' is not what its text says", learning.rule);
            bad("graph/learning", what, "", "write the rule as text and parse it");
        }
        for (shape, name) in learning.traces.iter().zip(TraceName::ALL) {
            if !(0.0..=127.0).contains(&shape.impulse) {
                let help = format!("the nearest is {}", if shape.impulse > 0.0 { 127 } else { 0 });
                bad("graph/trace", format!("impulse {} of {}", shape.impulse, name.name()), "0..=127", &help);
            }
            if shape.tau.is_nan() || shape.tau < 0.0 {
                let what = format!("time constant {} of {}", shape.tau, name.name());
                bad("graph/trace", what, "0 ticks (forgets at once) or more", "");
            }
        }
        for (what, values) in [("tags", &learning.tags), ("delays", &learning.delays)] {
            if values.len() > 1 && values.len() != projection.weights.len() {
                let what = format!("{} {what} for {} weights", values.len(), projection.weights.len());
                bad("graph/count", what, "one for all, or one a weight", "");
            }
        }
        if let Some(what) = structure(&projection.pattern) {
            bad("graph/learning", what, "", "learn a dense, one-to-one or sparse projection, one weight a synapse");
        }
        outside(graph, learning, projection, &mut bad);
    }
}

/// Third factors that do not fit, and traces that a rule reads though nothing ever raises them.
fn outside(
    graph: &IntGraph,
    learning: &Learning,
    projection: &Projection<i32>,
    bad: &mut impl FnMut(&'static str, String, &str, &str),
) {
    let targets = graph.populations.get(projection.target.index()).map_or(0, super::Population::size);
    for (factor, name) in learning.factors.iter().zip(["y1", "y2", "y3"]) {
        let Some(population) = factor else { continue };
        match graph.populations.get(population.index()).map(super::Population::size) {
            None => bad("graph/index", format!("{name} is supplied by a population that does not exist"), "", ""),
            Some(size) if size != 1 && size != targets => {
                let what = format!("{name} is supplied by {size} neurons for {targets} targets");
                bad("graph/learning", what, "1 neuron for all targets, or one a target", "");
            }
            Some(_) => {}
        }
    }
    let outputs = match graph.populations.get(projection.target.index()).and_then(|target| target.neuron.as_ref()) {
        Some(IntNeuron::Program(program)) => program.program.outputs.len(),
        _ => 1,
    };
    if usize::from(learning.post) >= outputs {
        let limit = format!("{outputs} outputs of the target, from 0");
        bad("graph/learning", format!("its postsynaptic spikes are those of output {}", learning.post), &limit, "");
    }
    for (index, name) in ["y1", "y2", "y3"].into_iter().enumerate() {
        let Some(state) = &learning.states[index] else { continue };
        if learning.factors[index].is_some() {
            let what = format!("{name} is both state '{state}' and supplied by a population");
            bad("graph/learning", what, "", "give one of \"state\" and \"from\"");
        }
        let target = graph.populations.get(projection.target.index()).and_then(|target| target.neuron.as_ref());
        let Some(IntNeuron::Program(program)) = target else {
            let what = format!("{name} is state '{state}', but the target runs no program");
            bad("graph/learning", what, "", "give the target \"model\": \"program\"");
            continue;
        };
        if program.program.state(state).is_none() {
            let names = program.program.states.iter().map(|state| state.name.as_str());
            let near = crate::diag::nearest(state, names).map(|near| format!("did you mean '{near}'?"));
            let what = format!("program '{}' has no state '{state}' for {name}", program.name);
            bad("graph/learning", what, "", &near.unwrap_or_default());
        }
    }
    let supplied =
        |index: usize| index >= 2 && (learning.factors[index - 2].is_some() || learning.states[index - 2].is_some());
    for (index, name) in TraceName::ALL.into_iter().enumerate() {
        let variable = Variable::ALL.into_iter().find(|variable| variable.name() == name.name());
        let graded = index == 0 && learning.graded != Graded::Ignored;
        let silent = learning.traces[index] == TraceShape::NONE && !supplied(index) && !graded;
        if silent && variable.is_some_and(|variable| learning.rule.reads(variable)) {
            let help = format!("give the trace an impulse and a time constant: \"{0}\": {{...}}", name.name());
            let what = format!("the rule reads {}, which nothing ever raises", name.name());
            bad("graph/trace", what, "", &help);
        }
    }
}

/// Why the synapses of a pattern cannot learn.
fn structure(pattern: &Pattern) -> Option<String> {
    let shared = "synapses that share a weight cannot learn".to_owned();
    match pattern {
        Pattern::Dense { .. } | Pattern::OneToOne { shared: false, .. } => None,
        Pattern::Factorised { .. } | Pattern::Stochastic(_) => {
            Some("synapses that are made from factors or a seed cannot learn".to_owned())
        }
        Pattern::OneToOne { shared: true, .. } | Pattern::Conv2d(_) | Pattern::Pool2d(_) => Some(shared),
        Pattern::Sparse { offsets, targets, weight_index } => {
            let mut used = BTreeSet::new();
            if !weight_index.iter().all(|weight| used.insert(*weight)) {
                return Some(shared);
            }
            let mut ends = BTreeSet::new();
            for span in offsets.windows(2) {
                ends.clear();
                let synapses = targets.get(span[0] as usize..span[1] as usize).unwrap_or_default();
                if let Some(twice) = synapses.iter().find(|target| !ends.insert(**target)) {
                    return Some(format!("two synapses from one source to target {twice}"));
                }
            }
            None
        }
    }
}
