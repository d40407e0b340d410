//! Tables of the page.

use maud::{Markup, html as markup};

use crate::report::format::{UNKNOWN, count, percent, rate, si};
use crate::report::json::model::{Report, Spread};
use crate::report::text::{bound, statuses, times, with_memory};

/// Most samples that are listed.
const SAMPLES: usize = 300;
/// Most rows of other long tables.
const ROWS: usize = 500;

/// A number cell; an unknown is the word, in its colour.
fn cell(value: Option<String>) -> Markup {
    markup! {
        @match value {
            Some(value) => td.n { (value) },
            None => td.n { span.unknown { (UNKNOWN) } },
        }
    }
}

fn joules(value: Option<f64>) -> Markup {
    cell(value.map(|value| si(value, "J")))
}

pub(super) fn timing(report: &Report) -> Markup {
    let Some(timing) = &report.timing else { return Markup::default() };
    let line = |name: &str, spread: &Spread| {
        markup! {
            tr {
                td { (name) }
                @for value in [spread.min, spread.median, spread.mean, spread.p95, spread.max] { td.n { (si(value, "s")) } }
            }
        }
    };
    let word = |value: Option<f64>| value.map_or_else(|| UNKNOWN.to_owned(), |value| si(value, "s"));
    markup! {
        section.card {
            h2 { "Latency" }
            p.note {
                (count(timing.packets)) " packets; from emission to delivery " (word(timing.packet_mean))
                " in the mean, " (word(timing.packet_worst)) " at worst. Modelled time of the run: " (si(timing.seconds, "s")) "."
            }
            table {
                thead { tr { th {} th.n { "min" } th.n { "median" } th.n { "mean" } th.n { "95 %" } th.n { "max" } } }
                tbody {
                    (line("inference", &timing.inference))
                    @if let Some(first) = &timing.first_output { (line("first output spike", first)) }
                    (line("tick lasts", &timing.tick))
                    (line("tick needs", &timing.needed))
                    @if let Some(law) = &timing.law { (line("tick by max-affine law", law)) }
                }
            }
        }
    }
}

pub(super) fn populations(report: &Report) -> Markup {
    if report.populations.is_empty() {
        return Markup::default();
    }
    // With an even number of narrow cards before it, this one would leave a hole beside it.
    let confusion = report.accuracy.as_ref().is_some_and(|accuracy| !accuracy.confusion.is_empty());
    let before = [!report.capacities.is_empty(), confusion, report.timing.is_some()];
    let alone = before.into_iter().filter(|&card| card).count().is_multiple_of(2);
    markup! {
        section.card.wide[alone] {
            h2 { "Populations" }
            p.note { "Spikes of the whole run." }
            table {
                thead { tr { th { "population" } th.n { "neurons" } th.n { "spikes" } th.n { "per neuron and tick" } } }
                tbody {
                    @for population in report.populations.iter().take(ROWS) {
                        tr {
                            td { (population.name) }
                            td.n { (count(u64::from(population.neurons))) }
                            (cell(population.spikes.map(count)))
                            (cell(population.rate.map(rate)))
                        }
                    }
                }
            }
            (cut(report.populations.len(), ROWS))
        }
    }
}

pub(super) fn faults(report: &Report) -> Markup {
    if report.faults.is_empty() {
        return Markup::default();
    }
    markup! {
        section.card.wide {
            h2 { "Modelled faults" }
            p.note { "They happen as on the chip and are counted; " code { "--strict" } " ends a run at the first." }
            div.faults {
                @for fault in &report.faults {
                    div {
                        b.bad[fault.count > 0].good[fault.count == 0] { (count(fault.count)) } " " (fault.name)
                        p.note { (fault.meaning) @if let Some(sample) = &fault.first_sample { "; first in " (sample) } }
                    }
                }
            }
        }
    }
}

pub(super) fn baselines(report: &Report) -> Markup {
    if report.baselines.is_empty() {
        return Markup::default();
    }
    let energy = &report.energy;
    markup! {
        section.card.wide {
            h2 { "Compared with other machines" }
            p.note {
                "Arithmetic, not measurements: the operations of one mean inference times a published price of one \
                 operation. Without control, caches and idle power a real machine needs more. The ratio is its dense layers (where \
                 their number is known, else the synaptic events) over the energy of this run: above 1 the chip needs less."
            }
            table {
                thead { tr {
                    th { "energy of one inference" } th.n { "synaptic events as adds" } th.n { "with memory" }
                    th.n { "dense layers as MACs" } th.n { "with memory" } th.n { "over this run" } th.n { "with memory" }
                    th { "source of the price" }
                } }
                tbody {
                    tr {
                        td { b { (report.chip.name) } ", modelled, all events" }
                        (cell(energy.inference.map(|spread| bound(energy, &si(spread.mean, "J")))))
                        td.n { "–" } td.n { "–" } td.n { "–" } td.n { "1×" } td.n { "–" } td { "this report" }
                    }
                    @for other in &report.baselines {
                        tr {
                            td { (other.name) }
                            (joules(other.sparse_joules)) td.n { (with_memory(other.sparse_joules, other.sparse_memory_joules)) }
                            (joules(other.dense_joules)) td.n { (with_memory(other.dense_joules, other.dense_memory_joules)) }
                            td.n { (times(energy, other.ratio)) } td.n { (times(energy, other.memory_ratio)) }
                            td { (other.source) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn unknown(report: &Report) -> Markup {
    let energy = &report.energy;
    if report.unknown.is_empty() && energy.unknown.is_empty() {
        return Markup::default();
    }
    markup! {
        section.card style="margin-top:14px" {
            h2 { "What nobody knows" }
            p.note { "No public number exists. The model leaves these out; they are not zero on the chip." }
            @if !energy.unknown.is_empty() {
                p { "Happened in this run, price unknown: " @for (index, event) in energy.unknown.iter().enumerate() {
                    @if index > 0 { ", " } code.unknown { (event) }
                } }
            }
            @if !report.unknown.is_empty() {
                p { "Absent from the chip file: " @for (index, key) in report.unknown.iter().enumerate() {
                    @if index > 0 { ", " } code { (key) }
                } }
            }
        }
    }
}

pub(super) fn provenance(report: &Report) -> Markup {
    if report.provenance.is_empty() {
        return Markup::default();
    }
    markup! {
        details.card {
            summary { "Where every constant comes from " span { (statuses(report)) } }
            table {
                thead { tr { th { "constant" } th.n { "value" } th { "unit" } th { "status" } th { "source" } } }
                tbody {
                    @for constant in report.provenance.iter().take(ROWS) {
                        tr {
                            td.k { (constant.key) } td.n { (constant.value) } td { (constant.unit) }
                            td { span class={ "badge " (constant.status) } { (constant.status) } }
                            td { (constant.source) }
                        }
                    }
                }
            }
            (cut(report.provenance.len(), ROWS))
        }
    }
}

pub(super) fn compiler(report: &Report) -> Markup {
    if report.notes.is_empty() && report.tensors.is_empty() {
        return Markup::default();
    }
    let warnings = report.notes.iter().filter(|note| note.warning).count();
    markup! {
        details.card {
            summary { "What the compiler did " span { (report.tensors.len()) " tensors quantised, " (warnings) " warnings" } }
            ul { @for note in report.notes.iter().take(ROWS) {
                li { @if note.warning { span.bad { "warning " } } b { (note.pass) } ": " (note.text) }
            } }
            @if !report.tensors.is_empty() {
                table {
                    thead { tr {
                        th { "tensor" } th.n { "values" } th.n { "one step" } th.n { "largest error" } th.n { "RMS error" } th.n { "clipped" }
                    } }
                    tbody {
                        @for tensor in report.tensors.iter().take(ROWS) {
                            tr {
                                td.k { (tensor.name) } td.n { (count(tensor.values as u64)) }
                                @for value in [tensor.step, tensor.max_error, tensor.rms_error] { td.n { (format!("{value:.3e}")) } }
                                td.n { span.bad[tensor.saturated > 0] { (count(tensor.saturated as u64)) } }
                            }
                        }
                    }
                }
                (cut(report.tensors.len(), ROWS))
            }
        }
    }
}

pub(super) fn samples(report: &Report) -> Markup {
    if report.samples.is_empty() {
        return Markup::default();
    }
    let class = |class: Option<u32>| cell(class.map(|class| class.to_string()));
    markup! {
        details.card {
            summary { "Samples " span {
                (count(report.samples.len() as u64))
                @if let Some(accuracy) = &report.accuracy { ", " (percent(accuracy.fraction)) " right" }
            } }
            table {
                thead { tr {
                    th { "sample" } th.n { "label" } th.n { "read" } th.n { "ticks" } th.n { "spikes" }
                    th.n { "synaptic events" } th.n { "latency" } th.n { "energy" } th.n { "faults" }
                } }
                tbody {
                    @for sample in report.samples.iter().take(SAMPLES) {
                        @let wrong = sample.label.is_some() && sample.predicted.is_some() && sample.label != sample.predicted;
                        tr {
                            td { (sample.name) @if wrong { span.bad { " wrong" } } }
                            (class(sample.label)) (class(sample.predicted)) td.n { (sample.ticks) }
                            td.n { (count(sample.spikes)) } td.n { (count(sample.synaptic_events)) }
                            (cell(sample.seconds.map(|seconds| si(seconds, "s"))))
                            td.n { (si(sample.joules, "J")) } td.n { (count(sample.faults)) }
                        }
                    }
                }
            }
            (cut(report.samples.len(), SAMPLES))
        }
    }
}

/// Says what a long table leaves out.
fn cut(rows: usize, shown: usize) -> Markup {
    markup! {
        @if rows > shown { p.note { "The first " (shown) " of " (rows) " rows, to keep this page small; report.json has all." } }
    }
}
