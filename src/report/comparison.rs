//! Several reports side by side: one column a chip, or a network where the chip is the same.

use crate::report::Report;
use crate::report::format::{UNKNOWN, count, percent, si, si_or_unknown, volts};
use crate::report::html::comparison_page;
use crate::report::text::{bound, table};

/// The figures of several reports: a name and one cell a report.
pub(super) struct Line {
    /// What it is.
    pub(super) name: &'static str,
    /// One cell a report.
    pub(super) cells: Vec<String>,
}

/// The comparison as a table, at most `width` columns wide (at least 60).
#[must_use]
pub fn text(reports: &[Report], width: u16) -> String {
    let header: Vec<&str> = std::iter::once("").chain(names(reports)).collect();
    let right: Vec<usize> = (1..=reports.len()).collect();
    let row = |line: Line| std::iter::once(line.name.to_owned()).chain(line.cells).collect();
    let rows = lines(reports).into_iter().map(row).collect();
    format!("{}\n", table(width.max(60), &header, &right, rows))
}

/// The comparison as one self-contained page.
#[must_use]
pub fn html(reports: &[Report]) -> String {
    comparison_page(reports)
}

/// Whether the reports are of several networks on one chip.
pub(super) fn on_one_chip(reports: &[Report]) -> bool {
    reports.iter().all(|report| report.chip.name == reports[0].chip.name)
        && reports.iter().any(|report| report.network != reports[0].network)
}

/// The name of each column.
pub(super) fn names(reports: &[Report]) -> Vec<&str> {
    let one_chip = on_one_chip(reports);
    reports.iter().map(|report| if one_chip { report.network.as_str() } else { report.chip.name.as_str() }).collect()
}

/// One cell of a report.
type Cell = fn(&Report) -> String;

/// The lines of a comparison.
pub(super) fn lines(reports: &[Report]) -> Vec<Line> {
    let cells: [(&'static str, Cell); 15] = [
        ("samples", |report| count(report.activity.samples as u64)),
        ("accuracy, float", |report| {
            let float = report.accuracy.as_ref().and_then(|accuracy| accuracy.float);
            float.map_or_else(|| UNKNOWN.to_owned(), percent)
        }),
        ("accuracy, chip", |report| {
            report.accuracy.as_ref().map_or_else(|| UNKNOWN.to_owned(), |accuracy| percent(accuracy.fraction))
        }),
        ("energy per inference", |report| {
            let mean = report.energy.inference.map(|spread| bound(&report.energy, &si(spread.mean, "J")));
            mean.unwrap_or_else(|| UNKNOWN.to_owned())
        }),
        ("  of it dynamic", |report| {
            let samples = report.activity.samples;
            let joules = (samples > 0).then(|| report.energy.dynamic_joules / samples as f64);
            match joules.filter(|joules| *joules > 0.0) {
                // What has no price is not in it.
                Some(joules) if !report.energy.unknown.is_empty() => format!("≥ {}", si(joules, "J")),
                None if !report.energy.unknown.is_empty() => UNKNOWN.to_owned(),
                _ => si_or_unknown(joules.or((samples > 0).then_some(0.0)), "J"),
            }
        }),
        ("latency per inference", |report| si_or_unknown(report.latency.map(|spread| spread.mean), "s")),
        ("mean tick", |report| si_or_unknown(report.timing.as_ref().map(|timing| timing.tick.mean), "s")),
        ("mean packet latency", |report| {
            si_or_unknown(report.timing.as_ref().and_then(|timing| timing.packet_mean), "s")
        }),
        ("power", |report| {
            let watts = report.energy.watts.map(|watts| bound(&report.energy, &si(watts, "W")));
            watts.unwrap_or_else(|| UNKNOWN.to_owned())
        }),
        ("energy per synaptic event", |report| {
            let joules = report.energy.joules_per_synaptic_event.map(|it| bound(&report.energy, &si(it, "J")));
            joules.unwrap_or_else(|| UNKNOWN.to_owned())
        }),
        ("synaptic events per inference", |report| {
            let samples = report.activity.samples as u64;
            report.activity.synaptic_events.checked_div(samples).map_or_else(|| UNKNOWN.to_owned(), count)
        }),
        ("spikes per inference", |report| {
            let samples = report.activity.samples as u64;
            report.activity.spikes.checked_div(samples).map_or_else(|| UNKNOWN.to_owned(), count)
        }),
        ("cores", |report| format!("{} of {}", report.image.cores.len(), report.chip.cores)),
        ("cost set, supply", |report| format!("{}, {}", report.chip.cost_set, volts(report.chip.supply_mv))),
        ("modelled faults", |report| count(report.fault_total())),
    ];
    // Only where a float reference was run.
    let float = reports.iter().any(|report| report.accuracy.as_ref().is_some_and(|accuracy| accuracy.float.is_some()));
    let wanted = cells.into_iter().filter(|(name, _)| float || *name != "accuracy, float");
    wanted.map(|(name, cell)| Line { name, cells: reports.iter().map(cell).collect() }).collect()
}

#[cfg(test)]
mod tests {
    use crate::report::synthetic;

    #[test]
    fn one_column_a_report() {
        let mut second = synthetic::report();
        second.chip.name = "other".to_owned();
        second.timing = None;
        let reports = [synthetic::report(), second];
        let text = super::text(&reports, 80);
        for part in ["made-up", "other", "accuracy, float", "energy per inference", "cores", "power", "unknown"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let page = super::html(&reports);
        assert!(page.contains("made-up") && page.contains("other"));
    }

    #[test]
    fn networks_on_one_chip_are_named_by_themselves() {
        let mut second = synthetic::report();
        second.network = "another".to_owned();
        let reports = [synthetic::report(), second];
        assert!(super::text(&reports, 80).contains("another"));
        assert!(super::html(&reports).contains("Networks on made-up"));
    }
}
