//! Runs a strategy: from its name to slots, within a budget of work that the time limit sets.

use super::anneal::{Annealer, Schedule, cost};
use super::multilevel::{self, Effort};
use super::objective::Objective;
use super::order::{hilbert, rows};
use super::tabu::{self, Dense};
use super::{Flow, Mesh, Quieter, Share, Strategy, Watch, bisection, force, greedy, pso, spectral};
use crate::diag::{Problem, Result};
use crate::rng::{Rng, mix};

/// What is to be placed.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Traffic of the clusters.
    pub flow: &'a Flow,
    /// Slots they may take.
    pub mesh: &'a Mesh,
    /// What problems are named after, such as a file.
    pub name: &'a str,
    /// With how much work.
    pub budget: Budget<'a>,
}

/// How much work a search may do.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Seed of every draw.
    pub seed: u64,
    /// Time limit in seconds: sets the work of strategies that could go on for ever.
    pub seconds: f64,
    /// Independent searches side by side; decides the result, so it is no matter of the machine. Fewer are run where
    /// the copies of the problem would not fit a common memory.
    pub chains: usize,
    /// Clock and audience.
    pub watch: &'a dyn Watch,
}

/// A placement.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Slot of every cluster.
    pub slot: Vec<u32>,
    /// Traffic times distance.
    pub cost: f64,
    /// Load of the link that carries most, and traffic times chip edges crossed; not counted for huge problems.
    pub congestion: Option<[f64; 2]>,
    /// What was run, `auto` resolved.
    pub strategy: String,
}

/// Time limit in seconds for a problem, where the user gives none.
#[must_use]
pub fn default_limit(flow: &Flow) -> f64 {
    limit(flow.clusters(), dense(flow))
}

/// The same for a quadratic assignment without a mesh.
#[must_use]
pub fn dense_limit(places: usize) -> f64 {
    limit(places, true)
}

fn limit(n: usize, dense: bool) -> f64 {
    match (n, dense) {
        (0..=20, _) => 2.0,
        (21..=36, _) => 4.0,
        (37..=150, true) => 25.0,
        _ => (8.0 * (n as f64 / 256.0).powf(0.65)).clamp(8.0, 420.0),
    }
}

/// Whether at least a fifth of the pairs of clusters talks.
fn dense(flow: &Flow) -> bool {
    flow.entries() * 5 > flow.clusters() * flow.clusters()
}

/// Places by `strategy`.
///
/// # Errors
/// `place/fit` where there are more clusters than free slots, `place/size` where a strategy cannot hold the problem.
pub fn place(task: &Task<'_>, strategy: &Strategy) -> Result<Placed> {
    let (n, usable) = (task.flow.clusters(), task.mesh.usable().len());
    if n > usable {
        return Err(Problem::misfit("place/fit", task.name, format!("{n} clusters"))
            .limit(format!("{usable} free slots on a mesh of {} x {}", task.mesh.width, task.mesh.height))
            .help("a larger mesh, fewer blocked cores or fewer clusters")
            .into());
    }
    let resolved = resolve(task, strategy)?;
    let slot = slots(task, &resolved)?;
    let terms = || objective(&resolved).terms(task.flow, task.mesh, &slot);
    let congestion = (n <= HUGE).then(terms).map(|[_, most, crossings]| [most, crossings]);
    Ok(Placed { cost: cost(task.flow, task.mesh, &slot), congestion, slot, strategy: resolved.to_string() })
}

/// What `auto` stands for.
fn resolve(task: &Task<'_>, strategy: &Strategy) -> Result<Strategy> {
    if strategy.known.name != "auto" {
        return Ok(strategy.clone());
    }
    let n = task.flow.clusters();
    let small = n <= 64 || (dense(task.flow) && n <= 200);
    if small && task.mesh.usable().len() <= 400 {
        "tabu".parse()
    } else if n <= 1500 {
        "anneal,start=random".parse()
    } else {
        let hot = if n > HUGE { 0.02 } else { 0.3 };
        format!("anneal,start=best,hot={hot},window=4").parse()
    }
}

fn slots(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let (flow, mesh, Budget { seed, watch, .. }) = (task.flow, task.mesh, task.budget);
    let n = flow.clusters();
    // `Mesh::new` allows no longer side.
    let (width, height) = (mesh.width as u16, mesh.height as u16);
    Ok(match strategy.known.name {
        "row-major" => fill(mesh, n, rows(width, height, false)),
        "zigzag" => fill(mesh, n, rows(width, height, true)),
        "hilbert" => fill(mesh, n, hilbert(width, height)),
        "random" => random(mesh, n, seed),
        "hilbert-force" => {
            let start = fill(mesh, n, hilbert(width, height));
            force::improve(flow, mesh, start, strategy.value("share"), watch)
        }
        "spectral" => spectral::spectral(flow, mesh, seed, watch),
        "bisection" => bisection::bisect(flow, mesh, strategy.value("passes") as usize, watch),
        "greedy" => greedy::greedy(flow, mesh, watch),
        "pso" => swarm(task, strategy)?,
        "multilevel" => {
            let work = strategy.value("effort") as u64;
            let effort = Effort { coarse: work * 4, between: work, warm: strategy.value("warm"), seed };
            multilevel::start(flow, mesh, &effort, watch)
        }
        "best" => best(task, strategy)?,
        "anneal" => anneal(task, strategy)?,
        "tabu" => search(task, strategy)?,
        other => unreachable!("'{other}' is in the table of strategies but not here"),
    })
}

/// The first `n` free slots along an order of cells.
fn fill(mesh: &Mesh, n: usize, cells: Vec<(u16, u16)>) -> Vec<u32> {
    let slot = |(x, y): (u16, u16)| u32::from(y) * mesh.width as u32 + u32::from(x);
    cells.into_iter().map(slot).filter(|slot| mesh.free[*slot as usize]).take(n).collect()
}

fn random(mesh: &Mesh, n: usize, seed: u64) -> Vec<u32> {
    let mut slots = mesh.usable();
    Rng::new(seed).shuffle(&mut slots);
    slots.truncate(n);
    slots
}

fn swarm(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let (size, rounds) = (strategy.value("particles") as usize, strategy.value("rounds") as usize);
    let usable = task.mesh.usable().len();
    if size * usable > pso::MOST_KEYS {
        return Err(Problem::invalid(
            "place/size",
            "strategy 'pso'",
            format!("{size} particles on {usable} free slots"),
        )
        .limit(format!("{} particles times slots", pso::MOST_KEYS))
        .help("use anneal or auto; they place better anyway")
        .into());
    }
    Ok(pso::swarm(task.flow, task.mesh, size, rounds, task.budget.seed, task.budget.watch))
}

/// The cheapest of the plain orders and of `multilevel`, ties to the first.
fn best(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let mut least: Option<(f64, Vec<u32>)> = None;
    let multilevel = format!("multilevel,effort={}", strategy.value("effort"));
    for name in ["row-major", "zigzag", "hilbert", &multilevel] {
        let slots = slots(task, &name.parse()?)?;
        let now = cost(task.flow, task.mesh, &slots);
        task.budget.watch.step(&format!("start      cost {now:16.4}  {name}"));
        if least.as_ref().is_none_or(|(least, _)| now < *least) {
            least = Some((now, slots));
        }
    }
    Ok(least.map(|found| found.1).unwrap_or_default())
}

/// Most numbers that the chains of a search may hold in all, up to 8 bytes each.
const MOST_COPIED: usize = 1 << 26;

/// Clusters above which a run makes too few proposals a cluster to heal what a hot begin destroys.
const HUGE: usize = 100_000;

/// Proposals a second that a slow core makes, counted low: most runs end by their work and not by the clock.
fn pace(flow: &Flow) -> f64 {
    let n = flow.clusters().max(1);
    let degree = flow.entries() as f64 / n as f64;
    let far = if n > HUGE { 0.3 } else { 1.0 };
    far * 2.6e6 / (1.0 + degree / 12.0)
}

/// Runs `count` searches of different seeds side by side, each from its number and its seed to a cost and a placement;
/// the cheapest wins, ties go to the lower number.
fn chains(seed: u64, count: usize, run: impl Fn(usize, u64) -> (f64, Vec<u32>) + Sync) -> Vec<u32> {
    let one = |chain: usize| run(chain, mix(seed ^ (chain as u64) << 32));
    let found = std::thread::scope(|scope| {
        let one = &one;
        let others: Vec<_> = (1..count).map(|chain| scope.spawn(move || one(chain))).collect();
        let mut found = vec![one(0)];
        found.extend(others.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        found
    });
    found.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map(|best| best.1).unwrap_or_default()
}

/// Chains that are run of those that are asked for: no more than copies of `cells` numbers fit `most` in all.
fn copies(budget: &Budget<'_>, cells: usize, most: usize) -> usize {
    let count = budget.chains.clamp(1, (most / cells.max(1)).max(1));
    if count < budget.chains {
        budget.watch.step(&format!("chains     {count} of {}: more copies would not fit the memory", budget.chains));
    }
    count
}

fn anneal(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let (flow, budget) = (task.flow, &task.budget);
    let start = strategy.start().unwrap_or("random".parse()?);
    let costly = ["multilevel", "best"].contains(&start.known.name);
    // A long run gives its start a fifth of the work.
    let begun = if costly {
        let per = (pace(flow) * budget.seconds * 0.2 / (flow.clusters().max(1) as f64 * 2.0)).clamp(4.0, 3000.0);
        format!("{},effort={}", start.known.name, per.floor()).parse()?
    } else {
        start
    };
    let watch = &Share { of: budget.watch, from: 0.0, to: 0.25 };
    let first = slots(&Task { budget: Budget { watch, ..*budget }, ..*task }, &begun)?;
    let objective = objective(strategy);
    let share = if costly { 0.72 } else { 0.9 };
    let moves = match strategy.value("moves") {
        0.0 => pace(flow) * budget.seconds * share,
        moves => moves,
    };
    let schedule = Schedule {
        hot: strategy.value("hot"),
        cold: strategy.value("cold"),
        moves: moves as u64,
        window: strategy.value("window") as usize,
    };
    // Copies of a huge problem would only fight for the memory.
    let asked = if flow.clusters() > HUGE { 1 } else { budget.chains };
    let count = copies(&Budget { chains: asked, ..*budget }, task.mesh.slots() + flow.entries(), MOST_COPIED);
    let from = budget.watch.gone().min(0.9);
    let quiet = Quieter(budget.watch);
    Ok(chains(budget.seed, count, |chain, seed| {
        let watch: &dyn Watch = if chain == 0 { budget.watch } else { &quiet };
        let mut annealer = Annealer::new(flow, task.mesh, &first, seed, objective);
        annealer.anneal(&schedule, &Share { of: watch, from, to: 0.97 });
        let slots = annealer.into_slots();
        let (begun, found) = (objective.cost(flow, task.mesh, &first), objective.cost(flow, task.mesh, &slots));
        // Whatever the schedule, the start is never made worse.
        if found <= begun { (found, slots) } else { (begun, first.clone()) }
    }))
}

/// What the parameters of `anneal` ask for.
fn objective(strategy: &Strategy) -> Objective {
    let of = |key| strategy.value(key);
    Objective { alpha: of("alpha"), beta: of("beta"), gamma: of("gamma"), chip: of("chip") as usize }
}

fn search(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let usable = task.mesh.usable();
    let (n, m) = (task.flow.clusters(), usable.len());
    if m > tabu::MOST_PLACES {
        return Err(Problem::invalid("place/size", "strategy 'tabu'", format!("{m} free slots"))
            .limit(format!("{}: its matrices are dense", tabu::MOST_PLACES))
            .help("use auto, anneal, multilevel, bisection or greedy")
            .into());
    }
    let mut problem = Dense { n: m, flow: vec![0.0; m * m], distance: vec![0.0; m * m] };
    for c in 0..n {
        task.flow.of(c).iter().for_each(|&(to, w)| problem.flow[c * m + to as usize] = w);
    }
    for a in 0..m {
        (0..m).for_each(|b| problem.distance[a * m + b] = task.mesh.distance(usable[a], usable[b]));
    }
    let first = strategy.start().map(|start| slots(task, &start)).transpose()?;
    let first = first.map(|slots| complete(&slots, &usable));
    let place = assign(&problem, &task.budget, strategy.value("iterations"), first.as_deref());
    Ok(place[..n].iter().map(|place| usable[*place as usize]).collect())
}

/// Places of the clusters, then of the fillers, as numbers among the usable slots.
fn complete(slots: &[u32], usable: &[u32]) -> Vec<u32> {
    let index = |slot: &u32| usable.binary_search(slot).unwrap_or(0) as u32;
    let mut place: Vec<u32> = slots.iter().map(index).collect();
    let mut taken = vec![false; usable.len()];
    place.iter().for_each(|p| taken[*p as usize] = true);
    place.extend((0..usable.len() as u32).filter(|p| !taken[*p as usize]));
    place
}

/// Iterations a second of tabu search, counted low.
fn tabu_pace(n: usize) -> f64 {
    1.5e8 / (n as f64 * n as f64 + 300.0)
}

/// Tabu search on dense matrices within a budget, from `first` or, where there is none, from draws. `iterations` 0: as
/// many as fit the time limit.
#[must_use]
pub fn assign(problem: &Dense, budget: &Budget<'_>, iterations: f64, first: Option<&[u32]>) -> Vec<u32> {
    let (n, watch) = (problem.n, budget.watch);
    let iterations = if iterations > 0.0 { iterations } else { tabu_pace(n) * budget.seconds * 0.9 };
    let count = copies(budget, 4 * n * n, MOST_COPIED);
    chains(budget.seed, count, |chain, seed| {
        let start = first.map_or_else(|| random(&Mesh::full(n, 1), n, seed), <[u32]>::to_vec);
        let result = tabu::search(problem, &start, seed, iterations as u64, &|| watch.gone() >= 0.97);
        watch.step(&format!(
            "tabu       chain {chain:3}  cost {:16.4}  iterations {:12}{}",
            result.cost,
            result.iterations,
            if result.cut { "  (time)" } else { "" }
        ));
        (result.cost, result.place)
    })
}
