//! One direction of a line of the mesh, swept; see [`super::sweep`].
//!
//! Along a direction a packet that nobody stands in the way of keeps its **phase**, the time at which it would have
//! been at the line's first place. Packets whose phases are a cycle apart never meet. So they are sorted by
//! phase: those that stand alone are done, and only the others, in **crowds**, are followed from place to place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::chip::MeshSpec;
use crate::units::Picos;

/// The first packet of an input that is not the line's own asks for a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub at: u64,
    /// The latest end of its handshake that no packet behind it in its input, nor that input's slots, would notice.
    pub limit: u64,
    pub packet: u32,
    pub to: (u16, u16),
    /// Port of its input: the sides east, west, north, south, then cores, then the host.
    pub port: u16,
    /// Which of the packet's waits it is.
    pub stage: Stage,
}

impl Request {
    /// In which order a channel serves.
    pub(super) const fn key(&self) -> (u64, u16) {
        (self.at, self.port)
    }
}

/// Where a packet can wait for a channel of another line than its input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Start,
    Turn,
    Exit,
}

/// Bits of the times that sweeps handle: 17 seconds, in one word with the number of a packet.
pub(super) const TIME: u32 = 44;
/// Bits that are left for the number.
pub(super) const NUMBER: u32 = u64::BITS - TIME;

/// Where a packet enters and leaves the mesh.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub from: (u16, u16),
    pub to: (u16, u16),
}

impl Route {
    /// Links that it crosses.
    pub(super) fn hops(&self) -> u64 {
        u64::from(self.from.0.abs_diff(self.to.0)) + u64::from(self.from.1.abs_diff(self.to.1))
    }
}

/// What all lines share: the times of the mesh, and the assumed waits of the tick's packets.
#[derive(Debug)]
pub(super) struct Context {
    hop: [u64; 2],
    pub local: u64,
    pub cycle: u64,
    buffer: usize,
    /// By how much a packet's handshake must end earlier than the next packet is there, for the slots' sake.
    early: [u64; 2],
    /// Difference of phases from which on two packets have nothing to do with each other.
    apart: [u64; 2],
    /// Assumed waits of each packet, by [`Stage`]. While lines are swept side by side, only the line that grants a
    /// packet's request corrects its wait, and only those swept at other times read it.
    waits: Vec<[AtomicU64; 3]>,
    /// Routers of each packet's source and destination.
    pub routes: Vec<Route>,
    /// So many packets meet that sweeping is not worth it.
    crowded: AtomicBool,
}

/// How often a packet of a direction may be followed in the mean; more is left to the events.
const FOLLOWED: usize = 8;

impl Context {
    /// `None` where a hop takes no time, or any time of the mesh is 67 us and more.
    pub(super) fn new(spec: &MeshSpec) -> Option<Self> {
        let picos = |time: Option<Picos>| time.unwrap_or(Picos::ZERO).0;
        let (hop, local, cycle) = ([picos(spec.hop_x), picos(spec.hop_y)], picos(spec.local), picos(spec.cycle).max(1));
        let moderate = hop.iter().chain([&cycle, &local]).all(|&time| time < 1 << 26);
        if !moderate || hop.contains(&0) {
            return None;
        }
        let buffer = usize::from(spec.buffer.max(1));
        // Packets follow each other at a cycle: the one `buffer` places behind comes at least `buffer - 1` cycles later.
        let rest = cycle * (buffer as u64 - 1);
        Some(Self {
            hop,
            local,
            cycle,
            buffer,
            early: hop.map(|hop| (hop + 1).saturating_sub(rest)),
            apart: hop.map(|hop| if hop <= rest { cycle } else { hop + cycle }),
            waits: Vec::new(),
            routes: Vec::new(),
            crowded: AtomicBool::new(false),
        })
    }

    /// Nothing is known of the waits of the packets that `routes` has.
    pub(super) fn begin(&mut self) {
        self.waits.clear();
        self.waits.resize_with(self.routes.len(), Default::default);
        *self.crowded.get_mut() = false;
    }

    /// Whether a direction has given up.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    pub(super) fn assumed(&self, packet: u32, stage: Stage) -> u64 {
        self.waits[packet as usize][stage as usize].load(Ordering::Relaxed)
    }

    /// Whether what was assumed of a request's wait holds, or makes no difference; corrected where not.
    pub(super) fn holds(&self, request: &Request, granted: u64) -> bool {
        let assumed = self.assumed(request.packet, request.stage);
        let wait = granted - request.at;
        if wait == assumed || request.at + wait.max(assumed) + self.cycle <= request.limit {
            return true;
        }
        self.waits[request.packet as usize][request.stage as usize].store(wait, Ordering::Relaxed);
        false
    }
}

/// Where a direction of a line runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// 0 along x, 1 along y.
    pub axis: usize,
    /// Towards smaller coordinates.
    pub backwards: bool,
    pub places: u16,
    /// The line's other coordinate.
    pub across: u16,
    /// Port of the input that its packets come in by.
    pub port: u16,
}

impl Course {
    /// Number of a place in the direction.
    const fn step(&self, to: (u16, u16)) -> u32 {
        let place = if self.axis == 0 { to.0 } else { to.1 };
        (if self.backwards { self.places - 1 - place } else { place }) as u32
    }

    /// What the packet asks for where it leaves the line.
    const fn stage(&self, to: (u16, u16)) -> Stage {
        if self.axis == 0 && to.1 != self.across { Stage::Turn } else { Stage::Exit }
    }
}

/// A packet that joins a direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Join {
    pub request: Request,
    pub step: u32,
}

/// A packet on its way along a line: when it is in the next place's input.
#[derive(Debug, Clone, Copy)]
struct Item {
    at: u64,
    packet: u32,
    to: (u16, u16),
}

/// Earliest grants that full inputs assert, by step and packet.
type Floors = BTreeMap<(u32, u32), u64>;

/// Phase and number of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn(u64);

impl Turn {
    const fn new(phase: u64, number: usize) -> Self {
        Self(phase << NUMBER | number as u64)
    }

    const fn phase(self) -> u64 {
        self.0 >> NUMBER
    }

    const fn number(self) -> usize {
        (self.0 & ((1 << NUMBER) - 1)) as usize
    }
}

/// One direction of a line.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub course: Course,
    pub joins: Vec<Join>,
    /// The joins by phase, each in one word that sorts fast.
    order: Vec<Turn>,
    /// Packets that left the line, by step, in this sweep and in the one before.
    leaving: Vec<Vec<Request>>,
    before: Vec<Vec<Request>>,
    floors: Floors,
    crowd: Crowd,
}

impl Way {
    pub(super) fn new(course: Course) -> Self {
        let none = vec![Vec::new(); usize::from(course.places)];
        let (leaving, before) = (none.clone(), none);
        let (joins, order, floors, crowd) = (Vec::new(), Vec::new(), Floors::new(), Crowd::default());
        Self { course, joins, order, leaving, before, floors, crowd }
    }

    pub(super) fn begin(&mut self) {
        self.floors.clear();
    }

    /// Requests of those that left the line at a place.
    pub(super) fn leaving(&self, place: usize) -> &[Request] {
        &self.leaving[self.index(place)]
    }

    /// Whether other packets, or at other times, left the line at a place than in the sweep before.
    pub(super) fn differs(&self, place: usize) -> bool {
        let step = self.index(place);
        self.leaving[step] != self.before[step]
    }

    fn index(&self, place: usize) -> usize {
        if self.course.backwards { self.leaving.len() - 1 - place } else { place }
    }

    /// A packet joins at a place.
    #[inline]
    pub(super) fn join(&mut self, place: u16, request: &Request) {
        let step = self.course.step((place, place));
        self.joins.push(Join { request: *request, step });
    }

    /// Computes the direction from its joins. Whether all that was assumed of it holds; joining packets of which it does
    /// not are given to `wrong`.
    pub(super) fn sweep(&mut self, context: &Context, mut wrong: impl FnMut(&Request)) -> bool {
        std::mem::swap(&mut self.leaving, &mut self.before);
        self.leaving.iter_mut().for_each(Vec::clear);
        let (course, places) = (self.course, u64::from(self.course.places));
        let (hop, apart) = (context.hop[course.axis], context.apart[course.axis]);
        self.order.clear();
        let phase = |join: &Join| join.request.at + (places - u64::from(join.step)) * hop;
        if self.joins.iter().any(|join| phase(join) >> TIME > 0) {
            return false;
        }
        self.order.extend(self.joins.iter().enumerate().map(|(number, join)| Turn::new(phase(join), number)));
        self.order.sort_unstable();
        let (mut held, mut first, mut steps) = (true, 0, FOLLOWED * self.joins.len());
        while let Some(&turn) = self.order.get(first) {
            let phase = turn.phase();
            let alone = |join: &Join| apart + context.assumed(join.request.packet, course.stage(join.request.to));
            let join = self.joins[turn.number()];
            let next = self.phase_of(first + 1);
            if phase + alone(&join) <= next {
                self.leave(context, &join, phase, next);
                if !context.holds(&join.request, join.request.at) {
                    wrong(&join.request);
                }
                first += 1;
                continue;
            }
            if let Some(granted) = self.pair(context, first) {
                for (request, granted) in granted {
                    if !context.holds(&request, granted) {
                        wrong(&request);
                    }
                }
                first += 2;
                continue;
            }
            let Some(end) = self.follow(context, first, &mut steps) else {
                context.crowded.store(true, Ordering::Relaxed);
                return false;
            };
            for (request, granted) in self.crowd.granted.drain(..) {
                if !context.holds(&request, granted) {
                    wrong(&request);
                }
            }
            for request in self.crowd.left.drain(..) {
                self.leaving[course.step(request.to) as usize].push(request);
            }
            held &= self.crowd.floors.is_empty();
            self.floors.extend(self.crowd.floors.drain(..));
            first = end;
        }
        held
    }

    /// Phase of a place of the order; the end of time where there is none.
    fn phase_of(&self, place: usize) -> u64 {
        self.order.get(place).map_or(u64::MAX, |next| next.phase())
    }

    /// A packet leaves the line with this phase; `next` is that of whoever can be behind it.
    fn leave(&mut self, context: &Context, join: &Join, phase: u64, next: u64) {
        let course = self.course;
        let Request { packet, to, .. } = join.request;
        let (until, stage) = (course.step(to), course.stage(to));
        let past = u64::from(u32::from(course.places) - until) * context.hop[course.axis];
        let limit = next.saturating_sub(past + context.early[course.axis]);
        let (at, port) = (phase - past, course.port);
        self.leaving[until as usize].push(Request { at, limit, packet, to, port, stage });
    }

    /// Two packets that meet nobody but each other, at most once: from then on they are a cycle apart. What they joined
    /// with and when that was granted; `None`, and nothing done, where it is not so.
    fn pair(&mut self, context: &Context, first: usize) -> Option<[(Request, u64); 2]> {
        let (course, cycle) = (self.course, context.cycle);
        let (&a, &b) = (self.order.get(first)?, self.order.get(first + 1)?);
        let next = self.phase_of(first + 2);
        let (mut phase, mut later) = (a.phase(), b.phase());
        let (mut join, mut other) = (self.joins[a.number()], self.joins[b.number()]);
        let waits = |join: &Join| context.assumed(join.request.packet, course.stage(join.request.to)) > 0;
        if !self.floors.is_empty() || context.apart[course.axis] != cycle || waits(&join) || waits(&other) {
            return None;
        }
        let met = join.step.max(other.step);
        let meet = met < course.step(join.request.to).min(course.step(other.request.to));
        let mut delay = 0;
        if meet {
            let port = |join: &Join| if join.step == met { join.request.port } else { course.port };
            if (later, port(&other)) < (phase, port(&join)) {
                (join, other, phase, later) = (other, join, later, phase);
            }
            delay = (phase + cycle).saturating_sub(later);
        }
        if later.max(phase) + delay + cycle > next {
            return None;
        }
        let behind = if meet { later + delay } else { next };
        self.leave(context, &join, phase, behind);
        self.leave(context, &other, later + delay, next);
        // Who came along the line waits in its input, who joins waits for its grant.
        let waited = if other.step == met { delay } else { 0 };
        Some([(join.request, join.request.at), (other.request, other.request.at + waited)])
    }

    /// Follows the crowd that begins at a place of the order, as far as it reaches; where the next one begins, or `None`
    /// where that takes more packets' `steps` than there are left: a crowd that reaches the next is followed anew with it.
    fn follow(&mut self, context: &Context, first: usize, steps: &mut usize) -> Option<usize> {
        let (course, apart) = (self.course, context.apart[self.course.axis]);
        let (mut end, mut latest) = (first, 0);
        loop {
            while let Some(&turn) = self.order.get(end).filter(|next| end == first || next.phase() < latest) {
                let Request { packet, to, .. } = self.joins[turn.number()].request;
                latest = latest.max(turn.phase() + apart + context.assumed(packet, course.stage(to)));
                end += 1;
            }
            *steps = steps.checked_sub(end - first)?;
            let crowd = &mut self.crowd;
            crowd.joins.clear();
            crowd.joins.extend(self.order[first..end].iter().map(|turn| self.joins[turn.number()]));
            let next = self.order.get(end).map_or(u64::MAX, |next| next.phase());
            latest = latest.max(crowd.move_on(context, course, &self.floors, next) + apart - context.cycle);
            if latest <= next {
                return Some(end);
            }
        }
    }
}

/// Packets of one direction that may meet, and what becomes of them.
#[derive(Debug, Clone, Default)]
struct Crowd {
    joins: Vec<Join>,
    /// Joining packets with their grants.
    granted: Vec<(Request, u64)>,
    left: Vec<Request>,
    /// New or other floors.
    floors: Vec<((u32, u32), u64)>,
    flow: Vec<Item>,
    next: Vec<Item>,
    /// Ends of the handshakes that take packets out of the input at hand.
    freed: Vec<u64>,
}

impl Crowd {
    /// Moves the crowd from place to place, where nobody else is until the phase `next`; the phase at which the last
    /// of its handshakes ends.
    fn move_on(&mut self, context: &Context, course: Course, floors: &Floors, next: u64) -> u64 {
        self.joins.sort_unstable_by_key(|join| (join.step, join.request.key()));
        self.granted.clear();
        self.left.clear();
        self.floors.clear();
        self.flow.clear();
        let (hop, places) = (context.hop[course.axis], u64::from(course.places));
        // What comes over a channel is a cycle apart, and stays so until somebody joins or leaves.
        let steady = floors.is_empty() && context.apart[course.axis] == context.cycle;
        let (mut asked, mut latest) = (0, 0);
        let mut step = self.joins.first().map_or(0, |join| join.step);
        loop {
            let asking = self.joins[asked..].iter().take_while(|join| join.step == step).count();
            let past = (places - u64::from(step)) * hop;
            let beyond = next.saturating_sub(past + context.early[course.axis]);
            let end = self.step(context, course, floors, step, asked..asked + asking, beyond);
            asked += asking;
            latest = latest.max(end + past);
            let joins = self.joins.get(asked).map(|join| join.step);
            let Some(then) = self.flow.iter().map(|item| course.step(item.to)).chain(joins).min() else { break };
            let then = if steady || self.flow.is_empty() { then } else { step + 1 };
            let way = u64::from(then - step - 1) * hop;
            self.flow.iter_mut().for_each(|item| item.at += way);
            step = then;
        }
        latest
    }

    /// One place: packets come in from the place before (`flow`), some leave the line, the others and those that
    /// ask to join go on. When the last handshake ends.
    fn step(
        &mut self,
        context: &Context,
        course: Course,
        floors: &Floors,
        step: u32,
        asking: std::ops::Range<usize>,
        beyond: u64,
    ) -> u64 {
        let (hop, early) = (context.hop[course.axis], context.early[course.axis]);
        let cycle = context.cycle;
        let Self { joins, granted, left, floors: wrong, flow, next, freed } = self;
        next.clear();
        freed.clear();
        let mut asks = joins[asking].iter().map(|join| &join.request).peekable();
        let (mut free, mut busy, mut last_left) = (0, 0, None);
        // The channel takes a packet.
        let grant = |at: u64, free: u64, packet: u32, to: (u16, u16), next: &mut Vec<Item>| {
            let floor = if floors.is_empty() { 0 } else { floors.get(&(step, packet)).copied().unwrap_or(0) };
            let grant = at.max(free).max(floor);
            next.push(Item { at: grant + hop, packet, to });
            grant
        };
        for (number, &Item { at, packet, to }) in flow.iter().enumerate() {
            let sent = at - hop;
            if busy > sent || !floors.is_empty() {
                // Was the slot that this packet took free by then, and not before, where it waited for it?
                let needed = number.checked_sub(context.buffer).map_or(0, |number| freed[number]);
                let had = floors.get(&(step - 1, packet)).copied().unwrap_or(0);
                if needed > sent || (had == sent && needed < had) {
                    wrong.push(((step - 1, packet), needed));
                }
            }
            if let Some(last) = last_left.take() {
                let last: &mut Request = &mut left[last];
                last.limit = at.saturating_sub(early);
            }
            let asks_at = at.max(busy);
            if course.step(to) == step {
                let stage = course.stage(to);
                last_left = Some(left.len());
                left.push(Request { at: asks_at, limit: beyond, packet, to, port: course.port, stage });
                busy = asks_at + context.assumed(packet, stage) + cycle;
            } else {
                while let Some(&ask) = asks.next_if(|ask| ask.key() < (asks_at, course.port)).as_ref() {
                    let time = grant(ask.at, free, ask.packet, ask.to, next);
                    free = time + cycle;
                    granted.push((*ask, time));
                }
                free = grant(asks_at, free, packet, to, next) + cycle;
                busy = free;
            }
            freed.push(busy);
        }
        for ask in asks {
            let time = grant(ask.at, free, ask.packet, ask.to, next);
            free = time + cycle;
            granted.push((*ask, time));
        }
        std::mem::swap(flow, next);
        free.max(busy)
    }
}
