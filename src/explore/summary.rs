//! From rows to the model of the report: Pareto fronts, correlations of static figures with measured ones, the best
//! mapping beside the baseline.

use std::collections::BTreeMap;

use super::row::{Row, SplitError};
use super::space::Candidate;
use super::sweep::Sweep;
use super::{evaluate::Shared, run::Done};
use crate::chip::ChipSpec;
use crate::report::{Correlation, Exploration, ExploredGroup, ExploredPoint, ExploredSplit, FIGURES, Heat, SplitLine};

/// The report's model; `candidates` are those of the sweep.
#[must_use]
pub fn summary(sweep: &Sweep, candidates: &[Candidate], done: &Done, version: &str) -> Exploration {
    let mut groups: BTreeMap<usize, (&Row, Vec<&Row>)> = BTreeMap::new();
    let mut first: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for row in &done.rows {
        let at = *first.entry(row.group()).or_insert(row.index);
        groups.entry(at).or_insert_with(|| (row, Vec::new())).1.push(row);
    }
    let group = |(at, (row, rows)): (usize, (&Row, Vec<&Row>))| {
        let chip = candidates.get(at).and_then(|candidate| Shared::chip(sweep, candidate).ok());
        group(row, &rows, chip.as_ref())
    };
    Exploration {
        name: sweep.name.clone(),
        version: version.to_owned(),
        digest: sweep.digest.short(),
        candidates: done.candidates,
        groups: groups.into_iter().map(group).collect(),
    }
}

fn group(row: &Row, rows: &[&Row], chip: Option<&ChipSpec>) -> ExploredGroup {
    let points: Vec<ExploredPoint> = rows.iter().filter(|row| row.statics.is_some()).map(|row| point(row)).collect();
    let front = pareto(&points);
    let points: Vec<ExploredPoint> =
        points.into_iter().zip(front).map(|(point, pareto)| ExploredPoint { pareto, ..point }).collect();
    let placed: Vec<&&Row> = rows.iter().filter(|row| row.statics.is_some()).collect();
    let baseline = rows
        .iter()
        .filter(|row| row.statics.is_some())
        .position(|row| (row.partition.as_str(), row.placement.as_str()) == ("sequential", "row-major"))
        .or((!points.is_empty()).then_some(0));
    let best = best(&points);
    let heat = |at: Option<usize>| at.and_then(|at| heat(placed.get(at)?, chip?));
    let spikes: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|row| row.measured.as_ref()).map(|measured| measured.spikes.as_str()).collect();
    let refused = rows.iter().filter_map(|row| row.refused.as_ref().map(|why| (row.label(), why.clone())));
    ExploredGroup {
        title: format!("{} on {}", row.network, row.chip),
        changes: row.set.clone(),
        correlations: correlations(&points),
        heats: [("baseline", heat(baseline)), ("best", heat(best))]
            .into_iter()
            .filter_map(|(name, heat)| heat.map(|heat| (name.to_owned(), heat)))
            .collect(),
        baseline,
        best,
        least_hops: placed.first().and_then(|row| row.statics.as_ref()?.least_hops_of_any).filter(|least| *least > 0.0),
        spike_digests: spikes.len(),
        refused: refused.collect(),
        points,
    }
}

fn point(row: &Row) -> ExploredPoint {
    let mut values = [None; FIGURES.len()];
    let mut least = (0, 0.0);
    let (mut binds, mut utilisation, mut complete) = (String::new(), Vec::new(), false);
    if let Some(s) = &row.statics {
        let statics = [f64::from(s.cores), s.packets, s.hops, s.tree_hops, s.max_link];
        values.iter_mut().zip(statics).for_each(|(slot, value)| *slot = Some(value));
        (least, binds, utilisation) = ((s.least_cores, s.least_hops), s.binds.clone(), s.utilisation.clone());
    }
    if let Some(m) = &row.measured {
        values[5] = Some(m.joules);
        (values[6], values[7], values[8]) = (m.seconds, m.tick, m.packet);
        complete = m.complete;
    }
    let split = row.split.as_ref().map(split);
    ExploredPoint { label: row.label(), values, least, binds, utilisation, complete, split, pareto: false }
}

fn split(error: &SplitError) -> ExploredSplit {
    let line = |population: &super::row::SplitSpikes| SplitLine {
        name: population.name.clone(),
        neurons: population.neurons * error.samples,
        whole: population.spikes_whole,
        split: population.spikes_split,
        moved: population.spikes_moved,
        miscounted: population.neurons_miscounted,
    };
    ExploredSplit {
        share: error.share(),
        samples: error.samples,
        agreeing: error.agreeing,
        labelled: error.labelled,
        right: (error.right_whole, error.right_split),
        populations: error.populations.iter().map(line).collect(),
    }
}

/// Figures that a Pareto front weighs: energy, latency of a tick, cores, busiest link.
const OBJECTIVES: [usize; 4] = [5, 7, 0, 4];

/// Which points no other one beats in every objective that both have measured; points that were not run are never on it.
fn pareto(points: &[ExploredPoint]) -> Vec<bool> {
    let of = |point: &ExploredPoint| OBJECTIVES.map(|objective| point.values[objective]);
    let beats = |a: &ExploredPoint, b: &ExploredPoint| {
        let pairs: Vec<(f64, f64)> = of(a).into_iter().zip(of(b)).filter_map(|(a, b)| a.zip(b)).collect();
        pairs.iter().all(|(a, b)| a <= b) && pairs.iter().any(|(a, b)| a < b)
    };
    let run = |point: &ExploredPoint| point.values[5].is_some();
    points.iter().map(|p| run(p) && !points.iter().any(|other| run(other) && beats(other, p))).collect()
}

/// The least product of energy and time a tick needs among those that were run; else the fewest hops.
fn best(points: &[ExploredPoint]) -> Option<usize> {
    let product = |point: &ExploredPoint| point.values[5].map(|joules| joules * point.values[7].unwrap_or(1.0));
    let least = |value: &dyn Fn(&ExploredPoint) -> Option<f64>| {
        let known = points.iter().enumerate().filter_map(|(at, point)| value(point).map(|value| (at, value)));
        known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    };
    least(&product).or_else(|| least(&|point| point.values[2]))
}

/// Rank correlation of every static figure with every measured one, over the points that have both.
fn correlations(points: &[ExploredPoint]) -> Vec<Correlation> {
    let mut found = Vec::new();
    for proxy in 0..5 {
        for measured in 5..FIGURES.len() {
            let pairs: Vec<(f64, f64)> =
                points.iter().filter_map(|point| point.values[proxy].zip(point.values[measured])).collect();
            if let Some(rank) = spearman(&pairs) {
                found.push(Correlation { proxy, measured, rank, points: pairs.len() });
            }
        }
    }
    found
}

/// Spearman's rank correlation, ties at their mean rank; `None` for fewer than three pairs or where all are alike.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len();
    if n < 3 {
        return None;
    }
    let ranks = |value: &dyn Fn(&(f64, f64)) -> f64| {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| value(&pairs[*a]).total_cmp(&value(&pairs[*b])));
        let mut rank = vec![0.0; n];
        let mut from = 0;
        while from < n {
            let same = |at: &usize| value(&pairs[*at]).to_bits() == value(&pairs[order[from]]).to_bits();
            let run = order[from..].iter().take_while(|at| same(at)).count();
            order[from..from + run].iter().for_each(|at| rank[*at] = from as f64 + (run - 1) as f64 / 2.0);
            from += run;
        }
        rank
    };
    let (x, y) = (ranks(&|pair| pair.0), ranks(&|pair| pair.1));
    let mean = (n - 1) as f64 / 2.0;
    let moment = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (moment(&x, &x) * moment(&y, &y)).sqrt();
    (spread > 0.0).then(|| moment(&x, &y) / spread)
}

/// The mesh of a mapping that was run.
fn heat(row: &Row, chip: &ChipSpec) -> Option<Heat> {
    let measured = row.measured.as_ref()?;
    Some(Heat {
        label: row.label(),
        width: chip.mesh.width,
        height: chip.mesh.height,
        host: chip.mesh.host,
        links: measured.links.clone(),
        routers: measured.routers.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_correlate_with_ties_at_their_mean() {
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 4.0), (3.0, 9.0)]), Some(1.0));
        assert_eq!(spearman(&[(1.0, 9.0), (2.0, 4.0), (3.0, 2.0)]), Some(-1.0));
        // Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
        let tied = spearman(&[(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (4.0, 4.0)]).expect("four pairs");
        assert!((tied - 4.5 / (4.5_f64 * 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(spearman(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn a_front_holds_what_nothing_beats() {
        let point = |joules, tick, cores| {
            let mut values = [None; FIGURES.len()];
            (values[5], values[7], values[0], values[4]) = (Some(joules), Some(tick), Some(cores), Some(1.0));
            let (label, binds, utilisation) = (String::new(), String::new(), Vec::new());
            ExploredPoint {
                label,
                values,
                least: (0, 0.0),
                binds,
                utilisation,
                complete: true,
                split: None,
                pareto: false,
            }
        };
        let points = [point(1.0, 3.0, 2.0), point(2.0, 1.0, 2.0), point(2.0, 3.0, 2.0), point(3.0, 3.0, 1.0)];
        assert_eq!(pareto(&points), [true, true, false, true]);
        assert_eq!(best(&points), Some(1));
    }
}
