//! One bank: a contiguous range of cores, their state side by side.

use super::post::Post;
use crate::bits::ones;
use crate::emu::Record;
use crate::emu::counters::{Faults, Spike};
use crate::emu::neurocore::{Drive, Scratch, Stream, prefetch};
use crate::emu::program::{CoreProgram, Program, Target};
use crate::emu::time::{Clock, Parcel};
use crate::image::Rows;
use crate::units::Picos;

/// Neurons of a core are padded to a multiple of this.
const LANES: usize = 64;

/// How many cores before its turn a core's rows are asked for: they lie anywhere in what is most of a chip's memory.
const AHEAD: usize = 4;

/// How many spikes before its turn a spike's target and count are asked for.
const SPIKES_AHEAD: usize = 16;

/// What a core has counted since the reset; the rest follows from the spikes of its neurons.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) synaptic: u64,
    pub(super) updates: u64,
    overflows: u64,
    merged: u64,
}

/// A range of cores.
#[derive(Debug)]
pub(super) struct Bank {
    first: usize,
    cores: usize,
    timing: bool,
    /// Start of each core's neurons in the arrays, one more than there are cores.
    starts: Vec<usize>,
    /// The connections of each core, found without a look at the core.
    connections: Vec<(Rows, usize)>,
    v: Vec<i32>,
    /// Spikes of each neuron in this sample, and the tick of its first (only where there are outputs).
    spike_counts: Vec<u32>,
    first_spikes: Vec<u32>,
    /// Axon bits by ring row, core: rows of a tick lie side by side.
    ring: Vec<u64>,
    rows: usize,
    axon_words: usize,
    /// Axon bits that wait in the ring.
    waiting: u64,
    /// Cores in which a tick without input has changed nothing: until input comes, no tick will.
    at_rest: Vec<bool>,
    awake: usize,
    /// Generators; empty where no core draws.
    streams: Vec<Option<Stream>>,
    pub(super) tallies: Vec<Tally>,
    /// Empty with timing off.
    pub(super) clocks: Vec<Clock>,
    /// Populations that are recorded, and cores with a neuron of one.
    recorded: Vec<bool>,
    watched: Vec<bool>,
    spikes: Vec<Spike>,
    /// Neurons that fired in this tick, by core and neuron.
    fired: Vec<(u32, u16)>,
    /// Letters of this tick by bank (timing off), packets of this tick (timing on).
    letters: Vec<Vec<Target>>,
    pub(super) parcels: Vec<Parcel>,
    scratch: Scratch,
}

impl Bank {
    /// Cores from `first`, at most `most`.
    pub(super) fn new(program: &Program, timing: bool, record: &Record, first: usize, most: usize) -> Self {
        let loaded = &program.cores[first..program.cores.len().min(first + most)];
        let mut starts = vec![0];
        for core in loaded {
            starts.push(starts[starts.len() - 1] + core.neurons().next_multiple_of(LANES));
        }
        let neurons = starts[loaded.len()];
        let rows = loaded.iter().map(|core| core.crossbar().ring_rows()).max().unwrap_or(1);
        let axon_words = loaded.iter().map(|core| core.crossbar().axon_words()).max().unwrap_or(1).max(1);
        let recorded = recorded(program, record);
        let watches = |core: &CoreProgram| {
            core.identities.iter().any(|neuron| recorded.get(neuron.population as usize) == Some(&true))
        };
        let draws = loaded.iter().any(|core| core.crossbar().generator().is_some());
        let mut bank = Self {
            first,
            cores: loaded.len(),
            timing,
            v: vec![0; neurons],
            spike_counts: vec![0; neurons],
            first_spikes: vec![u32::MAX; if program.outputs.is_empty() { 0 } else { neurons }],
            ring: vec![0; rows * loaded.len() * axon_words],
            rows,
            axon_words,
            waiting: 0,
            at_rest: vec![false; loaded.len()],
            awake: loaded.len(),
            streams: vec![None; if draws { loaded.len() } else { 0 }],
            tallies: vec![Tally::default(); loaded.len()],
            clocks: vec![Clock::default(); if timing { loaded.len() } else { 0 }],
            watched: loaded.iter().map(watches).collect(),
            connections: loaded.iter().map(|core| core.crossbar().connections()).collect(),
            fired: Vec::new(),
            recorded,
            spikes: Vec::new(),
            letters: vec![Vec::new(); program.cores.len().div_ceil(most)],
            parcels: Vec::new(),
            scratch: Scratch::default(),
            starts,
        };
        bank.reset(program);
        bank
    }

    /// Back to the state before the first tick; keeps memory.
    pub(super) fn reset(&mut self, program: &Program) {
        for (local, core) in program.cores[self.first..].iter().take(self.cores).enumerate() {
            let v = &mut self.v[self.starts[local]..][..core.neurons()];
            v.iter_mut().enumerate().for_each(|(neuron, v)| *v = core.crossbar().initial(neuron));
        }
        for (stream, core) in self.streams.iter_mut().zip(&program.cores[self.first..]) {
            *stream = core.crossbar().generator();
        }
        self.spike_counts.fill(0);
        self.first_spikes.fill(u32::MAX);
        self.ring.fill(0);
        self.waiting = 0;
        self.at_rest.fill(false);
        self.awake = self.cores;
        self.tallies.fill(Tally::default());
        self.clocks.fill(Clock::default());
        self.spikes.clear();
        self.parcels.clear();
    }

    /// The function pass of one tick: the letters of the tick before are placed, the cores stepped, spikes sent.
    pub(super) fn step(&mut self, program: &Program, post: &Post, number: usize, tick: u32) {
        if let Some(before) = tick.checked_sub(1) {
            self.collect(post, number, before);
        }
        self.parcels.clear();
        self.fired.clear();
        let row = tick as usize % self.rows * self.cores * self.axon_words;
        for local in 0..self.cores {
            let at = row + local * self.axon_words;
            let ahead = local + AHEAD;
            if ahead < self.cores {
                let active = &self.ring[at + AHEAD * self.axon_words..][..self.axon_words];
                let (rows, words) = &self.connections[ahead];
                ones(active).for_each(|axon| prefetch(rows, axon * words));
            }
            let arrived: u64 =
                self.ring[at..at + self.axon_words].iter().map(|word| u64::from(word.count_ones())).sum();
            if arrived == 0 && self.at_rest[local] {
                if let Some(clock) = self.clocks.get_mut(local) {
                    let neurons = program.cores[self.first + local].neurons() as u64;
                    clock.swept = clock.start + neurons * program.times.access;
                }
                continue;
            }
            self.step_core(program, local, at, tick);
            self.ring[at..at + self.axon_words].fill(0);
            self.waiting -= arrived;
        }
        self.send(program, post, tick);
        for (to, letters) in self.letters.iter_mut().enumerate() {
            if !letters.is_empty() {
                post.put(number, to, tick, letters);
            }
        }
    }

    fn step_core(&mut self, program: &Program, local: usize, row: usize, tick: u32) {
        let loaded = &program.cores[self.first + local];
        let drive = Drive {
            v: &mut self.v[self.starts[local]..self.starts[local + 1]],
            row: &self.ring[row..row + self.axon_words],
            stream: self.streams.get_mut(local).and_then(Option::as_mut),
            vector: program.vector,
        };
        let rest = loaded.crossbar().walk(drive, &mut self.scratch);
        let tally = &mut self.tallies[local];
        tally.synaptic += self.scratch.events;
        tally.updates += self.scratch.updates;
        tally.overflows += self.scratch.overflows;
        if rest != self.at_rest[local] {
            self.at_rest[local] = rest;
            self.awake = if rest { self.awake - 1 } else { self.awake + 1 };
        }
        self.fired.extend(self.scratch.fires.iter().map(|&neuron| (local as u32, neuron)));
        if self.watched[local] {
            self.record(loaded, tick);
        }
        if self.timing {
            self.send_timed(program, loaded, local);
        }
    }

    /// Counts the spikes of the tick and, with timing off, sends them.
    fn send(&mut self, program: &Program, post: &Post, tick: u32) {
        let single = post.banks() == 1;
        let targets = |local: u32| &program.cores[self.first + local as usize].targets;
        for (turn, &(local, neuron)) in self.fired.iter().enumerate() {
            if let Some(&(local, neuron)) = self.fired.get(turn + SPIKES_AHEAD) {
                prefetch(&self.spike_counts, self.starts[local as usize] + usize::from(neuron));
                prefetch(targets(local), neuron.into());
            }
            let at = self.starts[local as usize] + usize::from(neuron);
            self.spike_counts[at] += 1;
            if let Some(first) = self.first_spikes.get_mut(at) {
                *first = (*first).min(tick);
            }
            if self.timing {
                continue;
            }
            if let Some(to) = program.cores[self.first + local as usize].target_of(neuron.into()) {
                self.letters[if single { 0 } else { post.bank_of(to.core) }].push(to);
            }
        }
    }

    fn record(&mut self, loaded: &CoreProgram, tick: u32) {
        for &neuron in &self.scratch.fires {
            let identity = loaded.identities[usize::from(neuron)];
            if self.recorded.get(identity.population as usize) == Some(&true) {
                self.spikes.push(Spike { tick, population: identity.population, neuron: identity.neuron });
            }
        }
    }

    /// Packets leave one after the other as the neuron unit goes through the neurons.
    fn send_timed(&mut self, program: &Program, loaded: &CoreProgram, local: usize) {
        let (times, clock, from) = (&program.times, &mut self.clocks[local], (self.first + local) as u32);
        let mut sending = 0;
        loaded.crossbar().before_fires(program.vector, &self.scratch, |neuron, events, updates| {
            let target = loaded.target_of(usize::from(neuron));
            sending += times.spike_out + target.map_or(0, |_| times.axon_out);
            if let Some(to) = target {
                let swept = (u64::from(neuron) + 1) * times.access + events * times.crossbar + updates * times.update;
                self.parcels.push(Parcel {
                    from,
                    to,
                    ready: Picos(clock.start + swept + sending),
                    payload: 1,
                    part: false,
                });
            }
        });
        let scratch = &self.scratch;
        let neurons = loaded.neurons() as u64 * times.access;
        clock.swept =
            clock.start + neurons + scratch.events * times.crossbar + scratch.updates * times.update + sending;
    }

    /// Places the letters that came in `sent`.
    pub(super) fn collect(&mut self, post: &Post, number: usize, sent: u32) {
        let now = sent as usize % self.rows;
        post.take(number, sent, |letters| {
            for letter in letters {
                self.place_at(letter.core as usize - self.first, letter.axon, now + usize::from(letter.delay));
            }
        });
    }

    /// Sets the bit of an axon for tick `due`.
    pub(super) fn place(&mut self, local: usize, axon: u16, due: u64) {
        self.place_at(local, axon, (due % self.rows as u64) as usize);
    }

    /// Sets the bit of an axon in a row, which may be up to twice round; two spikes on one bit merge.
    #[inline]
    fn place_at(&mut self, local: usize, axon: u16, row: usize) {
        let row = if row < self.rows { row } else { row - self.rows };
        let word = &mut self.ring[(row * self.cores + local) * self.axon_words + usize::from(axon) / 64];
        let bit = 1_u64 << (axon % 64);
        if *word & bit != 0 {
            self.tallies[local].merged += 1;
        } else {
            *word |= bit;
            self.waiting += 1;
        }
    }

    /// Whether no tick without input can change anything.
    pub(super) fn is_quiet(&self) -> bool {
        self.awake == 0 && self.waiting == 0
    }

    pub(super) fn add_faults(&self, faults: &mut Faults) {
        for tally in &self.tallies {
            faults.overflows += tally.overflows;
            faults.merged_spikes += tally.merged;
        }
    }

    pub(super) fn cores(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.cores
    }

    pub(super) fn membrane(&self, local: usize, neuron: usize) -> i32 {
        self.v[self.starts[local] + neuron]
    }

    /// Spikes of each neuron of a core, those of the padding included, which are 0.
    pub(super) fn spike_counts(&self, local: usize) -> &[u32] {
        &self.spike_counts[self.starts[local]..self.starts[local + 1]]
    }

    /// Tick of a neuron's first spike; only where there are outputs.
    pub(super) fn first_spike(&self, local: usize, neuron: usize) -> u32 {
        self.first_spikes[self.starts[local] + neuron]
    }

    pub(super) fn spikes(&self) -> &[Spike] {
        &self.spikes
    }
}

/// Which populations are recorded.
fn recorded(program: &Program, record: &Record) -> Vec<bool> {
    let mut these = vec![matches!(record, Record::All); program.populations];
    let mut mark = |population: u32| {
        if let Some(population) = these.get_mut(population as usize) {
            *population = true;
        }
    };
    match record {
        Record::None | Record::All => {}
        Record::Outputs => program.outputs.iter().for_each(|output| mark(output.population)),
        Record::Populations(populations) => populations.iter().for_each(|&population| mark(population)),
    }
    these
}
