//! What a network has learned: accuracy before and after, its weights, and the fields of its neurons as pictures.

use std::fmt::Write as _;

use maud::html as markup;

use super::format::{UNKNOWN, count, percent, si_or_unknown};

/// How well a network reads samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Samples of which the class was read right.
    pub correct: usize,
    /// Samples with a class.
    pub total: usize,
    /// Spikes of the network over all of them.
    pub spikes: u64,
}

impl Score {
    fn fraction(&self) -> f64 {
        self.correct as f64 / self.total.max(1) as f64
    }

    fn text(&self) -> String {
        if self.total == 0 {
            return UNKNOWN.to_owned();
        }
        format!("{} ({} of {})", percent(self.fraction()), count(self.correct as u64), count(self.total as u64))
    }
}

/// The weights of one neuron's inputs, as a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    /// The neuron, within its population.
    pub neuron: u32,
    /// The class that it stands for after learning, where it has one.
    pub class: Option<u32>,
    /// Weights before, by source.
    pub before: Vec<i16>,
    /// Weights after.
    pub after: Vec<i16>,
}

/// Everything that the page says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LearningReport {
    /// Network and chip.
    pub title: String,
    /// Projection and rule, one line each.
    pub rules: Vec<(String, String)>,
    /// How classes were read.
    pub readout: String,
    /// Samples learned from, and how often each.
    pub samples: usize,
    /// See `samples`.
    pub passes: u32,
    /// On samples that were learned from: before, after.
    pub on_learned: [Score; 2],
    /// On others, where there are any.
    pub on_others: Option<[Score; 2]>,
    /// Ticks of learning, and synapse updates in them.
    pub ticks: u64,
    /// See `ticks`.
    pub updates: u64,
    /// Price of the updates in joules, where known.
    pub update_joules: Option<f64>,
    /// All modelled energy of learning in joules.
    pub joules: f64,
    /// Modelled seconds of learning, where known.
    pub seconds: Option<f64>,
    /// Rows and columns of a field.
    pub shape: (u32, u32),
    /// Fields of the first projection that learns.
    pub fields: Vec<Field>,
    /// Digest of the run that learned.
    pub digest: String,
}

/// Fields that are drawn.
const MOST_FIELDS: usize = 120;

impl LearningReport {
    /// (name, before, after) of what is compared.
    fn lines(&self) -> Vec<(&'static str, String, String)> {
        let mut lines = Vec::new();
        let [before, after] = self.on_learned;
        lines.push(("accuracy, samples learned from", before.text(), after.text()));
        if let Some([before, after]) = self.on_others {
            lines.push(("accuracy, other samples", before.text(), after.text()));
        }
        lines.push(("spikes of the network", count(before.spikes), count(after.spikes)));
        let mean = |of: fn(&Field) -> &Vec<i16>| {
            let all = || self.fields.iter().flat_map(of);
            let number = all().count().max(1) as f64;
            format!("{:.1}", all().map(|&weight| f64::from(weight)).sum::<f64>() / number)
        };
        lines.push(("mean weight", mean(|field| &field.before), mean(|field| &field.after)));
        lines
    }

    /// (name, value) of what learning cost.
    fn costs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("samples learned from", format!("{}, {} times each", count(self.samples as u64), self.passes)),
            ("ticks", count(self.ticks)),
            ("synapse updates", count(self.updates)),
            ("energy of the updates", si_or_unknown(self.update_joules, "J")),
            ("energy of learning, all", si_or_unknown(Some(self.joules), "J")),
            ("modelled time", si_or_unknown(self.seconds, "s")),
        ]
    }

    /// For the terminal.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let mut text = format!("{}\n", self.title);
        for (projection, rule) in &self.rules {
            let _ = writeln!(text, "  {projection}: {rule}");
        }
        let rows = self.lines().into_iter().map(|(name, before, after)| vec![name.to_owned(), before, after]).collect();
        text.push_str(&super::table(width, &["", "before", "after"], &[1, 2], rows));
        text.push('\n');
        for (name, value) in self.costs() {
            let _ = writeln!(text, "{name:24} {value}");
        }
        let _ = writeln!(text, "classes read by {}; digest {}", self.readout, self.digest);
        text
    }

    /// A page of its own.
    #[must_use]
    pub fn html(&self) -> String {
        let shown = self.fields.len().min(MOST_FIELDS);
        let note = format!(
            "Weights of the inputs of {shown} of {} neurons: dark is large, red is negative. The number is the class that \
             the neuron stands for.",
            self.fields.len()
        );
        let body = markup! {
            header { h1 { "Learning" } p.sub { (self.title) } }
            div.grid {
                section.card.wide {
                    h2 { "Before and after" }
                    p.note { "Classes read by " (self.readout) "." }
                    table {
                        thead { tr { th {} th.n { "before" } th.n { "after" } } }
                        tbody {
                            @for (name, before, after) in self.lines() {
                                tr { td { (name) } td.n { (before) } td.n { (after) } }
                            }
                        }
                    }
                }
                section.card {
                    h2 { "Rules" }
                    table { tbody { @for (projection, rule) in &self.rules { tr { td { (projection) } td { code { (rule) } } } } } }
                }
                section.card {
                    h2 { "What it took" }
                    table { tbody { @for (name, value) in self.costs() { tr { td { (name) } td.n { (value) } } } } }
                }
                @if !self.fields.is_empty() {
                    (wide("Receptive fields, after", &note, self.picture(|field| &field.after)))
                    (wide("Receptive fields, before", "The same neurons before learning.", self.picture(|field| &field.before)))
                }
            }
            footer { "run " code { (self.digest) } }
        };
        super::html::page("Learning", &body)
    }

    /// The fields as a sheet of small pictures.
    fn picture(&self, of: impl Fn(&Field) -> &Vec<i16>) -> String {
        const COLUMNS: usize = 10;
        const SIDE: f64 = 88.0;
        let fields = &self.fields[..self.fields.len().min(MOST_FIELDS)];
        let (rows, columns) = (self.shape.0.max(1), self.shape.1.max(1));
        let cell = (SIDE - 8.0) / f64::from(rows.max(columns));
        let most = fields.iter().flat_map(&of).map(|weight| weight.unsigned_abs()).max().unwrap_or(0).max(1);
        let height = SIDE + 14.0;
        let (wide, high) = (SIDE * COLUMNS as f64, height * fields.len().div_ceil(COLUMNS) as f64);
        let mut svg = format!("<svg viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-label=\"receptive fields\">");
        for (number, field) in fields.iter().enumerate() {
            let (x, y) = ((number % COLUMNS) as f64 * SIDE, (number / COLUMNS) as f64 * height);
            let class = field.class.map_or_else(|| "–".to_owned(), |class| class.to_string());
            let (left, base) = (x + 2.0, y + 11.0);
            let _ = write!(
                svg,
                "<g><title>neuron {}</title><text class=\"l\" x=\"{left}\" y=\"{base}\">{class}</text>",
                field.neuron
            );
            for (at, &weight) in of(field).iter().enumerate() {
                let (row, column) = (at as u32 / columns, at as u32 % columns);
                let (left, top) = (x + f64::from(column) * cell, y + 14.0 + f64::from(row) * cell);
                let share = f64::from(weight.unsigned_abs()) / f64::from(most);
                let (hue, saturation) = if weight < 0 { (0, 70.0) } else { (210, 70.0) };
                let light = 95.0 - 75.0 * share;
                let _ = write!(
                    svg,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"hsl({hue} {saturation}% {light:.0}%)\"/>"
                );
            }
            svg.push_str("</g>");
        }
        svg + "</svg>"
    }
}

fn wide(title: &str, note: &str, chart: String) -> maud::Markup {
    markup! { section.card.wide { h2 { (title) } p.note { (note) } (maud::PreEscaped(chart)) } }
}
