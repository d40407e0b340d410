//! A volley and the packets from outside that are under way with it.

use super::super::chip::RancInput;
use super::super::volley::Ones;
use super::{Span, Together, arrival, outside, position, under_way};
use crate::emu::mesh::clocked::{Departure, Path};

/// What is known of a volley.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// Nobody meets anybody.
    Nobody,
    /// All landings are listed.
    Listed,
    /// Nothing.
    Unknown,
}

/// Cycles for which somebody may be held up beyond the longest flight of those that are in time.
const SLACK: u64 = 8;

/// A packet that was followed: its way, how long after the volley it set out, and how late it is.
type Late = (Path, i64, i64);

impl Together {
    /// Whom the packets of a volley meet. Only those that meet somebody are followed, and those that come near one of them
    /// that is late: all others are in time.
    pub(super) fn meet(&mut self, span: &Span, neuron: usize, left: u64, until: u64, packets: &[RancInput]) -> Met {
        if !self.volleys.is_simple() {
            return Met::Unknown;
        }
        let longest = self.volleys.longest(neuron);
        if left + longest >= until {
            return Met::Unknown;
        }
        let mut of_volley = self.volleys.clash(neuron);
        if span.input == span.inputs_end || !self.list_inputs(span, left, left + longest + SLACK, packets) {
            return match of_volley {
                0 => Met::Nobody,
                _ if self.delay(neuron, left, until) || self.untangle(neuron, left, until) => Met::Listed,
                _ => Met::Unknown,
            };
        }
        if self.inputs.len() > 64 {
            return Met::Unknown;
        }
        let mut of_inputs = 0;
        for (number, (path, after)) in self.ways.iter().enumerate() {
            let column = packets[self.inputs[number]].flit.dx.unsigned_abs() as usize;
            let met = self.volleys.near(neuron, column, path, *after);
            of_volley |= met;
            of_inputs |= u64::from(met != 0) << number;
        }
        if of_volley == 0 {
            return Met::Nobody;
        }
        loop {
            self.depart(neuron, left, of_volley, of_inputs, packets);
            if !self.crossings.resolve(&self.departures) {
                return Met::Unknown;
            }
            let (more, more_inputs) = self.touched(neuron, left, of_volley, of_inputs);
            if more | more_inputs == 0 {
                break;
            }
            (of_volley, of_inputs) = (of_volley | more, of_inputs | more_inputs);
        }
        self.list(neuron, left, of_volley, of_inputs);
        let last = self.landings.iter().map(|(key, ..)| key >> 32).max().unwrap_or(0);
        // Those that set out later than the listed meet nobody who lands before.
        if last > longest + SLACK || left + last >= until { Met::Unknown } else { Met::Listed }
    }

    /// Lists the landings of a volley that meets no packet from outside, where few wait; whether that can be, and all are before
    /// `until`.
    fn delay(&mut self, neuron: usize, left: u64, until: u64) -> bool {
        let Some(slots) = self.volleys.delays(neuron, self.depth) else { return false };
        let (paths, mask) = self.volleys.paths(neuron);
        let shots = self.volleys.all_shots(neuron);
        self.landings.clear();
        self.held.clear();
        let mut last = 0;
        for place in Ones(mask) {
            let flight = paths[place].flight() + 2 * u64::from(slots[place]);
            self.landings.push(arrival(flight, paths[place].to(), shots[place].flit));
            last = last.max(flight);
        }
        left + last < until
    }

    /// Lists the packets from outside that are under way from edge `left` on and have set out before `horizon`; whether
    /// there are any.
    fn list_inputs(&mut self, span: &Span, left: u64, horizon: u64, packets: &[RancInput]) -> bool {
        self.inputs.clear();
        self.ways.clear();
        for (index, packet) in under_way(&self.arrived, span, packets, left, horizon) {
            self.inputs.push(index);
            self.ways.push((Path::new(self.width, 0, packet.flit), packet.left.cast_signed() - left.cast_signed()));
        }
        !self.inputs.is_empty()
    }

    /// Those that are followed.
    fn depart(&mut self, neuron: usize, left: u64, of_volley: u64, of_inputs: u64, packets: &[RancInput]) {
        self.departures.clear();
        let shots = self.volleys.all_shots(neuron);
        self.departures.extend(Ones(of_volley).map(|place| shots[place].departure(left)));
        self.departures.extend(Ones(of_inputs).map(|number| outside(&packets[self.inputs[number]])));
    }

    /// Who else comes near one of those that were followed and are late: of the volley, of the packets from outside.
    fn touched(&self, neuron: usize, left: u64, of_volley: u64, of_inputs: u64) -> (u64, u64) {
        let (paths, mask) = self.volleys.paths(neuron);
        let followed = Ones(of_volley).map(|place| (paths[place], 0));
        let followed = followed.chain(Ones(of_inputs).map(|number| self.ways[number]));
        let (mut more, mut more_inputs) = (0, 0);
        for ((path, after), (departure, &arrives)) in
            followed.zip(self.departures.iter().zip(self.crossings.arrivals()))
        {
            debug_assert_eq!(departure.left.cast_signed(), left.cast_signed() + after);
            let late: Late = (path, after, (arrives - departure.arrives()).cast_signed());
            if late.2 == 0 {
                continue;
            }
            let near = |other: &Path, then: i64| late.0.comes_near(late.2, late.1 - then, other);
            for place in Ones(mask & !of_volley & !more) {
                more |= u64::from(near(&paths[place], 0)) << place;
            }
            for (number, (other, then)) in self.ways.iter().enumerate() {
                let other_one = (of_inputs | more_inputs) >> number & 1 == 0;
                more_inputs |= u64::from(other_one && near(other, *then)) << number;
            }
        }
        (more, more_inputs)
    }

    /// Lists the landings: all of the volley, and those from outside that are late.
    fn list(&mut self, neuron: usize, left: u64, of_volley: u64, of_inputs: u64) {
        self.landings.clear();
        self.held.clear();
        let (paths, mask) = self.volleys.paths(neuron);
        let shots = self.volleys.all_shots(neuron);
        let mut arrivals = self.crossings.arrivals().iter().zip(&self.departures);
        let mut followed = || arrivals.next().expect("one of each that is followed");
        for place in Ones(mask) {
            let in_time = paths[place].flight();
            let flight = if of_volley >> place & 1 == 0 { in_time } else { followed().0 - left };
            self.landings.push(arrival(flight, paths[place].to(), shots[place].flit));
        }
        for number in Ones(of_inputs) {
            // The others land in their own time.
            let (&arrives, departure): (&u64, &Departure) = followed();
            if arrives != departure.arrives() {
                self.landings.push(arrival(arrives - left, position(self.width, departure.flit), departure.flit));
                self.held.push(self.inputs[number]);
            }
        }
    }
}
