//! What a conversion of a trained network to a spiking one gave: the model of its page.

use super::format::{UNKNOWN, count, percent, si};

/// A conversion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversion {
    /// Version that made it.
    pub version: String,
    /// Name of the network.
    pub network: String,
    /// What was chosen, as (name, value).
    pub settings: Vec<(String, String)>,
    /// Whether values are times of single spikes rather than rates.
    pub first_spike: bool,
    /// Whether the units stayed as they are, with values of few bits and no spikes; then there are no points.
    pub artificial: bool,
    /// Multiply-accumulates of one evaluation of the trained network.
    pub macs: u64,
    /// Images that both networks were shown; 0 where none were.
    pub images: u64,
    /// Fraction that the trained network reads as labelled; `None` without labels.
    pub ann: Option<f64>,
    /// The spiking network over the length of the simulation.
    pub points: Vec<ConvertedPoint>,
    /// Its populations.
    pub layers: Vec<ConvertedLayer>,
    /// It on chips.
    pub chips: Vec<ConvertedChip>,
    /// Energy of one evaluation elsewhere.
    pub baselines: Vec<ConvertedBaseline>,
}

/// The spiking network after some ticks; counts are means of an image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConvertedPoint {
    /// Ticks of input (of a window, where values are times).
    pub ticks: u32,
    /// Fraction read as labelled; `None` without labels.
    pub accuracy: Option<f64>,
    /// Fraction read as the trained network reads it.
    pub agreement: f64,
    /// Spikes, those of the input included.
    pub spikes: f64,
    /// Synaptic operations.
    pub synaptic: f64,
}

/// A population.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConvertedLayer {
    /// Its name.
    pub name: String,
    /// Neurons.
    pub neurons: usize,
    /// What a spike (a step of its values, where they are no spikes) stands for, in words.
    pub scale: String,
    /// Spikes of an image at the last point.
    pub spikes: f64,
    /// By point: [total, clipping, inherited, residual, uneven, lost], over the scale; empty for what does not fire.
    pub errors: Vec<[f64; 6]>,
}

/// Names of the errors, with what they are.
pub const ERRORS: [(&str, &str); 6] = [
    ("error", "mean distance of rates (or times) from the trained values, over what a spike in every tick stands for"),
    ("clipped", "values above the scale, which a spike in every tick does not reach"),
    (
        "inherited",
        "what came in, over all ticks, is off already: errors of the layers before and of the input's coding",
    ),
    ("residual", "what is left in the membranes at the end, less than a spike (or the rounding of a time)"),
    ("uneven", "spikes more or fewer than all that came in is worth: it came unevenly, and a spike is not taken back"),
    ("lost at reset", "what was above the threshold when a reset to 0 threw it away"),
];

/// The network on a chip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConvertedChip {
    /// The chip.
    pub name: String,
    /// Why it is not there, where it is not.
    pub refused: Option<String>,
    /// Ticks of input.
    pub ticks: u32,
    /// Images shown by function.
    pub images: u64,
    /// Fraction read as labelled; `None` without labels.
    pub accuracy: Option<f64>,
    /// Fraction of the same images that the trained network reads as labelled.
    pub ann: Option<f64>,
    /// Cores in use.
    pub cores: usize,
    /// Images shown with timing.
    pub timed: u64,
    /// Joules of one image; dynamic and static.
    pub joules: Option<(f64, Option<f64>)>,
    /// Events without a price in that bill.
    pub unpriced: Vec<String>,
    /// Seconds of one image.
    pub seconds: Option<f64>,
}

impl ConvertedChip {
    /// Notes why the chip cannot hold the network.
    pub fn refuse(&mut self, problem: &crate::diag::Problem) {
        let limit = problem.limit.as_ref().map_or_else(String::new, |limit| format!(" (limit: {limit})"));
        self.refused = Some(format!("{}: {}{limit}", problem.place, problem.what));
    }

    /// Dynamic and known static energy of an image.
    #[must_use]
    pub fn total_joules(&self) -> Option<f64> {
        self.joules.map(|(dynamic, rest)| dynamic + rest.unwrap_or(0.0))
    }

    /// The same in words, a lower bound where a part of it has no price; and the dynamic part alone.
    pub(super) fn energies(&self) -> [Option<String>; 2] {
        let at_least = |complete: bool, joules: f64| format!("{}{}", if complete { "" } else { "≥ " }, si(joules, "J"));
        let priced = self.unpriced.is_empty();
        let total = self.total_joules().map(|joules| at_least(self.is_complete(), joules));
        [total, self.joules.map(|(dynamic, _)| at_least(priced, dynamic))]
    }

    /// Energy of a baseline over that of the chip: at most so much where the chip's is a lower bound.
    pub(super) fn ratio(&self, baseline: f64) -> String {
        match self.total_joules().filter(|joules| *joules > 0.0) {
            Some(joules) => format!("{}{:.3}×", if self.is_complete() { "" } else { "≤ " }, baseline / joules),
            None => "–".to_owned(),
        }
    }

    /// Whether everything that happened has a price, and the static power is known.
    fn is_complete(&self) -> bool {
        self.unpriced.is_empty() && self.joules.is_some_and(|(_, rest)| rest.is_some())
    }
}

/// Energy on a conventional machine, by prices of its operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConvertedBaseline {
    /// The machine.
    pub name: String,
    /// Joules of the trained network's multiply-accumulates.
    pub mac_joules: f64,
    /// The same with one fetch a weight.
    pub mac_memory_joules: Option<f64>,
    /// Joules of the spiking network's synaptic operations as adds, at the last point.
    pub add_joules: Option<f64>,
    /// The same with one fetch a weight.
    pub add_memory_joules: Option<f64>,
    /// Where the prices come from.
    pub source: String,
}

/// The gap that counts as a parting of the curves, in fractions.
const GAP: f64 = 0.005;

impl Conversion {
    /// A page of its own.
    #[must_use]
    pub fn html(&self) -> String {
        super::html::conversion_page(self)
    }

    /// What is compared with the trained network: accuracy, or without labels the agreement with it.
    #[must_use]
    pub fn score(&self, point: &ConvertedPoint) -> f64 {
        point.accuracy.unwrap_or(point.agreement)
    }

    /// The score of the trained network.
    #[must_use]
    pub fn goal(&self) -> f64 {
        self.ann.unwrap_or(1.0)
    }

    /// Where the curves part and why, in sentences.
    #[must_use]
    pub fn explanation(&self) -> Vec<String> {
        let close = |point: &ConvertedPoint| self.goal() - self.score(point) <= GAP + 1e-9;
        let Some(last) = self.points.last() else { return Vec::new() };
        let mut lines = Vec::new();
        let apart = self.points.iter().rposition(|point| !close(point));
        lines.push(match apart.map(|at| at + 1).unwrap_or(0) {
            at if at < self.points.len() => {
                format!(
                    "From {} ticks on the spiking network is within 0.5 points of the trained one.",
                    self.points[at].ticks
                )
            }
            _ => format!(
                "After {} ticks the spiking network is still {:.2} points below the trained one.",
                last.ticks,
                100.0 * (self.goal() - self.score(last))
            ),
        });
        let mut told = |at: usize| {
            let mut worst: Option<(&ConvertedLayer, usize, f64)> = None;
            for layer in self.layers.iter().filter(|layer| layer.errors.len() > at) {
                for kind in 1..ERRORS.len() {
                    let share = layer.errors[at][kind];
                    // What a layer inherits is told where it began.
                    let began = kind != 2
                        || std::ptr::eq(layer, self.layers.iter().find(|l| !l.errors.is_empty()).unwrap_or(layer));
                    if began && worst.is_none_or(|(_, _, most)| share > most) {
                        worst = Some((layer, kind, share));
                    }
                }
            }
            if let Some((layer, kind, share)) = worst {
                lines.push(format!(
                    "At {} ticks ({:+.2} points) the largest single error is in '{}': {}, {:.4} of its scale on average: {}.",
                    self.points[at].ticks,
                    100.0 * (self.score(&self.points[at]) - self.goal()),
                    layer.name,
                    ERRORS[kind].0,
                    share,
                    ERRORS[kind].1
                ));
            }
        };
        apart.into_iter().for_each(&mut told);
        if apart != Some(self.points.len() - 1) {
            told(self.points.len() - 1);
        }
        lines
    }

    /// Tables for a terminal.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let mut parts =
            vec![format!("{}: {} multiply-accumulates an image as it was trained", self.network, count(self.macs))];
        if self.images > 0 {
            let ann = self.ann.map_or_else(|| UNKNOWN.to_owned(), points);
            parts.push(format!("{} test images, {ann} read right by the trained network", count(self.images)));
        }
        let optional =
            |value: Option<f64>, shown: &dyn Fn(f64) -> String| value.map_or_else(|| UNKNOWN.to_owned(), shown);
        let ticks = if self.first_spike { "ticks a window" } else { "ticks" };
        let rows = self.points.iter().map(|point| {
            let gap = 100.0 * (self.score(point) - self.goal());
            let accuracy = optional(point.accuracy, &points);
            let (spikes, synaptic) = (count(point.spikes.round() as u64), count(point.synaptic.round() as u64));
            vec![point.ticks.to_string(), accuracy, format!("{gap:+.2}"), points(point.agreement), spikes, synaptic]
        });
        let header = [ticks, "accuracy", "points", "as trained", "spikes", "synaptic events"];
        push(&mut parts, super::table(width, &header, &[0, 1, 2, 3, 4, 5], rows.collect()), !self.points.is_empty());
        parts.extend(self.explanation());
        let rows = self.layers.iter().map(|layer| {
            let errors =
                layer.errors.last().map_or(vec![String::new(); 6], |e| e.iter().map(|e| format!("{e:.4}")).collect());
            let ends =
                [layer.name.clone(), layer.neurons.to_string(), layer.scale.clone(), format!("{:.1}", layer.spikes)];
            ends.into_iter().chain(errors).collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if self.artificial {
            let rows = rows.into_iter().map(|row| row.into_iter().take(3).collect()).collect();
            parts.push(super::table(width, &["population", "neurons", "a step is"], &[1, 2], rows));
        } else {
            let mut header = vec!["population", "neurons", "a spike is", "spikes"];
            header.extend(ERRORS.map(|(name, _)| name));
            parts.push(super::table(width, &header, &[1, 3, 4, 5, 6, 7, 8, 9], rows));
        }
        let rows: Vec<Vec<String>> = self.chips.iter().map(chip_row).collect();
        let header = ["chip", "cores", "images", "accuracy", "points", "energy", "dynamic", "latency"];
        push(&mut parts, super::table(width, &header, &[1, 2, 3, 4, 5, 6, 7], rows), !self.chips.is_empty());
        for chip in &self.chips {
            parts.extend(chip.refused.as_ref().map(|why| format!("{}: not run: {why}", chip.name)));
            if !chip.unpriced.is_empty() {
                parts.push(format!("{}: happened, price unknown: {}", chip.name, chip.unpriced.join(", ")));
            }
        }
        parts.push(self.baseline_text(width));
        parts.join("\n")
    }

    fn baseline_text(&self, width: u16) -> String {
        let joules = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| si(value, "J"));
        let with: Vec<&ConvertedChip> = self.chips.iter().filter(|chip| chip.joules.is_some()).collect();
        let rows = self.baselines.iter().map(|line| {
            let best = line.mac_memory_joules.unwrap_or(line.mac_joules);
            let ratio = |chip: &&ConvertedChip| chip.ratio(best);
            let fixed = [
                line.name.clone(),
                si(line.mac_joules, "J"),
                joules(line.mac_memory_joules),
                joules(line.add_joules),
                joules(line.add_memory_joules),
            ];
            fixed.into_iter().chain(with.iter().map(ratio)).collect()
        });
        let names: Vec<String> = with.iter().map(|chip| format!("over {}", chip.name)).collect();
        let mut header =
            vec!["baseline (arithmetic on prices)", "MACs", "with memory", "spikes as adds", "with memory"];
        header.extend(names.iter().map(String::as_str));
        let right: Vec<usize> = (1..header.len()).collect();
        super::table(width, &header, &right, rows.collect())
    }
}

fn push(parts: &mut Vec<String>, table: String, wanted: bool) {
    if wanted {
        parts.push(table);
    }
}

/// A fraction with two decimals of a percent.
pub(super) fn points(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

fn chip_row(chip: &ConvertedChip) -> Vec<String> {
    if chip.refused.is_some() {
        return std::iter::once(chip.name.clone()).chain(std::iter::repeat_n("–".to_owned(), 7)).collect();
    }
    let optional = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let gap = chip.accuracy.zip(chip.ann).map(|(chip, ann)| format!("{:+.2}", 100.0 * (chip - ann)));
    let [total, dynamic] = chip.energies();
    vec![
        chip.name.clone(),
        chip.cores.to_string(),
        count(chip.images),
        optional(chip.accuracy.map(points)),
        optional(gap),
        optional(total),
        optional(dynamic),
        optional(chip.seconds.map(|seconds| si(seconds, "s"))),
    ]
}

/// The share of an error, for pages.
pub(super) fn share(value: f64) -> String {
    percent(value)
}

#[cfg(test)]
mod tests {
    use super::ConvertedChip;

    #[test]
    fn what_has_no_price_makes_bounds() {
        let mut chip = ConvertedChip { joules: Some((1e-9, Some(1e-9))), ..ConvertedChip::default() };
        assert_eq!(chip.energies(), [Some("2.00 nJ".to_owned()), Some("1.00 nJ".to_owned())]);
        assert_eq!(chip.ratio(4e-9), "2.000×");
        chip.unpriced = vec!["hop_x".to_owned()];
        assert_eq!(chip.energies(), [Some("≥ 2.00 nJ".to_owned()), Some("≥ 1.00 nJ".to_owned())]);
        assert_eq!(chip.ratio(4e-9), "≤ 2.000×");
        chip = ConvertedChip { joules: Some((1e-9, None)), ..ConvertedChip::default() };
        assert_eq!(chip.energies(), [Some("≥ 1.00 nJ".to_owned()), Some("1.00 nJ".to_owned())]);
        assert_eq!(ConvertedChip::default().ratio(1.0), "–");
    }
}
