//! Placement of a compiled image by its traffic: measures what its cores say to each other, runs a placement
//! strategy, and moves the cores. The contents of cores do not change, so any partition and both families will do.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::constraints::{Constraints, Resolved};
use super::migrate::{self, Migrate};
use super::traffic::{Rates, Trains, host, routers, senders, traffic};
use super::{Compiled, Log, Placement, place, usage, verify};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::digest::Digester;
use crate::ids::CoreId;
use crate::image::{CoreBody, Image};
use crate::place::{self as placing, Budget, Flow, Prices, Refine, Routers, Strategy, Task, Watch, refine, repair};

/// A placement strategy, and whether what it finds is refined with what it does not know: several cores a router, the
/// host, regions, links over chip edges. Written `anneal,start=hilbert` or `spectral+refine`; `auto` is refined,
/// `stay` leaves the cores where they are. Behind both `+migrate` moves neurons between the cores that stand, such as
/// `auto+migrate:time=0.5`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// `None`: where the cores stand.
    strategy: Option<Strategy>,
    refined: bool,
    migrate: Option<Migrate>,
}

/// The name of the strategy that leaves the cores where they stand.
const STAY: &str = "stay";

impl FromStr for Pipeline {
    type Err = Problems;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split('+').map(str::trim);
        let first = parts.next().unwrap_or_default();
        let (mut refined, mut migrate) = (false, None);
        for part in parts {
            let (name, parameters) = part.split_once([':', ',']).unwrap_or((part, ""));
            match name {
                REFINE if !refined && migrate.is_none() && parameters.is_empty() => refined = true,
                migrate::NAME if migrate.is_none() => migrate = Some(Migrate::read(parameters)?),
                _ => return Err(no_pass(text, part).into()),
            }
        }
        if first == STAY {
            return Ok(Self { strategy: None, refined, migrate });
        }
        let strategy: Strategy = first.replacen(':', ",", 1).parse()?;
        let refined = refined || strategy.known.name == "auto";
        Ok(Self { strategy: Some(strategy), refined, migrate })
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.strategy {
            Some(strategy) => write!(f, "{strategy}")?,
            None => write!(f, "{STAY}")?,
        }
        write!(f, "{}", if self.refined { "+refine" } else { "" })?;
        self.migrate.iter().try_for_each(|pass| write!(f, "+{pass}"))
    }
}

/// The pass that refines.
const REFINE: &str = "refine";

fn no_pass(text: &str, odd: &str) -> Problem {
    let name = odd.split([':', ',']).next().unwrap_or_default();
    let known = [REFINE, migrate::NAME];
    let (what, help) = match nearest(name, known) {
        Some(_) if name == REFINE && odd != name => (format!("'{odd}'"), "refine takes no parameters".to_owned()),
        Some(_) if known.contains(&name) => {
            (format!("pass '{name}' comes twice or too late"), "+refine+migrate".into())
        }
        Some(near) => (format!("unknown pass '{name}'"), format!("did you mean '{near}'?")),
        None => (format!("unknown pass '{name}'"), "leave it out".to_owned()),
    };
    Problem::invalid("place/strategy", format!("strategy '{text}'"), what).limit(known.join(", ")).help(help)
}

/// How the cores of an image are to be placed.
pub struct Placing<'a> {
    /// The strategy.
    pub pipeline: &'a Pipeline,
    /// Seed of its draws.
    pub seed: u64,
    /// Seconds that its work is planned for; `None`: by the size.
    pub seconds: Option<f64>,
    /// Measured spikes; `None`: every neuron counts one.
    pub rates: Option<&'a Rates>,
    /// The same tick by tick, for passes that look at time; `None`: all spikes fall into one tick.
    pub trains: Option<&'a Trains>,
    /// How much dearer links are that were found hot, by `router * 4 + direction`; empty: none is known.
    pub hot: &'a [f64],
    /// What is blocked, pinned and kept together.
    pub constraints: &'a Constraints,
    /// Clock and audience.
    pub watch: &'a dyn Watch,
}

/// Proposals of a refinement for a planned second.
const MOVES: f64 = 4e5;

/// Places the cores of `compiled` anew, verifies the image again, and tells what it brought. Its cores must be in the
/// order of the partition, as [`Placement::RowMajor`] leaves them.
///
/// # Errors
/// What the strategy or the constraints refuse.
pub fn replace(compiled: &mut Compiled, chip: &ChipSpec, placing: &Placing<'_>, log: &mut Log) -> Result<()> {
    compiled.image.unchain();
    let before = traffic(&compiled.image, chip, placing.rates);
    let (slots, strategy) = find(&compiled.image, chip, placing)?;
    let moves = compiled.image.cores.iter().map(|core| core.core).zip(slots.iter().copied()).collect();
    compiled.image = moved(&compiled.image, &moves);
    super::repair::repair(&mut compiled.image, chip, log)?;
    if let Some(pass) = &placing.pipeline.migrate {
        migrate::migrate(pass, compiled, chip, placing, log)?;
        super::repair::repair(&mut compiled.image, chip, log)?;
    }
    if matches!(chip.family, crate::chip::Family::Fcore(_)) {
        super::fcore::chain(&mut compiled.image, chip)?;
    }
    verify(&compiled.image, &compiled.network, chip)?;
    let after = traffic(&compiled.image, chip, placing.rates);
    (log.cores, log.metrics) = usage(&compiled.image, chip);
    let mut digest = Digester::default();
    slots.iter().for_each(|slot| digest.word(u64::from(*slot)));
    log.say(
        "place",
        format!(
            "{strategy}: hops {:.0} -> {:.0}, tree hops {:.0} -> {:.0}, busiest link {:.0} -> {:.0}, digest {}",
            before.hops,
            after.hops,
            before.tree_hops,
            after.tree_hops,
            before.max_link,
            after.max_link,
            digest.finish().short()
        ),
    );
    Ok(())
}

/// Traffic between the cores of an image (numbers in image order, the host last), summed over the neurons.
#[must_use]
pub fn pairs(image: &Image, chip: &ChipSpec, rates: Option<&Rates>) -> BTreeMap<(u32, u32), f64> {
    let index: BTreeMap<u32, u32> = (0..).zip(&image.cores).map(|(at, core)| (core.core, at)).collect();
    let mut pairs = BTreeMap::new();
    for (sender, from_host) in senders(image, chip, rates) {
        let from = if from_host { index.len() as u32 } else { index[&sender.from] };
        for to in &sender.to {
            *pairs.entry((from, index[to])).or_default() += sender.spikes;
        }
    }
    pairs
}

/// New core numbers, in image order, and the strategy that found them.
fn find(image: &Image, chip: &ChipSpec, placing: &Placing<'_>) -> Result<(Vec<u32>, String)> {
    let n = image.cores.len();
    let mut routers = routers(chip);
    let bound = placing.constraints.resolve(image, &mut routers)?;
    let mut pairs = pairs(image, chip, placing.rates);
    let heaviest: f64 = pairs.values().sum::<f64>().max(1.0);
    for &(a, b, _) in &bound.together {
        *pairs.entry((a, b)).or_default() += heaviest;
    }
    let all: Vec<(u32, u32, f64)> = pairs.iter().map(|(&(a, b), &w)| (a, b, w)).collect();
    let own: Vec<(u32, u32, f64)> = all.iter().filter(|edge| edge.0 < n as u32).copied().collect();
    let flow = Flow::new(n, &own, &image.network)?;
    let seconds = placing.seconds.unwrap_or_else(|| placing::default_limit(&flow).min(2.0));
    let (mut slots, name) = start(image, &flow, &routers, chip, placing, seconds)?;
    repair(&routers, &bound.regions, &mut slots)?;
    if placing.pipeline.refined {
        let with_host = Flow::new(n + 1, &all, &image.network)?;
        let task = Refine {
            routers: &routers,
            flow: &with_host,
            anchors: &[host(chip)],
            regions: &bound.regions,
            prices: &prices(&routers, chip, placing.hot),
            seed: placing.seed,
            moves: (seconds * MOVES) as u64,
        };
        refine(&task, &mut slots, placing.watch);
    }
    near_enough(&routers, &bound, &slots)?;
    Ok((slots, name))
}

/// What the strategy itself finds.
fn start(
    image: &Image,
    flow: &Flow,
    routers: &Routers,
    chip: &ChipSpec,
    placing: &Placing<'_>,
    seconds: f64,
) -> Result<(Vec<u32>, String)> {
    let Pipeline { strategy, refined, .. } = placing.pipeline;
    let ending = if *refined { "+refine" } else { "" };
    let Some(strategy) = strategy else {
        return Ok((image.cores.iter().map(|core| core.core).collect(), format!("{STAY}{ending}")));
    };
    if let Some((placement, name)) = Placement::ALL.iter().find(|(_, name)| *name == strategy.known.name) {
        // Orders are over routers: the cores of one follow each other.
        let order = place::order(chip, *placement).into_iter().map(|core| core.0);
        let slots: Vec<u32> = order.filter(|core| routers.free[*core as usize]).take(flow.clusters()).collect();
        if slots.len() == flow.clusters() {
            return Ok((slots, format!("{name}{ending}")));
        }
    }
    let (mesh, slot_of) = routers.flattened();
    let budget = Budget { seed: placing.seed, seconds, chains: 1, watch: placing.watch };
    let task = Task { flow, mesh: &mesh, name: &image.network, budget };
    let placed = placing::place(&task, strategy)?;
    let slots = placed.slot.iter().map(|cell| slot_of[*cell as usize]).collect();
    Ok((slots, format!("{}{ending}", placed.strategy)))
}

/// Prices of the links: one over a chip edge is as much dearer as it is slower, where the chip says so, and one that
/// was found hot by as much as `hot` says (`router * 4 + direction`, 0: nothing).
fn prices(routers: &Routers, chip: &ChipSpec, hot: &[f64]) -> Prices {
    let slower = chip.mesh.edge.as_ref().map_or(0.0, |edge| match (edge.cycle, chip.mesh.cycle) {
        (Some(edge), Some(inner)) if inner.0 > 0 => (edge.0 as f64 / inner.0 as f64 - 1.0).max(0.0),
        _ => 0.0,
    });
    let tile = chip.mesh.edge.as_ref().map_or((0, 0), |edge| (usize::from(edge.tile.0), usize::from(edge.tile.1)));
    let leaves = |at: usize, tile: usize| if tile > 0 && (at + 1).is_multiple_of(tile) { slower } else { 0.0 };
    let heat = |link: usize| hot.get(link).copied().unwrap_or(0.0);
    let router = |x: usize, y: usize| (y * routers.width + x) * 4;
    // Of the two directions the mean: the traffic between two cores uses both alike as far as is known.
    let east = |x: usize, y: usize| 1.0 + leaves(x, tile.0) + (heat(router(x, y)) + heat(router(x + 1, y) + 1)) / 2.0;
    let south =
        |x: usize, y: usize| 1.0 + leaves(y, tile.1) + (heat(router(x, y) + 3) + heat(router(x, y + 1) + 2)) / 2.0;
    Prices::new(routers, east, south)
}

/// Whether what belongs together came to stand together.
fn near_enough(routers: &Routers, bound: &Resolved, slots: &[u32]) -> Result<()> {
    let apart = |a: u32, b: u32| routers.hops(slots[a as usize], slots[b as usize]);
    let worst =
        bound.together.iter().filter(|(a, b, reach)| apart(*a, *b) > *reach).max_by_key(|(a, b, _)| apart(*a, *b));
    let Some(&(a, b, reach)) = worst else { return Ok(()) };
    let what = format!("two cores that belong together are {} hops apart", apart(a, b));
    Err(Problem::misfit("place/together", "", what)
        .limit(format!("{reach} hops"))
        .help("allow more hops, or a strategy that looks at traffic, such as auto or anneal+refine")
        .into())
}

/// The image with its cores renumbered.
fn moved(image: &Image, moves: &BTreeMap<u32, u32>) -> Image {
    let mut image = image.clone();
    super::repair::renumber(&mut image, moves);
    for core in &mut image.cores {
        if let CoreBody::Cuba(body) = &mut core.body {
            for neuron in body.out_offsets.windows(2) {
                body.axons_out[neuron[0] as usize..neuron[1] as usize].sort_unstable();
            }
        }
    }
    for input in &mut image.inputs {
        for neuron in input.offsets.windows(2) {
            input.targets[neuron[0] as usize..neuron[1] as usize].sort_by_key(|to| (CoreId(to.core), to.axon));
        }
    }
    image
}
