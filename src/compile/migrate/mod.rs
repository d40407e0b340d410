//! Migration: neurons move between cores that stand, where that takes hops or time off.
//!
//! A partition does not know the mesh, and a placement does not know the neurons. Behind both this pass knows each
//! packet's way, so that neurons which talk to each other need not share a core but only a router, whose cores are no
//! hop apart, and it knows when neurons fire: what is busy in the same tick is spread over cores that would else wait
//! for the busiest one. The core that ends a tick last is modelled by the chip's own times (see `state.rs`). Neurons of
//! convolutions can move in blocks (see `blocks.rs`).

mod blocks;
mod search;
mod state;
mod task;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use self::blocks::Sizes;
use self::search::{Effort, Outcome};
use self::task::{Limits, Task, nets, synapse_times, times};
use super::constraints::Constraints;
use super::division::Division;
use super::replace::Placing;
use super::traffic::routers;
use super::{Compiled, Log, cuba};
use crate::chip::{ChipSpec, CubaSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::ids::CoreId;
use crate::image::Image;
use crate::parameters::{Owner, Parameter, Values, parameter};

/// Its name.
pub(super) const NAME: &str = "migrate";

const PARAMETERS: [Parameter; 9] = [
    parameter("sweeps", 200.0, (1.0, 1e6), "proposals a neuron"),
    parameter("time", 1.0, (0.0, 1000.0), "what a per cent of a tick's time is worth in per cents of the hops"),
    parameter("hot", 0.3, (1e-6, 1000.0), "first temperature in mean changes"),
    parameter("cold", 0.005, (1e-6, 1000.0), "last temperature in mean changes"),
    parameter("spare", 0.0, (0.0, 100.0), "cores that may be taken in addition, as a share of those in use"),
    parameter("exchange", 0.0, (0.0, 100.0), "exchanges of whole cores proposed a sweep, by core"),
    parameter("norm", 8.0, (8.0, 16.0), "order of the mean of core loads that stands for the busiest one: 8 or 16"),
    parameter(
        "block",
        0.0,
        (0.0, 64.0),
        "rows and columns of the tiles in which convolutions move; 0: neuron by neuron",
    ),
    parameter("chunk", 0.0, (0.0, 65_536.0), "neurons of other populations that move together; 0: one"),
];

/// What is counted besides the neurons' own synapses, one after the other until all fits: this share of them for air in
/// words, and of what synapses with shared weights would take if nothing was shared. With the last all should fit.
const SHARES: [f64; 5] = [0.0, 0.125, 0.25, 0.5, 1.0];

/// Most entries of the table of nets by cores: 80 MB.
const MOST_ENTRIES: usize = 20_000_000;

/// The pass with its parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Migrate(Values);

impl Migrate {
    /// Reads `KEY=VALUE`, commas between.
    ///
    /// # Errors
    /// `place/parameter` for keys and values that it does not have.
    pub(super) fn read(text: &str) -> Result<Self> {
        let owner = Owner { code: "place/parameter", name: NAME, others: &[] };
        let mut values = Values::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = owner.split(part)?;
            values.set(&PARAMETERS, &owner, key, value)?;
        }
        Ok(Self(values))
    }

    fn value(&self, key: &str) -> f64 {
        self.0.value(&PARAMETERS, key)
    }
}

impl fmt::Display for Migrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}{}", self.0)
    }
}

/// Moves the neurons of a placed image.
///
/// # Errors
/// `place/migrate` for chips, networks and constraints that it cannot do, for tables beyond memory, and where the cores
/// that were found do not hold the neurons in what the search does not know: weights that neurons of a core share no
/// more when they are scattered, and words of memory that fill up with air.
pub(super) fn migrate(
    pass: &Migrate,
    compiled: &mut Compiled,
    chip: &ChipSpec,
    placing: &Placing<'_>,
    log: &mut Log,
) -> Result<()> {
    let Family::Cuba(spec) = &chip.family else {
        let what = format!("neurons of chip '{}' do not move one by one", chip.name);
        return Err(refused(what, "chips with synapse lists, such as loihi", "leave +migrate out").into());
    };
    if *placing.constraints != Constraints::default() {
        let what = "constraints bind populations to cores".to_owned();
        return Err(refused(what, "mappings without constraints", "leave +migrate or the constraints out").into());
    }
    let room = cuba::room(&compiled.network, chip, spec)?;
    if room.trees {
        let what = "compartments of this network form trees, which share a core".to_owned();
        return Err(refused(what, "networks without trees", "leave +migrate out").into());
    }
    let slots = slots(&compiled.image, chip, pass.value("spare"));
    let (mut task, start) = task(compiled, chip, spec, placing, &room, &slots)?;
    let effort = Effort {
        sweeps: pass.value("sweeps") as u32,
        time: pass.value("time"),
        heat: (pass.value("hot"), pass.value("cold")),
        exchange: pass.value("exchange"),
        sharp: pass.value("norm") > 8.0,
    };
    let sizes = Sizes { edge: pass.value("block") as u32, chunk: pass.value("chunk") as u32 };
    let block = (!sizes.single()).then(|| blocks::blocks(&compiled.network, &room.starts, &room.shared, &start, sizes));
    let mut overfull = None;
    for share in SHARES {
        let bits = room.bits.iter().zip(&room.shared).map(|(own, shared)| own + ((own + shared) as f64 * share) as u64);
        task.bits = bits.collect();
        let (core, before, after) = moved(&task, &start, block.as_deref(), &effort, placing);
        let division = division(&core, &room.starts, &slots);
        match cuba::lower_as(&compiled.network, chip, spec, &division) {
            Ok(image) => {
                compiled.image = image;
                let counted = if share > 0.0 { format!(", {share} of memory counted more") } else { String::new() };
                log.say("place", format!("{pass}: {}{counted}", told(before, after)));
                return Ok(());
            }
            Err(problems) => overfull = Some(problems),
        }
    }
    let all = overfull.map_or_else(Vec::new, Problems::into_vec);
    let (count, first) = (all.len(), all.into_iter().next());
    let what = first.as_ref().map_or_else(String::new, |first| format!(": {}", first.what));
    let limit = first.and_then(|first| first.limit).unwrap_or_default();
    let help = "leave +migrate out, or move blocks of convolutions (block=2): weights that neurons share are stored \
                again on every core that they are moved to";
    Err(refused(format!("moved neurons overfill cores in {count} ways{what}"), &limit, help).into())
}

/// The neurons' cores after the search, and the figures before and after.
fn moved(
    task: &Task,
    start: &[u32],
    block: Option<&[u32]>,
    effort: &Effort,
    placing: &Placing<'_>,
) -> (Vec<u32>, Outcome, Outcome) {
    let Some(block) = block else { return search::run(task, start, effort, placing.seed, placing.watch) };
    let task = blocks::grouped(task, block);
    let mut of_blocks = vec![0; task.neurons()];
    block.iter().zip(start).for_each(|(block, core)| of_blocks[*block as usize] = *core);
    let (core, before, after) = search::run(&task, &of_blocks, effort, placing.seed, placing.watch);
    (block.iter().map(|block| core[*block as usize]).collect(), before, after)
}

fn refused(what: String, limit: &str, help: &str) -> Problem {
    Problem::misfit("place/migrate", "pass 'migrate'", what).limit(limit).help(help)
}

fn told(before: Outcome, after: Outcome) -> String {
    let (old, new) = (before.tick / 1000.0, after.tick / 1000.0);
    let time = if old > 0.0 { format!(", busiest core of a tick {old:.1} -> {new:.1} ns") } else { String::new() };
    format!("hops {:.0} -> {:.0}{time}", before.hops, after.hops)
}

/// Cores in use, in image order, then the nearest free ones to all of them.
fn slots(image: &Image, chip: &ChipSpec, spare: f64) -> Vec<u32> {
    let mut slots: Vec<u32> = image.cores.iter().map(|core| core.core).collect();
    let more = (slots.len() as f64 * spare) as usize;
    let routers = routers(chip);
    let mut used = vec![false; routers.free.len()];
    slots.iter().for_each(|slot| used[*slot as usize] = true);
    let mut at_router: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    slots.iter().for_each(|slot| *at_router.entry(routers.cell(*slot)).or_default() += 1);
    let far = |slot: u32| {
        let (x, y) = routers.cell(slot);
        at_router.iter().map(|(at, cores)| cores * (at.0.abs_diff(x) + at.1.abs_diff(y))).sum::<usize>()
    };
    let free = (0..used.len()).filter(|slot| more > 0 && routers.free[*slot] && !used[*slot]);
    let mut free: Vec<(usize, u32)> = free.map(|slot| (far(slot as u32), slot as u32)).collect();
    free.sort_unstable();
    slots.extend(free.into_iter().take(more).map(|(_, slot)| slot));
    slots
}

/// What the search is told, and the core of every neuron as a number of its slots.
fn task(
    compiled: &Compiled,
    chip: &ChipSpec,
    spec: &CubaSpec,
    placing: &Placing<'_>,
    room: &cuba::Room,
    slots: &[u32],
) -> Result<(Task, Vec<u32>)> {
    let graph = &compiled.network;
    let (nets, ticks) = nets(graph, &room.starts, chip, placing.rates, placing.trains);
    if nets.len().saturating_mul(slots.len()) > MOST_ENTRIES {
        let what = format!("{} neurons and inputs on {} cores", nets.len(), slots.len());
        let limit = format!("{MOST_ENTRIES} pairs of them");
        return Err(refused(what, &limit, "leave +migrate out").into());
    }
    let capacity = &chip.capacity;
    let neurons = room.bits.len();
    let task = Task {
        synapses: synapse_times(&nets, neurons, ticks),
        nets,
        ticks,
        places: slots.iter().map(|slot| chip.router_of(CoreId(*slot))).collect(),
        host: chip.mesh.host,
        limits: Limits {
            neurons: capacity.neurons.min(1 << 16),
            axons_in: u64::from(capacity.axons_in.min(1 << 16)),
            axons_out: u64::from(capacity.axons_out),
            bits: u64::from(spec.synapse_words) * 64,
        },
        times: times(&chip.times).0,
        bits: room.bits.clone(),
        sizes: vec![1; neurons],
    };
    let number: BTreeMap<u32, u32> = slots.iter().copied().zip(0..).collect();
    let populations = compiled.image.populations.iter().zip(&graph.populations);
    let placed = populations.filter(|(_, population)| !population.is_input()).flat_map(|(image, _)| &image.places);
    Ok((task, placed.map(|place| number[&place.core]).collect()))
}

/// The neurons' cores as a mapping.
fn division(core: &[u32], starts: &[u32], slots: &[u32]) -> Division {
    let mut numbers: BTreeMap<u32, u32> = core.iter().map(|core| (slots[*core as usize], 0)).collect();
    (0..).zip(numbers.values_mut()).for_each(|(number, group)| *group = number);
    let groups = |bounds: &[u32]| {
        let own = &core[bounds[0] as usize..bounds[1] as usize];
        own.iter().map(|core| numbers[&slots[*core as usize]]).collect()
    };
    Division {
        group: starts.windows(2).map(groups).collect(),
        places: Some(numbers.keys().copied().map(CoreId).collect()),
        file: format!("pass '{NAME}'"),
        apart: true,
    }
}
