//! Projections that a programmable core stores as factors, or as a seed: their limits, their integers, and their lists.

use super::draft::{Row, Segment};
use super::quantise::tensor;
use crate::chip::CubaSpec;
use crate::compile::{Log, TensorError};
use crate::diag::Problem;
use crate::graph::{Delays, Pattern, Projection};
use crate::image::{Choice, Compressed, CompressedList, TargetRun};

/// Least and largest stored factor.
const FACTORS: (i32, i32) = (i8::MIN as i32, i8::MAX as i32);

/// Whether a chip stores a pattern's few numbers instead of its synapses.
pub(super) fn stored(pattern: &Pattern, spec: &CubaSpec) -> bool {
    spec.programs.is_some() && matches!(pattern, Pattern::Factorised { .. } | Pattern::Stochastic(_))
}

/// Factors that do not fit their 8 bits.
pub(super) fn check(projection: &Projection<i32>, spec: &CubaSpec, problems: &mut Vec<Problem>) {
    if !matches!(projection.pattern, Pattern::Factorised { .. }) || !stored(&projection.pattern, spec) {
        return;
    }
    let factors = projection.weights.iter().map(|&factor| i64::from(factor));
    if let Some((what, nearest)) =
        crate::graph::outliers("factor", "number", factors, FACTORS.0.into(), FACTORS.1.into())
    {
        problems.push(
            Problem::misfit("cuba/factor", format!("projection '{}'", projection.name), what)
                .limit(format!("{}..={} (8-bit factors)", FACTORS.0, FACTORS.1))
                .help(format!("{nearest}; or scale the factors down and raise the projection's exponent")),
        );
    }
}

/// The integer factors of a float projection: products times `scale` with the smallest exponent that holds them. The two
/// factors of each of the `rank` products are scaled to the same peak.
pub(super) fn factors(projection: &Projection<f64>, scale: f64, spec: &CubaSpec, log: &mut Log) -> Projection<i32> {
    let Pattern::Factorised { sources, targets, rank } = projection.pattern else {
        unreachable!("asked of factorised projections only")
    };
    let (rank, split) = (rank as usize, targets as usize * rank as usize);
    let (left, right) = projection.weights.split_at(split);
    let peak = |values: &mut dyn Iterator<Item = &f64>| values.fold(0.0_f64, |peak, value| peak.max(value.abs()));
    let peaks: Vec<(f64, f64)> = (0..rank)
        .map(|r| {
            let row = &right[r * sources as usize..(r + 1) * sources as usize];
            (peak(&mut left.iter().skip(r).step_by(rank)), peak(&mut row.iter()))
        })
        .collect();
    let most = f64::from(FACTORS.1);
    let largest = peaks.iter().fold(0.0_f64, |largest, (l, r)| largest.max(l * r)) * scale;
    let needed = if largest > 0.0 { ((largest / (most * most)).log2() - 1e-9).ceil() as i32 } else { 0 };
    let exponent = needed.clamp(spec.weight_exponent_min.into(), spec.weight_exponent_max.into());
    let unit = scale * 2_f64.powi(-exponent);
    let mut saturated = 0;
    let mut rounded = |value: f64, own: f64, other: f64| {
        // Both peaks become sqrt(unit * own * other).
        let scaled = if own > 0.0 { value * (unit * other / own).sqrt() } else { 0.0 };
        saturated += usize::from(scaled.abs() > most + 0.5);
        scaled.round().clamp(-most, most) as i32
    };
    let mut weights: Vec<i32> =
        left.iter().enumerate().map(|(at, &value)| rounded(value, peaks[at % rank].0, peaks[at % rank].1)).collect();
    weights.extend(right.iter().enumerate().map(|(at, &value)| {
        let (l, r) = peaks[at / sources as usize];
        rounded(value, r, l)
    }));
    let found = Projection {
        name: projection.name.clone(),
        source: projection.source,
        target: projection.target,
        pattern: projection.pattern.clone(),
        weights,
        exponent: exponent as i8,
        delays: projection.delays.clone(),
    };
    log.tensors.push(products(projection, &found, unit, saturated));
    found
}

/// What rounding the factors does to the weights that they stand for.
fn products(float: &Projection<f64>, found: &Projection<i32>, unit: f64, saturated: usize) -> TensorError {
    let (wanted, made) = (float.expanded(), found.expanded());
    let errors = wanted.weights.iter().zip(&made.weights).map(|(w, q)| w - f64::from(*q) / unit);
    tensor(format!("{}.weight", float.name), 1.0 / unit, errors, saturated)
}

/// The list of one projection for its targets on a core, without axons, and the sources that it hears, ascending; `None`
/// where nothing is left.
pub(super) fn list(
    row: &Row<'_>,
    (projection, number): (&Projection<i32>, u32),
    segment: &Segment<'_>,
) -> Option<(CompressedList, Vec<u32>)> {
    let neurons: Vec<(u32, u32)> = segment.neurons().collect();
    let run =
        |run: &[(u32, u32)]| TargetRun { compartment: run[0].0 as u16, count: run.len() as u16, neuron: run[0].1 };
    let targets: Vec<TargetRun> = neurons.chunk_by(|a, b| a.1 + 1 == b.1).map(run).collect();
    let sources = row.graph.populations[projection.source.index()].size() as u32;
    let (synapses, heard) = match &projection.pattern {
        Pattern::Factorised { targets, rank, .. } => factorised(projection, (sources, *targets, *rank), &neurons),
        Pattern::Stochastic(drawn) => {
            let choices: Vec<Choice> = projection.weights.iter().enumerate().map(choice(projection)).collect();
            let acts = |source: u32, target: u32| {
                drawn.synapse(source, target).is_some_and(|weight| projection.weights[weight as usize] != 0)
            };
            let hears = |source: &u32| neurons.iter().any(|&(_, target)| acts(*source, target));
            let synapses = Compressed::Stochastic { seed: drawn.seed, chance: drawn.chance, choices };
            (synapses, (0..sources).filter(hears).collect())
        }
        _ => unreachable!("asked of compressed projections only"),
    };
    let weight_exponent = projection.exponent;
    let list = CompressedList { projection: number, weight_exponent, targets, sources: Vec::new(), synapses };
    (!heard.is_empty()).then_some((list, heard))
}

fn choice(projection: &Projection<i32>) -> impl Fn((usize, &i32)) -> Choice + '_ {
    |(number, &weight)| Choice { weight: weight as i16, delay: projection.delays.of(number) as u8 }
}

/// The factors of the targets and of the sources that reach any of them.
fn factorised(
    projection: &Projection<i32>,
    (sources, targets, rank): (u32, u32, u32),
    neurons: &[(u32, u32)],
) -> (Compressed, Vec<u32>) {
    let (sources, rank) = (sources as usize, rank as usize);
    let (all_left, all_right) = projection.weights.split_at(targets as usize * rank);
    let left: Vec<i8> = neurons
        .iter()
        .flat_map(|&(_, target)| all_left[target as usize * rank..][..rank].iter().map(|&factor| factor as i8))
        .collect();
    let (mut right, mut heard) = (Vec::new(), Vec::new());
    for source in 0..sources {
        let own: Vec<i8> = (0..rank).map(|r| all_right[r * sources + source] as i8).collect();
        let reaches = |row: &[i8]| row.iter().zip(&own).map(|(l, r)| i32::from(*l) * i32::from(*r)).sum::<i32>() != 0;
        if left.chunks(rank).any(reaches) {
            right.extend(own);
            heard.push(source as u32);
        }
    }
    let delay = match &projection.delays {
        Delays::Uniform(ticks) => *ticks as u8,
        // The check of the network has made sure that there is one.
        Delays::PerWeight(_) => 0,
    };
    (Compressed::Factorised { rank: rank as u8, delay, left, right }, heard)
}
