//! Latency over load of a mesh: one model, rendered as text, CSV and HTML.

use maud::html as markup;

/// One load of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Packets that a node makes in a cycle.
    pub offered: f64,
    /// What was measured; none where the mesh was unstable.
    pub measured: Option<CurveMeasure>,
}

/// What one load does. Latencies are in cycles, rates in packets a node and cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveMeasure {
    /// Mean from making a packet to its delivery, the shortest and the longest; NaN where no packet was counted.
    pub latency: f64,
    /// The shortest.
    pub latency_min: f64,
    /// The longest.
    pub latency_max: f64,
    /// Mean from entry into the mesh.
    pub network_latency: f64,
    /// Delivered.
    pub accepted: f64,
    /// Delivered to the node that got fewest.
    pub accepted_min: f64,
    /// Given in.
    pub injected: f64,
    /// Routers of a way.
    pub hops: f64,
    /// Cycles of the run.
    pub cycles: f64,
}

/// A curve of a mesh under one pattern.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Mesh and pattern, for the heading.
    pub title: String,
    /// In order of load.
    pub points: Vec<CurvePoint>,
    /// Highest load with at most three times the latency of the lowest.
    pub knee: Option<f64>,
}

const NUMBERS: [&str; 9] = [
    "latency",
    "latency_min",
    "latency_max",
    "network_latency",
    "accepted",
    "accepted_min",
    "injected",
    "hops",
    "cycles",
];

impl CurveMeasure {
    const fn numbers(&self) -> [f64; 9] {
        [
            self.latency,
            self.latency_min,
            self.latency_max,
            self.network_latency,
            self.accepted,
            self.accepted_min,
            self.injected,
            self.hops,
            self.cycles,
        ]
    }
}

/// Six digits, as BookSim prints.
pub(super) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let whole = if value.abs() < 1.0 { 0 } else { value.abs().log10().floor() as usize + 1 };
    let text = format!("{value:.*}", 6_usize.saturating_sub(whole));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Curve {
    /// Comma-separated, an empty cell where the mesh was unstable.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = format!("offered,stable,{}\n", NUMBERS.join(","));
        for point in &self.points {
            let cells = match &point.measured {
                Some(measured) => measured.numbers().map(digits).join(","),
                None => ",".repeat(NUMBERS.len() - 1),
            };
            text.push_str(&format!("{},{},{cells}\n", point.offered, u8::from(point.measured.is_some())));
        }
        text
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let header =
            ["offered", "latency", "min", "max", "in the mesh", "accepted", "least", "injected", "routers", "cycles"];
        let row = |point: &CurvePoint| {
            let cells = point.measured.map(|measured| measured.numbers().map(digits).to_vec());
            let mut cells = cells.unwrap_or_else(|| {
                let mut cells = vec![String::new(); NUMBERS.len()];
                "unstable".clone_into(&mut cells[0]);
                cells
            });
            cells.insert(0, point.offered.to_string());
            cells
        };
        let table = super::table(width, &header, &[], self.points.iter().map(row).collect());
        let knee = self.knee.map_or_else(
            || "no knee: the lowest load is unstable".to_owned(),
            |knee| format!("knee: {knee} (highest load with at most 3 times the latency of the lowest)"),
        );
        format!("{}\n{table}\n{knee}\n", self.title)
    }

    /// A page of its own with the plot.
    #[must_use]
    pub fn html(&self) -> String {
        let body = markup! {
            header { h1 { "Latency over load" } p.sub { (self.title) } }
            div.grid {
                (super::html::card("Latency", "Mean cycles from the making of a packet to its delivery, over packets that a node makes in a cycle. The curve ends where the mesh is unstable.", self.plot(|measured| measured.latency, "cycles")))
                (super::html::card("Throughput", "Packets delivered a node and cycle, over packets that a node makes in a cycle.", self.plot(|measured| measured.accepted, "packets a node and cycle")))
            }
        };
        super::html::page("Latency over load", &body)
    }

    fn plot(&self, of: impl Fn(&CurveMeasure) -> f64, unit: &str) -> String {
        let known = |point: &CurvePoint| point.measured.as_ref().map(|measured| (point.offered, of(measured)));
        let values: Vec<(f64, f64)> = self.points.iter().filter_map(known).filter(|(_, y)| y.is_finite()).collect();
        super::html::line_plot(&values, unit)
    }
}
