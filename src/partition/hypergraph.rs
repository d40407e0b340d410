//! The traffic hypergraph: compressed lists of pins by net and of nets by vertex.
//!
//! At the finest level a vertex is a neuron and a net holds a source and its targets. Contraction keeps the
//! form: a vertex is then a cluster, and what lies wholly inside a cluster becomes a property of it.

/// No source: the net comes from outside or its source is not known.
pub const NO_SOURCE: u32 = u32::MAX;

/// A vertex of a net, or a net of a vertex, with whether the vertex is a target of the net there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin(u32);

impl Pin {
    /// `index` below 2^31.
    #[must_use]
    pub const fn new(index: u32, sink: bool) -> Self {
        Self(index << 1 | sink as u32)
    }

    /// The vertex (in a net's list) or the net (in a vertex's list).
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether the net's spikes are used there, so that the core needs an inbound axon for the net.
    #[inline]
    #[must_use]
    pub const fn is_sink(self) -> bool {
        self.0 & 1 == 1
    }
}

/// What a vertex weighs besides its nets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight {
    /// Neurons.
    pub neurons: u32,
    /// Synapse memory in units of the chip's limit.
    pub synapses: u64,
    /// Inbound axons that no other vertex shares.
    pub axons: u32,
    /// Expected work of the core for it: the spikes of the nets that it is a target of (see [`Builder::working`]).
    pub work: u64,
}

/// One net: a neuron's spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    /// Spikes.
    pub weight: u64,
    /// Distinct inbound axons that each core with a target needs for it; above 1 only after contraction.
    pub axons: u32,
    /// The source vertex, or [`NO_SOURCE`].
    pub source: u32,
}

/// A hypergraph of spike traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hypergraph {
    weights: Vec<Weight>,
    nets: Vec<Net>,
    pin_offsets: Vec<usize>,
    pins: Vec<Pin>,
    net_offsets: Vec<usize>,
    incident: Vec<Pin>,
}

/// Collects nets one after the other.
#[derive(Debug, Clone)]
pub struct Builder {
    weights: Vec<Weight>,
    nets: Vec<Net>,
    pin_offsets: Vec<usize>,
    pins: Vec<Pin>,
}

impl Builder {
    /// For vertices of these weights.
    #[must_use]
    pub fn new(weights: Vec<Weight>) -> Self {
        Self { weights, nets: Vec::new(), pin_offsets: vec![0], pins: Vec::new() }
    }

    /// Adds a net. Pins are given once each, without order.
    pub fn net(&mut self, net: Net, pins: impl IntoIterator<Item = Pin>) {
        self.nets.push(net);
        self.pins.extend(pins);
        self.pin_offsets.push(self.pins.len());
    }

    /// Adds to the work of every vertex one event for each spike that reaches it, by the nets so far.
    #[must_use]
    pub fn working(mut self) -> Self {
        for (net, ends) in self.nets.iter().zip(self.pin_offsets.windows(2)) {
            for pin in self.pins[ends[0]..ends[1]].iter().filter(|pin| pin.is_sink()) {
                let work = &mut self.weights[pin.index()].work;
                *work = work.saturating_add(net.weight);
            }
        }
        self
    }

    /// The hypergraph with its lists by vertex.
    #[must_use]
    pub fn build(self) -> Hypergraph {
        let Self { weights, nets, pin_offsets, pins } = self;
        let mut net_offsets = vec![0_usize; weights.len() + 1];
        pins.iter().for_each(|pin| net_offsets[pin.index() + 1] += 1);
        for v in 0..weights.len() {
            net_offsets[v + 1] += net_offsets[v];
        }
        let mut next = net_offsets.clone();
        let mut incident = vec![Pin(0); pins.len()];
        for net in 0..nets.len() {
            for pin in &pins[pin_offsets[net]..pin_offsets[net + 1]] {
                let at = &mut next[pin.index()];
                incident[*at] = Pin::new(net as u32, pin.is_sink());
                *at += 1;
            }
        }
        Hypergraph { weights, nets, pin_offsets, pins, net_offsets, incident }
    }
}

impl Hypergraph {
    /// The nets of `neurons` neurons on a chip: (source or [`NO_SOURCE`], spikes, targets), one net after the other.
    /// Targets may repeat and may hold the source, which then needs an axon for its own spikes.
    pub fn of(
        neurons: usize,
        nets: impl IntoIterator<Item = (u32, u64, Vec<u32>)>,
        resources: &impl super::Resources,
    ) -> Self {
        let mut builder = Builder::new((0..neurons).map(|neuron| resources.weight(neuron)).collect());
        for (number, (source, weight, mut targets)) in nets.into_iter().enumerate() {
            targets.sort_unstable();
            targets.dedup();
            let outside = source != NO_SOURCE && targets.binary_search(&source).is_err();
            let pins = outside.then(|| Pin::new(source, false)).into_iter();
            let net = Net { weight, axons: resources.axons(number), source };
            builder.net(net, pins.chain(targets.into_iter().map(|target| Pin::new(target, true))));
        }
        builder.working().build()
    }

    /// The number of vertices.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.weights.len()
    }

    /// The nets.
    #[must_use]
    pub fn nets(&self) -> &[Net] {
        &self.nets
    }

    /// All pins of all nets.
    #[must_use]
    pub fn pin_count(&self) -> usize {
        self.pins.len()
    }

    /// The pins of a net.
    #[inline]
    #[must_use]
    pub fn pins(&self, net: usize) -> &[Pin] {
        &self.pins[self.pin_offsets[net]..self.pin_offsets[net + 1]]
    }

    /// The nets of a vertex, ascending.
    #[inline]
    #[must_use]
    pub fn incident(&self, vertex: usize) -> &[Pin] {
        &self.incident[self.net_offsets[vertex]..self.net_offsets[vertex + 1]]
    }

    /// What a vertex weighs.
    #[inline]
    #[must_use]
    pub fn weight(&self, vertex: usize) -> Weight {
        self.weights[vertex]
    }

    /// Neurons of all vertices.
    #[must_use]
    pub fn neurons(&self) -> u64 {
        self.weights.iter().map(|weight| u64::from(weight.neurons)).sum()
    }

    /// Distinct inbound axons that a vertex needs alone.
    #[must_use]
    pub fn axons_of(&self, vertex: usize) -> u64 {
        let nets = self.incident(vertex).iter().filter(|pin| pin.is_sink());
        u64::from(self.weights[vertex].axons) + nets.map(|pin| u64::from(self.nets[pin.index()].axons)).sum::<u64>()
    }
}
