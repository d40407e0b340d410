//! A layered network of structure only, laid onto a whole board: cores by tiling, chips and cores by bisection, and
//! what a step then asks of barrier and links.

use crate::chip::{BoardSpec, ChipSpec, MeshSpec};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Digester};
use crate::partition::layers::{Layers, Order};
use crate::partition::tiling::Tiling;
use crate::partition::{Limits, Measures};
use crate::place::metrics::{self, Sender, Traffic};
use crate::place::{self, Budget, Flow, Routers, Strategy, Task};
use crate::units::Picos;

/// What is to be laid.
#[derive(Clone, Copy)]
pub struct Laying<'a> {
    /// The network: every layer's neurons are on the board, the first one's too.
    pub layers: &'a Layers,
    /// Placement of the cores.
    pub strategy: &'a Strategy,
    /// How many more cores than the fewest a layer may take for less traffic, as a share.
    pub slack: f64,
    /// Seed, time and audience.
    pub budget: Budget<'a>,
}

/// The links over one border, or inside a chip, that carry most.
#[derive(Debug, Clone, PartialEq)]
pub struct Busiest {
    /// Router that sends.
    pub router: (usize, usize),
    /// Side of it: east, west, north, south.
    pub side: usize,
    /// Packets a step where every neuron spikes once.
    pub packets: f64,
}

/// Where everything is, and its static figures; packets are those of a step in which every neuron spikes once.
#[derive(Debug, Clone, PartialEq)]
pub struct Laid {
    /// Neurons placed.
    pub neurons: u64,
    /// Synapses of the structure.
    pub synapses: u64,
    /// Figures of the division among cores.
    pub measures: Measures,
    /// Chips that hold a neuron.
    pub chips: usize,
    /// Routers with a used core.
    pub tiles: usize,
    /// Strategy of the placement, and whether the clock cut it.
    pub strategy: String,
    /// Of the core and the place in it of every neuron, in network order.
    pub digest: Digest,
    /// Packets and hops over the joint mesh.
    pub traffic: Traffic,
    /// Packets over borders, one a border crossed.
    pub crossings: f64,
    /// The busiest line over a border: of a whole side where its links share their bandwidth.
    pub border: Option<Busiest>,
    /// The busiest link inside of chips.
    pub inner: Option<Busiest>,
    /// Barrier over the tiles in use; `None` on chips with a fixed tick.
    pub barrier: Option<Picos>,
}

/// Lays the network.
///
/// # Errors
/// `board/mesh` where the board is not one mesh, `board/fit` where it has too few cores, and what the tiling refuses.
pub fn lay(board: &BoardSpec, laying: &Laying<'_>) -> Result<(ChipSpec, Laid)> {
    let chip = board.as_chip()?;
    let capacity = &chip.capacity;
    let limits = Limits { axons: capacity.axons_in.into(), ..Limits::of_neurons(capacity.neurons.into()) };
    let tiling = Tiling::choose(laying.layers, &limits, laying.slack, &board.name)?;
    let measures = tiling.measures();
    if measures.cores as u64 > u64::from(chip.usable_cores()) {
        return Err(Problem::misfit(
            "board/fit",
            board.name.as_str(),
            format!("the network needs {} cores", measures.cores),
        )
        .limit(format!("{} cores on {} chips", chip.usable_cores(), board.chips.len()))
        .help("fewer neurons, or --slack 0 for as few cores as they fit in")
        .into());
    }
    let pairs = tiling.traffic(&board.name)?;
    let (slots, strategy) = place(&chip, measures.cores, &pairs, laying, &board.name)?;
    let division = tiling.division(Order::ChannelsFirst);
    let mesh = &chip.mesh;
    let routers = Routers::new(mesh.width, mesh.height, mesh.cores_per_router);
    let traffic = metrics::measure(&routers, &senders(&pairs, &slots));
    let tile = mesh.edge.as_ref().map_or((usize::from(mesh.width), usize::from(mesh.height)), |edge| {
        (usize::from(edge.tile.0), usize::from(edge.tile.1))
    });
    let (mut tiles, mut chips) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for slot in &slots {
        let (x, y) = routers.cell(*slot);
        tiles.insert((x, y));
        chips.insert((x / tile.0, y / tile.1));
    }
    let (crossings, border, inner) = borders(mesh, tile, &traffic.links);
    let is_barrier = matches!(chip.sync, crate::chip::SyncSpec::Barrier { .. });
    let barrier = is_barrier.then(|| chip.sync.barrier_time(u16::try_from(tiles.len()).unwrap_or(u16::MAX)));
    let laid = Laid {
        neurons: division.len() as u64,
        synapses: laying.layers.synapses(),
        digest: digest(&division, &slots, measures.cores),
        measures,
        chips: chips.len(),
        tiles: tiles.len(),
        strategy,
        traffic,
        crossings,
        border,
        inner,
        barrier,
    };
    Ok((chip, laid))
}

/// The physical core of every core of the division.
fn place(
    chip: &ChipSpec,
    cores: usize,
    pairs: &[(u32, u32, f64)],
    laying: &Laying<'_>,
    name: &str,
) -> Result<(Vec<u32>, String)> {
    let mesh = &chip.mesh;
    let mut routers = Routers::new(mesh.width, mesh.height, mesh.cores_per_router);
    routers.chip = mesh.edge.as_ref().map_or((0, 0), |edge| (edge.tile.0.into(), edge.tile.1.into()));
    (0..).zip(&mut routers.free).for_each(|(core, free)| *free = chip.is_alive(crate::ids::CoreId(core)));
    let flow = Flow::new(cores, pairs, name)?;
    let (cells, slot_of) = routers.flattened();
    let task = Task { flow: &flow, mesh: &cells, name, budget: laying.budget };
    let placed = place::place(&task, laying.strategy)?;
    Ok((placed.slot.iter().map(|cell| slot_of[*cell as usize]).collect(), placed.strategy))
}

/// Cores as senders: all that one sends to another in a step.
fn senders(pairs: &[(u32, u32, f64)], slots: &[u32]) -> Vec<Sender> {
    let sender = |&(from, to, spikes): &(u32, u32, f64)| Sender {
        from: slots[from as usize],
        spikes,
        to: vec![slots[to as usize]],
    };
    pairs.iter().map(sender).collect()
}

/// Of the core and the place of every neuron; places are counted up in network order.
fn digest(division: &[u32], slots: &[u32], cores: usize) -> Digest {
    let (mut digester, mut next) = (Digester::default(), vec![0_u32; cores]);
    for &core in division {
        let place = &mut next[core as usize];
        digester.word(u64::from(slots[core as usize]) << 32 | u64::from(*place));
        *place += 1;
    }
    digester.finish()
}

/// Packets over borders, the busiest line over one, and the busiest link inside of chips.
fn borders(mesh: &MeshSpec, tile: (usize, usize), links: &[f64]) -> (f64, Option<Busiest>, Option<Busiest>) {
    let width = usize::from(mesh.width);
    let shared = mesh.edge.as_ref().is_some_and(|edge| edge.side_packets_per_second.is_some());
    let mut sides = vec![0.0; links.len()];
    let (mut sum, mut inner): (f64, Option<(usize, f64)>) = (0.0, None);
    for (link, &packets) in links.iter().enumerate().filter(|(_, packets)| **packets > 0.0) {
        let (x, y, side) = (link / 4 % width, link / 4 / width, link % 4);
        let leaves = match side {
            0 => (x + 1).is_multiple_of(tile.0),
            1 => x.is_multiple_of(tile.0),
            2 => y.is_multiple_of(tile.1),
            _ => (y + 1).is_multiple_of(tile.1),
        };
        if leaves {
            sum += packets;
            let (x, y) = if shared { (x / tile.0 * tile.0, y / tile.1 * tile.1) } else { (x, y) };
            sides[(y * width + x) * 4 + side] += packets;
        } else if inner.is_none_or(|(_, most)| packets > most) {
            inner = Some((link, packets));
        }
    }
    let busiest = |(link, packets): (usize, f64)| Busiest {
        router: (link / 4 % width, link / 4 / width),
        side: link % 4,
        packets,
    };
    let most = sides.iter().copied().enumerate().filter(|(_, packets)| *packets > 0.0);
    let most = most.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    (sum, most.map(busiest), inner.map(busiest))
}
