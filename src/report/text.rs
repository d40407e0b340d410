//! Tables for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};

use crate::report::format::{UNKNOWN, count, or_unknown, percent, rate, si, si_or_unknown, volts};
use crate::report::json::model::{Energy, Report, Spread, Timing};

/// The report as text, at most `width` columns wide (at least 60).
#[must_use]
pub fn text(report: &Report, width: u16) -> String {
    let page = Page { width: width.max(60) };
    let sections = [
        page.head(report),
        page.result(report),
        page.energy(&report.energy),
        page.time(report),
        page.capacities(report),
        page.populations(report),
        page.baselines(report),
        page.closing(report),
    ];
    let mut text = sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

/// A table in the house style; the columns of `right` (all numbers) are aligned to the right.
pub(crate) fn table(width: u16, header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    // The preset without its lines between rows.
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.force_no_tty().set_width(width);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table.add_rows(rows);
    for &column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// What a total is called: with unknown parts it is a lower bound.
pub(super) fn bound(energy: &Energy, value: &str) -> String {
    if energy.complete { value.to_owned() } else { format!("≥ {value}") }
}

/// Synaptic events per joule; an upper bound where the energy is a lower one.
pub(super) fn efficiency(energy: &Energy) -> Option<String> {
    let bound = if energy.complete { "" } else { "≤ " };
    let synaptic = energy.gsops_per_watt.filter(|gsops| *gsops > 0.0 || energy.tops_per_watt.is_none());
    let spiking = synaptic.map(|gsops| format!("{bound}{gsops:.1} GSOPS/W"));
    let artificial = energy.tops_per_watt.map(|tops| format!("{bound}{tops:.3} TOPS/W"));
    let both: Vec<String> = artificial.into_iter().chain(spiking).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// Energy with memory accesses; a price that counts arithmetic only leaves them out.
pub(super) fn with_memory(arithmetic: Option<f64>, memory: Option<f64>) -> String {
    match (arithmetic, memory) {
        (Some(_), None) => "left out".to_owned(),
        (_, memory) => si_or_unknown(memory, "J"),
    }
}

/// A machine's energy over this run's; an upper bound where the run's is a lower one.
pub(super) fn times(energy: &Energy, ratio: Option<f64>) -> String {
    let bound = if energy.complete { "" } else { "≤ " };
    match ratio {
        None => "–".to_owned(),
        Some(ratio) if ratio >= 100.0 => format!("{bound}{ratio:.0}×"),
        Some(ratio) => format!("{bound}{ratio:.3}×"),
    }
}

struct Page {
    width: u16,
}

impl Page {
    fn section(&self, title: &str, header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
        if rows.is_empty() {
            return String::new();
        }
        format!("{title}\n{}", table(self.width, header, right, rows))
    }

    fn head(&self, report: &Report) -> String {
        let (chip, activity) = (&report.chip, &report.activity);
        let mut lines = vec![format!("{} on {} ({})", report.network, chip.name, chip.title)];
        if report.interrupted {
            lines.push(format!("INTERRUPTED after {} of {} samples", activity.samples, activity.samples_offered));
        }
        lines.push(format!(
            "{} of {} cores, {} samples, {} ticks, {}; digest {}",
            report.image.cores.len(),
            chip.cores,
            count(activity.samples as u64),
            count(activity.ticks),
            chip.synchronisation,
            report.digest.get(..16).unwrap_or(&report.digest),
        ));
        lines.join("\n")
    }

    fn result(&self, report: &Report) -> String {
        let (energy, activity) = (&report.energy, &report.activity);
        let mut rows = Vec::new();
        if let Some(accuracy) = &report.accuracy {
            let float = accuracy.float.map_or_else(String::new, |float| format!(", float {}", percent(float)));
            rows.push(vec![
                format!("accuracy by {}", accuracy.readout),
                format!("{} ({} of {}){float}", percent(accuracy.fraction), accuracy.correct, accuracy.total),
            ]);
        }
        let inference = energy.inference.map(|spread| spread.mean);
        rows.push(pair(
            "energy per inference",
            inference.map_or(UNKNOWN.to_owned(), |mean| bound(energy, &si(mean, "J"))),
        ));
        let latency = report.latency.map(|spread| spread.mean);
        rows.push(pair("latency per inference", si_or_unknown(latency, "s")));
        let power = energy.watts.map_or(UNKNOWN.to_owned(), |watts| bound(energy, &si(watts, "W")));
        rows.push(pair("power", power));
        let each = energy.joules_per_synaptic_event.map(|each| bound(energy, &si(each, "J")));
        rows.push(pair("energy per synaptic event", or_unknown(each)));
        rows.push(pair("efficiency", or_unknown(efficiency(energy))));
        rows.push(pair("synaptic events", count(activity.synaptic_events)));
        rows.push(pair("spikes", count(activity.spikes)));
        rows.push(pair("packets, hops", format!("{}, {}", count(activity.packets), count(activity.hops))));
        let faults = report.faults.iter().filter(|fault| fault.count > 0);
        let faults: Vec<String> = faults.map(|fault| format!("{} {}", count(fault.count), fault.name)).collect();
        rows.push(pair("modelled faults", if faults.is_empty() { "none".to_owned() } else { faults.join(", ") }));
        self.section("Result", &[], &[], rows)
    }

    fn energy(&self, energy: &Energy) -> String {
        let share = |joules: Option<f64>| match joules {
            Some(joules) if energy.total_joules > 0.0 => percent(joules / energy.total_joules),
            _ => String::new(),
        };
        let line = |name: &str, events: String, joules: Option<f64>| {
            vec![name.to_owned(), events, si_or_unknown(joules, "J"), share(joules)]
        };
        let mut rows: Vec<Vec<String>> =
            energy.entries.iter().map(|entry| line(&entry.event, count(entry.count), entry.joules)).collect();
        rows.push(line("static power x time", String::new(), energy.static_joules));
        rows.push(line(
            if energy.complete { "total" } else { "total (lower bound)" },
            String::new(),
            Some(energy.total_joules),
        ));
        self.section("Energy", &["event", "count", "energy", "share"], &[1, 2, 3], rows)
    }

    fn time(&self, report: &Report) -> String {
        let Some(timing) = &report.timing else {
            return format!(
                "Time\n unknown: {}",
                report.untimed.as_deref().unwrap_or("the run was made with timing off")
            );
        };
        let spread = |name: &str, spread: &Spread| {
            let values = [spread.min, spread.median, spread.mean, spread.p95, spread.max];
            std::iter::once(name.to_owned()).chain(values.map(|value| si(value, "s"))).collect::<Vec<_>>()
        };
        let mut rows = vec![spread("inference", &timing.inference)];
        rows.extend(timing.first_output.iter().map(|first| spread("first output spike", first)));
        rows.push(spread("tick", &timing.tick));
        rows.push(spread("tick needs", &timing.needed));
        rows.extend(timing.law.iter().map(|law| spread("tick by max-affine law", law)));
        let times = self.section("Time", &["", "min", "median", "mean", "95 %", "max"], &[1, 2, 3, 4, 5], rows);
        format!("{times}\n{}", self.packets(report, timing))
    }

    fn packets(&self, report: &Report, timing: &Timing) -> String {
        let busiest = report.mesh.links.iter().max_by_key(|link| (link.packets, link.peak));
        let busiest = busiest.map_or_else(String::new, |link| {
            let direction = ["east", "west", "north", "south"].get(usize::from(link.direction)).unwrap_or(&"");
            let packets = count(link.packets);
            format!("; busiest link ({}, {}) {direction}: {packets} packets, {} in one tick", link.x, link.y, link.peak)
        });
        let borders = timing.borders.as_ref().map_or_else(String::new, |borders| {
            format!(
                "\n {} crossings of chip borders, wait mean {}, worst {}; busiest link occupied {} in one tick",
                count(borders.crossings),
                si(borders.mean_wait, "s"),
                si(borders.worst_wait, "s"),
                si(borders.busiest, "s"),
            )
        });
        format!(
            " {} packets, latency mean {}, worst {}{busiest}{borders}",
            count(timing.packets),
            si_or_unknown(timing.packet_mean, "s"),
            si_or_unknown(timing.packet_worst, "s"),
        )
    }

    fn capacities(&self, report: &Report) -> String {
        let line = |capacity: &crate::report::json::model::Capacity| {
            vec![
                capacity.resource.clone(),
                count(u64::from(capacity.limit)),
                percent(capacity.mean()),
                percent(capacity.worst()),
                capacity.fullest_core.to_string(),
            ]
        };
        let rows = report.capacities.iter().map(line).collect();
        self.section("Use of cores", &["resource", "limit", "mean", "most", "on core"], &[1, 2, 3, 4], rows)
    }

    fn populations(&self, report: &Report) -> String {
        let line = |population: &crate::report::json::model::Population| {
            vec![
                population.name.clone(),
                count(u64::from(population.neurons)),
                population.spikes.map_or_else(|| UNKNOWN.to_owned(), count),
                or_unknown(population.rate.map(rate)),
            ]
        };
        let rows = report.populations.iter().map(line).collect();
        self.section("Populations", &["population", "neurons", "spikes", "per neuron and tick"], &[1, 2, 3], rows)
    }

    fn baselines(&self, report: &Report) -> String {
        let line = |other: &crate::report::json::model::Comparison| {
            vec![
                other.name.clone(),
                si_or_unknown(other.sparse_joules, "J"),
                with_memory(other.sparse_joules, other.sparse_memory_joules),
                si_or_unknown(other.dense_joules, "J"),
                with_memory(other.dense_joules, other.dense_memory_joules),
                times(&report.energy, other.ratio),
                times(&report.energy, other.memory_ratio),
            ]
        };
        let rows = report.baselines.iter().map(line).collect();
        let header =
            ["machine", "synaptic events", "with memory", "dense MACs", "with memory", "over this run", "with memory"];
        self.section(
            "Baselines per inference: arithmetic on prices per operation, not measurements",
            &header,
            &[1, 2, 3, 4, 5, 6],
            rows,
        )
    }

    fn closing(&self, report: &Report) -> String {
        let chip = &report.chip;
        let mut lines = vec![format!(
            "Energy from cost set `{}` ({}) at {}; constants: {}",
            chip.cost_set,
            chip.cost_note,
            volts(chip.supply_mv),
            statuses(report)
        )];
        if !report.unknown.is_empty() {
            lines.push(format!("Unknown, and left out: {}", report.unknown.join(", ")));
        }
        if !report.energy.unknown.is_empty() {
            lines.push(format!("Happened, price unknown: {}", report.energy.unknown.join(", ")));
        }
        let warnings = report.notes.iter().filter(|note| note.warning);
        lines.extend(warnings.map(|note| format!("warning ({}): {}", note.pass, note.text)));
        lines.join("\n")
    }
}

/// How many constants have which status, such as `12 measured, 3 estimated`.
pub(super) fn statuses(report: &Report) -> String {
    let number = |status: &str| report.provenance.iter().filter(|constant| constant.status == status).count();
    let all = ["measured", "published", "derived", "estimated"].map(|status| (number(status), status));
    let known: Vec<String> =
        all.iter().filter(|(number, _)| *number > 0).map(|(number, status)| format!("{number} {status}")).collect();
    if known.is_empty() { UNKNOWN.to_owned() } else { known.join(", ") }
}

fn pair(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn says_what_matters_within_the_width() {
        let text = text(&synthetic::report(), 80);
        for part in ["accuracy by spike count", "energy per inference", "latency per inference", "Energy", "arithmetic"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let tables = text.lines().filter(|line| line.contains('─') || line.contains('═'));
        tables.for_each(|line| assert!(line.chars().count() <= 80, "{line}"));
    }

    #[test]
    fn an_unknown_is_the_word() {
        let mut report = synthetic::report();
        report.timing = None;
        report.latency = None;
        report.energy.watts = None;
        report.energy.static_joules = None;
        report.energy.complete = false;
        let text = text(&report, 100);
        assert!(text.contains("≥ "), "{text}");
        assert!(text.lines().any(|line| line.contains("power") && line.contains("unknown")), "{text}");
        assert!(text.lines().any(|line| line.contains("latency per inference") && line.contains("unknown")), "{text}");
    }
}
