//! A tick's packets swept through the mesh line by line, instead of event by event.
//!
//! Without back-pressure and without blocking at the head of an input, routes in x before y make the mesh acyclic: a
//! row's links can be computed from its ends inwards, then the columns', then the exits, each channel serving the list
//! of all its requests by (time of request, port). What stands against that is only that a packet that leaves a line
//! holds its input until the next line's channel takes it, and that a full input holds the channel behind it. Both are
//! rare where the mesh is not full, and small where they happen. So both are **assumed** at first not to happen, computed
//! exactly afterwards, and where an assumption was wrong *and* mattered, corrected and the lines concerned are
//! swept again, until all hold.
//!
//! # Why the result is that of the events
//!
//! The rules of [`super`] are equations: a packet asks at `max(its arrival, end of the handshake before it in its
//! input)`; a channel takes the requests in order of (time, port), each at `max(request, end of the channel's last
//! handshake, end of the handshake that frees its slot)`. Cycles and hops take time, so each time follows from strictly
//! earlier ones: there is one solution, the one that the events step through. A sweep whose assumptions all hold
//! satisfies every equation, so it is that one. Where it does not settle in [`SWEEPS`] sweeps the caller lets
//! the events decide.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::crew::Crew;
use super::line::{Column, Dirty, Marks, Row};
use super::ports::SIDES;
use super::route::router_of;
use super::way::{Context, NUMBER, Request, Route, TIME};
use super::{Arrival, Packet};
use crate::chip::MeshSpec;
use crate::emu::counters::LinkLoad;
use crate::units::Picos;

/// Sweeps after which the events decide.
const SWEEPS: u32 = 8;
/// Mean hops of a packet from which on sweeps are worth it: their work is per packet, that of the events per hop.
const FAR: u64 = 12;

/// Lines that are worth a meeting of the threads.
const MANY: usize = 4;

/// Sweeps of a mesh within one chip.
#[derive(Debug)]
pub(super) struct Sweep {
    pub threads: usize,
    lines: Lines,
    /// Packets by (source, ready, tag), those of the host last.
    order: Vec<u32>,
    /// When each packet is at its core, to be sorted.
    words: Vec<u64>,
    /// Packets that enter less those that leave a direction of a line at each router, by [`LinkLoad`]'s numbers.
    steps: Vec<[i32; SIDES]>,
    /// Mean hops of a packet from which on it is tried.
    pub far: u64,
    /// Ticks for which sweeps are not tried, since the last did not settle, and how many it will be the next time.
    pause: (u32, u32),
}

/// What the threads of a sweep share.
#[derive(Debug)]
struct Lines {
    context: RwLock<Context>,
    cores: usize,
    rows: Vec<RwLock<Row>>,
    columns: Vec<RwLock<Column>>,
    exits: Vec<Mutex<Exits>>,
    dirty: Dirty,
    /// When each packet is at its core.
    arrived: RwLock<Vec<AtomicU64>>,
}

/// The phases of a sweep.
const ROWS: usize = 0;
const COLUMNS: usize = 1;
const EXITS: usize = 2;

impl Sweep {
    /// `None` where sweeps cannot be: links over chip edges, or hops that take no time.
    pub(super) fn new(spec: &MeshSpec, has_edges: bool) -> Option<Self> {
        let context = Context::new(spec)?;
        let routers = usize::from(spec.width) * usize::from(spec.height);
        (!has_edges).then(|| Self {
            threads: 1,
            lines: Lines {
                context: RwLock::new(context),
                cores: usize::from(spec.cores_per_router),
                exits: (0..usize::from(spec.height)).map(|y| Mutex::new(Exits { y, ..Exits::default() })).collect(),
                dirty: Dirty {
                    rows: Marks::new(spec.height.into()),
                    columns: Marks::new(spec.width.into()),
                    routers: Marks::new(routers),
                },
                rows: (0..spec.height).map(|y| RwLock::new(Row::new(y, spec.width))).collect(),
                columns: (0..spec.width).map(|x| RwLock::new(Column::new(x, spec.height))).collect(),
                arrived: RwLock::default(),
            },
            order: Vec::new(),
            words: Vec::new(),
            steps: vec![[0; SIDES]; routers],
            far: FAR,
            pause: (0, 1),
        })
    }

    /// As [`super::Mesh::deliver`], or `false` where the events have to decide.
    pub(super) fn deliver(
        &mut self,
        spec: &MeshSpec,
        packets: &[Packet],
        arrivals: &mut Vec<Arrival>,
        links: &mut [LinkLoad],
    ) -> bool {
        if self.pause.0 > 0 {
            self.pause.0 -= 1;
            return false;
        }
        // On a small mesh no packet goes far: there is nothing to look at.
        if u64::from(spec.width) + u64::from(spec.height) < self.far + 2 && self.far > 0 {
            return false;
        }
        let routes = &mut self.lines.context.get_mut().unwrap_or_else(PoisonError::into_inner).routes;
        routes.clear();
        routes.extend(packets.iter().map(|packet| Route {
            from: packet.from.map_or(spec.host, |core| router_of(spec, core)),
            to: router_of(spec, packet.to),
        }));
        if routes.iter().map(Route::hops).sum::<u64>() < self.far * packets.len() as u64 {
            return false;
        }
        // Later times and more packets are left to the events.
        let fits = packets.len() >> NUMBER == 0 && packets.iter().all(|packet| packet.ready.0 >> TIME == 0);
        if !fits || !self.settles(spec, packets) {
            // Traffic is alike from tick to tick: after a failure the next trial waits, longer each time.
            self.pause = (self.pause.1, (self.pause.1 * 2).min(256));
            return false;
        }
        self.pause = (0, 1);
        self.arrive(packets, arrivals);
        self.count(links);
        true
    }

    /// Sweeps the tick on all threads; whether all assumptions hold in the end.
    fn settles(&mut self, spec: &MeshSpec, packets: &[Packet]) -> bool {
        let (lines, order, crew) = (&self.lines, &mut self.order, Crew::new(self.threads));
        let work = |phase| lines.sweep(packets, phase, &crew);
        crew.start(&work, || {
            // Meanwhile the other threads start.
            lines.load(spec, packets, order);
            lines.settle(&crew, &work)
        })
    }

    /// Lists the arrivals in order of (time, tag).
    fn arrive(&mut self, packets: &[Packet], arrivals: &mut Vec<Arrival>) {
        arrivals.clear();
        let arrived = self.lines.arrived.get_mut().unwrap_or_else(PoisonError::into_inner);
        let times = || arrived.iter().map(|at| at.load(Ordering::Relaxed)).zip(packets.iter().map(|one| one.tag));
        if times().all(|(at, tag)| at >> TIME == 0 && tag >> NUMBER == 0) {
            // One word sorts faster than two.
            self.words.clear();
            self.words.extend(times().map(|(at, tag)| at << NUMBER | u64::from(tag)));
            self.words.sort_unstable();
            let arrival = |word: &u64| Arrival { at: Picos(word >> NUMBER), tag: (word & ((1 << NUMBER) - 1)) as u32 };
            arrivals.extend(self.words.iter().map(arrival));
        } else {
            arrivals.extend(times().map(|(at, tag)| Arrival { at: Picos(at), tag }));
            arrivals.sort_unstable_by_key(|arrival| (arrival.at, arrival.tag));
        }
    }

    /// Adds the tick to the loads of the links.
    fn count(&mut self, links: &mut [LinkLoad]) {
        let (width, height) = (self.lines.columns.len(), self.lines.rows.len());
        for route in &read(&self.lines.context).routes {
            let [from, to] = [route.from, route.to].map(|(x, y)| (usize::from(x), usize::from(y)));
            let (side_x, side_y) = (usize::from(to.0 < from.0), 2 + usize::from(to.1 > from.1));
            self.steps[from.1 * width + from.0][side_x] += 1;
            self.steps[from.1 * width + to.0][side_x] -= 1;
            self.steps[from.1 * width + to.0][side_y] += 1;
            self.steps[to.1 * width + to.0][side_y] -= 1;
        }
        let mut add = |running: &mut i32, steps: &mut i32, link: usize| {
            *running += std::mem::take(steps);
            links[link].packets += *running as u64;
            links[link].peak = links[link].peak.max(*running as u32);
        };
        for y in 0..height {
            let mut running = [0; 2];
            for (x, back) in (0..width).zip((0..width).rev()) {
                let (east, west) = (y * width + x, y * width + back);
                add(&mut running[0], &mut self.steps[east][0], east * SIDES);
                add(&mut running[1], &mut self.steps[west][1], west * SIDES + 1);
            }
        }
        for x in 0..width {
            let mut running = [0; 2];
            for (y, back) in (0..height).zip((0..height).rev()) {
                let (south, north) = (y * width + x, back * width + x);
                add(&mut running[0], &mut self.steps[north][2], north * SIDES + 2);
                add(&mut running[1], &mut self.steps[south][3], south * SIDES + 3);
            }
        }
    }
}

impl Lines {
    /// Gives each row the packets that set out in it; `order` is room for their order.
    fn load(&self, spec: &MeshSpec, packets: &[Packet], order: &mut Vec<u32>) {
        let source = |packet: u32| packets[packet as usize].from.map_or(u32::MAX, |core| core.0);
        let key = |packet: u32| {
            let Packet { ready, tag, .. } = packets[packet as usize];
            (source(packet), ready, tag)
        };
        let all = 0..packets.len() as u32;
        order.clear();
        order.extend(all.clone().filter(|&packet| source(packet) != u32::MAX));
        order.extend(all.filter(|&packet| source(packet) == u32::MAX));
        if !order.is_sorted_by_key(|&packet| key(packet)) {
            order.sort_unstable_by_key(|&packet| key(packet));
        }
        let mut context = write(&self.context);
        context.begin();
        let mut arrived = write(&self.arrived);
        arrived.clear();
        arrived.resize_with(packets.len(), AtomicU64::default);
        [&self.dirty.rows, &self.dirty.columns, &self.dirty.routers].into_iter().for_each(Marks::set_all);
        self.columns.iter().for_each(|column| write(column).begin());
        let mut rows: Vec<_> = self.rows.iter().map(write).collect();
        rows.iter_mut().for_each(|row| row.begin());
        for &packet in &*order {
            let from = packets[packet as usize].from;
            let (x, y) = context.routes[packet as usize].from;
            let port = SIDES + from.map_or(self.cores, |core| core.index() % self.cores);
            rows[usize::from(y)].sources.push((x, port as u16, packet));
        }
        // The host is a source of its router like its cores.
        rows[usize::from(spec.host.1)].sources.sort_by_key(|&(x, port, _)| (x, port));
    }

    /// Sweeps until all assumptions hold; whether they do.
    fn settle(&self, crew: &Crew, work: &impl Fn(usize)) -> bool {
        let dirty = &self.dirty;
        for _ in 0..SWEEPS {
            for (phase, lines) in [(ROWS, &dirty.rows), (COLUMNS, &dirty.columns), (EXITS, &dirty.routers)] {
                crew.all(phase, lines.count() >= MANY, work);
                if read(&self.context).is_crowded() {
                    return false;
                }
            }
            if dirty.rows.count() + dirty.columns.count() == 0 {
                return true;
            }
        }
        false
    }

    /// One thread's share of a phase.
    fn sweep(&self, packets: &[Packet], phase: usize, crew: &Crew) {
        let (context, dirty, width) = (&*read(&self.context), &self.dirty, self.columns.len());
        if phase == ROWS {
            for y in crew.items(self.rows.len()).filter(|&y| dirty.rows.take(y)) {
                write(&self.rows[y]).sweep(context, packets, dirty);
            }
        } else if phase == COLUMNS {
            let rows: Vec<_> = self.rows.iter().map(read).collect();
            for x in crew.items(width).filter(|&x| dirty.columns.take(x)) {
                write(&self.columns[x]).sweep(context, &rows, width, dirty);
            }
        } else {
            let columns: Vec<_> = self.columns.iter().map(read).collect();
            let target = |packet: u32| packets[packet as usize].to.index() % self.cores;
            let arrived = &*read(&self.arrived);
            for y in crew.items(self.rows.len()) {
                let mut exits = self.exits[y].lock().unwrap_or_else(PoisonError::into_inner);
                exits.leave(context, (&read(&self.rows[y]), &columns), dirty, (self.cores, target), arrived);
            }
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The exits to the cores of a row's routers.
#[derive(Debug, Default)]
struct Exits {
    y: usize,
    /// When each exit's last handshake ends, of one router, and the requests there.
    free: Vec<u64>,
    requests: Vec<Request>,
}

impl Exits {
    /// The exits of the routers that have other requests than before.
    fn leave(
        &mut self,
        context: &Context,
        (row, columns): (&Row, &[impl Deref<Target = Column>]),
        dirty: &Dirty,
        (cores, target): (usize, impl Fn(u32) -> usize),
        arrived: &[AtomicU64],
    ) {
        for (x, column) in columns.iter().enumerate() {
            if !dirty.routers.take(self.y * columns.len() + x) {
                continue;
            }
            self.requests.clear();
            row.exits(x, &mut self.requests);
            column.exits(self.y, &mut self.requests);
            self.requests.sort_unstable_by_key(Request::key);
            self.free.clear();
            self.free.resize(cores, 0);
            for request in &self.requests {
                let free = &mut self.free[target(request.packet)];
                let granted = request.at.max(*free);
                *free = granted + context.cycle;
                arrived[request.packet as usize].store(granted + context.local, Ordering::Relaxed);
                if !context.holds(request, granted) {
                    match request.port {
                        2 | 3 => dirty.columns.set(x),
                        _ => dirty.rows.set(self.y),
                    }
                }
            }
        }
    }
}
