//! The lines of the mesh, rows and columns, each in its two directions; see [`super::sweep`].

use super::Packet;
use super::way::{Context, Course, Request, Stage, Way};

/// A row: eastward and westward.
#[derive(Debug, Clone)]
pub(super) struct Row {
    y: u16,
    ways: [Way; 2],
    /// Its packets that set out, by (x, port of the source) and within them in the order in which the source offers.
    pub sources: Vec<(u16, u16, u32)>,
    /// The sources' requests, and where those of each place end; in this sweep and the one before.
    starts: Starts,
    before: Starts,
    /// It has to be swept.
    pub dirty: bool,
}

#[derive(Debug, Clone, Default)]
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
        Self { y, ways: [way(false), way(true)], sources: Vec::new(), starts, before, dirty: true }
    }

    /// Nothing is known of the tick.
    pub(super) fn begin(&mut self) {
        self.ways.iter_mut().for_each(Way::begin);
        self.sources.clear();
        self.dirty = true;
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
            let (at, to) = (ready.max(busy), context.to[packet as usize]);
            busy = at + context.assumed(packet, Stage::Start) + context.cycle;
            requests.push(Request { at, limit: u64::MAX, packet, to, port, stage: Stage::Start });
        }
        ends.resize(width, requests.len() as u32);
    }

    /// Computes the row anew; `changed` gets the places whose requests to other lines are others than before.
    pub(super) fn sweep(&mut self, context: &mut Context, packets: &[Packet], mut changed: impl FnMut(usize)) {
        let width = usize::from(self.ways[0].course.places);
        self.set_out(context, packets, width);
        let mut held = true;
        for way in &mut self.ways {
            way.joins.clear();
            for x in 0..width {
                self.starts.at(x).iter().for_each(|start| way.join(x as u16, start));
            }
            let mut wrong = false;
            held &= way.sweep(context, |_| wrong = true) & !wrong;
        }
        self.dirty = !held;
        let differs = |x: usize| self.starts.at(x) != self.before.at(x) || self.ways.iter().any(|way| way.differs(x));
        (0..width).filter(|&x| differs(x)).for_each(&mut changed);
    }
}

/// A column: northward and southward.
#[derive(Debug, Clone)]
pub(super) struct Column {
    x: u16,
    ways: [Way; 2],
    /// It has to be swept.
    pub dirty: bool,
}

impl Column {
    pub(super) fn new(x: u16, height: u16) -> Self {
        // Packets to the north come in from the south.
        let way = |backwards| {
            Way::new(Course { axis: 1, backwards, places: height, across: x, port: 2 + u16::from(backwards) })
        };
        Self { x, ways: [way(true), way(false)], dirty: true }
    }

    /// Nothing is known of the tick.
    pub(super) fn begin(&mut self) {
        self.ways.iter_mut().for_each(Way::begin);
        self.dirty = true;
    }

    /// Requests for the exits of the router at `y`.
    pub(super) fn exits(&self, y: usize, requests: &mut Vec<Request>) {
        self.ways.iter().for_each(|way| requests.extend(way.leaving(y)));
    }

    /// Computes the column anew; `changed` gets the places whose requests for exits are others than before, and rows
    /// whose packets waited otherwise than assumed have to be swept again.
    pub(super) fn sweep(&mut self, context: &mut Context, rows: &mut [Row], mut changed: impl FnMut(usize)) {
        let mut held = true;
        for way in &mut self.ways {
            way.joins.clear();
            for (y, row) in rows.iter().enumerate() {
                row.out(usize::from(self.x)).for_each(|request| way.join(y as u16, request));
            }
            let mut wrong: Vec<u32> = Vec::new();
            held &= way.sweep(context, |request| wrong.push(request.packet));
            // Few are wrong: where they joined is looked up.
            for join in way.joins.iter().filter(|join| wrong.contains(&join.request.packet)) {
                let y = if way.course.backwards { rows.len() - 1 - join.step as usize } else { join.step as usize };
                rows[y].dirty = true;
            }
        }
        self.dirty = !held;
        (0..rows.len()).filter(|&y| self.ways.iter().any(|way| way.differs(y))).for_each(&mut changed);
    }
}
