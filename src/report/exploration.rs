//! What an exploration of mappings found: the model of its page.

/// Figures of a mapping, with their units: the first five are static, the others measured. Less is better in all.
pub const FIGURES: [(&str, &str); 9] = [
    ("cores", ""),
    ("packets", ""),
    ("hops", ""),
    ("multicast-tree hops", ""),
    ("busiest link", " packets"),
    ("energy", "J"),
    ("latency of a sample", "s"),
    ("time a tick needs", "s"),
    ("packet latency", "s"),
];

/// An exploration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exploration {
    /// Name of the sweep.
    pub name: String,
    /// Version that made it.
    pub version: String,
    /// Digest of the sweep file, short.
    pub digest: String,
    /// How many candidates the sweep has.
    pub candidates: usize,
    /// One a network, chip and set of changes.
    pub groups: Vec<ExploredGroup>,
}

/// Mappings of one network on one chip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExploredGroup {
    /// Network and chip.
    pub title: String,
    /// Changes to the chip.
    pub changes: String,
    /// Mappings that fit.
    pub points: Vec<ExploredPoint>,
    /// Which of them is the baseline.
    pub baseline: Option<usize>,
    /// Which of them is best: the least product of energy and time.
    pub best: Option<usize>,
    /// Hops that no mapping avoids, where that is known and not 0.
    pub least_hops: Option<f64>,
    /// Rank correlations of static figures with measured ones.
    pub correlations: Vec<Correlation>,
    /// Meshes of the baseline and of the best.
    pub heats: Vec<(String, Heat)>,
    /// Distinct digests of all spikes among the runs; 1 where no mapping changed a spike.
    pub spike_digests: usize,
    /// Candidates that were refused, with the reason.
    pub refused: Vec<(String, String)>,
}

/// One mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct ExploredPoint {
    /// Pipeline and seed.
    pub label: String,
    /// By [`FIGURES`]; `None` where it was not measured.
    pub values: [Option<f64>; FIGURES.len()],
    /// Lower bounds of cores and hops.
    pub least: (u32, f64),
    /// The resource that binds most of its cores.
    pub binds: String,
    /// Resources as (name, mean share of the limit, largest share).
    pub utilisation: Vec<(String, f64, f64)>,
    /// Whether every event of its run has a price.
    pub complete: bool,
    /// What fan-in splitting changed; `None` where nothing was split, or where that was not measured.
    pub split: Option<ExploredSplit>,
    /// Whether no other mapping beats it in energy, time, cores and busiest link together.
    pub pareto: bool,
}

/// A split network beside the whole one, in the integer oracle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExploredSplit {
    /// Share of the spikes of both that only one of them has.
    pub share: f64,
    /// Samples that were run.
    pub samples: u64,
    /// Samples that both read the same.
    pub agreeing: u64,
    /// Samples with a label.
    pub labelled: u64,
    /// Those that are read right whole and split.
    pub right: (u64, u64),
    /// By population.
    pub populations: Vec<SplitLine>,
}

/// Spikes of a population whole and split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SplitLine {
    /// Its name.
    pub name: String,
    /// Its neurons, once a sample.
    pub neurons: u64,
    /// Spikes of the whole network.
    pub whole: u64,
    /// Spikes of the split one.
    pub split: u64,
    /// Spikes that only one of them has.
    pub moved: u64,
    /// Neurons with another number of spikes.
    pub miscounted: u64,
}

impl ExploredSplit {
    /// The share and how samples are read, for a cell.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}, {} of {} alike", super::format::percent(self.share), self.agreeing, self.samples)
    }
}

impl ExploredGroup {
    /// What fan-in splitting changed: the same for every mapping. `None` where nothing was split.
    #[must_use]
    pub fn split(&self) -> Option<&ExploredSplit> {
        self.points.iter().find_map(|point| point.split.as_ref())
    }
}

/// How well a static figure ranks what is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// The static figure.
    pub proxy: usize,
    /// The measured figure.
    pub measured: usize,
    /// Spearman's coefficient.
    pub rank: f64,
    /// Mappings compared.
    pub points: usize,
}

/// Traffic of a run on the mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// Pipeline and seed.
    pub label: String,
    /// Routers from west to east.
    pub width: u16,
    /// Routers from north to south.
    pub height: u16,
    /// Router of the host.
    pub host: (u16, u16),
    /// Links in use as (router * 4 + direction, packets, most in a tick).
    pub links: Vec<(u32, u64, u32)>,
    /// Routers in use as (router, cores, synaptic events).
    pub routers: Vec<(u32, u32, u64)>,
}

impl Exploration {
    /// A page of its own.
    #[must_use]
    pub fn html(&self) -> String {
        super::html::exploration_page(self)
    }

    /// Baseline, best and fewest hops of every group, for a terminal.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let mut header =
            vec!["network on chip", "mapping", "cores", "hops", "busiest link", "energy", "tick needs", "packet"];
        let any_split = self.groups.iter().any(|group| group.split().is_some());
        if any_split {
            header.push("split error");
        }
        let mut rows = Vec::new();
        for group in &self.groups {
            let title = format!("{} {}", group.title, group.changes).trim_end().to_owned();
            let hops = |at: &usize| group.points[*at].values[2].unwrap_or(f64::INFINITY);
            let fewest = (0..group.points.len()).min_by(|a, b| hops(a).total_cmp(&hops(b)));
            let shown = [("baseline", group.baseline), ("best", group.best), ("fewest hops", fewest)];
            for (name, at) in shown {
                let Some(point) = at.and_then(|at| group.points.get(at)) else { continue };
                let mut row = vec![title.clone(), format!("{name}: {}", point.label)];
                row.extend([0, 2, 4, 5, 7, 8].map(|figure| value_text(figure, point.values[figure])));
                if any_split {
                    row.push(split_text(group, point));
                }
                rows.push(row);
            }
            if let Some(least) = group.least_hops {
                let bound = super::format::count(least.round() as u64);
                let mut row = vec![title, "no mapping takes fewer".to_owned(), String::new(), bound];
                row.resize(header.len(), String::new());
                rows.push(row);
            }
        }
        super::table(width, &header, &[], rows)
    }
}

/// What splitting changed, for a cell: nothing where the group's network is whole.
pub(super) fn split_text(group: &ExploredGroup, point: &ExploredPoint) -> String {
    let unknown = || if group.split().is_some() { super::format::UNKNOWN.to_owned() } else { String::new() };
    point.split.as_ref().map_or_else(unknown, ExploredSplit::text)
}

/// A figure with its unit.
pub(super) fn value_text(figure: usize, value: Option<f64>) -> String {
    match value {
        None => "not run".to_owned(),
        Some(value) if figure < 5 => super::format::count(value.round() as u64),
        Some(value) => super::format::si(value, FIGURES[figure].1),
    }
}
