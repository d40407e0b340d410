//! The list core with programmable neurons: synapse lists with payloads, a delay ring for every dendritic input, and
//! neuron programs in lanes.
//!
//! Lists mean what they mean in [`super::cuba`]; a spike adds `payload * weight`. Compartments without a program of their
//! own run the built-in `cuba` with their registers. Registers that overflow inside a program are its own affair: no fault
//! is counted.

use std::collections::BTreeMap;

use super::super::counters::EventCounts;
use super::super::program::Times;
use super::Sweep;
use super::cuba::{count_events, events_of, time_of};
use crate::chip::{CubaSpec, Dialect, ProgramSpec};
use crate::image::{self, CompartmentConfig, ProgramGroup};
use crate::isa::{self, Binding, Draws, Lanes, Sent};

/// Seed of the programs' random draws.
const SEED: u64 = 1;

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
    /// The first of its sums that are shifted as a whole, one a delay.
    shifted: Option<usize>,
}

/// A sum that is shifted as a whole before it goes to the ring (dialect lava, negative exponents).
#[derive(Debug)]
struct Shifted {
    delay: usize,
    input: usize,
    places: u32,
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
    uses: Vec<image::ListUse>,
    axon_events: Vec<[u32; 3]>,
    axon_times: Vec<u64>,
    shifted: Vec<Shifted>,
    spec: ProgramSpec,
}

impl ProgrammedCore {
    pub(in crate::emu) fn new(image: &image::CubaCore, spec: &CubaSpec, programs: &ProgramSpec, times: &Times) -> Self {
        let groups = groups(image, spec.dialect);
        let inputs = groups.iter().map(|group| group.lanes.program().inputs.len()).max().unwrap_or(1).max(1);
        let mut synapses = image.synapses.clone();
        if spec.dialect != Dialect::Lava {
            shift_each(image, spec.dialect, &mut synapses);
        }
        let (lists, shifted) = lists(image, spec.dialect);
        let axons = image.axon_offsets.len() - 1;
        let axon_events: Vec<[u32; 3]> = (0..axons).map(|axon| events_of(image, axon)).collect();
        Self {
            neurons: image.config_of.len(),
            inputs,
            rows: usize::from(image.synapses.iter().map(|synapse| synapse.delay).max().unwrap_or(0)) + 1,
            groups,
            lists,
            synapses,
            axon_offsets: image.axon_offsets.clone(),
            uses: image.list_uses.clone(),
            axon_times: axon_events.iter().map(|&events| time_of(events, times)).collect(),
            axon_events,
            shifted,
            spec: programs.clone(),
        }
    }

    pub(super) fn reset(&self) -> State {
        State {
            lanes: self.groups.iter().map(|group| group.lanes.clone()).collect(),
            sums: vec![0; self.rows * self.inputs * self.neurons],
            filled: vec![false; self.rows],
            shifted: vec![0; self.shifted.len() * self.neurons],
            touched: vec![false; self.shifted.len()],
            inbox: Vec::new(),
            sent: Vec::new(),
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

    fn row(&self, tick: u32, delay: usize) -> usize {
        (tick as usize + delay) % self.rows
    }
}

/// The programs of all compartments, ascending: those of the image, and between them the built-in compartment.
fn groups(image: &image::CubaCore, dialect: Dialect) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut next = 0;
    for group in &image.programs {
        let first = group.first as usize;
        groups.extend(plain(image, next, first, dialect));
        groups.push(programmed(group));
        next = first + group.count as usize;
    }
    groups.extend(plain(image, next, image.config_of.len(), dialect));
    groups
}

fn programmed(group: &ProgramGroup) -> Group {
    let checked = "a checked image holds programs that fit";
    let program = group.assemble().expect(checked);
    let bound = group.bound(&program);
    let draws = Draws { seed: SEED, core: group.population, first: group.neuron };
    let mut lanes = Lanes::new(program, group.count as usize, &bound, draws).expect(checked);
    for named in &group.initial {
        let slot = lanes.program().state(&named.name).expect(checked);
        fill(lanes.state_mut(slot), &named.values);
    }
    Group { lanes, first: group.first as usize }
}

/// One value for all, or one each.
fn fill(cells: &mut [i32], values: &[i32]) {
    if let [one] = values {
        cells.fill(*one);
    } else {
        cells.copy_from_slice(values);
    }
}

/// Compartments with registers, from `first` to before `end`, as the built-in program.
fn plain(image: &image::CubaCore, first: usize, end: usize, dialect: Dialect) -> Option<Group> {
    if first == end {
        return None;
    }
    let configs: Vec<&CompartmentConfig> =
        image.config_of[first..end].iter().map(|&entry| &image.configs[usize::from(entry)]).collect();
    let of = |name: &str, value: fn(&CompartmentConfig) -> i32| {
        let values: Vec<i32> = configs.iter().map(|config| value(config)).collect();
        let same = values.iter().all(|other| *other == values[0]);
        (name.to_owned(), if same { Binding::Shared(values[0]) } else { Binding::PerNeuron(values) })
    };
    let number = match dialect {
        Dialect::Lava => 0,
        Dialect::Nengo | Dialect::ChipBestGuess => 1,
        Dialect::Brian2 => 2,
    };
    let bound = [
        of("decay_u", |config| config.decay_u.into()),
        of("decay_v", |config| config.decay_v.into()),
        of("threshold", |config| {
            config.threshold.map_or(i32::MAX, |mantissa| i32::try_from(u64::from(mantissa) << 6).unwrap_or(i32::MAX))
        }),
        of("bias", bias),
        of("refractory", |config| config.refractory.into()),
        ("dialect".to_owned(), Binding::Shared(number)),
    ];
    let built_in = "the built-in compartment holds every register of the chip";
    let text = isa::builtin_text("cuba").expect(built_in);
    let program = isa::assemble(text, "cuba").expect(built_in);
    let draws = Draws { seed: SEED, core: 0, first: 0 };
    let mut lanes = Lanes::new(program, end - first, &bound, draws).expect(built_in);
    for start in &image.initial {
        let at = usize::from(start.compartment);
        if (first..end).contains(&at) {
            for (name, value) in [("u", start.u), ("v", start.v)] {
                let slot = lanes.program().state(name).expect(built_in);
                lanes.state_mut(slot)[at - first] = value;
            }
        }
    }
    Some(Group { lanes, first })
}

/// The bias as it is added, within the 29 bits of the program's parameter.
fn bias(config: &CompartmentConfig) -> i32 {
    let mantissa = i64::from(config.bias);
    let places = u32::from(config.bias_exponent.unsigned_abs()).min(32);
    let bias = if config.bias_exponent < 0 { mantissa >> places } else { mantissa << places };
    bias.clamp(-(1 << 28), (1 << 28) - 1) as i32
}

/// Weights that each are shifted by themselves (floor), and clipped in dialect brian2.
fn shift_each(image: &image::CubaCore, dialect: Dialect, synapses: &mut [image::Synapse]) {
    for list in &image.lists {
        let exponent = image.formats[usize::from(list.format)].weight_exponent;
        for synapse in &mut synapses[list.first as usize..][..list.count as usize] {
            if exponent < 0 {
                synapse.weight >>= exponent.unsigned_abs().min(15);
            } else if dialect == Dialect::Brian2 {
                let wide = i64::from(synapse.weight) << exponent;
                synapse.weight = wide.clamp(-i64::from(i16::MAX), i16::MAX.into()) as i16;
            }
        }
    }
}

/// Every list, and the sums that are shifted as a whole.
fn lists(image: &image::CubaCore, dialect: Dialect) -> (Vec<List>, Vec<Shifted>) {
    let mut longest: BTreeMap<(u32, i8, usize), usize> = BTreeMap::new();
    let key = |list: &image::SynapseList| {
        let exponent = image.formats[usize::from(list.format)].weight_exponent;
        (list.projection, exponent, input_of(image, list))
    };
    if dialect == Dialect::Lava {
        for list in image.lists.iter().filter(|list| key(list).1 < 0) {
            let synapses = &image.synapses[list.first as usize..][..list.count as usize];
            let delay = synapses.iter().map(|synapse| usize::from(synapse.delay)).max().unwrap_or(0);
            let known = longest.entry(key(list)).or_default();
            *known = delay.max(*known);
        }
    }
    let (mut firsts, mut shifted) = (BTreeMap::new(), Vec::new());
    for (key, longest) in longest {
        firsts.insert(key, shifted.len());
        let places = u32::from(key.1.unsigned_abs()).min(31);
        shifted.extend((0..=longest).map(|delay| Shifted { delay, input: key.2, places }));
    }
    let load = |list: &image::SynapseList| List {
        first: list.first as usize,
        count: list.count as usize,
        input: input_of(image, list),
        shift: if dialect == Dialect::Brian2 { 0 } else { u32::from(key(list).1.max(0).unsigned_abs()).min(31) },
        shifted: firsts.get(&key(list)).copied(),
    };
    (image.lists.iter().map(load).collect(), shifted)
}

/// The dendritic input that the synapses of a list go to: their targets are of one population.
fn input_of(image: &image::CubaCore, list: &image::SynapseList) -> usize {
    image.programs.iter().map(|group| group.input(list.projection)).max().unwrap_or(0).into()
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
    sent: Vec<(u32, Option<i32>)>,
}

impl State {
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
        for &(axon, payload) in &inbox {
            let axon = usize::from(axon);
            for used in &core.uses[core.axon_offsets[axon] as usize..core.axon_offsets[axon + 1] as usize] {
                self.add_list(core, used, payload, tick);
            }
        }
        if !inbox.is_empty() {
            self.fold_shifted(core, tick);
        }
        self.inbox = inbox;
        self.inbox.clear();
    }

    fn add_list(&mut self, core: &ProgrammedCore, used: &image::ListUse, payload: i32, tick: u32) {
        let list = &core.lists[used.list as usize];
        let base = usize::from(used.base);
        let factor = payload.wrapping_shl(list.shift);
        let now = core.row(tick, 0);
        for synapse in &core.synapses[list.first..list.first + list.count] {
            let delay = usize::from(synapse.delay);
            let (buffer, start) = match list.shifted {
                None => {
                    let row = now + delay;
                    let row = if row < core.rows { row } else { row - core.rows };
                    self.filled[row] = true;
                    (&mut self.sums, core.ring(row, list.input))
                }
                Some(first) => {
                    self.touched[first + delay] = true;
                    (&mut self.shifted, (first + delay) * core.neurons)
                }
            };
            let sum = &mut buffer[start + base + usize::from(synapse.target)];
            *sum = sum.wrapping_add(i32::from(synapse.weight).wrapping_mul(factor));
        }
    }

    /// Shifts the sums that are complete with this tick's packets, and adds them to the ring rows of their delays.
    fn fold_shifted(&mut self, core: &ProgrammedCore, tick: u32) {
        for (number, sum) in core.shifted.iter().enumerate() {
            if !std::mem::replace(&mut self.touched[number], false) {
                continue;
            }
            let row = core.row(tick, sum.delay);
            self.filled[row] = true;
            let ring = &mut self.sums[core.ring(row, sum.input)..][..core.neurons];
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
                // Probes and further outputs leave the core by its other doors, which no projection goes through.
                if let Sent::Spike { output: 0, payload } = what {
                    sent.push((neuron, payload));
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
fn fire(core: &ProgrammedCore, first: usize, cycles: &[u32], sent: &[(u32, Option<i32>)], sweep: &mut Sweep<'_>) {
    let mut done = 0;
    let mut pass = |sweep: &mut Sweep<'_>, end: usize| {
        if sweep.timing && end > done {
            let spent: u64 = cycles[done..end].iter().map(|&cycles| u64::from(cycles)).sum();
            sweep.now += spent * core.spec.cycle.0;
            done = end;
        }
    };
    for &(neuron, payload) in sent {
        pass(sweep, neuron as usize + 1);
        sweep.fire_graded(first + neuron as usize, payload.unwrap_or(1), core.flits(payload));
    }
    pass(sweep, cycles.len());
}
