//! The page that puts several reports side by side.

use maud::html as markup;

use crate::report::comparison::{lines, names, on_one_chip};
use crate::report::format::{UNKNOWN, si};
use crate::report::html::svg::Svg;
use crate::report::html::{card, page};
use crate::report::json::model::Report;

/// One column a report, and bars for the figures that matter most.
pub(in crate::report) fn comparison_page(reports: &[Report]) -> String {
    let names = names(reports);
    let one_chip = on_one_chip(reports);
    let first = reports.first();
    let (what, place) = if one_chip {
        ("Networks", first.map_or_else(String::new, |report| report.chip.name.clone()))
    } else {
        (first.map_or("", |report| report.network.as_str()), names.join(" and "))
    };
    let title = format!("{what} on {place}");
    let energy = |report: &Report| report.energy.inference.map(|spread| spread.mean);
    let latency = |report: &Report| report.latency.map(|spread| spread.mean);
    page(
        &title,
        &markup! {
            header {
                h1 { (what) small { " on " (place) } }
                p.sub { (if one_chip { "The same samples for every network." } else { "The same network and samples on every chip." }) }
            }
            div.grid {
                section.card.wide {
                    table {
                        thead { tr { th {} @for report in reports { th.n {
                            @if one_chip { (report.network) } @else { (report.chip.name) span.note { (report.chip.title) } }
                        } } } }
                        tbody {
                            @for line in lines(reports) {
                                tr { td { (line.name) } @for cell in &line.cells { td.n { span.unknown[cell == UNKNOWN] { (cell) } } } }
                            }
                        }
                    }
                }
                (card("Energy of one inference", "Modelled, mean over samples.", bars(&names, &reports.iter().map(energy).collect::<Vec<_>>(), "J")))
                (card("Latency of one inference", "Modelled, mean over samples.", bars(&names, &reports.iter().map(latency).collect::<Vec<_>>(), "s")))
            }
            footer {
                "spikeloom " (reports.first().map_or("", |report| report.version.as_str()))
                @for (report, name) in reports.iter().zip(&names) { br; (name) ": run " code { (report.digest) } }
            }
        },
    )
}

fn bars(names: &[&str], values: &[Option<f64>], unit: &str) -> String {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let mut svg = Svg::new(540.0, names.len() as f64 * 30.0 + 4.0);
    for (row, (name, value)) in names.iter().zip(values).enumerate() {
        let y = row as f64 * 30.0 + 4.0;
        svg.text("r", (112.0, y + 15.0), name);
        match value {
            Some(value) => {
                let width = if most > 0.0 { 300.0 * value / most } else { 0.0 };
                svg.rect(["fa", "fb", "fc", "fd"][row % 4], (120.0, y), (width.max(1.0), 21.0), None);
                svg.text("", (128.0 + width, y + 15.0), &si(*value, unit));
            }
            None => svg.text("u", (124.0, y + 15.0), UNKNOWN),
        }
    }
    svg.finish("bars by chip")
}
