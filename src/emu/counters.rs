//! What a run counted and how long it took: the only part of the emulator that energy and report see.

use crate::digest::{Digest, Digester};
use crate::event::Event;
use crate::units::Picos;

/// How often each class of event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventCounts([u64; Event::COUNT]);

impl EventCounts {
    /// How often `event` happened.
    #[must_use]
    pub const fn get(&self, event: Event) -> u64 {
        self.0[event.index()]
    }

    /// Counts `times` more.
    #[inline]
    pub const fn add(&mut self, event: Event, times: u64) {
        self.0[event.index()] += times;
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// For digests: classes that came later than the first fifteen count where they happened, so that digests of runs
    /// without them stay.
    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let (first, later) = self.0.split_at(15);
        first.iter().chain(later.iter().filter(|count| **count > 0)).copied()
    }

    /// Synaptic events of all formats.
    #[must_use]
    pub fn synaptic(&self) -> u64 {
        Event::ALL.into_iter().filter(|event| event.is_synaptic()).map(|event| self.get(event)).sum()
    }
}

/// Modelled faults: they happen as on the chip and are counted, never thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Packets that arrived after their delivery tick had begun.
    pub late_packets: u64,
    /// Cores that had not finished their neurons when the tick ended (core-ticks).
    pub overruns: u64,
    /// Spikes that fell on an axon that already held one for the same tick (one-bit delay rings merge them).
    pub merged_spikes: u64,
    /// Registers (u, v, V) that saturated or wrapped.
    pub overflows: u64,
}

impl Faults {
    /// All faults that `--strict` ends a run for (merged spikes are regular behaviour of one-bit axons and
    /// count too: the network meant two).
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.late_packets + self.overruns + self.merged_spikes + self.overflows
    }

    /// Adds another count.
    pub const fn merge(&mut self, other: &Self) {
        self.late_packets += other.late_packets;
        self.overruns += other.overruns;
        self.merged_spikes += other.merged_spikes;
        self.overflows += other.overflows;
    }
}

/// Times of one tick, with timing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickTime {
    /// From start to the end of the barrier or of the fixed tick.
    pub duration: Picos,
    /// When the last core was done (neurons and synapses).
    pub busy: Picos,
    /// When the last packet was delivered.
    pub drained: Picos,
}

/// One spike of a neuron of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spike {
    /// Tick of emission.
    pub tick: u32,
    /// Population number.
    pub population: u32,
    /// Neuron within it.
    pub neuron: u32,
}

/// Packets over one directed link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkLoad {
    /// Packets in the whole run.
    pub packets: u64,
    /// Most packets in one tick.
    pub peak: u32,
}

/// Latency of packets from emission to delivery at the destination core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketLatency {
    /// Packets delivered.
    pub packets: u64,
    /// Sum of latencies.
    pub total: Picos,
    /// Worst latency.
    pub worst: Picos,
}

/// Use of the links over chip borders, on boards with timing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BorderUse {
    /// Borders crossed, a packet and border each.
    pub crossings: u64,
    /// Time that packets waited for such links, in all.
    pub waited: Picos,
    /// The longest wait.
    pub worst: Picos,
    /// Longest that one link was occupied in one tick.
    pub busiest: Picos,
}

/// What one sample did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SampleResult {
    /// Ticks run (stimulus plus depth).
    pub ticks: u32,
    /// Spikes of the recorded populations, ascending by (tick, population, neuron).
    pub spikes: Vec<Spike>,
    /// Spike count of each output neuron, by output.
    pub output_counts: Vec<Vec<u32>>,
    /// Tick of the first spike of each output neuron, by output; `u32::MAX` where none.
    pub output_first: Vec<Vec<u32>>,
    /// Membrane of each output neuron after the last tick, by output.
    pub output_membranes: Vec<Vec<i32>>,
    /// Spikes of all populations.
    pub spike_total: u64,
    /// Events of the whole chip.
    pub counts: EventCounts,
    /// Modelled faults.
    pub faults: Faults,
    /// Time of each tick; empty with timing off.
    pub tick_times: Vec<TickTime>,
    /// Latency of packets; zero with timing off.
    pub latency: PacketLatency,
    /// Use of chip borders; zero with timing off and on single chips.
    pub borders: BorderUse,
    /// The shortest that each tick can be by the max-affine law of run time; empty with timing off and on chips that it is
    /// not known of.
    pub tick_bounds: Vec<Picos>,
}

/// What one projection has learned on one core; synapses in the order of the image's lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearnedGroup {
    /// Number of the projection.
    pub projection: u32,
    /// Weights.
    pub weights: Vec<i16>,
    /// Delays; empty where the rule has none.
    pub delays: Vec<i16>,
    /// Tags.
    pub tags: Vec<i16>,
    /// Learning steps, those before the run included.
    pub steps: u64,
}

/// What a core has learned, its groups in image order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearnedCore {
    /// Physical core.
    pub core: u32,
    /// One a projection that learns there.
    pub groups: Vec<LearnedGroup>,
}

/// What a run of many samples did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunResult {
    /// In stimulus order; shorter than the stimulus where the run was interrupted.
    pub samples: Vec<SampleResult>,
    /// Events by used core (in image order), over all samples.
    pub core_counts: Vec<EventCounts>,
    /// Load of every directed link by router and direction (`router * 4 + {0 east, 1 west, 2 north, 3 south}`, y
    /// grows to the south), over all samples; empty with timing off.
    pub links: Vec<LinkLoad>,
    /// Spikes by population (in image order), over all samples.
    pub population_spikes: Vec<u64>,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// What was learned, by core; empty where nothing learns.
    pub learned: Vec<LearnedCore>,
}

impl RunResult {
    /// Digest of all that is architected: spikes, counts, faults and times. The same for any number of threads.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digester = self.function();
        for sample in &self.samples {
            feed(&mut digester, sample.tick_times.iter().flat_map(|t| [t.duration.0, t.busy.0, t.drained.0]));
            let latency = sample.latency;
            feed(&mut digester, [latency.packets, latency.total.0, latency.worst.0]);
        }
        feed(&mut digester, self.links.iter().flat_map(|link| [link.packets, u64::from(link.peak)]));
        digester.finish()
    }

    /// Digest of spikes, counts and faults without times: the same with timing on and off unless packets were
    /// late or cores overran.
    #[must_use]
    pub fn function_digest(&self) -> Digest {
        self.function().finish()
    }

    fn function(&self) -> Digester {
        let mut digester = Digester::default();
        digester.word(self.samples.len() as u64);
        for sample in &self.samples {
            sample.feed_function(&mut digester);
        }
        for counts in &self.core_counts {
            feed(&mut digester, counts.words());
        }
        feed(&mut digester, self.population_spikes.iter().copied());
        digester.word(u64::from(self.interrupted));
        for group in self.learned.iter().flat_map(|core| &core.groups) {
            digester.word(group.steps);
            for values in [&group.weights, &group.delays, &group.tags] {
                feed(&mut digester, values.iter().map(|&value| i64::from(value).cast_unsigned()));
            }
        }
        digester
    }
}

impl SampleResult {
    fn feed_function(&self, digester: &mut Digester) {
        feed(digester, [u64::from(self.ticks), self.spike_total, self.spikes.len() as u64]);
        for spike in &self.spikes {
            feed(digester, [spike.tick, spike.population, spike.neuron].map(u64::from));
        }
        for rows in [&self.output_counts, &self.output_first] {
            for row in rows {
                feed(digester, row.iter().map(|&value| u64::from(value)));
            }
        }
        for row in &self.output_membranes {
            feed(digester, row.iter().map(|&value| i64::from(value).cast_unsigned()));
        }
        feed(digester, self.counts.words());
        let faults = self.faults;
        feed(digester, [faults.late_packets, faults.overruns, faults.merged_spikes, faults.overflows]);
    }
}

/// Feeds words, then how many there were, so that neighbouring lists cannot be confused.
fn feed(digester: &mut Digester, words: impl IntoIterator<Item = u64>) {
    let mut fed = 0_u64;
    for word in words {
        digester.word(word);
        fed += 1;
    }
    digester.word(fed);
}
