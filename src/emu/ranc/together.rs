//! Whole ticks at once, where all cores take the same tick and nothing stalls.
//!
//! Cores are in step then: neuron `n` of each hands its spike over at the same edge, and packets of one neuron number have
//! mostly arrived before those of the next set out. So a tick is a list of volleys ([`Volleys`]). Of most it is known beforehand
//! that nobody in it meets anybody, and when each arrives; where some meet, [`Crowds`] tells it in closed form. Where
//! packets from outside are met, [`Crossings`] follows them, and where that cannot be decided either, the cores go on one by
//! one from that neuron on, event by event.

mod meet;

use super::chip::RancInput;
use super::fast::{Fast, Feed};
use super::trace::RancTrace;
use super::volley::{Landing, Ones, Volleys};
use crate::chip::RancParams;
use crate::emu::mesh::clocked::{Crossings, Crowds, Departure, Flit, MergeMeshSpec, Path, Shot, flight_time};
use crate::emu::neurocore::EventRancCore;
use meet::Met;

/// What a tick at once needs, and room for its work.
#[derive(Debug, Clone)]
pub(super) struct Together {
    volleys: Volleys,
    neurons: usize,
    /// Cycles of one neuron.
    pitch: u64,
    width: u32,
    /// The longest delay: its row is the one in work.
    late: u32,
    /// Cycles of the longest way.
    reach: u64,
    /// Places of a router's buffer.
    depth: u32,
    crowds: Crowds,
    crossings: Crossings,
    /// One crowd: who sets out.
    crowd: Vec<Shot>,
    /// Those of it, or all, with packets from outside that may be met.
    departures: Vec<Departure>,
    /// Packets from outside that may be met: which, their ways, and how long after the volley they set out.
    inputs: Vec<usize>,
    ways: Vec<(Path, i64)>,
    /// Of this tick: packets from outside that have arrived ahead of others.
    arrived: Vec<usize>,
    /// Of one volley: who arrives when, and which packets from outside are among them.
    landings: Vec<Arrival>,
    held: Vec<usize>,
}

/// Cycles from the volley's departure and the position, as one number to sort by; axon and delay.
type Arrival = (u64, u32, u32);

const fn arrival(flight: u64, to: u32, flit: Flit) -> Arrival {
    (flight << 32 | to as u64, flit.axon, flit.delay)
}

/// A tick's edges.
#[derive(Debug, Clone, Copy)]
struct Span {
    tick: u64,
    /// The row is cleared.
    clear: u64,
    /// The first edge that is no longer this tick's.
    end: u64,
    /// Packets from outside of this tick: they are done up to `input`.
    input: usize,
    inputs_end: usize,
}

impl Together {
    /// None where packets can meet in every tick: no room in the buffers, or spikes for the row in work.
    pub(super) fn new(params: &RancParams, cores: &[Option<EventRancCore>], mesh: &MergeMeshSpec) -> Option<Self> {
        if params.router_buffer_depth.min(params.input_buffer_depth) < 2 {
            return None;
        }
        let crowds = Crowds::new(mesh);
        Some(Self {
            volleys: Volleys::new(params, cores, &crowds)?,
            neurons: params.num_neurons as usize,
            pitch: u64::from(params.num_axons) + 2,
            width: params.grid_x,
            late: params.num_ticks - 1,
            depth: params.router_buffer_depth,
            reach: 2 * u64::from(params.grid_x + params.grid_y + 1),
            crowds,
            crossings: Crossings::new(mesh),
            crowd: Vec::new(),
            departures: Vec::new(),
            inputs: Vec::new(),
            ways: Vec::new(),
            arrived: Vec::new(),
            landings: Vec::new(),
            held: Vec::new(),
        })
    }

    /// The tick's edges, where its packets from outside allow for it.
    fn span(&self, tick: u64, feed: &Feed<'_>) -> Option<Span> {
        let clear = tick + 3 + self.neurons as u64 * self.pitch;
        let end = feed.next_tick().unwrap_or(u64::MAX).min(feed.cycles());
        // The next tick may come with the clearing edge, but that has to be run.
        if end < clear || feed.cycles() <= clear {
            return None;
        }
        // Spikes of the last neuron are under way after the row is cleared.
        let until = (clear + 2 * self.reach).min(end);
        let packets = &feed.packets()[feed.packet..];
        let mut before = None;
        let mut count = 0;
        for packet in packets {
            if before.is_some_and(|before| packet.cycle < before + 2) {
                return None;
            }
            if packet.cycle >= until {
                break;
            }
            if packet.flit.delay == self.late || packet.cycle + flight_time(packet.flit) >= end {
                return None;
            }
            before = Some(packet.cycle);
            count += 1;
        }
        Some(Span { tick, clear, end, input: feed.packet, inputs_end: feed.packet + count })
    }

    /// The edge at which spikes of a neuron go into their first buffers.
    const fn launch(&self, tick: u64, neuron: usize) -> u64 {
        tick + 1 + (neuron as u64 + 1) * self.pitch
    }

    /// Gathers the packets of a volley.
    fn gather(&mut self, neuron: usize) {
        self.crowd.clear();
        self.volleys.each_shot(neuron, |shot| self.crowd.push(*shot));
    }

    /// Lists the landings of a volley that is a word and meets no packet from outside; whether all are before `until`.
    fn untangle(&mut self, neuron: usize, left: u64, until: u64) -> bool {
        let shots = self.volleys.all_shots(neuron);
        let (_, mask) = self.volleys.paths(neuron);
        if !self.crowds.is_usable() || !self.crowds.resolve(Ones(mask).map(|place| &shots[place])) {
            return false;
        }
        self.landings.clear();
        self.held.clear();
        let mut last = 0;
        for (place, flight) in Ones(mask).zip(self.crowds.flights()) {
            let shot = &shots[place];
            self.landings.push(arrival(flight, shot.to, shot.flit));
            last = last.max(flight);
        }
        left + last < until
    }

    /// Lists the landings of a volley, and those of packets from outside that it holds up; whether all are before `until`.
    fn outcome(&mut self, span: &Span, neuron: usize, left: u64, until: u64, packets: &[RancInput]) -> bool {
        self.gather(neuron);
        self.landings.clear();
        self.held.clear();
        let usable = self.crowds.is_usable();
        if usable && (self.crowds.is_free(&self.crowd) || self.crowds.resolve(self.crowd.iter())) {
            let mut last = 0;
            for (shot, flight) in self.crowd.iter().zip(self.crowds.flights()) {
                self.landings.push(arrival(flight, shot.to, shot.flit));
                last = last.max(flight);
            }
            if left + last >= until {
                return false;
            }
            let meets = |(_, packet)| self.crowds.meets(&self.crowd, left, &packet);
            if !under_way(&self.arrived, span, packets, left, left + last).any(meets) {
                return true;
            }
            // Mostly nobody is held up for much longer.
            if self.follow(span, left, until, left + last + 6, packets) {
                return true;
            }
        }
        self.follow(span, left, until, left + 2 * self.reach, packets)
    }

    /// The same, packet by packet, with those from outside that set out before `horizon`.
    fn follow(&mut self, span: &Span, left: u64, until: u64, horizon: u64, packets: &[RancInput]) -> bool {
        self.departures.clear();
        self.inputs.clear();
        self.departures.extend(self.crowd.iter().map(|shot| shot.departure(left)));
        for (index, departure) in under_way(&self.arrived, span, packets, left, horizon) {
            self.departures.push(departure);
            self.inputs.push(index);
        }
        if !self.crossings.resolve(&self.departures) {
            return false;
        }
        self.landings.clear();
        self.held.clear();
        let mut last = 0;
        for ((place, packet), &arrives) in self.departures.iter().enumerate().zip(self.crossings.arrivals()) {
            // Packets from outside that nobody has held up land in their own time.
            if !packet.outside || arrives != packet.arrives() {
                let to = self.crowd.get(place).map_or_else(|| position(self.width, packet.flit), |shot| shot.to);
                self.landings.push(arrival(arrives - left, to, packet.flit));
                last = last.max(arrives);
            }
            if packet.outside && arrives != packet.arrives() {
                self.held.push(self.inputs[place - self.crowd.len()]);
            }
        }
        // Those that were listed are all that can be met until then.
        last < until.min(horizon)
    }
}

/// Packets from outside, not yet arrived, that are under way between two edges.
fn under_way<'a>(
    arrived: &'a [usize],
    span: &Span,
    packets: &'a [RancInput],
    from: u64,
    until: u64,
) -> impl Iterator<Item = (usize, Departure)> + 'a {
    let of_tick = (span.input..span.inputs_end).map(|index| (index, outside(&packets[index])));
    let set_out = of_tick.take_while(move |(_, departure)| departure.left < until);
    set_out.filter(move |(index, departure)| departure.arrives() > from && !arrived.contains(index))
}

fn outside(packet: &RancInput) -> Departure {
    Departure { left: packet.cycle, from: 0, outside: true, flit: packet.flit }
}

impl Fast {
    /// A tick that all cores have taken at edge `tick`; whether all of it, or its beginning, was done at once.
    pub(super) fn tick_together(&mut self, tick: u64, feed: &mut Feed<'_>, trace: &mut RancTrace) -> bool {
        let Some(mut together) = self.together.take() else { return false };
        let done = self.try_together(&mut together, tick, feed, trace);
        self.together = Some(together);
        done
    }

    fn try_together(&mut self, together: &mut Together, tick: u64, feed: &mut Feed<'_>, trace: &mut RancTrace) -> bool {
        let Some(mut span) = together.span(tick, feed) else { return false };
        // Spikes of the tick before may be under way, if they arrive before anything else sets out.
        let first = feed.packets().get(feed.packet).map_or(u64::MAX, |packet| packet.cycle);
        if self.flights.last_arrival() >= first.min(together.launch(tick, 0) - 1).min(span.end) {
            return false;
        }
        while self.flights.next_arrival() <= tick + 1 {
            self.arrive(self.flights.next_arrival(), trace);
        }
        self.cores.iter_mut().flatten().for_each(EventRancCore::begin_at_once);
        while self.flights.next_arrival() < u64::MAX {
            self.arrive(self.flights.next_arrival(), trace);
        }
        let from = lengths(trace);
        let mut sorted = from;
        together.volleys.collect(&self.cores);
        let mut next = together.volleys.next(0);
        let mut failed = None;
        while let Some(neuron) = next {
            next = together.volleys.next(neuron + 1);
            let disturbed = span.input < span.inputs_end;
            self.land_inputs(together, &mut span, together.launch(tick, neuron) - 1, feed, trace);
            if !self.cross(together, &span, neuron, next, feed, trace) {
                failed = Some(neuron);
                break;
            }
            if disturbed {
                sorted = lengths(trace);
            }
        }
        let until = failed.map_or(span.end, |neuron| together.launch(tick, neuron) - 1);
        self.leave(together, &mut span, until, failed.is_some(), feed, trace);
        for (position, core) in (0..).zip(&mut self.cores) {
            let Some(core) = core else { continue };
            match failed {
                None => core.end_at_once(tick),
                Some(neuron) => {
                    core.go_on(tick, neuron);
                    self.agenda.push(std::cmp::Reverse((core.due(), position)));
                }
            }
        }
        self.tell_spikes(together, tick, failed, trace);
        together.volleys.clear();
        together.arrived.clear();
        let after = lengths(trace);
        // Without packets from outside all is told in order.
        let until = if failed.is_some() || span.input < span.inputs_end { after } else { sorted };
        sort_between(trace, from, until);
        true
    }

    /// One crowd, if it has arrived before the next sets out.
    fn cross(
        &mut self,
        together: &mut Together,
        span: &Span,
        neuron: usize,
        next: Option<usize>,
        feed: &Feed<'_>,
        trace: &mut RancTrace,
    ) -> bool {
        let left = together.launch(span.tick, neuron);
        let until =
            next.map_or(span.end.min(span.clear + 2 * together.reach), |next| together.launch(span.tick, next) - 1);
        match together.meet(span, neuron, left, until, feed.packets()) {
            Met::Nobody => {
                together.volleys.each_landing(neuron, |landing| {
                    let Landing { flight, to, axon, delay } = *landing;
                    self.land(span.clear, left + u64::from(flight), to, (axon, delay), trace);
                });
                return true;
            }
            Met::Listed => {}
            Met::Unknown if together.outcome(span, neuron, left, until, feed.packets()) => {}
            Met::Unknown => return false,
        }
        together.landings.sort_unstable_by_key(|(key, ..)| *key);
        for &(key, axon, delay) in &together.landings {
            self.land(span.clear, left + (key >> 32), key as u32, (axon, delay), trace);
        }
        together.arrived.append(&mut together.held);
        true
    }

    /// Tells the spikes of a tick, up to the neuron that has failed.
    fn tell_spikes(&self, together: &Together, tick: u64, failed: Option<usize>, trace: &mut RancTrace) {
        let mut next = together.volleys.next(0);
        while let Some(neuron) = next.filter(|&neuron| failed != Some(neuron)) {
            let left = together.launch(tick, neuron);
            if left >= self.cycles {
                return;
            }
            let number = u32::try_from(neuron).expect("at most 65536 neurons");
            together.volleys.each_core(neuron, |core| trace.spikes.push((left, core, number)));
            next = together.volleys.next(neuron + 1);
        }
    }

    /// Lands packets from outside that arrive before `until`, as far as those before them have.
    fn land_inputs(
        &mut self,
        together: &Together,
        span: &mut Span,
        until: u64,
        feed: &Feed<'_>,
        trace: &mut RancTrace,
    ) {
        while span.input < span.inputs_end {
            let packet = &feed.packets()[span.input];
            let arrives = outside(packet).arrives();
            if together.arrived.contains(&span.input) {
                span.input += 1;
            } else if arrives < until {
                self.land_input(together, span.clear, packet, trace);
                span.input += 1;
            } else {
                return;
            }
        }
    }

    /// The tick is left at edge `until`: packets from outside have landed, or go on in the mesh if they have set out. Those
    /// that arrive when others may, which are not of this tick's, fly on.
    fn leave(
        &mut self,
        together: &Together,
        span: &mut Span,
        until: u64,
        to_mesh: bool,
        feed: &mut Feed<'_>,
        trace: &mut RancTrace,
    ) {
        let alone_until = span.clear + 2 * together.reach;
        for index in span.input..span.inputs_end {
            let packet = feed.packets()[index];
            if packet.cycle >= until {
                break;
            }
            let arrives = outside(&packet).arrives();
            if together.arrived.contains(&index) {
                continue;
            }
            if arrives >= until {
                self.flights.set_down(until, outside(&packet), &mut self.mesh);
            } else if arrives < alone_until || !self.flights.launch(packet.cycle, 0, true, packet.flit) {
                self.land_input(together, span.clear, &packet, trace);
            }
        }
        let set_out = feed.packets()[feed.packet..span.inputs_end].iter().take_while(|packet| packet.cycle < until);
        let before = trace.input_accepted.len();
        trace.input_accepted.extend(set_out.map(|packet| packet.cycle));
        feed.packet += trace.input_accepted.len() - before;
        if to_mesh && self.mesh.is_busy() {
            self.busy_at = until;
        }
    }

    /// A packet for an axon arrives at a position; at the edge `clear`, for nothing.
    #[inline(always)]
    fn land(&mut self, clear: u64, at: u64, to: u32, (axon, delay): (u32, u32), trace: &mut RancTrace) {
        let Some(core) = &mut self.cores[to as usize] else {
            trace.out_packets.push((at, axon & self.line_mask));
            return;
        };
        let slot = core.take(axon, delay, at != clear);
        let list = if at == clear { &mut trace.sched_writes_lost } else { &mut trace.sched_writes };
        list.push((at, to, slot.axon, slot.row));
    }

    /// A packet from outside arrives in its own time.
    fn land_input(&mut self, together: &Together, clear: u64, packet: &RancInput, trace: &mut RancTrace) {
        let Flit { axon, delay, .. } = packet.flit;
        let to = position(together.width, packet.flit);
        self.land(clear, packet.cycle + flight_time(packet.flit), to, (axon, delay), trace);
    }
}

fn position(width: u32, flit: Flit) -> u32 {
    flit.dx.unsigned_abs() + flit.dy.unsigned_abs() * width
}

/// Lengths of the lists of arrivals.
type Lengths = [usize; 3];

fn lengths(trace: &RancTrace) -> Lengths {
    [trace.sched_writes.len(), trace.sched_writes_lost.len(), trace.out_packets.len()]
}

/// Puts what was added in order of time and core. It mostly is: a volley and packets from outside are told one after the other.
fn sort_between(trace: &mut RancTrace, from: Lengths, to: Lengths) {
    let by_core = |event: &(u64, u32, u32, u32)| (event.0, event.1);
    put_in_order(&mut trace.sched_writes[from[0]..to[0]], by_core);
    put_in_order(&mut trace.sched_writes_lost[from[1]..to[1]], by_core);
    put_in_order(&mut trace.out_packets[from[2]..to[2]], |packet| *packet);
}

/// Every event goes back over those that come after it, which are few.
fn put_in_order<T: Copy, K: Ord>(events: &mut [T], key: impl Fn(&T) -> K) {
    for index in 1..events.len() {
        let event = events[index];
        let mut place = index;
        while place > 0 && key(&events[place - 1]) > key(&event) {
            events[place] = events[place - 1];
            place -= 1;
        }
        events[place] = event;
    }
}
