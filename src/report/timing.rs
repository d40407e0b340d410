//! Distributions of time.

use crate::chip::{ChipSpec, SyncSpec};
use crate::emu::counters::{BorderUse, PacketLatency, RunResult, SampleResult, TickTime};
use crate::report::build::{SampleFacts, name_of, seconds_of};
use crate::report::json::model::{Bin, Borders, MAX_SERIES, Spread, TickPoint, Timing};
use crate::units::Picos;

/// Bars of a histogram.
const BINS: usize = 32;

/// The distribution of values in short; `None` of nothing.
pub(super) fn spread(mut values: Vec<f64>) -> Option<Spread> {
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    // Nearest rank: the smallest value that at least this part of all values does not exceed.
    let rank = |part: f64| values[((values.len() as f64 * part).ceil() as usize).clamp(1, values.len()) - 1];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some(Spread { min, median: rank(0.5), mean, p95: rank(0.95), max })
}

/// What a tick needs, whether or not it then waits for its fixed end or its barrier.
fn needed(tick: &TickTime) -> f64 {
    tick.busy.max(tick.drained).as_seconds()
}

/// Times of a run; `None` where no tick has one.
pub(super) fn timing(result: &RunResult, chip: &ChipSpec, facts: &[SampleFacts]) -> Option<Timing> {
    let ticks = || result.samples.iter().flat_map(|sample| &sample.tick_times);
    let tick = spread(ticks().map(|tick| tick.duration.as_seconds()).collect())?;
    let need: Vec<f64> = ticks().map(needed).collect();
    let inference: Vec<f64> = result.samples.iter().filter_map(|sample| seconds_of(chip, sample)).collect();
    let latency = latency(&result.samples);
    let known = latency.packets > 0 && chip.knows_latency();
    let shown = result.samples.iter().position(|sample| !sample.tick_times.is_empty()).unwrap_or(0);
    Some(Timing {
        seconds: inference.iter().sum(),
        inference: spread(inference)?,
        first_output: spread(result.samples.iter().filter_map(first_output).collect()),
        tick,
        histogram: histogram(&need),
        needed: spread(need)?,
        law: spread(
            result.samples.iter().flat_map(|sample| &sample.tick_bounds).map(|time| time.as_seconds()).collect(),
        ),
        period: match chip.sync {
            SyncSpec::FixedTick { period } => Some(period.as_seconds()),
            SyncSpec::Barrier { .. } | SyncSpec::Clocked { .. } => None,
        },
        packets: latency.packets,
        borders: borders(&result.samples),
        packet_mean: known.then(|| latency.total.as_seconds() / latency.packets as f64),
        packet_worst: known.then(|| latency.worst.as_seconds()),
        series: result.samples[shown].tick_times.iter().take(MAX_SERIES).map(point).collect(),
        series_sample: name_of(facts, shown),
        series_total: result.samples[shown].tick_times.len(),
    })
}

fn point(tick: &TickTime) -> TickPoint {
    TickPoint { duration: tick.duration.as_seconds(), busy: tick.busy.as_seconds(), drained: tick.drained.as_seconds() }
}

fn latency(samples: &[SampleResult]) -> PacketLatency {
    samples.iter().fold(PacketLatency::default(), |sum, sample| PacketLatency {
        packets: sum.packets + sample.latency.packets,
        total: sum.total + sample.latency.total,
        worst: sum.worst.max(sample.latency.worst),
    })
}

/// Use of chip borders; `None` where no packet crossed one.
fn borders(samples: &[SampleResult]) -> Option<Borders> {
    let used = samples.iter().map(|sample| sample.borders);
    let crossings: u64 = used.clone().map(|used| used.crossings).sum();
    let waited: f64 = used.clone().map(|used| used.waited.as_seconds()).sum();
    let most = |part: fn(BorderUse) -> Picos| used.clone().map(part).max().unwrap_or_default().as_seconds();
    (crossings > 0).then(|| Borders {
        crossings,
        mean_wait: waited / crossings as f64,
        worst_wait: most(|used| used.worst),
        busiest: most(|used| used.busiest),
    })
}

/// From reset to the end of the tick of the first output spike.
fn first_output(sample: &SampleResult) -> Option<f64> {
    let first = sample.output_first.iter().flatten().copied().min().filter(|&tick| tick != u32::MAX)?;
    let ticks = sample.tick_times.get(..=first as usize)?;
    Some(Picos(ticks.iter().map(|tick| tick.duration.0).sum()).as_seconds())
}

fn histogram(values: &[f64]) -> Vec<Bin> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if high <= low {
        return values
            .first()
            .map(|&only| Bin { from: only, to: only, count: values.len() as u64 })
            .into_iter()
            .collect();
    }
    let step = (high - low) / BINS as f64;
    let mut bins: Vec<Bin> = (0..BINS)
        .map(|bin| Bin { from: low + step * bin as f64, to: low + step * (bin + 1) as f64, count: 0 })
        .collect();
    values.iter().for_each(|value| bins[(((value - low) / step) as usize).min(BINS - 1)].count += 1);
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_nearest() {
        let spread = spread((1..=100).rev().map(f64::from).collect()).expect("not empty");
        assert_eq!((spread.min, spread.median, spread.p95, spread.max), (1.0, 50.0, 95.0, 100.0));
        assert_eq!(super::spread(Vec::new()), None);
    }

    #[test]
    fn every_value_is_in_the_histogram() {
        let values: Vec<f64> = (0..1000).map(|value| f64::from(value) * 1e-9).collect();
        assert_eq!(histogram(&values).iter().map(|bin| bin.count).sum::<u64>(), 1000);
        assert_eq!(histogram(&[2.0, 2.0]), [Bin { from: 2.0, to: 2.0, count: 2 }]);
    }
}
