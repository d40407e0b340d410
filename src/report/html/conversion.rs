//! The page of a conversion.

use maud::{Markup, html as markup};

use super::svg::{Svg, at};
use super::{card, page, tile};
use crate::report::conversion::{points, share};
use crate::report::format::{UNKNOWN, count, si};
use crate::report::{Conversion, ConvertedChip, ERRORS};

pub(in crate::report) fn conversion_page(found: &Conversion) -> String {
    let settings: Vec<String> = found.settings.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = markup! {
        header {
            h1 { (found.network) small { (if found.artificial { " with values of 8 bits" } else { " converted to spikes" }) } }
            p.sub { (settings.join(" · ")) }
        }
        (tiles(found))
        @if !found.points.is_empty() {
            div.grid {
                (card("Accuracy over the length of the simulation", &curve_note(found), curve(found)))
                (card("Errors over the length of the simulation", "Each layer's mean distance of rates (or times) from the trained values, over what a spike in every tick stands for.", errors(found)))
                section.card.wide {
                    h2 { "Where the curves part" }
                    @for line in found.explanation() { p { (line) } }
                    (layers(found))
                    ul.note { @for (name, meaning) in ERRORS.iter().skip(1) { li { b { (name) } ": " (meaning) } } }
                }
                (over_time(found))
                @if !found.chips.is_empty() { (chips(found)) }
            }
        }
        @if found.artificial {
            div.grid {
                @if !found.chips.is_empty() { (chips(found)) }
                (steps(found))
            }
        }
        (baselines(found))
        footer { "spikeloom " (found.version) }
    };
    page(&format!("{}: conversion", found.network), &body)
}

fn tiles(found: &Conversion) -> Markup {
    let last = found.points.last();
    let word = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    markup! {
        div.tiles {
            (tile(&word(found.ann.map(points)), "as trained", &format!("{} images", count(found.images))))
            @if let Some(last) = last {
                (tile(&points(found.score(last)), "as spikes", &format!("after {} ticks, {:+.2} points", last.ticks, 100.0 * (found.score(last) - found.goal()))))
                (tile(&count(last.spikes.round() as u64), "spikes an image", "input included"))
                (tile(&count(last.synaptic.round() as u64), "synaptic events an image", &format!("{:.2} for each multiply-accumulate", last.synaptic / found.macs.max(1) as f64)))
            }
            (tile(&count(found.macs), "multiply-accumulates", "an image, as trained"))
        }
    }
}

fn curve_note(found: &Conversion) -> String {
    let what = if found.ann.is_some() { "read as labelled" } else { "read as the trained network reads them" };
    format!("Share of {} images {what}; dashed: the trained network.", count(found.images))
}

/// Where lengths lie along an axis of powers of two.
fn along(found: &Conversion, left: f64, width: f64) -> impl Fn(u32) -> f64 {
    let ends = found.points.first().zip(found.points.last());
    let (least, most) = ends.map_or((0.0, 1.0), |(a, b)| (f64::from(a.ticks).log2(), f64::from(b.ticks).log2()));
    move |ticks| left + width * (f64::from(ticks).log2() - least) / (most - least).max(1e-9)
}

fn line(marks: impl Iterator<Item = (f64, f64)>) -> String {
    let step =
        |(number, (x, y)): (usize, (f64, f64))| format!("{}{} {}", if number == 0 { 'M' } else { 'L' }, at(x), at(y));
    marks.enumerate().map(step).collect()
}

fn axis(svg: &mut Svg, found: &Conversion, x: &dyn Fn(u32) -> f64, (top, bottom, right): (f64, f64, f64)) {
    for point in &found.points {
        svg.grid((x(point.ticks), top), (x(point.ticks), bottom), &point.ticks.to_string());
    }
    svg.text("l r", (right, bottom + 30.0), if found.first_spike { "ticks a window" } else { "ticks" });
}

fn curve(found: &Conversion) -> String {
    let (left, top, width, height) = (58.0, 10.0, 468.0, 220.0);
    let mut svg = Svg::new(540.0, top + height + 36.0);
    let least = found.points.iter().map(|point| found.score(point)).fold(found.goal(), f64::min);
    // From a round number below the curve up to everything.
    let floor = ((least - 1e-9) * 10.0).floor().max(0.0) / 10.0;
    let y = |value: f64| top + height * (1.0 - (value - floor) / (1.0 - floor).max(1e-9));
    for mark in 0..=5 {
        let value = floor + (1.0 - floor) * f64::from(mark) / 5.0;
        svg.grid((left, y(value)), (left + width, y(value)), &format!("{:.0} %", 100.0 * value));
    }
    let x = along(found, left, width);
    axis(&mut svg, found, &x, (top, top + height, left + width));
    svg.path("lim", &line([(left, y(found.goal())), (left + width, y(found.goal()))].into_iter()));
    svg.path("sa", &line(found.points.iter().map(|point| (x(point.ticks), y(found.score(point))))));
    for point in &found.points {
        let score = found.score(point);
        let title = format!("{} ticks: {}", point.ticks, points(score));
        svg.rect("fa", (x(point.ticks) - 3.0, y(score) - 3.0), (6.0, 6.0), Some(&title));
    }
    svg.finish("accuracy over the length of the simulation")
}

fn errors(found: &Conversion) -> String {
    let (left, top, width, height) = (58.0, 10.0, 468.0, 220.0);
    let with: Vec<_> = found.layers.iter().filter(|layer| layer.errors.len() == found.points.len()).collect();
    let most = with.iter().flat_map(|layer| &layer.errors).map(|errors| errors[0]).fold(1e-6, f64::max);
    let rows = with.len().div_ceil(3) as f64;
    let mut svg = Svg::new(540.0, top + height + 36.0 + 18.0 * rows);
    let y = |value: f64| top + height * (1.0 - value / most);
    for mark in 0..=4 {
        let value = most * f64::from(mark) / 4.0;
        svg.grid((left, y(value)), (left + width, y(value)), &format!("{value:.3}"));
    }
    let x = along(found, left, width);
    axis(&mut svg, found, &x, (top, top + height, left + width));
    for (number, layer) in with.iter().enumerate() {
        let letter = ["a", "b", "c", "d"][number % 4];
        let marks = layer.errors.iter().zip(&found.points).map(|(errors, point)| (x(point.ticks), y(errors[0])));
        svg.path(&format!("s{letter}"), &line(marks));
        let (from, down) = (left + 156.0 * (number % 3) as f64, top + height + 40.0 + 18.0 * (number / 3) as f64);
        svg.rect(&format!("f{letter}"), (from, down), (11.0, 11.0), None);
        svg.text("l", (from + 16.0, down + 10.0), &layer.name);
    }
    svg.finish("errors over the length of the simulation")
}

fn layers(found: &Conversion) -> Markup {
    markup! {
        table {
            thead { tr {
                th { "population" } th.n { "neurons" } th.n { "a spike stands for" } th.n { "spikes an image" }
                @for (name, _) in ERRORS { th.n { (name) } }
            } }
            tbody {
                @for layer in &found.layers {
                    tr {
                        td { (layer.name) } td.n { (count(layer.neurons as u64)) } td.n { (layer.scale) } td.n { (format!("{:.1}", layer.spikes)) }
                        @match layer.errors.last() {
                            Some(errors) => { @for error in errors { td.n { (share(*error)) } } }
                            None => { @for _ in ERRORS { td.n { "–" } } }
                        }
                    }
                }
            }
        }
    }
}

/// What a step of each population's values stands for.
fn steps(found: &Conversion) -> Markup {
    markup! {
        section.card.wide {
            h2 { "Values" }
            p.note { "Weights and values of 8 bits; a sum is shifted by a power of two, so that every population has one step." }
            table {
                thead { tr { th { "population" } th.n { "neurons" } th.n { "a step stands for" } } }
                tbody { @for layer in &found.layers {
                    tr { td { (layer.name) } td.n { (count(layer.neurons as u64)) } td.n { (layer.scale) } }
                } }
            }
        }
    }
}

fn over_time(found: &Conversion) -> Markup {
    markup! {
        section.card.wide {
            h2 { "By length" }
            table {
                thead { tr {
                    th.n { (if found.first_spike { "ticks a window" } else { "ticks" }) } th.n { "accuracy" } th.n { "points from trained" }
                    th.n { "read as trained" } th.n { "spikes an image" } th.n { "synaptic events an image" }
                } }
                tbody {
                    @for point in &found.points {
                        tr {
                            td.n { (point.ticks) }
                            td.n { (point.accuracy.map_or_else(|| UNKNOWN.to_owned(), points)) }
                            td.n { (format!("{:+.2}", 100.0 * (found.score(point) - found.goal()))) }
                            td.n { (points(point.agreement)) }
                            td.n { (count(point.spikes.round() as u64)) } td.n { (count(point.synaptic.round() as u64)) }
                        }
                    }
                }
            }
        }
    }
}

fn chips(found: &Conversion) -> Markup {
    let word = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    markup! {
        section.card.wide {
            h2 { "On chips" }
            p.note { "Compiled, with the weights and the resets of each chip. Accuracy by function; energy and latency from the images run with timing." }
            table {
                thead { tr {
                    th { "chip" } th.n { "cores" } th.n { "images" } th.n { "accuracy" } th.n { "trained, same images" }
                    th.n { "energy an image" } th.n { "of it dynamic" } th.n { "latency an image" } th { "" }
                } }
                tbody { @for chip in &found.chips {
                    tr {
                        td { b { (chip.name) } }
                        @if let Some(why) = &chip.refused {
                            td colspan="8" { span.unknown { "not run: " } (why) }
                        } @else {
                            td.n { (chip.cores) } td.n { (count(chip.images)) }
                            td.n { (word(chip.accuracy.map(points))) } td.n { (word(chip.ann.map(points))) }
                            td.n { (word(chip.energies()[0].clone())) }
                            td.n { (word(chip.energies()[1].clone())) }
                            td.n { (word(chip.seconds.map(|seconds| si(seconds, "s")))) }
                            td { @if !chip.unpriced.is_empty() { "price unknown: " (chip.unpriced.join(", ")) } }
                        }
                    }
                } }
            }
        }
    }
}

fn baselines(found: &Conversion) -> Markup {
    let with: Vec<&ConvertedChip> = found.chips.iter().filter(|chip| chip.joules.is_some()).collect();
    let joules = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| si(value, "J"));
    markup! {
        section.card style="margin-top:14px" {
            h2 { "Compared with other machines" }
            p.note {
                "Arithmetic, not measurements: operations of one image times a published price of one operation, without and with one fetch a weight. \
                 A ratio is the trained network there (with memory, where priced) over the converted one on the chip: above 1 the chip needs less. Where prices of the chip are unknown, its energy is at least this and the ratio at most."
            }
            table {
                thead { tr {
                    th { "machine" } th.n { "trained, as MACs" } th.n { "with memory" } th.n { "spikes as adds" } th.n { "with memory" }
                    @for chip in &with { th.n { "over " (chip.name) } }
                    th { "source of the price" }
                } }
                tbody { @for other in &found.baselines {
                    tr {
                        td { (other.name) } td.n { (si(other.mac_joules, "J")) } td.n { (joules(other.mac_memory_joules)) }
                        td.n { (joules(other.add_joules)) } td.n { (joules(other.add_memory_joules)) }
                        @for chip in &with { td.n { (chip.ratio(other.mac_memory_joules.unwrap_or(other.mac_joules))) } }
                        td { (other.source) }
                    }
                } }
            }
        }
    }
}
