//! The Loihi-style core: synapse lists, delay ring of dendritic sums, CUBA LIF compartments.
//!
//! Arithmetic follows lava-nc 0.10 `PyLifModelBitAcc` (dialect `lava`): weights of one exponent are summed before
//! a negative exponent shifts them; `u = decay(u, decay_u + 1) + (a << 6)` wraps once; `v = decay(v, decay_v) + u +
//! bias` saturates; the neuron fires where `v > threshold`, and v becomes 0.

use super::super::counters::EventCounts;
use super::super::program::Times;
use super::Sweep;
use crate::chip::CubaSpec;
use crate::event::Event;
use crate::fixed::decay_toward_zero;
use crate::image::{self, CompartmentConfig, ListKind};

/// A list of synapses in one format.
#[derive(Debug)]
struct List {
    first: u32,
    count: u32,
    /// Which sum its weights go to.
    bucket: u32,
    /// Left shift of its weights; negative exponents shift the sum instead.
    shift: u32,
    kind: Kind,
}

/// How a list can be worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Consecutive targets from this one, no delays.
    Run(u16),
    /// Any targets, no delays.
    Scattered,
    /// Any targets with delays.
    Delayed,
}

/// A compartment's registers, ready for use.
#[derive(Debug, Clone, Copy)]
struct Compartment {
    decay_u: u32,
    decay_v: u32,
    bias: i32,
    /// `i32::MAX` never fires: v stays below.
    threshold: i32,
}

impl Compartment {
    fn new(config: &CompartmentConfig) -> Self {
        let bias = i64::from(config.bias) << config.bias_exponent.min(32);
        Self {
            decay_u: u32::from(config.decay_u) + 1,
            decay_v: u32::from(config.decay_v),
            bias: bias.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            threshold: config
                .threshold
                .map_or(i32::MAX, |mantissa| i32::try_from(u64::from(mantissa) << 6).unwrap_or(i32::MAX)),
        }
    }
}

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct CubaCore {
    compartments: Vec<Compartment>,
    lists: Vec<List>,
    targets: Vec<u16>,
    weights: Vec<i16>,
    delays: Vec<u8>,
    axon_offsets: Vec<u32>,
    uses: Vec<image::ListUse>,
    /// Synapses of each axon: dense, sparse, shared.
    axon_events: Vec<[u32; 3]>,
    /// Time of each axon's packet in picoseconds.
    axon_times: Vec<u64>,
    /// Right shift of each bucket of sums; the first is 0.
    bucket_shifts: Vec<u32>,
    /// Rows of the delay ring.
    rows: usize,
    /// u and v reach from -limit to +limit.
    limit: i32,
}

impl CubaCore {
    pub(in crate::emu) fn new(image: &image::CubaCore, spec: &CubaSpec, times: &Times) -> Self {
        let mut shifts: Vec<u32> = image
            .formats
            .iter()
            .filter(|f| f.weight_exponent < 0)
            .map(|f| f.weight_exponent.unsigned_abs().into())
            .collect();
        shifts.push(0);
        shifts.sort_unstable();
        shifts.dedup();
        let mut core = Self {
            compartments: image
                .config_of
                .iter()
                .map(|&entry| Compartment::new(&image.configs[usize::from(entry)]))
                .collect(),
            lists: image.lists.iter().map(|list| load_list(image, list, &shifts)).collect(),
            targets: image.synapses.iter().map(|synapse| synapse.target).collect(),
            weights: image.synapses.iter().map(|synapse| synapse.weight).collect(),
            delays: image.synapses.iter().map(|synapse| synapse.delay).collect(),
            axon_offsets: image.axon_offsets.clone(),
            uses: image.list_uses.clone(),
            axon_events: Vec::new(),
            axon_times: Vec::new(),
            bucket_shifts: shifts.iter().map(|&shift| shift.min(31)).collect(),
            rows: usize::from(image.synapses.iter().map(|synapse| synapse.delay).max().unwrap_or(0)) + 1,
            limit: (1_i32 << (u32::from(spec.state_bits).clamp(2, 31) - 1)) - 1,
        };
        core.axon_events = (0..image.axon_offsets.len() - 1).map(|axon| events_of(image, axon)).collect();
        core.axon_times = core.axon_events.iter().map(|&events| time_of(events, times)).collect();
        core
    }

    pub(super) fn reset(&self) -> State {
        let neurons = self.compartments.len();
        State {
            u: vec![0; neurons],
            v: vec![0; neurons],
            sums: vec![0; self.rows * self.bucket_shifts.len() * neurons],
            filled: vec![false; self.rows],
            inbox: Vec::new(),
        }
    }

    /// Counts the synaptic events of a packet for `axon`.
    pub(super) fn count_synapses(&self, axon: u16, counts: &mut EventCounts) {
        let [dense, sparse, shared] = self.axon_events[usize::from(axon)].map(u64::from);
        counts.add(Event::SynapseDense, dense);
        counts.add(Event::SynapseSparse, sparse);
        counts.add(Event::SynapseShared, shared);
    }

    /// Time that a packet for `axon` takes, its synapses included, in picoseconds.
    pub(super) fn axon_time(&self, axon: u16) -> u64 {
        self.axon_times[usize::from(axon)]
    }

    /// u and v after one tick with input `a`, and whether the neuron fires and how many registers overflowed.
    #[inline]
    fn soma(&self, neuron: usize, a: i32, u: i32, v: i32) -> (i32, i32, bool, u32) {
        let compartment = &self.compartments[neuron];
        let limit = self.limit;
        let summed = decay_toward_zero(u, compartment.decay_u).wrapping_add(a.wrapping_shl(6));
        // Once, not modulo: as lava, where the range is (-2^23, 2^23].
        let span = limit.wrapping_add(1).wrapping_mul(2);
        let (u, wrapped) = if summed > limit + 1 {
            (summed.wrapping_sub(span), 1)
        } else if summed < -limit {
            (summed.wrapping_add(span), 1)
        } else {
            (summed, 0)
        };
        let wide = i64::from(decay_toward_zero(v, compartment.decay_v)) + i64::from(u) + i64::from(compartment.bias);
        let kept = wide.clamp(-i64::from(limit), i64::from(limit));
        let fires = kept > i64::from(compartment.threshold);
        (u, if fires { 0 } else { kept as i32 }, fires, wrapped + u32::from(kept != wide))
    }
}

fn load_list(image: &image::CubaCore, list: &image::SynapseList, shifts: &[u32]) -> List {
    let exponent = image.formats[usize::from(list.format)].weight_exponent;
    let right = if exponent < 0 { u32::from(exponent.unsigned_abs()) } else { 0 };
    let synapses = &image.synapses[list.first as usize..][..list.count as usize];
    let kind = if synapses.iter().any(|synapse| synapse.delay > 0) {
        Kind::Delayed
    } else {
        match synapses.first() {
            Some(first) if synapses.iter().zip(first.target..).all(|(synapse, next)| synapse.target == next) => {
                Kind::Run(first.target)
            }
            _ => Kind::Scattered,
        }
    };
    List {
        first: list.first,
        count: list.count,
        bucket: shifts.binary_search(&right).expect("every negative exponent has its bucket") as u32,
        shift: exponent.max(0).unsigned_abs().min(31).into(),
        kind,
    }
}

/// Dense, sparse and shared synapses of an axon.
fn events_of(image: &image::CubaCore, axon: usize) -> [u32; 3] {
    let uses = &image.list_uses[image.axon_offsets[axon] as usize..image.axon_offsets[axon + 1] as usize];
    let mut events = [0_u32; 3];
    for used in uses {
        let list = &image.lists[used.list as usize];
        let kind = match image.formats[usize::from(list.format)].kind {
            ListKind::Dense => 0,
            ListKind::Sparse => 1,
            ListKind::Shared => 2,
        };
        events[kind] = events[kind].saturating_add(list.count);
    }
    events
}

fn time_of(events: [u32; 3], times: &Times) -> u64 {
    let [dense, sparse, shared] = events.map(u64::from);
    times.axon_in + dense * times.dense + sparse * times.sparse + shared * times.shared
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    u: Vec<i32>,
    v: Vec<i32>,
    /// Dendritic sums by ring row, bucket, neuron. They wrap at 32 bits, as lava's do.
    sums: Vec<i32>,
    /// Whether anything was added to a row.
    filled: Vec<bool>,
    /// Axons of the packets that are integrated next.
    inbox: Vec<u16>,
}

impl State {
    pub(super) fn reset(&mut self, _core: &CubaCore) {
        self.u.fill(0);
        self.v.fill(0);
        self.sums.fill(0);
        self.filled.fill(false);
        self.inbox.clear();
    }

    pub(super) fn membrane(&self, neuron: usize) -> i32 {
        self.v[neuron]
    }

    pub(super) fn accept(&mut self, axon: u16) {
        self.inbox.push(axon);
    }

    /// Works through the synapses of all packets that came since the tick before; whether there is input in `tick`.
    pub(super) fn integrate(&mut self, core: &CubaCore, tick: u32) -> bool {
        for &axon in &self.inbox {
            let axon = usize::from(axon);
            for used in &core.uses[core.axon_offsets[axon] as usize..core.axon_offsets[axon + 1] as usize] {
                add_list(core, used, tick, &mut self.sums, &mut self.filled);
            }
        }
        self.inbox.clear();
        self.filled[tick as usize % core.rows]
    }

    /// The tick of every compartment, ascending.
    pub(super) fn update(&mut self, core: &CubaCore, tick: u32, sweep: &mut Sweep<'_>) {
        let neurons = core.compartments.len();
        let row = tick as usize % core.rows;
        let width = core.bucket_shifts.len() * neurons;
        let sums = &mut self.sums[row * width..(row + 1) * width];
        if self.filled[row] {
            fold_buckets(core, sums);
        }
        let times = sweep.program.times;
        for (neuron, &a) in sums[..neurons].iter().enumerate() {
            let (u_before, v_before) = (self.u[neuron], self.v[neuron]);
            let (u, v, fires, overflows) = core.soma(neuron, a, u_before, v_before);
            (self.u[neuron], self.v[neuron]) = (u, v);
            let active = u64::from(a != 0 || u != u_before || v != v_before || fires);
            sweep.active += active;
            sweep.faults.overflows += u64::from(overflows);
            sweep.now += times.access + active * times.update;
            if fires {
                sweep.fire(neuron);
            }
        }
        if self.filled[row] {
            sums.fill(0);
            self.filled[row] = false;
        }
    }
}

/// Adds the other buckets, each shifted once, to the first.
fn fold_buckets(core: &CubaCore, sums: &mut [i32]) {
    let (first, others) = sums.split_at_mut(core.compartments.len());
    for (bucket, &shift) in others.chunks(first.len().max(1)).zip(&core.bucket_shifts[1..]) {
        for (sum, &other) in first.iter_mut().zip(bucket) {
            *sum = sum.wrapping_add(other >> shift);
        }
    }
}

/// Adds one list to the ring rows of its synapses' delays.
fn add_list(core: &CubaCore, used: &image::ListUse, tick: u32, sums: &mut [i32], filled: &mut [bool]) {
    let list = &core.lists[used.list as usize];
    let span = list.first as usize..list.first as usize + list.count as usize;
    let neurons = core.compartments.len();
    let width = core.bucket_shifts.len() * neurons;
    let start = list.bucket as usize * neurons + usize::from(used.base);
    let now = tick as usize % core.rows;
    let weights = &core.weights[span.clone()];
    let add = |sum: &mut i32, weight: i16| *sum = sum.wrapping_add(i32::from(weight).wrapping_shl(list.shift));
    match list.kind {
        Kind::Run(first) => {
            let sums = &mut sums[now * width + start + usize::from(first)..][..weights.len()];
            sums.iter_mut().zip(weights).for_each(|(sum, &weight)| add(sum, weight));
            filled[now] = true;
        }
        Kind::Scattered => {
            let sums = &mut sums[now * width..(now + 1) * width][start..];
            for (&target, &weight) in core.targets[span].iter().zip(weights) {
                add(&mut sums[usize::from(target)], weight);
            }
            filled[now] |= !weights.is_empty();
        }
        Kind::Delayed => {
            for ((&target, &delay), &weight) in core.targets[span.clone()].iter().zip(&core.delays[span]).zip(weights) {
                let row = now + usize::from(delay);
                let row = if row < core.rows { row } else { row - core.rows };
                add(&mut sums[row * width + start + usize::from(target)], weight);
                filled[row] = true;
            }
        }
    }
}
