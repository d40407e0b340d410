//! The function alone: whole ticks, no cycles.
//!
//! Every packet arrives before the next tick begins, none is late, nothing stalls. That is what the hardware does where ticks
//! are far enough apart; where they are not, [`super::RancChip`] tells. A packet with the longest delay (`num_ticks - 1`)
//! goes into the row that its tick clears and is counted as lost; one for beyond the grid never arrives anywhere.
//!
//! Threads own contiguous ranges of cores and meet once a tick. Cores without spikes whose neurons are at rest are not looked
//! at. Spikes only set bits, so neither the order of cores nor the number of threads can be seen in the outcome.

use std::sync::{Mutex, PoisonError};

use super::config::RancConfig;
use crate::bits::address_bits;
use crate::diag::{Problem, Result};
use crate::emu::mesh::clocked::Flit;
use crate::emu::neurocore::SlicedCore;
use crate::emu::shard::{End, Meeting};

/// Places that are no core.
const BUS: u32 = u32::MAX;
const NOWHERE: u32 = u32::MAX - 1;

/// A packet from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RancTickInput {
    /// The tick before which it comes; with delay 0 it counts in this tick. From 0 on.
    pub tick: u64,
    /// What it is; dx and dy count from core (0, 0).
    pub flit: Flit,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RancTickTrace {
    /// (tick, line): packets that came to the output bus, in order of tick, core and neuron; inputs for it first.
    pub out_packets: Vec<(u64, u32)>,
    /// Spikes of all neurons.
    pub spikes: u64,
    /// Spikes into a row that was cleared with them.
    pub lost: u64,
    /// Spikes for beyond the grid.
    pub stray: u64,
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy)]
struct Target {
    place: u32,
    axon: u32,
    delay: u32,
}

/// A spike on its way: core, row, axon.
type Mail = (u32, u32, u32);

#[derive(Debug, Clone)]
struct Part {
    neurons: SlicedCore,
    /// Of each lane.
    targets: Vec<Target>,
}

/// A chip that only ticks.
#[derive(Debug, Clone)]
pub struct RancTicks {
    grid: (u32, u32),
    /// Core at each position, in order of position.
    core_at: Vec<u32>,
    parts: Vec<Part>,
    /// `[core][row][word]`
    rows: Vec<u64>,
    shape: Shape,
    now: u64,
}

/// Sizes that all cores share.
#[derive(Debug, Clone, Copy)]
struct Shape {
    axons: u32,
    ticks: u32,
    words: usize,
    line_mask: u32,
}

/// Cores of one thread.
struct Shard<'a> {
    shape: Shape,
    /// Number of the first core.
    first: u32,
    parts: &'a mut [Part],
    rows: &'a mut [u64],
    /// `[row][word]`: cores with spikes in a row.
    spiked: Vec<u64>,
    /// Cores that do something without spikes.
    awake: Vec<u64>,
    trace: RancTickTrace,
    /// Spikes for cores of each other thread.
    away: Vec<Vec<Mail>>,
    per: u32,
}

impl RancTicks {
    /// A chip as it is after reset.
    pub fn new(config: &RancConfig) -> Result<Self> {
        config.check()?;
        let params = &config.params;
        let (width, height) = (params.grid_x, params.grid_y);
        let mut core_at = vec![BUS; (width * height) as usize];
        let mut order: Vec<usize> = (0..config.cores.len()).collect();
        order.sort_by_key(|&index| (config.cores[index].y, config.cores[index].x));
        for (number, &index) in (0..).zip(&order) {
            core_at[(config.cores[index].y * width + config.cores[index].x) as usize] = number;
        }
        let grid = (width, height);
        let part = |&index: &usize| {
            let core = &config.cores[index];
            let neurons = SlicedCore::new(params, core);
            let target = |lane: usize| {
                let neuron = &core.neurons[neurons.neuron(lane) as usize];
                let place = (i64::from(core.x) + i64::from(neuron.dx), i64::from(core.y) + i64::from(neuron.dy));
                Target { place: find(grid, &core_at, place), axon: neuron.axon, delay: neuron.delay }
            };
            let targets = (0..neurons.lanes()).map(target).collect();
            Part { neurons, targets }
        };
        let words = (params.num_axons as usize).div_ceil(64);
        let parts: Vec<Part> = order.iter().map(part).collect();
        Ok(Self {
            rows: vec![0; parts.len() * params.num_ticks as usize * words],
            grid,
            parts,
            core_at,
            shape: Shape {
                axons: params.num_axons,
                ticks: params.num_ticks,
                words,
                line_mask: (1 << address_bits(params.num_outputs)) - 1,
            },
            now: 0,
        })
    }

    /// Potential of every neuron of the core at a position; none where the output bus is.
    #[must_use]
    pub fn potentials(&self, x: u32, y: u32) -> Option<Vec<i64>> {
        let part = self.parts.get(*self.core_at.get((y * self.grid.0 + x) as usize)? as usize)?;
        Some((0..part.neurons.neurons()).map(|neuron| part.neurons.potential(neuron).0).collect())
    }

    /// Runs `ticks` ticks on up to `threads` threads. `inputs` are in order of tick and come before their tick, counted
    /// from the beginning of the chip.
    pub fn run(&mut self, ticks: u64, inputs: &[RancTickInput], threads: usize) -> Result<RancTickTrace> {
        if !inputs.is_sorted_by_key(|input| input.tick) || inputs.first().is_some_and(|input| input.tick < self.now) {
            return Err(
                Problem::invalid("ranc/stimulus", "inputs", "are not in order of tick, or are in the past").into()
            );
        }
        let per = self.parts.len().div_ceil(threads.max(1)).max(1);
        let mut lines = self.check_inputs(inputs)?;
        let posts = Posts { grid: self.grid, core_at: &self.core_at, inputs };
        let row_words = self.shape.ticks as usize * self.shape.words;
        let count = self.parts.len().div_ceil(per).max(1);
        let (shape, first_tick) = (self.shape, self.now);
        let chunks = self.parts.chunks_mut(per).zip(self.rows.chunks_mut(per * row_words));
        let mut shards: Vec<Shard<'_>> = (0_u32..)
            .zip(chunks)
            .map(|(number, (parts, rows))| Shard::new(shape, number, per, count, parts, rows))
            .collect();
        if count == 1 {
            for shard in &mut shards {
                let mut next = 0;
                for tick in first_tick..first_tick + ticks {
                    next = shard.take_inputs(tick, &posts, next);
                    shard.tick(tick);
                }
            }
        } else {
            together(&mut shards, first_tick..first_tick + ticks, &posts);
        }
        self.now += ticks;
        let mut trace = RancTickTrace::default();
        for shard in shards {
            trace.spikes += shard.trace.spikes;
            trace.lost += shard.trace.lost;
            trace.stray += shard.trace.stray;
            lines.extend(shard.trace.out_packets);
        }
        // A stable order: shards are in order of cores.
        lines.sort_by_key(|(tick, _)| *tick);
        trace.out_packets = lines;
        Ok(trace)
    }

    /// Whether all inputs can come; those that go straight to the output bus, as lines of it.
    fn check_inputs(&self, inputs: &[RancTickInput]) -> Result<Vec<(u64, u32)>> {
        let mut lines = Vec::new();
        for RancTickInput { tick, flit } in inputs {
            let place = find(self.grid, &self.core_at, (i64::from(flit.dx), i64::from(flit.dy)));
            if place == NOWHERE || flit.delay >= self.shape.ticks {
                let what = format!("has no place in this chip: {flit:?}");
                return Err(Problem::invalid("ranc/stimulus", format!("input of tick {tick}"), what).into());
            }
            if place == BUS {
                lines.push((*tick, flit.axon & self.shape.line_mask));
            }
        }
        Ok(lines)
    }
}

/// Inputs and how to find their core.
struct Posts<'a> {
    grid: (u32, u32),
    core_at: &'a [u32],
    inputs: &'a [RancTickInput],
}

fn find((width, height): (u32, u32), core_at: &[u32], (x, y): (i64, i64)) -> u32 {
    if x < 0 || y < 0 || x >= i64::from(width) || y >= i64::from(height) {
        return NOWHERE;
    }
    core_at[usize::try_from(y * i64::from(width) + x).expect("within the grid")]
}

impl<'a> Shard<'a> {
    fn new(shape: Shape, number: u32, per: usize, count: usize, parts: &'a mut [Part], rows: &'a mut [u64]) -> Self {
        let core_words = parts.len().div_ceil(64);
        let per = u32::try_from(per).expect("fewer cores");
        let mut this = Self {
            shape,
            first: number * per,
            spiked: vec![0; shape.ticks as usize * core_words],
            awake: vec![0; core_words],
            trace: RancTickTrace::default(),
            away: vec![Vec::new(); count],
            per,
            parts,
            rows,
        };
        for (core, part) in this.parts.iter().enumerate() {
            this.awake[core / 64] |= u64::from(!part.neurons.is_silent()) << (core % 64);
            for (row, bits) in this.rows[core * shape.ticks as usize * shape.words..].chunks(shape.words).enumerate() {
                if row < shape.ticks as usize && bits.iter().any(|&bits| bits != 0) {
                    this.spiked[row * core_words + core / 64] |= 1 << (core % 64);
                }
            }
        }
        this
    }

    /// Sets the bit of a spike for a core of this thread.
    #[inline]
    fn receive(&mut self, core: usize, row: u32, axon: u32) {
        if axon < self.shape.axons {
            let words = self.shape.words;
            let place = (core * self.shape.ticks as usize + row as usize) * words + axon as usize / 64;
            self.rows[place] |= 1 << (axon % 64);
            self.spiked[row as usize * self.awake.len() + core / 64] |= 1 << (core % 64);
        }
    }

    /// Inputs of `tick` for this thread's cores, from the `next` on; the first that is not of this tick.
    fn take_inputs(&mut self, tick: u64, posts: &Posts<'_>, mut next: usize) -> usize {
        // The scheduler has not moved on yet when they come.
        let first = u32::try_from(tick % u64::from(self.shape.ticks)).expect("below the rows");
        while let Some(RancTickInput { tick: at, flit }) = posts.inputs.get(next)
            && *at == tick
        {
            next += 1;
            let core = find(posts.grid, posts.core_at, (i64::from(flit.dx), i64::from(flit.dy)));
            let own = core.wrapping_sub(self.first) as usize;
            if own < self.parts.len() {
                let row = first + flit.delay;
                self.receive(own, if row >= self.shape.ticks { row - self.shape.ticks } else { row }, flit.axon);
            }
        }
        next
    }

    fn tick(&mut self, tick: u64) {
        let row = u32::try_from(tick % u64::from(self.shape.ticks)).expect("below the rows");
        for word in 0..self.awake.len() {
            let spiked = std::mem::take(&mut self.spiked[row as usize * self.awake.len() + word]);
            let mut left = spiked | self.awake[word];
            while left != 0 {
                let core = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                self.step(tick, row, core);
            }
        }
    }

    /// One core's tick.
    fn step(&mut self, tick: u64, row: u32, core: usize) {
        let words = self.shape.words;
        let start = (core * self.shape.ticks as usize + row as usize) * words;
        let part = &mut self.parts[core];
        part.neurons.compute(&self.rows[start..start + words]);
        part.neurons.commit();
        self.rows[start..start + words].fill(0);
        let silent = part.neurons.is_silent();
        self.awake[core / 64] = self.awake[core / 64] & !(1 << (core % 64)) | u64::from(!silent) << (core % 64);
        for group in 0..part.neurons.fires().len() {
            let mut left = self.parts[core].neurons.fires()[group];
            self.trace.spikes += u64::from(left.count_ones());
            while left != 0 {
                let lane = group * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let target = self.parts[core].targets[lane];
                self.send(tick, row, target);
            }
        }
    }

    #[inline]
    fn send(&mut self, tick: u64, row: u32, Target { place, axon, delay }: Target) {
        let own = place.wrapping_sub(self.first) as usize;
        if place == BUS {
            self.trace.out_packets.push((tick, axon & self.shape.line_mask));
        } else if place == NOWHERE {
            self.trace.stray += 1;
        } else if delay + 1 == self.shape.ticks {
            self.trace.lost += 1;
        } else {
            let mut to = row + 1 + delay;
            if to >= self.shape.ticks {
                to -= self.shape.ticks;
            }
            if own < self.parts.len() {
                self.receive(own, to, axon);
            } else {
                self.away[(place / self.per) as usize].push((place, to, axon));
            }
        }
    }
}

/// Mail between threads, `[to][from]`, for even and odd ticks.
type Boxes = [Vec<Vec<Mutex<Vec<Mail>>>>; 2];

/// All threads, tick by tick. What one has for another is read at the beginning of the next tick.
fn together(shards: &mut [Shard<'_>], ticks: std::ops::Range<u64>, posts: &Posts<'_>) {
    let count = shards.len();
    let boxes: Boxes =
        std::array::from_fn(|_| (0..count).map(|_| (0..count).map(|_| Mutex::default()).collect()).collect());
    let meeting = Meeting::new(count);
    std::thread::scope(|scope| {
        for (number, shard) in shards.iter_mut().enumerate() {
            let (boxes, meeting, ticks) = (&boxes, &meeting, ticks.clone());
            scope.spawn(move || {
                let _end = End(meeting);
                let mut next = 0;
                for tick in ticks {
                    exchange(shard, number, &boxes[(tick & 1) as usize]);
                    next = shard.take_inputs(tick, posts, next);
                    shard.tick(tick);
                    for (to, own) in shard.away.iter_mut().enumerate().filter(|(_, own)| !own.is_empty()) {
                        let there = &boxes[((tick + 1) & 1) as usize][to][number];
                        std::mem::swap(&mut *there.lock().unwrap_or_else(PoisonError::into_inner), own);
                    }
                    if !meeting.wait() {
                        return;
                    }
                }
            });
        }
    });
    for (number, shard) in shards.iter_mut().enumerate() {
        for parity in &boxes {
            exchange(shard, number, parity);
        }
    }
}

/// Takes what the others have left for a thread.
fn exchange(shard: &mut Shard<'_>, number: usize, boxes: &[Vec<Mutex<Vec<Mail>>>]) {
    for from in &boxes[number] {
        let mut mail = from.lock().unwrap_or_else(PoisonError::into_inner);
        for (core, row, axon) in mail.drain(..) {
            shard.receive((core - shard.first) as usize, row, axon);
        }
    }
}
