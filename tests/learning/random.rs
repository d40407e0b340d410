//! Random networks that learn, and what they are shown.

use spikeloom::chip::Dialect;
use spikeloom::graph::{
    CubaNeuron, Delays, IntGraph, IntNeuron, Learning, Output, Pattern, Population, Projection, TraceShape,
};
use spikeloom::ids::{PopulationId, ProjectionId};
use spikeloom::rng::Rng;
use spikeloom::rule::{Dependency, Factor, Graded, Product, Rule, Sign, Variable};
use spikeloom::stimulus::{InputSpike, Sample};

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

fn product(rng: &mut Rng, dialect: Dialect, tag: bool, delay: bool) -> Product {
    let mut variables = vec![
        Variable::X0,
        Variable::X1,
        Variable::X2,
        Variable::Y0,
        Variable::Y1,
        Variable::Y2,
        Variable::Y3,
        Variable::Weight,
    ];
    variables.extend(tag.then_some(Variable::Tag));
    variables.extend(delay.then_some(Variable::Delay));
    let most = if dialect == Dialect::Brian2 { 3 } else { 4 };
    let factors = (0..rng.below(most)).map(|_| {
        let variable = pick(rng, &variables);
        let sign = matches!(variable, Variable::Weight | Variable::Tag | Variable::Delay) && rng.below(3) == 0;
        Factor { variable, constant: if rng.below(3) == 0 { rng.below(64) as i16 - 32 } else { 0 }, sign }
    });
    Product {
        factors: factors.collect(),
        dependency: match rng.below(5) {
            0 | 1 => Dependency::X0,
            2 | 3 => Dependency::Y0,
            _ => Dependency::U(rng.below(4) as u8),
        },
        mantissa: pick(rng, &[-7, -3, -2, -1, 1, 2, 5, 7]),
        exponent: rng.below(9) as i8 - 7,
    }
}

fn rule(rng: &mut Rng, dialect: Dialect) -> Rule {
    let brian2 = dialect == Dialect::Brian2;
    let (tag, delay) =
        (!brian2 && rng.below(2) == 0, !matches!(dialect, Dialect::Brian2 | Dialect::Nengo) && rng.below(2) == 0);
    let mut sum = |wanted: bool| -> Vec<Product> {
        let count = if wanted { 1 + rng.below(3) } else { 0 };
        (0..count).map(|_| product(rng, dialect, tag, delay)).collect()
    };
    Rule { weight: sum(true), delay: sum(delay), tag: sum(tag) }
}

fn neuron(rng: &mut Rng, dialect: Dialect) -> CubaNeuron {
    CubaNeuron {
        decay_u: vec![pick(rng, &[4095, 2000, 800])],
        decay_v: vec![pick(rng, &[0, 300, 1500])],
        threshold: Some(vec![100 + rng.below(300) as u32]),
        refractory: vec![if dialect == Dialect::Lava { 1 } else { 1 + rng.below(3) as u8 }],
        ..CubaNeuron::default()
    }
}

/// Learning of projection `number`, whose traces may be supplied by population `reward`.
fn learning(
    rng: &mut Rng,
    dialect: Dialect,
    number: usize,
    weights: usize,
    sign: Sign,
    reward: PopulationId,
) -> Learning {
    let brian2 = dialect == Dialect::Brian2;
    let mut learning = Learning::new(ProjectionId::from(number), rule(rng, dialect), sign);
    learning.epoch = if brian2 { 1 } else { 1 + rng.below(5) as u32 };
    learning.start = rng.below(3) as u32;
    learning.seed = rng.next_u64();
    learning.traces = std::array::from_fn(|_| TraceShape {
        impulse: pick(rng, if brian2 { &[16.0, 40.0, 120.0] } else { &[16.0, 30.5, 0.25, 120.0] }),
        tau: pick(rng, &[2.0, 8.0, 20.0]),
    });
    learning.weight_bits = if brian2 && rng.below(2) == 0 { 6 } else { 8 };
    if !brian2 {
        learning.graded = pick(rng, &[Graded::Ignored, Graded::Overwrite, Graded::Saturate, Graded::Overflow]);
        let places = rng.below(8);
        for (place, factor) in learning.factors.iter_mut().enumerate() {
            *factor = (places >> place & 1 == 1).then_some(reward);
        }
    }
    if learning.rule.needs_tag() {
        learning.tags = (0..weights).map(|_| rng.below(500) as i16 - 250).collect();
    }
    if dialect == Dialect::Lava && learning.needs_delay() && rng.below(2) == 0 {
        learning.delays = (0..weights).map(|_| rng.below(60) as i16).collect();
    }
    learning
}

/// Inputs, two layers with learning between them and a recurrent edge, and a reward of one neuron or one a target.
pub(crate) fn network(rng: &mut Rng, dialect: Dialect) -> IntGraph {
    let sizes = [4 + rng.below(5) as u32, 3 + rng.below(5) as u32, 2 + rng.below(4) as u32];
    let rewards = if rng.below(2) == 0 { 1 } else { sizes[1] };
    let population = |name: &str, size, neuron: Option<CubaNeuron>| Population {
        name: name.to_owned(),
        shape: vec![size],
        neuron: neuron.map(IntNeuron::Cuba),
    };
    let populations = vec![
        population("in", sizes[0], None),
        population("reward", rewards, None),
        population("hidden", sizes[1], Some(neuron(rng, dialect))),
        population("out", sizes[2], Some(neuron(rng, dialect))),
    ];
    let mut graph = IntGraph {
        name: "random".to_owned(),
        populations,
        projections: Vec::new(),
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId(3) }],
        learning: Vec::new(),
    };
    for (number, (source, target)) in [(0, 2), (2, 3), (3, 2)].into_iter().enumerate() {
        let (from, to) = (graph.populations[source].size(), graph.populations[target].size());
        let pattern = if rng.below(2) == 0 {
            Pattern::Dense { sources: from as u32, targets: to as u32 }
        } else {
            sparse(rng, from, to)
        };
        let count = match &pattern {
            Pattern::Sparse { targets, .. } => targets.len(),
            _ => from * to,
        };
        let sign = pick(rng, &[Sign::Mixed, Sign::Excitatory, Sign::Excitatory, Sign::Inhibitory]);
        let (least, most) = sign.range();
        let (least, most) = (i32::from(least).max(-254), i32::from(most).min(254));
        let weight = |rng: &mut Rng| least + rng.below((most - least + 1) as u64) as i32;
        let longest = if dialect == Dialect::Nengo { 1 } else { 5 };
        let delays: Vec<u16> = (0..count).map(|_| rng.below(longest) as u16).collect();
        // Reward reaches hidden neurons alone where it has one neuron each.
        let learns = number < 2 || rng.below(2) == 0;
        let weights: Vec<i32> = (0..count).map(|_| weight(rng) & if learns { !0 } else { !1 }).collect();
        graph.projections.push(Projection {
            name: format!("p{number}"),
            source: PopulationId::from(source),
            target: PopulationId::from(target),
            pattern,
            weights,
            exponent: rng.below(5) as i8 - 2,
            delays: Delays::PerWeight(delays),
        });
        if learns {
            let mut learning = learning(rng, dialect, number, count, sign, PopulationId(1));
            if rewards > 1 && target != 2 {
                learning.factors = [None; 3];
            }
            graph.learning.push(learning);
        }
    }
    graph
}

fn sparse(rng: &mut Rng, sources: usize, targets: usize) -> Pattern {
    let (mut offsets, mut ends) = (vec![0], Vec::new());
    for _ in 0..sources {
        ends.extend((0..targets as u32).filter(|_| rng.below(3) > 0));
        offsets.push(ends.len() as u32);
    }
    Pattern::Sparse { offsets, targets: ends, weight_index: Vec::new() }
}

pub(crate) fn sample(rng: &mut Rng, inputs: u32, ticks: u32) -> Sample {
    let mut spikes = Vec::new();
    for tick in 0..ticks {
        for input in 0..inputs {
            if rng.below(4) == 0 {
                spikes.push(InputSpike { tick, input, value: 1 + rng.below(3) as u16 * rng.below(40) as u16 });
            }
        }
    }
    Sample { name: "random".to_owned(), spikes, ticks, label: None }
}
