//! The page of an exploration.

use maud::{Markup, PreEscaped, html as markup};

use super::{card, explored, page, place};
use crate::report::exploration::{split_text, value_text};
use crate::report::format::{count, percent};
use crate::report::json::model::{Link, Mesh, Router};
use crate::report::{Exploration, ExploredGroup, ExploredPoint, ExploredSplit, FIGURES, Heat};

/// Rows of a table of mappings that are shown.
const MOST_ROWS: usize = 400;

pub(in crate::report) fn exploration_page(exploration: &Exploration) -> String {
    let mapped: usize = exploration.groups.iter().map(|group| group.points.len()).sum();
    let run: usize = exploration.groups.iter().flat_map(|g| &g.points).filter(|p| p.values[5].is_some()).count();
    let body = markup! {
        header {
            h1 { (exploration.name) small { " exploration of mappings" } }
            p.sub {
                (count(exploration.candidates as u64)) " candidates, " (count(mapped as u64)) " mapped and verified, "
                (count(run as u64)) " run in the emulator. Less is better in every figure."
            }
        }
        @for group in &exploration.groups { (one_group(group)) }
        footer { "spikeloom " (exploration.version) ", sweep " code { (exploration.digest) } }
    };
    page(&format!("{}: exploration", exploration.name), &body)
}

fn one_group(group: &ExploredGroup) -> Markup {
    let (baseline, best) =
        (group.baseline.and_then(|at| group.points.get(at)), group.best.and_then(|at| group.points.get(at)));
    let measured = group.points.iter().filter(|point| point.values[5].is_some()).count();
    markup! {
        h1 style="margin-top:30px;font-size:21px" { (group.title) small { " " (group.changes) } }
        @if let (Some(baseline), Some(best)) = (baseline, best) {
            p.sub { "Baseline " code { (baseline.label) } ", best " code { (best.label) } " (least energy × time of those run)." }
            div.tiles { @for figure in [2, 4, 5, 7, 8, 0] { (tile(figure, baseline, best)) } }
        }
        @if let (Some(least), Some(hops)) = (group.least_hops, baseline.and_then(|point| point.values[2])) {
            p.sub {
                "No mapping of this network takes fewer than " (count(least.round() as u64)) " hops"
                ", " (format!("{:.2}", hops / least)) " times fewer than the baseline"
                ": packets leave the host's router, a core has room for so many neurons, and a router for so many cores."
            }
        }
        @if group.spike_digests > 1 {
            p.banner { (group.spike_digests) " different sets of spikes: packets came late, cores overran, or relays made populations later in some of the runs." }
        }
        div.grid {
            @if measured > 0 {
                (card("Energy and time", "Each run; the larger the mark, the more cores; full marks are on the Pareto front of energy, time a tick needs, cores and busiest link; grey ones are beaten in all.", explored::front(group)))
            }
            (card("Against the baseline", "Figures of the best mapping by each pipeline, over those of the baseline.", explored::bars(group)))
            @if !group.correlations.is_empty() {
                (card("Does the proxy predict?", &correlation_note(group), explored::scatter(group)))
                (correlations(group))
            }
            @if measured > 1 {
                (card("Convergence", "Best so far by the number of mappings tried, over the first.", explored::convergence(group)))
            }
            @if let Some(split) = group.split() { (split_card(split)) }
            @for (name, heat) in &group.heats {
                (card(&format!("Mesh: {name}"), &heat.label, heat_map(heat)))
            }
        }
        (mappings(group))
        (refused(group))
    }
}

fn tile(figure: usize, baseline: &ExploredPoint, best: &ExploredPoint) -> Markup {
    let (name, _) = FIGURES[figure];
    let ratio = baseline.values[figure].zip(best.values[figure]).filter(|(_, best)| *best > 0.0);
    markup! {
        div.tile {
            b { @match ratio { Some((before, after)) => { (format!("{:.2}", before / after)) "×" } None => { "–" } } }
            span { (name) " less: " (value_text(figure, baseline.values[figure])) " → " (value_text(figure, best.values[figure])) }
        }
    }
}

fn correlation_note(group: &ExploredGroup) -> String {
    let points = group.correlations.iter().map(|c| c.points).max().unwrap_or(0);
    format!("Hops of the static figures against the measured time a tick needs, over {points} mappings.")
}

/// The rank correlations as a table: proxies by measured figures.
fn correlations(group: &ExploredGroup) -> Markup {
    let find = |proxy: usize, measured: usize| {
        group.correlations.iter().find(|c| (c.proxy, c.measured) == (proxy, measured)).map(|c| c.rank)
    };
    let columns: Vec<usize> = (5..FIGURES.len()).filter(|m| (0..5).any(|p| find(p, *m).is_some())).collect();
    markup! {
        section.card {
            h2 { "Rank correlation" }
            p.note { "Spearman's coefficient of each static figure with each measured one; 1 ranks alike, 0 tells nothing. A dash: all mappings are alike." }
            table {
                thead { tr { th { "proxy" } @for column in &columns { th.n { (FIGURES[*column].0) } } } }
                tbody {
                    @for (proxy, (name, _)) in FIGURES.iter().enumerate().take(5) {
                        tr {
                            td { (name) }
                            @for column in &columns {
                                td.n { @match find(proxy, *column) { Some(rank) => { (format!("{rank:.3}")) } None => { "–" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The whole network beside the split one, population by population.
fn split_card(split: &ExploredSplit) -> Markup {
    let share = |part: u64, of: u64| percent(part as f64 / of.max(1) as f64);
    markup! {
        section.card {
            h2 { "Fan-in splitting" }
            p.note {
                "The split network against the whole one in the integer oracle, over the stimulus of the sweep; no mapping changes it. "
                (percent(split.share)) " of the spikes of both are in one alone; "
                (split.agreeing) " of " (split.samples) " samples are read alike"
                @if split.labelled > 0 {
                    ", " (split.right.0) " right whole and " (split.right.1) " split of " (split.labelled)
                }
                "."
            }
            table {
                thead { tr {
                    th { "population" } th.n { "spikes whole" } th.n { "split" } th.n { "in one alone" } th.n { "neurons with another count" }
                } }
                tbody {
                    @for line in &split.populations {
                        tr {
                            td { (line.name) } td.n { (count(line.whole)) } td.n { (count(line.split)) }
                            td.n { (count(line.moved)) " (" (share(line.moved, line.whole + line.split)) ")" }
                            td.n { (count(line.miscounted)) " of " (count(line.neurons)) }
                        }
                    }
                }
            }
        }
    }
}

fn heat_map(heat: &Heat) -> String {
    let width = u32::from(heat.width).max(1);
    // Only the part in use, with what the packets pass.
    let used: Vec<u32> = heat.routers.iter().map(|r| r.0).chain(heat.links.iter().map(|l| l.0 / 4)).collect();
    let span = |of: &dyn Fn(u32) -> u32, host: u16| {
        let all = || used.iter().map(|router| of(*router)).chain([u32::from(host)]);
        (all().min().unwrap_or(0) as u16, all().max().unwrap_or(0) as u16)
    };
    let ((x0, x1), (y0, y1)) =
        (span(&|router| router % width, heat.host.0), span(&|router| router / width, heat.host.1));
    let cell = |router: u32| ((router % width) as u16, (router / width) as u16);
    let routers = heat.routers.iter().map(|&(router, cores, synaptic_events)| {
        let (x, y) = cell(router);
        Router { x, y, cores: cores as u16, synaptic_events, spikes: 0, packets_in: packets_into(heat, router) }
    });
    let links = heat.links.iter().map(|&(link, packets, peak)| {
        let (x, y) = cell(link / 4);
        Link { x, y, direction: (link % 4) as u8, packets, peak }
    });
    let mesh = Mesh {
        x: x0,
        y: y0,
        width: x1 - x0 + 1,
        height: y1 - y0 + 1,
        host: heat.host,
        routers: routers.collect(),
        links: links.collect(),
    };
    if place::too_large(&mesh) { String::new() } else { place::mesh(&mesh) }
}

/// Packets over the links that lead to a router.
fn packets_into(heat: &Heat, router: u32) -> u64 {
    let width = u32::from(heat.width);
    let leads = |link: u32| match link % 4 {
        0 => Some(link / 4 + 1),
        1 => (link / 4).checked_sub(1),
        2 => (link / 4).checked_sub(width),
        _ => Some(link / 4 + width),
    };
    heat.links.iter().filter(|(link, ..)| leads(*link) == Some(router)).map(|(_, packets, _)| packets).sum()
}

/// Every mapping with its binding limit and what bounds it.
fn mappings(group: &ExploredGroup) -> Markup {
    let mut order: Vec<usize> = (0..group.points.len()).collect();
    let rank = |at: &usize| group.points[*at].values[2].unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| rank(a).total_cmp(&rank(b)).then(a.cmp(b)));
    markup! {
        details open[order.len() <= 60] {
            summary { "Mappings " span { (order.len()) ", fewest hops first; bounds: cores at the neurons' limit, hops of these cores on any placement" } }
            section.card {
                table {
                    thead { tr {
                        th { "pipeline" } th.n { "cores" } th.n { "bound" } th { "binds" } th.n { "mean use" } th.n { "packets" } th.n { "hops" } th.n { "bound" }
                        th.n { "busiest link" } th.n { "energy" } th.n { "sample" } th.n { "tick needs" } th.n { "packet" }
                        @if group.split().is_some() { th.n { "split error" } }
                    } }
                    tbody { @for at in order.iter().take(MOST_ROWS) { (mapping(group, *at)) } }
                }
                @if order.len() > MOST_ROWS { p.note { (order.len() - MOST_ROWS) " more are in results.csv." } }
            }
        }
    }
}

fn mapping(group: &ExploredGroup, at: usize) -> Markup {
    let point = &group.points[at];
    let value = |figure: usize| value_text(figure, point.values[figure]);
    let used = point.utilisation.iter().find(|(name, ..)| *name == point.binds).map(|(_, mean, _)| percent(*mean));
    markup! {
        tr {
            td.k {
                (point.label)
                @if Some(at) == group.baseline { " " span.badge { "baseline" } }
                @if Some(at) == group.best { " " span.badge.measured { "best" } }
                @if point.pareto { " " span.badge.published { "front" } }
            }
            td.n { (value(0)) } td.n { (point.least.0) } td { (point.binds) } td.n { (used.unwrap_or_default()) }
            td.n { (value(1)) } td.n { (value(2)) } td.n { (count(point.least.1.round() as u64)) } td.n { (value(4)) }
            td.n { @if !point.complete && point.values[5].is_some() { "≥ " } (value(5)) } td.n { (value(6)) } td.n { (value(7)) } td.n { (value(8)) }
            @if group.split().is_some() { td.n { (split_text(group, point)) } }
        }
    }
}

fn refused(group: &ExploredGroup) -> Markup {
    markup! {
        @if !group.refused.is_empty() {
            details {
                summary { "Refused " span { (group.refused.len()) " candidates do not fit or cannot be expressed" } }
                section.card {
                    table { tbody { @for (label, why) in &group.refused { tr { td.k { (label) } td { (PreEscaped(lines(why))) } } } } }
                }
            }
        }
    }
}

/// Text with its line breaks, escaped.
fn lines(text: &str) -> String {
    let line = |line: &str| markup! { (line) }.into_string();
    text.lines().map(line).collect::<Vec<_>>().join("<br>")
}
