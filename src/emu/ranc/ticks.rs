//! The function alone: whole ticks, no cycles.
//!
//! Every packet arrives before the next tick begins, none is late, nothing stalls. That is what the hardware does where ticks
//! are far enough apart; where they are not, [`super::RancChip`] tells. A packet with the longest delay (`num_ticks - 1`)
//! goes into the row that its tick clears and is counted as lost; one for beyond the grid never arrives anywhere.
//!
//! Threads own contiguous ranges of cores and meet once a tick. Cores without spikes whose neurons are at rest are not computed,
//! and cores that nothing can ever move have no memory. Spikes only set bits, so neither the order of cores nor the
//! number of threads can be seen in the outcome; and spikes of neighbours that go to neighbouring axons of one core go
//! there as one word.

use std::sync::{Mutex, PoisonError};

use super::config::{RancConfig, RancCore, RancNeuron};
use crate::bits::address_bits;
use crate::diag::{Problem, Result};
use crate::emu::meeting::{End, Meeting};
use crate::emu::mesh::clocked::Flit;
use crate::emu::neurocore::SlicedCore;

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
    /// (tick, core, neuron) of every spike, where they are kept, in this order; a core is `x + grid_x * y`.
    pub fired: Vec<(u64, u32, u32)>,
}

/// Where a packet goes: a bit of the rows of a core, or one of the places below.
#[derive(Debug, Clone, Copy)]
struct Target {
    /// Its axon among the 64 of the word; the line, where it goes to the output bus.
    bit: u64,
    /// Word of its axon in the first row of its core.
    word: u32,
    delay: u32,
}

/// Words beyond every core's: the output bus, beyond the grid, a row that is cleared, an axon that moves nothing.
const BUS: u32 = u32::MAX;
const NOWHERE: u32 = u32::MAX - 1;
const LOST: u32 = u32::MAX - 2;
const UNHEARD: u32 = u32::MAX - 3;

/// Spikes on their way to another thread: word and bits.
type Mail = (u32, u64);

#[derive(Debug, Clone)]
struct Part {
    /// `x + grid_x * y`.
    position: u32,
    neurons: SlicedCore,
    /// Of each lane.
    targets: Vec<Target>,
    /// Of each group of lanes: lanes that go to the rows one by one, and the end of its runs.
    groups: Vec<(u64, usize)>,
    runs: Vec<Run>,
}

/// Lanes of a group whose spikes go to one word of rows, each to the axon as many places on.
#[derive(Debug, Clone, Copy)]
struct Run {
    lanes: u64,
    /// Word of their axons in the first row of their core.
    word: u32,
    delay: u32,
    turn: u32,
}

/// Lanes from which on a run is worth its while.
const RUN: u32 = 3;

/// A chip that only ticks.
#[derive(Debug, Clone)]
pub struct RancTicks {
    places: Places,
    parts: Vec<Part>,
    /// `[core][row][word]`
    rows: Vec<u64>,
    shape: Shape,
    now: u64,
    keeps_fired: bool,
}

/// What stands at each position.
#[derive(Debug, Clone)]
struct Places {
    grid: (u32, u32),
    /// Words of the rows of one core.
    words_of_core: u32,
    /// First word of the core's rows; [`BUS`], or [`UNHEARD`] where nothing can ever move.
    words: Vec<u32>,
    /// Potentials of the core, where nothing can ever move.
    fixed: Vec<Option<Vec<i64>>>,
}

/// Sizes that all cores share.
#[derive(Debug, Clone, Copy)]
struct Shape {
    axons: u32,
    /// Rows, a power of two.
    ticks: u32,
    words: u32,
    line_mask: u32,
}

/// Cores of one thread.
struct Shard<'a> {
    shape: Shape,
    places: &'a Places,
    /// First word of `rows` among those of all.
    first: u32,
    parts: &'a mut [Part],
    rows: &'a mut [u64],
    trace: RancTickTrace,
    keeps_fired: bool,
    /// Spikes for cores of each other thread, and how many words a thread has.
    away: Vec<Vec<Mail>>,
    per: u32,
}

impl RancTicks {
    /// A chip as it is after reset.
    pub fn new(config: &RancConfig) -> Result<Self> {
        config.check()?;
        let params = &config.params;
        let shape = Shape {
            axons: params.num_axons,
            ticks: params.num_ticks,
            words: params.num_axons.div_ceil(64),
            line_mask: (1 << address_bits(params.num_outputs)) - 1,
        };
        let mut order: Vec<&RancCore> = config.cores.iter().collect();
        order.sort_by_key(|core| (core.y, core.x));
        let positions = (params.grid_x * params.grid_y) as usize;
        let mut places = Places {
            grid: (params.grid_x, params.grid_y),
            words_of_core: shape.ticks * shape.words,
            words: vec![BUS; positions],
            fixed: vec![None; positions],
        };
        let mut moving = Vec::new();
        for core in order {
            let neurons = SlicedCore::new(params, core);
            let place = (core.y * params.grid_x + core.x) as usize;
            if neurons.lanes() == 0 {
                places.words[place] = UNHEARD;
                places.fixed[place] = Some(core.neurons.iter().map(|neuron| neuron.potential).collect());
            } else {
                let part = u32::try_from(moving.len()).expect("as many as cores");
                // A product beyond 32 bits is refused below.
                places.words[place] = part.saturating_mul(places.words_of_core);
                moving.push((core, neurons));
            }
        }
        let rows = moving.len() * (shape.ticks * shape.words) as usize;
        if u32::try_from(rows).is_err() || rows as u64 >= u64::from(UNHEARD) {
            let problem = Problem::invalid("ranc/size", "", format!("schedulers of {rows} words of 64 axons"));
            return Err(problem.limit("2^32 words").into());
        }
        let part = |(core, neurons): (&RancCore, SlicedCore)| {
            let neuron = |lane: usize| &core.neurons[neurons.neuron(lane) as usize];
            let target = |lane: usize| places.target(shape, core, neuron(lane));
            let targets: Vec<Target> = (0..neurons.lanes()).map(target).collect();
            let (groups, runs) = group(&targets);
            Part { position: core.y * params.grid_x + core.x, neurons, targets, groups, runs }
        };
        let parts = moving.into_iter().map(part).collect();
        Ok(Self { rows: vec![0; rows], parts, places, shape, now: 0, keeps_fired: false })
    }

    /// Whether the trace names every spike (it does not).
    pub const fn keep_fired(&mut self, keep: bool) {
        self.keeps_fired = keep;
    }

    /// Potential of every neuron of the core at a position; none where the output bus is.
    #[must_use]
    pub fn potentials(&self, x: u32, y: u32) -> Option<Vec<i64>> {
        let place = (y * self.places.grid.0 + x) as usize;
        let fixed = self.places.fixed.get(place)?;
        if fixed.is_some() {
            return fixed.clone();
        }
        let word = self.places.words[place];
        let part = self.parts.get((word / self.places.words_of_core) as usize)?;
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
        if let Some(RancTickInput { tick, flit }) = inputs.iter().find(|input| !self.has_place(input.flit)) {
            return Err(no_place(*tick, *flit));
        }
        let per = self.parts.len().div_ceil(threads.max(1)).max(1);
        let per_core = (self.shape.ticks * self.shape.words) as usize;
        let count = self.parts.len().div_ceil(per).max(1);
        let (shape, first_tick, keeps_fired, places) = (self.shape, self.now, self.keeps_fired, &self.places);
        let words = u32::try_from(per * per_core).expect("checked with the chip");
        let (mut parts, mut rows) = (self.parts.chunks_mut(per), self.rows.chunks_mut(per * per_core));
        // Where nothing can move there is one thread, without cores.
        let mut shards: Vec<Shard<'_>> = (0..u32::try_from(count).expect("as many as cores"))
            .map(|number| Shard {
                shape,
                places,
                first: number * words,
                parts: parts.next().unwrap_or_default(),
                rows: rows.next().unwrap_or_default(),
                trace: RancTickTrace::default(),
                keeps_fired,
                away: vec![Vec::new(); count],
                per: words,
            })
            .collect();
        let ticks_to_do = first_tick..first_tick + ticks;
        if let [shard] = &mut shards[..] {
            shard.alone(ticks_to_do, inputs);
        } else if shards.iter().all(Shard::is_apart) {
            // Networks side by side: nobody waits for anybody.
            std::thread::scope(|scope| {
                for shard in &mut shards {
                    let ticks = ticks_to_do.clone();
                    scope.spawn(move || shard.alone(ticks, inputs));
                }
            });
        } else {
            together(&mut shards, ticks_to_do, inputs);
        }
        self.now += ticks;
        let mut traces = shards.into_iter().map(|shard| shard.trace);
        let mut trace = traces.next().unwrap_or_default();
        for other in traces {
            trace.spikes += other.spikes;
            trace.lost += other.lost;
            trace.stray += other.stray;
            trace.out_packets.extend(other.out_packets);
            trace.fired.extend(other.fired);
        }
        // A stable order: shards are in order of cores.
        trace.out_packets.sort_by_key(|(tick, _)| *tick);
        trace.fired.sort_by_key(|(tick, ..)| *tick);
        Ok(trace)
    }

    fn has_place(&self, flit: Flit) -> bool {
        // Below 0 is beyond the grid as well.
        let (x, y) = self.places.grid;
        flit.dx.cast_unsigned() < x && flit.dy.cast_unsigned() < y && flit.delay < self.shape.ticks
    }
}

fn no_place(tick: u64, flit: Flit) -> crate::diag::Problems {
    let what = format!("has no place in this chip: {flit:?}");
    Problem::invalid("ranc/stimulus", format!("input of tick {tick}"), what).into()
}

impl Places {
    /// First word of the core at a position, or what else is there.
    #[inline]
    fn at(&self, x: u32, y: u32) -> u32 {
        if x >= self.grid.0 || y >= self.grid.1 {
            return NOWHERE;
        }
        self.words[(y * self.grid.0 + x) as usize]
    }

    /// Where the spikes of a neuron go.
    fn target(&self, shape: Shape, core: &RancCore, neuron: &RancNeuron) -> Target {
        let (x, y) = (core.x.checked_add_signed(neuron.dx), core.y.checked_add_signed(neuron.dy));
        let there = x.zip(y).map_or(NOWHERE, |(x, y)| self.at(x, y));
        let RancNeuron { axon, delay, .. } = *neuron;
        match there {
            BUS => Target { bit: u64::from(axon & shape.line_mask), word: BUS, delay },
            NOWHERE => Target { bit: 0, word: NOWHERE, delay },
            _ if delay + 1 == shape.ticks => Target { bit: 0, word: LOST, delay },
            word if word < UNHEARD && axon < shape.axons => {
                Target { bit: 1 << (axon % 64), word: word + axon / 64, delay }
            }
            _ => Target { bit: 0, word: UNHEARD, delay },
        }
    }
}

impl Shard<'_> {
    /// Whether no neuron sends to another thread's cores.
    fn is_apart(&self) -> bool {
        let own = self.first..self.first + u32::try_from(self.rows.len()).expect("checked with the chip");
        let stays = |target: &Target| target.word >= UNHEARD || own.contains(&target.word);
        self.parts.iter().all(|part| part.targets.iter().all(stays))
    }

    /// Ticks without a word from other threads.
    fn alone(&mut self, ticks: std::ops::Range<u64>, inputs: &[RancTickInput]) {
        let mut next = 0;
        for tick in ticks {
            next = self.take_inputs(tick, inputs, next);
            self.tick(tick);
        }
    }

    /// Inputs of `tick` for this thread's cores, from the `next` on; the first that is not of this tick. Those for the output
    /// bus are shown by the thread of the first cores.
    fn take_inputs(&mut self, tick: u64, inputs: &[RancTickInput], mut next: usize) -> usize {
        // The scheduler has not moved on yet when they come.
        let row = self.row(tick);
        let Shape { axons, ticks, words, line_mask } = self.shape;
        while let Some(RancTickInput { tick: at, flit }) = inputs.get(next)
            && *at == tick
        {
            next += 1;
            let first = self.places.at(flit.dx.cast_unsigned(), flit.dy.cast_unsigned());
            if first < UNHEARD && flit.axon < axons {
                let word = first + flit.axon / 64 + ((row + flit.delay) & (ticks - 1)) * words;
                if let Some(own) = self.rows.get_mut(word.wrapping_sub(self.first) as usize) {
                    *own |= 1 << (flit.axon % 64);
                }
            } else if first == BUS && self.first == 0 {
                self.trace.out_packets.push((tick, flit.axon & line_mask));
            }
        }
        next
    }

    fn row(&self, tick: u64) -> u32 {
        u32::try_from(tick % u64::from(self.shape.ticks)).expect("below the rows")
    }

    fn tick(&mut self, tick: u64) {
        let row = self.row(tick);
        let Shape { ticks, words, .. } = self.shape;
        let (first, per, keeps_fired) = (self.first, self.per, self.keeps_fired);
        let Self { parts, rows, trace, away, .. } = self;
        for (core, part) in parts.iter_mut().enumerate() {
            let start = core * (ticks * words) as usize + (row * words) as usize;
            let spikes = &mut rows[start..start + words as usize];
            if part.neurons.is_silent() && spikes.iter().all(|&word| word == 0) {
                continue;
            }
            part.neurons.compute(spikes);
            part.neurons.commit();
            spikes.fill(0);
            let mut send = |word: u32, delay: u32, bits: u64| {
                let word = word + ((row + 1 + delay) & (ticks - 1)) * words;
                match rows.get_mut(word.wrapping_sub(first) as usize) {
                    Some(own) => *own |= bits,
                    None => away[(word / per) as usize].push((word, bits)),
                }
            };
            if keeps_fired {
                part.neurons.fired(|neuron| trace.fired.push((tick, part.position, neuron)));
            }
            let mut runs = 0;
            let groups = part.neurons.fires().iter().zip(&part.groups).zip(part.targets.chunks(64));
            for ((&fires, &(singles, end)), targets) in groups {
                trace.spikes += u64::from(fires.count_ones());
                for run in &part.runs[runs..end] {
                    let bits = fires & run.lanes;
                    if bits != 0 {
                        send(run.word, run.delay, bits.rotate_left(run.turn));
                    }
                }
                runs = end;
                let mut left = fires & singles;
                while left != 0 {
                    let target = targets[left.trailing_zeros() as usize];
                    left &= left - 1;
                    if target.word >= UNHEARD {
                        trace.drop_or_show(tick, target);
                    } else {
                        send(target.word, target.delay, target.bit);
                    }
                }
            }
        }
    }
}

/// The lanes of each group that go one by one with the end of its runs, and the runs.
fn group(targets: &[Target]) -> (Vec<(u64, usize)>, Vec<Run>) {
    let (mut groups, mut runs) = (Vec::new(), Vec::new());
    for targets in targets.chunks(64) {
        let start = runs.len();
        let mut singles = 0;
        for (lane, target) in (0_u32..).zip(targets) {
            if target.word >= UNHEARD {
                singles |= 1 << lane;
                continue;
            }
            let turn = target.bit.trailing_zeros().wrapping_sub(lane) % 64;
            let like = |run: &&mut Run| (run.word, run.delay, run.turn) == (target.word, target.delay, turn);
            match runs[start..].iter_mut().find(like) {
                Some(run) => run.lanes |= 1 << lane,
                None => runs.push(Run { lanes: 1 << lane, word: target.word, delay: target.delay, turn }),
            }
        }
        let short = |run: &Run| run.lanes.count_ones() < RUN;
        singles |= runs[start..].iter().filter(|run| short(run)).fold(0, |lanes, run| lanes | run.lanes);
        let mut place = 0;
        runs.retain(|run| {
            place += 1;
            place <= start || !short(run)
        });
        groups.push((singles, runs.len()));
    }
    (groups, runs)
}

impl RancTickTrace {
    /// A spike that goes to no core.
    fn drop_or_show(&mut self, tick: u64, target: Target) {
        match target.word {
            BUS => self.out_packets.push((tick, target.bit as u32)),
            NOWHERE => self.stray += 1,
            LOST => self.lost += 1,
            _ => {}
        }
    }
}

/// Mail between threads, `[to][from]`, for even and odd ticks.
type Boxes = [Vec<Vec<Mutex<Vec<Mail>>>>; 2];

/// All threads, tick by tick. What one has for another is read at the beginning of the next tick.
fn together(shards: &mut [Shard<'_>], ticks: std::ops::Range<u64>, inputs: &[RancTickInput]) {
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
                    next = shard.take_inputs(tick, inputs, next);
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
        for (word, bit) in mail.drain(..) {
            shard.rows[(word - shard.first) as usize] |= bit;
        }
    }
}
