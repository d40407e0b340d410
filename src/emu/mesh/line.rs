//! The lines of the mesh, rows and columns, each in its two directions; see [`super::sweep`].

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Packet;
use super::way::{Context, Course, Request, Stage, Way};

/// A mark for each of many things, that lines swept side by side set.
#[derive(Debug)]
pub(super) struct Marks(Vec<AtomicBool>);

impl Marks {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicBool::new(false)).collect())
    }

    pub(super) fn set_all(&self) {
        self.0.iter().for_each(|mark| mark.store(true, Ordering::Relaxed));
    }

    #[inline]
    pub(super) fn set(&self, number: usize) {
        self.0[number].store(true, Ordering::Relaxed);
    }

    /// Whether it was set; it is no more.
    #[inline]
    pub(super) fn take(&self, number: usize) -> bool {
        let mark = &self.0[number];
        mark.load(Ordering::Relaxed) && mark.swap(false, Ordering::Relaxed)
    }

    /// How many are set.
    pub(super) fn count(&self) -> usize {
        self.0.iter().filter(|mark| mark.load(Ordering::Relaxed)).count()
    }
}

/// What has to be computed again: rows, columns, and the exits of routers.
#[derive(Debug)]
pub(super) struct Dirty {
    pub rows: Marks,
    pub columns: Marks,
    pub routers: Marks,
}

/// A row: eastward and westward.
#[derive(Debug)]
pub(super) struct Row {
    pub y: u16,
    ways: [Way; 2],
    /// Its packets that set out, by (x, port of the source) and within them in the order in which the source offers.
    pub sources: Vec<(u16, u16, u32)>,
    /// The sources' requests, and where those of each place end; in this sweep and the one before.
    starts: Starts,
    before: Starts,
}

#[derive(Debug, Default)]
struct Starts {
    requests: Vec<Request>,
    ends: Vec<u32>,
}

impl Starts {
    fn at(&self, x: usize) -> &[Request] {
        let end = |x: usize| self.ends.get(x).map_or(0, |&end| end as usize);
        &self.requests[x.checked_sub(1).map_or(0, end)..end(x)]
    }
}

impl Row {
    pub(super) fn new(y: u16, width: u16) -> Self {
        // Packets to the east come in from the west.
        let way =
            |backwards| Way::new(Course { axis: 0, backwards, places: width, across: y, port: u16::from(!backwards) });
        let (starts, before) = (Starts::default(), Starts::default());
        Self { y, ways: [way(false), way(true)], sources: Vec::new(), starts, before }
    }

    /// Nothing is known of the tick.
    pub(super) fn begin(&mut self) {
        self.ways.iter_mut().for_each(Way::begin);
        self.sources.clear();
    }

    /// Requests of the row's inputs and sources to other lines, of the router at `x`.
    fn out(&self, x: usize) -> impl Iterator<Item = &Request> {
        let starts = self.starts.at(x).iter().filter(move |start| usize::from(start.to.0) == x);
        starts.chain(self.ways[0].leaving(x)).chain(self.ways[1].leaving(x))
    }

    /// Requests for the exits of the router at `x`.
    pub(super) fn exits(&self, x: usize, requests: &mut Vec<Request>) {
        requests.extend(self.out(x).filter(|request| request.to.1 == self.y));
    }

    /// When each source's packets ask for their first channel.
    fn set_out(&mut self, context: &Context, packets: &[Packet], width: usize) {
        std::mem::swap(&mut self.starts, &mut self.before);
        let Starts { requests, ends } = &mut self.starts;
        requests.clear();
        ends.clear();
        let (mut source, mut busy) = (None, 0);
        for &(x, port, packet) in &self.sources {
            let ready = packets[packet as usize].ready.0;
            ends.resize(usize::from(x), requests.len() as u32);
            if source == Some((x, port)) {
                if let Some(last) = requests.last_mut() {
                    last.limit = ready;
                }
            } else {
                (source, busy) = (Some((x, port)), 0);
            }
            let (at, to) = (ready.max(busy), context.routes[packet as usize].to);
            busy = at + context.assumed(packet, Stage::Start) + context.cycle;
            requests.push(Request { at, limit: u64::MAX, packet, to, port, stage: Stage::Start });
        }
        ends.resize(width, requests.len() as u32);
    }

    /// Computes the row anew. Columns and exits that get other requests than before have to follow, and the row itself,
    /// where something was assumed wrongly.
    pub(super) fn sweep(&mut self, context: &Context, packets: &[Packet], dirty: &Dirty) {
        let width = usize::from(self.ways[0].course.places);
        self.set_out(context, packets, width);
        let [east, west] = &mut self.ways;
        east.joins.clear();
        west.joins.clear();
        for x in 0..width {
            for start in self.starts.at(x) {
                let way = if usize::from(start.to.0) > x { &mut *east } else { &mut *west };
                if usize::from(start.to.0) != x {
                    way.join(x as u16, start);
                }
            }
        }
        let mut held = true;
        for way in &mut self.ways {
            let mut wrong = false;
            held &= way.sweep(context, |_| wrong = true) & !wrong;
        }
        if !held {
            dirty.rows.set(self.y.into());
        }
        for x in 0..width {
            if self.starts.at(x) != self.before.at(x) || self.ways.iter().any(|way| way.differs(x)) {
                dirty.columns.set(x);
                dirty.routers.set(usize::from(self.y) * width + x);
            }
        }
    }
}

/// A column: northward and southward.
#[derive(Debug)]
pub(super) struct Column {
    pub x: u16,
    ways: [Way; 2],
}

impl Column {
    pub(super) fn new(x: u16, height: u16) -> Self {
        // Packets to the north come in from the south.
        let way = |backwards| {
            Way::new(Course { axis: 1, backwards, places: height, across: x, port: 2 + u16::from(backwards) })
        };
        Self { x, ways: [way(true), way(false)] }
    }

    /// Nothing is known of the tick.
    pub(super) fn begin(&mut self) {
        self.ways.iter_mut().for_each(Way::begin);
    }

    /// Requests for the exits of the router at `y`.
    pub(super) fn exits(&self, y: usize, requests: &mut Vec<Request>) {
        self.ways.iter().for_each(|way| requests.extend(way.leaving(y)));
    }

    /// Computes the column anew. Exits that get other requests than before have to follow, rows whose packets waited
    /// otherwise than assumed, and the column itself, where something was assumed wrongly.
    pub(super) fn sweep(&mut self, context: &Context, rows: &[impl Deref<Target = Row>], width: usize, dirty: &Dirty) {
        let [north, south] = &mut self.ways;
        north.joins.clear();
        south.joins.clear();
        for (y, row) in rows.iter().enumerate() {
            row.out(usize::from(self.x)).for_each(|request| {
                let way = if usize::from(request.to.1) > y { &mut *south } else { &mut *north };
                if usize::from(request.to.1) != y {
                    way.join(y as u16, request);
                }
            });
        }
        let mut held = true;
        for way in &mut self.ways {
            let mut wrong: Vec<u32> = Vec::new();
            held &= way.sweep(context, |request| wrong.push(request.packet));
            // Few are wrong: where they joined is looked up.
            for join in way.joins.iter().filter(|join| wrong.contains(&join.request.packet)) {
                let y = if way.course.backwards { rows.len() - 1 - join.step as usize } else { join.step as usize };
                dirty.rows.set(y);
            }
        }
        if !held {
            dirty.columns.set(self.x.into());
        }
        (0..rows.len())
            .filter(|&y| self.ways.iter().any(|way| way.differs(y)))
            .for_each(|y| dirty.routers.set(y * width + usize::from(self.x)));
    }
}
