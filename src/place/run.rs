//! Runs a strategy: from its name to slots, within a budget of work that the time limit sets.

use std::sync::Mutex;

use super::anneal::{Annealer, Free, Schedule, cost};
use super::multilevel::{self, Effort};
use super::order::{hilbert, rows};
use super::tabu::{self, Dense};
use super::{Flow, Mesh, Quieter, Share, Strategy, Watch, bisection, force, greedy, pso, spectral};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Digester};
use crate::rng::{Rng, mix};

/// What is to be placed, and with how much work.
pub struct Task<'a> {
    /// Traffic of the clusters.
    pub flow: &'a Flow,
    /// Slots they may take.
    pub mesh: &'a Mesh,
    /// Seed of every draw.
    pub seed: u64,
    /// Time limit in seconds: sets the work of strategies that could go on for ever.
    pub seconds: f64,
    /// Independent searches side by side; decides the result, so it is no matter of the machine.
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
    /// What was run, `auto` resolved.
    pub strategy: String,
}

impl Placed {
    /// Digest of the slots.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::default();
        self.slot.iter().for_each(|slot| digester.word(u64::from(*slot)));
        digester.finish()
    }
}

/// Time limit in seconds for a problem, where the user gives none.
#[must_use]
pub fn default_limit(flow: &Flow) -> f64 {
    match (flow.clusters(), dense(flow)) {
        (0..=20, _) => 2.0,
        (21..=36, _) => 4.0,
        (37..=150, true) => 25.0,
        (n, _) => (8.0 * (n as f64 / 256.0).powf(0.65)).clamp(8.0, 480.0),
    }
}

/// Whether most pairs of clusters talk.
fn dense(flow: &Flow) -> bool {
    flow.entries() * 5 > flow.clusters() * flow.clusters()
}

/// Places by `strategy`.
///
/// # Errors
/// `place/fit` where there are more clusters than free slots, `place/size` where a strategy cannot hold the problem.
pub fn place(task: &Task<'_>, strategy: &Strategy) -> Result<Placed> {
    let (n, usable) = (task.flow.clusters(), task.mesh.usable());
    if n > usable {
        return Err(Problem::misfit("place/fit", "", format!("{n} clusters"))
            .limit(format!("{usable} free slots of {} x {} routers", task.mesh.width, task.mesh.height))
            .help("a larger mesh, fewer blocked cores or fewer clusters")
            .into());
    }
    let resolved = resolve(task, strategy)?;
    let slot = slots(task, &resolved)?;
    Ok(Placed { cost: cost(task.flow, task.mesh, &slot), slot, strategy: resolved.to_string() })
}

/// What `auto` stands for.
fn resolve(task: &Task<'_>, strategy: &Strategy) -> Result<Strategy> {
    if strategy.known.name != "auto" {
        return Ok(strategy.clone());
    }
    let n = task.flow.clusters();
    let small = n <= 64 || (dense(task.flow) && n <= 200);
    if small && task.mesh.usable() <= 400 {
        "tabu".parse()
    } else if n <= 1500 {
        "anneal,start=random".parse()
    } else {
        "anneal,start=best,hot=0.3,window=4".parse()
    }
}

fn slots(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let (flow, mesh) = (task.flow, task.mesh);
    let n = flow.clusters();
    let (width, height) = (mesh.width as u16, mesh.height as u16);
    Ok(match strategy.known.name {
        "row-major" => fill(mesh, n, rows(width, height, false)),
        "zigzag" => fill(mesh, n, rows(width, height, true)),
        "hilbert" => fill(mesh, n, hilbert(width, height)),
        "random" => random(mesh, n, task.seed),
        "hilbert-force" => {
            let start = fill(mesh, n, hilbert(width, height));
            force::improve(flow, mesh, start, strategy.value("share"), task.watch)
        }
        "spectral" => spectral::spectral(flow, mesh, task.seed, task.watch),
        "bisection" => bisection::bisect(flow, mesh, strategy.value("passes") as usize, task.watch),
        "greedy" => greedy::greedy(flow, mesh, task.watch),
        "pso" => {
            let (size, rounds) = (strategy.value("particles") as usize, strategy.value("rounds") as usize);
            pso::swarm(flow, mesh, size, rounds, task.seed, task.watch)
        }
        "multilevel" => {
            let work = strategy.value("effort") as u64;
            let effort = Effort { coarse: work * 4, between: work, warm: strategy.value("warm"), seed: task.seed };
            multilevel::start(flow, mesh, &effort, task.watch)
        }
        "best" => best(task, strategy)?,
        "anneal" => anneal(task, strategy)?,
        "tabu" => search(task, strategy)?,
        other => unreachable!("'{other}' is in the table of strategies but not here"),
    })
}

/// The first `n` free slots along an order of routers.
pub(super) fn fill(mesh: &Mesh, n: usize, routers: Vec<(u16, u16)>) -> Vec<u32> {
    let slot = |(x, y): (u16, u16)| (usize::from(y) * mesh.width + usize::from(x)) * mesh.local;
    routers
        .into_iter()
        .flat_map(|router| (slot(router)..slot(router) + mesh.local).map(|slot| slot as u32))
        .filter(|slot| mesh.free[*slot as usize])
        .take(n)
        .collect()
}

fn random(mesh: &Mesh, n: usize, seed: u64) -> Vec<u32> {
    let mut slots: Vec<u32> = (0..mesh.slots() as u32).filter(|slot| mesh.free[*slot as usize]).collect();
    Rng::new(seed).shuffle(&mut slots);
    slots.truncate(n);
    slots
}

/// The cheapest of the plain orders and of `multilevel`, ties to the first.
fn best(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let mut least: Option<(f64, Vec<u32>)> = None;
    let multilevel = format!("multilevel,effort={}", strategy.value("effort"));
    for name in ["row-major", "zigzag", "hilbert", &multilevel] {
        let slots = slots(task, &name.parse()?)?;
        let now = cost(task.flow, task.mesh, &slots);
        task.watch.step(&format!("start      cost {now:16.4}  {name}"));
        if least.as_ref().is_none_or(|(least, _)| now < *least) {
            least = Some((now, slots));
        }
    }
    Ok(least.map(|found| found.1).unwrap_or_default())
}

/// Proposals a second that a slow core makes, counted low: most runs end by their work and not by the clock.
fn pace(flow: &Flow) -> f64 {
    let n = flow.clusters().max(1);
    let degree = flow.entries() as f64 / n as f64;
    let far = if n > 100_000 { 0.3 } else { 1.0 };
    far * 2.6e6 / (1.0 + degree / 12.0)
}

/// Runs `chains` searches of different seeds side by side; the cheapest wins, ties go to the lower number.
fn chains(task: &Task<'_>, count: usize, run: impl Fn(u64, &dyn Watch) -> Vec<u32> + Sync) -> Vec<u32> {
    let found: Mutex<Vec<(usize, f64, Vec<u32>)>> = Mutex::new(Vec::new());
    let one = |chain: usize| {
        let quiet = Quieter(task.watch);
        let watch: &dyn Watch = if chain == 0 { task.watch } else { &quiet };
        let slots = run(mix(task.seed ^ (chain as u64) << 32), watch);
        let entry = (chain, cost(task.flow, task.mesh, &slots), slots);
        found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(entry);
    };
    std::thread::scope(|scope| {
        let one = &one;
        (1..count).for_each(|chain| {
            scope.spawn(move || one(chain));
        });
        one(0);
    });
    let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    found.swap_remove(0).2
}

fn anneal(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let flow = task.flow;
    let start = strategy.start().unwrap_or("random".parse()?);
    let costly = ["multilevel", "best"].contains(&start.known.name);
    // A long run gives its start a fifth of the work.
    let begun = if costly {
        let per = (pace(flow) * task.seconds * 0.2 / (flow.clusters().max(1) as f64 * 2.0)).clamp(4.0, 3000.0);
        format!("{},effort={}", start.known.name, per.floor()).parse()?
    } else {
        start
    };
    let first = slots(&Task { watch: &Share { of: task.watch, from: 0.0, to: 0.25 }, ..*task }, &begun)?;
    let share = if costly { 0.72 } else { 0.9 };
    let moves = match strategy.value("moves") {
        0.0 => pace(flow) * task.seconds * share,
        moves => moves,
    };
    let schedule = Schedule {
        hot: strategy.value("hot"),
        cold: strategy.value("cold"),
        moves: moves as u64,
        window: strategy.value("window") as usize,
        seed: 0,
    };
    let rule = Free(task.mesh);
    // Copies of a huge problem would only fight for the memory.
    let count = if flow.clusters() > 100_000 { 1 } else { task.chains.max(1) };
    let from = task.watch.gone().min(0.9);
    Ok(chains(task, count, |seed, watch| {
        let mut annealer = Annealer::new(flow, task.mesh, &rule, &first, seed);
        annealer.anneal(&schedule, &Share { of: watch, from, to: 0.97 });
        annealer.into_slots()
    }))
}

/// Largest problem whose dense matrices tabu search keeps.
const MOST_DENSE: usize = 4096;

fn search(task: &Task<'_>, strategy: &Strategy) -> Result<Vec<u32>> {
    let usable: Vec<u32> = (0..task.mesh.slots() as u32).filter(|slot| task.mesh.free[*slot as usize]).collect();
    let (n, m) = (task.flow.clusters(), usable.len());
    if m > MOST_DENSE {
        return Err(Problem::invalid("place/size", "strategy 'tabu'", format!("{m} free slots"))
            .limit(format!("{MOST_DENSE}: its matrices are dense"))
            .help("use anneal or auto")
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
    let place = assign(&problem, task, strategy.value("iterations"), |seed| match &first {
        Some(slots) => complete(slots, &usable),
        None => random(&Mesh::new(m, 1), m, seed),
    });
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

/// Tabu search on dense matrices within the task's budget; `flow` and `mesh` of the task are not looked at.
/// `iterations` 0: as many as fit the time limit.
#[must_use]
pub fn assign(problem: &Dense, task: &Task<'_>, iterations: f64, start: impl Fn(u64) -> Vec<u32> + Sync) -> Vec<u32> {
    let iterations = if iterations > 0.0 { iterations } else { tabu_pace(problem.n) * task.seconds * 0.9 };
    let found: Mutex<Vec<(usize, f64, Vec<u32>)>> = Mutex::new(Vec::new());
    let one = |chain: usize| {
        let seed = mix(task.seed ^ (chain as u64) << 32);
        let watch = task.watch;
        let result = tabu::search(problem, &start(seed), seed, iterations as u64, &|| watch.gone() >= 0.97);
        watch.step(&format!(
            "tabu       chain {chain:3}  cost {:16.4}  iterations {:12}{}",
            result.cost,
            result.iterations,
            if result.cut { "  (time)" } else { "" }
        ));
        found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((chain, result.cost, result.place));
    };
    std::thread::scope(|scope| {
        let one = &one;
        (1..task.chains.max(1)).for_each(|chain| {
            scope.spawn(move || one(chain));
        });
        one(0);
    });
    let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    found.swap_remove(0).2
}
