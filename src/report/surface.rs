//! Power over rate and synapse count, and measured points beside the model: one model, rendered as text, CSV and HTML.

use maud::html as markup;

use crate::report::format::UNKNOWN;

/// Power of one synthetic network.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfacePoint {
    /// Spikes of a neuron in 1,000 ticks, as asked for.
    pub rate: f64,
    /// The rate that was run.
    pub measured_rate: f64,
    /// Synapses of an axon.
    pub synapses: u16,
    /// Modelled power in watts; `None` where nothing of it is known.
    pub watts: Option<f64>,
    /// The part of it that flows whether or not anything happens, in watts; `None` where unknown.
    pub static_watts: Option<f64>,
    /// Giga synaptic operations per second.
    pub gsops: f64,
}

/// A measured operating point beside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldPoint {
    /// Its name.
    pub name: String,
    /// Supply in millivolts.
    pub supply_mv: u32,
    /// Rate and synapses as published.
    pub rate: f64,
    /// Synapses of an axon.
    pub synapses: u16,
    /// `mW` or `GSOPS/W`.
    pub unit: &'static str,
    /// What was measured, in `unit`.
    pub measured: f64,
    /// What the model says, in `unit`; `None` where nothing of it is known.
    pub model: Option<f64>,
    /// Whether the model's constants were fitted to it.
    pub fitted: bool,
    /// Where it is from.
    pub source: String,
}

impl HeldPoint {
    /// Model over measured, less one, in percent.
    #[must_use]
    pub fn error_percent(&self) -> Option<f64> {
        self.model.map(|model| 100.0 * (model / self.measured - 1.0))
    }

    fn model_text(&self) -> String {
        self.model.map_or_else(|| UNKNOWN.to_owned(), |model| format!("{model:.1} {}", self.unit))
    }

    fn error_text(&self) -> String {
        self.error_percent().map_or_else(|| UNKNOWN.to_owned(), |error| format!("{error:+.1} %"))
    }
}

/// Watts in milliwatts, without the unit.
fn milliwatts(watts: Option<f64>, digits: usize) -> String {
    watts.map_or_else(|| UNKNOWN.to_owned(), |watts| format!("{:.digits$}", 1e3 * watts))
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surface {
    /// Chip, supply and tick, for the heading.
    pub title: String,
    /// By rate, then by synapses.
    pub points: Vec<SurfacePoint>,
    /// Measured points; empty where the sweep was not asked to.
    pub held: Vec<HeldPoint>,
}

impl Surface {
    fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> = self.points.iter().map(|point| point.rate).collect();
        rates.dedup();
        rates
    }

    fn row(&self, rate: f64) -> impl Iterator<Item = &SurfacePoint> {
        self.points.iter().filter(move |point| point.rate.to_bits() == rate.to_bits())
    }

    /// Synapse counts, as in the first row.
    fn columns(&self) -> Vec<u16> {
        self.rates().first().map(|rate| self.row(*rate).map(|point| point.synapses).collect()).unwrap_or_default()
    }

    /// The points as comma-separated values.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("rate,measured_rate,synapses,watts,static_watts,gsops\n");
        for point in &self.points {
            let known = |watts: Option<f64>| watts.map_or_else(String::new, |watts| format!("{watts:.6e}"));
            let (watts, fixed) = (known(point.watts), known(point.static_watts));
            text.push_str(&format!(
                "{},{:.4},{},{watts},{fixed},{:.6e}\n",
                point.rate, point.measured_rate, point.synapses, point.gsops
            ));
        }
        text
    }

    /// Milliwatts by rate (rows) and synapses (columns), and the measured points, for a terminal.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let mut text = format!("{}\n", self.title);
        if !self.points.is_empty() {
            let columns: Vec<String> = self.columns().iter().map(|synapses| format!("{synapses} syn")).collect();
            let header: Vec<&str> = std::iter::once("mW").chain(columns.iter().map(String::as_str)).collect();
            let cells = |rate: f64| self.row(rate).map(|point| milliwatts(point.watts, 1));
            let rows = self.rates().into_iter().map(|rate| std::iter::once(format!("{rate} Hz")).chain(cells(rate)));
            text.push_str(&super::table(width, &header, &[], rows.map(Iterator::collect).collect()));
            text.push('\n');
        }
        if !self.held.is_empty() {
            let header = ["point", "supply", "Hz", "synapses", "measured", "model", "error", "constants"];
            let row = |point: &HeldPoint| {
                vec![
                    point.name.clone(),
                    format!("{} mV", point.supply_mv),
                    point.rate.to_string(),
                    point.synapses.to_string(),
                    format!("{} {}", point.measured, point.unit),
                    point.model_text(),
                    point.error_text(),
                    if point.fitted { "fitted" } else { "held out" }.to_owned(),
                ]
            };
            text.push_str(&super::table(width, &header, &[], self.held.iter().map(row).collect()));
            text.push('\n');
        }
        text
    }

    /// A page of its own with the heat map and the measured points.
    #[must_use]
    pub fn html(&self) -> String {
        let body = markup! {
            header { h1 { "Power over activity" } p.sub { (self.title) } }
            div.grid {
                @if !self.points.is_empty() {
                    (super::html::card("Power", "Milliwatts by rate (rows, spikes of a neuron in 1,000 ticks) and synapses of a spike (columns); modelled.", self.map()))
                }
                @if !self.held.is_empty() {
                    section.card.wide {
                        h2 { "Measured points" }
                        p.note { "The same networks, run here, beside what was measured on silicon. Constants that were fitted to a point make it no evidence." }
                        table {
                            thead { tr { th { "point" } th.n { "supply" } th.n { "Hz" } th.n { "synapses" } th.n { "measured" } th.n { "model" } th.n { "error" } th { "constants" } th { "source" } } }
                            tbody {
                                @for point in &self.held {
                                    tr {
                                        td { (point.name) } td.n { (point.supply_mv) " mV" } td.n { (point.rate) } td.n { (point.synapses) }
                                        td.n { (point.measured) " " (point.unit) } td.n { (point.model_text()) }
                                        td.n { (point.error_text()) }
                                        td { @if point.fitted { "fitted" } @else { "held out" } } td { (point.source) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        };
        super::html::page("Power over activity", &body)
    }

    /// The heat map: lightness by power, from the least to the most.
    fn map(&self) -> String {
        const CELL: (f64, f64) = (76.0, 30.0);
        const LEFT: f64 = 64.0;
        let (rates, columns) = (self.rates(), self.columns());
        let all = self.points.iter().filter_map(|point| point.watts);
        let (least, most) = all.fold((f64::MAX, 0.0_f64), |(least, most), watts| (least.min(watts), most.max(watts)));
        let (wide, high) = (LEFT + CELL.0 * columns.len() as f64 + 4.0, 26.0 + CELL.1 * rates.len() as f64);
        let mut svg =
            format!("<svg viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-label=\"power by rate and synapses\">");
        for (column, synapses) in columns.iter().enumerate() {
            let x = LEFT + CELL.0 * (column as f64 + 0.5);
            svg.push_str(&format!("<text class=\"m\" x=\"{x}\" y=\"16\" text-anchor=\"middle\">{synapses}</text>"));
        }
        for (line, rate) in rates.iter().enumerate() {
            let y = 24.0 + CELL.1 * line as f64;
            svg.push_str(&format!("<text class=\"r\" x=\"{}\" y=\"{}\">{rate} Hz</text>", LEFT - 8.0, y + 19.0));
            for (column, point) in self.row(*rate).enumerate() {
                let known = point.watts.filter(|_| most > least);
                let share = known.map_or(0.0, |watts| (watts - least) / (most - least));
                let x = LEFT + CELL.0 * column as f64;
                let ink = if share > 0.5 { "#fff" } else { "#111" };
                let watts = point.watts.map_or(UNKNOWN.to_owned(), |watts| format!("{:.2} mW", 1e3 * watts));
                let fixed = point.static_watts.map_or(UNKNOWN.to_owned(), |watts| format!("{:.1} mW", 1e3 * watts));
                svg.push_str(&format!(
                    "<g><title>{rate} Hz, {} synapses: {watts}, of it static {fixed}; {:.2} GSOPS</title><rect x=\"{x}\" \
                     y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"hsl({:.0} 80% {:.0}%)\"/><text x=\"{}\" y=\"{}\" \
                     text-anchor=\"middle\" style=\"fill:{ink}\">{}</text></g>",
                    point.synapses,
                    point.gsops,
                    CELL.0 - 2.0,
                    CELL.1 - 2.0,
                    50.0 - 50.0 * share,
                    92.0 - 54.0 * share,
                    x + CELL.0 / 2.0 - 1.0,
                    y + 19.0,
                    milliwatts(point.watts, 1),
                ));
            }
        }
        svg + "</svg>"
    }
}
