//! All compartments of a chip as one sheet, for runs without time: spikes go straight to the sums of their targets,
//! without packets, and every block of compartments is worked through in one go.
//!
//! What a core is loaded with, sends and counts stays what it is: a sheet only stands for the state of its cores. It
//! is cut into plates of at most as many compartments as 16 bits number, and at least one for each thread that plays it.

mod rows;
mod threads;

use std::ops::Range;

use self::rows::Rows;
use super::flat::{Flat, REACH};
use super::lanes::{self, Block, Blocks, CALM, Cells, LANES, LAVA, Marks, NENGO, Totals};
use super::{CubaCore, pass_all};
use crate::chip::Dialect;
use crate::emu::neurocore::{Core, Sweep, lists};
use crate::emu::program::{Body, CoreProgram, Program, Target};
use crate::stimulus::InputSpike;

/// What never changes.
#[derive(Debug)]
pub(in crate::emu) struct Sheet {
    plates: Vec<Plate>,
    /// The number of each core's first neuron among the sources, then that of the first input.
    first_source: Vec<u32>,
    dialect: Dialect,
    limit: i32,
    refractory: bool,
}

/// Cores that lie in one sheet of sums.
#[derive(Debug)]
struct Plate {
    cores: Range<usize>,
    /// First block of each core, one more than there are cores.
    starts: Vec<usize>,
    blocks: Blocks,
    /// Synapses of each source.
    rows: Rows,
    /// Whether no compartment's sum, u or u + bias can reach an edge while no source counts twice in a tick.
    calm: bool,
}

impl Sheet {
    /// For so many threads. `None` where a core cannot be worked through so, or where the layout would take more memory
    /// than the synapses.
    pub(in crate::emu) fn new(program: &Program, threads: usize) -> Option<Self> {
        if !program.cores.iter().all(|core| matches!(core.body, Body::Cuba(_))) {
            return None;
        }
        let cores = || program.cores.iter().map(lists);
        let first = cores().next()?;
        let by_source = |core: &CubaCore| core.flat.as_ref().is_some_and(|flat| !flat.is_shared());
        if !cores().all(|core| by_source(core) && core.blocks.is_some()) {
            return None;
        }
        let mut first_source = vec![0_u32];
        for core in &program.cores {
            first_source.push(first_source[first_source.len() - 1].checked_add(core.neurons() as u32)?);
        }
        let sources = first_source[program.cores.len()].checked_add(program.inputs())?;
        let cuts = cuts(&program.cores, threads);
        let synapses: u64 = cores().filter_map(|core| core.flat.as_ref()).map(Flat::len).sum();
        if u64::from(sources) * cuts.len() as u64 > (1 << 20) + 2 * synapses {
            return None;
        }
        Some(Self {
            plates: cuts.into_iter().map(|cores| Plate::new(program, cores)).collect::<Option<_>>()?,
            first_source,
            dialect: first.dialect,
            limit: first.limit,
            refractory: cores().any(|core| core.refractory),
        })
    }

    /// Adds the sources of what `cores`, of which the first has the index `first`, fired.
    fn fired(&self, first: usize, cores: &[Core], sources: &mut Vec<u32>) {
        for (core, &first) in cores.iter().zip(&self.first_source[first..]) {
            sources.extend(core.fired.iter().map(|&neuron| first + u32::from(neuron)));
        }
    }
}

/// Compartments that are worth a thread of their own; few where small networks are to test it.
const SHARE: usize = if cfg!(test) { 32 } else { 2048 };

/// Runs of cores that fit a plate, for so many threads.
fn cuts(cores: &[CoreProgram], threads: usize) -> Vec<Range<usize>> {
    let all: usize = cores.iter().map(|core| lists(core).padded()).sum();
    let share = all.div_ceil(threads.clamp(1, (all / SHARE).max(1)));
    let (mut cuts, mut start, mut used) = (Vec::new(), 0, 0);
    for (index, core) in cores.iter().enumerate() {
        let padded = lists(core).padded();
        // A cut is where the share is nearest.
        if used > 0 && (used + padded / 2 > share || used + padded > REACH) {
            cuts.push(start..index);
            (start, used) = (index, 0);
        }
        used += padded;
    }
    cuts.push(start..cores.len());
    cuts
}

impl Plate {
    /// `None` where it has more synapses than 32 bits number.
    fn new(program: &Program, cores: Range<usize>) -> Option<Self> {
        let loaded: Vec<&CubaCore> = program.cores[cores.clone()].iter().map(lists).collect();
        let mut starts = vec![0];
        for core in &loaded {
            starts.push(starts[starts.len() - 1] + core.padded() / LANES);
        }
        let neurons = program.cores.iter().flat_map(|core| (0..core.neurons()).map(|neuron| core.targets_of(neuron)));
        let inputs = (0..program.inputs()).map(|input| program.input_targets(input));
        let rows = neurons.chain(inputs).map(|targets| row(&loaded, cores.start, &starts, targets));
        let narrow = loaded.iter().filter_map(|core| core.flat.as_ref()).all(Flat::is_narrow);
        let rows = Rows::new(rows, narrow)?;
        Some(Self {
            calm: is_calm(&loaded, &starts, &rows),
            rows,
            blocks: Blocks::of(loaded.iter().map(|core| &core.compartments[..])),
            cores,
            starts,
        })
    }
}

/// Whether sums stay within 16 bits and u, with and without the bias, within its register: u is at most what the
/// largest sum of every tick leaves, a geometric series.
fn is_calm(loaded: &[&CubaCore], starts: &[usize], rows: &Rows) -> bool {
    let mut most = vec![0_u64; starts[starts.len() - 1] * LANES];
    rows.each(|target, weight| most[usize::from(target)] += u64::from(weight.unsigned_abs()));
    loaded.iter().zip(starts).all(|(core, &start)| {
        let most = &most[start * LANES..][..core.compartments.len()];
        let limit = u64::from(core.limit.unsigned_abs());
        let mut bounds = Vec::with_capacity(most.len());
        let within = core.compartments.iter().zip(most).all(|(compartment, &sum)| {
            let u = (sum << 6) * 4096 / u64::from(compartment.decay_u.max(1));
            bounds.push(u);
            sum <= u64::from(i16::MAX.unsigned_abs()) && u + u64::from(compartment.bias.unsigned_abs()) <= limit
        });
        let starts_within = |initial: &crate::image::InitialState| {
            bounds.get(usize::from(initial.compartment)).is_some_and(|&u| u64::from(initial.u.unsigned_abs()) <= u)
        };
        within && core.initial.iter().all(starts_within)
    })
}

/// The synapses in a plate of a source that sends packets to `targets`; `first` is the plate's first core.
fn row(loaded: &[&CubaCore], first: usize, starts: &[usize], targets: &[Target]) -> Vec<(u16, i16)> {
    let mut row = Vec::new();
    for to in targets {
        let Some(local) = (to.core as usize).checked_sub(first) else { continue };
        let Some(flat) = loaded.get(local).and_then(|core| core.flat.as_ref()) else { continue };
        let base = starts[local] * LANES;
        row.extend(flat.synapses(to.axon).map(|(target, weight)| ((base + usize::from(target)) as u16, weight)));
    }
    row
}

/// What changes.
#[derive(Debug, Clone)]
pub(in crate::emu) struct SheetState {
    plates: Vec<PlateState>,
    arrivals: Arrivals,
}

/// The spikes that are integrated in a tick.
#[derive(Debug, Clone)]
struct Arrivals {
    sources: Vec<u32>,
    /// Whether no source has yet counted twice in a tick, as an input may.
    single: bool,
}

impl Arrivals {
    /// What comes in from the host.
    fn accept(&mut self, sheet: &Sheet, input: &[InputSpike]) {
        self.single &= input.iter().all(|spike| spike.value <= 1) && input.is_sorted_by(|a, b| a.input < b.input);
        let first = sheet.first_source[sheet.first_source.len() - 1];
        for spike in input {
            (0..spike.value).for_each(|_| self.sources.push(first + spike.input));
        }
    }
}

#[derive(Debug, Clone)]
struct PlateState {
    /// Sums, which are 0 between ticks; those of calm ticks have 16 bits.
    sums: Vec<i32>,
    short_sums: Vec<i16>,
    u: Vec<Block>,
    v: Vec<Block>,
    silent: Vec<Block>,
    /// Cores in which a tick without input has changed nothing: until input comes, no tick will.
    at_rest: Vec<bool>,
    resting: usize,
    marks: Vec<Marks>,
}

impl SheetState {
    /// In the reset state.
    pub(in crate::emu) fn new(program: &Program, sheet: &Sheet) -> Self {
        let plate = |plate: &Plate| {
            let zero = vec![[0; LANES]; plate.blocks.len()];
            PlateState {
                sums: vec![0; REACH],
                short_sums: vec![0; REACH],
                u: zero.clone(),
                v: zero.clone(),
                silent: zero,
                at_rest: vec![false; plate.cores.len()],
                resting: 0,
                marks: Vec::new(),
            }
        };
        let mut state = Self {
            plates: sheet.plates.iter().map(plate).collect(),
            arrivals: Arrivals { sources: Vec::new(), single: true },
        };
        state.reset(program, sheet);
        state
    }

    /// Back to the state before the first tick; keeps memory.
    pub(in crate::emu) fn reset(&mut self, program: &Program, sheet: &Sheet) {
        self.arrivals.sources.clear();
        self.arrivals.single = true;
        for (state, plate) in self.plates.iter_mut().zip(&sheet.plates) {
            state.at_rest.fill(false);
            state.resting = 0;
            for blocks in [&mut state.u, &mut state.v, &mut state.silent] {
                blocks.fill([0; LANES]);
            }
            for (core, &start) in program.cores[plate.cores.clone()].iter().zip(&plate.starts) {
                for initial in &lists(core).initial {
                    let at = start * LANES + usize::from(initial.compartment);
                    (state.u.as_flattened_mut()[at], state.v.as_flattened_mut()[at]) = (initial.u, initial.v);
                }
            }
        }
    }

    /// u and v of a neuron of a core, by the core's index.
    pub(in crate::emu) fn current_and_membrane(&self, sheet: &Sheet, core: usize, neuron: usize) -> (i32, i32) {
        let found = sheet.plates.iter().position(|plate| plate.cores.contains(&core)).unwrap_or(0);
        let (state, plate) = (&self.plates[found], &sheet.plates[found]);
        let at = plate.starts[core - plate.cores.start] * LANES + neuron;
        (state.u.as_flattened()[at], state.v.as_flattened()[at])
    }

    /// What comes in from the host in this tick and what the cores fired, integrated in the next.
    pub(in crate::emu) fn accept(&mut self, sheet: &Sheet, input: &[InputSpike], cores: &[Core]) {
        self.arrivals.accept(sheet, input);
        sheet.fired(0, cores, &mut self.arrivals.sources);
    }

    /// The function pass of one tick: all spikes that wait are integrated, the compartments updated.
    pub(in crate::emu) fn step(&mut self, program: &Program, sheet: &Sheet, cores: &mut [Core], tick: u32) {
        for (plate, state) in sheet.plates.iter().zip(&mut self.plates) {
            let run = Run { program, sheet, plate, tick, single: self.arrivals.single };
            state.integrate(&run, &self.arrivals.sources);
            state.update(&run, &mut cores[plate.cores.clone()]);
        }
        self.arrivals.sources.clear();
    }
}

/// A tick of one plate.
#[derive(Clone, Copy)]
struct Run<'r> {
    program: &'r Program,
    sheet: &'r Sheet,
    plate: &'r Plate,
    tick: u32,
    /// As in [`Arrivals`].
    single: bool,
}

impl Run<'_> {
    fn is_calm(&self) -> bool {
        self.plate.calm && self.single
    }
}

impl PlateState {
    /// Integrates spikes of these sources, some of those of the tick.
    fn integrate(&mut self, run: &Run<'_>, sources: &[u32]) {
        if self.resting > 0 {
            self.wake(run, sources);
        }
        if run.is_calm() {
            if let Some(sums) = self.short_sums.first_chunk_mut::<REACH>() {
                run.plate.rows.add(sources, sums);
            }
        } else if let Some(sums) = self.sums.first_chunk_mut::<REACH>() {
            run.plate.rows.add(sources, sums);
        }
    }

    /// Updates the compartments of the plate's cores.
    fn update(&mut self, run: &Run<'_>, cores: &mut [Core]) {
        let (calm, sheet) = (run.is_calm(), run.sheet);
        match (calm, sheet.dialect, sheet.refractory) {
            (true, _, true) => self.stride::<CALM, true>(run, cores),
            (true, _, false) => self.stride::<CALM, false>(run, cores),
            (false, Dialect::Lava, true) => self.stride::<LAVA, true>(run, cores),
            (false, Dialect::Lava, false) => self.stride::<LAVA, false>(run, cores),
            (false, _, true) => self.stride::<NENGO, true>(run, cores),
            (false, _, false) => self.stride::<NENGO, false>(run, cores),
        }
    }

    /// Cores of the plate that a waiting spike reaches no longer rest.
    fn wake(&mut self, run: &Run<'_>, sources: &[u32]) {
        let Run { program, sheet, plate, .. } = *run;
        let inputs = sheet.first_source[sheet.first_source.len() - 1];
        for &source in sources {
            let targets = if source >= inputs {
                program.input_targets(source - inputs)
            } else {
                let core = sheet.first_source.partition_point(|&first| first <= source) - 1;
                program.cores[core].targets_of((source - sheet.first_source[core]) as usize)
            };
            for local in targets.iter().filter_map(|to| (to.core as usize).checked_sub(plate.cores.start)) {
                self.resting -= usize::from(self.at_rest.get_mut(local).is_some_and(std::mem::take));
            }
        }
    }

    /// The tick of every core that does not rest.
    fn stride<const RULE: u8, const SILENT: bool>(&mut self, run: &Run<'_>, cores: &mut [Core]) {
        let Run { program, sheet, plate, tick, .. } = *run;
        let loaded = &program.cores[plate.cores.clone()];
        for (local, ((core, loaded), span)) in cores.iter_mut().zip(loaded).zip(plate.starts.windows(2)).enumerate() {
            core.begin(loaded);
            if self.at_rest[local] {
                continue;
            }
            let totals = self.tick::<RULE, SILENT>(plate, span[0]..span[1], sheet.limit);
            let marks = &self.marks;
            let update = |sweep: &mut Sweep<'_>| pass_all(sweep, loaded.neurons(), marks, totals);
            if core.sweep(program, loaded, (tick, 0), update) {
                self.at_rest[local] = true;
                self.resting += 1;
            }
        }
    }

    fn tick<const RULE: u8, const SILENT: bool>(&mut self, plate: &Plate, blocks: Range<usize>, limit: i32) -> Totals {
        let (all, marks) = (blocks.clone(), &mut self.marks);
        let (u, v) = (&mut self.u[all.clone()], &mut self.v[all.clone()]);
        let silent = &mut self.silent[all.clone()];
        if RULE == CALM {
            let sums = &mut self.short_sums.as_chunks_mut().0[all];
            lanes::tick::<RULE, SILENT, _>(&plate.blocks, blocks, limit, &mut Cells { sums, u, v, silent }, marks)
        } else {
            let sums = &mut self.sums.as_chunks_mut().0[all];
            lanes::tick::<RULE, SILENT, _>(&plate.blocks, blocks, limit, &mut Cells { sums, u, v, silent }, marks)
        }
    }
}
