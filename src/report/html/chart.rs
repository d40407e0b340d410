//! Charts of energy and time.

use crate::report::format::{count, percent, si};
use crate::report::html::svg::{Svg, at, marks};
use crate::report::json::model::{Accuracy, Energy, TickPoint, Timing};

/// Horizontal bars: every event class and static power; an unknown is an empty dashed bar.
pub(super) fn energy(energy: &Energy) -> String {
    let mut bars: Vec<(&str, String, Option<f64>, &str)> = energy
        .entries
        .iter()
        .map(|entry| (entry.event.as_str(), count(entry.count), entry.joules, bar_class(&entry.event)))
        .collect();
    bars.push(("static power × time", String::new(), energy.static_joules, "fi"));
    bars.sort_by(|a, b| b.2.unwrap_or(-1.0).total_cmp(&a.2.unwrap_or(-1.0)));
    let largest = bars.iter().filter_map(|bar| bar.2).fold(0.0, f64::max);
    let (left, room, line) = (132.0, 250.0, 22.0);
    let mut svg = Svg::new(540.0, bars.len() as f64 * line + 4.0);
    for (row, (name, events, joules, class)) in bars.into_iter().enumerate() {
        let y = row as f64 * line + 3.0;
        svg.text("r", (left - 8.0, y + 12.5), name);
        let title = format!("{name}: {events} events");
        match joules {
            Some(joules) => {
                let width = if largest > 0.0 { room * joules / largest } else { 0.0 };
                svg.rect(class, (left, y), (width.max(1.0), 16.0), Some(&title));
                let share =
                    if energy.total_joules > 0.0 { percent(joules / energy.total_joules) } else { String::new() };
                svg.text("", (left + width + 7.0, y + 12.5), &format!("{}  ·  {share}", si(joules, "J")));
            }
            None => {
                svg.rect("hatch", (left + 0.5, y + 0.5), (60.0, 15.0), Some(&title));
                let events = if events.is_empty() { events } else { format!(" ({events} events)") };
                svg.text("u", (left + 68.0, y + 12.5), &format!("unknown{events}"));
            }
        }
    }
    svg.finish("energy by event class")
}

/// Synapses, neurons and transport each have their colour.
fn bar_class(event: &str) -> &'static str {
    match event {
        event if event.starts_with("synapse") => "fa",
        event if event.starts_with("neuron") || event == "spike_out" || event == "memory_bit" => "fc",
        _ => "fb",
    }
}

/// What every tick of the shown sample needs, and how long it lasts.
pub(super) fn ticks(timing: &Timing) -> String {
    let (left, top, width, height) = (64.0, 8.0, 466.0, 170.0);
    let series = &timing.series;
    let needed = series.iter().map(|tick| tick.busy.max(tick.drained)).fold(0.0, f64::max);
    // A fixed tick much longer than its work would squash the curves: then it is said in words only.
    let squashed = timing.period.is_some_and(|period| period > needed * 2.0);
    let top_value = if squashed { needed } else { series.iter().map(|tick| tick.duration).fold(needed, f64::max) };
    let top_value = if top_value > 0.0 { top_value * 1.05 } else { 1.0 };
    let x = |tick: usize| left + width * (tick as f64 + 0.5) / series.len().max(1) as f64;
    let y = |value: f64| top + height * (1.0 - value / top_value);
    let mut svg = Svg::new(540.0, top + height + 40.0);
    for mark in marks(top_value, 4.0) {
        svg.grid((left, y(mark)), (left + width, y(mark)), &si(mark, "s"));
    }
    for mark in marks(series.len() as f64, 6.0).into_iter().filter(|mark| mark.fract() == 0.0) {
        svg.text("l m", (left + width * mark / series.len().max(1) as f64, top + height + 15.0), &at(mark));
    }
    let line = |value: fn(&TickPoint) -> f64| {
        let point = |(tick, point): (usize, &TickPoint)| {
            format!("{}{} {}", if tick == 0 { "M" } else { "L" }, at(x(tick)), at(y(value(point))))
        };
        series.iter().enumerate().map(point).collect::<String>()
    };
    let mut legend = vec![("fa", "cores busy"), ("fb", "packets drained")];
    if !squashed {
        let end = x(series.len().saturating_sub(1));
        let base = at(top + height);
        svg.path("area", &format!("{}L{} {base}L{} {base}Z", line(|tick| tick.duration), at(end), at(x(0))));
        legend.insert(0, ("area", "tick lasts"));
    }
    svg.path("sb", &line(|tick| tick.drained));
    svg.path("sa", &line(|tick| tick.busy));
    let mut from = left;
    for (class, name) in legend {
        svg.rect(class, (from, top + height + 24.0), (11.0, 11.0), None);
        svg.text("l", (from + 16.0, top + height + 34.0), name);
        from += 30.0 + name.len() as f64 * 6.6;
    }
    svg.text("l r", (left + width, top + height + 34.0), "tick");
    svg.finish("time of each tick")
}

/// How many ticks need how long, over the whole run.
pub(super) fn histogram(timing: &Timing) -> String {
    let (left, top, width, height) = (54.0, 8.0, 476.0, 150.0);
    let bins = &timing.histogram;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
    let mut svg = Svg::new(540.0, top + height + 36.0);
    for mark in marks(most, 3.0).into_iter().filter(|mark| mark.fract() == 0.0) {
        let y = top + height * (1.0 - mark / most);
        svg.grid((left, y), (left + width, y), &count(mark as u64));
    }
    let step = width / bins.len().max(1) as f64;
    for (index, bin) in bins.iter().enumerate() {
        let tall = height * bin.count as f64 / most;
        let title = format!("{} to {}: {} ticks", si(bin.from, "s"), si(bin.to, "s"), count(bin.count));
        if bin.count > 0 {
            let (x, wide) = (left + step * index as f64, (step - 1.5).min(60.0));
            svg.rect("fa", (x, top + height - tall), (wide, tall.max(1.0)), Some(&title));
        }
    }
    let edges = bins.first().zip(bins.last()).map(|(first, last)| (first.from, last.to));
    if let Some((from, to)) = edges {
        svg.text("l", (left, top + height + 15.0), &si(from, "s"));
        if to > from {
            svg.text("l m", (left + width / 2.0, top + height + 15.0), &si((from + to) / 2.0, "s"));
            svg.text("l r", (left + width, top + height + 15.0), &si(to, "s"));
        }
    }
    svg.text("l m", (left + width / 2.0, top + height + 32.0), "a tick needs");
    svg.finish("histogram of what ticks need")
}

/// Labels against predictions.
pub(super) fn confusion(accuracy: &Accuracy) -> String {
    let classes = accuracy.confusion.len();
    let most = accuracy.confusion.iter().flatten().copied().max().unwrap_or(0).max(1);
    let cell = (300.0 / classes.max(1) as f64).clamp(9.0, 30.0);
    let (left, top) = (92.0, 24.0);
    let mut svg = Svg::new(540.0, top + cell * classes as f64 + 6.0);
    svg.text("l r", (left - 30.0, top + cell * classes as f64 / 2.0), "label");
    svg.text("l", (left, 10.0), "read from the chip");
    for (label, row) in accuracy.confusion.iter().enumerate() {
        let y = top + cell * label as f64;
        if cell >= 12.0 {
            svg.text("l r", (left - 7.0, y + cell / 2.0 + 4.0), &label.to_string());
            svg.text("l m", (left + cell * (label as f64 + 0.5), top - 3.0), &label.to_string());
        }
        for (predicted, &samples) in row.iter().enumerate() {
            let x = left + cell * predicted as f64;
            let level = level(f64::from(samples), f64::from(most), 8);
            let class = if samples == 0 { "fg".to_owned() } else { format!("h{level}") };
            let title = format!("label {label}, read {predicted}: {samples}");
            svg.rect(&class, (x, y), (cell - 1.5, cell - 1.5), Some(&title));
            if cell >= 18.0 && samples > 0 {
                let ink = if level >= 4 { "m inv" } else { "m" };
                svg.text(ink, (x + cell / 2.0 - 0.7, y + cell / 2.0 + 3.4), &samples.to_string());
            }
        }
    }
    svg.finish("confusion matrix")
}

/// Which of `levels` steps of a colour scale a value takes.
pub(super) fn level(value: f64, most: f64, levels: usize) -> usize {
    if most > 0.0 { ((value / most * levels as f64).ceil() as usize).clamp(1, levels) - 1 } else { 0 }
}
