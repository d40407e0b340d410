//! The list core with programmable neurons: synapse lists with payloads, a delay ring for every dendritic input, and
//! neuron programs in lanes.
//!
//! Lists mean what they mean in [`super::cuba`]; a spike adds `payload * weight`. Compartments without a program of their
//! own run the built-in `cuba` with their registers. Registers that overflow inside a program are its own affair: no fault
//! is counted.

mod compressed;
mod load;
mod plastic;

use super::super::counters::EventCounts;
use super::super::program::Times;
use super::crossbar::prefetch;
use super::cuba::{LearnState, Learning, count_events, events_of, time_of};
use super::exponent::{Shifted, ShiftedSums, exponent_of, left_shift, loaded_weights};
use super::{NEAR, Sweep};
use crate::chip::{CubaSpec, Dialect, ProgramSpec};
use crate::image;
use crate::isa::{self, Lanes, Sent};
use load::input_of;

/// Compartments that run one program.
#[derive(Debug)]
struct Group {
    /// In their initial state.
    lanes: Lanes,
    first: usize,
}

/// A list of synapses with its exponent.
#[derive(Debug)]
struct List {
    first: usize,
    count: usize,
    /// Dendritic input of the targets.
    input: usize,
    /// Left shift of its weights.
    shift: u32,
    exponent: i8,
    /// The first of its sums that are shifted as a whole, one a delay.
    shifted: Option<usize>,
    /// Its learning group, and the first of its synapses there.
    learns: Option<(u32, u32)>,
}

/// A list as one axon uses it, with what is needed to work through it.
#[derive(Debug)]
struct Use {
    /// The synapses, from `first` on.
    first: u32,
    count: u32,
    list: u32,
    /// Added to every target.
    base: u16,
    input: u8,
    shift: u8,
    /// Whether its weights go to the ring as they are: neither shifted as a sum nor learned.
    plain: bool,
}

/// What the core is loaded with.
#[derive(Debug)]
pub(in crate::emu) struct ProgrammedCore {
    neurons: usize,
    /// Dendritic inputs of the program that has most.
    inputs: usize,
    /// Rows of the delay ring.
    rows: usize,
    groups: Vec<Group>,
    lists: Vec<List>,
    synapses: Vec<image::Synapse>,
    axon_offsets: Vec<u32>,
    uses: Vec<Use>,
    compressed: compressed::Lists,
    axon_events: Vec<[u32; 3]>,
    axon_times: Vec<u64>,
    shifted: Vec<Shifted>,
    /// Dendritic input of each of them.
    shifted_inputs: Vec<usize>,
    /// What learns.
    learning: Option<Box<Learning>>,
    /// Post traces that programs write.
    written: Vec<plastic::Written>,
    dialect: Dialect,
    spec: ProgramSpec,
}

impl ProgrammedCore {
    pub(in crate::emu) fn new(image: &image::CubaCore, spec: &CubaSpec, programs: &ProgramSpec, times: &Times) -> Self {
        let dialect = spec.dialect;
        let groups = load::groups(image, dialect);
        let inputs = groups.iter().map(|group| group.lanes.program().inputs.len()).max().unwrap_or(1).max(1);
        let learning = Learning::new(image, spec).map(Box::new);
        let sums = ShiftedSums::new(image, dialect);
        let lists = (0..).zip(&image.lists).map(|(number, list)| {
            let exponent = exponent_of(image, list);
            List {
                first: list.first as usize,
                count: list.count as usize,
                input: input_of(image, list.projection),
                shift: left_shift(exponent, dialect),
                exponent,
                shifted: sums.first(list.projection, exponent).map(|first| first as usize),
                learns: learning.as_ref().and_then(|learning| learning.place_of(number)),
            }
        });
        let lists: Vec<List> = lists.collect();
        let uses = image.list_uses.iter().map(|used| load_use(used, &lists)).collect();
        let weights = loaded_weights(image, dialect);
        let loaded = |(synapse, weight): (&image::Synapse, i16)| image::Synapse { weight, ..*synapse };
        let axons = image.axon_offsets.len() - 1;
        let mut axon_events: Vec<[u32; 3]> = (0..axons).map(|axon| events_of(image, axon)).collect();
        compressed::count(image, &mut axon_events);
        let compressed = compressed::Lists::new(image, &sums, dialect);
        let delays = image.synapses.iter().map(|synapse| synapse.delay);
        let delays = delays.chain(compressed.lists.iter().map(compressed::List::longest_delay));
        let learned = learning.as_ref().map_or(0, |learning| learning.longest_delay());
        Self {
            neurons: image.config_of.len(),
            inputs,
            rows: usize::from(delays.max().unwrap_or(0).max(learned)) + 1,
            written: learning.as_ref().map_or(Vec::new(), |learning| plastic::written(image, learning, &groups)),
            learning,
            groups,
            lists,
            synapses: image.synapses.iter().zip(weights).map(loaded).collect(),
            axon_offsets: image.axon_offsets.clone(),
            uses,
            compressed,
            axon_times: axon_events.iter().map(|&events| time_of(events, times)).collect(),
            axon_events,
            shifted_inputs: sums.sums.iter().map(|sum| input_of(image, sum.projection)).collect(),
            shifted: sums.sums,
            dialect,
            spec: programs.clone(),
        }
    }

    /// In the state before the first tick; `timing` says whether cycles count.
    pub(super) fn reset(&self, timing: bool) -> State {
        let lanes = self.groups.iter().map(|group| group.lanes.clone());
        State {
            lanes: lanes.map(|lanes| if timing { lanes } else { lanes.uncounted() }).collect(),
            sums: vec![0; self.rows * self.inputs * self.neurons],
            filled: vec![false; self.rows],
            shifted: vec![0; self.shifted.len() * self.neurons],
            touched: vec![false; self.shifted.len()],
            inbox: Vec::new(),
            sent: Vec::new(),
            learned: self.learning.as_ref().map(|learning| Box::new(LearnState::new(learning))),
        }
    }

    pub(super) fn count_synapses(&self, axon: u16, times: u64, counts: &mut EventCounts) {
        count_events(self.axon_events[usize::from(axon)], times, counts);
    }

    pub(super) fn axon_time(&self, axon: u16) -> u64 {
        self.axon_times[usize::from(axon)]
    }

    /// Flits of a spike with this payload.
    pub(super) fn flits(&self, payload: Option<i32>) -> u32 {
        self.spec.flits(payload)
    }

    /// Start of a row of the ring for one input.
    fn ring(&self, row: usize, input: usize) -> usize {
        (row * self.inputs + input) * self.neurons
    }

    /// Fetches the first synapses of these packets: the tables are large and the packets few, so all are on their way
    /// before the first is waited for.
    fn prefetch(&self, packets: &[(u16, i32)]) {
        let axons = || packets.iter().map(|(axon, _)| usize::from(*axon));
        axons().for_each(|axon| prefetch(&self.axon_offsets, axon));
        axons().for_each(|axon| prefetch(&self.uses, self.axon_offsets[axon] as usize));
        for used in axons().filter_map(|axon| self.uses.get(self.axon_offsets[axon] as usize)) {
            prefetch(&self.synapses, used.first as usize);
        }
    }

    fn row(&self, tick: u32, delay: usize) -> usize {
        (tick as usize + delay) % self.rows
    }
}

fn load_use(used: &image::ListUse, lists: &[List]) -> Use {
    let list = &lists[used.list as usize];
    Use {
        first: list.first as u32,
        count: list.count as u32,
        list: used.list,
        base: used.base,
        input: list.input as u8,
        shift: list.shift as u8,
        plain: list.shifted.is_none() && list.learns.is_none(),
    }
}

/// What changes.
#[derive(Debug, Clone)]
pub(super) struct State {
    lanes: Vec<Lanes>,
    /// The ring by row, input and neuron.
    sums: Vec<i32>,
    /// Whether anything was added to a row.
    filled: Vec<bool>,
    shifted: Vec<i32>,
    touched: Vec<bool>,
    /// Axons and payloads of the packets that are integrated next.
    inbox: Vec<(u16, i32)>,
    sent: Vec<(u32, u8, Option<i32>)>,
    /// What the core has learned.
    learned: Option<Box<LearnState>>,
}

/// The rows of the ring, or the sums that are shifted first, that a list is added to.
struct Buffer<'s> {
    sums: &'s mut [i32],
    used: &'s mut [bool],
    /// Row of delay 0, number of rows, neurons in a row of one input, rows of inputs in a row, and the input.
    now: usize,
    rows: usize,
    neurons: usize,
    inputs: usize,
    input: usize,
}

impl Buffer<'_> {
    #[inline]
    fn add(&mut self, neuron: usize, delay: usize, value: i32) {
        let row = self.now + delay;
        let row = if row < self.rows { row } else { row - self.rows };
        self.used[row] = true;
        let sum = &mut self.sums[(row * self.inputs + self.input) * self.neurons + neuron];
        *sum = sum.wrapping_add(value);
    }
}

impl State {
    /// Back to the state before the first tick, but for what was learned; keeps memory.
    pub(super) fn restart(&mut self, core: &ProgrammedCore) {
        self.lanes.iter_mut().zip(&core.groups).for_each(|(lanes, group)| lanes.restart(&group.lanes));
        self.sums.fill(0);
        self.filled.fill(false);
        self.inbox.clear();
        if let Some(learned) = &mut self.learned {
            learned.reset();
        }
    }

    pub(super) fn accept(&mut self, axon: u16, payload: i32) {
        self.inbox.push((axon, payload));
    }

    /// State variable `name` of a neuron, else the first one where `first`.
    pub(super) fn value(&self, core: &ProgrammedCore, neuron: usize, name: &str, first: bool) -> i32 {
        let at = core.groups.partition_point(|group| group.first <= neuron) - 1;
        let lanes = &self.lanes[at];
        let program = lanes.program();
        let slot = program.state(name).or((first && !program.states.is_empty()).then_some(0));
        slot.map_or(0, |slot| lanes.state(slot)[neuron - core.groups[at].first])
    }

    /// Works through the synapses of all packets that came since the tick before.
    pub(super) fn integrate(&mut self, core: &ProgrammedCore, tick: u32) {
        let inbox = std::mem::take(&mut self.inbox);
        for (number, &(axon, payload)) in inbox.iter().enumerate() {
            if number % NEAR == 0 {
                core.prefetch(&inbox[number..inbox.len().min(number + NEAR)]);
            }
            let axon = usize::from(axon);
            for used in &core.uses[core.axon_offsets[axon] as usize..core.axon_offsets[axon + 1] as usize] {
                if used.plain {
                    self.add_plain(core, used, payload, tick);
                } else {
                    self.add_list(core, used, payload, tick);
                }
            }
            for (list, at) in core.compressed.of(axon) {
                let factor = payload.wrapping_shl(list.shift);
                let mut buffer = self.buffer(core, tick, list.input, list.shifted);
                list.visit(at, |neuron, weight, delay| buffer.add(neuron, delay, weight.wrapping_mul(factor)));
            }
        }
        if let (Some(learned), Some(learning)) = (&mut self.learned, &core.learning) {
            let spikes = inbox.iter().filter_map(|&(axon, payload)| Some((axon, plastic::value_of(payload)?)));
            learned.note(learning, spikes);
        }
        if !inbox.is_empty() {
            self.fold_shifted(core, tick);
        }
        self.inbox = inbox;
        self.inbox.clear();
    }

    #[inline]
    fn buffer(&mut self, core: &ProgrammedCore, tick: u32, input: usize, shifted: Option<usize>) -> Buffer<'_> {
        let neurons = core.neurons;
        match shifted {
            None => Buffer {
                sums: &mut self.sums,
                used: &mut self.filled,
                now: core.row(tick, 0),
                rows: core.rows,
                neurons,
                inputs: core.inputs,
                input,
            },
            Some(first) => Buffer {
                sums: &mut self.shifted,
                used: &mut self.touched,
                now: first,
                rows: usize::MAX,
                neurons,
                inputs: 1,
                input: 0,
            },
        }
    }

    #[inline]
    fn add_plain(&mut self, core: &ProgrammedCore, used: &Use, payload: i32, tick: u32) {
        let factor = payload.wrapping_shl(used.shift.into());
        let synapses = &core.synapses[used.first as usize..used.first as usize + used.count as usize];
        let (now, stride) = (core.row(tick, 0), core.inputs * core.neurons);
        let place = usize::from(used.input) * core.neurons + usize::from(used.base);
        for synapse in synapses {
            let row = now + usize::from(synapse.delay);
            let row = if row < core.rows { row } else { row - core.rows };
            self.filled[row] = true;
            let sum = &mut self.sums[row * stride + place + usize::from(synapse.target)];
            *sum = sum.wrapping_add(i32::from(synapse.weight).wrapping_mul(factor));
        }
    }

    fn add_list(&mut self, core: &ProgrammedCore, used: &Use, payload: i32, tick: u32) {
        let list = &core.lists[used.list as usize];
        let base = usize::from(used.base);
        let learned = self.learned.take();
        let mut buffer = self.buffer(core, tick, list.input, list.shifted);
        match (list.learns, &core.learning, &learned) {
            (Some(place), Some(learning), Some(learned)) => {
                for (target, delay, weight) in plastic::synapses(core, list, (learning, learned), place) {
                    buffer.add(base + target, delay, weight.wrapping_mul(payload));
                }
            }
            _ => {
                let factor = payload.wrapping_shl(list.shift);
                for synapse in &core.synapses[list.first..list.first + list.count] {
                    let value = i32::from(synapse.weight).wrapping_mul(factor);
                    buffer.add(base + usize::from(synapse.target), usize::from(synapse.delay), value);
                }
            }
        }
        self.learned = learned;
    }

    /// Shifts the sums that are complete with this tick's packets, and adds them to the ring rows of their delays.
    fn fold_shifted(&mut self, core: &ProgrammedCore, tick: u32) {
        for (number, (sum, input)) in core.shifted.iter().zip(&core.shifted_inputs).enumerate() {
            if !std::mem::replace(&mut self.touched[number], false) {
                continue;
            }
            let row = core.row(tick, sum.delay.into());
            self.filled[row] = true;
            let ring = &mut self.sums[core.ring(row, *input)..][..core.neurons];
            let whole = &mut self.shifted[number * core.neurons..][..core.neurons];
            for (to, from) in ring.iter_mut().zip(whole) {
                *to = to.wrapping_add(*from >> sum.places);
                *from = 0;
            }
        }
    }

    /// The tick of every neuron, ascending.
    pub(super) fn update(&mut self, core: &ProgrammedCore, tick: u32, sweep: &mut Sweep<'_>) {
        let row = core.row(tick, 0);
        let Self { lanes, sums, sent, .. } = self;
        for (group, lanes) in core.groups.iter().zip(lanes) {
            let count = lanes.neurons();
            let inputs: [&[i32]; isa::INPUTS_MAX] = std::array::from_fn(|input| {
                if input < core.inputs { &sums[core.ring(row, input) + group.first..][..count] } else { &[][..] }
            });
            let used = lanes.program().inputs.len();
            sent.clear();
            lanes.step(&inputs[..used], tick, &mut |neuron, what| {
                // Probes leave the core by its other door, which no projection goes through.
                if let Sent::Spike { output, payload } = what {
                    sent.push((neuron, output, payload));
                }
            });
            sweep.active += count as u64;
            fire(core, group.first, lanes.cycles(), sent, sweep);
        }
        if std::mem::replace(&mut self.filled[row], false) {
            let start = core.ring(row, 0);
            self.sums[start..start + core.inputs * core.neurons].fill(0);
        }
    }
}

/// The neurons that sent fire, each once its path and those before it are done.
fn fire(core: &ProgrammedCore, first: usize, cycles: &[u32], sent: &[(u32, u8, Option<i32>)], sweep: &mut Sweep<'_>) {
    let mut done = 0;
    let mut pass = |sweep: &mut Sweep<'_>, end: usize| {
        if sweep.timing && end > done {
            let spent: u64 = cycles[done..end].iter().map(|&cycles| u64::from(cycles)).sum();
            sweep.now += spent * core.spec.cycle.0;
            done = end;
        }
    };
    for (number, &(neuron, output, payload)) in sent.iter().enumerate() {
        if number % NEAR == 0 {
            sent[number..].iter().take(NEAR).for_each(|&(neuron, ..)| sweep.prefetch(first + neuron as usize));
        }
        pass(sweep, neuron as usize + 1);
        let (neuron, flits) = (first + neuron as usize, core.flits(payload));
        match output {
            0 => sweep.fire_graded(neuron, payload.unwrap_or(1), flits),
            _ => sweep.fire_further(neuron, output, payload.unwrap_or(1), flits),
        }
    }
    pass(sweep, cycles.len());
}
