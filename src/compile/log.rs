//! What the compiler tells: one entry a pass, figures for reports, and the resource use of every core.

/// Everything that a compilation has to tell; filled by the passes, read by the report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Log {
    /// Lines in order, for people at `-v` and in the report.
    pub lines: Vec<Line>,
    /// Quantisation of every projection and population.
    pub tensors: Vec<TensorError>,
    /// Use of every core against every capacity.
    pub cores: Vec<CoreUse>,
    /// Static metrics of the mapping.
    pub metrics: Metrics,
    /// What fan-in splitting did, where it did anything.
    pub split: Option<Splitting>,
}

/// What fan-in splitting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Splitting {
    /// Neurons that were split.
    pub neurons: u64,
    /// Neurons of all their parts.
    pub parts: u64,
    /// Parts between a source and a neuron, at most; a tick each.
    pub levels: u32,
    /// Cores with neurons of parts.
    pub cores: u32,
}

/// One line of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The pass, such as `quantise`.
    pub pass: &'static str,
    /// What it says.
    pub text: String,
    /// Whether the user should look at it.
    pub warning: bool,
}

/// What quantisation did to one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorError {
    /// Projection or population with parameter, such as `fc1.weight` or `hidden.v_threshold`.
    pub name: String,
    /// Number of values.
    pub values: usize,
    /// Value of one integer step in the unit of the float network.
    pub step: f64,
    /// Largest absolute error in float units.
    pub max_error: f64,
    /// Root mean square error in float units.
    pub rms_error: f64,
    /// Values that were clipped to the register's range.
    pub saturated: usize,
}

/// Use of one resource of one core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUse {
    /// `neurons`, `axons_in`, `axons_out`, `synapse_words`, ...
    pub resource: &'static str,
    /// Units in use.
    pub used: u32,
    /// Units there are.
    pub limit: u32,
}

/// Use of one core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreUse {
    /// Physical core.
    pub core: u32,
    /// One entry a resource, in the same order for every core.
    pub resources: Vec<ResourceUse>,
    /// Populations on it with their neuron counts, as (population number, neurons).
    pub populations: Vec<(u32, u32)>,
}

impl CoreUse {
    /// The resource that is fullest: the one that limits the core.
    #[must_use]
    pub fn binding(&self) -> Option<&'static str> {
        self.resources
            .iter()
            .filter(|resource| resource.limit > 0)
            .max_by_key(|resource| u64::from(resource.used) * 1_000_000 / u64::from(resource.limit))
            .map(|resource| resource.resource)
    }
}

/// Static metrics of a mapping, before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metrics {
    /// Cores in use.
    pub cores: u32,
    /// (neuron, destination core) pairs: packets if every neuron fires once.
    pub connections: u64,
    /// Sum of hops over these pairs.
    pub hops: u64,
    /// Relay neurons and neuron copies that the mapping adds (crossbar chips).
    pub added_neurons: u32,
}

impl Log {
    /// Adds a plain line.
    pub fn say(&mut self, pass: &'static str, text: impl Into<String>) {
        self.lines.push(Line { pass, text: text.into(), warning: false });
    }

    /// Adds a warning.
    pub fn warn(&mut self, pass: &'static str, text: impl Into<String>) {
        self.lines.push(Line { pass, text: text.into(), warning: true });
    }
}
