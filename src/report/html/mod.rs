//! One self-contained page: style sheet and drawings inside, no scripts, nothing fetched.

mod chart;
mod comparison;
mod conversion;
mod exploration;
mod explored;
mod line;
mod place;
mod svg;
mod table;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

pub(super) use comparison::comparison_page;
pub(super) use conversion::conversion_page;
pub(super) use exploration::exploration_page;
pub(super) use line::line_plot;

use crate::report::format::{UNKNOWN, count, percent, si, volts};
use crate::report::json::model::{Raster, Report};
use crate::report::text::{bound, efficiency};

/// The report as one self-contained page.
#[must_use]
pub fn html(report: &Report) -> String {
    let title = format!("{} on {}", report.network, report.chip.name);
    page(
        &title,
        &markup! {
            (head(report))
            (tiles(report))
            div.grid {
                (energy(report))
                (mesh(report))
                @if let Some(timing) = &report.timing {
                    (card("Time of each tick", &ticks_note(report), chart::ticks(timing)))
                    (card("What ticks need", "Until the last core is done and the last packet is delivered, over the whole run.", chart::histogram(timing)))
                } @else {
                    section.card.wide { h2 { "Time" } p.note { "Unknown: " (report.untimed.as_deref().unwrap_or("the run was made with timing off")) "." } }
                }
                @if let Some(raster) = &report.raster { (spikes(raster)) }
                @if !report.capacities.is_empty() {
                    (card("Use of cores", &capacities_note(report), place::capacities(&report.capacities)))
                }
                @if let Some(accuracy) = report.accuracy.as_ref().filter(|accuracy| !accuracy.confusion.is_empty()) {
                    (card("Labels and predictions", &format!("Classes read by {}.", accuracy.readout), chart::confusion(accuracy)))
                }
                (table::timing(report))
                (table::populations(report))
                (table::faults(report))
                (table::baselines(report))
            }
            (table::unknown(report))
            (table::provenance(report))
            (table::compiler(report))
            (table::samples(report))
            (footer(report))
        },
    )
}

/// The frame of every page.
pub(super) fn page(title: &str, body: &Markup) -> String {
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { main { (body) } }
        }
    }
    .into_string()
}

fn head(report: &Report) -> Markup {
    let (chip, activity) = (&report.chip, &report.activity);
    markup! {
        header {
            h1 { (report.network) small { " on " (chip.name) } }
            p.sub {
                (chip.title) " · " (report.image.cores.len()) " of " (count(u64::from(chip.cores))) " cores · "
                (count(activity.samples as u64)) " samples, " (count(activity.ticks)) " ticks · " (chip.synchronisation)
            }
            @if report.interrupted {
                div.banner { "Interrupted after " (activity.samples) " of " (activity.samples_offered) " samples." }
            }
        }
    }
}

fn tiles(report: &Report) -> Markup {
    let energy = &report.energy;
    let or_word = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let bounded = |value: Option<f64>, unit: &str| or_word(value.map(|value| bound(energy, &si(value, unit))));
    let latency = report.latency;
    let faults = report.fault_total();
    markup! {
        div.tiles {
            @if let Some(accuracy) = &report.accuracy {
                @let float = accuracy.float.map_or_else(|| format!("float {UNKNOWN}"), |it| format!("float {}", percent(it)));
                (tile(&percent(accuracy.fraction), "accuracy", &format!("{} of {}, {float}", accuracy.correct, accuracy.total)))
            }
            (tile(&bounded(energy.inference.map(|it| it.mean), "J"), "per inference", "modelled energy, mean"))
            (tile(&or_word(latency.map(|it| si(it.mean, "s"))), "per inference", "modelled latency, mean"))
            (tile(&bounded(energy.watts, "W"), "power", &format!("{} at {}", energy_set(report), volts(report.chip.supply_mv))))
            (tile(&bounded(energy.joules_per_synaptic_event, "J"), "per synaptic event", &or_word(efficiency(energy))))
            (tile(&count(faults), "modelled faults", &format!("{} spikes, {} packets", count(report.activity.spikes), count(report.activity.packets))))
        }
    }
}

fn energy_set(report: &Report) -> &str {
    if report.chip.cost_set.is_empty() { "cost set unknown" } else { &report.chip.cost_set }
}

fn tile(value: &str, name: &str, more: &str) -> Markup {
    markup! { div.tile { b.unknown[value == UNKNOWN] { (value) } (name) br; span { (more) } } }
}

/// A chart with its title and what it shows.
pub(super) fn card(title: &str, note: &str, chart: String) -> Markup {
    markup! { section.card { h2 { (title) } p.note { (note) } (PreEscaped(chart)) } }
}

fn energy(report: &Report) -> Markup {
    let energy = &report.energy;
    let note = format!(
        "{} in the run, cost set {} ({}) at {}.",
        bound(energy, &si(energy.total_joules, "J")),
        report.chip.cost_set,
        report.chip.cost_note,
        volts(report.chip.supply_mv)
    );
    let missing = if energy.complete { "" } else { " Parts of unknown price are not in the total." };
    card("Energy by event", &format!("{note}{missing}"), chart::energy(energy))
}

fn mesh(report: &Report) -> Markup {
    let mesh = &report.mesh;
    let last = |from: u16, extent: u16| (u32::from(from) + u32::from(extent)).saturating_sub(1);
    let (right, bottom) = (last(mesh.x, mesh.width), last(mesh.y, mesh.height));
    let links = match (&report.timing, mesh.links.is_empty()) {
        (None, true) => " Link loads are unknown.",
        (Some(_), true) => " No packet crossed a link: the cores in use share a router.",
        (_, false) => "",
    };
    let (columns, rows, cores) = (report.chip.mesh_width, report.chip.mesh_height, report.chip.cores_per_router);
    let note = format!(
        "Routers ({}, {}) to ({right}, {bottom}) of a {columns} × {rows} mesh, {cores} cores each: cells by \
         synaptic events, lines by packets on each link.{links}",
        mesh.x, mesh.y
    );
    if place::too_large(mesh) {
        return card("Mesh", &format!("{note} It is too large to be drawn."), String::new());
    }
    card("Mesh", &note, place::mesh(mesh))
}

fn ticks_note(report: &Report) -> String {
    let Some(timing) = &report.timing else { return String::new() };
    let part = if timing.series.len() < timing.series_total {
        format!(" (first {} of {} ticks)", timing.series.len(), timing.series_total)
    } else {
        String::new()
    };
    let period = timing.period.filter(|&period| period > 0.0).map_or_else(String::new, |period| {
        format!(
            " A tick lasts {}; the longest of the run needs {} of it.",
            si(period, "s"),
            percent(timing.needed.max / period)
        )
    });
    format!("{}{part}.{period}", timing.series_sample)
}

fn spikes(raster: &Raster) -> Markup {
    let kept = count(raster.spikes.len() as u64);
    let note = if raster.every > 1 {
        format!(
            "{}: {kept} of {} recorded spikes are drawn (one in {}), to keep this page small.",
            raster.sample,
            count(raster.total as u64),
            raster.every
        )
    } else {
        format!("{}: {kept} recorded spikes.", raster.sample)
    };
    markup! {
        section.card.wide { h2 { "Spikes" } p.note { (note) } (PreEscaped(place::raster(raster))) }
    }
}

fn capacities_note(report: &Report) -> String {
    let cores = report.capacities.first().map_or(0, |capacity| capacity.used.len());
    let bar = match cores.div_ceil(place::BARS) {
        0 | 1 => "One bar a core".to_owned(),
        group => format!("One bar the fullest of {group} neighbouring cores"),
    };
    let metrics = report.notes.iter().rfind(|note| note.pass == "mapping");
    let mapping = metrics.map_or_else(String::new, |note| format!(" Mapping: {}.", note.text));
    format!("{bar}, against the limit (dashed).{mapping}")
}

fn footer(report: &Report) -> Markup {
    let options: Vec<String> =
        report.options.iter().map(|option| format!("{} = {}", option.name, option.value)).collect();
    let size = report.image.bytes.map_or_else(|| UNKNOWN.to_owned(), |bytes| format!("{} bytes", count(bytes)));
    markup! {
        footer {
            "spikeloom " (report.version) " · run " code { (report.digest) } " · image " code { (report.image.digest) }
            ", " (size) " · chip " code { (report.chip.digest.get(..16).unwrap_or(&report.chip.digest)) }
            @if !options.is_empty() { br; "Options: " (options.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn a_page_is_complete_and_safe() {
        let page = html(&synthetic::report());
        for part in
            ["Spikes", "Mesh", "Energy by event", "Use of cores", "Where every constant comes from", "estimated"]
        {
            assert!(page.contains(part), "{part} is missing");
        }
        assert!(page.contains("digits &lt;made up&gt;") && !page.contains("<made up>"));
        assert!(!page.contains("http") && !page.contains("<script"), "nothing is fetched or run");
    }

    #[test]
    fn an_unknown_is_the_word() {
        let mut report = synthetic::report();
        report.timing = None;
        report.latency = None;
        report.energy.watts = None;
        let page = html(&report);
        assert!(page.contains("<b class=\"unknown\">unknown</b>power"), "{}", &page[..6_000]);
    }

    #[test]
    fn a_big_run_stays_small() {
        let page = html(&synthetic::run(3, 1_500, 64, 8_000));
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert!(page.contains("to keep this page small"));
    }

    #[test]
    fn nothing_is_needed() {
        let page = html(&Report::default());
        assert!(page.contains("unknown"));
    }
}
