//! Charts of an exploration: Pareto front, bars over the baseline, proxy against measurement, convergence.

use crate::report::exploration::value_text;
use crate::report::format::si;
use crate::report::html::svg::{Svg, at, marks};
use crate::report::{ExploredGroup, ExploredPoint, FIGURES};

/// Drawing area: left, top, width, height.
const AREA: (f64, f64, f64, f64) = (70.0, 12.0, 450.0, 250.0);

/// Two axes from a little below the least to a little above the most.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(points: &[(f64, f64)]) -> Self {
        let span = |value: &dyn Fn(&(f64, f64)) -> f64| {
            let low = points.iter().map(value).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
            let margin = if high > low { (high - low) * 0.06 } else { high.abs().max(1e-12) * 0.1 };
            // From 0 where that costs little of the width.
            let low = if low >= 0.0 && low < high * 0.3 { 0.0 } else { low - margin };
            (low, high + margin)
        };
        Self { x: span(&|p| p.0), y: span(&|p| p.1) }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, top, width, height) = AREA;
        let share = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low).max(f64::MIN_POSITIVE);
        (left + width * share(x, self.x), top + height * (1.0 - share(y, self.y)))
    }

    fn draw(&self, svg: &mut Svg, (x, y): ((&str, &str), (&str, &str))) {
        let (left, top, width, height) = AREA;
        let inside = |(low, high): (f64, f64), wanted: f64| {
            let step = marks(high - low, wanted).get(1).copied().unwrap_or(high - low).max(f64::MIN_POSITIVE);
            let first = (low / step).ceil();
            (0..12).map(move |k| (first + f64::from(k)) * step).take_while(move |mark| *mark <= high)
        };
        for mark in inside(self.x, 4.0) {
            let (x_at, _) = self.at((mark, self.y.0));
            svg.grid((x_at, top), (x_at, top + height), &si(mark, x.1));
        }
        for mark in inside(self.y, 4.0) {
            let (_, y_at) = self.at((self.x.0, mark));
            svg.grid((left, y_at), (left + width, y_at), &si(mark, y.1));
        }
        svg.text("l m", (left + width / 2.0, top + height + 33.0), x.0);
        svg.text("l", (left, top - 2.0), y.0);
    }
}

fn disc(svg: &mut Svg, class: &str, (x, y): (f64, f64), radius: f64, title: &str) {
    let side = radius * 2.0;
    svg.rect(class, (x - radius, y - radius), (side, side), Some(title));
}

fn sheet() -> Svg {
    Svg::new(AREA.0 + AREA.2 + 16.0, AREA.1 + AREA.3 + 44.0)
}

fn title(point: &ExploredPoint) -> String {
    let told = |figure: &usize| format!("{} {}", FIGURES[*figure].0, value_text(*figure, point.values[*figure]));
    format!("{}: {}", point.label, [0, 2, 4, 5, 7].iter().map(told).collect::<Vec<_>>().join(", "))
}

/// Energy by the time a tick needs.
pub(super) fn front(group: &ExploredGroup) -> String {
    let run: Vec<(usize, (f64, f64))> = group
        .points
        .iter()
        .enumerate()
        .filter_map(|(at, point)| point.values[7].zip(point.values[5]).map(|place| (at, place)))
        .collect();
    let axes = Axes::of(&run.iter().map(|(_, place)| *place).collect::<Vec<_>>());
    let mut svg = sheet();
    axes.draw(&mut svg, (FIGURES[7], FIGURES[5]));
    let most = run.iter().filter_map(|(at, _)| group.points[*at].values[0]).fold(1.0, f64::max);
    // What is on the front is drawn last, the marked ones on top.
    let special = |at: usize| Some(at) == group.baseline || Some(at) == group.best;
    let mut order: Vec<usize> = (0..run.len()).collect();
    order.sort_by_key(|k| (special(run[*k].0), group.points[run[*k].0].pareto));
    for (at, place) in order.into_iter().map(|k| run[k]) {
        let point = &group.points[at];
        let class = match (special(at), point.pareto) {
            (true, _) if Some(at) == group.best => "fc",
            (true, _) => "fb",
            (false, true) => "fa",
            (false, false) => "fi",
        };
        let radius = 2.5 + 3.0 * (point.values[0].unwrap_or(0.0) / most).sqrt();
        disc(&mut svg, class, axes.at(place), radius, &title(point));
    }
    let (left, top, ..) = AREA;
    for (k, (class, name)) in [("fb", "baseline"), ("fc", "best"), ("fa", "front"), ("fi", "beaten")].iter().enumerate()
    {
        let x = left + 160.0 + 76.0 * k as f64;
        svg.rect(class, (x, top - 10.0), (9.0, 9.0), None);
        svg.text("l", (x + 13.0, top - 1.0), name);
    }
    svg.finish("energy by time")
}

/// Static hops by the time a tick needs (packet latency where that is unknown).
pub(super) fn scatter(group: &ExploredGroup) -> String {
    let pairs: Vec<(f64, f64)> = group.points.iter().filter_map(|point| point.values[2].zip(point.values[7])).collect();
    let axes = Axes::of(&pairs);
    let mut svg = sheet();
    axes.draw(&mut svg, (FIGURES[2], FIGURES[7]));
    for point in &group.points {
        if let Some(place) = point.values[2].zip(point.values[7]) {
            disc(&mut svg, "fa", axes.at(place), 3.0, &title(point));
        }
    }
    svg.finish("hops by time")
}

/// One group of bars a pipeline: hops, energy, time of its best mapping over the baseline's.
pub(super) fn bars(group: &ExploredGroup) -> String {
    const SHOWN: [(usize, &str); 3] = [(2, "fa"), (5, "fb"), (7, "fc")];
    const MOST: usize = 16;
    let Some(baseline) = group.baseline.and_then(|at| group.points.get(at)) else { return String::new() };
    let pipeline = |point: &ExploredPoint| point.label.rsplit_once(" | ").map_or("", |(name, _)| name).to_owned();
    let mut best: Vec<(String, &ExploredPoint)> = Vec::new();
    for point in &group.points {
        let name = pipeline(point);
        match best.iter_mut().find(|(known, _)| *known == name) {
            Some(known) if point.values[2] < known.1.values[2] => known.1 = point,
            Some(_) => {}
            None => best.push((name, point)),
        }
    }
    best.sort_by(|a, b| a.1.values[2].unwrap_or(0.0).total_cmp(&b.1.values[2].unwrap_or(0.0)));
    best.truncate(MOST);
    let ratio = |point: &ExploredPoint, figure: usize| {
        point.values[figure]
            .zip(baseline.values[figure])
            .filter(|(_, base)| *base > 0.0)
            .map(|(value, base)| value / base)
    };
    let most = best.iter().flat_map(|(_, point)| SHOWN.map(|(figure, _)| ratio(point, figure))).flatten();
    let most = most.fold(1.0, f64::max);
    let (left, width, line) = (210.0, 300.0, 34.0);
    let mut svg = Svg::new(left + width + 50.0, 24.0 + line * best.len() as f64);
    for (k, (figure, class)) in SHOWN.iter().enumerate() {
        svg.rect(class, (left + 120.0 * k as f64, 2.0), (9.0, 9.0), None);
        svg.text("l", (left + 13.0 + 120.0 * k as f64, 11.0), FIGURES[*figure].0);
    }
    for (row, (name, point)) in best.iter().enumerate() {
        let y = 20.0 + line * row as f64;
        svg.text("r", (left - 8.0, y + 18.0), name);
        for (k, (figure, class)) in SHOWN.iter().enumerate() {
            let Some(ratio) = ratio(point, *figure) else { continue };
            let up = y + 2.0 + 9.0 * k as f64;
            svg.rect(class, (left, up), (width * ratio / most, 8.0), Some(&title(point)));
            svg.text("l", (left + width * ratio / most + 4.0, up + 8.0), &format!("{ratio:.2}"));
        }
    }
    let one = at(left + width / most);
    svg.path("lim", &format!("M{one} 16V{}", at(20.0 + line * best.len() as f64)));
    svg.finish("figures over the baseline")
}

/// Best so far of hops, energy and time, over the first mapping's.
pub(super) fn convergence(group: &ExploredGroup) -> String {
    const SHOWN: [(usize, &str, &str); 3] = [(2, "sa", "fa"), (5, "sb", "fb"), (7, "sc", "fc")];
    let (left, top, width, height) = AREA;
    let n = group.points.len();
    let axes = Axes { x: (0.0, n.max(2) as f64 - 1.0), y: (0.0, 1.05) };
    let mut svg = sheet();
    axes.draw(&mut svg, (("mappings tried", ""), ("over the first", "")));
    for (k, (figure, line, fill)) in SHOWN.iter().enumerate() {
        let mut data = String::new();
        let mut found: Option<(f64, f64)> = None;
        for (tried, point) in group.points.iter().enumerate() {
            if let Some(value) = point.values[*figure] {
                let (first, least) = found.map_or((value, value), |(first, least)| (first, value.min(least)));
                found = Some((first, least));
            }
            let Some((first, least)) = found.filter(|(first, _)| *first > 0.0) else { continue };
            let (x, y) = axes.at((tried as f64, least / first));
            data.push_str(&if data.is_empty() {
                format!("M{} {}", at(x), at(y))
            } else {
                format!("H{}V{}", at(x), at(y))
            });
        }
        svg.path(line, &data);
        let x = left + 150.0 + 110.0 * k as f64;
        svg.rect(fill, (x, top + height - 12.0), (9.0, 9.0), None);
        svg.text("l", (x + 13.0, top + height - 3.0), FIGURES[*figure].0);
    }
    let _ = width;
    svg.finish("best so far")
}
